/* The neighbour cache.
 *
 * RFC 4861 7.3 for both families: an unknown neighbour is asked for by everybody's ears three times
 * a second apart while packets wait; a known one is used, and when it has not been confirmed for a
 * while (STALE), the first packet starts the clock: 5 s for the upper layers to confirm it (DELAY),
 * then three questions to itself (PROBE), then it is forgotten. RFC 1122 2.3.2.1, 2.3.2.2.
 *
 * Poisoning: a MAC is only ever learned from an answer to our question, or from a question to us
 * while we know none. A claim that contradicts what we know makes us ask the old MAC, and only its
 * silence makes room for another. Deviates: RFC 4861 7.2.5 lets an override flag replace the MAC.
 */
#include "net/neighbour.h"

#include "base/keyhash.h"
#include "base/pool.h"
#include "net/link.h"
#include "wire/bytes.h"
#include "wire/ether.h"
#include "wire/icmp.h"
#include "wire/ip6.h"

#define TABLE_MOST   4096 /* entries; those in use by paths are not evicted */
#define WAITING_MOST 64   /* frames per neighbour: a fragmented datagram of the largest size */
#define WAITING_ALL  1024 /* frames for all neighbours together */
#define PROBES_MOST  3    /* RFC 4861 10: MAX_MULTICAST_SOLICIT, MAX_UNICAST_SOLICIT */
#define RETRANS      (1 * HF_S) /* RETRANS_TIMER */
#define DELAY        (5 * HF_S) /* DELAY_FIRST_PROBE_TIME */
#define REACHABLE_MS 30000      /* REACHABLE_TIME, randomised by a half: MIN_, MAX_RANDOM_FACTOR */

struct neigh_table {
    struct hash hash;
    struct pool pool;
    struct list idle, busy;
    uint32_t count, waiting;
};

static void neighbour_fire(struct timer *t);

int neighbour_init(struct net *net)
{
    struct hf_env *env = &net->core->env;
    struct neigh_table *t = env->alloc(env->ctx, sizeof(*t));

    if (!t)
        return -HF_ENOMEM;
    memset(t, 0, sizeof(*t));
    if (hash_init(&t->hash, env)) {
        env->free(env->ctx, t, sizeof(*t));
        return -HF_ENOMEM;
    }
    pool_init(&t->pool, env, sizeof(struct neighbour));
    list_init(&t->idle);
    list_init(&t->busy);
    net->neighbours = t;
    return 0;
}

static struct hf_frame *waiting_pop(struct neighbour *n)
{
    struct hf_frame *f = n->first;

    if (!f)
        return NULL;
    n->first = f->next;
    if (!n->first)
        n->last = NULL;
    f->next = NULL;
    n->waiting--;
    n->net->neighbours->waiting--;
    return f;
}

static void neighbour_free(struct neighbour *n)
{
    struct net *net = n->net;
    struct neigh_table *t = net->neighbours;
    struct hf_frame *f;

    core_cancel(net->core, &n->timer);
    while ((f = waiting_pop(n)))
        core_drop(net->core, HF_DROP_NEIGH_FAILED, f);
    hash_remove(&t->hash, &n->node);
    list_remove(&n->link_in_idle);
    t->count--;
    pool_put(&t->pool, n);
}

void neighbour_fini(struct net *net)
{
    struct hf_env *env = &net->core->env;
    struct neigh_table *t = net->neighbours;

    if (!t)
        return;
    list_for_each (l, &t->idle)
        neighbour_free(container_of(l, struct neighbour, link_in_idle));
    list_for_each (l, &t->busy)
        neighbour_free(container_of(l, struct neighbour, link_in_idle));
    hash_fini(&t->hash);
    pool_fini(&t->pool);
    env->free(env->ctx, t, sizeof(*t));
    net->neighbours = NULL;
}

void neighbour_drop_link(struct net *net, const struct hf_link *link)
{
    list_for_each (l, &net->neighbours->idle) {
        struct neighbour *n = container_of(l, struct neighbour, link_in_idle);

        if (n->link == link)
            neighbour_free(n);
    }
}

static uint32_t neighbour_hash(const struct net *net, const struct hf_link *link,
                               const struct ip_addr *addr)
{
    struct {
        struct ip_addr addr;
        uint64_t link_index;
    } key = {*addr, link->index};

    return keyhash(&net->core->tables, &key, sizeof(key));
}

struct neighbour *neighbour_find(const struct net *net, const struct hf_link *link,
                                 const struct ip_addr *addr)
{
    uint32_t hash = neighbour_hash(net, link, addr);

    for (struct hash_node *h = hash_first(&net->neighbours->hash, hash); h; h = hash_next(h)) {
        struct neighbour *n = container_of(h, struct neighbour, node);

        if (n->link == link && addr_eq(&n->addr, addr))
            return n;
    }
    return NULL;
}

