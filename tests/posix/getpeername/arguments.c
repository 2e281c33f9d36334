/* getpeername(): arguments and their order, short room, every state. */
#include "../lib.h"

static int call(int fd, void *room, socklen_t *len)
{
    return getpeername(fd, room, len);
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

/* NetSem getpeername_1, NetSem getpeername_2. */
static void states(int f)
{
    struct addr a, room = {.len = (socklen_t)-1};
    int fd = tcp(f), u = udp(f);
    EQ(peer_error(fd), -ENOTCONN, nm(f, "fresh stream"));
    EQ(peer_error(u), -ENOTCONN, nm(f, "fresh datagram"));
    RC(call(fd, &room.u, &room.len), -ENOTCONN, nm(f, "not connected before bad length"));
    RC(call(fd, NULL, NULL), -ENOTCONN, nm(f, "not connected before bad pointers"));
    EQ(peer_error(listener(f, 1, &a)), -ENOTCONN, nm(f, "listener"));
    EQ(peer_error(bound(f, SOCK_STREAM, &a)), -ENOTCONN, nm(f, "bound"));
    struct pair t = tcp_pair(f);
    struct addr c = name_of(t.c), s = name_of(t.s);
    OK(same(peer_of(t.c), s), nm(f, "connected"));
    OK(same(peer_of(t.s), c), nm(f, "accepted"));
    MUST(shutdown(t.c, SHUT_WR));
    OK(same(peer_of(t.c), s), nm(f, "after SHUT_WR"));
    MUST(await(t.s, POLLIN | POLLOUT | POLLRDHUP) & POLLRDHUP ? 0 : -1);
    OK(same(peer_of(t.s), c), nm(f, "after the peer's FIN"));
    close(t.s);
    EQ(await(t.c, POLLIN | POLLOUT | POLLRDHUP | POLLHUP), POLLIN | POLLOUT | POLLRDHUP | POLLHUP,
       nm(f, "both closed, mask"));
    EQ(peer_error(t.c), -ENOTCONN, nm(f, "both closed"));
    bound(f, SOCK_DGRAM, &a);
    MUST(connect_to(u, a));
    OK(same(peer_of(u), a), nm(f, "connected datagram"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(arguments), CASE(short_room), CASE(states)};
    return run_cases(cases, COUNT(cases));
}
