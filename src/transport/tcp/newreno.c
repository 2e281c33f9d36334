/* Loss seen from duplicate acknowledgements, for peers without SACK and for want of memory: limited
 * transmit, fast retransmit and NewReno's fast recovery. RFC 3042, RFC 5681 3.2, RFC 6582. */
#include "transport/tcp/internal.h"

#define DUPACK_THRESHOLD 3

/* RFC 6582 3.2 (2): not for what was out before the last repair (recover). */
static bool may_enter(const struct tcb *tcb)
{
    return seq_gt(tcb->snd_una, tcb->recover);
}

void newreno_duplicate(struct tcb *tcb)
{
    if (tcb->dupacks < UINT8_MAX)
        tcb->dupacks++;
    if (tcb->in_recovery) {
        /* RFC 6582 3.2 (3), RFC 5681 3.2 (4); no more than what is out can have come, whatever a
         * peer repeats: RFC 5681 5 */
        if (tcb->cwnd < tcb->ssthresh + tcb_flight(tcb))
            tcb->cwnd += tcb->mss;
        return;
    }
    if (tcb->dupacks != DUPACK_THRESHOLD || !may_enter(tcb))
        return;
    cong_reduce(tcb);
    tcb->recover = tcb->snd_max - 1;
    tcb->in_recovery = 1;
    tcb->is_timed = 0;
    output_head(tcb);
    tcb->cwnd = tcb->ssthresh + DUPACK_THRESHOLD * tcb->mss;
    timer_rexmt(tcb);
}

/* An ACK in recovery moved snd_una by bytes. RFC 6582 3.2 (3) */
static void repair_next(struct tcb *tcb, uint32_t bytes)
{
    if (seq_gt(tcb->snd_una, tcb->recover)) { /* all of it: without a burst */
        tcb->in_recovery = 0;
        tcb->cwnd = HF_MIN(tcb->ssthresh, HF_MAX(tcb_flight(tcb), tcb->mss) + tcb->mss);
        return;
    }
    output_head(tcb);
    tcb->cwnd -= HF_MIN(bytes, tcb->cwnd);
    if (bytes >= tcb->mss)
        tcb->cwnd += tcb->mss;
    tcb->cwnd = HF_MAX(tcb->cwnd, tcb->mss);
}

void newreno_acked(struct tcb *tcb, const struct segment *s, uint32_t bytes)
{
    uint32_t told =
        (uint32_t)tcb->dupacks * tcb->mss; /* each duplicate was of a segment that came */

    if (tcb->in_recovery)
        repair_next(tcb, bytes);
    else
        cong_acked(tcb, s, bytes > told ? bytes - told : 0);
    tcb->dupacks = 0;
}

uint32_t newreno_window(const struct tcb *tcb)
{
    if (tcb->in_recovery || tcb->dupacks == 0 || tcb->dupacks >= DUPACK_THRESHOLD)
        return tcb->cwnd;
    return tcb->cwnd + tcb->dupacks * tcb->mss;
}
