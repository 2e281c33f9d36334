/* How the window grows: CUBIC's curve, its slow start, and whose it is. */
#include "rig.h"

#define RTT_MS 100
#define MSS    1448

static bool lose_one;
static struct sock *sender;
static uint32_t pipe_bytes; /* what the wire holds; more than that waits in its queue. 0: all */

static enum verdict wire(struct rig *r, struct host *to, struct hf_frame *f, const struct seen *s)
{
    if (s->from == 0 && s->len && lose_one) {
        lose_one = false;
        return LOSE;
    }
    if (pipe_bytes && sender) {
        uint32_t out = tcb_flight(&sender->tcb), more = out > pipe_bytes ? out - pipe_bytes : 0;

        /* Either way half of what a queue of that rate takes. */
        r->delay = 10 * HF_MS + 10 * HF_MS * more / pipe_bytes;
    }
    return PASS;
}

/* Keeps the connection busy for so long. */
static void busy(struct rig *r, struct sock *c, struct sock *s, hf_time span)
{
    static uint8_t bytes[65536];
    hf_time until = r->now + span;

    while (r->now < until) {
        while (rig_write(c, bytes, sizeof(bytes), 0) > 0)
            ;
        while (rig_read(s, bytes, sizeof(bytes), 0) > 0)
            ;
        rig_run(r, 5 * HF_MS);
    }
}

static struct rig *pair(const char *name, hf_time delay, struct sock **c, struct sock **s)
{
    struct rig *r = rig_new();
    char full[TCP_CC_NAME] = {0};

    memcpy(full, name, strlen(name));
    rig_pair(r, false, c, s);
    EQ(tcp_set_congestion(&(*c)->tcb, full), 0, "chosen by its name");
    (*c)->tcb.srtt_us = (*c)->tcb.min_rtt_us = (uint32_t)(2 * delay / HF_US);
    r->delay = delay;
    r->filter = wire;
    lose_one = false;
    pipe_bytes = 0;
    sender = *c;
    return r;
}

static void finish(struct rig *r, struct sock *c, struct sock *s)
{
    r->filter = NULL;
    tcp_close(&c->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);
    rig_run(r, HF_S);
    OK(rig_end(r), "nothing is left behind");
}

static double part(const struct sock *c, uint32_t of)
{
    return (double)c->tcb.cwnd / of;
}

/* RFC 9438 4.2: back at w_max after K = cbrt(0.3 w_max / 0.4), flat around it, steep beyond */
static void test_curve(void)
{
    struct sock *c, *s;
    struct rig *r = pair("cubic", RTT_MS / 2 * HF_MS, &c, &s);
    uint32_t w_max;
    hf_time k = 0;

    while (c->tcb.cwnd < 600 * MSS)
        busy(r, c, s, 10 * HF_MS);
    c->tcb.cwnd = w_max = 600 * MSS;
    lose_one = true;
    while (c->tcb.ssthresh >= w_max)
        busy(r, c, s, 10 * HF_MS);
    EQ(c->tcb.ssthresh / MSS, 420, "a loss cuts the window to 0.7: RFC 9438 4.6");
    while (k * k * k < (hf_time)(0.3 * 600 / 0.4 * 1e9)) /* milliseconds, cubed */
        k++;
    busy(r, c, s, k / 2 * HF_MS + 2 * RTT_MS * HF_MS);
    OK(part(c, w_max) > 0.93 && part(c, w_max) < 0.99, "concave: most of it after half of K");
    busy(r, c, s, k / 2 * HF_MS);
    OK(part(c, w_max) > 0.97 && part(c, w_max) < 1.03, "at w_max after K");
    busy(r, c, s, k / 2 * HF_MS);
    OK(part(c, w_max) > 1.02 && part(c, w_max) < 1.10, "convex beyond");
    EQ(c->tcb.total_retrans, 1, "one loss, one repeat");
    finish(r, c, s);
}

/* RFC 9438 4.7: a loss below the last one's window leaves room for others */
static void test_convergence(void)
{
    struct sock *c, *s;
    struct rig *r = pair("cubic", RTT_MS / 2 * HF_MS, &c, &s);
    uint32_t before;

    for (int i = 0; i < 2; i++) {
        busy(r, c, s, HF_S);
        before = c->tcb.cwnd;
        lose_one = true;
        busy(r, c, s, 3 * RTT_MS * HF_MS);
    }
    OK(c->tcb.cong.cubic.w_max < before && c->tcb.cong.cubic.w_max > before * 8 / 10,
       "w_max is 0.85 of the window then");
    finish(r, c, s);
}

/* RFC 9438 4.3: over a short way the window grows as Reno's, half a segment a round trip */
static void test_reno_region(void)
{
    struct sock *c, *s;
    struct rig *r = pair("cubic", 2 * HF_MS, &c, &s);
    uint32_t before, grown;

    while (c->tcb.cwnd < 60 * MSS)
        busy(r, c, s, 5 * HF_MS);
    lose_one = true;
    busy(r, c, s, 20 * HF_MS);
    before = c->tcb.cwnd;
    busy(r, c, s, 80 * HF_MS); /* twenty round trips or so */
    grown = (c->tcb.cwnd - before) / MSS;
    OK(grown >= 6 && grown <= 14, "Reno's pace, for that factor of decrease");
    finish(r, c, s);
}

