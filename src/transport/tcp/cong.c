/* How much may be out: slow start and congestion avoidance, behind a table. RFC 5681, RFC 6928. */
#include "transport/tcp/internal.h"

#define CWND_MAX (1u << 30)

static void reno_acked(struct tcb *tcb, uint32_t bytes);
static uint32_t reno_ssthresh(const struct tcb *tcb);

static const struct cong_ops table[] = {
    {"reno", reno_acked, reno_ssthresh},
};

const struct cong_ops *cong_ops(const struct tcb *tcb)
{
    return &table[tcb->cong];
}

void tcp_congestion(const struct tcb *tcb, char name[TCP_CC_NAME])
{
    const char *from = table[tcb->state == TCP_LISTEN ? 0 : tcb->cong].name;

    memset(name, 0, TCP_CC_NAME);
    for (int i = 0; i < TCP_CC_NAME - 1 && from[i]; i++)
        name[i] = from[i];
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

/* RFC 7661: a window that was not used says nothing about the path, so it does not grow. */
void cong_acked(struct tcb *tcb, uint32_t bytes, uint32_t flight)
{
    bool was_used = flight + tcb->mss >= tcb->cwnd / 2;

    if (!was_used)
        return;
    cong_ops(tcb)->acked(tcb, bytes);
    tcb->cwnd = HF_MIN(tcb->cwnd, CWND_MAX);
}

/* RFC 5681 3.1 (5), (4); the window collapses on the first timeout, ssthresh then too. */
void cong_timeout(struct tcb *tcb)
{
    if (tcb->retries == 1)
        tcb->ssthresh = cong_ops(tcb)->ssthresh(tcb);
    tcb->cwnd = tcb->mss;
    tcb->acked_bytes = 0;
}

/* RFC 5681 4.1 */
void cong_idle(struct tcb *tcb)
{
    tcb->cwnd = HF_MIN(tcb->cwnd, cong_initial_window(tcb));
}

/* RFC 3465 counts bytes; Linux lets slow start take an ACK in full. */
static void reno_acked(struct tcb *tcb, uint32_t bytes)
{
    if (tcb->cwnd < tcb->ssthresh) {
        tcb->cwnd += bytes;
        return;
    }
    tcb->acked_bytes += bytes;
    if (tcb->acked_bytes >= tcb->cwnd) {
        tcb->acked_bytes -= tcb->cwnd;
        tcb->cwnd += tcb->mss;
    }
}

static uint32_t reno_ssthresh(const struct tcb *tcb)
{
    return HF_MAX(tcb_flight(tcb) / 2, 2u * tcb->mss);
}
