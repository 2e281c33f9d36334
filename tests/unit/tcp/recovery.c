/* Loss and reordering as SACK, RACK-TLP, PRR and undo deal with them: what is sent again, when, and
 * what becomes of the window. */
#include "board.h"
#include "rig.h"

#include "transport/tcp/repair.h"

#define MSS 1448

/* ---- a wire that the test tells what to do ---- */

static unsigned data_count;            /* data segments of a's, first transmissions */
static uint32_t data_end;              /* their highest end */
static unsigned lose_first, lose_many; /* those that are lost: from this one on, so many */
static unsigned lose_every;            /* 0: or each so-manieth */
static unsigned lose_repeats;          /* so many repeats are lost too */
static unsigned hold_every;            /* 0: or each so-manieth is late */
static unsigned lost;
static bool hold_acks, lose_dsacks;
static hf_time hold_for;

static struct {
    struct hf_frame *f;
    struct host *to;
    hf_time until;
} held[512];
static unsigned held_count;

static void wire_reset(void)
{
    data_count = lose_first = lose_many = lose_every = lose_repeats = hold_every = lost = 0;
    data_end = 0;
    hold_acks = lose_dsacks = false;
    hold_for = 0;
}

static enum verdict hold(struct rig *r, struct host *to, struct hf_frame *f)
{
    held[held_count].f = f;
    held[held_count].to = to;
    held[held_count++].until = r->now + hold_for;
    return TAKE;
}

static enum verdict wire(struct rig *r, struct host *to, struct hf_frame *f, const struct seen *s)
{
    bool is_new = s->from == 0 && s->len && (!data_end || seq_gt(s->h.seq + s->len, data_end));

    if (s->from == 1 && lose_dsacks && s->h.sack_count && seq_le(s->h.sack[0].right, s->h.ack))
        return LOSE;
    if (s->from == 1)
        return hold_acks && held_count < HF_COUNT(held) ? hold(r, to, f) : PASS;
    if (!s->len)
        return PASS;
    if (!is_new) {
        if (!lose_repeats)
            return PASS;
        lose_repeats--;
        lost++;
        return LOSE;
    }
    data_end = s->h.seq + s->len;
    data_count++;
    if ((data_count >= lose_first && data_count - lose_first < lose_many) ||
        (lose_every && data_count % lose_every == 0)) {
        lost++;
        return LOSE;
    }
    if (hold_every && data_count % hold_every == 0 && held_count < HF_COUNT(held))
        return hold(r, to, f);
    return PASS;
}

/* Time passes; what was held arrives when it is due. */
static void run(struct rig *r, hf_time span)
{
    hf_time until = r->now + span;

    while (r->now < until) {
        unsigned kept = 0;

        rig_run(r, HF_MS);
        for (unsigned i = 0; i < held_count; i++) {
            struct hf_frame *f = held[i].f;

            if (held[i].until > r->now) {
                held[kept++] = held[i];
                continue;
            }
            f->flags &= (uint8_t)~HF_FRAME_CSUM_PARTIAL;
            f->flags |= HF_FRAME_CSUM_OK;
            held[i].to->link.input(held[i].to->link.above, &held[i].to->link, f);
        }
        held_count = kept;
    }
}

/* Connects the two ends of r; from then on a round trip takes 20 ms. */
static void join(struct rig *r, bool v6, struct sock **c, struct sock **s)
{
    wire_reset();
    rig_pair(r, v6, c, s);
    (*c)->tcb.min_rtt_us = (*c)->tcb.srtt_us = 20000; /* the handshake took none */
    (*s)->tcb.min_rtt_us = (*s)->tcb.srtt_us = 20000;
    r->delay = 10 * HF_MS;
    r->filter = wire;
}

static struct rig *pair(bool v6, struct sock **c, struct sock **s)
{
    struct rig *r = rig_new();

    join(r, v6, c, s);
    return r;
}

