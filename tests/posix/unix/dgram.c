/* Datagrams: peers, restriction, death. C04 to C09 for AF_UNIX; NetSem connect_7, disconnect_1. */
#include "posix/unix/local.h"

static void peers(int t)
{
    struct local a = hidden("a"), b = hidden("b");
    int fa = local_bound(t, a), fb = local_bound(t, b), fc = local_socket(t);
    char buf[16];
    struct sockaddr_un from;
    socklen_t n = sizeof(from);
    RC(send(fc, "x", 1, 0), -ENOTCONN, un(t, "send without peer"));
    RC(send_local(fc, "one", 3, 0, a), 3, un(t, "sendto"));
    RC(recvfrom(fa, buf, 16, 0, (struct sockaddr *)&from, &n), 3, un(t, "recvfrom"));
    RC(n, 0, un(t, "an unnamed sender has no address"));
    RC(send_local(fb, "two", 3, 0, a), 3, un(t, "sendto, named"));
    n = sizeof(from);
    MUST(recvfrom(fa, buf, 16, 0, (struct sockaddr *)&from, &n));
    RC(n, 4, un(t, "a named sender's address"));
    RC(connect_local(fc, a), 0, un(t, "connect"));
    RC(send(fc, "three", 5, 0), 5, un(t, "send to the peer"));
    RC(recv(fa, buf, 16, 0), 5, un(t, "which gets it"));
    RC(send_local(fc, "x", 1, 0, b), 1, un(t, "sendto another, connected"));
    RC(connect_local(fc, b), 0, un(t, "connect again"));
    RC(peer_len(fc, NULL), 4, un(t, "getpeername"));
    RC(dissolve(fc), 0, un(t, "AF_UNSPEC"));
    RC(peer_len(fc, NULL), -ENOTCONN, un(t, "no peer then"));
    RC(dissolve(fc), 0, un(t, "AF_UNSPEC again"));
    RC(send_local(fc, "x", 1, 0, hidden("nobody")), -ECONNREFUSED, un(t, "sendto nobody"));
    RC(send_local(fc, "x", 1, 0, path("nobody")), -ENOENT, un(t, "sendto no path"));
    RC(send_local(fc, "x", 1, MSG_OOB, a), -EOPNOTSUPP, un(t, "MSG_OOB"));
    RC(recv(fc, buf, 16, MSG_OOB | MSG_DONTWAIT), -EOPNOTSUPP, un(t, "recv MSG_OOB"));
    RC(connect_local(fc, hidden("nobody")), -ECONNREFUSED, un(t, "connect to nobody"));
    RC(connect_local(fa, a), 0, un(t, "connect to itself"));
    RC(send(fa, "me", 2, 0), 2, un(t, "send to itself"));
    RC(recv(fa, buf, 16, 0), 2, un(t, "recv from itself"));
}

static void restricted(int t)
{
    struct local a = hidden("a"), b = hidden("b"), c = hidden("c");
    int fa = local_bound(t, a), fb = local_bound(t, b), fc = local_bound(t, c);
    char buf[16];
    MUST(send_local(fc, "early", 5, 0, a));
    MUST(connect_local(fa, b));
    RC(send_local(fc, "x", 1, 0, a), -EPERM, un(t, "sendto one who has another peer"));
    RC(connect_local(fc, a), -EPERM, un(t, "connect to one who has another peer"));
    RC(send_local(fb, "x", 1, 0, a), 1, un(t, "the peer may send"));
    RC(connect_local(fb, a), 0, un(t, "and connect"));
    RC(recv(fa, buf, 16, 0), 5, un(t, "what was queued stays"));
    MUST(dissolve(fa));
    RC(recv(fa, buf, 16, MSG_DONTWAIT), -EAGAIN, un(t, "dissolved: the queue is emptied"));
    RC(so_error(fb), ECONNRESET, un(t, "and the peer is told"));
    RC(send_local(fc, "x", 1, 0, a), 1, un(t, "anybody may send again"));
    MUST(connect_local(fa, b));
    MUST(send(fb, "y", 1, 0));
    RC(connect_local(fa, c), 0, un(t, "connect to a third"));
    MASK(fb, POLLOUT | POLLERR, un(t, "mask of the peer that was left"));
    RC(recv(fb, buf, 16, MSG_DONTWAIT), -ECONNRESET, un(t, "recv there"));
    RC(recv(fb, buf, 16, MSG_DONTWAIT), -EAGAIN, un(t, "once"));
    RC(send(fb, "y", 1, 0), -EPERM, un(t, "send to one who went elsewhere"));
}

