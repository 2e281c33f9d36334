/* An IPv6 socket has options of IPv4 beside its own, for what it sends and hears over IPv4; and
 * IP_MINTTL, IPV6_MINHOPCOUNT: how far a peer may be. */
#include "../lib.h"

/* Each pair is set apart: a value for IPv4, another for IPv6. */
static void apart(int f)
{
    static const struct {
        const char *name;
        int ip, ipv6, type, of4, of6;
    } pairs[] = {
        {"time to live", IP_TTL, IPV6_UNICAST_HOPS, SOCK_STREAM, 33, 44},
        {"time to live, datagrams", IP_TTL, IPV6_UNICAST_HOPS, SOCK_DGRAM, 33, 44},
        {"class", IP_TOS, IPV6_TCLASS, SOCK_STREAM, 0x20, 0x40},
        {"class, datagrams", IP_TOS, IPV6_TCLASS, SOCK_DGRAM, 0x20, 0x40},
        {"path MTU discovery", IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, SOCK_STREAM, 2, 3},
        {"path MTU discovery, datagrams", IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, SOCK_DGRAM, 2, 0},
        {"groups' time to live", IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS, SOCK_DGRAM, 5, 6},
        {"groups' loop", IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP, SOCK_DGRAM, 0, 1},
        {"groups' loop, stream", IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP, SOCK_STREAM, 0, 1},
        {"nearness", IP_MINTTL, IPV6_MINHOPCOUNT, SOCK_STREAM, 20, 30},
    };
    for (size_t i = 0; f == AF_INET6 && i < COUNT(pairs); i++) {
        int fd = MUST(socket(f, pairs[i].type, 0));
        RC(setopt(fd, IPPROTO_IP, pairs[i].ip, pairs[i].of4), 0,
           nm(f, "%s, of IPv4", pairs[i].name));
        RC(setopt(fd, IPPROTO_IPV6, pairs[i].ipv6, pairs[i].of6), 0,
           nm(f, "%s, of IPv6", pairs[i].name));
        EQ(getopt_of(fd, IPPROTO_IP, pairs[i].ip), pairs[i].of4,
           nm(f, "%s, IPv4's is kept", pairs[i].name));
        EQ(getopt_of(fd, IPPROTO_IPV6, pairs[i].ipv6), pairs[i].of6,
           nm(f, "%s, IPv6's is kept", pairs[i].name));
        close(fd);
    }
}

/* What arrives over either family, of one socket's datagrams. */
static void by_family(int f)
{
    struct addr a4, a6;
    int s4 = bound(AF_INET, SOCK_DGRAM, &a4), s6 = bound(AF_INET6, SOCK_DGRAM, &a6);
    int c = udp(AF_INET6);
    struct addr m = mapped(INADDR_LOOPBACK, port_of(a4));
    char b[4];
    _Alignas(struct cmsghdr) char control[128];
    struct iovec v = {b, sizeof(b)};
    struct msghdr h = {.msg_iov = &v, .msg_iovlen = 1};
    int got4 = -1, got6 = -1;
    MUST(setopt(s4, IPPROTO_IP, IP_RECVTTL, 1));
    MUST(setopt(s6, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1));
    MUST(setopt(c, IPPROTO_IP, IP_TTL, 33));
    MUST(setopt(c, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 44));
    MUST(send_to(c, "x", 1, m));
    MUST(send_to(c, "x", 1, a6));
    h.msg_control = control;
    h.msg_controllen = sizeof(control);
    MUST(recvmsg(s4, &h, 0));
    if (CMSG_FIRSTHDR(&h))
        memcpy(&got4, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(got4));
    h.msg_controllen = sizeof(control);
    MUST(recvmsg(s6, &h, 0));
    if (CMSG_FIRSTHDR(&h))
        memcpy(&got6, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(got6));
    EQ(got4, 33, nm(f, "what went by IPv4 has its time to live"));
    EQ(got6, 44, nm(f, "what went by IPv6 has its"));
}

