/* Round trips and the retransmission timeout. RFC 6298; the bounds are Linux's.
 *
 * Every acknowledgement measures, with timestamps or without. What is out has marks: from here on
 * it was sent then. Bytes that go out within a sixteenth of a round trip have one, and when there
 * are too many marks the newest one holds for what follows. What is sent again loses its mark,
 * since nobody knows what the answer answers (Karn, RFC 9293 MUST-18); there a timestamp tells, in
 * milliseconds. */
#include "transport/tcp/flow.h"

#define MARK_SHIFT 4 /* of a round trip: what one mark stands for */

/* What an automatic buffer has room for in any case, and so that a line of 100 Gbit/s stays full.
 * The processor's caches hold the former. */
#define NEAR_BYTES   524288u
#define BYTES_PER_US 12500u
#define GROWN_TIMES  32 /* what a queue, or a busy processor, makes of a round trip and no more */

/* RFC 6298 2.3, with samples from many segments of one round trip: the timeout goes by the largest
 * deviation of the newest, and is slow to forget larger ones. Linux: tcp_rtt_estimator. */
static void deviate(struct tcb *tcb)
{
    uint32_t var_us = 4 * tcb->rttvar_us;
    struct flow *f = tcb->flow;

    if (!f)
        return;
    f->var_most_us = HF_MAX(f->var_most_us, var_us);
    f->var_us = HF_MAX(f->var_us, f->var_most_us);
    if (seq_le(tcb->snd_una, f->var_end) && seq_le(f->var_end, tcb->snd_max))
        return;
    f->var_us -= (f->var_us - f->var_most_us) / 4;
    f->var_most_us = 0;
    f->var_end = tcb->snd_nxt;
}

/* RFC 6298 2.2, 2.3, RFC 9293 MUST-18. Linux: a round trip that is shorter deviates, but only a
 * little. */
void rtt_sample(struct tcb *tcb, uint32_t us)
{
    uint32_t diff, weight = 4;

    if (us == 0)
        us = 1;
    if (!tcb->srtt_us) {
        tcb->srtt_us = us;
        tcb->rttvar_us = us / 2;
        tcb->min_rtt_us = us;
        return;
    }
    diff = us > tcb->srtt_us ? us - tcb->srtt_us : tcb->srtt_us - us;
    if (us < tcb->srtt_us && diff > tcb->rttvar_us)
        weight = 32;
    tcb->rttvar_us = (uint32_t)(((uint64_t)tcb->rttvar_us * (weight - 1) + diff) / weight);
    tcb->srtt_us = (uint32_t)(((uint64_t)tcb->srtt_us * 7 + us) / 8);
    tcb->srtt_us = HF_MAX(tcb->srtt_us, 1u);
    tcb->min_rtt_us = HF_MIN(tcb->min_rtt_us, us);
    deviate(tcb);
}

/* RFC 6298 2.1, 5.7: a handshake whose SYN had to be repeated may have told no round trip. */
static uint32_t unmeasured_ms(const struct tcb *tcb)
{
    if (tcb->state == TCP_SYN_SENT)
        return tcb->tcp->syn_ms;
    return tcb_is_synchronised(tcb) ? RTO_UNKNOWN_MS : RTO_FIRST_MS;
}

/* RFC 6298 5.5, RFC 9293 MUST-19: doubled by backoff. Linux: the variance, not the sum, has the
 * floor of 200 ms (TCP_RTO_MIN_US), so a steady path of any length keeps that distance to a
 * spurious timeout. */
uint32_t rtt_rto_ms(const struct tcb *tcb)
{
    uint64_t ms = unmeasured_ms(tcb);
    uint32_t var_us = tcb->flow ? tcb->flow->var_us : 0;

    if (tcb->srtt_us) {
        var_us = HF_MAX(var_us, 4 * tcb->rttvar_us);
        ms = tcb->srtt_us / 1000 + HF_MAX(var_us / 1000, tcb->opts.rto_min_4ms * 4u);
    }
    ms <<= HF_MIN(tcb->backoff, 20);
    return (uint32_t)HF_MIN(ms, rtt_rto_max_ms(tcb));
}

uint32_t rtt_rto_max_ms(const struct tcb *tcb)
{
    return tcb->opts.rto_max_4ms * 4u;
}

/* The least round trip tells how far the peer is, unless the path has become a long one since. */
uint32_t rtt_bytes(const struct tcb *tcb)
{
    uint32_t newest = HF_MAX(tcb->srtt_us, tcb->flow ? tcb->flow->rcv_rtt_us : 0);
    uint32_t us = HF_MAX(tcb->min_rtt_us, newest / GROWN_TIMES);

    if (!tcb->min_rtt_us || us >= UINT32_MAX / BYTES_PER_US)
        return UINT32_MAX;
    return HF_MAX(us * BYTES_PER_US, NEAR_BYTES);
}

/* ---- when it was sent ---- */

void rtt_sent(struct tcb *tcb, uint32_t seq)
{
    struct flow *f = tcb->flow;
    uint32_t now = tcp_us(tcb->tcp), n = f->sent_count;

    if (n == SENT_MARKS || (n && now - f->sent[n - 1].us <= tcb->srtt_us >> MARK_SHIFT))
        return;
    f->sent[n] = (struct sent_mark){seq, now};
    f->sent_count++;
}

