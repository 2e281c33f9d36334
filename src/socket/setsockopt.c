/* setsockopt(): which level, and SOL_SOCKET. Linux: sk_setsockopt, for an ordinary user or, as
 * hf_sock_set_admin says, one with CAP_NET_ADMIN and CAP_NET_RAW.
 *
 * Deviates: options whose promise could not be kept (zero copy, filters of streams) are
 * ENOPROTOOPT, as on a kernel without them, rather than accepted in vain. */
#include "net/path.h"
#include "socket/cork.h"
#include "socket/kernel.h"
#include "socket/local.h"
#include "transport/bpf.h"

enum {
    NAME_MAX_BYTES = 16,
    BUF_LOCK_SEND = 1,
    BUF_LOCK_RECEIVE = 2,
};

static int set_buffer(struct hf_sock *sk, bool receives, uint32_t bytes)
{
    struct tcp_options *t = sk->is_stream ? tcp_options(sock_tcb(sk)) : NULL;

    bytes = option_buffer(receives, bytes);
    if (receives)
        sk->opt.rcvbuf_locked = 1;
    else
        sk->opt.sndbuf_locked = 1;
    if (!t) {
        *(receives ? &sock_udp(sk)->rcvbuf : &sock_udp(sk)->sndbuf) = bytes;
        return 0;
    }
    if (receives)
        tcp_set_rcvbuf(sock_tcb(sk), bytes);
    else
        t->sndbuf = bytes;
    t->rcvbuf_locked = sk->opt.rcvbuf_locked;
    t->sndbuf_locked = sk->opt.sndbuf_locked;
    tcp_options_changed(sock_tcb(sk));
    return 0;
}

static int set_buffer_forced(struct hf_sock *sk, bool receives, int v)
{
    if (!sock_is_privileged(sk))
        return -HF_EPERM;
    return set_buffer(sk, receives, (uint32_t)HF_MIN(HF_MAX(v, 0), INT32_MAX / 2));
}

static int set_buf_lock(struct hf_sock *sk, int v)
{
    if (v & ~(BUF_LOCK_SEND | BUF_LOCK_RECEIVE))
        return -HF_EINVAL;
    sk->opt.sndbuf_locked = (v & BUF_LOCK_SEND) != 0;
    sk->opt.rcvbuf_locked = (v & BUF_LOCK_RECEIVE) != 0;
    if (sk->is_stream) {
        tcp_options(sock_tcb(sk))->sndbuf_locked = sk->opt.sndbuf_locked;
        tcp_options(sock_tcb(sk))->rcvbuf_locked = sk->opt.rcvbuf_locked;
    }
    return 0;
}

/* Linux: tcp_set_rcvlowat keeps it at what the buffer can ever hold. */
static int set_rcvlowat(struct hf_sock *sk, int v)
{
    uint32_t bytes = v < 0 ? INT32_MAX : v ? (uint32_t)v : 1;

    if (sk->is_stream) {
        struct tcb *tcb = sock_tcb(sk);
        uint32_t room = tcp_options(tcb)->rcvbuf_locked ? tcp_rcvbuf(tcb) : sk->all->tcp.rmem_max;

        bytes = HF_MIN(bytes, room / 2);
    }
    sk->opt.rcvlowat = bytes;
    sock_event(sk);
    return 0;
}

static int set_linger(struct hf_sock *sk, const void *value, uint32_t len)
{
    struct {
        int32_t on, seconds;
    } linger;

    if (len < sizeof(linger))
        return -HF_EINVAL;
    memcpy(&linger, value, sizeof(linger));
    sk->opt.linger_on = linger.on != 0;
    if (linger.on)
        sk->opt.linger_s = (uint32_t)linger.seconds;
    return 0;
}

/* Linux: sock_set_timeout, HZ 1000: rounded up to milliseconds. Deviates: more than 49 days are for
 * ever. */
