/* What all connections together may hold: a crowd of peers, each within its own bounds. */
#include "clients.h"

#define CROWD 200
#define MOST  (1 << 20)

struct crowd {
    struct rig *r;
    struct sock *listener, *server[CROWD];
    uint32_t ack[CROWD]; /* of each client: the server's next number */
    bool v6;
};

static void crowd_begin(struct crowd *c, bool v6)
{
    c->r = rig_new();
    c->v6 = v6;
    c->listener = rig_listen(&c->r->b, v6, 80, CROWD);
    for (uint32_t i = 0; i < CROWD; i++) {
        c->ack[i] = client_opens(c->r, v6, i);
        c->server[i] = rig_accept(c->listener);
    }
    c->r->b.tcp.memory_most = MOST;
    c->r->b.tcp.memory_pressure = MOST / 2;
}

/* So many bytes of client i, from place `at` of its stream on; with what acknowledged. */
static void says(struct crowd *c, uint32_t i, uint32_t at, uint32_t len)
{
    client_says(c->r, c->v6, i, TCP_ACK, 1001 + at, c->ack[i], len);
}

static uint64_t memory(const struct crowd *c)
{
    return c->r->b.core.stats.tcp_memory;
}

static void crowd_end(struct crowd *c)
{
    for (uint32_t i = 0; i < CROWD; i++)
        if (c->server[i])
            tcp_close(&c->server[i]->tcb, true);
    tcp_close(&c->listener->tcb, true);
    EQ(memory(c), 0, "  nothing is held at the end");
    EQ(c->r->b.core.stats.tcp_orphans, 0, "  and nobody is left over");
    OK(rig_end(c->r), "  nothing is left behind");
}

/* Bytes beyond gaps, of everybody, as much as each buffer takes: CVE-2018-5390 by numbers. */
static void test_gaps(bool v6)
{
    static uint8_t bytes[64];
    struct crowd c;
    uint32_t readable = 0;

    crowd_begin(&c, v6);
    for (uint32_t k = 0; k < 40; k++)
        for (uint32_t i = 0; i < CROWD; i++)
            says(&c, i, 100 + k * 1500, 1400);
    OK(memory(&c) > MOST / 2 && memory(&c) <= MOST, "what lies beyond gaps is within the limit");
    OK(c.r->b.core.drops[HF_DROP_TCP_MEMORY] > 0, "  the rest is dropped and counted");
    for (uint32_t i = 0; i < CROWD; i++) {
        says(&c, i, 0, 50); /* in order: what lies beyond its gap makes room */
        readable += tcp_readable(&c.server[i]->tcb) == 50;
    }
    EQ(readable, CROWD, "  what comes in order is taken of each");
    for (uint32_t i = 0; i < CROWD; i++)
        readable -= rig_read(c.server[i], bytes, sizeof(bytes), 0) == 50;
    EQ(readable, 0, "  and can be read");
    crowd_end(&c);
}

/* Bytes in order that nobody reads. */
static void test_unread(bool v6)
{
    struct crowd c;
    uint32_t least = UINT32_MAX;

    crowd_begin(&c, v6);
    for (uint32_t k = 0; k < 40; k++)
        for (uint32_t i = 0; i < CROWD; i++)
            says(&c, i, k * 1400, 1400);
    for (uint32_t i = 0; i < CROWD; i++)
        least = HF_MIN(least, tcp_readable(&c.server[i]->tcb));
    OK(least >= 1400, "each may say something");
    OK(memory(&c) <= MOST + CROWD * 2048, "  and together they keep the limit, but for that");
    crowd_end(&c);
}

