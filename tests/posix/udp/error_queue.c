/* MSG_ERRQUEUE: IP_RECVERR, IPV6_RECVERR, what is queued, and what becomes of poll and SO_ERROR. */
#include "../lib.h"

#include <linux/errqueue.h>

#ifndef IPV6_RECVERR
#define IPV6_RECVERR 25
#endif

struct told {
    ssize_t n;
    int flags;
    struct addr to, offender; /* len 0: none */
    struct sock_extended_err e;
    int level, type;
    size_t cmsgs, control;
    char bytes[64];
};

static int level(int f)
{
    return f == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
}

static int recverr(int f)
{
    return f == AF_INET ? IP_RECVERR : IPV6_RECVERR;
}

static struct told read_queue(int fd, size_t room, size_t control, int flags)
{
    struct told t = {.to.len = sizeof(t.to.u)};
    union {
        struct cmsghdr align;
        char bytes[512];
    } c;
    struct iovec iov = {t.bytes, room};
    struct msghdr m = {.msg_name = &t.to.u,
                       .msg_namelen = sizeof(t.to.u),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = &c,
                       .msg_controllen = control};

    t.n = r(recvmsg(fd, &m, MSG_ERRQUEUE | flags));
    if (t.n < 0)
        return t;
    t.flags = m.msg_flags;
    t.to.len = m.msg_namelen;
    t.control = m.msg_controllen;
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
        size_t size = h->cmsg_len - CMSG_LEN(0);

        t.cmsgs++;
        t.level = h->cmsg_level;
        t.type = h->cmsg_type;
        if (size < sizeof(t.e))
            continue;
        memcpy(&t.e, CMSG_DATA(h), sizeof(t.e));
        t.offender.len = (socklen_t)(size - sizeof(t.e));
        if (t.offender.len <= sizeof(t.offender.u))
            memcpy(&t.offender.u, CMSG_DATA(h) + sizeof(t.e), t.offender.len);
    }
    return t;
}

static struct told next_of(int fd)
{
    return read_queue(fd, sizeof(((struct told *)0)->bytes), 512, MSG_DONTWAIT);
}

static struct addr nobody(int f)
{
    struct addr a;
    close(bound(f, SOCK_DGRAM, &a));
    return a;
}

static int asking(int f)
{
    int u = udp(f);
    MUST(setopt(u, level(f), recverr(f), 1));
    return u;
}

static void option(int f)
{
    int u = udp(f);
    EQ(getopt_of(u, level(f), recverr(f)), 0, nm(f, "off at first"));
    MUST(setopt(u, level(f), recverr(f), 7));
    EQ(getopt_of(u, level(f), recverr(f)), 1, nm(f, "any number turns it on"));
    EQ(next_of(u).n, -EAGAIN, nm(f, "an empty queue"));
    EQ(next_of(tcp(f)).n, -EAGAIN, nm(f, "a stream's empty queue"));
    struct pair p = tcp_pair(f);
    EQ(next_of(p.c).n, -EAGAIN, nm(f, "a connected stream's empty queue"));
    EQ(next_of(p.l).n, -EAGAIN, nm(f, "a listener's empty queue"));
}

static void not_asked(int f)
{
    int u = udp(f);
    MUST(connect_to(u, nobody(f)));
    MUST(send(u, "x", 1, 0));
    MASK(u, POLLOUT | POLLERR, nm(f, "not asked, refused"));
    EQ(next_of(u).n, -EAGAIN, nm(f, "not asked, nothing is queued"));
    EQ(so_error(u), ECONNREFUSED, nm(f, "not asked, SO_ERROR tells"));
    MASK(u, POLLOUT, nm(f, "not asked, nothing is left"));
}

static void is_refusal(int f, struct told t, struct addr to, const char *what)
{
    EQ(t.n, 3, nm(f, "%s, what was sent", what));
    OK(t.n == 3 && !memcmp(t.bytes, "abc", 3), nm(f, "%s, its bytes", what));
    EQ(t.flags, MSG_ERRQUEUE, nm(f, "%s, flags", what));
    OK(same(t.to, to), nm(f, "%s, where it was sent", what));
    EQ(t.level, level(f), nm(f, "%s, level", what));
    EQ(t.type, recverr(f), nm(f, "%s, type", what));
    EQ(t.e.ee_errno, ECONNREFUSED, nm(f, "%s, errno", what));
    EQ(t.e.ee_origin, f == AF_INET ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6,
       nm(f, "%s, origin", what));
    EQ(t.e.ee_type, f == AF_INET ? 3 : 1, nm(f, "%s, ICMP type", what));
    EQ(t.e.ee_code, f == AF_INET ? 3 : 4, nm(f, "%s, ICMP code", what));
    EQ(t.e.ee_info, 0, nm(f, "%s, info", what));
    EQ(t.e.ee_data, 0, nm(f, "%s, data", what));
    EQ(t.offender.len, addr_size(f), nm(f, "%s, offender's length", what));
    OK(same(t.offender, loopback(f, 0)), nm(f, "%s, offender", what));
}

