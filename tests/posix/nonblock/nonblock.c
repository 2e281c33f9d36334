/* O_NONBLOCK, FIONBIO, MSG_DONTWAIT: what would wait says EAGAIN. */
#include "../lib.h"

static void switching(int f)
{
    int on = 1, off = 0, fd = tcp(f);
    struct pair t = tcp_pair(f);
    char b;
    RC(ioctl(fd, FIONBIO, &on), 0, nm(f, "FIONBIO on"));
    EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK, nm(f, "FIONBIO on sets O_NONBLOCK"));
    RC(ioctl(fd, FIONBIO, &off), 0, nm(f, "FIONBIO off"));
    EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0, nm(f, "FIONBIO off clears O_NONBLOCK"));
    RC(ioctl(t.c, FIONBIO, &on), 0, nm(f, "FIONBIO on, connected"));
    RC(recv(t.c, &b, 1, 0), -EAGAIN, nm(f, "FIONBIO on, recv"));
    RC(ioctl(t.l, FIONBIO, &on), 0, nm(f, "FIONBIO on, listening"));
    RC(accept(t.l, NULL, NULL), -EAGAIN, nm(f, "FIONBIO on, accept"));
}

/* Switched by fcntl after the socket was made, the way most programs do it. */
static void switched_late(int f)
{
    struct addr a = refuser(f);
    int fd = tcp(f);
    nonblock(fd);
    RC(connect_to(fd, a), -EINPROGRESS, nm(f, "switched to non-blocking, connect"));
    MASK(fd, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP,
         nm(f, "switched to non-blocking, refused"));
    int back = MUST(socket(f, SOCK_STREAM | SOCK_NONBLOCK, 0));
    MUST(fcntl(back, F_SETFL, 0));
    RC(connect_to(back, a), -ECONNREFUSED, nm(f, "switched to blocking, connect waits"));
}

static void accepts(int f)
{
    struct addr a;
    int l = listener(f, 4, &a);
    nonblock(l);
    RC(accept(l, NULL, NULL), -EAGAIN, nm(f, "accept, nothing"));
    MUST(connect_to(tcp(f), a));
    MUST(await(l, POLLIN) == POLLIN ? 0 : -1);
    int s = accept(l, NULL, NULL);
    OK(s >= 0, nm(f, "accept, something"));
    RC(accept(l, NULL, NULL), -EAGAIN, nm(f, "accept, nothing again"));
}

static void datagrams(int f)
{
    struct addr a, from = {.len = sizeof(from.u)};
    char b;
    int s = bound(f, SOCK_DGRAM, &a);
    struct iovec v = {&b, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    nonblock(s);
    RC(recv(s, &b, 1, 0), -EAGAIN, nm(f, "datagram, recv"));
    RC(read(s, &b, 1), -EAGAIN, nm(f, "datagram, read"));
    RC(recvfrom(s, &b, 1, 0, &from.u.sa, &from.len), -EAGAIN, nm(f, "datagram, recvfrom"));
    RC(recvmsg(s, &m, 0), -EAGAIN, nm(f, "datagram, recvmsg"));
    RC(connect_to(s, loopback(f, 9)), 0, nm(f, "datagram, connect is at once"));
}

static void one_call(int f)
{
    struct pair t = tcp_pair(f);
    char b;
    RC(recv(t.c, &b, 1, MSG_DONTWAIT), -EAGAIN, nm(f, "MSG_DONTWAIT, recv"));
    EQ(fcntl(t.c, F_GETFL) & O_NONBLOCK, 0, nm(f, "MSG_DONTWAIT is for one call"));
    struct iovec v = {&b, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    RC(recvmsg(t.c, &m, MSG_DONTWAIT), -EAGAIN, nm(f, "MSG_DONTWAIT, recvmsg"));
}

/* SO_SNDTIMEO bounds the wait, not the attempt. */
static void connect_timeout(int f)
{
    struct addr a;
    int l = silent(f, &a), fd = tcp(f);
    set_timeout(fd, SO_SNDTIMEO, 60);
    long long start = now_ms();
    RC(connect_to(fd, a), -EINPROGRESS, nm(f, "SO_SNDTIMEO, connect"));
    OK(now_ms() - start >= 50, nm(f, "SO_SNDTIMEO, connect, not before time"));
    MASK(fd, 0, nm(f, "SO_SNDTIMEO, connect goes on"));
    RC(connect_to(fd, a), -EALREADY, nm(f, "SO_SNDTIMEO, connect again"));
    MUST(accept(l, NULL, NULL));
    MASK(fd, POLLOUT, nm(f, "SO_SNDTIMEO, connect completes"));
    RC(connect_to(fd, a), 0, nm(f, "SO_SNDTIMEO, completed, connect"));
    RC(connect_to(fd, a), -EISCONN, nm(f, "SO_SNDTIMEO, completed, connect again"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(switching), CASE(switched_late), CASE(accepts),
        CASE(datagrams), CASE(one_call),      CASE(connect_timeout),
    };
    return run_cases(cases, COUNT(cases));
}
