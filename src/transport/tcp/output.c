/* What to send, and the building of segments. RFC 9293 3.8.6.2.1, 3.10.
 *
 * tcp_output sends from snd_nxt on as far as the peer's window, the congestion window, Nagle and
 * cork allow; after a timeout snd_nxt stands at snd_una again and the same code repeats what was
 * sent. While nothing is being repaired a link that takes them gets super-segments. */
#include <assert.h>

#include "handfast/linux.h"
#include "net/handover.h"
#include "transport/tcp/mtu.h"
#include "transport/tcp/repair.h"

#define PACING_SHIFT 10 /* Linux: sk_pacing_shift, about a millisecond's worth */
#define NEAR_SHIFT   9  /* Linux: tcp_tso_rtt_log */

/* What each state says in every segment. RFC 9293 3.10.7, figure 5. */
static const uint8_t state_flags[] = {
    [TCP_CLOSED] = 0,
    [TCP_LISTEN] = 0,
    [TCP_SYN_SENT] = TCP_SYN,
    [TCP_SYN_RECEIVED] = TCP_SYN | TCP_ACK,
    [TCP_ESTABLISHED] = TCP_ACK,
    [TCP_FIN_WAIT_1] = TCP_ACK,
    [TCP_FIN_WAIT_2] = TCP_ACK,
    [TCP_CLOSE_WAIT] = TCP_ACK,
    [TCP_CLOSING] = TCP_ACK,
    [TCP_LAST_ACK] = TCP_ACK,
    [TCP_TIME_WAIT] = TCP_ACK,
};
static_assert(HF_COUNT(state_flags) == TCP_TIME_WAIT + 1, "a row for each state");

static_assert(sizeof(struct tcp_header) + sizeof(uint32_t) <= HF_FRAME_HEADROOM,
              "a header fits where it would stand");

/* For TCP_INFO; Linux counts no SYN-ACK, nor what a super-segment is not on the wire. */
static void count(struct tcb *tcb, const struct hf_frame *f, const struct tcp_header *h)
{
    uint32_t n = f->gso_bytes ? (f->len + f->gso_bytes - 1) / f->gso_bytes : 1;

    if (h->flags & TCP_SYN && tcb->is_passive)
        return;
    tcb->segs_out += n;
    if (f->len && tcb->flow)
        tcb->flow->data_segs_out += n;
}

/* Data that goes out soon after data came: an answer. Linux: tcp_event_data_sent. */
void output_answered(struct tcb *tcb)
{
    if (tcb->got_data && tcp_ms(tcb->tcp) - tcb->last_rcv < DELACK_MS)
        tcb->pingpong = 1;
    tcb->got_data = 0;
}

/* RFC 3168 6.1.2, 6.1.5, RFC 9293 SHLD-8: new data may be marked, and is told of a window that was
 * cut. */
static uint8_t mark_ecn(struct tcb *tcb, const struct hf_frame *f, struct tcp_header *h)
{
    if (!tcb->ecn_ok || h->flags & TCP_RST)
        return 0;
    if (h->flags & TCP_SYN) {
        /* RFC 3168 6.1.1, 6.1.1.1: a SYN that is repeated does not ask, as asking may be why it was
         * lost. */
        h->flags |= h->flags & TCP_ACK ? TCP_ECE : tcb->retries ? 0 : TCP_ECE | TCP_CWR;
        return 0;
    }
    if (tcb->ecn_echo)
        h->flags |= TCP_ECE;
    if (!f->len || seq_lt(h->seq, tcb->snd_max))
        return 0;
    if (tcb->cwr_due)
        h->flags |= TCP_CWR;
    tcb->cwr_due = 0;
    return IP_ECT0;
}

/* RFC 9293 MUST-2 */
int output_segment(struct tcp *tcp, struct hf_frame *f, struct tcp_header *h,
                   const struct ip_out *out, uint32_t hash)
{
    tcp->core->stats.segments_out++;
    if (handover_takes(f, out)) {
        tcp_header_settle(h);
        memcpy(f->room, h, sizeof(*h));
        memcpy(f->room + sizeof(*h), &hash, sizeof(hash));
        handover_send(tcp->net, f, out);
        return 0;
    }
    tcp_header_write(h, hf_frame_push(f, tcp_header_size(h)));
    ip_transport_csum(f, out, 16);
    return ip_output(tcp->net, f, out);
}

