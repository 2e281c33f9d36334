/* The ordinary life of a connection, in both families: opened, used, closed in every order. */
#include "rig.h"

static const char *family_name[] = {"v4", "v6"};

static const char *named(bool v6, const char *what)
{
    static char buf[128];

    snprintf(buf, sizeof(buf), "%s: %s", family_name[v6], what);
    return buf;
}

/* NetSem connect_1, deliver_in_1, deliver_in_2; RFC 9293 3.5 figure 6 */
static void test_handshake(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->b, v6, 80, 1), *c, *s;

    c = rig_connect(&r->a, &r->b.addr[v6], 80);
    EQ(tcp_state(&c->tcb), TCP_SYN_SENT, named(v6, "connect sends a SYN and is in SYN-SENT"));
    OK(!tcp_can_accept(&l->tcb), named(v6, "nothing to accept before the handshake"));
    rig_run(r, 10 * HF_MS);
    EQ(r->seen_count, 3, named(v6, "the handshake takes three segments"));
    EQ(r->seen[0].h.flags, TCP_SYN, named(v6, "the first is a SYN"));
    EQ(r->seen[1].h.flags, TCP_SYN | TCP_ACK, named(v6, "the second is a SYN-ACK"));
    EQ(r->seen[2].h.flags, TCP_ACK, named(v6, "the third is an ACK"));
    EQ(r->seen[0].h.mss, v6 ? 1440 : 1460, named(v6, "the SYN tells the link's MSS"));
    EQ(r->seen[0].h.wscale, 7, named(v6, "the SYN offers Linux's window scale"));
    EQ(tcp_state(&c->tcb), TCP_ESTABLISHED, named(v6, "the client is established"));
    s = rig_accept(l);
    OK(s && tcp_state(&s->tcb) == TCP_ESTABLISHED, named(v6, "accept gives an established child"));
    EQ(tcp_mss(&c->tcb), v6 ? 1428 : 1448, named(v6, "timestamps take their part of the MSS"));
    tcp_close(&c->tcb, false);
    tcp_close(&s->tcb, false);
    tcp_close(&l->tcb, false);
    rig_run(r, 61 * HF_S);
    EQ(r->a.released + r->b.released, 3, named(v6, "all sockets come back"));
    EQ(r->a.core.stats.tcp_connections + r->b.core.stats.tcp_connections, 0,
       named(v6, "no connection is left"));
    EQ(r->a.core.stats.tcp_time_wait, 0, named(v6, "TIME-WAIT ends"));
    OK(rig_end(r), named(v6, "nothing is lost"));
}

static void test_data(bool v6, uint64_t total, uint32_t gso)
{
    struct rig *r = rig_new();
    struct sock *c, *s;

    r->a.link.gso_max = r->b.link.gso_max = gso;
    r->delay = 2 * HF_MS;
    rig_pair(r, v6, &c, &s);
    OK(rig_transfer(r, c, s, total, 100 * HF_S), named(v6, "bytes arrive at the server in order"));
    OK(rig_transfer(r, s, c, total, 100 * HF_S), named(v6, "bytes arrive at the client in order"));
    EQ(r->a.core.stats.segments_retransmitted + r->b.core.stats.segments_retransmitted, 0,
       named(v6, "nothing is sent twice over a wire without loss"));
    EQ(tcp_unacked(&c->tcb), 0, named(v6, "all is acknowledged"));
    tcp_close(&c->tcb, false);
    rig_run(r, 10 * HF_MS);
    char byte;
    EQ(rig_read(s, &byte, 1, 0), 0, named(v6, "the reader sees the end"));
    tcp_close(&s->tcb, false);
    rig_run(r, 61 * HF_S);
    OK(rig_end(r), named(v6, "nothing is lost after a transfer"));
}

