/* Who may send how much: the peer's window, probes of a closed one, silly windows, Nagle, cork,
 * delayed acknowledgements, memory that runs out. */
#include "rig.h"

static struct rig *pair(bool v6, struct sock **c, struct sock **s)
{
    struct rig *r = rig_new();

    rig_pair(r, v6, c, s);
    r->seen_count = 0;
    return r;
}

static void finish(struct rig *r, struct sock *c, struct sock *s)
{
    r->filter = NULL;
    tcp_close(&c->tcb, true);
    rig_run(r, HF_MS);
    tcp_close(&s->tcb, true);
    rig_run(r, HF_MS);
    OK(rig_end(r), "nothing is lost");
}

static unsigned segments_from(const struct rig *r, unsigned from, bool with_data)
{
    unsigned n = 0;

    for (unsigned i = 0; i < r->seen_count; i++)
        n += r->seen[i].from == from && (r->seen[i].len > 0) == with_data;
    return n;
}

/* RFC 9293 3.8.6.1, MUST-36, MUST-37; NetSem timer_tt_persist_1 */
static void test_zero_window(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);
    static uint8_t bytes[1 << 20];
    int64_t sent = rig_write(c, bytes, sizeof(bytes), 0), got = 0, n;
    uint32_t full;

    OK(sent > 0, "more than the window is queued");
    rig_run(r, HF_S);
    while (rig_write(c, bytes, sizeof(bytes), 0) > 0)
        rig_run(r, HF_S);
    full = tcp_readable(&s->tcb);
    EQ(c->tcb.snd_wnd, 0, "the window closes");
    OK(full <= s->tcb.rcvbuf / 2 && full > s->tcb.rcvbuf / 2 - 2 * 1448,
       "when half of the receive buffer is bytes");
    OK(!tcp_writable(&c->tcb), "a full send queue is not writable");
    r->seen_count = 0;
    rig_run(r, 2000 * HF_S);
    EQ(tcp_state(&c->tcb), TCP_ESTABLISHED, "a window may stay closed for ever");
    OK(segments_from(r, 0, false) > 15 && segments_from(r, 0, false) < 40,
       "probed at growing distance");
    EQ(tcp_readable(&s->tcb), full, "nothing came beyond the window");
    c->events = 0;
    while ((n = rig_read(s, bytes, sizeof(bytes), 0)) > 0) {
        got += n;
        rig_run(r, 10 * HF_MS);
    }
    OK(got > full, "a reader reopens it at once, without waiting for a probe");
    OK(c->events > 0 && tcp_writable(&c->tcb), "and the sender is told");
    finish(r, c, s);
}

/* RFC 9293 MUST-38, MUST-39: the receiver's and the sender's side of silly windows */
static void test_silly_window(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);
    static uint8_t bytes[1 << 18];
    unsigned small = 0;

    (void)!rig_write(c, bytes, 40u * c->tcb.mss, 0);
    rig_run(r, 10 * HF_S);
    r->seen_count = 0;
    for (int i = 0; i < 3000; i++) {
        (void)!rig_read(s, bytes, 10, 0);
        rig_run(r, HF_MS);
    }
    for (unsigned i = 0; i < r->seen_count; i++)
        small += r->seen[i].from == 0 && r->seen[i].len > 0 && r->seen[i].len < c->tcb.mss;
    OK(small <= 2, "a reader of ten bytes at a time does not get ten-byte segments");
    finish(r, c, s);
}

/* RFC 9293 SHLD-18, MUST-40, SHLD-19; NetSem timer_tt_delack_1 */
static void test_delayed_ack(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);

    for (int i = 0; i < 16; i++) {
        (void)!rig_write(c, "x", 1, 0);
        rig_run(r, HF_MS);
    }
    EQ(segments_from(r, 1, false), 16, "a young connection acknowledges at once");
    r->seen_count = 0;
    EQ(rig_write(c, "x", 1, 0), 1, "one more byte");
    rig_run(r, 39 * HF_MS);
    EQ(segments_from(r, 1, false), 0, "an old one waits");
    rig_run(r, 3 * HF_MS);
    EQ(segments_from(r, 1, false), 1, "40 ms");
    r->seen_count = 0;
    EQ(rig_write(c, "x", 1, 0), 1, "one more byte");
    rig_run(r, 10 * HF_MS);
    EQ(rig_write(s, "y", 1, 0), 1, "an answer");
    rig_run(r, 10 * HF_MS);
    EQ(segments_from(r, 1, false), 0, "the answer carries the acknowledgement");
    finish(r, c, s);
}