void neighbour_visit(const struct net *net, void (*visit)(void *ctx, const struct neighbour *n),
                     void *ctx)
{
    list_for_each (l, &net->neighbours->idle)
        visit(ctx, container_of(l, struct neighbour, link_in_idle));
    list_for_each (l, &net->neighbours->busy)
        visit(ctx, container_of(l, struct neighbour, link_in_idle));
}

/* A new entry in state NONE, idle, in place of the one that has been idle longest when it is full.
 */
static struct neighbour *neighbour_new(struct net *net, struct hf_link *link,
                                       const struct ip_addr *addr)
{
    struct neigh_table *t = net->neighbours;
    struct neighbour *n;

    if (t->count >= TABLE_MOST) {
        if (list_empty(&t->idle))
            return NULL;
        neighbour_free(container_of(t->idle.next, struct neighbour, link_in_idle));
    }
    n = pool_get(&t->pool);
    if (!n)
        return NULL;
    memset(n, 0, sizeof(*n));
    n->net = net;
    n->link = link;
    n->addr = *addr;
    timer_init(&n->timer, neighbour_fire);
    hash_insert(&t->hash, &n->node, neighbour_hash(net, link, addr));
    list_push_back(&t->idle, &n->link_in_idle);
    t->count++;
    return n;
}

static void hold(struct neighbour *n)
{
    if (n->refs++)
        return;
    list_remove(&n->link_in_idle);
    list_push_back(&n->net->neighbours->busy, &n->link_in_idle);
}

struct neighbour *neighbour_get(struct net *net, struct hf_link *link, const struct ip_addr *addr)
{
    struct neighbour *n = neighbour_find(net, link, addr);

    if (!n)
        n = neighbour_new(net, link, addr);
    if (n)
        hold(n);
    return n;
}

void neighbour_put(struct neighbour *n)
{
    if (!n || --n->refs)
        return;
    list_remove(&n->link_in_idle);
    list_push_back(&n->net->neighbours->idle, &n->link_in_idle);
}

static void solicit(struct neighbour *n)
{
    const uint8_t *mac = n->state == NEIGH_PROBE ? n->mac : NULL;

    n->probes++;
    core_arm(n->net->core, &n->timer, n->net->core->now + RETRANS);
    if (addr_is4(&n->addr))
        arp_solicit(n->net, n->link, &n->addr, mac);
    else
        ndp_solicit(n->net, n->link, &n->addr, mac);
}

static void enter(struct neighbour *n, enum neigh_state state)
{
    struct core *core = n->net->core;

    n->state = (uint8_t)state;
    n->probes = 0;
    core_cancel(core, &n->timer);
    switch (state) {
    case NEIGH_REACHABLE:
        n->reachable_until =
            core->now + (REACHABLE_MS / 2 + core_random32(core) % REACHABLE_MS) * HF_MS;
        break;
    case NEIGH_DELAY:
        core_arm(core, &n->timer, core->now + DELAY);
        break;
    case NEIGH_INCOMPLETE:
    case NEIGH_PROBE:
        solicit(n);
        break;
    case NEIGH_NONE:
    case NEIGH_STALE:
        break;
    }
}

/* Tells the transport that a packet of this host's could not be delivered. Linux: a neighbour that
 * does not answer is EHOSTUNREACH, by an ICMP error that the host sends to itself. */
static void report(struct neighbour *n, struct hf_frame *f)
{
    struct icmp_error e = {.kind = ICMP_ERR_HOST_UNREACH, .link = n->link};
    uint32_t header;
    const struct net_up *up;

    if (addr_is4(&n->addr)) {
        struct ip4_header h;

        if (ip4_header_read(f, &h) != IP4_OK || h.frag_off)
            return;
        e.type = ICMP4_UNREACHABLE;
        e.code = ICMP4_UNREACH_HOST;
        e.src = h.src;
        e.dst = h.dst;
        e.proto = h.proto;
        header = h.header_bytes;
    } else {
        struct ip6_header h;
        struct ip6_fragment frag;

        if (!ip6_header_read(f, &h))
            return;
        e.type = ICMP6_UNREACHABLE;
        e.code = ICMP6_UNREACH_ADDRESS;
        e.src = h.src;
        e.dst = h.dst;
        e.proto = h.next_header;
        header = IP6_HEADER;
        if (e.proto == IP_PROTO_FRAGMENT) {
            if (!hf_frame_pull(f, header + IP6_FRAGMENT))
                return;
            ip6_fragment_read(f->head + header, &frag);
            e.proto = frag.next_header;
            header += IP6_FRAGMENT;
            if (frag.offset)
                return;
        }
    }
    up = &n->net->up[e.proto];
    if (!up->error || !hf_frame_pull(f, HF_MIN(f->len, header + 20)) || f->head_len < header + 8)
        return;
    e.reporter = e.src;
    e.quoted = f->head + header;
    e.quoted_len = f->head_len - header;
    up->error(up->ctx, &e);
}

