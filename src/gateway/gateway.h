/* The way out through the host's own sockets: a second stack at the far end of a wire that takes
 * any destination, dials it with an ordinary socket, and answers the SYN only when that dial has
 * ended: SYN-ACK, RST, or the ICMP error that its errno stands for. UDP likewise, per flow. And the
 * way in: what is published on the host is connected to the program. */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "handfast/link.h"
#include "host/loop.h"

struct gateway;
struct hf_sock;

struct gateway_config {
    struct loop *loop;
    struct hf_frame_pool *pool;
    struct hf_link *wire; /* the gateway's end; attached, and lent until gateway_free */
    bool host_loopback;   /* 10.0.2.2 and fd00:2::2 reach the host's own loopback */
    /* The host's resolvers, from its resolv.conf: 10.0.2.3 and fd00:2::3 port 53 go to the first,
     * and these very addresses too. Lent. */
    const char *const *resolvers;
    size_t resolver_count;
    /* A line for -v; NULL: silence. */
    void (*log)(void *ctx, const char *line);
    void *log_ctx;
};

/* 0 or -errno. */
HF_NODISCARD int gateway_new(const struct gateway_config *config, struct gateway **out);
void gateway_free(struct gateway *g);

/* Lets what has come over the wire act now, as the loop would soon: a dial that ends at once has
 * been answered when this returns. Not from within a call-back of the gateway's. */
void gateway_settle(struct gateway *g);

/* The program closes that connection for good: nobody there reads any more. For a moment before
 * hf_sock_close. */
void gateway_left(struct gateway *g, const struct hf_sock *program);

/* Listens on the host at [ADDR:]HOSTPORT and carries what comes to PORT of the program (10.0.2.15,
 * or fd00:2::15 for IPv6 clients): "[ADDR:]HOSTPORT:PORT[/tcp|/udp]". ADDR is 127.0.0.1 and ::1
 * when it is not given; HOSTPORT 0 takes a free one, written back to *port. 0, -EINVAL (malformed),
 * or the host's -errno. A connection reaches the program as from 10.0.2.2 / fd00:2::2. */
HF_NODISCARD int gateway_publish(struct gateway *g, const char *spec, uint16_t *port);

#endif
