/* CUBIC: the window grows with the time since it was last cut, slowly where it was too large then,
 * and never slower than Reno would. RFC 9438. Slow start: hystart.c, until the window is first cut.
 */
#include "transport/tcp/internal.h"

/* C is 0.4 segments per second cubed, the factor of decrease 0.7: RFC 9438 4.6. */
#define CUBIC_C_NUM  4u
#define CUBIC_C_DEN  10u
#define K_UNIT_MS    8u
#define WAIT_MOST_MS 400000u /* what has grown for longer counts as this */

static uint32_t cube_root(uint64_t x)
{
    uint64_t y = 0;

    for (int shift = 63; shift >= 0; shift -= 3) {
        uint64_t bit = 12 * y * y + 6 * y + 1; /* (2y + 1)^3 - (2y)^3 */

        y *= 2;
        if (x >> shift >= bit) {
            x -= bit << shift;
            y++;
        }
    }
    return (uint32_t)y;
}

/* RFC 9438 4.2, figure 2: the time from the reduced window back to w_max. */
static void begin_epoch(struct tcb *tcb)
{
    uint32_t now = tcp_ms(tcb->tcp), w_max = tcb->cong.cubic.w_max;
    uint64_t way = w_max > tcb->cwnd ? w_max - tcb->cwnd : 0;

    if (!way)
        tcb->cong.cubic.w_max = tcb->cwnd;
    tcb->cong.cubic.epoch_ms = now ? now : 1;
    tcb->cubic_k =
        (uint16_t)(cube_root(way * CUBIC_C_DEN * 1000000000u / CUBIC_C_NUM / tcb->mss) / K_UNIT_MS);
}

/* RFC 9438 4.2, figure 1: the window so long after the epoch began. */
static uint32_t window_at(const struct tcb *tcb, uint32_t ms)
{
    const struct cong_state *c = &tcb->cong;
    uint32_t k = tcb->cubic_k * K_UNIT_MS;
    bool before = ms < k;
    uint64_t d = before ? k - ms : ms - k, bytes;

    d = HF_MIN(d, WAIT_MOST_MS);
    bytes = d * d * d / 1000 * CUBIC_C_NUM * tcb->mss / CUBIC_C_DEN / 1000000;
    if (before)
        return bytes < c->cubic.w_max ? c->cubic.w_max - (uint32_t)bytes : 0;
    return (uint32_t)HF_MIN(bytes + c->cubic.w_max, CWND_MAX);
}

/* RFC 9438 4.3: Reno with the same average window: 3 (1 - 0.7) / (1 + 0.7) = 9/17 of a segment each
 * round trip from the reduction on, and a whole one above w_max. */
static uint32_t reno_window(const struct tcb *tcb, uint32_t ms)
{
    uint64_t grown = (uint64_t)ms * 1000 * tcb->mss / HF_MAX(tcb->srtt_us, 1u), w;

    w = tcb->ssthresh + grown * 9 / 17;
    if (w > tcb->cong.cubic.w_max)
        w += (w - tcb->cong.cubic.w_max) * 8 / 9;
    return (uint32_t)HF_MIN(w, CWND_MAX);
}

/* RFC 9293 MUST-19. RFC 9438 4.4, 4.5: towards where the curve is one round trip from now. */
static void cubic_acked(struct tcb *tcb, uint32_t bytes, uint32_t rtt_us)
{
    uint32_t ms, target, reno;

    if (tcb->cwnd < tcb->ssthresh) {
        if (tcb->ssthresh == CWND_MAX)
            hystart_acked(tcb, bytes, rtt_us);
        else
            tcb->cwnd += bytes;
        return;
    }
    if (!tcb->cong.cubic.epoch_ms)
        begin_epoch(tcb);
    ms = tcp_ms(tcb->tcp) - tcb->cong.cubic.epoch_ms;
    target = window_at(tcb, ms + tcb->srtt_us / 1000);
    target = HF_MIN(target, tcb->cwnd + tcb->cwnd / 2);
    if (target > tcb->cwnd)
        tcb->cwnd +=
            (uint32_t)((uint64_t)(target - tcb->cwnd) * HF_MIN(bytes, tcb->cwnd) / tcb->cwnd);
    reno = reno_window(tcb, ms);
    if (tcb->cwnd < reno)
        tcb->cwnd = HF_MIN(reno, tcb->cwnd + bytes);
}

/* RFC 9438 4.6, 4.7: fast convergence leaves room for others. */
static uint32_t cubic_ssthresh(struct tcb *tcb)
{
    uint32_t before = tcb->ssthresh == CWND_MAX ? 0 : tcb->cong.cubic.w_max, now = tcb->cwnd;

    tcb->cong.cubic.w_max = now < before ? (uint32_t)((uint64_t)now * 17 / 20) : now;
    tcb->cong.cubic.epoch_ms = 0;
    return HF_MAX((uint32_t)((uint64_t)now * 7 / 10), 2u * tcb->mss);
}

/* RFC 9438 5.8: time in which nothing was sent is not time to grow in. */
static void cubic_idle(struct tcb *tcb)
{
    if (tcb->ssthresh != CWND_MAX)
        tcb->cong.cubic.epoch_ms = 0;
}

const struct cong_ops cubic_ops = {"cubic", cubic_acked, cubic_ssthresh, cubic_idle};
