/* Single segments against single states: what is taken, answered, dropped and why. The peer is the
 * test, which writes each segment by hand. RFC 9293 3.10.7, RFC 5961, RFC 7323, RFC 5927. */
#include "rig.h"
#include "wire/bytes.h"

static struct seen last; /* what a sent last */
static unsigned last_count;

static enum verdict swallow(struct rig *r, struct host *to, struct hf_frame *f,
                            const struct seen *s)
{
    if (s->from == 0) {
        last = *s;
        last_count++;
    }
    return LOSE;
}

/* As rig_inject, with the answers counted anew. */
static void inject(struct rig *r, bool v6, struct tcp_header h, const void *payload, uint32_t len)
{
    last_count = 0;
    rig_inject(r, v6, &h, payload, len);
}

/* A connection of a's to the test itself, established; sequence numbers of the peer from peer_iss.
 */
static struct sock *established(struct rig *r, bool v6, uint32_t peer_iss)
{
    struct sock *c;
    struct tcp_header h = {.src_port = 80, .flags = TCP_SYN | TCP_ACK, .window = 65535};

    r->filter = swallow;
    c = rig_connect(&r->a, &r->b.addr[v6], 80);
    while (rig_step(r))
        ;
    h.dst_port = c->tcb.pcb.entry.lport;
    h.seq = peer_iss;
    h.ack = last.h.seq + 1;
    h.has_mss = true;
    h.mss = 1000;
    inject(r, v6, h, NULL, 0);
    return c;
}

struct row {
    const char *name; /* with the clause */
    uint8_t flags;
    int32_t seq, ack; /* from rcv_nxt, from snd_nxt */
    uint32_t len;
    uint8_t answer;    /* flags of the answer; 0: none */
    enum hf_drop drop; /* HF_DROP_COUNT: none */
    enum tcp_state state;
    int err;
};

static const struct row rows[] = {
    {"exact RST resets: RFC 5961 3.2, NetSem deliver_in_7", TCP_RST, 0, 0, 0, 0, HF_DROP_COUNT,
     TCP_CLOSED, HF_ECONNRESET},
    {"RST in window is challenged: RFC 5961 3.2", TCP_RST, 1, 0, 0, TCP_ACK,
     HF_DROP_TCP_RST_INEXACT, TCP_ESTABLISHED, 0},
    {"RST before the window is dropped: RFC 5961 3.2", TCP_RST, -1, 0, 0, 0, HF_DROP_TCP_OLD,
     TCP_ESTABLISHED, 0},
    {"RST beyond the window is dropped: RFC 5961 3.2", TCP_RST, 100000, 0, 0, 0, HF_DROP_TCP_WINDOW,
     TCP_ESTABLISHED, 0},
    {"SYN in window is challenged: RFC 5961 4.2, NetSem deliver_in_8", TCP_SYN, 5, 0, 0, TCP_ACK,
     HF_DROP_TCP_SYN_IN_WINDOW, TCP_ESTABLISHED, 0},
    {"old SYN is answered by an ACK: RFC 5961 4.2", TCP_SYN, -1, 0, 0, TCP_ACK, HF_DROP_TCP_OLD,
     TCP_ESTABLISHED, 0},
    {"ACK of what was not sent is answered: RFC 9293 3.10.7.4", TCP_ACK, 0, 1, 0, TCP_ACK,
     HF_DROP_TCP_BAD_ACK, TCP_ESTABLISHED, 0},
    {"ACK from too far back is challenged: RFC 5961 5.2", TCP_ACK, 0, -100000, 0, TCP_ACK,
     HF_DROP_TCP_BAD_ACK, TCP_ESTABLISHED, 0},
    {"no ACK, no SYN, no RST: dropped: RFC 9293 3.10.7.4", 0, 0, 0, 0, 0, HF_DROP_TCP_NO_FLAGS,
     TCP_ESTABLISHED, 0},
    {"keepalive probe is answered: RFC 9293 3.8.4", TCP_ACK, -1, 0, 0, TCP_ACK, HF_DROP_TCP_OLD,
     TCP_ESTABLISHED, 0},
    {"bytes in order are acknowledged: NetSem deliver_in_3", TCP_ACK, 0, 0, 100, TCP_ACK,
     HF_DROP_COUNT, TCP_ESTABLISHED, 0},
    {"bytes beyond a gap bring a duplicate ACK: RFC 5681 4.2", TCP_ACK, 100, 0, 100, TCP_ACK,
     HF_DROP_COUNT, TCP_ESTABLISHED, 0},
    {"bytes beyond the window are refused: RFC 9293 MUST-66", TCP_ACK, 100000, 0, 100, TCP_ACK,
     HF_DROP_TCP_WINDOW, TCP_ESTABLISHED, 0},
    {"old bytes are answered: RFC 9293 3.10.7.4", TCP_ACK, -100, 0, 100, TCP_ACK, HF_DROP_TCP_OLD,
     TCP_ESTABLISHED, 0},
    {"FIN in order: CLOSE-WAIT", TCP_ACK | TCP_FIN, 0, 0, 0, TCP_ACK, HF_DROP_COUNT, TCP_CLOSE_WAIT,
     0},
    {"FIN beyond a gap waits", TCP_ACK | TCP_FIN, 10, 0, 0, TCP_ACK, HF_DROP_COUNT, TCP_ESTABLISHED,
     0},
};

