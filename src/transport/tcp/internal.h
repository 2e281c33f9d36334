/* What the files of TCP know of each other, by file. */
#ifndef TRANSPORT_TCP_INTERNAL_H
#define TRANSPORT_TCP_INTERNAL_H

#include "net/icmp.h"
#include "transport/err_queue.h"
#include "transport/tcp/memory.h"
#include "transport/tcp/tcb.h"

/* A received segment. f holds the payload only and belongs to whoever takes it, leaving NULL. */
struct segment {
    struct tcp_header h;
    const struct ip_info *ip;
    struct hf_frame *f;
    uint32_t seq;    /* of the first byte of payload or the SYN */
    uint32_t len;    /* payload bytes */
    uint32_t hash;   /* of its four-tuple: demux_hash */
    uint32_t iss;    /* for a child that follows a TIME-WAIT: RFC 6191; else 0 */
    uint32_t rtt_us; /* the round trip that its acknowledgement ends; 0: it does not tell */
};

/* The ISS of a connection, and what its timestamps are ahead of the clock. */
struct isn {
    uint32_t iss, ts_offset;
};

/* One past the segment's last sequence number. */
static inline uint32_t segment_end(const struct segment *s)
{
    return s->seq + s->len + !!(s->h.flags & TCP_SYN) + !!(s->h.flags & TCP_FIN);
}

/* tcp.c: the life of a tcb */

/* The one way to a new state; the edge must be in the table. */
void tcp_set_state(struct tcb *tcb, enum tcp_state state);
/* Tells the socket, unless nobody has it yet or any more. */
void tcp_event(struct tcb *tcb);
/* Over: leaves the tables, stops timers, drops what was to be sent; CLOSED. An orphan and a child
 * in the SYN queue are released: the caller forgets tcb. */
void tcp_done(struct tcb *tcb);
/* The same with a pending error. */
void tcp_fail(struct tcb *tcb, int err);
/* Frees what tcb holds and hands it back to the socket layer. */
void tcb_release(struct tcb *tcb);
/* Empties the queues and zeroes what belongs to one connection; options and identity stay. */
void tcb_clear(struct tcb *tcb);
/* The path, found anew when it is stale; NULL when there is none now (soft_err says why). */
struct path *tcb_path(struct tcb *tcb);
/* Enters the four-tuple, which has that hash, and counts the connection. */
void tcb_enter(struct tcb *tcb, uint32_t hash);
/* Of its four-tuple. */
uint32_t tcb_hash(const struct tcb *tcb);

/* open.c */
/* Sequence numbers, windows and clocks of a connection that begins. */
void open_start(struct tcb *tcb, const struct isn *isn);
/* How connect() went, for its record: errno or 0. Only the first time. */
void open_ended(struct tcb *tcb, int error);
/* The handshake is done: s acknowledged our SYN. */
void open_established(struct tcb *tcb, const struct segment *s);

/* listen.c */
void listen_input(struct tcb *listener, struct segment *s);
/* The child's handshake is done: to the accept queue. */
void listen_established(struct tcb *child);
/* Whether the accept queue takes one more. */
bool listen_has_room(const struct tcb *listener);
/* Takes the child out of whichever queue. */
void listen_unlink(struct tcb *child);
/* Ends all children of a listener that goes. */
void listen_stop(struct tcb *listener);

/* input.c */
void tcp_input(void *ctx, const struct ip_info *ip, struct hf_frame *f);
/* s, for a connection past its SYN. */
void input_segment(struct tcb *tcb, struct segment *s);
/* s, a SYN-ACK, is the answer to tcb's SYN: ESTABLISHED. Its acknowledgement is the caller's. */
void input_syn_ack(struct tcb *tcb, const struct segment *s);
/* The FIN has been reached. False when that was the end. */
HF_NODISCARD bool input_fin(struct tcb *tcb);
/* Our FIN has been acknowledged. False when that was the end. */
HF_NODISCARD bool input_fin_acked(struct tcb *tcb);
void segment_drop(struct core *core, struct segment *s, enum hf_drop reason);

/* output.c */
/* f with h before it, out and counted; h is settled. hash: of the four-tuple. As ip_output. Takes
 * f. */
int output_segment(struct tcp *tcp, struct hf_frame *f, struct tcp_header *h,
                   const struct ip_out *out, uint32_t hash);
/* A frame for a segment outside any connection, and out's path, whose reference is the caller's;
 * NULL: there is none, which is counted. link_index: as path_query. */
struct hf_frame *output_outside(struct tcp *tcp, struct ip_out *out, uint16_t dst_port,
                                uint32_t link_index);