/* RFC 9293 SHLD-19, MUST-58: every second full segment */
static void test_every_second(bool v6)
{
    static uint8_t bytes[20000];
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);

    OK(rig_transfer(r, c, s, 200000, HF_S), "the connection is not young any more");
    rig_run(r, HF_S);
    r->seen_count = 0;
    for (int i = 0; i < 8; i++) {
        EQ(rig_write(c, bytes, c->tcb.mss, 0), c->tcb.mss, "a full segment");
        rig_run(r, HF_MS);
        EQ(segments_from(r, 1, false), (unsigned)(i + 1) / 2,
           "every second is acknowledged at once");
    }
    finish(r, c, s);
}

/* Linux: tcp_cleanup_rbuf. A sender may be waiting for the acknowledgement of what has been read.
 */
static void test_ack_on_read(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);
    char b[64];

    for (int i = 0; i < 17; i++) {
        (void)!rig_write(c, "x", 1, 0);
        rig_run(r, 50 * HF_MS);
    }
    r->seen_count = 0;
    EQ(rig_write(c, "x", 1, 0), 1, "one more byte");
    rig_run(r, HF_MS);
    EQ(rig_read(s, b, 17, 0), 17, "all but one byte is read");
    rig_run(r, HF_MS);
    EQ(segments_from(r, 1, false), 0, "a read that leaves something does not acknowledge");
    EQ(rig_read(s, b, 1, 0), 1, "the last byte is read");
    rig_run(r, HF_MS);
    EQ(segments_from(r, 1, false), 1, "a read of the end of a write does, at once");
    EQ(rig_write(c, "x", 1, 0), 1, "a question");
    rig_run(r, HF_MS);
    EQ(rig_write(s, "y", 1, 0), 1, "an answer");
    rig_run(r, 50 * HF_MS);
    (void)!rig_read(s, b, sizeof(b), 0);
    r->seen_count = 0;
    EQ(rig_write(c, "x", 1, 0), 1, "another question");
    rig_run(r, HF_MS);
    EQ(rig_read(s, b, sizeof(b), 0), 1, "it is read");
    rig_run(r, HF_MS);
    EQ(segments_from(r, 1, false), 0, "where answers follow, the next one is waited for");
    c->tcb.opts.nodelay = 1;
    EQ(rig_write(c, "x", 1, 0), 1, "a second short segment");
    rig_run(r, HF_MS);
    EQ(rig_read(s, b, sizeof(b), 0), 1, "it is read");
    rig_run(r, HF_MS);
    EQ(segments_from(r, 1, false), 1, "but not after two writes");
    finish(r, c, s);
}

/* Automatic buffers follow a reader that keeps up; a fixed one stays. */
static void test_buffers(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);

    EQ(tcp_rcvbuf(&s->tcb), 131072, "the receive buffer begins with Linux's size");
    OK(rig_transfer(r, c, s, 8000000, 60 * HF_S), "a transfer");
    OK(tcp_rcvbuf(&s->tcb) > 262144, "a reader that keeps up gets a larger one");
    OK(tcp_rcvbuf(&s->tcb) <= 6291456, "up to Linux's limit");
    EQ(rig_write(s, "x", 1, 0), 1, "the other way");
    tcp_set_rcvbuf(&c->tcb, 8192);
    tcp_options(&c->tcb)->rcvbuf_locked = 1;
    tcp_options_changed(&c->tcb);
    EQ(tcp_rcvbuf(&c->tcb), 8192, "SO_RCVBUF is reported as set");
    finish(r, c, s);
}

/* More than what a near path is of use for would only leave the processor's caches. A far one, or
 * one that became far, gets as much as it needs. */
static void test_near_and_far(bool v6)
{
    static const hf_time delays[] = {0, 20 * HF_MS};
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);

    for (int far = 0; far < 2; far++) {
        r->delay = delays[far];
        OK(rig_transfer(r, c, s, 40000000, 60 * HF_S), "a transfer");
        OK(far == (tcp_rcvbuf(&s->tcb) > 1048576), "half of a megabyte's window is for near peers");
        OK(far == (tcp_sndbuf(&c->tcb) > 1048576), "and a megabyte of a send buffer");
    }
    finish(r, c, s);
}

