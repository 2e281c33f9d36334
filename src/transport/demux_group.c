/* Groups by SO_REUSEPORT. Without memory for one an entry stands by itself, and as the newest takes
 * what comes. */
#include "transport/demux_group.h"

#define ROOM_FIRST 4

static bool is_alike(const struct demux_entry *a, const struct demux_entry *b)
{
    return a->lport == b->lport && addr_eq(&a->laddr, &b->laddr) && a->v6only == b->v6only &&
           demux_pcb(a)->link_index == demux_pcb(b)->link_index;
}

static struct demux_group *find(const struct demux *d, const struct demux_entry *e, uint32_t hash)
{
    for (struct hash_node *n = hash_first(&d->bound, hash); n; n = hash_next(n)) {
        struct demux_entry *other = container_of(n, struct demux_entry, node);

        if (other->kind == DEMUX_GROUP && is_alike(other, e))
            return demux_group_of(other);
    }
    return NULL;
}

static bool make_room(const struct hf_env *env, struct demux_group *g)
{
    uint32_t room = g->room ? 2 * g->room : ROOM_FIRST;
    struct demux_entry **members;

    if (g->count < g->room)
        return true;
    members = env->alloc(env->ctx, room * sizeof(*members));
    if (!members)
        return false;
    if (g->members) {
        memcpy(members, g->members, g->count * sizeof(*members));
        env->free(env->ctx, g->members, g->room * sizeof(*members));
    }
    g->members = members;
    g->room = room;
    return true;
}

static void group_free(const struct hf_env *env, struct demux_group *g)
{
    if (g->members)
        env->free(env->ctx, g->members, g->room * sizeof(*g->members));
    env->free(env->ctx, g, sizeof(*g));
}

static struct demux_group *group_new(const struct hf_env *env, const struct demux_entry *e)
{
    struct demux_group *g = env->alloc(env->ctx, sizeof(*g));

    if (!g)
        return NULL;
    memset(g, 0, sizeof(*g));
    g->as.entry.laddr = e->laddr;
    g->as.entry.lport = e->lport;
    g->as.entry.v6only = e->v6only;
    g->as.entry.kind = DEMUX_GROUP;
    g->as.link_index = demux_pcb(e)->link_index;
    if (make_room(env, g))
        return g;
    group_free(env, g);
    return NULL;
}

bool demux_group_join(struct demux *d, struct demux_entry *e, uint32_t hash)
{
    const struct hf_env *env = &d->core->env;
    struct demux_group *g = find(d, e, hash);

    if (g && !make_room(env, g))
        return false;
    if (g)
        hash_remove(&d->bound, &g->as.entry.node);
    else
        g = group_new(env, e);
    if (!g)
        return false;
    hash_insert(&d->bound, &g->as.entry.node, hash);
    e->in_group = 1;
    e->node.next = &g->as.entry.node;
    e->node.hash = g->count;
    g->members[g->count++] = e;
    return true;
}

static struct demux_group *group_of_member(const struct demux_entry *e)
{
    return container_of(e->node.next, struct demux_group, as.entry.node);
}

void demux_group_leave(struct demux *d, struct demux_entry *e)
{
    struct demux_group *g = group_of_member(e);
    struct demux_entry *last = g->members[--g->count];

    last->node.hash = e->node.hash;
    g->members[e->node.hash] = last;
    e->in_group = 0;
    if (g->count)
        return;
    hash_remove(&d->bound, &g->as.entry.node);
    group_free(&d->core->env, g);
}

bool demux_group_suits(const struct demux_entry *e)
{
    if (!e->in_group || !e->reuse_port)
        return e->in_group == e->reuse_port;
    return is_alike(&group_of_member(e)->as.entry, e);
}

void demux_group_visit(const struct demux_group *g, void (*visit)(void *ctx, struct demux_entry *e),
                       void *ctx)
{
    for (uint32_t i = g->count; i--;)
        visit(ctx, g->members[i]);
}
