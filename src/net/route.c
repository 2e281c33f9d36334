/* Routes, and the longest prefix that matches.
 *
 * One hash table holds all prefixes by (length, bits); a bitmap says which lengths occur. A look-up
 * asks the table once per occurring length, longest first: a handful of times however many routes
 * there are. IPv4 prefixes lie under ::ffff:0:0/96, and an IPv4 address sees only those: ::/0 is no
 * route for it. */
#include "net/route.h"

#include "base/hash.h"
#include "base/keyhash.h"

#define LENGTHS      129
#define LENGTH_WORDS 3

struct prefix {
    struct hash_node node;
    struct ip_addr addr;
    unsigned bits;
    struct list routes; /* struct entry, best first; never empty */
};

struct entry {
    struct list link;
    struct list link_in_all;
    struct prefix *prefix;
    struct route route;
};

#define KINDS 64 /* addresses whose kind is remembered; a power of two */

struct known_kind {
    struct ip_addr addr;
    uint32_t generation;
    uint8_t kind;
};

struct route_table {
    struct hash prefixes;
    uint64_t lengths[LENGTH_WORDS]; /* bit n: some prefix has n bits */
    uint32_t count[LENGTHS];        /* prefixes of that length */
    struct list all;                /* every entry */
    uint32_t generation;            /* from 1: a zeroed known_kind is out of date */
    struct known_kind kinds[KINDS]; /* by a mix of the address; the last one asked for stays */
};

static struct ip_addr masked(const struct ip_addr *addr, unsigned bits)
{
    struct ip_addr out = ADDR_ANY6;

    memcpy(out.b, addr->b, bits / 8);
    if (bits % 8)
        out.b[bits / 8] = addr->b[bits / 8] & (uint8_t)(0xff00 >> bits % 8);
    return out;
}

static struct prefix *prefix_find(const struct net *net, const struct ip_addr *addr, unsigned bits,
                                  uint32_t *hash)
{
    struct {
        struct ip_addr addr;
        uint64_t bits;
    } key = {masked(addr, bits), bits};

    *hash = keyhash(&net->core->tables, &key, sizeof(key));
    for (struct hash_node *n = hash_first(&net->routes->prefixes, *hash); n; n = hash_next(n)) {
        struct prefix *p = container_of(n, struct prefix, node);

        if (p->bits == bits && addr_eq(&p->addr, &key.addr))
            return p;
    }
    return NULL;
}

int route_init(struct net *net)
{
    struct hf_env *env = &net->core->env;
    struct route_table *t = env->alloc(env->ctx, sizeof(*t));

    if (!t)
        return -HF_ENOMEM;
    memset(t, 0, sizeof(*t));
    if (hash_init(&t->prefixes, env)) {
        env->free(env->ctx, t, sizeof(*t));
        return -HF_ENOMEM;
    }
    list_init(&t->all);
    t->generation = 1;
    net->routes = t;
    return 0;
}

static struct prefix *prefix_new(struct net *net, const struct ip_addr *addr, unsigned bits,
                                 uint32_t hash)
{
    struct hf_env *env = &net->core->env;
    struct route_table *t = net->routes;
    struct prefix *p = env->alloc(env->ctx, sizeof(*p));

    if (!p)
        return NULL;
    p->addr = masked(addr, bits);
    p->bits = bits;
    list_init(&p->routes);
    hash_insert(&t->prefixes, &p->node, hash);
    t->count[bits]++;
    t->lengths[bits / 64] |= 1ull << bits % 64;
    return p;
}

static void prefix_free(struct net *net, struct prefix *p)
{
    struct hf_env *env = &net->core->env;
    struct route_table *t = net->routes;

    hash_remove(&t->prefixes, &p->node);
    if (!--t->count[p->bits])
        t->lengths[p->bits / 64] &= ~(1ull << p->bits % 64);
    env->free(env->ctx, p, sizeof(*p));
}

static void entry_free(struct net *net, struct entry *e)
{
    struct hf_env *env = &net->core->env;
    struct prefix *p = e->prefix;

    list_remove(&e->link);
    list_remove(&e->link_in_all);
    env->free(env->ctx, e, sizeof(*e));
    if (list_empty(&p->routes))
        prefix_free(net, p);
}

void route_fini(struct net *net)
{
    struct hf_env *env = &net->core->env;
    struct route_table *t = net->routes;

    if (!t)
        return;
    list_for_each (l, &t->all)
        entry_free(net, container_of(l, struct entry, link_in_all));
    hash_fini(&t->prefixes);
    env->free(env->ctx, t, sizeof(*t));
    net->routes = NULL;
}

static bool route_is_valid(const struct route *r)
{
    bool needs_link = r->kind == HF_ROUTE_UNICAST || r->kind == HF_ROUTE_UNLESS_BOUND ||
                      r->kind == ROUTE_BROADCAST;
    bool is4 = r->bits >= 96 && addr_is4(&r->prefix);

    if (r->bits > 128 || r->kind > ROUTE_BROADCAST || (needs_link && !r->link))
        return false;
    return (!r->has_via || addr_is4(&r->via) == is4) &&
           (!r->has_source || addr_is4(&r->source) == is4);
}

/* What comes first among equal prefixes: the answer depends on sockets, then Linux's `local` table,
 * then its `main` table. */
