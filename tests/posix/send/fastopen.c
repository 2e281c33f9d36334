/* Fast Open as a client's calls show it, to a listener that has none: it is connect() and send() in
 * one. RFC 7413; Linux's default: clients may (net.ipv4.tcp_fastopen 1). */
#include "../lib.h"

static ssize_t open_send(int fd, const void *bytes, size_t len, int flags, struct addr a)
{
    return sendto(fd, bytes, len, flags | MSG_FASTOPEN | MSG_NOSIGNAL, &a.u.sa, a.len);
}

static ssize_t open_sendmsg(int fd, struct iovec *iov, size_t n, int flags, struct addr a)
{
    struct msghdr m = {.msg_name = &a.u, .msg_namelen = a.len, .msg_iov = iov, .msg_iovlen = n};

    return sendmsg(fd, &m, flags | MSG_FASTOPEN | MSG_NOSIGNAL);
}

/* What the listener's next connection brings. */
static void arrives(int f, int l, const char *want, const char *what)
{
    char buf[64] = "";
    int s = MUST(accept(l, NULL, NULL));
    size_t len = strlen(want);

    RC(recv(s, buf, len, MSG_WAITALL), (long long)len, nm(f, "%s, as many bytes arrive", what));
    OK(memcmp(buf, want, len) == 0, nm(f, "%s, the bytes arrive", what));
}

/* NetSem send_1. */
static void waits(int f)
{
    struct addr a;
    int l = listener(f, 4, &a), fd = tcp(f);
    struct iovec iov[] = {{"ab", 2}, {"", 0}, {"cde", 3}};

    RC(open_send(fd, "hello", 5, 0, a), 5, nm(f, "sendto waits"));
    OK(same(peer_of(fd), a), nm(f, "sendto waits, connected"));
    MASK(fd, POLLOUT, nm(f, "sendto waits, mask OUT"));
    arrives(f, l, "hello", "sendto waits");
    RC(connect_to(fd, a), -EISCONN, nm(f, "sendto waits, then connect"));
    RC(open_send(fd, "x", 1, 0, a), -EISCONN, nm(f, "sendto waits, then again"));
    RC(send(fd, "more", 4, 0), 4, nm(f, "sendto waits, then send"));
    fd = tcp(f);
    RC(open_sendmsg(fd, iov, COUNT(iov), 0, a), 5, nm(f, "sendmsg waits"));
    arrives(f, l, "abcde", "sendmsg waits");
    fd = tcp(f);
    RC(open_send(fd, "", 0, 0, a), 0, nm(f, "sendto of nothing waits"));
    OK(same(peer_of(fd), a), nm(f, "sendto of nothing waits, connected"));
    RC(send(fd, "late", 4, 0), 4, nm(f, "sendto of nothing waits, then send"));
    arrives(f, l, "late", "sendto of nothing waits");
}

/* C14 C15. NetSem connect_5d. */
static void does_not_wait(int f)
{
    struct addr a;
    int l = listener(f, 4, &a), fd = tcp(f);

    RC(open_send(fd, "hello", 5, MSG_DONTWAIT, a), -EINPROGRESS, nm(f, "MSG_DONTWAIT"));
    MASK(fd, POLLOUT, nm(f, "MSG_DONTWAIT, mask OUT in the end"));
    OK(same(peer_of(fd), a), nm(f, "MSG_DONTWAIT, connected in the end"));
    EQ(so_error(fd), 0, nm(f, "MSG_DONTWAIT, no SO_ERROR"));
    RC(connect_to(fd, a), 0, nm(f, "MSG_DONTWAIT, connect tells that it has ended"));
    RC(connect_to(fd, a), -EISCONN, nm(f, "MSG_DONTWAIT, connect tells that once"));
    RC(send(fd, "hello", 5, 0), 5, nm(f, "MSG_DONTWAIT, then send"));
    arrives(f, l, "hello", "MSG_DONTWAIT");
    fd = tcp(f);
    nonblock(fd);
    RC(open_send(fd, "", 0, 0, a), -EINPROGRESS, nm(f, "non-blocking, nothing"));
    MASK(fd, POLLOUT, nm(f, "non-blocking, nothing, mask OUT in the end"));
    RC(open_send(fd, "abc", 3, 0, a), 3, nm(f, "non-blocking, the open has ended"));
    arrives(f, l, "abc", "non-blocking, the open has ended");
    RC(open_send(fd, "abc", 3, 0, a), -EISCONN, nm(f, "non-blocking, and again"));
}