static int set_timeout(uint32_t *timeout_ms, const void *value, uint32_t len)
{
    struct {
        int64_t sec, usec;
    } tv;

    if (len < sizeof(tv))
        return -HF_EINVAL;
    memcpy(&tv, value, sizeof(tv));
    if (tv.usec < 0 || tv.usec >= 1000000)
        return -HF_EDOM;
    if (tv.sec < 0)
        *timeout_ms = 0;
    else if ((tv.sec == 0 && tv.usec == 0) || tv.sec >= SOCK_TIMEO_NONE / 1000)
        *timeout_ms = SOCK_TIMEO_NONE;
    else
        *timeout_ms = (uint32_t)(tv.sec * 1000 + (tv.usec + 999) / 1000);
    return 0;
}

/* Linux: sock_bindtoindex. An ordinary user may bind, but not leave a link he is bound to. */
static int bind_to_link(struct hf_sock *sk, int index)
{
    struct pcb *pcb = sock_pcb(sk);

    if (pcb->link_index && !sock_is_privileged(sk))
        return -HF_EPERM;
    if (index < 0)
        return -HF_EINVAL;
    pcb->link_index = (uint16_t)HF_MIN(index, (int)UINT16_MAX); /* no link's: nothing leads there */
    ports_changed(sock_ports(sk), pcb);
    path_put(pcb->path);
    pcb->path = NULL;
    return 0;
}

static int bind_to_name(struct hf_sock *sk, const void *value, uint32_t len)
{
    char name[NAME_MAX_BYTES] = {0};
    const struct hf_link *link;

    memcpy(name, value, HF_MIN(len, (uint32_t)NAME_MAX_BYTES - 1));
    if (!name[0])
        return bind_to_link(sk, 0);
    link = net_link_by_name(&sk->all->net, name);
    return link ? bind_to_link(sk, (int)link->index) : -HF_ENODEV;
}

static int set_priority(struct hf_sock *sk, int v)
{
    if ((v < 0 || v > 6) && !sock_is_privileged(sk))
        return -HF_EPERM;
    sk->opt.priority = (int8_t)v;
    return 0;
}

static bool filter_is_locked(const struct hf_sock *sk)
{
    return option_is_on(sk, OPTION_INERT + INERT_LOCK_FILTER);
}

/* value: the instructions themselves, which the host has fetched. Deviates: streams have none, nor
 * has AF_UNIX. */
static int attach_filter(struct hf_sock *sk, const void *value, uint32_t len)
{
    const struct core *core = &sk->all->core;
    struct bpf *filter;
    int err;

    if (filter_is_locked(sk))
        return -HF_EPERM;
    if (!sock_is_udp(sk))
        return -HF_ENOPROTOOPT;
    if (len % sizeof(struct bpf_insn))
        return -HF_EINVAL;
    err = bpf_new(core, value, len / (uint32_t)sizeof(struct bpf_insn), &filter);
    if (err)
        return err;
    bpf_free(core, sock_udp(sk)->filter);
    sock_udp(sk)->filter = filter;
    return 0;
}

static int detach_filter(struct hf_sock *sk)
{
    if (filter_is_locked(sk))
        return -HF_EPERM;
    if (!sock_is_udp(sk) || !sock_udp(sk)->filter)
        return -HF_ENOENT;
    bpf_free(&sk->all->core, sock_udp(sk)->filter);
    sock_udp(sk)->filter = NULL;
    return 0;
}

/* Linux: kept for a queueing discipline that sends at a time; without one it means nothing. */
static int set_txtime(struct hf_sock *sk, const void *value, uint32_t len)
{
    enum { CLOCK_OF_ANYBODY = 1, FLAGS = 3 };
    struct udp_pcb *up;
    int32_t asked[2];

    if (len != sizeof(asked))
        return -HF_EINVAL;
    memcpy(asked, value, sizeof(asked));
    if (asked[1] & ~FLAGS)
        return -HF_EINVAL;
    if (asked[0] != CLOCK_OF_ANYBODY && !sock_is_privileged(sk))
        return -HF_EPERM;
    if (!sock_is_udp(sk)) /* what says when is a message of datagrams */
        return -HF_ENOPROTOOPT;
    up = sock_udp(sk);
    up->has_txtime = 1;
    up->txtime_clock = (uint8_t)asked[0];
    up->txtime_flags = (uint8_t)asked[1];
    return 0;
}

/* Where only the value that changes nothing can be had. */
static int only(int v, int harmless)
{
    return v == harmless ? 0 : -HF_ENOPROTOOPT;
}