static int level(int f)
{
    return f == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
}

static int nearness(int f)
{
    return f == AF_INET ? IP_MINTTL : IPV6_MINHOPCOUNT;
}

static int hops(int f)
{
    return f == AF_INET ? IP_TTL : IPV6_UNICAST_HOPS;
}

static void near_enough(int f)
{
    struct addr a;
    int l = bound(f, SOCK_STREAM, &a), c = tcp(f), s, far = tcp(f);
    char b[4];
    RC(setopt(l, level(f), nearness(f), 256), -EINVAL, nm(f, "nearness 256"));
    RC(setopt(l, level(f), nearness(f), -1), -EINVAL, nm(f, "nearness -1"));
    RC(setopt(l, level(f), nearness(f), 255), 0, nm(f, "nearness 255"));
    EQ(getopt_of(l, level(f), nearness(f)), 255, nm(f, "nearness is kept"));
    MUST(listen(l, 4));
    MUST(setopt(c, level(f), hops(f), 255));
    RC(connect_to(c, a), 0, nm(f, "a peer that is near"));
    s = MUST(accept(l, NULL, NULL));
    EQ(getopt_of(s, level(f), nearness(f)), 255, nm(f, "a child has its listener's"));
    MUST(send(c, "abc", 3, 0));
    RC(recv(s, b, 4, 0), 3, nm(f, "a near peer is heard"));
    MUST(setopt(far, IPPROTO_TCP, TCP_SYNCNT, 1));
    set_timeout(far, SO_SNDTIMEO, 100);
    RC(connect_to(far, a), -EINPROGRESS, nm(f, "one that may be far is not"));
    MUST(setopt(s, level(f), nearness(f), 0));
    MUST(setopt(c, level(f), hops(f), 10));
    MUST(send(c, "abc", 3, 0));
    RC(recv(s, b, 4, 0), 3, nm(f, "from anywhere again"));
}

/* Datagrams do not look at it. */
static void datagrams(int f)
{
    struct addr a;
    int s = bound(f, SOCK_DGRAM, &a), c = udp(f);
    char b[4];
    RC(setopt(s, level(f), nearness(f), 255), 0, nm(f, "nearness of datagrams"));
    MUST(send_to(c, "x", 1, a));
    RC(recv(s, b, 4, 0), 1, nm(f, "datagrams come from anywhere"));
}

/* Linux: the link counts, the address does not. */
static void sticky(int f)
{
    struct in6_pktinfo info = {.ipi6_addr = in6addr_loopback};
    struct addr a;
    int s, c;
    char b[4];
    if (f != AF_INET6)
        return;
    s = bound(f, SOCK_DGRAM, &a);
    c = udp(f);
    RC(setsockopt(c, IPPROTO_IPV6, IPV6_PKTINFO, &info, 19), -EINVAL, nm(f, "IPV6_PKTINFO, short"));
    RC(setsockopt(c, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info)), 0, nm(f, "IPV6_PKTINFO"));
    MUST(send_to(c, "x", 1, a));
    RC(recv(s, b, 4, 0), 1, nm(f, "IPV6_PKTINFO, what is sent arrives"));
    info.ipi6_ifindex = 1;
    RC(setsockopt(c, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info)), 0,
       nm(f, "IPV6_PKTINFO, loopback's link"));
    MUST(send_to(c, "x", 1, a));
    RC(recv(s, b, 4, 0), 1, nm(f, "IPV6_PKTINFO, by that link"));
    info.ipi6_ifindex = 4711;
    RC(setsockopt(c, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof(info)), 0,
       nm(f, "IPV6_PKTINFO, a link that is not there"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(apart), CASE(by_family), CASE(near_enough),
                                         CASE(datagrams), CASE(sticky)};
    return run_cases(cases, COUNT(cases));
}
