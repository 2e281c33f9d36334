/* Segments at the edges of a connection's life: to a socket that is closed, to one in SYN-RECEIVED,
 * to TIME-WAIT, and to one whose process has gone; and segments that are none. The peer is the
 * test, which writes each by hand. */
#include "rig.h"

static enum verdict swallow(struct rig *r, struct host *to, struct hf_frame *f,
                            const struct seen *s)
{
    return LOSE;
}

/* Segments of the peer, from port 9 to port 99; answers are counted from 0. */
static void inject(struct rig *r, bool v6, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
    struct tcp_header h = {
        .src_port = 9, .dst_port = 99, .seq = seq, .ack = ack, .flags = flags, .window = 1000};

    r->seen_count = 0;
    rig_inject(r, v6, &h, "0123456789", len);
}

static bool answered(const struct rig *r, uint8_t flags, uint32_t seq)
{
    return r->seen_count == 1 && r->seen[0].h.flags == flags && r->seen[0].h.seq == seq;
}

/* RFC 9293 3.10.7.1: bound is not listening. NetSem deliver_in_6 */
static void test_closed(bool v6)
{
    struct rig *r = rig_new();
    struct sock *s = sock_new(&r->a, v6);
    struct ip_addr any = pcb_any(&s->tcb.pcb);

    r->filter = swallow;
    EQ(ports_bind(&r->a.tcp.ports, &s->tcb.pcb, &any, 99), 0, "a bound socket that is closed");
    inject(r, v6, TCP_SYN, 1000, 0, 0);
    OK(answered(r, TCP_RST | TCP_ACK, 0), "resets a SYN");
    inject(r, v6, TCP_ACK, 1000, 77, 3);
    OK(answered(r, TCP_RST, 77), "and an ACK, with its number");
    inject(r, v6, TCP_RST, 1000, 0, 0);
    EQ(r->seen_count, 0, "not a RST");
    EQ(tcp_state(&s->tcb), TCP_CLOSED, "and stays as it is");
    tcp_close(&s->tcb, false);
    OK(rig_end(r), "nothing is lost");
}

/* A listener's child in SYN-RECEIVED, whose peer's SYN was 1000; its ISS. */
static uint32_t embryo(struct rig *r, bool v6, struct sock **l)
{
    r->filter = swallow;
    *l = rig_listen(&r->a, v6, 99, 1);
    inject(r, v6, TCP_SYN, 1000, 0, 0);
    if (r->seen_count != 1 || r->seen[0].h.flags != (TCP_SYN | TCP_ACK))
        abort();
    return r->seen[0].h.seq;
}

/* RFC 9293 3.10.7.4; NetSem deliver_in_3c, deliver_in_7a */
static void test_syn_received(bool v6)
{
    static const struct {
        const char *name;
        uint8_t flags;
        int32_t seq, ack; /* from the peer's next, from our ISS */
        uint8_t answer;
        bool stays, completes;
    } table[] = {
        {"SYN-RECEIVED: ACK of our SYN completes", TCP_ACK, 0, 1, 0, false, true},
        {"SYN-RECEIVED: ACK of nothing sent is reset", TCP_ACK, 0, 0, TCP_RST, true, false},
        {"SYN-RECEIVED: ACK beyond our SYN is reset", TCP_ACK, 0, 2, TCP_RST, true, false},
        {"SYN-RECEIVED: RST ends it", TCP_RST, 0, 0, 0, false, false},
        {"SYN-RECEIVED: RST elsewhere is challenged", TCP_RST, 5, 0, TCP_ACK, true, false},
        {"SYN-RECEIVED: RST beyond the window is ignored", TCP_RST, 100000, 0, 0, true, false},
    };

    for (size_t i = 0; i < HF_COUNT(table); i++) {
        struct rig *r = rig_new();
        struct sock *l, *s;
        uint32_t iss = embryo(r, v6, &l);

        inject(r, v6, table[i].flags, 1001 + (uint32_t)table[i].seq,
               table[i].flags & TCP_ACK ? iss + (uint32_t)table[i].ack : 0, 0);
        OK((l->tcb.listen.syn_len == 1) == table[i].stays &&
               tcp_can_accept(&l->tcb) == table[i].completes,
           table[i].name);
        OK(r->seen_count == (table[i].answer != 0) &&
               (!r->seen_count || r->seen[0].h.flags == table[i].answer),
           "  and the answer is right");
        s = rig_accept(l);
        if (s)
            tcp_close(&s->tcb, true);
        tcp_close(&l->tcb, false);
        OK(rig_end(r), "  and nothing is lost");
    }
}

/* A connection from the peer, established and accepted; its snd_nxt. */
static struct sock *accepted(struct rig *r, bool v6, uint32_t *snd_nxt)
{
    struct sock *l, *s;

    *snd_nxt = embryo(r, v6, &l) + 1;
    inject(r, v6, TCP_ACK, 1001, *snd_nxt, 0);
    s = rig_accept(l);
    tcp_close(&l->tcb, false);
    if (!s)
        abort();
    return s;
}