/* C24. NetSem connect_3, connect_4a. */
static void refused(int f)
{
    struct addr none = refuser(f), a;
    int l = listener(f, 4, &a), fd = tcp(f);

    RC(open_send(fd, "hello", 5, 0, none), -ECONNREFUSED, nm(f, "refused"));
    EQ(so_error(fd), 0, nm(f, "refused, SO_ERROR already taken"));
    MASK(fd, POLLOUT | POLLHUP, nm(f, "refused, mask OUT HUP"));
    RC(open_send(fd, "hello", 5, 0, a), 5, nm(f, "refused, then to a listener"));
    arrives(f, l, "hello", "refused, then to a listener");
    fd = tcp(f);
    nonblock(fd);
    RC(open_send(fd, "hello", 5, 0, none), -EINPROGRESS, nm(f, "refused later"));
    MASK(fd, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, nm(f, "refused later, mask"));
    EQ(so_error(fd), ECONNREFUSED, nm(f, "refused later, SO_ERROR"));
}

/* C02 C22. */
static void arguments(int f)
{
    struct addr a, bad;
    int l = listener(f, 4, &a), fd = tcp(f);

    RC(open_send(fd, "x", 1, 0, unspec()), -EOPNOTSUPP, nm(f, "AF_UNSPEC"));
    bad = a;
    bad.len = 1;
    RC(open_send(fd, "x", 1, 0, bad), -EINVAL, nm(f, "address of one byte"));
    bad.len = 0;
    RC(open_send(fd, "x", 1, 0, bad), -EINVAL, nm(f, "address of no byte"));
    bad.len = 8;
    RC(open_send(fd, "x", 1, 0, bad), -EINVAL, nm(f, "address too short"));
    bad = a;
    bad.u.sa.sa_family = AF_UNIX;
    RC(open_send(fd, "x", 1, 0, bad), -EAFNOSUPPORT, nm(f, "address of another family"));
    RC(send(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL), -EINVAL, nm(f, "no address"));
    RC(open_send(l, "x", 1, 0, a), -EISCONN, nm(f, "from a listener"));
    RC(open_send(fd, "good", 4, 0, a), 4, nm(f, "all of these leave the socket as it was"));
    arrives(f, l, "good", "all of these leave the socket as it was");
    fd = MUST(socket(f, SOCK_DGRAM, 0));
    RC(open_send(fd, "x", 1, 0, a), 1, nm(f, "a datagram socket sends"));
}

/* The option without a cookie: an open like any other. */
static void option(int f)
{
    struct addr a;
    int l = listener(f, 4, &a), fd = tcp(f);

    RC(setopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), 0, nm(f, "TCP_FASTOPEN_CONNECT"));
    EQ(getopt_of(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT), 1, nm(f, "TCP_FASTOPEN_CONNECT, read"));
    nonblock(fd);
    RC(connect_to(fd, a), -EINPROGRESS, nm(f, "TCP_FASTOPEN_CONNECT, non-blocking connect"));
    MASK(fd, POLLOUT, nm(f, "TCP_FASTOPEN_CONNECT, mask OUT in the end"));
    RC(send(fd, "abc", 3, 0), 3, nm(f, "TCP_FASTOPEN_CONNECT, send"));
    arrives(f, l, "abc", "TCP_FASTOPEN_CONNECT");
    RC(setopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 0), -EINVAL,
       nm(f, "TCP_FASTOPEN_CONNECT, too late"));
    fd = tcp(f);
    RC(setopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), 0, nm(f, "TCP_FASTOPEN_CONNECT, set"));
    RC(connect_to(fd, a), 0, nm(f, "TCP_FASTOPEN_CONNECT, connect waits"));
    RC(send(fd, "def", 3, 0), 3, nm(f, "TCP_FASTOPEN_CONNECT, connect waits, send"));
    arrives(f, l, "def", "TCP_FASTOPEN_CONNECT, connect waits");
}

