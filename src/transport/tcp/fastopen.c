/* Fast Open of who connects. RFC 7413 3, 4.1.3, 4.2.1; Linux: tcp_fastopen.c.
 *
 * An open can be put off: state SYN-SENT, nothing sent (fo_deferred). The first bytes then go with
 * the SYN, if a cookie is known; else they wait, and the SYN asks for one. The SYN is repeated
 * without option and data. What of the data its answer does not acknowledge is sent again at once,
 * as if it never had been.
 *
 * Where something on the way lets a Fast Open begin and then loses what follows, all of Fast Open
 * pauses for blackhole_s, and twice as long each time it happens again (Linux's sysctl, 0: never).
 * A server that loses SYNs with data is left alone for itself (fastopen_cache.c). */
#include "transport/tcp/fastopen.h"

#include "transport/tcp/flow.h"
#include "transport/tcp/ring.h"

#define OPTIONS_ROOM 40 /* what the SYN leaves to options that others on the way add */
#define PAUSES_MOST  6  /* doublings */

/* Linux's TFO_...: TCP_INFO tells why it was an ordinary open after all. */
enum { FAIL_NO_COOKIE = 1, FAIL_NOT_ACKED = 2, FAIL_REPEATED = 3 };

/* ---- something on the way ---- */

static void pause_all(struct tcp *tcp)
{
    struct tcp_fastopen_client *c = &tcp->fastopen;

    if (!c->blackhole_s)
        return;
    c->paused_at = tcp->core->now;
    c->pauses += c->pauses <= PAUSES_MOST;
}

static bool all_is_paused(struct tcb *tcb)
{
    const struct tcp_fastopen_client *c = &tcb->tcp->fastopen;

    if (!c->blackhole_s || !c->pauses)
        return false;
    if (tcb->tcp->core->now < c->paused_at + (c->blackhole_s * HF_S << (c->pauses - 1)))
        return true;
    tcb->fo_checks = 1;
    return false;
}

void fastopen_timed_out(struct tcb *tcb, bool is_last)
{
    bool is_fast = tcb->fo_asked || tcb->syn_bytes;

    if (is_fast && !tcb->is_passive && (tcb->retries == 2 || (tcb->retries < 2 && is_last)))
        pause_all(tcb->tcp);
}

void fastopen_false_reset(struct tcb *tcb)
{
    if (tcb->fo_asked && !flow_data_in(tcb) && tcb->state == TCP_ESTABLISHED)
        pause_all(tcb->tcp);
}

/* Linux: tcp_fastopen_active_disable_ofo_check. The peer's FIN alone, ahead of data that never
 * came. */
void fastopen_ended(struct tcb *tcb)
{
    struct hf_frame *only = tcb->fo_asked ? tcb->ooo.last : NULL;

    if (!tcb->fo_asked)
        return;
    if (only && only->next == only && place(only)->has_fin && !flow_data_in(tcb))
        pause_all(tcb->tcp);
    else if (flow_data_in(tcb) && tcb->fo_checks && tcb->pcb.path && !tcb->pcb.path->is_local)
        tcb->tcp->fastopen.pauses = 0;
    tcb->fo_asked = 0;
}

void tcp_set_fastopen(struct tcp *tcp, uint32_t bits)
{
    tcp->fastopen.bits = bits;
    if (!(bits & TCP_FASTOPEN_CLIENT))
        fastopen_cache_free(tcp);
}

/* ---- the SYN ---- */

/* Whether the SYN may carry data. Linux: tcp_fastopen_cookie_check. */
static bool may_carry(struct tcb *tcb, struct fastopen_known *known)
{
    struct tcp *tcp = tcb->tcp;

    fastopen_recall(tcp, &tcb->pcb.entry, known);
    if (all_is_paused(tcb))
        known->is_paused = true;
    if (known->is_paused)
        return false;
    if (tcp->fastopen.bits & TCP_FASTOPEN_CLIENT_NO_COOKIE || tcb->fo_no_cookie)
        return true;
    if (!known->len)
        tcb->fo_fail = FAIL_NO_COOKIE;
    return known->len > 0;
}

/* The option of the first SYN: a cookie, or asking for one; none where neither is of use. */
static void write_option(const struct tcb *tcb, const struct fastopen_known *known,
                         struct tcp_header *h)
{
    bool needs_none = tcb->tcp->fastopen.bits & TCP_FASTOPEN_CLIENT_NO_COOKIE || tcb->fo_no_cookie;

