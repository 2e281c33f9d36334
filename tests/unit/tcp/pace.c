/* SO_MAX_PACING_RATE: so many bytes a second and no more, and no burst. */
#include "rig.h"
#include "transport/tcp/flow.h"

static char bytes[1 << 20], sink[1 << 16];

/* Lets a send for so long what it can, and b read all of it; how many bytes came. */
static uint64_t run(struct rig *r, struct sock *c, struct sock *s, hf_time span)
{
    hf_time until = r->now + span;
    uint64_t got = 0;
    int64_t n;

    while (r->now < until) {
        while (rig_write(c, bytes, sizeof(bytes), 0) > 0)
            ;
        rig_run(r, HF_MS);
        while ((n = rig_read(s, sink, sizeof(sink), 0)) > 0)
            got += (uint64_t)n;
    }
    return got;
}

static void test_rate(bool v6, uint64_t rate)
{
    struct rig *r = rig_new();
    struct sock *c, *s;
    uint64_t got, most = 0, within = 0, want;
    hf_time span = rate > 100000 ? HF_S / 4 : 2 * HF_S;
    char name[80];

    rig_pair(r, v6, &c, &s);
    r->delay = HF_MS;
    EQ(tcp_max_rate(&c->tcb), UINT64_MAX, "at first there is no limit");
    EQ(tcp_set_max_rate(&c->tcb, rate), 0, "one can be set");
    EQ(tcp_max_rate(&c->tcb), rate, "and read");
    (void)run(r, c, s, span);
    r->seen_count = 0;
    got = run(r, c, s, span);
    want = rate * (uint64_t)(span / HF_MS) / 1000;
    snprintf(name, sizeof(name), "v%d: %llu bytes a second are kept", v6 ? 6 : 4,
             (unsigned long long)rate);
    OK(got > want * 95 / 100 && got < want * 105 / 100, name);
    printf("# %llu, wanted %llu\n", (unsigned long long)got, (unsigned long long)want);
    for (unsigned i = 0, first = 0; i < r->seen_count; i++) {
        within += r->seen[i].from == 0 ? r->seen[i].len : 0;
        for (; r->seen[first].when + 20 * HF_MS < r->seen[i].when; first++)
            within -= r->seen[first].from == 0 ? r->seen[first].len : 0;
        most = HF_MAX(most, within);
    }
    OK(most < rate * 24 / 1000 + 3 * 1448, "nor is more than its part sent within 20 ms");
    EQ(tcp_set_max_rate(&c->tcb, UINT64_MAX), 0, "it can be lifted");
    OK(run(r, c, s, 20 * HF_MS) > rate / 25, "and no longer holds");
    tcp_close(&c->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

/* The option is the socket's, not the connection's */
static void test_before(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->b, v6, 80, 1), *c = sock_new(&r->a, v6), *s;
    struct endpoint dst = {.addr = r->b.addr[v6], .port = 80};

    EQ(tcp_set_max_rate(&c->tcb, 100000), 0, "set before connect()");
    EQ(tcp_set_max_rate(&l->tcb, 100000), -HF_ENOPROTOOPT, "not of a listener");
    EQ(tcp_open_active(&c->tcb, &dst, 0), 0, "connect");
    rig_run(r, 10 * HF_MS);
    s = rig_accept(l);
    EQ(tcp_max_rate(&c->tcb), 100000, "is kept");
    OK(run(r, c, s, HF_S) < 130000, "and holds");
    tcp_close(&c->tcb, true);
    tcp_close(&l->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

int main(void)
{
    static const uint64_t rates[] = {20000, 1000000, 10000000};

    tap_begin(30);
    for (int v6 = 0; v6 < 2; v6++) {
        for (size_t i = 0; i < HF_COUNT(rates); i++)
            test_rate(v6, rates[i]);
        test_before(v6);
    }
    return tap_end();
}
