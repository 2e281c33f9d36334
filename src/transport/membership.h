/* The groups one socket has joined, and whom of them it hears. Linux: ip_mc_join_group,
 * ip_mc_source, ip_mc_msfilter, ipv6_sock_mc_join and their likes. RFC 3376 3.1, RFC 3678. */
#ifndef TRANSPORT_MEMBERSHIP_H
#define TRANSPORT_MEMBERSHIP_H

#include "base/list.h"
#include "net/ip_input.h"
#include "transport/udp.h"

enum {
    MEMBERSHIPS_MOST = 20, /* Linux: igmp_max_memberships; IPv6 has no such limit of its own */
    SOURCES_MOST4 = 10,    /* Linux: igmp_max_msf, mld_max_msf */
    SOURCES_MOST6 = 64,
};

struct membership {
    struct membership *next;
    struct ip_addr group;
    uint32_t link_index;
    bool includes;          /* it hears only the sources, else all but them */
    bool had_sources;       /* Linux: from then on its mode stays */
    uint16_t sources, room; /* how many there are, and may be */
    struct ip_addr *source;
};

/* How many sources a membership of that group may name. */
uint32_t membership_sources_most(const struct ip_addr *group);

/* Joins on a link. includes: hears nobody yet. 0, or
 *   -HF_EADDRINUSE  it has already
 *   -HF_ENOBUFS     too many, or no memory */
HF_NODISCARD int membership_join(struct udp_pcb *up, const struct ip_addr *group,
                                 uint32_t link_index, bool includes);
/* link_index 0: on whichever link; NULL: it has not joined. */
struct membership *membership_find(const struct udp_pcb *up, const struct ip_addr *group,
                                   uint32_t link_index);
/* Leaves; link_index 0: on whichever link it joined. -HF_EADDRNOTAVAIL: it has not. */
HF_NODISCARD int membership_leave(struct udp_pcb *up, const struct ip_addr *group,
                                  uint32_t link_index);
/* The socket ends. */
void membership_leave_all(struct udp_pcb *up);

/* One more source is heard (includes), or no longer heard.
 *   -HF_EINVAL        the membership is of the other kind, and has named sources
 *   -HF_ENOBUFS       too many, or no memory
 *   -HF_EADDRNOTAVAIL named already */
HF_NODISCARD int membership_add_source(struct udp_pcb *up, struct membership *m,
                                       const struct ip_addr *source, bool includes);
/* One source is no longer named; who includes and names nobody else leaves, and m is gone.
 *   -HF_EINVAL        the membership is of the other kind, and has named sources
 *   -HF_EADDRNOTAVAIL not named */
HF_NODISCARD int membership_drop_source(struct udp_pcb *up, struct membership *m,
                                        const struct ip_addr *source, bool includes);
/* These count, no more than membership_sources_most, instead of those that were.
 * -HF_ENOBUFS: no memory; nothing has changed. */
HF_NODISCARD int membership_set_sources(struct udp_pcb *up, struct membership *m,
                                        const struct ip_addr *source, uint16_t count,
                                        bool includes);

/* A datagram to a group is the socket's to take: it has joined there and hears that source, or has
 * not and takes what others have joined (IP_MULTICAST_ALL). Linux: ip_mc_sf_allow,
 * inet6_mc_check. */
bool membership_takes(const struct udp_pcb *up, const struct ip_info *ip);

#endif