static void test_established(bool v6)
{
    for (size_t i = 0; i < HF_COUNT(rows); i++) {
        const struct row *row = &rows[i];
        struct rig *r = rig_new();
        struct sock *c = established(r, v6, UINT32_MAX - 50); /* wraps soon: RFC 9293 3.4 */
        static const uint8_t payload[100];
        uint64_t before;
        struct tcp_header h = {
            .src_port = 80,
            .dst_port = c->tcb.pcb.entry.lport,
            .seq = c->tcb.rcv_nxt + (uint32_t)row->seq,
            .ack = row->flags & TCP_ACK ? c->tcb.snd_nxt + (uint32_t)row->ack : 0,
            .flags = row->flags,
            .window = 1000,
        };

        before = row->drop < HF_DROP_COUNT ? r->a.core.drops[row->drop] : 0;
        inject(r, v6, h, payload, row->len);
        OK(tcp_state(&c->tcb) == row->state && c->tcb.pcb.err == row->err, row->name);
        OK(last_count == (row->answer != 0) && (!last_count || last.h.flags == row->answer),
           row->answer ? "  and it is answered" : "  and it is not answered");
        OK(row->drop == HF_DROP_COUNT || r->a.core.drops[row->drop] == before + 1,
           "  and it is counted");
        tcp_close(&c->tcb, true);
        OK(rig_end(r), "  and nothing is lost");
    }
}

