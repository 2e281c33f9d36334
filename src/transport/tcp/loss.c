/* What is done about loss: who enters and leaves recovery, how much goes out meanwhile, and what is
 * taken back when it was a false alarm.
 *
 * With SACK, RACK (rack.c) marks losses in the scoreboard; the first one begins fast recovery, in
 * which proportional rate reduction sets cwnd anew with each acknowledgement: pipe and a few bytes
 * more. A timeout marks all that must be lost and starts slowly through it. Both remember what they
 * took away until it is certain that the alarm was true: a timestamp older than the first repeat
 * (Eifel), or a D-SACK for every repeat, gives it back. Without SACK: newreno.c. */
#include "transport/tcp/mtu.h"
#include "transport/tcp/repair.h"

/* ---- entering and leaving ---- */

static void remember(struct tcb *tcb, struct repair *r)
{
    alarm_remember(tcb);
    r->undo_bytes = 0;
}

static void enter_recovery(struct tcb *tcb, struct repair *r)
{
    remember(tcb, r);
    if (!mtu_lost_probe(tcb)) /* that alone is no congestion: RFC 4821 7.4 */
        cong_reduce(tcb);
    tcb->recover = tcb->snd_max - 1;
    tcb->is_timed = 0;
    r->phase = REPAIR_RECOVERY;
    r->prr_delivered = r->prr_out = 0;
    timer_rexmt(tcb);
}

static void leave(struct tcb *tcb, struct repair *r)
{
    if (r->phase == REPAIR_RECOVERY)
        tcb->cwnd = HF_MAX(HF_MIN(tcb->ssthresh, tcb->flow->alarm.cwnd), tcb->mss);
    if (tcb->reo_steps)
        tcb->reo_steps--;
    r->phase = REPAIR_OPEN;
    r->keep_until = tcb->snd_max;
}

/* It was a false alarm: all is as before. RFC 4015 3.2, RFC 3708 */
static void undo(struct tcb *tcb, struct repair *r)
{
    alarm_undo(tcb);
    tcb->reord_seen |= r->phase == REPAIR_RECOVERY;
    board_find_all(r);
    r->phase = REPAIR_OPEN;
    r->keep_until = tcb->snd_max;
}

/* Whether s shows that nothing was lost. RFC 3708: each repeat has been reported as a duplicate.
 * RFC 5682 (F-RTO): the first that is heard after a timeout tells of bytes that were not repeated.
 * RFC 3522 3.2 (Eifel): what moved snd_una left before our first repeat did. */
static bool was_false_alarm(struct repair *r, const struct tcb *tcb, const struct segment *s,
                            uint32_t bytes, const struct tally *t)
{
    struct alarm *a = &tcb->flow->alarm;
    uint32_t duplicates = HF_MIN(t->dsack_bytes, r->undo_bytes);
    bool is_first = a->frto && t->delivered;

    if (!a->is_open)
        return false;
    r->undo_bytes -= duplicates;
    if (duplicates && !r->undo_bytes)
        return true;
    if (is_first)
        a->frto = FRTO_OFF;
    if (is_first && t->is_original)
        return true;
    return bytes && r->phase != REPAIR_OPEN && alarm_is_older(tcb, s);
}

/* ---- how much ---- */

/* Proportional rate reduction, with the slow start bound. RFC 6937 3, RFC 9937; as Linux adds to
 * it, only an ACK that moves snd_una and brings no new loss lets more go than was delivered. */
static void reduce(struct tcb *tcb, struct repair *r, uint32_t delivered, bool is_safe)
{
    uint32_t pipe = board_pipe(tcb, r), before = tcb->flow->alarm.cwnd;
    uint64_t sends;

    r->prr_delivered += delivered;
    if (pipe > tcb->ssthresh) {
        sends = ((uint64_t)r->prr_delivered * tcb->ssthresh + before - 1) / before;
        sends = sends > r->prr_out ? sends - r->prr_out : 0;
    } else {
        sends = r->prr_delivered > r->prr_out ? r->prr_delivered - r->prr_out : 0;
        sends = HF_MAX(sends, delivered) + (is_safe ? tcb->mss : 0);
        sends = HF_MIN(sends, tcb->ssthresh - pipe);
    }
    if (!r->prr_out)
        sends = HF_MAX(sends, tcb->mss); /* the first repeat goes at once */
    tcb->cwnd =
        HF_MAX(pipe + (uint32_t)sends, (uint32_t)tcb->mss); /* RFC 5681 3.1: not below one */
}

uint32_t loss_room(const struct tcb *tcb, uint32_t off)
{
    const struct repair *r = board_of(tcb);
    uint32_t out = r ? board_pipe(tcb, r) : off;
    uint32_t window = r ? tcb->cwnd : newreno_window(tcb);

    return window > out ? window - out : 0;
}

bool loss_repairs(const struct tcb *tcb)
{
    const struct repair *r = board_of(tcb);

    return tcb->in_recovery || (r && r->phase != REPAIR_OPEN);
}

/* ---- what happens ---- */

/* The acknowledgement has been counted: where does it lead? */
static void judge(struct tcb *tcb, const struct segment *s, uint32_t bytes, const struct tally *t)
{
    struct repair *r = repair_of(tcb);
    uint32_t lost = r->lost;

    tlp_answered(tcb, s, bytes, t);
    if (was_false_alarm(r, tcb, s, bytes, t))
        undo(tcb, r);
    if (r->phase != REPAIR_OPEN && seq_gt(tcb->snd_una, tcb->recover))
        leave(tcb, r);
    rack_detect(tcb);
    if (r->phase == REPAIR_OPEN && r->lost)
        enter_recovery(tcb, r);
    if (r->phase == REPAIR_RECOVERY)
        reduce(tcb, r, t->delivered, bytes && r->lost <= lost);
    else if (bytes)
        cong_acked(tcb, s, t->delivered);
}

