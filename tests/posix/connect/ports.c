/* connect(): local ports: chosen, shared by four-tuple, run out; self-connect. */
#include "../lib.h"

enum { LOCAL_PORT_RANGE = 51 }; /* IP_LOCAL_PORT_RANGE, absent from Debian 12's headers */

/* RFC 9293 3.5. NetSem deliver_in_2. */
static void self_connect(int f)
{
    struct addr me;
    char c;
    int fd = bound(f, SOCK_STREAM, &me);
    RC(connect_to(fd, me), 0, nm(f, "connect to oneself"));
    OK(same(peer_of(fd), me), nm(f, "connect to oneself, peer is oneself"));
    MASK(fd, POLLOUT, nm(f, "connect to oneself, mask OUT"));
    RC(send(fd, "x", 1, 0), 1, nm(f, "connect to oneself, send"));
    RC(recv(fd, &c, 1, 0), 1, nm(f, "connect to oneself, recv one's own byte"));
    RC(shutdown(fd, SHUT_WR), 0, nm(f, "connect to oneself, shut down"));
    RC(recv(fd, &c, 1, 0), 0, nm(f, "connect to oneself, one's own FIN"));
}

/* C21 C26. NetSem connect_5b. */
static void tuple_taken(int f)
{
    struct addr a, me = loopback(f, 0);
    listener(f, 8, &a);
    int first = tcp(f), second = tcp(f);
    MUST(setopt(first, SOL_SOCKET, SO_REUSEADDR, 1));
    MUST(setopt(second, SOL_SOCKET, SO_REUSEADDR, 1));
    MUST(bind_to(first, me));
    RC(bind_to(second, name_of(first)), 0, nm(f, "four-tuple, two sockets bound alike"));
    RC(connect_to(first, a), 0, nm(f, "four-tuple, the first connects"));
    RC(connect_to(second, a), -EADDRNOTAVAIL, nm(f, "four-tuple, the second is refused"));
    MASK(second, POLLOUT | POLLHUP, nm(f, "four-tuple, the second is as fresh"));
    struct addr b;
    listener(f, 8, &b);
    RC(connect_to(second, b), 0, nm(f, "four-tuple, another peer is fine"));
    OK(same(name_of(first), name_of(second)), nm(f, "four-tuple, one port for both"));
}

static void datagram_tuple(int f)
{
    struct addr a, me = loopback(f, 0);
    bound(f, SOCK_DGRAM, &a);
    int first = udp(f), second = udp(f);
    MUST(setopt(first, SOL_SOCKET, SO_REUSEADDR, 1));
    MUST(setopt(second, SOL_SOCKET, SO_REUSEADDR, 1));
    MUST(bind_to(first, me));
    MUST(bind_to(second, name_of(first)));
    RC(connect_to(first, a), 0, nm(f, "datagram four-tuple, first"));
    RC(connect_to(second, a), 0, nm(f, "datagram four-tuple, second may have it too"));
}

static int small_range(int f, int type, unsigned low, unsigned high)
{
    int fd = MUST(socket(f, type, 0));
    MUST(setopt(fd, IPPROTO_IP, LOCAL_PORT_RANGE, (int)(high << 16 | low)));
    return fd;
}

/* C21. NetSem bind_9, connect_5c. */
static void ports_run_out(int f)
{
    struct addr a, b, mine;
    listener(f, 8, &a);
    listener(f, 8, &b);
    close(bound(f, SOCK_STREAM, &mine));
    unsigned p = (unsigned)port_of(mine);
    RC(connect_to(small_range(f, SOCK_STREAM, p, p), a), 0, nm(f, "last port, taken"));
    int fd = small_range(f, SOCK_STREAM, p, p);
    RC(connect_to(fd, a), -EADDRNOTAVAIL, nm(f, "no port left, connect"));
    EQ(port_of(name_of(fd)), 0, nm(f, "no port left, nothing bound"));
    MASK(fd, POLLOUT | POLLHUP, nm(f, "no port left, mask as fresh"));
    RC(connect_to(fd, b), 0, nm(f, "no port left to one peer, connect to another"));
    EQ(port_of(name_of(fd)), (int)p, nm(f, "no port left to one peer, the port is shared"));
    RC(bind_to(small_range(f, SOCK_STREAM, p, p), loopback(f, 0)), -EADDRINUSE,
       nm(f, "no port left, bind"));
    RC(listen(small_range(f, SOCK_STREAM, p, p), 1), -EADDRINUSE, nm(f, "no port left, listen"));
}

