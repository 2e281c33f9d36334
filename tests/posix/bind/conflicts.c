/* bind() and listen(): who may share a port: SO_REUSEADDR, SO_REUSEPORT, wildcard, TIME-WAIT. */
#include "../lib.h"

enum { NONE, ADDR, PORT, LISTENING = 4 };

static int made(int f, int type, int how)
{
    int fd = MUST(socket(f, type, 0));
    if (how & ADDR)
        MUST(setopt(fd, SOL_SOCKET, SO_REUSEADDR, 1));
    if (how & PORT)
        MUST(setopt(fd, SOL_SOCKET, SO_REUSEPORT, 1));
    return fd;
}

static const struct row {
    const char *situation;
    int first, second, stream, datagram;
} rows[] = {
    {"plain, plain", NONE, NONE, -EADDRINUSE, -EADDRINUSE},
    {"plain, REUSEADDR", NONE, ADDR, -EADDRINUSE, -EADDRINUSE},
    {"REUSEADDR, plain", ADDR, NONE, -EADDRINUSE, -EADDRINUSE},
    {"both REUSEADDR", ADDR, ADDR, 0, 0},
    {"both REUSEPORT", PORT, PORT, 0, 0},
    {"REUSEPORT, plain", PORT, NONE, -EADDRINUSE, -EADDRINUSE},
    {"REUSEADDR, REUSEPORT", ADDR, PORT, -EADDRINUSE, -EADDRINUSE},
    {"REUSEPORT, REUSEADDR", PORT, ADDR, -EADDRINUSE, -EADDRINUSE},
    {"both both", ADDR | PORT, ADDR | PORT, 0, 0},
};

/* NetSem bind_2. */
static void same_address(int f)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *w = &rows[i];
        int a = made(f, SOCK_STREAM, w->first), u = made(f, SOCK_DGRAM, w->first);
        MUST(bind_to(a, loopback(f, 0)));
        RC(bind_to(made(f, SOCK_STREAM, w->second), name_of(a)), w->stream,
           nm(f, "same address, stream, %s", w->situation));
        MUST(bind_to(u, loopback(f, 0)));
        RC(bind_to(made(f, SOCK_DGRAM, w->second), name_of(u)), w->datagram,
           nm(f, "same address, datagram, %s", w->situation));
    }
}

static void wildcard_then_address(int f)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *w = &rows[i];
        int a = made(f, SOCK_STREAM, w->first), u = made(f, SOCK_DGRAM, w->first);
        MUST(bind_to(a, any(f, 0)));
        RC(bind_to(made(f, SOCK_STREAM, w->second), loopback(f, port_of(name_of(a)))), w->stream,
           nm(f, "wildcard then address, stream, %s", w->situation));
        MUST(bind_to(u, any(f, 0)));
        RC(bind_to(made(f, SOCK_DGRAM, w->second), loopback(f, port_of(name_of(u)))), w->datagram,
           nm(f, "wildcard then address, datagram, %s", w->situation));
    }
}

static void below_listener(int f)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *w = &rows[i];
        int a = made(f, SOCK_STREAM, w->first), b = made(f, SOCK_STREAM, w->second);
        MUST(bind_to(a, loopback(f, 0)));
        MUST(listen(a, 1));
        int want = w->first == ADDR && w->second == ADDR ? -EADDRINUSE : w->stream;
        RC(bind_to(b, name_of(a)), want, nm(f, "address of a listener, %s", w->situation));
    }
}

static void different_addresses(int f)
{
    if (f != AF_INET)
        return;
    struct addr a;
    bound(f, SOCK_STREAM, &a);
    RC(bind_to(tcp(f), ip4(0x7f020202, port_of(a))), 0, nm(f, "one port on two addresses"));
    RC(bind_to(tcp(f), any(f, port_of(a))), -EADDRINUSE, nm(f, "address then wildcard"));
    bound(f, SOCK_DGRAM, &a);
    RC(bind_to(udp(f), ip4(0x7f020202, port_of(a))), 0, nm(f, "datagram, one port, two addresses"));
    RC(bind_to(udp(f), any(f, port_of(a))), -EADDRINUSE, nm(f, "datagram, address then wildcard"));
}

static void protocols_apart(int f)
{
    struct addr a;
    listener(f, 1, &a);
    RC(bind_to(udp(f), a), 0, nm(f, "a TCP port is free for UDP"));
}

static void families_apart(int f)
{
    struct addr a;
    int other = f == AF_INET ? AF_INET6 : AF_INET;
    listener(f, 1, &a);
    RC(bind_to(tcp(other), loopback(other, port_of(a))), 0,
       nm(f, "a port's other loopback is free"));
}

