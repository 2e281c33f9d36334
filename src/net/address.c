/* Addresses of this host and the choice among them.
 *
 * An address is an entry in net->addrs and up to three routes: itself (local), its prefix (on the
 * link), and for IPv4 the prefix's last address (broadcast). Whether an address is ours is then one
 * question to the routing table, which also knows the local prefixes (127/8, AnyIP). */
#include "net/address.h"

#include "net/group.h"

#include "net/route.h"
#include "wire/ether.h"
#include "wire/ip4.h"
#include "wire/ndp.h"

bool net_is_local(const struct net *net, const struct ip_addr *addr)
{
    return !addr_is_any(addr) && !addr_is_multicast(addr) &&
           route_kind(net, addr) == HF_ROUTE_LOCAL;
}

bool net_is_broadcast(const struct net *net, const struct ip_addr *addr)
{
    return addr_is4(addr) && (addr_is_broadcast(addr) || route_kind(net, addr) == ROUTE_BROADCAST);
}

bool address_is_on(const struct net *net, const struct ip_addr *addr, const struct hf_link *link)
{
    const struct route *r;

    if (!addr_is_link_local6(addr))
        return net_is_local(net, addr);
    r = route_find(net, addr, link->index, false);
    return r && r->kind == HF_ROUTE_LOCAL;
}

struct hf_link *address_link(const struct net *net, const struct ip_addr *addr)
{
    for (uint32_t i = 0; i < net->addr_count; i++) {
        if (addr_eq(&net->addrs[i].addr, addr))
            return net->addrs[i].link;
    }
    return addr_is_loopback(addr) ? net->lo : NULL;
}

static int addrs_grow(struct net *net)
{
    struct hf_env *env = &net->core->env;
    uint32_t room = net->addr_room ? net->addr_room * 2 : 8;
    struct net_addr *addrs;

    if (net->addr_count < net->addr_room)
        return 0;
    addrs = env->alloc(env->ctx, room * sizeof(*addrs));
    if (!addrs)
        return -HF_ENOMEM;
    if (net->addrs) {
        memcpy(addrs, net->addrs, net->addr_count * sizeof(*addrs));
        env->free(env->ctx, net->addrs, net->addr_room * sizeof(*addrs));
    }
    net->addrs = addrs;
    net->addr_room = room;
    return 0;
}

static bool has_addr(const struct net *net, const struct ip_addr *addr, const struct hf_link *link)
{
    for (uint32_t i = 0; i < net->addr_count; i++) {
        const struct net_addr *a = &net->addrs[i];

        if (addr_eq(&a->addr, addr) && (!addr_is_link_local6(addr) || a->link == link))
            return true;
    }
    return false;
}

/* The prefix's last address, for IPv4 prefixes that have room for one. RFC 3021: not /31. */
static bool broadcast_of(const struct ip_addr *addr, unsigned bits, struct ip_addr *out)
{
    if (!addr_is4(addr) || bits > 126)
        return false;
    *out = *addr;
    for (unsigned i = bits; i < 128; i++)
        out->b[i / 8] |= (uint8_t)(0x80 >> i % 8);
    return true;
}

/* The routes that make an address: to itself, to its prefix, to the prefix's broadcast address.
 * Returns how many of the three it has. */
static int routes_of(const struct net *net, struct hf_link *link, const struct ip_addr *addr,
                     unsigned bits, struct route r[3])
{
    int n = 0;

    memset(r, 0, 3 * sizeof(*r));
    r[n++] = (struct route){
        .prefix = *addr, .bits = 128, .kind = HF_ROUTE_LOCAL, .link = link, .is_own = true};
    if (bits < 128) {
        /* The whole of 127/8 is this host's, not a neighbourhood of it. RFC 1122 3.2.1.3 (g) */
        bool is_lo = link == net->lo;

        r[n++] = (struct route){.prefix = *addr,
                                .bits = bits,
                                .kind = is_lo ? HF_ROUTE_LOCAL : HF_ROUTE_UNICAST,
                                .link = link,
                                .is_own = is_lo,
                                .has_source = addr_is4(addr),
                                .source = *addr};
    }
    if (broadcast_of(addr, bits, &r[n].prefix)) {
        r[n].bits = 128;
        r[n].kind = ROUTE_BROADCAST;
        r[n].link = link;
        r[n].is_own = r[n].has_source = true;
        r[n++].source = *addr;
    }
    return n;
}

int net_addr_add(struct net *net, struct hf_link *link, const struct ip_addr *addr, unsigned bits)
{
    struct route r[3];
    bool is_new[3] = {false, false, false};
    int err, n;

    if (bits > 128 || (addr_is4(addr) && bits < 96) || addr_is_any(addr) ||
        addr_is_multicast(addr) || addr_is_broadcast(addr))
        return -HF_EINVAL;
    if (has_addr(net, addr, link))
        return -HF_EEXIST;
    err = addrs_grow(net);
    n = routes_of(net, link, addr, bits, r);
    for (int i = 0; i < n && !err; i++) {
        err = route_add(net, &r[i]);
        is_new[i] = !err;
        if (err == -HF_EEXIST) /* another address's prefix serves this one too */
            err = 0;
    }
    if (err) {
        for (int i = 0; i < n; i++) {
            if (is_new[i])
                route_remove(net, &r[i]);
        }
        return err;
    }
    net->addrs[net->addr_count++] = (struct net_addr){*addr, bits, link};
    route_changed(net);
    return 0;
}

