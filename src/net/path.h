/* The way to one destination: route, link, next hop, source address, MTU. Shared by all that go
 * there and counted; found anew when the routes have changed. */
#ifndef NET_PATH_H
#define NET_PATH_H

#include "base/hash.h"
#include "net/net.h"

struct neighbour;

struct path {
    struct hash_node node;
    struct list link_in_lru; /* for path.c */
    struct net *net;
    uint32_t refs;
    uint32_t generation; /* of the routes it was found in */
    struct ip_addr dst;
    struct ip_addr next_hop;     /* dst itself when on the link */
    struct ip_addr src;          /* what source selection chose; RFC 6724, RFC 1122 3.3.4.3 */
    struct hf_link *link;        /* lo for local destinations */
    struct neighbour *neighbour; /* resolved or being so; NULL where the link needs none */
    uint32_t mtu;                /* of the path: the link's, or less by PMTUD */
    bool may_be_cut;             /* path_may_be_cut, of now */
    hf_time mtu_until;           /* when a learned MTU is forgotten; RFC 1191 6.3, 10 minutes */
    bool is_local, is_broadcast, is_multicast;
    bool hands_over; /* to this host itself, from an address that can be: handover.h */
    /* for path.c: what was asked, besides dst */
    struct ip_addr asked_src;
    uint32_t asked_link;
    bool unless_bound; /* by an HF_ROUTE_UNLESS_BOUND route: ask again for each port */
    bool own_only;     /* found without such routes */
    bool is_hashed;    /* others can find it */
};

struct path_query {
    struct ip_addr dst;  /* not any */
    struct ip_addr src;  /* what the caller is bound to, or ADDR_ANY4 / ADDR_ANY6 */
    uint32_t link_index; /* SO_BINDTODEVICE or scope id; 0: any */
    uint16_t port;       /* destination port and protocol, for HF_ROUTE_UNLESS_BOUND */
    uint8_t proto;
};

/* 0 and a counted path, or
 *   -HF_ENETUNREACH   no route; an IPv4 source that is not this host's
 *   -HF_EHOSTUNREACH  an unreachable route
 *   -HF_EACCES        a prohibit route
 *   -HF_EINVAL        a blackhole route; a loopback source that would leave
 *   -HF_ENODEV        IPv4: no such link
 *   -HF_EADDRNOTAVAIL no usable source address
 *   -HF_ENOBUFS       no memory
 * *out is unchanged on error. */
HF_NODISCARD int path_find(struct net *net, const struct path_query *q, struct path **out);

static inline struct path *path_ref(struct path *p)
{
    p->refs++;
    return p;
}
/* NULL is fine. */
void path_put(struct path *p);

/* Routes, addresses or links have changed since: find it again before using it for long. */
bool path_is_stale(const struct path *p);

/* The MTU now, in bytes of IP packet; and that of its link, as if nothing had been learned. */
uint32_t path_mtu(struct path *p);
uint32_t path_link_mtu(const struct path *p);
/* Less was claimed than is believed. */
bool path_may_be_cut(struct path *p);

/* A router said the path takes only that much. Kept if it is smaller than now; less than 1280 is
 * not believed (IPv6), less than 552 is taken for that (IPv4; Linux's min_pmtu), and who does not
 * insist lets routers cut what goes there from then on. True when the path's MTU went down. RFC
 * 1191, RFC 8201. */
bool path_lower_mtu(struct path *p, uint32_t mtu);

/* path.c's table. */
HF_NODISCARD int path_init(struct net *net);
void path_fini(struct net *net);
/* Paths by that link lead nowhere from now on. */
void path_drop_link(struct net *net, const struct hf_link *link);

/* The peer answered: its neighbour entry is confirmed (RFC 4861 7.3.1). Cheap. */
void path_confirm(struct path *p);

#endif
