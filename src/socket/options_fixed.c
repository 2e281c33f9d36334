/* Options with one answer: what can be read and never is otherwise, what Linux refuses an ordinary
 * socket, and how. The last to be asked: what has a meaning here is in the other files. */
#include "socket/options.h"

#include "socket/sock.h"
#include "transport/bpf.h"

enum {
    BPF_EXTENSIONS = 64, /* SKF_AD_MAX: what a filter could ask beside the packet */
    PREFER_TMP = 1,      /* RFC 5014 */
    PREFER_PUBLIC = 2,
    PREFER_COA = 4,
    PREFER_CGA = 8,
    PREFER_PUBTMP_DEFAULT = 0x100,
    PREFER_HOME = 0x400,
    PREFER_NONCGA = 0x800,
};

/* struct sock_txtime */
static int get_txtime(const struct hf_sock *sk, void *value, uint32_t *len)
{
    int32_t at[2] = {0, 0};

    if (sock_is_udp(sk)) {
        at[0] = sock_udp(sk)->txtime_clock;
        at[1] = sock_udp(sk)->txtime_flags;
    }
    return option_give(value, len, at, sizeof(at));
}

/* Linux counts in instructions. Deviates: the length is told, the program is not. */
static int get_filter_length(const struct hf_sock *sk, uint32_t *len)
{
    const struct bpf *f = sock_is_udp(sk) ? sock_udp(sk)->filter : NULL;

    if (f && *len)
        return -HF_EINVAL;
    *len = f ? bpf_length(f) : 0;
    return 0;
}

static int get_socket(const struct hf_sock *sk, int name, void *value, uint32_t *len)
{
    static const uint64_t netns = 1;

    switch (name) {
    case HF_SO_BPF_EXTENSIONS:
        return option_give_int(value, len, BPF_EXTENSIONS);
    case HF_SO_RESERVE_MEM:
        return option_give_int(value, len, 0);
    case HF_SO_ZEROCOPY:
        return option_give_int(value, len, sk->opt.zerocopy);
    case HF_SO_TXTIME:
        return get_txtime(sk, value, len);
    case HF_SO_NETNS_COOKIE:
        return *len != sizeof(netns) ? -HF_EINVAL : option_give(value, len, &netns, sizeof(netns));
    case HF_SO_ATTACH_FILTER: /* SO_GET_FILTER */
        return get_filter_length(sk, len);
    case HF_SO_PEERGROUPS:
        return -HF_ENODATA;
    case HF_SO_TXREHASH: /* TCP's alone */
    case HF_SO_PASSCRED: /* AF_UNIX's */
    case HF_SO_PASSSEC:
    case HF_SO_PASSPIDFD:
    case HF_SO_PASSRIGHTS:
        return -HF_EOPNOTSUPP;
    default:
        return -HF_ENOPROTOOPT;
    }
}

static int get_ip(const struct hf_sock *sk, int name, void *value, uint32_t *len)
{
    const struct demux_entry *e = &sock_pcb(sk)->entry;

    switch (name) {
    case HF_IP_HDRINCL:
    case HF_IP_NODEFRAG:
    case HF_IP_ROUTER_ALERT:
        return option_give_small(value, len, 0);
    case HF_IP_PROTOCOL: /* Linux: of a raw socket; others keep their port there */
        return option_give_small(value, len, e->port_hold == PORT_NONE ? 0 : e->lport);
    default:
        return -HF_ENOPROTOOPT;
    }
}

/* RFC 5014 2. Each preference has a word for the default, too. */
static int preferences(const struct hf_sock *sk)
{
    uint8_t p = sk->opt.addr_preferences;

    return (p & PREFER_TMP      ? PREFER_TMP
            : p & PREFER_PUBLIC ? PREFER_PUBLIC
                                : PREFER_PUBTMP_DEFAULT) |
           (p & PREFER_COA ? PREFER_COA : PREFER_HOME);
}

static int set_preferences(struct hf_sock *sk, int v)
{
    int scope = v & (PREFER_PUBLIC | PREFER_TMP | PREFER_PUBTMP_DEFAULT);
    int home = v & (PREFER_HOME | PREFER_COA);
    uint8_t p = sk->opt.addr_preferences;

    if ((scope & (scope - 1)) || (home & (home - 1)) ||
        (v & (PREFER_CGA | PREFER_NONCGA)) == (PREFER_CGA | PREFER_NONCGA))
        return -HF_EINVAL;
    if (scope)
        p = (uint8_t)((p & ~(PREFER_PUBLIC | PREFER_TMP)) | (scope & 3));
    if (home)
        p = (uint8_t)((p & ~PREFER_COA) | (home & PREFER_COA));
    sk->opt.addr_preferences = p;
    return 0;
}

