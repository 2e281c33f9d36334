/* SO_TIMESTAMP, SO_TIMESTAMPNS, SO_TIMESTAMPING: when datagrams came. Linux:
 * sock_set_timestamp(ing), __sock_recv_timestamp.
 *
 * Streams tell when what is sent goes out and is acknowledged, by the error queue; datagrams when
 * they came. Deviates: not the other way round, asked for, that is ENOPROTOOPT; and what was sent
 * does not come back with its time (OPT_TSONLY), it is as if it had been cut off. What a network
 * card would have to say (the hardware's bits) can be asked for and never comes, as on Linux over a
 * card without a clock. */
#include "socket/control.h"

#define STAMP_IS_NEW (1u << 31) /* of a stream; ours: asked for with 64-bit times */

enum {
    STAMP_TX_HARDWARE = 1 << 0,
    STAMP_TX_SOFTWARE = 1 << 1,
    STAMP_RX_HARDWARE = 1 << 2,
    STAMP_RX_SOFTWARE = 1 << 3,
    STAMP_SOFTWARE = 1 << 4,
    STAMP_OF_CARDS = 3 << 5,
    STAMP_TX_SCHED = 1 << 8,
    STAMP_TX_ACK = 1 << 9,
    STAMP_BIND_PHC = 1 << 15,
    STAMP_OPT_ID = 1 << 7,
    STAMP_OPT_ID_TCP = 1 << 16,
    STAMP_OPT_TSONLY = 1 << 11,
    STAMP_TX_COMPLETION = 1 << 18,
    STAMP_ALL = (1 << 19) - 1,
    STAMP_OF_STREAMS = STAMP_TX_HARDWARE | STAMP_TX_SOFTWARE | STAMP_RX_HARDWARE | STAMP_SOFTWARE |
                       STAMP_OF_CARDS | STAMP_OPT_ID | STAMP_TX_SCHED | STAMP_TX_ACK |
                       STAMP_OPT_TSONLY | STAMP_OPT_ID_TCP,
    STAMP_OF_SENDING = STAMP_TX_SOFTWARE | STAMP_TX_SCHED | STAMP_TX_ACK | STAMP_TX_COMPLETION,
};

int timestamp_set(struct hf_sock *sk, int name, int v)
{
    struct udp_stamps *to = &sock_udp(sk)->stamps;
    bool is_ns = name == HF_SO_TIMESTAMPNS_OLD || name == HF_SO_TIMESTAMPNS_NEW;
    bool is_new = name == HF_SO_TIMESTAMP_NEW || name == HF_SO_TIMESTAMPNS_NEW;

    if (sk->is_stream)
        return v ? -HF_ENOPROTOOPT : 0;
    to->on = v != 0;
    to->is_ns = v && is_ns;
    to->is_new = v && is_new;
    return 0;
}

int timestamp_get(const struct hf_sock *sk, int name)
{
    const struct udp_stamps *o = &sock_udp(sk)->stamps;

    if (sk->is_stream)
        return 0;
    switch (name) {
    case HF_SO_TIMESTAMP_OLD:
        return o->on && !o->is_new && !o->is_ns;
    case HF_SO_TIMESTAMPNS_OLD:
        return o->is_ns && !o->is_new;
    case HF_SO_TIMESTAMP_NEW:
        return o->on && o->is_new;
    default:
        return o->is_ns && o->is_new;
    }
}

static int set_of_stream(struct hf_sock *sk, int name, uint32_t bits)
{
    bool is_new = bits && name == HF_SO_TIMESTAMPING_NEW;

    if (bits & ~(uint32_t)STAMP_OF_STREAMS)
        return -HF_ENOPROTOOPT;
    return tcp_set_stamps(sock_tcb(sk), bits | (is_new ? STAMP_IS_NEW : 0));
}

