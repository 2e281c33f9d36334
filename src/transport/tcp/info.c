/* TCP_INFO: Linux's struct tcp_info, filled with what we know; what we do not is 0. */
#include "transport/tcp/repair.h"

/* The layout is ABI: uapi/linux/tcp.h of Linux 6. */
struct tcp_info_abi {
    uint8_t state, ca_state, retransmits, probes, backoff, options;
    uint8_t wscale; /* low half: the peer's, high half: ours */
    uint8_t delivery_bits;
    uint32_t rto, ato, snd_mss, rcv_mss;
    uint32_t unacked, sacked, lost, retrans, fackets;
    uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
    uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
    uint32_t rcv_rtt, rcv_space, total_retrans;
    uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
    uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
    uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
    uint32_t delivered, delivered_ce;
    uint64_t bytes_sent, bytes_retrans;
    uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash;
    uint16_t total_rto, total_rto_recoveries;
    uint32_t total_rto_time;
    uint32_t received_ce, delivered_e1_bytes, delivered_e0_bytes, delivered_ce_bytes;
    uint32_t received_e1_bytes, received_e0_bytes, received_ce_bytes, accecn_bits;
};
static_assert(offsetof(struct tcp_info_abi, total_retrans) == 100, "Linux's layout");
static_assert(offsetof(struct tcp_info_abi, pacing_rate) == 104, "Linux's layout");
static_assert(sizeof(struct tcp_info_abi) == 280, "Linux's size");

enum { OPT_TIMESTAMPS = 1, OPT_SACK = 2, OPT_WSCALE = 4, OPT_ECN = 8, OPT_SYN_DATA = 32 };
enum { CA_OPEN = 0, CA_DISORDER = 1, CA_RECOVERY = 3, CA_LOSS = 4 };

/* Linux's numbers of the states. */
static const uint8_t linux_state[] = {
    [TCP_CLOSED] = 7,      [TCP_LISTEN] = 10,    [TCP_SYN_SENT] = 2,   [TCP_SYN_RECEIVED] = 3,
    [TCP_ESTABLISHED] = 1, [TCP_FIN_WAIT_1] = 4, [TCP_FIN_WAIT_2] = 5, [TCP_CLOSE_WAIT] = 8,
    [TCP_CLOSING] = 11,    [TCP_LAST_ACK] = 9,   [TCP_TIME_WAIT] = 6,
};
static_assert(HF_COUNT(linux_state) == TCP_TIME_WAIT + 1, "a number for each state");

static uint8_t ca_state(const struct tcb *tcb)
{
    const struct repair *r = board_of(tcb);

    if (tcb->in_recovery || (r && r->phase == REPAIR_RECOVERY))
        return CA_RECOVERY;
    if (r && r->phase == REPAIR_LOSS)
        return CA_LOSS;
    if (r && r->sacked)
        return CA_DISORDER;
    if (tcb_flight(tcb) &&
        (tcb->retries || tcb->snd_nxt != tcb->snd_max || (tcb->flow && tcb->flow->alarm.frto)))
        return CA_LOSS;
    return tcb->dupacks ? CA_DISORDER : CA_OPEN;
}

/* In segments, as Linux counts. */
static void fill_losses(const struct tcb *tcb, struct tcp_info_abi *i)
{
    const struct repair *r = board_of(tcb);

    if (!r)
        return;
    i->sacked = (r->sacked + tcb->mss - 1) / tcb->mss;
    i->lost = (r->lost + tcb->mss - 1) / tcb->mss;
    i->retrans = (r->repeated + tcb->mss - 1) / tcb->mss;
}

/* Linux counts the SYN of who connects among what was acknowledged, and FINs on both sides. */
static void fill_counters(const struct tcb *tcb, struct tcp_info_abi *i)
{
    bool is_child = tcb->is_child;
    uint64_t acked = tcb->snd_una - tcb->iss, out = tcb_flight(tcb), fin = tcb->fin_sent;

    if (tcb->state < TCP_ESTABLISHED && tcb->state != TCP_CLOSED)
        return;
    acked += is_child ? 0 : (uint64_t)tcb->open.snd_wraps << 32;
    i->bytes_acked = acked - (tcb->is_passive && acked);
    i->bytes_received = tcb->rcv_nxt - tcb->irs;
    i->segs_in = tcb->segs_in;
    i->segs_out = tcb->segs_out;
    i->delivered = acked > 0;
    if (is_child) /* has sent nothing, nor received much */
        return;
    i->bytes_received += (uint64_t)tcb->open.rcv_wraps << 32;
    i->last_data_sent = tcp_ms(tcb->tcp) - tcb->last_snd;
    i->bytes_retrans = tcb->flow ? tcb->flow->bytes_retrans : 0;
    i->bytes_sent = acked + out + i->bytes_retrans - (acked + out > 0) - fin;
}

/* Of segments whose bytes are not acknowledged it is not known how many they were: whole ones. */
static uint32_t delivered(const struct tcb *tcb, const struct flow *f)
{
    const struct repair *r = board_of(tcb);
    uint32_t out = (tcb_flight(tcb) - (r ? r->sacked : 0) + tcb->mss - 1) / tcb->mss;
    bool fin_acked = tcb->fin_sent && !tcb_flight(tcb);

    if (tcb->fo_pending)
        return 0;
    /* Linux: a SYN and its data are one if they were taken together. */
    out += tcb->syn_bytes && tcb->fo_acked;
    return 1 + fin_acked + f->sent_once - HF_MIN(out, f->sent_once);
}

