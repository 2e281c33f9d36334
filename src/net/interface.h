/* What the ioctl() requests SIOCGIF... tell of links and their addresses. Linux: dev_ifsioc,
 * devinet_ioctl, dev_ifconf; struct ifreq and struct ifconf are formats. */
#ifndef NET_INTERFACE_H
#define NET_INTERFACE_H

#include "handfast/linux.h"
#include "net/net.h"

/* IFF_* of the link, and its ARPHRD_*. */
uint32_t interface_flags(const struct hf_link *link);
uint16_t interface_type(const struct hf_link *link);
/* The broadcast address that goes with an address of IPv4; any: none does. */
struct ip_addr interface_broadcast(const struct net_addr *a);

/* family: of the socket that asks; only one of HF_AF_INET is told addresses.
 *   -HF_ENODEV  no such link  -HF_EADDRNOTAVAIL  it has no address of IPv4
 *   -HF_ENOTTY  none of these requests */
HF_NODISCARD int interface_request(const struct net *net, int family, unsigned long request,
                                   uint8_t ifreq[HF_IFREQ_BYTES]);

/* One struct ifreq per address of IPv4, as many as fit; returns the bytes they take, all of them
 * where `to` is NULL. */
size_t interface_list(const struct net *net, uint8_t *to, size_t room);

#endif
