/* setsockopt() of SOL_TCP. Linux: do_tcp_setsockopt.
 *
 * Deviates: upper-layer protocols and MD5 signatures are refused as by a kernel built or configured
 * without them. */
#include "socket/sock.h"

enum {
    MSS_LEAST = 88,
    MSS_MOST = 32767,
    KEEP_SECONDS_MOST = 32767,
    KEEP_PROBES_MOST = 127,
    SYNS_MOST = 127,
    LINGER2_MOST = 120,      /* TCP_FIN_TIMEOUT_MAX */
    WINDOW_CLAMP_MIN = 1152, /* half of the smallest receive buffer */
    DEFER_STEPS_MOST = 8,
    RTO_MAX_LEAST_MS = 1000,
    RTO_MAX_MOST_MS = 120000,
    SHORT_LEAST = 2, /* TCP_TIMEOUT_MIN; in ticks of 4 ms */
    SHORT_MOST = 50, /* TCP_RTO_MIN, TCP_DELACK_MAX */
};

/* Linux: secs_to_retrans, retrans_to_secs: kept as so many SYN-ACKs, 1 + 2 + 4 ... seconds apart,
 * at most 120. Deviates: 247 s are the most. */
static uint8_t defer_seconds(int v)
{
    uint32_t period = 1, step = 1;

    if (v <= 0)
        return 0;
    for (int i = 1; i < DEFER_STEPS_MOST && (uint32_t)v > period; i++) {
        step = HF_MIN(2 * step, 120u);
        period += step;
    }
    return (uint8_t)period;
}

static int set_window_clamp(struct tcb *tcb, int v)
{
    if (!v && tcp_state(tcb) != TCP_CLOSED)
        return -HF_EINVAL;
    tcp_options(tcb)->window_clamp = v ? HF_MAX((uint32_t)v, (uint32_t)WINDOW_CLAMP_MIN) : 0;
    return 0;
}

/* A kick, not a state: TCP acknowledges at once for a while, then judges for itself. */
static int set_quickack(struct hf_sock *sk, int v)
{
    struct tcp_options *t = tcp_options(sock_tcb(sk));

    sk->opt.pingpong = !(v & 1);
    t->quickack = v & 1;
    tcp_options_changed(sock_tcb(sk));
    t->quickack = 0;
    return 0;
}

static bool is_between(int v, int least, int most)
{
    return v >= least && v <= most;
}

/* v microseconds to whole ticks of 4 ms. */
static int set_short(uint8_t *ticks, int v)
{
    int n = v < 0 ? 0 : v / 4000 + (v % 4000 != 0);

    if (!is_between(n, SHORT_LEAST, SHORT_MOST))
        return -HF_EINVAL;
    *ticks = (uint8_t)n;
    return 0;
}

/* How long TCP waits; else as set_number. */
static int set_wait(struct tcp_options *t, int name, int v, bool *is_known)
{
    *is_known = true;
    switch (name) {
    case HF_TCP_RTO_MAX_MS:
        if (!is_between(v, RTO_MAX_LEAST_MS, RTO_MAX_MOST_MS))
            return -HF_EINVAL;
        t->rto_max_4ms = (uint16_t)((v + 3) / 4);
        return 0;
    case HF_TCP_RTO_MIN_US:
        return set_short(&t->rto_min_4ms, v);
    case HF_TCP_DELACK_MAX_US:
        return set_short(&t->delack_max_4ms, v);
    case HF_TCP_USER_TIMEOUT:
        if (v < 0)
            return -HF_EINVAL;
        t->user_timeout_ms = (uint32_t)v;
        return 0;
    default:
        *is_known = false;
        return -HF_ENOPROTOOPT;
    }
}

/* The options that are a number of TCP's; *is_known: this is one. */
static int set_number(struct hf_sock *sk, int name, int v, bool *is_known)
{
    struct tcp_options *t = tcp_options(sock_tcb(sk));

    *is_known = true;
    switch (name) {
    case HF_TCP_NODELAY:
        t->nodelay = v != 0;
        if (v) /* Linux: even what TCP_CORK keeps back */
            tcp_push(sock_tcb(sk));
        return 0;
    case HF_TCP_CORK:
        t->cork = v != 0;
        return 0;
    case HF_TCP_MAXSEG:
        if (v && !is_between(v, MSS_LEAST, MSS_MOST))
            return -HF_EINVAL;
        t->maxseg = (uint16_t)v;
        return 0;
    case HF_TCP_KEEPIDLE:
        if (!is_between(v, 1, KEEP_SECONDS_MOST))
            return -HF_EINVAL;
        t->keep_idle_s = (uint16_t)v;
        return 0;
    case HF_TCP_KEEPINTVL:
        if (!is_between(v, 1, KEEP_SECONDS_MOST))
            return -HF_EINVAL;
        t->keep_intvl_s = (uint16_t)v;
        return 0;
    case HF_TCP_KEEPCNT:
        if (!is_between(v, 1, KEEP_PROBES_MOST))
            return -HF_EINVAL;
        t->keep_cnt = (uint8_t)v;
        return 0;
    case HF_TCP_SYNCNT:
        if (!is_between(v, 1, SYNS_MOST))
            return -HF_EINVAL;
        t->syncnt = (uint8_t)v;
        return 0;
    case HF_TCP_LINGER2:
        t->linger2_s = (int8_t)HF_MIN(HF_MAX(v, -1), LINGER2_MOST);
        return 0;
    case HF_TCP_DEFER_ACCEPT:
        t->defer_accept_s = defer_seconds(v);
        return 0;
    case HF_TCP_WINDOW_CLAMP:
        return set_window_clamp(sock_tcb(sk), v);
    case HF_TCP_NOTSENT_LOWAT:
        t->notsent_lowat = (uint32_t)v;
        return 0;
    default:
        return set_wait(t, name, v, is_known);
    }
}

