/* MSG_ZEROCOPY and its completions; what TCP_INQ tells with each receive; SO_MAX_PACING_RATE. On
 * loopback Linux copies, and says so. */
#include "posix/lib.h"

#include <linux/errqueue.h>
#include <netinet/tcp.h>

#ifndef MSG_ZEROCOPY
#define MSG_ZEROCOPY 0x4000000
#endif
#ifndef TCP_CM_INQ
#define TCP_CM_INQ TCP_INQ
#endif

static int get(int fd, int level, int name)
{
    int v = -1;
    socklen_t len = sizeof(v);

    return getsockopt(fd, level, name, &v, &len) ? -errno : v;
}

/* recvmsg() with room for one item of control data of so many bytes, of that type. */
static ssize_t receive(int fd, void *to, size_t len, int flags, int type, void *item, size_t bytes)
{
    union {
        struct cmsghdr align;
        char room[CMSG_SPACE(64)];
    } u;
    struct iovec v = {to, len};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof(u)};
    ssize_t n = recvmsg(fd, &m, flags);

    memset(item, 0xff, bytes);
    for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_type == type)
            memcpy(item, CMSG_DATA(c), bytes);
    return n;
}

static void zerocopy(int f)
{
    struct pair p = tcp_pair(f);
    struct sock_extended_err e = {0};
    int recverr = f == AF_INET ? IP_RECVERR : IPV6_RECVERR;
    char byte;
    uint32_t last;

    EQ(get(p.c, SOL_SOCKET, SO_ZEROCOPY), 0, nm(f, "SO_ZEROCOPY at first"));
    RC(send(p.c, "unasked", 7, MSG_ZEROCOPY), 7, nm(f, "MSG_ZEROCOPY without it"));
    RC(setsockopt(p.c, SOL_SOCKET, SO_ZEROCOPY, &(int){2}, 4), -EINVAL, nm(f, "SO_ZEROCOPY 2"));
    RC(setsockopt(p.c, SOL_SOCKET, SO_ZEROCOPY, &(int){1}, 4), 0, nm(f, "SO_ZEROCOPY 1"));
    EQ(get(p.c, SOL_SOCKET, SO_ZEROCOPY), 1, nm(f, "SO_ZEROCOPY, read"));
    RC(recvmsg(p.c, &(struct msghdr){0}, MSG_ERRQUEUE), -EAGAIN, nm(f, "nothing to tell so far"));
    RC(send(p.c, "hello", 5, MSG_ZEROCOPY), 5, nm(f, "MSG_ZEROCOPY"));
    MASK(p.c, POLLOUT | POLLERR, nm(f, "its completion shows"));
    EQ(get(p.c, SOL_SOCKET, SO_ERROR), 0, nm(f, "but is no error"));
    RC(receive(p.c, &byte, 1, MSG_ERRQUEUE, recverr, &e, sizeof(e)), 0, nm(f, "completion"));
    EQ(e.ee_errno, 0, nm(f, "completion, errno"));
    EQ(e.ee_origin, SO_EE_ORIGIN_ZEROCOPY, nm(f, "completion, origin"));
    EQ(e.ee_code, SO_EE_CODE_ZEROCOPY_COPIED, nm(f, "completion, copied"));
    EQ(e.ee_info, 0, nm(f, "completion, first"));
    EQ(e.ee_data, 0, nm(f, "completion, last"));
    MASK(p.c, POLLOUT, nm(f, "told once"));
    RC(send(p.c, "a", 1, MSG_ZEROCOPY), 1, nm(f, "another"));
    RC(send(p.c, "b", 1, 0), 1, nm(f, "one without"));
    RC(send(p.c, "c", 1, MSG_ZEROCOPY), 1, nm(f, "and another"));
    for (last = 0; last < 2; last = e.ee_data) {
        MUST(await(p.c, POLLOUT | POLLERR) & POLLERR ? 0 : -1);
        MUST(receive(p.c, &byte, 1, MSG_ERRQUEUE, recverr, &e, sizeof(e)));
        if (e.ee_info != last + 1)
            break;
    }
    EQ(last, 2, nm(f, "completions in order"));
}

