/* accept(), accept4(): arguments, addresses, what is inherited, resets before acceptance. */
#include "../lib.h"

#include <sys/resource.h>

/* NetSem accept_3, accept_5, accept_7. */
static void arguments(int f)
{
    struct addr a;
    int p[2], l = listener(f, 4, &a), plain = bound(f, SOCK_STREAM, &a);
    MUST(pipe(p));
    RC(accept(-1, NULL, NULL), -EBADF, nm(f, "accept, descriptor -1"));
    RC(accept(p[0], NULL, NULL), -ENOTSOCK, nm(f, "accept, a pipe"));
    RC(accept(udp(f), NULL, NULL), -EOPNOTSUPP, nm(f, "accept, datagram"));
    RC(accept(plain, NULL, NULL), -EINVAL, nm(f, "accept, bound and not listening"));
    RC(accept(tcp_pair(f).c, NULL, NULL), -EINVAL, nm(f, "accept, connected"));
    RC(accept4(l, NULL, NULL, 1), -EINVAL, nm(f, "accept4, unknown flag"));
    RC(accept4(-1, NULL, NULL, 1), -EBADF, nm(f, "accept4, bad descriptor before unknown flag"));
    nonblock(l);
    RC(accept(l, NULL, NULL), -EAGAIN, nm(f, "accept, nothing there"));
    struct addr from = {.len = (socklen_t)-1};
    RC(accept(l, &from.u.sa, &from.len), -EAGAIN, nm(f, "accept, nothing there before bad length"));
}

/* C28. NetSem accept_1. */
static void addresses(int f)
{
    struct addr a;
    int l = listener(f, 4, &a), c = tcp(f);
    MUST(connect_to(c, a));
    struct addr from = {.len = sizeof(from.u)};
    int s = MUST(accept(l, &from.u.sa, &from.len));
    OK(same(from, name_of(c)), nm(f, "accept, address is the peer's"));
    EQ(from.len, addr_size(f), nm(f, "accept, length is the family's"));
    OK(same(peer_of(s), from), nm(f, "accept, getpeername says the same"));
    OK(same(name_of(s), a), nm(f, "accept, getsockname is the listener's"));
    MUST(connect_to(tcp(f), a));
    memset(&from, 0x55, sizeof(from));
    from.len = 4;
    MUST(accept(l, &from.u.sa, &from.len));
    EQ(from.len, addr_size(f), nm(f, "accept, short room, length is the true one"));
    EQ(from.u.sa.sa_family, f, nm(f, "accept, short room, the family is written"));
    EQ(((unsigned char *)&from.u)[4], 0x55, nm(f, "accept, short room, nothing beyond it"));
    MUST(connect_to(tcp(f), a));
    from.len = 0;
    RC(accept(l, &from.u.sa, &from.len) < 0 ? -1 : 0, 0, nm(f, "accept, no room"));
    EQ(from.len, addr_size(f), nm(f, "accept, no room, length is the true one"));
    MUST(connect_to(tcp(f), a));
    from.len = 7;
    RC(accept(l, NULL, &from.len) < 0 ? -1 : 0, 0, nm(f, "accept, length without address"));
    EQ(from.len, 7, nm(f, "accept, length without address is not touched"));
}

static void bad_pointers_lose_it(int f)
{
    struct addr a;
    int l = listener(f, 8, &a);
    struct addr from = {.len = (socklen_t)-1};
    nonblock(l);
    MUST(connect_to(tcp(f), a));
    MUST(await(l, POLLIN) == POLLIN ? 0 : -1);
    RC(accept(l, &from.u.sa, &from.len), -EINVAL, nm(f, "accept, length -1"));
    RC(accept(l, NULL, NULL), -EAGAIN, nm(f, "accept, length -1, the connection is lost"));
    MUST(connect_to(tcp(f), a));
    MUST(await(l, POLLIN) == POLLIN ? 0 : -1);
    RC(accept(l, &from.u.sa, NULL), -EFAULT, nm(f, "accept, address without length"));
    RC(accept(l, NULL, NULL), -EAGAIN, nm(f, "accept, address without length, lost"));
    MUST(connect_to(tcp(f), a));
    MUST(await(l, POLLIN) == POLLIN ? 0 : -1);
    from.len = sizeof(from.u);
    RC(accept(l, (struct sockaddr *)8, &from.len), -EFAULT, nm(f, "accept, wild address"));
    RC(accept(l, NULL, NULL), -EAGAIN, nm(f, "accept, wild address, the connection is lost"));
}

