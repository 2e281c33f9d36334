/* What came beyond a gap: frames by sequence number, no two overlapping. RFC 9293 3.10.7.4,
 * SHLD-31 (seventh).
 *
 * Frames without a gap between them are a run, whose first and last know each other (place.edge). A
 * place is looked for from run to run, behind the first RUNS_MOST only at the very end, and a frame
 * that belongs between later runs is dropped: an honest sender fills the first gaps first, and a
 * peer of many gaps costs a bounded search for each of its segments (CVE-2018-5390). */
#include "transport/tcp/ring.h"

#include "transport/tcp/internal.h"

#define RUNS_MOST 512

static uint32_t end_of(struct hf_frame *f)
{
    return place(f)->seq + f->len;
}

static struct hf_frame *next_of(const struct frame_ring *ooo, const struct hf_frame *f)
{
    return f == ooo->last ? NULL : f->next;
}

/* What stands before seq, the last of its run, and behind, the first of its own; NULL: nothing
 * does. False when that is too far to look. */
static bool find(const struct frame_ring *ooo, uint32_t seq, struct hf_frame **before,
                 struct hf_frame **after)
{
    *before = NULL;
    *after = ring_first(ooo);
    if (ooo->last && seq_ge(seq, place(ooo->last)->seq)) {
        *before = ooo->last;
        *after = NULL;
        return true;
    }
    for (unsigned runs = 0; *after && seq_lt(place(*after)->seq, seq); runs++) {
        if (runs == RUNS_MOST)
            return false;
        *before = place(*after)->edge;
        *after = next_of(ooo, *before);
    }
    return true;
}

/* Takes f, the first of a run, off; before: the frame before it, NULL: it is the first of all. */
static void take(struct frame_ring *ooo, struct hf_frame *before, struct hf_frame *f)
{
    struct hf_frame *last = place(f)->edge, *next = f->next;

    if (last != f) {
        place(next)->edge = last;
        place(last)->edge = next;
    }
    if (!before) {
        ring_pop(ooo);
        return;
    }
    before->next = next;
    if (ooo->last == f)
        ooo->last = before;
    f->next = NULL;
}

struct hf_frame *ooo_pop(struct tcb *tcb)
{
    struct hf_frame *f = ring_first(&tcb->ooo);

    take(&tcb->ooo, NULL, f);
    return f;
}

/* Those that f covers whole give way: it may hold what lies between them. What follows them. */
static struct hf_frame *drop_covered(struct tcb *tcb, struct hf_frame *f, struct hf_frame *before,
                                     struct hf_frame *after)
{
    while (after && seq_le(end_of(after), end_of(f)) && !place(after)->has_fin) {
        struct hf_frame *next = next_of(&tcb->ooo, after);

        take(&tcb->ooo, before, after);
        ring_drop(tcb, after);
        after = next;
    }
    return after;
}

static void insert(struct frame_ring *ooo, struct hf_frame *before, struct hf_frame *f,
                   struct hf_frame *after)
{
    struct hf_frame *first = f, *last = f;

    if (!after) {
        ring_push(ooo, f);
    } else {
        f->next = after;
        *(before ? &before->next : &ooo->last->next) = f;
    }
    if (before && end_of(before) == place(f)->seq)
        first = place(before)->edge;
    if (after && end_of(f) == place(after)->seq)
        last = place(after)->edge;
    place(first)->edge = last;
    place(last)->edge = first;
}

static void refuse(struct tcb *tcb, struct hf_frame *f, enum hf_drop reason)
{
    ring_uncharge(tcb, f);
    core_drop(tcb->tcp->core, reason, f);
}

/* What f overlaps of others, and does not cover, stays theirs. */
void ooo_keep(struct tcb *tcb, struct hf_frame *f)
{
    uint32_t seq = place(f)->seq, end = end_of(f);
    struct hf_frame *before, *after;
    bool is_new;

    if (!find(&tcb->ooo, seq, &before, &after)) {
        refuse(tcb, f, HF_DROP_TCP_RCVBUF);
        return;
    }
    is_new = !before || ring_cut(f, end_of(before), end);
    if (is_new) {
        after = drop_covered(tcb, f, before, after);
        is_new = !after || ring_cut(f, place(f)->seq, place(after)->seq);
    }
    if (!is_new) {
        sack_duplicate(tcb, seq, end);
        refuse(tcb, f, HF_DROP_TCP_DUPLICATE);
        return;
    }
    insert(&tcb->ooo, before, f, after);
    sack_received(tcb, place(f)->seq, end_of(f) + place(f)->has_fin);
}
