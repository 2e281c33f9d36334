/* Bytes of streams: masks, ends, urgent bytes, buffers. NetSem send_3, recv_4, shutdown_1,
 * sockatmark_1. */
#include "posix/unix/local.h"

static void states(int t)
{
    char b[8];
    int p[2], fd = local_socket(t);
    MASK(fd, POLLOUT | POLLHUP, un(t, "mask, unconnected"));
    RC(send(fd, "x", 1, 0), -ENOTCONN, un(t, "send, unconnected"));
    RC(send_local(fd, "x", 1, 0, hidden("a")), -EOPNOTSUPP, un(t, "sendto, unconnected"));
    RC(recv(fd, b, 8, 0), -EINVAL, un(t, "recv, unconnected"));
    RC(shutdown(fd, SHUT_RDWR), 0, un(t, "shutdown, unconnected"));
    local_pair(t, p);
    MASK(p[0], POLLOUT, un(t, "mask of a pair"));
    RC(name_len(p[0], NULL), 2, un(t, "name of a pair"));
    RC(peer_len(p[0], NULL), 2, un(t, "peer's name of a pair"));
    RC(send_local(p[0], "x", 1, 0, hidden("a")), -EISCONN, un(t, "sendto, connected"));
    RC(send(p[0], "", 0, 0), 0, un(t, "send 0"));
    RC(recv(p[1], b, 8, MSG_DONTWAIT), -EAGAIN, un(t, "nothing comes of it"));
    RC(recv(p[1], b, 0, MSG_DONTWAIT), -EAGAIN, un(t, "recv 0, nothing there"));
    MUST(send(p[0], "hello", 5, 0));
    MASK(p[1], POLLIN | POLLOUT, un(t, "mask with bytes"));
    RC(recv(p[1], b, 0, MSG_DONTWAIT), 0, un(t, "recv 0, something there"));
    RC(ioctl_of(p[1], SIOCINQ), 5, un(t, "SIOCINQ"));
    RC(ioctl_of(p[0], SIOCOUTQ), 768, un(t, "SIOCOUTQ"));
    RC(recv(p[1], b, 3, MSG_PEEK), 3, un(t, "MSG_PEEK"));
    RC(recv(p[1], b, 3, MSG_TRUNC), 3, un(t, "MSG_TRUNC reads"));
    MUST(send(p[0], "xyz", 3, 0));
    RC(recv(p[1], b, 8, MSG_PEEK), 5, un(t, "a peek goes over two sends"));
    RC(recv(p[1], b, 8, MSG_DONTWAIT | MSG_WAITALL), 5, un(t, "so does a read"));
    OK(memcmp(b, "loxyz", 5) == 0, un(t, "in order"));
    RC(ioctl_of(p[0], SIOCOUTQ), 0, un(t, "SIOCOUTQ, all read"));
    RC(recv(p[0], b, 8, MSG_OOB), -EINVAL, un(t, "MSG_OOB, none there"));
}

