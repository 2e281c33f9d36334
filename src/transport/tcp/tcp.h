/* TCP as the socket layer sees it: RFC 9293's user calls, and Linux's answers where it has its own.
 *
 * A struct tcb lives inside the socket, which hands it to tcb_init and keeps it in place. After
 * tcp_close it belongs to TCP until up->released. Nothing here waits or calls back into the
 * socket layer except through struct tcp_up. Errors are negated HF_E.... */
#ifndef TRANSPORT_TCP_TCP_H
#define TRANSPORT_TCP_TCP_H

#include "base/pool.h"
#include "handfast/socket.h"
#include "transport/ports.h"

struct tcb;
struct tcp;

enum tcp_state {
    TCP_CLOSED,
    TCP_LISTEN,
    TCP_SYN_SENT,
    TCP_SYN_RECEIVED,
    TCP_ESTABLISHED,
    TCP_FIN_WAIT_1,
    TCP_FIN_WAIT_2,
    TCP_CLOSE_WAIT,
    TCP_CLOSING,
    TCP_LAST_ACK,
    TCP_TIME_WAIT,
};

/* What the socket layer hands down. */
struct tcp_up {
    /* A fresh, tcb_init-ed child for a SYN that reached the listener, its socket inheriting the
     * listener's options; NULL without memory. */
    struct tcb *(*child_new)(struct tcb *listener);
    /* State, readability, writability or the pending error of tcb may have changed. Never called
     * after tcp_close. Must not call back into TCP. */
    void (*event)(struct tcb *tcb);
    /* TCP has let go of a tcb that was closed, or of a child that never was accepted: the socket's
     * memory can go. TCP does not touch it after this. */
    void (*released)(struct tcb *tcb);
    /* A listener's Fast Open, or NULL: it has none. */
    struct tcp_fastopen_queue *(*fastopen_queue)(struct tcb *listener);
    /* False: whoever had the listening or connecting tcb has closed it, and tcp_close will follow.
     * Must not call back into TCP. */
    bool (*wanted)(struct tcb *tcb);
};

#define TCP_CC_NAME 16

/* Linux's sysctl tcp_fastopen: who may, and without what. */
enum {
    TCP_FASTOPEN_CLIENT = 0x1,
    TCP_FASTOPEN_SERVER = 0x2,
    TCP_FASTOPEN_CLIENT_NO_COOKIE = 0x4,
    TCP_FASTOPEN_SERVER_NO_COOKIE = 0x200,
    TCP_FASTOPEN_ALL_LISTENERS = 0x400,
};

/* What cookies are made with: 16 bytes each, little-endian as Linux reads them; the first makes
 * them, both are known. */
struct tcp_fastopen_keys {
    uint64_t key[2][2];
    uint8_t count;
};

/* Fast Open of a listener, RFC 7413; the socket's. */
struct tcp_fastopen_queue {
    struct tcp *tcp;
    struct hash_node node; /* for the socket layer, and whose it is */
    const void *owner;
    uint32_t refs;    /* the socket, and accepted connections whose handshake is not done */
    uint32_t limit;   /* of connections whose handshake is not done: TCP_FASTOPEN; 0: it is off */
    uint32_t pending; /* they are so many, with those that were reset lately */
    struct list resets;
    bool no_cookie;                /* TCP_FASTOPEN_NO_COOKIE */
    struct tcp_fastopen_keys keys; /* TCP_FASTOPEN_KEY; none: the stack's */
};

/* Fast Open of the stack's clients. */
struct tcp_fastopen_client {
    struct fastopen_cache *cache; /* NULL: nothing is known of anybody */
    uint32_t bits;                /* TCP_FASTOPEN_... */
    uint32_t blackhole_s;         /* the first pause, 0: none */
    hf_time paused_at;
    uint8_t pauses; /* in a row, the last one began at paused_at */
};

/* What the SYN cookies of one period are made with. */
struct syn_secret {
    uint64_t key[2];
    uint32_t period;
    bool is_made;
};

/* Bytes of a connection that came twice: told in its next acknowledgement. RFC 2883 */
struct tcp_dsack {
    const struct tcb *of; /* NULL: none; only compared */
    uint32_t left, right;
};