/* Sends what may be sent, and the acknowledgement that is owed. */
void tcp_output(struct tcb *tcb);
void output_syn(struct tcb *tcb);
/* The first SYN, with fo's Fast Open option and so many bytes of the queue. */
void output_first_syn(struct tcb *tcb, const struct tcp_header *fo, uint32_t bytes);
void output_ack(struct tcb *tcb);
/* Data goes out: it may be an answer to what came. */
void output_answered(struct tcb *tcb);
/* The first unacknowledged segment once more. */
void output_head(struct tcb *tcb);
/* The largest payload of one frame now. */
uint32_t output_limit(const struct tcb *tcb);
/* seq to end, at most output_limit, once more. False when that failed. */
HF_NODISCARD bool output_again(struct tcb *tcb, uint32_t seq, uint32_t end);
/* Asks the peer for its window, or whether it lives: an old byte's number and nothing else. */
void output_probe(struct tcb *tcb);
/* At least something of what the window or Nagle keeps back. RFC 9293 3.8.6.2.1 */
void output_forced(struct tcb *tcb);
/* RST in tcb's own sequence. */
void output_reset(struct tcb *tcb);

/* options.c */
enum { IP_ECN_MASK = 3, IP_ECT0 = 2, IP_CE = 3 }; /* of the traffic class, RFC 3168 5 */
void options_syn(const struct tcb *tcb, struct tcp_header *h);
void options_from_syn(struct tcb *tcb, const struct tcp_header *h);
void options_ecn(struct tcb *tcb, const struct segment *s);
/* Whether s, a SYN, asks for ECN and may have it. */
bool options_asks_ecn(const struct tcp *tcp, const struct segment *s);
void options_sync_mss(struct tcb *tcb);
uint8_t options_rcv_wscale(const struct tcb *tcb);
uint16_t options_adv_mss(const struct tcb *tcb);

/* receive.c */
/* Takes the payload and the FIN of s as far as they are new and fit. True when a FIN was reached.
 */
bool receive_segment(struct tcb *tcb, struct segment *s);
/* The window to announce now, unscaled bytes; moves rcv_adv. */
uint32_t receive_window(struct tcb *tcb);
/* In-order bytes within the window, which the caller acknowledges. False without memory for them:
 * f stays the caller's. */
HF_NODISCARD bool receive_handed(struct tcb *tcb, struct hf_frame *f);
void receive_start(struct tcb *tcb);
void receive_purge(struct tcb *tcb);
/* The program has read so much: tells the peer when that is worth a packet. */
void receive_window_update(struct tcb *tcb, uint32_t consumed);
/* That it is about to read so much would be: receive_window_update would do something. */
HF_NODISCARD bool receive_is_awaited(const struct tcb *tcb, uint32_t consumed);

/* ooo.c */
/* Puts f, which is charged, where it belongs beyond the gap, or drops it. */
void ooo_keep(struct tcb *tcb, struct hf_frame *f);
/* The first frame, which there is, off the queue. */
struct hf_frame *ooo_pop(struct tcb *tcb);

/* twin_open.c */
/* The other end of the connection that s, a SYN, asks for: in this stack too, when all that follows
 * can be done at once; else NULL. */
struct tcb *twin_opener(const struct tcb *listener, const struct segment *s);
/* That holds for the way back as well. */
bool twin_answers(const struct tcb *child, const struct tcb *opener);
/* The SYN-ACK of child, in SYN-RECEIVED, and opener's acknowledgement of it: both ESTABLISHED. */
void twin_open(struct tcb *child, struct tcb *opener);

/* twin_end.c */
/* The other end, of a connection that tcb is about to reset: tcb is done first, then it hears of
 * that by twin_hear_reset. NULL: an RST is to be sent. */
struct tcb *twin_for_reset(const struct tcb *tcb);
void twin_hear_reset(struct tcb *twin);
/* The other end, when tcb's FIN, which comes next, can be taken at once; else NULL. */
struct tcb *twin_for_fin(const struct tcb *tcb);
/* tcb, in the state that follows, sends its FIN, and twin acknowledges it. What has no more to say
 * is gone then: the caller forgets tcb. */
void twin_fin(struct tcb *tcb, struct tcb *twin);

/* twin.c */
/* The other end, in this stack, with nothing on its way between them and nothing owed; else NULL.
 */
struct tcb *twin_quiet(const struct tcb *tcb);
/* For TCP_INFO and the stack: a segment goes from one to the other. */
void twin_count(struct tcb *from, struct tcb *to);
/* Sends the first bytes of the vector, at most `want`, by the short way. How many: as a rule none,
 * or all. */
