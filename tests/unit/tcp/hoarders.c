/* Peers that cost as much memory and as many segments as they can: each has a share, for a time.
 * Memory is counted in bytes of the allocator, work in segments. */
#include "clients.h"
#include "peer.h"

#include "transport/tcp/repair.h"
#include "transport/tcp/ring.h"

#define DAY (86400 * HF_S)

static void finish(struct rig *r)
{
    OK(rig_end(r), "  and nothing is left behind");
}

/* ---- windows ---- */

/* Lets a time pass in which the peer answers whatever it hears by h; how often that was. */
static uint32_t answer_for(struct rig *r, bool v6, struct tcp_header *h, hf_time span)
{
    hf_time until = r->now + span;
    uint32_t heard = 0;

    while (r->now < until) {
        rig_clock(r, HF_MAX(r->now, HF_MIN(rig_next(r), until)));
        r->seen_count = 0;
        while (rig_step(r))
            ;
        if (!r->seen_count)
            continue;
        heard += r->seen_count;
        rig_inject(r, v6, h, NULL, 0);
    }
    return heard;
}

/* A window of 0 for a week: RFC 9293 3.8.6.1 has it wait, and ask ever more seldom. */
static void test_closed_window(bool v6)
{
    static const uint8_t bytes[100000];
    struct rig *r = rig_new();
    struct sock *c = peer_opened(r, v6, NULL);
    struct tcp_header h = peer_says(c);
    int64_t before;

    h.window = 0;
    h.has_timestamps = true;
    h.ts_val = PEER_TS;
    rig_inject(r, v6, &h, NULL, 0);
    while (rig_write(c, bytes, sizeof(bytes), 0) > 0)
        ;
    before = r->allocated;
    OK(answer_for(r, v6, &h, 7 * DAY) <= 7 * 86400 / 60,
       "a window closed for a week is asked for once in a minute or two");
    EQ(r->allocated, before, "  and takes no more memory than at first");
    EQ(tcp_state(&c->tcb), TCP_ESTABLISHED, "  whoever is answered waits");
    EQ(tcb_flight(&c->tcb), 0, "  nothing was sent into it");
    tcp_close(&c->tcb, false);
    EQ(answer_for(r, v6, &h, 600 * HF_S) < 20 && r->a.core.stats.tcp_connections == 0, 1,
       "nobody waits any more: it is given up within minutes");
    finish(r);
}

/* A window that opens by a byte at a time, and takes it back */
static void test_shrinking_window(bool v6)
{
    static const uint8_t bytes[60000];
    struct rig *r = rig_new();
    struct sock *c = peer_opened(r, v6, NULL);
    struct tcp_header h = peer_says(c);
    uint32_t una = c->tcb.snd_una, sent = 0, beyond = 0;

    h.has_timestamps = true;
    h.ts_val = PEER_TS;
    rig_inject(r, v6, &h, NULL, 0);
    EQ(rig_write(c, bytes, sizeof(bytes), 0) > 30000, 1, "much is written");
    while (rig_step(r))
        ;
    for (uint32_t i = 0; i < 5000; i++) {
        h.ack = una;
        h.window = i % 3 ? 0 : (uint16_t)(i % 7);
        r->seen_count = 0;
        rig_inject(r, v6, &h, NULL, 0);
        sent += r->seen_count;
        for (uint32_t k = 0; k < r->seen_count; k++)
            beyond += seq_gt(r->seen[k].h.seq + r->seen[k].len, c->tcb.snd_max);
    }
    OK(sent < 100, "a window that shrinks below what is out makes nobody send");
    EQ(beyond, 0, "  anything new");
    OK(board_of(&c->tcb) == NULL || board_of(&c->tcb)->count <= 1024, "  nor remember");
    OK(answer_for(r, v6, &h, 3600 * HF_S) < 200, "an hour of it takes a few repeats");
    EQ(tcp_state(&c->tcb), TCP_ESTABLISHED, "  and does not end it");
    tcp_close(&c->tcb, true);
    finish(r);
}

/* ---- sizes ---- */

static uint16_t offered_mss;

static void offer_mss(struct tcp_header *h)
{
    h->mss = offered_mss;
    h->has_timestamps = false;
    h->has_sack_permitted = true;
}

/* CVE-2019-11479, and CVE-2019-11477's pattern: the smallest segments, every other one selectively
 * acknowledged, over and over */