static void death(int t)
{
    struct local a = hidden("a");
    int fa = local_bound(t, a), fb = local_socket(t);
    char buf[4];
    MUST(connect_local(fb, a));
    close(fa);
    MASK(fb, POLLOUT, un(t, "mask, peer closed"));
    RC(peer_len(fb, NULL), 4, un(t, "getpeername, peer closed"));
    RC(send(fb, "x", 1, 0), -ECONNREFUSED, un(t, "send, peer closed"));
    RC(send(fb, "x", 1, 0), -ENOTCONN, un(t, "send again"));
    RC(peer_len(fb, NULL), -ENOTCONN, un(t, "getpeername then"));
    RC(recv(fb, buf, 4, MSG_DONTWAIT), -EAGAIN, un(t, "recv"));
    int p[2];
    local_pair(t, p);
    MUST(send(p[0], "last", 4, 0));
    close(p[0]);
    RC(recv(p[1], buf, 4, 0), 4, un(t, "pair: what was sent is read"));
    RC(recv(p[1], buf, 4, MSG_DONTWAIT), -EAGAIN, un(t, "pair: then nothing"));
    MASK(p[1], POLLOUT, un(t, "pair: mask, peer closed"));
    RC(send(p[1], "x", 1, 0), -ECONNREFUSED, un(t, "pair: send"));
    local_pair(t, p);
    MUST(send(p[0], "lost", 4, 0));
    close(p[1]);
    RC(so_error(p[0]), 0, un(t, "pair: SO_ERROR, closed with something unread"));
}

static void full(int t)
{
    struct local a = hidden("a");
    int fa = local_bound(t, a), fb = local_socket(t), fc = local_socket(t), p[2];
    char buf[4];
    MUST(connect_local(fb, a));
    RC(fill_small(fb), 11, un(t, "a queue takes 11"));
    RC(send(fb, "x", 1, MSG_DONTWAIT), -EAGAIN, un(t, "then EAGAIN"));
    RC(send_local(fc, "x", 1, MSG_DONTWAIT, a), -EAGAIN, un(t, "to others too"));
    MASK(fb, 0, un(t, "mask, queue full"));
    MASK(fc, POLLOUT, un(t, "mask of one without peer"));
    MUST(recv(fa, buf, 4, 0));
    MASK(fb, POLLOUT, un(t, "mask, room again"));
    RC(send(fb, "x", 1, MSG_DONTWAIT), 1, un(t, "send, room again"));
    set_timeout(fb, SO_SNDTIMEO, 30);
    RC(send(fb, "x", 1, 0), -EAGAIN, un(t, "SO_SNDTIMEO runs out"));
    local_pair(t, p);
    RC(fill_small(p[0]), 278, un(t, "a pair takes what SO_SNDBUF says"));
    MASK(p[0], 0, un(t, "pair: mask, buffer full"));
    RC(recv(p[1], buf, 4, 0), 1, un(t, "pair: one is read"));
    MASK(p[0], 0, un(t, "pair: mask, one read"));
}

static void shut(int t)
{
    struct local a = hidden("a");
    int fa = local_bound(t, a), fb = local_socket(t);
    char buf[4];
    RC(shutdown(fb, 3), -EINVAL, un(t, "shutdown, how 3"));
    RC(shutdown(fb, SHUT_WR), 0, un(t, "shutdown, no peer"));
    MUST(connect_local(fb, a));
    RC(send(fb, "x", 1, 0), -EPIPE, un(t, "send after SHUT_WR"));
    MASK(fb, POLLOUT, un(t, "mask after SHUT_WR"));
    RC(shutdown(fa, SHUT_RD), 0, un(t, "SHUT_RD"));
    MASK(fa, POLLIN | POLLOUT | POLLRDHUP, un(t, "mask after SHUT_RD"));
    RC(recv(fa, buf, 4, 0), 0, un(t, "recv after SHUT_RD"));
    RC(recv(fa, buf, 4, MSG_DONTWAIT), -EAGAIN, un(t, "recv after SHUT_RD, not waiting"));
    int fc = local_socket(t);
    RC(send_local(fc, "x", 1, 0, a), -EPIPE, un(t, "sendto one that does not read"));
    RC(shutdown(fa, SHUT_WR), 0, un(t, "SHUT_WR too"));
    MASK(fa, POLLIN | POLLOUT | POLLRDHUP | POLLHUP, un(t, "mask after both"));
}

