/* connect() that waits: success, refusal, and what the socket says before and after. */
#include "../lib.h"

/* C01 C10 C11. NetSem connect_1, connect_2. */
static void success(int f)
{
    struct addr a;
    int l = listener(f, 4, &a), fd = tcp(f);
    char buf[8];
    RC(connect_to(fd, a), 0, nm(f, "blocking connect to a listener"));
    OK(same(peer_of(fd), a), nm(f, "blocking connect, peer is the listener's address"));
    OK(same_host(name_of(fd), a), nm(f, "blocking connect, bound to the loopback address"));
    OK(port_of(name_of(fd)) != 0, nm(f, "blocking connect, bound to a port"));
    OK(port_of(name_of(fd)) != port_of(a), nm(f, "blocking connect, bound to another port"));
    MASK(fd, POLLOUT, nm(f, "blocking connect, mask OUT"));
    MASK(l, POLLIN, nm(f, "blocking connect, listener readable"));
    EQ(so_error(fd), 0, nm(f, "blocking connect, no SO_ERROR"));
    RC(connect_to(fd, a), -EISCONN, nm(f, "blocking connect, again"));
    RC(connect_to(fd, a), -EISCONN, nm(f, "blocking connect, and again"));
    RC(send(fd, "abc", 3, 0), 3, nm(f, "blocking connect, send before accept"));
    int s = MUST(accept(l, NULL, NULL));
    RC(recv(s, buf, sizeof(buf), 0), 3,
       nm(f, "blocking connect, data reaches the accepted socket"));
    OK(same(peer_of(s), name_of(fd)), nm(f, "blocking connect, the names match"));
    OK(same(name_of(s), a), nm(f, "blocking connect, accepted name is the listener's"));
}

/* C24. NetSem connect_3, connect_4a. */
static void refused(int f)
{
    struct addr a = refuser(f), good;
    int fd = tcp(f);
    char c;
    listener(f, 4, &good);
    RC(connect_to(fd, a), -ECONNREFUSED, nm(f, "blocking refused"));
    EQ(so_error(fd), 0, nm(f, "blocking refused, SO_ERROR already taken"));
    MASK(fd, POLLOUT | POLLHUP, nm(f, "blocking refused, mask OUT HUP"));
    EQ(peer_error(fd), -ENOTCONN, nm(f, "blocking refused, no peer"));
    RC(recv(fd, &c, 1, 0), -ENOTCONN, nm(f, "blocking refused, recv"));
    RC(send(fd, "x", 1, MSG_NOSIGNAL), -EPIPE, nm(f, "blocking refused, send"));
    RC(shutdown(fd, SHUT_RDWR), -ENOTCONN, nm(f, "blocking refused, shutdown"));
}

static void refused_then_connected(int f)
{
    struct addr a = refuser(f), good;
    int fd = tcp(f);
    listener(f, 4, &good);
    RC(connect_to(fd, a), -ECONNREFUSED, nm(f, "refused then connected, first"));
    struct addr stale = name_of(fd);
    OK(same_host(stale, any(f, 0)), nm(f, "refused then connected, address forgotten"));
    OK(port_of(stale) != 0, nm(f, "refused then connected, port still shown"));
    RC(connect_to(fd, a), -ECONNREFUSED, nm(f, "refused then connected, second"));
    RC(connect_to(fd, good), 0, nm(f, "refused then connected, third"));
    MASK(fd, POLLOUT, nm(f, "refused then connected, mask OUT"));
    OK(same(peer_of(fd), good), nm(f, "refused then connected, peer"));
    OK(same_host(name_of(fd), good), nm(f, "refused then connected, name"));
}

static void refused_bound(int f)
{
    struct addr a = refuser(f), mine;
    int fd = bound(f, SOCK_STREAM, &mine);
    RC(connect_to(fd, a), -ECONNREFUSED, nm(f, "bound and refused"));
    OK(same(name_of(fd), mine), nm(f, "bound and refused, keeps address and port"));
    struct addr good;
    listener(f, 4, &good);
    RC(connect_to(fd, good), 0, nm(f, "bound and refused, connects"));
    OK(same_host(name_of(fd), mine), nm(f, "bound and refused, connects from its own address"));
}

/* C03. */
static void bound_to_port_only(int f)
{
    struct addr a;
    int fd = tcp(f);
    listener(f, 4, &a);
    MUST(bind_to(fd, any(f, 0)));
    int port = port_of(name_of(fd));
    RC(connect_to(fd, a), 0, nm(f, "bound to a port only, connects"));
    EQ(port_of(name_of(fd)), port, nm(f, "bound to a port only, keeps it"));
    OK(same_host(name_of(fd), a), nm(f, "bound to a port only, gets an address"));
}

static void data_both_ways(int f)
{
    struct pair p = tcp_pair(f);
    char buf[16];
    RC(write(p.c, "hello", 5), 5, nm(f, "connected, write"));
    RC(read(p.s, buf, sizeof(buf)), 5, nm(f, "connected, read"));
    OK(memcmp(buf, "hello", 5) == 0, nm(f, "connected, the same bytes"));
    RC(send(p.s, "world!", 6, 0), 6, nm(f, "connected, accepted side sends"));
    RC(recv(p.c, buf, sizeof(buf), 0), 6, nm(f, "connected, connecting side receives"));
    OK(memcmp(buf, "world!", 6) == 0, nm(f, "connected, the same bytes back"));
    RC(recv(p.c, buf, sizeof(buf), MSG_DONTWAIT), -EAGAIN, nm(f, "connected, nothing more"));
}

static void many_at_once(int f)
{
    struct addr a;
    int l = listener(f, 64, &a), good = 0, accepted = 0;
    for (int i = 0; i < 50; i++)
        good += connect_to(tcp(f), a) == 0;
    EQ(good, 50, nm(f, "fifty connections from one program"));
    for (int i = 0; i < 50; i++)
        accepted += accept(l, NULL, NULL) >= 0;
    EQ(accepted, 50, nm(f, "fifty connections accepted"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(success),
        CASE(refused),
        CASE(refused_then_connected),
        CASE(refused_bound),
        CASE(bound_to_port_only),
        CASE(data_both_ways),
        CASE(many_at_once),
    };
    return run_cases(cases, COUNT(cases));
}