struct tcp {
    struct core *core;
    struct net *net;
    struct demux demux;
    struct ports ports;
    const struct tcp_up *up;
    struct list time_wait; /* struct timewait by age, timewait.c */
    struct timer time_wait_timer;
    struct pool *tw_pool;
    struct pool flow_pool; /* struct flow */
    /* Defaults that sockets start from; Linux's sysctls of the same names. */
    uint32_t rmem_default, rmem_max, wmem_default, wmem_max;
    uint8_t syn_retries;    /* 6: a connect times out after 131 s */
    uint32_t syn_ms;        /* 1000: until a SYN is first repeated */
    uint8_t synack_retries; /* 5 */
    uint8_t retries2;       /* 15 */
    uint8_t orphan_retries; /* 8: what Linux makes of 0 */
    bool timestamps, sack, window_scaling;
    bool mtu_probing; /* RFC 4821, where full segments vanish */
    bool slow_start_after_idle;
    uint16_t min_tso_segs;                 /* 2 */
    uint32_t notsent_lowat;                /* UINT32_MAX: off */
    uint8_t syn_cookies;                   /* 1: when a SYN queue is full; 2: always; 0: never */
    uint8_t ecn;                           /* 2: for who asks; 1: we ask, too; 0: not at all */
    uint64_t memory_pressure, memory_most; /* of all queues, bytes: 1 GiB, 1.5 GiB; memory.c */
    uint32_t orphans_most;                 /* 262144, too */
    uint32_t time_waits_most;              /* 262144, Linux's tcp_max_tw_buckets: 24 MiB */
    hf_time time_wait_ns, fin_timeout_ns;  /* both 60 s */
    hf_time challenge_at;                  /* RFC 5961 limit of challenge ACKs */
    uint32_t challenge_left;
    struct tcp_dsack dsack;
    struct tcp_fastopen_client fastopen;
    struct tcp_fastopen_keys fastopen_keys;
    struct syn_secret syn_secrets[2]; /* by the lowest bit of the period */
};

HF_NODISCARD int tcp_init(struct tcp *tcp, struct core *core, struct net *net,
                          const struct tcp_up *up, uint16_t port_min, uint16_t port_max);
/* TCP_FASTOPEN_... Without CLIENT the cookies that clients have been given are forgotten. */
void tcp_set_fastopen(struct tcp *tcp, uint32_t bits);
/* The stack's keys, if it has none yet. */
void tcp_fastopen_make_keys(struct tcp *tcp);
/* NULL without memory; put: NULL is fine. */
struct tcp_fastopen_queue *tcp_fastopen_queue_new(struct tcp *tcp);
void tcp_fastopen_queue_put(struct tcp_fastopen_queue *q);
/* All tcbs have been aborted or never left CLOSED; TIME-WAIT records are freed here. */
void tcp_fini(struct tcp *tcp);

/* Makes tcb a CLOSED connection of the given family. No memory is taken. */
void tcb_init(struct tcp *tcp, struct tcb *tcb, bool is_v6, bool v6only);
extern const size_t tcb_bytes; /* sizeof(struct tcb), for those who only see it from here */
struct pcb *tcb_pcb(struct tcb *tcb);

/* ---- user calls, RFC 9293 3.10.1 to 3.10.5 ---- */

/* Begins an active open: finds the path, source address and port as far as they are not bound, and
 * sends the SYN. dst: a unicast or whatever else address with a port; family fits (v6 socket:
 * both). Returns 0: state is SYN-SENT. Or the socket is unchanged but for what Linux changes too:
 *   -HF_ENETUNREACH     no route; broadcast and multicast destinations
 *   path_find's errors  as they come
 *   -HF_EADDRNOTAVAIL   the four-tuple is taken, or no port is left
 *   -HF_ENOBUFS         no memory                                              (C03, NetSem
 * connect_1)
 * how: TCP_OPEN_FAST: the SYN asks for a Fast Open cookie, or waits for the first bytes where one
 * is known; TCP_OPEN_LATER: it waits in any case, tcp_send comes next (tcp_is_deferred);
 * TCP_OPEN_NO_COOKIE: with either, none is needed. */
enum { TCP_OPEN_FAST = 1, TCP_OPEN_LATER = 2, TCP_OPEN_NO_COOKIE = 4 };
HF_NODISCARD int tcp_open_active(struct tcb *tcb, const struct endpoint *dst, int how);
bool tcp_is_deferred(const struct tcb *tcb);
/* SYN-RECEIVED by Fast Open: it can be read and written already. */
bool tcp_is_open_early(const struct tcb *tcb);
/* Payload bytes of the SYN that opened it. */
uint32_t tcp_syn_bytes(const struct tcb *tcb);

/* CLOSED -> LISTEN (binding to any port when unbound), or a new backlog in LISTEN. -HF_EADDRINUSE,
 * -HF_ENOMEM. backlog as Linux means it: backlog + 1 wait in the accept queue. */
HF_NODISCARD int tcp_listen(struct tcb *tcb, uint32_t backlog);

/* The oldest connection of the accept queue, established or already dead; NULL when none waits. */
struct tcb *tcp_accept(struct tcb *listener);
bool tcp_can_accept(const struct tcb *listener);

