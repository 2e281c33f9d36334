/* listen(): arguments, states, automatic binding, what ends it. */
#include "../lib.h"

/* NetSem listen_7. */
static void arguments(int f)
{
    int p[2];
    MUST(pipe(p));
    RC(listen(-1, 1), -EBADF, nm(f, "listen, descriptor -1"));
    RC(listen(p[0], 1), -ENOTSOCK, nm(f, "listen, a pipe"));
    RC(listen(udp(f), 1), -EOPNOTSUPP, nm(f, "listen, datagram"));
    RC(listen(tcp(f), 0), 0, nm(f, "listen, backlog 0"));
    RC(listen(tcp(f), -1), 0, nm(f, "listen, backlog -1"));
    RC(listen(tcp(f), 1 << 30), 0, nm(f, "listen, huge backlog"));
}

/* NetSem listen_1. */
static void unbound(int f)
{
    int l = tcp(f);
    RC(listen(l, 4), 0, nm(f, "listen, not bound"));
    OK(same_host(name_of(l), any(f, 0)), nm(f, "listen, not bound, takes the wildcard"));
    OK(port_of(name_of(l)) != 0, nm(f, "listen, not bound, takes a port"));
    RC(connect_to(tcp(f), loopback(f, port_of(name_of(l)))), 0, nm(f, "listen, not bound, serves"));
}

/* NetSem listen_1b. */
static void says(int f)
{
    struct addr a;
    char c;
    int l = listener(f, 4, &a);
    EQ(getopt_of(l, SOL_SOCKET, SO_ACCEPTCONN), 1, nm(f, "listening, SO_ACCEPTCONN"));
    MASK(l, 0, nm(f, "listening, mask empty"));
    EQ(so_error(l), 0, nm(f, "listening, SO_ERROR"));
    RC(recv(l, &c, 1, 0), -ENOTCONN, nm(f, "listening, recv"));
    RC(send(l, "x", 1, MSG_NOSIGNAL), -EPIPE, nm(f, "listening, send"));
    EQ(peer_error(l), -ENOTCONN, nm(f, "listening, getpeername"));
    RC(listen(l, 7), 0, nm(f, "listening, listen again"));
    OK(same(name_of(l), a), nm(f, "listening, name stays"));
    nonblock(l);
    RC(accept(l, NULL, NULL), -EAGAIN, nm(f, "listening, nothing to accept"));
    MUST(connect_to(tcp(f), a));
    MASK(l, POLLIN, nm(f, "listening, a connection waits, mask IN"));
    MUST(accept(l, NULL, NULL));
    MASK(l, 0, nm(f, "listening, taken, mask empty"));
}

/* NetSem listen_3. */
static void states(int f)
{
    struct pair p = tcp_pair(f);
    RC(listen(p.c, 1), -EINVAL, nm(f, "listen, connected"));
    RC(listen(p.s, 1), -EINVAL, nm(f, "listen, accepted"));
    int fd = tcp(f);
    RC(connect_to(fd, refuser(f)), -ECONNREFUSED, nm(f, "listen after a refusal, refused"));
    RC(listen(fd, 1), 0, nm(f, "listen after a refusal"));
    OK(port_of(name_of(fd)) != 0, nm(f, "listen after a refusal, has a port"));
}

/* NetSem accept_4. */
static void ended_by_shutdown(int f)
{
    static const struct {
        const char *situation;
        int how;
    } rows[] = {{"SHUT_RD", SHUT_RD}, {"SHUT_RDWR", SHUT_RDWR}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *s = rows[i].situation;
        struct addr a;
        int l = listener(f, 4, &a), c = tcp(f);
        MUST(connect_to(c, a));
        RC(shutdown(l, rows[i].how), 0, nm(f, "listener, %s", s));
        EQ(getopt_of(l, SOL_SOCKET, SO_ACCEPTCONN), 0, nm(f, "listener, %s, listens no more", s));
        RC(accept(l, NULL, NULL), -EINVAL, nm(f, "listener, %s, accept", s));
        MASK(c, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP,
             nm(f, "listener, %s, the queued connection is reset", s));
        RC(connect_to(tcp(f), a), -ECONNREFUSED, nm(f, "listener, %s, refuses", s));
        RC(listen(l, 4), 0, nm(f, "listener, %s, listens again", s));
        RC(connect_to(tcp(f), name_of(l)), 0, nm(f, "listener, %s, serves again", s));
    }
    struct addr a;
    int l = listener(f, 4, &a);
    RC(shutdown(l, SHUT_WR), 0, nm(f, "listener, SHUT_WR"));
    EQ(getopt_of(l, SOL_SOCKET, SO_ACCEPTCONN), 1, nm(f, "listener, SHUT_WR, still listens"));
    RC(connect_to(tcp(f), a), 0, nm(f, "listener, SHUT_WR, serves"));
}

/* NetSem close_8. */
static void close_resets_queue(int f)
{
    struct addr a;
    char b;
    int l = listener(f, 4, &a), c = tcp(f);
    MUST(connect_to(c, a));
    close(l);
    MASK(c, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP,
         nm(f, "closed listener, queue is reset"));
    RC(recv(c, &b, 1, 0), -ECONNRESET, nm(f, "closed listener, recv"));
    RC(connect_to(tcp(f), a), -ECONNREFUSED, nm(f, "closed listener, refuses"));
}

/* listen(n) completes n + 1 connections; then SYNs fall on the floor. */
static void backlog(int f)
{
    for (int n = 0; n < 3; n++) {
        struct addr a;
        int l = listener(f, n, &a), fd = -1;
        for (int i = 0; i <= n; i++)
            RC(connect_to(tcp(f), a), 0, nm(f, "backlog %d, connection %d", n, i + 1));
        fd = tcp(f);
        nonblock(fd);
        RC(connect_to(fd, a), -EINPROGRESS, nm(f, "backlog %d, one too many", n));
        MASK(fd, 0, nm(f, "backlog %d, one too many stays connecting", n));
        struct pollfd p = {.fd = fd, .events = POLL_ALL};
        RC(poll(&p, 1, 100), 0, nm(f, "backlog %d, one too many does not end", n));
        close(l);
    }
}

static void grown_backlog(int f)
{
    struct addr a;
    int l = silent(f, &a), fd = tcp(f);
    RC(listen(l, 5), 0, nm(f, "grown backlog, listen"));
    RC(connect_to(fd, a), 0, nm(f, "grown backlog, connects"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(arguments), CASE(unbound),           CASE(says),
        CASE(states),    CASE(ended_by_shutdown), CASE(close_resets_queue),
        CASE(backlog),   CASE(grown_backlog),
    };
    return run_cases(cases, COUNT(cases));
}