static void test_sack_of_death(bool v6)
{
    static const uint16_t offers[] = {0, 1, 8, 48, 88, 536};
    static const uint8_t bytes[200000];

    for (size_t i = 0; i < HF_COUNT(offers); i++) {
        struct rig *r = rig_new();
        struct sock *c;
        struct tcp_header h;
        uint32_t una, segments;
        int64_t before;

        offered_mss = offers[i];
        c = peer_opened(r, v6, offer_mss);
        h = peer_says(c);
        OK(c->tcb.mss >= 48, "a peer's MSS may be small, but not absurd");
        c->tcb.cwnd = 60000;
        before = r->allocated;
        EQ(rig_write(c, bytes, 60000, 0) > 0, 1, "  bytes are written");
        while (rig_step(r))
            ;
        una = c->tcb.snd_una;
        r->seen_count = segments = 0;
        for (uint32_t round = 0; round < 3; round++)
            for (uint32_t at = 48; at + 400 < tcb_flight(&c->tcb); at += 4 * 96) {
                for (h.sack_count = 0; h.sack_count < 4; h.sack_count++) {
                    uint32_t left = una + at + h.sack_count * 96u;

                    h.sack[h.sack_count] = (struct sack_block){left, left + 48};
                }
                r->seen_count = 0;
                rig_inject(r, v6, &h, NULL, 0);
                segments += r->seen_count;
            }
        OK(board_of(&c->tcb) && board_of(&c->tcb)->count <= 1024, "  the scoreboard has an end");
        OK(segments < 3 * 60000 / 48 + 100, "  each is repeated once at most");
        OK(r->allocated - before < 1 << 20, "  and memory has, with the pool's idle frames");
        h.sack_count = 0;
        h.ack = c->tcb.snd_max;
        rig_inject(r, v6, &h, NULL, 0);
        EQ(tcb_flight(&c->tcb), 0, "  an acknowledgement of all ends it");
        tcp_close(&c->tcb, true);
        finish(r);
    }
}

/* RFC 5681 5 (Savage's duplicates), RFC 6582: without SACK, one duplicate stands for one segment */
static void no_sack(struct tcp_header *h)
{
    h->has_timestamps = false;
}

static void test_duplicates(bool v6)
{
    static const uint8_t bytes[200000];
    struct rig *r = rig_new();
    struct sock *c = peer_opened(r, v6, no_sack);
    struct tcp_header h = peer_says(c);
    uint32_t flight;

    rig_inject(r, v6, &h, NULL, 0);
    EQ(rig_write(c, bytes, sizeof(bytes), 0) > 0, 1, "bytes are out");
    while (rig_step(r))
        ;
    flight = tcb_flight(&c->tcb);
    for (int i = 0; i < 20000; i++) {
        r->seen_count = 0;
        rig_inject(r, v6, &h, NULL, 0);
    }
    OK(c->tcb.cwnd <= c->tcb.ssthresh + tcb_flight(&c->tcb) + c->tcb.mss,
       "duplicates without end open the window for what is out, and no more");
    OK(tcb_flight(&c->tcb) >= flight && tcb_flight(&c->tcb) <= 60000, "  which stays in bounds");
    tcp_close(&c->tcb, true);
    finish(r);
}

/* ---- what is received ---- */

/* A megabyte's buffer, and bytes beyond more gaps than anybody honest leaves: CVE-2018-5390. */
static void test_gaps(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c = peer_opened(r, v6, no_sack);
    struct tcp_header h = peer_says(c);
    uint32_t runs = 0, at = PEER_NXT;
    uint64_t refused;
    int64_t before = r->allocated;

    tcp_set_rcvbuf(&c->tcb, 4 << 20);
    c->tcb.rcv_adv = c->tcb.rcv_nxt + (1 << 20); /* as if it had been told */
    for (uint32_t i = 0; i < 3000; i++) {        /* at the end: a place is found at once */
        h.seq = PEER_NXT + 100 + i * 100;
        rig_inject(r, v6, &h, "x", 1);
    }
    EQ(r->a.core.drops[HF_DROP_TCP_RCVBUF], 0, "gap after gap in order is taken");
    for (uint32_t i = 0; i < 3000; i++) { /* between: only as far as is looked for */
        h.seq = PEER_NXT + 150 + (i * 7919 % 3000) * 100;
        rig_inject(r, v6, &h, "y", 1);
    }
    refused = r->a.core.drops[HF_DROP_TCP_RCVBUF];
    OK(refused > 2000, "a place behind hundreds of gaps is not looked for");
    for (struct hf_frame *f = ring_first(&c->tcb.ooo); f;
         f = f == c->tcb.ooo.last ? NULL : f->next) {
        runs += seq_gt(place(f)->seq, at);
        at = place(f)->seq + f->len;
    }
    EQ(runs, 6000 - refused, "  the others are kept apart");
    OK(c->tcb.rmem <= c->tcb.rcvbuf && r->allocated - before < 5 << 20, "  memory has an end");
    for (uint32_t i = 0; tcp_readable(&c->tcb) < 299000 && i < 299; i++) {
        static const uint8_t fill[1000];

        h.seq = PEER_NXT + i * 1000;
        rig_inject(r, v6, &h, fill, sizeof(fill));
    }
    OK(tcp_readable(&c->tcb) >= 299000, "  and who fills the gaps is heard");
    tcp_close(&c->tcb, true);
    finish(r);
}

