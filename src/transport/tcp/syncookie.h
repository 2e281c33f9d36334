/* SYN cookies: what a listener does with SYNs that it has no room for. RFC 4987 3.6 */
#ifndef TRANSPORT_TCP_SYNCOOKIE_H
#define TRANSPORT_TCP_SYNCOOKIE_H

#include "transport/tcp/internal.h"

/* Answers s, a SYN, and keeps nothing. */
void syncookie_answer(struct tcb *listener, const struct segment *s);
/* Whether s acknowledges such an answer; *syn: what the SYN said. */
bool syncookie_take(struct tcb *listener, const struct segment *s, struct tcp_header *syn);

#endif
