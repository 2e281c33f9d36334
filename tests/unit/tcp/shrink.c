/* Windows at their limits: as large as can be, shrunk by the peer, shrunk to nothing; and our own,
 * which never shrinks and, closed, still lets through what is not bytes. RFC 9293 3.8.6 */
#include "talk.h"

#define MSS 1000

static uint8_t bytes[1 << 20];

/* A peer with that window, and a congestion window that is in nobody's way. */
static void open_wide(struct talk *p, bool v6, bool sack, uint16_t window, int wscale)
{
    struct tcp_header h = {
        .window = window,
        .has_mss = true,
        .mss = MSS,
        .has_sack_permitted = sack,
        .has_wscale = wscale >= 0,
        .wscale = (uint8_t)HF_MAX(wscale, 0),
    };

    talk_open(p, rig_new(), v6, &h);
    p->c->tcb.cwnd = sizeof(bytes);
    p->c->tcb.opts.sndbuf = 4 * sizeof(bytes);
}

/* RFC 9293 MUST-1, REC-1 */
static void test_large(bool v6)
{
    struct talk p;

    open_wide(&p, v6, true, 65535, -1);
    talk_hears(&p, bytes, sizeof(bytes));
    EQ(tcb_flight(&p.c->tcb), 65000, "a window beyond 32767 is used");
    talk_end(&p);
    open_wide(&p, v6, true, 65535, 14);
    talk_says(&p, NULL, 0);
    EQ(p.c->tcb.snd_wnd, 65535u << 14, "and the largest that there is");
    talk_hears(&p, bytes, 200 * MSS);
    EQ(tcb_flight(&p.c->tcb), 200 * MSS, "is more than 16 bits can say");
    talk_end(&p);
}

static uint32_t highest(const struct rig *r)
{
    uint32_t end = r->seen[0].h.seq;

    for (unsigned i = 0; i < r->seen_count; i++)
        end = seq_max(end, r->seen[i].h.seq + r->seen[i].len);
    return end;
}

/* RFC 9293 MUST-34, SHLD-15, SHLD-16 */
static void test_shrunk(bool v6, bool sack)
{
    struct talk p;
    uint32_t una, max;

    open_wide(&p, v6, sack, 20000, -1);
    talk_hears(&p, bytes, 40 * MSS);
    EQ(tcb_flight(&p.c->tcb), 20 * MSS, "a window's worth is out");
    p.h.ack += 5 * MSS;
    p.h.window = 5000;
    talk_says(&p, NULL, 0);
    una = p.c->tcb.snd_una;
    max = p.c->tcb.snd_max;
    EQ(tcb_flight(&p.c->tcb), 15 * MSS, "the window shrinks: ten segments are beyond it");
    EQ(p.r->seen_count, 0, "nothing new is sent");
    rig_run(p.r, 30 * HF_S);
    OK(p.r->seen_count > 2, "what is within it is repeated");
    EQ(highest(p.r) - una <= 5 * MSS, true, "and nothing beyond it");
    EQ(p.c->tcb.snd_max, max, "nor anything new");
    for (unsigned i = 0; i < 4; i++) { /* its edge stays where it is, and cwnd grows */
        p.h.ack += MSS;
        p.h.window -= MSS;
        talk_says(&p, NULL, 0);
        OK(!p.r->seen_count || highest(p.r) - una <= 5 * MSS, "nor when there is room for more");
    }
    p.h.ack = una + 5 * MSS;
    p.h.window = 10000;
    talk_says(&p, NULL, 0);
    EQ(p.c->tcb.snd_una, p.h.ack, "what is acknowledged counts");
    p.h.ack = max;
    talk_says(&p, NULL, 0);
    rig_run(p.r, 10 * HF_S);
    OK(seq_gt(p.c->tcb.snd_max, max), "with room again it goes on");
    EQ(tcp_state(&p.c->tcb), TCP_ESTABLISHED, "as ever");
    talk_end(&p);
}

/* RFC 9293 SHLD-15: a tail that was to be probed, before the window shrank without acknowledging
 * any */
static void test_shrunk_before_probe(bool v6)
{
    struct talk p;
    uint32_t una;

    open_wide(&p, v6, true, 20000, -1);
    una = p.c->tcb.snd_una;
    talk_hears(&p, bytes, 10 * MSS);
    p.h.window = 5000;
    talk_says(&p, NULL, 0);
    rig_run(p.r, 3 * HF_S);
    OK(p.r->seen_count > 0 && highest(p.r) - una <= 5 * MSS, "the tail is not probed any more");
    talk_end(&p);
}

