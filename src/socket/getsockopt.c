/* getsockopt(): which level, and SOL_SOCKET. Linux: sk_getsockopt. Short room gets the first bytes
 * and the length says how many. */
#include "socket/kernel.h"
#include "socket/local.h"
#include "socket/sock.h"

enum { IFNAME_BYTES = 16, MEMINFO_WORDS = 9 };

int option_give(void *value, uint32_t *len, const void *from, uint32_t n)
{
    n = HF_MIN(n, *len);
    memcpy(value, from, n);
    *len = n;
    return 0;
}

int option_give_int(void *value, uint32_t *len, int v)
{
    return option_give(value, len, &v, sizeof(v));
}

/* Linux: sock_error, or else what ICMP said of a connection that goes on. */
static int take_error(struct hf_sock *sk)
{
    struct pcb *pcb = sock_pcb(sk);
    int err = -sock_take_error(sk);

    if (!err && !sk->is_unix && !sk->is_netlink) {
        err = pcb->soft_err;
        pcb->soft_err = 0;
    }
    return err;
}

static uint32_t rcvbuf(const struct hf_sock *sk)
{
    return sk->is_stream ? tcp_rcvbuf(sock_tcb(sk)) : sock_udp(sk)->rcvbuf;
}

static uint32_t sndbuf(const struct hf_sock *sk)
{
    return sk->is_stream ? tcp_sndbuf(sock_tcb(sk)) : sock_udp(sk)->sndbuf;
}

static int get_number(struct hf_sock *sk, int name, int *v)
{
    switch (name) {
    case HF_SO_TYPE:
        *v = sk->is_stream ? HF_SOCK_STREAM : HF_SOCK_DGRAM;
        return 0;
    case HF_SO_PROTOCOL:
        *v = sk->is_stream ? HF_IPPROTO_TCP : HF_IPPROTO_UDP;
        return 0;
    case HF_SO_DOMAIN:
        *v = sock_family(sk);
        return 0;
    case HF_SO_ACCEPTCONN:
        *v = sk->is_stream && tcp_state(sock_tcb(sk)) == TCP_LISTEN;
        return 0;
    case HF_SO_ERROR:
        *v = take_error(sk);
        return 0;
    case HF_SO_SNDBUF:
        *v = (int)sndbuf(sk);
        return 0;
    case HF_SO_RCVBUF:
        *v = (int)rcvbuf(sk);
        return 0;
    case HF_SO_BUF_LOCK:
        *v = sk->opt.sndbuf_locked | sk->opt.rcvbuf_locked << 1;
        return 0;
    case HF_SO_RCVLOWAT:
        *v = (int)sk->opt.rcvlowat;
        return 0;
    case HF_SO_SNDLOWAT:
        *v = 1;
        return 0;
    case HF_SO_PRIORITY:
        *v = sk->opt.priority;
        return 0;
    case HF_SO_MARK:
        *v = (int)sk->opt.mark;
        return 0;
    case HF_SO_BINDTOIFINDEX:
        *v = (int)sock_pcb(sk)->link_index;
        return 0;
    case HF_SO_PEEK_OFF:
        *v = sk->opt.peek_off;
        return 0;
    case HF_SO_INCOMING_CPU:
        *v = -1;
        return 0;
    case HF_SO_TXREHASH:
        *v = option_is_on(sk, OPTION_INERT + INERT_TXREHASH);
        return sk->is_stream ? 0 : -HF_EOPNOTSUPP;
    /* What is never on. */
    case HF_SO_BSDCOMPAT:
    case HF_SO_INCOMING_NAPI_ID:
        *v = 0;
        return 0;
    case HF_SO_BUSY_POLL:
        *v = (int)sk->opt.busy_poll;
        return 0;
    case HF_SO_TIMESTAMP_OLD:
    case HF_SO_TIMESTAMP_NEW:
    case HF_SO_TIMESTAMPNS_OLD:
    case HF_SO_TIMESTAMPNS_NEW:
        *v = timestamp_get(sk, name);
        return 0;
    case HF_SO_PASSCRED:
    case HF_SO_PASSSEC:
        return -HF_EOPNOTSUPP;
    default:
        return -HF_ENOPROTOOPT;
    }
}