/* Zero copies: reserve, commit, peek, consume */
static void test_in_place(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);
    struct hf_iovec iov[4];
    size_t total = 0, got = 0;
    bool same = true;
    int n = tcp_reserve(&c->tcb, 10000, iov, 4);

    OK(n > 0, "room in the send queue");
    for (int i = 0; i < n; i++)
        for (size_t k = 0; k < iov[i].len; k++)
            ((uint8_t *)iov[i].base)[k] = rig_byte(total++);
    tcp_commit(&c->tcb, total);
    rig_run(r, 100 * HF_MS);
    EQ(tcp_readable(&s->tcb), total, "what was put there arrives");
    while ((n = tcp_peek(&s->tcb, iov, 4)) > 0) {
        size_t had = 0;

        for (int i = 0; i < n; i++)
            for (size_t k = 0; k < iov[i].len; k++, had++)
                same = same && ((uint8_t *)iov[i].base)[k] == rig_byte(got + had);
        got += had;
        tcp_consume(&s->tcb, had);
    }
    EQ(n, -HF_EAGAIN, "and then nothing");
    OK(same && got == total, "and is the same");
    tcp_close(&s->tcb, true);
    rig_run(r, 10 * HF_MS);
    EQ(tcp_reserve(&c->tcb, 1, iov, 4), -HF_ECONNRESET, "after a reset there is no room");
    EQ(tcp_peek(&c->tcb, iov, 4), -HF_ECONNRESET, "and the error is still there to be read");
    tcp_close(&c->tcb, false);
    rig_run(r, 130 * HF_S);
    OK(rig_end(r), "nothing is left");
}

/* style.md 12: the n-th allocation fails, for every n */
static void test_no_memory(bool v6)
{
    int n = 0, wrong = 0;
    bool touched = true;

    for (; touched && n < 400; n++) {
        struct sock *c, *s;
        struct rig *r = pair(v6, &c, &s);

        r->fail_at = n;
        wrong += !rig_transfer(r, c, s, 300000, 100 * HF_S);
        touched = r->fail_at < 0;
        r->fail_at = -1;
        tcp_close(&c->tcb, false);
        rig_run(r, HF_S);
        tcp_close(&s->tcb, false);
        rig_run(r, 130 * HF_S);
        wrong += !rig_end(r);
    }
    EQ(wrong, 0, "whichever allocation fails, the bytes arrive and nothing is lost");
}

/* Linux: TCP_NODELAY sends even what TCP_CORK keeps back. */
static void test_nodelay_opens_cork(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);

    c->tcb.opts.cork = 1;
    EQ(rig_write(c, "corked", 6, 0), 6, "six bytes are queued");
    rig_run(r, HF_MS);
    EQ(segments_from(r, 0, true), 0, "the cork keeps them");
    tcp_push(&c->tcb);
    rig_run(r, HF_MS);
    EQ(segments_from(r, 0, true), 1, "until they are pushed");
    EQ(rig_write(c, "corked", 6, 0), 6, "six more");
    rig_run(r, HF_MS);
    EQ(segments_from(r, 0, true), 1, "are kept again");
    finish(r, c, s);
}

/* RFC 5482: the time begins with the sending, also between two ticks of the clock */
static void test_user_timeout_between_ticks(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);

    r->delay = 50 * HF_MS;
    c->tcb.opts.user_timeout_ms = 3000;
    rig_run(r, 300 * HF_US);
    EQ(rig_write(c, "once", 4, 0), 4, "four bytes go");
    rig_run(r, 20 * HF_MS);
    EQ(c->tcb.total_retrans, 0, "and are not repeated at once");
    r->delay = 0;
    rig_run(r, HF_S);
    finish(r, c, s);
}

/* A window that cannot be told of is no reason to send one. */
static void test_unscaled_window(bool v6)
{
    struct rig *r = rig_new();
    static uint8_t bytes[1000];
    struct sock *c, *s;

    r->b.tcp.window_scaling = false;
    r->b.tcp.rmem_default = 540000;
    rig_pair(r, v6, &c, &s);
    EQ(rig_write(c, bytes, sizeof(bytes), 0), 1000, "a thousand bytes go");
    rig_run(r, 100 * HF_MS);
    r->seen_count = 0;
    EQ(rig_read(s, bytes, sizeof(bytes), 0), 1000, "and are read");
    rig_run(r, 100 * HF_MS);
    EQ(segments_from(r, 1, false), 0, "nothing is told again");
    finish(r, c, s);
}

