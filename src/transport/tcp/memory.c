/* Limits over all connections together. Linux: tcp_mem, tcp_max_orphans.
 *
 * Counted is what waits to be sent or acknowledged, in bytes, and what was received and not read,
 * by what it holds on to. From memory_pressure on buffers do not grow and windows stay small; at
 * memory_most nothing is kept beyond gaps and nobody may send or receive more than MEMORY_EACH
 * beyond, which lets each connection come to its end. */
#include "transport/tcp/memory.h"

#define ORPHAN_BYTES 4608 /* Linux: SOCK_MIN_SNDBUF */

bool memory_allows(const struct tcb *tcb, uint32_t bytes)
{
    const struct tcp *tcp = tcb->tcp;

    return tcp->core->stats.tcp_memory + bytes <= tcp->memory_most;
}

bool memory_is_short(const struct tcb *tcb)
{
    const struct tcp *tcp = tcb->tcp;

    return tcp->core->stats.tcp_memory > tcp->memory_pressure;
}

void memory_clear_sent(struct tcb *tcb)
{
    memory_give_back(tcb, tcb->sndq.len);
    byteq_fini(&tcb->sndq);
}

/* Linux: tcp_check_oom. */
bool memory_orphan_must_go(const struct tcb *tcb)
{
    const struct tcp *tcp = tcb->tcp;

    return tcp->core->stats.tcp_orphans > tcp->orphans_most ||
           (tcb->sndq.len > ORPHAN_BYTES && !memory_allows(tcb, 0));
}