/* RFC 1122 4.2.2.13: nobody will read it. NetSem deliver_in_3b */
static void test_process_gone(bool v6)
{
    struct rig *r = rig_new();
    uint32_t nxt;
    struct sock *s = accepted(r, v6, &nxt);

    tcp_close(&s->tcb, false);
    while (rig_step(r))
        ;
    inject(r, v6, TCP_ACK, 1001, nxt + 1, 0);
    EQ(r->a.core.stats.tcp_connections, 1, "closed by its process: FIN-WAIT-2");
    EQ(r->seen_count, 0, "an ACK without bytes is taken");
    inject(r, v6, TCP_ACK, 1001, nxt + 1, 5);
    OK(r->seen_count == 1 && r->seen[0].h.flags & TCP_RST, "bytes that nobody will read are reset");
    EQ(r->a.core.stats.tcp_connections, 0, "and end it");
    OK(rig_end(r), "nothing is lost");
}

/* RFC 9293 3.10.7.4, RFC 1337; NetSem deliver_in_7c, deliver_in_9, timer_tt_2msl_1 */
static void test_time_wait(bool v6)
{
    struct rig *r = rig_new();
    uint32_t nxt;
    struct sock *s = accepted(r, v6, &nxt);

    tcp_close(&s->tcb, false);
    while (rig_step(r))
        ;
    inject(r, v6, TCP_ACK | TCP_FIN, 1001, nxt + 1, 0);
    OK(answered(r, TCP_ACK, nxt + 1) && r->a.core.stats.tcp_time_wait == 1,
       "both ended: TIME-WAIT");
    inject(r, v6, TCP_RST, 1002, 0, 0);
    EQ(r->seen_count, 0, "TIME-WAIT: RST is not answered");
    EQ(r->a.core.stats.tcp_time_wait, 1, "TIME-WAIT: and does not end it: RFC 1337");
    inject(r, v6, TCP_SYN, 500, 0, 0);
    OK(answered(r, TCP_ACK, nxt + 1), "TIME-WAIT: an old SYN is acknowledged");
    inject(r, v6, TCP_SYN, 90000, 0, 0);
    OK(answered(r, TCP_RST | TCP_ACK, 0), "TIME-WAIT: a later SYN finds that nobody listens");
    EQ(r->a.core.stats.tcp_time_wait, 0, "TIME-WAIT: and has taken its place");
    OK(rig_end(r), "nothing is lost");
    r = rig_new();
    s = accepted(r, v6, &nxt);
    tcp_close(&s->tcb, false);
    while (rig_step(r))
        ;
    inject(r, v6, TCP_ACK | TCP_FIN, 1001, nxt + 1, 0);
    rig_run(r, 59 * HF_S);
    EQ(r->a.core.stats.tcp_time_wait, 1, "TIME-WAIT lasts");
    rig_run(r, 2 * HF_S);
    EQ(r->a.core.stats.tcp_time_wait, 0, "for 60 s");
    OK(rig_end(r), "nothing is lost");
}

/* NetSem deliver_in_3a */
static void test_malformed(bool v6)
{
    static const struct {
        const char *name;
        uint8_t offset; /* of the data, in words; 0: as it is */
        bool csum_is_good;
        enum hf_drop drop;
    } table[] = {
        {"a wrong checksum", 0, false, HF_DROP_TCP_CSUM},
        {"a header shorter than 20 bytes", 4, true, HF_DROP_TCP_BAD},
        {"a header longer than the segment", 15, true, HF_DROP_TCP_BAD},
    };

    for (size_t i = 0; i < HF_COUNT(table); i++) {
        struct rig *r = rig_new();
        struct sock *l = rig_listen(&r->a, v6, 99, 1);
        struct tcp_header h = {.src_port = 9, .dst_port = 99, .flags = TCP_SYN};
        struct hf_frame *f = hf_frame_new(r->pool);
        struct ip_info ip = {.src = r->b.addr[v6],
                             .dst = r->a.addr[v6],
                             .link = &r->a.link,
                             .proto = HF_IPPROTO_TCP,
                             .dst_is_unicast = true};
        uint8_t *bytes = hf_frame_push(f, tcp_header_size(&h));

        tcp_header_write(&h, bytes);
        if (table[i].offset)
            bytes[12] = (uint8_t)(table[i].offset << 4);
        if (table[i].csum_is_good)
            f->flags |= HF_FRAME_CSUM_OK;
        tcp_input(&r->a.tcp, &ip, f);
        while (rig_step(r))
            ;
        OK(r->a.core.drops[table[i].drop] == 1 && r->seen_count == 0 && !l->tcb.listen.syn_len,
           table[i].name);
        tcp_close(&l->tcb, false);
        OK(rig_end(r), "  is dropped, counted and not answered");
    }
}

int main(void)
{
    tap_begin(30);
    for (int v6 = 0; v6 < 2; v6++) {
        test_closed(v6);
        test_syn_received(v6);
        test_process_gone(v6);
        test_time_wait(v6);
        test_malformed(v6);
    }
    return tap_end();
}
