/* Sockets of the process at loopback. This source is compiled twice: with libc's calls it is the
 * kernel's side, with the library's in their place (tests/posix/library.h) the face's. */
#ifndef BENCH_POSIX_PLACE_H
#define BENCH_POSIX_PLACE_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "measure.h"

/* As in core/rig.h. */
#define PAIRS_PER_DOOR 20000
#define DOOR_FIRST     1024
#define DOOR           900

struct name {
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } u;
    socklen_t len;
};

struct pair {
    int client, server;
};

struct name place_here(int family, uint16_t port);
struct name place_elsewhere(int family, uint32_t n, uint16_t port);
int place_socket(int family, int type);
int place_listen(int family, uint16_t port);
struct pair place_join(int listener, int client, const struct name *to);
void place_reset(struct pair p);
struct pair *place_hold(int family, long count);
void place_let_go(struct pair *pairs, long count);

/* Makes fd00:77::/64 the host's own. Of the kernel bench/figures has asked that already. */
void place_arrange(void);

/* As many descriptors as there may be. */
void place_all_descriptors(void);

void posix_cycle(const struct args *args);     /* number: pairs held */
void posix_cycle_fin(const struct args *args); /* number: addresses */
void posix_latency(const struct args *args);
void posix_ports(const struct args *args);  /* number: per mille, order */
void posix_memory(const struct args *args); /* number: pairs */
void posix_rr(const struct args *args);
void posix_bulk(const struct args *args); /* number: offset of the buffers in their pages */
void posix_udp(const struct args *args);
void posix_reconnect(const struct args *args);
void posix_unix_cycle(const struct args *args);
void posix_unix_bulk(const struct args *args);

#endif