/* RFC 7661: what is not used does not grow; in slow start up to twice what was. */
static void test_unused_window(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);
    static uint8_t bytes[16 * 1448];
    uint32_t initial = 10u * c->tcb.mss;

    for (int i = 0; i < 20; i++) {
        EQ(rig_write(c, bytes, 5u * c->tcb.mss, 0), 5 * c->tcb.mss, "half a window goes");
        rig_run(r, 100 * HF_MS);
        while (rig_read(s, bytes, sizeof(bytes), 0) > 0)
            ;
    }
    EQ(c->tcb.cwnd, initial, "the window is as it was");
    for (int i = 0; i < 20; i++) {
        EQ(rig_write(c, bytes, 8u * c->tcb.mss, 0), 8 * c->tcb.mss, "more goes");
        rig_run(r, 100 * HF_MS);
        while (rig_read(s, bytes, sizeof(bytes), 0) > 0)
            ;
    }
    OK(c->tcb.cwnd > initial && c->tcb.cwnd <= 18u * c->tcb.mss, "and it grows to twice of that");
    finish(r, c, s);
}

/* RFC 2861 3, RFC 5681 4.1: half of the window for each timeout in which nothing went, but what
 * every connection may have at first; what had been reached is remembered */
static void test_idle(bool v6, bool restarts)
{
    static const struct {
        unsigned halves, cwnd, ssthresh; /* of a timeout; in segments */
    } rows[] = {{1, 160, 100}, {3, 80, 120}, {5, 40, 120}, {11, 10, 120}, {400, 10, 120}};

    for (size_t i = 0; i < HF_COUNT(rows); i++) {
        struct sock *c, *s;
        struct rig *r = pair(v6, &c, &s);
        uint32_t mss = c->tcb.mss;

        r->a.tcp.slow_start_after_idle = restarts;
        EQ(rig_write(c, "x", 1, 0), 1, "a byte goes");
        rig_run(r, 10 * HF_MS);
        c->tcb.cwnd = 160 * mss;
        c->tcb.ssthresh = 100 * mss;
        c->tcb.last_snd = tcp_ms(&r->a.tcp);
        rig_run(r, rows[i].halves * rtt_rto_ms(&c->tcb) * HF_MS / 2);
        EQ(rig_write(c, "x", 1, 0), 1, "and after a while another");
        EQ(c->tcb.cwnd / mss, restarts ? rows[i].cwnd : 160, "the window has been halved so often");
        EQ(c->tcb.ssthresh / mss, restarts ? rows[i].ssthresh : 100, "slow start ends near it");
        finish(r, c, s);
    }
}

static enum verdict lose_all(struct rig *r, struct host *to, struct hf_frame *f,
                             const struct seen *n)
{
    return LOSE;
}

/* RFC 8985 7.3: a probe is one segment, however much waits and the link would take. */
static void test_probe_is_one_segment(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);
    static uint8_t bytes[10 * 1448];
    uint32_t before = c->tcb.snd_max, mss = c->tcb.mss;

    r->a.link.gso_max = HF_FRAME_MAX;
    c->tcb.cwnd = 2 * mss;
    c->tcb.srtt_us = c->tcb.min_rtt_us = 20000;
    r->filter = lose_all;
    EQ(rig_write(c, bytes, sizeof(bytes), 0), (int)sizeof(bytes), "more than the window is queued");
    rig_run(r, HF_MS);
    EQ(c->tcb.snd_max - before, 2 * mss, "the window goes");
    rig_run(r, 100 * HF_MS);
    EQ(c->tcb.snd_max - before, 3 * mss, "and one segment asks after it");
    finish(r, c, s);
}

int main(void)
{
    tap_begin(60);
    for (int v6 = 0; v6 < 2; v6++) {
        test_nodelay_opens_cork(v6);
        test_user_timeout_between_ticks(v6);
        test_unscaled_window(v6);
        test_unused_window(v6);
        test_idle(v6, true);
        test_idle(v6, false);
        test_probe_is_one_segment(v6);
        test_zero_window(v6);
        test_silly_window(v6);
        test_delayed_ack(v6);
        test_every_second(v6);
        test_ack_on_read(v6);
        test_buffers(v6);
        test_near_and_far(v6);
        test_in_place(v6);
        test_no_memory(v6);
    }
    return tap_end();
}
