/* Packets from this host to itself: handed over as they are, without an IP header.
 *
 * What the header would say stands in the frame's cb as a struct ip_info; HF_FRAME_BARE says so. It
 * would be written and read by the same hands, and nobody looks on: the loopback link lies inside
 * of the stack. All else is as by way of the header: limits of size, the queue until the next poll,
 * counters. A transport may keep its own header in the room for it (HF_FRAME_BARE again), if it
 * reads it itself and sends no errors that quote it. */
#ifndef NET_HANDOVER_H
#define NET_HANDOVER_H

#include "net/ip_output.h"
#include "wire/ip6.h"

/* Whether ip_output will hand f over when it is told to send it by out. */
static inline bool handover_takes(const struct hf_frame *f, const struct ip_out *out)
{
    return out->path->hands_over && !out->is_unchecked && addr_eq(&out->src, &out->path->src) &&
           f->len + IP6_HEADER <= path_mtu(out->path);
}

/* Takes f. */
void handover_send(struct net *net, struct hf_frame *f, const struct ip_out *out);
/* From the loopback link. Takes f. */
void handover_input(struct net *net, struct hf_frame *f);

/* The IP header that f, whose head is at its transport header, would have had; to: room for
 * IP6_HEADER bytes. Returns its length. */
uint32_t handover_header(const struct hf_frame *f, const struct ip_info *ip, uint8_t *to);

#endif
