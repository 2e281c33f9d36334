/* setsockopt(): arguments and their order; options that are structures. */
#include "../lib.h"

static void arguments(int f)
{
    int p[2], one = 1, fd = tcp(f);
    MUST(pipe(p));
    RC(setsockopt(-1, SOL_SOCKET, SO_REUSEADDR, &one, 4), -EBADF, nm(f, "descriptor -1"));
    RC(setsockopt(p[0], SOL_SOCKET, SO_REUSEADDR, &one, 4), -ENOTSOCK, nm(f, "a pipe"));
    RC(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, (socklen_t)-1), -EINVAL, nm(f, "length -1"));
    RC(setsockopt(-1, SOL_SOCKET, SO_REUSEADDR, &one, (socklen_t)-1), -EBADF,
       nm(f, "descriptor -1 before length -1"));
    RC(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, 3), -EINVAL, nm(f, "length 3"));
    RC(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, NULL, 4), -EFAULT, nm(f, "null value"));
    RC(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, NULL, 3), -EINVAL, nm(f, "length before value"));
    RC(setsockopt(fd, SOL_SOCKET, 9999, &one, 4), -ENOPROTOOPT, nm(f, "unknown option"));
    RC(setsockopt(fd, SOL_SOCKET, 9999, NULL, 4), -EFAULT,
       nm(f, "null value before unknown option"));
    RC(setsockopt(fd, IPPROTO_TCP, 9999, &one, 4), -ENOPROTOOPT, nm(f, "unknown TCP option"));
    RC(setsockopt(fd, IPPROTO_IP, 9999, &one, 4), -ENOPROTOOPT, nm(f, "unknown IP option"));
    RC(setsockopt(fd, 9999, 1, &one, 4), -ENOPROTOOPT, nm(f, "unknown level"));
    RC(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, 100), 0, nm(f, "length 100"));
    RC(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, 3), -EINVAL, nm(f, "TCP_NODELAY, length 3"));
    RC(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, NULL, 4), -EFAULT, nm(f, "TCP_NODELAY, null"));
    RC(setopt(udp(f), IPPROTO_TCP, TCP_NODELAY, 1), -ENOPROTOOPT,
       nm(f, "TCP option of a datagram"));
    RC(setopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1), f == AF_INET ? -ENOPROTOOPT : 0,
       nm(f, "IPV6 option"));
    RC(setopt(fd, IPPROTO_IP, IP_TTL, 9), 0, nm(f, "IP option"));
}

static void linger(int f)
{
    int fd = tcp(f);
    struct linger l = {7, 7};
    socklen_t n = sizeof(l);
    RC(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &n), 0, nm(f, "SO_LINGER, read"));
    OK(n == 8 && l.l_onoff == 0 && l.l_linger == 0, nm(f, "SO_LINGER is off at first"));
    l = (struct linger){5, 30};
    RC(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)), 0, nm(f, "SO_LINGER, set"));
    MUST(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &n));
    OK(l.l_onoff == 1 && l.l_linger == 30, nm(f, "SO_LINGER, kept"));
    RC(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, 4), -EINVAL, nm(f, "SO_LINGER, length 4"));
    l = (struct linger){0, 0};
    MUST(setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
    MUST(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &n));
    OK(l.l_onoff == 0 && l.l_linger == 30, nm(f, "SO_LINGER off keeps the time"));
}

