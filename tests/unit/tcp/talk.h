/* A connection of a to the peer of peer.h, which keeps account of what was said: options of its own
 * choice, what comes next, the answers to the last thing only. */
#ifndef TESTS_UNIT_TCP_TALK_H
#define TESTS_UNIT_TCP_TALK_H

#include "peer.h"

struct talk {
    struct rig *r;
    struct sock *c;
    struct tcp_header h; /* what it would say next: an ACK of all that a has sent so far */
    bool v6;
};

/* What a sent last. */
static inline const struct seen *talk_last(const struct talk *p)
{
    static const struct seen none;

    return p->r->seen_count ? &p->r->seen[p->r->seen_count - 1] : &none;
}

/* It says p->h with these bytes; answers are counted anew. */
static inline void talk_says(struct talk *p, const void *bytes, uint32_t len)
{
    p->r->seen_count = 0;
    rig_inject(p->r, p->v6, &p->h, bytes, len);
}

/* a's program sends; what goes has gone. */
static inline void talk_hears(struct talk *p, const void *bytes, uint32_t len)
{
    p->r->seen_count = 0;
    (void)!rig_write(p->c, bytes, len, 0);
    while (rig_step(p->r))
        ;
}

/* a connects, and is answered by a SYN-ACK with these options and this window. */
static inline void talk_open(struct talk *p, struct rig *r, bool v6,
                             const struct tcp_header *options)
{
    *p = (struct talk){.r = r, .v6 = v6, .h = *options};
    p->c = peer_called(r, v6);
    p->h.src_port = 80;
    p->h.dst_port = p->c->tcb.pcb.entry.lport;
    p->h.seq = 5000;
    p->h.ack = talk_last(p)->h.seq + 1;
    p->h.flags = TCP_SYN | TCP_ACK;
    talk_says(p, NULL, 0);
    if (tcp_state(&p->c->tcb) != TCP_ESTABLISHED)
        abort();
    p->h = (struct tcp_header){
        .src_port = 80,
        .dst_port = p->h.dst_port,
        .seq = 5001,
        .ack = p->h.ack,
        .flags = TCP_ACK,
        .window = options->window,
    };
}

static inline void talk_end(struct talk *p)
{
    tcp_close(&p->c->tcb, true);
    OK(rig_end(p->r), "nothing is left behind");
}

#endif
