/* TCP_INFO: its counters, held against what Linux says of the same conversation. */
#include "rig.h"

struct counters {
    uint64_t acked, received, sent, again;
    uint32_t segs_out, segs_in, data_in, data_out;
};

static struct counters counters(const struct sock *s)
{
    uint8_t info[280] = {0};
    struct counters c;

    EQ(tcp_info(&s->tcb, info, sizeof(info)), 280, "all of struct tcp_info");
    memcpy(&c.acked, info + 120, 8);
    memcpy(&c.received, info + 128, 8);
    memcpy(&c.segs_out, info + 136, 4);
    memcpy(&c.segs_in, info + 140, 4);
    memcpy(&c.data_in, info + 152, 4);
    memcpy(&c.data_out, info + 156, 4);
    memcpy(&c.sent, info + 200, 8);
    memcpy(&c.again, info + 208, 8);
    return c;
}

static void expect(const struct sock *s, struct counters want, const char *when)
{
    struct counters got = counters(s);

    EQ(got.acked, want.acked, when);
    EQ(got.received, want.received, when);
    EQ(got.sent, want.sent, when);
    EQ(got.again, want.again, when);
    EQ(got.segs_out, want.segs_out, when);
    EQ(got.segs_in, want.segs_in, when);
    EQ(got.data_in, want.data_in, when);
    EQ(got.data_out, want.data_out, when);
}

static int lose;

static enum verdict wire(struct rig *r, struct host *to, struct hf_frame *f, const struct seen *s)
{
    return s->len && lose-- == 0 ? LOSE : PASS;
}

/* Linux: bytes_acked counts the SYN of who connects, both count FINs; no SYN-ACK is counted. */
static void test_conversation(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->b, v6, 80, 1), *c = rig_connect(&r->a, &r->b.addr[v6], 80), *s;
    char bytes[100];

    rig_run(r, 10 * HF_MS);
    s = rig_accept(l);
    expect(c, (struct counters){.acked = 1, .segs_out = 2, .segs_in = 1}, "client, connected");
    expect(s, (struct counters){.segs_in = 2}, "server, connected");
    EQ(rig_write(c, "hello", 5, 0), 5, "five bytes go");
    rig_run(r, 100 * HF_MS);
    expect(c, (struct counters){.acked = 6, .sent = 5, .segs_out = 3, .segs_in = 2, .data_out = 1},
           "client, after five bytes");
    expect(s, (struct counters){.received = 5, .segs_out = 1, .segs_in = 3, .data_in = 1},
           "server, after five bytes");
    EQ(rig_read(s, bytes, sizeof(bytes), 0), 5, "they are read");
    EQ(tcp_shut_send(&c->tcb), 0, "a FIN");
    rig_run(r, 100 * HF_MS);
    expect(c, (struct counters){.acked = 7, .sent = 5, .segs_out = 4, .segs_in = 3, .data_out = 1},
           "client, after its FIN");
    expect(s, (struct counters){.received = 6, .segs_out = 2, .segs_in = 4, .data_in = 1},
           "server, after the FIN");
    tcp_close(&s->tcb, false);
    tcp_close(&c->tcb, false);
    tcp_close(&l->tcb, false);
    rig_run(r, 100 * HF_S);
    OK(rig_end(r), "nothing is left behind");
}

/* What was sent again counts as sent, and as sent again */
static void test_repeat(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c, *s;
    struct counters got;

    rig_pair(r, v6, &c, &s);
    r->delay = 5 * HF_MS;
    c->tcb.srtt_us = 10000; /* the handshake took none */
    r->filter = wire;
    lose = 3;
    OK(rig_transfer(r, c, s, 14480, 5 * HF_S), "ten segments, one of them lost");
    rig_run(r, 100 * HF_MS);
    got = counters(c);
    EQ(got.acked, 14481, "all is acknowledged");
    EQ(got.again, c->tcb.mss, "one segment was sent again");
    EQ(got.sent, 14480u + c->tcb.mss, "and counts as sent twice");
    EQ(got.data_out, 11 + (v6 ? 1 : 0), "segments with payload");
    EQ(counters(s).received, 14480, "the peer has it once");
    tcp_close(&c->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

/* Beyond 32 bits: the counters are 64 wide */
static void test_wrap(void)
{
    struct rig *r = rig_new();
    struct sock *c, *s;

    rig_pair(r, false, &c, &s);
    OK(rig_transfer(r, c, s, 100000, 5 * HF_S), "some bytes");
    rig_run(r, 100 * HF_MS);
    /* As after 2^32 - 50000 more. */
    c->tcb.iss += 150000;
    s->tcb.irs += 150000;
    OK(rig_transfer(r, c, s, 100000, 5 * HF_S), "and some over the edge");
    rig_run(r, 100 * HF_MS);
    EQ(counters(c).acked, (1ull << 32) + 50001, "what was acknowledged goes beyond 4 GiB");
    EQ(counters(s).received, (1ull << 32) + 50000, "and what was received");
    tcp_close(&c->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

int main(void)
{
    tap_begin(30);
    for (int v6 = 0; v6 < 2; v6++) {
        test_conversation(v6);
        test_repeat(v6);
    }
    test_wrap();
    return tap_end();
}
