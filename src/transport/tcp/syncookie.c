/* SYN cookies: a listener whose SYN queue is full keeps nothing of a further SYN, but puts into the
 * answer's sequence number what it must know when that is acknowledged. RFC 4987 3.6; Linux:
 * syncookies.c.
 *
 * The number is a hash of the four-tuple, the SYN's own number and a secret, which lasts for one
 * PERIOD; in its low bits stand which of the known MSS is meant and whether the period is odd. An
 * acknowledgement is good in the period of the SYN-ACK and the next one. What the SYN said of
 * window scale, SACK and ECN comes back in the echo of our timestamp, whose low bits say it:
 * without timestamps there is none of them. So a flood costs two hashes and a frame each, and no
 * memory. */
#include "transport/tcp/syncookie.h"
#include "base/siphash.h"
#include "handfast/linux.h"

#define PERIOD    (64 * HF_S)
#define PERIOD_MS 64000

enum { ODD_BIT = 1, MSS_SHIFT = 1, MSS_BITS = 7 << MSS_SHIFT, HASH_BITS = ~15 };
enum { TS_WSCALE = 15, TS_SACK = 16, TS_ECN = 32, TS_BITS = 63 };

/* The usual ones; what a SYN says is rounded down. */
static const uint16_t known_mss[] = {216, 536, 1220, 1300, 1360, 1440, 1460, 8940};
static_assert(HF_COUNT(known_mss) == 8, "three bits");

struct cookie_input {
    struct ip_addr laddr, raddr;
    uint16_t lport, rport;
    uint32_t isn, mss_index, zero; /* none of it is padding */
};

static uint32_t period_now(const struct tcp *tcp)
{
    return (uint32_t)(tcp->core->now / PERIOD);
}

/* The secret of the present period; of an earlier one, if any cookie was made in it: else NULL. */
static const uint64_t *secret_of(struct tcp *tcp, uint32_t period)
{
    const struct hf_env *env = &tcp->core->env;
    struct syn_secret *s = &tcp->syn_secrets[period & 1];

    if (s->is_made && s->period == period)
        return s->key;
    if (period != period_now(tcp))
        return NULL;
    env->random(env->ctx, s->key, sizeof(s->key));
    s->period = period;
    s->is_made = true;
    return s->key;
}

static uint32_t hash_of(const struct segment *s, const uint64_t key[2], uint32_t isn,
                        uint32_t mss_index)
{
    struct cookie_input in = {
        .laddr = s->ip->dst,
        .raddr = s->ip->src,
        .lport = s->h.dst_port,
        .rport = s->h.src_port,
        .isn = isn,
        .mss_index = mss_index,
    };

    return (uint32_t)siphash(key, &in, sizeof(in)) & (uint32_t)HASH_BITS;
}

static uint32_t mss_index_of(const struct segment *s)
{
    uint32_t mss = s->h.has_mss ? s->h.mss : addr_is4(&s->ip->src) ? 536 : 1220, i = 7;

    while (i && known_mss[i] > mss)
        i--;
    return i;
}

/* ---- the answer to a SYN ---- */

/* What the timestamp says beside the time; it is never ahead of the clock. */
static uint32_t encode_time(const struct tcp *tcp, const struct segment *s, bool has_ecn)
{
    uint32_t now = tcp_ms(tcp), bits = TS_WSCALE, ts;

    if (tcp->window_scaling && s->h.has_wscale)
        bits = s->h.wscale;
    bits |= (tcp->sack && s->h.has_sack_permitted ? TS_SACK : 0) | (has_ecn ? TS_ECN : 0);
    ts = (now & ~(uint32_t)TS_BITS) | bits;
    return ts > now ? ts - TS_BITS - 1 : ts;
}

static void write_options(struct tcb *listener, const struct segment *s, const struct path *path,
                          struct tcp_header *h)
{
    const struct tcp *tcp = listener->tcp;
    struct demux_entry e = {
        .laddr = s->ip->dst, .raddr = s->ip->src, .lport = s->h.dst_port, .rport = s->h.src_port};
    uint32_t mtu = HF_MIN(path->link->mtu, HF_FRAME_MAX);
    uint32_t mss = mtu - (addr_is4(&s->ip->src) ? 20 : 40) - TCP_HEADER;
    bool has_ecn = options_asks_ecn(tcp, s);

