/* The scoreboard: what is out, run by run. RFC 6675 2, 4.
 *
 * It begins as one run and is cut where SACK blocks, repeats and the clock cut it. It has room for
 * RUNS_MOST: a peer that asks for more pieces has runs of one fate joined, whatever their times,
 * and then is not listened to, which SACK allows: nothing may depend on it (RFC 2018 8). */
#include "transport/tcp/repair.h"

#define REORDERING_MOST 300 /* Linux: tcp_max_reordering */
#define RUNS_FIRST      16
#define RUNS_MOST       1024
#define RUNS_SPARE      32   /* that SACK blocks leave to repeats */
#define TICK_US         1024 /* what was sent within one is one run */

static_assert(SENT_MARKS < RUNS_FIRST, "each has its run");

/* One run for each mark. What is below them was sent again, nobody knows when: a round trip ago. */
static void first_runs(const struct tcb *tcb, struct repair *r)
{
    const struct sent_mark *marks = tcb->flow->sent;
    uint32_t n = tcb->flow->sent_count, us = tcp_us(tcb->tcp) - tcb->srtt_us;

    r->count = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (seq_gt(marks[i].seq, r->begin))
            r->runs[r->count++] = (struct run){marks[i].seq, us, 0, 0};
        us = marks[i].us;
    }
    r->runs[r->count++] = (struct run){tcb->snd_max, us, 0, 0};
}

struct repair *board_open(struct tcb *tcb)
{
    const struct hf_env *env = &tcb->tcp->core->env;
    struct repair *r = board_of(tcb);

    if (r)
        return r;
    if (tcb->in_recovery || tcb->snd_nxt != tcb->snd_max || !tcb_flight(tcb))
        return NULL;
    r = repair_new(tcb);
    if (!r)
        return NULL;
    r->runs = env->alloc(env->ctx, RUNS_FIRST * sizeof(*r->runs));
    if (!r->runs) {
        repair_settle(tcb);
        return NULL;
    }
    r->room = RUNS_FIRST;
    r->begin = r->fack = r->keep_until = r->dsack_round = tcb->snd_una;
    r->phase = REPAIR_OPEN;
    r->tlp_out = false;
    tcb->flow->alarm = (struct alarm){0};
    r->sacked = r->lost = r->repeated = 0;
    r->rack_rtt_us = tcb->srtt_us;
    first_runs(tcb, r);
    r->order = r->rack_order = 0;
    r->order_end = tcb->snd_max;
    r->rack_end = tcb->snd_una;
    return r;
}

void board_close(struct tcb *tcb)
{
    const struct hf_env *env = &tcb->tcp->core->env;
    struct repair *r = board_of(tcb);

    if (!r)
        return;
    env->free(env->ctx, r->runs, r->room * sizeof(*r->runs));
    r->runs = NULL;
    repair_settle(tcb);
}

/* ---- cutting and joining ---- */

static void grow(const struct hf_env *env, struct repair *r)
{
    uint32_t room = HF_MIN(r->room * 2, RUNS_MOST);
    struct run *runs = room > r->room ? env->alloc(env->ctx, room * sizeof(*runs)) : NULL;

    if (!runs)
        return;
    memcpy(runs, r->runs, r->count * sizeof(*runs));
    env->free(env->ctx, r->runs, r->room * sizeof(*runs));
    r->runs = runs;
    r->room = room;
}

/* Joins neighbours of one fate, as sent when the later of them was. */
static void compact(struct repair *r)
{
    uint32_t kept = 0;

    for (uint32_t i = 1; i < r->count; i++) {
        struct run *last = &r->runs[kept];

        if (last->flags != r->runs[i].flags) {
            r->runs[++kept] = r->runs[i];
            continue;
        }
        last->end = r->runs[i].end;
        if ((int32_t)(r->runs[i].order - last->order) > 0)
            last->order = r->runs[i].order;
        if ((int32_t)(r->runs[i].sent_us - last->sent_us) > 0)
            last->sent_us = r->runs[i].sent_us;
    }
    r->count = kept + 1;
}