static void ends(int t)
{
    char b[8];
    int p[2];
    local_pair(t, p);
    MUST(send(p[0], "ab", 2, 0));
    RC(shutdown(p[0], SHUT_WR), 0, un(t, "SHUT_WR"));
    MASK(p[0], POLLOUT, un(t, "mask after it"));
    MASK(p[1], POLLIN | POLLOUT | POLLRDHUP, un(t, "mask of the peer"));
    RC(send(p[0], "x", 1, MSG_NOSIGNAL), -EPIPE, un(t, "send after it"));
    RC(recv(p[1], b, 8, 0), 2, un(t, "what was sent"));
    RC(recv(p[1], b, 8, 0), 0, un(t, "the end"));
    RC(send(p[1], "cd", 2, 0), 2, un(t, "the other way"));
    RC(shutdown(p[0], SHUT_RD), 0, un(t, "SHUT_RD"));
    MASK(p[0], POLLIN | POLLOUT | POLLRDHUP | POLLHUP, un(t, "mask after both"));
    RC(send(p[1], "x", 1, MSG_NOSIGNAL), -EPIPE, un(t, "the peer cannot send"));
    RC(recv(p[0], b, 8, 0), 2, un(t, "what was there is read"));
    RC(recv(p[0], b, 8, 0), 0, un(t, "then the end"));
    local_pair(t, p);
    MUST(send(p[0], "ab", 2, 0));
    close(p[0]);
    MASK(p[1], POLLIN | POLLOUT | POLLRDHUP | POLLHUP, un(t, "mask, peer closed"));
    RC(recv(p[1], b, 8, 0), 2, un(t, "closed: what was sent"));
    RC(recv(p[1], b, 8, 0), 0, un(t, "closed: the end"));
    RC(send(p[1], "x", 1, MSG_NOSIGNAL), -EPIPE, un(t, "closed: send"));
    RC(peer_len(p[1], NULL), 2, un(t, "closed: the peer's name"));
    local_pair(t, p);
    MUST(send(p[0], "ab", 2, 0));
    MUST(send(p[1], "cd", 2, 0));
    close(p[0]);
    MASK(p[1], POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, un(t, "mask, closed with unread"));
    RC(recv(p[1], b, 8, 0), 2, un(t, "unread: what was sent first"));
    RC(recv(p[1], b, 8, 0), -ECONNRESET, un(t, "unread: then the error"));
    RC(recv(p[1], b, 8, 0), 0, un(t, "unread: once"));
}

static void urgent(int t)
{
    char b[16];
    int p[2];
    local_pair(t, p);
    RC(send(p[0], "", 0, MSG_OOB), -EOPNOTSUPP, un(t, "MSG_OOB of 0"));
    RC(send(p[0], "abU", 3, MSG_OOB), 3, un(t, "MSG_OOB"));
    MASK(p[1], POLLIN | POLLPRI | POLLOUT, un(t, "mask, urgent"));
    MUST(send(p[0], "cd", 2, 0));
    RC(ioctl_of(p[1], SIOCATMARK), 0, un(t, "SIOCATMARK before"));
    RC(recv(p[1], b, 16, MSG_PEEK), 2, un(t, "a peek stops at the mark"));
    RC(recv(p[1], b, 16, 0), 2, un(t, "a read stops at the mark"));
    RC(ioctl_of(p[1], SIOCATMARK), 1, un(t, "SIOCATMARK at it"));
    RC(recv(p[1], b, 16, MSG_OOB | MSG_PEEK), 1, un(t, "the urgent byte, peeked at"));
    RC(recv(p[1], b, 16, MSG_OOB), 1, un(t, "the urgent byte"));
    OK(b[0] == 'U', un(t, "is it"));
    RC(recv(p[1], b, 16, MSG_OOB), -EINVAL, un(t, "once"));
    MASK(p[1], POLLIN | POLLOUT, un(t, "mask, urgent byte read"));
    RC(ioctl_of(p[1], SIOCATMARK), 1, un(t, "SIOCATMARK, urgent byte read"));
    RC(recv(p[1], b, 16, 0), 2, un(t, "what follows"));
    RC(ioctl_of(p[1], SIOCATMARK), 0, un(t, "SIOCATMARK behind"));
    MUST(send(p[0], "V", 1, MSG_OOB));
    MUST(send(p[0], "ef", 2, 0));
    RC(recv(p[1], b, 16, 0), 2, un(t, "a read passes an unread urgent byte"));
    RC(recv(p[1], b, 16, MSG_OOB), -EINVAL, un(t, "which is lost"));
    MUST(send(p[0], "W", 1, MSG_OOB));
    MUST(send(p[0], "X", 1, MSG_OOB));
    RC(recv(p[1], b, 16, 0), 1, un(t, "of two the first is an ordinary one"));
    RC(recv(p[1], b, 16, MSG_OOB), 1, un(t, "and the second urgent"));
    RC(setopt(p[1], SOL_SOCKET, SO_OOBINLINE, 1), 0, un(t, "SO_OOBINLINE"));
    MUST(send(p[0], "ghY", 3, MSG_OOB));
    RC(recv(p[1], b, 16, MSG_OOB), -EINVAL, un(t, "inline: no MSG_OOB"));
    RC(recv(p[1], b, 16, 0), 2, un(t, "inline: up to the mark"));
    RC(recv(p[1], b, 16, 0), 1, un(t, "inline: then the byte"));
}

