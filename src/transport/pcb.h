/* What TCP connections and UDP sockets have in common: who they are (the four-tuple), how they hold
 * their port, the options of IP, the pending error. struct tcb and struct udp_pcb begin with it. */
#ifndef TRANSPORT_PCB_H
#define TRANSPORT_PCB_H

#include "base/hash.h"
#include "net/ip_output.h"
#include "wire/addr.h"

enum demux_kind {
    DEMUX_NONE,     /* in no table */
    DEMUX_CONN,     /* by its four-tuple */
    DEMUX_BOUND,    /* by local address and port: a listener, an unconnected UDP socket */
    DEMUX_TIMEWAIT, /* by its four-tuple, a struct timewait: not a pcb */
    DEMUX_GROUP,    /* stands for bound ones that share by SO_REUSEPORT: demux_group.h */
};

/* How a local port is held; ports.h. */
enum port_hold {
    PORT_NONE,
    PORT_BOUND, /* by bind() or listen(), or as a listener's child: port_ref is a struct port_place
                 */
    PORT_AUTO,  /* chosen by connect() for its four-tuple: a struct port_group */
};

/* What the demultiplexer finds. */
struct demux_entry {
    struct hash_node node;       /* in_group: next is the group's, hash its place there */
    struct ip_addr laddr, raddr; /* raddr is any where unconnected */
    uint16_t lport, rport;       /* host order; 0: none */
    uint8_t kind;                /* enum demux_kind */
    uint8_t port_hold;           /* enum port_hold */
    uint8_t reuse_addr : 1;      /* of the port's holder, as Linux's tw_reuse and sk_reuse */
    uint8_t reuse_port : 1;
    uint8_t is_v6 : 1; /* an AF_INET6 socket's */
    uint8_t v6only : 1;
    uint8_t any_dst : 1;     /* takes what nobody else does: hf_sock_listen_any, receive_any */
    uint8_t transparent : 1; /* may bind foreign addresses */
    uint8_t freebind : 1;
    uint8_t is_listening : 1;
    uint8_t in_group : 1;
    uint8_t bind_no_port : 1; /* IP_BIND_ADDRESS_NO_PORT */
    uint8_t port_class : 2;   /* how the port's hold was counted, for ports.c */
    void *port_ref;
};

/* What goes out by one family is given, and what comes in is held to. */
struct pcb_ip {
    uint8_t ttl; /* 0: the default */
    uint8_t tos;
    uint8_t least_ttl; /* IP_MINTTL, IPV6_MINHOPCOUNT: TCP's; 0: any */
};

/* Invariant: laddr, lport, raddr, rport change only while kind is DEMUX_NONE. */
struct pcb {
    struct demux_entry entry;
    struct path *path;        /* NULL until needed; one reference */
    struct err_queue *errors; /* NULL: none; err_queue.h */
    uint16_t link_index;      /* SO_BINDTODEVICE or a scope id; 0: any */
    uint16_t port_low;        /* IP_LOCAL_PORT_RANGE, host order; 0: the stack's own end */
    uint16_t port_high;
    uint8_t err;      /* HF_E... pending, SO_ERROR takes it (Linux: sk_err) */
    uint8_t soft_err; /* what ICMP said of a connection that goes on (sk_err_soft) */
    struct pcb_ip ip4, ip6;
    uint16_t pmtudisc4 : 3, pmtudisc6 : 3; /* HF_IP_PMTUDISC_* */
    uint16_t addr_bound : 1;               /* bind() named an address: it survives AF_UNSPEC */
    uint16_t port_bound : 1;               /* bind() named a port: likewise */
    uint16_t recv_err : 1;                 /* IP_RECVERR: of what goes out as IPv4 */
    uint16_t recv_err6 : 1;                /* IPV6_RECVERR: as IPv6 */
    uint16_t broadcast : 1;                /* SO_BROADCAST */
};

/* What holds for packets to and from such an address. */
static inline const struct pcb_ip *pcb_ip(const struct pcb *p, const struct ip_addr *addr)
{
    return addr_is4(addr) ? &p->ip4 : &p->ip6;
}
static inline bool pcb_is_v6(const struct pcb *p)
{
    return p->entry.is_v6;
}
/* The socket asks for errors about what it sends to such an address. */
static inline bool pcb_wants_errors(const struct pcb *p, const struct ip_addr *dst)
{
    return addr_is4(dst) ? p->recv_err : p->recv_err6;
}
static inline int pcb_pmtudisc(const struct pcb *p, const struct ip_addr *addr)
{
    return addr_is4(addr) ? p->pmtudisc4 : p->pmtudisc6;
}
/* The unspecified address of the socket's own family. */
static inline struct ip_addr pcb_any(const struct pcb *p)
{
    return p->entry.is_v6 ? ADDR_ANY6 : ADDR_ANY4;
}

#endif
