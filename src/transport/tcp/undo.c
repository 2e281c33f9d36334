/* False alarms: what a loss takes away is remembered, and given back when nothing was lost after
 * all. RFC 4015. By what that is seen: the echo of a timestamp from before the first repeat (Eifel,
 * RFC 3522), and what loss.c and newreno.c know of RFC 3708 and RFC 5682. */
#include "transport/tcp/flow.h"

void alarm_remember(struct tcb *tcb)
{
    if (tcb->flow)
        tcb->flow->alarm = (struct alarm){
            .cwnd = tcb->cwnd, .ssthresh = tcb->ssthresh, .cong = tcb->cong, .is_open = true};
}

void alarm_repeats(struct tcb *tcb)
{
    struct flow *f = tcb->flow;

    if (f && !f->alarm.repeat_ts)
        f->alarm.repeat_ts = tcp_ms(tcb->tcp) + tcb->ts_offset;
}

bool alarm_is_older(const struct tcb *tcb, const struct segment *s)
{
    const struct flow *f = tcb->flow;

    return tcb->ts_ok && s->h.has_timestamps && s->h.ts_ecr && f && f->alarm.repeat_ts &&
           (int32_t)(s->h.ts_ecr - f->alarm.repeat_ts) < 0;
}

/* RFC 4015 3.2, RFC 9438 4.9 */
void alarm_undo(struct tcb *tcb)
{
    struct alarm *a = &tcb->flow->alarm;

    tcb->cwnd = HF_MAX(tcb->cwnd, a->cwnd);
    tcb->ssthresh = HF_MAX(tcb->ssthresh, a->ssthresh);
    tcb->cong = a->cong;
    cong_ops(tcb)->idle(tcb); /* the curve begins anew */
    tcb->backoff = 0;
    a->is_open = false;
    a->frto = FRTO_OFF;
}
