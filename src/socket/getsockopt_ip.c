/* getsockopt() of SOL_IP and SOL_IPV6. Linux: do_ip_getsockopt, do_ipv6_getsockopt. */
#include "net/path.h"
#include "socket/sock.h"
#include "wire/bytes.h"
#include "wire/sockaddr.h"

#define TTL_DEFAULT 64

static int ttl(const struct pcb_ip *ip)
{
    return ip->ttl ? ip->ttl : TTL_DEFAULT;
}

/* The index in network order, as it was given. */
static int unicast_if(uint8_t index)
{
    uint8_t bytes[4];
    int v;

    put32(bytes, index);
    memcpy(&v, bytes, sizeof(v));
    return v;
}

static int get_mtu(struct pcb *pcb, int *v)
{
    if (!pcb->path)
        return -HF_ENOTCONN;
    *v = (int)path_mtu(pcb->path);
    /* Linux: loopback's MTU is one more than a packet's length can say; IPv6 tells it as it is. */
    if (!addr_is4(&pcb->path->dst) && *v == HF_FRAME_MAX)
        *v = (int)pcb->path->link->mtu;
    return 0;
}

static int get_ip(struct hf_sock *sk, int name, int *v)
{
    struct pcb *pcb = sock_pcb(sk);
    const struct pcb_ip *ip = &pcb->ip4;
    int which = option_find(HF_SOL_IP, name);

    if (which != OPTION_OTHER) {
        *v = option_is_on(sk, which);
        return 0;
    }
    switch (name) {
    case HF_IP_TTL:
        *v = ttl(ip);
        return 0;
    case HF_IP_TOS:
        *v = ip->tos;
        return 0;
    case HF_IP_MTU_DISCOVER:
        *v = pcb->pmtudisc4;
        return 0;
    case HF_IP_MULTICAST_TTL:
        *v = sk->is_stream ? 1 : sock_udp(sk)->mcast4.ttl;
        return 0;
    case HF_IP_UNICAST_IF:
        *v = unicast_if(sk->opt.unicast_if4);
        return 0;
    case HF_IP_MTU:
        return get_mtu(pcb, v);
    case HF_IP_LOCAL_PORT_RANGE:
        *v = (int)((uint32_t)pcb->port_high << 16 | pcb->port_low);
        return 0;
    case HF_IP_MINTTL:
        *v = ip->least_ttl;
        return 0;
    default:
        return -HF_ENOPROTOOPT;
    }
}

int option_give_small(void *value, uint32_t *len, int v)
{
    uint8_t byte = (uint8_t)v;

    return *len && *len < sizeof(v) && v == byte ? option_give(value, len, &byte, sizeof(byte))
                                                 : option_give_int(value, len, v);
}

int getsockopt_ip(struct hf_sock *sk, int name, void *value, uint32_t *len)
{
    static const uint8_t any[4];
    int v = 0, err;

    if (name == HF_IP_OPTIONS) {
        *len = 0;
        return 0;
    }
    if (name == HF_IP_MULTICAST_IF) /* Linux: the address that was given, not the link's */
        return option_give(value, len, sk->is_stream ? any : sock_udp(sk)->mcast4.source4, 4);
    if (name == HF_IP_MSFILTER)
        return membership_get_filter_ip(sk, value, len);
    if (name == HF_MCAST_MSFILTER)
        return membership_get_filter(sk, false, value, len);
    err = get_ip(sk, name, &v);
    if (err)
        return err == -HF_ENOPROTOOPT ? option_get_fixed(sk, HF_SOL_IP, name, value, len) : err;
    return option_give_small(value, len, v);
}

static int get_ipv6(struct hf_sock *sk, int name, int *v)
{
    struct pcb *pcb = sock_pcb(sk);
    const struct pcb_ip *ip = &pcb->ip6;
    int which = option_find(HF_SOL_IPV6, name);

    if (which != OPTION_OTHER) {
        *v = option_is_on(sk, which);
        return 0;
    }
    switch (name) {
    case HF_IPV6_UNICAST_HOPS:
        *v = sk->opt.hops_zero ? 0 : ttl(ip);
        return 0;
    case HF_IPV6_MULTICAST_HOPS:
        *v = sk->is_stream ? 1 : sock_udp(sk)->mcast6.ttl;
        return 0;
    case HF_IPV6_MULTICAST_IF:
        *v = sk->is_stream ? 0 : sock_udp(sk)->mcast6.link;
        return 0;
    case HF_IPV6_UNICAST_IF:
        *v = unicast_if(sk->opt.unicast_if6);
        return 0;
    case HF_IPV6_TCLASS:
        *v = ip->tos;
        return 0;
    case HF_IPV6_MTU_DISCOVER:
        *v = pcb->pmtudisc6;
        return 0;
    case HF_IPV6_MTU:
        return get_mtu(pcb, v);
    case HF_IPV6_MINHOPCOUNT:
        *v = ip->least_ttl;
        return 0;
    default:
        return -HF_ENOPROTOOPT;
    }
}

/* RFC 3542 11.4: struct ip6_mtuinfo. Linux leaves the address empty. */
static int get_path_mtu(struct hf_sock *sk, void *value, uint32_t *len)
{
    uint8_t info[SOCKADDR_IN6 + 4] = {0};
    int mtu, err;

    if (*len < sizeof(info))
        return -HF_EINVAL;
    err = get_mtu(sock_pcb(sk), &mtu);
    if (err)
        return err;
    memcpy(info + SOCKADDR_IN6, &mtu, sizeof(mtu));
    return option_give(value, len, info, sizeof(info));
}

int getsockopt_ipv6(struct hf_sock *sk, int name, void *value, uint32_t *len)
{
    int v = 0, err;

    if (name == HF_IPV6_PATHMTU)
        return get_path_mtu(sk, value, len);
    if (name == HF_MCAST_MSFILTER)
        return membership_get_filter(sk, true, value, len);
    err = get_ipv6(sk, name, &v);
    if (err == -HF_ENOPROTOOPT)
        return option_get_fixed(sk, HF_SOL_IPV6, name, value, len);
    return err ? err : option_give_int(value, len, v);
}
