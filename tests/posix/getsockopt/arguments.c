/* getsockopt(): arguments, short room, SO_ERROR, TCP_INFO. */
#include "../lib.h"

static void arguments(int f)
{
    int p[2], v = 0x55555555, fd = tcp(f);
    socklen_t n = 4;
    MUST(pipe(p));
    RC(getsockopt(-1, SOL_SOCKET, SO_TYPE, &v, &n), -EBADF, nm(f, "descriptor -1"));
    RC(getsockopt(p[0], SOL_SOCKET, SO_TYPE, &v, &n), -ENOTSOCK, nm(f, "a pipe"));
    RC(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, NULL), -EFAULT, nm(f, "null length"));
    RC(getsockopt(fd, SOL_SOCKET, SO_TYPE, NULL, &n), -EFAULT, nm(f, "null room"));
    RC(getsockopt(fd, SOL_SOCKET, SO_TYPE, (void *)8, &n), -EFAULT, nm(f, "wild room"));
    n = (socklen_t)-1;
    RC(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &n), -EINVAL, nm(f, "length -1"));
    n = 4;
    RC(getsockopt(fd, SOL_SOCKET, 9999, &v, &n), -ENOPROTOOPT, nm(f, "unknown option"));
    RC(getsockopt(fd, IPPROTO_TCP, 9999, &v, &n), -ENOPROTOOPT, nm(f, "unknown TCP option"));
    RC(getsockopt(fd, IPPROTO_IP, 9999, &v, &n), -ENOPROTOOPT, nm(f, "unknown IP option"));
    RC(getsockopt(fd, 9999, 1, &v, &n), f == AF_INET ? -EOPNOTSUPP : -ENOPROTOOPT,
       nm(f, "unknown level"));
    EQ(getopt_of(udp(f), IPPROTO_TCP, TCP_NODELAY), f == AF_INET ? -EOPNOTSUPP : -ENOPROTOOPT,
       nm(f, "TCP option of a datagram"));
}

static void room(int f)
{
    int v = 0x55555555, fd = tcp(f);
    socklen_t n = 1;
    RC(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &n), 0, nm(f, "room of 1"));
    EQ(n, 1, nm(f, "room of 1, length stays"));
    EQ(v, 0x55555501, nm(f, "room of 1, one byte is written"));
    n = 0;
    RC(getsockopt(fd, SOL_SOCKET, SO_TYPE, &v, &n), 0, nm(f, "room of 0"));
    EQ(n, 0, nm(f, "room of 0, length stays"));
    char big[64];
    n = sizeof(big);
    RC(getsockopt(fd, SOL_SOCKET, SO_TYPE, big, &n), 0, nm(f, "room of 64"));
    EQ(n, 4, nm(f, "room of 64, length becomes 4"));
    n = 2;
    v = 0x55555555;
    RC(getsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &v, &n), 0, nm(f, "TCP option, room of 2"));
    EQ(v, 0x55550009, nm(f, "TCP option, room of 2, two bytes"));
    struct linger l = {9, 9};
    n = 4;
    RC(getsockopt(fd, SOL_SOCKET, SO_LINGER, &l, &n), 0, nm(f, "SO_LINGER, room of 4"));
    OK(l.l_onoff == 0 && l.l_linger == 9, nm(f, "SO_LINGER, room of 4, half of it"));
}

static void error(int f)
{
    int fd = tcp(f);
    nonblock(fd);
    MUST(connect_to(fd, refuser(f)) < 0 && errno == EINPROGRESS ? 0 : -1);
    MUST(await(fd, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP) & POLLERR ? 0 : -1);
    socklen_t n = 0;
    char none;
    RC(getsockopt(fd, SOL_SOCKET, SO_ERROR, &none, &n), 0, nm(f, "SO_ERROR into no room"));
    EQ(so_error(fd), 0, nm(f, "SO_ERROR into no room took the error"));
    int u = udp(f);
    struct addr dead;
    close(bound(f, SOCK_DGRAM, &dead));
    MUST(connect_to(u, dead));
    MUST(send(u, "x", 1, 0));
    MASK(u, POLLOUT | POLLERR, nm(f, "datagram, refused, mask"));
    EQ(so_error(u), ECONNREFUSED, nm(f, "datagram, refused, SO_ERROR"));
    EQ(so_error(u), 0, nm(f, "datagram, refused, SO_ERROR once"));
    MASK(u, POLLOUT, nm(f, "datagram, refused, mask, error taken"));
}

static int tcp_state(int fd)
{
    struct tcp_info ti;
    socklen_t n = sizeof(ti);
    memset(&ti, 0, sizeof(ti));
    MUST(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &n));
    return ti.tcpi_state;
}

static int await_state(int fd, int want)
{
    int s;
    for (long long end = now_ms() + PATIENCE_MS; (s = tcp_state(fd)) != want && now_ms() < end;)
        poll(NULL, 0, 1);
    return s;
}

static void states(int f)
{
    struct addr a;
    EQ(tcp_state(tcp(f)), TCP_CLOSE, nm(f, "TCP_INFO, CLOSED"));
    EQ(tcp_state(listener(f, 1, &a)), TCP_LISTEN, nm(f, "TCP_INFO, LISTEN"));
    int fd = tcp(f);
    silent(f, &a);
    nonblock(fd);
    MUST(connect_to(fd, a) < 0 && errno == EINPROGRESS ? 0 : -1);
    EQ(tcp_state(fd), TCP_SYN_SENT, nm(f, "TCP_INFO, SYN-SENT"));
    struct pair t = tcp_pair(f);
    EQ(tcp_state(t.c), TCP_ESTABLISHED, nm(f, "TCP_INFO, ESTABLISHED"));
    MUST(shutdown(t.c, SHUT_WR));
    EQ(await_state(t.c, TCP_FIN_WAIT2), TCP_FIN_WAIT2, nm(f, "TCP_INFO, FIN-WAIT-2"));
    EQ(await_state(t.s, TCP_CLOSE_WAIT), TCP_CLOSE_WAIT, nm(f, "TCP_INFO, CLOSE-WAIT"));
    MUST(shutdown(t.s, SHUT_WR));
    EQ(await_state(t.s, TCP_CLOSE), TCP_CLOSE, nm(f, "TCP_INFO, CLOSED after LAST-ACK"));
    EQ(await_state(t.c, TCP_CLOSE), TCP_CLOSE, nm(f, "TCP_INFO, CLOSED in TIME-WAIT"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(arguments), CASE(room), CASE(error), CASE(states)};
    return run_cases(cases, COUNT(cases));
}
