/* Time: one timer in the wheel per connection, armed at the earliest of three due times.
 *
 * rexmt_due   something is unanswered: a SYN, bytes or a FIN that were sent (retransmission; or, by
 *             due_for, a probe of the tail, or what may only be reordered: rack.c), or bytes that
 *             may not be sent (persist); which of the two, snd_max tells. RFC 6298 5
 * delack_due  an acknowledgement waits for company. RFC 9293 SHLD-18
 * slow_due    keepalive, or the end of an orphan's FIN-WAIT-2
 *
 * The timer is only moved when it would fire too late: most due times are pushed back or cleared
 * long before they come, so it fires now and then in vain, and that is cheaper. */
#include "net/path.h"
#include "transport/tcp/fastopen.h"
#include "transport/tcp/mtu.h"

#define SYN_LINEAR 4   /* Linux: tcp_syn_linear_timeouts, SYNs repeated before the wait doubles */
#define CORK_MS    200 /* Linux: what TCP_CORK keeps back goes after that long */

/* A due time so many milliseconds from now: rounded up, since nothing may be early; never 0. */
uint32_t timer_due(const struct tcb *tcb, uint32_t ms)
{
    uint32_t due = tcb->tcp->core->due_ms + ms;

    return due ? due : 1;
}

static bool passed(const struct tcb *tcb, uint32_t due)
{
    return due && seq_le(due, tcp_ms(tcb->tcp));
}

/* A SYN to this host itself, whose answer the next poll brings: twin_open.c. */
static bool is_answered_soon(const struct tcb *tcb)
{
    return tcb->state == TCP_SYN_SENT && tcb->pcb.path && tcb->pcb.path->hands_over;
}

void timer_update(struct tcb *tcb)
{
    struct core *core = tcb->tcp->core;
    hf_time ms = core->now_ms, due;
    int32_t wait = INT32_MAX;

    if (tcb->rexmt_due)
        wait = (int32_t)(tcb->rexmt_due - (uint32_t)ms);
    if (tcb->delack_due)
        wait = HF_MIN(wait, (int32_t)(tcb->delack_due - (uint32_t)ms));
    if (tcb->slow_due)
        wait = HF_MIN(wait, (int32_t)(tcb->slow_due - (uint32_t)ms));
    if (tcb->flow && tcb->flow->pace_due)
        wait = HF_MIN(wait, (int32_t)(tcb->flow->pace_due - (uint32_t)ms));
    if (wait == INT32_MAX)
        return;
    due = (ms + wait) * HF_MS;
    if (!timer_is_armed(&tcb->timer) && is_answered_soon(tcb))
        core_arm_soon(core, &tcb->timer, due);
    else if (!timer_is_armed(&tcb->timer) || due < tcb->timer.due)
        core_arm(core, &tcb->timer, due);
}

/* How long something has been unanswered. rexmt_since was rounded up: it may not have come yet. */
static uint32_t unanswered_ms(const struct tcb *tcb)
{
    int32_t ms = (int32_t)(tcp_ms(tcb->tcp) - tcb->rexmt_since);

    return ms > 0 ? (uint32_t)ms : 0;
}

/* Linux: a user timeout cuts the last wait short. */
static uint32_t within_user_timeout(const struct tcb *tcb, uint32_t ms)
{
    uint32_t limit = tcb->opts.user_timeout_ms, gone;

    if (!limit || !tcb->rexmt_since)
        return ms;
    gone = unanswered_ms(tcb);
    return gone >= limit ? 1 : HF_MIN(ms, limit - gone);
}

/* RFC 9293 MUST-40. Linux, tcp_delack_max: before whoever waits for it would repeat what he sent,
 * if his least timeout is ours. */
void timer_delack(struct tcb *tcb)
{
    uint32_t most = HF_MIN(tcb->opts.delack_max_4ms * 4u, tcb->opts.rto_min_4ms * 4u - 4);

    tcb->delack_due = timer_due(tcb, HF_MIN(most, (uint32_t)DELACK_MS));
    timer_update(tcb);
}

void timer_rexmt(struct tcb *tcb)
{
    uint32_t rto = rtt_rto_ms(tcb), ms;

    if (!tcb->rexmt_since)
        tcb->rexmt_since = timer_due(tcb, 0);
    ms = tcb->fo_pending ? 0 : tlp_wait_ms(tcb, rto);
    tcb->due_for = ms ? DUE_PROBE : DUE_RTO;
    tcb->rexmt_due = timer_due(tcb, within_user_timeout(tcb, ms ? ms : rto));
    timer_update(tcb);
}

/* RFC 9293 SHLD-29, SHLD-30; what is only kept back waits less long, MUST-60. */
void timer_persist(struct tcb *tcb)
{
    bool open = tcb->snd_wnd > 0;
    uint32_t ms = open && (tcb->opts.cork || tcb->holds) ? CORK_MS : rtt_rto_ms(tcb);

    tcb->rexmt_due = timer_due(tcb, within_user_timeout(tcb, ms));
    tcb->due_for = DUE_RTO;
    timer_update(tcb);
}

