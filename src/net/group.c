/* Groups, counted by link and once over all links; and of each the sources that its members name.
 */
#include "net/group.h"

#include "base/hash.h"
#include "base/keyhash.h"

/* A group, or one source of it: how many sockets include it, and how many exclude it. Of a group
 * these are the sockets that name whom they hear, and those that name whom they do not. */
struct group {
    struct hash_node node;
    struct group_key {
        struct ip_addr addr, source;
        uint32_t link_index; /* 0: all links together */
        uint32_t has_source; /* 0: the group itself */
    } key;
    uint32_t including, excluding;
};

struct group_table {
    struct hash groups;
};

/* source: NULL for the group itself. */
static struct group_key key_of(const struct ip_addr *addr, const struct ip_addr *source,
                               uint32_t link_index)
{
    return (struct group_key){*addr, source ? *source : ADDR_ANY6, link_index, source != NULL};
}

static uint32_t hash_of(const struct net *net, const struct group_key *key)
{
    return keyhash(&net->core->tables, key, sizeof(*key));
}

static struct group *find(const struct net *net, const struct group_key *key)
{
    struct hash_node *n = hash_first(&net->groups->groups, hash_of(net, key));

    for (; n; n = hash_next(n)) {
        struct group *g = container_of(n, struct group, node);

        if (memcmp(&g->key, key, sizeof(*key)) == 0)
            return g;
    }
    return NULL;
}

int group_init(struct net *net)
{
    const struct hf_env *env = &net->core->env;
    struct group_table *t = env->alloc(env->ctx, sizeof(*t));

    if (!t)
        return -HF_ENOMEM;
    if (hash_init(&t->groups, env)) {
        env->free(env->ctx, t, sizeof(*t));
        return -HF_ENOMEM;
    }
    net->groups = t;
    return 0;
}

void group_fini(struct net *net)
{
    const struct hf_env *env = &net->core->env;

    if (!net->groups)
        return;
    core_assert(net->core, !net->groups->groups.count);
    hash_fini(&net->groups->groups);
    env->free(env->ctx, net->groups, sizeof(*net->groups));
    net->groups = NULL;
}

static uint32_t *counter(struct group *g, bool includes)
{
    return includes ? &g->including : &g->excluding;
}

static bool count_in(struct net *net, const struct group_key *key, bool includes)
{
    const struct hf_env *env = &net->core->env;
    struct group *g = find(net, key);

    if (!g) {
        g = env->alloc(env->ctx, sizeof(*g));
        if (!g)
            return false;
        *g = (struct group){.key = *key};
        hash_insert(&net->groups->groups, &g->node, hash_of(net, key));
    }
    ++*counter(g, includes);
    return true;
}

static void count_out(struct net *net, const struct group_key *key, bool includes)
{
    const struct hf_env *env = &net->core->env;
    struct group *g = find(net, key);

    core_assert(net->core, g && *counter(g, includes));
    --*counter(g, includes);
    if (g->including || g->excluding)
        return;
    hash_remove(&net->groups->groups, &g->node);
    env->free(env->ctx, g, sizeof(*g));
}

static int add(struct net *net, const struct ip_addr *group, uint32_t link_index,
               const struct ip_addr *source, bool includes)
{
    struct group_key here = key_of(group, source, link_index), all = key_of(group, source, 0);

    if (!count_in(net, &here, includes))
        return -HF_ENOBUFS;
    if (count_in(net, &all, includes))
        return 0;
    count_out(net, &here, includes);
    return -HF_ENOBUFS;
}

static void drop(struct net *net, const struct ip_addr *group, uint32_t link_index,
                 const struct ip_addr *source, bool includes)
{
    struct group_key here = key_of(group, source, link_index), all = key_of(group, source, 0);

    count_out(net, &here, includes);
    count_out(net, &all, includes);
}

int group_join(struct net *net, const struct ip_addr *group, uint32_t link_index, bool includes)
{
    return add(net, group, link_index, NULL, includes);
}

void group_leave(struct net *net, const struct ip_addr *group, uint32_t link_index, bool includes)
{
    drop(net, group, link_index, NULL, includes);
}

int group_add_source(struct net *net, const struct ip_addr *group, uint32_t link_index,
                     const struct ip_addr *source, bool includes)
{
    return add(net, group, link_index, source, includes);
}

void group_drop_source(struct net *net, const struct ip_addr *group, uint32_t link_index,
                       const struct ip_addr *source, bool includes)
{
    drop(net, group, link_index, source, includes);
}

bool group_is_joined(const struct net *net, const struct ip_addr *group, uint32_t link_index)
{
    struct group_key key = key_of(group, NULL, link_index);

    return find(net, &key) != NULL;
}

bool group_hears(const struct net *net, const struct ip_addr *group, uint32_t link_index,
                 const struct ip_addr *source)
{
    struct group_key whole = key_of(group, NULL, link_index);
    struct group_key one = key_of(group, source, link_index);
    const struct group *g = find(net, &whole), *s;

    if (!g)
        return false;
    s = find(net, &one);
    return s ? s->including || s->excluding != g->excluding : g->excluding > 0;
}
