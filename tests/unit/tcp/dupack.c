/* Duplicate acknowledgements, one by one: what each lets go. Without SACK limited transmit, fast
 * retransmit and fast recovery (RFC 3042, RFC 5681 3.2, RFC 6582), with it proportional rate
 * reduction (RFC 6937, RFC 9937). */
#include "talk.h"

#define MSS 1000

static uint8_t bytes[100 * MSS];

/* count segments are out, and more wait. */
static void open_sending(struct talk *p, bool v6, bool sack, uint32_t count)
{
    struct tcp_header h = {
        .window = 65000, .has_mss = true, .mss = MSS, .has_sack_permitted = sack};

    talk_open(p, rig_new(), v6, &h);
    p->c->tcb.opts.sndbuf = 2 * sizeof(bytes);
    p->c->tcb.cwnd = count * MSS;
    p->c->tcb.srtt_us = p->c->tcb.min_rtt_us = 100000;
    talk_hears(p, bytes, sizeof(bytes));
    EQ(tcb_flight(&p->c->tcb), count * MSS, "so much is out");
}

/* RFC 3042, RFC 5681 3.2 */
static void test_newreno(bool v6)
{
    struct talk p;
    uint32_t una, max;

    open_sending(&p, v6, false, 20);
    una = p.c->tcb.snd_una;
    for (int i = 0; i < 2; i++) {
        max = p.c->tcb.snd_max;
        talk_says(&p, NULL, 0);
        OK(p.r->seen_count == 1 && talk_last(&p)->h.seq == max, "a duplicate: one new segment");
    }
    talk_says(&p, NULL, 0);
    OK(p.r->seen_count >= 1 && p.r->seen[0].h.seq == una, "the third: the first one again");
    EQ(p.c->tcb.ssthresh, 14 * MSS, "and the window is cut: RFC 9438 4.6");
    p.h.ack = una + 5 * MSS; /* a part of it: the next hole */
    talk_says(&p, NULL, 0);
    OK(p.r->seen_count >= 1 && p.r->seen[0].h.seq == p.h.ack,
       "the next hole at once: RFC 6582 3.2");
    p.h.ack = p.c->tcb.snd_max;
    talk_says(&p, NULL, 0);
    OK(!p.c->tcb.in_recovery && p.c->tcb.cwnd <= 14 * MSS, "all of it: the end of recovery");
    talk_end(&p);
}

/* RFC 6937: what leaves the network lets so much go that the window is ssthresh at the end. */
static void test_reduction(bool v6)
{
    struct talk p;
    uint32_t una, sent = 0, wrong = 0;

    open_sending(&p, v6, true, 40);
    una = p.c->tcb.snd_una;
    p.h.sack_count = 1;
    p.h.sack[0] = (struct sack_block){una + MSS, una + MSS};
    for (uint32_t k = 1; k < 40; k++) {
        p.h.sack[0].right += MSS;
        talk_says(&p, NULL, 0);
        sent += p.r->seen_count;
        if (loss_repairs(&p.c->tcb)) /* 7 of 10; what limited transmit sent may have been more */
            wrong += sent * 10 + 30 < k * 7 || sent * 10 > k * 7 + 30;
    }
    EQ(wrong, 0, "while a window's worth leaves, 0.7 of it go, evenly");
    EQ(p.c->tcb.total_retrans, 1, "one of them again");
    p.h.sack_count = 0;
    p.h.ack = una + 40 * MSS;
    talk_says(&p, NULL, 0);
    EQ(p.c->tcb.cwnd, p.c->tcb.ssthresh, "the window is ssthresh then");
    talk_end(&p);
}

int main(void)
{
    tap_begin(20);
    for (int v6 = 0; v6 < 2; v6++) {
        test_newreno(v6);
        test_reduction(v6);
    }
    return tap_end();
}
