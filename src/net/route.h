/* Routes: longest prefix match over the 128-bit form of both families. */
#ifndef NET_ROUTE_H
#define NET_ROUTE_H

#include "net/net.h"

/* What stands beside the kinds of hf_route_kind: a directed broadcast address of a link. */
enum { ROUTE_BROADCAST = HF_ROUTE_UNLESS_BOUND + 1 };

struct route {
    struct ip_addr prefix; /* bits beyond `bits` are zero */
    unsigned bits;         /* 0..128; IPv4: 96 + length */
    uint8_t kind;          /* enum hf_route_kind, ROUTE_BROADCAST */
    uint32_t metric;
    struct hf_link *link; /* NULL where the kind needs none */
    bool has_via, has_source;
    bool is_own;           /* made by an address: route_del passes it by */
    struct ip_addr via;    /* gateway, of the prefix's family */
    struct ip_addr source; /* preferred source */
};

HF_NODISCARD int route_init(struct net *net);
void route_fini(struct net *net);

/* Adds a copy of *r, its prefix masked. Among equal prefixes UNLESS_BOUND comes first, then this
 * host's own (local, broadcast), then the lowest metric. 0, -HF_ENOMEM, or
 *   -HF_EEXIST  same prefix, metric, kind class and link
 *   -HF_EINVAL  bits out of range, a link missing where the kind needs one, via of another family
 */
HF_NODISCARD int route_add(struct net *net, const struct route *r);

/* Takes out the first route with that prefix and metric that route_add of a user made (addresses
 * keep theirs). 0, -HF_ENOENT. */
HF_NODISCARD int route_del(struct net *net, const struct ip_addr *prefix, unsigned bits,
                           uint32_t metric);

/* Drops all routes by that link. */
void route_drop_link(struct net *net, const struct hf_link *link);

/* The best route to dst, NULL when there is none. link_index: only routes by that link, or by none
 * in particular; 0: any. with_bound: look at HF_ROUTE_UNLESS_BOUND routes too. Lent until the next
 * change. */
const struct route *route_find(const struct net *net, const struct ip_addr *dst,
                               uint32_t link_index, bool with_bound);

/* The kind of route_find(net, addr, 0, false), ROUTE_NONE when there is none: what every packet
 * asks of its addresses, so the answers are remembered until the next change. */
enum { ROUTE_NONE = 0xff };
uint8_t route_kind(const struct net *net, const struct ip_addr *addr);

/* Takes out exactly that route (prefix, metric, link, kind), an address's own too; none is fine. */
void route_remove(struct net *net, const struct route *r);

/* Calls visit for every route, the oldest first; visit changes none. */
void route_visit(const struct net *net, void (*visit)(void *ctx, const struct route *r), void *ctx);

/* Grows with each change of routes, addresses or links. */
uint32_t route_generation(const struct net *net);
void route_changed(struct net *net);

#endif
