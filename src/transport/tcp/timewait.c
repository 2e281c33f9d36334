/* TIME-WAIT: what is left of a connection, for 60 s, in 96 bytes. RFC 9293 3.6.1, 3.10.7.4; RFC
 * 6191, RFC 1337. All wait equally long, so they stand in one line and one timer serves them. */
#include "base/pool.h"
#include "transport/tcp/internal.h"

struct timewait {
    struct demux_entry entry; /* first: kind is DEMUX_TIMEWAIT */
    struct list link;         /* in tcp->time_wait, the oldest first */
    uint32_t snd_nxt, rcv_nxt;
    uint32_t ts_recent;
    uint32_t has_ts : 1;
    uint32_t due_ms : 31;
};
static_assert(sizeof(struct timewait) <= 96, "design.md 3: a TIME-WAIT fits 96 bytes");

static struct timewait *timewait_of(struct demux_entry *e)
{
    return container_of(e, struct timewait, entry);
}

static void forget(struct tcp *tcp, struct timewait *tw)
{
    list_remove(&tw->link);
    demux_remove(&tcp->demux, &tw->entry);
    if (tw->entry.port_hold != PORT_NONE)
        ports_release(&tcp->ports, &tw->entry);
    pool_put(tcp->tw_pool, tw);
    tcp->core->stats.tcp_time_wait--;
}

/* Milliseconds until tw is due; 0 or less when it is. due_ms counts modulo 2^31. */
static int32_t wait_of(const struct tcp *tcp, const struct timewait *tw)
{
    return (int32_t)((tw->due_ms - tcp_ms(tcp)) << 1) >> 1;
}

static void arm(struct tcp *tcp)
{
    struct core *core = tcp->core;
    const struct timewait *first;

    if (list_empty(&tcp->time_wait) || timer_is_armed(&tcp->time_wait_timer))
        return;
    first = container_of(tcp->time_wait.next, struct timewait, link);
    core_arm(core, &tcp->time_wait_timer, (core->now_ms + wait_of(tcp, first)) * HF_MS);
}

/* NetSem timer_tt_2msl_1. */
static void fire(struct timer *timer)
{
    struct tcp *tcp = container_of(timer, struct tcp, time_wait_timer);

    while (!list_empty(&tcp->time_wait)) {
        struct timewait *tw = container_of(tcp->time_wait.next, struct timewait, link);

        if (wait_of(tcp, tw) > 0)
            break;
        forget(tcp, tw);
    }
    arm(tcp);
}

int timewait_init(struct tcp *tcp)
{
    const struct hf_env *env = &tcp->core->env;

    list_init(&tcp->time_wait);
    timer_init(&tcp->time_wait_timer, fire);
    tcp->tw_pool = env->alloc(env->ctx, sizeof(struct pool));
    if (!tcp->tw_pool)
        return -HF_ENOMEM;
    pool_init(tcp->tw_pool, env, sizeof(struct timewait));
    return 0;
}

void timewait_fini(struct tcp *tcp)
{
    const struct hf_env *env = &tcp->core->env;

    core_cancel(tcp->core, &tcp->time_wait_timer);
    while (!list_empty(&tcp->time_wait))
        forget(tcp, container_of(tcp->time_wait.next, struct timewait, link));
    pool_fini(tcp->tw_pool);
    env->free(env->ctx, tcp->tw_pool, sizeof(struct pool));
}

/* To the end of the line, with the whole time before it. */
static void restart(struct tcp *tcp, struct timewait *tw)
{
    uint32_t ms = (uint32_t)((tcp->core->now + HF_MS - 1 + tcp->time_wait_ns) / HF_MS);

    tw->due_ms = ms & 0x7fffffff;
    list_remove(&tw->link);
    list_push_back(&tcp->time_wait, &tw->link);
    arm(tcp);
}

/* RFC 9293 MUST-13. Without memory, or when too many wait, the connection just ends, as on Linux.
 */
