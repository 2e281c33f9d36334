/* Keepalive, probe by probe. RFC 9293 3.8.4 */
#include "talk.h"

static void open_idle(struct talk *p, bool v6)
{
    struct tcp_header h = {.window = 60000, .has_mss = true, .mss = 1000};

    talk_open(p, rig_new(), v6, &h);
    p->r->seen_count = 0;
}

static void ask(struct talk *p, bool on)
{
    p->c->tcb.opts.keepalive = on;
    tcp_options_changed(&p->c->tcb);
}

/* So many seconds; how many segments came in them. */
static unsigned wait(struct talk *p, int seconds)
{
    p->r->seen_count = 0;
    rig_run(p->r, seconds * HF_S);
    return p->r->seen_count;
}

/* RFC 9293 MUST-24, MUST-25, MUST-28, SHLD-12, MAY-5 */
static void test_default(bool v6)
{
    struct talk p;

    open_idle(&p, v6);
    EQ(wait(&p, 3 * 86400), 0, "nothing is sent unless it is asked for");
    ask(&p, true);
    p.h.window++;
    talk_says(&p, NULL, 0);
    EQ(wait(&p, 7199), 0, "nor for two hours");
    EQ(wait(&p, 2), 1, "then one segment");
    EQ(talk_last(&p)->len, 0, "without bytes");
    EQ(talk_last(&p)->h.seq, p.c->tcb.snd_nxt - 1, "and with an old number");
    talk_says(&p, NULL, 0);
    EQ(wait(&p, 7190), 0, "answered: two hours more");
    ask(&p, false);
    EQ(wait(&p, 3 * 86400), 0, "turned off: nothing any more");
    EQ(tcp_state(&p.c->tcb), TCP_ESTABLISHED, "the connection stands");
    talk_end(&p);
}

/* RFC 9293 MUST-26, MUST-27: only when nothing came for as long as was said, and nothing is out */
static void test_interval(bool v6)
{
    struct talk p;
    unsigned bare = 0;

    open_idle(&p, v6);
    p.c->tcb.opts.keep_idle_s = 10;
    p.c->tcb.opts.keep_intvl_s = 5;
    ask(&p, true);
    for (int i = 0; i < 20; i++) {
        EQ(wait(&p, 9), 0, "what comes puts it off");
        talk_says(&p, NULL, 0);
    }
    EQ(wait(&p, 11), 1, "ten seconds of silence do not");
    talk_says(&p, NULL, 0);
    p.r->seen_count = 0;
    talk_hears(&p, "x", 1);
    rig_run(p.r, 60 * HF_S);
    OK(p.r->seen_count > 4, "a byte that is not acknowledged is repeated");
    for (unsigned i = 0; i < p.r->seen_count; i++)
        bare += p.r->seen[i].len == 0;
    EQ(bare, 0, "and no keepalive goes meanwhile");
    talk_end(&p);
}

/* RFC 9293 MUST-29 */
static void test_lost(bool v6)
{
    struct talk p;

    open_idle(&p, v6);
    p.c->tcb.opts.keep_idle_s = 10;
    p.c->tcb.opts.keep_intvl_s = 2;
    p.c->tcb.opts.keep_cnt = 3;
    ask(&p, true);
    EQ(wait(&p, 15), 3, "two probes are not answered, a third is sent");
    EQ(tcp_state(&p.c->tcb), TCP_ESTABLISHED, "which says nothing yet");
    talk_says(&p, NULL, 0);
    EQ(wait(&p, 9), 0, "an answer, and all is well");
    EQ(wait(&p, 6), 3, "the count begins anew");
    EQ(tcp_state(&p.c->tcb), TCP_ESTABLISHED, "so two more lost ones do not matter");
    (void)wait(&p, 10);
    EQ(p.c->tcb.pcb.err, HF_ETIMEDOUT, "three do");
    talk_end(&p);
}

int main(void)
{
    tap_begin(30);
    for (int v6 = 0; v6 < 2; v6++) {
        test_default(v6);
        test_interval(v6);
        test_lost(v6);
    }
    return tap_end();
}
