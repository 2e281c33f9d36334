/* The search for the path's MTU by probes. RFC 4821 */
#ifndef TRANSPORT_TCP_MTU_H
#define TRANSPORT_TCP_MTU_H

#include "transport/tcp/flow.h"

/* The retransmission timer has fired, and tcb->retries counts it. */
void mtu_timed_out(struct tcb *tcb);
/* The longest packet to be sent; UINT32_MAX: there is no limit but the path's. */
uint32_t mtu_limit(const struct tcb *tcb);
/* Payload of a probe to be sent now, all of it at once; 0: none. */
uint32_t mtu_probe_payload(struct tcb *tcb);
/* It was: it ends at snd_nxt. */
void mtu_probe_sent(struct tcb *tcb, uint32_t bytes);
/* snd_una has moved. */
void mtu_acked(struct tcb *tcb);
/* The probe that is out did not arrive. */
void mtu_probe_failed(struct tcb *tcb);
/* What the scoreboard says is lost begins recovery: true when that is the probe alone. */
HF_NODISCARD bool mtu_lost_probe(struct tcb *tcb);

#endif