static void fill_flow(const struct tcb *tcb, struct tcp_info_abi *i)
{
    const struct flow *f = tcb->flow;
    uint64_t waited[WAIT_KINDS];

    if (!f)
        return;
    for (int k = 0; k < WAIT_KINDS; k++)
        waited[k] = f->waited_ms[k] + (f->wait == k ? tcp_ms(tcb->tcp) - f->wait_since : 0);
    i->busy_time = (waited[WAIT_NETWORK] + waited[WAIT_WINDOW] + waited[WAIT_BUFFER]) * 1000;
    i->rwnd_limited = waited[WAIT_WINDOW] * 1000;
    i->sndbuf_limited = waited[WAIT_BUFFER] * 1000;
    i->data_segs_in = f->data_segs_in;
    i->data_segs_out = f->data_segs_out;
    i->last_data_recv = tcp_ms(tcb->tcp) - f->data_came;
    i->delivered = delivered(tcb, f);
    i->delivered_ce = f->delivered_ce;
    i->dsack_dups = f->dsack_dups;
    i->reord_seen = f->reord_events;
    i->rcv_ooopack = f->ooo_in;
    i->reordering = HF_MAX(f->reordering, i->reordering);
    i->delivery_rate = f->rate_us ? (uint64_t)f->rate_bytes * 1000000 / f->rate_us : 0;
    i->total_rto = f->rtos;
    i->total_rto_recoveries = f->rto_ends;
    i->total_rto_time = f->rto_ms;
    i->rehash = f->rehash;
    i->rcv_rtt = f->rcv_rtt_us;
}

/* A SYN that has not been answered. */
static void fill_opening(const struct tcb *tcb, struct tcp_info_abi *i)
{
    if (tcb->state != TCP_SYN_SENT || !tcb->retries)
        return;
    i->total_rto = tcb->retries;
    i->total_rto_recoveries = 1;
    i->total_rto_time = tcp_ms(tcb->tcp) - tcb->rexmt_since - tcb->tcp->syn_ms;
    i->rehash = tcb->retries;
}

static void fill(const struct tcb *tcb, struct tcp_info_abi *i)
{
    const struct tcp *tcp = tcb->tcp;
    bool scales = tcb->rcv_wscale && tcb->rcv_wscale != UINT8_MAX;
    bool sends = tcb_flight(tcb) > 0;

    i->ca_state = ca_state(tcb);
    i->retransmits = sends ? tcb->retries : 0;
    i->probes = sends ? tcb->keep_probes : tcb->retries;
    i->backoff = tcb->backoff;
    i->options = (tcb->ts_ok ? OPT_TIMESTAMPS : 0) | (tcb->sack_ok ? OPT_SACK : 0) |
                 (tcb->ecn_ok ? OPT_ECN : 0) | (scales ? OPT_WSCALE : 0) |
                 (tcb->fo_acked ? OPT_SYN_DATA : 0);
    i->delivery_bits = (uint8_t)(tcb->fo_fail << 1);
    i->wscale = scales ? (uint8_t)(tcb->snd_wscale | tcb->rcv_wscale << 4) : 0;
    i->rto = rtt_rto_ms(tcb) * 1000;
    i->ato = 40000;
    i->rcv_mss = tcb->rcv_mss;
    i->unacked = (tcb_flight(tcb) + tcb->mss - 1) / tcb->mss;
    fill_losses(tcb, i);
    fill_counters(tcb, i);
    i->last_ack_recv = i->last_data_recv = tcp_ms(tcp) - tcb->last_rcv;
    i->pmtu = tcb->pcb.path ? path_mtu(tcb->pcb.path) : 0;
    i->rcv_ssthresh = tcb->rcvbuf / 2;
    i->rtt = tcb->srtt_us;
    i->rttvar = tcb->rttvar_us;
    i->snd_ssthresh = tcb->ssthresh >= 1u << 30 ? 0x7fffffff : tcb->ssthresh / tcb->mss;
    i->snd_cwnd = tcb->cwnd / tcb->mss;
    i->advmss = options_adv_mss(tcb);
    i->reordering = 3;
    i->max_pacing_rate = tcp_max_rate(tcb);
    i->pacing_rate = HF_MIN(cong_pacing_rate(tcb), i->max_pacing_rate);
    i->rcv_space = tcb->rcvbuf / 2;
    i->total_retrans = tcb->total_retrans;
    i->notsent_bytes = tcp_unsent(tcb);
    i->min_rtt = tcb->min_rtt_us;
    i->snd_wnd = tcb->snd_wnd;
    i->rcv_wnd = tcb->rcv_adv - tcb->rcv_nxt;
    fill_flow(tcb, i);
    fill_opening(tcb, i);
}

uint32_t tcp_info(const struct tcb *tcb, void *to, uint32_t len)
{
    struct tcp_info_abi info;

    memset(&info, 0, sizeof(info));
    info.state = linux_state[tcb->state];
    if (tcb->state == TCP_LISTEN) { /* Linux: the accept queue's fill and limit */
        info.unacked = tcb->listen.accept_len;
        info.sacked = tcb->listen.backlog;
    } else {
        fill(tcb, &info);
    }
    info.snd_mss = tcp_mss(tcb);
    len = HF_MIN(len, (uint32_t)sizeof(info));
    memcpy(to, &info, len);
    return len;
}
