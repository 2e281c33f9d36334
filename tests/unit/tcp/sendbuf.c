/* How much a send takes, and when it may take more: SO_SNDBUF, TCP_NOTSENT_LOWAT. Linux begins a
 * buffer while there is any room, and fills it; the figures are the kernel's. */
#include "rig.h"

static char bytes[200000];

static enum verdict swallow(struct rig *r, struct host *to, struct hf_frame *f,
                            const struct seen *s)
{
    return LOSE;
}

static void ack(struct rig *r, bool v6, const struct sock *c, uint32_t upto)
{
    struct tcp_header h = {.src_port = 80,
                           .dst_port = c->tcb.pcb.entry.lport,
                           .flags = TCP_ACK,
                           .seq = c->tcb.rcv_nxt,
                           .ack = c->tcb.iss + 1 + upto,
                           .window = 50000};

    rig_inject(r, v6, &h, NULL, 0);
}

/* A connection of a's to a peer that takes segments of 1000 bytes and has a window of 50000. */
static struct sock *established(struct rig *r, bool v6)
{
    struct tcp_header h = {
        .src_port = 80, .flags = TCP_SYN | TCP_ACK, .window = 50000, .has_mss = true, .mss = 1000};
    struct sock *c;

    r->filter = swallow;
    c = rig_connect(&r->a, &r->b.addr[v6], 80);
    while (rig_step(r))
        ;
    rig_clock(r, r->now + 100 * HF_MS);
    h.dst_port = c->tcb.pcb.entry.lport;
    h.ack = c->tcb.iss + 1;
    rig_inject(r, v6, &h, NULL, 0);
    return c;
}

struct row {
    const char *name;
    uint32_t sndbuf, lowat, stack_lowat;
    int64_t takes;
    uint32_t full_at, writable_at; /* bytes acknowledged when poll() does not, and does, say OUT */
};

static const struct row rows[] = {
    {"a buffer that was begun is filled", 42000, 0, UINT32_MAX, 60000, 30000, 36000},
    {"unsent bytes are limited by TCP_NOTSENT_LOWAT", 1000000, 4000, UINT32_MAX, 35000, 0, 35000},
    {"or by the stack's own limit", 1000000, 0, 4000, 35000, 0, 35000},
    {"which the option overrides", 42000, UINT32_MAX, 4000, 60000, 30000, 36000},
};

static void test_row(const struct row *row, bool v6)
{
    struct rig *r = rig_new();
    struct sock *c = established(r, v6);

    r->a.tcp.notsent_lowat = row->stack_lowat;
    tcp_options(&c->tcb)->sndbuf = row->sndbuf;
    tcp_options(&c->tcb)->notsent_lowat = row->lowat;
    EQ(rig_write(c, bytes, sizeof(bytes), 0), row->takes, row->name);
    EQ(rig_write(c, bytes, 1, 0), -HF_EAGAIN, row->name);
    if (row->full_at)
        ack(r, v6, c, row->full_at);
    OK(!tcp_writable(&c->tcb), row->name);
    ack(r, v6, c, HF_MIN(row->writable_at, tcb_flight(&c->tcb) + row->full_at));
    while (tcp_unsent(&c->tcb) || !tcp_writable(&c->tcb)) {
        if (!tcb_flight(&c->tcb))
            break;
        ack(r, v6, c, c->tcb.snd_max - c->tcb.iss - 1);
    }
    OK(tcp_writable(&c->tcb), row->name);
    tcp_close(&c->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

/* A false alarm gives the window back, and with it room in a buffer whose size goes by the window,
 * by an acknowledgement that has no news of bytes. */
static void test_silent_room(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c = established(r, v6);

    r->a.tcp.wmem_default = 10000;
    c->tcb.cwnd = 5000;
    while (rig_write(c, bytes, 1000, 0) > 0)
        ;
    OK(!tcp_writable(&c->tcb), "a buffer that goes by the window is full");
    c->tcb.cwnd = 50000;
    OK(tcp_writable(&c->tcb), "the window is given back, and nothing tells of it");
    c->events = 0;
    ack(r, v6, c, 1000);
    OK(c->events, "the next acknowledgement does");
    c->events = 0;
    ack(r, v6, c, 2000);
    EQ(c->events, 0, "once");
    tcp_close(&c->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

int main(void)
{
    tap_begin(30);
    for (int v6 = 0; v6 < 2; v6++)
        for (size_t i = 0; i < HF_COUNT(rows); i++)
            test_row(&rows[i], v6);
    for (int v6 = 0; v6 < 2; v6++)
        test_silent_room(v6);
    return tap_end();
}
