/* Automatic ports by peer. A peer whose last port was given back stays known for a while, since the
 * next connection to it comes soon as a rule. */
#include "transport/port_group.h"

#include "base/siphash.h"
#include "transport/port_place.h"

#define IDLE_MOST 64 /* peers without a port that stay */

struct group_key {
    struct ip_addr laddr, raddr;
    uint64_t rport;
};

static uint32_t key_hash(const struct ports *p, const struct group_key *key)
{
    return keyhash(&p->core->tables, key, sizeof(*key));
}

void port_groups_init(struct ports *p)
{
    list_init(&p->idle_groups);
    p->idle_group_count = 0;
    p->newest_group = NULL;
    pool_init(&p->group_pool, &p->core->env, sizeof(struct port_group));
}

static void group_free(struct ports *p, struct port_group *g)
{
    if (p->newest_group == g)
        p->newest_group = NULL;
    hash_remove(&p->groups, &g->node);
    list_remove(&g->idle);
    p->idle_group_count--;
    port_set_fini(&g->set, &p->core->env);
    pool_put(&p->group_pool, g);
}

void port_groups_fini(struct ports *p)
{
    list_for_each (l, &p->idle_groups)
        group_free(p, container_of(l, struct port_group, idle));
    pool_fini(&p->group_pool);
}

static void become_idle(struct ports *p, struct port_group *g)
{
    list_push_back(&p->idle_groups, &g->idle);
    if (++p->idle_group_count > IDLE_MOST)
        group_free(p, container_of(p->idle_groups.next, struct port_group, idle));
}

static bool is_of(const struct port_group *g, const struct group_key *key)
{
    return g->rport == key->rport && addr_eq(&g->raddr, &key->raddr) &&
           addr_eq(&g->laddr, &key->laddr);
}

static struct port_group *find(const struct ports *p, const struct group_key *key, uint32_t hash)
{
    struct hash_node *n = hash_first(&p->groups, hash);

    for (; n; n = hash_next(n)) {
        struct port_group *g = container_of(n, struct port_group, node);

        if (is_of(g, key))
            return g;
    }
    return NULL;
}

/* An offset of the peer's own plus a counter that few peers share, so that one peer's ports follow
 * each other and tell nothing of another's. RFC 6056 3.3.4. */
struct port_group *port_group_of_peer(struct ports *p, const struct demux_entry *e)
{
    struct group_key key = {e->laddr, e->raddr, e->rport};
    struct port_group *g = p->newest_group;
    uint64_t secret;
    uint32_t hash;

    if (g && is_of(g, &key))
        return g;
    hash = key_hash(p, &key);
    g = find(p, &key, hash);
    p->newest_group = g;
    if (g)
        return g;
    g = pool_get(&p->group_pool);
    if (!g)
        return NULL;
    secret = siphash(p->core->isn_key, &key, sizeof(key));
    *g = (struct port_group){.laddr = key.laddr,
                             .raddr = key.raddr,
                             .offset = (uint32_t)secret % 65536,
                             .next = &p->next[(secret >> 32) % PORT_COUNTERS],
                             .rport = (uint16_t)key.rport};
    hash_insert(&p->groups, &g->node, hash);
    list_init(&g->idle);
    become_idle(p, g);
    return g;
}

int port_group_find_tallies(struct ports *p, struct port_group *g)
{
    struct ip_addr any = addr_is4(&g->laddr) ? ADDR_ANY4 : ADDR_ANY6;

    if (g->counted || (g->address && g->family && g->freed_then == p->tallies_freed))
        return 0;
    g->address = port_tally_get(p, &g->laddr, PLACE_ADDRESS);
    g->family = port_tally_get(p, &any, PLACE_FAMILY);
    g->freed_then = p->tallies_freed;
    return g->address && g->family ? 0 : -HF_ENOMEM;
}

int port_group_add(struct ports *p, struct port_group *g, uint16_t port)
{
    int err = port_set_add(&g->set, &p->core->env, port);

    if (!err && g->set.count == 1) {
        list_remove(&g->idle);
        p->idle_group_count--;
    }
    return err;
}

void port_group_remove(struct ports *p, struct port_group *g, uint16_t port)
{
    port_set_remove(&g->set, port);
    if (!g->set.count)
        become_idle(p, g);
}
