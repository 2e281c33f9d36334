/* A peer that lies in its acknowledgements: it gains nothing, and costs a bounded amount of memory
 * and time. RFC 2018 8, RFC 5681 3.1 with RFC 3465, RFC 5961 5. */
#include "rig.h"

#include "transport/tcp/repair.h"

#define MSS 1000

static struct seen last; /* what a sent last */

static enum verdict swallow(struct rig *r, struct host *to, struct hf_frame *f,
                            const struct seen *s)
{
    if (s->from == 0)
        last = *s;
    return LOSE;
}

/* A connection of a's to the test, with count segments out; *h: what the peer would say next. */
static struct sock *sending(struct rig *r, bool v6, uint32_t count, struct tcp_header *h)
{
    static uint8_t bytes[1 << 17];
    struct sock *c;

    r->filter = swallow;
    c = rig_connect(&r->a, &r->b.addr[v6], 80);
    while (rig_step(r))
        ;
    *h = (struct tcp_header){
        .src_port = 80,
        .dst_port = c->tcb.pcb.entry.lport,
        .seq = 7000,
        .ack = last.h.seq + 1,
        .flags = TCP_SYN | TCP_ACK,
        .window = 65535,
        .has_mss = true,
        .mss = MSS,
        .has_sack_permitted = true,
    };
    rig_run(r, 20 * HF_MS);
    rig_inject(r, v6, h, NULL, 0);
    h->flags = TCP_ACK;
    h->has_mss = h->has_sack_permitted = false;
    h->seq++;
    c->tcb.cwnd = count * MSS;
    EQ(rig_write(c, bytes, count * MSS, 0) > 0, 1, "bytes are written");
    while (tcb_flight(&c->tcb) < count * MSS && rig_write(c, bytes, MSS, 0) > 0)
        ;
    EQ(tcb_flight(&c->tcb), count * MSS, "and out");
    return c;
}

static void finish(struct rig *r, struct sock *c)
{
    tcp_close(&c->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

static void sack(struct rig *r, bool v6, struct tcp_header *h, uint32_t left, uint32_t right)
{
    h->sack[0] = (struct sack_block){left, right};
    h->sack_count = 1;
    rig_inject(r, v6, h, NULL, 0);
    h->sack_count = 0;
}

/* Every other byte, one by one: the scoreboard has an end */
static void test_crumbs(bool v6)
{
    struct rig *r = rig_new();
    struct tcp_header h;
    struct sock *c = sending(r, v6, 40, &h);
    uint32_t una = c->tcb.snd_una;
    int64_t before = r->allocated;

    for (uint32_t i = 1; i < 20000; i += 2)
        sack(r, v6, &h, una + i, una + i + 1);
    OK(board_of(&c->tcb) && board_of(&c->tcb)->count <= 1024, "so many runs and no more");
    OK(r->allocated - before < 200000, "and so much memory: RFC 2018 8");
    OK(board_pipe(&c->tcb, repair_of(&c->tcb)) <= tcb_flight(&c->tcb) + 40 * MSS, "the sums hold");
    h.ack = c->tcb.snd_max;
    rig_inject(r, v6, &h, NULL, 0);
    OK(!repair_of(&c->tcb), "an acknowledgement of all ends it");
    finish(r, c);
}

/* Blocks that cannot be */
static void test_nonsense(bool v6)
{
    static const int32_t rows[][2] = {
        {40 * MSS, 41 * MSS},   /* not sent */
        {39 * MSS, 41 * MSS},   /* not all of it */
        {-5000, -4000},         /* long gone, never sent: a D-SACK of nothing */
        {2000, 1000},           /* turned around */
        {3000, 3000},           /* empty */
        {-1000, 5000},          /* across what is acknowledged */
        {0x7fffff00, INT32_MIN} /* half the world away */
    };
    struct rig *r = rig_new();
    struct tcp_header h;
    struct sock *c = sending(r, v6, 40, &h);
    uint32_t una = c->tcb.snd_una, cwnd = c->tcb.cwnd;

    for (unsigned i = 0; i < HF_COUNT(rows); i++)
        sack(r, v6, &h, una + (uint32_t)rows[i][0], una + (uint32_t)rows[i][1]);
    OK(!board_of(&c->tcb), "nonsense opens no scoreboard");
    sack(r, v6, &h, una + 5 * MSS, una + 6 * MSS);
    OK(board_of(&c->tcb) && board_of(&c->tcb)->sacked == MSS, "sense does");
    for (unsigned i = 0; i < HF_COUNT(rows); i++)
        sack(r, v6, &h, una + (uint32_t)rows[i][0], una + (uint32_t)rows[i][1]);
    EQ(board_of(&c->tcb)->sacked, MSS, "and nonsense changes nothing in it");
    OK(c->tcb.cwnd <= cwnd, "the window does not grow by it");
    EQ(tcp_state(&c->tcb), TCP_ESTABLISHED, "the connection stands");
    finish(r, c);
}

/* All of it has come, says the peer, but never acknowledges: a timeout forgets what it said */
static void test_all_sacked(bool v6)
{
    struct rig *r = rig_new();
    struct tcp_header h;
    struct sock *c = sending(r, v6, 10, &h);
    uint32_t una = c->tcb.snd_una;

    sack(r, v6, &h, una + 1, una + 10 * MSS);
    r->seen_count = 0;
    rig_run(r, 10 * HF_S);
    OK(r->seen_count > 0 && r->seen_count < 40, "the byte it lacks is sent, not too often");
    h.ack = una + MSS;
    rig_inject(r, v6, &h, NULL, 0);
    rig_run(r, 30 * HF_S);
    OK(c->tcb.total_retrans > 2, "and later the rest, since the peer may have lost it");
    h.ack = c->tcb.snd_max;
    rig_inject(r, v6, &h, NULL, 0);
    EQ(tcb_flight(&c->tcb), 0, "an honest acknowledgement ends it");
    finish(r, c);
}

/* RFC 3465: an acknowledgement cut into a thousand is worth one */
static void test_splitting(bool v6)
{
    struct rig *r = rig_new();
    struct tcp_header h;
    struct sock *c = sending(r, v6, 40, &h);
    uint32_t cwnd = c->tcb.cwnd;

    for (int i = 0; i < MSS; i++) {
        h.ack++;
        rig_inject(r, v6, &h, NULL, 0);
    }
    OK(c->tcb.cwnd <= cwnd + MSS, "bytes are counted, not acknowledgements");
    finish(r, c);
}

/* RFC 5961 5: what was never sent cannot be acknowledged */
static void test_optimist(bool v6)
{
    struct rig *r = rig_new();
    struct tcp_header h;
    struct sock *c = sending(r, v6, 40, &h);
    uint32_t cwnd = c->tcb.cwnd, una = c->tcb.snd_una;

    for (int i = 1; i < 100; i++) {
        h.ack = c->tcb.snd_max + (uint32_t)i * MSS;
        rig_inject(r, v6, &h, NULL, 0);
    }
    EQ(c->tcb.snd_una, una, "nothing is acknowledged");
    EQ(c->tcb.cwnd, cwnd, "nor gained");
    finish(r, c);
}

int main(void)
{
    tap_begin(60);
    for (int v6 = 0; v6 < 2; v6++) {
        test_crumbs(v6);
        test_nonsense(v6);
        test_all_sacked(v6);
        test_splitting(v6);
        test_optimist(v6);
    }
    return tap_end();
}
