/* What the parts of the gateway share.
 *
 * Everything happens in the loop's thread. The stack's call-back only notes whose socket changed; a
 * task of the loop then lets each noted owner act. Whoever acts on the stack from a descriptor's
 * event first calls gateway_clock: the stack's clock is that of its last poll. */
#ifndef GATEWAY_INSIDE_H
#define GATEWAY_INSIDE_H

#include "gateway/address.h"
#include "gateway/due.h"
#include "gateway/gateway.h"
#include "handfast/linux.h"
#include "handfast/socket.h"

#define PROGRAM4 "10.0.2.15"
#define PROGRAM6 "fd00:2::15"
#define GATEWAY4 "10.0.2.2"
#define GATEWAY6 "fd00:2::2"
#define DNS4     "10.0.2.3"
#define DNS6     "fd00:2::3"
#define DNS_PORT 53

/* The owner of a stack socket, as its user pointer. */
struct notice {
    struct ring link;              /* alone while there is nothing new */
    void (*act)(struct notice *n); /* the socket may have changed; may free any owner */
};

/* A socket of the stack that takes what nobody else does, one per family and protocol. */
struct catcher {
    struct notice notice;
    struct gateway *g;
    struct hf_sock *sk;
};

enum { FAMILY4, FAMILY6, FAMILIES };

/* Sockets for dials to come. */
#define SPARES 4
struct spares {
    struct loop *loop;
    struct loop_task task;
    int fd[FAMILIES][SPARES];
    int count[FAMILIES];
    bool is_used[FAMILIES];
};

#define DATAGRAM_MAX 65536

#define UDP_BUCKETS 1024 /* a power of two */

struct gateway {
    struct gateway_config config;
    struct loop_source source;
    struct loop_task task;
    struct hf_stack *stack;
    struct ring noted;  /* notices whose sockets changed */
    struct ring acting; /* those whose turn it is */
    struct due_queues due;
    struct catcher tcp[FAMILIES], udp[FAMILIES];
    struct spares spares;
    struct ring tcp_flows, listeners;
    struct ring udp_flows[UDP_BUCKETS]; /* by their two addresses */
    uint32_t udp_count;
    uint64_t udp_seed;
    uint8_t *datagram; /* room for the largest */
};

/* gateway.c */
void notice_init(struct notice *n, void (*act)(struct notice *n));
/* Lets it act soon, as if its socket had changed. */
void notice_again(struct gateway *g, struct notice *n);
void gateway_clock(struct gateway *g);
__attribute__((format(printf, 2, 3))) void gateway_log(struct gateway *g, const char *format, ...);

/* translate.c: where a destination of the program's really is. False: nowhere that it may go, as a
 * line of the log has told. */
bool gateway_translate(struct gateway *g, const char *what, const union address *from,
                       const union address *dst, union address *to);
/* The refusal that the errno of a host's socket stands for. */
enum hf_refusal gateway_refusal(int err);

/* spare.c */
void spares_init(struct spares *s, struct loop *loop);
void spares_fini(struct spares *s);
/* A stream socket of the host's, non-blocking and tuned, or -errno. */
HF_NODISCARD int spare_take(struct spares *s, int family);
/* What each socket that bytes pass through is set to. */
void spare_tune(int fd);

/* gateway_tcp.c */
int gateway_tcp_init(struct gateway *g);
void gateway_tcp_fini(struct gateway *g);
/* Connects a connection that the host accepted to the program; takes fd. */
void gateway_tcp_call(struct gateway *g, int fd, const union address *program);

/* gateway_udp.c */
int gateway_udp_init(struct gateway *g);
void gateway_udp_fini(struct gateway *g);
/* A datagram that came to a published port, at fd, from client. */
void gateway_udp_call(struct gateway *g, int fd, const union address *client,
                      const union address *program, const void *bytes, size_t len);
/* fd is about to be closed: ends the flows that answer through it. */
void gateway_udp_forget(struct gateway *g, int fd);

/* publish.c */
void gateway_publish_fini(struct gateway *g);

#endif
