/* AF_NETLINK sockets of one stack, which tell of its links, addresses, routes, neighbours and rules
 * (NETLINK_ROUTE) and of its sockets (NETLINK_SOCK_DIAG). Nothing of them can be changed this way.
 *
 * A request is answered in the call that sends it; the answer waits in the socket's queue. */
#ifndef NETLINK_NETLINK_H
#define NETLINK_NETLINK_H

#include "base/hash.h"
#include "base/list.h"
#include "netlink/answer.h"
#include "netlink/numbers.h"
#include "transport/tcp/tcp.h"
#include "transport/udp.h"

struct netlink_pcb;

struct netlink_up {
    /* The queue or the pending error of p may have changed. Must not call back. */
    void (*event)(struct netlink_pcb *p);
};

struct netlink {
    struct core *core;
    struct net *net;
    struct tcp *tcp;
    struct udp *udp;
    const struct netlink_up *up;
    struct hash ports;  /* struct netlink_pcb by protocol and port id */
    uint32_t next_port; /* to be tried for a socket whose first choice is taken */
};

struct netlink_pcb {
    struct netlink *all;
    struct hash_node node; /* while port is not 0 */
    struct list queue;     /* struct part */
    uint64_t groups; /* joined: bit n - 1 for group n. None of them ever has anything to say */
    uint32_t queued_bytes;
    uint32_t rcvbuf, sndbuf; /* as Linux reports them */
    uint32_t own_port;       /* which it gets where none is named; 0: any */
    uint32_t port;           /* 0: not bound */
    uint32_t peer_port, peer_groups;
    uint8_t err; /* HF_E... pending */
    uint8_t protocol, type;
    uint8_t is_bound : 1;
    uint8_t is_admin : 1; /* whose it is may change the network */
    uint8_t pass_cred : 1, reuse_addr : 1, broadcast : 1;
    /* SOL_NETLINK options */
    uint8_t pktinfo : 1, broadcast_error : 1, no_enobufs : 1;
    uint8_t cap_ack : 1, ext_ack : 1, strict : 1;
};

HF_NODISCARD int netlink_init(struct netlink *nl, struct core *core, struct net *net,
                              struct tcp *tcp, struct udp *udp, const struct netlink_up *up);
void netlink_fini(struct netlink *nl);

/* Is that a protocol of ours? */
bool netlink_serves(int protocol);

void netlink_pcb_init(struct netlink *nl, struct netlink_pcb *p, int type, int protocol);
void netlink_close(struct netlink_pcb *p);

/* port 0: the socket's own, or any. -HF_EADDRINUSE, -HF_EINVAL: bound to another already. */
HF_NODISCARD int netlink_bind(struct netlink_pcb *p, uint32_t port, uint32_t groups);
/* Binds one that is not. */
void netlink_autobind(struct netlink_pcb *p);

/* Requests, one behind the other. is_admin: who asks may change the network (which nobody can).
 * -HF_ENOBUFS. */
HF_NODISCARD int netlink_request(struct netlink_pcb *p, const uint8_t *bytes, size_t len,
                                 bool is_admin);
/* A datagram to another socket. -HF_ECONNREFUSED: none has that port; -HF_EAGAIN: it is full. */
HF_NODISCARD int netlink_pass(struct netlink_pcb *p, uint32_t port, const uint8_t *bytes,
                              size_t len);

/* The oldest datagram, or NULL; takes it away. */
struct part *netlink_front(const struct netlink_pcb *p);
void netlink_pop(struct netlink_pcb *p);

/* tell_*.c: what there is, as messages; 0 or the error that the request ends with. */
struct question {
    const struct netlink *nl;
    const struct request *rq;
    struct answer *a;
};
typedef int tell_fn(const struct question *q);
tell_fn tell_links, tell_link;
tell_fn tell_addresses, tell_address;
tell_fn tell_routes, tell_route;
tell_fn tell_neighbours, tell_neighbour;
tell_fn tell_rules;
tell_fn tell_sockets;

#endif
