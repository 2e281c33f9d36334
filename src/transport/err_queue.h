/* The error queue of a socket: what ICMP, or the stack itself, said of what it sent, for
 * MSG_ERRQUEUE. Linux: sock_queue_err_skb, ip_icmp_error, ip_local_error and their IPv6 likes. */
#ifndef TRANSPORT_ERR_QUEUE_H
#define TRANSPORT_ERR_QUEUE_H

#include "transport/pcb.h"

enum {
    ERR_LOCAL = 1,
    ERR_ICMP = 2,
    ERR_ICMP6 = 3,
    ERR_TIMESTAMPING = 4,
    ERR_ZEROCOPY = 5
}; /* Linux: SO_EE_ORIGIN_* */

/* One entry, in its frame's cb[]. The frame's bytes are the struct ip_addr it had been sent from,
 * which has no room there, and then what had been sent, as far as quoted. */
struct sock_error {
    union {
        struct ip_addr dst; /* where that was sent */
        hf_time when;       /* ERR_TIMESTAMPING */
    };
    union {
        struct ip_addr offender; /* who says so; only of ICMP */
        uint32_t last;           /* ERR_ZEROCOPY: info is the first of the sends, this the last */
        uint32_t id;             /* ERR_TIMESTAMPING: of which send; info is what has happened */
    };
    uint32_t info;       /* MTU, pointer */
    uint16_t port;       /* with dst */
    uint16_t link_index; /* by which the message came */
    uint8_t err, origin; /* HF_E..., ERR_* */
    uint8_t type, code;  /* of the message, and its TTL and TOS */
    uint8_t ttl, tos;
};

/* Queues what e says of a packet to dst:port, and what was quoted from offset skip on. room: bytes
 * the queue may hold. Without room or memory it is dropped and counted. */
void err_queue_icmp(struct core *core, struct pcb *pcb, const struct icmp_error *e, int err,
                    uint32_t skip, uint32_t room);
/* Queues that the stack itself would not send it: EMSGSIZE and the MTU. */
void err_queue_local(struct core *core, struct pcb *pcb, int err, const struct endpoint *dst,
                     uint32_t info, uint32_t room);

/* Queues that the send of that number is not held any more, and had been copied: one entry with the
 * newest, when that tells of the send before. Linux: __msg_zerocopy_callback. */
void err_queue_copied(struct core *core, struct pcb *pcb, uint32_t id);

enum { STAMP_SND, STAMP_SCHED, STAMP_ACK }; /* Linux: SCM_TSTAMP_* */
/* Queues that this happened now to the send of that number. Linux: __skb_tstamp_tx. */
void err_queue_stamp(struct core *core, struct pcb *pcb, uint32_t what, uint32_t id, uint32_t room);

/* The oldest entry's frame, still queued; NULL when there is none. */
struct hf_frame *err_queue_front(const struct pcb *pcb);
static inline const struct sock_error *err_queue_entry(const struct hf_frame *f)
{
    return (const struct sock_error *)(const void *)f->cb;
}
/* Drops the oldest. The pending error becomes that of the next, or none. */
void err_queue_pop(struct core *core, struct pcb *pcb);
/* Drops all; the pending error stays. */
void err_queue_purge(struct core *core, struct pcb *pcb);

#endif