struct hf_frame *output_outside(struct tcp *tcp, struct ip_out *out, uint16_t dst_port,
                                uint32_t link_index)
{
    struct path_query q = {
        .dst = out->dst,
        .src = out->src,
        .link_index = link_index,
        .port = dst_port,
        .proto = out->proto,
    };
    struct hf_frame *f;

    if (path_find(tcp->net, &q, &out->path)) {
        core_drop(tcp->core, HF_DROP_IP_NO_ROUTE, NULL);
        return NULL;
    }
    f = hf_frame_new(tcp->core->pool);
    if (!f) {
        core_drop(tcp->core, HF_DROP_NO_MEMORY, NULL);
        path_put(out->path);
    }
    return f;
}

/* On the way, by routers. Linux: ip_dont_fragment. */
static bool may_be_cut(const struct pcb *pcb, struct path *path)
{
    int how = pcb_pmtudisc(pcb, &pcb->entry.raddr);

    return how == HF_IP_PMTUDISC_DONT || (how == HF_IP_PMTUDISC_WANT && path_may_be_cut(path));
}

/* The header in front of f, then out. Whatever is sent acknowledges; what the program wants IP to
 * know goes along: RFC 9293 MUST-48, SHLD-21, SHLD-22, MUST-49. Takes f. */
static void emit(struct tcb *tcb, struct hf_frame *f, struct tcp_header *h, struct path *path)
{
    struct tcp *tcp = tcb->tcp;
    const struct pcb *pcb = &tcb->pcb;
    const struct pcb_ip *ip = pcb_ip(pcb, &pcb->entry.raddr);
    struct ip_out out = {
        .path = path,
        .src = pcb->entry.laddr,
        .dst = pcb->entry.raddr,
        .proto = HF_IPPROTO_TCP,
        .ttl = ip->ttl,
        .tos = ip->tos | mark_ecn(tcb, f, h),
        .dont_fragment = !may_be_cut(pcb, path),
    };

    h->src_port = pcb->entry.lport;
    h->dst_port = pcb->entry.rport;
    if (h->flags & TCP_ACK)
        h->ack = tcb->rcv_nxt;
    if (tcb->ts_ok && !(h->flags & TCP_SYN))
        h->has_timestamps = true;
    if (h->has_timestamps) {
        h->ts_val = tcp_ms(tcp) + tcb->ts_offset;
        h->ts_ecr = h->flags & TCP_ACK ? tcb->ts_recent : 0;
    }
    if (!f->len && !(h->flags & (TCP_SYN | TCP_RST)) && sack_is_due(tcb))
        sack_write(tcb, h);
    count(tcb, f, h);
    if (f->len)
        output_answered(tcb);
    if (h->flags & TCP_ACK) {
        tcb->last_ack_sent = tcb->rcv_nxt;
        tcb->ack_now = 0;
        tcb->delack_due = 0;
        tcb->pushed = 0;
    }
    if (output_segment(tcp, f, h, &out, tcb->pcb.entry.node.hash) == -HF_EMSGSIZE)
        options_sync_mss(tcb);
}

static uint16_t window_field(struct tcb *tcb, uint8_t flags)
{
    uint32_t scale = tcb->rcv_wscale == UINT8_MAX ? 0 : tcb->rcv_wscale;

    if (flags & TCP_SYN) /* RFC 7323 2.2: not scaled */
        return (uint16_t)HF_MIN(tcb->rcvbuf / 2, 65535u);
    return (uint16_t)(receive_window(tcb) >> scale);
}

/* A segment without payload. False without memory or a way. */
static bool emit_bare(struct tcb *tcb, uint32_t seq, uint8_t flags)
{
    struct path *path = tcb_path(tcb);
    struct hf_frame *f = path ? hf_frame_new(tcb->tcp->core->pool) : NULL;
    struct tcp_header h = {.seq = seq, .flags = flags};

    if (!f) {
        core_drop(tcb->tcp->core, path ? HF_DROP_NO_MEMORY : HF_DROP_IP_NO_ROUTE, NULL);
        return false;
    }
    if (flags & TCP_SYN)
        options_syn(tcb, &h);
    h.window = window_field(tcb, flags);
    emit(tcb, f, &h, path);
    return true;
}