static unsigned route_class(const struct route *r)
{
    if (r->kind == HF_ROUTE_UNLESS_BOUND)
        return 0;
    return r->kind == HF_ROUTE_LOCAL || r->kind == ROUTE_BROADCAST ? 1 : 2;
}

/* Where among p's routes r belongs: before the node given back. NULL: its equal is there. */
static struct list *place_of(struct prefix *p, const struct route *r)
{
    struct list *place = &p->routes;
    bool is_placed = false;

    list_for_each (l, &p->routes) {
        const struct route *o = &container_of(l, struct entry, link)->route;
        unsigned class_r = route_class(r), class_o = route_class(o);

        if (class_r == class_o && r->metric == o->metric && r->link == o->link)
            return NULL;
        if (!is_placed && (class_r < class_o || (class_r == class_o && r->metric < o->metric))) {
            place = l;
            is_placed = true;
        }
    }
    return place;
}

int route_add(struct net *net, const struct route *r)
{
    struct hf_env *env = &net->core->env;
    struct list *place;
    struct prefix *p;
    struct entry *e;
    uint32_t hash;

    if (!route_is_valid(r))
        return -HF_EINVAL;
    p = prefix_find(net, &r->prefix, r->bits, &hash);
    if (p && !place_of(p, r))
        return -HF_EEXIST;
    e = env->alloc(env->ctx, sizeof(*e));
    if (!e)
        return -HF_ENOMEM;
    if (!p)
        p = prefix_new(net, &r->prefix, r->bits, hash);
    if (!p) {
        env->free(env->ctx, e, sizeof(*e));
        return -HF_ENOMEM;
    }
    e->route = *r;
    e->route.prefix = p->addr;
    e->prefix = p;
    place = place_of(p, r);
    list_push_back(place, &e->link);
    list_push_back(&net->routes->all, &e->link_in_all);
    route_changed(net);
    return 0;
}

int route_del(struct net *net, const struct ip_addr *prefix, unsigned bits, uint32_t metric)
{
    uint32_t hash;
    struct prefix *p = bits <= 128 ? prefix_find(net, prefix, bits, &hash) : NULL;

    if (!p)
        return -HF_ENOENT;
    list_for_each (l, &p->routes) {
        struct entry *e = container_of(l, struct entry, link);

        if (e->route.metric == metric && !e->route.is_own) {
            entry_free(net, e);
            route_changed(net);
            return 0;
        }
    }
    return -HF_ENOENT;
}

void route_remove(struct net *net, const struct route *r)
{
    uint32_t hash;
    struct prefix *p = prefix_find(net, &r->prefix, r->bits, &hash);

    if (!p)
        return;
    list_for_each (l, &p->routes) {
        struct entry *e = container_of(l, struct entry, link);

        if (e->route.metric == r->metric && e->route.link == r->link && e->route.kind == r->kind) {
            entry_free(net, e);
            route_changed(net);
            return;
        }
    }
}

void route_drop_link(struct net *net, const struct hf_link *link)
{
    list_for_each (l, &net->routes->all) {
        struct entry *e = container_of(l, struct entry, link_in_all);

        if (e->route.link == link)
            entry_free(net, e);
    }
    route_changed(net);
}

static const struct route *prefix_best(const struct prefix *p, uint32_t link_index, bool with_bound)
{
    list_for_each (l, &p->routes) {
        const struct route *r = &container_of(l, struct entry, link)->route;

        if (link_index && r->link && r->link->index != link_index)
            continue;
        if (r->kind == HF_ROUTE_UNLESS_BOUND && !with_bound)
            continue;
        return r;
    }
    return NULL;
}

const struct route *route_find(const struct net *net, const struct ip_addr *dst,
                               uint32_t link_index, bool with_bound)
{
    const struct route_table *t = net->routes;
    unsigned least = addr_is4(dst) ? 96 : 0;

    for (unsigned w = LENGTH_WORDS; w-- > least / 64;) {
        uint64_t lengths = t->lengths[w];

        if (w == least / 64)
            lengths &= ~0ull << least % 64;
        while (lengths) {
            unsigned bits = w * 64 + 63 - (unsigned)__builtin_clzll(lengths);
            uint32_t hash;
            const struct prefix *p = prefix_find(net, dst, bits, &hash);
            const struct route *r = p ? prefix_best(p, link_index, with_bound) : NULL;

            if (r)
                return r;
            lengths &= ~(1ull << bits % 64);
        }
    }
    return NULL;
}

uint8_t route_kind(const struct net *net, const struct ip_addr *addr)
{
    struct route_table *t = net->routes;
    uint32_t mix = (addr->w[0] ^ addr->w[1] ^ addr->w[2]) * 0x9e3779b1u ^ addr->w[3] * 0x85ebca6bu;
    struct known_kind *known = &t->kinds[mix >> 26];
    const struct route *r;

    if (known->generation == t->generation && addr_eq(&known->addr, addr))
        return known->kind;
    r = route_find(net, addr, 0, false);
    *known = (struct known_kind){*addr, t->generation, r ? r->kind : ROUTE_NONE};
    return known->kind;
}

void route_visit(const struct net *net, void (*visit)(void *ctx, const struct route *r), void *ctx)
{
    list_for_each (l, &net->routes->all)
        visit(ctx, &container_of(l, struct entry, link_in_all)->route);
}

uint32_t route_generation(const struct net *net)
{
    return net->routes->generation;
}

void route_changed(struct net *net)
{
    net->routes->generation++;
}
