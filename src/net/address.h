/* This host's addresses, and which of them a packet is sent from. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "net/net.h"

/* The source for a packet to dst by link through next_hop: RFC 1122 3.3.4.3 as Linux does it for
 * IPv4, RFC 6724 5 rules 1, 2, 5 and 8 for IPv6 (no address here is ever deprecated, rule 3, a home
 * address, rule 4, labelled, rule 6, or temporary, rule 7). 0 or -HF_EADDRNOTAVAIL. */
HF_NODISCARD int address_select(const struct net *net, const struct ip_addr *dst,
                                const struct ip_addr *next_hop, const struct hf_link *link,
                                struct ip_addr *src);

/* The link that has the address; loopback's has all of 127/8. NULL: none. */
struct hf_link *address_link(const struct net *net, const struct ip_addr *addr);

/* addr is one of this host's, and may be used on that link: link-local ones only on their own. */
bool address_is_on(const struct net *net, const struct ip_addr *addr, const struct hf_link *link);

/* The fe80:: address that the link's MAC makes. RFC 4291 A. 0, -HF_ENOMEM. */
HF_NODISCARD int address_add_link_local(struct net *net, struct hf_link *link);

/* Takes away the link's addresses; the routes go with route_drop_link. */
void address_drop_link(struct net *net, const struct hf_link *link);

/* A group this host hears on that link: 224.0.0.1, ff01::1 on loopback, ff02::1, the solicited-node
 * groups of its addresses (RFC 4291 2.7.1, 2.8), and what sockets have joined. Linux: of IPv4 only
 * what some member hears of that source (ip_check_mc_rcu), of IPv6 all (ip6_mc_input). */
bool address_hears_group(const struct net *net, const struct ip_addr *group,
                         const struct ip_addr *source, const struct hf_link *link);

#endif
