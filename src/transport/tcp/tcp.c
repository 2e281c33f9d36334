/* The life of a connection block: made, entered into the tables, over, given back. And the
 * questions the socket layer asks of it. */
#include "transport/tcp/fastopen.h"
#include "transport/tcp/flow.h"

#include "handfast/linux.h"

#define STATE(s) (1u << (s))

/* To which states each may go. RFC 9293 3.3.2, figure 5; any may end in CLOSED. A TIME-WAIT is a
 * record of its own (timewait.c), so that state is never a tcb's. */
static const uint16_t edges[] = {
    [TCP_CLOSED] = STATE(TCP_LISTEN) | STATE(TCP_SYN_SENT) | STATE(TCP_SYN_RECEIVED),
    [TCP_LISTEN] = STATE(TCP_CLOSED),
    [TCP_SYN_SENT] = STATE(TCP_SYN_RECEIVED) | STATE(TCP_ESTABLISHED) | STATE(TCP_CLOSED),
    [TCP_SYN_RECEIVED] = STATE(TCP_ESTABLISHED) | STATE(TCP_FIN_WAIT_1) | STATE(TCP_CLOSED),
    [TCP_ESTABLISHED] = STATE(TCP_FIN_WAIT_1) | STATE(TCP_CLOSE_WAIT) | STATE(TCP_CLOSED),
    [TCP_FIN_WAIT_1] = STATE(TCP_FIN_WAIT_2) | STATE(TCP_CLOSING) | STATE(TCP_CLOSED),
    [TCP_FIN_WAIT_2] = STATE(TCP_CLOSED),
    [TCP_CLOSE_WAIT] = STATE(TCP_LAST_ACK) | STATE(TCP_CLOSED),
    [TCP_CLOSING] = STATE(TCP_CLOSED),
    [TCP_LAST_ACK] = STATE(TCP_CLOSED),
    [TCP_TIME_WAIT] = 0,
};
static_assert(HF_COUNT(edges) == TCP_TIME_WAIT + 1, "a row for each state");

const size_t tcb_bytes = sizeof(struct tcb);

static bool is_bound(void *ctx, const struct ip_addr *dst, uint16_t port)
{
    struct tcp *tcp = ctx;
    struct ip_addr any = addr_is4(dst) ? ADDR_ANY4 : ADDR_ANY6;
    struct demux_entry *e = demux_find_bound(&tcp->demux, dst, port, &any, 0, 0);

    return e && !e->any_dst;
}

int tcp_init(struct tcp *tcp, struct core *core, struct net *net, const struct tcp_up *up,
             uint16_t port_min, uint16_t port_max)
{
    int err;

    memset(tcp, 0, sizeof(*tcp));
    tcp->core = core;
    tcp->net = net;
    tcp->up = up;
    tcp->rmem_default = 131072;
    tcp->rmem_max = 6291456;
    tcp->wmem_default = 16384;
    tcp->wmem_max = 4194304;
    tcp->syn_retries = 6;
    tcp->syn_ms = RTO_FIRST_MS;
    tcp->synack_retries = 5;
    tcp->retries2 = 15;
    tcp->orphan_retries = 8;
    tcp->fastopen.bits = TCP_FASTOPEN_CLIENT;
    tcp->syn_cookies = 1;
    tcp->mtu_probing = true;
    tcp->ecn = 2;
    tcp->timestamps = tcp->sack = tcp->window_scaling = true;
    tcp->slow_start_after_idle = true;
    tcp->min_tso_segs = 2;
    tcp->notsent_lowat = UINT32_MAX;
    tcp->time_waits_most = tcp->orphans_most = 262144;
    tcp->memory_pressure = 1ull << 30;
    tcp->memory_most = 3ull << 29;
    tcp->time_wait_ns = tcp->fin_timeout_ns = 60 * HF_S;
    tcp->challenge_at = core->now - HF_S; /* the first second begins with the first */
    err = demux_init(&tcp->demux, core);
    if (err)
        return err;
    err = ports_init(&tcp->ports, core, &tcp->demux, port_min, port_max, false);
    if (err)
        goto no_ports;
    pool_init(&tcp->flow_pool, &core->env, sizeof(struct flow));
    err = timewait_init(tcp);
    if (err)
        goto no_pool;
    net->up[HF_IPPROTO_TCP] = (struct net_up){tcp, tcp_input, tcp_error, is_bound};
    return 0;
no_pool:
    ports_fini(&tcp->ports);
no_ports:
    demux_fini(&tcp->demux);
    return err;
}

