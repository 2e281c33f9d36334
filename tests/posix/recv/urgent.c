/* Urgent data: MSG_OOB, SO_OOBINLINE, SIOCATMARK, POLLPRI. RFC 6093. */
#include "../lib.h"

static int at_mark(int fd)
{
    int v = -1;
    MUST(ioctl(fd, SIOCATMARK, &v));
    return v;
}

/* NetSem sockatmark_1, NetSem recv_7. */
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

/* NetSem sockatmark_2. */
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

int main(void)
{
    static const struct tcase cases[] = {CASE(out_of_line), CASE(in_line), CASE(two_in_a_row)};
    return run_cases(cases, COUNT(cases));
}
