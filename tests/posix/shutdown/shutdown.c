/* shutdown(): every direction in every state, seen from both ends. */
#include "../lib.h"

enum {
    ENDED = POLLIN | POLLOUT | POLLRDHUP,
    DEAD = POLLIN | POLLOUT | POLLRDHUP | POLLHUP,
};

static void arguments(int f)
{
    int p[2];
    struct pair t = tcp_pair(f);
    MUST(pipe(p));
    RC(shutdown(-1, SHUT_RD), -EBADF, nm(f, "shutdown, descriptor -1"));
    RC(shutdown(p[0], SHUT_RD), -ENOTSOCK, nm(f, "shutdown, a pipe"));
    RC(shutdown(t.c, 3), -EINVAL, nm(f, "shutdown, direction 3"));
    RC(shutdown(t.c, -1), -EINVAL, nm(f, "shutdown, direction -1"));
    RC(shutdown(tcp(f), 3), -EINVAL, nm(f, "shutdown, bad direction before not connected"));
    MASK(t.c, POLLOUT, nm(f, "shutdown, refusals do nothing"));
}

/* NetSem connect_6, shutdown_3. */
static void fresh(int f)
{
    struct addr a;
    int fd = tcp(f);
    char c;
    listener(f, 4, &a);
    RC(shutdown(fd, SHUT_RD), -ENOTCONN, nm(f, "shutdown fresh, SHUT_RD"));
    RC(shutdown(fd, SHUT_WR), -ENOTCONN, nm(f, "shutdown fresh, SHUT_WR"));
    RC(shutdown(fd, SHUT_RDWR), -ENOTCONN, nm(f, "shutdown fresh, SHUT_RDWR"));
    RC(connect_to(fd, a), 0, nm(f, "shutdown fresh, a later connect"));
    RC(send(fd, "x", 1, MSG_NOSIGNAL), -EPIPE, nm(f, "shutdown fresh sticks, send"));
    RC(recv(fd, &c, 1, MSG_DONTWAIT), 0, nm(f, "shutdown fresh sticks, recv"));
}

/* NetSem shutdown_1. */
static void write_side(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    RC(shutdown(t.c, SHUT_WR), 0, nm(f, "SHUT_WR"));
    MASK(t.c, POLLOUT, nm(f, "SHUT_WR, mask OUT"));
    MASK(t.s, ENDED, nm(f, "SHUT_WR, the peer's mask IN OUT RDHUP"));
    RC(recv(t.s, b, 8, 0), 0, nm(f, "SHUT_WR, the peer's recv"));
    RC(send(t.s, "late", 4, 0), 4, nm(f, "SHUT_WR, the peer still sends"));
    RC(recv(t.c, b, 8, 0), 4, nm(f, "SHUT_WR, still receives"));
    RC(shutdown(t.c, SHUT_WR), 0, nm(f, "SHUT_WR twice"));
    RC(send(t.c, "x", 1, MSG_NOSIGNAL), -EPIPE, nm(f, "SHUT_WR, send"));
    EQ(peer_error(t.c), 0, nm(f, "SHUT_WR, still has a peer"));
    RC(shutdown(t.s, SHUT_WR), 0, nm(f, "SHUT_WR both"));
    MASK(t.c, DEAD, nm(f, "SHUT_WR both, the first's mask IN OUT RDHUP HUP"));
    MASK(t.s, DEAD, nm(f, "SHUT_WR both, the second's mask IN OUT RDHUP HUP"));
    RC(recv(t.c, b, 8, 0), 0, nm(f, "SHUT_WR both, recv"));
    RC(shutdown(t.s, SHUT_RDWR), -ENOTCONN, nm(f, "SHUT_WR both, shutdown of the second"));
    EQ(peer_error(t.s), -ENOTCONN, nm(f, "SHUT_WR both, the second has no peer"));
    EQ(so_error(t.c), 0, nm(f, "SHUT_WR both, SO_ERROR"));
}

