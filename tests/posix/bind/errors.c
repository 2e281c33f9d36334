/* bind(): arguments, order of errors, states, names. */
#include "../lib.h"

/* NetSem badf_1, notsock_1. */
static void arguments(int f)
{
    struct addr a = loopback(f, 0);
    int p[2], fd = tcp(f);
    int least = f == AF_INET ? 16 : 24;
    MUST(pipe(p));
    RC(bind_to(-1, a), -EBADF, nm(f, "bind, descriptor -1"));
    RC(bind(-1, NULL, 1000), -EBADF, nm(f, "bind, bad descriptor first"));
    RC(bind_to(p[0], a), -ENOTSOCK, nm(f, "bind, a pipe"));
    RC(bind(p[0], NULL, 1000), -ENOTSOCK, nm(f, "bind, a pipe before bad length"));
    RC(bind(fd, &a.u.sa, (socklen_t)-1), -EINVAL, nm(f, "bind, length -1"));
    RC(bind(fd, &a.u.sa, 129), -EINVAL, nm(f, "bind, length 129"));
    RC(bind(fd, NULL, 129), -EINVAL, nm(f, "bind, bad length before bad pointer"));
    RC(bind(fd, NULL, a.len), -EFAULT, nm(f, "bind, null address"));
    RC(bind(fd, (struct sockaddr *)8, a.len), -EFAULT, nm(f, "bind, wild address"));
    RC(bind(fd, &a.u.sa, 0), -EINVAL, nm(f, "bind, length 0"));
    RC(bind(fd, &a.u.sa, 2), -EINVAL, nm(f, "bind, length 2"));
    RC(bind(fd, &a.u.sa, (socklen_t)least - 1), -EINVAL, nm(f, "bind, length %d", least - 1));
    OK(same(name_of(fd), any(f, 0)), nm(f, "bind, refusals bind nothing"));
    RC(bind(fd, &a.u.sa, (socklen_t)least), 0, nm(f, "bind, length %d is fine", least));
    RC(bind(tcp(f), &a.u.sa, 128), 0, nm(f, "bind, length 128 is fine"));
}

static void families(int f)
{
    struct addr a = loopback(f, 0), other = loopback(f == AF_INET ? AF_INET6 : AF_INET, 0);
    RC(bind(tcp(f), &other.u.sa, 28), -EAFNOSUPPORT, nm(f, "bind, the other family, length 28"));
    a.u.sa.sa_family = AF_UNIX;
    RC(bind_to(tcp(f), a), -EAFNOSUPPORT, nm(f, "bind, AF_UNIX"));
    struct addr z = any(f, 0);
    z.u.sa.sa_family = AF_UNSPEC;
    RC(bind_to(tcp(f), z), f == AF_INET ? 0 : -EAFNOSUPPORT, nm(f, "bind, AF_UNSPEC, all zero"));
    a.u.sa.sa_family = AF_UNSPEC;
    RC(bind_to(tcp(f), a), -EAFNOSUPPORT, nm(f, "bind, AF_UNSPEC, an address"));
}

/* NetSem bind_3. */
static void foreign_address(int f)
{
    struct addr a = ip4(0xc0000201, 0); /* 192.0.2.1 */
    if (f == AF_INET6) {
        a = any(f, 0);
        a.u.in6.sin6_addr.s6_addr[0] = 0x20;
        a.u.in6.sin6_addr.s6_addr[1] = 0x01;
        a.u.in6.sin6_addr.s6_addr[2] = 0x0d;
        a.u.in6.sin6_addr.s6_addr[3] = 0xb8;
    }
    RC(bind_to(tcp(f), a), -EADDRNOTAVAIL, nm(f, "bind, an address of no interface"));
    RC(bind_to(udp(f), a), -EADDRNOTAVAIL, nm(f, "bind, datagram, an address of no interface"));
}

/* NetSem bind_5, bind_8. */
static void twice(int f)
{
    struct addr mine;
    int fd = bound(f, SOCK_STREAM, &mine), u = bound(f, SOCK_DGRAM, &mine);
    RC(bind_to(fd, loopback(f, 0)), -EINVAL, nm(f, "bind, bound already"));
    RC(bind_to(u, loopback(f, 0)), -EINVAL, nm(f, "bind, datagram bound already"));
    OK(same(name_of(u), mine), nm(f, "bind, bound already, name stays"));
    struct pair p = tcp_pair(f);
    RC(bind_to(p.c, loopback(f, 0)), -EINVAL, nm(f, "bind, connected"));
    RC(bind_to(p.s, loopback(f, 0)), -EINVAL, nm(f, "bind, accepted"));
    RC(bind_to(p.l, loopback(f, 0)), -EINVAL, nm(f, "bind, listening"));
    struct addr a;
    bound(f, SOCK_DGRAM, &a);
    int c = udp(f);
    MUST(connect_to(c, a));
    RC(bind_to(c, loopback(f, 0)), -EINVAL, nm(f, "bind, connected datagram"));
}

/* NetSem bind_1. */
static void names(int f)
{
    int fd = tcp(f), w = tcp(f);
    RC(bind_to(fd, loopback(f, 0)), 0, nm(f, "bind to port 0"));
    OK(same_host(name_of(fd), loopback(f, 0)), nm(f, "bind to port 0, address"));
    int port = port_of(name_of(fd));
    OK(port >= 32768 && port <= 60999, nm(f, "bind to port 0, port in 32768..60999"));
    MASK(fd, POLLOUT | POLLHUP, nm(f, "bind, mask OUT HUP"));
    RC(bind_to(w, any(f, 0)), 0, nm(f, "bind to the wildcard"));
    OK(same_host(name_of(w), any(f, 0)), nm(f, "bind to the wildcard, address"));
    OK(port_of(name_of(w)) != 0, nm(f, "bind to the wildcard, a port"));
    EQ(peer_error(fd), -ENOTCONN, nm(f, "bind, no peer"));
}

static void other_loopback(int f)
{
    if (f != AF_INET)
        return;
    int fd = tcp(f), u = udp(f);
    RC(bind_to(fd, ip4(0x7f070707, 0)), 0, nm(f, "bind to 127.7.7.7"));
    OK(same_host(name_of(fd), ip4(0x7f070707, 0)), nm(f, "bind to 127.7.7.7, name"));
    RC(bind_to(u, ip4(0x7f070707, 0)), 0, nm(f, "datagram, bind to 127.7.7.7"));
    RC(bind_to(tcp(f), ip4(0x7fffffff, 0)), 0, nm(f, "bind to 127.255.255.255"));
    RC(bind_to(udp(f), ip4(0x7fffffff, 0)), 0, nm(f, "datagram, bind to 127.255.255.255"));
}

static void after_shutdown(int f)
{
    struct addr mine;
    int fd = bound(f, SOCK_STREAM, &mine);
    close(fd);
    RC(bind_to(tcp(f), mine), 0, nm(f, "bind to a port just closed"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(arguments), CASE(families),       CASE(foreign_address), CASE(twice),
        CASE(names),     CASE(other_loopback), CASE(after_shutdown),
    };
    return run_cases(cases, COUNT(cases));
}
