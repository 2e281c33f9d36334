/* The retransmission timeout: what it is made of, what does not count, and how it grows. RFC 6298
 */
#include "talk.h"

/* RFC 9293 MUST-18; RFC 6298 2.2, 2.3 with Linux's bounds */
static void test_samples(void)
{
    static const struct {
        uint32_t ms, srtt_us, rttvar_us, rto_ms;
    } rows[] = {
        {100, 100000, 50000, 300},    {200, 112500, 62500, 362},  {112, 112437, 47000, 312},
        {2000, 348382, 507140, 2376}, {10, 306084, 464950, 2165},
    };
    struct rig *r = rig_new();
    struct sock *s = sock_new(&r->a, false);

    EQ(rtt_rto_ms(&s->tcb), 1000, "a second before anything is known: RFC 6298 2.1");
    for (size_t i = 0; i < HF_COUNT(rows); i++) {
        rtt_sample(&s->tcb, rows[i].ms * 1000);
        EQ(s->tcb.srtt_us, rows[i].srtt_us, "the smoothed round trip");
        EQ(s->tcb.rttvar_us, rows[i].rttvar_us, "how much it varies");
        EQ(rtt_rto_ms(&s->tcb), rows[i].rto_ms, "and the timeout");
    }
    EQ(s->tcb.min_rtt_us, 10000, "the shortest is remembered");
    s->tcb.backoff = 3;
    EQ(rtt_rto_ms(&s->tcb), 8 * 2165, "doubled three times");
    s->tcb.backoff = 20;
    EQ(rtt_rto_ms(&s->tcb), 120000, "and not more than two minutes");
    tcp_close(&s->tcb, false);
    OK(rig_end(r), "nothing is left behind");
}

/* A peer without timestamps, 100 ms away. */
static void open_far(struct talk *p, bool v6)
{
    struct tcp_header h = {.window = 60000, .has_mss = true, .mss = 1000};

    talk_open(p, rig_new(), v6, &h);
    p->c->tcb.srtt_us = p->c->tcb.min_rtt_us = 100000;
    p->c->tcb.rttvar_us = 10000;
}

/* RFC 9293 MUST-18 (Karn), RFC 6298 3: of what was repeated no round trip is told */
static void test_karn(bool v6)
{
    struct talk p;

    open_far(&p, v6);
    talk_hears(&p, "x", 1);
    rig_run(p.r, 2 * HF_S);
    OK(p.c->tcb.total_retrans > 0 && p.c->tcb.backoff > 0, "a byte is repeated");
    p.h.ack++;
    talk_says(&p, NULL, 0);
    EQ(p.c->tcb.srtt_us, 100000, "its acknowledgement says nothing of the round trip");
    talk_hears(&p, "y", 1);
    rig_run(p.r, 180 * HF_MS);
    p.h.ack++;
    talk_says(&p, NULL, 0);
    EQ(p.c->tcb.srtt_us, 110000, "that of what goes once does");
    EQ(p.c->tcb.backoff, 0, "and the timeout is not doubled any more");
    talk_end(&p);
}

/* RFC 9293 MUST-19, RFC 6298 5.5: each timeout is twice the one before, and the window one segment
 */
static void test_backoff(bool v6)
{
    struct talk p;
    hf_time last, step = 0;
    unsigned n = 0, wrong = 0;

    open_far(&p, v6);
    talk_hears(&p, "x", 1);
    last = p.r->seen[0].when;
    rig_run(p.r, 400 * HF_S);
    for (unsigned i = 1; i < p.r->seen_count; i++, n++) {
        hf_time now = p.r->seen[i].when - last;

        if (step)
            wrong += now < HF_MIN(2 * step, 120 * HF_S) - 20 * HF_MS ||
                     now > HF_MIN(2 * step, 120 * HF_S) + 20 * HF_MS;
        step = now;
        last = p.r->seen[i].when;
    }
    OK(n > 8, "a byte is repeated again and again");
    EQ(wrong, 0, "each time after twice as long, up to two minutes");
    EQ(p.c->tcb.cwnd, p.c->tcb.mss, "the window is one segment");
    p.h.ack++;
    talk_says(&p, NULL, 0);
    talk_hears(&p, "0123456789", 10);
    EQ(tcb_flight(&p.c->tcb), 10, "an answer, and it goes on");
    talk_end(&p);
}

int main(void)
{
    tap_begin(30);
    test_samples();
    for (int v6 = 0; v6 < 2; v6++) {
        test_karn(v6);
        test_backoff(v6);
    }
    return tap_end();
}