/* RFC 9293 3.10.7.3; NetSem deliver_in_2, deliver_in_2a, deliver_in_7c, deliver_in_7d */
static void test_syn_sent(bool v6)
{
    static const struct {
        const char *name;
        uint8_t flags;
        int32_t ack;
        uint8_t answer;
        enum tcp_state state;
        int err;
    } table[] = {
        {"SYN-SENT: RST with a good ACK refuses", TCP_RST | TCP_ACK, 1, 0, TCP_CLOSED,
         HF_ECONNREFUSED},
        {"SYN-SENT: RST with a bad ACK is ignored", TCP_RST | TCP_ACK, 2, 0, TCP_SYN_SENT, 0},
        {"SYN-SENT: RST without ACK is ignored", TCP_RST, 0, 0, TCP_SYN_SENT, 0},
        {"SYN-SENT: ACK beyond ISS is reset", TCP_ACK, 2, TCP_RST, TCP_SYN_SENT, 0},
        {"SYN-SENT: SYN-ACK of something else is reset", TCP_SYN | TCP_ACK, 0, TCP_RST,
         TCP_SYN_SENT, 0},
        {"SYN-SENT: ACK alone is ignored", TCP_ACK, 1, 0, TCP_SYN_SENT, 0},
        {"SYN-SENT: SYN alone is simultaneous open", TCP_SYN, 0, TCP_SYN | TCP_ACK,
         TCP_SYN_RECEIVED, 0},
        {"SYN-SENT: SYN-ACK establishes", TCP_SYN | TCP_ACK, 1, TCP_ACK, TCP_ESTABLISHED, 0},
    };

    for (size_t i = 0; i < HF_COUNT(table); i++) {
        struct rig *r = rig_new();
        struct sock *c;
        struct tcp_header h = {.src_port = 80, .seq = 77, .flags = table[i].flags, .window = 9};

        r->filter = swallow;
        c = rig_connect(&r->a, &r->b.addr[v6], 80);
        while (rig_step(r))
            ;
        h.dst_port = c->tcb.pcb.entry.lport;
        h.ack = h.flags & TCP_ACK ? last.h.seq + (uint32_t)table[i].ack : 0;
        inject(r, v6, h, NULL, 0);
        OK(tcp_state(&c->tcb) == table[i].state && c->tcb.pcb.err == table[i].err, table[i].name);
        OK(last_count == (table[i].answer != 0) && (!last_count || last.h.flags == table[i].answer),
           "  and the answer is right");
        tcp_close(&c->tcb, true);
        OK(rig_end(r), "  and nothing is lost");
    }
}

/* RFC 9293 3.10.7.1, 3.10.7.2; NetSem deliver_in_1b, deliver_in_5, deliver_in_7b */
static void test_no_socket(bool v6)
{
    struct rig *r = rig_new();
    struct tcp_header h = {.src_port = 9, .dst_port = 99, .seq = 1000, .flags = TCP_SYN};

    r->filter = swallow;
    inject(r, v6, h, NULL, 0);
    OK(last_count == 1 && last.h.flags == (TCP_RST | TCP_ACK) && last.h.seq == 0 &&
           last.h.ack == 1001,
       "SYN to no socket: RST with its number");
    h.flags = TCP_ACK;
    h.ack = 5;
    inject(r, v6, h, "abc", 3);
    OK(last_count == 1 && last.h.flags == TCP_RST && last.h.seq == 5,
       "ACK to no socket: RST there");
    h.flags = TCP_RST;
    inject(r, v6, h, NULL, 0);
    EQ(last_count, 0, "RST to no socket: silence");
    EQ(r->a.core.drops[HF_DROP_TCP_NO_SOCKET], 3, "all counted");
    struct sock *l = rig_listen(&r->a, v6, 99, 1);

    h.flags = TCP_ACK;
    inject(r, v6, h, NULL, 0);
    OK(last_count == 1 && last.h.flags == TCP_RST, "ACK to a listener: RST");
    h.flags = TCP_RST | TCP_ACK;
    inject(r, v6, h, NULL, 0);
    OK(last_count == 0 && tcp_state(&l->tcb) == TCP_LISTEN, "RST to a listener: silence");
    h.flags = TCP_SYN | TCP_FIN;
    inject(r, v6, h, NULL, 0);
    EQ(last_count, 0, "SYN with FIN to a listener: dropped, as on Linux");
    tcp_close(&l->tcb, false);
    OK(rig_end(r), "nothing is lost");
}

/* RFC 5927 4.1, RFC 9293 MUST-54..56; Linux: tcp_v4_err. NetSem deliver_in_icmp_1,
 * deliver_in_icmp_3, deliver_in_icmp_4, deliver_in_icmp_5, deliver_in_icmp_7 */
