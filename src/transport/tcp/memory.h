/* What all connections together may hold. */
#ifndef TRANSPORT_TCP_MEMORY_H
#define TRANSPORT_TCP_MEMORY_H

#include "transport/tcp/tcb.h"

#define MEMORY_EACH 4096 /* Linux: the least of tcp_wmem and tcp_rmem, kept for each connection */

/* A queue of tcb's has more bytes, or fewer. */
static inline void memory_take(struct tcb *tcb, uint32_t bytes)
{
    tcb->tcp->core->stats.tcp_memory += bytes;
}
static inline void memory_give_back(struct tcb *tcb, uint32_t bytes)
{
    tcb->tcp->core->stats.tcp_memory -= bytes;
}

/* So many more bytes are within the limit. */
bool memory_allows(const struct tcb *tcb, uint32_t bytes);
/* Nothing should grow now. */
bool memory_is_short(const struct tcb *tcb);
/* Empties the send queue. */
void memory_clear_sent(struct tcb *tcb);
/* tcb, whose program has closed it, is one too many, or holds too much. */
bool memory_orphan_must_go(const struct tcb *tcb);

#endif