/* RFC 9406: slow start ends by the queue's delay, before anything is lost; Reno's does not */
static void test_hystart(void)
{
    struct sock *c, *s;
    struct rig *r = pair("cubic", 10 * HF_MS, &c, &s);

    pipe_bytes = 150 * MSS;
    busy(r, c, s, 2 * HF_S);
    OK(c->tcb.ssthresh < 20 * pipe_bytes, "growing round trips end slow start");
    OK(c->tcb.cwnd > 100 * MSS, "not too early");
    EQ(c->tcb.total_retrans, 0, "and not by a loss");
    finish(r, c, s);
    r = pair("cubic", 10 * HF_MS, &c, &s);
    busy(r, c, s, HF_S);
    EQ(c->tcb.ssthresh, CWND_MAX, "steady round trips do not");
    finish(r, c, s);
    r = pair("reno", 10 * HF_MS, &c, &s);
    pipe_bytes = 150 * MSS;
    busy(r, c, s, HF_S);
    EQ(c->tcb.ssthresh, CWND_MAX, "nor do they matter to Reno");
    finish(r, c, s);
}

/* A pause of the path, as when a processor on it is busy elsewhere, looks like a queue, but for one
 * round only. */
static void test_hystart_pause(void)
{
    struct sock *c, *s;
    struct rig *r = pair("cubic", 10 * HF_MS, &c, &s);

    while (c->tcb.cwnd < 20 * MSS)
        busy(r, c, s, HF_MS);
    r->delay += 8 * HF_MS;
    busy(r, c, s, 20 * HF_MS);
    r->delay -= 8 * HF_MS;
    busy(r, c, s, 300 * HF_MS);
    EQ(c->tcb.ssthresh, CWND_MAX, "a pause does not end slow start");
    OK(c->tcb.cwnd > 300 * MSS, "nor does growth stay slow");
    finish(r, c, s);
}

/* RFC 9293 MUST-19, MAY-18, RFC 5681 3.1: Reno cuts by half and grows by a segment a round trip */
static void test_reno(void)
{
    struct sock *c, *s;
    struct rig *r = pair("reno", RTT_MS / 2 * HF_MS, &c, &s);
    uint32_t before;

    busy(r, c, s, HF_S);
    c->tcb.cwnd = before = 100 * MSS;
    busy(r, c, s, 3 * RTT_MS * HF_MS);
    before = c->tcb.cwnd;
    lose_one = true;
    while (c->tcb.ssthresh == CWND_MAX)
        busy(r, c, s, 10 * HF_MS);
    OK(c->tcb.ssthresh < before * 6 / 10 + 20 * MSS, "half of what was out");
    busy(r, c, s, 5 * RTT_MS * HF_MS);
    before = c->tcb.cwnd;
    busy(r, c, s, 20 * RTT_MS * HF_MS);
    OK(c->tcb.cwnd >= before + 18 * MSS && c->tcb.cwnd <= before + 22 * MSS,
       "a segment each round trip");
    finish(r, c, s);
}

/* TCP_CONGESTION: cubic unless chosen, unknown ones are ENOENT, children have their listener's */
static void test_names(void)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->b, false, 80, 1), *c = sock_new(&r->a, false), *s;
    struct endpoint dst = {.addr = r->b.addr[0], .port = 80};
    char name[TCP_CC_NAME];

    tcp_congestion(&c->tcb, name);
    EQ(strcmp(name, "cubic"), 0, "cubic is the default");
    EQ(tcp_set_congestion(&c->tcb, "bbr\0\0\0\0\0\0\0\0\0\0\0\0"), -HF_ENOENT, "bbr is not here");
    EQ(tcp_set_congestion(&c->tcb, "reno\0\0\0\0\0\0\0\0\0\0\0"), 0, "reno is");
    EQ(tcp_set_congestion(&l->tcb, "reno\0\0\0\0\0\0\0\0\0\0\0"), 0, "for a listener too");
    EQ(tcp_open_active(&c->tcb, &dst, 0), 0, "connect");
    rig_run(r, 10 * HF_MS);
    s = rig_accept(l);
    tcp_congestion(&s->tcb, name);
    EQ(strcmp(name, "reno"), 0, "its children have it");
    tcp_congestion(&c->tcb, name);
    EQ(strcmp(name, "reno"), 0, "and a choice before connect() stands");
    tcp_close(&l->tcb, false);
    finish(r, c, s);
}

int main(void)
{
    tap_begin(60);
    test_names();
    test_curve();
    test_convergence();
    test_reno_region();
    test_hystart();
    test_hystart_pause();
    test_reno();
    return tap_end();
}
