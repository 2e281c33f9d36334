/* Frames that do not arrive: each one of a whole conversation in turn, and many at random; timers
 * of connections whose peer is silent. */
#include "rig.h"

/* style.md 12: the n-th frame is lost, for every n, until the conversation goes through untouched.
 */
static void test_each_frame_lost(bool v6, bool delayed)
{
    int n = 0, wrong = 0, unclean = 0;

    for (; n < 400; n++) {
        struct rig *r = rig_new();
        struct sock *l = rig_listen(&r->b, v6, 80, 1), *c, *s = NULL;
        bool good, untouched;
        char byte;

        r->lose_at = n;
        r->delay = delayed ? 5 * HF_MS : 0;
        c = rig_connect(&r->a, &r->b.addr[v6], 80);
        rig_run(r, 8 * HF_S);
        s = rig_accept(l);
        good = s && rig_transfer(r, c, s, 60000, 20 * HF_S) &&
               rig_transfer(r, s, c, 60000, 20 * HF_S) && tcp_shut_send(&c->tcb) == 0;
        rig_run(r, 5 * HF_S);
        good = good && rig_read(s, &byte, 1, 0) == 0 && tcp_shut_send(&s->tcb) == 0;
        rig_run(r, 5 * HF_S);
        good = good && rig_read(c, &byte, 1, 0) == 0 && !c->tcb.pcb.err && !s->tcb.pcb.err;
        wrong += !good;
        if (!good)
            fprintf(stderr, "# frame %d lost: the conversation failed\n", n);
        untouched = r->frames <= n;
        tcp_close(&c->tcb, false);
        if (s)
            tcp_close(&s->tcb, false);
        tcp_close(&l->tcb, false);
        rig_run(r, 130 * HF_S);
        good = r->a.core.stats.tcp_connections + r->b.core.stats.tcp_connections == 0;
        unclean += !rig_end(r) || !good;
        if (untouched)
            break;
    }
    OK(n > 20 && n < 400, "every frame of the conversation has been lost once");
    EQ(wrong, 0, "the conversation goes through whichever frame is lost");
    EQ(unclean, 0, "and leaves nothing behind");
}

static unsigned dice_permille;

static enum verdict dice(struct rig *r, struct host *to, struct hf_frame *f, const struct seen *s)
{
    uint16_t roll;

    rig_random(r, &roll, sizeof(roll));
    return roll % 1000 < dice_permille ? LOSE : PASS;
}

static void test_random_loss(bool v6, unsigned permille, uint64_t total)
{
    struct rig *r = rig_new();
    struct sock *c, *s;
    hf_time began;

    rig_pair(r, v6, &c, &s);
    r->delay = 10 * HF_MS;
    r->filter = dice;
    dice_permille = permille;
    began = r->now;
    OK(rig_transfer(r, c, s, total, 600 * HF_S), "bytes arrive in order through random loss");
    fprintf(stderr, "# %u per mille, 20 ms: %llu bytes in %lld ms, %u repeats\n", permille,
            (unsigned long long)total, (long long)((r->now - began) / HF_MS), c->tcb.total_retrans);
    r->filter = NULL;
    tcp_close(&c->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);
    rig_run(r, HF_S);
    OK(rig_end(r), "nothing is left behind by loss");
}

/* RFC 6582: the window's worth around one hole is repaired by duplicate ACKs, not by the timer. */
static int holes;
static enum verdict lose_holes(struct rig *r, struct host *to, struct hf_frame *f,
                               const struct seen *s)
{
    return s->from == 0 && s->len && r->frames % 7 == 0 && holes-- > 0 ? LOSE : PASS;
}

