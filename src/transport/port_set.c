/* Sets of ports. */
#include "transport/port_set.h"

#include <string.h>

#include "handfast/errno.h"

void port_set_fini(struct port_set *s, const struct hf_env *env)
{
    if (s->map) {
        port_map_fini(s->map, env);
        env->free(env->ctx, s->map, sizeof(*s->map));
    }
    s->map = NULL;
    s->count = 0;
}

int port_map_set(struct port_map *m, const struct hf_env *env, uint16_t port)
{
    uint32_t w = port / 64;
    struct port_leaf *leaf = m->leaves[w / 64];

    if (!leaf) {
        leaf = env->alloc(env->ctx, sizeof(*leaf));
        if (!leaf)
            return -HF_ENOMEM;
        memset(leaf, 0, sizeof(*leaf));
        m->leaves[w / 64] = leaf;
    }
    leaf->words[w % 64] |= (uint64_t)1 << port % 64;
    if (leaf->words[w % 64] == ~(uint64_t)0)
        m->full[w / 64] |= (uint64_t)1 << w % 64;
    return 0;
}

void port_map_clear(struct port_map *m, uint16_t port)
{
    uint32_t w = port / 64;

    m->leaves[w / 64]->words[w % 64] &= ~((uint64_t)1 << port % 64);
    m->full[w / 64] &= ~((uint64_t)1 << w % 64);
}

void port_map_fini(struct port_map *m, const struct hf_env *env)
{
    for (uint32_t i = 0; i < PORT_LEAVES; i++) {
        if (m->leaves[i])
            env->free(env->ctx, m->leaves[i], sizeof(*m->leaves[i]));
    }
}

/* From the line into a map. Without memory all stay in line. */
static int spread(struct port_set *s, const struct hf_env *env)
{
    struct port_map *map = env->alloc(env->ctx, sizeof(*map));
    int err = map ? 0 : -HF_ENOMEM;

    if (err)
        return err;
    memset(map, 0, sizeof(*map));
    for (uint32_t i = 0; !err && i < s->count; i++)
        err = port_map_set(map, env, s->ports[i]);
    if (err) {
        port_map_fini(map, env);
        env->free(env->ctx, map, sizeof(*map));
        return err;
    }
    s->map = map;
    return 0;
}

int port_set_add(struct port_set *s, const struct hf_env *env, uint16_t port)
{
    int err = !s->map && s->count == PORT_INLINE ? spread(s, env) : 0;

    if (!err && s->map)
        err = port_map_set(s->map, env, port);
    if (err)
        return err;
    if (!s->map)
        s->ports[s->count] = port;
    s->count++;
    return 0;
}

void port_set_remove(struct port_set *s, uint16_t port)
{
    if (s->map)
        port_map_clear(s->map, port);
    else
        s->ports[port_set_index(s, port)] = s->ports[s->count - 1];
    s->count--;
}

/* A word of the ports that are in s. */
static uint64_t used_word(const struct port_set *s, uint32_t w)
{
    uint64_t word = 0;

    if (s->map)
        return port_map_word(s->map, w);
    for (uint32_t i = 0; i < s->count; i++)
        if (s->ports[i] / 64 == w)
            word |= (uint64_t)1 << s->ports[i] % 64;
    return word;
}

/* The first word from w on that is not full; PORT_WORDS when there is none. NULL: nothing is full.
 */
static uint32_t unfilled_from(const struct port_map *map, uint32_t w)
{
    if (!map)
        return w;
    while (w < PORT_WORDS) {
        uint64_t open = ~map->full[w / 64] >> w % 64;

        if (open)
            return w + (uint32_t)__builtin_ctzll(open);
        w = (w / 64 + 1) * 64;
    }
    return PORT_WORDS;
}

/* The first word from w on that none has filled. */
static uint32_t open_from(const struct port_set *const *sets, unsigned n,
                          const struct port_map *taken, uint32_t w)
{
    uint32_t start;

    do {
        start = w;
        w = unfilled_from(taken, w);
        for (unsigned i = 0; i < n; i++)
            w = unfilled_from(sets[i]->map, w);
    } while (w != start);
    return w;
}

int32_t port_sets_free_port(const struct port_set *const *sets, unsigned n,
                            const struct port_map *taken, uint32_t low, uint32_t high)
{
    uint64_t mask = ~(uint64_t)0 << low % 64;
    uint32_t first = low / 64;

    for (uint32_t w = open_from(sets, n, taken, first); w <= high / 64u;
         w = open_from(sets, n, taken, w + 1)) {
        uint64_t open = ~(taken ? port_map_word(taken, w) : 0) & (w == first ? mask : ~(uint64_t)0);

        for (unsigned i = 0; i < n && open; i++)
            open &= ~used_word(sets[i], w);
        if (open) {
            uint32_t port = w * 64 + (uint32_t)__builtin_ctzll(open);

            return port <= high ? (int32_t)port : -1;
        }
    }
    return -1;
}