/* The run that holds seq; r->count when seq is where the last ends. */
static uint32_t find(const struct repair *r, uint32_t seq)
{
    uint32_t low = 0, high = r->count;

    while (low < high) {
        uint32_t mid = (low + high) / 2;

        if (seq_le(r->runs[mid].end, seq))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* Makes a run begin at seq and says which; false when there is no room for it. */
static bool cut_at(const struct hf_env *env, struct repair *r, uint32_t seq, uint32_t spare,
                   uint32_t *at)
{
    uint32_t i = find(r, seq);

    if (i < r->count && board_begin_of(r, i) != seq) {
        if (r->count == r->room)
            grow(env, r);
        if (r->count >= HF_MIN(r->room, RUNS_MOST - spare)) {
            compact(r);
            i = find(r, seq);
        }
        if (r->count >= HF_MIN(r->room, RUNS_MOST - spare))
            return false;
        memmove(&r->runs[i + 1], &r->runs[i], (r->count - i) * sizeof(*r->runs));
        r->count++;
        r->runs[i++].end = seq;
    }
    *at = i;
    return true;
}

static bool are_one(const struct run *a, const struct run *b)
{
    return a->flags == b->flags &&
           (a->flags & RUN_SACKED || (a->order == b->order && b->sent_us - a->sent_us < TICK_US));
}

/* Joins run i with those beside it when nothing tells them apart. */
static void join(struct repair *r, uint32_t i)
{
    uint32_t first = i, last = i;

    while (first && are_one(&r->runs[first - 1], &r->runs[i]))
        first--;
    while (last + 1 < r->count && are_one(&r->runs[i], &r->runs[last + 1]))
        last++;
    if (first == last)
        return;
    r->runs[first].end = r->runs[last].end;
    r->runs[first].sent_us = r->runs[i].sent_us;
    memmove(&r->runs[first + 1], &r->runs[last + 1], (r->count - last - 1) * sizeof(*r->runs));
    r->count -= last - first;
}

/* ---- what becomes of runs ---- */

/* RFC 8985 6.2, step 3; Linux: tcp_check_sack_reordering. */
void board_note_reordering(struct tcb *tcb, struct tally *t)
{
    uint32_t segments = HF_MIN((t->late + tcb->mss - 1) / tcb->mss, (uint32_t)REORDERING_MOST);

    if (!t->late)
        return;
    tcb->reord_seen = 1;
    tcb->flow->reord_events++;
    tcb->flow->reordering = (uint16_t)HF_MAX(tcb->flow->reordering, segments);
    t->late = 0;
}

/* len bytes of the run, up to end, have reached the peer. */
static void deliver(struct tcb *tcb, const struct run *run, uint32_t end, uint32_t len,
                    struct tally *t, const struct segment *s)
{
    struct repair *r = repair_of(tcb);

    if (run->flags & RUN_SACKED)
        return;
    t->delivered += len;
    t->is_original |= (run->flags & (RUN_LOST | RUN_EVER)) == RUN_LOST;
    if (run->flags & RUN_LOST)
        r->lost -= len;
    if (run->flags & RUN_REPEATED)
        r->repeated -= len;
    if (!(run->flags & RUN_EVER) && seq_lt(end, r->fack))
        t->late = HF_MAX(t->late, r->fack - (end - len));
    r->fack = seq_max(r->fack, end);
    rack_delivered(tcb, run, end, s);
}

void board_ack(struct tcb *tcb, struct tally *t, const struct segment *s)
{
    struct repair *r = repair_of(tcb);
    uint32_t una = tcb->snd_una, gone = 0;

    while (seq_lt(r->begin, una) && gone < r->count) {
        const struct run *run = &r->runs[gone];
        uint32_t end = seq_lt(una, run->end) ? una : run->end, len = end - r->begin;

        deliver(tcb, run, end, len, t, s);
        if (run->flags & RUN_SACKED)
            r->sacked -= len;
        r->begin = end;
        gone += end == run->end;
    }
    r->begin = una;
    r->count -= gone;
    memmove(r->runs, &r->runs[gone], r->count * sizeof(*r->runs));
    board_note_reordering(tcb, t);
}

void board_sack(struct tcb *tcb, const struct sack_block *b, struct tally *t,
                const struct segment *s)
{
    const struct hf_env *env = &tcb->tcp->core->env;
    struct repair *r = repair_of(tcb);
    uint32_t i, end;

    if (!cut_at(env, r, b->right, RUNS_SPARE, &end) || !cut_at(env, r, b->left, RUNS_SPARE, &i))
        return;
    for (; i < r->count && seq_le(r->runs[i].end, b->right); i++) {
        struct run *run = &r->runs[i];
        uint32_t len = run->end - board_begin_of(r, i);

        if (run->flags & RUN_SACKED)
            continue;
        deliver(tcb, run, run->end, len, t, s);
        t->is_news = true;
        r->sacked += len;
        run->flags = RUN_SACKED | (run->flags & RUN_EVER);
    }
    if (i)
        join(r, i - 1);
}

/* What the peer said of the run, and what we made of it, is forgotten. */
static void forget(struct repair *r, uint32_t i)
{
    struct run *run = &r->runs[i];
    uint32_t len = run->end - board_begin_of(r, i);

    r->sacked -= run->flags & RUN_SACKED ? len : 0;
    r->lost -= run->flags & RUN_LOST ? len : 0;
    r->repeated -= run->flags & RUN_REPEATED ? len : 0;
    run->flags = RUN_EVER;
}

static void sent_first(struct tcb *tcb, uint32_t end)
{
    struct repair *r = repair_of(tcb);
    uint32_t now = tcp_us(tcb->tcp);
    struct run *last;

    if (r->count == r->room)
        grow(&tcb->tcp->core->env, r);
    if (r->count == r->room)
        compact(r);
    last = r->count ? &r->runs[r->count - 1] : NULL;
    if (last && r->count == r->room) {
        forget(r, r->count - 1);
        *last = (struct run){end, now, r->order, RUN_EVER};
    } else if (last && !last->flags && last->order == r->order && now - last->sent_us < TICK_US) {
        last->end = end;
    } else {
        r->runs[r->count++] = (struct run){end, now, r->order, 0};
    }
}

bool board_sent(struct tcb *tcb, uint32_t seq, uint32_t end)
{
    const struct hf_env *env = &tcb->tcp->core->env;
    struct repair *r = repair_of(tcb);
    uint32_t i, after;

    if (r->phase == REPAIR_RECOVERY)
        r->prr_out += end - seq;
    r->order += seq_lt(seq, r->order_end);
    r->order_end = end;
    if (seq == tcb->snd_max) {
        sent_first(tcb, end);
        return true;
    }
    if (!cut_at(env, r, end, 0, &after) || !cut_at(env, r, seq, 0, &i) || i == r->count ||
        seq_gt(r->runs[i].end, end))
        return false;
    for (; i < r->count && seq_le(r->runs[i].end, end); i++) {
        struct run *run = &r->runs[i];

        if (run->flags & RUN_SACKED)
            continue;
        if (!(run->flags & RUN_REPEATED))
            r->repeated += run->end - board_begin_of(r, i);
        run->flags |= RUN_REPEATED | RUN_EVER;
        run->sent_us = tcp_us(tcb->tcp);
        run->order = r->order;
    }
    join(r, i - 1);
    return true;
}

void board_lose(struct repair *r, uint32_t i)
{
    struct run *run = &r->runs[i];
    uint32_t len = run->end - board_begin_of(r, i);

    if (run->flags & RUN_REPEATED)
        r->repeated -= len;
    if (!(run->flags & RUN_LOST))
        r->lost += len;
    run->flags = (uint8_t)((run->flags & ~RUN_REPEATED) | RUN_LOST);
}

void board_find_all(struct repair *r)
{
    for (uint32_t i = 0; i < r->count; i++)
        r->runs[i].flags &= ~RUN_LOST & 0xff;
    r->lost = 0;
}

uint32_t board_missing(const struct repair *r)
{
    uint32_t i = 0;

    while (i < r->count && !run_is_missing(&r->runs[i]))
        i++;
    return i;
}