/* Moves total bytes, at most limit long; how long it took, or -1. */
static hf_time move(struct rig *r, struct sock *from, struct sock *to, uint32_t total,
                    hf_time limit)
{
    static uint8_t buf[65536];
    hf_time began = r->now;
    uint32_t sent = 0, got = 0;
    int64_t n;

    while (got < total && r->now - began < limit) {
        while (sent < total) {
            uint32_t len = HF_MIN(total - sent, (uint32_t)sizeof(buf));

            for (uint32_t i = 0; i < len; i++)
                buf[i] = rig_byte(sent + i);
            n = rig_write(from, buf, len, 0);
            if (n <= 0)
                break;
            sent += (uint32_t)n;
        }
        while ((n = rig_read(to, buf, sizeof(buf), 0)) > 0)
            for (int64_t i = 0; i < n; i++)
                if (buf[i] != rig_byte(got++))
                    return -1;
        if (!board_is_sound(&from->tcb))
            return -1;
        run(r, HF_MS);
    }
    return got == total ? r->now - began : -1;
}

/* Brings the window up; then nothing is out. */
static void warm(struct rig *r, struct sock *c, struct sock *s, uint32_t total)
{
    (void)!move(r, c, s, total, HF_S);
    run(r, 100 * HF_MS);
}

static void finish(struct rig *r, struct sock *c, struct sock *s)
{
    hold_acks = false;
    run(r, 2 * HF_S);
    OK(!repair_of(&c->tcb) && !repair_of(&s->tcb), "at rest nothing is kept of repair");
    r->filter = NULL;
    tcp_close(&c->tcb, true);
    run(r, HF_S);
    tcp_close(&s->tcb, true);
    run(r, HF_S);
    OK(rig_end(r), "nothing is left behind");
}

static unsigned repeats(const struct sock *c)
{
    return c->tcb.total_retrans;
}

/* ---- the options ---- */

/* RFC 2018 2: offered, and answered only to who offered it */
static void test_permitted(bool asks)
{
    struct rig *r = rig_new();
    struct sock *c, *s;

    r->a.tcp.sack = asks;
    rig_pair(r, asks, &c, &s);
    EQ(r->seen[0].h.has_sack_permitted, asks, "a SYN offers SACK");
    EQ(r->seen[1].h.has_sack_permitted, asks, "the answer permits it to who asked");
    EQ(c->tcb.sack_ok, asks, "and the client knows");
    EQ(s->tcb.sack_ok, asks, "as does the server");
    tcp_close(&c->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is left behind by the options");
}

/* RFC 2018 4: the first block has the newest segment; at most three beside timestamps */
static void test_blocks(void)
{
    struct sock *c, *s;
    struct rig *r = pair(false, &c, &s);
    bool newest_first = true, known = true;
    uint32_t last_end = 0;
    unsigned with = 0;

    warm(r, c, s, 200000);
    lose_every = 4;
    r->seen_count = 0;
    EQ(move(r, c, s, 60000, HF_S) > 0, 1, "bytes come around every fourth segment's loss");
    for (unsigned i = 0; i < r->seen_count; i++) {
        const struct seen *n = &r->seen[i];

        if (n->from == 0) {
            last_end = n->len ? n->h.seq + n->len : last_end;
            continue;
        }
        with += n->h.sack_count > 0;
        known = known && n->h.sack_count <= 3;
        for (unsigned k = 0; k < n->h.sack_count; k++) {
            newest_first = newest_first && (k == 0 || n->h.sack[k].left != n->h.sack[0].left);
            known = known && seq_lt(n->h.sack[k].left, n->h.sack[k].right) &&
                    seq_gt(n->h.sack[k].left, n->h.ack) && seq_le(n->h.sack[k].right, data_end);
        }
    }
    OK(with > 3, "acknowledgements tell of what lies beyond the gap");
    OK(known && newest_first, "each block once, beyond the acknowledgement, three at most");
    finish(r, c, s);
}

/* RFC 2883 4: what came twice is told in the first block, once */
static void test_dsack(void)
{
    struct sock *c, *s;
    struct rig *r = pair(true, &c, &s);
    unsigned told = 0;

    warm(r, c, s, 50000);
    hold_acks = true;
    hold_for = 500 * HF_MS;
    r->seen_count = 0;
    (void)!move(r, c, s, 1000, HF_S);
    run(r, 400 * HF_MS);
    for (unsigned i = 0; i < r->seen_count; i++) {
        const struct seen *n = &r->seen[i];

        if (n->from == 1 && n->h.sack_count) {
            told++;
            EQ(n->h.sack[0].right, n->h.ack, "a D-SACK names the bytes that came again");
            EQ(n->h.ack - n->h.sack[0].left, 1000, "all of them");
        }
    }
    OK(told > 0 && told <= repeats(c), "each duplicate is told of once");
    finish(r, c, s);
}

/* ---- repair ---- */

/* RFC 6675, RFC 8985: each n-th segment lost, no timeout, nothing sent in vain */
static void test_every(bool v6, unsigned every)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);
    hf_time took;

    warm(r, c, s, 300000);
    lose_every = every;
    took = move(r, c, s, 600000, 20 * HF_S);
    OK(took > 0, "bytes arrive around every so-manieth loss");
    EQ(repeats(c), lost, "what was lost is sent again, and nothing else: RFC 8985 6.2");
    OK(lost >= 600000 / MSS / every - 1, "there were losses");
    finish(r, c, s);
}

