/* setsockopt() of SOL_IP and SOL_IPV6. Linux: do_ip_setsockopt, do_ipv6_setsockopt. An IPv6 socket
 * takes both, for the IPv4 it speaks. */
#include "net/address.h"
#include "net/net.h"
#include "socket/sock.h"
#include "wire/bytes.h"

/* Linux: rt_tos2priority. Best effort, bulk, interactive, interactive bulk. */
static uint8_t priority_of(uint8_t tos)
{
    static const uint8_t of_class[4] = {0, 2, 6, 4};

    return of_class[tos >> 3 & 3];
}

/* RFC 3168: the ECN bits are TCP's own. */
static void set_tos(const struct hf_sock *sk, struct pcb_ip *ip, uint8_t tos)
{
    ip->tos = sk->is_stream ? (uint8_t)((tos & ~3) | (ip->tos & 3)) : tos;
}

static int set_pmtudisc(struct hf_sock *sk, bool is4, int v)
{
    if (v < HF_IP_PMTUDISC_DONT || v > HF_IP_PMTUDISC_OMIT)
        return -HF_EINVAL;
    if (is4)
        sock_pcb(sk)->pmtudisc4 = v & 7;
    else
        sock_pcb(sk)->pmtudisc6 = v & 7;
    return 0;
}

static bool is_link(const struct hf_sock *sk, int index)
{
    return index > 0 && index <= NET_LINKS && sk->all->net.links[index];
}

/* struct in_addr, ip_mreq or ip_mreqn, told apart by their length. The address is kept, too: what
 * goes to groups is from it. */
static int set_multicast_if(struct hf_sock *sk, const uint8_t *value, uint32_t len)
{
    const uint8_t *addr4 = len >= 8 ? value + 4 : value;
    const struct hf_link *link;
    struct ip_addr addr;
    int index = 0;

    if (sk->is_stream || len < 4)
        return -HF_EINVAL;
    addr = addr_from4(addr4);
    if (len >= 12)
        memcpy(&index, value + 8, sizeof(index));
    if (index && !is_link(sk, index))
        return -HF_EADDRNOTAVAIL;
    if (!index && !addr_is_any(&addr)) {
        link = address_link(&sk->all->net, &addr);
        if (!link)
            return -HF_EADDRNOTAVAIL;
        index = (int)link->index;
    }
    if (index && sock_pcb(sk)->link_index && sock_pcb(sk)->link_index != (uint32_t)index)
        return -HF_EINVAL;
    sock_udp(sk)->mcast4.link = (uint8_t)index;
    memcpy(sock_udp(sk)->mcast4.source4, addr4, sizeof(sock_udp(sk)->mcast4.source4));
    return 0;
}

/* The index comes in network order. */
static int set_unicast_if(const struct hf_sock *sk, uint8_t *to, const void *value, uint32_t len)
{
    int index;

    if (len != 4)
        return -HF_EINVAL;
    index = (int)get32(value);
    if (index && !is_link(sk, index))
        return -HF_EADDRNOTAVAIL;
    *to = (uint8_t)index;
    return 0;
}

/* Linux's order: the length for those that insist on one, the privilege, the value. */
static int turn_ip(struct hf_sock *sk, int name, int which, int v, uint32_t len)
{
    bool insists = name == HF_IP_FREEBIND || name == HF_IP_TRANSPARENT ||
                   name == HF_IP_MULTICAST_LOOP || name == HF_IP_MULTICAST_ALL;

    if (name == HF_IP_TRANSPARENT && v && !sock_is_privileged(sk))
        return -HF_EPERM;
    if (insists && len < 1)
        return -HF_EINVAL;
    if ((name == HF_IP_MULTICAST_ALL || name == HF_IP_RECVERR_RFC4884) && v != 0 && v != 1)
        return -HF_EINVAL;
    if (name == HF_IP_RECVFRAGSIZE && sk->is_stream)
        return -HF_EINVAL;
    option_turn(sk, which, v != 0);
    return 0;
}

static int set_multicast_ttl(struct hf_sock *sk, int v, uint32_t len)
{
    if (sk->is_stream || len < 1 || v < -1 || v > 255)
        return -HF_EINVAL;
    sock_udp(sk)->mcast4.ttl = v < 0 ? 1 : (uint8_t)v;
    return 0;
}

/* Two ports in one number, the upper one in its upper half; 0 is no end. */
static int set_port_range(struct hf_sock *sk, int v, uint32_t len)
{
    uint16_t low = (uint16_t)v, high = (uint16_t)((uint32_t)v >> 16);

    if (len != sizeof(v) || (low && high && low > high))
        return -HF_EINVAL;
    sock_pcb(sk)->port_low = low;
    sock_pcb(sk)->port_high = high;
    return 0;
}