/* Peers that open their windows and acknowledge nothing, and a program that writes all it can. */
static void test_unacknowledged(bool v6)
{
    static const uint8_t bytes[100000];
    struct crowd c;
    uint32_t refused = 0, untrue = 0, given = 0;
    int64_t took;

    crowd_begin(&c, v6);
    for (uint32_t k = 0; k < 4; k++)
        for (uint32_t i = 0; i < CROWD; i++) {
            took = rig_write(c.server[i], bytes, sizeof(bytes), 0);
            refused += took == -HF_EAGAIN;
            untrue += took < 0 && tcp_writable(&c.server[i]->tcb);
        }
    OK(refused >= 3 * CROWD / 2, "as a rule there is no room");
    EQ(untrue, 0, "  and poll says so");
    for (uint32_t i = 0; i < CROWD; i++)
        given += c.server[i]->tcb.sndq.len > 0;
    EQ(given, CROWD, "  each has been given a little");
    OK(memory(&c) <= MOST + CROWD * MEMORY_EACH, "  together they keep the limit, but for that");
    for (uint32_t i = 0; i < CROWD; i++) {
        uint32_t una = c.server[i]->tcb.snd_max;

        client_says(c.r, v6, i, TCP_ACK, 1001, una, 0);
    }
    took = 0;
    for (uint32_t i = 0; i < CROWD; i++)
        took += tcp_writable(&c.server[i]->tcb);
    OK(took > 0, "  what is acknowledged makes room");
    crowd_end(&c);
}

/* Under pressure nothing grows. */
static void test_pressure(bool v6)
{
    struct crowd c;
    struct tcb *tcb;
    uint32_t before, most = 0;

    crowd_begin(&c, v6);
    c.r->b.tcp.memory_pressure = 0;
    tcb = &c.server[0]->tcb;
    before = tcb->rcvbuf;
    tcb->cwnd = 1 << 20;
    for (uint32_t k = 0; k < 500; k++) {
        static uint8_t bytes[1400];

        says(&c, 0, k * 1400, 1400);
        (void)!rig_read(c.server[0], bytes, sizeof(bytes), 0);
        says(&c, 1, 0, 100); /* somebody holds something */
        most = HF_MAX(most, tcp_sndbuf(tcb));
    }
    EQ(tcb->rcvbuf, before, "under pressure a receive buffer does not grow");
    EQ(most, c.r->b.tcp.wmem_default, "  nor does a send buffer");
    crowd_end(&c);
}

/* Closed by the program, and the peers answer nothing. */
static void test_orphans(bool v6)
{
    static const uint8_t bytes[3000];
    struct crowd c;
    uint32_t resets = 0, written = 0;

    crowd_begin(&c, v6);
    c.r->b.tcp.orphans_most = 50;
    for (uint32_t i = 0; i < CROWD; i++) {
        written += rig_write(c.server[i], bytes, sizeof(bytes), 0) == 3000;
        tcp_close(&c.server[i]->tcb, false);
        c.server[i] = NULL;
    }
    EQ(written, CROWD, "bytes are written");
    EQ(c.r->b.core.stats.tcp_orphans, 50, "so many orphans and no more");
    EQ(c.r->b.core.stats.tcp_connections, 50, "  the others are gone");
    EQ(c.r->b.core.stats.tcp_orphans_reset, CROWD - 50, "  and counted");
    while (c.r->b.out_first) {
        struct hf_frame *out = c.r->b.out_first;
        struct seen s;

        c.r->b.out_first = out->next;
        resets += rig_look(c.r, 1, out, &s) && s.h.flags & TCP_RST;
        hf_frame_free(out);
    }
    c.r->b.out_last = NULL;
    EQ(resets, CROWD - 50, "  each peer of theirs hears a reset");
    c.r->b.tcp.orphans_most = 10;
    rig_clock(c.r, c.r->now + HF_S);
    EQ(c.r->b.core.stats.tcp_orphans, 10, "  who waits for an answer in vain makes room");
    c.r->b.tcp.memory_most = 0;
    rig_clock(c.r, c.r->now + 2 * HF_S);
    EQ(c.r->b.core.stats.tcp_orphans, 10, "  a few bytes may stay without memory");
    c.r->b.tcp.orphans_most = 0;
    rig_clock(c.r, c.r->now + 10 * HF_S);
    crowd_end(&c);
}

int main(void)
{
    tap_begin(60);
    for (int v6 = 0; v6 < 2; v6++) {
        test_gaps(v6);
        test_unread(v6);
        test_unacknowledged(v6);
        test_pressure(v6);
        test_orphans(v6);
    }
    return tap_end();
}
