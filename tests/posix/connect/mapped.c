/* IPv4 through IPv6 sockets: v4-mapped addresses, IPV6_V6ONLY, which errors where. */
#include "../lib.h"

static int v6_listener(int f, int v6only, struct addr *a)
{
    int l = tcp(AF_INET6);
    MUST(setopt(l, IPPROTO_IPV6, IPV6_V6ONLY, v6only));
    MUST(bind_to(l, any(AF_INET6, 0)));
    MUST(listen(l, 4));
    *a = name_of(l);
    return l;
}

static void dual_listener(int f)
{
    struct addr a;
    int l = v6_listener(f, 0, &a), fd = tcp(f);
    RC(connect_to(fd, loopback(f, port_of(a))), 0, nm(f, "connect to a dual listener"));
    int s = MUST(accept(l, NULL, NULL));
    struct addr want = f == AF_INET ? mapped(INADDR_LOOPBACK, 0) : loopback(f, 0);
    OK(same_host(peer_of(s), want), nm(f, "dual listener, accepted peer"));
    OK(same_host(name_of(s), want), nm(f, "dual listener, accepted name"));
    EQ(peer_of(s).len, 28, nm(f, "dual listener, accepted peer is a sockaddr_in6"));
    char c;
    RC(send(s, "x", 1, 0), 1, nm(f, "dual listener, accepted socket sends"));
    RC(recv(fd, &c, 1, 0), 1, nm(f, "dual listener, the byte arrives"));
}

static void only_listener(int f)
{
    struct addr a;
    v6_listener(f, 1, &a);
    RC(connect_to(tcp(f), loopback(f, port_of(a))), f == AF_INET ? -ECONNREFUSED : 0,
       nm(f, "connect to a V6ONLY listener"));
}

/* From here the family names who listens; the caller is an IPv6 socket with a mapped address. */
static void stream_to_mapped(int f)
{
    struct addr a;
    int l = f == AF_INET ? listener(f, 4, &a) : v6_listener(f, 0, &a), fd = tcp(AF_INET6);
    RC(connect_to(fd, mapped(INADDR_LOOPBACK, port_of(a))), 0, nm(f, "connect to mapped loopback"));
    OK(same(peer_of(fd), mapped(INADDR_LOOPBACK, port_of(a))), nm(f, "mapped, peer is mapped"));
    OK(same_host(name_of(fd), mapped(INADDR_LOOPBACK, 0)), nm(f, "mapped, name is mapped"));
    int s = MUST(accept(l, NULL, NULL));
    EQ(peer_of(s).u.sa.sa_family, f, nm(f, "mapped, accepted peer has the listener's family"));
    EQ(port_of(peer_of(s)), port_of(name_of(fd)), nm(f, "mapped, the ports match"));
    RC(connect_to(fd, unspec()), 0, nm(f, "mapped, dissolve"));
    EQ(so_error(fd), ECONNRESET, nm(f, "mapped, dissolve, SO_ERROR"));
}

static void mapped_refused(int f)
{
    struct addr dead = refuser(AF_INET);
    int fd = tcp(AF_INET6);
    RC(connect_to(fd, mapped(INADDR_LOOPBACK, port_of(dead))), -ECONNREFUSED,
       nm(f, "mapped, refused"));
    MASK(fd, POLLOUT | POLLHUP, nm(f, "mapped, refused, mask"));
    struct addr a;
    listener(AF_INET, 4, &a);
    RC(connect_to(fd, mapped(INADDR_LOOPBACK, port_of(a))), 0, nm(f, "mapped, refused, connects"));
}