void timewait_enter(struct tcb *tcb)
{
    struct tcp *tcp = tcb->tcp;
    bool is_full = tcp->core->stats.tcp_time_wait >= tcp->time_waits_most;
    struct timewait *tw = is_full ? NULL : pool_get(tcp->tw_pool);

    if (tcb->ack_now)
        output_ack(tcb);
    if (tw) {
        memset(tw, 0, sizeof(*tw));
        list_init(&tw->link);
        tw->snd_nxt = tcb->snd_max;
        tw->rcv_nxt = tcb->rcv_nxt;
        tw->has_ts = tcb->ts_ok;
        tw->ts_recent = tcb->ts_recent;
        demux_replace(&tcp->demux, &tcb->pcb.entry, &tw->entry);
        if (tcb->pcb.port_bound && !tcb->is_orphan)
            ports_hold_too(&tcp->ports, &tcb->pcb, &tw->entry);
        tw->entry.kind = DEMUX_TIMEWAIT;
        tcp->core->stats.tcp_time_wait++;
        restart(tcp, tw);
    } else {
        core_drop(tcp->core, is_full ? HF_DROP_TCP_TIME_WAITS : HF_DROP_NO_MEMORY, NULL);
    }
    tcp_done(tcb);
}

static void acknowledge(struct tcp *tcp, const struct timewait *tw, const struct segment *s)
{
    struct bare_segment b = {
        .src = tw->entry.laddr,
        .dst = tw->entry.raddr,
        .src_port = tw->entry.lport,
        .dst_port = tw->entry.rport,
        .seq = tw->snd_nxt,
        .ack = tw->rcv_nxt,
        .flags = TCP_ACK,
        .has_timestamps = tw->has_ts,
        .ts_val = tcp_ms(tcp) + isn_ts_offset(tcp, &tw->entry),
        .ts_ecr = tw->ts_recent,
        .link_index = addr_is_link_local6(&tw->entry.raddr) ? s->ip->link->index : 0,
    };

    reset_send_bare(tcp, &b);
}

/* RFC 6191 2, RFC 9293 MAY-2: the new connection begins where the old one cannot reach.
 */
static uint32_t next_iss(const struct timewait *tw)
{
    uint32_t iss = tw->snd_nxt + 65537;

    return iss ? iss : 1;
}

/* A new connection is known by its timestamp, RFC 6191 2 (RFC 9293 SHLD-4), or where that says
 * nothing by its number (RFC 9293 MAY-2). Where nobody listens there is none (Linux). NetSem
 * deliver_in_7c, deliver_in_9. */
bool timewait_input(struct tcp *tcp, struct demux_entry *e, struct segment *s, bool is_heard)
{
    struct timewait *tw = timewait_of(e);
    uint8_t flags = s->h.flags & (TCP_SYN | TCP_RST | TCP_ACK);
    int32_t age = tw->has_ts && s->h.has_timestamps ? (int32_t)(s->h.ts_val - tw->ts_recent) : 0;

    if (flags & TCP_RST) { /* RFC 1337: an old duplicate must not cut the wait short */
        segment_drop(tcp->core, s, HF_DROP_TCP_OLD);
        return true;
    }
    if (flags == TCP_SYN && is_heard && age >= 0 && (age > 0 || seq_gt(s->seq, tw->rcv_nxt))) {
        s->iss = next_iss(tw);
        forget(tcp, tw);
        return false;
    }
    if (s->len || s->h.flags & (TCP_SYN | TCP_FIN) || s->seq != tw->rcv_nxt) {
        if (s->h.flags & TCP_FIN)
            restart(tcp, tw);
        if (s->len || s->h.flags & TCP_FIN || reset_challenge_allowed(tcp))
            acknowledge(tcp, tw, s);
    }
    segment_drop(tcp->core, s, HF_DROP_TCP_OLD);
    return true;
}

/* Linux, tcp_twsk_unique: who asked for the local port by number has the four-tuple at once, where
 * timestamps tell old from new. */
bool timewait_reuse(struct tcp *tcp, struct demux_entry *e, uint32_t *iss)
{
    struct timewait *tw;

    if (e->kind != DEMUX_TIMEWAIT)
        return false;
    tw = timewait_of(e);
    if (!tw->has_ts)
        return false;
    *iss = next_iss(tw);
    forget(tcp, tw);
    return true;
}