static void inherited(int f)
{
    struct addr a;
    int l = listener(f, 1, &a), c = tcp(f), s;

    RC(setsockopt(l, SOL_SOCKET, SO_ZEROCOPY, &(int){1}, 4), 0, nm(f, "SO_ZEROCOPY of a listener"));
    MUST(connect_to(c, a));
    s = MUST(accept(l, NULL, NULL));
    EQ(get(s, SOL_SOCKET, SO_ZEROCOPY), 1, nm(f, "accepted with it"));
    RC(send(tcp(f), "x", 1, MSG_ZEROCOPY | MSG_NOSIGNAL), -EPIPE, nm(f, "not connected"));
}

static void inq(int f)
{
    struct pair p = tcp_pair(f);
    char b[16];
    int left;

    EQ(get(p.s, IPPROTO_TCP, TCP_INQ), 0, nm(f, "TCP_INQ at first"));
    RC(setsockopt(p.s, IPPROTO_TCP, TCP_INQ, &(int){2}, 4), -EINVAL, nm(f, "TCP_INQ 2"));
    RC(setsockopt(p.s, IPPROTO_TCP, TCP_INQ, &(int){1}, 4), 0, nm(f, "TCP_INQ 1"));
    EQ(get(p.s, IPPROTO_TCP, TCP_INQ), 1, nm(f, "TCP_INQ, read"));
    MUST(send(p.c, "0123456789", 10, 0));
    MASK(p.s, POLLIN | POLLOUT, nm(f, "ten bytes are there"));
    RC(receive(p.s, b, 4, MSG_PEEK, TCP_CM_INQ, &left, 4), 4, nm(f, "four are looked at"));
    EQ(left, 10, nm(f, "ten are left"));
    RC(receive(p.s, b, 4, 0, TCP_CM_INQ, &left, 4), 4, nm(f, "four are read"));
    EQ(left, 6, nm(f, "six are left"));
    RC(receive(p.s, b, 16, 0, TCP_CM_INQ, &left, 4), 6, nm(f, "the rest is read"));
    EQ(left, 0, nm(f, "nothing is left"));
    MUST(shutdown(p.c, SHUT_WR));
    MASK(p.s, POLLIN | POLLOUT | POLLRDHUP, nm(f, "the end is there"));
    RC(receive(p.s, b, 16, 0, TCP_CM_INQ, &left, 4), 0, nm(f, "the end is read"));
    EQ(left, 1, nm(f, "behind the end"));
}

static void pacing(int f)
{
    int fd = tcp(f);
    uint32_t small = 0;
    uint64_t large = 0;
    socklen_t len = sizeof(small);

    MUST(getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &small, &len));
    EQ(len, 4, nm(f, "SO_MAX_PACING_RATE in 4 bytes"));
    EQ(small, UINT32_MAX, nm(f, "SO_MAX_PACING_RATE at first"));
    RC(setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &(uint32_t){100000}, 4), 0,
       nm(f, "SO_MAX_PACING_RATE 100000"));
    len = sizeof(large);
    MUST(getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &large, &len));
    EQ(len, 8, nm(f, "SO_MAX_PACING_RATE in 8 bytes"));
    EQ(large, 100000, nm(f, "SO_MAX_PACING_RATE, read"));
    large = 5000000000;
    RC(setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &large, 8), 0,
       nm(f, "SO_MAX_PACING_RATE beyond 32 bits"));
    len = sizeof(small);
    MUST(getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &small, &len));
    EQ(small, UINT32_MAX, nm(f, "it does not fit"));
    RC(setsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &(uint32_t){UINT32_MAX}, 4), 0,
       nm(f, "SO_MAX_PACING_RATE, none"));
    len = sizeof(large);
    MUST(getsockopt(fd, SOL_SOCKET, SO_MAX_PACING_RATE, &large, &len));
    OK(large == UINT64_MAX, nm(f, "is none in 8 bytes too"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(zerocopy),
        CASE(inherited),
        CASE(inq),
        CASE(pacing),
    };
    return run_cases(cases, COUNT(cases));
}