void tcp_fini(struct tcp *tcp)
{
    tcp->net->up[HF_IPPROTO_TCP] = (struct net_up){0};
    timewait_fini(tcp);
    pool_fini(&tcp->flow_pool);
    fastopen_cache_free(tcp);
    ports_fini(&tcp->ports);
    demux_fini(&tcp->demux);
}

/* No keepalive, and two hours of it when asked for: RFC 9293 MUST-25, MUST-28. */
void tcb_init(struct tcp *tcp, struct tcb *tcb, bool is_v6, bool v6only)
{
    memset(tcb, 0, sizeof(*tcb));
    tcb->tcp = tcp;
    tcb->pcb.entry.is_v6 = is_v6;
    tcb->pcb.entry.v6only = v6only;
    tcb->pcb.entry.laddr = tcb->pcb.entry.raddr = pcb_any(&tcb->pcb);
    tcb->pcb.pmtudisc4 = tcb->pcb.pmtudisc6 = HF_IP_PMTUDISC_WANT;
    timer_init(&tcb->timer, timer_fire);
    byteq_init(&tcb->sndq);
    tcb->opts = (struct tcp_options){
        .keep_idle_s = 7200,
        .keep_intvl_s = 75,
        .keep_cnt = 9,
        .rto_max_4ms = RTO_MAX_MS / 4,
        .rto_min_4ms = RTO_MIN_MS / 4,
        .delack_max_4ms = DELACK_MAX_MS / 4,
    };
    tcb->rcvbuf = tcp->rmem_default;
    tcb->mss = 536;
}

struct pcb *tcb_pcb(struct tcb *tcb)
{
    return &tcb->pcb;
}

void tcp_set_state(struct tcb *tcb, enum tcp_state state)
{
    core_assert(tcb->tcp->core, edges[tcb->state] & STATE(state));
    tcb->state = (uint8_t)state;
}

void tcp_event(struct tcb *tcb)
{
    if (!tcb->is_child && !tcb->is_orphan)
        tcb->tcp->up->event(tcb);
}

void tcb_clear(struct tcb *tcb)
{
    struct flow *flow = NULL;

    if (tcb->state != TCP_LISTEN) {
        receive_purge(tcb);
        flow_clear(tcb);
        memory_clear_sent(tcb);
        flow = tcb->flow;
    }
    memset((char *)tcb + offsetof(struct tcb, rxq), 0, sizeof(*tcb) - offsetof(struct tcb, rxq));
    tcb->flow = flow;
    tcb->mss = 536;
    tcb->is_held = tcb->is_over = tcb->is_passive = 0;
    tcb->fin_queued = tcb->fin_received = tcb->ts_ok = tcb->ack_now = tcb->more = 0;
    tcb->in_recovery = tcb->is_timed = tcb->snd_urgent = 0;
    tcb->urgent = URGENT_NONE;
    tcb->total_retrans = 0;
}

/* For the address that the connection has: RFC 9293 MUST-45. */
static struct path *find_path(struct tcb *tcb)
{
    struct pcb *pcb = &tcb->pcb;
    struct path_query q = {
        .dst = pcb->entry.raddr,
        .src = pcb->entry.laddr,
        .link_index = pcb->link_index,
        .port = pcb->entry.rport,
        .proto = HF_IPPROTO_TCP,
    };
    int err;

    path_put(pcb->path);
    pcb->path = NULL;
    err = path_find(tcb->tcp->net, &q, &pcb->path);
    if (err) {
        if (!addr_is4(&q.dst)) /* Linux: inet6_csk_xmit tells, ip_queue_xmit does not */
            pcb->soft_err = (int16_t)-err;
        return NULL;
    }
    if (tcb_is_synchronised(tcb))
        options_sync_mss(tcb);
    return pcb->path;
}

struct path *tcb_path(struct tcb *tcb)
{
    struct path *path = tcb->pcb.path;

    return path && !path_is_stale(path) ? path : find_path(tcb);
}

uint32_t tcb_hash(const struct tcb *tcb)
{
    const struct demux_entry *e = &tcb->pcb.entry;

    return demux_hash(&tcb->tcp->demux, &e->laddr, e->lport, &e->raddr, e->rport);
}

void tcb_enter(struct tcb *tcb, uint32_t hash)
{
    demux_insert_hashed(&tcb->tcp->demux, &tcb->pcb.entry, hash);
    tcb->tcp->core->stats.tcp_connections++;
}