/* A SYN, or SYN-ACK, has gone out. What a SYN's window promises stands once the handshake is done.
 */
static void note_syn(struct tcb *tcb)
{
    tcb->rcv_adv = seq_max(tcb->rcv_adv, tcb->rcv_nxt + window_field(tcb, TCP_SYN));
    if (!tcb->is_passive && !tcb->is_child)
        tcb->open.syns_sent++;
    if (!tcb->is_timed && !tcb->rexmt_since) {
        tcb->is_timed = 1;
        tcb->rtt_seq = tcb->iss + 1;
        tcb->rtt_at = tcp_us(tcb->tcp);
    }
    tcb->snd_nxt = tcb->snd_max = seq_max(tcb->snd_max, tcb->iss + 1);
    timer_rexmt(tcb);
}

void output_first_syn(struct tcb *tcb, const struct tcp_header *fo, uint32_t bytes)
{
    struct path *path = tcb_path(tcb);
    struct hf_frame *f = path ? hf_frame_new(tcb->tcp->core->pool) : NULL;
    struct tcp_header h = *fo;
    uint32_t got = f && bytes ? byteq_gather(&tcb->sndq, 0, bytes, f) : 0;
    struct flow *flow = got ? flow_of(tcb) : NULL;

    h.seq = tcb->iss;
    h.flags = state_flags[tcb->state];
    options_syn(tcb, &h);
    h.window = window_field(tcb, TCP_SYN);
    if (flow)
        flow->sent_once++;
    if (f && got == bytes)
        emit(tcb, f, &h, path);
    else
        core_drop(tcb->tcp->core, path ? HF_DROP_NO_MEMORY : HF_DROP_IP_NO_ROUTE, f);
    note_syn(tcb);
    tcb->snd_nxt = tcb->snd_max = tcb->iss + 1 + bytes;
}

void output_syn(struct tcb *tcb)
{
    uint8_t flags = tcb->fo_pending ? TCP_SYN | TCP_ACK : state_flags[tcb->state];

    emit_bare(tcb, tcb->iss, flags);
    note_syn(tcb);
}

void output_ack(struct tcb *tcb)
{
    if (!emit_bare(tcb, tcb->snd_max, TCP_ACK))
        timer_delack(tcb);
    timer_update(tcb);
}

void output_probe(struct tcb *tcb)
{
    emit_bare(tcb, tcb->snd_una - 1, TCP_ACK);
}

/* RFC 9293 3.10.4, 3.10.5: RST at SND.NXT; with the ACK Linux puts there. */
void output_reset(struct tcb *tcb)
{
    emit_bare(tcb, tcb->snd_max, TCP_RST | TCP_ACK);
}

static bool corked(const struct tcb *tcb)
{
    return tcb->opts.cork || tcb->holds;
}

/* More than one segment where the link cuts them up. Linux lets
 * half of the congestion window go at once, and no more than the pacing rate makes in a millisecond
 * or so, but a near peer gets large ones in any case: tcp_cwnd_test, tcp_tso_autosize. */
uint32_t output_limit(const struct tcb *tcb)
{
    const struct path *path = tcb->pcb.path;
    uint32_t headers = (tcb_is4(tcb) ? 20 : 40) + TCP_HEADER_MAX, mss = tcb->mss;
    uint32_t gso = path ? HF_MIN(path->link->gso_max, HF_FRAME_MAX) : 0,
             near = tcb->min_rtt_us >> NEAR_SHIFT;
    uint64_t most;

    if (tcb->snd_urgent || gso < headers + 2 * mss)
        return mss;
    gso -= headers;
    most = (HF_MIN(cong_pacing_rate(tcb), tcp_max_rate(tcb)) >> PACING_SHIFT) +
           (near < 32 ? gso >> near : 0);
    most = HF_MAX(most / mss, tcb->tcp->min_tso_segs);
    most = HF_MIN(most, HF_MIN(tcb->cwnd / 2, gso) / mss);
    return (uint32_t)HF_MAX(most, 1) * mss;
}