/* C21. NetSem bind_9, connect_5c, disconnect_3, recv_14, send_14. */
static void datagram_ports_run_out(int f)
{
    struct addr a, mine;
    bound(f, SOCK_DGRAM, &a);
    close(bound(f, SOCK_DGRAM, &mine));
    unsigned p = (unsigned)port_of(mine);
    RC(connect_to(small_range(f, SOCK_DGRAM, p, p), a), 0, nm(f, "datagram, last port"));
    RC(connect_to(small_range(f, SOCK_DGRAM, p, p), a), -EAGAIN,
       nm(f, "datagram, no port, connect"));
    RC(send_to(small_range(f, SOCK_DGRAM, p, p), "x", 1, a), -EAGAIN,
       nm(f, "datagram, no port, sendto"));
    RC(bind_to(small_range(f, SOCK_DGRAM, p, p), loopback(f, 0)), -EADDRINUSE,
       nm(f, "datagram, no port, bind"));
    int fd = small_range(f, SOCK_DGRAM, p, p);
    char c;
    RC(recv(fd, &c, 1, MSG_DONTWAIT), -EAGAIN, nm(f, "datagram, no port, recv"));
    RC(connect_to(fd, unspec()), 0, nm(f, "datagram, no port, dissolve"));
    EQ(port_of(name_of(fd)), 0, nm(f, "datagram, no port, neither took one"));
}

static void port_returns(int f)
{
    struct addr a, dead = refuser(f), mine;
    listener(f, 8, &a);
    close(bound(f, SOCK_STREAM, &mine));
    unsigned p = (unsigned)port_of(mine);
    int one = small_range(f, SOCK_STREAM, p, p), two = small_range(f, SOCK_STREAM, p, p);
    RC(connect_to(one, dead), -ECONNREFUSED, nm(f, "port after a refusal, refused"));
    RC(connect_to(two, dead), -ECONNREFUSED, nm(f, "port after a refusal, free again"));
    RC(connect_to(one, a), 0, nm(f, "port after a reset, connected"));
    reset(one);
    RC(connect_to(two, a), 0, nm(f, "port after a reset, free again"));
}

/* Two bound sockets connect to each other, one after the other: each finds the other not open. A
 * true simultaneous open (RFC 9293 3.5, figure 7) on loopback is the self-connect above. */
static void crossing(int f)
{
    struct addr a, b;
    int x = bound(f, SOCK_STREAM, &a), y = bound(f, SOCK_STREAM, &b);
    nonblock(x);
    RC(connect_to(x, b), -EINPROGRESS, nm(f, "crossing, first"));
    MASK(x, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, nm(f, "crossing, first is refused"));
    RC(connect_to(y, a), -ECONNREFUSED, nm(f, "crossing, second is refused too"));
}

/* C03, RFC 6056. */
static void chosen_ports_differ(int f)
{
    struct addr a;
    listener(f, 40, &a);
    int ports[32], clashes = 0;
    for (int i = 0; i < 32; i++) {
        int fd = tcp(f);
        MUST(connect_to(fd, a));
        ports[i] = port_of(name_of(fd));
        for (int j = 0; j < i; j++)
            clashes += ports[i] == ports[j];
    }
    EQ(clashes, 0, nm(f, "thirty-two connections to one peer, ports differ"));
    int low = 0;
    for (int i = 0; i < 32; i++)
        low += ports[i] < 32768 || ports[i] > 60999;
    EQ(low, 0, nm(f, "chosen ports lie in 32768..60999"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(self_connect),
        CASE(tuple_taken),
        CASE(datagram_tuple),
        CASE(ports_run_out),
        CASE(datagram_ports_run_out),
        CASE(port_returns),
        CASE(crossing),
        CASE(chosen_ports_differ),
    };
    return run_cases(cases, COUNT(cases));
}
