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

/* What else struct tcp_info tells, by its place there. */
static uint64_t field(const struct sock *s, size_t at, size_t size)
{
    uint8_t info[280];
    uint64_t v = 0;

    (void)tcp_info(&s->tcb, info, sizeof(info));
    memcpy(&v, info + at, size);
    return v;
}

enum {
    LAST_DATA_SENT = 44,
    LAST_DATA_RECV = 52,
    RCV_RTT = 92,
    PACING_RATE = 104,
    DELIVERY_RATE = 160,
    BUSY = 168,
    RWND_LIMITED = 176,
    SNDBUF_LIMITED = 184,
    DELIVERED = 192,
    DSACK_DUPS = 216,
    REORD_SEEN = 220,
    OOO = 224,
    REHASH = 236,
    TOTAL_RTO = 240,
    RTO_RECOVERIES = 242,
    RTO_TIME = 244,
};

static void between(uint64_t got, uint64_t least, uint64_t most, const char *name)
{
    OK(got >= least && got <= most, name);
    if (got < least || got > most)
        printf("# %llu, wanted %llu to %llu\n", (unsigned long long)got, (unsigned long long)least,
               (unsigned long long)most);
}

/* Who waits for what: the network, the peer's window, a writer for room. Linux: tcp_chrono. */
static void test_waits(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c, *s;
    static char bytes[1 << 20];
    int64_t full, got = 0, n;

    rig_pair(r, v6, &c, &s);
    r->delay = 10 * HF_MS;
    tcp_options(&c->tcb)->sndbuf = 1 << 20;
    full = rig_write(c, bytes, sizeof(bytes), 0);
    rig_run(r, HF_S);
    between(field(c, BUSY, 8), 990000, 1010000, "with bytes unsent it is busy");
    between(field(c, RWND_LIMITED, 8), 800000, 1000000, "for want of a window");
    EQ(field(c, SNDBUF_LIMITED, 8), 0, "not of room");
    while (got < full) {
        n = rig_read(s, bytes, sizeof(bytes), 0);
        got += n > 0 ? n : 0;
        rig_run(r, 10 * HF_MS);
    }
    rig_run(r, HF_S);
    n = (int64_t)field(c, BUSY, 8);
    rig_run(r, HF_S);
    EQ(field(c, BUSY, 8), n, "what is idle is not busy");
    between(field(c, LAST_DATA_SENT, 4), 1900, 3000, "nor has it sent");
    between(field(s, LAST_DATA_RECV, 4), 1900, 3000, "nor its peer received");
    tcp_options(&c->tcb)->sndbuf = 4608;
    while (rig_write(c, bytes, 4608, 0) > 0)
        ;
    rig_run(r, 15 * HF_MS);
    EQ(field(c, SNDBUF_LIMITED, 8), 15000, "a writer waits while all is out");
    rig_run(r, HF_S);
    EQ(field(c, SNDBUF_LIMITED, 8), 20000, "until it is acknowledged");
    tcp_close(&c->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

static enum verdict lose_data(struct rig *r, struct host *to, struct hf_frame *f,
                              const struct seen *s)
{
    return s->len ? LOSE : PASS;
}

/* Segments that came, twice, late, after timeouts */
static void test_segments(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c, *s;

    rig_pair(r, v6, &c, &s);
    r->delay = 5 * HF_MS;
    c->tcb.srtt_us = c->tcb.min_rtt_us = 10000; /* the handshake took none */
    OK(rig_transfer(r, c, s, 100 * c->tcb.mss, 5 * HF_S), "a hundred segments");
    rig_run(r, 100 * HF_MS);
    EQ(field(c, DELIVERED, 4), 101, "were delivered, and the SYN");
    between(field(c, DELIVERY_RATE, 8), 50 * 1448, 50000000, "at a rate");
    between(field(c, PACING_RATE, 8), field(c, DELIVERY_RATE, 8) / 2, 1u << 30,
            "that pacing would allow");
    r->filter = wire;
    lose = 20;
    OK(rig_transfer(r, c, s, 100 * c->tcb.mss, 5 * HF_S), "a hundred more, one of them lost");
    rig_run(r, 100 * HF_MS);
    EQ(field(c, DELIVERED, 4), counters(c).data_out, "were delivered once");
    OK(field(s, OOO, 4) > 0 && !field(s, DSACK_DUPS, 4), "those behind the gap out of order");
    EQ(field(c, TOTAL_RTO, 2), 0, "without a timeout");
    r->filter = lose_data;
    EQ(rig_write(c, "lost", 4, 0), 4, "a segment that is lost");
    rig_run(r, 2 * HF_S);
    r->filter = NULL;
    rig_run(r, 10 * HF_S);
    between(field(c, TOTAL_RTO, 2), 2, 5, "takes timeouts");
    EQ(field(c, RTO_RECOVERIES, 2), 1, "which end");
    between(field(c, RTO_TIME, 4), 1000, 8000, "after some time");
    tcp_close(&c->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

static unsigned lose_syns, lose_answers;

static enum verdict lose_handshake(struct rig *r, struct host *to, struct hf_frame *f,
                                   const struct seen *s)
{
    unsigned *of = s->h.flags & TCP_ACK ? &lose_answers : &lose_syns;

    if (!(s->h.flags & TCP_SYN) || !*of)
        return PASS;
    --*of;
    return LOSE;
}

/* SYNs without an answer are timeouts, and who sends them looks for another way each time. */
static void test_opening(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->b, v6, 80, 1), *c, *s;

    r->delay = 5 * HF_MS;
    r->filter = lose_handshake;
    lose_syns = 3;
    lose_answers = 0;
    c = rig_connect(&r->a, &r->b.addr[v6], 80);
    rig_run(r, 2500 * HF_MS);
    EQ(field(c, TOTAL_RTO, 2), 2, "two SYNs were in vain");
    EQ(field(c, RTO_RECOVERIES, 2), 1, "which is one time of silence");
    EQ(field(c, RTO_TIME, 4), 1500, "since the first timeout");
    EQ(field(c, REHASH, 4), 2, "each another way");
    rig_run(r, HF_S);
    EQ(field(c, TOTAL_RTO, 2), 3, "and a third");
    between(field(c, RTO_TIME, 4), 2010, 2012, "until it was answered");
    EQ(field(c, REHASH, 4), 3, "three other ways");
    s = rig_accept(l);
    EQ(field(s, TOTAL_RTO, 2), 0, "the peer has waited for nothing");
    tcp_close(&c->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);

    lose_syns = 0;
    lose_answers = 1;
    c = rig_connect(&r->a, &r->b.addr[v6], 80);
    rig_run(r, 990 * HF_MS);
    lose_syns = 1; /* so that the answer is repeated by its own clock */
    rig_run(r, 2 * HF_S);
    s = rig_accept(l);
    EQ(field(s, TOTAL_RTO, 2), 1, "an answer was in vain");
    EQ(field(s, RTO_TIME, 4), 1010, "and confirmed so much later");
    EQ(field(s, REHASH, 4), 0, "without another way");
    EQ(field(c, TOTAL_RTO, 2), 1, "as its SYN had been");
    r->filter = lose_data;
    EQ(rig_write(c, "lost", 4, 0), 4, "data");
    rig_run(r, HF_S);
    r->filter = NULL;
    rig_run(r, 5 * HF_S);
    EQ(field(c, REHASH, 4), field(c, TOTAL_RTO, 2), "what follows counts on");
    tcp_close(&c->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);
    tcp_close(&l->tcb, false);
    OK(rig_end(r), "nothing is left behind");
}

/* The receiver's own idea of a round trip: what timestamps say of full segments; without them, how
 * long a window takes. */
static void test_receiver(bool v6, bool timestamps)
{
    struct rig *r = rig_new();
    struct sock *c, *s;
    char few[8];

    r->a.tcp.timestamps = timestamps;
    rig_pair(r, v6, &c, &s);
    r->delay = 10 * HF_MS;
    c->tcb.srtt_us = 20000; /* the handshake took none */
    EQ(field(s, RCV_RTT, 4), 0, "nothing came, nothing is known");
    EQ(rig_write(c, "few", 3, 0), 3, "a short segment");
    rig_run(r, 100 * HF_MS);
    EQ(field(s, RCV_RTT, 4), 0, "tells nothing either");
    EQ(rig_read(s, few, sizeof(few), 0), 3, "it is read");
    OK(rig_transfer(r, c, s, 1 << 20, 10 * HF_S), "a mebibyte");
    between(field(s, RCV_RTT, 4), 20000, timestamps ? 30000 : 80000, "the round trip");
    EQ(field(c, RCV_RTT, 4), 0, "who sends is no receiver");
    tcp_close(&c->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

int main(void)
{
    tap_begin(30);
    for (int v6 = 0; v6 < 2; v6++) {
        test_opening(v6);
        test_receiver(v6, true);
        test_receiver(v6, false);
        test_conversation(v6);
        test_repeat(v6);
        test_waits(v6);
        test_segments(v6);
    }
    test_wrap();
    return tap_end();
}