static void test_icmp(bool v6)
{
    static const struct {
        const char *name;
        enum icmp_error_kind kind;
        uint8_t code4, code6;
        int err4, err6;
    } table[] = {
        {"network unreachable", ICMP_ERR_NET_UNREACH, 0, 0, HF_ENETUNREACH, HF_ENETUNREACH},
        {"host unreachable", ICMP_ERR_HOST_UNREACH, 1, 3, HF_EHOSTUNREACH, HF_EHOSTUNREACH},
        {"port unreachable", ICMP_ERR_PORT_UNREACH, 3, 4, HF_ECONNREFUSED, HF_ECONNREFUSED},
        {"prohibited", ICMP_ERR_PROHIBITED, 13, 1, HF_EHOSTUNREACH, HF_EACCES},
        {"time exceeded", ICMP_ERR_TIME_EXCEEDED, 0, 0, HF_EHOSTUNREACH, HF_EHOSTUNREACH},
        {"parameter problem", ICMP_ERR_PARAMETER, 0, 0, HF_EPROTO, HF_EPROTO},
        {"quench is ignored", ICMP_ERR_QUENCH, 0, 0, 0, 0},
    };

    for (size_t i = 0; i < HF_COUNT(table); i++) {
        struct rig *r = rig_new();
        struct sock *c;
        uint8_t quoted[8];
        struct icmp_error e = {
            .kind = table[i].kind,
            .code = v6 ? table[i].code6 : table[i].code4,
            .reporter = r->b.addr[v6],
            .src = r->a.addr[v6],
            .dst = r->b.addr[v6],
            .proto = HF_IPPROTO_TCP,
            .quoted = quoted,
            .quoted_len = 8,
            .link = &r->a.link,
        };
        int err = v6 ? table[i].err6 : table[i].err4;

        r->filter = swallow;
        c = rig_connect(&r->a, &r->b.addr[v6], 80);
        put16(quoted, c->tcb.pcb.entry.lport);
        put16(quoted + 2, 80);
        put32(quoted + 4, c->tcb.snd_una + 1000);
        tcp_error(&r->a.tcp, &e);
        EQ(tcp_state(&c->tcb), TCP_SYN_SENT, "an error about another number is ignored: RFC 5927");
        put32(quoted + 4, c->tcb.snd_una);
        tcp_error(&r->a.tcp, &e);
        OK(c->tcb.pcb.err == err && tcp_state(&c->tcb) == (err ? TCP_CLOSED : TCP_SYN_SENT),
           table[i].name);
        tcp_close(&c->tcb, false);
        c = established(r, v6, 1);
        put16(quoted, c->tcb.pcb.entry.lport);
        put32(quoted + 4, c->tcb.snd_una);
        tcp_error(&r->a.tcp, &e);
        OK(tcp_state(&c->tcb) == TCP_ESTABLISHED && c->tcb.pcb.err == 0 &&
               c->tcb.pcb.soft_err == err,
           "an established connection only remembers it: RFC 9293 MUST-56");
        tcp_close(&c->tcb, true);
        OK(rig_end(r), "nothing is lost");
    }
}

/* RFC 1191, RFC 8201; NetSem deliver_in_icmp_2 */
static void test_too_big(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c = established(r, v6, 1);
    static const uint8_t bytes[1000];
    uint8_t quoted[8];
    struct icmp_error e = {.kind = ICMP_ERR_TOO_BIG,
                           .info = v6 ? 1280 : 600,
                           .src = r->a.addr[v6],
                           .dst = r->b.addr[v6],
                           .quoted = quoted,
                           .quoted_len = 8};

    c->tcb.peer_mss = 1460;
    options_sync_mss(&c->tcb);
    EQ(rig_write(c, bytes, sizeof(bytes), 0), sizeof(bytes), "bytes are out");
    put16(quoted, c->tcb.pcb.entry.lport);
    put16(quoted + 2, 80);
    put32(quoted + 4, c->tcb.snd_una);
    last_count = 0;
    tcp_error(&r->a.tcp, &e);
    while (rig_step(r))
        ;
    EQ(tcp_mss(&c->tcb), v6 ? 1220 : 560, "too big: segments are smaller from now on");
    OK(last_count >= 1, "and what was too large goes again");
    tcp_close(&c->tcb, true);
    OK(rig_end(r), "nothing is lost");
}