    h->has_mss = true;
    h->mss = (uint16_t)(listener->opts.maxseg ? HF_MIN(mss, listener->opts.maxseg) : mss);
    if (!tcp->timestamps || !s->h.has_timestamps)
        return;
    h->has_timestamps = true;
    h->ts_val = encode_time(tcp, s, has_ecn) + isn_ts_offset(listener->tcp, &e);
    h->ts_ecr = s->h.ts_val;
    h->has_sack_permitted = tcp->sack && s->h.has_sack_permitted;
    h->has_wscale = tcp->window_scaling && s->h.has_wscale;
    h->wscale = options_rcv_wscale(listener);
    h->flags |= has_ecn ? TCP_ECE : 0;
}

void syncookie_answer(struct tcb *listener, const struct segment *s)
{
    struct tcp *tcp = listener->tcp;
    uint32_t period = period_now(tcp), index = mss_index_of(s);
    struct tcp_header h = {
        .src_port = s->h.dst_port,
        .dst_port = s->h.src_port,
        .seq =
            hash_of(s, secret_of(tcp, period), s->seq, index) | index << MSS_SHIFT | (period & 1),
        .ack = s->seq + 1,
        .flags = TCP_SYN | TCP_ACK,
        .window = (uint16_t)HF_MIN(listener->rcvbuf / 2, 65535u),
    };
    struct ip_out out = {.src = s->ip->dst,
                         .dst = s->ip->src,
                         .proto = HF_IPPROTO_TCP,
                         .ttl = pcb_ip(&listener->pcb, &s->ip->src)->ttl,
                         .tos = pcb_ip(&listener->pcb, &s->ip->src)->tos,
                         .dont_fragment =
                             pcb_pmtudisc(&listener->pcb, &s->ip->src) != HF_IP_PMTUDISC_DONT};
    struct hf_frame *f = output_outside(tcp, &out, h.dst_port,
                                        addr_is_link_local6(&s->ip->src) ? s->ip->link->index : 0);

    if (!f)
        return;
    write_options(listener, s, out.path, &h);
    listener->listen.cookies_until = tcp_ms(tcp) + 2 * PERIOD_MS;
    listener->listen.has_cookies = true;
    tcp->core->stats.syn_cookies_sent++;
    (void)output_segment(tcp, f, &h, &out, s->hash);
    path_put(out.path);
}

/* ---- its acknowledgement ---- */

/* The MSS that the cookie stands for; 0: it is none of ours. */
static uint16_t read_cookie(struct tcp *tcp, const struct segment *s)
{
    uint32_t cookie = s->h.ack - 1, index = (cookie & MSS_BITS) >> MSS_SHIFT;
    uint32_t period = period_now(tcp);
    const uint64_t *key;

    if ((period & 1) != (cookie & ODD_BIT))
        period--;
    key = secret_of(tcp, period);
    if (!key || hash_of(s, key, s->seq - 1, index) != (cookie & (uint32_t)HASH_BITS))
        return 0;
    return known_mss[index];
}

bool syncookie_take(struct tcb *listener, const struct segment *s, struct tcp_header *syn)
{
    struct tcp *tcp = listener->tcp;
    struct demux_entry e = {
        .laddr = s->ip->dst, .raddr = s->ip->src, .lport = s->h.dst_port, .rport = s->h.src_port};
    uint32_t said;

    *syn = (struct tcp_header){.has_mss = true};
    /* Nobody is asked to prove what was not given away lately: Linux's recent overflow. */
    if (!listener->listen.has_cookies || seq_gt(tcp_ms(tcp), listener->listen.cookies_until))
        return false;
    syn->mss = read_cookie(tcp, s);
    if (!syn->mss)
        return false;
    tcp->core->stats.syn_cookies_taken++;
    if (!tcp->timestamps || !s->h.has_timestamps)
        return true;
    said = (s->h.ts_ecr - isn_ts_offset(tcp, &e)) & TS_BITS;
    syn->has_timestamps = true;
    syn->ts_val = s->h.ts_val;
    syn->has_sack_permitted = said & TS_SACK;
    syn->has_wscale = (said & TS_WSCALE) != TS_WSCALE;
    syn->wscale = said & TS_WSCALE;
    syn->flags = said & TS_ECN ? TCP_ECE | TCP_CWR : 0;
    return true;
}
