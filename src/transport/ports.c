/* Who holds which local port. Holders are counted in port_place.c, automatic ones stand besides in
 * the groups of port_group.c; here is the choice. RFC 6056 3.3.4, Linux: inet_csk_get_port. */
#include "transport/ports.h"

#include "transport/port_fresh.h"
#include "transport/port_place.h"

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
    memset(&p->taken, 0, sizeof(p->taken));
    memset(p->fresh, 0, sizeof(p->fresh));
    p->fresh_count = 0;
    env->random(env->ctx, p->next, sizeof(p->next));
    if (hash_init(&p->places, env))
        goto no_places;
    if (hash_init(&p->groups, env))
        goto no_groups;
    if (hash_init(&p->tallies, env))
        goto no_tallies;
    pool_init(&p->place_pool, env, sizeof(struct port_place));
    list_init(&p->idle_places);
    p->idle_place_count = 0;
    p->places_freed = 0;
    p->newest_place = NULL;
    port_groups_init(p);
    port_tally_init(p);
    return 0;
no_tallies:
    hash_fini(&p->groups);
no_groups:
    hash_fini(&p->places);
no_places:
    return -HF_ENOMEM;
}

void ports_fini(struct ports *p)
{
    port_places_drop_idle(p);
    port_groups_fini(p);
    port_tally_fini(p);
    core_assert(p->core, !p->places.count && !p->groups.count && !p->tallies.count);
    pool_fini(&p->place_pool);
    hash_fini(&p->tallies);
    hash_fini(&p->groups);
    hash_fini(&p->places);
    port_map_fini(&p->taken, &p->core->env);
}

/* What e puts up with when it asks. */
static unsigned asked_class(const struct demux_entry *e)
{
    return (e->reuse_addr ? PLACE_REUSE_ADDR : 0u) | (e->reuse_port ? PLACE_REUSE_PORT : 0u);
}

/* What it puts up with when others ask. Linux: a listener's SO_REUSEADDR does not count then. */
static unsigned class_of(const struct demux_entry *e)
{
    return e->is_listening ? asked_class(e) & ~(unsigned)PLACE_REUSE_ADDR : asked_class(e);
}

static struct port_spot spot_of(const struct pcb *pcb, const struct ip_addr *laddr, uint16_t port)
{
    return (struct port_spot){
        .addr = *laddr, .link = pcb->link_index, .port = port, .v6only = pcb->entry.v6only};
}

static struct port_spot auto_spot(const struct port_group *g, uint16_t port)
{
    return (struct port_spot){.addr = g->laddr, .port = port, .is_auto = true};
}

