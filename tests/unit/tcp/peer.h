/* A peer that the test plays by hand: it hears what a sends, and a hears what it says. */
#ifndef TESTS_UNIT_TCP_PEER_H
#define TESTS_UNIT_TCP_PEER_H

#include "rig.h"

#define PEER_NXT 5001 /* of what it says after its SYN */
#define PEER_MSS 1400
#define PEER_TS  1000 /* its clock */

static inline enum verdict peer_hears(struct rig *r, struct host *to, struct hf_frame *f,
                                      const struct seen *s)
{
    return LOSE;
}

/* The last segment that was heard. */
static inline const struct seen *peer_heard(const struct rig *r)
{
    return &r->seen[r->seen_count - 1];
}

/* What it says next, as far as that goes by itself. */
static inline struct tcp_header peer_says(const struct sock *c)
{
    return (struct tcp_header){.src_port = 80,
                               .dst_port = c->tcb.pcb.entry.lport,
                               .seq = PEER_NXT,
                               .ack = c->tcb.snd_max,
                               .flags = TCP_ACK,
                               .window = 60000};
}

/* Its answer to the SYN just heard, with timestamps and without SACK. */
static inline struct tcp_header peer_accepts(const struct rig *r, const struct sock *c)
{
    struct tcp_header h = peer_says(c);

    h.seq = PEER_NXT - 1;
    h.flags = TCP_SYN | TCP_ACK;
    h.has_mss = true;
    h.mss = PEER_MSS;
    h.has_timestamps = true;
    h.ts_val = PEER_TS;
    h.ts_ecr = peer_heard(r)->h.ts_val;
    return h;
}

/* a connects; the SYN has been heard. */
static inline struct sock *peer_called(struct rig *r, bool v6)
{
    struct sock *c = rig_connect(&r->a, &r->b.addr[v6], 80);

    r->filter = peer_hears;
    while (rig_step(r))
        ;
    return c;
}

/* Open: by peer_accepts, as `change` has changed it (NULL: not). */
static inline struct sock *peer_opened(struct rig *r, bool v6, void (*change)(struct tcp_header *h))
{
    struct sock *c = peer_called(r, v6);
    struct tcp_header h = peer_accepts(r, c);

    if (change)
        change(&h);
    rig_inject(r, v6, &h, NULL, 0);
    if (tcp_state(&c->tcb) != TCP_ESTABLISHED)
        abort();
    return c;
}

#endif
