/* Multicast over loopback: joining and leaving, and who hears what is sent. RFC 1112, RFC 3493 5.2.
 */
#include "../lib.h"

#define GROUP  0xef010203 /* 239.1.2.3 */
#define OTHERS 0xef020203

static int join(int fd, uint32_t group, uint32_t addr, int index, int name)
{
    struct ip_mreqn m = {{htonl(group)}, {htonl(addr)}, index};
    return setsockopt(fd, IPPROTO_IP, name, &m, sizeof(m));
}

static int join6(int fd, const char *first, int index, int name)
{
    struct ipv6_mreq m = {.ipv6mr_interface = (unsigned)index};
    m.ipv6mr_multiaddr.s6_addr[0] = (uint8_t)first[0];
    m.ipv6mr_multiaddr.s6_addr[1] = (uint8_t)first[1];
    m.ipv6mr_multiaddr.s6_addr[15] = 9;
    return setsockopt(fd, IPPROTO_IPV6, name, &m, sizeof(m));
}

static void refusals(int f)
{
    int fd = udp(f);
    if (f == AF_INET6) {
        RC(join6(fd, "\xfd\x00", 1, IPV6_JOIN_GROUP), -EINVAL, nm(f, "not a group"));
        RC(join6(fd, "\xff\x05", 99, IPV6_JOIN_GROUP), -ENODEV, nm(f, "no such link"));
        RC(setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, "", 0), -EINVAL, nm(f, "short"));
        RC(join6(fd, "\xff\x05", 1, IPV6_JOIN_GROUP), 0, nm(f, "join"));
        RC(join6(fd, "\xff\x05", 1, IPV6_JOIN_GROUP), -EADDRINUSE, nm(f, "join twice"));
        RC(join6(fd, "\xff\x02", 1, IPV6_LEAVE_GROUP), -EADDRNOTAVAIL, nm(f, "leave another"));
        RC(join6(fd, "\xff\x05", 1, IPV6_LEAVE_GROUP), 0, nm(f, "leave"));
        RC(join6(fd, "\xff\x05", 1, IPV6_LEAVE_GROUP), -EADDRNOTAVAIL, nm(f, "leave twice"));
        RC(join6(tcp(f), "\xff\x05", 1, IPV6_JOIN_GROUP), -EPROTO, nm(f, "a stream"));
        return;
    }
    RC(join(fd, 0x0a000001, 0, 1, IP_ADD_MEMBERSHIP), -EINVAL, nm(f, "not a group"));
    RC(join(fd, OTHERS, 0, 99, IP_ADD_MEMBERSHIP), -ENODEV, nm(f, "no such link"));
    RC(join(fd, OTHERS, 0xc0000201, 0, IP_ADD_MEMBERSHIP), -ENODEV, nm(f, "not our address"));
    RC(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, "", 0), -EINVAL, nm(f, "short"));
    RC(join(fd, OTHERS, INADDR_LOOPBACK, 0, IP_ADD_MEMBERSHIP), 0, nm(f, "join by address"));
    RC(join(fd, OTHERS, 0, 1, IP_ADD_MEMBERSHIP), -EADDRINUSE, nm(f, "join twice"));
    RC(join(fd, OTHERS + 1, 0, 1, IP_DROP_MEMBERSHIP), -EADDRNOTAVAIL, nm(f, "leave another"));
    RC(join(fd, OTHERS, INADDR_LOOPBACK, 0, IP_DROP_MEMBERSHIP), 0, nm(f, "leave"));
    RC(join(fd, OTHERS, 0, 1, IP_DROP_MEMBERSHIP), -EADDRNOTAVAIL, nm(f, "leave twice"));
    RC(join(tcp(f), OTHERS, 0, 1, IP_ADD_MEMBERSHIP), -EPROTO, nm(f, "a stream"));
    for (uint32_t i = 0; i < 20; i++)
        MUST(join(fd, OTHERS + i, 0, 1, IP_ADD_MEMBERSHIP));
    RC(join(fd, OTHERS + 20, 0, 1, IP_ADD_MEMBERSHIP), -ENOBUFS, nm(f, "the 21st"));
}

static int member(uint32_t addr, int port)
{
    int fd = udp(AF_INET);
    MUST(setopt(fd, SOL_SOCKET, SO_REUSEADDR, 1));
    MUST(bind_to(fd, ip4(addr, port)));
    return fd;
}

static void delivery(int f)
{
    struct ip_mreqn by = {{0}, {0}, 1};
    int any, exact, picky, s = udp(AF_INET), port;
    char c[4];
    if (f == AF_INET6)
        return;
    any = member(INADDR_ANY, 0);
    port = port_of(name_of(any));
    exact = member(GROUP, port);
    picky = member(INADDR_ANY, port);
    MUST(setopt(picky, IPPROTO_IP, IP_MULTICAST_ALL, 0));
    MUST(join(any, GROUP, 0, 1, IP_ADD_MEMBERSHIP));
    MUST(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof(by)));
    RC(send_to(s, "a", 1, ip4(GROUP, port)), 1, nm(f, "send to the group"));
    MASK(any, POLLIN | POLLOUT, nm(f, "who joined hears it"));
    MASK(exact, POLLIN | POLLOUT, nm(f, "who is bound to it, too"));
    RC(recv(any, c, 4, MSG_DONTWAIT), 1, nm(f, "one byte"));
    RC(recv(any, c, 4, MSG_DONTWAIT), -EAGAIN, nm(f, "once"));
    RC(recv(exact, c, 4, MSG_DONTWAIT), 1, nm(f, "for each"));
    MASK(picky, POLLOUT, nm(f, "who wants only what it joined does not"));
    RC(send_to(s, "b", 1, ip4(GROUP + 1, port)), 1, nm(f, "send to another group"));
    MUST(join(picky, GROUP, 0, 1, IP_ADD_MEMBERSHIP));
    RC(send_to(s, "c", 1, ip4(GROUP, port)), 1, nm(f, "send once more"));
    MASK(picky, POLLIN | POLLOUT, nm(f, "and does when it has joined"));
    RC(recv(any, c, 4, MSG_DONTWAIT), 1, nm(f, "nobody heard the other group"));
    OK(c[0] == 'c', nm(f, "but this one"));
}