/* Nobody there. What waits is dropped; the transports may send anew from their error call. */
static void fail(struct neighbour *n)
{
    struct core *core = n->net->core;
    struct hf_frame *f, *doomed = n->first;

    n->net->neighbours->waiting -= n->waiting;
    n->first = n->last = NULL;
    n->waiting = 0;
    enter(n, NEIGH_NONE);
    hold(n);
    while ((f = doomed)) {
        doomed = f->next;
        f->next = NULL;
        report(n, f);
        core_drop(core, HF_DROP_NEIGH_FAILED, f);
    }
    neighbour_put(n);
}

static void neighbour_fire(struct timer *t)
{
    struct neighbour *n = container_of(t, struct neighbour, timer);

    if (n->state == NEIGH_DELAY)
        enter(n, NEIGH_PROBE);
    else if (n->probes < PROBES_MOST)
        solicit(n);
    else
        fail(n);
}

/* RFC 4861 7.2.2: when the queue is full the newest packet replaces the oldest. */
static void park(struct neighbour *n, struct hf_frame *f)
{
    struct neigh_table *t = n->net->neighbours;

    if (n->waiting >= WAITING_MOST || (t->waiting >= WAITING_ALL && n->waiting))
        core_drop(n->net->core, HF_DROP_NEIGH_QUEUE, waiting_pop(n));
    if (t->waiting >= WAITING_ALL) {
        core_drop(n->net->core, HF_DROP_NEIGH_QUEUE, f);
        return;
    }
    f->next = NULL;
    if (n->last)
        n->last->next = f;
    else
        n->first = f;
    n->last = f;
    n->waiting++;
    t->waiting++;
}

void neighbour_output(struct neighbour *n, struct hf_frame *f)
{
    uint16_t type = addr_is4(&n->addr) ? ETHER_IP4 : ETHER_IP6;

    if (n->state <= NEIGH_INCOMPLETE) {
        park(n, f);
        if (n->state == NEIGH_NONE)
            enter(n, NEIGH_INCOMPLETE);
        return;
    }
    if (n->state == NEIGH_REACHABLE && n->net->core->now >= n->reachable_until)
        enter(n, NEIGH_STALE);
    if (n->state == NEIGH_STALE)
        enter(n, NEIGH_DELAY);
    link_output_ether(n->net, n->link, n->mac, type, f);
}

void neighbour_confirm(struct neighbour *n)
{
    struct core *core = n->net->core;

    /* Cheap for what calls at every segment: no new span while most of the last is left. */
    if (n->state <= NEIGH_INCOMPLETE ||
        (n->state == NEIGH_REACHABLE && n->reachable_until - core->now > REACHABLE_MS / 4 * HF_MS))
        return;
    enter(n, NEIGH_REACHABLE);
}

static void flush(struct neighbour *n)
{
    uint16_t type = addr_is4(&n->addr) ? ETHER_IP4 : ETHER_IP6;
    struct hf_frame *f;

    while ((f = waiting_pop(n)))
        link_output_ether(n->net, n->link, n->mac, type, f);
}

void neighbour_learn(struct net *net, struct hf_link *link, const struct ip_addr *addr,
                     const uint8_t mac[6], enum neigh_claim claim)
{
    struct neighbour *n = neighbour_find(net, link, addr);
    bool is_same;

    if (ether_is_group(mac) || memcmp(mac, link->mac, ETHER_MAC) == 0)
        return;
    if (!n && claim == NEIGH_ASKED_US)
        n = neighbour_new(net, link, addr);
    if (!n)
        return;
    is_same = n->state > NEIGH_INCOMPLETE && memcmp(n->mac, mac, ETHER_MAC) == 0;
    if (claim == NEIGH_ANSWER &&
        (n->state == NEIGH_INCOMPLETE || (n->state == NEIGH_PROBE && is_same))) {
        memcpy(n->mac, mac, ETHER_MAC);
        enter(n, NEIGH_REACHABLE);
    } else if (n->state <= NEIGH_INCOMPLETE && claim == NEIGH_ASKED_US) {
        memcpy(n->mac, mac, ETHER_MAC);
        enter(n, NEIGH_STALE);
    } else if (n->state > NEIGH_INCOMPLETE && !is_same && n->state != NEIGH_PROBE) {
        enter(n, NEIGH_PROBE);
    }
    if (n->state > NEIGH_INCOMPLETE)
        flush(n);
}
