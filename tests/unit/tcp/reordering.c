/* What counts as reordering: pieces that come late, once for each acknowledgement that tells of
 * them; not what an acknowledgement that was lost would have told before. RFC 8985 6.2 */
#include "board.h"
#include "rig.h"

enum { COUNT = 10 };

static enum verdict swallow(struct rig *r, struct host *to, struct hf_frame *f,
                            const struct seen *s)
{
    return LOSE;
}

struct scene {
    struct rig *r;
    struct sock *c, *s;
    struct tcp_header h;
    uint32_t una, mss;
    bool v6;
};

/* Ten segments are out, and the peer is the test's. */
static struct scene begin(bool v6)
{
    struct scene z = {.r = rig_new(), .v6 = v6};
    static const char bytes[COUNT * 1500];

    z.r->a.tcp.timestamps = false;
    rig_pair(z.r, v6, &z.c, &z.s);
    z.mss = z.c->tcb.mss;
    z.c->tcb.srtt_us = z.c->tcb.min_rtt_us = 20000; /* the handshake took none */
    z.r->filter = swallow;
    EQ(rig_write(z.c, bytes, COUNT * z.mss, 0), COUNT * z.mss, "ten segments go");
    rig_run(z.r, 20 * HF_MS);
    z.una = z.c->tcb.snd_una;
    z.h = (struct tcp_header){
        .src_port = 80,
        .dst_port = z.c->tcb.pcb.entry.lport,
        .seq = z.c->tcb.rcv_nxt,
        .ack = z.una,
        .flags = TCP_ACK,
        .window = 1000,
    };
    return z;
}

static void end(struct scene *z)
{
    OK(board_is_sound(&z->c->tcb), "the scoreboard is sound");
    tcp_close(&z->c->tcb, true);
    tcp_close(&z->s->tcb, true);
    OK(rig_end(z->r), "nothing is left behind");
}

/* The peer has segments from first on, n of them; told in this order. */
static void block(struct scene *z, uint32_t first, uint32_t n)
{
    uint32_t left = z->una + (first - 1) * z->mss;

    z->h.sack[z->h.sack_count++] = (struct sack_block){left, left + n * z->mss};
}

static void tell(struct scene *z, uint32_t acked)
{
    z->h.ack = z->una + acked * z->mss;
    rig_inject(z->r, z->v6, &z->h, NULL, 0);
    z->h.sack_count = 0;
}

static uint32_t events(const struct scene *z)
{
    return z->c->tcb.flow->reord_events;
}

/* Linux: google's cubic-rack-reo-timeout-retrans-failed-incoming-data */
static void test_late(bool v6)
{
    struct scene z = begin(v6);

    block(&z, 10, 1);
    tell(&z, 0);
    EQ(events(&z), 0, "a gap is no reordering");
    block(&z, 4, 1);
    block(&z, 10, 1);
    tell(&z, 0);
    EQ(events(&z), 1, "what comes behind it is");
    tell(&z, 10);
    EQ(events(&z), 2, "and all the rest, in two pieces, once more");
    EQ(z.c->tcb.flow->reordering, 10, "ten segments late");
    end(&z);
}

/* Acknowledgements of 3, and of 5, were lost: that of 8 is the first. */
static void test_lost_acknowledgements(bool v6)
{
    struct scene z = begin(v6);

    block(&z, 8, 1);
    block(&z, 5, 1);
    block(&z, 3, 1);
    tell(&z, 1);
    EQ(events(&z), 0, "blocks told at once, the newest first, came in order");
    OK(!z.c->tcb.reord_seen, "and nothing waits longer for that");
    EQ(repair_of(&z.c->tcb)->sacked, 3 * z.mss, "all three are believed");
    end(&z);
}

int main(void)
{
    tap_begin(30);
    for (int v6 = 0; v6 < 2; v6++) {
        test_late(v6);
        test_lost_acknowledgements(v6);
    }
    return tap_end();
}
