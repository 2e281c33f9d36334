/* Options of AF_NETLINK sockets. Linux: netlink_setsockopt, netlink_getsockopt, sk_setsockopt. */
#include "socket/kernel.h"

enum {
    GROUPS_LEAST = 32,
};

static uint32_t group_count(const struct netlink_pcb *p)
{
    return p->protocol == NL_ROUTE ? RT_GROUP_LAST : GROUPS_LEAST;
}

static int set_membership(struct netlink_pcb *p, uint32_t group, bool joins)
{
    uint64_t bit;

    if (!group || group > group_count(p))
        return -HF_EINVAL;
    bit = (uint64_t)1 << (group - 1);
    p->groups = joins ? p->groups | bit : p->groups & ~bit;
    return 0;
}

static int set_netlink(struct hf_sock *sk, int name, uint32_t v)
{
    struct netlink_pcb *p = sock_netlink(sk);

    switch (name) {
    case NL_ADD_MEMBERSHIP:
    case NL_DROP_MEMBERSHIP:
        return set_membership(p, v, name == NL_ADD_MEMBERSHIP);
    case NL_PKTINFO:
        p->pktinfo = v != 0;
        return 0;
    case NL_BROADCAST_ERROR:
        p->broadcast_error = v != 0;
        return 0;
    case NL_NO_ENOBUFS:
        p->no_enobufs = v != 0;
        return 0;
    case NL_LISTEN_ALL_NSID: /* there are no other network's links */
        return p->is_admin || sock_is_privileged(sk) ? 0 : -HF_EPERM;
    case NL_CAP_ACK:
        p->cap_ack = v != 0;
        return 0;
    case NL_EXT_ACK:
        p->ext_ack = v != 0;
        return 0;
    case NL_GET_STRICT_CHK:
        p->strict = v != 0;
        return 0;
    default:
        return -HF_ENOPROTOOPT;
    }
}

static int set_buffer(struct hf_sock *sk, bool receives, uint32_t bytes)
{
    struct netlink_pcb *p = sock_netlink(sk);

    if (receives)
        p->rcvbuf = option_buffer(true, bytes);
    else
        p->sndbuf = option_buffer(false, bytes);
    return 0;
}

/* Deviates: switches that would change nothing are not kept. */
static int set_socket(struct hf_sock *sk, int name, const void *value, uint32_t len)
{
    struct netlink_pcb *p = sock_netlink(sk);
    int v;

    if (len < sizeof(v))
        return -HF_EINVAL;
    memcpy(&v, value, sizeof(v));
    switch (name) {
    case HF_SO_SNDBUF:
    case HF_SO_RCVBUF:
        return set_buffer(sk, name == HF_SO_RCVBUF, HF_MIN((uint32_t)v, OPTION_BUFFER_MOST));
    case HF_SO_SNDBUFFORCE:
    case HF_SO_RCVBUFFORCE:
        if (!p->is_admin && !sock_is_privileged(sk))
            return -HF_EPERM;
        return set_buffer(sk, name == HF_SO_RCVBUFFORCE,
                          (uint32_t)HF_MIN(HF_MAX(v, 0), INT32_MAX / 2));
    case HF_SO_PASSCRED:
        p->pass_cred = v != 0;
        return 0;
    case HF_SO_REUSEADDR:
        p->reuse_addr = v != 0;
        return 0;
    case HF_SO_BROADCAST:
        p->broadcast = v != 0;
        return 0;
    case HF_SO_RCVTIMEO_OLD:
    case HF_SO_RCVTIMEO_NEW:
    case HF_SO_SNDTIMEO_OLD:
    case HF_SO_SNDTIMEO_NEW:
    case HF_SO_LINGER:
    case HF_SO_PRIORITY:
    case HF_SO_MARK:
        return setsockopt_socket(sk, name, value, len);
    default:
        return -HF_ENOPROTOOPT;
    }
}