/* RFC 5082 3: kept of any socket, and held to by TCP. */
static int set_least_ttl(struct pcb_ip *ip, int v)
{
    if (v < 0 || v > 255)
        return -HF_EINVAL;
    ip->least_ttl = (uint8_t)v;
    return 0;
}

int setsockopt_ip(struct hf_sock *sk, int name, const void *value, uint32_t len)
{
    struct pcb_ip *ip = &sock_pcb(sk)->ip4;
    int which = option_find(HF_SOL_IP, name);
    int v = 0;

    /* Linux: a byte will do for an int, and nothing for 0. */
    if (len >= sizeof(v))
        memcpy(&v, value, sizeof(v));
    else if (len)
        v = *(const uint8_t *)value;
    if (which != OPTION_OTHER)
        return turn_ip(sk, name, which, v, len);
    switch (name) {
    case HF_IP_TTL:
        if (len < 1 || (v != -1 && (v < 1 || v > 255)))
            return -HF_EINVAL;
        ip->ttl = v < 0 ? 0 : (uint8_t)v;
        return 0;
    case HF_IP_TOS:
        set_tos(sk, ip, (uint8_t)v);
        sk->opt.priority = (int8_t)priority_of(ip->tos);
        return 0;
    case HF_IP_MTU_DISCOVER:
        return set_pmtudisc(sk, true, v);
    case HF_IP_MULTICAST_TTL:
        return set_multicast_ttl(sk, v, len);
    case HF_IP_ADD_MEMBERSHIP:
    case HF_IP_DROP_MEMBERSHIP:
        return membership_ip(sk, name == HF_IP_ADD_MEMBERSHIP, value, len);
    case HF_MCAST_JOIN_GROUP:
    case HF_MCAST_LEAVE_GROUP:
        return membership_group(sk, false, name == HF_MCAST_JOIN_GROUP, value, len);
    case HF_IP_ADD_SOURCE_MEMBERSHIP:
    case HF_IP_DROP_SOURCE_MEMBERSHIP:
    case HF_IP_BLOCK_SOURCE:
    case HF_IP_UNBLOCK_SOURCE:
        return membership_source_ip(sk, name, value, len);
    case HF_MCAST_JOIN_SOURCE_GROUP:
    case HF_MCAST_LEAVE_SOURCE_GROUP:
    case HF_MCAST_BLOCK_SOURCE:
    case HF_MCAST_UNBLOCK_SOURCE:
        return membership_source(sk, false, name, value, len);
    case HF_IP_MSFILTER:
        return membership_filter_ip(sk, value, len);
    case HF_MCAST_MSFILTER:
        return membership_filter(sk, false, value, len);
    case HF_IP_MULTICAST_IF:
        return set_multicast_if(sk, value, len);
    case HF_IP_UNICAST_IF:
        return set_unicast_if(sk, &sk->opt.unicast_if4, value, len);
    case HF_IP_MINTTL:
        return len < 1 ? -HF_EINVAL : set_least_ttl(ip, v);
    case HF_IP_LOCAL_PORT_RANGE:
        return set_port_range(sk, v, len);
    case HF_IP_OPTIONS: /* none are ever sent: only taking them away works */
        return len > 40 ? -HF_EINVAL : len ? -HF_ENOPROTOOPT : 0;
    default:
        return option_set_fixed(sk, HF_SOL_IP, name, v, len);
    }
}

static int turn_ipv6(struct hf_sock *sk, int name, int which, int v)
{
    if (name == HF_IPV6_TRANSPARENT && v && !sock_is_privileged(sk))
        return -HF_EPERM;
    if (name == HF_IPV6_V6ONLY && sock_pcb(sk)->entry.port_hold != PORT_NONE)
        return -HF_EINVAL;
    if ((name == HF_IPV6_MULTICAST_LOOP || name == HF_IPV6_RECVERR_RFC4884) && v != 0 && v != 1)
        return -HF_EINVAL;
    option_turn(sk, which, v != 0);
    return 0;
}

static int set_hops(struct hf_sock *sk, int v)
{
    if (v < -1 || v > 255)
        return -HF_EINVAL;
    sock_pcb(sk)->ip6.ttl = v < 0 ? 0 : (uint8_t)v;
    sk->opt.hops_zero = v == 0;
    return 0;
}

static int set_multicast_hops(struct hf_sock *sk, int v)
{
    if (sk->is_stream)
        return -HF_ENOPROTOOPT;
    if (v < -1 || v > 255)
        return -HF_EINVAL;
    sock_udp(sk)->mcast6.ttl = v < 0 ? 1 : (uint8_t)v;
    return 0;
}

static int set_multicast_if6(struct hf_sock *sk, int v)
{
    uint32_t bound = sock_pcb(sk)->link_index;

    if (sk->is_stream)
        return -HF_ENOPROTOOPT;
    if (v && !is_link(sk, v))
        return -HF_ENODEV;
    if (v && bound && bound != (uint32_t)v)
        return -HF_EINVAL;
    sock_udp(sk)->mcast6.link = (uint8_t)v;
    return 0;
}

