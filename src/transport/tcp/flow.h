/* What a connection keeps only once data flows: counters for TCP_INFO, what is known of losses, the
 * pace, and marks in the send queue. A connection that never sent nor received a byte has none; one
 * that found no memory for it goes on, and counts nothing. It is kept until the connection goes. */
#ifndef TRANSPORT_TCP_FLOW_H
#define TRANSPORT_TCP_FLOW_H

#include "transport/tcp/internal.h"

/* What sending waits for, the later the more telling. Linux: enum tcp_chrono. */
enum wait { WAIT_NOTHING, WAIT_NETWORK, WAIT_WINDOW, WAIT_BUFFER, WAIT_KINDS };

/* Places in the stream that is sent, by sequence number, one past a byte. */
struct mark {
    uint32_t seq, id;
};

/* From here on what is out was sent then, or later: rtt.c. */
struct sent_mark {
    uint32_t seq, us; /* tcp_us() clock */
};
#define SENT_MARKS 11

struct marks {
    struct mark *ring; /* of room; NULL: none */
    uint32_t first, count, room;
};

/* What is awaited after a timeout: RFC 5682. */
enum frto {
    FRTO_OFF,
    FRTO_ANSWER, /* nothing has been heard since */
    FRTO_NEW,    /* something was acknowledged, and new bytes have gone instead of old ones */
};

/* What the newest alarm has taken away. undo.c */
struct alarm {
    uint32_t cwnd, ssthresh;
    struct cong_state cong;
    uint32_t repeat_ts; /* our timestamp clock at the first repeat; 0: none yet */
    bool is_open;       /* it may still turn out to have been a false one */
    uint8_t frto;       /* enum frto */
};

/* Sends whose times are told, by the error queue: one past the last byte of each. marks.c */
struct stamps {
    struct marks ends;
    uint32_t out;  /* so many of them have gone out */
    uint32_t base; /* sequence number of the byte that is number 0 */
    uint32_t bits; /* TCP_STAMP_*, and the socket layer's; 0: none */
};

struct flow {
    struct saved_syn *saved_syn; /* of a child, until it has been asked for; or NULL */
    struct repair *repair;       /* NULL: all is well. repair.h */
    struct marks records;        /* where one ends: MSG_EOR; no segment reaches across */
    struct marks copies; /* MSG_ZEROCOPY: what is told once all up to there is acknowledged */
    struct stamps stamps;
    uint32_t copies_made; /* sends with MSG_ZEROCOPY so far */

    struct alarm alarm;
    uint64_t max_rate; /* SO_MAX_PACING_RATE, bytes a second; 0: none */
    hf_time pace_at;   /* when the next segment may go, and the tick at which it does; 0: now */
    uint32_t pace_due;

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
    uint16_t rehash;              /* those after which Linux looks for another way */
    /* Round trips, rtt.c */
    struct sent_mark sent[SENT_MARKS]; /* by sequence number, none beyond snd_max */
    uint32_t var_us, var_most_us;      /* for the timeout: Linux's rttvar and mdev_max */
    uint32_t var_end;                  /* snd_nxt when var_most_us began anew */
    uint32_t rcv_rtt_us;               /* as the receiver sees it; 0: not yet */
    uint32_t rcv_rtt_end, rcv_rtt_at;  /* rcv_nxt when the window of then is full, when it began */
    uint32_t rcv_ecr;                  /* the newest timestamp that was echoed */
    uint32_t probe_end, mtu_at;        /* of the probe that is out; no probe before then. mtu.c */
    uint16_t mtu_low, mtu_high;        /* packets so long pass, may pass; mtu_low 0: no search */
    uint16_t probe_bytes;              /* payload of the probe that is out, 0: none is */
    uint8_t sent_count;                /* of sent */
    uint8_t wait;                      /* enum wait */
    uint8_t mtu_tries_full : 1;        /* the next probe has the full size */
    uint8_t no_room : 1;               /* a send found none, and has not been told of any since */
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

/* Bytes in order have come. */
static inline void rtt_received(struct tcb *tcb)
{
    if (tcb->flow && !seq_lt(tcb->rcv_nxt, tcb->flow->rcv_rtt_end))
        rtt_window_filled(tcb);
}

/* Makes it when there is none; NULL without memory. */
struct flow *flow_of(struct tcb *tcb);
void flow_free(struct tcb *tcb);
/* What it holds belongs to one connection, but for options. */
void flow_clear(struct tcb *tcb);

/* saved_syn.c */
/* Keeps the headers of s, the SYN that child comes from, as far as there is memory. */
void saved_syn_keep(struct tcb *child, const struct segment *s);
/* tcb has a flow. */
void saved_syn_drop(struct tcb *tcb);

/* undo.c */
/* A loss is about to take something of the window. */
void alarm_remember(struct tcb *tcb);
/* Something is sent again. */
void alarm_repeats(struct tcb *tcb);
/* What s acknowledges was sent before that. RFC 3522 3.2 */
bool alarm_is_older(const struct tcb *tcb, const struct segment *s);
/* The alarm, which is open, was a false one: all is as before. */
void alarm_undo(struct tcb *tcb);

/* pace.c: only where there is a max_rate */
/* It is too early to send; the timer tells when it is not. */
bool pace_is_early(struct tcb *tcb);
void pace_sent(struct tcb *tcb, uint32_t bytes);

static inline bool pace_waits(struct tcb *tcb)
{
    return tcb->flow && tcb->flow->max_rate && pace_is_early(tcb);
}

/* marks.c */
/* Makes room for one more of m; false without memory. */
HF_NODISCARD bool marks_reserve(struct tcb *tcb, struct marks *m);
/* Behind all others; there must be room. */
void marks_add(struct marks *m, uint32_t seq, uint32_t id);
/* From seq to the first of m behind it; UINT32_MAX: there is none. */
uint32_t marks_after(const struct marks *m, uint32_t seq);
/* Bytes from seq to the end of its record; UINT32_MAX: no end is in sight. */
static inline uint32_t marks_record(const struct tcb *tcb, uint32_t seq)
{
    return tcb->flow && tcb->flow->records.count ? marks_after(&tcb->flow->records, seq)
                                                 : UINT32_MAX;
}
/* A send has queued its last byte, for which there is room; what ends at end goes out for the first
 * time. */
void stamps_add(struct tcb *tcb, uint32_t seq);
void stamps_sent(struct tcb *tcb, uint32_t end);
static inline bool stamps_wanted(const struct tcb *tcb)
{
    return tcb->flow && tcb->flow->stamps.bits & (TCP_STAMP_SND | TCP_STAMP_SCHED | TCP_STAMP_ACK);
}
/* snd_una has moved. */
void marks_acked(struct tcb *tcb);
/* What is queued is not going to be sent: no more of it is held, which is told. */
void marks_drop(struct tcb *tcb);

/* Sending waits for that, too; no longer for that. Linux: tcp_chrono_start, tcp_chrono_stop. */
void flow_waits(struct tcb *tcb, enum wait what);
void flow_goes_on(struct tcb *tcb, enum wait what);
/* snd_una has moved; the retransmission timer has fired. */
void flow_acked(struct tcb *tcb);
void flow_timeout(struct tcb *tcb);
/* The handshake has ended, after tcb->retries timeouts. */
void flow_opened(struct tcb *tcb);
/* The round trip that was timed took so long, up to ack: a sample of the rate of delivery. Linux:
 * tcp_rate_gen, which keeps no slower one of a sender that had nothing to send. */
void flow_rate(struct tcb *tcb, uint32_t ack, uint32_t us);

#endif
