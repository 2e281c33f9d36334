/* Urgent data: MSG_OOB, SO_OOBINLINE, SIOCATMARK, POLLPRI. RFC 6093. */
#include "../lib.h"

static int at_mark(int fd)
{
    int v = -1;
    MUST(ioctl(fd, SIOCATMARK, &v));
    return v;
}

/* NetSem recv_5, recv_6, sockatmark_1. */
static void out_of_line(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    RC(recv(t.c, b, 1, MSG_OOB), -EINVAL, nm(f, "urgent, none sent"));
    RC(send(t.s, "abU", 3, MSG_OOB), 3, nm(f, "urgent, send"));
    MASK(t.c, POLLIN | POLLPRI | POLLOUT, nm(f, "urgent, mask IN PRI OUT"));
    EQ(at_mark(t.c), 0, nm(f, "urgent, not at the mark"));
    RC(recv(t.c, b, 8, 0), 2, nm(f, "urgent, recv stops at the mark"));
    EQ(at_mark(t.c), 1, nm(f, "urgent, at the mark"));
    RC(recv(t.c, b, 8, MSG_OOB), 1, nm(f, "urgent, MSG_OOB"));
    EQ(b[0], 'U', nm(f, "urgent, the byte"));
    RC(recv(t.c, b, 8, MSG_OOB), -EINVAL, nm(f, "urgent, MSG_OOB twice"));
    MASK(t.c, POLLOUT, nm(f, "urgent, taken, mask OUT"));
    MUST(send(t.s, "cd", 2, 0));
    RC(recv(t.c, b, 8, 0), 2, nm(f, "urgent, the stream goes on"));
    OK(memcmp(b, "cd", 2) == 0, nm(f, "urgent, the byte was not in the stream"));
}

/* NetSem recv_6. */
static void in_line(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    MUST(setopt(t.c, SOL_SOCKET, SO_OOBINLINE, 1));
    MUST(send(t.s, "abU", 3, MSG_OOB));
    MASK(t.c, POLLIN | POLLPRI | POLLOUT, nm(f, "urgent in line, mask"));
    RC(recv(t.c, b, 1, MSG_OOB), -EINVAL, nm(f, "urgent in line, MSG_OOB"));
    RC(recv(t.c, b, 8, 0), 2, nm(f, "urgent in line, recv stops at the mark"));
    RC(recv(t.c, b, 8, 0), 1, nm(f, "urgent in line, the byte in its place"));
    EQ(b[0], 'U', nm(f, "urgent in line, the byte"));
}

static void two_in_a_row(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    MUST(send(t.s, "1", 1, MSG_OOB));
    MASK(t.c, POLLPRI | POLLOUT, nm(f, "two urgent bytes, first"));
    MUST(send(t.s, "2", 1, MSG_OOB));
    MUST(send(t.s, "x", 1, 0));
    MASK(t.c, POLLIN | POLLPRI | POLLOUT, nm(f, "two urgent bytes, both"));
    RC(recv(t.c, b, 1, MSG_OOB), 1, nm(f, "two urgent bytes, MSG_OOB"));
    EQ(b[0], '2', nm(f, "two urgent bytes, the second is the urgent one"));
}

