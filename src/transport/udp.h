/* UDP as the socket layer sees it. RFC 768, RFC 1122 4.1; Linux's answers. */
#ifndef TRANSPORT_UDP_H
#define TRANSPORT_UDP_H

#include "handfast/socket.h"
#include "transport/ports.h"

/* How datagrams to groups of one family go. */
struct udp_multicast {
    uint8_t ttl;
    uint8_t link;       /* 0: by route */
    uint8_t loops;      /* IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP */
    uint8_t source4[4]; /* IP_MULTICAST_IF's address, whence they come; 0.0.0.0: by route */
};

/* When datagrams are told to have come: SO_TIMESTAMP and its like, as the socket layer reads it. */
struct udp_stamps {
    uint32_t flags; /* SO_TIMESTAMPING's */
    uint8_t on : 1, is_ns : 1, is_new : 1, flags_are_new : 1;
};

/* A datagram sock: begins with its pcb. Lives inside the socket. */
struct udp_pcb {
    struct pcb pcb;
    struct udp *udp;
    struct hf_frame *first, *last; /* received, oldest first; see struct udp_dgram */
    uint32_t queued_bytes;         /* truesize of what is queued */
    uint32_t rcvbuf, sndbuf;       /* bytes, as Linux reports them (212992 by default) */
    uint16_t queued;               /* datagrams */
    uint8_t shut_recv : 1;         /* arriving datagrams are still queued (Linux) */
    uint8_t is_connected : 1;      /* a peer is set (raddr may be set with port 0) */
    uint8_t dont_fragment6 : 1;    /* IPV6_DONTFRAG */
    uint8_t recv_path_mtu : 1;     /* IPV6_RECVPATHMTU */
    uint8_t mcast_all : 1;         /* IP_MULTICAST_ALL, and IPv6's */
    uint8_t mcast_all6 : 1;
    uint8_t takes_bursts : 1;     /* UDP_GRO: what was cut by UDP_SEGMENT comes in one piece */
    uint8_t counts_drops : 1;     /* SO_RXQ_OVFL */
    uint8_t unchecked4 : 1;       /* SO_NO_CHECK: no checksum is sent */
    uint8_t unchecked6 : 1;       /* UDP_NO_CHECK6_TX */
    uint8_t takes_unchecked6 : 1; /* UDP_NO_CHECK6_RX */
    uint16_t segment;             /* UDP_SEGMENT: sends are cut into so many bytes; 0: not */
    uint32_t drops;               /* datagrams that found no room */
    struct udp_multicast mcast4, mcast6;
    struct udp_stamps stamps;
    struct bpf *filter;                 /* bpf.h; NULL: none */
    uint8_t txtime_clock, txtime_flags; /* SO_TXTIME: kept */
    uint8_t has_txtime : 1;
    uint32_t sticky_link6;          /* IPV6_PKTINFO's, for what says no link; 0: none */
    struct membership *memberships; /* membership.h */
    uint16_t cut6;                  /* IPV6_MTU: larger ones go in pieces; 0: as the path says */
    uint8_t told_link;              /* with told_dst, of a link-local one */
    uint32_t told_mtu;              /* RFC 3542 11.3, for IPV6_PATHMTU: 0: nothing to tell */
    struct ip_addr told_dst;
    struct cork *cork;    /* for the socket layer */
    struct udp_pcb *twin; /* for udp_twin.c: who hears what this one says to its peer, or NULL... */
    uint64_t twin_known;  /* ... while udp->changes is this */
};

/* What is noted of a received datagram, in its frame's cb[]; the payload is the frame's bytes,
 * `when` its arrival, and gso_bytes, if not 0, how it was cut. */
struct udp_dgram {
    struct ip_addr src, dst;
    uint16_t src_port, dst_port;
    uint8_t ttl, tos;
    uint16_t link_index;
    uint32_t drops; /* SO_RXQ_OVFL: so many were dropped before it */
};

struct udp_up {
    /* Readability or the pending error of up may have changed. Must not call back into UDP. */
    void (*event)(struct udp_pcb *up);
    /* False: whoever had up has closed it, and udp_close will follow. Must not call back into UDP.
     * NULL: it would never be false. */
    bool (*wanted)(struct udp_pcb *up);
};

