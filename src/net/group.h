/* The groups that sockets of this host have joined, by link. RFC 1112 7.1, RFC 3493 5.2.
 *
 * Deviates: nothing tells the neighbours (IGMP, MLD): only switches that do not look reach us. */
#ifndef NET_GROUP_H
#define NET_GROUP_H

#include "net/net.h"

HF_NODISCARD int group_init(struct net *net);
void group_fini(struct net *net);

/* Counts a socket that joins, and one that leaves. includes: it hears only the sources that it
 * names, not all but those; RFC 3376 3.1. -HF_ENOBUFS: no memory. */
HF_NODISCARD int group_join(struct net *net, const struct ip_addr *group, uint32_t link_index,
                            bool includes);
void group_leave(struct net *net, const struct ip_addr *group, uint32_t link_index, bool includes);

/* Counts a source that a member includes or excludes, and one that it no longer does. */
HF_NODISCARD int group_add_source(struct net *net, const struct ip_addr *group, uint32_t link_index,
                                  const struct ip_addr *source, bool includes);
void group_drop_source(struct net *net, const struct ip_addr *group, uint32_t link_index,
                       const struct ip_addr *source, bool includes);

/* Some socket has joined it on that link; 0: on any. */
bool group_is_joined(const struct net *net, const struct ip_addr *group, uint32_t link_index);
/* And some such socket hears that source: RFC 3376 3.2. */
bool group_hears(const struct net *net, const struct ip_addr *group, uint32_t link_index,
                 const struct ip_addr *source);

#endif
