/* A socket's groups: a short list, and of each the sources it names: another. */
#include "transport/membership.h"

#include "net/group.h"

enum { SOURCES_STEP = 10 }; /* room is made for so many at once */

uint32_t membership_sources_most(const struct ip_addr *group)
{
    return addr_is4(group) ? SOURCES_MOST4 : SOURCES_MOST6;
}

int membership_join(struct udp_pcb *up, const struct ip_addr *group, uint32_t link_index,
                    bool includes)
{
    const struct hf_env *env = &up->udp->core->env;
    struct membership *m;
    unsigned count = 0;
    int err;

    for (m = up->memberships; m; m = m->next) {
        if (m->link_index == link_index && addr_eq(&m->group, group))
            return -HF_EADDRINUSE;
        count++;
    }
    if (count >= MEMBERSHIPS_MOST)
        return -HF_ENOBUFS;
    m = env->alloc(env->ctx, sizeof(*m));
    if (!m)
        return -HF_ENOBUFS;
    err = group_join(up->udp->net, group, link_index, includes);
    if (err) {
        env->free(env->ctx, m, sizeof(*m));
        return err;
    }
    *m = (struct membership){
        .next = up->memberships, .group = *group, .link_index = link_index, .includes = includes};
    up->memberships = m;
    return 0;
}

struct membership *membership_find(const struct udp_pcb *up, const struct ip_addr *group,
                                   uint32_t link_index)
{
    struct membership *m = up->memberships;

    while (m && ((link_index && m->link_index != link_index) || !addr_eq(&m->group, group)))
        m = m->next;
    return m;
}

static void free_sources(const struct udp_pcb *up, struct ip_addr *source, uint32_t room)
{
    const struct hf_env *env = &up->udp->core->env;

    if (source)
        env->free(env->ctx, source, room * sizeof(*source));
}

static void uncount_sources(const struct udp_pcb *up, const struct membership *m)
{
    for (uint32_t i = 0; i < m->sources; i++)
        group_drop_source(up->udp->net, &m->group, m->link_index, &m->source[i], m->includes);
}

static void drop(struct udp_pcb *up, struct membership **at)
{
    const struct hf_env *env = &up->udp->core->env;
    struct membership *m = *at;

    *at = m->next;
    uncount_sources(up, m);
    free_sources(up, m->source, m->room);
    group_leave(up->udp->net, &m->group, m->link_index, m->includes);
    env->free(env->ctx, m, sizeof(*m));
}

int membership_leave(struct udp_pcb *up, const struct ip_addr *group, uint32_t link_index)
{
    for (struct membership **at = &up->memberships; *at; at = &(*at)->next) {
        if ((!link_index || (*at)->link_index == link_index) && addr_eq(&(*at)->group, group)) {
            drop(up, at);
            return 0;
        }
    }
    return -HF_EADDRNOTAVAIL;
}

void membership_leave_all(struct udp_pcb *up)
{
    while (up->memberships)
        drop(up, &up->memberships);
}

/* Where the source is named; m->sources: nowhere. */
static uint32_t position(const struct membership *m, const struct ip_addr *source)
{
    uint32_t i = 0;

    while (i < m->sources && !addr_eq(&m->source[i], source))
        i++;
    return i;
}

/* Linux: a filter that never named anybody may change its mode. */
static int turn(struct udp_pcb *up, struct membership *m, bool includes)
{
    int err;

    if (m->includes == includes)
        return 0;
    if (m->had_sources)
        return -HF_EINVAL;
    err = group_join(up->udp->net, &m->group, m->link_index, includes);
    if (err)
        return err;
    group_leave(up->udp->net, &m->group, m->link_index, m->includes);
    m->includes = includes;
    return 0;
}

static bool make_room(const struct udp_pcb *up, struct membership *m)
{
    const struct hf_env *env = &up->udp->core->env;
    uint16_t room = (uint16_t)(m->room + SOURCES_STEP);
    struct ip_addr *source;

    if (m->sources < m->room)
        return true;
    source = env->alloc(env->ctx, room * sizeof(*source));
    if (!source)
        return false;
    if (m->sources)
        memcpy(source, m->source, m->sources * sizeof(*source));
    free_sources(up, m->source, m->room);
    m->source = source;
    m->room = room;
    return true;
}

int membership_add_source(struct udp_pcb *up, struct membership *m, const struct ip_addr *source,
                          bool includes)
{
    int err = turn(up, m, includes);

    if (err)
        return err;
    if (m->sources >= membership_sources_most(&m->group))
        return -HF_ENOBUFS;
    if (position(m, source) < m->sources)
        return -HF_EADDRNOTAVAIL;
    if (!make_room(up, m))
        return -HF_ENOBUFS;
    err = group_add_source(up->udp->net, &m->group, m->link_index, source, includes);
    if (err)
        return err;
    m->source[m->sources++] = *source;
    m->had_sources = true;
    return 0;
}

int membership_drop_source(struct udp_pcb *up, struct membership *m, const struct ip_addr *source,
                           bool includes)
{
    int err = turn(up, m, includes);
    uint32_t at;

    if (err)
        return err;
    at = position(m, source);
    if (at == m->sources)
        return -HF_EADDRNOTAVAIL;
    if (m->sources == 1 && includes)
        return membership_leave(up, &m->group, m->link_index);
    group_drop_source(up->udp->net, &m->group, m->link_index, source, includes);
    m->sources--;
    memmove(m->source + at, m->source + at + 1, (m->sources - at) * sizeof(*m->source));
    return 0;
}

int membership_set_sources(struct udp_pcb *up, struct membership *m, const struct ip_addr *source,
                           uint16_t count, bool includes)
{
    const struct hf_env *env = &up->udp->core->env;
    struct net *net = up->udp->net;
    struct membership next = *m;
    int err = group_join(net, &m->group, m->link_index, includes);

    if (err)
        return err;
    next.includes = includes;
    next.sources = 0;
    next.room = count;
    next.had_sources = count > 0;
    next.source = count ? env->alloc(env->ctx, count * sizeof(*source)) : NULL;
    if (count && !next.source)
        err = -HF_ENOBUFS;
    for (; !err && next.sources < count; next.sources += !err) {
        next.source[next.sources] = source[next.sources];
        err = group_add_source(net, &m->group, m->link_index, &source[next.sources], includes);
    }
    if (err) {
        uncount_sources(up, &next);
        free_sources(up, next.source, count);
        group_leave(net, &m->group, m->link_index, includes);
        return err;
    }
    uncount_sources(up, m);
    free_sources(up, m->source, m->room);
    group_leave(net, &m->group, m->link_index, m->includes);
    *m = next;
    return 0;
}

/* Linux: of IPv6 the first that is of that group, whichever its link. What came back from a link by
 * loopback does not tell which one it left by. */
bool membership_takes(const struct udp_pcb *up, const struct ip_info *ip)
{
    bool is4 = addr_is4(&ip->dst);
    uint32_t link_index = is4 && !ip->src_is_local ? ip->link->index : 0;
    const struct membership *m = membership_find(up, &ip->dst, link_index);

    if (!m)
        return is4 ? up->mcast_all : up->mcast_all6;
    return (position(m, &ip->src) < m->sources) == m->includes;
}