/* Time passes; the peer says of each segment that its window is closed. How many came. */
static unsigned answer_all(struct talk *p, hf_time span)
{
    hf_time until = p->r->now + span;
    unsigned came = 0;

    p->r->seen_count = 0;
    while (p->r->now < until) {
        rig_run(p->r, 100 * HF_MS);
        if (!p->r->seen_count)
            continue;
        came += p->r->seen_count;
        talk_says(p, NULL, 0);
        p->r->seen_count = 0;
    }
    return came;
}

/* RFC 9293 MUST-35, SHLD-17; Linux: tcp_retransmit_timer */
static void test_shrunk_to_nothing(bool v6, bool sack)
{
    struct talk p;
    unsigned probes;

    open_wide(&p, v6, sack, 20000, -1);
    talk_hears(&p, bytes, 10 * MSS);
    p.h.window = 0;
    talk_says(&p, NULL, 0);
    EQ(tcb_flight(&p.c->tcb), 10 * MSS, "ten segments are out when the window closes on them");
    probes = answer_all(&p, 3000 * HF_S);
    OK(probes > 20 && probes < 60, "it is probed, ever more seldom");
    EQ(tcp_state(&p.c->tcb), TCP_ESTABLISHED, "for as long as it takes");
    p.h.window = 60000;
    p.h.ack = p.c->tcb.snd_max;
    talk_says(&p, NULL, 0);
    EQ(tcb_flight(&p.c->tcb), 0, "until there is room");
    talk_hears(&p, bytes, 10 * MSS);
    p.h.window = 0;
    talk_says(&p, NULL, 0);
    rig_run(p.r, 1200 * HF_S);
    EQ(p.c->tcb.pcb.err, HF_ETIMEDOUT, "a peer that says nothing any more is given up");
    talk_end(&p);
}

/* RFC 9293 SHLD-29, SHLD-30, MUST-36, MUST-37: when a window that was closed in good order is
 * probed */
static void test_probes(bool v6)
{
    struct talk p;
    hf_time began, at[8], rto;

    open_wide(&p, v6, true, 0, -1);
    talk_hears(&p, bytes, MSS);
    EQ(tcb_flight(&p.c->tcb), 0, "nothing goes into a closed window");
    began = p.r->now;
    rto = rtt_rto_ms(&p.c->tcb) * HF_MS;
    for (unsigned i = 0; i < HF_COUNT(at); i++) {
        p.r->seen_count = 0;
        while (!p.r->seen_count)
            rig_run(p.r, HF_MS);
        at[i] = p.r->now - began;
        began = p.r->now;
        EQ(talk_last(&p)->h.seq, p.c->tcb.snd_una - 1, "a probe asks with an old number");
        talk_says(&p, NULL, 0);
    }
    OK(at[0] >= rto && at[0] < rto + 20 * HF_MS, "the first comes after a timeout");
    for (unsigned i = 1; i < HF_COUNT(at); i++)
        OK(at[i] > at[i - 1] * 19 / 10 && at[i] < at[i - 1] * 21 / 10, "the next twice as late");
    p.h.window = 5000;
    talk_says(&p, NULL, 0);
    EQ(tcb_flight(&p.c->tcb), MSS, "an answer that opens it lets the bytes go");
    talk_end(&p);
}

