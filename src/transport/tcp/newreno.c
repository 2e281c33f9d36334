/* Loss seen from duplicate acknowledgements, for peers without SACK and for want of memory: limited
 * transmit, fast retransmit and NewReno's fast recovery. RFC 3042, RFC 5681 3.2, RFC 6582.
 *
 * After a timeout all goes again, slowly; but only the first segment does so at once. When its
 * answer is there new bytes go instead of old ones (F-RTO, RFC 5682 2.1), if there are any: when
 * they are answered by a duplicate there was a loss, when more of the old bytes are acknowledged,
 * which never went again, the alarm was false. Timestamps tell sooner. */
#include "transport/tcp/flow.h"

#define DUPACK_THRESHOLD 3

/* RFC 6582 3.2 (2): not for what was out before the last repair (recover). */
static bool may_enter(const struct tcb *tcb)
{
    return seq_gt(tcb->snd_una, tcb->recover);
}

/* ---- after a timeout, RFC 5682 2.1 ---- */

/* Step 1. Not in the midst of another repair, for whose repeats an answer could be. */
void newreno_timeout(struct tcb *tcb)
{
    struct flow *f = tcb->flow;

    if (tcb->retries == 1) {
        alarm_remember(tcb);
        if (f && seq_ge(tcb->snd_una, tcb->recover))
            f->alarm.frto = FRTO_ANSWER;
    }
    alarm_repeats(tcb);
    cong_timeout(tcb);
    /* RFC 6582 3.2 (6); one more, since the repeats bring duplicate ACKs up to snd_max. */
    tcb->recover = tcb->snd_max;
    tcb->snd_nxt = tcb->snd_una;
}

/* Steps 2a, 3a: what is out is lost, or may be. */
static void frto_duplicate(struct tcb *tcb)
{
    struct flow *f = tcb->flow;

    if (!f || f->alarm.frto == FRTO_OFF)
        return;
    if (f->alarm.frto == FRTO_NEW) {
        tcb->snd_nxt = tcb->snd_una;
        tcb->cwnd = HF_MIN(tcb->cwnd, 3u * tcb->mss);
    }
    f->alarm.frto = FRTO_OFF;
}

/* What the window was meanwhile stood for segments that were thought lost, or for two new ones. */
static void undo(struct tcb *tcb)
{
    tcb->cwnd = tcb->flow->alarm.cwnd;
    tcb->snd_nxt = tcb->snd_max;
    tcb->in_recovery = 0;
    alarm_undo(tcb);
}

/* Steps 2b, 3b: snd_una has moved. True when that is all there is to do. */
static bool frto_acked(struct tcb *tcb)
{
    struct alarm *a = &tcb->flow->alarm;
    uint32_t out = tcb_flight(tcb), room = tcb->snd_wnd > out ? tcb->snd_wnd - out : 0;
    bool has_more = HF_MIN(tcp_unsent(tcb), room) >= tcb->mss;

    if (a->frto == FRTO_NEW) {
        undo(tcb);
        return false;
    }
    if (a->frto == FRTO_OFF || !has_more || seq_ge(tcb->snd_una, tcb->recover)) {
        a->frto = FRTO_OFF;
        return false;
    }
    a->frto = FRTO_NEW;
    tcb->snd_nxt = tcb->snd_max;
    tcb->cwnd = out + 2u * tcb->mss;
    return true;
}

/* RFC 3522 3.2: s tells of what was sent before the first repeat, so nothing was lost. */
static bool was_false_alarm(struct tcb *tcb, const struct segment *s)
{
    struct alarm *a = &tcb->flow->alarm;
    bool is_false = a->is_open && alarm_is_older(tcb, s);

    if (is_false)
        undo(tcb);
    a->is_open = a->is_open && seq_lt(tcb->snd_una, tcb->recover);
    return is_false;
}

/* ---- duplicates and what follows ---- */

void newreno_duplicate(struct tcb *tcb)
{
    if (tcb->dupacks < UINT8_MAX)
        tcb->dupacks++;
    frto_duplicate(tcb);
    if (tcb->in_recovery) {
        /* RFC 6582 3.2 (3), RFC 5681 3.2 (4); no more than what is out can have come, whatever a
         * peer repeats: RFC 5681 5 */
        if (tcb->cwnd < tcb->ssthresh + tcb_flight(tcb))
            tcb->cwnd += tcb->mss;
        return;
    }
    if (tcb->dupacks != DUPACK_THRESHOLD || !may_enter(tcb))
        return;
    alarm_remember(tcb);
    cong_reduce(tcb);
    tcb->recover = tcb->snd_max - 1;
    tcb->in_recovery = 1;
    tcb->is_timed = 0;
    alarm_repeats(tcb);
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

    if (tcb->flow && !was_false_alarm(tcb, s) && frto_acked(tcb))
        ;
    else if (tcb->in_recovery)
        repair_next(tcb, bytes);
    else
        cong_acked(tcb, s, bytes > told ? bytes - told : 0);
    tcb->dupacks = 0;
}

uint32_t newreno_window(const struct tcb *tcb)
{
    bool is_repeating = tcb->in_recovery || tcb->snd_nxt != tcb->snd_max;

    if (is_repeating || tcb->dupacks == 0 || tcb->dupacks >= DUPACK_THRESHOLD)
        return tcb->cwnd;
    return tcb->cwnd + tcb->dupacks * tcb->mss;
}
