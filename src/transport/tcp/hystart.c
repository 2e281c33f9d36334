/* HyStart++: slow start ends when round trips grow longer, before anything is lost. RFC 9406.
 *
 * A round is what was out when it began. When the least round trip of a round exceeds that of the
 * last by a share, growth goes on four times more slowly (conservative slow start) for five rounds,
 * unless the round trips turn out to be short again. */
#include "transport/tcp/internal.h"

#define SAMPLES      8   /* N_RTT_SAMPLE */
#define UNIT_US      250 /* in which round trips are kept */
#define RISE_MIN     (4000 / UNIT_US)
#define RISE_MAX     (16000 / UNIT_US)
#define RISE_DIVISOR 8
#define SLOW_DIVISOR 4 /* CSS_GROWTH_DIVISOR */
#define SLOW_ROUNDS  5 /* CSS_ROUNDS */

/* RFC 9406 4.2. In conservative slow start last_min keeps the baseline. */
static void begin_round(struct tcb *tcb)
{
    struct cong_state *c = &tcb->cong;

    if (!tcb->hs_rounds)
        c->hystart.last_min = c->hystart.round_min;
    else
        tcb->hs_rounds++;
    c->hystart.round_min = 0;
    c->hystart.round_end = tcb->snd_max;
    tcb->hs_samples = 0;
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
    if (!tcb->hs_rounds && c->hystart.round_min >= c->hystart.last_min + rise) {
        c->hystart.last_min = c->hystart.round_min;
        tcb->hs_rounds = 1;
    } else if (tcb->hs_rounds && c->hystart.round_min < c->hystart.last_min) {
        tcb->hs_rounds = 0;
    }
}

void hystart_acked(struct tcb *tcb, uint32_t bytes, uint32_t rtt_us)
{
    sample(tcb, rtt_us);
    tcb->cwnd += tcb->hs_rounds ? bytes / SLOW_DIVISOR : bytes;
    if (seq_lt(tcb->snd_una, tcb->cong.hystart.round_end) && tcb->cong.hystart.round_end)
        return;
    begin_round(tcb);
    if (tcb->hs_rounds > SLOW_ROUNDS) {
        tcb->ssthresh = tcb->cwnd;
        tcb->cong = (struct cong_state){0};
        tcb->hs_rounds = 0;
    }
}
