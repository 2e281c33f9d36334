/* TCP Fast Open: data in the SYN, for who has shown that an address is its own. RFC 7413. What
 * its files know of each other: fastopen.c (who connects), fastopen_cache.c (what is remembered of
 * servers), fastopen_server.c (who is connected to). */
#ifndef TRANSPORT_TCP_FASTOPEN_H
#define TRANSPORT_TCP_FASTOPEN_H

#include "transport/tcp/internal.h"

/* ---- fastopen_cache.c ---- */

/* What is known of a server. */
struct fastopen_known {
    uint16_t mss;   /* as its last SYN-ACK said, 0: nothing */
    uint8_t len;    /* of the cookie, 0: there is none */
    bool is_exp;    /* the option's experimental form is the one to use */
    bool is_paused; /* SYNs with data to it are lost: not now */
    uint8_t cookie[16];
};

/* The form of the option to ask with next: each is tried once, then the standard's for good. */
enum fastopen_try { FASTOPEN_TRY_STANDARD, FASTOPEN_TRY_EXPERIMENT, FASTOPEN_TRY_NO_MORE };

/* What a SYN-ACK told. */
struct fastopen_news {
    uint16_t mss;
    uint8_t cookie_len; /* 0: none came */
    bool is_exp;
    bool was_lost;    /* the SYN with data was, or its answer */
    uint8_t try_next; /* enum fastopen_try */
    const uint8_t *cookie;
};

void fastopen_recall(struct tcp *tcp, const struct demux_entry *key, struct fastopen_known *out);
void fastopen_learn(struct tcp *tcp, const struct demux_entry *key, const struct fastopen_news *n);
void fastopen_cache_free(struct tcp *tcp);

/* ---- fastopen.c ---- */

/* TCP_FASTOPEN_CONNECT: puts the SYN off to the first bytes when it could carry them, else sends it
 * and asks for a cookie. */
void fastopen_connect(struct tcb *tcb);
/* The SYN that was put off, with the first bytes of the queue as far as it may carry them: at most
 * fastopen_room. */
uint32_t fastopen_room(struct tcb *tcb);
void fastopen_send(struct tcb *tcb);
/* s, a SYN-ACK, has been taken: what it says of Fast Open, and the data in it. False when the
 * connection is gone. */
HF_NODISCARD bool fastopen_answered(struct tcb *tcb, struct segment *s);
/* A timeout of tcb's; is_last: it gives up. */
void fastopen_timed_out(struct tcb *tcb, bool is_last);
/* An RST has come that is out of order. */
void fastopen_false_reset(struct tcb *tcb);
/* tcb ends: what came on it says something of the way. Before its queues are emptied. */
void fastopen_ended(struct tcb *tcb);

/* ---- fastopen_server.c ---- */

/* Whether s, a SYN for the listener, opens at once; and the option that its answer is to have. */
bool fastopen_accepts(struct tcb *listener, const struct segment *s, struct tcp_header *answer);
/* The child, SYN-RECEIVED, takes what s carries, and may send. */
void fastopen_begin(struct tcb *child, struct tcb *listener, struct segment *s);
/* The listener gives the child away, whose handshake is not done. */
void fastopen_accepted(struct tcb *child, struct tcp_fastopen_queue *q);
/* s answers the SYN-ACK: the handshake is done. False: it does not. */
HF_NODISCARD bool fastopen_confirmed(struct tcb *tcb, struct segment *s);
/* tcb does not count any more among those whose handshake is not done, if it did. */
void fastopen_settled(struct tcb *tcb, bool by_reset);

#endif
