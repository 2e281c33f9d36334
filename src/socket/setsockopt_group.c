/* setsockopt() about multicast groups. Linux: ip_mc_join_group, ipv6_sock_mc_join,
 * do_mcast_group_source without sources. RFC 1112, RFC 3493 5.2, RFC 3678 5.1. */
#include "net/address.h"
#include "net/net.h"
#include "net/route.h"
#include "socket/sock.h"
#include "transport/membership.h"
#include "wire/sockaddr.h"

enum { IP_MREQ = 8, IP_MREQN = 12, IPV6_MREQ = 20, GROUP_REQ = 136, GROUP_AT = 8 };

static const struct hf_link *link_of_route(const struct net *net, const struct ip_addr *group)
{
    const struct route *r = route_find(net, group, 0, false);

    return r ? r->link : NULL;
}

uint32_t membership_link(const struct hf_sock *sk, const struct ip_addr *group,
                         const struct ip_addr *addr, uint32_t index)
{
    const struct net *net = &sk->all->net;
    const struct hf_link *link = NULL;

    if (index)
        return index <= NET_LINKS && net->links[index] ? index : 0;
    if (addr_is_any(addr)) {
        link = link_of_route(net, group);
        return link ? link->index : 0;
    }
    link = address_link(net, addr);
    return link ? link->index : 0;
}

int membership_enter(struct hf_sock *sk, const struct ip_addr *group, const struct ip_addr *addr,
                     uint32_t index, bool includes)
{
    uint32_t link_index;

    if (!index && !addr_is4(group) && membership_find(sock_udp(sk), group, 0))
        return -HF_EADDRINUSE; /* Linux: before a link is looked for */
    link_index = membership_link(sk, group, addr, index);
    return link_index ? membership_join(sock_udp(sk), group, link_index, includes) : -HF_ENODEV;
}

static int change(struct hf_sock *sk, bool joins, const struct ip_addr *group,
                  const struct ip_addr *addr, uint32_t index)
{
    uint32_t link_index;

    if (!addr_is_multicast(group))
        return joins || !addr_is4(group) ? -HF_EINVAL : -HF_EADDRNOTAVAIL;
    if (joins)
        return membership_enter(sk, group, addr, index, false);
    link_index = membership_link(sk, group, addr, index);
    /* What was named and is not there is no membership either. */
    if (!link_index && (index || !addr_is_any(addr)))
        return -HF_EADDRNOTAVAIL;
    return !link_index && addr_is4(group) ? -HF_ENODEV
                                          : membership_leave(sock_udp(sk), group, link_index);
}

int membership_ip(struct hf_sock *sk, bool joins, const uint8_t *value, uint32_t len)
{
    struct ip_addr group, addr;
    uint32_t index = 0;

    if (sk->is_stream)
        return -HF_EPROTO;
    if (len < IP_MREQ)
        return -HF_EINVAL;
    group = addr_from4(value);
    addr = addr_from4(value + 4);
    if (len >= IP_MREQN)
        memcpy(&index, value + IP_MREQ, sizeof(index));
    return change(sk, joins, &group, &addr, index);
}

int membership_ipv6(struct hf_sock *sk, bool joins, const uint8_t *value, uint32_t len)
{
    struct ip_addr group;
    uint32_t index;

    if (len < IPV6_MREQ)
        return -HF_EINVAL;
    if (sk->is_stream)
        return -HF_EPROTO;
    group = addr_from6(value);
    if (addr_is4(&group))
        return -HF_EINVAL;
    memcpy(&index, value + 16, sizeof(index));
    return change(sk, joins, &group, &ADDR_ANY6, index);
}

int membership_group(struct hf_sock *sk, bool is_v6, bool joins, const uint8_t *value, uint32_t len)
{
    uint16_t family;
    struct endpoint ep;
    uint32_t index;

    if (len < GROUP_REQ)
        return -HF_EINVAL;
    family = sockaddr_family(value + GROUP_AT);
    if (family != (is_v6 ? HF_AF_INET6 : HF_AF_INET))
        return is_v6 ? -HF_EADDRNOTAVAIL : -HF_EINVAL;
    if (sk->is_stream)
        return -HF_EPROTO;
    memcpy(&index, value, sizeof(index));
    sockaddr_read(value + GROUP_AT, SOCKADDR_IN6, family, &ep);
    if (is_v6 && addr_is4(&ep.addr))
        return -HF_EINVAL;
    return change(sk, joins, &ep.addr, is_v6 ? &ADDR_ANY6 : &ADDR_ANY4, index);
}
