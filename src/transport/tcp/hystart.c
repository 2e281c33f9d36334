/* HyStart++: slow start ends before anything is lost. RFC 9406.
 *
 * A round is what was out when it began, with the first acknowledgement of more than the last
 * one's. Two things tell that the path is full: the least round trip of a round exceeds that of the
 * last by a share; or, as in the HyStart before it (Linux has both), acknowledgements have come one
 * right behind the other for half of the least round trip, so that what is out takes the bottleneck
 * so long to pass. Either makes growth four times slower (conservative slow start) for five rounds;
 * both end it. Longer round trips that turn out to be short again were nothing, nor was a train
 * that the next round does not have. Deviates: RFC 9406 knows of round trips only, which grow a
 * round too late: by then more is out than the path and its queue hold. */
#include "transport/tcp/internal.h"

#define SAMPLES      8   /* N_RTT_SAMPLE */
#define UNIT_US      250 /* in which times are kept */
#define RISE_MIN     (4000 / UNIT_US)
#define RISE_MAX     (16000 / UNIT_US)
#define RISE_DIVISOR 8
#define SLOW_DIVISOR 4 /* CSS_GROWTH_DIVISOR */
#define SLOW_ROUNDS  5 /* CSS_ROUNDS */

/* Trains have a clock of eight bits, which counts the least round trip as 32 to 63. Its rate may
 * change with that: then one round's train is misjudged, by no more than one may be anyway. */
#define TRAIN_RTT_BITS 5
/* Trains of fewer segments say nothing. Linux: hystart_low_window. */
#define WINDOW_LEAST 16u
/* Between two acknowledgements of one train: Linux's 2 ms, but a share of the round trip at least,
 * since on a slow path even two full segments take longer, and no more than a quarter. */
#define GAP_US            2000u
#define GAP_DIVISOR       16
#define GAP_DIVISOR_LEAST 4

static uint32_t train_shift(const struct tcb *tcb)
{
    uint32_t rtt = tcb->min_rtt_us | 1u << TRAIN_RTT_BITS;

    return 31 - TRAIN_RTT_BITS - (uint32_t)__builtin_clz(rtt);
}

static void begin_train(struct tcb *tcb)
{
    tcb->train_began = tcb->train_end = (uint8_t)(tcp_us(tcb->tcp) >> train_shift(tcb));
}

/* RFC 9406 4.2. In conservative slow start last_min keeps the baseline. */
static void begin_round(struct tcb *tcb)
{
    struct cong_state *c = &tcb->cong;

    if (tcb->hs_rounds && tcb->hs_train && !tcb->hs_again)
        tcb->hs_rounds = 0; /* a train, but not one each round */
    if (!tcb->hs_rounds)
        c->hystart.last_min = c->hystart.round_min;
    else
        tcb->hs_rounds++;
    tcb->hs_again = 0;
    c->hystart.round_min = 0;
    c->hystart.round_end = tcb->snd_max;
    begin_train(tcb);
    tcb->hs_samples = 0;
}

/* The path is full, by the one sign or by the other. A pause somewhere may show both in one round,
 * so that takes another. */
static void full(struct tcb *tcb, bool is_train)
{
    if (!tcb->hs_rounds) {
        tcb->hs_rounds = 1;
        tcb->hs_train = is_train;
    }
    if (tcb->hs_train == is_train)
        tcb->hs_again = 1;
    else if (tcb->hs_rounds > 1)
        tcb->hs_rounds = SLOW_ROUNDS + 1;
}

static void follow_train(struct tcb *tcb)
{
    uint32_t shift = train_shift(tcb), rtt = tcb->min_rtt_us >> shift;
    uint32_t gap = HF_MAX(GAP_US >> shift, rtt / GAP_DIVISOR);
    uint8_t now = (uint8_t)(tcp_us(tcb->tcp) >> shift);

    if ((uint8_t)(now - tcb->train_end) > HF_MIN(gap, rtt / GAP_DIVISOR_LEAST))
        return;
    tcb->train_end = now;
    if ((uint8_t)(now - tcb->train_began) > rtt / 2 && tcb->cong.hystart.last_min)
        full(tcb, true);
}

static void sample(struct tcb *tcb, uint32_t rtt_us)
{
    struct cong_state *c = &tcb->cong;
    uint32_t rise = c->hystart.last_min / RISE_DIVISOR;
    uint16_t rtt = (uint16_t)HF_MIN(rtt_us / UNIT_US + 1, UINT16_MAX);

    if (!rtt_us)
        return;
    if (!c->hystart.round_min || rtt < c->hystart.round_min)
        c->hystart.round_min = rtt;
    tcb->hs_samples += tcb->hs_samples < SAMPLES;
    if (tcb->hs_samples < SAMPLES || !c->hystart.last_min)
        return;
    rise = HF_MIN(HF_MAX(rise, RISE_MIN), RISE_MAX);
    if (c->hystart.round_min >= c->hystart.last_min + rise) {
        if (!tcb->hs_rounds)
            c->hystart.last_min = c->hystart.round_min;
        full(tcb, false);
    } else if (tcb->hs_rounds && !tcb->hs_train && c->hystart.round_min < c->hystart.last_min) {
        tcb->hs_rounds = 0;
    }
}

void hystart_acked(struct tcb *tcb, uint32_t bytes, uint32_t rtt_us)
{
    sample(tcb, rtt_us);
    if (tcb->cwnd >= WINDOW_LEAST * tcb->mss)
        follow_train(tcb);
    tcb->cwnd += tcb->hs_rounds ? bytes / SLOW_DIVISOR : bytes;
    if (!tcb->cong.hystart.round_end || seq_gt(tcb->snd_una, tcb->cong.hystart.round_end))
        begin_round(tcb);
    if (tcb->hs_rounds > SLOW_ROUNDS) {
        tcb->ssthresh = tcb->cwnd;
        tcb->cong = (struct cong_state){0};
        tcb->hs_rounds = 0;
    }
}
