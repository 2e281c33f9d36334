/* What a SYN offers and agrees on: MSS, window scale, timestamps, SACK; and the segment size that
 * follows. RFC 9293 3.7.1, RFC 7323, RFC 2018, RFC 6691. */
#include "transport/tcp/mtu.h"

#define MSS_MIN      48 /* Linux: TCP_MIN_SND_MSS; below it a peer makes us send headers only */
#define MSS_DEFAULT4 536
#define MSS_DEFAULT6 1220
#define TS_OPTION    12 /* with its padding, in every segment */

static uint32_t header_bytes(const struct tcb *tcb)
{
    return (tcb_is4(tcb) ? 20 : 40) + TCP_HEADER;
}

/* RFC 9293 MUST-67, RFC 6691: the link's MTU, not the path's, options not counted. */
uint16_t options_adv_mss(const struct tcb *tcb)
{
    const struct path *path = tcb->pcb.path;
    uint32_t mtu = path ? HF_MIN(path->link->mtu, HF_FRAME_MAX) : 576;
    uint32_t mss = mtu - header_bytes(tcb);

    if (tcb->opts.maxseg)
        mss = HF_MIN(mss, tcb->opts.maxseg);
    return (uint16_t)mss;
}

/* RFC 7323 2.3: enough for the largest buffer that may become of ours. */
uint8_t options_rcv_wscale(const struct tcb *tcb)
{
    uint32_t space = tcb->opts.rcvbuf_locked ? tcb->rcvbuf : tcb->tcp->rmem_max;

    if (tcb->opts.window_clamp)
        space = HF_MIN(space, tcb->opts.window_clamp);
    return space > 65535 ? (uint8_t)HF_MIN(16 - __builtin_clz(space), 14) : 0;
}

/* The MSS is told always, and on SYNs only: RFC 9293 MUST-14, SHLD-5, MAY-3, MUST-65. */
void options_syn(const struct tcb *tcb, struct tcp_header *h)
{
    const struct tcp *tcp = tcb->tcp;
    bool answers = tcb->state != TCP_SYN_SENT;

    h->has_mss = true;
    h->mss = options_adv_mss(tcb);
    /* An answer carries an option only if the SYN did: RFC 7323 1.3. */
    h->has_wscale = answers ? tcb->rcv_wscale != UINT8_MAX : tcp->window_scaling;
    h->wscale = answers ? tcb->rcv_wscale : options_rcv_wscale(tcb);
    h->has_timestamps = answers ? tcb->ts_ok : tcp->timestamps;
    h->has_sack_permitted = answers ? tcb->sack_ok : tcp->sack;
}

/* RFC 9293 MUST-14, MUST-15 */
void options_from_syn(struct tcb *tcb, const struct tcp_header *h)
{
    const struct tcp *tcp = tcb->tcp;
    bool scales = tcp->window_scaling && h->has_wscale;

    tcb->peer_mss = h->has_mss ? h->mss : tcb_is4(tcb) ? MSS_DEFAULT4 : MSS_DEFAULT6;
    tcb->ts_ok = tcp->timestamps && h->has_timestamps;
    tcb->sack_ok = tcp->sack && h->has_sack_permitted;
    if (tcb->ts_ok)
        tcb->ts_recent = h->ts_val;
    /* Until the handshake ends UINT8_MAX says "no scaling"; established() makes it 0. */
    tcb->snd_wscale = scales ? h->wscale : 0;
    tcb->rcv_wscale = scales ? options_rcv_wscale(tcb) : UINT8_MAX;
    options_sync_mss(tcb);
}

/* RFC 3168 6.1.1: not of a SYN that claims to be ECN-capable itself. */
bool options_asks_ecn(const struct tcp *tcp, const struct segment *s)
{
    uint8_t asks = TCP_ECE | TCP_CWR;

    return tcp->ecn && (s->h.flags & asks) == asks && !(s->ip->tos & IP_ECN_MASK);
}

/* RFC 3168 6.1.1: only who asks is answered. Who asked was answered by ECE alone, or by a SYN that
 * asks when both opened at once. */
void options_ecn(struct tcb *tcb, const struct segment *s)
{
    uint8_t says = s->h.flags & (TCP_ECE | TCP_CWR), asks = TCP_ECE | TCP_CWR;

    if (tcb->is_child)
        tcb->ecn_ok = options_asks_ecn(tcb->tcp, s);
    else
        tcb->ecn_ok &= says == (s->h.flags & TCP_ACK ? TCP_ECE : asks);
}

/* RFC 9293 MUST-16 */
void options_sync_mss(struct tcb *tcb)
{
    uint32_t mss = tcb->peer_mss ? tcb->peer_mss : 536;
    uint32_t headers = header_bytes(tcb);

    if (tcb->pcb.path) {
        uint32_t mtu = HF_MIN(path_mtu(tcb->pcb.path), HF_FRAME_MAX);

        mss = HF_MIN(mss, mtu > headers ? mtu - headers : 0);
    }
    mss = HF_MIN(mss, mtu_limit(tcb) - headers);
    if (tcb->opts.maxseg)
        mss = HF_MIN(mss, tcb->opts.maxseg);
    if (tcb->ts_ok)
        mss = mss > TS_OPTION ? mss - TS_OPTION : 0;
    tcb->mss = (uint16_t)HF_MAX(mss, MSS_MIN);
}
