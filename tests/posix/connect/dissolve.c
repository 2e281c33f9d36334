/* connect() with AF_UNSPEC in every state, and what lies behind it. */
#include "../lib.h"

static int dissolve(int fd)
{
    return connect_to(fd, unspec());
}

static void fresh(int f)
{
    int fd = tcp(f);
    struct addr a;
    struct sockaddr only_family = {.sa_family = AF_UNSPEC};
    RC(dissolve(fd), 0, nm(f, "dissolve, fresh"));
    RC(connect(fd, &only_family, 2), 0, nm(f, "dissolve, fresh, length 2"));
    RC(connect(fd, &only_family, 1), -EINVAL, nm(f, "dissolve, fresh, length 1"));
    EQ(so_error(fd), 0, nm(f, "dissolve, fresh, SO_ERROR"));
    MASK(fd, POLLOUT | POLLHUP, nm(f, "dissolve, fresh, mask OUT HUP"));
    listener(f, 1, &a);
    RC(connect_to(fd, a), 0, nm(f, "dissolve, fresh, then connect"));
}

static void bound_socket(int f)
{
    struct addr mine;
    int fd = bound(f, SOCK_STREAM, &mine);
    RC(dissolve(fd), 0, nm(f, "dissolve, bound"));
    EQ(so_error(fd), 0, nm(f, "dissolve, bound, SO_ERROR"));
    OK(same_host(name_of(fd), mine), nm(f, "dissolve, bound, keeps the address"));
}

/* NetSem disconnect_4, disconnect_5. */
static void connected(int f)
{
    struct pair p = tcp_pair(f);
    struct addr before = name_of(p.c), a;
    char c;
    RC(dissolve(p.c), 0, nm(f, "dissolve, connected"));
    MASK(p.s, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP,
         nm(f, "dissolve, connected, the peer is reset"));
    RC(recv(p.s, &c, 1, 0), -ECONNRESET, nm(f, "dissolve, connected, the peer's recv"));
    EQ(peer_error(p.c), -ENOTCONN, nm(f, "dissolve, connected, no peer"));
    OK(same_host(name_of(p.c), any(f, 0)), nm(f, "dissolve, connected, address forgotten"));
    EQ(port_of(name_of(p.c)), port_of(before), nm(f, "dissolve, connected, stale port"));
    EQ(so_error(p.c), ECONNRESET, nm(f, "dissolve, connected, SO_ERROR"));
    EQ(so_error(p.c), 0, nm(f, "dissolve, connected, SO_ERROR once"));
    MASK(p.c, POLLOUT | POLLHUP, nm(f, "dissolve, connected, mask OUT HUP"));
    listener(f, 1, &a);
    RC(connect_to(p.c, a), 0, nm(f, "dissolve, connected, connects again"));
    OK(same(peer_of(p.c), a), nm(f, "dissolve, connected, new peer"));
    RC(send(p.c, "x", 1, 0), 1, nm(f, "dissolve, connected, new connection sends"));
}

static void connected_error_untaken(int f)
{
    struct pair p = tcp_pair(f);
    struct addr a;
    RC(dissolve(p.c), 0, nm(f, "dissolve, error not asked"));
    MASK(p.c, POLLOUT | POLLERR | POLLHUP, nm(f, "dissolve, error not asked, mask OUT ERR HUP"));
    listener(f, 1, &a);
    RC(connect_to(p.c, a), 0, nm(f, "dissolve, error not asked, connects again"));
}

static void connected_bound(int f)
{
    struct addr mine, a;
    int fd = bound(f, SOCK_STREAM, &mine);
    listener(f, 1, &a);
    MUST(connect_to(fd, a));
    RC(dissolve(fd), 0, nm(f, "dissolve, bound and connected"));
    OK(same_host(name_of(fd), mine), nm(f, "dissolve, bound and connected, keeps the address"));
}

/* NetSem disconnect_5. */
static void connecting(int f)
{
    struct addr a, good;
    silent(f, &a);
    int fd = tcp(f);
    nonblock(fd);
    RC(connect_to(fd, a), -EINPROGRESS, nm(f, "dissolve, connecting, connect"));
    RC(dissolve(fd), 0, nm(f, "dissolve, connecting"));
    MASK(fd, POLLOUT | POLLERR | POLLHUP, nm(f, "dissolve, connecting, mask OUT ERR HUP"));
    EQ(so_error(fd), ECONNRESET, nm(f, "dissolve, connecting, SO_ERROR"));
    MASK(fd, POLLOUT | POLLHUP, nm(f, "dissolve, connecting, mask once the error is taken"));
    listener(f, 1, &good);
    RC(connect_to(fd, good), -EINPROGRESS, nm(f, "dissolve, connecting, begins anew"));
    MASK(fd, POLLOUT, nm(f, "dissolve, connecting, connects"));
    RC(connect_to(fd, good), 0, nm(f, "dissolve, connecting, connected"));
}

