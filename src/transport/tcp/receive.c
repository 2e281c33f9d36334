/* Bytes from the peer, up to where they are in order: trimming, the window, memory, urgent data.
 * RFC 9293 3.10.7.4 (seventh), 3.8.6.
 *
 * Two rings of frames. rxq is what the program may read, without gaps, ending at rcv_nxt; ooo is
 * what lies beyond (ooo.c). A frame there knows its place (struct place in cb).
 * Each frame is charged to rmem what it holds on to, so that a peer of tiny segments fills its
 * share of memory and no more: they are joined while they fit into one block, else refused. */
#include "transport/tcp/flow.h"
#include "transport/tcp/ring.h"

#define QUICK_ACKS 16 /* Linux: TCP_MAX_QUICKACKS */

static void drop_waiting(struct tcb *tcb)
{
    while (tcb->ooo.last)
        ring_drop(tcb, ring_pop(&tcb->ooo));
    sack_forget(tcb);
}

/* Apart, as it is asked for in vain as a rule. */
__attribute__((noinline)) static void drop_all(struct tcb *tcb)
{
    while (tcb->rxq.last)
        ring_drop(tcb, ring_pop(&tcb->rxq));
    drop_waiting(tcb);
}

void receive_purge(struct tcb *tcb)
{
    if (tcb->state != TCP_LISTEN && (tcb->rxq.last || tcb->ooo.last || tcb->flow))
        drop_all(tcb);
}

void receive_start(struct tcb *tcb)
{
    tcb->irs = tcb->copied_seq = tcb->last_ack_sent = tcb->rcv_nxt;
    tcb->rcv_adv = tcb->rcv_nxt;
    tcb->rcv_mss = (uint16_t)HF_MIN(tcb->mss, 536);
    tcb->quick_acks = QUICK_ACKS;
}

/* ---- the window ---- */

/* RFC 9293 3.8.6.2.2, MUST-39, SHLD-14, MAY-8 (SWS); half of the buffer is for bytes, half for what
 * holds them. The edge never goes back, nor forward by crumbs. RFC 7323 2.4: what the scale cuts
 * off is rounded up only where there is room for it, or a stream of tiny segments would push the
 * edge on for ever; rcv_adv keeps the promise in any case. */
uint32_t receive_window(struct tcb *tcb)
{
    uint32_t unread = tcb->rcv_nxt - tcb->copied_seq, space = tcb->rcvbuf / 2;
    uint32_t scale = tcb->rcv_wscale == UINT8_MAX ? 0 : tcb->rcv_wscale;
    uint32_t unit = (1u << scale) - 1, now = tcb->rcv_adv - tcb->rcv_nxt;
    uint32_t most = 65535u << scale, room, window;

    if (tcb->opts.window_clamp)
        space = HF_MIN(space, tcb->opts.window_clamp);
    room = space > unread && tcb->rmem < tcb->rcvbuf ? space - unread : 0;
    if (room < space / 2 && memory_is_short(tcb)) /* Linux: __tcp_select_window */
        room = HF_MIN(room, 4u * tcb->mss);
    /* Linux: before the handshake is done about as much as a SYN can say. */
    room = HF_MIN(room, tcb->fo_pending ? 65536u : most);
    window = room < now + HF_MIN(space / 2, tcb->mss) ? now : room & ~unit;
    if (((window + unit) & ~unit) <= room)
        window += unit;
    window = HF_MIN(window & ~unit, most);
    tcb->rcv_adv = seq_max(tcb->rcv_adv, tcb->rcv_nxt + window);
    return window;
}

/* A reader that keeps up with the whole window lets the next one be twice as large, if that is of
 * use: asked whenever another quarter of the buffer has been read. */
static bool is_quarter(const struct tcb *tcb, uint32_t seq, uint32_t consumed)
{
    return !tcb->opts.rcvbuf_locked && (seq - tcb->irs) % (tcb->rcvbuf / 4) < consumed;
}

static void grow_buffer(struct tcb *tcb, uint32_t consumed)
{
    uint32_t unread = tcb->rcv_nxt - tcb->copied_seq;

    if (!is_quarter(tcb, tcb->copied_seq, consumed) || memory_is_short(tcb))
        return;
    if (unread <= tcb->rcvbuf / 8 && tcb->rcvbuf / 2 < rtt_bytes(tcb))
        tcb->rcvbuf = HF_MIN(tcb->rcvbuf * 2, HF_MAX(tcb->tcp->rmem_max, tcb->rcvbuf));
}

