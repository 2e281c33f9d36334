/* Marks in the stream that is sent: where records end (MSG_EOR), and whose completion
 * (MSG_ZEROCOPY) or times (SO_TIMESTAMPING) are to be told. Most connections never have one. Each
 * kind is a ring, by sequence number. */
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

/* ---- times ---- */

int tcp_set_stamps(struct tcb *tcb, uint32_t bits)
{
    bool is_closed = tcb->state == TCP_CLOSED || tcb->state == TCP_LISTEN;
    struct flow *f;

    if (bits & TCP_STAMP_ID && !(tcp_stamps(tcb) & TCP_STAMP_ID) && is_closed)
        return -HF_EINVAL;
    if (tcb->state == TCP_LISTEN)
        return bits ? -HF_ENOPROTOOPT : 0;
    f = bits ? flow_of(tcb) : tcb->flow;
    if (!f)
        return bits ? -HF_ENOMEM : 0;
    if (bits & TCP_STAMP_ID && !(f->stamps.bits & TCP_STAMP_ID))
        f->stamps.base = bits & TCP_STAMP_ID_UNSENT ? tcb->snd_una + tcb->sndq.len : tcb->snd_una;
    f->stamps.bits = bits;
    return 0;
}

uint32_t tcp_stamps(const struct tcb *tcb)
{
    return tcb->state != TCP_LISTEN && tcb->flow ? tcb->flow->stamps.bits : 0;
}

static void tell(struct tcb *tcb, const struct mark *m, uint32_t what)
{
    err_queue_stamp(tcb->tcp->core, &tcb->pcb, what, m->id, tcb->rcvbuf);
    tcp_event(tcb);
}

void stamps_add(struct tcb *tcb, uint32_t seq)
{
    struct stamps *s = &tcb->flow->stamps;

    marks_add(&s->ends, seq, s->bits & TCP_STAMP_ID ? seq - 1 - s->base : 0);
    if (seq_le(seq, tcb->snd_max)) /* it has gone out as one of many pieces */
        stamps_sent(tcb, tcb->snd_max);
}

void stamps_sent(struct tcb *tcb, uint32_t end)
{
    struct stamps *s = &tcb->flow->stamps;

    for (; s->out < s->ends.count && seq_le(at(&s->ends, s->out)->seq, end); s->out++) {
        if (s->bits & TCP_STAMP_SCHED)
            tell(tcb, at(&s->ends, s->out), STAMP_SCHED);
        if (s->bits & TCP_STAMP_SND)
            tell(tcb, at(&s->ends, s->out), STAMP_SND);
    }
}

static void stamps_acked(struct tcb *tcb)
{
    struct stamps *s = &tcb->flow->stamps;
    struct mark m;

    while (take(&s->ends, tcb->snd_una, &m)) {
        s->out -= s->out > 0;
        if (s->bits & TCP_STAMP_ACK && !tcb->is_orphan)
            tell(tcb, &m, STAMP_ACK);
    }
    if (!s->ends.count)
        forget(&tcb->tcp->core->env, &s->ends);
}

/* ---- what is acknowledged, and what never will be ---- */

void marks_acked(struct tcb *tcb)
{
    const struct hf_env *env = &tcb->tcp->core->env;
    struct flow *f = tcb->flow;
    struct mark m;

    if (f && f->stamps.ends.ring)
        stamps_acked(tcb);
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
    if (f->stamps.ends.ring)
        forget(env, &f->stamps.ends);
    f->stamps.out = 0;
}