static int get_ipv6(const struct hf_sock *sk, int name, void *value, uint32_t *len)
{
    bool is_connected =
        sk->is_stream ? tcp_state(sock_tcb(sk)) == TCP_ESTABLISHED : sock_udp(sk)->is_connected;

    switch (name) {
    case HF_IPV6_ADDRFORM:
        return is_connected ? option_give_int(value, len, HF_AF_INET6) : -HF_ENOTCONN;
    case HF_IPV6_ADDR_PREFERENCES:
        return option_give_int(value, len, preferences(sk));
    case HF_IPV6_ROUTER_ALERT:
        return option_give_int(value, len, 0);
    case HF_IPV6_2292PKTOPTIONS:
        if (!sk->is_stream)
            return -HF_ENOPROTOOPT;
        *len = 0;
        return 0;
    case HF_IPV6_HOPOPTS: /* none is ever sent */
    case HF_IPV6_RTHDRDSTOPTS:
    case HF_IPV6_RTHDR:
    case HF_IPV6_DSTOPTS:
        *len = 0;
        return 0;
    default:
        return -HF_ENOPROTOOPT;
    }
}

int option_get_fixed(const struct hf_sock *sk, int level, int name, void *value, uint32_t *len)
{
    switch (level) {
    case HF_SOL_SOCKET:
        return get_socket(sk, name, value, len);
    case HF_SOL_IP:
        return get_ip(sk, name, value, len);
    case HF_SOL_IPV6:
        return get_ipv6(sk, name, value, len);
    case HF_SOL_TCP:
        if (name == HF_TCP_TIMESTAMP)
            return option_give_int(value, len, (int)(sk->all->core.now_ms));
        return -HF_ENOPROTOOPT;
    default:
        return -HF_ENOPROTOOPT;
    }
}

static int set_socket(struct hf_sock *sk, int name, int v, uint32_t len)
{
    bool is_privileged = sock_is_privileged(sk);

    switch (name) {
    case HF_SO_BUSY_POLL_BUDGET:
        return v > 0 && !is_privileged ? -HF_EPERM : v < 0 || v > 65535 ? -HF_EINVAL : 0;
    case HF_SO_RESERVE_MEM:
        return v < 0 ? -HF_EINVAL : -HF_EOPNOTSUPP;
    case HF_SO_ZEROCOPY:
        if (v != 0 && v != 1)
            return -HF_EINVAL;
        if (v && !sk->is_stream) /* bytes are copied, and completions are TCP's */
            return -HF_ENOPROTOOPT;
        sk->opt.zerocopy = v & 1;
        return 0;
    case HF_SO_DETACH_REUSEPORT_BPF:
        return sock_pcb(sk)->entry.reuse_port ? -HF_ENOENT : -HF_EINVAL;
    case HF_SO_TXREHASH:
    case HF_SO_PASSCRED:
    case HF_SO_PASSSEC:
    case HF_SO_PASSPIDFD:
    case HF_SO_PASSRIGHTS:
        return -HF_EOPNOTSUPP;
    default:
        return -HF_ENOPROTOOPT;
    }
}

/* RFC 3542 headers: the privilege and the length are looked at, then taking away is all there is.
 */
static int set_header(const struct hf_sock *sk, int name, uint32_t len)
{
    if (name != HF_IPV6_RTHDR && !sock_is_privileged(sk))
        return -HF_EPERM;
    if (len == 0)
        return 0;
    return len < 2 || len & 7 || len > 8 * 255 ? -HF_EINVAL : -HF_ENOPROTOOPT;
}

static int set_ipv6(struct hf_sock *sk, int name, int v, uint32_t len)
{
    switch (name) {
    case HF_IPV6_ADDR_PREFERENCES:
        return len < sizeof(v) ? -HF_EINVAL : set_preferences(sk, v);
    case HF_IPV6_HOPOPTS:
    case HF_IPV6_RTHDRDSTOPTS:
    case HF_IPV6_RTHDR:
    case HF_IPV6_DSTOPTS:
        return set_header(sk, name, len);
    case HF_IPV6_ROUTER_ALERT:
        return len < sizeof(v) ? -HF_EINVAL : -HF_ENOPROTOOPT;
    case HF_IPV6_IPSEC_POLICY:
    case HF_IPV6_XFRM_POLICY:
        return sock_is_privileged(sk) ? -HF_EINVAL : -HF_EPERM;
    default:
        return -HF_ENOPROTOOPT;
    }
}

int option_set_fixed(struct hf_sock *sk, int level, int name, int v, uint32_t len)
{
    switch (level) {
    case HF_SOL_SOCKET:
        return set_socket(sk, name, v, len);
    case HF_SOL_IP:
        if (name == HF_IP_ROUTER_ALERT)
            return -HF_EINVAL;
        if (name == HF_IP_IPSEC_POLICY || name == HF_IP_XFRM_POLICY)
            return sock_is_privileged(sk) ? -HF_EINVAL : -HF_EPERM;
        return -HF_ENOPROTOOPT;
    case HF_SOL_IPV6:
        return set_ipv6(sk, name, v, len);
    default:
        return -HF_ENOPROTOOPT;
    }
}
