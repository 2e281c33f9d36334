/* OPEN, active: from connect() to the SYN. RFC 9293 3.10.1; C03, C10. The SYN's answer is
 * input.c's, its repetition timer.c's. */
#include "transport/tcp/fastopen.h"
#include "transport/tcp/flow.h"

#include "handfast/linux.h"

void open_start(struct tcb *tcb, const struct isn *isn)
{
    tcb->iss = isn->iss;
    tcb->ts_offset = isn->ts_offset;
    tcb->snd_una = tcb->snd_nxt = tcb->snd_max = tcb->iss;
    tcb->snd_up = tcb->snd_sml = tcb->recover = tcb->iss;
    tcb->last_rcv = tcp_ms(tcb->tcp);
    tcb->rcv_wscale = UINT8_MAX;
}

void open_ended(struct tcb *tcb, int error)
{
    if (tcb->is_child || tcb->is_passive || tcb->has_ended)
        return;
    tcb->has_ended = 1;
    tcb->open.took_us = (uint32_t)((tcb->tcp->core->now - tcb->open.began) / HF_US);
    tcb->open.error = (uint8_t)error;
}

/* Karn: of a SYN that was repeated only a timestamp tells which one is answered. RFC 6298 3 */
static void measure_handshake(struct tcb *tcb, const struct segment *s)
{
    int32_t ms = (int32_t)(tcp_ms(tcb->tcp) + tcb->ts_offset - s->h.ts_ecr);

    if (tcb->is_timed)
        rtt_sample(tcb, tcp_us(tcb->tcp) - tcb->rtt_at);
    else if (tcb->ts_ok && s->h.has_timestamps && s->h.ts_ecr && ms >= 0 && ms < RTO_MAX_MS)
        rtt_sample(tcb, (uint32_t)HF_MAX(ms, 1) * 1000);
    tcb->is_timed = 0;
}

void open_established(struct tcb *tcb, const struct segment *s)
{
    /* The first window is not scaled when it stands on a SYN: RFC 7323 2.2. */
    uint8_t scale = s->h.flags & TCP_SYN ? 0 : tcb->snd_wscale;

    if (tcb->rcv_wscale == UINT8_MAX)
        tcb->rcv_wscale = 0;
    if (s->h.ack - tcb->snd_una > 1) /* what went with the SYN */
        send_acked(tcb, s->h.ack - tcb->snd_una - 1);
    tcb->snd_una = s->h.ack;
    tcb->snd_wnd = (uint32_t)s->h.window << scale;
    tcb_note_window(tcb);
    tcb->snd_wl1 = s->seq;
    measure_handshake(tcb, s);
    cong_start(tcb);
    flow_opened(tcb);
    tcb->rexmt_due = tcb->rexmt_since = 0;
    tcb->retries = tcb->backoff = 0;
    if (!tcb->is_child)
        tcb->last_snd = tcp_ms(tcb->tcp);
    tcb->rcv_mss = (uint16_t)HF_MIN(tcb->mss, 536);
    if (tcb->state == TCP_SYN_RECEIVED && tcb->opts.shut_send)
        tcb->fin_queued = 1; /* Linux: shut before it was opened */
    tcp_set_state(tcb, TCP_ESTABLISHED);
    open_ended(tcb, 0);
    if (tcb->opts.keepalive)
        timer_slow(tcb);
    flow_acked(tcb);
    if (tcb->is_child && !tcb->is_queued)
        listen_established(tcb);
    else
        tcp_event(tcb);
    if (tcb->fin_queued)
        tcp_set_state(tcb, TCP_FIN_WAIT_1);
}

/* bind() named an address that packets can come from. */
static bool has_source(const struct tcb *tcb)
{
    const struct ip_addr *laddr = &tcb->pcb.entry.laddr;

    return tcb->pcb.addr_bound && !addr_is_any(laddr) && !addr_is_multicast(laddr) &&
           !net_is_broadcast(tcb->tcp->net, laddr);
}

/* That address (RFC 9293 MUST-43), any otherwise. */
static struct ip_addr source(const struct tcb *tcb, bool is4)
{
    return has_source(tcb) ? tcb->pcb.entry.laddr : is4 ? ADDR_ANY4 : ADDR_ANY6;
}

/* Linux: the unspecified address means this host itself: over IPv4 the very address that is bound,
 * else loopback, which for :: is IPv4's where a mapped address is bound. */
static struct ip_addr destination(const struct tcb *tcb, const struct ip_addr *dst)
{
    struct ip_addr laddr;
    bool is4_bound;

    if (!addr_is_any(dst))
        return *dst;
    laddr = source(tcb, addr_is4(&tcb->pcb.entry.laddr));
    is4_bound = tcb->pcb.addr_bound && addr_is4(&laddr);
    if (addr_is4(dst))
        return is4_bound && !addr_is_any(&laddr) ? laddr : ADDR_LOOPBACK4;
    return is4_bound ? ADDR_LOOPBACK4 : ADDR_LOOPBACK6;
}

