/* One stack with its loopback, driven by polling with the real clock, and pairs of sockets in it.
 */
#ifndef BENCH_CORE_RIG_H
#define BENCH_CORE_RIG_H

#include <netinet/in.h>

#include "handfast/errno.h"
#include "handfast/linux.h"
#include "handfast/socket.h"
#include "measure.h"

/* How many pairs go to one port before the next is taken: less than there are automatic ports. */
#define PAIRS_PER_DOOR 20000
#define DOOR_FIRST     1024

struct name {
    union {
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } u;
    uint32_t len;
};

struct rig {
    struct hf_stack *st;
    struct hf_frame_pool *pool;
    int family;
};

struct pair {
    struct hf_sock *client, *server;
};

void rig_init(struct rig *r, int family);
void rig_fini(struct rig *r);

/* Brings the time and lets happen what follows from what was called. */
void rig_settle(struct rig *r);

/* The loopback address, and the n-th of many that are this stack's as well. */
struct name rig_here(const struct rig *r, uint16_t port);
struct name rig_elsewhere(const struct rig *r, uint32_t n, uint16_t port);

struct hf_sock *rig_socket(struct rig *r, int type);
/* Listens at that port of all addresses. */
struct hf_sock *rig_listen(struct rig *r, uint16_t port);

/* A connection to `to`, accepted from listener. client is new, or bound already. */
struct pair rig_join(struct rig *r, struct hf_sock *listener, struct hf_sock *client,
                     const struct name *to);
void rig_reset(struct rig *r, struct pair p); /* by RST */

/* That many pairs at ports from DOOR_FIRST on. rig_let_go frees the array too. */
struct pair *rig_hold(struct rig *r, long count);
void rig_let_go(struct rig *r, struct pair *pairs, long count);

int64_t put(struct hf_sock *sk, const void *bytes, size_t len);
int64_t get(struct hf_sock *sk, void *bytes, size_t len);
/* One message, by the calls for what is over at once; else by the usual ones. It must work. */
void put_now(struct rig *r, struct hf_sock *sk, const void *bytes, size_t len);
void get_now(struct hf_sock *sk, void *bytes, size_t len);
void must(int64_t result, const char *what); /* dies of an error */

/* One file each. */
void core_cycle(const struct args *args);     /* number: pairs held */
void core_cycle_fin(const struct args *args); /* number: addresses */
void core_latency(const struct args *args);
void core_ports(const struct args *args);  /* number: per mille, order, doors */
void core_memory(const struct args *args); /* number: pairs */
void core_rr(const struct args *args);
void core_bulk(const struct args *args); /* number: offset of the buffers in their pages */
void core_copies(const struct args *args);
void core_udp(const struct args *args);
void core_unix_cycle(const struct args *args);
void core_unix_bulk(const struct args *args);
void core_timers(const struct args *args); /* number: timers */
void core_shards(const struct args *args);

#endif