/* Queues bytes of iov and sends what may be sent. Returns bytes taken, at least 1;
 *   -HF_EAGAIN no room   -HF_EPIPE sending is shut, or the connection is over
 *   -HF_ENOTCONN never opened   -pending error, which is thereby taken   -HF_ENOBUFS
 * TCP_SEND_MORE: more follows soon (MSG_MORE). TCP_SEND_OOB: the last byte is urgent.
 * In SYN-SENT and SYN-RECEIVED: -HF_EAGAIN.
 * A deferred open begins now, with what the SYN may carry; nothing: -HF_EINPROGRESS.
 * TCP_SEND_WAITS: whoever sends waits until the rest is taken. */
enum {
    TCP_SEND_MORE = 1,
    TCP_SEND_OOB = 2,
    TCP_SEND_WAITS = 4,
    TCP_SEND_RECORD = 8, /* MSG_EOR: a record ends with the last byte */
    TCP_SEND_TELL = 16,  /* MSG_ZEROCOPY: the error queue says when what was taken is not held */
};
HF_NODISCARD int64_t tcp_send(struct tcb *tcb, const struct hf_iovec *iov, size_t n, int flags);

/* What hf_sock_send_now and hf_sock_recv_now are for a stream. low_water: SO_RCVLOWAT. */
HF_NODISCARD size_t tcp_send_now(struct tcb *tcb, const void *buf, size_t len);
HF_NODISCARD size_t tcp_recv_now(struct tcb *tcb, void *buf, size_t len, size_t low_water);
/* As hf_sock_reserve and hf_sock_commit. */
HF_NODISCARD int tcp_reserve(struct tcb *tcb, size_t want, struct hf_iovec *iov, int n);
void tcp_commit(struct tcb *tcb, size_t len);

/* Bytes in order, copied to iov. Returns their number, 0 at the end of the stream;
 *   -HF_EAGAIN nothing yet   -HF_ENOTCONN never opened, or listening
 *   -pending error, taken; queued data comes before it
 * TCP_RECV_PEEK leaves them queued. TCP_RECV_DISCARD counts and drops instead of copying
 * (MSG_TRUNC). TCP_RECV_OOB: the urgent byte; -HF_EINVAL when there is none or it is inline,
 * -HF_EAGAIN not yet here. A read stops at the urgent mark as Linux's does. peek_off: bytes to skip
 * first (with PEEK). */
enum { TCP_RECV_PEEK = 1, TCP_RECV_DISCARD = 2, TCP_RECV_OOB = 4 };
HF_NODISCARD int64_t tcp_recv(struct tcb *tcb, const struct hf_iovec *iov, size_t n, int flags,
                              uint32_t peek_off);
/* As hf_sock_peek and hf_sock_consume. */
HF_NODISCARD int tcp_peek(struct tcb *tcb, struct hf_iovec *iov, int n);
void tcp_consume(struct tcb *tcb, size_t len);

/* No more will be sent: FIN after what is queued. -HF_ENOTCONN when not connected. */
HF_NODISCARD int tcp_shut_send(struct tcb *tcb);

/* RFC 9293 CLOSE and the socket is gone: unread data or abort make it a RST (RFC 2525 2.17), a
 * listener drops its queue with RST, SYN-SENT just ends. up->released follows, maybe at once. */
void tcp_close(struct tcb *tcb, bool abort);

/* connect(AF_UNSPEC), and shutdown of a connecting or listening socket: back to CLOSED, with RST
 * where there was a peer (Linux tcp_disconnect), err left ECONNRESET where Linux leaves it. The tcb
 * can be opened again. Bound addresses and ports stay as pcb says. */
void tcp_disconnect(struct tcb *tcb);

/* ---- what the socket layer asks ---- */

enum tcp_state tcp_state(const struct tcb *tcb);
uint32_t tcp_readable(const struct tcb *tcb); /* bytes in order and unread */
bool tcp_fin_received(const struct tcb *tcb); /* nothing comes after them */
bool tcp_fin_queued(const struct tcb *tcb);   /* shut_send was called */
uint32_t tcp_unsent(const struct tcb *tcb);   /* SIOCOUTQNSD */
uint32_t
tcp_unacked(const struct tcb *tcb); /* SIOCOUTQ: queued and not acknowledged, FIN not counted */
/* Room enough that poll() says POLLOUT (a third of the buffer: Linux's sk_stream_is_writeable). */
bool tcp_writable(const struct tcb *tcb);
bool tcp_urgent_pending(const struct tcb *tcb); /* POLLPRI */
bool tcp_at_mark(const struct tcb *tcb);        /* SIOCATMARK */

/* ---- options: values have been checked by the caller ---- */

