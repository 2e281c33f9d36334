/* What a connection keeps only once data flows: counters for TCP_INFO, what is known of losses, the
 * pace, and marks in the send queue. A connection that never sent nor received a byte has none; one
 * that found no memory for it goes on, and counts nothing. It is kept until the connection goes. */
#ifndef TRANSPORT_TCP_FLOW_H
#define TRANSPORT_TCP_FLOW_H

#include "transport/tcp/internal.h"

/* What sending waits for, the later the more telling. Linux: enum tcp_chrono. */
enum wait { WAIT_NOTHING, WAIT_NETWORK, WAIT_WINDOW, WAIT_BUFFER, WAIT_KINDS };

/* A place in the stream that is sent: what happens when what ends there has left, or has come. */
enum mark_kind {
    MARK_END = 1,     /* MSG_EOR: no segment reaches across */
    MARK_COPIED = 2,  /* MSG_ZEROCOPY: its completion is told when all of it is acknowledged */
    MARK_STAMP = 4,   /* SO_TIMESTAMPING: asked for by the call that ended here */
    MARK_STAMPED = 8, /* it has been sent once */
};

struct mark {
    uint32_t seq; /* one past the byte */
    uint32_t id;  /* of MARK_COPIED: which send; of MARK_STAMP: the byte's number */
    uint8_t kind; /* enum mark_kind, one or more */
};

struct flow {
    struct repair *repair; /* NULL: all is well. repair.h */
    struct mark *marks;    /* by seq, a ring of mark_room; NULL: none; marks.c */
    uint32_t mark_first, mark_count, mark_room;

    /* TCP_INFO */
    uint32_t data_segs_in, data_segs_out, bytes_retrans;
    uint32_t sent_once; /* segments of data that went out for the first time */
    uint32_t delivered_ce, dsack_dups, reord_events, ooo_in;
    uint32_t waited_ms[WAIT_KINDS]; /* so long for each, without the present wait */
    uint32_t wait_since;
    uint32_t data_came; /* the newest, or the handshake's end; tcp_ms() clock */
    uint32_t rto_since,
        rto_ms;         /* the timeout that nothing has followed yet, 0: none; all of them */
    uint32_t rate_from; /* snd_una when rtt_seq was sent */
    uint32_t rate_bytes, rate_us; /* the newest sample of the rate of delivery */
    uint16_t reordering;          /* segments; 0: the usual 3 */
    uint16_t rtos, rto_ends;      /* timeouts, and how many runs of them have ended */
    uint8_t wait;                 /* enum wait */
    uint8_t no_room : 1;          /* a send found none, and has not been told of any since */
};

static inline struct repair *repair_of(const struct tcb *tcb)
{
    return tcb->flow ? tcb->flow->repair : NULL;
}

/* Segments of data that have come. */
static inline uint32_t flow_data_in(const struct tcb *tcb)
{
    return tcb->flow ? tcb->flow->data_segs_in : 0;
}

/* Makes it when there is none; NULL without memory. */
struct flow *flow_of(struct tcb *tcb);
void flow_free(struct tcb *tcb);

/* Sending waits for that, too; no longer for that. Linux: tcp_chrono_start, tcp_chrono_stop. */
void flow_waits(struct tcb *tcb, enum wait what);
void flow_goes_on(struct tcb *tcb, enum wait what);
/* snd_una has moved; the retransmission timer has fired. */
void flow_acked(struct tcb *tcb);
void flow_timeout(struct tcb *tcb);
/* The round trip that was timed took so long, up to ack: a sample of the rate of delivery. Linux:
 * tcp_rate_gen, which keeps no slower one of a sender that had nothing to send. */
void flow_rate(struct tcb *tcb, uint32_t ack, uint32_t us);

#endif
