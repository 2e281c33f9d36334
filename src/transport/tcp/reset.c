/* Segments outside any connection, and what ICMP says about ours. RFC
 * 9293 3.5.2, 3.9.2.2, 3.10.7.1; RFC 5927. */
#include "transport/tcp/internal.h"

#include "handfast/linux.h"
#include "wire/bytes.h"

#define CHALLENGES_PER_SECOND 1000

/* RFC 5961 7. Each second has another number of them, between half and one and a half of that: who
 * counts those he gets must not learn how many others got (CVE-2016-5696). */
bool reset_challenge_allowed(struct tcp *tcp)
{
    if (tcp->core->now - tcp->challenge_at >= HF_S) {
        tcp->challenge_at = tcp->core->now;
        tcp->challenge_left =
            CHALLENGES_PER_SECOND / 2 + core_random32(tcp->core) % (CHALLENGES_PER_SECOND + 1);
    }
    if (!tcp->challenge_left)
        return false;
    tcp->challenge_left--;
    return true;
}

void reset_send_bare(struct tcp *tcp, const struct bare_segment *b)
{
    struct tcp_header h = {
        .src_port = b->src_port,
        .dst_port = b->dst_port,
        .seq = b->seq,
        .ack = b->ack,
        .flags = b->flags,
        .has_timestamps = b->has_timestamps,
        .ts_val = b->ts_val,
        .ts_ecr = b->ts_ecr,
    };
    struct ip_out out = {.src = b->src,
                         .dst = b->dst,
                         .proto = HF_IPPROTO_TCP,
                         .tos = b->tos,
                         .dont_fragment = true};
    struct hf_frame *f = output_outside(tcp, &out, b->dst_port, b->link_index);

    if (!f)
        return;
    (void)output_segment(tcp, f, &h, &out,
                         demux_hash(&tcp->demux, &b->src, b->src_port, &b->dst, b->dst_port));
    path_put(out.path);
}

void reset_answer(struct tcp *tcp, struct segment *s, enum hf_drop reason)
{
    bool has_ack = s->h.flags & TCP_ACK;
    struct bare_segment b = {
        .src = s->ip->dst,
        .dst = s->ip->src,
        .src_port = s->h.dst_port,
        .dst_port = s->h.src_port,
        .seq = has_ack ? s->h.ack : 0,
        .ack = has_ack ? 0 : segment_end(s),
        .flags = has_ack ? TCP_RST : TCP_RST | TCP_ACK,
        .link_index = addr_is_link_local6(&s->ip->src) ? s->ip->link->index : 0,
    };

    if (!(s->h.flags & TCP_RST))
        reset_send_bare(tcp, &b);
    segment_drop(tcp->core, s, reason);
}

/* ---- ICMP ---- */

/* Linux: icmp_err_convert. Code of a destination unreachable -> errno. */
static const uint8_t unreachable4[] = {
    HF_ENETUNREACH,  /* network */
    HF_EHOSTUNREACH, /* host */
    HF_ENOPROTOOPT,  /* protocol */
    HF_ECONNREFUSED, /* port */
    HF_EMSGSIZE,     /* fragmentation needed */
    HF_EOPNOTSUPP,   /* source route failed */
    HF_ENETUNREACH,  /* network unknown */
    HF_EHOSTDOWN,    /* host unknown */
    HF_ENONET,       /* host isolated */
    HF_ENETUNREACH,  /* network prohibited */
    HF_EHOSTUNREACH, /* host prohibited */
    HF_ENETUNREACH,  /* network, for that TOS */
    HF_EHOSTUNREACH, /* host, for that TOS */
    HF_EHOSTUNREACH, /* prohibited */
    HF_EHOSTUNREACH, /* host precedence */
    HF_EHOSTUNREACH, /* precedence cut off */
};

/* Linux: icmpv6_err_convert. */
static const uint8_t unreachable6[] = {
    HF_ENETUNREACH,  /* no route */
    HF_EACCES,       /* prohibited */
    HF_EHOSTUNREACH, /* beyond scope */
    HF_EHOSTUNREACH, /* address */
    HF_ECONNREFUSED, /* port */
    HF_EACCES,       /* source address failed policy */
    HF_EACCES,       /* reject route */
};

/* 0: nothing to report. RFC 9293 MUST-55. NetSem deliver_in_icmp_4, deliver_in_icmp_5. */
static int error_of(const struct icmp_error *e)
{
    bool is4 = addr_is4(&e->src);

    switch (e->kind) {
    case ICMP_ERR_QUENCH: /* RFC 6633 */
    case ICMP_ERR_TOO_BIG:
        return 0;
    case ICMP_ERR_TIME_EXCEEDED:
        return HF_EHOSTUNREACH;
    case ICMP_ERR_PARAMETER:
    case ICMP_ERR_UNKNOWN: /* Linux: icmpv6_err_convert */
        return HF_EPROTO;
    case ICMP_ERR_PROTO_UNREACH:
        return is4 ? HF_ENOPROTOOPT : HF_EPROTO;
    case ICMP_ERR_PROHIBITED: /* by the host's own dial, whose errno it was: no ICMP code is EACCES
                               */
        if (is4 && e->link && e->link->flags & HF_LINK_HOST)
            return HF_EACCES;
        return is4 ? unreachable4[HF_MIN(e->code, HF_COUNT(unreachable4) - 1)] : HF_EACCES;
    default:
        if (is4)
            return e->code < HF_COUNT(unreachable4) ? unreachable4[e->code] : HF_EHOSTUNREACH;
        return e->code < HF_COUNT(unreachable6) ? unreachable6[e->code] : HF_EPROTO;
    }
}