/* A whole burst: one round trip to learn of it, PRR to repair it: RFC 6937, RFC 9937 */
static void test_burst(bool v6, unsigned many)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);
    uint32_t before;
    hf_time took;

    warm(r, c, s, 600000);
    before = c->tcb.cwnd;
    lose_first = data_count + 10;
    lose_many = many;
    took = move(r, c, s, 600000, 20 * HF_S);
    OK(took > 0 && took < 190 * HF_MS, "a burst of losses is repaired without a timeout: RFC 9937");
    EQ(lost, many, "the burst was lost");
    EQ(repeats(c), many, "and sent again once");
    OK(c->tcb.ssthresh >= before / 2 && c->tcb.ssthresh < before * 3 / 4,
       "the window is cut once, to 0.7: RFC 9438 4.6");
    finish(r, c, s);
}

/* RFC 8985 6.2: a repeat that is lost is found out by what was sent after it */
static void test_lost_repeat(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);
    hf_time took;

    warm(r, c, s, 600000);
    c->tcb.cwnd = 200u * MSS; /* the peer's window has room for what is sent after the repeats */
    lose_first = data_count + 5;
    lose_many = 2;
    lose_repeats = 3;
    took = move(r, c, s, 800000, 20 * HF_S);
    OK(took > 0 && took < 190 * HF_MS, "lost repeats are repaired without a timeout");
    EQ(repeats(c), 5, "each once more");
    finish(r, c, s);
}

/* RFC 8985 7: the tail has nothing behind it that would tell */
static void test_tail(bool v6, unsigned many)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);
    uint32_t before;
    hf_time took;

    warm(r, c, s, 100000);
    before = c->tcb.cwnd;
    lose_first = data_count + 1 + 8 - many;
    lose_many = many;
    took = move(r, c, s, 8 * MSS, 20 * HF_S);
    run(r, 100 * HF_MS);
    EQ(lost, many, "the tail was lost");
    /* A single segment may have its acknowledgement delayed: 200 ms more. */
    OK(took > 0 && took < (many > 1 ? 200 : 300) * HF_MS, "a probe repairs the tail");
    EQ(c->tcb.retries, 0, "no timeout does");
    OK(repeats(c) <= many + 1, "hardly anything is sent again in vain");
    OK(c->tcb.ssthresh < before, "and the window answers for the loss: RFC 8985 7.4");
    finish(r, c, s);
}

/* A probe that was not needed costs nothing but itself */
static void test_tail_late(void)
{
    struct sock *c, *s;
    struct rig *r = pair(false, &c, &s);
    uint32_t before;

    warm(r, c, s, 100000);
    before = c->tcb.cwnd;
    hold_acks = true;
    hold_for = 60 * HF_MS;
    OK(move(r, c, s, 4 * MSS, HF_S) > 0, "bytes arrive, their acknowledgement is late");
    run(r, 50 * HF_MS);
    hold_acks = false;
    run(r, 100 * HF_MS);
    EQ(repeats(c), 1, "one probe was sent");
    OK(c->tcb.cwnd >= before && c->tcb.ssthresh > before, "the window is not cut for it");
    finish(r, c, s);
}