/* Finds the way there, and the address to go from (RFC 9293 MUST-44); 0 and a path, or connect()'s
 * error (RFC 9293 MUST-46). NetSem connect_5a. */
static int find_way(struct tcb *tcb, const struct endpoint *dst, const struct ip_addr *to,
                    struct path **path)
{
    const struct demux_entry *e = &tcb->pcb.entry;
    bool is4 = addr_is4(to), is_other = tcb->pcb.addr_bound && addr_is4(&e->laddr) != is4;
    struct path_query q = {
        .dst = *to,
        .src = is_other ? ADDR_ANY6 : source(tcb, is4),
        .link_index = tcb->pcb.link_index ? tcb->pcb.link_index : dst->scope,
        .port = dst->port,
        .proto = HF_IPPROTO_TCP,
    };
    int err;

    if ((is4 && (e->v6only || is_other)) || addr_is_multicast(to))
        return -HF_ENETUNREACH;
    err = path_find(tcb->tcp->net, &q, path);
    if (err)
        return err;
    if (is_other) { /* Linux: IPv6 from an IPv4 address; the way is looked for first */
        path_put(*path);
        return -HF_EAFNOSUPPORT;
    }
    if ((*path)->is_broadcast || (*path)->is_multicast) {
        path_put(*path);
        return -HF_ENETUNREACH;
    }
    return 0;
}

/* The local port for this four-tuple. iss: of a connection that a TIME-WAIT made room for, else 0.
 */
static int take_port(struct tcb *tcb, uint32_t *iss)
{
    struct tcp *tcp = tcb->tcp;
    struct demux_entry *e = &tcb->pcb.entry;
    struct demux_entry *other;

    if (e->port_hold == PORT_NONE) {
        e->lport = 0; /* what an earlier attempt left */
        return ports_connect(&tcp->ports, &tcb->pcb);
    }
    other =
        demux_find_conn(&tcp->demux, &e->laddr, e->lport, &e->raddr, e->rport, tcb->pcb.link_index);
    if (other && !timewait_reuse(tcp, other, iss))
        return -HF_EADDRNOTAVAIL; /* NetSem connect_5b */
    return 0;
}

int tcp_open_active(struct tcb *tcb, const struct endpoint *dst, int how)
{
    struct tcp *tcp = tcb->tcp;
    struct pcb *pcb = &tcb->pcb;
    struct demux_entry *e = &pcb->entry;
    struct ip_addr to = destination(tcb, &dst->addr);
    struct path *path;
    struct isn isn;
    uint32_t iss = 0, hash;
    int err = find_way(tcb, dst, &to, &path);

    if (err)
        return err;
    if (tcb->is_over || tcb->flow) /* else nothing has been since it was cleared last */
        tcb_clear(tcb);
    if (!has_source(tcb))
        e->laddr = path->src;
    e->raddr = to;
    e->rport = dst->port;
    err = take_port(tcb, &iss);
    if (err) {
        path_put(path);
        e->raddr = pcb_any(pcb);
        e->rport = 0;
        if (!pcb->addr_bound)
            e->laddr = pcb_any(pcb);
        if (!pcb->port_bound && e->port_hold != PORT_NONE)
            ports_release(&tcp->ports, e);
        return err == -HF_ENOMEM ? -HF_ENOBUFS : err;
    }
    hash = tcb_hash(tcb);
    demux_expect(&tcp->demux, hash);
    if (e->port_hold == PORT_BOUND) /* at the address that it goes from, now */
        ports_changed(&tcp->ports, pcb);
    path_put(pcb->path);
    pcb->path = path;
    pcb->err = pcb->soft_err = 0;
    memset(&tcb->child, 0, sizeof(tcb->child));
    tcb->open.began = tcp->core->now;
    isn = isn_new(tcp, e);
    tcb->follows = iss != 0;
    if (iss)
        isn.iss = iss;
    open_start(tcb, &isn);
    options_sync_mss(tcb);
    tcp_set_state(tcb, TCP_SYN_SENT);
    tcb_enter(tcb, hash);
    tcb->ecn_ok = tcp->ecn == 1; /* if its answer says so, too */
    tcb->fo_no_cookie = (how & TCP_OPEN_NO_COOKIE) != 0;
    if (how & TCP_OPEN_LATER)
        tcb->fo_deferred = 1;
    else if (how & TCP_OPEN_FAST)
        fastopen_connect(tcb);
    else
        output_syn(tcb);
    return 0;
}

bool tcp_is_open_early(const struct tcb *tcb)
{
    return tcb->state == TCP_SYN_RECEIVED && tcb->fo_pending;
}

bool tcp_is_deferred(const struct tcb *tcb)
{
    return tcb->state == TCP_SYN_SENT && tcb->fo_deferred;
}

uint32_t tcp_syn_bytes(const struct tcb *tcb)
{
    return tcb->syn_bytes;
}