/* The program has read all there is, and what it read ended a write: its sender may be waiting for
 * the acknowledgement, by Nagle's rule or because its buffer is full, and no answer is going to
 * carry one. Linux: tcp_cleanup_rbuf. */
static bool sender_may_wait(const struct tcb *tcb)
{
    return tcb->delack_due && !tcb->rxq.last && tcb->pushed > tcb->pingpong;
}

/* Of so much that is unread: the window that could be told has grown by something worth a packet,
 * and is twice what the peer knows of. Linux: tcp_cleanup_rbuf. */
static bool is_wider(const struct tcb *tcb, uint32_t unread)
{
    uint32_t known = tcb->rcv_adv - tcb->rcv_nxt, space = tcb->rcvbuf / 2;
    uint32_t scale = tcb->rcv_wscale == UINT8_MAX ? 0 : tcb->rcv_wscale;
    uint32_t open = HF_MIN(space > unread ? space - unread : 0, 65535u << scale);

    if (open < 2 * known)
        return false;
    open = HF_MIN(open, HF_MAX(65535u, 4 * (tcb->rcv_nxt - tcb->irs))); /* what is of use */
    return open >= 2 * known && open - known >= HF_MIN(2u * tcb->rcv_mss, space / 2);
}

bool receive_is_awaited(const struct tcb *tcb, uint32_t consumed)
{
    uint32_t seq = tcb->copied_seq + consumed;

    return tcb->delack_due || is_quarter(tcb, seq, consumed) || is_wider(tcb, tcb->rcv_nxt - seq);
}

/* The program has read: tells the peer of a wider window; smaller growth goes with the next ACK. */
void receive_window_update(struct tcb *tcb, uint32_t consumed)
{
    grow_buffer(tcb, consumed);
    if (tcb->state != TCP_ESTABLISHED && tcb->state != TCP_FIN_WAIT_1 &&
        tcb->state != TCP_FIN_WAIT_2)
        return;
    if (!sender_may_wait(tcb) && !is_wider(tcb, tcb->rcv_nxt - tcb->copied_seq))
        return;
    if (twin_window(tcb))
        return;
    tcb->ack_now = 1;
    tcp_output(tcb);
}

/* ---- taking segments ---- */

/* When to acknowledge what came in order. RFC 9293 MUST-58, SHLD-18, SHLD-19; Linux: 40 ms, and at
 * once while the connection is young. */
static void schedule_ack(struct tcb *tcb, uint32_t len, bool is_push)
{
    if (len && len < tcb->rcv_mss)
        tcb->pushed += tcb->pushed < 2;
    else if (is_push && !tcb->pushed)
        tcb->pushed = 1;
    tcb->got_data = 1;
    tcb->rcv_mss = (uint16_t)HF_MAX(tcb->rcv_mss, HF_MIN(len, tcb->mss));
    if (tcb->ooo.last || tcb->rcv_nxt - tcb->last_ack_sent > tcb->rcv_mss ||
        (tcb->quick_acks && !tcb->pingpong)) {
        tcb->quick_acks -= tcb->quick_acks > 0;
        tcb->ack_now = 1;
        return;
    }
    if (!tcb->delack_due)
        timer_delack(tcb);
}

static void append(struct tcb *tcb, struct hf_frame *f)
{
    struct hf_frame *last = tcb->rxq.last;
    uint8_t *room = last && f->frag_count == 0 ? hf_frame_put(last, f->len) : NULL;

    tcb->rcv_nxt += f->len;
    if (!room && f->len) {
        ring_push(&tcb->rxq, f);
        return;
    }
    if (room)
        hf_frame_read(f, 0, room, f->len);
    ring_drop(tcb, f);
}

/* What the gap's filling has made contiguous, before anything of it is acknowledged: RFC 9293
 * MUST-59. True when the FIN was reached. */
static bool take_waiting(struct tcb *tcb)
{
    bool fin = false;

    while (!fin && tcb->ooo.last && seq_le(place(ring_first(&tcb->ooo))->seq, tcb->rcv_nxt)) {
        struct hf_frame *f = ooo_pop(tcb);
        bool is_new = ring_cut(f, tcb->rcv_nxt, place(f)->seq + f->len);

        fin = is_new && place(f)->has_fin && place(f)->seq == tcb->rcv_nxt;
        if (is_new)
            append(tcb, f);
        else
            ring_drop(tcb, f);
    }
    return fin;
}

/* What f, of whose segment only a part is new, holds on to: all of its pages. Else a peer that says
 * everything again, and each time one byte more, would have it for the price of that byte. */
