/* Which ports connect() chose, per local address and peer. Few stand in line; from the 33rd on
 * there is a bitmap, whose summary makes the search for the last free port as short as for the
 * first. Beside it, counts by (address, port) and by (family's any, port) answer bind(). */
#include "transport/port_group.h"

#include "base/siphash.h"

struct group_key {
    struct ip_addr laddr, raddr;
    uint64_t rport;
};

struct auto_key {
    struct ip_addr addr;
    uint64_t port;
};

struct port_auto {
    struct hash_node node;
    struct ip_addr addr;
    uint32_t count[2]; /* without and with reuse_addr */
    uint16_t port;
};

static uint32_t group_hash(const struct ports *p, const struct ip_addr *laddr,
                           const struct ip_addr *raddr, uint16_t rport)
{
    struct group_key key = {*laddr, *raddr, rport};

    return (uint32_t)siphash(p->core->key, &key, sizeof(key));
}

struct port_group *port_group_get(struct ports *p, const struct demux_entry *e)
{
    const struct hf_env *env = &p->core->env;
    uint32_t hash = group_hash(p, &e->laddr, &e->raddr, e->rport);
    struct port_group *g;

    for (struct hash_node *n = hash_first(&p->groups, hash); n; n = hash_next(n)) {
        g = container_of(n, struct port_group, node);
        if (g->rport == e->rport && addr_eq(&g->laddr, &e->laddr) && addr_eq(&g->raddr, &e->raddr))
            return g;
    }
    g = env->alloc(env->ctx, sizeof(*g));
    if (!g)
        return NULL;
    g->laddr = e->laddr;
    g->raddr = e->raddr;
    g->rport = e->rport;
    g->map = NULL;
    g->count = 0;
    hash_insert(&p->groups, &g->node, hash);
    return g;
}

void port_group_put(struct ports *p, struct port_group *g)
{
    const struct hf_env *env = &p->core->env;

    if (g->count)
        return;
    hash_remove(&p->groups, &g->node);
    if (g->map)
        env->free(env->ctx, g->map, sizeof(*g->map));
    env->free(env->ctx, g, sizeof(*g));
}

/* A word of the ports that g uses. */
static uint64_t used_word(const struct port_group *g, uint32_t w)
{
    uint64_t word = 0;

    if (g->map)
        return g->map->words[w];
    for (uint32_t i = 0; i < g->count; i++)
        if (g->ports[i] / 64 == w)
            word |= (uint64_t)1 << g->ports[i] % 64;
    return word;
}

/* The first word from w on that g has not filled; PORT_WORDS when there is none. */
static uint32_t unfilled_from(const struct port_group *g, uint32_t w)
{
    if (!g->map)
        return w;
    while (w < PORT_WORDS) {
        uint64_t open = ~g->map->full[w / 64] >> w % 64;

        if (open)
            return w + (uint32_t)__builtin_ctzll(open);
        w = (w / 64 + 1) * 64;
    }
    return PORT_WORDS;
}

int32_t port_group_free_port(const struct ports *p, const struct port_group *g, uint16_t low,
                             uint16_t high)
{
    uint64_t mask = ~(uint64_t)0 << low % 64;
    uint32_t first = low / 64;

    for (uint32_t w = unfilled_from(g, first); w <= high / 64u; w = unfilled_from(g, w + 1)) {
        uint64_t open = ~(used_word(g, w) | p->taken[w]) & (w == first ? mask : ~(uint64_t)0);

        if (open) {
            uint32_t port = w * 64 + (uint32_t)__builtin_ctzll(open);

            return port <= high ? (int32_t)port : -1;
        }
    }
    return -1;
}

static void map_set(struct port_map *m, uint16_t port)
{
    uint32_t w = port / 64;

    m->words[w] |= (uint64_t)1 << port % 64;
    if (m->words[w] == ~(uint64_t)0)
        m->full[w / 64] |= (uint64_t)1 << w % 64;
}

static void map_clear(struct port_map *m, uint16_t port)
{
    uint32_t w = port / 64;

    m->words[w] &= ~((uint64_t)1 << port % 64);
    m->full[w / 64] &= ~((uint64_t)1 << w % 64);
}

