/* getsockname(): arguments and their order, short room, every state. */
#include "../lib.h"

static int call(int fd, void *room, socklen_t *len)
{
    return getsockname(fd, room, len);
}

static void arguments(int f)
{
    struct addr a = {.len = sizeof(a.u)};
    int p[2];
    struct pair t = tcp_pair(f);
    MUST(pipe(p));
    RC(call(-1, &a.u, &a.len), -EBADF, nm(f, "descriptor -1"));
    RC(call(-1, NULL, NULL), -EBADF, nm(f, "bad descriptor before bad pointers"));
    RC(call(p[0], &a.u, &a.len), -ENOTSOCK, nm(f, "a pipe"));
    RC(call(t.c, &a.u, NULL), -EFAULT, nm(f, "null length"));
    RC(call(t.c, NULL, &a.len), -EFAULT, nm(f, "null room"));
    RC(call(t.c, (void *)8, &a.len), -EFAULT, nm(f, "wild room"));
    a.len = (socklen_t)-1;
    RC(call(t.c, &a.u, &a.len), -EINVAL, nm(f, "length -1"));
    a.len = 0;
    RC(call(t.c, NULL, &a.len), 0, nm(f, "no room at all"));
    EQ(a.len, addr_size(f), nm(f, "no room at all, the true length"));
    a.len = 1000;
    RC(call(t.c, &a.u, &a.len), 0, nm(f, "more room than there is"));
    EQ(a.len, addr_size(f), nm(f, "more room, the true length"));
}

static void short_room(int f)
{
    struct pair t = tcp_pair(f);
    struct addr a;
    memset(&a, 0x55, sizeof(a));
    a.len = 4;
    RC(call(t.c, &a.u, &a.len), 0, nm(f, "room of 4"));
    EQ(a.len, addr_size(f), nm(f, "room of 4, the true length"));
    EQ(a.u.sa.sa_family, f, nm(f, "room of 4, the family"));
    EQ(((unsigned char *)&a.u)[4], 0x55, nm(f, "room of 4, nothing beyond"));
}

/* NetSem getsockname_1. */
static void states(int f)
{
    struct addr a;
    int fd = tcp(f), u = udp(f);
    OK(same(name_of(fd), any(f, 0)), nm(f, "fresh stream"));
    OK(same(name_of(u), any(f, 0)), nm(f, "fresh datagram"));
    struct pair t = tcp_pair(f);
    struct addr before = name_of(t.c);
    MUST(shutdown(t.c, SHUT_RDWR));
    OK(same(name_of(t.c), before), nm(f, "after shutdown, the same"));
    struct pair v = tcp_pair(f);
    before = name_of(v.c);
    reset(v.s);
    MUST(await(v.c, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP) & POLLERR ? 0 : -1);
    OK(same(name_of(v.c), before), nm(f, "after a reset, the same"));
    bound(f, SOCK_DGRAM, &a);
    MUST(connect_to(u, a));
    OK(same_host(name_of(u), a), nm(f, "connected datagram has an address"));
    OK(port_of(name_of(u)) != 0, nm(f, "connected datagram has a port"));
    int w = udp(f);
    MUST(send_to(w, "x", 1, a));
    OK(same_host(name_of(w), any(f, 0)), nm(f, "datagram after sendto, the wildcard"));
    OK(port_of(name_of(w)) != 0, nm(f, "datagram after sendto, a port"));
    EQ(name_of(w).u.in6.sin6_flowinfo * (f == AF_INET6), 0, nm(f, "no flow information"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(arguments), CASE(short_room), CASE(states)};
    return run_cases(cases, COUNT(cases));
}