/* Keepalive: from whatever came last, RFC 9293 3.8.4, MAY-5, MUST-24, MUST-26, MUST-27. FIN-WAIT-2
 * of an orphan: Linux ends it after fin_timeout, TCP_LINGER2. */
void timer_slow(struct tcb *tcb)
{
    uint32_t wait_ms, idle;

    if (tcb->is_orphan && tcb->state == TCP_FIN_WAIT_2) {
        hf_time limit =
            tcb->opts.linger2_s > 0 ? tcb->opts.linger2_s * HF_S : tcb->tcp->fin_timeout_ns;

        if (!tcb->slow_due)
            tcb->slow_due = timer_due(tcb, (uint32_t)(limit / HF_MS));
    } else if (tcb->opts.keepalive && !tcb->is_orphan && tcb_is_synchronised(tcb)) {
        idle = tcp_ms(tcb->tcp) - tcb->last_rcv;
        wait_ms = (tcb->keep_probes ? tcb->opts.keep_intvl_s : tcb->opts.keep_idle_s) * 1000u;
        if (!tcb->keep_probes)
            wait_ms = wait_ms > idle ? wait_ms - idle : 0;
        tcb->slow_due = timer_due(tcb, wait_ms);
    } else {
        tcb->slow_due = 0;
    }
    timer_update(tcb);
}

/* How long so many doublings from a first timeout take. Linux: tcp_model_timeout. */
static uint32_t patience_ms(const struct tcb *tcb, uint32_t retries, uint32_t first)
{
    uint64_t total = 0, step = first;

    for (uint32_t i = 0; i <= retries; i++, step = HF_MIN(step * 2, rtt_rto_max_ms(tcb)))
        total += step;
    return (uint32_t)HF_MIN(total, UINT32_MAX);
}

/* Nothing has been answered for too long, be it bytes or a SYN. RFC 9293 3.8.3, MUST-20, SHLD-11,
 * MUST-21, MUST-22 (R2), TCP_USER_TIMEOUT (RFC 5482). Deviates: a SYN is given up after Linux's 131
 * s, not three minutes. NetSem timer_tt_conn_est_1. */
static bool is_hopeless(const struct tcb *tcb)
{
    const struct tcp *tcp = tcb->tcp;
    uint32_t gone = unanswered_ms(tcb);
    uint32_t retries = tcb->is_orphan ? HF_MIN(tcp->orphan_retries, tcp->retries2) : tcp->retries2;

    if (tcb->opts.user_timeout_ms && gone >= tcb->opts.user_timeout_ms)
        return true;
    if (tcb->fo_pending) /* Linux: one more, somebody may be talking already */
        return tcb->retries > tcp->synack_retries;
    switch (tcb->state) {
    case TCP_SYN_SENT:
        retries = tcb->opts.syncnt ? tcb->opts.syncnt : tcp->syn_retries;
        return tcb->retries >= retries + SYN_LINEAR ||
               (tcb->retries && gone >= patience_ms(tcb, retries, tcp->syn_ms));
    case TCP_SYN_RECEIVED:
        return tcb->retries >= tcp->synack_retries;
    default:
        if (tcb->opts.user_timeout_ms && !tcb->is_orphan)
            return false;
        return tcb->retries >= 2 && gone >= patience_ms(tcb, retries, RTO_MIN_MS);
    }
}

/* What the network said meanwhile explains more than "timed out". C12, C23. */
static void give_up(struct tcb *tcb)
{
    tcp_fail(tcb, tcb->pcb.soft_err ? tcb->pcb.soft_err : HF_ETIMEDOUT);
}

/* RFC 6298 5.4 to 5.7. NetSem timer_tt_rexmtsyn_1, timer_tt_rexmt_1. */
static void rexmt_timeout(struct tcb *tcb)
{
    bool is_last = is_hopeless(tcb);

    fastopen_timed_out(tcb, is_last);
    if (is_last) {
        give_up(tcb);
        return;
    }
    if (tcb->state == TCP_SYN_SENT && !tcb->tcp->up->wanted(tcb)) {
        tcp_disconnect(tcb);
        return;
    }
    tcb->retries += tcb->retries < UINT8_MAX;
    if (tcb->state != TCP_SYN_SENT || tcb->retries > SYN_LINEAR)
        tcb->backoff += tcb->backoff < 20;
    if (!tcb_is_synchronised(tcb) || tcb->fo_pending) {
        tcb->is_timed = 0;
        tcb->total_retrans++;
        tcb->tcp->core->stats.segments_retransmitted++;
        output_syn(tcb);
        return;
    }
    flow_timeout(tcb);
    mtu_timed_out(tcb);
    tcb->in_recovery = 0;
    tcb->dupacks = 0;
    if (!loss_timeout(tcb))
        newreno_timeout(tcb);
    timer_rexmt(tcb);
    tcp_output(tcb);
    if (tcb_flight(tcb) && tcb->snd_nxt == tcb->snd_una)
        output_head(tcb); /* the window has shrunk to nothing: RFC 9293 MUST-34, MUST-35 */
}

