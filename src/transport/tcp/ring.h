/* The rings of frames that a connection receives into. Each frame knows its place in the stream,
 * and what it was charged to rmem. */
#ifndef TRANSPORT_TCP_RING_H
#define TRANSPORT_TCP_RING_H

#include "transport/tcp/tcb.h"

struct place {
    uint32_t seq;
    uint32_t charge;  /* of rmem */
    uint32_t has_fin; /* the stream ends behind this frame */
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

static inline void ring_drop(struct tcb *tcb, struct hf_frame *f)
{
    tcb->rmem -= place(f)->charge;
    hf_frame_free(f);
}

#endif
