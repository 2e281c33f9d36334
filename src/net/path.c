/* Paths: what a route look-up, source selection and PMTU discovery have found out about the way to
 * one destination, kept for all that go there.
 *
 * The table has one path per question: destination, source asked for, link asked for, and for
 * destinations whose answer depends on sockets (HF_ROUTE_UNLESS_BOUND) one for each answer. A path
 * that nobody uses any more stays for the next, up to idle_most of them, oldest first out. When
 * routes change, all paths are stale at once by their generation; a stale one is replaced when it
 * is next asked for, and lives on unfindable while someone holds it. */
#include "net/path.h"

#include "base/keyhash.h"
#include "base/pool.h"
#include "net/address.h"
#include "net/link.h"
#include "net/neighbour.h"
#include "net/route.h"

#define MTU_LIFETIME (600 * HF_S) /* RFC 1191 6.3, RFC 8201 4 */
#define MTU4_LEAST   552          /* Linux's min_pmtu: what smaller claims are taken for */
#define MTU6_LEAST   1280

/* To others, of whom strangers may make us know many, and to this host itself. */
static const uint32_t idle_most[2] = {1024, 16384};

struct path_table {
    struct hash hash;
    struct pool pool;
    struct list idle[2], busy; /* idle: by is_local */
    uint32_t idle_count[2];
    struct path *newest; /* what was asked for last, as a rule the next too; hashed, or NULL */
    struct hf_link dead; /* where paths of detached links lead */
};

int path_init(struct net *net)
{
    struct hf_env *env = &net->core->env;
    struct path_table *t = env->alloc(env->ctx, sizeof(*t));

    if (!t)
        return -HF_ENOMEM;
    memset(t, 0, sizeof(*t));
    if (hash_init(&t->hash, env)) {
        env->free(env->ctx, t, sizeof(*t));
        return -HF_ENOMEM;
    }
    pool_init(&t->pool, env, sizeof(struct path));
    list_init(&t->idle[0]);
    list_init(&t->idle[1]);
    list_init(&t->busy);
    link_init_dead(net, &t->dead);
    net->paths = t;
    return 0;
}

static void path_unhash(struct path *p)
{
    struct path_table *t = p->net->paths;

    if (p->is_hashed)
        hash_remove(&t->hash, &p->node);
    p->is_hashed = false;
    if (t->newest == p)
        t->newest = NULL;
}

static void path_free(struct path *p)
{
    struct path_table *t = p->net->paths;

    path_unhash(p);
    list_remove(&p->link_in_lru);
    neighbour_put(p->neighbour);
    pool_put(&t->pool, p);
}

static void idle_free(struct path_table *t, struct path *p)
{
    t->idle_count[p->is_local]--;
    path_free(p);
}

void path_fini(struct net *net)
{
    struct hf_env *env = &net->core->env;
    struct path_table *t = net->paths;

    if (!t)
        return;
    for (unsigned i = 0; i < HF_COUNT(t->idle); i++)
        list_for_each (l, &t->idle[i])
            path_free(container_of(l, struct path, link_in_lru));
    list_for_each (l, &t->busy)
        path_free(container_of(l, struct path, link_in_lru));
    hash_fini(&t->hash);
    pool_fini(&t->pool);
    env->free(env->ctx, t, sizeof(*t));
    net->paths = NULL;
}

void path_drop_link(struct net *net, const struct hf_link *link)
{
    struct path_table *t = net->paths;

    for (unsigned i = 0; i < HF_COUNT(t->idle); i++)
        list_for_each (l, &t->idle[i]) {
            struct path *p = container_of(l, struct path, link_in_lru);

            if (p->link == link)
                idle_free(t, p);
        }
    list_for_each (l, &t->busy) {
        struct path *p = container_of(l, struct path, link_in_lru);

        if (p->link != link)
            continue;
        path_unhash(p);
        neighbour_put(p->neighbour);
        p->neighbour = NULL;
        p->link = &t->dead;
    }
}

static uint32_t path_hash(struct net *net, const struct path_query *q, bool own_only)
{
    struct {
        struct ip_addr dst, src;
        uint32_t link_index, own_only;
    } key = {q->dst, q->src, q->link_index, own_only};

    return keyhash(&net->core->tables, &key, sizeof(key));
}

static bool answers(const struct path *p, const struct path_query *q, bool own_only)
{
    return addr_eq(&p->dst, &q->dst) && addr_eq(&p->asked_src, &q->src) &&
           p->asked_link == q->link_index && p->own_only == own_only;
}

static struct path *path_lookup(struct net *net, const struct path_query *q, uint32_t hash,
                                bool own_only)
{
    for (struct hash_node *n = hash_first(&net->paths->hash, hash); n; n = hash_next(n)) {
        struct path *p = container_of(n, struct path, node);

        if (answers(p, q, own_only))
            return p;
    }
    return NULL;
}

/* What a look-up found out, before it becomes a path. */
struct finding {
    struct hf_link *link;
    struct ip_addr next_hop, src;
    bool is_local, is_broadcast, is_multicast, unless_bound;
};