/* Linux: SHUT_RD tells the peer nothing and what it sends is still taken. NetSem shutdown_1. */
static void read_side(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    RC(shutdown(t.c, SHUT_RD), 0, nm(f, "SHUT_RD"));
    MASK(t.c, ENDED, nm(f, "SHUT_RD, mask IN OUT RDHUP"));
    MASK(t.s, POLLOUT, nm(f, "SHUT_RD, the peer sees nothing"));
    RC(recv(t.c, b, 8, 0), 0, nm(f, "SHUT_RD, recv"));
    RC(send(t.s, "abc", 3, MSG_NOSIGNAL), 3, nm(f, "SHUT_RD, the peer sends"));
    RC(send(t.c, "xyz", 3, MSG_NOSIGNAL), 3, nm(f, "SHUT_RD, still sends"));
    RC(recv(t.s, b, 8, 0), 3, nm(f, "SHUT_RD, the peer receives"));
    int waiting = 0;
    for (long long end = now_ms() + PATIENCE_MS; waiting < 3 && now_ms() < end;)
        MUST(ioctl(t.c, FIONREAD, &waiting));
    RC(recv(t.c, b, 8, 0), 3, nm(f, "SHUT_RD, data that came later is returned"));
    RC(recv(t.c, b, 8, 0), 0, nm(f, "SHUT_RD, then the end again"));
    RC(shutdown(t.c, SHUT_RD), 0, nm(f, "SHUT_RD twice"));
}

/* A reset counts for more than what shutdown() said. */
static void then_reset(int f)
{
    static const char *const names[] = {"SHUT_RD", "SHUT_WR", "SHUT_RDWR"};
    enum { RESET = DEAD | POLLERR };
    for (int how = SHUT_RD; how <= SHUT_RDWR; how++) {
        struct pair t = tcp_pair(f);
        char b = 'x';
        struct iovec v = {&b, 1};
        struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
        const char *s = names[how];
        MUST(shutdown(t.c, how));
        reset(t.s);
        MASK(t.c, RESET, nm(f, "%s, then RST, mask", s));
        RC(sendmsg(t.c, &m, MSG_NOSIGNAL), -ECONNRESET, nm(f, "%s, then RST, sendmsg", s));
        RC(recv(t.c, &b, 1, 0), 0, nm(f, "%s, then RST, recv", s));
        EQ(so_error(t.c), 0, nm(f, "%s, then RST, SO_ERROR was taken", s));
        struct pair u = tcp_pair(f);
        MUST(shutdown(u.c, how));
        reset(u.s);
        MUST(await(u.c, RESET) & POLLHUP ? 0 : -1);
        RC(recv(u.c, &b, 1, 0), -ECONNRESET, nm(f, "%s, then RST, recv first", s));
        RC(recv(u.c, &b, 1, 0), 0, nm(f, "%s, then RST, recv again", s));
        MASK(u.c, DEAD, nm(f, "%s, then RST, mask, error taken", s));
        RC(shutdown(u.c, SHUT_RDWR), -ENOTCONN, nm(f, "%s, then RST, shutdown", s));
    }
}

static void both_sides(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    MUST(send(t.s, "abc", 3, 0));
    MUST(await(t.c, POLLIN | POLLOUT) & POLLIN ? 0 : -1);
    RC(shutdown(t.c, SHUT_RDWR), 0, nm(f, "SHUT_RDWR"));
    MASK(t.c, DEAD, nm(f, "SHUT_RDWR, mask IN OUT RDHUP HUP"));
    MASK(t.s, ENDED, nm(f, "SHUT_RDWR, the peer's mask IN OUT RDHUP"));
    RC(recv(t.c, b, 8, 0), 3, nm(f, "SHUT_RDWR, queued data"));
    RC(recv(t.c, b, 8, 0), 0, nm(f, "SHUT_RDWR, then the end"));
    RC(send(t.c, "x", 1, MSG_NOSIGNAL), -EPIPE, nm(f, "SHUT_RDWR, send"));
    RC(shutdown(t.c, SHUT_RDWR), 0, nm(f, "SHUT_RDWR twice"));
}

static void one_then_other(int f)
{
    struct pair t = tcp_pair(f);
    RC(shutdown(t.c, SHUT_RD), 0, nm(f, "SHUT_RD then SHUT_WR, first"));
    RC(shutdown(t.c, SHUT_WR), 0, nm(f, "SHUT_RD then SHUT_WR, second"));
    MASK(t.c, DEAD, nm(f, "SHUT_RD then SHUT_WR, mask as SHUT_RDWR"));
    MASK(t.s, ENDED, nm(f, "SHUT_RD then SHUT_WR, the peer's mask"));
    struct pair u = tcp_pair(f);
    MUST(shutdown(u.c, SHUT_WR));
    MUST(shutdown(u.c, SHUT_RD));
    MASK(u.c, DEAD, nm(f, "SHUT_WR then SHUT_RD, mask as SHUT_RDWR"));
}

