/* Both ends of a connection that ends are in this stack, and nothing is on its way between them:
 * what an RST, or a FIN and its acknowledgement, would do at the other end is done at once, and
 * counted as they would have been. Decision 0013. */
#include "transport/tcp/flow.h"

#include "handfast/linux.h"

/* ---- RST ---- */

struct tcb *twin_for_reset(const struct tcb *tcb)
{
    struct tcb *twin = tcb->state == TCP_ESTABLISHED ? twin_quiet(tcb) : NULL;

    return twin && twin->state == TCP_ESTABLISHED ? twin : NULL;
}

void twin_hear_reset(struct tcb *twin)
{
    tcp_fail(twin, HF_ECONNRESET);
}

/* ---- FIN ---- */

/* Nothing but a FIN would go, and that at once. */
static bool is_plain_sender(const struct tcb *tcb)
{
    bool is_slowed = tcb->in_recovery || tcb->dupacks || (tcb->flow && tcb->flow->max_rate);

    return !tcb->is_child && !tcb->ecn_echo && !is_slowed && tcb->snd_wnd &&
           tcb->cwnd >= 2u * tcb->mss && !(tcb->is_orphan && tcb->opts.linger2_s < 0);
}

struct tcb *twin_for_fin(const struct tcb *tcb)
{
    struct tcb *twin = is_plain_sender(tcb) ? twin_quiet(tcb) : NULL;
    uint8_t expected = tcb->state == TCP_ESTABLISHED ? TCP_ESTABLISHED : TCP_FIN_WAIT_2;

    return twin && twin->state == expected && !twin->is_child && !twin->ecn_echo ? twin : NULL;
}

/* What a segment of from's tells whoever it comes to. */
static void hear(struct tcb *tcb, const struct tcb *from)
{
    tcb->last_rcv = tcp_ms(tcb->tcp);
    tcb->keep_probes = 0;
    if (tcb->ts_ok)
        tcb->ts_recent = tcp_ms(tcb->tcp) + from->ts_offset;
}

/* Its window, and where that stands. */
static void hear_window(struct tcb *tcb, struct tcb *from)
{
    tcb->snd_wnd = receive_window(from) >> from->rcv_wscale << tcb->snd_wscale;
    tcb->max_window = HF_MAX(tcb->max_window, (uint16_t)(tcb->snd_wnd >> tcb->snd_wscale));
    tcb->snd_wl1 = from->snd_nxt;
}

static void take_fin(struct tcb *tcb, struct tcb *from)
{
    hear(tcb, from);
    hear_window(tcb, from);
    tcb->retries = 0;
    tcb->rexmt_since = 0;
    tcb->got_data = 1;
    tcb->quick_acks -= tcb->quick_acks && !tcb->pingpong;
    tcb->fin_received = 1;
    tcb->rcv_nxt++;
    tcb->open.rcv_wraps += tcb->rcv_nxt == tcb->irs;
    tcb->last_ack_sent = tcb->rcv_nxt;
    tcb->pushed = 0;
}

/* A round trip of no time at all, of a FIN and nothing else. */
static void fin_acked(struct tcb *tcb, struct tcb *by)
{
    tcb->fin_sent = 1;
    tcb->usage_most = 1;
    tcb->was_limited = 0;
    tcb->rtt_seq = tcb->snd_max + 1;
    tcb->rtt_at = tcp_us(tcb->tcp);
    if (tcb->flow)
        tcb->flow->rate_from = tcb->snd_una;
    hear(tcb, by);
    hear_window(tcb, by);
    rtt_sample(tcb, 1);
    flow_rate(tcb, tcb->snd_max + 1, 1);
    tcb->snd_una = tcb->snd_nxt = ++tcb->snd_max;
    tcb->open.snd_wraps += tcb->snd_una == tcb->iss;
    tcb->pcb.soft_err = 0;
    tcb->retries = tcb->backoff = 0;
    tcb->holds = 0;
    tcb->rexmt_since = 0;
    flow_acked(tcb);
}

void twin_fin(struct tcb *tcb, struct tcb *twin)
{
    bool is_last = twin->state == TCP_FIN_WAIT_2, goes_on;

    tcb->last_ack_sent = tcb->rcv_nxt;
    tcb->pushed = 0;
    twin_count(tcb, twin);
    take_fin(twin, tcb);
    twin_count(twin, tcb);
    fin_acked(tcb, twin);
    if (is_last) {
        timewait_enter(twin);
        tcp_done(tcb);
        return;
    }
    goes_on = input_fin(twin) && input_fin_acked(tcb);
    core_assert(tcb->tcp->core, goes_on);
}
