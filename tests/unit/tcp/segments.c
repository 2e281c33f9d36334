/* Segments that the test writes by hand, as their peer: too many of them, or in too many orders,
 * for a page of tests/script. */
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

/* RFC 9293 MUST-47, SHLD-20, SHLD-25: a soft error of a connection that stands is told at once to
 * who asked for that, to others when it ends */
static void test_soft_errors(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c = established(r, v6, 1);
    uint8_t quoted[8];
    struct icmp_error e = {.kind = ICMP_ERR_HOST_UNREACH,
                           .code = v6 ? 3 : 1,
                           .src = r->a.addr[v6],
                           .dst = r->b.addr[v6],
                           .proto = HF_IPPROTO_TCP,
                           .quoted = quoted,
                           .quoted_len = 8,
                           .link = &r->a.link};

    put16(quoted, c->tcb.pcb.entry.lport);
    put16(quoted + 2, 80);
    put32(quoted + 4, c->tcb.snd_una);
    c->events = 0;
    tcp_error(&r->a.tcp, &e);
    OK(!c->tcb.pcb.err && !c->events, "unless asked for it is not told");
    c->tcb.pcb.recv_err = c->tcb.pcb.recv_err6 = 1;
    tcp_error(&r->a.tcp, &e);
    OK(c->tcb.pcb.err == HF_EHOSTUNREACH && c->events == 1, "else it is, at once");
    EQ(rig_write(c, "x", 1, 0), -HF_EHOSTUNREACH, "as the next call's error");
    EQ(rig_write(c, "x", 1, 0), 1, "and only that");
    c->tcb.pcb.recv_err = c->tcb.pcb.recv_err6 = 0;
    tcp_error(&r->a.tcp, &e);
    rig_run(r, 1200 * HF_S);
    EQ(c->tcb.pcb.err, HF_EHOSTUNREACH, "it is why a connection ended that was never answered");
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

int main(void)
{
    tap_begin(60);
    for (int v6 = 0; v6 < 2; v6++) {
        test_soft_errors(v6);
        test_reassembly(v6);
        test_tiny_segments(v6);
    }
    return tap_end();
}
