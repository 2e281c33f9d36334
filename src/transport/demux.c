/* Which socket a packet is for. RFC 9293 3.10.7, RFC 1122 4.1.3.5. */
#include "transport/demux.h"

#include "base/keyhash.h"
#include "transport/demux_group.h"

struct bound_key {
    struct ip_addr laddr;
    uint64_t lport;
};

/* A packet in search of a bound entry. */
struct search {
    struct ip_addr laddr, raddr;
    uint16_t lport, rport;
    uint32_t link_index;
    bool is4;
};

/* Which end is meant makes no difference, so that both ends of a connection within one stack stand
 * together, and one's entry leads to the other's. */
uint32_t demux_hash(const struct demux *d, const struct ip_addr *laddr, uint16_t lport,
                    const struct ip_addr *raddr, uint16_t rport)
{
    bool swap = demux_is_second(laddr, lport, raddr, rport);
    const struct ip_addr *a = swap ? raddr : laddr, *b = swap ? laddr : raddr;
    uint32_t ports = swap ? (uint32_t)rport << 16 | lport : (uint32_t)lport << 16 | rport;
    uint64_t key4[] = {(uint64_t)a->w[3] << 32 | b->w[3], ports};
    uint64_t key6[] = {a->d[0], a->d[1], b->d[0], b->d[1], ports};

    return addr_is4(a) && addr_is4(b) ? keyhash(&d->core->tables, key4, sizeof(key4))
                                      : keyhash(&d->core->tables, key6, sizeof(key6));
}

static uint32_t bound_hash(const struct demux *d, const struct ip_addr *laddr, uint16_t lport)
{
    struct bound_key key = {*laddr, lport};

    return keyhash(&d->core->tables, &key, sizeof(key));
}

int demux_init(struct demux *d, struct core *core)
{
    int err;

    d->core = core;
    d->any_dst[0] = d->any_dst[1] = NULL;
    d->has_unheld = false;
    d->newest.found = NULL;
    err = hash_init(&d->conns, &core->env);
    if (err)
        return err;
    err = hash_init(&d->bound, &core->env);
    if (err)
        hash_fini(&d->conns);
    return err;
}

void demux_fini(struct demux *d)
{
    hash_fini(&d->bound);
    hash_fini(&d->conns);
}

static void insert_conn(struct demux *d, struct demux_entry *e, uint8_t kind, uint32_t hash)
{
    core_assert(d->core, e->kind == DEMUX_NONE);
    e->kind = kind;
    hash_insert(&d->conns, &e->node, hash);
}

void demux_insert_conn(struct demux *d, struct demux_entry *e)
{
    insert_conn(d, e, DEMUX_CONN, demux_hash(d, &e->laddr, e->lport, &e->raddr, e->rport));
}

void demux_insert_hashed(struct demux *d, struct demux_entry *e, uint32_t hash)
{
    insert_conn(d, e, DEMUX_CONN, hash);
}

void demux_insert_bound(struct demux *d, struct demux_entry *e)
{
    uint32_t hash;

    core_assert(d->core, e->kind == DEMUX_NONE);
    d->newest.found = NULL;
    e->kind = DEMUX_BOUND;
    d->has_unheld |= e->any_dst;
    if (e->any_dst) {
        d->any_dst[e->is_v6] = e;
        return;
    }
    hash = bound_hash(d, &e->laddr, e->lport);
    if (!e->reuse_port || !demux_group_join(d, e, hash))
        hash_insert(&d->bound, &e->node, hash);
}

void demux_changed(struct demux *d, struct demux_entry *e)
{
    d->newest.found = NULL;
    if (e->any_dst || demux_group_suits(e))
        return;
    demux_remove(d, e);
    demux_insert_bound(d, e);
}

void demux_remove(struct demux *d, struct demux_entry *e)
{
    if (e->kind == DEMUX_BOUND)
        d->newest.found = NULL;
    if (e->kind == DEMUX_CONN || e->kind == DEMUX_TIMEWAIT)
        hash_remove(&d->conns, &e->node);
    else if (e->in_group)
        demux_group_leave(d, e);
    else if (e->kind == DEMUX_BOUND && !e->any_dst)
        hash_remove(&d->bound, &e->node);
    else if (d->any_dst[e->is_v6] == e)
        d->any_dst[e->is_v6] = NULL;
    e->kind = DEMUX_NONE;
}

void demux_replace(struct demux *d, struct demux_entry *from, struct demux_entry *to)
{
    uint8_t kind = from->kind;

    core_assert(d->core, kind == DEMUX_CONN || kind == DEMUX_TIMEWAIT);
    demux_remove(d, from);
    *to = *from;
    from->port_hold = PORT_NONE;
    from->port_ref = NULL;
    insert_conn(d, to, kind, to->node.hash);
}

static struct demux_entry *entry_of(struct hash_node *n)
{
    return container_of(n, struct demux_entry, node);
}

/* The link e is bound to; 0: none. A TIME-WAIT record has no pcb around it. */
static uint32_t link_of(const struct demux_entry *e)
{
    return e->kind == DEMUX_TIMEWAIT ? 0 : demux_pcb(e)->link_index;
}

static bool suits_link(const struct demux_entry *e, uint32_t link_index)
{
    uint32_t own = link_of(e);

    return !own || !link_index || own == link_index;
}

/* The first from n on that is exactly that. */
static struct demux_entry *first_conn(struct hash_node *n, const struct ip_addr *laddr,
                                      uint16_t lport, const struct ip_addr *raddr, uint16_t rport,
                                      uint32_t link_index)
{
    for (; n; n = hash_next(n)) {
        struct demux_entry *e = entry_of(n);

        if (e->lport == lport && e->rport == rport && addr_eq(&e->laddr, laddr) &&
            addr_eq(&e->raddr, raddr) && suits_link(e, link_index))
            return e;
    }
    return NULL;
}

