/* Sets of ports. Few stand in line; from the 33rd on there is a bitmap, whose summary makes the
 * search for the last free port as short as for the first. Inside of ports.c. */
#ifndef TRANSPORT_PORT_SET_H
#define TRANSPORT_PORT_SET_H

#include "handfast/env.h"

#define PORT_WORDS  1024 /* 64 ports each */
#define PORT_INLINE 32

/* A bitmap of all ports, in leaves that are there from their first port on, and which of its words
 * are full. Zeroed: empty. */
struct port_leaf {
    uint64_t words[64];
};
#define PORT_LEAVES (PORT_WORDS / 64)

struct port_map {
    uint64_t full[PORT_LEAVES];
    struct port_leaf *leaves[PORT_LEAVES]; /* NULL: none of these ports is in it */
};

/* -HF_ENOMEM */
HF_NODISCARD int port_map_set(struct port_map *m, const struct hf_env *env, uint16_t port);
/* port is in m. */
void port_map_clear(struct port_map *m, uint16_t port);
void port_map_fini(struct port_map *m, const struct hf_env *env);

static inline uint64_t port_map_word(const struct port_map *m, uint32_t w)
{
    const struct port_leaf *leaf = m->leaves[w / 64];

    return leaf ? leaf->words[w % 64] : 0;
}

static inline bool port_map_has(const struct port_map *m, uint16_t port)
{
    return port_map_word(m, port / 64) >> port % 64 & 1;
}

/* Zeroed: empty. */
struct port_set {
    struct port_map *map; /* NULL while the ports are in line */
    uint32_t count;
    uint16_t ports[PORT_INLINE];
};

void port_set_fini(struct port_set *s, const struct hf_env *env);

/* port is not in s. -HF_ENOMEM */
HF_NODISCARD int port_set_add(struct port_set *s, const struct hf_env *env, uint16_t port);
/* port is in s. */
void port_set_remove(struct port_set *s, uint16_t port);

/* Where port stands in line; s->count when it does not. Only without a map. */
static inline uint32_t port_set_index(const struct port_set *s, uint16_t port)
{
    uint32_t i = 0;

    while (i < s->count && s->ports[i] != port)
        i++;
    return i;
}

static inline bool port_set_has(const struct port_set *s, uint16_t port)
{
    return s->map ? port_map_has(s->map, port) : port_set_index(s, port) < s->count;
}

/* The first port in low..high that is in none of the n sets nor in taken (NULL: nothing is), or -1.
 */
int32_t port_sets_free_port(const struct port_set *const *sets, unsigned n,
                            const struct port_map *taken, uint32_t low, uint32_t high);

#endif