struct tcp_options {
    uint32_t sndbuf;          /* bytes, as SO_SNDBUF reports them (Linux: doubled); 0: automatic */
    uint32_t user_timeout_ms; /* 0: none */
    uint32_t notsent_lowat;   /* 0: the stack's */
    uint32_t window_clamp;    /* 0: none */
    uint16_t keep_idle_s, keep_intvl_s; /* 7200, 75 */
    int8_t linger2_s;                   /* 0: default, -1: none */
    uint8_t save_syn;                   /* TCP_SAVE_SYN: 0, 1 or 2 */
    uint16_t rto_max_4ms; /* TCP_RTO_MAX_MS in ticks as Linux has them with HZ 250; 120 s */
    uint8_t rto_min_4ms, delack_max_4ms; /* TCP_RTO_MIN_US, TCP_DELACK_MAX_US: 200 ms both */
    uint16_t maxseg;                     /* TCP_MAXSEG, 0: not set */
    uint8_t keep_cnt : 7;                /* 9 */
    uint8_t shut_send : 1;               /* no option: shutdown(SHUT_WR) was called */
    uint8_t syncnt : 7;                  /* TCP_SYNCNT, 0: the stack's */
    uint8_t shut_recv : 1;               /* no option: shutdown(SHUT_RD) was called */
    uint8_t defer_accept_s;
    uint8_t nodelay : 1, cork : 1, keepalive : 1, quickack : 1, oob_inline : 1;
    uint8_t rcvbuf_locked : 1, sndbuf_locked : 1;
    uint8_t congestion : 1; /* which of cong.c's table; 0, the first, is the default */
};
/* The live options. After changing them call tcp_options_changed: it arms timers and sends. */
struct tcp_options *tcp_options(struct tcb *tcb);
void tcp_options_changed(struct tcb *tcb);
/* What waits for company goes now, corked or not. */
void tcp_push(struct tcb *tcb);
/* Bytes a second that are not to be exceeded; UINT64_MAX: none. -HF_ENOPROTOOPT of a listener. */
uint64_t tcp_max_rate(const struct tcb *tcb);
HF_NODISCARD int tcp_set_max_rate(struct tcb *tcb, uint64_t rate);
/* SO_TIMESTAMPING of sending: what is to be told of each send by the error queue, TCP_STAMP_*, as
 * Linux numbers them. -HF_EINVAL: numbers (ID) that a connection must have begun for; -HF_ENOMEM;
 * -HF_ENOPROTOOPT of a listener. */
enum {
    TCP_STAMP_SND = 1 << 1,
    TCP_STAMP_ID = 1 << 7, /* entries tell the number of the send's last byte */
    TCP_STAMP_SCHED = 1 << 8,
    TCP_STAMP_ACK = 1 << 9,
    TCP_STAMP_ID_UNSENT = 1 << 16, /* which are counted from what has not been written yet */
};
HF_NODISCARD int tcp_set_stamps(struct tcb *tcb, uint32_t bits);
uint32_t tcp_stamps(const struct tcb *tcb);           /* as they were set; 0: never */
void tcp_set_rcvbuf(struct tcb *tcb, uint32_t bytes); /* as SO_RCVBUF reports them */
uint32_t tcp_mss(const struct tcb *tcb);              /* what TCP_MAXSEG reports */
uint32_t tcp_rcvbuf(const struct tcb *tcb);           /* what SO_RCVBUF, SO_SNDBUF report */
uint32_t tcp_sndbuf(const struct tcb *tcb);
/* The name of its congestion control, padded with zeros: what TCP_CONGESTION reports. */
void tcp_congestion(const struct tcb *tcb, char name[TCP_CC_NAME]);
/* Chooses it: -HF_ENOENT when there is none of that name, padded likewise. */
HF_NODISCARD int tcp_set_congestion(struct tcb *tcb, const char name[TCP_CC_NAME]);
/* Linux's struct tcp_info, its first len bytes at most; returns how many were written. */
uint32_t tcp_info(const struct tcb *tcb, void *to, uint32_t len);
/* TCP_SAVED_SYN: what TCP_SAVE_SYN of its listener had kept, once; *len: room, then how long it is,
 * 0: nothing was kept. -HF_EINVAL: too little room. */
HF_NODISCARD int tcp_saved_syn(struct tcb *tcb, void *to, uint32_t *len);
void tcp_connect_record(const struct tcb *tcb, struct hf_connect_record *out);

/* ---- held connections: a listener with any_dst does not answer SYNs by itself ---- */

/* A child that tcp_accept gave in SYN-RECEIVED, no SYN-ACK sent: sends it. */
void tcp_answer(struct tcb *tcb);
/* Refuses it: RST, ICMP error or nothing, and then as tcp_close. */
void tcp_refuse(struct tcb *tcb, enum hf_refusal how);
hf_time tcp_held_since(const struct tcb *tcb, uint32_t *syns);

#endif