struct demux_entry *demux_find_conn(const struct demux *d, const struct ip_addr *laddr,
                                    uint16_t lport, const struct ip_addr *raddr, uint16_t rport,
                                    uint32_t link_index)
{
    uint32_t hash = demux_hash(d, laddr, lport, raddr, rport);

    return demux_find_hashed(d, hash, laddr, lport, raddr, rport, link_index);
}

struct demux_entry *demux_find_hashed(const struct demux *d, uint32_t hash,
                                      const struct ip_addr *laddr, uint16_t lport,
                                      const struct ip_addr *raddr, uint16_t rport,
                                      uint32_t link_index)
{
    struct hash_node *n = hash_first(&d->conns, hash);

    return first_conn(n, laddr, lport, raddr, rport, link_index);
}

struct demux_entry *demux_find_peer(const struct demux *d, const struct demux_entry *e,
                                    uint32_t link_index)
{
    struct hash_node *n = hash_first(&d->conns, e->node.hash);

    return first_conn(n, &e->raddr, e->rport, &e->laddr, e->lport, link_index);
}

static bool suits(const struct demux_entry *e, const struct search *s, const struct ip_addr *at)
{
    return e->lport == s->lport && addr_eq(&e->laddr, at) && suits_link(e, s->link_index) &&
           !(s->is4 && e->v6only && !addr_is4(at));
}

/* Of a SO_REUSEPORT group always the same one for the same peer. */
static uint32_t choose(const struct demux *d, const struct search *s, uint32_t count)
{
    return demux_hash(d, &s->laddr, s->lport, &s->raddr, s->rport) % count;
}

/* The best of those bound to exactly the address `at`: bound to the link before bound to none
 * (Linux: compute_score), the newest before older ones, of a SO_REUSEPORT group the peer's. */
static struct demux_entry *find_at(const struct demux *d, const struct search *s,
                                   const struct ip_addr *at, bool *by_peer)
{
    uint32_t hash = bound_hash(d, at, s->lport);
    struct demux_entry *best = NULL;
    const struct demux_group *g;

    for (struct hash_node *n = hash_first(&d->bound, hash); n; n = hash_next(n)) {
        struct demux_entry *e = entry_of(n);

        if (suits(e, s, at) && (!best || (!link_of(best) && link_of(e))))
            best = e;
    }
    if (!best || best->kind != DEMUX_GROUP)
        return best;
    g = demux_group_of(best);
    *by_peer = g->count > 1;
    return g->members[g->count > 1 ? choose(d, s, g->count) : 0];
}

/* *by_peer: another peer may find another. */
static struct demux_entry *find_best(const struct demux *d, const struct search *s, bool *by_peer)
{
    struct demux_entry *e = find_at(d, s, &s->laddr, by_peer);

    if (!e && s->is4)
        e = find_at(d, s, &ADDR_ANY4, by_peer);
    if (!e)
        e = find_at(d, s, &ADDR_ANY6, by_peer);
    if (!e)
        e = d->any_dst[!s->is4];
    return e && suits_link(e, s->link_index) ? e : NULL;
}

struct demux_entry *demux_find_bound(struct demux *d, const struct ip_addr *laddr, uint16_t lport,
                                     const struct ip_addr *raddr, uint16_t rport,
                                     uint32_t link_index)
{
    struct demux_newest *n = &d->newest;
    bool by_peer = false;
    struct demux_entry *e;

    if (n->found && n->lport == lport && addr_eq(&n->laddr, laddr) && n->link_index == link_index)
        return n->found;
    e = find_best(d, &(struct search){*laddr, *raddr, lport, rport, link_index, addr_is4(laddr)},
                  &by_peer);
    if (!by_peer)
        *n = (struct demux_newest){e, *laddr, link_index, lport};
    return e;
}

static void visit_at(const struct demux *d, const struct search *s, const struct ip_addr *at,
                     void (*visit)(void *ctx, struct demux_entry *e), void *ctx)
{
    struct hash_node *n = hash_first(&d->bound, bound_hash(d, at, s->lport));

    for (; n; n = hash_next(n)) {
        struct demux_entry *e = entry_of(n);

        if (!suits(e, s, at))
            continue;
        if (e->kind == DEMUX_GROUP)
            demux_group_visit(demux_group_of(e), visit, ctx);
        else
            visit(ctx, e);
    }
}

void demux_visit_all(const struct demux *d, const struct ip_addr *laddr, uint16_t lport,
                     const struct ip_addr *raddr, uint16_t rport, uint32_t link_index,
                     void (*visit)(void *ctx, struct demux_entry *e), void *ctx)
{
    struct search s = {*laddr, *raddr, lport, rport, link_index, addr_is4(laddr)};
    struct hash_node *n = hash_first(&d->conns, demux_hash(d, laddr, lport, raddr, rport));

    for (; n; n = hash_next(n)) {
        struct demux_entry *e = entry_of(n);

        if (e->lport == lport && e->rport == rport && addr_eq(&e->laddr, laddr) &&
            addr_eq(&e->raddr, raddr) && suits_link(e, link_index))
            visit(ctx, e);
    }
    visit_at(d, &s, laddr, visit, ctx);
    if (s.is4)
        visit_at(d, &s, &ADDR_ANY4, visit, ctx);
    visit_at(d, &s, &ADDR_ANY6, visit, ctx);
}
