/* connect() before its SYN, what it leaves behind, and what is told about a connection. */
#include "rig.h"

static struct endpoint to(const char *addr, uint16_t port)
{
    return (struct endpoint){.addr = rig_ip(addr), .port = port};
}

/* RFC 9293 MUST-46; NetSem connect_5a, connect_5b; Linux: tcp_v4_connect, tcp_v6_connect */
static void test_refusals(void)
{
    static const struct {
        const char *name, *addr;
        bool v6, v6only;
        int err;
    } table[] = {
        {"no route: ENETUNREACH (C25)", "192.0.2.1", false, false, -HF_ENETUNREACH},
        {"no route, v6: ENETUNREACH (C25)", "2001:db8::1", true, false, -HF_ENETUNREACH},
        {"broadcast: ENETUNREACH", "10.0.0.255", false, false, -HF_ENETUNREACH},
        {"all ones: ENETUNREACH", "255.255.255.255", false, false, -HF_ENETUNREACH},
        {"multicast: ENETUNREACH", "224.0.0.1", false, false, -HF_ENETUNREACH},
        {"multicast, v6: ENETUNREACH", "ff02::1", true, false, -HF_ENETUNREACH},
        {"IPv4 from a v6only socket: ENETUNREACH", "10.0.0.2", true, true, -HF_ENETUNREACH},
    };

    for (size_t i = 0; i < HF_COUNT(table); i++) {
        struct rig *r = rig_new();
        struct sock *c = sock_new(&r->a, table[i].v6);
        struct endpoint bad = to(table[i].addr, 80);
        struct endpoint good = {.addr = r->b.addr[table[i].v6], .port = 80};

        c->tcb.pcb.entry.v6only = table[i].v6only;
        EQ(tcp_open_active(&c->tcb, &bad, 0), table[i].err, table[i].name);
        OK(tcp_state(&c->tcb) == TCP_CLOSED && !c->tcb.pcb.err &&
               addr_is_any(&c->tcb.pcb.entry.laddr),
           "  and the socket is as it was");
        EQ(tcp_open_active(&c->tcb, &good, 0), 0, "  and can connect elsewhere");
        tcp_close(&c->tcb, false);
        OK(rig_end(r), "  and nothing is lost");
    }
}

/* Linux: the unspecified address is this host itself */
static void test_any_destination(void)
{
    static const struct {
        const char *name, *dst, *bound, *goes_to;
    } table[] = {
        {"0.0.0.0 is 127.0.0.1", "0.0.0.0", NULL, "127.0.0.1"},
        {"0.0.0.0 from 127.4.4.4 is 127.4.4.4", "0.0.0.0", "127.4.4.4", "127.4.4.4"},
        {":: is ::1", "::", NULL, "::1"},
        {"0.0.0.0 from the host's address is that address", "0.0.0.0", "10.0.0.1", "10.0.0.1"},
    };

    for (size_t i = 0; i < HF_COUNT(table); i++) {
        struct rig *r = rig_new();
        struct endpoint dst = to(table[i].dst, 80);
        struct ip_addr want = rig_ip(table[i].goes_to);
        struct sock *c = sock_new(&r->a, !addr_is4(&dst.addr));

        if (table[i].bound) {
            struct ip_addr bound = rig_ip(table[i].bound);

            if (ports_bind(&r->a.tcp.ports, &c->tcb.pcb, &bound, 0))
                abort();
            c->tcb.pcb.addr_bound = c->tcb.pcb.port_bound = 1;
        }
        EQ(tcp_open_active(&c->tcb, &dst, 0), 0, table[i].name);
        OK(addr_eq(&c->tcb.pcb.entry.raddr, &want), "  and goes there");
        rig_run(r, 10 * HF_MS);
        EQ(c->tcb.pcb.err, HF_ECONNREFUSED, "  where nobody listens (C24)");
        tcp_close(&c->tcb, false);
        OK(rig_end(r), "  and nothing is lost");
    }
}

