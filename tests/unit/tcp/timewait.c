/* Which SYN takes the place of a TIME-WAIT: by its timestamp, where there is one, else by its
 * number. RFC 6191 2, RFC 9293 MAY-2, SHLD-4; Linux: tcp_timewait_state_process */
#include "talk.h"

enum stamp { NONE, OLDER, SAME, NEWER };

static const struct {
    const char *name;
    bool had,
        newer_seq; /* the old connection had timestamps; the SYN's number is beyond its last */
    enum stamp stamp;
    bool takes;
} rows[] = {
    {"no timestamps, an old number", false, false, NONE, false},
    {"no timestamps, a new number", false, true, NONE, true},
    {"a timestamp where there was none, an old number", false, false, NEWER, false},
    {"a timestamp where there was none, a new number", false, true, OLDER, true},
    {"a newer timestamp, an old number", true, false, NEWER, true},
    {"a newer timestamp, a new number", true, true, NEWER, true},
    {"the same timestamp, an old number", true, false, SAME, false},
    {"the same timestamp, a new number", true, true, SAME, true},
    {"an older timestamp, an old number", true, false, OLDER, false},
    {"an older timestamp, a new number: an old duplicate", true, true, OLDER, false},
    {"no timestamp any more, an old number", true, false, NONE, false},
    {"no timestamp any more, a new number", true, true, NONE, true},
};

/* a has closed first; the record is there. */
static void wait_for(struct talk *p, bool v6, bool timestamps)
{
    struct tcp_header h = {.window = 60000, .has_timestamps = timestamps, .ts_val = 1000};

    talk_open(p, rig_new(), v6, &h);
    p->h.has_timestamps = timestamps;
    p->h.ts_val = 1000;
    if (tcp_shut_send(&p->c->tcb))
        abort();
    rig_run(p->r, HF_MS);
    p->h.ack++;
    p->h.flags = TCP_ACK | TCP_FIN;
    talk_says(p, NULL, 0);
    EQ(p->r->a.core.stats.tcp_time_wait, 1, "both ends have closed: TIME-WAIT");
}

static void test_row(size_t i, bool v6)
{
    struct talk p;

    wait_for(&p, v6, rows[i].had);
    p.h.flags = TCP_SYN;
    p.h.seq += rows[i].newer_seq ? 2 : (uint32_t)-100;
    p.h.has_timestamps = rows[i].stamp != NONE;
    p.h.ts_val = 1000u - SAME + rows[i].stamp;
    talk_says(&p, NULL, 0);
    EQ(p.r->a.core.stats.tcp_time_wait, !rows[i].takes, rows[i].name);
    /* Nobody listens there: who takes the place is reset, others hear what is expected of them. */
    EQ(talk_last(&p)->h.flags, rows[i].takes ? TCP_RST | TCP_ACK : TCP_ACK, "  and is answered so");
    talk_end(&p);
}

int main(void)
{
    tap_begin(30);
    for (int v6 = 0; v6 < 2; v6++)
        for (size_t i = 0; i < HF_COUNT(rows); i++)
            test_row(i, v6);
    return tap_end();
}