/* struct so_timestamping: the bits, and which clock of a card's. */
int timestamping_set(struct hf_sock *sk, int name, const void *value, uint32_t len)
{
    struct {
        uint32_t bits;
        int32_t clock;
    } asked = {0, 0};
    struct udp_stamps *to = &sock_udp(sk)->stamps;

    memcpy(&asked, value, len == sizeof(asked) ? sizeof(asked) : sizeof(asked.bits));
    if (asked.bits & ~(uint32_t)STAMP_ALL ||
        (asked.bits & STAMP_OPT_ID_TCP && !(asked.bits & STAMP_OPT_ID)))
        return -HF_EINVAL;
    if (asked.bits & STAMP_BIND_PHC) /* no link here has a clock */
        return -HF_EOPNOTSUPP;
    if (sk->is_stream)
        return set_of_stream(sk, name, asked.bits);
    if (asked.bits & STAMP_OF_SENDING)
        return -HF_ENOPROTOOPT;
    to->flags = asked.bits;
    to->flags_are_new = name == HF_SO_TIMESTAMPING_NEW;
    return 0;
}

int timestamping_get(const struct hf_sock *sk, int name, void *value, uint32_t *len)
{
    const struct udp_stamps *o = &sock_udp(sk)->stamps;
    uint32_t of_stream = sk->is_stream ? tcp_stamps(sock_tcb(sk)) : 0, asked[2] = {0, 0};
    bool are_new = sk->is_stream ? of_stream & STAMP_IS_NEW : o->flags_are_new;

    /* Linux: whoever asked for the other layout sees nothing. */
    if (name == HF_SO_TIMESTAMPING_NEW || !are_new)
        asked[0] = sk->is_stream ? of_stream & ~STAMP_IS_NEW : o->flags;
    return option_give(value, len, asked, sizeof(asked));
}

/* Seconds and a fraction of `unit` ns since 1970. */
static void split(const struct hf_sock *sk, hf_time when, int64_t unit, int64_t out[2])
{
    hf_time at = when + sk->all->epoch;

    out[0] = at / HF_S;
    out[1] = at % HF_S / unit;
}

/* Linux: of what came before anybody asked, now. */
void timestamp_write(const struct hf_sock *sk, hf_time when, struct control *w)
{
    const struct udp_stamps *o = &sock_udp(sk)->stamps;
    int64_t at[6] = {0};

    if (!when)
        when = sk->all->core.now;

    if (o->on) {
        split(sk, when, o->is_ns ? 1 : HF_US, at);
        control_put(w, HF_SOL_SOCKET,
                    o->is_ns ? (o->is_new ? HF_SO_TIMESTAMPNS_NEW : HF_SO_TIMESTAMPNS_OLD)
                             : (o->is_new ? HF_SO_TIMESTAMP_NEW : HF_SO_TIMESTAMP_OLD),
                    at, 2 * sizeof(at[0]));
    }
    if (o->flags & STAMP_SOFTWARE && (o->flags & STAMP_RX_SOFTWARE || o->on)) {
        split(sk, when, 1, at);
        control_put(w, HF_SOL_SOCKET,
                    o->flags_are_new ? HF_SO_TIMESTAMPING_NEW : HF_SO_TIMESTAMPING_OLD, at,
                    sizeof(at));
    }
}

void timestamp_write_sent(const struct hf_sock *sk, hf_time when, struct hf_msg *msg,
                          struct control *w)
{
    uint32_t bits = sk->is_stream ? tcp_stamps(sock_tcb(sk)) : 0;
    int64_t at[6] = {0};

    if (!(bits & STAMP_OPT_TSONLY))
        msg->flags |= HF_MSG_TRUNC;
    if (!(bits & STAMP_SOFTWARE))
        return;
    split(sk, when, 1, at);
    control_put(w, HF_SOL_SOCKET,
                bits & STAMP_IS_NEW ? HF_SO_TIMESTAMPING_NEW : HF_SO_TIMESTAMPING_OLD, at,
                sizeof(at));
}
