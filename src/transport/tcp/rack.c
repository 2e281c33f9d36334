/* RACK-TLP: loss told by time. RFC 8985.
 *
 * What was sent before something that has been delivered, and has had a round trip and the
 * reordering window to arrive, is lost; that holds for repeats too. When acknowledgements stop
 * altogether, a probe of the tail brings one. The reordering window is 0 until reordering was seen,
 * then a quarter of the least round trip, and grows while D-SACKs say that repeats were for
 * nothing. */
#include "transport/tcp/repair.h"

#define DUPACK_THRESHOLD 3
#define STEPS_MOST       15
#define PROBE_SLACK_MS   2   /* Linux: TCP_TIMEOUT_MIN */
#define LONE_SLACK_MS    200 /* for the delayed acknowledgement of a single segment */

/* Whether what was delivered last had been sent after the run up to end. Deviates: RFC 8985 6.2
 * asks the time, and of two of one time the sequence; here much is sent at one time, so sweeps
 * tell. */
static bool rack_is_after(const struct repair *r, const struct run *run, uint32_t end)
{
    return (int32_t)(r->rack_order - run->order) > 0 ||
           (r->rack_order == run->order && seq_gt(r->rack_end, end));
}

void rack_delivered(struct tcb *tcb, const struct run *run, uint32_t end, const struct segment *s)
{
    struct repair *r = repair_of(tcb);
    uint32_t rtt = tcp_us(tcb->tcp) - run->sent_us;

    /* Of a repeat: the first transmission may be what arrived. */
    if (run->flags & RUN_EVER) {
        if (alarm_is_older(tcb, s))
            return;
        if (rtt < tcb->min_rtt_us)
            return;
    }
    r->rack_rtt_us = rtt;
    if (rack_is_after(r, run, end))
        return;
    r->rack_order = run->order;
    r->rack_end = end;
}

static uint32_t reordering_window_us(const struct tcb *tcb, const struct repair *r)
{
    uint64_t us = (uint64_t)tcb->min_rtt_us * (1u + tcb->reo_steps) / 4;

    if (!tcb->reord_seen &&
        (r->phase != REPAIR_OPEN || r->sacked >= DUPACK_THRESHOLD * (uint32_t)tcb->mss))
        return 0;
    return (uint32_t)HF_MIN(us, tcb->srtt_us);
}

/* RFC 8985 6.2, step 4: once a round trip. Deviates: each recovery without one takes a step back,
 * where the RFC forgets all of them after 16. */
void rack_widen(struct tcb *tcb)
{
    struct repair *r = repair_of(tcb);

    if (seq_lt(tcb->snd_una, r->dsack_round))
        return;
    r->dsack_round = tcb->snd_max;
    tcb->reord_seen = 1;
    if (tcb->reo_steps < STEPS_MOST)
        tcb->reo_steps++;
}

void rack_detect(struct tcb *tcb)
{
    struct repair *r = repair_of(tcb);
    uint32_t now = tcp_us(tcb->tcp), window = reordering_window_us(tcb, r);
    int32_t wait = 0;

    for (uint32_t i = 0; i < r->count; i++) {
        const struct run *run = &r->runs[i];
        int32_t left;

        if (run->flags & RUN_SACKED || run_is_missing(run) || !rack_is_after(r, run, run->end))
            continue;
        left = (int32_t)(run->sent_us + r->rack_rtt_us + window - now);
        if (left <= 0)
            board_lose(r, i);
        else
            wait = HF_MAX(wait, left);
    }
    if (wait) {
        tcb->rexmt_due = timer_due(tcb, ((uint32_t)wait + 999) / 1000);
        tcb->due_for = DUE_REORDERING;
        timer_update(tcb);
    } else if (tcb->due_for == DUE_REORDERING) {
        timer_rexmt(tcb);
    }
}

/* ---- tail loss probe, RFC 8985 7 ---- */

uint32_t tlp_wait_ms(const struct tcb *tcb, uint32_t rto_ms)
{
    const struct repair *r = board_of(tcb);
    uint32_t ms;

    if (!tcb->sack_ok || !tcb_is_synchronised(tcb) || !tcb->srtt_us || tcb->retries ||
        tcb->in_recovery || tcb->snd_nxt != tcb->snd_max)
        return 0;
    if (r && (r->phase != REPAIR_OPEN || r->sacked || r->lost || r->tlp_out))
        return 0;
    if (tcb_flight(tcb) > tcb->snd_wnd) /* the window shrank: the tail is beyond it */
        return 0;
    ms = (2 * tcb->srtt_us + 999) / 1000;
    ms += tcb_flight(tcb) <= tcb->mss ? LONE_SLACK_MS : PROBE_SLACK_MS;
    return HF_MIN(ms, rto_ms);
}

bool tlp_send(struct tcb *tcb)
{
    uint32_t before = tcb->snd_max;
    struct repair *r;

    if (tcb_flight(tcb) > tcb->snd_wnd) { /* the window shrank since: nothing is repeated there */
        timer_rexmt(tcb);
        return true;
    }
    r = board_open(tcb);
    if (!r)
        return false;
    r->tlp_end = before;
    r->tlp_ts = tcp_ms(tcb->tcp) + tcb->ts_offset;
    r->tlp_repeats = false;
    if (tcp_unsent(tcb))
        output_forced(tcb);
    if (tcb->snd_max == before) {
        uint32_t len = HF_MIN(tcb_flight(tcb), (uint32_t)tcb->mss);

        while (marks_record(tcb, before - len) < len) /* one record's */
            len -= marks_record(tcb, before - len);

        r->tlp_repeats = true;
        if (!output_again(tcb, before - len, before))
            return false;
    }
    r->tlp_out = true;
    r->keep_until = tcb->snd_max;
    timer_rexmt(tcb);
    return true;
}

/* RFC 8985 7.4.2: the probe was answered; when it, and not the tail itself, filled the gap, there
 * was a loss, and the window answers for it. A timestamp tells at once, else the next ACK does. */
void tlp_answered(struct tcb *tcb, const struct segment *s, uint32_t bytes, const struct tally *t)
{
    struct repair *r = repair_of(tcb);
    bool was_lost;

    if (!r->tlp_out || seq_lt(s->h.ack, r->tlp_end))
        return;
    if (!r->tlp_repeats || t->dsack_bytes)
        was_lost = false;
    else if (tcb->ts_ok && s->h.has_timestamps)
        was_lost = (int32_t)(s->h.ts_ecr - r->tlp_ts) >= 0;
    else if (seq_gt(s->h.ack, r->tlp_end))
        was_lost = true;
    else if (!bytes)
        was_lost = false;
    else
        return;
    r->tlp_out = false;
    if (was_lost && r->phase == REPAIR_OPEN) {
        cong_reduce(tcb);
        tcb->cwnd = tcb->ssthresh;
    }
}