static void lengths(int t)
{
    static char big[300000];
    char buf[8];
    int p[2], n = 0;
    local_pair(t, p);
    RC(send(p[0], "abcdef", 6, 0), 6, un(t, "send 6"));
    RC(ioctl_of(p[1], SIOCINQ), 6, un(t, "SIOCINQ"));
    RC(recv(p[1], buf, 4, MSG_PEEK | MSG_TRUNC), 6, un(t, "MSG_PEEK | MSG_TRUNC"));
    struct iovec v = {buf, 4};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    RC(recvmsg(p[1], &m, MSG_PEEK), 4, un(t, "recvmsg into 4"));
    RC(m.msg_flags, MSG_TRUNC, un(t, "MSG_TRUNC is told"));
    RC(recv(p[1], buf, 4, 0), 4, un(t, "recv into 4"));
    RC(recv(p[1], buf, 4, MSG_DONTWAIT), -EAGAIN, un(t, "the rest is lost"));
    RC(send(p[0], "", 0, 0), 0, un(t, "send 0"));
    MASK(p[1], POLLIN | POLLOUT, un(t, "mask with an empty one"));
    RC(recv(p[1], buf, 4, 0), 0, un(t, "recv the empty one"));
    RC(ioctl_of(p[1], SIOCINQ), 0, un(t, "SIOCINQ, nothing"));
    RC(send(p[0], big, 212961, 0), -EMSGSIZE, un(t, "too long"));
    RC(send(p[0], big, 212960, 0), 212960, un(t, "the longest"));
    RC(ioctl(p[0], SIOCOUTQ, &n), 0, un(t, "SIOCOUTQ"));
    RC(n, 332032, un(t, "SIOCOUTQ of the longest"));
    MUST(recv(p[1], big, sizeof(big), 0));
    RC(ioctl_of(p[0], SIOCOUTQ), 0, un(t, "SIOCOUTQ when it is read"));
    RC(send(p[0], "a", 1, MSG_EOR), 1, un(t, "MSG_EOR"));
    MUST(send(p[0], "bc", 2, 0));
    RC(recv(p[1], buf, 8, MSG_WAITALL), 1, un(t, "MSG_WAITALL gives one message"));
    RC(ioctl_of(p[1], SIOCINQ), 2, un(t, "SIOCINQ of the next"));
}

static void packets(int t)
{
    struct local a = hidden("a");
    struct pair p = local_conn(t, a);
    char buf[8];
    RC(send(local_socket(t), "x", 1, 0), -ENOTCONN, un(t, "send, unconnected"));
    RC(recv(local_socket(t), buf, 8, 0), -ENOTCONN, un(t, "recv, unconnected"));
    MASK(local_socket(t), POLLOUT | POLLHUP, un(t, "mask, unconnected"));
    MASK(p.c, POLLOUT, un(t, "mask, connected"));
    RC(send_local(p.c, "x", 1, 0, hidden("nobody")), 1, un(t, "an address is overlooked"));
    MASK(p.s, POLLIN | POLLOUT, un(t, "mask with a message"));
    MUST(recv(p.s, buf, 8, 0));
    RC(shutdown(p.c, SHUT_WR), 0, un(t, "SHUT_WR"));
    MASK(p.s, POLLIN | POLLOUT | POLLRDHUP, un(t, "mask of the peer"));
    RC(recv(p.s, buf, 8, MSG_DONTWAIT), 0, un(t, "the end"));
    RC(send(p.c, "x", 1, 0), -EPIPE, un(t, "send after SHUT_WR"));
    RC(send(p.s, "yz", 2, 0), 2, un(t, "the other way"));
    close(p.c);
    MASK(p.s, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, un(t, "mask, closed with unread"));
    RC(send(p.s, "x", 1, 0), -ECONNRESET, un(t, "send, closed with unread"));
    RC(send(p.s, "x", 1, 0), -EPIPE, un(t, "send again"));
    RC(recv(p.s, buf, 8, 0), 0, un(t, "recv then"));
}

static const struct local_case cases[] = {
    LOCAL(peers, DGRAM), LOCAL(restricted, DGRAM),       LOCAL(death, DGRAM),    LOCAL(full, DGRAM),
    LOCAL(shut, DGRAM),  LOCAL(lengths, DGRAM | PACKET), LOCAL(packets, PACKET),
};

int main(void)
{
    return run_local(cases, COUNT(cases));
}