struct udp {
    struct core *core;
    struct net *net;
    struct demux demux;
    struct ports ports;
    const struct udp_up *up;
    uint64_t changes; /* how often a socket got a peer or lost it; from 1 on */
    uint32_t rcvbuf_default, sndbuf_default; /* 212992 */
};

HF_NODISCARD int udp_init(struct udp *udp, struct core *core, struct net *net,
                          const struct udp_up *up, uint16_t port_min, uint16_t port_max);
void udp_fini(struct udp *udp);

void udp_pcb_init(struct udp *udp, struct udp_pcb *up, bool is_v6, bool v6only);
/* Gives up port, path, queue: the end of the socket. */
void udp_close(struct udp_pcb *up);

/* laddr of the socket's family (any is fine), port 0: any free one. As ports_bind. */
HF_NODISCARD int udp_bind(struct udp_pcb *up, const struct ip_addr *laddr, uint16_t port);

/* Holds a free port for a socket that has none; nothing for one that has.
 *   -HF_EAGAIN no port left  -HF_ENOBUFS no memory                              (C05) */
HF_NODISCARD int udp_autobind(struct udp_pcb *up);

/* Sets the peer; binds to a port first when unbound, and to a source address when that is any.
 * dst may be any (loopback is meant). Port 0 is allowed (getpeername then says ENOTCONN).
 *   path_find's errors; -HF_EACCES broadcast without SO_BROADCAST (the port is bound by then);
 *   -HF_EAGAIN no port left                          (C04, C05, NetSem connect_7, connect_8) */
HF_NODISCARD int udp_connect(struct udp_pcb *up, const struct endpoint *dst);
/* AF_UNSPEC: no peer any more; address and port that bind() did not name are given up. (C07, C09)
 */
void udp_disconnect(struct udp_pcb *up);

/* What one datagram is to be where it is not as the socket says. */
struct udp_how {
    const struct endpoint *dst; /* NULL: the peer */
    struct ip_addr src;         /* IP_PKTINFO's; any, also ADDR_ANY6 over IPv4: the socket's */
    uint32_t link_index;        /* IP_PKTINFO's; 0: the socket's */
    int16_t ttl, tos;           /* below 0: the socket's */
    int8_t dont_fragment;       /* IPV6_DONTFRAG's; below 0: the socket's */
    int32_t segment;            /* UDP_SEGMENT's; below 0: the socket's */
    bool is_unbound;            /* IP_PKTINFO without a source: not the socket's either */
    bool is_shut;               /* shutdown() forbids it: EPIPE, told last as on Linux */
    bool is_probe;              /* MSG_PROXY: is there a way? Nothing is sent */
};

/* One datagram. Returns its length, or in this order
 *   -HF_EAGAIN no port left  -HF_EMSGSIZE  -HF_EINVAL port 0  -HF_EDESTADDRREQ no peer
 *   path_find's errors  -HF_EACCES broadcast  -HF_EMSGSIZE, told in the error queue too
 *   -HF_EINVAL more than 128 segments, or one without a checksum
 *   -pending error, taken  -HF_EPIPE
 *   -HF_ENOBUFS no memory */
HF_NODISCARD int64_t udp_send(struct udp_pcb *up, const struct udp_how *how,
                              const struct hf_iovec *iov, size_t n);

/* The len bytes of iov from up to its peer, where that is a socket of this stack and all that is
 * between them is known to let them pass; at most 65535. True: they have been sent. False: nothing
 * has happened, and udp_send is to be asked. knows_time: the stack's clock is right; else it does
 * not go to one who is to be told when it came. */
HF_NODISCARD bool udp_twin_send(struct udp_pcb *up, const struct hf_iovec *iov, uint32_t len,
                                bool knows_time);

/* A datagram that is being made got too long: told as udp_send tells it. -HF_EMSGSIZE. */
HF_NODISCARD int udp_refuse_size(struct udp_pcb *up, const struct udp_how *how);

/* The oldest datagram, still queued; NULL when none is. */
struct hf_frame *udp_front(const struct udp_pcb *up);
static inline const struct udp_dgram *udp_dgram(const struct hf_frame *f)
{
    return (const struct udp_dgram *)(const void *)f->cb;
}
void udp_pop(struct udp_pcb *up);

/* hf_sock_report: an ICMP error to `to` about its datagram to this socket's address. */
void udp_report(struct udp_pcb *up, const struct endpoint *to, enum hf_refusal how);

#endif