static void connected(int f)
{
    struct addr to = nobody(f);
    int u = asking(f);
    MUST(connect_to(u, to));
    MUST(send(u, "abc", 3, 0));
    MASK(u, POLLOUT | POLLERR, nm(f, "connected, refused"));
    EQ(so_error(u), ECONNREFUSED, nm(f, "connected, SO_ERROR tells"));
    MASK(u, POLLOUT | POLLERR, nm(f, "connected, the queue keeps POLLERR up"));
    is_refusal(f, next_of(u), to, "connected");
    MASK(u, POLLOUT, nm(f, "connected, the queue is empty"));
    EQ(next_of(u).n, -EAGAIN, nm(f, "connected, it was told once"));
}

static void unconnected(int f)
{
    struct addr to = nobody(f);
    int u = asking(f);
    char c;
    RC(send_to(u, "abc", 3, to), 3, nm(f, "unconnected, send"));
    MASK(u, POLLOUT | POLLERR, nm(f, "unconnected, refused"));
    RC(recv(u, &c, 1, MSG_DONTWAIT), -ECONNREFUSED, nm(f, "unconnected, recv tells"));
    MASK(u, POLLOUT | POLLERR, nm(f, "unconnected, the queue keeps POLLERR up"));
    is_refusal(f, next_of(u), to, "unconnected");
    MASK(u, POLLOUT, nm(f, "unconnected, the queue is empty"));
}

static void several(int f)
{
    struct addr to = nobody(f);
    int u = asking(f);
    MUST(connect_to(u, to));
    MUST(send(u, "abc", 3, 0));
    MUST(await(u, POLLOUT | POLLERR) == (POLLOUT | POLLERR) ? 0 : -1);
    RC(send(u, "abc", 3, 0), -ECONNREFUSED, nm(f, "several, send tells"));
    MUST(send(u, "abcd", 4, 0));
    long long end = now_ms() + PATIENCE_MS;
    while (so_error(u) != ECONNREFUSED && now_ms() < end)
        poll(NULL, 0, 1);
    EQ(next_of(u).n, 3, nm(f, "several, the first"));
    EQ(so_error(u), ECONNREFUSED, nm(f, "several, the next one's error is pending then"));
    EQ(next_of(u).n, 4, nm(f, "several, the second"));
    EQ(so_error(u), 0, nm(f, "several, nothing is pending then"));
    MASK(u, POLLOUT, nm(f, "several, the queue is empty"));
}

static void turned_off(int f)
{
    int u = asking(f);
    MUST(connect_to(u, nobody(f)));
    MUST(send(u, "abc", 3, 0));
    MUST(await(u, POLLOUT | POLLERR) == (POLLOUT | POLLERR) ? 0 : -1);
    MUST(setopt(u, level(f), recverr(f), 0));
    EQ(next_of(u).n, -EAGAIN, nm(f, "turned off, the queue is dropped"));
    EQ(so_error(u), ECONNREFUSED, nm(f, "turned off, the pending error stays"));
    MASK(u, POLLOUT, nm(f, "turned off, nothing is left"));
}

static void short_room(int f)
{
    struct addr to = nobody(f);
    int u = asking(f);
    struct told t;
    MUST(connect_to(u, to));
    for (int i = 0; i < 3; i++) {
        size_t control = i == 0 ? 512 : i == 1 ? 0 : CMSG_LEN(sizeof(struct sock_extended_err));
        MUST(send(u, "abc", 3, 0));
        MUST(await(u, POLLOUT | POLLERR) == (POLLOUT | POLLERR) ? 0 : -1);
        so_error(u);
        t = read_queue(u, i ? 64 : 2, control, 0);
        EQ(t.n, i ? 3 : 2, nm(f, "short room %d, bytes", i));
        EQ(t.flags, MSG_ERRQUEUE | (i ? MSG_CTRUNC : MSG_TRUNC), nm(f, "short room %d, flags", i));
        EQ(t.cmsgs, i != 1, nm(f, "short room %d, control data", i));
        EQ(next_of(u).n, -EAGAIN, nm(f, "short room %d, the entry is gone", i));
    }
    MUST(send(u, "abc", 3, 0));
    MUST(await(u, POLLOUT | POLLERR) == (POLLOUT | POLLERR) ? 0 : -1);
    EQ(read_queue(u, 64, 512, MSG_PEEK).n, 3, nm(f, "MSG_PEEK, an entry"));
    EQ(next_of(u).n, -EAGAIN, nm(f, "MSG_PEEK takes it all the same"));
}

