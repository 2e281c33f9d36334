/* What holds of a connection between any two calls, whatever its peer, its wire and its program do.
 * A line that does not hold ends the program. */
#ifndef FUZZ_INVARIANTS_H
#define FUZZ_INVARIANTS_H

#include <stdio.h>
#include <stdlib.h>

#include "socket/sock.h"
#include "transport/tcp/repair.h"
#include "transport/tcp/ring.h"

#define MUST(cond)                                                     \
    do {                                                               \
        if (!(cond)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                   \
        }                                                              \
    } while (0)

/* The scoreboard is a row without gaps, and its sums are right. */
static inline void must_board(const struct tcb *tcb)
{
    const struct repair *r = board_of(tcb);
    uint32_t at, sacked = 0, lost = 0, repeated = 0;

    if (!r)
        return;
    at = r->begin;
    for (uint32_t i = 0; i < r->count; i++) {
        uint32_t len = r->runs[i].end - at;

        MUST(seq_lt(at, r->runs[i].end));
        sacked += r->runs[i].flags & RUN_SACKED ? len : 0;
        lost += r->runs[i].flags & RUN_LOST ? len : 0;
        repeated += r->runs[i].flags & RUN_REPEATED ? len : 0;
        at = r->runs[i].end;
    }
    MUST(r->begin == tcb->snd_una && at == tcb->snd_max && r->count <= r->room);
    MUST(sacked == r->sacked && lost == r->lost && repeated == r->repeated);
    MUST(sacked + lost <= tcb_flight(tcb) + repeated);
}

/* Nothing is out, or waits to go, without a timer that comes back to it. */
static inline void must_timers(const struct tcb *tcb)
{
    uint32_t pace = tcb->flow ? tcb->flow->pace_due : 0;
    bool waits = tcb_is_synchronised(tcb) &&
                 (tcp_unsent(tcb) || (tcb->fin_queued && !tcb->fin_sent)) && !tcb_flight(tcb);

    if (tcb_flight(tcb) && !tcb->is_held)
        MUST(tcb->rexmt_due);
    if (waits)
        MUST(tcb->rexmt_due || pace);
    if (tcb->rexmt_due || tcb->delack_due || tcb->slow_due || pace)
        MUST(timer_is_armed(&tcb->timer));
}

static inline void must_send(const struct tcb *tcb)
{
    MUST(seq_le(tcb->snd_una, tcb->snd_nxt) && seq_le(tcb->snd_nxt, tcb->snd_max));
    if (tcb_is_synchronised(tcb)) {
        MUST(tcb->mss >= 48 && tcb->ssthresh > 0);
        MUST(tcb->cwnd > 0 && tcb->cwnd < 1u << 30);
        MUST(tcb_flight(tcb) <= tcb_max_wnd(tcb) + 1);
        MUST(tcb_flight(tcb) <= tcb->sndq.len + 1);
    }
}

/* Both queues: in order, without overlap, charged with what they hold. */
static inline void must_receive(const struct tcb *tcb)
{
    uint32_t charged = 0, at = tcb->rcv_nxt;
    struct hf_frame *f, *run = NULL;

    MUST(seq_le(tcb->copied_seq, tcb->rcv_nxt));
    for (f = ring_first(&tcb->rxq); f; f = f == tcb->rxq.last ? NULL : f->next)
        charged += place(f)->charge;
    for (f = ring_first(&tcb->ooo); f; f = f == tcb->ooo.last ? NULL : f->next) {
        bool ends = f == tcb->ooo.last || place(f->next)->seq != place(f)->seq + f->len;

        MUST(seq_ge(place(f)->seq, at));
        run = run ? run : f;
        at = place(f)->seq + f->len;
        charged += place(f)->charge;
        if (!ends)
            continue;
        MUST(place(run)->edge == f && place(f)->edge == run);
        run = NULL;
    }
    MUST(charged == tcb->rmem);
}

static inline void must_hold(const struct hf_sock *sk)
{
    const struct tcb *tcb = sock_tcb(sk);

    if (tcb->state == TCP_CLOSED || tcb->state == TCP_LISTEN)
        return;
    must_send(tcb);
    must_board(tcb);
    must_timers(tcb);
    must_receive(tcb);
}

#endif