/* Linux: a route of a kind that refuses becomes the call's error. */
static int refusal_of(const struct route *r)
{
    switch (r->kind) {
    case HF_ROUTE_UNREACHABLE:
        return -HF_EHOSTUNREACH;
    case HF_ROUTE_PROHIBIT:
        return -HF_EACCES;
    case HF_ROUTE_BLACKHOLE:
        return -HF_EINVAL;
    default:
        return 0;
    }
}

static bool is_to_many(const struct ip_addr *dst)
{
    return addr_is_multicast(dst) || addr_is_broadcast(dst);
}

/* Linux: ip_route_output_key_hash_rcu, who names a source and no link sends to a group, or to all,
 * by the source's link, whatever the routes say. */
static struct hf_link *link_by_source(struct net *net, const struct path_query *q)
{
    return addr_is4(&q->dst) && !q->link_index && is_to_many(&q->dst) ? address_link(net, &q->src)
                                                                      : NULL;
}

/* The link for a destination that no route names. IPv4 believes whoever named a link. IPv6 has
 * fe80::/64 and ff00::/8 on each link but loopback, and no more. */
static struct hf_link *link_without_route(struct net *net, const struct path_query *q)
{
    if (addr_is4(&q->dst))
        return q->link_index ? net_link_by_index(net, q->link_index) : NULL;
    if (!is_to_many(&q->dst) && !addr_is_link_local6(&q->dst))
        return NULL;
    if (q->link_index)
        return q->link_index == net->lo->index ? NULL : net_link_by_index(net, q->link_index);
    for (unsigned i = 1; i <= NET_LINKS; i++) {
        if (net->links[i] && net->links[i] != net->lo)
            return net->links[i];
    }
    return NULL;
}

static int find_route(struct net *net, const struct path_query *q, bool own_only,
                      struct finding *found, const struct route **route)
{
    struct hf_link *named = link_by_source(net, q);
    const struct route *r = named ? NULL : route_find(net, &q->dst, q->link_index, !own_only);
    bool is_group = is_to_many(&q->dst);
    int err = r ? refusal_of(r) : 0;

    if (err)
        return err;
    *route = r;
    found->is_multicast = addr_is_multicast(&q->dst);
    found->is_broadcast = addr_is_broadcast(&q->dst) || (r && r->kind == ROUTE_BROADCAST);
    found->is_local = r && r->kind == HF_ROUTE_LOCAL && !is_group;
    found->unless_bound = r && r->kind == HF_ROUTE_UNLESS_BOUND;
    found->next_hop = r && r->has_via && !is_group ? r->via : q->dst;
    if (found->is_local)
        found->link = net->lo;
    else if (r && r->link)
        found->link = r->link;
    else
        found->link = named ? named : link_without_route(net, q);
    return found->link ? 0 : -HF_ENETUNREACH;
}

static bool is_own_address(const struct net *net, const struct ip_addr *addr)
{
    const struct route *r = route_find(net, addr, 0, false);

    return r && r->kind == HF_ROUTE_LOCAL && r->bits == 128;
}

static int find_source(struct net *net, const struct path_query *q, const struct route *r,
                       struct finding *found)
{
    if (!addr_is_any(&q->src)) {
        /* Linux: 127/8 never leaves by IPv4; ::1 may be asked to, and is stopped by ip_output. */
        if (addr_is4(&q->src) && addr_is_loopback(&q->src) && found->link != net->lo &&
            !net->core->privileged)
            return -HF_EINVAL;
        found->src = q->src;
        return 0;
    }
    if (r && r->has_source) {
        found->src = r->source;
        return 0;
    }
    if (found->is_local && (addr_is4(&q->dst) || is_own_address(net, &q->dst))) {
        found->src = q->dst;
        return 0;
    }
    return address_select(net, &q->dst, &found->next_hop, found->link, &found->src);
}

/* The loopback link's MTU is one more than a packet's length can say. */
static uint32_t link_mtu(const struct hf_link *link)
{
    return HF_MIN(link->mtu, HF_FRAME_MAX);
}

/* No check of ip_input could object to such a packet. */
static bool hands_over(const struct net *net, const struct finding *found,
                       const struct ip_addr *dst)
{
    return found->is_local && found->link == net->lo && net_is_local(net, &found->src) &&
           !net_is_broadcast(net, &found->src) && addr_is4(&found->src) == addr_is4(dst);
}

static struct path *path_make(struct net *net, const struct path_query *q,
                              const struct finding *found, bool own_only, uint32_t hash)
{
    struct path_table *t = net->paths;
    struct path *p = pool_get(&t->pool);

    if (!p)
        return NULL;
    memset(p, 0, sizeof(*p));
    p->net = net;
    p->refs = 1;
    p->generation = route_generation(net);
    p->dst = q->dst;
    p->next_hop = found->next_hop;
    p->src = found->src;
    p->link = found->link;
    p->mtu = link_mtu(p->link);
    p->mtu_until = HF_TIME_NEVER;
    p->is_local = found->is_local;
    p->is_broadcast = found->is_broadcast;
    p->is_multicast = found->is_multicast;
    p->hands_over = hands_over(net, found, &q->dst);
    p->asked_src = q->src;
    p->asked_link = q->link_index;
    p->unless_bound = found->unless_bound;
    p->own_only = own_only;
    p->is_hashed = true;
    hash_insert(&t->hash, &p->node, hash);
    list_push_back(&t->busy, &p->link_in_lru);
    return p;
}

