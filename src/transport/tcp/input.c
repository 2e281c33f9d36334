/* SEGMENT ARRIVES. RFC 9293 3.10.7: one switch; CLOSED, LISTEN (listen.c) and SYN-SENT each by
 * itself, the other states through the steps in the standard's order. A step returns false when the
 * segment is dealt with or the connection is gone: nobody touches tcb then. */
#include "transport/tcp/fastopen.h"
#include "transport/tcp/mtu.h"

#define PAWS_IDLE_MS (24u * 86400u * 1000u) /* RFC 7323 5.5 */
#define PAWS_SLACK   1                      /* Linux: TCP_PAWS_WINDOW */

void segment_drop(struct core *core, struct segment *s, enum hf_drop reason)
{
    core_drop(core, reason, s->f);
    s->f = NULL;
}

static bool drop(struct tcb *tcb, struct segment *s, enum hf_drop reason)
{
    segment_drop(tcb->tcp->core, s, reason);
    return false;
}

/* RFC 5961 3.2, 4.2, 5.2: says what we expect, so that who really is the peer can tell. */
static bool challenge(struct tcb *tcb, struct segment *s, enum hf_drop reason)
{
    if (reset_challenge_allowed(tcb->tcp))
        output_ack(tcb);
    return drop(tcb, s, reason);
}

/* ---- SYN-SENT, RFC 9293 3.10.7.3 ---- */

/* RFC 7323 3.2: the timestamp that the answer to our SYN echoes is one that a SYN had. */
static bool echoes_our_time(const struct tcb *tcb, const struct segment *s)
{
    const struct tcp *tcp = tcb->tcp;
    uint32_t first = (uint32_t)(tcb->open.began / HF_MS) + tcb->ts_offset, echo = s->h.ts_ecr;

    return !tcp->timestamps || !s->h.has_timestamps || !echo ||
           (seq_ge(echo, first) && seq_le(echo, tcp_ms(tcp) + tcb->ts_offset));
}

/* The peer's numbers and options. */
static void take_syn(struct tcb *tcb, const struct segment *s)
{
    tcb->rcv_nxt = s->seq + 1;
    tcb->last_rcv = tcp_ms(tcb->tcp);
    options_from_syn(tcb, &s->h);
    options_ecn(tcb, s);
    receive_start(tcb);
    tcb->pcb.soft_err = 0;
}

static void syn_acked(struct tcb *tcb, const struct segment *s)
{
    tcb->rcv_adv = tcb->rcv_nxt + HF_MIN(tcb->rcvbuf / 2, 65535u);
    open_established(tcb, s);
    if (tcb->pcb.path)
        path_confirm(tcb->pcb.path);
}

void input_syn_ack(struct tcb *tcb, const struct segment *s)
{
    take_syn(tcb, s);
    syn_acked(tcb, s);
}

/* NetSem deliver_in_2, deliver_in_2a, deliver_in_7c, deliver_in_7d. */
static void syn_sent_input(struct tcb *tcb, struct segment *s)
{
    uint8_t flags = s->h.flags;
    struct tcp *tcp = tcb->tcp;
    bool waits;

    if (flags & TCP_ACK && (seq_le(s->h.ack, tcb->snd_una) || seq_gt(s->h.ack, tcb->snd_max) ||
                            !echoes_our_time(tcb, s))) {
        reset_answer(tcp, s, HF_DROP_TCP_BAD_ACK);
        return;
    }
    if (flags & TCP_RST) {
        if (flags & TCP_ACK)
            tcp_fail(tcb, HF_ECONNREFUSED); /* C24 */
        else
            drop(tcb, s, HF_DROP_TCP_RST_INEXACT);
        return;
    }
    if (!(flags & TCP_SYN)) {
        drop(tcb, s, HF_DROP_TCP_NO_FLAGS);
        return;
    }
    if (!tcp->up->wanted(tcb)) { /* NetSem close_7 */
        tcp_disconnect(tcb);
        reset_answer(tcp, s, HF_DROP_TCP_NO_SOCKET);
        return;
    }
    take_syn(tcb, s);
    if (flags & TCP_ACK) {
        waits = tcb->fo_waits && tcb->sndq.len == s->h.ack - tcb->snd_una - 1;
        syn_acked(tcb, s);
        if (waits) { /* Linux: who waits with more to send lets that carry the acknowledgement */
            tcb->got_data = 1;
            tcb->delack_due = timer_due(tcb, DELACK_MAX_MS);
        } else {
            tcb->ack_now = 1;
        }
        if (fastopen_answered(tcb, s))
            tcp_output(tcb);
    } else {
        /* Both ends opened at once, or we to ourselves: RFC 9293 3.5, MUST-10, figure 8. */
        tcb->snd_wnd = s->h.window;
        tcb->snd_wl1 = s->seq;
        tcp_set_state(tcb, TCP_SYN_RECEIVED);
        output_syn(tcb);
    }
}