/* A socket connected to a mapped address becomes one of IPv4. */
static int set_addrform(struct hf_sock *sk, int v)
{
    struct pcb *pcb = sock_pcb(sk);
    bool is_connected =
        sk->is_stream ? tcp_state(sock_tcb(sk)) == TCP_ESTABLISHED : sock_udp(sk)->is_connected;

    if (v != HF_AF_INET)
        return -HF_EINVAL;
    if (!is_connected)
        return -HF_ENOTCONN;
    if (pcb->entry.v6only || !addr_is4(&pcb->entry.raddr))
        return -HF_EADDRNOTAVAIL;
    pcb->entry.is_v6 = 0;
    return 0;
}

/* Linux: these do not look at the length; what is not there is 0. */
static bool takes_nothing(int name)
{
    return name == HF_IPV6_DONTFRAG || name == HF_IPV6_AUTOFLOWLABEL ||
           name == HF_IPV6_RECVFRAGSIZE;
}

/* RFC 3542 6.1. Linux: the link counts where nothing else says one, the address never. */
static int set_pktinfo6(struct hf_sock *sk, const uint8_t *value, uint32_t len)
{
    uint32_t index, bound = sock_pcb(sk)->link_index;

    if (len < 20)
        return -HF_EINVAL;
    memcpy(&index, value + 16, sizeof(index));
    if (bound && index != bound)
        return -HF_EINVAL;
    if (!sk->is_stream)
        sock_udp(sk)->sticky_link6 = index;
    return 0;
}

int setsockopt_ipv6(struct hf_sock *sk, int name, const void *value, uint32_t len)
{
    struct pcb_ip *ip = &sock_pcb(sk)->ip6;
    int which = option_find(HF_SOL_IPV6, name);
    bool is_known = which != OPTION_OTHER;
    int v = 0;

    if (len >= sizeof(v))
        memcpy(&v, value, sizeof(v));
    if (is_known)
        return len < sizeof(v) && !takes_nothing(name) ? -HF_EINVAL : turn_ipv6(sk, name, which, v);
    switch (name) {
    case HF_IPV6_ADDRFORM:
        return len < sizeof(v) ? -HF_EINVAL : set_addrform(sk, v);
    case HF_IPV6_UNICAST_HOPS:
        return len < sizeof(v) ? -HF_EINVAL : set_hops(sk, v);
    case HF_IPV6_JOIN_GROUP:
    case HF_IPV6_DROP_MEMBERSHIP:
        return membership_ipv6(sk, name == HF_IPV6_JOIN_GROUP, value, len);
    case HF_MCAST_JOIN_GROUP:
    case HF_MCAST_LEAVE_GROUP:
        return membership_group(sk, true, name == HF_MCAST_JOIN_GROUP, value, len);
    case HF_MCAST_JOIN_SOURCE_GROUP:
    case HF_MCAST_LEAVE_SOURCE_GROUP:
    case HF_MCAST_BLOCK_SOURCE:
    case HF_MCAST_UNBLOCK_SOURCE:
        return membership_source(sk, true, name, value, len);
    case HF_MCAST_MSFILTER:
        return membership_filter(sk, true, value, len);
    case HF_IPV6_MULTICAST_HOPS:
        return len < sizeof(v) && !sk->is_stream ? -HF_EINVAL : set_multicast_hops(sk, v);
    case HF_IPV6_MULTICAST_IF:
        return len < sizeof(v) && !sk->is_stream ? -HF_EINVAL : set_multicast_if6(sk, v);
    case HF_IPV6_UNICAST_IF:
        return set_unicast_if(sk, &sk->opt.unicast_if6, value, len);
    case HF_IPV6_TCLASS: /* RFC 3542 6.5: -1 is the default */
        if (len < sizeof(v) || v < -1 || v > 255)
            return -HF_EINVAL;
        set_tos(sk, ip, v < 0 ? 0 : (uint8_t)v);
        return 0;
    case HF_IPV6_MTU_DISCOVER:
        return len < sizeof(v) ? -HF_EINVAL : set_pmtudisc(sk, false, v);
    case HF_IPV6_MINHOPCOUNT:
        return len < sizeof(v) ? -HF_EINVAL : set_least_ttl(ip, v);
    case HF_IPV6_PKTINFO:
        return set_pktinfo6(sk, value, len);
    case HF_IPV6_MTU:
        if (len < sizeof(v) || (v && v < 1280))
            return -HF_EINVAL;
        if (v && sk->is_stream)
            return -HF_ENOPROTOOPT;
        if (!sk->is_stream)
            sock_udp(sk)->cut6 = (uint16_t)HF_MIN((uint32_t)v, (uint32_t)UINT16_MAX);
        return 0;
    default:
        return option_set_fixed(sk, HF_SOL_IPV6, name, v, len);
    }
}