/* C21, C26: a four-tuple serves one connection */
static void test_taken(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->b, v6, 80, 5), *c = rig_connect(&r->a, &r->b.addr[v6], 80);
    struct sock *d = sock_new(&r->a, v6);
    struct endpoint dst = {.addr = r->b.addr[v6], .port = 80};
    uint16_t port = c->tcb.pcb.entry.lport;

    d->tcb.pcb.entry.reuse_addr = c->tcb.pcb.entry.reuse_addr = 1;
    ports_changed(&r->a.tcp.ports, &c->tcb.pcb);
    if (ports_bind(&r->a.tcp.ports, &d->tcb.pcb, &r->a.addr[v6], port))
        abort();
    d->tcb.pcb.addr_bound = d->tcb.pcb.port_bound = 1;
    EQ(tcp_open_active(&d->tcb, &dst, 0), -HF_EADDRNOTAVAIL, "a taken four-tuple: EADDRNOTAVAIL");
    EQ(tcp_state(&d->tcb), TCP_CLOSED, "and the socket is as it was");
    rig_run(r, 10 * HF_MS);
    EQ(tcp_state(&c->tcb), TCP_ESTABLISHED, "the first is unharmed");
    tcp_close(&d->tcb, false);
    tcp_close(&c->tcb, true);
    rig_run(r, HF_MS);
    tcp_close(&l->tcb, false);
    OK(rig_end(r), "nothing is lost");
}

/* RFC 9293 MUST-41, MUST-42: to listen beside a connect from the same port, and beside connections
 */
static void test_listen_beside(bool v6)
{
    struct rig *r = rig_new();
    struct sock *far = rig_listen(&r->b, v6, 80, 5), *c = sock_new(&r->a, v6), *l, *s;
    struct endpoint dst = {.addr = r->b.addr[v6], .port = 80};
    struct ip_addr any = pcb_any(&c->tcb.pcb);

    c->tcb.pcb.entry.reuse_addr = 1;
    if (ports_bind(&r->a.tcp.ports, &c->tcb.pcb, &any, 90))
        abort();
    c->tcb.pcb.port_bound = 1;
    EQ(tcp_open_active(&c->tcb, &dst, 0), 0, "a connect from port 90");
    EQ(tcp_state(&c->tcb), TCP_SYN_SENT, "is under way");
    l = rig_listen(&r->a, v6, 90, 5);
    EQ(tcp_state(&l->tcb), TCP_LISTEN, "meanwhile port 90 is listened on");
    rig_run(r, 10 * HF_MS);
    EQ(tcp_state(&c->tcb), TCP_ESTABLISHED, "which does nothing to the connect");
    s = rig_accept(far);
    OK(rig_transfer(r, c, s, 1000, HF_S) && rig_transfer(r, s, c, 1000, HF_S), "bytes go");
    EQ(tcp_listen(&l->tcb, 7), 0, "listening once more");
    OK(rig_transfer(r, c, s, 1000, HF_S), "neither");
    tcp_close(&l->tcb, false);
    tcp_close(&far->tcb, false);
    tcp_close(&c->tcb, true);
    rig_run(r, HF_MS);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is lost");
}

/* NetSem resourcefail_2: each allocation of a connect fails in turn */
static void test_no_memory(bool v6)
{
    int wrong = 0, n = 0;
    bool touched = true;

    for (; touched && n < 100; n++) {
        struct rig *r = rig_new();
        struct sock *l = rig_listen(&r->b, v6, 80, 1), *c = sock_new(&r->a, v6), *s;
        struct endpoint dst = {.addr = r->b.addr[v6], .port = 80};
        int err;

        r->fail_at = n;
        err = tcp_open_active(&c->tcb, &dst, 0);
        touched = r->fail_at < 0;
        r->fail_at = -1;
        wrong += err != 0 && (err != -HF_ENOBUFS || tcp_state(&c->tcb) != TCP_CLOSED);
        if (err && tcp_open_active(&c->tcb, &dst, 0))
            wrong++;
        rig_run(r, 1100 * HF_MS);
        wrong += tcp_state(&c->tcb) != TCP_ESTABLISHED;
        s = rig_accept(l);
        tcp_close(&c->tcb, true);
        rig_run(r, HF_MS);
        if (s)
            tcp_close(&s->tcb, true);
        tcp_close(&l->tcb, false);
        wrong += !rig_end(r);
    }
    EQ(wrong, 0, "no memory for a connect: ENOBUFS or a later SYN, and nothing is lost");
}