static void timeouts(int f)
{
    static const struct {
        const char *option;
        int name;
    } rows[] = {{"SO_RCVTIMEO", SO_RCVTIMEO}, {"SO_SNDTIMEO", SO_SNDTIMEO}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *o = rows[i].option;
        int fd = tcp(f);
        struct timeval tv = {9, 9};
        socklen_t n = sizeof(tv);
        MUST(getsockopt(fd, SOL_SOCKET, rows[i].name, &tv, &n));
        OK(n == 16 && tv.tv_sec == 0 && tv.tv_usec == 0, nm(f, "%s is 0 at first", o));
        tv = (struct timeval){2, 500000};
        RC(setsockopt(fd, SOL_SOCKET, rows[i].name, &tv, n), 0, nm(f, "%s, set", o));
        MUST(getsockopt(fd, SOL_SOCKET, rows[i].name, &tv, &n));
        OK(tv.tv_sec == 2 && tv.tv_usec == 500000, nm(f, "%s, kept", o));
        tv.tv_usec = 1000000;
        RC(setsockopt(fd, SOL_SOCKET, rows[i].name, &tv, n), -EDOM, nm(f, "%s, a whole second", o));
        tv.tv_usec = -1;
        RC(setsockopt(fd, SOL_SOCKET, rows[i].name, &tv, n), -EDOM, nm(f, "%s, less than 0 us", o));
        RC(setsockopt(fd, SOL_SOCKET, rows[i].name, &tv, 8), -EINVAL, nm(f, "%s, length 8", o));
        tv = (struct timeval){-1, 0};
        RC(setsockopt(fd, SOL_SOCKET, rows[i].name, &tv, n), 0, nm(f, "%s, negative", o));
        MUST(getsockopt(fd, SOL_SOCKET, rows[i].name, &tv, &n));
        OK(tv.tv_sec == 0 && tv.tv_usec == 0, nm(f, "%s, negative means at once, reads as 0", o));
    }
    struct pair t = tcp_pair(f);
    struct timeval past = {-1, 0};
    char b;
    MUST(setsockopt(t.c, SOL_SOCKET, SO_RCVTIMEO, &past, sizeof(past)));
    RC(recv(t.c, &b, 1, 0), -EAGAIN, nm(f, "SO_RCVTIMEO negative, recv does not wait"));
}

static void buffers(int f)
{
    int fd = tcp(f), u = udp(f);
    MUST(setopt(fd, SOL_SOCKET, SO_RCVBUF, 1 << 30));
    EQ(getopt_of(fd, SOL_SOCKET, SO_RCVBUF), 2 * 4194304, nm(f, "SO_RCVBUF is cut to the limit"));
    MUST(setopt(fd, SOL_SOCKET, SO_SNDBUF, 1 << 30));
    EQ(getopt_of(fd, SOL_SOCKET, SO_SNDBUF), 2 * 4194304, nm(f, "SO_SNDBUF is cut to the limit"));
    MUST(setopt(u, SOL_SOCKET, SO_RCVBUF, 1));
    EQ(getopt_of(u, SOL_SOCKET, SO_RCVBUF), 2304, nm(f, "datagram, smallest SO_RCVBUF"));
    MUST(setopt(u, SOL_SOCKET, SO_SNDBUF, 1));
    EQ(getopt_of(u, SOL_SOCKET, SO_SNDBUF), 4608, nm(f, "datagram, smallest SO_SNDBUF"));
}

static void connected(int f)
{
    struct pair t = tcp_pair(f);
    RC(setopt(t.c, IPPROTO_TCP, TCP_NODELAY, 1), 0, nm(f, "connected, TCP_NODELAY"));
    RC(setopt(t.c, SOL_SOCKET, SO_KEEPALIVE, 1), 0, nm(f, "connected, SO_KEEPALIVE"));
    RC(setopt(t.c, IPPROTO_TCP, TCP_KEEPIDLE, 10), 0, nm(f, "connected, TCP_KEEPIDLE"));
    RC(setopt(t.c, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1), 0, nm(f, "connected, TCP_DEFER_ACCEPT"));
    EQ(getopt_of(t.s, IPPROTO_TCP, TCP_NODELAY), 0, nm(f, "connected, the peer is not touched"));
    OK(getopt_of(t.c, IPPROTO_TCP, TCP_MAXSEG) > 536, nm(f, "connected, TCP_MAXSEG is the path's"));
    char b[8];
    MUST(setopt(t.c, IPPROTO_TCP, TCP_CORK, 1));
    MUST(send(t.c, "ab", 2, 0));
    struct pollfd p = {.fd = t.s, .events = POLLIN};
    RC(poll(&p, 1, 30), 0, nm(f, "TCP_CORK holds a small segment"));
    MUST(setopt(t.c, IPPROTO_TCP, TCP_CORK, 0));
    RC(recv(t.s, b, 8, 0), 2, nm(f, "TCP_CORK off lets it go"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(arguments), CASE(linger), CASE(timeouts),
                                         CASE(buffers), CASE(connected)};
    return run_cases(cases, COUNT(cases));
}