/* ---- a held connection: nothing has answered its SYN yet ---- */

static void held_input(struct tcb *tcb, struct segment *s)
{
    uint8_t flags = s->h.flags;

    if (flags & TCP_RST && s->seq == tcb->rcv_nxt) {
        drop(tcb, s, HF_DROP_TCP_NO_SOCKET);
        tcp_fail(tcb, HF_ECONNRESET);
        return;
    }
    if ((flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN) {
        if (s->seq != tcb->rcv_nxt - 1) {
            /* Its owner began anew: that SYN, repeated, is the next held connection. */
            drop(tcb, s, HF_DROP_TCP_DUPLICATE);
            tcp_fail(tcb, HF_ECONNRESET);
            return;
        }
        tcb->last_rcv = tcp_ms(tcb->tcp);
        tcb->retries += tcb->retries < UINT8_MAX;
    }
    drop(tcb, s, HF_DROP_TCP_DUPLICATE);
}

/* ---- the other states, RFC 9293 3.10.7.4 ---- */

/* RFC 7323 5.3 R1, with Linux's slack of one tick; an idle connection's ts_recent is
 * forgotten, 5.5.
 */
static bool is_old_by_timestamp(const struct tcb *tcb, const struct segment *s)
{
    return tcb->ts_ok && s->h.has_timestamps && !(s->h.flags & TCP_RST) &&
           (int32_t)(s->h.ts_val - tcb->ts_recent) < -PAWS_SLACK &&
           tcp_ms(tcb->tcp) - tcb->last_rcv < PAWS_IDLE_MS;
}

/* Not ours to take: says where we stand (an RST gets no answer). Empty ones are answered within
 * the limit of challenge ACKs, so that two ends at odds do not talk for ever. */
static bool unacceptable(struct tcb *tcb, struct segment *s, enum hf_drop reason)
{
    if (s->h.flags & TCP_RST)
        return drop(tcb, s, reason);
    if (tcb->state == TCP_SYN_RECEIVED && s->h.flags & TCP_SYN && !(s->h.flags & TCP_ACK) &&
        s->seq == tcb->irs - 1) { /* the peer has not heard our SYN-ACK */
        tcb->is_timed = 0;        /* Karn: RFC 6298 3 */
        output_syn(tcb);
        return drop(tcb, s, HF_DROP_TCP_DUPLICATE);
    }
    if (s->len || s->h.flags & TCP_FIN) {
        if (seq_lt(s->seq, tcb->rcv_nxt)) /* Linux: tcp_send_dupack */
            sack_duplicate(tcb, s->seq,
                           seq_lt(segment_end(s), tcb->rcv_nxt) ? segment_end(s) : tcb->rcv_nxt);
        output_ack(tcb);
        return drop(tcb, s, reason);
    }
    return challenge(tcb, s, reason);
}

/* Linux, tcp_reset_check: macOS ends the connection of a program that was killed by a FIN and then
 * a RST with the FIN's own number. */
static bool is_reset_with_fin(const struct tcb *tcb, const struct segment *s)
{
    return s->h.flags & TCP_RST && tcb->fin_received && s->seq == tcb->rcv_nxt - 1;
}

/* First: the sequence number. Linux lets pure ACKs be as old as our newest ACK. At the edge of a
 * closed window all goes on, for what is not bytes: RFC 9293 MUST-66. */
static bool step_seq(struct tcb *tcb, struct segment *s)
{
    uint32_t end;

    /* Simultaneous open: the SYN of this SYN-ACK has been taken; the rest is news. */
    if (tcb->state == TCP_SYN_RECEIVED && s->seq == tcb->rcv_nxt - 1 &&
        (s->h.flags & (TCP_SYN | TCP_ACK | TCP_RST)) == (TCP_SYN | TCP_ACK) && !tcb->is_passive) {
        s->h.flags &= (uint8_t)~TCP_SYN;
        s->h.window = (uint16_t)(s->h.window >> tcb->snd_wscale);
        sack_duplicate(tcb, s->seq, s->seq + 1);
        tcb->ack_now = 1;
        s->seq++;
    }
    if (is_old_by_timestamp(tcb, s))
        return unacceptable(tcb, s, HF_DROP_TCP_PAWS);
    if (is_reset_with_fin(tcb, s))
        return true;
    end = segment_end(s);
    if (end == s->seq ? seq_lt(s->seq, tcb->last_ack_sent) : seq_le(end, tcb->rcv_nxt))
        return unacceptable(tcb, s, HF_DROP_TCP_OLD);
    if (seq_gt(s->seq, tcb->rcv_adv) && seq_gt(s->seq, tcb->rcv_nxt))
        return unacceptable(tcb, s, HF_DROP_TCP_WINDOW);
    return true;
}

/* RFC 9293 MUST-12; Linux: tcp_reset. */
static int reset_error(const struct tcb *tcb)
{
    return tcb->state == TCP_CLOSE_WAIT ? HF_EPIPE : HF_ECONNRESET;
}

/* Second. RFC 5961 3.2, RFC 9293 SHLD-2. NetSem deliver_in_7, deliver_in_7a. */
static bool step_rst(struct tcb *tcb, struct segment *s)
{
    if (!(s->h.flags & TCP_RST))
        return true;
    if (s->seq != tcb->rcv_nxt && !is_reset_with_fin(tcb, s)) {
        fastopen_false_reset(tcb);
        return challenge(tcb, s, HF_DROP_TCP_RST_INEXACT);
    }
    fastopen_settled(tcb, true);
    tcp_fail(tcb, reset_error(tcb));
    return false;
}

/* Fourth. RFC 5961 4.2. What came from a listener goes back to it, as on Linux with a RST. NetSem
 * deliver_in_8. */
static bool step_syn(struct tcb *tcb, struct segment *s)
{
    if (!(s->h.flags & TCP_SYN))
        return true;
    if (tcb->state == TCP_SYN_RECEIVED && tcb->is_child && !tcb->fo_pending) {
        reset_answer(tcb->tcp, s, HF_DROP_TCP_SYN_IN_WINDOW);
        tcp_fail(tcb, HF_ECONNRESET);
        return false;
    }
    return challenge(tcb, s, HF_DROP_TCP_SYN_IN_WINDOW);
}

/* Fifth, in SYN-RECEIVED. NetSem deliver_in_3c. */
static bool ack_syn_received(struct tcb *tcb, struct segment *s)
{
    if (seq_le(s->h.ack, tcb->snd_una) || seq_gt(s->h.ack, tcb->snd_max)) {
        reset_answer(tcb->tcp, s, HF_DROP_TCP_BAD_ACK);
        return false;
    }
    if (tcb->is_child && !listen_has_room(tcb->child.listener))
        return drop(tcb, s, HF_DROP_TCP_BACKLOG);
    /* Linux: TCP_DEFER_ACCEPT waits for data, until the SYN-ACK has been repeated that long. */
    if (tcb->is_child && tcb->opts.defer_accept_s && !s->len && !(s->h.flags & TCP_FIN) &&
        (1u << tcb->retries) - 1 < tcb->opts.defer_accept_s)
        return drop(tcb, s, HF_DROP_TCP_DUPLICATE);
    options_sync_mss(tcb); /* the way may be another since the SYN */
    open_established(tcb, s);
    return true;
}

/* The peer's window, from the newest segment, larger or smaller than before. RFC 9293 MUST-1,
 * REC-1, MUST-34; Linux: tcp_may_update_window. */
static bool take_window(struct tcb *tcb, const struct segment *s, bool is_new)
{
    uint32_t wnd = (uint32_t)s->h.window << tcb->snd_wscale;
    bool changes = wnd != tcb->snd_wnd;

    if (!is_new && !seq_gt(s->seq, tcb->snd_wl1) &&
        !(s->seq == tcb->snd_wl1 && (wnd > tcb->snd_wnd || !wnd)))
        return changes;
    tcb->snd_wl1 = s->seq;
    tcb->snd_wnd = wnd;
    tcb->max_window = HF_MAX(tcb->max_window, s->h.window);
    return changes;
}

/* snd_una moves to ack. */
static void ack_new(struct tcb *tcb, struct segment *s)
{
    uint32_t una = tcb->snd_una, bytes = s->h.ack - una;

    if (s->h.ack - tcb->iss < bytes)
        tcb->open.snd_wraps++;
    send_acked(tcb, HF_MIN(bytes, tcb->sndq.len)); /* one more than the bytes: the FIN */
    tcb->snd_una = s->h.ack;
    tcb->snd_nxt = seq_max(tcb->snd_nxt, tcb->snd_una);
    rtt_acked(tcb, s, una);
    if (tcb->snd_urgent && seq_ge(tcb->snd_una, tcb->snd_up))
        tcb->snd_urgent = 0;
    tcb->pcb.soft_err = 0;
    tcb->retries = tcb->backoff = 0;
    tcb->holds = 0; /* Linux: MSG_MORE is of the call, and this is none */
    tcb->rexmt_since = 0;
    tcb->rexmt_due = 0;
    if (tcb_flight(tcb)) /* RFC 6298 5.3 */
        timer_rexmt(tcb);
    if (!loss_acked(tcb, s, bytes))
        newreno_acked(tcb, s, bytes);
    flow_acked(tcb);
    mtu_acked(tcb);
    if (tcb->pcb.path)
        path_confirm(tcb->pcb.path);
}

/* Our FIN has been acknowledged: false when that was the end. */
bool input_fin_acked(struct tcb *tcb)
{
    switch (tcb->state) {
    case TCP_FIN_WAIT_1:
        tcp_set_state(tcb, TCP_FIN_WAIT_2);
        if (tcb->is_orphan && tcb->opts.linger2_s < 0) {
            output_reset(tcb);
            tcp_done(tcb);
            return false;
        }
        timer_slow(tcb);
        tcp_event(tcb);
        return true;
    case TCP_CLOSING:
        timewait_enter(tcb);
        return false;
    case TCP_LAST_ACK:
        tcp_done(tcb);
        return false;
    default:
        return true;
    }
}

/* The answer to a probe, or to a repeat into a window that has shrunk to nothing: the peer lives.
 * RFC 9293 MUST-35, MUST-37, SHLD-17 */
static void probe_answered(struct tcb *tcb)
{
    tcb->retries = 0;
    tcb->rexmt_since = tcb_flight(tcb) ? timer_due(tcb, 0) : 0;
    if (tcb->snd_wnd && tcb->rexmt_due && tcb->due_for != DUE_FORGETTING) {
        tcb->rexmt_due = 0;
        tcb->backoff = 0;
    }
}

/* Fifth: the acknowledgement. */
static bool step_ack(struct tcb *tcb, struct segment *s)
{
    uint32_t ack = s->h.ack, una = tcb->snd_una;
    bool wnd_changes;

    if (!(s->h.flags & TCP_ACK))
        return drop(tcb, s, HF_DROP_TCP_NO_FLAGS);
    if (tcb->fo_pending && !fastopen_confirmed(tcb, s))
        return false;
    if (tcb->state == TCP_SYN_RECEIVED)
        return ack_syn_received(tcb, s);
    if (seq_gt(ack, tcb->snd_max)) /* limited: the answer may be as wrong in the peer's eyes */
        return challenge(tcb, s, HF_DROP_TCP_BAD_ACK);
    if (seq_lt(ack, tcb->snd_una)) {
        if (tcb->snd_una - ack > tcb_max_wnd(tcb)) /* RFC 5961 5.2, RFC 9293 MAY-12 */
            return challenge(tcb, s, HF_DROP_TCP_BAD_ACK);
        if (s->h.sack_count) /* old, but what it carries may be new */
            (void)!loss_acked(tcb, s, 0);
        return true;
    }
    wnd_changes = take_window(tcb, s, seq_gt(ack, tcb->snd_una));
    if (s->h.sack_count)
        sack_count_duplicates(tcb, s);
    if (seq_gt(ack, tcb->snd_una)) {
        ack_new(tcb, s);
    } else {
        /* RFC 5681 2; with SACK a duplicate tells of something, RFC 6675 2 */
        bool again = !s->len && !wnd_changes && !(s->h.flags & TCP_FIN) && tcb_flight(tcb) &&
                     (!tcb->sack_ok || sack_has_news(tcb, s));

        if (!tcb_flight(tcb) || (!tcb->snd_wnd && !tcb->is_orphan))
            probe_answered(tcb);
        if (!loss_acked(tcb, s, 0) && again)
            newreno_duplicate(tcb);
    }
    if (s->h.flags & TCP_ECE) {
        if (tcb->ecn_ok && tcb->flow)
            tcb->flow->delivered_ce += (tcb->snd_una - una + tcb->mss - 1) / tcb->mss;
        cong_marked(tcb);
    }
    return tcb->fin_sent && !tcb_flight(tcb) ? input_fin_acked(tcb) : true;
}

/* Eighth: the FIN, now that all before it is here. False when that was the end. */
bool input_fin(struct tcb *tcb)
{
    switch (tcb->state) {
    case TCP_ESTABLISHED:
        tcp_set_state(tcb, TCP_CLOSE_WAIT);
        break;
    case TCP_FIN_WAIT_1: /* our FIN acknowledged would have been FIN-WAIT-2 by now */
        tcp_set_state(tcb, TCP_CLOSING);
        break;
    case TCP_FIN_WAIT_2:
        tcb->ack_now = 1;
        timewait_enter(tcb);
        return false;
    default:
        break;
    }
    tcp_event(tcb);
    return true;
}

/* RFC 9293 SHLD-3: new bytes that nobody will read, because the socket is closed or, Linux:
 * because both directions are shut. NetSem deliver_in_3b. */
static bool is_unwanted(const struct tcb *tcb, const struct segment *s)
{
    bool is_shut = tcb->is_orphan || (tcb->opts.shut_recv && tcb->state != TCP_ESTABLISHED);

    return is_shut && s->len && seq_gt(s->seq + s->len, tcb->rcv_nxt);
}

/* RFC 3168 6.1.3: echoed from the mark on until the peer says that it has acted. */
static void take_ecn(struct tcb *tcb, const struct segment *s)
{
    if (!tcb->ecn_ok)
        return;
    if (s->h.flags & TCP_CWR)
        tcb->ecn_echo = 0;
    if ((s->ip->tos & IP_ECN_MASK) == IP_CE) {
        tcb->ecn_echo = 1;
        tcb->ack_now = 1;
    }
}

/* Sixth and seventh: urgent pointer and text; then the FIN. NetSem deliver_in_3. */
static bool step_text(struct tcb *tcb, struct segment *s)
{
    bool takes = tcb->state == TCP_ESTABLISHED || tcb->state == TCP_FIN_WAIT_1 ||
                 tcb->state == TCP_FIN_WAIT_2;

    if (!takes) {
        if (s->len || s->h.flags & TCP_FIN)
            drop(tcb, s, HF_DROP_TCP_DUPLICATE);
        return true;
    }
    urgent_segment(tcb, s);
    if (is_unwanted(tcb, s)) {
        reset_answer(tcb->tcp, s, HF_DROP_TCP_CLOSED); /* at the number the peer expects */
        if (tcb->is_orphan)
            tcp_done(tcb);
        else
            tcp_fail(tcb, HF_ECONNRESET);
        return false;
    }
    if (s->len)
        take_ecn(tcb, s);
    return !receive_segment(tcb, s) || input_fin(tcb);
}

/* RFC 7323 4.3 (2). Of a segment that acknowledges what never was sent nothing is believed: its
 * timestamp might shut out all that follow. */
static void take_timestamp(struct tcb *tcb, const struct segment *s)
{
    bool is_false = s->h.flags & TCP_ACK && seq_gt(s->h.ack, tcb->snd_max);

    if (!tcb->ts_ok || !s->h.has_timestamps || !seq_le(s->seq, tcb->last_ack_sent) || is_false)
        return;
    if ((int32_t)(s->h.ts_val - tcb->ts_recent) >= 0 ||
        tcp_ms(tcb->tcp) - tcb->last_rcv >= PAWS_IDLE_MS)
        tcb->ts_recent = s->h.ts_val;
}

/* Linux: tcp_check_space. Room may have come while nobody looked, as when a window is given back
 * or segments become smaller: who was refused is told all the same. */
static bool has_room_again(struct tcb *tcb, bool was_writable)
{
    if ((was_writable && !tcb->wants_room) || !tcp_writable(tcb))
        return false;
    tcb->wants_room = 0;
    return true;
}

/* The program hears of what has changed for it, an urgent pointer too: RFC 9293 MUST-32. */
void input_segment(struct tcb *tcb, struct segment *s)
{
    bool was_writable, was_urgent;
    uint32_t had, had_up;

    if (!step_seq(tcb, s) || !step_rst(tcb, s) || !step_syn(tcb, s))
        return;
    take_timestamp(tcb, s);
    tcb->last_rcv = tcp_ms(tcb->tcp);
    tcb->keep_probes = 0;
    /* Without news of what was sent, and nothing unsent, that seldom changes. */
    was_writable = (s->h.ack == tcb->snd_una && !tcp_unsent(tcb)) || tcp_writable(tcb);
    had = tcb->rcv_nxt;
    had_up = tcb->rcv_up;
    was_urgent = tcp_urgent_pending(tcb);
    if (!step_ack(tcb, s) || !step_text(tcb, s))
        return;
    if (tcb->rcv_nxt - tcb->irs < tcb->rcv_nxt - had)
        tcb->open.rcv_wraps++;
    tcp_output(tcb);
    if (tcb->rcv_nxt != had || tcb->rcv_up != had_up || was_urgent != tcp_urgent_pending(tcb) ||
        has_room_again(tcb, was_writable))
        tcp_event(tcb);
}

/* ---- from IP ---- */

/* The socket bound there. A SYN finds out which listeners have been closed: they end here. */
static struct demux_entry *find_bound(struct tcp *tcp, const struct segment *s)
{
    const struct ip_info *ip = s->ip;
    bool opens = (s->h.flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
    struct demux_entry *e;

    while ((e = demux_find_bound(&tcp->demux, &ip->dst, s->h.dst_port, &ip->src, s->h.src_port,
                                 ip->link->index)) &&
           opens && tcb_of(e)->state == TCP_LISTEN && !tcp->up->wanted(tcb_of(e)))
        tcp_disconnect(tcb_of(e));
    return e;
}

/* For TCP_INFO; a super-segment is as many as it was on the wire. */
static void count(struct tcb *tcb, const struct segment *s)
{
    uint32_t n = s->f->gso_bytes && s->len ? (s->len + s->f->gso_bytes - 1) / s->f->gso_bytes : 1;

    struct flow *flow = s->len ? flow_of(tcb) : NULL;

    tcb->segs_in += n;
    if (flow) {
        flow->data_segs_in += n;
        flow->data_came = tcp_ms(tcb->tcp);
    }
}

/* NetSem deliver_in_5, deliver_in_6. */
static void dispatch(struct tcp *tcp, struct segment *s)
{
    const struct ip_info *ip = s->ip;
    struct demux_entry *e = demux_find_hashed(&tcp->demux, s->hash, &ip->dst, s->h.dst_port,
                                              &ip->src, s->h.src_port, ip->link->index);
    struct tcb *tcb;

    if (e && e->kind == DEMUX_TIMEWAIT) {
        struct demux_entry *bound = s->h.flags & TCP_SYN ? find_bound(tcp, s) : NULL;

        if (timewait_input(tcp, e, s, bound && tcb_of(bound)->state == TCP_LISTEN))
            return;
        e = bound;
    }
    if (!e)
        e = find_bound(tcp, s);
    if (!e) {
        reset_answer(tcp, s, HF_DROP_TCP_NO_SOCKET);
        return;
    }
    tcb = tcb_of(e);
    if (ip->ttl < pcb_ip(&tcb->pcb, &ip->dst)->least_ttl) { /* RFC 5082 3 */
        segment_drop(tcp->core, s, HF_DROP_TCP_TTL);
        return;
    }
    if (e->kind == DEMUX_CONN)
        count(tcb, s);
    switch (tcb->state) {
    case TCP_LISTEN:
        listen_input(tcb, s);
        break;
    case TCP_SYN_SENT:
        syn_sent_input(tcb, s);
        break;
    case TCP_CLOSED:
        reset_answer(tcp, s, HF_DROP_TCP_NO_SOCKET);
        break;
    default:
        if (tcb->is_held)
            held_input(tcb, s);
        else
            input_segment(tcb, s);
        break;
    }
}

/* NetSem deliver_in_3a. */
void tcp_input(void *ctx, const struct ip_info *ip, struct hf_frame *f)
{
    struct tcp *tcp = ctx;
    struct segment s; /* h is read, or copied, as a whole */

    s.ip = ip;
    s.f = f;
    s.iss = s.rtt_us = 0;
    tcp->core->stats.segments_in++;
    tcp->dsack.of = NULL;
    if (!ip->dst_is_unicast || f->flags & HF_FRAME_LINK_BCAST || addr_is_multicast(&ip->src)) {
        segment_drop(tcp->core, &s, HF_DROP_TCP_NOT_UNICAST); /* RFC 9293 MUST-57 */
        return;
    }
    if (f->flags & HF_FRAME_BARE) {
        memcpy(&s.h, f->room, sizeof(s.h));
        memcpy(&s.hash, f->room + sizeof(s.h), sizeof(s.hash));
    } else if (!ip_transport_csum_ok(f, ip)) {
        segment_drop(tcp->core, &s, HF_DROP_TCP_CSUM); /* RFC 9293 MUST-3 */
        return;
    } else if (!tcp_header_read(f, &s.h)) {
        segment_drop(tcp->core, &s, HF_DROP_TCP_BAD);
        return;
    } else {
        hf_frame_trim_front(f, s.h.header_bytes);
        s.hash = demux_hash(&tcp->demux, &ip->dst, s.h.dst_port, &ip->src, s.h.src_port);
    }
    s.seq = s.h.seq;
    s.len = f->len;
    dispatch(tcp, &s);
    hf_frame_free(s.f);
}