/* Nagle in Minshall's form: a short segment waits only while another short one is out. RFC 9293
 * SHLD-7, MAY-16; TCP_NODELAY (RFC 9293 MUST-17), TCP_CORK. */
static bool short_may_go(const struct tcb *tcb, bool fin)
{
    bool small_is_out = seq_gt(tcb->snd_sml, tcb->snd_una) && seq_le(tcb->snd_sml, tcb->snd_nxt);

    if (fin || tcb->pushes || tcb->snd_urgent || seq_lt(tcb->snd_nxt, tcb->snd_max))
        return true;
    if (corked(tcb))
        return false;
    return tcb->opts.nodelay || !small_is_out;
}

/* bytes of the queue, and numbers of the sequence, are about to be sent. */
static void note_sent(struct tcb *tcb, uint32_t seq, uint32_t bytes, uint32_t numbers)
{
    struct flow *flow = bytes ? flow_of(tcb) : tcb->flow;
    uint32_t segments = HF_MAX((bytes + tcb->mss - 1) / tcb->mss, 1u);

    if (bytes)
        tcb->last_snd = tcp_ms(tcb->tcp);
    if (flow && flow->max_rate)
        pace_sent(tcb, bytes);
    if (seq_lt(seq, tcb->snd_max)) {
        tcb->tcp->core->stats.segments_retransmitted += segments;
        tcb->total_retrans += segments;
        if (flow)
            flow->bytes_retrans += bytes;
        rtt_repeated(tcb, seq + numbers);
        return;
    }
    if (flow && bytes) {
        flow->sent_once += segments;
        rtt_sent(tcb, seq);
        if (stamps_wanted(tcb))
            stamps_sent(tcb, seq + bytes);
    }
    if (tcb->is_timed)
        return;
    tcb->is_timed = 1;
    tcb->usage_most = tcb->was_limited = 0;
    tcb->rtt_seq = seq + numbers;
    tcb->rtt_at = tcp_us(tcb->tcp);
    if (flow)
        flow->rate_from = tcb->snd_una;
}

/* Sends len queued bytes from seq on, fewer when the frame cannot hold them. RFC 9293 MUST-61,
 * SHLD-27, MUST-31, MUST-62 (PSH, and the urgent pointer). Returns how many, or -1 without memory.
 */
static int64_t send_segment(struct tcb *tcb, uint32_t seq, uint32_t len, bool fin)
{
    struct core *core = tcb->tcp->core;
    struct path *path = tcb->pcb.path;
    struct hf_frame *f = hf_frame_new(core->pool);
    struct tcp_header h = {.seq = seq, .flags = TCP_ACK}; /* whatever has payload acknowledges */
    uint32_t off = seq - tcb->snd_una, got = 0;

    if (f && len)
        got = byteq_gather(&tcb->sndq, off, len, f);
    if (!f || (len && !got)) {
        core_drop(core, HF_DROP_NO_MEMORY, f);
        return -1;
    }
    if (fin && got == len)
        h.flags |= TCP_FIN;
    /* The end of a record pushes, and that of a write, unless it said that more follows. Linux: the
     * data of a SYN does, and a super-segment pushes too, so that whoever puts its parts together
     * again hands them up.
     */
    if (got && ((off + got == tcb->sndq.len && !tcb->more) || got > tcb->mss ||
                got == marks_record(tcb, seq) ||
                (tcb->syn_bytes && seq + got == tcb->iss + 1 + tcb->syn_bytes)))
        h.flags |= TCP_PSH;
    if (tcb->snd_urgent && seq_lt(seq, tcb->snd_up)) {
        h.flags |= TCP_URG;
        h.urgent = (uint16_t)HF_MIN(tcb->snd_up - seq, 65535u);
    }
    if (got > tcb->mss)
        f->gso_bytes = tcb->mss;
    h.window = window_field(tcb, h.flags);
    note_sent(tcb, seq, got, got + fin);
    emit(tcb, f, &h, path);
    return got;
}