static int hold(struct ports *p, struct demux_entry *e, const struct port_spot *at)
{
    unsigned class = class_of(e);
    struct port_place *place = port_place_add(p, at, class);

    if (!place)
        return -HF_ENOMEM;
    e->port_class = class & (PLACE_CLASSES - 1);
    e->port_hold = PORT_BOUND;
    e->port_ref = place;
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

/* RFC 6056 3.3.1: any with the same chance, to begin with. */
static uint16_t any_port(struct ports *p, const struct pcb *pcb, const struct ip_addr *laddr)
{
    struct port_range r = range_of(p, pcb);
    struct port_spot at = spot_of(pcb, laddr, 0);
    uint32_t start = r.min + core_random32(p->core) % (r.max - r.min + 1u);
    int32_t port;

    do {
        port = port_place_free_port(p, &at, start, r.max);
        if (port < 0 && start > r.min)
            port = port_place_free_port(p, &at, r.min, start - 1);
    } while (port < 0 && port_places_drop_idle(p));
    return port < 0 ? 0 : (uint16_t)port;
}

/* Linux: inet_csk_bind_conflict. RFC 9293 MUST-42. C26. NetSem bind_2, bind_9. */
int ports_bind(struct ports *p, struct pcb *pcb, const struct ip_addr *laddr, uint16_t port)
{
    struct ip_addr addr = *laddr; /* may be entry.laddr itself */
    struct port_spot at;
    int err;

    core_assert(p->core, pcb->entry.port_hold == PORT_NONE && pcb->entry.kind == DEMUX_NONE);
    err = port_fresh_count_all(p);
    if (err)
        return err;
    at = spot_of(pcb, &addr, port);
    if (!port)
        at.port = any_port(p, pcb, &addr);
    else if (port_place_conflicts(p, &at, asked_class(&pcb->entry)))
        return -HF_EADDRINUSE;
    if (!at.port)
        return -HF_EADDRINUSE;
    err = hold(p, &pcb->entry, &at);
    if (err)
        return err;
    pcb->entry.laddr = addr;
    pcb->entry.lport = at.port;
    return 0;
}

/* Linux: inet_csk_listen_start asks inet_csk_get_port once more. NetSem listen_4. */
int ports_listen(struct ports *p, struct pcb *pcb)
{
    struct demux_entry *e = &pcb->entry;
    struct port_spot at;
    int err = port_fresh_count_all(p);

    core_assert(p->core, e->port_hold == PORT_BOUND);
    if (err)
        return err;
    at = port_place_spot(e->port_ref);
    if (port_place_others_conflict(p, &at, e->port_class, asked_class(e)))
        return -HF_EADDRINUSE;
    e->is_listening = 1;
    ports_changed(p, pcb);
    return 0;
}

/* Counts e at another spot; without memory it stays where it was. */
static void move(struct ports *p, struct demux_entry *e, const struct port_spot *to)
{
    struct port_place *place = e->port_ref;
    struct port_spot from = port_place_spot(place);
    unsigned class = e->port_class;

    if (addr_eq(&from.addr, &to->addr) && from.link == to->link && from.v6only == to->v6only)
        return;
    if (!hold(p, e, to))
        port_place_remove(p, place, class);
}

static void bound_changed(struct ports *p, struct pcb *pcb)
{
    struct demux_entry *e = &pcb->entry;
    unsigned class = class_of(e);
    struct port_spot at = port_place_spot(e->port_ref);

    if (class != e->port_class)
        port_place_change(p, &at, e->port_class, class);
    e->port_class = class & (PLACE_CLASSES - 1);
    at = spot_of(pcb, &e->laddr, e->lport);
    at.v6only &= addr_is_any(&e->laddr) && !addr_is4(&e->laddr);
    move(p, e, &at);
}

/* Another connection has this four-tuple, a holder of no port: one that hf_sock_listen_any took. */
static bool tuple_exists(const struct ports *p, const struct pcb *pcb, uint16_t port)
{
    const struct demux_entry *e = &pcb->entry;

    return !p->shared_tuples && p->demux->has_unheld &&
           demux_find_conn(p->demux, &e->laddr, port, &e->raddr, e->rport, pcb->link_index);
}

/* The first good port in low..high, or -1. */
static int32_t choose(const struct ports *p, const struct port_group *g, const struct pcb *pcb,
                      uint32_t low, uint32_t high)
{
    const struct port_set *set = &g->set;
    bool is_taken = port_map_has(&p->taken, (uint16_t)low);

    if (!is_taken && !port_set_has(set, (uint16_t)low) && !tuple_exists(p, pcb, (uint16_t)low))
        return (int32_t)low; /* as a rule */
    while (low <= high) {
        int32_t port = port_sets_free_port(&set, 1, &p->taken, low, high);

        if (port < 0 || !tuple_exists(p, pcb, (uint16_t)port))
            return port;
        low = (uint32_t)port + 1;
    }
    return -1;
}

/* Counts a holder of an automatic port: of a class that puts up with nobody by number alone. */
static int count_auto(struct ports *p, struct port_group *g, uint16_t port, unsigned class)
{
    struct port_spot at;

    if (!class)
        return port_fresh_add(p, g, port);
    at = auto_spot(g, port);
    return port_place_add(p, &at, class) ? 0 : -HF_ENOMEM;
}

static void uncount_auto(struct ports *p, struct port_group *g, uint16_t port, unsigned class)
{
    struct port_spot at;

    if (!class) {
        port_fresh_remove(p, g, port);
        return;
    }
    at = auto_spot(g, port);
    port_place_remove_auto(p, &at, class);
}

static int hold_auto(struct ports *p, struct port_group *g, struct demux_entry *e, uint16_t port)
{
    unsigned class = class_of(e);
    int err = count_auto(p, g, port, class);

    if (err)
        return err;
    err = port_group_add(p, g, port);
    if (err) {
        uncount_auto(p, g, port, class);
        return err;
    }
    e->port_class = class & (PLACE_CLASSES - 1);
    e->port_hold = PORT_AUTO;
    e->port_ref = g;
    e->lport = port;
    return 0;
}

void ports_changed(struct ports *p, struct pcb *pcb)
{
    struct demux_entry *e = &pcb->entry;
    unsigned class = class_of(e);

    if (e->kind == DEMUX_BOUND)
        demux_changed(p->demux, e);
    if (e->port_hold == PORT_BOUND) {
        bound_changed(p, pcb);
    } else if (e->port_hold == PORT_AUTO && class != e->port_class &&
               !count_auto(p, e->port_ref, e->lport, class)) {
        uncount_auto(p, e->port_ref, e->lport, e->port_class);
        e->port_class = class & (PLACE_CLASSES - 1);
    }
}

/* C03, C21; NetSem connect_5c. */
int ports_connect(struct ports *p, struct pcb *pcb)
{
    struct demux_entry *e = &pcb->entry;
    struct port_range r = range_of(p, pcb);
    struct port_group *g;
    uint32_t start;
    int32_t port;
    int err;

    core_assert(p->core, e->port_hold == PORT_NONE && e->kind == DEMUX_NONE);
    g = port_group_of_peer(p, e);
    if (!g)
        return -HF_ENOMEM;
    start = r.min + (g->offset + *g->next) % (r.max - r.min + 1u);
    do {
        port = choose(p, g, pcb, start, r.max);
        if (port < 0 && start > r.min)
            port = choose(p, g, pcb, r.min, start - 1);
    } while (port < 0 && port_places_drop_idle(p));
    err = port < 0 ? -HF_EADDRNOTAVAIL : hold_auto(p, g, e, (uint16_t)port);
    if (!err)
        ++*g->next;
    return err;
}

int ports_child(struct ports *p, struct pcb *child, const struct pcb *listener)
{
    struct port_spot at = spot_of(child, &child->entry.laddr, listener->entry.lport);

    core_assert(p->core, child->entry.port_hold == PORT_NONE);
    return hold(p, &child->entry, &at);
}

void ports_hold_too(struct ports *p, struct pcb *pcb, const struct demux_entry *record)
{
    struct port_spot at;

    if (record->port_hold != PORT_BOUND)
        return;
    at = port_place_spot(record->port_ref);
    pcb->port_bound = !hold(p, &pcb->entry, &at);
}

void ports_release(struct ports *p, struct demux_entry *e)
{
    if (e->port_hold == PORT_BOUND) {
        port_place_remove(p, e->port_ref, e->port_class);
    } else if (e->port_hold == PORT_AUTO) {
        uncount_auto(p, e->port_ref, e->lport, e->port_class);
        port_group_remove(p, e->port_ref, e->lport);
    }
    e->port_hold = PORT_NONE;
    e->port_ref = NULL;
}
