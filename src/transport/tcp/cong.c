/* How much may be out, behind a table: what all algorithms share, and Reno. RFC 5681, RFC 6928. */
#include "transport/tcp/internal.h"

static void reno_acked(struct tcb *tcb, uint32_t bytes, uint32_t rtt_us);
static uint32_t reno_ssthresh(struct tcb *tcb);
static void reno_idle(struct tcb *tcb) {}

static const struct cong_ops reno_ops = {"reno", reno_acked, reno_ssthresh, reno_idle};

/* RFC 9293 MAY-18 */
static const struct cong_ops *const table[] = {&cubic_ops, &reno_ops};

const struct cong_ops *cong_ops(const struct tcb *tcb)
{
    return table[tcb->opts.congestion];
}

void tcp_congestion(const struct tcb *tcb, char name[TCP_CC_NAME])
{
    const char *from = cong_ops(tcb)->name;

    memset(name, 0, TCP_CC_NAME);
    for (int i = 0; i < TCP_CC_NAME - 1 && from[i]; i++)
        name[i] = from[i];
}

int tcp_set_congestion(struct tcb *tcb, const char name[TCP_CC_NAME])
{
    uint8_t before = tcb->opts.congestion;

    for (unsigned i = 0; i < HF_COUNT(table); i++) {
        char known[TCP_CC_NAME];

        tcb->opts.congestion = i & 1;
        tcp_congestion(tcb, known);
        if (memcmp(name, known, sizeof(known)) != 0)
            continue;
        if (i != before && tcb->state != TCP_LISTEN)
            tcb->cong = (struct cong_state){0};
        return 0;
    }
    tcb->opts.congestion = before & 1;
    return -HF_ENOENT;
}

/* RFC 6928: ten segments; Linux does not cut it at 14600 bytes. */
uint32_t cong_initial_window(const struct tcb *tcb)
{
    return 10u * tcb->mss;
}

void cong_start(struct tcb *tcb)
{
    /* RFC 5681 3.1: after a lost SYN, one segment. */
    tcb->cwnd = tcb->retries > 1 ? tcb->mss : cong_initial_window(tcb);
    tcb->ssthresh = CWND_MAX;
}

/* Linux: tcp_update_pacing_rate, twice the rate of slow start, 1.2 times that of its end and what
 * follows. */
uint64_t cong_pacing_rate(const struct tcb *tcb)
{
    uint64_t window = HF_MAX(tcb->cwnd, tcb_flight(tcb));
    uint32_t percent = tcb->cwnd < tcb->ssthresh / 2 ? 200 : 120;

    return tcb->srtt_us ? window * percent * 10000 / tcb->srtt_us : UINT64_MAX;
}

/* Remembers of each round trip whether the window was full, or how much of it was used. */
void cong_sent(struct tcb *tcb, bool is_limited)
{
    tcb->was_limited |= is_limited;
    tcb->usage_most = HF_MAX(tcb->usage_most, tcb_flight(tcb));
}

/* RFC 7661: a window that was not used says nothing about the path, so it does not grow. Linux: in
 * slow start it may still become twice of what was used. */
void cong_acked(struct tcb *tcb, const struct segment *s, uint32_t bytes)
{
    bool is_slow_start = tcb->cwnd < tcb->ssthresh;

    if (!tcb->was_limited && !(is_slow_start && tcb->cwnd / 2 < tcb->usage_most))
        return;
    cong_ops(tcb)->acked(tcb, bytes, s->rtt_us);
    tcb->cwnd = HF_MIN(tcb->cwnd, CWND_MAX);
}

void cong_reduce(struct tcb *tcb)
{
    tcb->ssthresh = cong_ops(tcb)->ssthresh(tcb);
    tcb->cwr_due = tcb->ecn_ok;
}

/* Once a round trip, as for a loss; recover says when the last one was. */
void cong_marked(struct tcb *tcb)
{
    if (!tcb->ecn_ok || loss_repairs(tcb) || seq_le(tcb->snd_una, tcb->recover))
        return;
    cong_reduce(tcb);
    tcb->cwnd = tcb->ssthresh;
    tcb->recover = tcb->snd_max;
}

/* RFC 5681 3.1 (5), (4); the window collapses on the first timeout, ssthresh then too. */
void cong_timeout(struct tcb *tcb)
{
    if (tcb->retries == 1)
        cong_reduce(tcb);
    tcb->cwnd = tcb->mss;
}

/* RFC 2861 3, RFC 5681 4.1: half as much for each timeout that has passed, not less than at first;
 * what had been reached is where slow start ends. Linux: tcp_cwnd_restart. */
void cong_idle(struct tcb *tcb, uint32_t ms)
{
    uint32_t rto = rtt_rto_ms(tcb), least = HF_MIN(tcb->cwnd, cong_initial_window(tcb));

    if (ms <= rto)
        return;
    cong_ops(tcb)->idle(tcb);
    if (tcb->ssthresh != CWND_MAX)
        tcb->ssthresh = HF_MAX(tcb->ssthresh, tcb->cwnd / 4 * 3);
    for (ms -= rto; ms && tcb->cwnd > least; ms -= HF_MIN(ms, rto))
        tcb->cwnd /= 2;
    tcb->cwnd = HF_MAX(tcb->cwnd, least);
}

/* RFC 9293 MUST-19. RFC 3465 counts bytes; Linux lets slow start take an ACK in full. */
static void reno_acked(struct tcb *tcb, uint32_t bytes, uint32_t rtt_us)
{
    if (tcb->cwnd < tcb->ssthresh) {
        tcb->cwnd += bytes;
        return;
    }
    tcb->cong.reno.acked += bytes;
    if (tcb->cong.reno.acked >= tcb->cwnd) {
        tcb->cong.reno.acked -= tcb->cwnd;
        tcb->cwnd += tcb->mss;
    }
}

static uint32_t reno_ssthresh(struct tcb *tcb)
{
    tcb->cong.reno.acked = 0;
    return HF_MAX(tcb_flight(tcb) / 2, 2u * tcb->mss);
}