int setsockopt_kernel(struct hf_sock *sk, int level, int name, const void *value, uint32_t len)
{
    uint32_t v = 0; /* Linux: what is too short is 0 */

    if (level == HF_SOL_SOCKET)
        return set_socket(sk, name, value, len);
    if (level != HF_SOL_NETLINK)
        return -HF_ENOPROTOOPT;
    if (len >= sizeof(v))
        memcpy(&v, value, sizeof(v));
    return set_netlink(sk, name, v);
}

/* Linux: as many words as there is room for; the length is that of all. */
static int list_memberships(const struct netlink_pcb *p, void *value, uint32_t *len)
{
    uint32_t words[2] = {(uint32_t)p->groups, (uint32_t)(p->groups >> 32)};
    uint32_t all = (group_count(p) + 31) / 32 * sizeof(*words);

    memcpy(value, words, HF_MIN(*len, all) & ~3u);
    *len = all;
    return 0;
}

static int get_netlink(const struct netlink_pcb *p, int name, int *v)
{
    switch (name) {
    case NL_PKTINFO:
        *v = p->pktinfo;
        return 0;
    case NL_BROADCAST_ERROR:
        *v = p->broadcast_error;
        return 0;
    case NL_NO_ENOBUFS:
        *v = p->no_enobufs;
        return 0;
    case NL_CAP_ACK:
        *v = p->cap_ack;
        return 0;
    case NL_EXT_ACK:
        *v = p->ext_ack;
        return 0;
    case NL_GET_STRICT_CHK:
        *v = p->strict;
        return 0;
    default:
        return -HF_ENOPROTOOPT;
    }
}

static int get_socket(struct hf_sock *sk, int name, void *value, uint32_t *len)
{
    const struct netlink_pcb *p = sock_netlink(sk);

    switch (name) {
    case HF_SO_TYPE:
        return option_give_int(value, len, p->type);
    case HF_SO_PROTOCOL:
        return option_give_int(value, len, p->protocol);
    case HF_SO_ACCEPTCONN:
        return option_give_int(value, len, 0);
    case HF_SO_SNDBUF:
        return option_give_int(value, len, (int)p->sndbuf);
    case HF_SO_RCVBUF:
        return option_give_int(value, len, (int)p->rcvbuf);
    case HF_SO_PASSCRED:
        return option_give_int(value, len, p->pass_cred);
    case HF_SO_REUSEADDR:
        return option_give_int(value, len, p->reuse_addr);
    case HF_SO_BROADCAST:
        return option_give_int(value, len, p->broadcast);
    case HF_SO_DOMAIN:
    case HF_SO_ERROR:
    case HF_SO_COOKIE:
    case HF_SO_RCVTIMEO_OLD:
    case HF_SO_RCVTIMEO_NEW:
    case HF_SO_SNDTIMEO_OLD:
    case HF_SO_SNDTIMEO_NEW:
    case HF_SO_LINGER:
    case HF_SO_PRIORITY:
    case HF_SO_MARK:
    case HF_SO_RCVLOWAT:
    case HF_SO_SNDLOWAT:
        return getsockopt_socket(sk, name, value, len);
    default:
        return -HF_ENOPROTOOPT;
    }
}

int getsockopt_kernel(struct hf_sock *sk, int level, int name, void *value, uint32_t *len)
{
    int v = 0, err;

    if (*len > INT32_MAX)
        return -HF_EINVAL;
    if (level == HF_SOL_SOCKET)
        return get_socket(sk, name, value, len);
    if (level != HF_SOL_NETLINK)
        return -HF_ENOPROTOOPT;
    if (name == NL_LIST_MEMBERSHIPS)
        return list_memberships(sock_netlink(sk), value, len);
    err = *len < sizeof(v) ? -HF_EINVAL : get_netlink(sock_netlink(sk), name, &v);
    if (err)
        return err;
    *len = sizeof(v);
    memcpy(value, &v, sizeof(v));
    return 0;
}
