/* Marks in the stream that is sent: records that no segment reaches across (MSG_EOR), and sends
 * whose completion is told (MSG_ZEROCOPY). */
#include "rig.h"
#include "transport/tcp/flow.h"

static char bytes[40000];
static uint32_t lose_seq; /* the segment with that offset is lost, once; 0: none */
static uint32_t base;

static enum verdict wire(struct rig *r, struct host *to, struct hf_frame *f, const struct seen *s)
{
    if (s->from == 0 && s->len && lose_seq && s->h.seq - base == lose_seq) {
        lose_seq = 0;
        return LOSE;
    }
    return PASS;
}

/* Whether a segment of a's reached across the byte at offset at; how many ended there, pushing. */
static unsigned ends_at(const struct rig *r, uint32_t at, bool *crosses)
{
    unsigned ends = 0;

    for (unsigned i = 0; i < r->seen_count; i++) {
        const struct seen *s = &r->seen[i];
        uint32_t begin = s->h.seq - base, end = begin + s->len;

        if (s->from != 0 || !s->len)
            continue;
        *crosses |= begin < at && end > at;
        ends += end == at && s->h.flags & TCP_PSH;
    }
    return ends;
}

static void drain(struct sock *s)
{
    static char sink[65536];

    while (rig_read(s, sink, sizeof(sink), 0) > 0)
        ;
}

/* Linux: tcp_skb_can_collapse_to; whatever is repeated, too */
static void test_records(bool v6)
{
    static const uint32_t each[] = {10400, 400, 400, 1, 3000, 12000};
    struct rig *r = rig_new();
    struct sock *c, *s;
    uint32_t at = 0;
    bool crosses = false;

    rig_pair(r, v6, &c, &s);
    r->delay = 5 * HF_MS;
    c->tcb.srtt_us = 10000;
    r->filter = wire;
    base = c->tcb.iss + 1;
    lose_seq = 10400 + 400;
    r->seen_count = 0;
    for (size_t i = 0; i < HF_COUNT(each); i++)
        EQ(rig_write(c, bytes, each[i], TCP_SEND_RECORD), each[i], "a record is taken");
    rig_run(r, HF_S);
    drain(s);
    EQ(tcp_unacked(&c->tcb), 0, "all arrive, though one is lost at first");
    for (size_t i = 0; i < HF_COUNT(each); i++) {
        at += each[i];
        OK(ends_at(r, at, &crosses) >= 1, "a segment ends with each, and pushes");
    }
    OK(!crosses, "and none reaches across");
    OK(!c->tcb.flow->records.ring, "nothing is kept of them");
    tcp_close(&c->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

static void expect_told(struct sock *c, uint32_t first, uint32_t last, const char *name)
{
    struct hf_frame *f = err_queue_front(&c->tcb.pcb);
    const struct sock_error *e = f ? err_queue_entry(f) : NULL;

    OK(e && e->origin == ERR_ZEROCOPY && e->err == 0 && e->info == first && e->last == last, name);
    if (e)
        err_queue_pop(&c->host->core, &c->tcb.pcb);
}

/* Linux: msg_zerocopy; every send is copied here, and says so */
static void test_completions(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c, *s;
    unsigned events;

    rig_pair(r, v6, &c, &s);
    r->delay = 5 * HF_MS;
    EQ(rig_write(c, bytes, 4000, TCP_SEND_TELL), 4000, "a send that wants to know");
    OK(!c->tcb.pcb.errors, "is not done before it is acknowledged");
    events = c->events;
    rig_run(r, 100 * HF_MS);
    OK(c->events > events, "then the socket has an event");
    expect_told(c, 0, 0, "and it is the first");
    EQ(rig_write(c, bytes, 100, TCP_SEND_TELL), 100, "another");
    EQ(rig_write(c, bytes, 100, 0), 100, "one that does not want to know");
    EQ(rig_write(c, bytes, 100, TCP_SEND_TELL), 100, "and another");
    rig_run(r, 100 * HF_MS);
    expect_told(c, 1, 2, "those two are told of together");
    OK(!c->tcb.pcb.errors && !c->tcb.pcb.err, "that is all, and no error");
    EQ(rig_write(c, bytes, 100, TCP_SEND_TELL), 100, "one that never arrives");
    tcp_disconnect(&c->tcb);
    expect_told(c, 3, 3, "is not held either when the connection is over");
    tcp_close(&c->tcb, true);
    rig_run(r, HF_S);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

/* Without memory for a mark nothing is taken */
static void test_memory(bool v6)
{
    for (int64_t n = 0;; n++) {
        struct rig *r = rig_new();
        struct sock *c, *s;
        int64_t took;

        rig_pair(r, v6, &c, &s);
        r->fail_at = n;
        took = rig_write(c, bytes, 1000, TCP_SEND_TELL | TCP_SEND_RECORD);
        if (took != 1000 && took != -HF_ENOBUFS)
            EQ(took, 1000, "all or nothing");
        bool passed = r->fail_at >= 0;
        r->fail_at = -1;
        rig_run(r, HF_S);
        OK((took == 1000) == !!c->tcb.pcb.errors, "what was taken is told of");
        tcp_close(&c->tcb, true);
        rig_run(r, HF_S);
        tcp_close(&s->tcb, true);
        OK(rig_end(r), "nothing is left behind");
        if (passed)
            return;
    }
}

int main(void)
{
    tap_begin(30);
    for (int v6 = 0; v6 < 2; v6++) {
        test_records(v6);
        test_completions(v6);
        test_memory(v6);
    }
    return tap_end();
}