static void test_told(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c, *s;
    uint8_t info[300];
    uint32_t words[60];
    struct hf_connect_record record;

    r->delay = 7 * HF_MS;
    struct sock *l = rig_listen(&r->b, v6, 80, 1);

    c = rig_connect(&r->a, &r->b.addr[v6], 80);
    rig_run(r, 50 * HF_MS);
    s = rig_accept(l);
    EQ(tcp_info(&c->tcb, info, sizeof(info)), 280, "TCP_INFO has Linux's size");
    EQ(info[0], 1, "and Linux's number for ESTABLISHED");
    EQ(info[6], 0x77, "and both scales");
    memcpy(words, info, 240);
    EQ(words[4], tcp_mss(&c->tcb), "and the MSS"); /* tcpi_snd_mss: byte 16 */
    OK(words[17] >= 14000 && words[17] < 14500, "and the round trip");
    EQ(tcp_info(&c->tcb, info, 8), 8, "a short buffer gets its part");
    EQ(tcp_info(&l->tcb, info, 1), 1, "a listener has one too");
    EQ(info[0], 10, "and says LISTEN");
    tcp_connect_record(&c->tcb, &record);
    EQ(record.ended - record.began, 14 * HF_MS, "the record knows how long the connect took");
    OK(record.syns_sent == 1 && record.error == 0, "and that it went well");
    tcp_close(&c->tcb, true);
    rig_run(r, 10 * HF_MS);
    tcp_close(&s->tcb, true);
    tcp_close(&l->tcb, false);
    OK(rig_end(r), "nothing is lost");
}

/* Segments without sense, as near to sense as dice can make them, against a pair that keeps working
 * or ends; the sanitizers and the assertions are the judges. */
static void test_noise(bool v6)
{
    static uint8_t junk[2000];
    unsigned lived = 0;

    for (unsigned round = 0; round < 200; round++) {
        struct rig *r = rig_new();
        struct sock *c, *s;

        r->seed = round + 1;
        rig_pair(r, v6, &c, &s);
        for (unsigned i = 0; i < 100; i++) {
            uint16_t dice[8];
            struct ip_info ip = {.src = r->b.addr[v6],
                                 .dst = r->a.addr[v6],
                                 .link = &r->a.link,
                                 .proto = HF_IPPROTO_TCP,
                                 .dst_is_unicast = true};
            struct hf_frame *f = hf_frame_new(r->pool);
            struct tcp_header h;

            rig_random(r, dice, sizeof(dice));
            h = (struct tcp_header){
                .src_port = 80,
                .dst_port = c->tcb.pcb.entry.lport,
                .seq = c->tcb.rcv_nxt + dice[0] % 3000u - 1000,
                .ack = c->tcb.snd_una + dice[1] % 50u - 20,
                .flags = (uint8_t)(dice[2] % 4 ? TCP_ACK | (dice[2] & TCP_URG) : dice[3] & 0x3f),
                .window = dice[4],
                .urgent = dice[5] % 2000,
            };
            if (dice[6] % 3 && !hf_frame_append(f, junk, dice[7] % 1500u))
                abort();
            tcp_header_write(&h, hf_frame_push(f, tcp_header_size(&h)));
            f->flags |= HF_FRAME_CSUM_OK;
            tcp_input(&r->a.tcp, &ip, f);
            if (dice[6] % 5 == 0)
                (void)!rig_write(c, junk, dice[7] % 1000u + 1, dice[5] % 8 ? 0 : TCP_SEND_OOB);
            if (dice[6] % 7 == 0)
                (void)!rig_read(c, junk, dice[1] % 1000u + 1, dice[5] % 4 ? 0 : TCP_RECV_PEEK);
            if (dice[6] % 61 == 0)
                (void)!tcp_shut_send(&c->tcb);
            rig_run(r, dice[0] % 8 * HF_MS);
        }
        lived += tcp_state(&c->tcb) != TCP_CLOSED;
        tcp_close(&c->tcb, round & 1);
        tcp_close(&s->tcb, round & 2);
        rig_run(r, 1100 * HF_S);
        if (r->a.core.stats.tcp_connections || r->b.core.stats.tcp_connections || !rig_end(r)) {
            OK(false, "noise leaves nothing behind");
            return;
        }
    }
    OK(true, "noise leaves nothing behind");
    OK(lived > 10, "and seldom ends a connection");
}

int main(void)
{
    tap_begin(60);
    test_refusals();
    test_any_destination();
    for (int v6 = 0; v6 < 2; v6++) {
        test_taken(v6);
        test_listen_beside(v6);
        test_no_memory(v6);
        test_told(v6);
        test_noise(v6);
    }
    return tap_end();
}