/* Both bound by SO_REUSEADDR: one may listen. NetSem listen_4. */
static void two_listen(int f)
{
    int a = made(f, SOCK_STREAM, ADDR), b = made(f, SOCK_STREAM, ADDR);
    MUST(bind_to(a, loopback(f, 0)));
    MUST(bind_to(b, name_of(a)));
    RC(listen(a, 1), 0, nm(f, "two bound alike, the first listens"));
    RC(listen(b, 1), -EADDRINUSE, nm(f, "two bound alike, the second may not"));
    close(a);
    RC(listen(b, 1), 0, nm(f, "two bound alike, the second may once the first is closed"));
}

static void reuseport_listeners(int f)
{
    int a = made(f, SOCK_STREAM, PORT), b = made(f, SOCK_STREAM, PORT), accepted = 0;
    MUST(bind_to(a, loopback(f, 0)));
    MUST(bind_to(b, name_of(a)));
    RC(listen(a, 64), 0, nm(f, "two REUSEPORT listeners, first"));
    RC(listen(b, 64), 0, nm(f, "two REUSEPORT listeners, second"));
    for (int i = 0; i < 16; i++)
        MUST(connect_to(tcp(f), name_of(a)));
    nonblock(a);
    nonblock(b);
    while (accept(a, NULL, NULL) >= 0)
        accepted++;
    while (accept(b, NULL, NULL) >= 0)
        accepted++;
    EQ(accepted, 16, nm(f, "two REUSEPORT listeners, each connection went to one"));
}

/* The server closed first: its port is in TIME-WAIT. */
static struct addr time_wait(int f, int how, int keep_listener)
{
    int l = made(f, SOCK_STREAM, how), c = tcp(f);
    char b;
    MUST(bind_to(l, loopback(f, 0)));
    MUST(listen(l, 1));
    struct addr a = name_of(l);
    MUST(connect_to(c, a));
    int s = MUST(accept(l, NULL, NULL));
    if (!keep_listener)
        close(l);
    close(s);
    MUST(recv(c, &b, 1, 0));
    close(c);
    return a;
}

static void over_time_wait(int f)
{
    struct addr plain = time_wait(f, NONE, 0), reused = time_wait(f, ADDR, 0);
    RC(bind_to(made(f, SOCK_STREAM, NONE), plain), -EADDRINUSE, nm(f, "TIME-WAIT, plain"));
    RC(bind_to(made(f, SOCK_STREAM, ADDR), plain), -EADDRINUSE,
       nm(f, "TIME-WAIT of a plain listener, REUSEADDR"));
    RC(bind_to(made(f, SOCK_STREAM, NONE), reused), -EADDRINUSE,
       nm(f, "TIME-WAIT of a REUSEADDR listener, plain"));
    int fd = made(f, SOCK_STREAM, ADDR);
    RC(bind_to(fd, reused), 0, nm(f, "TIME-WAIT of a REUSEADDR listener, REUSEADDR"));
    RC(listen(fd, 1), 0, nm(f, "TIME-WAIT, REUSEADDR, listens"));
    RC(connect_to(tcp(f), reused), 0, nm(f, "TIME-WAIT, REUSEADDR, serves"));
}

static void over_accepted(int f)
{
    struct addr a;
    int l = made(f, SOCK_STREAM, ADDR), c = tcp(f);
    MUST(bind_to(l, loopback(f, 0)));
    MUST(listen(l, 1));
    a = name_of(l);
    MUST(connect_to(c, a));
    MUST(accept(l, NULL, NULL));
    close(l);
    RC(bind_to(made(f, SOCK_STREAM, NONE), a), -EADDRINUSE, nm(f, "accepted socket lives, plain"));
    int fd = made(f, SOCK_STREAM, ADDR);
    RC(bind_to(fd, a), 0, nm(f, "accepted socket lives, REUSEADDR"));
    RC(listen(fd, 1), 0, nm(f, "accepted socket lives, REUSEADDR, listens"));
    struct pair p = tcp_pair(f);
    struct addr plain = name_of(p.l);
    close(p.l);
    RC(bind_to(made(f, SOCK_STREAM, ADDR), plain), -EADDRINUSE,
       nm(f, "accepted socket of a plain listener lives, REUSEADDR"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(same_address),        CASE(wildcard_then_address), CASE(below_listener),
        CASE(different_addresses), CASE(protocols_apart),       CASE(families_apart),
        CASE(two_listen),          CASE(reuseport_listeners),   CASE(over_time_wait),
        CASE(over_accepted),
    };
    return run_cases(cases, COUNT(cases));
}