static void test_fast_retransmit(int lost)
{
    struct rig *r = rig_new();
    struct sock *c, *s;
    hf_time began;

    rig_pair(r, false, &c, &s);
    r->delay = 10 * HF_MS;
    (void)!rig_transfer(r, c, s, 100000, 10 * HF_S);
    holes = lost;
    r->filter = lose_holes;
    began = r->now;
    OK(rig_transfer(r, c, s, 60000, 10 * HF_S), "bytes arrive around holes");
    OK(r->now - began < 190 * HF_MS, "holes are repaired without a timeout: RFC 5681 3.2");
    EQ(c->tcb.total_retrans, lost, "only what was lost is sent again");
    tcp_close(&c->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is left behind by repair");
}

static enum verdict lose_all(struct rig *r, struct host *to, struct hf_frame *f,
                             const struct seen *s)
{
    return LOSE;
}

/* RFC 9293 MUST-22, C12, C23, NetSem timer_tt_rexmtsyn_1, timer_tt_conn_est_1; as Linux 6.18 does
 * with tcp_syn_retries 6 and tcp_syn_linear_timeouts 4. */
static void test_syn_times(bool v6, unsigned syncnt, unsigned syns, unsigned waits, hf_time wait)
{
    static const unsigned at[] = {0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67};
    struct rig *r = rig_new();
    struct sock *c = sock_new(&r->a, v6);
    struct endpoint dst = {.addr = r->b.addr[v6], .port = 80};
    hf_time began = r->now;
    struct hf_connect_record record;
    bool right = true;

    r->filter = lose_all;
    r->a.tcp.syn_ms = (uint32_t)(wait / HF_MS);
    c->tcb.opts.syncnt = (uint8_t)syncnt;
    EQ(tcp_open_active(&c->tcb, &dst, 0), 0, "connect to silence is under way");
    rig_run(r, waits * wait - HF_MS);
    EQ(tcp_state(&c->tcb), TCP_SYN_SENT, "still trying a moment before the end");
    rig_run(r, 21 * HF_MS);
    EQ(tcp_state(&c->tcb), TCP_CLOSED, "given up in time");
    EQ(c->tcb.pcb.err, HF_ETIMEDOUT, "with ETIMEDOUT");
    EQ(r->seen_count, syns, "as many SYNs as retries allow");
    for (unsigned i = 0; i < r->seen_count; i++) {
        hf_time late = r->seen[i].when - began - at[i] * wait;

        right = right && late >= 0 && late <= 10 * HF_MS;
    }
    OK(right, "SYNs at 0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67 times the first wait");
    tcp_connect_record(&c->tcb, &record);
    EQ(record.syns_sent, r->seen_count, "the record counts them");
    EQ(record.error, HF_ETIMEDOUT, "and knows the end");
    tcp_close(&c->tcb, false);
    rig_run(r, 100 * HF_S);
    EQ(r->seen_count, syns, "nothing more is sent: C12");
    OK(rig_end(r), "nothing is left behind by a timeout");
}

/* RFC 9293 3.8.3, MUST-20, SHLD-11, MUST-21, Linux: tcp_retries2 15 is 924.6 s; TCP_USER_TIMEOUT,
 * RFC 5482. NetSem timer_tt_rexmt_1 */
static void test_dead_peer(unsigned user_timeout_ms, hf_time least, hf_time most)
{
    struct rig *r = rig_new();
    struct sock *c, *s;
    hf_time began;

    rig_pair(r, false, &c, &s);
    r->filter = lose_all;
    c->tcb.opts.user_timeout_ms = user_timeout_ms;
    EQ(rig_write(c, "hello", 5, 0), 5, "bytes to a peer that has died");
    began = r->now;
    while (tcp_state(&c->tcb) != TCP_CLOSED && r->now - began < 2000 * HF_S)
        rig_run(r, 100 * HF_MS);
    EQ(c->tcb.pcb.err, HF_ETIMEDOUT, "a dead peer is ETIMEDOUT");
    OK(r->now - began >= least && r->now - began <= most, "after as long as Linux takes");
    tcp_close(&c->tcb, false);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is left behind by a dead peer");
}

/* RFC 9293 3.8.4; NetSem timer_tt_keep_1 */
static void test_keepalive(bool dead)
{
    struct rig *r = rig_new();
    struct sock *c, *s;

    rig_pair(r, true, &c, &s);
    c->tcb.opts.keepalive = 1;
    c->tcb.opts.keep_idle_s = 10;
    c->tcb.opts.keep_intvl_s = 2;
    c->tcb.opts.keep_cnt = 3;
    tcp_options_changed(&c->tcb);
    r->seen_count = 0;
    r->filter = dead ? lose_all : NULL;
    rig_run(r, 15500 * HF_MS);
    EQ(tcp_state(&c->tcb), TCP_ESTABLISHED, "idle, probed, and still open");
    rig_run(r, HF_S);
    if (dead) {
        EQ(c->tcb.pcb.err, HF_ETIMEDOUT, "no answer to three probes: ETIMEDOUT");
        EQ(r->seen_count, 4, "three probes and a RST were sent");
    } else {
        EQ(r->seen_count, 2, "one probe, one answer in 16 s");
        rig_run(r, 100 * HF_S);
        EQ(tcp_state(&c->tcb), TCP_ESTABLISHED, "an answered connection lives on");
    }
    tcp_close(&c->tcb, true);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is left behind by keepalive");
}

/* Linux: tcp_fin_timeout; NetSem timer_tt_fin_wait_2_1 */
static void test_orphan_fin_wait_2(void)
{
    struct rig *r = rig_new();
    struct sock *c, *s;

    rig_pair(r, false, &c, &s);
    tcp_close(&c->tcb, false);
    rig_run(r, 59 * HF_S);
    EQ(r->a.core.stats.tcp_connections, 1, "an orphan waits in FIN-WAIT-2");
    rig_run(r, 2 * HF_S);
    EQ(r->a.core.stats.tcp_connections, 0, "for 60 s");
    tcp_close(&s->tcb, false);
    rig_run(r, HF_S);
    EQ(r->b.core.stats.tcp_connections, 0, "the other end's FIN then finds nobody and is reset");
    OK(rig_end(r), "nothing is left behind by an orphan");
}

int main(void)
{
    tap_begin(60);
    for (int v6 = 0; v6 < 2; v6++) {
        test_each_frame_lost(v6, false);
        test_each_frame_lost(v6, true);
        test_random_loss(v6, 10, 2000000);
        test_random_loss(v6, 100, 200000);
        test_syn_times(v6, 0, 11, 131, HF_S);
        test_syn_times(v6, 0, 11, 131, 50 * HF_MS);
        test_syn_times(v6, 1, 3, 3, HF_S);
        test_syn_times(v6, 2, 6, 7, HF_S);
        test_syn_times(v6, 3, 8, 19, HF_S);
        test_syn_times(v6, 5, 10, 67, HF_S);
    }
    for (int lost = 1; lost < 4; lost++)
        test_fast_retransmit(lost);
    test_dead_peer(0, 900 * HF_S, 1100 * HF_S);
    test_dead_peer(3000, 3000 * HF_MS, 3200 * HF_MS);
    test_keepalive(false);
    test_keepalive(true);
    test_orphan_fin_wait_2();
    return tap_end();
}
