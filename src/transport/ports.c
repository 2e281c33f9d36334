/* Who holds which local port. Explicit holders are port_bucket.c's, automatic ones
 * port_group.c's; here is the choice. RFC 6056 3.3.4, Linux: inet_csk_get_port. */
#include "transport/ports.h"

#include "base/siphash.h"
#include "transport/port_bucket.h"
#include "transport/port_group.h"

#define TAKEN_BYTES (PORT_WORDS * sizeof(uint64_t))

struct offset_key {
    struct ip_addr laddr, raddr;
    uint64_t rport;
};

struct port_range {
    uint32_t min, max;
};

int ports_init(struct ports *p, struct core *core, struct demux *demux, uint16_t min, uint16_t max,
               bool shared_tuples)
{
    const struct hf_env *env = &core->env;

    p->core = core;
    p->demux = demux;
    p->min = min;
    p->max = max;
    p->shared_tuples = shared_tuples;
    p->taken = env->alloc(env->ctx, TAKEN_BYTES);
    if (!p->taken)
        return -HF_ENOMEM;
    memset(p->taken, 0, TAKEN_BYTES);
    env->random(env->ctx, p->next, sizeof(p->next));
    if (hash_init(&p->buckets, env))
        goto no_buckets;
    if (hash_init(&p->groups, env))
        goto no_groups;
    if (hash_init(&p->autos, env))
        goto no_autos;
    return 0;
no_autos:
    hash_fini(&p->groups);
no_groups:
    hash_fini(&p->buckets);
no_buckets:
    env->free(env->ctx, p->taken, TAKEN_BYTES);
    return -HF_ENOMEM;
}

void ports_fini(struct ports *p)
{
    core_assert(p->core, !p->buckets.count && !p->groups.count);
    hash_fini(&p->autos);
    hash_fini(&p->groups);
    hash_fini(&p->buckets);
    p->core->env.free(p->core->env.ctx, p->taken, TAKEN_BYTES);
}

static bool conflicts(const struct ports *p, const struct pcb *pcb, const struct ip_addr *laddr,
                      uint16_t port)
{
    const struct port_bucket *b = port_bucket_find(p, port);

    return (b && port_bucket_conflicts(b, pcb, laddr)) || port_auto_conflicts(p, pcb, laddr, port);
}

/* The first port in low..high that nobody holds at laddr, or 0. */
static uint16_t unheld(const struct ports *p, const struct pcb *pcb, const struct ip_addr *laddr,
                       uint32_t low, uint32_t high)
{
    for (uint32_t port = low; port <= high; port++) {
        uint64_t open = ~p->taken[port / 64] >> port % 64;

        if (!open) {
            port |= 63;
            continue;
        }
        port += (uint32_t)__builtin_ctzll(open);
        if (port <= high && !port_auto_conflicts(p, pcb, laddr, (uint16_t)port))
            return (uint16_t)port;
    }
    return 0;
}

/* Linux: inet_sk_get_local_port_range. The socket's own ends count only inside of the stack's. */
static struct port_range range_of(const struct ports *p, const struct pcb *pcb)
{
    struct port_range r = {p->min, p->max};

    if (pcb->port_low > r.min && pcb->port_low <= r.max)
        r.min = pcb->port_low;
    if (pcb->port_high >= r.min && pcb->port_high < r.max)
        r.max = pcb->port_high;
    return r;
}

static uint16_t any_port(const struct ports *p, const struct pcb *pcb, const struct ip_addr *laddr)
{
    struct port_range r = range_of(p, pcb);
    uint32_t start = r.min + core_random32(p->core) % (r.max - r.min + 1u);
    uint16_t port = unheld(p, pcb, laddr, start, r.max);

    return port || start == r.min ? port : unheld(p, pcb, laddr, r.min, start - 1);
}

/* Linux: inet_csk_bind_conflict. C26. */
int ports_bind(struct ports *p, struct pcb *pcb, const struct ip_addr *laddr, uint16_t port)
{
    struct ip_addr addr = *laddr;
    int err;

    core_assert(p->core, pcb->entry.port_hold == PORT_NONE && pcb->entry.kind == DEMUX_NONE);
    if (!port)
        port = any_port(p, pcb, &addr);
    else if (conflicts(p, pcb, &addr, port))
        return -HF_EADDRINUSE;
    if (!port)
        return -HF_EADDRINUSE;
    err = port_bucket_own(p, pcb, port);
    if (err)
        return err;
    pcb->entry.laddr = addr;
    pcb->entry.lport = port;
    return 0;
}