size_t twin_send(struct tcb *tcb, const struct hf_iovec *iov, size_t want);
/* The same for one segment that is over with that, whatever the time: its len, or 0. */
size_t twin_send_now(struct tcb *tcb, const void *buf, size_t len);
/* Tells the peer of a larger window by the short way, if there is one now. */
bool twin_window(struct tcb *tcb);

/* read.c */
/* In-order bytes from seq on that one read may return: up to the mark, or all. */
uint32_t read_run_from(const struct tcb *tcb, uint32_t seq);
/* The first len bytes of the queue are done with. */
void read_consume(struct tcb *tcb, uint32_t len);

/* urgent.c */
void urgent_segment(struct tcb *tcb, const struct segment *s);
/* seq is where the urgent byte stands that is not the stream's. */
bool urgent_is_lifted_out(const struct tcb *tcb, uint32_t seq);
/* MSG_OOB. */
int64_t urgent_read(struct tcb *tcb, const struct hf_iovec *iov, size_t n, int flags);

/* timer.c */
void timer_fire(struct timer *timer);
/* After any due time has changed. */
void timer_update(struct tcb *tcb);
void timer_rexmt(struct tcb *tcb); /* (re)arms the retransmission timer by the present timeout */
void timer_persist(struct tcb *tcb);
void timer_slow(struct tcb *tcb); /* keepalive or FIN-WAIT-2, whichever applies */
uint32_t timer_due(const struct tcb *tcb, uint32_t ms);
void timer_delack(struct tcb *tcb); /* what came is acknowledged in a while */

/* rtt.c */
#define RTO_MIN_MS     200 /* Linux's bounds */
#define DELACK_MS      40  /* RFC 9293 MUST-40: below 500 */
#define DELACK_MAX_MS  200
#define RTO_MAX_MS     120000
#define RTO_FIRST_MS   1000
#define RTO_UNKNOWN_MS 3000
void rtt_sample(struct tcb *tcb, uint32_t us);
/* What begins at seq goes out for the first time; what ends at end, once more. */
void rtt_sent(struct tcb *tcb, uint32_t seq);
void rtt_repeated(struct tcb *tcb, uint32_t end);
/* As the receiver sees it: s has come; bytes in order have, as many as a window: flow.h. */
void rtt_came(struct tcb *tcb, const struct segment *s);
void rtt_window_filled(struct tcb *tcb);
/* s has moved snd_una from una: measures, and says in s how long its newest bytes took. */
void rtt_acked(struct tcb *tcb, struct segment *s, uint32_t una);
uint32_t rtt_rto_ms(const struct tcb *tcb); /* with the backoff */
uint32_t rtt_rto_max_ms(const struct tcb *tcb);
/* More than so many bytes on the way, or waiting for their reader, make a near connection slower:
 * what is not in the processor's caches costs twice as much to copy. */
uint32_t rtt_bytes(const struct tcb *tcb);

/* cong.c */
#define CWND_MAX (1u << 30)
struct cong_ops {
    const char *name;
    /* bytes were acknowledged; rtt_us: the round trip that told, 0 when unknown. Sets cwnd. */
    void (*acked)(struct tcb *tcb, uint32_t bytes, uint32_t rtt_us);
    /* The window is too large: what it should be. */
    uint32_t (*ssthresh)(struct tcb *tcb);
    /* Nothing was sent for a while. */
    void (*idle)(struct tcb *tcb);
};
const struct cong_ops *cong_ops(const struct tcb *tcb);
void cong_start(struct tcb *tcb);
/* s acknowledged bytes outside recovery; flight: what was out before. */
void cong_acked(struct tcb *tcb, const struct segment *s, uint32_t bytes);
/* After sending, or when nothing could be: is_limited: the congestion window let no more go. */
void cong_sent(struct tcb *tcb, bool is_limited);
/* The window is too large: ssthresh, and what is said of it. cwnd is the caller's. */
void cong_reduce(struct tcb *tcb);
/* The peer has seen a mark of congestion. RFC 3168 6.1.2 */
void cong_marked(struct tcb *tcb);
void cong_timeout(struct tcb *tcb);
/* Nothing was sent for so long. */
void cong_idle(struct tcb *tcb, uint32_t ms);
uint32_t cong_initial_window(const struct tcb *tcb);
/* Bytes per second at which segments would be spread; UINT64_MAX while no round trip is known. */
uint64_t cong_pacing_rate(const struct tcb *tcb);

/* cubic.c, hystart.c */
extern const struct cong_ops cubic_ops;
/* Slow start, the first one: whether cwnd may grow as fast as that, or how much slower. */
void hystart_acked(struct tcb *tcb, uint32_t bytes, uint32_t rtt_us);