/* TCP_FASTOPEN_NO_COOKIE: the bytes go with the SYN though nobody gave a cookie. Who listens
 * without Fast Open leaves them, and they come again. */
static void no_cookie(int f)
{
    struct addr a, none = refuser(f);
    int l = listener(f, 4, &a), fd = tcp(f);

    RC(setopt(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1), 0, nm(f, "TCP_FASTOPEN_NO_COOKIE"));
    EQ(getopt_of(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE), 1,
       nm(f, "TCP_FASTOPEN_NO_COOKIE, read"));
    RC(open_send(fd, "hello", 5, MSG_DONTWAIT, a), 5, nm(f, "no cookie, MSG_DONTWAIT"));
    arrives(f, l, "hello", "no cookie, MSG_DONTWAIT");
    fd = tcp(f);
    RC(setopt(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1), 0, nm(f, "no cookie, set"));
    RC(open_send(fd, "hello", 5, 0, a), 5, nm(f, "no cookie, waits"));
    arrives(f, l, "hello", "no cookie, waits");
    fd = tcp(f);
    RC(setopt(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1), 0, nm(f, "no cookie, set again"));
    RC(open_send(fd, "hello", 5, 0, none), -ECONNREFUSED, nm(f, "no cookie, refused"));
    EQ(so_error(fd), 0, nm(f, "no cookie, refused, SO_ERROR already taken"));
    fd = tcp(f);
    RC(setopt(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1), 0, nm(f, "put off, no cookie"));
    RC(setopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), 0, nm(f, "put off, option"));
    nonblock(fd);
    RC(connect_to(fd, a), 0, nm(f, "put off: connect says 0"));
    MASK(fd, POLLOUT, nm(f, "put off: mask OUT"));
    EQ(peer_error(fd), -ENOTCONN, nm(f, "put off: no peer yet"));
    RC(connect_to(fd, a), -EISCONN, nm(f, "put off: connect again"));
    RC(send(fd, "first", 5, 0), 5, nm(f, "put off: send"));
    arrives(f, l, "first", "put off");
    OK(same(peer_of(fd), a), nm(f, "put off: a peer in the end"));
    RC(send(fd, "second", 6, 0), 6, nm(f, "put off: send again"));
}

static void left_alone(int f)
{
    struct addr a;
    int l = listener(f, 4, &a), fd = tcp(f);

    RC(setopt(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1), 0, nm(f, "left alone, no cookie"));
    RC(setopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), 0, nm(f, "left alone, option"));
    RC(connect_to(fd, a), 0, nm(f, "left alone: connect says 0"));
    nonblock(l);
    close(fd);
    RC(accept(l, NULL, NULL), -EAGAIN, nm(f, "left alone: closed, and nothing was sent"));
    fd = tcp(f);
    RC(setopt(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, 1), 0, nm(f, "dissolved, no cookie"));
    RC(setopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1), 0, nm(f, "dissolved, option"));
    RC(connect_to(fd, a), 0, nm(f, "dissolved: connect says 0"));
    RC(connect_to(fd, unspec()), 0, nm(f, "dissolved"));
    RC(accept(l, NULL, NULL), -EAGAIN, nm(f, "dissolved: nothing was sent"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(waits),  CASE(does_not_wait), CASE(refused),    CASE(arguments),
        CASE(option), CASE(no_cookie),     CASE(left_alone),
    };
    return run_cases(cases, COUNT(cases));
}
