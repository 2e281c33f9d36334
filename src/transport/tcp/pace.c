/* SO_MAX_PACING_RATE: no more than so many bytes in a second, spread. Linux: tcp_pacing_check,
 * tcp_update_skb_after_send. The first ten segments go at once. What a coarse timer makes late is
 * made up for, as far as that is not a burst. */
#include "transport/tcp/flow.h"

#define FREE_SEGMENTS 10
#define CREDIT_MOST   (2 * HF_MS)

uint64_t tcp_max_rate(const struct tcb *tcb)
{
    const struct flow *f = tcb->state == TCP_LISTEN ? NULL : tcb->flow;

    return f && f->max_rate ? f->max_rate : UINT64_MAX;
}

int tcp_set_max_rate(struct tcb *tcb, uint64_t rate)
{
    struct flow *f;

    if (tcb->state == TCP_LISTEN)
        return -HF_ENOPROTOOPT;
    f = flow_of(tcb);
    if (!f)
        return -HF_ENOMEM;
    f->max_rate = rate == UINT64_MAX ? 0 : HF_MAX(rate, 1u);
    f->pace_at = 0;
    tcp_output(tcb);
    return 0;
}

bool pace_is_early(struct tcb *tcb)
{
    struct flow *f = tcb->flow;
    hf_time wait = f->pace_at - tcb->tcp->core->now;

    f->pace_due = 0;
    if (wait <= 0)
        return false;
    wait = (wait + HF_MS - 1) / HF_MS; /* a timer that fires early would be set again at once */
    f->pace_due = timer_due(tcb, (uint32_t)HF_MIN(wait, (hf_time)RTO_MAX_MS));
    timer_update(tcb);
    return true;
}

void pace_sent(struct tcb *tcb, uint32_t bytes)
{
    struct flow *f = tcb->flow;
    hf_time now = tcb->tcp->core->now;

    if (f->data_segs_out < FREE_SEGMENTS)
        return;
    f->pace_at = HF_MAX(f->pace_at, now - CREDIT_MOST);
    f->pace_at += (hf_time)((uint64_t)bytes * HF_S / f->max_rate);
}