/* RFC 9293 SHLD-14, MAY-8: a reader that stops, and reads now and then */
static void test_own_edge(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c, *s;
    uint32_t edge = 0;
    unsigned back = 0, told = 0;

    rig_pair(r, v6, &c, &s);
    for (int i = 0; i < 400; i++) {
        (void)!rig_write(c, bytes, 3000, 0);
        if (i % 50 == 49)
            (void)!rig_read(s, bytes, (size_t)i * 400, 0);
        r->seen_count = 0;
        rig_run(r, 20 * HF_MS);
        for (unsigned k = 0; k < r->seen_count; k++) {
            const struct tcp_header *h = &r->seen[k].h;
            uint32_t to = h->ack + ((uint32_t)h->window << s->tcb.rcv_wscale);

            if (r->seen[k].from == 0)
                continue;
            back += told++ && seq_lt(to + (1u << s->tcb.rcv_wscale) - 1, edge);
            edge = told > 1 ? seq_max(to, edge) : to;
        }
    }
    OK(told > 20, "the window is told of");
    EQ(back, 0, "and its edge never goes back by more than its scale cannot tell");
    while (rig_write(c, bytes, sizeof(bytes), 0) > 0)
        rig_run(r, HF_S);
    rig_run(r, 3600 * HF_S);
    EQ((s->tcb.rcv_adv - s->tcb.rcv_nxt) >> s->tcb.rcv_wscale, 0, "it stays closed for an hour");
    EQ(tcp_state(&s->tcb), TCP_ESTABLISHED, "which is no reason to end");
    tcp_close(&c->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

/* A connection whose program reads nothing, its window full. */
static void open_full(struct talk *p, bool v6)
{
    struct tcp_header h = {.window = 20000};
    struct rig *r = rig_new();
    uint32_t len;

    r->a.tcp.rmem_default = 32768;
    talk_open(p, r, v6, &h);
    while ((len = HF_MIN(p->c->tcb.rcv_adv - p->c->tcb.rcv_nxt, 8192)) > 0) {
        talk_says(p, bytes, len);
        p->h.seq += len;
    }
}

/* RFC 9293 MUST-66: RST and URG, when the window is closed */
static void test_closed_takes(bool v6)
{
    struct talk p;

    open_full(&p, v6);
    talk_says(&p, "x", 1);
    OK(p.r->seen_count == 1 && talk_last(&p)->h.window == 0 && talk_last(&p)->h.ack == p.h.seq,
       "bytes for a closed window are refused");
    p.h.flags |= TCP_URG;
    p.h.urgent = 3;
    p.c->events = 0;
    talk_says(&p, "x", 1);
    OK(p.c->events > 0, "but that some are urgent is told");
    p.h.flags = TCP_RST;
    talk_says(&p, NULL, 0);
    EQ(p.c->tcb.pcb.err, HF_ECONNRESET, "and a RST ends it");
    talk_end(&p);
}

/* RFC 9293 SHLD-14: nor does it when the memory for what comes is used up by crumbs */
static void test_own_edge_without_memory(bool v6)
{
    struct talk p;
    uint32_t edge, first;

    open_wide(&p, v6, true, 20000, -1);
    talk_says(&p, bytes, 1000);
    p.h.seq += 1000;
    edge = talk_last(&p)->h.ack + talk_last(&p)->h.window;
    first = p.h.seq;
    for (unsigned i = 0; i < 2000 && p.r->a.core.drops[HF_DROP_TCP_RCVBUF] < 10; i++) {
        p.h.seq = first + 1 + 2 * i;
        talk_says(&p, "x", 1);
    }
    OK(p.r->a.core.drops[HF_DROP_TCP_RCVBUF] >= 10, "crumbs use up the memory");
    EQ(talk_last(&p)->h.ack + talk_last(&p)->h.window, edge, "the edge stays all the same");
    talk_end(&p);
}

/* RFC 9293 MUST-39: a window that can grow by a little only stays closed */
static void test_receiver_sws(bool v6)
{
    uint8_t to[2000];
    struct talk p;

    open_full(&p, v6);
    p.h.seq--;
    EQ(rig_read(p.c, to, 200, 0), 200, "a little is read");
    talk_says(&p, NULL, 0);
    OK(p.r->seen_count == 1 && talk_last(&p)->h.window == 0, "which is not worth telling");
    EQ(rig_read(p.c, to, 2000, 0), 2000, "more is");
    talk_says(&p, NULL, 0);
    OK(p.r->seen_count && talk_last(&p)->h.window >= 2000, "which is");
    talk_end(&p);
}

/* RFC 9293 MUST-38: a window that grows by crumbs gets no crumbs */
static void test_sender_sws(bool v6)
{
    struct talk p;

    open_wide(&p, v6, true, 5000, -1);
    talk_hears(&p, bytes, 20 * MSS);
    EQ(tcb_flight(&p.c->tcb), 5 * MSS, "a window's worth is out");
    for (unsigned i = 0; i < 9; i++) {
        p.h.window += 100;
        p.h.seq += i == 0;
        talk_says(&p, NULL, 0);
        EQ(p.r->seen_count, 0, "a hundred bytes more are not worth a segment");
    }
    p.h.window += 100;
    talk_says(&p, NULL, 0);
    OK(p.r->seen_count == 1 && talk_last(&p)->len == MSS, "a full one is");
    talk_end(&p);
}

int main(void)
{
    tap_begin(60);
    for (int v6 = 0; v6 < 2; v6++) {
        test_large(v6);
        for (int sack = 0; sack < 2; sack++) {
            test_shrunk(v6, sack);
            test_shrunk_to_nothing(v6, sack);
        }
        test_probes(v6);
        test_shrunk_before_probe(v6);
        test_own_edge(v6);
        test_own_edge_without_memory(v6);
        test_receiver_sws(v6);
        test_sender_sws(v6);
        test_closed_takes(v6);
    }
    return tap_end();
}