/* RFC 9293 3.6, MUST-12, figures 12 and 13; NetSem close_2, shutdown_1 */
static void test_closes(bool v6)
{
    for (int order = 0; order < 4; order++) {
        struct rig *r = rig_new();
        struct sock *c, *s;
        struct sock *first, *second;

        rig_pair(r, v6, &c, &s);
        first = order & 1 ? s : c;
        second = order & 1 ? c : s;
        if (order < 2) {
            EQ(tcp_shut_send(&first->tcb), 0, named(v6, "shutdown is taken"));
            rig_run(r, 100 * HF_MS);
            EQ(tcp_state(&first->tcb), TCP_FIN_WAIT_2, named(v6, "half closed: FIN-WAIT-2"));
            EQ(tcp_state(&second->tcb), TCP_CLOSE_WAIT, named(v6, "the other end: CLOSE-WAIT"));
            OK(rig_transfer(r, second, first, 100000, HF_S),
               named(v6, "the other half still carries bytes"));
            EQ(tcp_shut_send(&second->tcb), 0, named(v6, "second shutdown is taken"));
            rig_run(r, 100 * HF_MS);
            EQ(tcp_state(&first->tcb), TCP_CLOSED, named(v6, "TIME-WAIT is a record"));
            EQ(tcp_state(&second->tcb), TCP_CLOSED, named(v6, "LAST-ACK ends in CLOSED"));
            EQ(first->host->core.stats.tcp_time_wait, 1, named(v6, "who closed first waits"));
            EQ(second->host->core.stats.tcp_time_wait, 0, named(v6, "who closed last does not"));
        } else {
            EQ(tcp_shut_send(&first->tcb), 0, named(v6, "simultaneous close, one end"));
            EQ(tcp_shut_send(&second->tcb), 0, named(v6, "simultaneous close, other end"));
            rig_run(r, 100 * HF_MS);
            EQ(tcp_state(&first->tcb) + tcp_state(&second->tcb), 2 * TCP_CLOSED,
               named(v6, "both ends are over"));
            EQ(r->a.core.stats.tcp_time_wait + r->b.core.stats.tcp_time_wait, 2,
               named(v6, "both wait"));
        }
        char byte;
        EQ(rig_write(first, "x", 1, 0), -HF_EPIPE, named(v6, "sending afterwards is EPIPE"));
        EQ(rig_read(first, &byte, 1, 0), 0, named(v6, "reading afterwards is the end"));
        tcp_close(&first->tcb, false);
        tcp_close(&second->tcb, false);
        rig_run(r, 61 * HF_S);
        OK(rig_end(r), named(v6, "nothing is lost"));
    }
}

static void bind_to(struct sock *s, const struct ip_addr *addr, uint16_t port)
{
    if (ports_bind(&s->host->tcp.ports, &s->tcb.pcb, addr, port))
        abort();
    s->tcb.pcb.addr_bound = s->tcb.pcb.port_bound = 1;
}

/* RFC 9293 3.5, MUST-10 (figure 7) */
static void test_simultaneous_open(bool v6)
{
    struct rig *r = rig_new();
    struct sock *x = sock_new(&r->a, v6), *y = sock_new(&r->b, v6);
    struct endpoint to_b = {.addr = r->b.addr[v6], .port = 2000};
    struct endpoint to_a = {.addr = r->a.addr[v6], .port = 1000};

    bind_to(x, &r->a.addr[v6], 1000);
    bind_to(y, &r->b.addr[v6], 2000);
    r->delay = HF_MS;
    EQ(tcp_open_active(&x->tcb, &to_b, 0) | tcp_open_active(&y->tcb, &to_a, 0), 0,
       named(v6, "both ends connect to each other"));
    rig_run(r, 100 * HF_MS);
    EQ(tcp_state(&x->tcb), TCP_ESTABLISHED, named(v6, "simultaneous open: one end is established"));
    EQ(tcp_state(&y->tcb), TCP_ESTABLISHED, named(v6, "simultaneous open: so is the other"));
    OK(rig_transfer(r, x, y, 50000, HF_S) && rig_transfer(r, y, x, 50000, HF_S),
       named(v6, "simultaneous open: bytes both ways"));
    tcp_close(&x->tcb, false);
    tcp_close(&y->tcb, false);
    rig_run(r, 61 * HF_S);
    OK(rig_end(r), named(v6, "nothing is lost"));
}

