/* One TCP connection, or one listener. RFC 9293 3.3.1.
 *
 * A connection at rest must fit 512 bytes with its socket, hence: times are 32-bit milliseconds,
 * the queues are one pointer each, and what only a listener or only an unaccepted child needs
 * shares its place with what these never need. */
#ifndef TRANSPORT_TCP_TCB_H
#define TRANSPORT_TCP_TCB_H

#include <assert.h>

#include "base/byteq.h"
#include "base/core.h"
#include "base/seq.h"
#include "transport/tcp/tcp.h"
#include "wire/tcp.h"

/* What the stream holds of urgent data. rcv_up is the urgent byte's sequence number. */
enum urgent_state {
    URGENT_NONE,
    URGENT_AWAITED, /* the pointer came, the byte has not */
    URGENT_HERE,    /* urgent_byte holds it, nobody has read it */
    URGENT_READ,    /* read with MSG_OOB; the mark still stands in the stream */
};

/* Frames in order, linked in a ring: the last one's next is the first. NULL: none. */
struct frame_ring {
    struct hf_frame *last;
};

struct tcb_listen {
    struct list accept_queue, syn_queue; /* children, by child.link */
    uint32_t accept_len, syn_len;
    uint32_t backlog;       /* backlog + 1 may wait in accept_queue */
    uint32_t cookies_until; /* SYN cookies that were given are good so long, tcp_ms() clock */
    bool has_cookies;       /* some were */
};

/* Congestion control's own memory: whose it is, cong.c's table and the phase tell. */
struct cong_state {
    union {
        struct {
            uint32_t acked; /* bytes towards the next growth */
        } reno;
        struct {               /* congestion avoidance, cubic.c */
            uint32_t w_max;    /* cwnd before the last reduction; 0: none yet */
            uint32_t epoch_ms; /* when this growth began, 0: it has not */
        } cubic;
        struct { /* the first slow start, hystart.c */
            uint32_t round_end;
            uint16_t round_min, last_min; /* least round trips, 1/4 ms; 0: none */
        } hystart;
    };
};

/* What rexmt_due is for. */
enum due_for { DUE_RTO, DUE_PROBE, DUE_REORDERING, DUE_FORGETTING };

struct tcb {
    struct pcb pcb; /* first: the demux and tcb_pcb depend on it */
    struct tcp *tcp;
    struct timer timer; /* the earliest of the three below; timer.c */
    struct byteq sndq;  /* from snd_una on, once the SYN is acknowledged */
    struct tcp_options opts;
    union {
        struct { /* while is_child */
            struct tcb *listener;
            struct list link; /* in its accept_queue (is_queued) or its syn_queue */
        } child;              /* the larger one: clearing it clears all */
        struct {              /* else: what begins with connect() or accept() */
            struct {          /* for tcp_connect_record */
                union {
                    hf_time began;                    /* who connects */
                    struct tcp_fastopen_queue *queue; /* accepted while fo_pending */
                };
                uint32_t took_us; /* while has_ended */
                uint8_t syns_sent, error;
                uint8_t snd_wraps, rcv_wraps; /* TCP_INFO: of snd_una, rcv_nxt since iss, irs */
            } open;
            uint32_t last_snd; /* when data was sent, or the handshake done */
            uint32_t buf_end;  /* up to where the newest buffer of sndq may be filled, send.c */
        };
    };
    uint8_t state;            /* enum tcp_state; set by tcp_set_state only */
    uint8_t is_child : 1;     /* of a listener, and not accepted yet */
    uint8_t is_queued : 1;    /* a child in the accept queue */
    uint8_t is_held : 1;      /* SYN-RECEIVED without an answer: tcp_answer, tcp_refuse */
    uint8_t is_orphan : 1;    /* tcp_close was called */
    uint8_t is_over : 1;      /* was open and is no more: reads give 0, Linux's SHUTDOWN_MASK */
    uint8_t is_passive : 1;   /* came from a listener */
    uint8_t fin_queued : 1;   /* no more will be sent; the FIN follows the send queue */
    uint8_t fin_received : 1; /* rcv_nxt counts the peer's FIN */
    uint8_t ts_ok : 1;        /* timestamps were agreed on */
    uint8_t ack_now : 1;
    uint8_t more : 1;        /* the newest send said TCP_SEND_MORE: its end does not push */
    uint8_t in_recovery : 1; /* RFC 6582 */
    uint8_t is_timed : 1;    /* rtt_seq, rtt_at measure a round trip */
    uint8_t snd_urgent : 1;  /* snd_up is ahead of snd_una */
    uint8_t urgent : 2;      /* enum urgent_state */
    uint8_t urgent_byte;
    uint32_t total_retrans;
    uint32_t rcvbuf; /* bytes: what SO_RCVBUF said, or automatic growth made of it */
    uint32_t rmem;   /* memory held by rxq and ooo */