/* What was sent is unanswered. */
static void sent_timeout(struct tcb *tcb, uint8_t due_for)
{
    if (due_for == DUE_REORDERING) {
        loss_reordering_timeout(tcb);
        tcp_output(tcb);
    } else if (due_for != DUE_PROBE || !tlp_send(tcb)) {
        rexmt_timeout(tcb);
    }
}

/* Linux, tcp_probe_timer: probes without an answer, or an orphan that is answered "closed" for
 * ever. */
static bool nobody_waits(const struct tcb *tcb)
{
    if (tcb->is_orphan && tcb->backoff >= tcb->tcp->orphan_retries)
        return true;
    return !tcb->opts.user_timeout_ms && tcb->retries >= tcb->tcp->retries2;
}

/* RFC 9293 3.8.6.1, MUST-36, MUST-60: for as long as the peer answers. What was kept back by SWS or
 * cork goes. NetSem timer_tt_persist_1. */
static void persist_timeout(struct tcb *tcb)
{
    bool pending = tcb->sndq.len || (tcb->fin_queued && !tcb->fin_sent);

    if (!pending) {
        timer_update(tcb);
        return;
    }
    if (!tcb->rexmt_since)
        tcb->rexmt_since = timer_due(tcb, 0);
    if (is_hopeless(tcb) || nobody_waits(tcb)) {
        give_up(tcb);
        return;
    }
    if (tcb->snd_wnd > 0) {
        output_forced(tcb);
        if (tcb_flight(tcb))
            return;
    } else {
        output_probe(tcb);
    }
    tcb->retries += tcb->retries < UINT8_MAX;
    tcb->backoff += tcb->backoff < 20;
    timer_persist(tcb);
}

/* RFC 9293 MUST-26, MUST-29, SHLD-12. Linux: tcp_keepalive_timer. NetSem timer_tt_keep_1. */
static void keepalive_timeout(struct tcb *tcb)
{
    const struct tcp_options *o = &tcb->opts;
    uint32_t idle = tcp_ms(tcb->tcp) - tcb->last_rcv;
    bool busy = tcb->sndq.len || tcb_flight(tcb);

    if (!busy && idle >= o->keep_idle_s * 1000u) {
        if (o->user_timeout_ms ? idle >= o->user_timeout_ms && tcb->keep_probes
                               : tcb->keep_probes >= o->keep_cnt) {
            output_reset(tcb);
            give_up(tcb);
            return;
        }
        tcb->keep_probes += tcb->keep_probes < UINT8_MAX;
        output_probe(tcb);
        tcb->slow_due = timer_due(tcb, o->keep_intvl_s * 1000u);
    } else {
        uint32_t wait_ms = busy ? o->keep_idle_s * 1000u : o->keep_idle_s * 1000u - idle;

        tcb->keep_probes = 0;
        tcb->slow_due = timer_due(tcb, wait_ms);
    }
}

/* Linux: tcp_out_of_resources. Whom nobody waits for any more makes room first. */
static bool makes_room(struct tcb *tcb)
{
    if (!tcb->is_orphan || !memory_orphan_must_go(tcb))
        return false;
    tcb->tcp->core->stats.tcp_orphans_reset++;
    output_reset(tcb);
    tcp_done(tcb);
    return true;
}

/* Each of the three may end the connection, so they come last to first by how sure that is. NetSem
 * timer_tt_delack_1, timer_tt_fin_wait_2_1. */
void timer_fire(struct timer *timer)
{
    struct tcb *tcb = container_of(timer, struct tcb, timer);

    if (passed(tcb, tcb->delack_due)) {
        tcb->delack_due = 0;
        tcb->pingpong = 0; /* no answer came in time to carry it */
        tcb->ack_now = 1;
        tcp_output(tcb);
    }
    if (tcb->flow && passed(tcb, tcb->flow->pace_due)) {
        tcb->flow->pace_due = 0;
        tcp_output(tcb);
    }
    if (passed(tcb, tcb->slow_due)) {
        tcb->slow_due = 0;
        if (tcb->is_orphan) {
            tcp_done(tcb);
            return;
        }
        keepalive_timeout(tcb);
        if (tcb->state == TCP_CLOSED)
            return;
    }
    if (passed(tcb, tcb->rexmt_due)) {
        uint8_t due_for = tcb->due_for;

        tcb->rexmt_due = 0;
        tcb->due_for = DUE_RTO;
        if (makes_room(tcb))
            return;
        if (due_for == DUE_FORGETTING) {
            loss_forget(tcb);
            tcp_output(tcb);
        } else if (tcb->snd_max != tcb->snd_una || tcb->fo_pending) {
            sent_timeout(tcb, due_for);
        } else {
            persist_timeout(tcb);
        }
        return;
    }
    timer_update(tcb);
}