static int set_number(struct hf_sock *sk, int name, int v)
{
    switch (name) {
    case HF_SO_SNDBUF:
    case HF_SO_RCVBUF:
        return set_buffer(sk, name == HF_SO_RCVBUF, HF_MIN((uint32_t)v, OPTION_BUFFER_MOST));
    case HF_SO_SNDBUFFORCE:
    case HF_SO_RCVBUFFORCE:
        return set_buffer_forced(sk, name == HF_SO_RCVBUFFORCE, v);
    case HF_SO_BUF_LOCK:
        return set_buf_lock(sk, v);
    case HF_SO_RCVLOWAT:
        return set_rcvlowat(sk, v);
    case HF_SO_PRIORITY:
        return set_priority(sk, v);
    case HF_SO_MARK:
        if (!sock_is_privileged(sk))
            return -HF_EPERM;
        sk->opt.mark = (uint32_t)v;
        return 0;
    case HF_SO_BINDTOIFINDEX:
        return bind_to_link(sk, v);
    case HF_SO_PEEK_OFF:
        sk->opt.peek_off = v;
        return 0;
    case HF_SO_BUSY_POLL: /* Linux: raising it is the administrator's. There is nothing to poll */
        if (v < 0)
            return -HF_EINVAL;
        if ((uint32_t)v > sk->opt.busy_poll && !sock_is_privileged(sk))
            return -HF_EPERM;
        sk->opt.busy_poll = (uint16_t)HF_MIN(v, (int)UINT16_MAX);
        return 0;
    case HF_SO_PASSCRED: /* AF_UNIX sockets' */
    case HF_SO_PASSSEC:
        return -HF_EOPNOTSUPP;
    case HF_SO_CNX_ADVICE: /* a hint that the path is bad: the neighbour's timers find out */
    case HF_SO_BSDCOMPAT:
        return 0;
    case HF_SO_DETACH_FILTER:
        return detach_filter(sk);
    case HF_SO_TIMESTAMP_OLD:
    case HF_SO_TIMESTAMPNS_OLD:
    case HF_SO_TIMESTAMP_NEW:
    case HF_SO_TIMESTAMPNS_NEW:
        return timestamp_set(sk, name, v);
    case HF_SO_TXREHASH: /* -1: as the system has it, which is on */
        if (!sk->is_stream)
            return -HF_EOPNOTSUPP;
        if (v < -1 || v > 1)
            return -HF_EINVAL;
        option_turn(sk, OPTION_INERT + INERT_TXREHASH, v != 0);
        return 0;
    default: /* SO_TYPE, SO_ERROR and others that are only read, too */
        return -HF_ENOPROTOOPT;
    }
}

/* Linux: 8 bytes where there are as many, else 4, of which all ones mean the same. */
static int set_max_rate(struct hf_sock *sk, const void *value, uint32_t len)
{
    uint64_t rate;
    uint32_t small;

    memcpy(&small, value, sizeof(small));
    rate = small == UINT32_MAX ? UINT64_MAX : small;
    if (len >= sizeof(rate))
        memcpy(&rate, value, sizeof(rate));
    if (!sk->is_stream) /* datagrams go as they come */
        return rate == UINT64_MAX ? 0 : -HF_ENOPROTOOPT;
    return tcp_set_max_rate(sock_tcb(sk), rate);
}

