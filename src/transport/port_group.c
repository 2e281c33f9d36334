/* Sets of taken ports. Few stand in line; from the 33rd on there is a bitmap, whose summary makes
 * the search for the last free port as short as for the first. */
#include "transport/port_group.h"

#include "base/keyhash.h"

struct group_key {
    struct ip_addr laddr, raddr;
    uint32_t rport, scope;
};

static uint32_t key_hash(const struct ports *p, const struct group_key *key)
{
    return keyhash(&p->core->tables, key, sizeof(*key));
}

static struct port_group *find(const struct ports *p, const struct group_key *key)
{
    struct hash_node *n = hash_first(&p->groups, key_hash(p, key));

    for (; n; n = hash_next(n)) {
        struct port_group *g = container_of(n, struct port_group, node);

        if (g->rport == key->rport && g->scope == key->scope && addr_eq(&g->laddr, &key->laddr) &&
            addr_eq(&g->raddr, &key->raddr))
            return g;
    }
    return NULL;
}

static struct port_group *get(struct ports *p, const struct group_key *key)
{
    struct port_group *g = find(p, key);

    if (g)
        return g;
    g = pool_get(&p->group_pool);
    if (!g)
        return NULL;
    g->laddr = key->laddr;
    g->raddr = key->raddr;
    g->rport = (uint16_t)key->rport;
    g->scope = (uint8_t)key->scope;
    g->map = NULL;
    g->count = 0;
    hash_insert(&p->groups, &g->node, key_hash(p, key));
    return g;
}

struct port_group *port_group_of_peer(struct ports *p, const struct demux_entry *e)
{
    return get(p, &(struct group_key){e->laddr, e->raddr, e->rport, 0});
}

struct port_group *port_group_of_place(struct ports *p, const struct ip_addr *addr, uint8_t scope)
{
    return get(p, &(struct group_key){*addr, ADDR_ANY6, 0, scope});
}

struct port_group *port_group_find_place(const struct ports *p, const struct ip_addr *addr,
                                         uint8_t scope)
{
    return find(p, &(struct group_key){*addr, ADDR_ANY6, 0, scope});
}

void port_group_put(struct ports *p, struct port_group *g)
{
    const struct hf_env *env = &p->core->env;

    if (g->count)
        return;
    hash_remove(&p->groups, &g->node);
    if (g->map)
        env->free(env->ctx, g->map, sizeof(*g->map));
    pool_put(&p->group_pool, g);
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

/* The first word from w on that no group has filled. */
static uint32_t open_from(const struct port_group *const *groups, unsigned n, uint32_t w)
{
    uint32_t start;

    do {
        start = w;
        for (unsigned i = 0; i < n; i++)
            w = unfilled_from(groups[i], w);
    } while (w != start);
    return w;
}

int32_t port_groups_free_port(const struct port_group *const *groups, unsigned n,
                              const uint64_t *taken, uint32_t low, uint32_t high)
{
    uint64_t mask = ~(uint64_t)0 << low % 64;
    uint32_t first = low / 64;

    for (uint32_t w = open_from(groups, n, first); w <= high / 64u;
         w = open_from(groups, n, w + 1)) {
        uint64_t open = ~(taken ? taken[w] : 0) & (w == first ? mask : ~(uint64_t)0);

        for (unsigned i = 0; i < n && open; i++)
            open &= ~used_word(groups[i], w);
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