static int get_linger(const struct hf_sock *sk, void *value, uint32_t *len)
{
    int32_t linger[2] = {sk->opt.linger_on, (int32_t)sk->opt.linger_s};

    return option_give(value, len, linger, sizeof(linger));
}

hf_time hf_sock_timeout(const struct hf_sock *sk, int option)
{
    bool sends = option == HF_SO_SNDTIMEO_OLD || option == HF_SO_SNDTIMEO_NEW;
    uint32_t ms = sends ? sk->opt.sndtimeo_ms : sk->opt.rcvtimeo_ms;

    return ms == SOCK_TIMEO_NONE ? HF_TIME_NEVER : ms * HF_MS;
}

/* Linux: "do not wait" reads as 0 as "for ever" does. */
static int get_timeout(uint32_t timeout_ms, void *value, uint32_t *len)
{
    int64_t ms = timeout_ms == SOCK_TIMEO_NONE ? 0 : timeout_ms;
    int64_t tv[2] = {ms / 1000, ms % 1000 * 1000};

    return option_give(value, len, tv, sizeof(tv));
}

static int get_bound_link(const struct hf_sock *sk, char *value, uint32_t *len)
{
    uint32_t index = sock_pcb(sk)->link_index, n = 0;
    const struct hf_link *link;

    if (!index) {
        *len = 0;
        return 0;
    }
    if (*len < IFNAME_BYTES)
        return -HF_EINVAL;
    link = index <= NET_LINKS ? sk->all->net.links[index] : NULL;
    if (!link)
        return -HF_ENODEV;
    while (n < sizeof(link->name) - 1 && link->name[n])
        n++;
    memcpy(value, link->name, n);
    value[n] = 0;
    *len = n + 1;
    return 0;
}

static int get_cookie(struct hf_sock *sk, void *value, uint32_t *len)
{
    if (*len < sizeof(sk->cookie))
        return -HF_EINVAL;
    if (!sk->cookie)
        sk->cookie = ++sk->all->next_cookie;
    return option_give(value, len, &sk->cookie, sizeof(sk->cookie));
}

/* Linux: sk_get_meminfo. What it counts as allocated we know as bytes queued. */
static int get_meminfo(const struct hf_sock *sk, void *value, uint32_t *len)
{
    uint32_t words[MEMINFO_WORDS] = {0};
    bool has_queues = sk->is_stream && tcp_state(sock_tcb(sk)) != TCP_LISTEN;

    words[0] = !sk->is_stream ? sock_udp(sk)->queued_bytes
               : has_queues   ? tcp_readable(sock_tcb(sk))
                              : 0;
    words[1] = rcvbuf(sk);
    words[3] = sndbuf(sk);
    words[5] = has_queues ? tcp_unacked(sock_tcb(sk)) : 0;
    return option_give(value, len, words, sizeof(words));
}

/* Linux: it outlives the connection; more room than the name has is EINVAL. */
static int get_peername(struct hf_sock *sk, void *value, uint32_t *len)
{
    uint8_t name[128];
    uint32_t n = sizeof(name);

    if (hf_sock_accepted_from(sk, name, &n))
        return -HF_ENOTCONN;
    return n < *len ? -HF_EINVAL : option_give(value, len, name, *len);
}

/* Linux: 8 bytes where they fit, else 4. */
static int get_max_rate(const struct hf_sock *sk, void *value, uint32_t *len)
{
    uint64_t rate = sk->is_stream ? tcp_max_rate(sock_tcb(sk)) : UINT64_MAX;
    uint32_t small = (uint32_t)HF_MIN(rate, UINT32_MAX);

    return *len >= sizeof(rate) ? option_give(value, len, &rate, sizeof(rate))
                                : option_give(value, len, &small, sizeof(small));
}