/* Linux, RFC 9293 3.10.7.3: one socket at both ends */
static void test_self_connect(bool v6)
{
    struct rig *r = rig_new();
    struct sock *x = sock_new(&r->a, v6);
    struct endpoint self = {.addr = v6 ? ADDR_LOOPBACK6 : ADDR_LOOPBACK4, .port = 1000};

    bind_to(x, &self.addr, 1000);
    EQ(tcp_open_active(&x->tcb, &self, 0), 0, named(v6, "a socket connects to itself"));
    rig_run(r, 100 * HF_MS);
    EQ(tcp_state(&x->tcb), TCP_ESTABLISHED, named(v6, "self-connect is established"));
    OK(rig_transfer(r, x, x, 100000, HF_S), named(v6, "and reads what it writes"));
    tcp_close(&x->tcb, false);
    rig_run(r, 61 * HF_S);
    EQ(r->a.core.stats.tcp_connections, 0, named(v6, "and ends"));
    OK(rig_end(r), named(v6, "nothing is lost"));
}

/* Unread bytes, abort, and what the peer makes of it: RFC 9293 MUST-12, SHLD-3, MAY-1. NetSem
 * close_3, deliver_in_7 */
static void test_resets(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c, *s;
    char byte;

    rig_pair(r, v6, &c, &s);
    EQ(rig_write(c, "x", 1, 0), 1, named(v6, "a byte is sent"));
    rig_run(r, HF_MS);
    tcp_close(&s->tcb, false);
    rig_run(r, HF_MS);
    EQ(c->tcb.pcb.err, HF_ECONNRESET, named(v6, "close with unread bytes resets"));
    EQ(rig_read(c, &byte, 1, 0), -HF_ECONNRESET, named(v6, "the error is read once"));
    EQ(rig_read(c, &byte, 1, 0), 0, named(v6, "and then the end"));
    tcp_close(&c->tcb, false);
    rig_pair(r, v6, &c, &s);
    tcp_close(&c->tcb, true);
    rig_run(r, HF_MS);
    EQ(s->tcb.pcb.err, HF_ECONNRESET, named(v6, "abort resets"));
    tcp_close(&s->tcb, false);
    rig_pair(r, v6, &c, &s);
    EQ(tcp_shut_send(&c->tcb), 0, named(v6, "the client ends its half"));
    rig_run(r, 10 * HF_MS);
    tcp_close(&c->tcb, true);
    rig_run(r, HF_MS);
    EQ(s->tcb.pcb.err, HF_EPIPE, named(v6, "a reset in CLOSE-WAIT is EPIPE"));
    EQ(rig_read(s, &byte, 1, 0), 0, named(v6, "and reading gives the end"));
    tcp_close(&s->tcb, false);
    c = rig_connect(&r->a, &r->b.addr[v6], 81);
    rig_run(r, HF_MS);
    EQ(c->tcb.pcb.err, HF_ECONNREFUSED, named(v6, "nobody listens: ECONNREFUSED"));
    EQ(tcp_state(&c->tcb), TCP_CLOSED, named(v6, "and CLOSED"));
    tcp_close(&c->tcb, false);
    rig_pair(r, v6, &c, &s);
    tcp_disconnect(&c->tcb);
    EQ(c->tcb.pcb.err, HF_ECONNRESET, named(v6, "disconnect leaves ECONNRESET here"));
    rig_run(r, HF_MS);
    EQ(s->tcb.pcb.err, HF_ECONNRESET, named(v6, "and resets there"));
    tcp_close(&s->tcb, false);
    tcp_close(&c->tcb, false);
    rig_run(r, 61 * HF_S);
    OK(rig_end(r), named(v6, "nothing is lost"));
}

int main(void)
{
    tap_begin(30);
    for (int v6 = 0; v6 < 2; v6++) {
        test_handshake(v6);
        test_data(v6, 3000000, 0);
        test_data(v6, 3000000, 65535);
        test_closes(v6);
        test_simultaneous_open(v6);
        test_self_connect(v6);
        test_resets(v6);
    }
    return tap_end();
}