/* NetSem disconnect_5. */
static void listening(int f)
{
    struct addr a;
    int l = listener(f, 4, &a), c = tcp(f);
    MUST(connect_to(c, a));
    RC(dissolve(l), 0, nm(f, "dissolve, listening"));
    EQ(getopt_of(l, SOL_SOCKET, SO_ACCEPTCONN), 0, nm(f, "dissolve, listening, no more"));
    RC(accept(l, NULL, NULL), -EINVAL, nm(f, "dissolve, listening, accept"));
    MASK(c, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP,
         nm(f, "dissolve, listening, the queued connection is reset"));
    RC(connect_to(tcp(f), a), -ECONNREFUSED, nm(f, "dissolve, listening, refuses"));
    MASK(l, POLLOUT | POLLHUP, nm(f, "dissolve, listening, mask as fresh"));
    RC(listen(l, 1), 0, nm(f, "dissolve, listening, listens again"));
}

static void refused(int f)
{
    struct addr a = refuser(f);
    int fd = tcp(f);
    nonblock(fd);
    RC(connect_to(fd, a), -EINPROGRESS, nm(f, "dissolve, refused, connect"));
    MASK(fd, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, nm(f, "dissolve, refused, mask"));
    RC(dissolve(fd), 0, nm(f, "dissolve, refused"));
    EQ(so_error(fd), ECONNREFUSED, nm(f, "dissolve, refused, SO_ERROR stays"));
    RC(connect_to(fd, a), -EINPROGRESS, nm(f, "dissolve, refused, begins anew"));
}

static void after_fin(int f)
{
    struct pair p = tcp_pair(f);
    struct addr a;
    MUST(shutdown(p.s, SHUT_WR));
    MASK(p.c, POLLIN | POLLOUT | POLLRDHUP, nm(f, "dissolve, CLOSE-WAIT, mask"));
    RC(dissolve(p.c), 0, nm(f, "dissolve, CLOSE-WAIT"));
    MASK(p.s, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP,
         nm(f, "dissolve, CLOSE-WAIT, the peer is reset"));
    listener(f, 1, &a);
    RC(connect_to(p.c, a), 0, nm(f, "dissolve, CLOSE-WAIT, connects again"));
    MASK(p.c, POLLOUT, nm(f, "dissolve, CLOSE-WAIT, the old FIN is forgotten"));
}

static void accepted(int f)
{
    struct pair p = tcp_pair(f);
    struct addr a;
    RC(dissolve(p.s), 0, nm(f, "dissolve, accepted"));
    listener(f, 1, &a);
    RC(connect_to(p.s, a), 0, nm(f, "dissolve, accepted, connects elsewhere"));
    OK(same(peer_of(p.s), a), nm(f, "dissolve, accepted, new peer"));
}

/* C07 C09. NetSem disconnect_1, disconnect_2. */
static void datagram(int f)
{
    struct addr a, mine;
    int s = bound(f, SOCK_DGRAM, &a), fd = udp(f);
    RC(dissolve(fd), 0, nm(f, "dissolve, fresh datagram"));
    MUST(connect_to(fd, a));
    OK(port_of(name_of(fd)) != 0, nm(f, "dissolve, datagram, connect bound a port"));
    RC(dissolve(fd), 0, nm(f, "dissolve, datagram"));
    EQ(peer_error(fd), -ENOTCONN, nm(f, "dissolve, datagram, no peer"));
    OK(same(name_of(fd), any(f, 0)), nm(f, "dissolve, datagram, name is given up"));
    RC(send(fd, "x", 1, 0), -EDESTADDRREQ, nm(f, "dissolve, datagram, send"));
    OK(port_of(name_of(fd)) != 0, nm(f, "dissolve, datagram, a refused send still binds a port"));
    RC(send_to(fd, "x", 1, a), 1, nm(f, "dissolve, datagram, sendto"));
    char c;
    RC(recv(s, &c, 1, 0), 1, nm(f, "dissolve, datagram, arrives"));
    int b = bound(f, SOCK_DGRAM, &mine);
    MUST(connect_to(b, a));
    RC(dissolve(b), 0, nm(f, "dissolve, bound datagram"));
    OK(same_host(name_of(b), mine), nm(f, "dissolve, bound datagram, keeps the address"));
    EQ(port_of(name_of(b)), 0, nm(f, "dissolve, bound datagram, port 0 was asked and is given up"));
}

/* A port the user named is kept. NetSem disconnect_2. */
static void datagram_named_port(int f)
{
    struct addr a, mine;
    bound(f, SOCK_DGRAM, &a);
    int first = bound(f, SOCK_DGRAM, &mine);
    close(first);
    int fd = udp(f);
    MUST(bind_to(fd, mine));
    MUST(connect_to(fd, a));
    RC(dissolve(fd), 0, nm(f, "dissolve, datagram with a named port"));
    OK(same(name_of(fd), mine), nm(f, "dissolve, datagram with a named port, keeps it"));
}

static void tcp_named_port(int f)
{
    struct addr a, mine;
    listener(f, 4, &a);
    int first = bound(f, SOCK_STREAM, &mine);
    close(first);
    int fd = tcp(f);
    MUST(bind_to(fd, mine));
    MUST(connect_to(fd, a));
    RC(dissolve(fd), 0, nm(f, "dissolve, stream with a named port"));
    OK(same(name_of(fd), mine), nm(f, "dissolve, stream with a named port, keeps it"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(fresh),           CASE(bound_socket), CASE(connected), CASE(connected_error_untaken),
        CASE(connected_bound), CASE(connecting),   CASE(listening), CASE(refused),
        CASE(after_fin),       CASE(accepted),     CASE(datagram),  CASE(datagram_named_port),
        CASE(tcp_named_port),
    };
    return run_cases(cases, COUNT(cases));
}