int address_add_link_local(struct net *net, struct hf_link *link)
{
    struct ip_addr addr = {{{0xfe, 0x80}}};

    ether_eui64(link->mac, addr.b + 8);
    return net_addr_add(net, link, &addr, 64);
}

void address_drop_link(struct net *net, const struct hf_link *link)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < net->addr_count; i++) {
        if (net->addrs[i].link != link)
            net->addrs[kept++] = net->addrs[i];
    }
    net->addr_count = kept;
    route_changed(net);
}

/* RFC 1122 3.3.4.3 as Linux does it: an address of the next hop's network, else the link's first,
 * else any other link's that is not for this host alone. */
static int select4(const struct net *net, const struct ip_addr *next_hop,
                   const struct hf_link *link, struct ip_addr *src)
{
    const struct net_addr *best = NULL;
    unsigned best_score = 0;

    for (uint32_t i = 0; i < net->addr_count; i++) {
        const struct net_addr *a = &net->addrs[i];
        bool on_link = a->link == link;
        unsigned score = on_link ? 2 : 1;

        if (!addr_is4(&a->addr) || (addr_is_loopback(&a->addr) && !on_link))
            continue;
        if (on_link && addr_in_prefix(next_hop, &a->addr, a->bits))
            score = 3;
        if (score > best_score) {
            best = a;
            best_score = score;
        }
    }
    if (!best)
        return -HF_EADDRNOTAVAIL;
    *src = best->addr;
    return 0;
}

/* RFC 6724 3.1: the scopes as RFC 4291 2.7 numbers them. Loopback counts as link-local. */
static unsigned scope6(const struct ip_addr *a)
{
    if (addr_is_multicast(a))
        return a->b[1] & 15;
    return addr_is_link_local6(a) || addr_is_loopback(a) ? 2 : 14;
}

static unsigned common_bits(const struct ip_addr *a, const struct ip_addr *b)
{
    unsigned n = 0;

    while (n < 128 && a->b[n / 8] == b->b[n / 8])
        n += 8;
    while (n < 128 && !((a->b[n / 8] ^ b->b[n / 8]) & 0x80 >> n % 8))
        n++;
    return n;
}

/* RFC 6724 5: a beats b as the source for dst. */
static bool beats6(const struct net_addr *a, const struct net_addr *b, const struct ip_addr *dst,
                   const struct hf_link *link)
{
    unsigned scope_a = scope6(&a->addr), scope_b = scope6(&b->addr), scope_dst = scope6(dst);
    unsigned common_a, common_b;

    if (addr_eq(&a->addr, dst) || addr_eq(&b->addr, dst)) /* rule 1 */
        return addr_eq(&a->addr, dst);
    if (scope_a != scope_b) /* rule 2 */
        return scope_a < scope_b ? scope_a >= scope_dst : scope_b < scope_dst;
    if ((a->link == link) != (b->link == link)) /* rule 5 */
        return a->link == link;
    common_a = HF_MIN(common_bits(&a->addr, dst), a->bits); /* rule 8 */
    common_b = HF_MIN(common_bits(&b->addr, dst), b->bits);
    return common_a > common_b;
}

static int select6(const struct net *net, const struct ip_addr *dst, const struct hf_link *link,
                   struct ip_addr *src)
{
    const struct net_addr *best = NULL;
    bool is_confined = scope6(dst) <= 2; /* RFC 6724 4: only the link's own will do */

    for (uint32_t i = 0; i < net->addr_count; i++) {
        const struct net_addr *a = &net->addrs[i];

        if (addr_is4(&a->addr) || (a->link != link && (is_confined || scope6(&a->addr) <= 2)))
            continue;
        if (!best || beats6(a, best, dst, link))
            best = a;
    }
    if (!best)
        return -HF_EADDRNOTAVAIL;
    *src = best->addr;
    return 0;
}

int address_select(const struct net *net, const struct ip_addr *dst, const struct ip_addr *next_hop,
                   const struct hf_link *link, struct ip_addr *src)
{
    return addr_is4(dst) ? select4(net, next_hop, link, src) : select6(net, dst, link, src);
}

bool address_hears_group(const struct net *net, const struct ip_addr *group,
                         const struct ip_addr *source, const struct hf_link *link)
{
    static const struct ip_addr all_hosts = ADDR4(224, 0, 0, 1);
    static const struct ip_addr all_nodes = {
        {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}};
    static const struct ip_addr all_nodes_here = {
        {{0xff, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}};
    /* What we send to a group comes back by loopback, whichever link it left by. */
    uint32_t index = link == net->lo ? 0 : link->index;

    if (addr_eq(group, &all_hosts) || addr_eq(group, &all_nodes))
        return true;
    if (addr_eq(group, &all_nodes_here))
        return link == net->lo;
    if (addr_is4(group) ? group_hears(net, group, index, source)
                        : group_is_joined(net, group, index))
        return true;
    for (uint32_t i = 0; i < net->addr_count; i++) {
        const struct net_addr *a = &net->addrs[i];
        struct ip_addr heard;

        if (a->link != link || addr_is4(&a->addr))
            continue;
        heard = ndp_solicited_node(&a->addr);
        if (addr_eq(&heard, group))
            return true;
    }
    return false;
}