/* RFC 7323 5: PAWS, and the timestamps each end echoes */
static void test_paws(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c;
    struct tcp_header h = {
        .src_port = 80, .flags = TCP_SYN | TCP_ACK, .window = 60000, .has_timestamps = true};

    r->filter = swallow;
    c = rig_connect(&r->a, &r->b.addr[v6], 80);
    while (rig_step(r))
        ;
    h.dst_port = c->tcb.pcb.entry.lport;
    h.ack = last.h.seq + 1;
    h.ts_val = 1000;
    h.ts_ecr = last.h.ts_val;
    inject(r, v6, h, NULL, 0);
    EQ(last.h.ts_ecr, 1000, "the peer's clock is echoed: RFC 7323 4.3");
    h.flags = TCP_ACK;
    h.seq = 1;
    h.ts_val = 999;
    inject(r, v6, h, "x", 1);
    OK(tcp_readable(&c->tcb) == 0 && last_count == 1,
       "an older clock is answered, not taken: PAWS");
    EQ(r->a.core.drops[HF_DROP_TCP_PAWS], 1, "and counted");
    h.ts_val = 1001;
    inject(r, v6, h, "x", 1);
    EQ(tcp_readable(&c->tcb), 1, "a newer clock is taken");
    EQ(last.h.ts_ecr, 1001, "and echoed");
    tcp_close(&c->tcb, true);
    OK(rig_end(r), "nothing is lost");
}

/* Segments in every order, overlapping, against a plain array. RFC 9293 3.10.7.4 (seventh) */
static void test_reassembly(bool v6)
{
    int wrong = 0;

    for (unsigned round = 0; round < 60; round++) {
        struct rig *r = rig_new();
        struct sock *c;
        uint8_t stream[3000], got[3000];
        struct tcp_header h = {.src_port = 80, .flags = TCP_ACK, .window = 1000};
        int64_t n, total = 0;

        r->seed = round * 7919 + 1;
        c = established(r, v6, UINT32_MAX - 1500);
        h.dst_port = c->tcb.pcb.entry.lport;
        h.ack = c->tcb.snd_nxt;
        for (size_t i = 0; i < sizeof(stream); i++)
            stream[i] = rig_byte(i);
        for (unsigned i = 0; i < 400; i++) {
            uint16_t dice[2];

            rig_random(r, dice, sizeof(dice));
            uint32_t from = i < 300 ? dice[0] % 3000u : (i - 300) * 30,
                     len = i < 300 ? HF_MIN(dice[1] % 200u + 1, 3000 - from) : 30;

            h.seq = UINT32_MAX - 1499 + from;
            inject(r, v6, h, stream + from, len);
            if (dice[1] % 5 == 0 && (n = rig_read(c, got + total, dice[0] % 500u + 1, 0)) > 0)
                total += n;
        }
        while ((n = rig_read(c, got + total, (size_t)(3000 - total) + 1, 0)) > 0)
            total += n;
        wrong += total != 3000 || memcmp(got, stream, 3000) != 0;
        wrong += c->tcb.rmem != 0 || c->tcb.ooo.last != NULL;
        tcp_close(&c->tcb, true);
        wrong += !rig_end(r);
    }
    EQ(wrong, 0, "segments in any order and overlap make the stream, and no memory stays");
}