/* Linux: over IPv6 nobody asks. */
static bool is_strange_source(const struct net *net, const struct ip_addr *src)
{
    return addr_is4(src) && !addr_is_any(src) && !net->core->privileged && !net_is_local(net, src);
}

/* Makes *out for the question, in place of stale, if there is one, whose learned MTU it inherits.
 */
static int path_discover(struct net *net, const struct path_query *q, bool own_only, uint32_t hash,
                         struct path *stale, struct path **out)
{
    struct finding found = {0};
    const struct route *route;
    struct path *p;
    int err = is_strange_source(net, &q->src) ? -HF_ENETUNREACH
                                              : find_route(net, q, own_only, &found, &route);

    if (!err)
        err = find_source(net, q, route, &found);
    if (err)
        return err;
    p = path_make(net, q, &found, own_only, hash);
    if (!p)
        return -HF_ENOBUFS;
    if (stale) {
        if (stale->link == p->link && stale->mtu < p->mtu) {
            p->mtu = stale->mtu;
            p->mtu_until = stale->mtu_until;
            p->may_be_cut = stale->may_be_cut;
        }
        path_unhash(stale);
        if (!stale->refs)
            idle_free(net->paths, stale);
    }
    *out = p;
    return 0;
}

static int path_find_kind(struct net *net, const struct path_query *q, bool own_only,
                          struct path **out)
{
    struct path_table *t = net->paths;
    struct path *p = t->newest;
    uint32_t hash;

    if (!p || !answers(p, q, own_only) || path_is_stale(p)) {
        hash = path_hash(net, q, own_only);
        p = path_lookup(net, q, hash, own_only);
        if (!p || path_is_stale(p))
            return path_discover(net, q, own_only, hash, p, out);
        t->newest = p;
    }
    if (!p->refs++) {
        t->idle_count[p->is_local]--;
        list_remove(&p->link_in_lru);
        list_push_back(&t->busy, &p->link_in_lru);
    }
    *out = p;
    return 0;
}

/* No route is ENETUNREACH. C25. */
int path_find(struct net *net, const struct path_query *q, struct path **out)
{
    /* For a loopback source there is no way out that a socket's absence could open. */
    bool own_only = addr_is_loopback(&q->src);
    const struct net_up *up = &net->up[q->proto];
    struct path *p;
    int err;

    if (q->link_index && !net_link_by_index(net, q->link_index))
        return addr_is4(&q->dst) ? -HF_ENODEV : -HF_ENETUNREACH;
    err = path_find_kind(net, q, own_only, &p);
    if (err)
        return err;
    if (p->unless_bound && up->is_bound && up->is_bound(up->ctx, &q->dst, q->port)) {
        path_put(p);
        err = path_find_kind(net, q, true, &p);
        if (err)
            return err;
    }
    *out = p;
    return 0;
}

void path_put(struct path *p)
{
    struct path_table *t;

    if (!p || --p->refs)
        return;
    t = p->net->paths;
    t->idle_count[p->is_local]++;
    list_remove(&p->link_in_lru);
    list_push_back(&t->idle[p->is_local], &p->link_in_lru);
    if (!p->is_hashed || path_is_stale(p))
        idle_free(t, p);
    else if (t->idle_count[p->is_local] > idle_most[p->is_local])
        idle_free(t, container_of(t->idle[p->is_local].next, struct path, link_in_lru));
}

bool path_is_stale(const struct path *p)
{
    return p->generation != route_generation(p->net);
}

uint32_t path_mtu(struct path *p)
{
    if (p->net->core->now >= p->mtu_until) {
        p->mtu = link_mtu(p->link);
        p->mtu_until = HF_TIME_NEVER;
        p->may_be_cut = false;
    }
    return p->mtu;
}

bool path_may_be_cut(struct path *p)
{
    (void)path_mtu(p);
    return p->may_be_cut;
}

uint32_t path_link_mtu(const struct path *p)
{
    return link_mtu(p->link);
}

bool path_lower_mtu(struct path *p, uint32_t mtu)
{
    bool is4 = addr_is4(&p->dst), is_absurd = mtu < (is4 ? MTU4_LEAST : MTU6_LEAST);
    uint32_t before = path_mtu(p);

    if (mtu >= before || (is_absurd && !is4))
        return false;
    p->may_be_cut |= is_absurd;
    p->mtu = HF_MIN(before, HF_MAX(mtu, MTU4_LEAST));
    p->mtu_until = p->net->core->now + MTU_LIFETIME;
    return p->mtu < before;
}

void path_confirm(struct path *p)
{
    if (p->neighbour)
        neighbour_confirm(p->neighbour);
}
