/* Path MTU discovery that needs nobody's word: RFC 4821, RFC 8899; Linux: tcp_mtu_probing 1.
 *
 * Where routers drop what is too long and do not say so, full segments time out again and again
 * though the peer lives. After four timeouts in a row segments are cut to mtu_low, which hardly any
 * path refuses, and with each further one to half of that. From then on there is a search for what
 * passes, between mtu_low and mtu_high: now and then one segment is longer than the others, the
 * probe. When it is acknowledged it is the new size; when it alone is lost, that is no congestion.
 * The first probe has the full size, since it may have been an outage after all. A search that
 * ended below that begins anew after AGAIN_MS. */
#include "transport/tcp/mtu.h"
#include "handfast/linux.h"
#include "transport/tcp/repair.h"

#define TIMEOUTS     4 /* Linux: tcp_retries1, in time */
#define BASE4        1064
#define LEAST4       576
#define LEAST6       1280
#define CLOSE_ENOUGH 8       /* Linux: tcp_probe_threshold */
#define FOLLOWERS    4       /* segments behind a probe, so that its loss shows */
#define AGAIN_MS     600000u /* Linux: tcp_probe_interval; RFC 4821 7.7 */

/* Of a packet, all but the payload. */
static uint32_t headers(const struct tcb *tcb)
{
    return (tcb_is4(tcb) ? 20 : 40) + TCP_HEADER + (tcb->ts_ok ? 12 : 0);
}

/* The longest packet that need be tried. */
static uint32_t full_size(const struct tcb *tcb)
{
    uint32_t bytes = (tcb_is4(tcb) ? 20 : 40) + TCP_HEADER + tcb->peer_mss;

    return HF_MIN(bytes, HF_MIN(path_mtu(tcb->pcb.path), HF_FRAME_MAX));
}

static uint32_t least_size(const struct tcb *tcb)
{
    return tcb_is4(tcb) ? LEAST4 : LEAST6;
}

static void begin_search(struct tcb *tcb, struct flow *f)
{
    f->mtu_high = (uint16_t)full_size(tcb);
    f->mtu_tries_full = 1;
    f->probe_bytes = 0;
    f->mtu_at = tcp_ms(tcb->tcp);
}

/* The first step of giving up, RFC 9293 MUST-20, SHLD-10: is it the path? Whether the next hop
 * lives neighbour.c asks all the while. */
void mtu_timed_out(struct tcb *tcb)
{
    uint32_t least = least_size(tcb), lost = HF_MIN(tcb->sndq.len, (uint32_t)tcb->mss);
    struct flow *f = tcb->flow;

    if (f && f->probe_bytes)
        mtu_probe_failed(tcb);
    if (!tcb->tcp->mtu_probing || tcb->retries < TIMEOUTS || !f || !tcb->pcb.path ||
        pcb_pmtudisc(&tcb->pcb, &tcb->pcb.entry.raddr) == HF_IP_PMTUDISC_DONT ||
        lost + headers(tcb) <= least)
        return;
    if (f->mtu_low)
        f->mtu_low = (uint16_t)HF_MAX(least, f->mtu_low / 2u);
    else
        f->mtu_low = tcb_is4(tcb) ? BASE4 : LEAST6;
    begin_search(tcb, f);
    options_sync_mss(tcb);
}

uint32_t mtu_limit(const struct tcb *tcb)
{
    return tcb->flow && tcb->flow->mtu_low ? tcb->flow->mtu_low : UINT32_MAX;
}

/* ---- the search ---- */

/* How long the next probe is; 0: there is to be none now. */
static uint32_t next_size(struct tcb *tcb, struct flow *f)
{
    if (!f->mtu_low || f->probe_bytes || seq_lt(tcp_ms(tcb->tcp), f->mtu_at))
        return 0;
    if (f->mtu_high < f->mtu_low + CLOSE_ENOUGH)
        begin_search(tcb, f);
    return f->mtu_tries_full ? f->mtu_high : (f->mtu_low + f->mtu_high + 1u) / 2;
}

uint32_t mtu_probe_payload(struct tcb *tcb)
{
    struct flow *f = tcb->flow;
    uint32_t size, payload;

    if (!f || !f->mtu_low || !tcb->sack_ok || board_of(tcb) || tcb->snd_nxt != tcb->snd_max)
        return 0;
    size = next_size(tcb, f);
    payload = size > headers(tcb) ? size - headers(tcb) : 0;
    if (payload <= tcb->mss || tcp_unsent(tcb) < payload + FOLLOWERS * tcb->mss)
        return 0;
    if (loss_room(tcb, tcb_flight(tcb)) < payload || tcb->snd_wnd < tcb_flight(tcb) + payload)
        return 0;
    return payload;
}

void mtu_probe_sent(struct tcb *tcb, uint32_t bytes)
{
    tcb->flow->probe_bytes = (uint16_t)bytes;
    tcb->flow->probe_end = tcb->snd_nxt;
}

/* Nothing longer is going to pass, for now. */
static void settle(struct tcb *tcb, struct flow *f)
{
    if (f->mtu_high < f->mtu_low + CLOSE_ENOUGH)
        f->mtu_at = tcp_ms(tcb->tcp) + AGAIN_MS;
}

void mtu_acked(struct tcb *tcb)
{
    struct flow *f = tcb->flow;

    if (!f || !f->probe_bytes || seq_lt(tcb->snd_una, f->probe_end))
        return;
    f->mtu_low = (uint16_t)(f->probe_bytes + headers(tcb));
    f->probe_bytes = 0;
    if (f->mtu_low >= full_size(tcb))
        f->mtu_low = 0; /* all passes: as if nothing had been */
    else
        settle(tcb, f);
    options_sync_mss(tcb);
}

void mtu_probe_failed(struct tcb *tcb)
{
    struct flow *f = tcb->flow;

    f->mtu_high = (uint16_t)(f->probe_bytes + headers(tcb) - 1);
    f->mtu_tries_full = 0;
    f->probe_bytes = 0;
    settle(tcb, f);
}

bool mtu_lost_probe(struct tcb *tcb)
{
    const struct repair *r = board_of(tcb);
    struct flow *f = tcb->flow;
    uint32_t i, begin, only;

    if (!f || !f->probe_bytes || !r)
        return false;
    begin = f->probe_end - f->probe_bytes;
    only = r->lost == f->probe_bytes;
    for (i = board_missing(r); i < r->count && seq_lt(board_begin_of(r, i), begin); i++)
        ;
    if (i == r->count || board_begin_of(r, i) != begin || !run_is_missing(&r->runs[i]))
        return false;
    mtu_probe_failed(tcb);
    return only;
}
