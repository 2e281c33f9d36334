/* IP in: header checks, martians, options, extension headers, reassembly, and up. */
#ifndef NET_IP_INPUT_H
#define NET_IP_INPUT_H

#include "net/net.h"

/* Take an IP packet whose first byte is at f's head. */
void ip4_input(struct net *net, struct hf_link *link, struct hf_frame *f);
void ip6_input(struct net *net, struct hf_link *link, struct hf_frame *f);

/* Hands a whole datagram to the transport of ip->proto, or answers that there is none. pointer:
 * where in the packet the protocol's number stands, for ICMPv6. Takes f. */
void ip_deliver(struct net *net, const struct ip_info *ip, struct hf_frame *f, uint32_t pointer);

/* Notes where the IP header is and moves head behind header_bytes of it, leaving as much of the
 * transport header linear as there is, so that the IP header stays in place under later pulls. */
void ip_enter_transport(struct hf_frame *f, uint32_t header_bytes);

/* Addresses that the packet, come by ip->link, cannot truly have: RFC 1122 3.2.1.3, RFC
 * 4291 2.5, 2.7. */
bool ip_is_martian_src(const struct net *net, const struct ip_info *ip);
bool ip_is_martian_dst(const struct net *net, const struct ip_info *ip);

#endif