int port_group_add(struct ports *p, struct port_group *g, uint16_t port)
{
    const struct hf_env *env = &p->core->env;

    if (!g->map && g->count == PORT_INLINE) {
        struct port_map *map = env->alloc(env->ctx, sizeof(*map));

        if (!map)
            return -HF_ENOMEM;
        memset(map, 0, sizeof(*map));
        for (uint32_t i = 0; i < g->count; i++)
            map_set(map, g->ports[i]);
        g->map = map;
    }
    if (g->map)
        map_set(g->map, port);
    else
        g->ports[g->count] = port;
    g->count++;
    return 0;
}

void port_group_remove(struct port_group *g, uint16_t port)
{
    uint32_t i = 0;

    g->count--;
    if (g->map) {
        map_clear(g->map, port);
        return;
    }
    while (i < g->count && g->ports[i] != port)
        i++;
    g->ports[i] = g->ports[g->count];
}

static uint32_t auto_hash(const struct ports *p, const struct ip_addr *addr, uint16_t port)
{
    struct auto_key key = {*addr, port};

    return (uint32_t)siphash(p->core->key, &key, sizeof(key));
}

static struct port_auto *auto_find(const struct ports *p, const struct ip_addr *addr, uint16_t port)
{
    struct hash_node *n = hash_first(&p->autos, auto_hash(p, addr, port));

    for (; n; n = hash_next(n)) {
        struct port_auto *a = container_of(n, struct port_auto, node);

        if (a->port == port && addr_eq(&a->addr, addr))
            return a;
    }
    return NULL;
}

static int count_in(struct ports *p, const struct ip_addr *addr, uint16_t port, bool reuse_addr)
{
    const struct hf_env *env = &p->core->env;
    struct port_auto *a = auto_find(p, addr, port);

    if (!a) {
        a = env->alloc(env->ctx, sizeof(*a));
        if (!a)
            return -HF_ENOMEM;
        *a = (struct port_auto){.addr = *addr, .port = port};
        hash_insert(&p->autos, &a->node, auto_hash(p, addr, port));
    }
    a->count[reuse_addr]++;
    return 0;
}

static void count_out(struct ports *p, const struct ip_addr *addr, uint16_t port, bool reuse_addr)
{
    struct port_auto *a = auto_find(p, addr, port);

    core_assert(p->core, a && a->count[reuse_addr]);
    a->count[reuse_addr]--;
    if (a->count[0] || a->count[1])
        return;
    hash_remove(&p->autos, &a->node);
    p->core->env.free(p->core->env.ctx, a, sizeof(*a));
}

static struct ip_addr family_any(const struct ip_addr *addr)
{
    return addr_is4(addr) ? ADDR_ANY4 : ADDR_ANY6;
}

int port_auto_add(struct ports *p, const struct ip_addr *laddr, uint16_t port, bool reuse_addr)
{
    struct ip_addr any = family_any(laddr);
    int err = count_in(p, &any, port, reuse_addr);

    if (err || addr_is_any(laddr))
        return err;
    err = count_in(p, laddr, port, reuse_addr);
    if (err)
        count_out(p, &any, port, reuse_addr);
    return err;
}

void port_auto_remove(struct ports *p, const struct ip_addr *laddr, uint16_t port, bool reuse_addr)
{
    struct ip_addr any = family_any(laddr);

    count_out(p, &any, port, reuse_addr);
    if (!addr_is_any(laddr))
        count_out(p, laddr, port, reuse_addr);
}

static bool held_at(const struct ports *p, const struct ip_addr *addr, uint16_t port,
                    bool reuse_addr)
{
    const struct port_auto *a = auto_find(p, addr, port);

    return a && (a->count[0] || !reuse_addr);
}

bool port_auto_conflicts(const struct ports *p, const struct pcb *pcb, const struct ip_addr *laddr,
                         uint16_t port)
{
    bool reuse_addr = pcb->entry.reuse_addr;

    if (!p->autos.count)
        return false;
    if (held_at(p, laddr, port, reuse_addr))
        return true;
    return addr_is_any(laddr) && !addr_is4(laddr) && !pcb->entry.v6only &&
           held_at(p, &ADDR_ANY4, port, reuse_addr);
}
