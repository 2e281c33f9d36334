/* Round trips and the retransmission timeout. RFC 6298; the bounds are Linux's. */
#include "transport/tcp/internal.h"

/* RFC 6298 2.2, 2.3 */
void rtt_sample(struct tcb *tcb, uint32_t us)
{
    if (us == 0)
        us = 1;
    if (!tcb->srtt_us) {
        tcb->srtt_us = us;
        tcb->rttvar_us = us / 2;
        tcb->min_rtt_us = us;
        return;
    }
    uint32_t diff = us > tcb->srtt_us ? us - tcb->srtt_us : tcb->srtt_us - us;

    tcb->rttvar_us = (uint32_t)(((uint64_t)tcb->rttvar_us * 3 + diff) / 4);
    tcb->srtt_us = (uint32_t)(((uint64_t)tcb->srtt_us * 7 + us) / 8);
    tcb->srtt_us = HF_MAX(tcb->srtt_us, 1u);
    tcb->min_rtt_us = HF_MIN(tcb->min_rtt_us, us);
}

/* RFC 6298 2.1, 5.7: a handshake whose SYN had to be repeated may have told no round trip. */
static uint32_t unmeasured_ms(const struct tcb *tcb)
{
    if (tcb->state == TCP_SYN_SENT)
        return tcb->tcp->syn_ms;
    return tcb_is_synchronised(tcb) ? RTO_UNKNOWN_MS : RTO_FIRST_MS;
}

/* Linux: the variance, not the sum, has the floor of 200 ms, so a steady path of any length keeps
 * that distance to a spurious timeout. */
uint32_t rtt_rto_ms(const struct tcb *tcb)
{
    uint64_t ms = unmeasured_ms(tcb);

    if (tcb->srtt_us)
        ms = tcb->srtt_us / 1000 + HF_MAX(tcb->rttvar_us / 250, RTO_MIN_MS);
    ms <<= HF_MIN(tcb->backoff, 20);
    return (uint32_t)HF_MIN(ms, RTO_MAX_MS);
}
