/* connect(): destinations that are special: unspecified, other loopback, broadcast, multicast, port
 * 0. */
#include "../lib.h"

static void unspecified(int f)
{
    struct addr a;
    int fd = tcp(f);
    listener(f, 4, &a);
    RC(connect_to(fd, any(f, port_of(a))), 0, nm(f, "connect to the unspecified address"));
    OK(same(peer_of(fd), a), nm(f, "connect to the unspecified address means loopback"));
    int u = udp(f);
    struct addr ua;
    bound(f, SOCK_DGRAM, &ua);
    RC(connect_to(u, any(f, port_of(ua))), 0, nm(f, "datagram to the unspecified address"));
    OK(same(peer_of(u), ua), nm(f, "datagram to the unspecified address means loopback"));
}

/* NetSem connect_9. */
static void port_zero(int f)
{
    int fd = tcp(f), u = udp(f);
    RC(connect_to(fd, loopback(f, 0)), -ECONNREFUSED, nm(f, "connect to port 0"));
    RC(connect_to(u, loopback(f, 0)), 0, nm(f, "datagram, connect to port 0"));
    EQ(peer_error(u), -ENOTCONN, nm(f, "datagram, connect to port 0, no peer"));
}

static void other_loopback(int f)
{
    if (f != AF_INET)
        return;
    struct addr a;
    int l = tcp(f), fd = tcp(f);
    MUST(bind_to(l, any(f, 0)));
    MUST(listen(l, 8));
    a = name_of(l);
    RC(connect_to(fd, ip4(0x7f080808, port_of(a))), 0, nm(f, "connect to 127.8.8.8"));
    OK(same_host(name_of(fd), ip4(INADDR_LOOPBACK, 0)),
       nm(f, "connect to 127.8.8.8 from 127.0.0.1"));
    int s = MUST(accept(l, NULL, NULL));
    OK(same_host(name_of(s), ip4(0x7f080808, 0)), nm(f, "accepted socket is named 127.8.8.8"));
    int from = tcp(f);
    MUST(bind_to(from, ip4(0x7f040404, 0)));
    RC(connect_to(from, any(f, port_of(a))), 0, nm(f, "bound to 127.4.4.4, to the unspecified"));
    OK(same_host(peer_of(from), ip4(0x7f040404, 0)), nm(f, "the unspecified is then 127.4.4.4"));
}

/* C25. NetSem connect_5a. */
static void group_addresses(int f)
{
    static const struct {
        const char *situation;
        uint32_t host;
    } rows[] = {{"127.255.255.255", 0x7fffffff},
                {"255.255.255.255", 0xffffffff},
                {"224.0.0.1", 0xe0000001}};
    if (f != AF_INET)
        return;
    for (size_t i = 0; i < COUNT(rows); i++) {
        int fd = tcp(f), allowed = tcp(f);
        RC(connect_to(fd, ip4(rows[i].host, 80)), -ENETUNREACH,
           nm(f, "connect to %s", rows[i].situation));
        MUST(setopt(allowed, SOL_SOCKET, SO_BROADCAST, 1));
        RC(connect_to(allowed, ip4(rows[i].host, 80)), -ENETUNREACH,
           nm(f, "connect to %s, SO_BROADCAST", rows[i].situation));
        MASK(fd, POLLOUT | POLLHUP,
             nm(f, "connect to %s leaves the socket fresh", rows[i].situation));
        EQ(port_of(name_of(fd)), 0, nm(f, "connect to %s binds nothing", rows[i].situation));
    }
}

/* C18. */
static void datagram_broadcast(int f)
{
    if (f != AF_INET)
        return;
    int fd = udp(f), ok = udp(f);
    RC(connect_to(fd, ip4(0x7fffffff, 80)), -EACCES, nm(f, "datagram connect to 127.255.255.255"));
    OK(port_of(name_of(fd)) != 0, nm(f, "datagram connect to 127.255.255.255 binds a port"));
    RC(send_to(fd, "x", 1, ip4(0x7fffffff, 80)), -EACCES, nm(f, "datagram sendto 127.255.255.255"));
    MUST(setopt(ok, SOL_SOCKET, SO_BROADCAST, 1));
    RC(connect_to(ok, ip4(0x7fffffff, 80)), 0,
       nm(f, "datagram connect to 127.255.255.255, SO_BROADCAST"));
}

/* A socket bound to one loopback address hears only that one. */
static void bound_address_filters(int f)
{
    if (f != AF_INET)
        return;
    struct addr a;
    listener(f, 4, &a);
    RC(connect_to(tcp(f), ip4(0x7f090909, port_of(a))), -ECONNREFUSED,
       nm(f, "listener on 127.0.0.1 is not on 127.9.9.9"));
    struct addr ua;
    int s = bound(f, SOCK_DGRAM, &ua), c = udp(f);
    char b;
    MUST(connect_to(c, ip4(0x7f090909, port_of(ua))));
    MUST(send(c, "x", 1, 0));
    MASK(c, POLLOUT | POLLERR, nm(f, "datagram to 127.9.9.9 is refused"));
    RC(recv(s, &b, 1, MSG_DONTWAIT), -EAGAIN, nm(f, "datagram socket on 127.0.0.1 hears nothing"));
}

static void source_bound(int f)
{
    struct addr a, mine = loopback(f, 0);
    int l = listener(f, 4, &a), fd = tcp(f);
    MUST(bind_to(fd, mine));
    struct addr name = name_of(fd);
    RC(connect_to(fd, a), 0, nm(f, "connect from a bound socket"));
    OK(same(name_of(fd), name), nm(f, "connect from a bound socket, name stays"));
    int s = MUST(accept(l, NULL, NULL));
    OK(same(peer_of(s), name), nm(f, "connect from a bound socket, the other end sees it"));
}

static void length_24(int f)
{
    if (f != AF_INET6)
        return;
    struct addr a;
    int fd = tcp(f);
    listener(f, 4, &a);
    RC(connect(fd, &a.u.sa, 24), 0, nm(f, "connect, length 24, no scope id"));
    EQ(peer_of(fd).len, 28, nm(f, "connect, length 24, peer has length 28"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(unspecified),     CASE(port_zero),          CASE(other_loopback),
        CASE(group_addresses), CASE(datagram_broadcast), CASE(bound_address_filters),
        CASE(source_bound),    CASE(length_24),
    };
    return run_cases(cases, COUNT(cases));
}