static void flags(int f)
{
    struct addr a;
    int l = listener(f, 8, &a);
    for (int i = 0; i < 4; i++)
        MUST(connect_to(tcp(f), a));
    int s = MUST(accept(l, NULL, NULL));
    EQ(fcntl(s, F_GETFL) & O_NONBLOCK, 0, nm(f, "accept, blocks"));
    EQ(fcntl(s, F_GETFD), 0, nm(f, "accept, survives exec"));
    s = MUST(accept4(l, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    EQ(fcntl(s, F_GETFL) & O_NONBLOCK, O_NONBLOCK, nm(f, "accept4, SOCK_NONBLOCK"));
    EQ(fcntl(s, F_GETFD), FD_CLOEXEC, nm(f, "accept4, SOCK_CLOEXEC"));
    nonblock(l);
    s = MUST(accept(l, NULL, NULL));
    EQ(fcntl(s, F_GETFL) & O_NONBLOCK, 0,
       nm(f, "accept, the listener's O_NONBLOCK is not inherited"));
    EQ(so_error(s), 0, nm(f, "accept, no SO_ERROR"));
    MASK(s, POLLOUT, nm(f, "accept, mask OUT"));
}

static void inherits(int f)
{
    static const struct {
        const char *option;
        int level, name, value, want;
    } rows[] = {
        {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1, 1},
        {"SO_OOBINLINE", SOL_SOCKET, SO_OOBINLINE, 1, 1},
        {"SO_REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1, 1},
        {"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 1, 1},
        {"SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 3, 3},
        {"SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, 50000, 100000},
        {"SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, 50000, 100000},
        {"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1, 1},
        {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 33, 33},
        {"TCP_KEEPINTVL", IPPROTO_TCP, TCP_KEEPINTVL, 34, 34},
        {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 35, 35},
        {"TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT, 4, 4},
        {"TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 5000, 5000},
        {"TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2, 7, 7},
    };
    struct addr a;
    int l = bound(f, SOCK_STREAM, &a);
    struct linger lg = {1, 9};
    struct timeval tv = {3, 500000};
    socklen_t n = sizeof(lg);
    for (size_t i = 0; i < COUNT(rows); i++)
        MUST(setopt(l, rows[i].level, rows[i].name, rows[i].value));
    MUST(setsockopt(l, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg)));
    set_timeout(l, SO_RCVTIMEO, 3500);
    set_timeout(l, SO_SNDTIMEO, 2500);
    MUST(listen(l, 4));
    MUST(connect_to(tcp(f), a));
    int s = MUST(accept(l, NULL, NULL));
    for (size_t i = 0; i < COUNT(rows); i++)
        EQ(getopt_of(s, rows[i].level, rows[i].name), rows[i].want,
           nm(f, "accept inherits %s", rows[i].option));
    memset(&lg, 0, sizeof(lg));
    MUST(getsockopt(s, SOL_SOCKET, SO_LINGER, &lg, &n));
    OK(lg.l_onoff == 1 && lg.l_linger == 9, nm(f, "accept inherits SO_LINGER"));
    n = sizeof(tv);
    MUST(getsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, &n));
    OK(tv.tv_sec == 3 && tv.tv_usec == 500000, nm(f, "accept inherits SO_RCVTIMEO"));
    MUST(getsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &tv, &n));
    OK(tv.tv_sec == 2 && tv.tv_usec == 500000, nm(f, "accept inherits SO_SNDTIMEO"));
    EQ(getopt_of(s, SOL_SOCKET, SO_ACCEPTCONN), 0, nm(f, "accept does not inherit listening"));
}

static void reset_before(int f)
{
    struct addr a, from = {.len = sizeof(from.u)};
    char b;
    int l = listener(f, 4, &a), c = tcp(f);
    MUST(connect_to(c, a));
    MUST(await(l, POLLIN) == POLLIN ? 0 : -1);
    struct addr name = name_of(c);
    reset(c);
    int s = (int)r(accept(l, &from.u.sa, &from.len));
    OK(s >= 0, nm(f, "reset before accept, still handed out"));
    OK(same(from, name), nm(f, "reset before accept, with its address"));
    RC(recv(s, &b, 1, 0), -ECONNRESET, nm(f, "reset before accept, recv"));
    RC(recv(s, &b, 1, 0), 0, nm(f, "reset before accept, recv again"));
    EQ(peer_error(s), -ENOTCONN, nm(f, "reset before accept, no peer"));
}

static void closed_before(int f)
{
    struct addr a;
    char b[8];
    int l = listener(f, 4, &a), c = tcp(f);
    MUST(connect_to(c, a));
    MUST(send(c, "bye", 3, 0));
    close(c);
    int s = MUST(accept(l, NULL, NULL));
    RC(recv(s, b, 8, MSG_WAITALL), 3, nm(f, "closed before accept, its data is there"));
    RC(recv(s, b, 8, 0), 0, nm(f, "closed before accept, then the end"));
}

static void order(int f)
{
    struct addr a, name[3], from;
    int l = listener(f, 4, &a), wrong = 0;
    for (int i = 0; i < 3; i++) {
        int c = tcp(f);
        MUST(connect_to(c, a));
        name[i] = name_of(c);
    }
    for (int i = 0; i < 3; i++) {
        from.len = sizeof(from.u);
        MUST(accept(l, &from.u.sa, &from.len));
        wrong += !same(from, name[i]);
    }
    EQ(wrong, 0, nm(f, "accept takes the oldest first"));
}

/* NetSem accept_2. */
static void timeout(int f)
{
    struct addr a;
    int l = listener(f, 4, &a);
    set_timeout(l, SO_RCVTIMEO, 50);
    long long t = now_ms();
    RC(accept(l, NULL, NULL), -EAGAIN, nm(f, "accept, SO_RCVTIMEO runs out"));
    OK(now_ms() - t >= 45, nm(f, "accept, SO_RCVTIMEO, not before time"));
}

/* NetSem accept_6. */
static void no_descriptor(int f)
{
    struct addr a;
    char b;
    int l = listener(f, 4, &a), c = tcp(f), top = MUST(dup(l));
    struct rlimit few = {(rlim_t)top + 1, (rlim_t)top + 1};
    MUST(connect_to(c, a));
    MUST(send(c, "x", 1, 0));
    MUST(await(l, POLLIN) == POLLIN ? 0 : -1);
    MUST(setrlimit(RLIMIT_NOFILE, &few));
    RC(accept(l, NULL, NULL), -EMFILE, nm(f, "accept, no descriptor left"));
    MASK(l, POLLIN, nm(f, "accept, no descriptor left, the connection waits on"));
    close(top);
    RC(accept(l, NULL, NULL), top, nm(f, "accept, one came free"));
    RC(recv(top, &b, 1, 0), 1, nm(f, "accept, one came free, its byte is there"));
    nonblock(l);
    RC(accept(l, NULL, NULL), -EMFILE, nm(f, "accept, no descriptor and no connection"));
}

static void wildcard_listener(int f)
{
    int l = tcp(f), c = tcp(f);
    MUST(bind_to(l, any(f, 0)));
    MUST(listen(l, 1));
    MUST(connect_to(c, loopback(f, port_of(name_of(l)))));
    int s = MUST(accept(l, NULL, NULL));
    OK(same(name_of(s), peer_of(c)),
       nm(f, "wildcard listener, accepted name is the address reached"));
    OK(same_host(name_of(l), any(f, 0)), nm(f, "wildcard listener keeps its own name"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(arguments), CASE(addresses),         CASE(bad_pointers_lose_it), CASE(flags),
        CASE(inherits),  CASE(reset_before),      CASE(closed_before),        CASE(order),
        CASE(timeout),   CASE(wildcard_listener), CASE(no_descriptor),
    };
    return run_cases(cases, COUNT(cases));
}