/* RFC 1191 6.4, RFC 8201: smaller segments from now on, and those that were too large again. NetSem
 * deliver_in_icmp_2. */
static void too_big(struct tcb *tcb, uint32_t mtu)
{
    struct path *path = tcb_path(tcb);
    uint16_t before = tcb->mss;

    if (!path || pcb_pmtudisc(&tcb->pcb, &path->dst) == HF_IP_PMTUDISC_DONT ||
        !path_lower_mtu(path, mtu))
        return;
    options_sync_mss(tcb);
    if (tcb->state == TCP_SYN_SENT && tcb->syn_bytes) {
        output_syn(tcb); /* Linux: without its data, at once */
        return;
    }
    if (tcb->mss >= before || !tcb_is_synchronised(tcb))
        return;
    loss_too_big(tcb);
    tcp_output(tcb);
}

/* RFC 6069: the way was gone, not too full, so the last doubling of the wait is taken back. Linux:
 * tcp_ld_RTO_revert */
static void revert_backoff(struct tcb *tcb, const struct icmp_error *e, uint32_t seq)
{
    bool is_way_gone = e->kind == ICMP_ERR_NET_UNREACH ||
                       (e->kind == ICMP_ERR_HOST_UNREACH && addr_is4(&e->src) && e->code == 1);
    uint32_t before = rtt_rto_ms(tcb);

    if (!is_way_gone || seq != tcb->snd_una || !tcb_flight(tcb) || !tcb->retries || !tcb->backoff ||
        !tcb->rexmt_due || tcb->due_for != DUE_RTO)
        return;
    tcb->backoff--;
    tcb->rexmt_due = seq_max(tcb->rexmt_due - (before - rtt_rto_ms(tcb)), timer_due(tcb, 0));
    timer_update(tcb);
}

/* Linux: tcp_v4_err, tcp_req_err. An open under way ends with the error; one that stands goes on
 * and remembers it, or tells at once who asked for that (RFC 9293 3.9.2.2, MUST-56, MUST-47,
 * SHLD-20, SHLD-25). Hard errors too: RFC 5927 5.2. NetSem deliver_in_icmp_1, deliver_in_icmp_3. */
static void apply(struct tcb *tcb, const struct icmp_error *e)
{
    int err = error_of(e);

    if (e->kind == ICMP_ERR_TOO_BIG)
        too_big(tcb, e->info);
    if (!err)
        return;
    if (tcb->state == TCP_SYN_RECEIVED && tcb->is_child && !tcb->fo_pending) {
        if (e->kind == ICMP_ERR_NET_UNREACH || e->kind == ICMP_ERR_HOST_UNREACH ||
            e->kind == ICMP_ERR_TIME_EXCEEDED)
            tcp_fail(tcb, err);
    } else if (tcb->state == TCP_SYN_SENT ||
               (tcb->state == TCP_SYN_RECEIVED && (tcb->is_child || !tcb->fo_pending))) {
        /* Linux: over IPv4 whether or not IP_RECVERR asks for it. */
        if (!tcb->is_orphan && (tcb_is4(tcb) || tcb->pcb.recv_err6))
            err_queue_icmp(tcb->tcp->core, &tcb->pcb, e, err, 0, tcb->rcvbuf);
        tcp_fail(tcb, err);
    } else if (pcb_wants_errors(&tcb->pcb, &e->dst) && !tcb->is_orphan) {
        tcb->pcb.err = (int16_t)err;
        tcp_event(tcb);
    } else {
        tcb->pcb.soft_err = (int16_t)err;
    }
}

/* RFC 9293 MUST-54. NetSem deliver_in_icmp_7. */
void tcp_error(void *ctx, const struct icmp_error *e)
{
    struct tcp *tcp = ctx;
    uint16_t lport = get16(e->quoted), rport = get16(e->quoted + 2);
    uint32_t seq = get32(e->quoted + 4);
    struct demux_entry *found = demux_find_conn(&tcp->demux, &e->src, lport, &e->dst, rport, 0);
    struct tcb *tcb = found && found->kind == DEMUX_CONN ? tcb_of(found) : NULL;

    /* RFC 5927 4.1: only of what is out now. */
    if (!tcb || tcb->is_held || !seq_le(tcb->snd_una - tcb->fo_pending, seq) ||
        !seq_le(seq, tcb->snd_max)) {
        core_drop(tcp->core, HF_DROP_ICMP_UNMATCHED, NULL);
        return;
    }
    revert_backoff(tcb, e, seq);
    apply(tcb, e);
}
