/* UDP and connect(): default peer, filter, re-connect, dissolution, what was queued before. */
#include "../lib.h"

static void readable(int fd)
{
    MUST(await(fd, POLLIN | POLLOUT) == (POLLIN | POLLOUT) ? 0 : -1);
}

/* C04 C05 C08. NetSem connect_7, send_12. */
static void default_peer(int f)
{
    struct addr a, b;
    char c;
    int s = bound(f, SOCK_DGRAM, &a), t = bound(f, SOCK_DGRAM, &b), u = udp(f);
    RC(send(u, "x", 1, 0), -EDESTADDRREQ, nm(f, "not connected, send"));
    RC(write(u, "x", 1), -EDESTADDRREQ, nm(f, "not connected, write"));
    RC(connect_to(u, a), 0, nm(f, "connect"));
    MASK(s, POLLOUT, nm(f, "connect sends nothing"));
    OK(same(peer_of(u), a), nm(f, "connect sets the peer"));
    OK(same_host(name_of(u), a), nm(f, "connect binds an address"));
    OK(port_of(name_of(u)) != 0, nm(f, "connect binds a port"));
    RC(send(u, "x", 1, 0), 1, nm(f, "send goes to the peer"));
    RC(recv(s, &c, 1, 0), 1, nm(f, "the peer receives it"));
    RC(send_to(u, "y", 1, b), 1, nm(f, "connected, sendto another"));
    RC(recv(t, &c, 1, 0), 1, nm(f, "the other receives it"));
    OK(same(peer_of(u), a), nm(f, "sendto leaves the peer"));
    RC(connect_to(u, b), 0, nm(f, "re-connect"));
    OK(same(peer_of(u), b), nm(f, "re-connect changes the peer"));
    RC(write(u, "z", 1), 1, nm(f, "re-connect, write"));
    RC(recv(t, &c, 1, 0), 1, nm(f, "re-connect, the new peer receives it"));
    MASK(s, POLLOUT, nm(f, "re-connect, the old peer gets nothing"));
}

/* C06. NetSem deliver_in_udp_1, deliver_in_udp_2. */
static void filter(int f)
{
    struct addr a, b, me;
    char c = 0;
    int s = bound(f, SOCK_DGRAM, &a), t = bound(f, SOCK_DGRAM, &b), u = bound(f, SOCK_DGRAM, &me);
    MUST(connect_to(u, a));
    MUST(connect_to(t, me));
    MUST(send(t, "t", 1, 0));
    MASK(t, POLLOUT | POLLERR, nm(f, "filter, a stranger is refused"));
    EQ(so_error(t), ECONNREFUSED, nm(f, "filter, the stranger's SO_ERROR"));
    MUST(send_to(s, "s", 1, me));
    RC(recv(u, &c, 1, 0), 1, nm(f, "filter, the peer is heard"));
    EQ(c, 's', nm(f, "filter, only the peer is heard"));
    RC(recv(u, &c, 1, MSG_DONTWAIT), -EAGAIN, nm(f, "filter, nothing more"));
}

/* C09. */
static void named_port_after_dissolution(int f)
{
    struct addr a, me;
    char c;
    int s = bound(f, SOCK_DGRAM, &a);
    close(bound(f, SOCK_DGRAM, &me));
    int u = udp(f);
    MUST(bind_to(u, me));
    MUST(connect_to(u, a));
    MUST(connect_to(u, unspec()));
    struct addr other;
    int t = bound(f, SOCK_DGRAM, &other);
    MUST(send_to(t, "t", 1, me));
    RC(recv(u, &c, 1, 0), 1, nm(f, "dissolved, hears anyone again"));
    MUST(send_to(s, "s", 1, me));
    RC(recv(u, &c, 1, 0), 1, nm(f, "dissolved, hears the old peer too"));
}

/* The filter is applied on arrival: what was queued stays. */
static void queued_before(int f)
{
    struct addr a, b, me, from = {.len = sizeof(from.u)};
    char c;
    int t = bound(f, SOCK_DGRAM, &b), u = bound(f, SOCK_DGRAM, &me);
    bound(f, SOCK_DGRAM, &a);
    MUST(send_to(t, "t", 1, me));
    readable(u);
    MUST(connect_to(u, a));
    RC(recvfrom(u, &c, 1, 0, &from.u.sa, &from.len), 1, nm(f, "queued before connect, readable"));
    OK(same(from, b), nm(f, "queued before connect, from the stranger"));
}

static void two_sockets(int f)
{
    struct addr a, me;
    char c;
    int s = bound(f, SOCK_DGRAM, &a), t, x = udp(f), y = udp(f);
    struct addr b;
    t = bound(f, SOCK_DGRAM, &b);
    MUST(setopt(x, SOL_SOCKET, SO_REUSEADDR, 1));
    MUST(setopt(y, SOL_SOCKET, SO_REUSEADDR, 1));
    MUST(bind_to(x, loopback(f, 0)));
    me = name_of(x);
    MUST(bind_to(y, me));
    MUST(connect_to(x, a));
    MUST(connect_to(y, b));
    MUST(send_to(s, "s", 1, me));
    MUST(send_to(t, "t", 1, me));
    readable(x);
    readable(y);
    RC(recv(x, &c, 1, 0), 1, nm(f, "one port, two connected sockets, the one"));
    EQ(c, 's', nm(f, "one port, two connected sockets, the one's peer"));
    RC(recv(y, &c, 1, 0), 1, nm(f, "one port, two connected sockets, the other"));
    EQ(c, 't', nm(f, "one port, two connected sockets, the other's peer"));
}

/* NetSem connect_8. */
static void bound_before(int f)
{
    struct addr a, mine;
    bound(f, SOCK_DGRAM, &a);
    int u = bound(f, SOCK_DGRAM, &mine), w = udp(f);
    RC(connect_to(u, a), 0, nm(f, "bound before, connect"));
    OK(same(name_of(u), mine), nm(f, "bound before, keeps address and port"));
    OK(same(peer_of(u), a), nm(f, "bound before, the peer"));
    MUST(bind_to(w, any(f, 0)));
    int port = port_of(name_of(w));
    RC(connect_to(w, a), 0, nm(f, "bound to the wildcard before, connect"));
    EQ(port_of(name_of(w)), port, nm(f, "bound to the wildcard before, keeps the port"));
    OK(same_host(name_of(w), a), nm(f, "bound to the wildcard before, gets an address"));
}

static void to_itself(int f)
{
    struct addr me;
    char c;
    int u = bound(f, SOCK_DGRAM, &me);
    RC(connect_to(u, me), 0, nm(f, "connect to oneself"));
    RC(send(u, "x", 1, 0), 1, nm(f, "send to oneself"));
    RC(recv(u, &c, 1, 0), 1, nm(f, "hear oneself"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(default_peer),  CASE(filter),      CASE(named_port_after_dissolution),
        CASE(queued_before), CASE(two_sockets), CASE(to_itself),
        CASE(bound_before),
    };
    return run_cases(cases, COUNT(cases));
}