    union {
        struct tcb_listen listen;  /* in LISTEN */
        struct {                   /* else; cleared by tcb_clear */
            struct frame_ring rxq; /* in order, unread */
            struct frame_ring ooo; /* beyond a gap, by sequence number, not overlapping */
            /* Send. snd_una <= snd_nxt <= snd_max; snd_nxt goes back to snd_una on a timeout. */
            uint32_t iss, snd_una, snd_nxt, snd_max;
            uint32_t snd_wnd, snd_wl1;
            uint32_t snd_up;  /* one past the urgent byte */
            uint32_t snd_sml; /* end of the newest segment below one MSS (Minshall) */
            /* Receive. rcv_adv: the right edge we promised, which never goes back. */
            uint32_t irs, rcv_nxt, rcv_adv, copied_seq, rcv_up;
            uint32_t last_ack_sent; /* RFC 7323 4.3 */
            /* Congestion, bytes; cong.c, loss.c */
            uint32_t cwnd, ssthresh, recover;
            uint32_t usage_most; /* bytes out at once since rtt_seq was chosen */
            struct cong_state cong;
            struct flow *flow; /* NULL: nothing has flowed yet. flow.h */
            /* Round trips, microseconds; srtt 0: not measured. rtt.c */
            uint32_t srtt_us, rttvar_us, min_rtt_us;
            uint32_t rtt_seq, rtt_at;
            /* Timestamps, milliseconds. RFC 7323 */
            uint32_t ts_recent, ts_offset;
            uint32_t segs_in, segs_out; /* TCP_INFO */
            /* Due times, tcp_ms() clock, 0: none. timer.c */
            uint32_t rexmt_due, delack_due, slow_due;
            uint32_t last_rcv;    /* when something came; while held: the newest SYN */
            uint32_t rexmt_since; /* when what is unanswered was first sent; 0: nothing is */
            uint16_t max_window;  /* the largest that was announced, unscaled: tcb_max_wnd */
            union {
                uint16_t cubic_k; /* from the beginning of cong.cubic's growth to w_max, 8 ms */
                struct {          /* hystart.c, in the first slow start */
                    uint8_t train_began, train_end;
                };
            };
            uint16_t mss;      /* payload bytes per segment, options taken off */
            uint16_t peer_mss; /* as its SYN said */
            uint16_t rcv_mss;  /* payload bytes of the segments that come */
            uint8_t snd_wscale, rcv_wscale;
            uint8_t retries; /* timeouts or probes in a row; while held: SYNs that came */
            uint8_t backoff; /* doublings of the timeout */
            uint8_t keep_probes;
            uint8_t dupacks;
            uint8_t quick_acks : 5;  /* segments still to be acknowledged at once */
            uint8_t got_data : 1;    /* since data was sent last */
            uint8_t pushed : 2;      /* unacknowledged segments that end a write; 2: or more */
            uint8_t fin_sent : 1;    /* at least once */
            uint8_t has_ended : 1;   /* the open has, well or not */
            uint8_t sack_ok : 1;     /* SACK was agreed on */
            uint8_t ecn_ok : 1;      /* RFC 3168 was */
            uint8_t ecn_echo : 1;    /* congestion was experienced, the peer has not said CWR */
            uint8_t cwr_due : 1;     /* the window was cut: the next new segment says so */
            uint8_t due_for : 2;     /* enum due_for */
            uint8_t reord_seen : 1;  /* the path reorders: RFC 8985 */
            uint8_t reo_steps : 4;   /* by which the reordering window is wider, rack.c */
            uint8_t was_limited : 1; /* by cwnd, since then */
            uint8_t pushes : 1;      /* tcp_push is at work */
            uint8_t pingpong : 1;    /* answers follow what comes and carry its acknowledgement */
            uint8_t hs_samples : 4, hs_rounds : 3, hs_train : 1; /* hystart.c */
            uint8_t fo_deferred : 1;  /* SYN-SENT, but the SYN waits for data: fastopen.c */
            uint8_t fo_no_cookie : 1; /* TCP_FASTOPEN_NO_COOKIE */
            uint8_t fo_asked : 1;     /* our SYN had the Fast Open option */
            uint8_t fo_exp : 1;       /* in its experimental form */
            uint8_t fo_acked : 1;     /* data in a SYN was taken: TCPI_OPT_SYN_DATA */
            uint8_t fo_checks : 1;    /* the first after a pause of Fast Open */
            uint8_t fo_fail : 2;      /* tcpi_fastopen_client_fail */
            uint8_t fo_pending : 1;   /* a listener's, open before its handshake is done */
            uint8_t fo_waits : 1;     /* whoever opened waits with more to send */
            uint8_t holds : 1; /* more, and nothing was acknowledged since: it waits for company */
            uint8_t follows : 1;  /* its iss is one that a TIME-WAIT of the same four-tuple chose */
            uint8_t hs_again : 1; /* hystart.c: this round has shown the sign of slow growth */
            uint8_t wants_room : 1; /* a send found none, and has not been told of any since */
            uint16_t syn_bytes;     /* of data went with our SYN */
        };
    };
};