/* Out of the tables. A port that bind() named stays held, for a later connect or listen. */
static void leave(struct tcb *tcb)
{
    struct demux_entry *e = &tcb->pcb.entry;

    if (tcb->state != TCP_LISTEN && tcb->state != TCP_CLOSED)
        tcb->tcp->core->stats.tcp_connections--;
    demux_remove(&tcb->tcp->demux, e);
    if (!tcb->pcb.port_bound && e->port_hold != PORT_NONE)
        ports_release(&tcb->tcp->ports, e);
}

void tcp_done(struct tcb *tcb)
{
    bool nobody_knows = tcb->is_child && !tcb->is_queued;

    fastopen_ended(tcb);
    fastopen_settled(tcb, false);
    leave(tcb);
    core_cancel(tcb->tcp->core, &tcb->timer);
    if (tcb->flow) {
        repair_free(tcb);
        marks_drop(tcb);
    }
    tcb->rexmt_due = tcb->delack_due = tcb->slow_due = 0;
    memory_clear_sent(tcb);
    path_put(tcb->pcb.path);
    tcb->pcb.path = NULL;
    open_ended(tcb, tcb->pcb.err);
    tcp_set_state(tcb, TCP_CLOSED);
    tcb->is_over = 1;
    if (nobody_knows)
        listen_unlink(tcb);
    if (nobody_knows || tcb->is_orphan)
        tcb_release(tcb);
    else
        tcp_event(tcb);
}

void tcp_fail(struct tcb *tcb, int err)
{
    tcb->pcb.err = (int16_t)err;
    tcp_done(tcb);
}

void tcb_release(struct tcb *tcb)
{
    struct tcp *tcp = tcb->tcp;

    receive_purge(tcb);
    flow_free(tcb);
    err_queue_purge(tcp->core, &tcb->pcb);
    memory_clear_sent(tcb);
    tcp->core->stats.tcp_orphans -= tcb->is_orphan;
    core_cancel(tcp->core, &tcb->timer);
    path_put(tcb->pcb.path);
    tcb->pcb.path = NULL;
    if (tcb->pcb.entry.port_hold != PORT_NONE)
        ports_release(&tcp->ports, &tcb->pcb.entry);
    tcp->up->released(tcb);
}

/* ---- what the socket layer asks ---- */

enum tcp_state tcp_state(const struct tcb *tcb)
{
    return (enum tcp_state)tcb->state;
}
bool tcp_fin_received(const struct tcb *tcb)
{
    return tcb->state != TCP_LISTEN && (tcb->fin_received || tcb->is_over);
}
bool tcp_fin_queued(const struct tcb *tcb)
{
    return tcb->fin_queued || tcb->is_over;
}
uint32_t tcp_rcvbuf(const struct tcb *tcb)
{
    return tcb->rcvbuf;
}
void tcp_set_rcvbuf(struct tcb *tcb, uint32_t bytes)
{
    tcb->rcvbuf = bytes;
}
uint32_t tcp_mss(const struct tcb *tcb)
{
    bool is_open = tcb->state != TCP_CLOSED && tcb->state != TCP_LISTEN;

    return !is_open && tcb->opts.maxseg ? tcb->opts.maxseg
           : tcb->state == TCP_LISTEN   ? 536
                                        : tcb->mss;
}

hf_time tcp_held_since(const struct tcb *tcb, uint32_t *syns)
{
    const struct tcp *tcp = tcb->tcp;

    *syns = tcb->retries;
    return tcp->core->now - (hf_time)(tcp_ms(tcp) - tcb->last_rcv) * HF_MS;
}

void tcp_connect_record(const struct tcb *tcb, struct hf_connect_record *out)
{
    *out = (struct hf_connect_record){0};
    if (tcb->is_child || tcb->is_passive)
        return;
    out->began = tcb->open.began;
    if (tcb->has_ended)
        out->ended = tcb->open.began + (hf_time)tcb->open.took_us * HF_US;
    out->syns_sent = tcb->open.syns_sent;
    out->error = tcb->open.error;
}

struct tcp_options *tcp_options(struct tcb *tcb)
{
    return &tcb->opts;
}

void tcp_options_changed(struct tcb *tcb)
{
    if (!tcb_is_synchronised(tcb))
        return;
    if (tcb->opts.quickack) {
        tcb->quick_acks = 16;
        tcb->ack_now |= tcb->delack_due != 0;
    }
    tcb->backoff = tcb->rexmt_due && tcb->snd_max == tcb->snd_una ? 0 : tcb->backoff;
    timer_slow(tcb);
    tcp_output(tcb);
}

void tcp_push(struct tcb *tcb)
{
    tcb->pushes = 1;
    tcp_output(tcb);
    tcb->pushes = 0;
}