int ports_check_listen(struct ports *p, struct pcb *pcb)
{
    const struct port_bucket *b = port_bucket_find(p, pcb->entry.lport);

    return b && port_bucket_is_listened(b, pcb) ? -HF_EADDRINUSE : 0;
}

/* Where to begin: an offset of the peer's own plus a counter that few peers share, so that one
 * peer's ports follow each other and tell nothing of another's. RFC 6056 3.3.4. */
static uint16_t *first_choice(struct ports *p, const struct demux_entry *e, struct port_range r,
                              uint32_t *port)
{
    struct offset_key key = {e->laddr, e->raddr, e->rport};
    uint64_t hash = siphash(p->core->isn_key, &key, sizeof(key));
    uint16_t *next = &p->next[(hash >> 32) % PORT_COUNTERS];

    *port = r.min + ((uint32_t)hash % 65536 + *next) % (r.max - r.min + 1u);
    return next;
}

/* Another connection has this four-tuple, a holder of no port: one that hf_sock_listen_any took. */
static bool tuple_exists(const struct ports *p, const struct pcb *pcb, uint16_t port)
{
    const struct demux_entry *e = &pcb->entry;

    return !p->shared_tuples &&
           demux_find_conn(p->demux, &e->laddr, port, &e->raddr, e->rport, pcb->link_index);
}

/* The first good port in low..high, or -1. */
static int32_t choose(const struct ports *p, const struct port_group *g, const struct pcb *pcb,
                      uint32_t low, uint32_t high)
{
    while (low <= high) {
        int32_t port = port_group_free_port(p, g, (uint16_t)low, (uint16_t)high);

        if (port < 0 || !tuple_exists(p, pcb, (uint16_t)port))
            return port;
        low = (uint32_t)port + 1;
    }
    return -1;
}

static int hold_auto(struct ports *p, struct port_group *g, struct demux_entry *e, uint16_t port)
{
    int err = port_auto_add(p, &g->laddr, port, e->reuse_addr);

    if (err)
        return err;
    err = port_group_add(p, g, port);
    if (err) {
        port_auto_remove(p, &g->laddr, port, e->reuse_addr);
        return err;
    }
    e->port_reuse = e->reuse_addr;
    e->port_hold = PORT_AUTO;
    e->port_ref = g;
    e->lport = port;
    return 0;
}

/* C03, C21; NetSem connect_5c. */
int ports_connect(struct ports *p, struct pcb *pcb)
{
    struct demux_entry *e = &pcb->entry;
    struct port_range r = range_of(p, pcb);
    struct port_group *g;
    uint32_t start;
    uint16_t *next;
    int32_t port;
    int err;

    core_assert(p->core, e->port_hold == PORT_NONE && e->kind == DEMUX_NONE);
    g = port_group_get(p, e);
    if (!g)
        return -HF_ENOMEM;
    next = first_choice(p, e, r, &start);
    port = choose(p, g, pcb, start, r.max);
    if (port < 0 && start > r.min)
        port = choose(p, g, pcb, r.min, start - 1);
    err = port < 0 ? -HF_EADDRNOTAVAIL : hold_auto(p, g, e, (uint16_t)port);
    if (err)
        port_group_put(p, g);
    else
        ++*next;
    return err;
}

int ports_child(struct ports *p, struct pcb *child, const struct pcb *listener)
{
    core_assert(p->core, child->entry.port_hold == PORT_NONE);
    return port_bucket_share(p, &child->entry, listener->entry.lport);
}

void ports_release(struct ports *p, struct demux_entry *e)
{
    switch (e->port_hold) {
    case PORT_BOUND:
        port_bucket_disown(e->port_ref, container_of(e, struct pcb, entry));
        break;
    case PORT_CHILD:
        port_bucket_unshare(e->port_ref);
        break;
    case PORT_AUTO: {
        struct port_group *g = e->port_ref;

        port_auto_remove(p, &g->laddr, e->lport, e->port_reuse);
        port_group_remove(g, e->lport);
        port_group_put(p, g);
        break;
    }
    default:
        break;
    }
    e->port_hold = PORT_NONE;
    e->port_ref = NULL;
}

void ports_hand_over(struct demux_entry *from, struct demux_entry *to)
{
    to->port_hold = from->port_hold;
    to->port_ref = from->port_ref;
    if (from->port_hold == PORT_BOUND) {
        to->port_hold = PORT_CHILD;
        to->port_ref = port_bucket_demote(from->port_ref, container_of(from, struct pcb, entry));
    }
    from->port_hold = PORT_NONE;
    from->port_ref = NULL;
}