/* The mark stands between bytes. */
static void midstream(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    MUST(send(t.s, "abU", 3, MSG_OOB));
    MUST(send(t.s, "cd", 2, 0));
    MASK(t.c, POLLIN | POLLPRI | POLLOUT, nm(f, "urgent midstream, mask"));
    RC(recv(t.c, b, 1, MSG_OOB | MSG_PEEK), 1, nm(f, "urgent midstream, peek"));
    EQ(b[0], 'U', nm(f, "urgent midstream, the byte peeked"));
    RC(recv(t.c, b, 1, 0), 1, nm(f, "urgent midstream, one before the mark"));
    RC(recv(t.c, b, 8, MSG_PEEK), 1, nm(f, "urgent midstream, a peek stops at the mark"));
    RC(recv(t.c, b, 8, 0), 1, nm(f, "urgent midstream, the other"));
    EQ(at_mark(t.c), 1, nm(f, "urgent midstream, at the mark"));
    struct iovec v = {b, 8};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    RC(recvmsg(t.c, &m, MSG_OOB), 1, nm(f, "urgent midstream, recvmsg"));
    EQ(m.msg_flags & MSG_OOB, MSG_OOB, nm(f, "urgent midstream, recvmsg says so"));
    MASK(t.c, POLLIN | POLLOUT, nm(f, "urgent midstream, taken, mask"));
    RC(recv(t.c, b, 8, 0), 2, nm(f, "urgent midstream, what follows"));
    EQ(at_mark(t.c), 0, nm(f, "urgent midstream, past the mark"));
    MUST(send(t.s, "efV", 3, MSG_OOB));
    MUST(send(t.s, "gh", 2, 0));
    MASK(t.c, POLLIN | POLLPRI | POLLOUT, nm(f, "urgent not taken, mask"));
    RC(recv(t.c, b, 8, 0), 2, nm(f, "urgent not taken, recv stops at the mark"));
    RC(recv(t.c, b, 8, 0), 2, nm(f, "urgent not taken, recv passes the mark"));
    OK(memcmp(b, "gh", 2) == 0, nm(f, "urgent not taken, without the byte"));
    RC(recv(t.c, b, 8, MSG_OOB), -EINVAL, nm(f, "urgent not taken, too late"));
    MASK(t.c, POLLOUT, nm(f, "urgent not taken, mask after"));
}

static volatile sig_atomic_t urged;

static void count(int sig)
{
    urged++;
}

static void signalled(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    signal(SIGURG, count);
    MUST(fcntl(t.c, F_SETOWN, getpid()));
    struct iovec v = {(char[]){"U"}, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    RC(sendmsg(t.s, &m, MSG_OOB), 1, nm(f, "urgent, sendmsg"));
    for (long long end = now_ms() + PATIENCE_MS; !urged && now_ms() < end;)
        poll(NULL, 0, 1);
    EQ(urged, 1, nm(f, "urgent, SIGURG"));
    RC(recv(t.c, b, 1, MSG_OOB), 1, nm(f, "urgent, SIGURG, the byte"));
    MUST(send(t.s, "x", 1, MSG_OOB));
    MUST(shutdown(t.s, SHUT_WR));
    MASK(t.c, POLLIN | POLLPRI | POLLOUT | POLLRDHUP, nm(f, "urgent and FIN, mask"));
    RC(recv(t.c, b, 1, MSG_OOB), 1, nm(f, "urgent and FIN, the byte"));
    RC(recv(t.c, b, 8, 0), 0, nm(f, "urgent and FIN, the end"));
    RC(send(t.c, "y", 1, MSG_OOB | MSG_DONTWAIT), 1, nm(f, "urgent after the peer's FIN"));
    RC(send(tcp(f), "y", 1, MSG_OOB | MSG_NOSIGNAL), -EPIPE, nm(f, "urgent, not connected"));
    RC(recv(tcp(f), b, 1, MSG_OOB), -EINVAL, nm(f, "urgent, not connected, recv"));
}

/* The option of the listener is the connection's; switching it on finds the byte in its place. */
static void option(int f)
{
    struct addr a;
    char b[8];
    int l = listener(f, 4, &a), c = tcp(f);
    MUST(setopt(l, SOL_SOCKET, SO_OOBINLINE, 1));
    MUST(connect_to(c, a));
    int s = MUST(accept(l, NULL, NULL));
    EQ(getopt_of(s, SOL_SOCKET, SO_OOBINLINE), 1, nm(f, "SO_OOBINLINE is inherited"));
    MUST(send(c, "aU", 2, MSG_OOB));
    MASK(s, POLLIN | POLLPRI | POLLOUT, nm(f, "SO_OOBINLINE inherited, mask"));
    RC(recv(s, b, 8, 0), 1, nm(f, "SO_OOBINLINE inherited, to the mark"));
    EQ(at_mark(s), 1, nm(f, "SO_OOBINLINE inherited, at the mark"));
    RC(recv(s, b, 8, 0), 1, nm(f, "SO_OOBINLINE inherited, the byte"));
    EQ(b[0], 'U', nm(f, "SO_OOBINLINE inherited, is the urgent one"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(out_of_line), CASE(in_line),   CASE(two_in_a_row),
                                         CASE(midstream),   CASE(signalled), CASE(option)};
    return run_cases(cases, COUNT(cases));
}