int getsockopt_socket(struct hf_sock *sk, int name, void *value, uint32_t *len)
{
    static const int32_t nobody[3] = {0, -1, -1}; /* struct ucred */
    int which = option_find(HF_SOL_SOCKET, name);
    int v = 0, err;

    if (which != OPTION_OTHER)
        return option_give_int(value, len, option_is_on(sk, which));
    switch (name) {
    case HF_SO_LINGER:
        return get_linger(sk, value, len);
    case HF_SO_RCVTIMEO_OLD:
    case HF_SO_RCVTIMEO_NEW:
        return get_timeout(sk->opt.rcvtimeo_ms, value, len);
    case HF_SO_SNDTIMEO_OLD:
    case HF_SO_SNDTIMEO_NEW:
        return get_timeout(sk->opt.sndtimeo_ms, value, len);
    case HF_SO_BINDTODEVICE:
        return get_bound_link(sk, value, len);
    case HF_SO_COOKIE:
        return get_cookie(sk, value, len);
    case HF_SO_MEMINFO:
        return get_meminfo(sk, value, len);
    case HF_SO_PEERNAME:
        return get_peername(sk, value, len);
    case HF_SO_PEERCRED:
        return option_give(value, len, nobody, sizeof(nobody));
    case HF_SO_MAX_PACING_RATE:
        return get_max_rate(sk, value, len);
    case HF_SO_TIMESTAMPING_OLD:
    case HF_SO_TIMESTAMPING_NEW:
        return timestamping_get(sk, name, value, len);
    default:
        err = get_number(sk, name, &v);
        if (err == -HF_ENOPROTOOPT)
            return option_get_fixed(sk, HF_SOL_SOCKET, name, value, len);
        return err ? err : option_give_int(value, len, v);
    }
}

static int getsockopt_udp(const struct hf_sock *sk, int name, void *value, uint32_t *len)
{
    const struct udp_pcb *up = sock_udp(sk);

    switch (name) {
    case HF_UDP_CORK:
        return option_give_int(value, len, sk->opt.udp_cork);
    case HF_UDP_SEGMENT:
        return option_give_int(value, len, up->segment);
    case HF_UDP_GRO:
        return option_give_int(value, len, up->takes_bursts);
    case HF_UDP_NO_CHECK6_TX:
        return option_give_int(value, len, up->unchecked6);
    case HF_UDP_NO_CHECK6_RX:
        return option_give_int(value, len, up->takes_unchecked6);
    case HF_UDP_ENCAP:
    case HF_UDPLITE_SEND_CSCOV:
    case HF_UDPLITE_RECV_CSCOV:
        return option_give_int(value, len, 0);
    default:
        return -HF_ENOPROTOOPT;
    }
}

bool hf_sock_getsockopt_asks(int level, int name)
{
    return (level == HF_SOL_IP && name == HF_IP_MSFILTER) ||
           ((level == HF_SOL_IP || level == HF_SOL_IPV6) && name == HF_MCAST_MSFILTER);
}

int hf_sock_getsockopt(struct hf_sock *sk, int level, int name, void *value, uint32_t *len)
{
    bool is_v6 = sock_family(sk) == HF_AF_INET6;
    bool is_udp = (level == HF_IPPROTO_UDP || level == HF_IPPROTO_UDPLITE) && !sk->is_stream;
    bool is_tcp = level == HF_SOL_TCP && sk->is_stream;

    if (sk->is_netlink)
        return getsockopt_kernel(sk, level, name, value, len);
    /* Linux: below zero is much to SOL_IPV6. */
    if (*len > INT32_MAX && (is_tcp || is_udp || level == HF_SOL_SOCKET || level == HF_SOL_IP))
        return -HF_EINVAL;
    if (sk->is_unix)
        return level == HF_SOL_SOCKET ? getsockopt_local(sk, name, value, len) : -HF_EOPNOTSUPP;
    if (level == HF_SOL_SOCKET)
        return getsockopt_socket(sk, name, value, len);
    if (is_tcp)
        return getsockopt_tcp(sk, name, value, len);
    if (is_udp)
        return getsockopt_udp(sk, name, value, len);
    if (level == HF_SOL_IP)
        return getsockopt_ip(sk, name, value, len);
    if (level == HF_SOL_IPV6 && is_v6)
        return getsockopt_ipv6(sk, name, value, len);
    /* Linux: ip_getsockopt and ipv6_getsockopt do not agree. */
    return is_v6 ? -HF_ENOPROTOOPT : -HF_EOPNOTSUPP;
}