/* All is repaired. A D-SACK may still come for what was repeated last, within one timeout. */
static void retire(struct tcb *tcb, struct repair *r)
{
    if (seq_gt(tcb->snd_una, r->keep_until) || !tcb->flow->alarm.is_open || !r->undo_bytes) {
        board_close(tcb);
    } else if (!tcb_flight(tcb)) {
        tcb->rexmt_due = timer_due(tcb, rtt_rto_ms(tcb));
        tcb->due_for = DUE_FORGETTING;
        timer_update(tcb);
    }
}

bool loss_acked(struct tcb *tcb, const struct segment *s, uint32_t bytes)
{
    struct repair *r = board_of(tcb);
    struct tally t = {0};

    if (!r && tcb->sack_ok && sack_has_news(tcb, s))
        r = board_open(tcb);
    if (!r)
        return false;
    board_ack(tcb, &t, s);
    sack_take(tcb, s, &t);
    judge(tcb, s, bytes, &t);
    if (r->phase == REPAIR_OPEN && !r->sacked && !r->lost && !r->tlp_out)
        retire(tcb, r);
    return true;
}

void loss_forget(struct tcb *tcb)
{
    const struct repair *r = board_of(tcb);

    if (r && r->phase == REPAIR_OPEN && !tcb_flight(tcb))
        board_close(tcb);
}

void loss_reordering_timeout(struct tcb *tcb)
{
    struct repair *r = board_of(tcb);

    if (!r)
        return;
    rack_detect(tcb);
    if (r->phase == REPAIR_OPEN && r->lost)
        enter_recovery(tcb, r);
    if (r->phase == REPAIR_RECOVERY)
        reduce(tcb, r, 0, false);
}

/* RFC 8985 6.3: the first, and whatever has had its time. RFC 2018 8: a peer that holds what it has
 * not acknowledged has thrown it away. */
static void mark_timeout(struct tcb *tcb, struct repair *r)
{
    uint32_t now = tcp_us(tcb->tcp);

    if (r->runs[0].flags & RUN_SACKED)
        for (uint32_t i = 0; i < r->count; i++)
            r->runs[i].flags &= ~RUN_SACKED & 0xff;
    r->sacked = 0;
    for (uint32_t i = 0; i < r->count; i++) {
        struct run *run = &r->runs[i];

        if (run->flags & RUN_SACKED)
            r->sacked += run->end - board_begin_of(r, i);
        else if (i == 0 || (int32_t)(run->sent_us + tcb->srtt_us + tcb->rttvar_us - now) <= 0)
            board_lose(r, i);
    }
}

bool loss_timeout(struct tcb *tcb)
{
    struct repair *r = tcb->sack_ok ? board_open(tcb) : NULL;

    if (!r)
        return false;
    if (r->phase == REPAIR_OPEN) {
        remember(tcb, r);
        cong_reduce(tcb);
    }
    mark_timeout(tcb, r);
    r->phase = REPAIR_LOSS;
    tcb->flow->alarm.frto = FRTO_ANSWER;
    r->tlp_out = false;
    tcb->recover = tcb->snd_max - 1;
    tcb->is_timed = 0;
    tcb->cwnd = board_pipe(tcb, r) + tcb->mss; /* RFC 5681 3.1: one segment */
    return true;
}

void loss_too_big(struct tcb *tcb)
{
    struct repair *r = board_of(tcb);

    if (!r) {
        tcb->recover = tcb->snd_max;
        tcb->snd_nxt = tcb->snd_una;
        return;
    }
    tcb->recover = tcb->snd_max - 1;
    for (uint32_t i = 0; i < r->count; i++)
        if (!(r->runs[i].flags & RUN_SACKED))
            board_lose(r, i);
    if (r->phase == REPAIR_OPEN)
        r->phase = REPAIR_LOSS;
}

/* Linux: tcp_non_congestion_loss_retransmit; the window has nothing to answer for. */
void loss_of_syn_data(struct tcb *tcb)
{
    if (tcb->sack_ok)
        (void)board_open(tcb); /* without one NewReno's way is gone */
    loss_too_big(tcb);
}

/* One repeat: a segment, or of what is missing in one piece as many as may go. False when nothing
 * is missing, or nothing more may go: of what is beyond a window that shrank only the very first.
 * RFC 6675 4, NextSeg (1); RFC 9293 SHLD-16, MUST-35 */
static bool repeat_next(struct tcb *tcb, struct repair *r)
{
    uint32_t i = board_missing(r), pipe = board_pipe(tcb, r), seq, len, most;

    if (i == r->count)
        return false;
    seq = board_begin_of(r, i);
    most = tcb->cwnd > pipe ? (tcb->cwnd - pipe) / tcb->mss * tcb->mss : 0;
    most = HF_MAX(HF_MIN(most, output_limit(tcb)), (uint32_t)tcb->mss);
    len = HF_MIN(HF_MIN(r->runs[i].end - seq, most), marks_record(tcb, seq));
    if (pipe && pipe + len > tcb->cwnd)
        return false;
    if (seq != tcb->snd_una && seq_gt(seq + len, tcb->snd_una + tcb->snd_wnd))
        return false;
    alarm_repeats(tcb);
    r->undo_bytes += len;
    return output_again(tcb, seq, seq + len);
}

bool loss_repeat(struct tcb *tcb)
{
    struct repair *r = board_of(tcb);

    if (!r || !r->lost)
        return true;
    while (!pace_waits(tcb) && repeat_next(tcb, r))
        ;
    return board_missing(r) == r->count;
}
