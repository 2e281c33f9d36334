/* Selective acknowledgements, as they stand in segments: ours about what came, the peer's about
 * what went. RFC 2018, RFC 2883. What they mean for sending: scoreboard.c, loss.c. */
#include "transport/tcp/repair.h"

struct repair *repair_new(struct tcb *tcb)
{
    const struct hf_env *env = &tcb->tcp->core->env;

    struct flow *f = flow_of(tcb);

    if (!f)
        return NULL;
    if (!f->repair) {
        f->repair = env->alloc(env->ctx, sizeof(*f->repair));
        if (f->repair)
            memset(f->repair, 0, sizeof(*f->repair));
    }
    return f->repair;
}

void repair_settle(struct tcb *tcb)
{
    const struct hf_env *env = &tcb->tcp->core->env;

    struct repair *r = repair_of(tcb);

    if (!r || r->runs || r->got_count)
        return;
    env->free(env->ctx, r, sizeof(*r));
    tcb->flow->repair = NULL;
}

void repair_free(struct tcb *tcb)
{
    if (tcb->state == TCP_LISTEN || !repair_of(tcb))
        return;
    repair_of(tcb)->got_count = 0;
    board_close(tcb);
    repair_settle(tcb);
}

/* ---- ours ---- */

/* RFC 2018 4: the block that holds the newest segment comes first, then those told before. */
void sack_received(struct tcb *tcb, uint32_t left, uint32_t right)
{
    struct repair *r = tcb->sack_ok ? repair_new(tcb) : NULL;
    uint32_t kept = 0;

    if (!r)
        return;
    for (uint32_t i = 0; i < r->got_count; i++) {
        struct sack_block b = r->got[i];

        if (seq_le(b.left, right) && seq_ge(b.right, left)) {
            left = seq_lt(b.left, left) ? b.left : left;
            right = seq_max(b.right, right);
        } else {
            r->got[kept++] = b;
        }
    }
    kept = HF_MIN(kept, HF_COUNT(r->got) - 1);
    memmove(&r->got[1], &r->got[0], kept * sizeof(r->got[0]));
    r->got[0] = (struct sack_block){left, right};
    r->got_count = (uint8_t)(kept + 1);
}

void sack_filled(struct tcb *tcb)
{
    struct repair *r = repair_of(tcb);
    uint32_t kept = 0;

    if (!r || !r->got_count)
        return;
    for (uint32_t i = 0; i < r->got_count; i++)
        if (tcb->ooo.last && seq_gt(r->got[i].left, tcb->rcv_nxt))
            r->got[kept++] = r->got[i];
    r->got_count = (uint8_t)kept;
    repair_settle(tcb);
}

void sack_forget(struct tcb *tcb)
{
    if (!repair_of(tcb))
        return;
    repair_of(tcb)->got_count = 0;
    repair_settle(tcb);
}

/* RFC 2883 4: said once, in the acknowledgement that follows. */
void sack_duplicate(struct tcb *tcb, uint32_t left, uint32_t right)
{
    if (tcb->sack_ok && left != right)
        tcb->tcp->dsack = (struct tcp_dsack){tcb, left, right};
}

bool sack_is_due(const struct tcb *tcb)
{
    return tcb->tcp->dsack.of == tcb || (repair_of(tcb) && repair_of(tcb)->got_count);
}

void sack_write(struct tcb *tcb, struct tcp_header *h)
{
    struct tcp_dsack *d = &tcb->tcp->dsack;
    const struct repair *r = repair_of(tcb);

    if (d->of == tcb) {
        h->sack[h->sack_count++] = (struct sack_block){d->left, d->right};
        d->of = NULL;
    }
    for (uint32_t i = 0; r && i < r->got_count && h->sack_count < HF_COUNT(h->sack); i++)
        h->sack[h->sack_count++] = r->got[i];
}

/* ---- the peer's ---- */

/* RFC 2883 4: the first block is below the acknowledgement, or inside the second. */
static bool is_duplicate(const struct segment *s)
{
    const struct sack_block *b = s->h.sack;

    if (!s->h.sack_count || !seq_lt(b->left, b->right))
        return false;
    return seq_le(b->right, s->h.ack) ||
           (s->h.sack_count > 1 && seq_ge(b->left, b[1].left) && seq_le(b->right, b[1].right));
}

static bool is_valid(const struct tcb *tcb, const struct sack_block *b)
{
    return seq_lt(b->left, b->right) && seq_gt(b->left, tcb->snd_una) &&
           seq_le(b->right, tcb->snd_max);
}

bool sack_has_news(const struct tcb *tcb, const struct segment *s)
{
    for (uint32_t i = 0; i < s->h.sack_count; i++)
        if (is_valid(tcb, &s->h.sack[i]))
            return true;
    return false;
}

/* For TCP_INFO; Linux: in segments, tcp_dsack_seen. */
void sack_count_duplicates(struct tcb *tcb, const struct segment *s)
{
    uint32_t bytes = s->h.sack[0].right - s->h.sack[0].left;

    if (tcb->flow && is_duplicate(s) && bytes <= tcb_max_wnd(tcb))
        tcb->flow->dsack_dups += (bytes + tcb->mss - 1) / tcb->mss;
}

/* The valid ones from the i-th on, the lowest first: the newest, which comes first in s, may follow
 * others that no acknowledgement has told of so far, and these are not late for that. */
static uint32_t sort(const struct tcb *tcb, const struct segment *s, uint32_t i,
                     struct sack_block *to)
{
    uint32_t n = 0, at;

    for (; i < s->h.sack_count; i++) {
        if (!is_valid(tcb, &s->h.sack[i]))
            continue;
        for (at = n++; at && seq_gt(to[at - 1].left, s->h.sack[i].left); at--)
            to[at] = to[at - 1];
        to[at] = s->h.sack[i];
    }
    return n;
}

void sack_take(struct tcb *tcb, const struct segment *s, struct tally *t)
{
    struct sack_block blocks[HF_COUNT(s->h.sack)];
    uint32_t i = 0, n;

    if (is_duplicate(s)) {
        const struct sack_block *b = s->h.sack;

        /* Only of what was sent not long ago: anything else is made up. */
        if (seq_le(b->right, tcb->snd_max) &&
            (seq_ge(b->left, tcb->snd_una) || tcb->snd_una - b->left <= tcb_max_wnd(tcb))) {
            t->dsack_bytes = b->right - b->left;
            rack_widen(tcb);
        }
        i = 1;
    }
    n = sort(tcb, s, i, blocks);
    for (i = 0; i < n; i++)
        board_sack(tcb, &blocks[i], t, s);
    board_note_reordering(tcb, t);
}
