/* Which bytes go together in a segment, and which of them push. RFC 9293 3.9.1.2 */
#include "talk.h"

#define MSS 1000

static uint8_t bytes[20 * MSS];

static void open_peer(struct talk *p, bool v6)
{
    struct tcp_header h = {.window = 60000, .has_mss = true, .mss = MSS};

    talk_open(p, rig_new(), v6, &h);
    p->r->seen_count = 0;
}

static unsigned pushed(const struct rig *r)
{
    unsigned n = 0;

    for (unsigned i = 0; i < r->seen_count; i++)
        n += !!(r->seen[i].h.flags & TCP_PSH);
    return n;
}

/* RFC 9293 MUST-61: the last of what there is */
static void test_last(bool v6)
{
    struct talk p;

    open_peer(&p, v6);
    talk_hears(&p, bytes, 3500);
    EQ(p.r->seen_count, 4, "three segments and a half");
    EQ(pushed(p.r), 1, "one pushes");
    OK(talk_last(&p)->h.flags & TCP_PSH && talk_last(&p)->len == 500, "the last one");
    p.h.ack += 3500;
    talk_says(&p, NULL, 0);
    p.r->seen_count = 0;
    talk_hears(&p, bytes, 2000);
    OK(pushed(p.r) == 1 && talk_last(&p)->h.flags & TCP_PSH, "a full one, if it is the last");
    talk_end(&p);
}

/* RFC 9293 SHLD-27, SHLD-28, MAY-16: what many sends gave, while a short segment is out */
static void test_together(bool v6)
{
    struct talk p;
    unsigned full = 0;

    open_peer(&p, v6);
    talk_hears(&p, bytes, 1);
    EQ(p.r->seen_count, 1, "a short segment is out");
    for (unsigned i = 0; i < 35; i++)
        (void)!rig_write(p.c, bytes, 100, 0);
    p.r->seen_count = 0;
    while (rig_step(p.r))
        ;
    for (unsigned i = 0; i < p.r->seen_count; i++)
        full += p.r->seen[i].len == MSS;
    EQ(full, 3, "of thirty-five sends three full segments are made");
    EQ(p.r->seen_count, 3, "and nothing else goes");
    p.h.ack += 1 + 3 * MSS;
    talk_says(&p, NULL, 0);
    OK(p.r->seen_count == 1 && talk_last(&p)->len == 500, "until all is acknowledged: the rest");
    OK(talk_last(&p)->h.flags & TCP_PSH, "which pushes");
    talk_end(&p);
}

/* RFC 9293 MUST-60: TCP_CORK and MSG_MORE keep it for 200 ms, and then it pushes */
static void test_not_for_ever(bool v6, bool cork)
{
    struct talk p;

    open_peer(&p, v6);
    p.c->tcb.opts.cork = cork;
    (void)!rig_write(p.c, bytes, 10, cork ? 0 : TCP_SEND_MORE);
    rig_run(p.r, 150 * HF_MS);
    EQ(p.r->seen_count, 0, "ten bytes are kept back");
    rig_run(p.r, 60 * HF_MS);
    OK(p.r->seen_count == 1 && talk_last(&p)->len == 10, "for a fifth of a second");
    OK(talk_last(&p)->h.flags & TCP_PSH, "and push");
    talk_end(&p);
}

int main(void)
{
    tap_begin(30);
    for (int v6 = 0; v6 < 2; v6++) {
        test_last(v6);
        test_together(v6);
        test_not_for_ever(v6, true);
        test_not_for_ever(v6, false);
    }
    return tap_end();
}