/* The mark that holds for seq, or NULL. */
static struct sent_mark *mark_of(struct flow *f, uint32_t seq)
{
    uint32_t i = f->sent_count;

    while (i && seq_gt(f->sent[i - 1].seq, seq))
        i--;
    return i ? &f->sent[i - 1] : NULL;
}

/* Nothing more is known of what is below seq. */
static void forget_to(struct tcb *tcb, uint32_t seq)
{
    struct flow *f = tcb->flow;
    struct sent_mark *first = mark_of(f, seq);

    if (seq_ge(seq, tcb->snd_max)) {
        f->sent_count = 0;
    } else if (first) {
        f->sent_count -= (uint8_t)(first - f->sent);
        memmove(f->sent, first, f->sent_count * sizeof(*first));
        f->sent[0].seq = seq;
    }
}

void rtt_repeated(struct tcb *tcb, uint32_t end)
{
    tcb->is_timed = 0; /* Karn: RFC 6298 3 */
    if (tcb->flow && tcb->flow->sent_count)
        forget_to(tcb, end);
}

/* ---- how long it took ---- */

/* By the marks: what the oldest byte took is the sample, as in Linux; the newest says more about
 * the path, and less about a delayed acknowledgement. */
static bool by_marks(struct tcb *tcb, struct segment *s, uint32_t una)
{
    struct flow *f = tcb->flow;
    const struct sent_mark *first = f ? mark_of(f, una) : NULL;
    uint32_t now = tcp_us(tcb->tcp);

    if (!first)
        return false;
    s->rtt_us = HF_MAX(now - mark_of(f, s->h.ack - 1)->us, 1u);
    rtt_sample(tcb, now - first->us);
    tcb->min_rtt_us = HF_MIN(tcb->min_rtt_us, s->rtt_us);
    return true;
}

/* RFC 7323 4.1 */
static void by_timestamp(struct tcb *tcb, struct segment *s)
{
    int32_t ms = (int32_t)(tcp_ms(tcb->tcp) + tcb->ts_offset - s->h.ts_ecr);

    if (!tcb->ts_ok || !s->h.has_timestamps || !s->h.ts_ecr)
        return;
    if (ms <= 0 || ms >= RTO_MAX_MS) /* 0 says only that it was short */
        return;
    s->rtt_us = (uint32_t)ms * 1000;
    rtt_sample(tcb, s->rtt_us);
}

void rtt_acked(struct tcb *tcb, struct segment *s, uint32_t una)
{
    bool is_round = tcb->is_timed && seq_ge(s->h.ack, tcb->rtt_seq);
    uint32_t us = HF_MAX(tcp_us(tcb->tcp) - tcb->rtt_at, 1u);

    if (is_round) {
        flow_rate(tcb, s->h.ack, us);
        tcb->is_timed = 0;
    }
    if (!by_marks(tcb, s, una)) {
        if (is_round) { /* a FIN, or no memory for marks */
            s->rtt_us = us;
            rtt_sample(tcb, us);
        } else {
            by_timestamp(tcb, s);
        }
    }
    if (tcb->flow && tcb->flow->sent_count)
        forget_to(tcb, s->h.ack);
}

/* ---- as the receiver sees it, for TCP_INFO ---- */

/* Linux: tcp_rcv_rtt_update. What took a window's time, or waited for its reader, is at most a
 * bound. */
static void receiver_sample(struct tcb *tcb, uint32_t us, bool is_bound)
{
    struct flow *f = tcb->flow;

    if (!f->rcv_rtt_us || us < f->rcv_rtt_us)
        f->rcv_rtt_us = us;
    else if (!is_bound && tcb->rcv_nxt == tcb->copied_seq)
        f->rcv_rtt_us += us / 8 - f->rcv_rtt_us / 8;
}

/* Linux: tcp_rcv_rtt_measure_ts. Since a full segment that was sent because of what is echoed. */
void rtt_came(struct tcb *tcb, const struct segment *s)
{
    struct flow *f = tcb->flow;
    int32_t ms = (int32_t)(tcp_ms(tcb->tcp) + tcb->ts_offset - s->h.ts_ecr);

    if (!f || !tcb->ts_ok || !s->h.has_timestamps || s->h.ts_ecr == f->rcv_ecr)
        return;
    f->rcv_ecr = s->h.ts_ecr;
    if (s->len >= tcb->rcv_mss && ms > 0 && ms < RTO_MAX_MS)
        receiver_sample(tcb, (uint32_t)ms * 1000, false);
}

/* Linux: tcp_rcv_rtt_measure. A window cannot be filled in less. */
void rtt_window_filled(struct tcb *tcb)
{
    struct flow *f = tcb->flow;
    uint32_t now = tcp_us(tcb->tcp);

    if (f->rcv_rtt_at)
        receiver_sample(tcb, HF_MAX(now - f->rcv_rtt_at, 1u), true);
    f->rcv_rtt_end = tcb->rcv_nxt + (tcb->rcv_adv - tcb->last_ack_sent);
    f->rcv_rtt_at = now ? now : 1;
}