/* RFC 8985 6.2: what is late by less than a quarter of a round trip is not lost */
static void test_reordering(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);
    unsigned first;

    warm(r, c, s, 100000);
    hold_every = 40;
    hold_for = 3 * HF_MS;
    OK(move(r, c, s, 400000, 5 * HF_S) > 0, "bytes arrive out of order");
    first = repeats(c);
    OK(first <= 4, "until the first was noticed something may be repeated");
    OK(c->tcb.reord_seen, "then reordering is known");
    OK(move(r, c, s, 2000000, 10 * HF_S) > 0, "and more bytes arrive");
    EQ(repeats(c), first, "without one spurious repeat");
    OK(c->tcb.cwnd > 100 * MSS, "and the window grows on");
    finish(r, c, s);
}

/* What a false alarm must not change. */
struct before {
    uint32_t cwnd, ssthresh;
};

/* A pair with such options whose window is up. */
static struct rig *warm_pair(bool v6, bool timestamps, bool sack, struct sock **c, struct sock **s,
                             struct before *before)
{
    struct rig *r = rig_new();

    r->a.tcp.timestamps = timestamps;
    r->a.tcp.sack = sack;
    join(r, v6, c, s);
    warm(r, *c, *s, 400000);
    *before = (struct before){(*c)->tcb.cwnd, (*c)->tcb.ssthresh};
    return r;
}

/* A segment so late that it is repeated: the D-SACK of the second one says so (RFC 3708), or that
 * the answer to the first echoes a timestamp older than the repeat (RFC 3522) */
static void test_late_segment(bool v6, bool timestamps)
{
    struct sock *c, *s;
    struct before before;
    struct rig *r = warm_pair(v6, timestamps, true, &c, &s, &before);

    lose_dsacks = timestamps;
    data_count = 0;
    hold_every = 12;
    hold_for = (timestamps ? 15 : 45) * HF_MS;
    OK(move(r, c, s, 20 * MSS, HF_S) > 0, "bytes arrive, some of them late");
    run(r, 100 * HF_MS);
    EQ(repeats(c), 1, "one was repeated for nothing");
    OK(c->tcb.cwnd >= before.cwnd, "the window is as it was");
    EQ(c->tcb.ssthresh, before.ssthresh, "slow start too");
    OK(c->tcb.reord_seen, "and the path is known to reorder");
    finish(r, c, s);
}

/* RFC 3522, RFC 4015, without timestamps RFC 5682: a path that stops for a while and then goes on
 */
static void test_spurious_timeout(bool v6, bool timestamps, bool sack)
{
    struct sock *c, *s;
    struct before before;
    struct rig *r = warm_pair(v6, timestamps, sack, &c, &s, &before);

    lose_dsacks = true;
    hold_acks = true;
    hold_for = 700 * HF_MS;
    (void)!move(r, c, s, 20 * MSS, 600 * HF_MS);
    run(r, 500 * HF_MS);
    OK(c->tcb.retries > 0 && c->tcb.cwnd < before.cwnd, "a silence is a timeout: RFC 6298 5");
    hold_acks = false;
    run(r, 400 * HF_MS);
    OK(repeats(c) > 0 && c->tcb.retries == 0, "acknowledgements come at last");
    OK(c->tcb.cwnd >= before.cwnd, "and the window is as it was: RFC 4015 3.2");
    EQ(c->tcb.ssthresh, before.ssthresh, "slow start too");
    EQ(c->tcb.backoff, 0, "and the timeout");
    finish(r, c, s);
}

/* RFC 3042, RFC 6928: each of the first two duplicates lets a new segment go */
static void test_limited_transmit(bool sack)
{
    struct rig *r = rig_new();
    struct sock *c, *s;
    static uint8_t bytes[40 * MSS];
    uint32_t max;

    r->a.tcp.sack = sack;
    join(r, false, &c, &s);
    (void)!rig_write(c, bytes, 40 * MSS, 0); /* ten go */
    lose_first = data_count + 8;             /* two behind it tell of it */
    lose_many = 1;
    rig_run(r, 10 * HF_MS);
    max = c->tcb.snd_max;
    EQ(max - c->tcb.snd_una, 10 * MSS, "ten segments are out");
    run(r, 500 * HF_MS);
    OK(repeats(c) == 1 && c->tcb.retries == 0,
       "one loss near the tail is repaired without timeout");
    finish(r, c, s);
}

