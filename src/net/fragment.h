/* Reassembly of fragmented datagrams, both families. RFC 791 3.2, RFC 8200 4.5, RFC 5722. */
#ifndef NET_FRAGMENT_H
#define NET_FRAGMENT_H

#include "net/net.h"

HF_NODISCARD int fragment_init(struct net *net);
void fragment_fini(struct net *net);
void fragment_drop_link(struct net *net, const struct hf_link *link);

/* One fragment. f's head is at its payload, the IP header before it at f->net_off; ip->proto is the
 * protocol of the payload (IPv6: the fragment header's next header). Takes f; returns the whole
 * datagram, *ip then speaking of its first fragment, or NULL while some is missing. */
struct hf_frame *fragment_input(struct net *net, struct ip_info *ip, uint32_t id, uint32_t offset,
                                bool more, struct hf_frame *f);

#endif
