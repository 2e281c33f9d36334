/* The groups one socket has joined. Linux: ip_mc_join_group, ipv6_sock_mc_join and their likes. */
#ifndef TRANSPORT_MEMBERSHIP_H
#define TRANSPORT_MEMBERSHIP_H

#include "base/list.h"
#include "transport/udp.h"

#define MEMBERSHIPS_MOST 20 /* Linux: igmp_max_memberships; IPv6 has no such limit of its own */

/* Joins on a link. 0, or
 *   -HF_EADDRINUSE  it has already
 *   -HF_ENOBUFS     too many, or no memory */
HF_NODISCARD int membership_join(struct udp_pcb *up, const struct ip_addr *group,
                                 uint32_t link_index);
/* On whichever link. */
bool membership_has(const struct udp_pcb *up, const struct ip_addr *group);
/* Leaves; link_index 0: on whichever link it joined. -HF_EADDRNOTAVAIL: it has not. */
HF_NODISCARD int membership_leave(struct udp_pcb *up, const struct ip_addr *group,
                                  uint32_t link_index);
/* The socket ends. */
void membership_leave_all(struct udp_pcb *up);

/* A datagram to that group that came by that link is the socket's to take: it has joined, or takes
 * what others have joined (IP_MULTICAST_ALL). is_looped: it came back from whichever link it left
 * by. */
bool membership_takes(const struct udp_pcb *up, const struct ip_addr *group, uint32_t link_index,
                      bool is_looped);

#endif