static uint32_t truesize_of_part(const struct hf_frame *f)
{
    uint32_t bytes = (uint32_t)sizeof(*f);

    for (unsigned i = 0; i < f->frag_count; i++)
        bytes += f->frags[i].page->size;
    return bytes;
}

/* Why so many bytes more are too many; HF_DROP_COUNT: they are not. */
static enum hf_drop excess(const struct tcb *tcb, uint32_t bytes)
{
    if (tcb->rmem + bytes > tcb->rcvbuf)
        return HF_DROP_TCP_RCVBUF;
    return memory_allows(tcb, bytes) ? HF_DROP_COUNT : HF_DROP_TCP_MEMORY;
}

/* Memory for f, so many bytes, at the cost of what lies beyond gaps when f is in order: that can
 * come again, since it was never acknowledged. Where nothing waits to be read a first frame is
 * taken in any case. HF_DROP_COUNT: done; else why not. */
static enum hf_drop charge(struct tcb *tcb, struct hf_frame *f, uint32_t bytes)
{
    bool in_order = place(f)->seq == tcb->rcv_nxt;
    enum hf_drop reason;

    while ((reason = excess(tcb, bytes)) != HF_DROP_COUNT && in_order && tcb->ooo.last) {
        struct hf_frame *dropped = ooo_pop(tcb);

        ring_uncharge(tcb, dropped);
        core_drop(tcb->tcp->core, reason, dropped);
        sack_forget(tcb);
    }
    if (reason != HF_DROP_COUNT && !(in_order && !tcb->rxq.last))
        return reason;
    ring_charge(tcb, f, bytes);
    return HF_DROP_COUNT;
}

bool receive_handed(struct tcb *tcb, struct hf_frame *f)
{
    *place(f) = (struct place){.seq = tcb->rcv_nxt};
    if (charge(tcb, f, hf_frame_truesize(f)) != HF_DROP_COUNT)
        return false;
    tcb->got_data = 1;
    tcb->rcv_mss = (uint16_t)HF_MAX(tcb->rcv_mss, HF_MIN(f->len, tcb->mss));
    append(tcb, f);
    rtt_received(tcb);
    return true;
}

/* Before the frame is trimmed and queued: RFC 9293 3.10.7.4, first check's trimming. */
bool receive_segment(struct tcb *tcb, struct segment *s)
{
    struct core *core = tcb->tcp->core;
    struct hf_frame *f = s->f;
    uint32_t end = s->seq + s->len, rcv_nxt = tcb->rcv_nxt;
    enum hf_drop reason;
    bool fin;

    s->f = NULL;
    *place(f) = (struct place){.seq = s->seq, .has_fin = !!(s->h.flags & TCP_FIN)};
    if (!s->len && !place(f)->has_fin) {
        hf_frame_free(f);
        return false;
    }
    rtt_came(tcb, s);
    if (tcb->fin_received || (seq_le(end + place(f)->has_fin, rcv_nxt))) {
        sack_duplicate(tcb, s->seq, end);
        core_drop(core, HF_DROP_TCP_DUPLICATE, f);
        tcb->ack_now = 1;
        return false;
    }
    if (seq_lt(s->seq, rcv_nxt))
        sack_duplicate(tcb, s->seq, rcv_nxt);
    if (!ring_cut(f, rcv_nxt, tcb->rcv_adv)) {
        core_drop(core, HF_DROP_TCP_WINDOW, f);
        tcb->ack_now = 1; /* a probe of our closed window: MUST-37 */
        return false;
    }
    reason = charge(tcb, f, f->len < s->len ? truesize_of_part(f) : hf_frame_truesize(f));
    if (reason != HF_DROP_COUNT) {
        core_drop(core, reason, f);
        tcb->ack_now = 1;
        return false;
    }
    if (seq_gt(place(f)->seq, rcv_nxt)) {
        if (tcb->flow)
            tcb->flow->ooo_in++;
        ooo_keep(tcb, f);
        tcb->ack_now = 1; /* RFC 5681 4.2, RFC 9293 MAY-13: at once */
        tcb->quick_acks = HF_MAX(tcb->quick_acks, 2);
        return false;
    }
    fin = place(f)->has_fin;
    append(tcb, f);
    if (tcb->ooo.last) {
        tcb->ack_now = 1;
        fin |= take_waiting(tcb);
        sack_filled(tcb);
    }
    schedule_ack(tcb, s->len, s->h.flags & TCP_PSH);
    rtt_received(tcb);
    if (fin) {
        tcb->fin_received = 1;
        tcb->rcv_nxt++;
        tcb->ack_now = 1;
        drop_waiting(tcb); /* the FIN again, or what cannot be behind it */
    }
    return fin;
}