int setsockopt_socket(struct hf_sock *sk, int name, const void *value, uint32_t len)
{
    int which = option_find(HF_SOL_SOCKET, name);
    int v, err;

    if (name == HF_SO_BINDTODEVICE)
        return bind_to_name(sk, value, len);
    if (name == HF_SO_ATTACH_FILTER)
        return attach_filter(sk, value, len);
    if (len < sizeof(v))
        return -HF_EINVAL;
    memcpy(&v, value, sizeof(v));
    if (name == HF_SO_DEBUG && v && !sock_is_privileged(sk))
        return -HF_EACCES;
    if (name == HF_SO_PREFER_BUSY_POLL && v && !sock_is_privileged(sk))
        return -HF_EPERM;
    if (name == HF_SO_LOCK_FILTER && !v && option_is_on(sk, which))
        return -HF_EPERM; /* Linux: what is locked stays so */
    if (which != OPTION_OTHER) {
        option_turn(sk, which, v != 0);
        return 0;
    }
    switch (name) {
    case HF_SO_TIMESTAMPING_OLD:
    case HF_SO_TIMESTAMPING_NEW:
        return timestamping_set(sk, name, value, len);
    case HF_SO_TXTIME:
        return set_txtime(sk, value, len);
    case HF_SO_LINGER:
        return set_linger(sk, value, len);
    case HF_SO_RCVTIMEO_OLD:
    case HF_SO_RCVTIMEO_NEW:
        return set_timeout(&sk->opt.rcvtimeo_ms, value, len);
    case HF_SO_MAX_PACING_RATE:
        return set_max_rate(sk, value, len);
    case HF_SO_SNDTIMEO_OLD:
    case HF_SO_SNDTIMEO_NEW:
        return set_timeout(&sk->opt.sndtimeo_ms, value, len);
    default:
        err = set_number(sk, name, v);
        return err == -HF_ENOPROTOOPT ? option_set_fixed(sk, HF_SOL_SOCKET, name, v, len) : err;
    }
}

/* Linux: udp_lib_setsockopt. */
static int setsockopt_udp(struct hf_sock *sk, int name, const void *value, uint32_t len)
{
    struct udp_pcb *up = sock_udp(sk);
    int v;

    if (len < sizeof(v))
        return -HF_EINVAL;
    memcpy(&v, value, sizeof(v));
    switch (name) {
    case HF_UDP_SEGMENT:
        if (v < 0 || v > 65535)
            return -HF_EINVAL;
        up->segment = (uint16_t)v;
        return 0;
    case HF_UDP_CORK:
        sk->opt.udp_cork = v != 0;
        if (!v && sock_cork(sk))
            (void)cork_push(sk);
        return 0;
    case HF_UDP_GRO:
        up->takes_bursts = v != 0;
        return 0;
    case HF_UDP_NO_CHECK6_TX:
        up->unchecked6 = v != 0;
        return 0;
    case HF_UDP_NO_CHECK6_RX:
        up->takes_unchecked6 = v != 0;
        return 0;
    case HF_UDP_ENCAP:
        return only(v, 0);
    default:
        return -HF_ENOPROTOOPT;
    }
}

void hf_sock_set_admin(struct hf_sock *sk, bool is_admin)
{
    sk->is_admin = is_admin;
}

static int set(struct hf_sock *sk, int level, int name, const void *value, uint32_t len)
{
    if (len > INT32_MAX)
        return -HF_EINVAL;
    if (sk->is_unix)
        return level == HF_SOL_SOCKET ? setsockopt_local(sk, name, value, len) : -HF_EOPNOTSUPP;
    if (sk->is_netlink)
        return setsockopt_kernel(sk, level, name, value, len);
    if (level == HF_SOL_SOCKET)
        return setsockopt_socket(sk, name, value, len);
    if (level == HF_SOL_TCP && sk->is_stream)
        return setsockopt_tcp(sk, name, value, len);
    if ((level == HF_IPPROTO_UDP || level == HF_IPPROTO_UDPLITE) && !sk->is_stream)
        return setsockopt_udp(sk, name, value, len);
    if (level == HF_SOL_IP)
        return setsockopt_ip(sk, name, value, len);
    if (level == HF_SOL_IPV6 && pcb_is_v6(sock_pcb(sk)))
        return setsockopt_ipv6(sk, name, value, len);
    return -HF_ENOPROTOOPT;
}

static bool may_make_room(int level, int name)
{
    return level == HF_SOL_SOCKET ? name == HF_SO_SNDBUF || name == HF_SO_SNDBUFFORCE
                                  : level == HF_SOL_TCP && name == HF_TCP_NOTSENT_LOWAT;
}

/* Linux: sk_write_space, who waits for room is woken where there is some now. */
int hf_sock_setsockopt(struct hf_sock *sk, int level, int name, const void *value, uint32_t len)
{
    bool was_full = sk->is_stream && may_make_room(level, name) && !(hf_sock_poll(sk) & HF_POLLOUT);
    int err = set(sk, level, name, value, len);

    if (was_full && hf_sock_poll(sk) & HF_POLLOUT)
        sock_event(sk);
    return err;
}