static bool may_listen(const struct hf_sock *sk)
{
    enum tcp_state state = tcp_state(sock_tcb(sk));

    return state == TCP_CLOSED || state == TCP_LISTEN;
}

static int set_other(struct hf_sock *sk, int name, int v)
{
    switch (name) {
    case HF_TCP_QUICKACK:
        return set_quickack(sk, v);
    case HF_TCP_THIN_LINEAR_TIMEOUTS:
        if (v != 0 && v != 1)
            return -HF_EINVAL;
        option_turn(sk, OPTION_INERT + INERT_THIN_LTO, v != 0);
        return 0;
    case HF_TCP_THIN_DUPACK: /* nothing any more, in Linux too */
        return v != 0 && v != 1 ? -HF_EINVAL : 0;
    case HF_TCP_REPAIR:
    case HF_TCP_REPAIR_QUEUE: /* these need it, but for */
    case HF_TCP_REPAIR_WINDOW:
        return -HF_EPERM;
    case HF_TCP_QUEUE_SEQ: /* this one, on a closed socket */
        return tcp_state(sock_tcb(sk)) == TCP_CLOSED ? -HF_EINVAL : -HF_EPERM;
    case HF_TCP_TIMESTAMP: /* only under repair */
        return -HF_EPERM;
    case HF_TCP_FASTOPEN:
        return v < 0 || !may_listen(sk) ? -HF_EINVAL : fastopen_limit(sk, (uint32_t)v);
    case HF_TCP_FASTOPEN_CONNECT:
        if (v != 0 && v != 1)
            return -HF_EINVAL;
        if (!(sk->all->tcp.fastopen.bits & TCP_FASTOPEN_CLIENT))
            return -HF_EOPNOTSUPP;
        if (tcp_state(sock_tcb(sk)) != TCP_CLOSED)
            return -HF_EINVAL;
        sk->opt.fastopen_connect = v & 1;
        return 0;
    case HF_TCP_FASTOPEN_NO_COOKIE:
        if ((v != 0 && v != 1) || !may_listen(sk))
            return -HF_EINVAL;
        sk->opt.fastopen_no_cookie = v & 1;
        if (sock_fastopen(sk))
            sock_fastopen(sk)->no_cookie = v & 1;
        return 0;
    case HF_TCP_INQ:
        if (v < 0 || v > 1)
            return -HF_EINVAL;
        sk->opt.recv_inq = v & 1;
        return 0;
    case HF_TCP_SAVE_SYN:
        if (!is_between(v, 0, 2))
            return -HF_EINVAL;
        tcp_options(sock_tcb(sk))->save_syn = (uint8_t)v;
        return 0;
    default:
        return -HF_ENOPROTOOPT;
    }
}

/* Linux: tcp_set_congestion_control. An algorithm that is not here is ENOENT. */
static int set_congestion(struct tcb *tcb, const void *value, uint32_t len)
{
    char name[TCP_CC_NAME] = {0};
    uint32_t n = 0;

    if (len < 1)
        return -HF_EINVAL;
    for (; n < HF_MIN(len, TCP_CC_NAME - 1u) && ((const char *)value)[n]; n++)
        name[n] = ((const char *)value)[n];
    return tcp_set_congestion(tcb, name);
}

int setsockopt_tcp(struct hf_sock *sk, int name, const void *value, uint32_t len)
{
    bool is_known;
    int v, err;

    if (name == HF_TCP_CONGESTION)
        return set_congestion(sock_tcb(sk), value, len);
    if (name == HF_TCP_FASTOPEN_KEY)
        return fastopen_set_keys(sk, value, len);
    if (name == HF_TCP_ULP)
        return len < 1 ? -HF_EINVAL : -HF_ENOENT;
    if (len < sizeof(v))
        return -HF_EINVAL;
    memcpy(&v, value, sizeof(v));
    err = set_number(sk, name, v, &is_known);
    if (!is_known) {
        err = set_other(sk, name, v);
        return err == -HF_ENOPROTOOPT ? option_set_fixed(sk, HF_SOL_TCP, name, v, len) : err;
    }
    if (!err)
        tcp_options_changed(sock_tcb(sk));
    return err;
}
