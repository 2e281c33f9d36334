/* Round trips: each acknowledgement measures, with timestamps and without, but for what was sent
 * again; and how the timeout follows. */
#include "rig.h"

#include "transport/tcp/flow.h"

#define MSS 1000

static unsigned lose; /* segments of data that are lost from now on */

static enum verdict wire(struct rig *r, struct host *to, struct hf_frame *f, const struct seen *s)
{
    if (!s->len || !lose)
        return PASS;
    lose--;
    return LOSE;
}

/* A pair 20 ms apart, without timestamps unless they are wanted. */
static struct rig *pair(bool v6, bool timestamps, struct sock **c, struct sock **s)
{
    struct rig *r = rig_new();

    r->delay = 10 * HF_MS;
    r->filter = wire;
    r->a.tcp.timestamps = timestamps;
    struct sock *l = rig_listen(&r->b, v6, 80, 1);

    *c = rig_connect(&r->a, &r->b.addr[v6], 80);
    rig_run(r, 100 * HF_MS);
    *s = rig_accept(l);
    tcp_close(&l->tcb, false);
    (*c)->tcb.opts.nodelay = 1;
    EQ((*c)->tcb.srtt_us, 20000, "the handshake measured");
    return r;
}

static void between(uint32_t got, uint32_t least, uint32_t most, const char *what)
{
    if (got < least || got > most)
        fprintf(stderr, "# %u, not %u to %u\n", got, least, most);
    OK(got >= least && got <= most, what);
}

static void end(struct rig *r, struct sock *c, struct sock *s)
{
    tcp_close(&c->tcb, true);
    rig_run(r, 10 * HF_S);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

/* n segments, so far apart */
static void spaced(struct rig *r, struct sock *c, unsigned n, hf_time apart)
{
    static const char bytes[MSS];

    for (unsigned i = 0; i < n; i++) {
        EQ(rig_write(c, bytes, MSS, 0), MSS, "a segment");
        rig_run(r, apart);
    }
}

/* Eight segments within one round trip are eight samples: 20 ms become 100 - 80 (7/8)^8. */
static void test_every_segment(bool v6, bool timestamps)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, timestamps, &c, &s);

    r->delay = 50 * HF_MS;
    spaced(r, c, 8, 10 * HF_MS);
    rig_run(r, 200 * HF_MS);
    between(c->tcb.srtt_us, 72000, 73000, "each segment was measured");
    EQ(c->tcb.min_rtt_us, 20000, "the least is the handshake's");
    EQ(c->tcb.flow->sent_count, 0, "no mark is left of what was acknowledged");
    end(r, c, s);
}

/* More moments of sending than marks: none is forgotten, they get coarser. */
static void test_many(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, false, &c, &s);

    r->delay = 500 * HF_MS;
    c->tcb.srtt_us = 1000000; /* so that no probe is sent too early */
    c->tcb.cwnd = 1000 * MSS;
    spaced(r, c, 40, 20 * HF_MS);
    OK(c->tcb.flow->sent_count <= SENT_MARKS, "there is an end to marks");
    rig_run(r, 2 * HF_S);
    between(c->tcb.srtt_us, 1000000, 1100000, "and the round trip is found");
    EQ(c->tcb.min_rtt_us, 20000, "the least is the handshake's");
    end(r, c, s);
}

/* RFC 6298 3 (Karn): what was sent twice measures nothing; what follows does. */
static void test_karn(bool v6, bool sack)
{
    struct rig *r;
    struct sock *c, *s;

    r = pair(v6, false, &c, &s);
    c->tcb.sack_ok = s->tcb.sack_ok = sack;
    r->delay = 10 * HF_MS;
    lose = 2; /* the segment, and the probe or the first repeat */
    spaced(r, c, 1, 2 * HF_S);
    EQ(lose, 0, "one segment was sent three times");
    OK(c->tcb.snd_una == c->tcb.snd_max, "it has come");
    EQ(c->tcb.srtt_us, 20000, "and measured nothing");
    r->delay = 50 * HF_MS;
    spaced(r, c, 1, 200 * HF_MS);
    EQ(c->tcb.srtt_us, 30000, "the next one does");
    end(r, c, s);
}

/* Linux: what once took long is remembered for some round trips, however many segments measure. */
static void test_variance(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, false, &c, &s);
    uint32_t rto;

    for (int i = 0; i < 8; i++) {
        r->delay = (i % 2 ? 10 : 100) * HF_MS;
        spaced(r, c, 1, 500 * HF_MS);
    }
    rto = rtt_rto_ms(&c->tcb);
    between(rto, 350, 600, "round trips that vary make the timeout long");
    spaced(r, c, 9, HF_MS);
    rig_run(r, HF_S);
    between(rtt_rto_ms(&c->tcb), rto * 2 / 3, rto, "nine short ones at once change little");
    for (int i = 0; i < 30; i++)
        spaced(r, c, 1, 100 * HF_MS);
    between(rtt_rto_ms(&c->tcb), 220, 262, "thirty of their own, acknowledged late, do");
    end(r, c, s);
}

int main(void)
{
    tap_begin(30);
    for (int v6 = 0; v6 < 2; v6++) {
        test_every_segment(v6, false);
        test_every_segment(v6, true);
        test_many(v6);
        test_karn(v6, false);
        test_karn(v6, true);
        test_variance(v6);
    }
    return tap_end();
}
