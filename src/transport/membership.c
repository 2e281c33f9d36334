/* A socket's groups: a short list. */
#include "transport/membership.h"

#include "net/group.h"

struct membership {
    struct membership *next;
    struct ip_addr group;
    uint32_t link_index;
};

int membership_join(struct udp_pcb *up, const struct ip_addr *group, uint32_t link_index)
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
    err = group_join(up->udp->net, group, link_index);
    if (err) {
        env->free(env->ctx, m, sizeof(*m));
        return err;
    }
    *m = (struct membership){up->memberships, *group, link_index};
    up->memberships = m;
    return 0;
}

bool membership_has(const struct udp_pcb *up, const struct ip_addr *group)
{
    const struct membership *m = up->memberships;

    while (m && !addr_eq(&m->group, group))
        m = m->next;
    return m;
}

static void drop(struct udp_pcb *up, struct membership **at)
{
    const struct hf_env *env = &up->udp->core->env;
    struct membership *m = *at;

    *at = m->next;
    group_leave(up->udp->net, &m->group, m->link_index);
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

bool membership_takes(const struct udp_pcb *up, const struct ip_addr *group, uint32_t link_index,
                      bool is_looped)
{
    for (const struct membership *m = up->memberships; m; m = m->next) {
        if ((is_looped || m->link_index == link_index) && addr_eq(&m->group, group))
            return true;
    }
    return addr_is4(group) ? up->mcast_all : up->mcast_all6;
}