/* In FIN-WAIT-2 the FIN has been acknowledged; in the states after it the connection ends with
 * that. */
static bool fin_is_due(const struct tcb *tcb)
{
    return tcb->fin_queued && tcb->state != TCP_FIN_WAIT_2;
}

/* One step of tcp_output: the next segment, if it may go, a full one if it can be. Nothing goes
 * beyond a window that shrank. force: the window's and Nagle's patience is over. RFC
 * 9293 3.8.6.2.1, MUST-34, SHLD-15, MUST-38, SHLD-28. */
static bool send_next(struct tcb *tcb, bool force)
{
    uint32_t off = tcb->snd_nxt - tcb->snd_una, queued = tcb->sndq.len;
    uint32_t left = queued > off ? queued - off : 0;
    uint32_t room = tcb->snd_wnd > off ? tcb->snd_wnd - off : 0;
    uint32_t usable = force ? room : HF_MIN(room, loss_room(tcb, off));
    bool repairs = seq_lt(tcb->snd_nxt, tcb->snd_max);
    uint32_t record = marks_record(tcb, tcb->snd_nxt), limit, len, whole;
    int64_t sent;
    bool fin;

    if (!left && !fin_is_due(tcb))
        return false;
    limit = force || repairs || left <= tcb->mss ? tcb->mss : output_limit(tcb);
    len = HF_MIN(HF_MIN(left, record), HF_MIN(usable, limit));
    fin = fin_is_due(tcb) && off <= queued && len == left && len < usable;
    whole = len < tcb->mss ? 0 : len / tcb->mss * tcb->mss;

    if (len > whole && !force) {
        bool goes = len == left     ? short_may_go(tcb, fin)
                    : len == record ? true
                                    : whole == 0 && (repairs || len >= tcb_max_wnd(tcb) / 2);

        len = goes ? len : whole;
        fin = fin && goes;
    }
    if (!len && !fin)
        return false;
    sent = send_segment(tcb, tcb->snd_nxt, len, fin);
    if (sent < 0)
        return false;
    fin = fin && sent == len;
    if (!tcb_flight(tcb) && !tcb->fo_pending) /* the persist timer's time was another's */
        timer_rexmt(tcb);
    tcb->fin_sent |= fin;
    if (board_of(tcb))
        (void)board_sent(tcb, tcb->snd_nxt, tcb->snd_nxt + (uint32_t)sent + fin);
    tcb->snd_nxt += (uint32_t)sent + fin;
    if (sent < tcb->mss ? sent > 0 : (uint32_t)sent % tcb->mss)
        tcb->snd_sml = tcb->snd_nxt;
    tcb->snd_max = seq_max(tcb->snd_max, tcb->snd_nxt);
    return true;
}

/* One segment longer than the others, where the search for the MTU wants it: mtu.c. */
static void send_probe(struct tcb *tcb)
{
    uint32_t len = mtu_probe_payload(tcb);
    uint16_t mss = tcb->mss;
    int64_t sent;

    if (!len)
        return;
    tcb->mss = (uint16_t)len;
    sent = send_segment(tcb, tcb->snd_nxt, len, false);
    tcb->mss = mss;
    if (sent < 0)
        return;
    if (!tcb_flight(tcb))
        timer_rexmt(tcb);
    tcb->snd_nxt += (uint32_t)sent;
    tcb->snd_max = tcb->snd_nxt;
    if (sent == len)
        mtu_probe_sent(tcb, len);
}

/* What is left waits for something: the retransmission timer, or the persist timer. A probe of the
 * tail waits for the newest of it: RFC 8985 7.2. */
static void arm(struct tcb *tcb, bool sent)
{
    bool pending = tcb->sndq.len || (tcb->fin_queued && !tcb->fin_sent);

    if (tcb->fo_pending) /* the SYN-ACK has the timer */
        ;
    else if (tcb_flight(tcb) && (tcb->rexmt_due == 0 || (sent && tcb->due_for == DUE_PROBE)))
        timer_rexmt(tcb);
    else if (tcb->rexmt_due == 0 && pending)
        timer_persist(tcb);
    else
        timer_update(tcb);
}