/* loss.c */
/* s acknowledged bytes new bytes (0: a duplicate), flight was out before. False when there is no
 * scoreboard: NewReno's business. */
HF_NODISCARD bool loss_acked(struct tcb *tcb, const struct segment *s, uint32_t bytes);
/* Bytes of new data that may go when off are out without SACK. */
uint32_t loss_room(const struct tcb *tcb, uint32_t off);
bool loss_repairs(const struct tcb *tcb);
/* Sends again what is missing, as far as it may go; true when nothing is. */
bool loss_repeat(struct tcb *tcb);
/* The retransmission timer: false when there is no scoreboard, and snd_nxt has to go back. */
bool loss_timeout(struct tcb *tcb);
void loss_reordering_timeout(struct tcb *tcb);
/* Nothing was heard for long enough after a repair: its memory is not needed any more. */
void loss_forget(struct tcb *tcb);
/* The peer has answered a SYN without taking all of its data. */
void loss_of_syn_data(struct tcb *tcb);
/* The path takes smaller segments only: what is out is to be sent again. */
void loss_too_big(struct tcb *tcb);

/* newreno.c */
void newreno_duplicate(struct tcb *tcb);
void newreno_acked(struct tcb *tcb, const struct segment *s, uint32_t bytes);
/* The retransmission timer, without a scoreboard: all goes again from snd_una on. */
void newreno_timeout(struct tcb *tcb);
/* Bytes that may be out now: cwnd, and what limited transmit adds. RFC 3042 */
uint32_t newreno_window(const struct tcb *tcb);

/* rack.c */
/* How long to wait for a probe of the tail; 0: there is to be none. RFC 8985 7.2 */
uint32_t tlp_wait_ms(const struct tcb *tcb, uint32_t rto_ms);
/* False when nothing could be sent. */
HF_NODISCARD bool tlp_send(struct tcb *tcb);

/* sack.c */
void repair_free(struct tcb *tcb);
/* left to right came, beyond the gap. */
void sack_received(struct tcb *tcb, uint32_t left, uint32_t right);
void sack_filled(struct tcb *tcb); /* rcv_nxt has moved over some of it */
void sack_forget(struct tcb *tcb); /* what lay beyond the gap was thrown away */
void sack_duplicate(struct tcb *tcb, uint32_t left, uint32_t right);
/* Whether the next acknowledgement has something to tell, and telling it. */
bool sack_is_due(const struct tcb *tcb);
void sack_write(struct tcb *tcb, struct tcp_header *h);
/* s may tell of bytes that came twice: counted. */
void sack_count_duplicates(struct tcb *tcb, const struct segment *s);
/* Whether s tells of bytes beyond snd_una. */
bool sack_has_news(const struct tcb *tcb, const struct segment *s);

/* timewait.c */
HF_NODISCARD int timewait_init(struct tcp *tcp);
void timewait_fini(struct tcp *tcp);
/* tcb has nothing left to say: a record takes its place, tcb is done. */
void timewait_enter(struct tcb *tcb);
/* False when s is a SYN that may begin a new connection: the record is gone, s->iss is set.
 * is_heard: somebody listens there. */
bool timewait_input(struct tcp *tcp, struct demux_entry *e, struct segment *s, bool is_heard);
/* connect() wants that four-tuple again: whether it may have it; the record is gone then. */
bool timewait_reuse(struct tcp *tcp, struct demux_entry *e, uint32_t *iss);

/* isn.c */
struct isn isn_new(const struct tcp *tcp, const struct demux_entry *e);
/* The same of the other end of a connection that this stack opens, by an iss of isn_new's. */
struct isn isn_of_peer(const struct tcb *opener);
uint32_t isn_ts_offset(const struct tcp *tcp, const struct demux_entry *e);

/* send.c */
/* The first so many bytes of the queue are done with. */
void send_acked(struct tcb *tcb, uint32_t bytes);

/* reset.c */
/* A segment outside any connection, from the addresses of e. */
struct bare_segment {
    struct ip_addr src, dst;
    uint16_t src_port, dst_port;
    uint32_t seq, ack;
    uint8_t flags, tos;
    bool has_timestamps;
    uint32_t ts_val, ts_ecr;
    uint32_t link_index;
};
void reset_send_bare(struct tcp *tcp, const struct bare_segment *b);
/* RFC 9293 3.10.7.1: answers s with a RST and drops it. */
void reset_answer(struct tcp *tcp, struct segment *s, enum hf_drop reason);
void tcp_error(void *ctx, const struct icmp_error *e);
/* RFC 5961 7: whether one more challenge ACK may be sent in this second. */
bool reset_challenge_allowed(struct tcp *tcp);

#endif
