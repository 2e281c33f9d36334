/* Loss seen from duplicate acknowledgements: limited transmit, fast retransmit and NewReno's fast
 * recovery. RFC 3042, RFC 5681 3.2, RFC 6582. */
#include "transport/tcp/internal.h"

#define DUPACK_THRESHOLD 3

/* RFC 6582 3.2 (2): not for what was out before the last repair (recover). */
static bool may_enter(const struct tcb *tcb)
{
    return seq_gt(tcb->snd_una, tcb->recover);
}

void loss_duplicate_ack(struct tcb *tcb)
{
    if (tcb->dupacks < UINT8_MAX)
        tcb->dupacks++;
    if (tcb->in_recovery) {
        tcb->cwnd += tcb->mss; /* RFC 6582 3.2 (3), RFC 5681 3.2 (4) */
        return;
    }
    if (tcb->dupacks != DUPACK_THRESHOLD || !may_enter(tcb))
        return;
    tcb->ssthresh = cong_ops(tcb)->ssthresh(tcb);
    tcb->recover = tcb->snd_max - 1;
    tcb->in_recovery = 1;
    tcb->is_timed = 0;
    output_head(tcb);
    tcb->cwnd = tcb->ssthresh + DUPACK_THRESHOLD * tcb->mss;
    timer_rexmt(tcb);
}

void loss_new_ack(struct tcb *tcb, uint32_t bytes)
{
    if (!tcb->in_recovery)
        return;
    if (seq_gt(tcb->snd_una, tcb->recover)) {
        /* All of it: RFC 6582 3.2 (3), full, without a burst. */
        tcb->in_recovery = 0;
        tcb->cwnd = HF_MIN(tcb->ssthresh, HF_MAX(tcb_flight(tcb), tcb->mss) + tcb->mss);
        return;
    }
    /* Partial: the next hole. */
    output_head(tcb);
    tcb->cwnd -= HF_MIN(bytes, tcb->cwnd);
    if (bytes >= tcb->mss)
        tcb->cwnd += tcb->mss;
    tcb->cwnd = HF_MAX(tcb->cwnd, tcb->mss);
}

uint32_t loss_window(const struct tcb *tcb)
{
    if (tcb->in_recovery || tcb->dupacks == 0 || tcb->dupacks >= DUPACK_THRESHOLD)
        return tcb->cwnd;
    return tcb->cwnd + tcb->dupacks * tcb->mss;
}