/* A peer of tiny segments fills its share of memory and no more. */
static void test_tiny_segments(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c = established(r, v6, 1);
    struct tcp_header h = {.src_port = 80, .flags = TCP_ACK, .window = 1000};
    uint32_t most = 0;

    h.dst_port = c->tcb.pcb.entry.lport;
    h.ack = c->tcb.snd_nxt;
    for (unsigned i = 0; i < 30000; i++) {
        h.seq = 2 + i * 2 + 1; /* each beyond a gap of one byte */
        inject(r, v6, h, "x", 1);
        most = HF_MAX(most, c->tcb.rmem);
    }
    OK(most <= c->tcb.rcvbuf, "tiny segments beyond gaps stay within the receive buffer");
    OK(r->a.core.drops[HF_DROP_TCP_RCVBUF] > 0, "the rest is refused and counted");
    h.seq = 2;
    inject(r, v6, h, "abc", 3);
    OK(tcp_readable(&c->tcb) > 3, "bytes in order are still taken");
    tcp_close(&c->tcb, true);
    OK(rig_end(r), "nothing is lost");
}

/* Linux's urgent data; NetSem recv_5, recv_6, sockatmark_1 */
static void test_urgent(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c, *s;
    char buf[16];

    rig_pair(r, v6, &c, &s);
    EQ(rig_write(c, "abcX", 4, TCP_SEND_OOB), 4, "an urgent byte after three others");
    EQ(rig_write(c, "def", 3, 0), 3, "and three more");
    rig_run(r, 50 * HF_MS);
    OK(tcp_urgent_pending(&s->tcb), "the receiver knows of it: POLLPRI");
    EQ(tcp_readable(&s->tcb), 3, "readable up to the mark");
    EQ(rig_read(s, buf, sizeof(buf), 0), 3, "a read stops at the mark");
    OK(tcp_at_mark(&s->tcb), "SIOCATMARK says so");
    EQ(rig_read(s, buf, 1, TCP_RECV_OOB), 1, "the urgent byte is read");
    EQ(buf[0], 'X', "and is the last one");
    EQ(rig_read(s, buf, 1, TCP_RECV_OOB), -HF_EINVAL, "a second time is EINVAL");
    EQ(rig_read(s, buf, sizeof(buf), 0), 3, "the rest follows without it");
    OK(memcmp(buf, "def", 3) == 0, "in order");
    EQ(rig_write(c, "1", 1, TCP_SEND_OOB), 1, "two urgent bytes in a row, one");
    rig_run(r, 50 * HF_MS);
    EQ(rig_write(c, "2", 1, TCP_SEND_OOB), 1, "two urgent bytes in a row, two");
    rig_run(r, 50 * HF_MS);
    EQ(rig_read(s, buf, 1, TCP_RECV_OOB), 1, "only the second is there");
    EQ(buf[0], '2', "the first is lost, as on Linux");
    EQ(rig_read(s, buf, 1, 0), -HF_EAGAIN, "from the stream too");
    tcp_close(&c->tcb, true);
    rig_run(r, HF_MS);
    tcp_close(&s->tcb, true);
    rig_pair(r, v6, &c, &s);
    s->tcb.opts.oob_inline = 1;
    EQ(rig_write(c, "yZ", 2, TCP_SEND_OOB), 2, "urgent, inline");
    rig_run(r, 50 * HF_MS);
    EQ(rig_read(s, buf, sizeof(buf), 0), 1, "inline: a read stops before it");
    EQ(rig_read(s, buf, sizeof(buf), 0), 1, "and the next begins with it");
    EQ(buf[0], 'Z', "inline: the urgent byte is in the stream");
    tcp_close(&c->tcb, true);
    rig_run(r, HF_MS);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is lost");
}

int main(void)
{
    tap_begin(60);
    for (int v6 = 0; v6 < 2; v6++) {
        test_established(v6);
        test_syn_sent(v6);
        test_no_socket(v6);
        test_icmp(v6);
        test_too_big(v6);
        test_paws(v6);
        test_reassembly(v6);
        test_tiny_segments(v6);
        test_urgent(v6);
    }
    return tap_end();
}