/* Each segment says it all again, and one byte more: it is charged with all its pages. */
static void test_pages(bool v6)
{
    static const uint8_t bytes[30000];
    struct rig *r = rig_new();
    struct sock *c = peer_opened(r, v6, no_sack);
    struct tcp_header h = peer_says(c);
    int64_t before = r->allocated;

    rig_inject(r, v6, &h, bytes, sizeof(bytes));
    for (uint32_t i = 1; i < 2000; i++) {
        h.seq = PEER_NXT + i;
        rig_inject(r, v6, &h, bytes, sizeof(bytes));
    }
    OK(tcp_readable(&c->tcb) >= 30000, "some of it is taken");
    OK(r->allocated - before < 3 * (int64_t)c->tcb.rcvbuf, "a byte costs what it holds on to");
    tcp_close(&c->tcb, true);
    finish(r);
}

/* The same numbers, other bytes: what has been taken once stays as it is. */
static void test_overlap(bool v6)
{
    uint32_t changed = 0, foreign = 0;

    for (unsigned round = 0; round < 40; round++) {
        struct rig *r = rig_new();
        struct sock *c = peer_opened(r, v6, no_sack);
        struct tcp_header h = peer_says(c);
        uint8_t said[3000] = {0}, first[3000], second[3000], one[200];
        int64_t n = 0, m;

        r->seed = round + 1;
        for (unsigned i = 0; i < 600; i++) {
            uint16_t dice[2];
            uint32_t from, len;

            rig_random(r, dice, sizeof(dice));
            from = i < 400 ? dice[0] % 3000u : (i - 400) * 15;
            len = HF_MIN(i < 400 ? dice[1] % 200u + 1 : 15, 3000 - from);
            for (uint32_t k = 0; k < len; k++) { /* one of two tellers, by position */
                one[k] = (uint8_t)((from + k) * 2 + (i & 1));
                said[from + k] |= (uint8_t)(1u << (i & 1));
            }
            h.seq = PEER_NXT + from;
            rig_inject(r, v6, &h, one, len);
            m = rig_read(c, second, sizeof(second), TCP_RECV_PEEK);
            changed += n > 0 && (m < n || memcmp(first, second, (size_t)n) != 0);
            n = m > 0 ? m : n;
            memcpy(first, second, sizeof(first));
        }
        for (int64_t i = 0; i < n; i++)
            foreign += (first[i] & 0xfe) != (uint8_t)(i * 2) || !(said[i] & 1u << (first[i] & 1));
        foreign += n != 3000;
        tcp_close(&c->tcb, true);
        foreign += !rig_end(r);
    }
    EQ(changed, 0, "what could be read once does not change");
    EQ(foreign, 0, "and each byte is one that was said there");
}