/* RFC 2018 8: what was SACKed is sent again after a timeout if the peer threw it away */
static void test_reneging(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);

    warm(r, c, s, 100000);
    lose_first = data_count + 1;
    lose_many = 1;
    lose_repeats = 2;
    (void)!move(r, c, s, 20 * MSS, 25 * HF_MS);
    OK(board_of(&c->tcb) && board_of(&c->tcb)->sacked > 0, "the peer has something beyond the gap");
    while (s->tcb.ooo.last) { /* its memory is needed elsewhere */
        struct hf_frame *f = s->tcb.ooo.last->next;

        s->tcb.ooo.last = f == s->tcb.ooo.last ? NULL : s->tcb.ooo.last;
        if (s->tcb.ooo.last)
            s->tcb.ooo.last->next = f->next;
        s->tcb.rmem -= hf_frame_truesize(f);
        hf_frame_free(f);
    }
    sack_forget(&s->tcb);
    run(r, 5 * HF_S);
    EQ(tcb_flight(&c->tcb), 0, "all of it is sent again and acknowledged");
    EQ(tcp_readable(&s->tcb), 20 * MSS, "and is there");
    finish(r, c, s);
}

/* RFC 1191 6.4: the path takes smaller segments only, in the middle of a repair */
static void test_too_big(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);
    static uint8_t bytes[60 * MSS];

    warm(r, c, s, 100000);
    lose_first = data_count + 3;
    lose_many = 20;
    EQ(rig_write(c, bytes, sizeof(bytes), 0), sizeof(bytes), "bytes go");
    run(r, 25 * HF_MS);
    OK(board_of(&c->tcb) && board_of(&c->tcb)->lost, "a repair has begun");
    c->tcb.mss = 1000;
    loss_too_big(&c->tcb);
    tcp_output(&c->tcb);
    OK(board_is_sound(&c->tcb), "the scoreboard stands");
    run(r, 3 * HF_S);
    EQ(tcb_flight(&c->tcb), 0, "all of it goes again in smaller segments");
    EQ(tcp_readable(&s->tcb), 60 * MSS, "and arrives");
    finish(r, c, s);
}

/* The link goes away and comes back: no probe can be sent, so it is a timeout; no probing for ever
 */
static void test_no_path(bool v6)
{
    struct sock *c, *s;
    struct rig *r = pair(v6, &c, &s);

    warm(r, c, s, 100000);
    lose_first = data_count + 1;
    lose_many = 1;
    EQ(rig_write(c, "hello", 5, 0), 5, "bytes go and are lost");
    run(r, 15 * HF_MS);
    net_detach(&r->a.net, &r->a.link);
    run(r, 2 * HF_S);
    OK(c->tcb.retries > 1 && c->tcb.backoff > 1, "without a path it is a timeout, and another");
    OK(net_attach(&r->a.net, &r->a.link) == 0 &&
           net_addr_add(&r->a.net, &r->a.link, &r->a.addr[v6], v6 ? 64 : 120) == 0,
       "the link is back");
    run(r, 10 * HF_S);
    EQ(tcp_readable(&s->tcb), 5, "and the bytes arrive");
    finish(r, c, s);
}

int main(void)
{
    tap_begin(60);
    test_permitted(true);
    test_permitted(false);
    test_blocks();
    test_dsack();
    test_tail_late();
    for (int v6 = 0; v6 < 2; v6++) {
        for (unsigned every = 7; every < 120; every += 31)
            test_every(v6, every);
        for (unsigned many = 1; many < 50; many += 12)
            test_burst(v6, many);
        test_lost_repeat(v6);
        for (unsigned many = 1; many < 5; many++)
            test_tail(v6, many);
        test_reordering(v6);
        test_late_segment(v6, false);
        test_late_segment(v6, true);
        test_spurious_timeout(v6, true, true);
        test_spurious_timeout(v6, false, true);
        test_spurious_timeout(v6, true, false);
        test_limited_transmit(v6);
        test_reneging(v6);
        test_too_big(v6);
        test_no_path(v6);
    }
    return tap_end();
}