static void mapped_and_v6only(int f)
{
    int fd = tcp(AF_INET6), u = udp(AF_INET6);
    MUST(setopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
    MUST(setopt(u, IPPROTO_IPV6, IPV6_V6ONLY, 1));
    RC(connect_to(fd, mapped(INADDR_LOOPBACK, 9)), -ENETUNREACH, nm(f, "V6ONLY stream to mapped"));
    RC(connect_to(u, mapped(INADDR_LOOPBACK, 9)), -ENETUNREACH, nm(f, "V6ONLY datagram to mapped"));
    RC(connect_to(u, ip4(INADDR_LOOPBACK, 9)), -EAFNOSUPPORT, nm(f, "V6ONLY datagram to v4"));
    RC(bind_to(fd, mapped(INADDR_LOOPBACK, 0)), -EINVAL, nm(f, "V6ONLY, bind to mapped"));
    RC(bind_to(u, mapped(INADDR_LOOPBACK, 0)), -EINVAL, nm(f, "V6ONLY datagram, bind to mapped"));
}

static void bound_elsewhere(int f)
{
    struct addr a;
    int six = tcp(AF_INET6), four = tcp(AF_INET6);
    MUST(bind_to(six, loopback(AF_INET6, 0)));
    RC(connect_to(six, mapped(INADDR_LOOPBACK, 9)), -ENETUNREACH,
       nm(f, "bound to ::1, connect to mapped"));
    MUST(bind_to(four, mapped(INADDR_LOOPBACK, 0)));
    listener(AF_INET6, 1, &a);
    RC(connect_to(four, a), -EAFNOSUPPORT, nm(f, "bound to mapped, connect to ::1"));
    int good = tcp(AF_INET6);
    struct addr v4;
    listener(AF_INET, 1, &v4);
    MUST(bind_to(good, mapped(INADDR_LOOPBACK, 0)));
    RC(connect_to(good, mapped(INADDR_LOOPBACK, port_of(v4))), 0,
       nm(f, "bound to mapped, connect to mapped"));
}

static void v6only_option(int f)
{
    int fd = tcp(AF_INET6), b = tcp(AF_INET6);
    EQ(getopt_of(fd, IPPROTO_IPV6, IPV6_V6ONLY), 0, nm(f, "V6ONLY is off at first"));
    MUST(setopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
    EQ(getopt_of(fd, IPPROTO_IPV6, IPV6_V6ONLY), 1, nm(f, "V6ONLY set"));
    MUST(bind_to(b, any(AF_INET6, 0)));
    RC(setopt(b, IPPROTO_IPV6, IPV6_V6ONLY, 1), -EINVAL, nm(f, "V6ONLY after bind"));
    EQ(getopt_of(tcp(AF_INET), IPPROTO_IPV6, IPV6_V6ONLY), -EOPNOTSUPP,
       nm(f, "V6ONLY of a v4 socket"));
}

static void datagram_mapped(int f)
{
    struct addr a;
    char c;
    int s = bound(AF_INET, SOCK_DGRAM, &a), u = udp(AF_INET6);
    RC(connect_to(u, mapped(INADDR_LOOPBACK, port_of(a))), 0, nm(f, "datagram connect to mapped"));
    OK(same(peer_of(u), mapped(INADDR_LOOPBACK, port_of(a))), nm(f, "datagram, peer is mapped"));
    RC(send(u, "x", 1, 0), 1, nm(f, "datagram, send to mapped"));
    struct addr from = {.len = sizeof(from.u)};
    RC(recvfrom(s, &c, 1, 0, &from.u.sa, &from.len), 1,
       nm(f, "datagram, arrives at the v4 socket"));
    EQ(from.u.sa.sa_family, AF_INET, nm(f, "datagram, source is v4"));
    RC(send_to(s, "y", 1, from), 1, nm(f, "datagram, answer"));
    from.len = sizeof(from.u);
    RC(recvfrom(u, &c, 1, 0, &from.u.sa, &from.len), 1, nm(f, "datagram, answer arrives"));
    OK(same(from, mapped(INADDR_LOOPBACK, port_of(a))),
       nm(f, "datagram, answer's source is mapped"));
}

static void datagram_v4_address(int f)
{
    struct addr a;
    bound(AF_INET, SOCK_DGRAM, &a);
    int u = udp(AF_INET6);
    RC(connect_to(u, a), 0, nm(f, "v6 datagram socket connects to a sockaddr_in"));
    OK(same(peer_of(u), mapped(INADDR_LOOPBACK, port_of(a))),
       nm(f, "v6 datagram socket, sockaddr_in becomes a mapped peer"));
    RC(send_to(udp(AF_INET6), "x", 1, a), 1, nm(f, "v6 datagram socket sends to a sockaddr_in"));
}

static void wildcard_conflict(int f)
{
    struct addr a;
    v6_listener(f, 0, &a);
    RC(bind_to(tcp(f), loopback(f, port_of(a))), -EADDRINUSE,
       nm(f, "bind below a dual wildcard listener"));
    struct addr b;
    v6_listener(f, 1, &b);
    RC(bind_to(tcp(f), loopback(f, port_of(b))), f == AF_INET ? 0 : -EADDRINUSE,
       nm(f, "bind below a V6ONLY wildcard listener"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(dual_listener),     CASE(only_listener),     CASE(stream_to_mapped),
        CASE(mapped_refused),    CASE(mapped_and_v6only), CASE(bound_elsewhere),
        CASE(v6only_option),     CASE(datagram_mapped),   CASE(datagram_v4_address),
        CASE(wildcard_conflict),
    };
    return run_cases(cases, COUNT(cases));
}
