/* Marks in the stream that is sent: where records end (MSG_EOR), and whose completion is to be told
 * (MSG_ZEROCOPY). Most connections never have one. Each kind is a ring, by sequence number. */
#include "transport/tcp/flow.h"

#define MARKS_FIRST 8
#define MARKS_MOST  65536 /* of one kind: more, and the send queue is full of them */

static struct mark *at(const struct marks *m, uint32_t i)
{
    return &m->ring[(m->first + i) % m->room];
}

static void forget(const struct hf_env *env, struct marks *m)
{
    env->free(env->ctx, m->ring, m->room * sizeof(*m->ring));
    *m = (struct marks){0};
}

static bool grow(const struct hf_env *env, struct marks *m)
{
    uint32_t room = m->room ? 2 * m->room : MARKS_FIRST, count = m->count;
    struct mark *ring = room <= MARKS_MOST ? env->alloc(env->ctx, room * sizeof(*ring)) : NULL;

    if (!ring)
        return false;
    for (uint32_t i = 0; i < count; i++)
        ring[i] = *at(m, i);
    if (m->ring)
        forget(env, m);
    *m = (struct marks){ring, 0, count, room};
    return true;
}

bool marks_reserve(struct tcb *tcb, struct marks *m)
{
    return m->count < m->room || grow(&tcb->tcp->core->env, m);
}

void marks_add(struct marks *m, uint32_t seq, uint32_t id)
{
    m->count++;
    *at(m, m->count - 1) = (struct mark){seq, id};
}

uint32_t marks_after(const struct marks *m, uint32_t seq)
{
    uint32_t low = 0, high = m->count;

    while (low < high) {
        uint32_t mid = (low + high) / 2;

        if (seq_le(at(m, mid)->seq, seq))
            low = mid + 1;
        else
            high = mid;
    }
    return low < m->count ? at(m, low)->seq - seq : UINT32_MAX;
}

/* Takes the first, if it is not beyond una. */
static bool take(struct marks *m, uint32_t una, struct mark *out)
{
    if (!m->count || seq_gt(at(m, 0)->seq, una))
        return false;
    *out = *at(m, 0);
    m->first = (m->first + 1) % m->room;
    m->count--;
    return true;
}

static void complete(struct tcb *tcb, uint32_t id)
{
    if (tcb->is_orphan)
        return;
    err_queue_copied(tcb->tcp->core, &tcb->pcb, id);
    tcp_event(tcb);
}

void marks_acked(struct tcb *tcb)
{
    const struct hf_env *env = &tcb->tcp->core->env;
    struct flow *f = tcb->flow;
    struct mark m;

    if (!f || (!f->records.ring && !f->copies.ring))
        return;
    while (take(&f->records, tcb->snd_una, &m))
        ;
    while (take(&f->copies, tcb->snd_una, &m))
        complete(tcb, m.id);
    if (f->records.ring && !f->records.count)
        forget(env, &f->records);
    if (f->copies.ring && !f->copies.count)
        forget(env, &f->copies);
}

void marks_drop(struct tcb *tcb)
{
    const struct hf_env *env = &tcb->tcp->core->env;
    struct flow *f = tcb->state == TCP_LISTEN ? NULL : tcb->flow;

    if (!f)
        return;
    for (uint32_t i = 0; i < f->copies.count; i++)
        complete(tcb, at(&f->copies, i)->id);
    if (f->copies.ring)
        forget(env, &f->copies);
    if (f->records.ring)
        forget(env, &f->records);
}
