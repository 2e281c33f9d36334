/* ICMP and ICMPv6: echo, errors both ways. RFC 792, RFC 1122 3.2.2, RFC 4443. */
#ifndef NET_ICMP_H
#define NET_ICMP_H

#include "net/net.h"

/* Registers itself as the transport of ICMP and ICMPv6. */
void icmp_init(struct net *net);
void icmp_fini(struct net *net);

/* Answers a received packet with an error that quotes it: f's IP header must still be in place at
 * f->room + f->net_off. Keeps the rules on when not to (RFC 1122 3.2.2, RFC 4443 2.4 (e)) and the
 * rate limit. f is lent, not taken. */
void icmp_send_error(struct net *net, enum icmp_error_kind kind, const struct ip_info *ip,
                     const struct hf_frame *f);

/* The same about a packet that is no longer there: `quoted`, quoted_len bytes from its transport
 * header on (8 at least). For gateways that answer late. */
void icmp_send_error_for(struct net *net, enum icmp_error_kind kind, const struct ip_addr *src,
                         const struct ip_addr *dst, uint8_t proto, const uint8_t *quoted,
                         uint32_t quoted_len);

/* As icmp_send_error, for messages that have no kind of their own: type and code as they will
 * stand, info is the second word. */
void icmp_send_message(struct net *net, uint8_t type, uint8_t code, uint32_t info,
                       const struct ip_info *ip, const struct hf_frame *f);

#endif
