/* What a connection keeps once data flows: its memory, and what sending has waited for. */
#include "transport/tcp/flow.h"

struct flow *flow_of(struct tcb *tcb)
{
    if (!tcb->flow) {
        tcb->flow = pool_get(&tcb->tcp->flow_pool);
        if (tcb->flow)
            *tcb->flow = (struct flow){.data_came = tcb->last_snd,
                                       .wait_since = tcp_ms(tcb->tcp),
                                       .rcv_rtt_end = tcb->rcv_nxt};
    }
    return tcb->flow;
}

void flow_clear(struct tcb *tcb)
{
    struct flow *f = tcb->flow;

    if (f && !f->max_rate && !f->stamps.bits) {
        flow_free(tcb);
    } else if (f) { /* the options stay the socket's */
        saved_syn_drop(tcb);
        repair_free(tcb);
        marks_drop(tcb);
        *f = (struct flow){
            .max_rate = f->max_rate, .stamps.bits = f->stamps.bits, .wait_since = tcp_ms(tcb->tcp)};
    }
}

void flow_free(struct tcb *tcb)
{
    if (tcb->state == TCP_LISTEN || !tcb->flow)
        return;
    saved_syn_drop(tcb);
    repair_free(tcb);
    marks_drop(tcb);
    pool_put(&tcb->tcp->flow_pool, tcb->flow);
    tcb->flow = NULL;
}

static void set_wait(struct tcb *tcb, struct flow *f, enum wait what)
{
    uint32_t now = tcp_ms(tcb->tcp);

    f->waited_ms[f->wait] += now - f->wait_since;
    f->wait_since = now;
    f->wait = (uint8_t)what;
}

void flow_waits(struct tcb *tcb, enum wait what)
{
    struct flow *f = flow_of(tcb);

    if (f && what > f->wait)
        set_wait(tcb, f, what);
}

void flow_acked(struct tcb *tcb)
{
    struct flow *f = tcb->flow;

    if (!f)
        return;
    marks_acked(tcb);
    if (f->rto_since) {
        f->rto_ms += tcp_ms(tcb->tcp) - f->rto_since;
        f->rto_since = 0;
        f->rto_ends++;
    }
    if (f->no_room && tcp_writable(tcb)) {
        f->no_room = 0;
        flow_goes_on(tcb, WAIT_BUFFER);
    }
    flow_goes_on(tcb, WAIT_NETWORK);
}

void flow_timeout(struct tcb *tcb)
{
    struct flow *f = tcb->flow;

    if (!f)
        return;
    f->rtos++;
    f->rehash++;
    if (!f->rto_since)
        f->rto_since = timer_due(tcb, 0);
}

/* Linux: who connects counts from the first timeout on (tcp_update_rto_stats), who is connected to
 * from the first SYN-ACK (tcp_create_openreq_child), and chooses no other way for it. */
void flow_opened(struct tcb *tcb)
{
    struct flow *f = tcb->retries ? flow_of(tcb) : NULL;
    uint32_t first = tcb->rexmt_since + (tcb->is_passive ? 0 : tcb->tcp->syn_ms);

    if (tcb->flow) /* it is older than the connection */
        tcb->flow->rcv_rtt_end = tcb->rcv_nxt;
    if (!f)
        return;
    f->rtos = tcb->retries;
    f->rehash = tcb->is_passive ? 0 : tcb->retries;
    f->rto_ends = 1;
    f->data_came = tcp_ms(tcb->tcp);
    f->rto_ms = tcp_ms(tcb->tcp) - first;
}

void flow_rate(struct tcb *tcb, uint32_t ack, uint32_t us)
{
    struct flow *f = tcb->flow;
    uint32_t bytes = f ? ack - f->rate_from : 0;

    if (!f || (!tcb->was_limited && (uint64_t)bytes * f->rate_us < (uint64_t)f->rate_bytes * us))
        return;
    f->rate_bytes = bytes;
    f->rate_us = us;
}

void flow_goes_on(struct tcb *tcb, enum wait what)
{
    struct flow *f = tcb->flow;

    if (!f)
        return;
    if (!tcb->sndq.len && !tcb_flight(tcb))
        set_wait(tcb, f, WAIT_NOTHING);
    else if (f->wait == what)
        set_wait(tcb, f, WAIT_NETWORK);
}