static_assert(sizeof(struct tcb) <= 432,
              "a connection at rest must fit 512 with its socket, and its slab's note");

static inline struct tcb *tcb_of(struct demux_entry *e)
{
    return container_of(e, struct tcb, pcb.entry);
}

/* The clocks of a connection. tcp_ms rounds down; a due time is made from tcp_ms_up. */
static inline uint32_t tcp_ms(const struct tcp *tcp)
{
    return (uint32_t)tcp->core->now_ms;
}
static inline uint32_t tcp_us(const struct tcp *tcp)
{
    return tcp->core->now_us;
}

static inline bool tcb_is4(const struct tcb *tcb)
{
    return addr_is4(&tcb->pcb.entry.raddr);
}

/* The handshake is done and the connection not over. */
static inline bool tcb_is_synchronised(const struct tcb *tcb)
{
    return tcb->state >= TCP_ESTABLISHED && tcb->state <= TCP_LAST_ACK;
}

/* Bytes may go out. */
static inline bool tcb_can_send(const struct tcb *tcb)
{
    return tcb_is_synchronised(tcb) || (tcb->state == TCP_SYN_RECEIVED && tcb->fo_pending);
}

/* The largest window the peer ever gave. */
static inline uint32_t tcb_max_wnd(const struct tcb *tcb)
{
    return (uint32_t)tcb->max_window << tcb->snd_wscale;
}

/* The first window, which is not scaled when it stands on a SYN: rounded up, so that whole segments
 * of it stay whole. */
static inline void tcb_note_window(struct tcb *tcb)
{
    uint32_t unit = (1u << tcb->snd_wscale) - 1;

    tcb->max_window = (uint16_t)HF_MIN((tcb->snd_wnd + unit) >> tcb->snd_wscale, 65535u);
}

/* Bytes sent and not acknowledged. */
static inline uint32_t tcb_flight(const struct tcb *tcb)
{
    return tcb->snd_max - tcb->snd_una;
}

#endif