    if (known->is_paused || needs_none)
        return;
    h->has_fastopen = true;
    h->fastopen_exp = known->is_exp;
    h->fastopen_len = known->len;
    memcpy(h->fastopen, known->cookie, known->len);
}

/* RFC 7413 4.2.1: by the MSS that the server said last. */
static uint32_t room(struct tcb *tcb, const struct fastopen_known *known)
{
    struct path *path = tcb_path(tcb);
    uint32_t headers = (tcb_is4(tcb) ? 20 : 40) + TCP_HEADER;
    uint32_t mss = known->mss ? known->mss : options_adv_mss(tcb);

    if (!path)
        return 0;
    mss = HF_MIN(mss, HF_MIN(path_mtu(path), HF_FRAME_MAX) - headers);
    if (tcb->opts.maxseg)
        mss = HF_MIN(mss, tcb->opts.maxseg);
    return mss > OPTIONS_ROOM ? mss - OPTIONS_ROOM : 0;
}

uint32_t fastopen_room(struct tcb *tcb)
{
    struct fastopen_known known;

    return may_carry(tcb, &known) ? room(tcb, &known) : 0;
}

static void send_syn(struct tcb *tcb, const struct fastopen_known *known, uint32_t bytes)
{
    struct tcp_header h = {0};

    write_option(tcb, known, &h);
    tcb->fo_deferred = 0;
    tcb->fo_asked = h.has_fastopen;
    tcb->fo_exp = h.fastopen_exp;
    tcb->syn_bytes = (uint16_t)bytes;
    output_first_syn(tcb, &h, bytes);
}

void fastopen_send(struct tcb *tcb)
{
    struct fastopen_known known;
    uint32_t bytes = may_carry(tcb, &known) ? room(tcb, &known) : 0;

    send_syn(tcb, &known, HF_MIN(bytes, tcb->sndq.len));
}

void fastopen_connect(struct tcb *tcb)
{
    struct fastopen_known known;

    if (may_carry(tcb, &known))
        tcb->fo_deferred = 1;
    else
        send_syn(tcb, &known, 0);
}

/* ---- its answer ---- */

/* Linux: tcp_rcv_fastopen_synack. acked: all of the SYN's data was. */
static void learn(struct tcb *tcb, const struct segment *s, bool acked)
{
    struct fastopen_news n = {.mss = s->h.has_mss ? s->h.mss : 0};

    if (tcb->fo_asked && s->h.has_fastopen && s->h.fastopen_len) {
        n.cookie_len = s->h.fastopen_len;
        n.cookie = s->h.fastopen;
        n.is_exp = s->h.fastopen_exp;
    } else if (tcb->fo_asked && tcb->total_retrans) {
        n.was_lost = !s->h.has_fastopen && tcb->syn_bytes && !acked;
    } else if (tcb->fo_asked && !s->h.has_fastopen && !tcb->syn_bytes) {
        n.try_next = tcb->fo_exp ? FASTOPEN_TRY_NO_MORE : FASTOPEN_TRY_EXPERIMENT;
    }
    fastopen_learn(tcb->tcp, &tcb->pcb.entry, &n);
}

/* What of the SYN's data the answer left out is sent again at once. RFC 7413 4.2.1; Linux: it keeps
 * no later short segment waiting. */
static void repeat_unacked(struct tcb *tcb)
{
    tcb->fo_fail = tcb->total_retrans ? FAIL_REPEATED : FAIL_NOT_ACKED;
    tcb->snd_nxt = tcb->snd_max;
    loss_of_syn_data(tcb);
    tcb->ack_now = 1;
    tcp_output(tcb);
    tcb->snd_sml = tcb->snd_una;
}

/* The data in the SYN-ACK: RFC 7413 3.1. */
static bool take_data(struct tcb *tcb, struct segment *s)
{
    if (!s->len && !(s->h.flags & TCP_FIN))
        return true;
    s->h.flags &= (uint8_t)~TCP_SYN;
    s->seq++;
    tcb->fo_acked = 1;
    return !receive_segment(tcb, s) || input_fin(tcb);
}

bool fastopen_answered(struct tcb *tcb, struct segment *s)
{
    bool acked = tcb->snd_una == tcb->snd_max;

    if (!tcb->fo_asked && !tcb->syn_bytes)
        return true;
    learn(tcb, s, acked);
    if (!acked) {
        repeat_unacked(tcb);
        return true;
    }
    tcb->fo_acked = tcb->syn_bytes > 0;
    return take_data(tcb, s);
}
