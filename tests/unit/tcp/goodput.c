/* How fast a long transfer is over a wire that loses one segment in so many: against what the
 * response function of Reno promises there, which CUBIC must reach (RFC 9438 4.3, 5.1). */
#include "rig.h"

static unsigned dice_permille;

static enum verdict dice(struct rig *r, struct host *to, struct hf_frame *f, const struct seen *s)
{
    uint16_t roll;

    rig_random(r, &roll, sizeof(roll));
    return roll % 1000 < dice_permille ? LOSE : PASS;
}

static double root(double x)
{
    double y = x > 1 ? x : 1;

    for (int i = 0; i < 60; i++)
        y = (y + x / y) / 2;
    return y;
}

/* Bytes per second: RFC 5681's sawtooth, 1.22 / sqrt(p) segments a round trip. */
static double promised(unsigned permille, hf_time rtt, unsigned mss)
{
    return 1.22 / root(permille / 1000.0) * mss * ((double)HF_S / (double)rtt);
}

static double measured(bool v6, unsigned permille, hf_time rtt, hf_time span, unsigned *repeats)
{
    static uint8_t buf[65536];
    struct rig *r = rig_new();
    struct sock *c, *s;
    hf_time until;
    uint64_t got = 0;
    int64_t n;

    rig_pair(r, v6, &c, &s);
    r->delay = rtt / 2;
    r->filter = dice;
    dice_permille = permille;
    until = r->now + span;
    while (r->now < until) {
        while (rig_write(c, buf, sizeof(buf), 0) > 0)
            ;
        while ((n = rig_read(s, buf, sizeof(buf), 0)) > 0)
            got += (uint64_t)n;
        rig_run(r, HF_MS);
    }
    *repeats = c->tcb.total_retrans;
    r->filter = NULL;
    tcp_close(&c->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);
    rig_run(r, HF_S);
    OK(rig_end(r), "nothing is left behind");
    return (double)got * HF_S / (double)span;
}

static void test_goodput(bool v6, unsigned permille, hf_time rtt)
{
    unsigned repeats;
    double got = measured(v6, permille, rtt, 60 * HF_S, &repeats);
    double theory = promised(permille, rtt, 1448);

    fprintf(stderr,
            "# v%d, %3lld ms, %2u per mille: %7.0f kB/s, %3.0f %% of the sawtooth, %u repeats\n",
            v6 ? 6 : 4, (long long)(rtt / HF_MS), permille, got / 1000, 100 * got / theory,
            repeats);
    OK(got >= 0.9 * theory, "RFC 9438 4.3: at least what Reno gets, slow starts and all");
}

int main(void)
{
    static const unsigned permille[] = {1, 5, 10, 20};
    static const int rtt_ms[] = {10, 20, 50, 100};

    tap_begin(60);
    for (unsigned i = 0; i < HF_COUNT(rtt_ms); i++)
        for (unsigned k = 0; k < HF_COUNT(permille); k++)
            test_goodput((i + k) % 2, permille[k], rtt_ms[i] * HF_MS);
    return tap_end();
}