/* For TCP_INFO, what keeps the rest. Linux: tcp_write_xmit and tcp_cwnd_validate. */
static void note_waits(struct tcb *tcb, bool is_limited)
{
    uint32_t off = tcb->snd_nxt - tcb->snd_una, unsent = tcp_unsent(tcb);

    if (!tcb->sndq.len)
        return;
    flow_waits(tcb, WAIT_NETWORK);
    if (unsent && !is_limited && tcb->snd_wnd < off + HF_MIN(unsent, (uint32_t)tcb->mss))
        flow_waits(tcb, WAIT_WINDOW);
    else
        flow_goes_on(tcb, WAIT_WINDOW);
    if (!unsent && !is_limited && tcb->flow && tcb->flow->no_room)
        flow_waits(tcb, WAIT_BUFFER);
}

/* All is out, well, and not held up by the congestion window; and nothing asks for an answer. */
static bool has_nothing_to_do(const struct tcb *tcb)
{
    uint32_t out = tcb_flight(tcb);

    return !tcb->ack_now && tcb->snd_nxt == tcb->snd_max && !repair_of(tcb) && !tcb->in_recovery &&
           !tcb->dupacks && out + tcb->mss <= tcb->cwnd &&
           (tcb->fin_queued ? tcb->fin_sent : out == tcb->sndq.len);
}

void tcp_output(struct tcb *tcb)
{
    uint32_t before = tcb->snd_max;
    bool is_limited;

    if (!tcb_can_send(tcb))
        return;
    if (has_nothing_to_do(tcb)) {
        note_waits(tcb, false);
        arm(tcb, false);
        return;
    }
    if (!tcb_path(tcb)) {
        core_drop(tcb->tcp->core, HF_DROP_IP_NO_ROUTE, NULL);
        arm(tcb, false);
        return;
    }
    if (tcb->tcp->slow_start_after_idle && !tcb_flight(tcb) && tcb->sndq.len)
        cong_idle(tcb, tcp_ms(tcb->tcp) - tcb->last_snd);
    if (tcb->ack_now && sack_is_due(tcb)) /* segments with payload have no room for it */
        output_ack(tcb);
    if (loss_repeat(tcb)) {
        if (!pace_waits(tcb))
            send_probe(tcb);
        while (!pace_waits(tcb) && send_next(tcb, false))
            ;
    }
    is_limited = loss_room(tcb, tcb->snd_nxt - tcb->snd_una) < tcb->mss;
    if (is_limited || tcb->snd_max != before)
        cong_sent(tcb, is_limited);
    note_waits(tcb, is_limited);
    if (tcb->ack_now)
        output_ack(tcb);
    arm(tcb, tcb->snd_max != before);
}

void output_forced(struct tcb *tcb)
{
    tcb->more = tcb->holds = 0; /* it was waited for long enough */
    if (!tcb_path(tcb) || !send_next(tcb, true))
        return;
    timer_rexmt(tcb);
}

/* RFC 5681 3.2, RFC 6298 5.4, RFC 9293 SHLD-16: the earliest unacknowledged segment. */
void output_head(struct tcb *tcb)
{
    uint32_t out = HF_MIN(tcb->sndq.len, tcb_flight(tcb)); /* what never went is not repeated */
    uint32_t len = HF_MIN(HF_MIN(out, tcb->mss), marks_record(tcb, tcb->snd_una));
    bool fin = tcb->fin_queued && len == tcb->sndq.len && tcb_flight(tcb) > tcb->sndq.len;

    if (tcb_path(tcb) && tcb_flight(tcb))
        send_segment(tcb, tcb->snd_una, len, fin);
}

bool output_again(struct tcb *tcb, uint32_t seq, uint32_t end)
{
    uint32_t last = tcb->snd_una + tcb->sndq.len;
    bool fin = seq_gt(end, last);
    int64_t sent;

    if (!tcb_path(tcb))
        return false;
    sent = send_segment(tcb, seq, end - seq - fin, fin);
    return sent >= 0 &&
           board_sent(tcb, seq, seq + (uint32_t)sent + (fin && sent == end - seq - fin));
}
