/* Urgent data on the wire, and when the program hears of it. RFC 9293 3.8.5 */
#include "talk.h"

static uint8_t bytes[4000];

static void open_peer(struct talk *p, bool v6)
{
    struct tcp_header h = {.window = 60000, .has_mss = true, .mss = 1000};

    talk_open(p, rig_new(), v6, &h);
    p->r->seen_count = 0;
}

/* RFC 9293 MUST-30, MUST-31, MUST-62, RFC 6093: the pointer of each segment leads behind the last
 * urgent byte
 */
static void test_sent(bool v6)
{
    struct talk p;
    uint32_t first, urgent = 0, wrong = 0;

    open_peer(&p, v6);
    first = p.c->tcb.snd_nxt;
    (void)!rig_write(p.c, bytes, 3500, TCP_SEND_OOB);
    (void)!rig_write(p.c, bytes, 700, 0);
    while (rig_step(p.r))
        ;
    for (unsigned i = 0; i < p.r->seen_count; i++) {
        const struct tcp_header *h = &p.r->seen[i].h;

        urgent += !!(h->flags & TCP_URG);
        wrong += h->flags & TCP_URG && h->seq + h->urgent != first + 3500;
        wrong += !(h->flags & TCP_URG) != seq_ge(h->seq, first + 3500);
    }
    OK(urgent >= 4, "segments tell of urgent data, all that have some");
    EQ(wrong, 0, "and where it ends: the byte that follows");
    talk_end(&p);
}

/* RFC 9293 MUST-32, MUST-33 */
static void test_told(bool v6)
{
    struct talk p;

    open_peer(&p, v6);
    OK(!tcp_urgent_pending(&p.c->tcb), "nothing is urgent");
    p.h.flags |= TCP_URG;
    p.h.urgent = 10;
    p.c->events = 0;
    talk_says(&p, NULL, 0);
    EQ(p.c->events, 1, "a pointer comes: the program is told");
    OK(!tcp_urgent_pending(&p.c->tcb), "Linux: POLLPRI waits for the byte");
    p.h.urgent = 20;
    talk_says(&p, NULL, 0);
    EQ(p.c->events, 2, "it moves on: it is told again");
    talk_says(&p, NULL, 0);
    EQ(p.c->events, 2, "the same again: it is not");
    p.h.urgent = 5;
    talk_says(&p, NULL, 0);
    EQ(p.c->events, 2, "nor of one that goes back");
    p.h.flags = TCP_ACK;
    talk_says(&p, bytes, 30);
    EQ(tcp_readable(&p.c->tcb), 19, "it can find out how far it is to there");
    EQ(rig_read(p.c, bytes, sizeof(bytes), 0), 19, "reads so far");
    OK(tcp_at_mark(&p.c->tcb), "and is there");
    EQ(rig_read(p.c, bytes, sizeof(bytes), TCP_RECV_OOB), 1, "the urgent byte");
    EQ(rig_read(p.c, bytes, sizeof(bytes), 0), 10, "and what stands behind it");
    talk_end(&p);
}

int main(void)
{
    tap_begin(20);
    for (int v6 = 0; v6 < 2; v6++) {
        test_sent(v6);
        test_told(v6);
    }
    return tap_end();
}
