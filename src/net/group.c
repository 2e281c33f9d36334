/* Groups, counted by link and once over all links. */
#include "net/group.h"

#include "base/hash.h"
#include "base/keyhash.h"

struct group {
    struct hash_node node;
    struct ip_addr addr;
    uint32_t link_index; /* 0: all links together */
    uint32_t count;
};

struct group_table {
    struct hash groups;
};

static uint32_t hash_of(const struct net *net, const struct ip_addr *addr, uint32_t link_index)
{
    struct {
        struct ip_addr addr;
        uint64_t link_index;
    } key = {*addr, link_index};

    return keyhash(&net->core->tables, &key, sizeof(key));
}

static struct group *find(const struct net *net, const struct ip_addr *addr, uint32_t link_index)
{
    struct hash_node *n = hash_first(&net->groups->groups, hash_of(net, addr, link_index));

    for (; n; n = hash_next(n)) {
        struct group *g = container_of(n, struct group, node);

        if (g->link_index == link_index && addr_eq(&g->addr, addr))
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

static bool count_in(struct net *net, const struct ip_addr *addr, uint32_t link_index)
{
    const struct hf_env *env = &net->core->env;
    struct group *g = find(net, addr, link_index);

    if (!g) {
        g = env->alloc(env->ctx, sizeof(*g));
        if (!g)
            return false;
        *g = (struct group){.addr = *addr, .link_index = link_index};
        hash_insert(&net->groups->groups, &g->node, hash_of(net, addr, link_index));
    }
    g->count++;
    return true;
}

static void count_out(struct net *net, const struct ip_addr *addr, uint32_t link_index)
{
    const struct hf_env *env = &net->core->env;
    struct group *g = find(net, addr, link_index);

    core_assert(net->core, g && g->count);
    if (--g->count)
        return;
    hash_remove(&net->groups->groups, &g->node);
    env->free(env->ctx, g, sizeof(*g));
}

int group_join(struct net *net, const struct ip_addr *group, uint32_t link_index)
{
    if (!count_in(net, group, link_index))
        return -HF_ENOBUFS;
    if (count_in(net, group, 0))
        return 0;
    count_out(net, group, link_index);
    return -HF_ENOBUFS;
}

void group_leave(struct net *net, const struct ip_addr *group, uint32_t link_index)
{
    count_out(net, group, link_index);
    count_out(net, group, 0);
}

bool group_is_joined(const struct net *net, const struct ip_addr *group, uint32_t link_index)
{
    return find(net, group, link_index) != NULL;
}
