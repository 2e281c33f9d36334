/* Both ends of one connection in this stack, and both at rest: nothing is unanswered, kept back,
 * missing or about to be acknowledged. Then what a segment and its acknowledgement would do is
 * known beforehand, and is done at once, without them: bytes go into the peer's receive queue, the
 * window comes back, and everything that can be asked (TCP_INFO, the stack's counters) says what
 * it would have said. Whenever one of the conditions does not hold, segments go their usual way
 * over the loopback link. */
#include "net/path.h"
#include "transport/tcp/flow.h"
#include "transport/tcp/ring.h"

/* Nothing is on its way from tcb, nor owed by it. */
static bool is_quiet(const struct tcb *tcb)
{
    bool owes = tcb->ack_now || tcb->delack_due || tcb->ooo.last || tcb->urgent != URGENT_NONE;
    bool waits = tcb->sndq.len || tcb->snd_max != tcb->snd_una || tcb->rexmt_due;

    return !owes && !waits && !repair_of(tcb) && !tcb->is_timed && !tcb->snd_urgent;
}

static bool is_open(const struct tcb *tcb)
{
    return tcb->state == TCP_ESTABLISHED && !tcb->is_child && !tcb->fin_queued;
}

struct tcb *twin_quiet(const struct tcb *tcb)
{
    const struct demux_entry *at = &tcb->pcb.entry;
    const struct path *path = tcb->pcb.path;
    struct demux_entry *e;
    struct tcb *twin;

    if (!path || !path->hands_over || path_is_stale(path) || !addr_eq(&at->laddr, &path->src) ||
        !is_quiet(tcb))
        return NULL;
    e = demux_find_peer(&tcb->tcp->demux, at, path->link->index);
    if (!e || e->kind != DEMUX_CONN)
        return NULL;
    twin = tcb_of(e);
    if (twin == tcb || !is_quiet(twin) || twin->rcv_nxt != tcb->snd_nxt ||
        tcb->rcv_nxt != twin->snd_nxt)
        return NULL;
    return pcb_ip(&tcb->pcb, &at->raddr)->least_ttl || pcb_ip(&twin->pcb, &at->laddr)->least_ttl
               ? NULL
               : twin;
}

/* The other end, when both are at rest and agree on what has been said; else NULL. */
static struct tcb *twin_of(struct tcb *tcb)
{
    struct tcb *twin = is_open(tcb) ? twin_quiet(tcb) : NULL;

    return twin && is_open(twin) ? twin : NULL;
}

void twin_count(struct tcb *from, struct tcb *to)
{
    struct hf_stack_stats *stats = &from->tcp->core->stats;

    from->segs_out++;
    to->segs_in++;
    stats->segments_out++;
    stats->segments_in++;
    stats->packets_out++;
    stats->packets_in++;
}

/* The rate of delivery is what a round trip of next to nothing makes of it. */
static void count_data(struct tcb *from, struct tcb *to, uint32_t bytes)
{
    struct flow *out = flow_of(from), *in = flow_of(to);
    uint32_t now = tcp_ms(from->tcp);

    twin_count(from, to);
    from->last_snd = now;
    if (out) {
        out->data_segs_out++;
        out->sent_once++;
        out->rate_bytes = HF_MAX(out->rate_bytes, bytes);
        out->rate_us = HF_MAX(out->rate_us, 1u);
    }
    if (in) {
        in->data_segs_in++;
        in->data_came = now;
    }
}

/* What twin's acknowledgement would tell tcb. */
static void acknowledge(struct tcb *tcb, struct tcb *twin)
{
    tcb->snd_una = tcb->snd_nxt = tcb->snd_max = tcb->snd_sml = twin->rcv_nxt;
    tcb->snd_wl1 = twin->snd_nxt;
    tcb->snd_wnd = receive_window(twin);
    tcb->max_window = HF_MAX(tcb->max_window, (uint16_t)(tcb->snd_wnd >> tcb->snd_wscale));
    tcb->last_rcv = tcp_ms(tcb->tcp);
    tcb->keep_probes = 0;
    twin->last_ack_sent = twin->rcv_nxt;
    twin->pushed = 0;
}

/* One segment's bytes. False: the peer has no memory for them. Takes f. */
static bool hand_over(struct tcb *tcb, struct tcb *twin, struct hf_frame *f)
{
    uint32_t len = f->len;

    if (!receive_handed(twin, f)) {
        hf_frame_free(f);
        return false;
    }
    output_answered(tcb);
    count_data(tcb, twin, len);
    twin->last_rcv = tcp_ms(tcb->tcp);
    twin->keep_probes = 0;
    twin->open.rcv_wraps += twin->rcv_nxt - twin->irs < len;
    tcb->open.snd_wraps += twin->rcv_nxt - tcb->iss < len;
    /* An acknowledgement by itself; else it would travel with an answer or a later one. */
    if (twin->quick_acks && !twin->pingpong) {
        twin->quick_acks--;
        twin_count(twin, tcb);
    }
    acknowledge(tcb, twin);
    return true;
}

/* A frame with the next len bytes of the vector, *i and *off saying where they begin; NULL without
 * memory. */
static struct hf_frame *fill(struct tcb *tcb, const struct hf_iovec *iov, size_t *i, size_t *off,
                             uint32_t len)
{
    struct hf_frame *f = hf_frame_new(tcb->tcp->core->pool);

    while (f && f->len < len) {
        uint32_t n = (uint32_t)HF_MIN((size_t)(len - f->len), iov[*i].len - *off);

        if (n && !hf_frame_append(f, (const char *)iov[*i].base + *off, n)) {
            hf_frame_free(f);
            return NULL;
        }
        *off += n;
        if (*off == iov[*i].len) {
            ++*i;
            *off = 0;
        }
    }
    return f;
}

size_t twin_send(struct tcb *tcb, const struct hf_iovec *iov, size_t want)
{
    struct tcb *twin = tcb->opts.cork ? NULL : twin_of(tcb);
    size_t done = 0, i = 0, off = 0;

    while (twin && done < want) {
        uint32_t len = (uint32_t)HF_MIN(want - done, (size_t)tcb->mss);
        struct hf_frame *f = len <= tcb->snd_wnd ? fill(tcb, iov, &i, &off, len) : NULL;

        if (!f || !hand_over(tcb, twin, f))
            break;
        done += len;
    }
    if (done)
        tcp_event(twin);
    return done;
}

/* How long the peer takes to fill a window is measured with these bytes: rtt_window_filled. */
static bool fills_window(const struct tcb *twin, uint32_t len)
{
    return twin->flow && !seq_lt(twin->rcv_nxt + len, twin->flow->rcv_rtt_end);
}

size_t twin_send_now(struct tcb *tcb, const void *buf, size_t len)
{
    struct tcb *twin = tcb->opts.cork || len > tcb->mss || len > tcb->snd_wnd ? NULL : twin_of(tcb);
    struct hf_frame *f;

    if (!twin || fills_window(twin, (uint32_t)len))
        return 0;
    f = hf_frame_new(tcb->tcp->core->pool);
    if (!f)
        return 0;
    if (!hf_frame_append(f, buf, (uint32_t)len)) {
        hf_frame_free(f);
        return 0;
    }
    if (!hand_over(tcb, twin, f))
        return 0;
    tcp_event(twin);
    return len;
}

bool twin_window(struct tcb *tcb)
{
    struct tcb *twin = twin_of(tcb);

    if (!twin)
        return false;
    acknowledge(twin, tcb);
    twin_count(tcb, twin);
    return true;
}
