/* Silent limits on the way: RFC 4821, RFC 8899. */
#include "rig.h"
#include "transport/tcp/flow.h"

static uint32_t limit; /* packets from a that are longer vanish; 0: all do */
static unsigned vanished;

static enum verdict wire(struct rig *r, struct host *to, struct hf_frame *f, const struct seen *s)
{
    if (s->from == 0 && f->len > limit) {
        vanished++;
        return LOSE;
    }
    return PASS;
}

static struct rig *pair(bool v6, struct sock **c, struct sock **s)
{
    struct rig *r = rig_new();

    r->a.tcp.mtu_probing = true;
    limit = UINT32_MAX;
    vanished = 0;
    r->filter = wire;
    rig_pair(r, v6, c, s);
    r->delay = 5 * HF_MS;
    return r;
}

static uint32_t headers(bool v6)
{
    return (v6 ? 40 : 20) + 20 + 12;
}

/* RFC 9293 MUST-20, SHLD-10: the first step of giving up */
static void test_first_step(bool v6)
{
    static uint8_t bytes[5000];
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);

    limit = 0;
    EQ(rig_write(c, bytes, sizeof(bytes), 0), sizeof(bytes), "bytes into nowhere");
    for (unsigned retries = 0; retries < 4; retries++) {
        EQ(c->tcb.mss + headers(v6), 1500, "three timeouts say nothing of the path");
        while (c->tcb.retries == retries)
            rig_run(r, HF_MS);
    }
    OK(c->tcb.mss + headers(v6) < 1500, "the fourth does");
    limit = UINT32_MAX;
    rig_finish(r, c, s);
}

/* Linux: tcp_mtu_probing 1 */
static void test_black_hole(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);
    uint32_t size;

    limit = 1400;
    OK(rig_transfer(r, c, s, 300000, 10 * HF_S), "a black hole is found and walked around");
    size = c->tcb.mss + headers(v6);
    OK(size <= 1400 && size > 1400 - 16, "segments are as long as they may be");
    vanished = 0;
    OK(rig_transfer(r, c, s, 1000000, 10 * HF_S), "and more bytes go");
    EQ(vanished, 0, "nothing is tried that has failed");
    limit = 1450;
    rig_run(r, 601 * HF_S);
    OK(rig_transfer(r, c, s, 1000000, 10 * HF_S), "ten minutes later");
    size = c->tcb.mss + headers(v6);
    OK(size <= 1450 && size > 1450 - 16, "what passes now is found");
    limit = UINT32_MAX;
    rig_run(r, 601 * HF_S);
    OK(rig_transfer(r, c, s, 1000000, 10 * HF_S), "and once more");
    EQ(c->tcb.mss + headers(v6), 1500, "all passes: the first probe shows it");
    rig_finish(r, c, s);
}

/* A probe that is lost is no congestion. RFC 4821 7.4 */
static void test_no_congestion(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);
    uint32_t before;

    limit = 1400;
    OK(rig_transfer(r, c, s, 400000, 10 * HF_S), "the search is over");
    rig_run(r, 601 * HF_S);
    before = c->tcb.ssthresh;
    vanished = 0;
    OK(rig_transfer(r, c, s, 400000, 10 * HF_S), "more, with probes");
    OK(vanished >= 1 && vanished <= 6, "some of which are lost");
    EQ(c->tcb.ssthresh >= before, true, "the window is not cut for them");
    EQ(c->tcb.flow->rtos >= 1, true, "only timeouts before the search began");
    rig_finish(r, c, s);
}

/* An outage is taken for a black hole at first. */
static void test_outage(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);

    OK(rig_transfer(r, c, s, 100000, HF_S), "bytes go");
    EQ(c->tcb.mss + headers(v6), 1500, "in full segments");
    limit = 0;
    OK(!rig_transfer(r, c, s, 100000, 8 * HF_S), "nothing goes");
    OK(c->tcb.mss + headers(v6) < 1500, "segments are cut");
    EQ(c->tcb.mss + headers(v6) >= (v6 ? 1280 : 576), true, "but not for ever");
    limit = UINT32_MAX;
    rig_finish(r, c, s);
    r = pair(v6, &c, &s);
    limit = 0;
    EQ(rig_write(c, "0123456789", 10, 0), 10, "a few bytes into an outage");
    rig_run(r, 8 * HF_S);
    EQ(c->tcb.mss + headers(v6), 1500, "say nothing of the MTU");
    limit = UINT32_MAX;
    rig_finish(r, c, s);
}

static void test_recovers(bool v6)
{
    static uint8_t bytes[200000];
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);
    int64_t sent = 0, n;

    c->tcb.opts.sndbuf = 2 * sizeof(bytes);
    limit = 0;
    sent = rig_write(c, bytes, sizeof(bytes), 0);
    EQ(sent, (int64_t)sizeof(bytes), "much is queued");
    rig_run(r, 8 * HF_S);
    limit = UINT32_MAX;
    for (int i = 0; i < 20000 && sent > 0; i++) {
        rig_run(r, HF_MS);
        while ((n = rig_read(s, bytes, sizeof(bytes), 0)) > 0)
            sent -= n;
    }
    EQ(sent, 0, "all comes when the outage is over");
    EQ(c->tcb.mss + headers(v6), 1500, "in full segments again");
    rig_finish(r, c, s);
}

int main(void)
{
    tap_begin(60);
    for (int v6 = 0; v6 < 2; v6++) {
        test_first_step(v6);
        test_black_hole(v6);
        test_no_congestion(v6);
        test_outage(v6);
        test_recovers(v6);
    }
    return tap_end();
}