static void buffers(int t)
{
    static char big[70000];
    int p[2], n = 0;
    ssize_t got;
    local_pair(t, p);
    RC(getopt_of(p[0], SOL_SOCKET, SO_SNDBUF), 212992, un(t, "SO_SNDBUF"));
    RC(getopt_of(p[0], SOL_SOCKET, SO_RCVBUF), 212992, un(t, "SO_RCVBUF"));
    RC(fill_small(p[0]), 278, un(t, "small writes until it is full"));
    MASK(p[0], 0, un(t, "mask, full"));
    RC(ioctl_of(p[0], SIOCOUTQ), 213504, un(t, "SIOCOUTQ, full"));
    while ((got = recv(p[1], big, 1, MSG_DONTWAIT)) > 0 && !(mask_of(p[0]) & POLLOUT))
        n += (int)got;
    RC(n, 208, un(t, "read until there is OUT again"));
    local_pair(t, p);
    RC(setopt(p[0], SOL_SOCKET, SO_SNDBUF, 1), 0, un(t, "SO_SNDBUF 1"));
    RC(getopt_of(p[0], SOL_SOCKET, SO_SNDBUF), 4608, un(t, "is the least there is"));
    nonblock(p[0]);
    RC(send(p[0], big, sizeof(big), 0), 4480, un(t, "takes this of a large write"));
    local_pair(t, p);
    RC(send(p[0], big, sizeof(big), MSG_DONTWAIT), 70000, un(t, "a large write"));
    RC(ioctl_of(p[0], SIOCOUTQ), 71168, un(t, "SIOCOUTQ of it"));
    RC(recv(p[1], big, sizeof(big), MSG_WAITALL), 70000, un(t, "MSG_WAITALL"));
    set_timeout(p[1], SO_RCVTIMEO, 30);
    MUST(send(p[0], "abc", 3, 0));
    RC(recv(p[1], big, 10, MSG_WAITALL), 3, un(t, "MSG_WAITALL, time runs out"));
    RC(recv(p[1], big, 10, 0), -EAGAIN, un(t, "SO_RCVTIMEO"));
    RC(setopt(p[1], SOL_SOCKET, SO_PEEK_OFF, 0), 0, un(t, "SO_PEEK_OFF"));
    MUST(send(p[0], "abcdef", 6, 0));
    RC(recv(p[1], big, 4, MSG_PEEK), 4, un(t, "the first peek"));
    RC(recv(p[1], big, 4, MSG_PEEK), 2, un(t, "the second goes on"));
    OK(big[0] == 'e', un(t, "where the first ended"));
    RC(recv(p[1], big, 3, 0), 3, un(t, "a read"));
    RC(getopt_of(p[1], SOL_SOCKET, SO_PEEK_OFF), 3, un(t, "takes its bytes off the offset"));
}

static void signals(int t)
{
    int p[2];
    local_pair(t, p);
    close(p[1]);
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_BLOCK, &set, NULL);
    RC(send(p[0], "x", 1, MSG_NOSIGNAL), -EPIPE, un(t, "MSG_NOSIGNAL"));
    sigpending(&pending);
    RC(sigismember(&pending, SIGPIPE), 0, un(t, "no SIGPIPE with it"));
    RC(send(p[0], "x", 1, 0), -EPIPE, un(t, "send to nobody"));
    sigpending(&pending);
    RC(sigismember(&pending, SIGPIPE), t == SOCK_STREAM, un(t, "SIGPIPE, a stream's alone"));
}

static const struct local_case cases[] = {
    LOCAL(states, STREAM),  LOCAL(ends, STREAM),    LOCAL(urgent, STREAM),
    LOCAL(buffers, STREAM), LOCAL(signals, LINKED),
};

int main(void)
{
    return run_local(cases, COUNT(cases));
}
