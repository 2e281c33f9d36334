/* The rings of frames that a connection receives into. Each frame knows its place in the stream,
 * and what it was charged to rmem. */
#ifndef TRANSPORT_TCP_RING_H
#define TRANSPORT_TCP_RING_H

#include "transport/tcp/memory.h"

struct place {
    uint32_t seq;
    uint32_t charge;  /* of rmem */
    uint32_t has_fin; /* the stream ends behind this frame */
    /* In ooo, of the first frame of a run: its last, and of the last: its first. ooo.c */
    struct hf_frame *edge;
};

static inline struct place *place(struct hf_frame *f)
{
    static_assert(sizeof(struct place) <= sizeof(f->cb), "fits the scratch");
    return (struct place *)(void *)f->cb;
}

static inline struct hf_frame *ring_first(const struct frame_ring *r)
{
    return r->last ? r->last->next : NULL;
}

static inline void ring_push(struct frame_ring *r, struct hf_frame *f)
{
    f->next = r->last ? r->last->next : f;
    if (r->last)
        r->last->next = f;
    r->last = f;
}

static inline struct hf_frame *ring_pop(struct frame_ring *r)
{
    struct hf_frame *f = ring_first(r);

    if (f == r->last)
        r->last = NULL;
    else
        r->last->next = f->next;
    f->next = NULL;
    return f;
}

/* Cuts f to what is new: [from, to). False when nothing is left and no FIN at its end. */
static inline bool ring_cut(struct hf_frame *f, uint32_t from, uint32_t to)
{
    struct place *p = place(f);
    uint32_t end = p->seq + f->len;

    if (seq_lt(p->seq, from)) {
        uint32_t n = HF_MIN(from - p->seq, f->len);

        hf_frame_trim_front(f, n);
        p->seq += n;
    }
    if (seq_gt(end, to)) {
        hf_frame_trim_to(f, seq_gt(to, p->seq) ? to - p->seq : 0);
        p->has_fin = false;
    }
    return f->len || p->has_fin;
}

static inline void ring_charge(struct tcb *tcb, struct hf_frame *f, uint32_t bytes)
{
    place(f)->charge = bytes;
    tcb->rmem += bytes;
    memory_take(tcb, bytes);
}

static inline void ring_uncharge(struct tcb *tcb, struct hf_frame *f)
{
    tcb->rmem -= place(f)->charge;
    memory_give_back(tcb, place(f)->charge);
}

static inline void ring_drop(struct tcb *tcb, struct hf_frame *f)
{
    ring_uncharge(tcb, f);
    hf_frame_free(f);
}

#endif
