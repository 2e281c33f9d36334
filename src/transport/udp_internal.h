/* What udp.c and udp_input.c share. */
#ifndef TRANSPORT_UDP_INTERNAL_H
#define TRANSPORT_UDP_INTERNAL_H

#include "transport/err_queue.h"
#include "transport/udp.h"

/* The network layer's: a datagram (takes f), an ICMP error about one of ours. */
void udp_input(void *ctx, const struct ip_info *ip, struct hf_frame *f);
void udp_error(void *ctx, const struct icmp_error *e);

/* A datagram for up in its queue, as far as filter and buffer let it: its head is at the payload, a
 * struct udp_dgram in its cb. Takes f. */
void udp_take(struct udp_pcb *up, struct hf_frame *f);

/* Where in a vector the copying stands. */
struct udp_cursor {
    const struct hf_iovec *iov;
    size_t off;
};

/* A frame with room for the header and a copy of the next len bytes; NULL without memory. */
struct hf_frame *udp_dgram_new(struct udp *udp, struct udp_cursor *c, uint32_t len);

/* Bytes that its error queue may hold: what its receive queue leaves. */
static inline uint32_t udp_error_room(const struct udp_pcb *up)
{
    return up->rcvbuf > up->queued_bytes ? up->rcvbuf - up->queued_bytes : 0;
}

/* Where dst, which may be any, leads to from the socket, or as `how` says when that is not NULL. */
struct ip_addr udp_destination(const struct udp_pcb *up, const struct ip_addr *dst,
                               const struct udp_how *how);

/* The path from the socket, or as `how` says when that is not NULL, to `to`, whose address is not
 * any. path_find's errors, and
 *   -HF_ENETUNREACH   an IPv6 socket that cannot speak IPv4
 *   -HF_EAFNOSUPPORT  IPv6 from an IPv4 address
 *   -HF_EINVAL        a scope other than the socket's link */
HF_NODISCARD int udp_find_way(const struct udp_pcb *up, const struct endpoint *to,
                              const struct udp_how *how, struct path **path);

#endif