/* The FIN twice, alone and behind bytes, and bytes behind it: of that nothing is kept. */
static void test_behind_fin(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c = peer_opened(r, v6, no_sack);
    struct tcp_header h = peer_says(c);
    char bytes[8];

    h.seq = PEER_NXT + 3;
    rig_inject(r, v6, &h, "def", 3);
    h.flags |= TCP_FIN;
    h.seq = PEER_NXT + 6;
    rig_inject(r, v6, &h, NULL, 0);
    h.seq = PEER_NXT + 3;
    rig_inject(r, v6, &h, "def", 3);
    h.flags = TCP_ACK;
    h.seq = PEER_NXT + 9;
    rig_inject(r, v6, &h, "jkl", 3);
    h.seq = PEER_NXT;
    rig_inject(r, v6, &h, "abc", 3);
    OK(rig_read(c, bytes, sizeof(bytes), 0) == 6 && memcmp(bytes, "abcdef", 6) == 0,
       "bytes up to the FIN are read");
    EQ(rig_read(c, bytes, sizeof(bytes), 0), 0, "  and then the end");
    OK(!c->tcb.ooo.last && !c->tcb.rmem, "  nothing is kept of what was said behind it");
    tcp_close(&c->tcb, true);
    finish(r);
}

/* ---- connections ---- */

/* b closes first, as servers do; the client never says that it has ended, too. */
static void test_fin_wait_2(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->b, v6, 80, 16);
    uint32_t most = 3000, bytes;
    int64_t before = r->allocated;

    for (uint32_t i = 0; i < most; i++) {
        uint32_t ack = client_opens(r, v6, i);

        tcp_close(&rig_accept(l)->tcb, false);
        client_says(r, v6, i, TCP_ACK, 1001, ack + 1, 0);
    }
    EQ(r->b.core.stats.tcp_connections, most, "thousands in FIN-WAIT-2");
    bytes = (uint32_t)((r->allocated - before) / most);
    OK(bytes < 1024, "  cost less than a kilobyte each");
    for (int minute = 0; minute < 2; minute++) { /* whatever they say meanwhile */
        rig_clock(r, r->now + 31 * HF_S);
        for (uint32_t i = 0; i < most; i++)
            client_says(r, v6, i, TCP_ACK, 1001, 0, 0);
    }
    EQ(r->b.core.stats.tcp_connections, 0, "  and are gone after a minute");
    tcp_close(&l->tcb, true);
    finish(r);
}

static void test_time_wait(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->b, v6, 80, 16);
    uint32_t most = r->b.tcp.time_waits_most = 1000;

    for (uint32_t i = 0; i < 3 * most; i++) {
        uint32_t ack = client_opens(r, v6, i);

        tcp_close(&rig_accept(l)->tcb, false);
        client_says(r, v6, i, TCP_ACK | TCP_FIN, 1001, ack + 1, 0);
    }
    EQ(r->b.core.stats.tcp_time_wait, most, "so many TIME-WAITs and no more");
    EQ(r->b.core.drops[HF_DROP_TCP_TIME_WAITS], 2 * most, "  the others are counted");
    EQ(r->b.core.stats.tcp_connections, 0, "  and end at once");
    rig_clock(r, r->now + 61 * HF_S);
    EQ(r->b.core.stats.tcp_time_wait, 0, "  they last a minute");
    tcp_close(&l->tcb, true);
    finish(r);
}

/* A program that accepts nothing, and clients that fill what there is */
static void test_backlog(bool v6)
{
    struct rig *r = rig_new();
    uint32_t backlog = 50, open = 0, refused = 0;
    struct sock *l = rig_listen(&r->b, v6, 80, backlog);
    int64_t before = r->allocated, share = 3 * (int64_t)r->b.tcp.rmem_default;

    r->b.tcp.syn_cookies = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        uint32_t ack = client_opens(r, v6, i);

        if (!ack) {
            refused++;
            continue;
        }
        open++;
        for (uint32_t k = 0; k < 100; k++)
            client_says(r, v6, i, TCP_ACK, 1001 + k * 1400, ack, 1400);
    }
    EQ(l->tcb.listen.accept_len, backlog + 1, "so many wait and no more");
    OK(refused > 1900 - backlog, "  the others are not answered");
    OK(r->allocated - before < (backlog + 10) * share, "  each has its share of memory");
    tcp_close(&l->tcb, true);
    EQ(r->b.core.stats.tcp_connections, 0, "  and goes with the listener");
    finish(r);
}

int main(void)
{
    tap_begin(120);
    for (int v6 = 0; v6 < 2; v6++) {
        test_closed_window(v6);
        test_shrinking_window(v6);
        test_sack_of_death(v6);
        test_duplicates(v6);
        test_gaps(v6);
        test_pages(v6);
        test_overlap(v6);
        test_behind_fin(v6);
        test_fin_wait_2(v6);
        test_time_wait(v6);
        test_backlog(v6);
    }
    return tap_end();
}