static void after_fin(int f)
{
    struct pair t = tcp_pair(f);
    MUST(shutdown(t.s, SHUT_WR));
    MASK(t.c, ENDED, nm(f, "CLOSE-WAIT, mask"));
    RC(shutdown(t.c, SHUT_RD), 0, nm(f, "CLOSE-WAIT, SHUT_RD"));
    MASK(t.c, ENDED, nm(f, "CLOSE-WAIT, SHUT_RD, mask"));
    RC(send(t.c, "x", 1, 0), 1, nm(f, "CLOSE-WAIT, SHUT_RD, still sends"));
    RC(shutdown(t.c, SHUT_WR), 0, nm(f, "CLOSE-WAIT, SHUT_WR"));
    MASK(t.c, DEAD, nm(f, "CLOSE-WAIT, SHUT_WR, mask"));
}

static void connecting(int f)
{
    static const struct {
        const char *situation;
        int how;
    } rows[] = {{"SHUT_RD", SHUT_RD}, {"SHUT_WR", SHUT_WR}, {"SHUT_RDWR", SHUT_RDWR}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *s = rows[i].situation;
        struct addr a, good;
        int fd = tcp(f);
        silent(f, &a);
        nonblock(fd);
        MUST(connect_to(fd, a) < 0 && errno == EINPROGRESS ? 0 : -1);
        RC(shutdown(fd, rows[i].how), 0, nm(f, "connecting, %s", s));
        MASK(fd, POLLOUT | POLLERR | POLLHUP, nm(f, "connecting, %s, mask", s));
        EQ(so_error(fd), ECONNRESET, nm(f, "connecting, %s, SO_ERROR", s));
        listener(f, 4, &good);
        RC(connect_to(fd, good), -EINPROGRESS, nm(f, "connecting, %s, connect", s));
    }
}

/* NetSem recv_17, send_22, shutdown_2, shutdown_4. */
static void datagram(int f)
{
    struct addr a, mine;
    char b;
    int fd = bound(f, SOCK_DGRAM, &mine), other = bound(f, SOCK_DGRAM, &a);
    RC(shutdown(fd, SHUT_RDWR), -ENOTCONN, nm(f, "datagram, not connected, shutdown"));
    int u = udp(f);
    MUST(connect_to(u, a));
    RC(shutdown(u, SHUT_WR), 0, nm(f, "datagram, SHUT_WR"));
    RC(send(u, "x", 1, MSG_NOSIGNAL), -EPIPE, nm(f, "datagram, SHUT_WR, send"));
    MUST(connect_to(u, a));
    RC(send(u, "x", 1, MSG_NOSIGNAL), -EPIPE, nm(f, "datagram, SHUT_WR survives re-connect"));
    MUST(connect_to(u, unspec()));
    signal(SIGPIPE, SIG_IGN);
    RC(send_to(u, "x", 1, a), -EPIPE, nm(f, "datagram, SHUT_WR survives dissolution"));
    int v = udp(f);
    MUST(connect_to(v, a));
    MASK(v, POLLOUT, nm(f, "datagram, mask before"));
    RC(shutdown(v, SHUT_RD), 0, nm(f, "datagram, SHUT_RD"));
    MASK(v, POLLIN | POLLOUT | POLLRDHUP, nm(f, "datagram, SHUT_RD, mask"));
    RC(recv(v, &b, 1, 0), 0, nm(f, "datagram, SHUT_RD, recv"));
    RC(send(v, "x", 1, 0), 1, nm(f, "datagram, SHUT_RD, still sends"));
    MUST(await(other, POLLIN | POLLOUT) & POLLIN ? 0 : -1);
    RC(shutdown(v, SHUT_RDWR), 0, nm(f, "datagram, SHUT_RDWR"));
    MASK(v, DEAD, nm(f, "datagram, SHUT_RDWR, mask"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(arguments),  CASE(fresh),      CASE(write_side),     CASE(read_side),
        CASE(then_reset), CASE(both_sides), CASE(one_then_other), CASE(after_fin),
        CASE(connecting), CASE(datagram),
    };
    return run_cases(cases, COUNT(cases));
}
