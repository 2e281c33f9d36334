/* What udp.c and udp_input.c share. */
#ifndef TRANSPORT_UDP_INTERNAL_H
#define TRANSPORT_UDP_INTERNAL_H

#include "transport/err_queue.h"
#include "transport/udp.h"

/* The network layer's: a datagram (takes f), an ICMP error about one of ours. */
void udp_input(void *ctx, const struct ip_info *ip, struct hf_frame *f);
void udp_error(void *ctx, const struct icmp_error *e);

/* Bytes that its error queue may hold: what its receive queue leaves. */
static inline uint32_t udp_error_room(const struct udp_pcb *up)
{
    return up->rcvbuf > up->queued_bytes ? up->rcvbuf - up->queued_bytes : 0;
}

/* The path from the socket, or as `how` says when that is not NULL, to `to`, whose address is not
 * any. path_find's errors, and
 *   -HF_ENETUNREACH   an IPv6 socket that cannot speak IPv4
 *   -HF_EAFNOSUPPORT  IPv6 from an IPv4 address
 *   -HF_EINVAL        a scope other than the socket's link */
HF_NODISCARD int udp_find_way(const struct udp_pcb *up, const struct endpoint *to,
                              const struct udp_how *how, struct path **path);

#endif