static void mapped_destination(int f)
{
    struct addr a = nobody(AF_INET), to = mapped(INADDR_LOOPBACK, port_of(a));
    int u = udp(AF_INET6);
    struct told t;
    if (f == AF_INET)
        return;
    MUST(setopt(u, IPPROTO_IPV6, IPV6_RECVERR, 1));
    MUST(send_to(u, "abc", 3, to));
    MASK(u, POLLOUT, nm(f, "mapped, IPV6_RECVERR does not ask"));
    MUST(setopt(u, IPPROTO_IP, IP_RECVERR, 1));
    MUST(send_to(u, "abc", 3, to));
    MASK(u, POLLOUT | POLLERR, nm(f, "mapped, IP_RECVERR does"));
    t = next_of(u);
    EQ(t.n, 3, nm(f, "mapped, what was sent"));
    OK(same(t.to, to), nm(f, "mapped, where it was sent"));
    EQ(t.level, IPPROTO_IPV6, nm(f, "mapped, level"));
    EQ(t.e.ee_origin, SO_EE_ORIGIN_ICMP, nm(f, "mapped, origin"));
    OK(same(t.offender, mapped(INADDR_LOOPBACK, 0)), nm(f, "mapped, offender"));
}

/* What the stack itself refuses: EMSGSIZE, the MTU, an offender of no family. */
static void too_long(int f)
{
    static char bytes[70000];
    struct addr to = nobody(f);
    size_t len = f == AF_INET ? 65508 : 65528;
    int u = asking(f);
    struct told t;
    RC(send_to(u, bytes, len, to), -EMSGSIZE, nm(f, "too long"));
    MASK(u, POLLOUT | POLLERR, nm(f, "too long, it is told"));
    EQ(so_error(u), 0, nm(f, "too long, no error is pending"));
    t = next_of(u);
    EQ(t.n, 0, nm(f, "too long, no bytes"));
    EQ(t.e.ee_errno, EMSGSIZE, nm(f, "too long, errno"));
    EQ(t.e.ee_origin, SO_EE_ORIGIN_LOCAL, nm(f, "too long, origin"));
    OK(same_host(t.to, to), nm(f, "too long, where it was to go"));
    EQ(port_of(t.to), f == AF_INET ? 0 : port_of(to), nm(f, "too long, and to which port"));
    EQ(t.offender.u.sa.sa_family, AF_UNSPEC, nm(f, "too long, nobody else says so"));
    MASK(u, POLLOUT, nm(f, "too long, the queue is empty"));
    MUST(connect_to(u, to));
    RC(send(u, bytes, len, 0), -EMSGSIZE, nm(f, "too long, connected"));
    OK(same(next_of(u).to, to), nm(f, "too long, connected, the peer's port"));
    RC(send_to(u, bytes, sizeof(bytes), to), -EMSGSIZE, nm(f, "much too long"));
    EQ(next_of(u).n, f == AF_INET ? -EAGAIN : 0, nm(f, "much too long, is IPv6's only to tell"));
    RC(send_to(udp(f), bytes, len, to), -EMSGSIZE, nm(f, "too long, not asked"));
}

static void bounded(int f)
{
    static char bytes[65535];
    struct addr to = nobody(f);
    int u = asking(f), n = 0;
    MUST(setopt(u, SOL_SOCKET, SO_RCVBUF, 4096));
    for (int i = 0; i < 2000; i++)
        if (r(send_to(u, bytes, sizeof(bytes), to)) != -EMSGSIZE)
            break;
    while (n < 2000 && next_of(u).n == 0)
        n++;
    OK(n > 0 && n < 200, nm(f, "the receive buffer bounds the queue"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(option),   CASE(not_asked),  CASE(connected),  CASE(unconnected),
        CASE(several),  CASE(turned_off), CASE(short_room), CASE(mapped_destination),
        CASE(too_long), CASE(bounded),
    };
    return run_cases(cases, COUNT(cases));
}