/* The address to answer from, ipi_spec_dst, of the next datagram. */
static uint32_t answers_from(int fd)
{
    char c[4], ctl[64];
    struct iovec v = {c, 4};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = 64};
    struct in_pktinfo pi = {0};
    MUST(recvmsg(fd, &m, 0));
    if (CMSG_FIRSTHDR(&m))
        memcpy(&pi, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(pi));
    return ntohl(pi.ipi_spec_dst.s_addr);
}

/* Linux: ip_route_output_key_hash_rcu. Who is bound to an address sends to groups, and to all, by
 * the link that has it, whatever the routes say. */
static void by_source(int f)
{
    int to = udp(AF_INET), s = udp(AF_INET), port;
    char c[4];
    if (f == AF_INET6)
        return;
    MUST(bind_to(to, ip4(INADDR_ANY, 0)));
    port = port_of(name_of(to));
    MUST(bind_to(s, ip4(INADDR_LOOPBACK, 0)));
    RC(send_to(s, "a", 1, ip4(GROUP, port)), 1, nm(f, "bound to loopback, send to a group"));
    RC(recv(to, c, 4, MSG_DONTWAIT), -EAGAIN, nm(f, "nobody has joined"));
    MUST(join(to, GROUP, INADDR_LOOPBACK, 0, IP_ADD_MEMBERSHIP));
    MUST(setopt(to, IPPROTO_IP, IP_PKTINFO, 1));
    RC(send_to(s, "b", 1, ip4(GROUP, port)), 1, nm(f, "send to the group once more"));
    EQ(answers_from(to), INADDR_LOOPBACK, nm(f, "it comes, to be answered from loopback"));
    MUST(setopt(s, SOL_SOCKET, SO_BROADCAST, 1));
    RC(send_to(s, "c", 1, ip4(INADDR_BROADCAST, port)), 1, nm(f, "send to all"));
    RC(recv(to, c, 4, 0), 1, nm(f, "that comes, too"));
    OK(c[0] == 'c', nm(f, "as it was sent"));
}

static int by_name(int fd, uint32_t addr, int index, socklen_t len)
{
    struct ip_mreqn m = {{htonl(addr)}, {htonl(addr)}, index};
    return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &m, len);
}

static long long named(int fd)
{
    uint32_t addr = 0;
    socklen_t len = sizeof(addr);
    return getsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &addr, &len) ? -1 : (long long)ntohl(addr);
}

/* IP_MULTICAST_IF's address is where datagrams to groups come from; any of loopback's will do. */
static void by_interface(int f)
{
    struct addr from = {.len = sizeof(from.u)};
    int to = udp(AF_INET), s = udp(f), port;
    char c[4];
    if (f == AF_INET6)
        MUST(setopt(s, IPPROTO_IPV6, IPV6_V6ONLY, 0));
    MUST(bind_to(to, ip4(INADDR_ANY, 0)));
    port = port_of(name_of(to));
    RC(join(to, GROUP, 0x7f000007, 0, IP_ADD_MEMBERSHIP), 0, nm(f, "join by loopback's seventh"));
    EQ(named(s), 0, nm(f, "no interface is named at first"));
    RC(by_name(s, 0x7f000009, 0, 4), 0, nm(f, "name it by an address"));
    EQ(named(s), 0x7f000009, nm(f, "which is read back"));
    RC(by_name(s, 0xc0000201, 0, 4), -EADDRNOTAVAIL, nm(f, "name another's address"));
    RC(by_name(s, 0x7f000005, 99, 12), -EADDRNOTAVAIL, nm(f, "name a link that is not there"));
    EQ(named(s), 0x7f000009, nm(f, "the old one stays"));
    RC(by_name(s, 0, 1, 12), 0, nm(f, "name it by its number alone"));
    EQ(named(s), 0, nm(f, "there is no address"));
    RC(by_name(s, 0x7f000006, 1, 8), 0, nm(f, "as struct ip_mreq"));
    EQ(named(s), 0x7f000006, nm(f, "it has an address"));
    RC(by_name(s, 0x7f000005, 1, 12), 0, nm(f, "by both"));
    if (f == AF_INET6)
        return;
    RC(send_to(s, "a", 1, ip4(GROUP, port)), 1, nm(f, "send to it"));
    RC(recvfrom(to, c, 4, MSG_DONTWAIT, &from.u.sa, &from.len), 1, nm(f, "it comes"));
    OK(same_host(from, ip4(0x7f000005, 0)), nm(f, "from that address"));
    RC(connect_to(s, ip4(GROUP, port)), 0, nm(f, "connect to the group"));
    OK(same_host(name_of(s), ip4(0x7f000005, 0)), nm(f, "from that address, too"));
    s = udp(f);
    RC(by_name(s, 0xc0000201, 1, 12), 0, nm(f, "a link, and an address that is not ours"));
    RC(send_to(s, "b", 1, ip4(GROUP, port)), -ENETUNREACH,
       nm(f, "which no datagram can come from"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(refusals), CASE(delivery), CASE(by_source),
                                         CASE(by_interface)};
    return run_cases(cases, COUNT(cases));
}
