/* Listeners: queues and their limits, held connections, sockets that listened. */
#include "rig.h"

/* The last ACK came while the queue was full: the child completes on a repeated SYN-ACK. */
static void test_full_queue_at_last_ack(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->b, v6, 80, 0), *c[2], *s[2];

    c[0] = rig_connect(&r->a, &r->b.addr[v6], 80);
    c[1] = rig_connect(&r->a, &r->b.addr[v6], 80);
    rig_run(r, 10 * HF_MS);
    EQ(tcp_state(&c[1]->tcb), TCP_ESTABLISHED, "the client thinks it is connected");
    s[0] = rig_accept(l);
    s[1] = rig_accept(l);
    OK(s[0] && !s[1], "but only one can be accepted");
    EQ(rig_write(c[1], "early", 5, 0), 5, "the other may write");
    rig_run(r, 4 * HF_S);
    s[1] = rig_accept(l);
    OK(s[1] && tcp_readable(&s[1]->tcb) == 5, "and is accepted later, with its bytes");
    for (int i = 0; i < 2; i++) {
        tcp_close(&c[i]->tcb, true);
        rig_run(r, HF_MS);
        tcp_close(&s[i]->tcb, true);
    }
    tcp_close(&l->tcb, false);
    OK(rig_end(r), "nothing is lost");
}

/* NetSem resourcefail_2 */
static void test_no_memory(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->b, v6, 80, 5), *c, *s;

    r->b.no_children = true;
    c = rig_connect(&r->a, &r->b.addr[v6], 80);
    rig_run(r, 10 * HF_MS);
    EQ(r->b.core.drops[HF_DROP_NO_MEMORY], 1, "no memory for a child: the SYN is dropped");
    r->b.no_children = false;
    rig_run(r, 1100 * HF_MS);
    s = rig_accept(l);
    OK(s != NULL, "and the next one is taken");
    tcp_close(&c->tcb, true);
    rig_run(r, HF_MS);
    tcp_close(&s->tcb, true);
    tcp_close(&l->tcb, false);
    OK(rig_end(r), "nothing is lost");
}

/* Linux: a half-open child is given up after its SYN-ACK retries */
static enum verdict lose_from_a_but_syn(struct rig *r, struct host *to, struct hf_frame *f,
                                        const struct seen *s)
{
    return s->from == 1 || !(s->h.flags & TCP_SYN) ? LOSE : PASS;
}

static void test_half_open(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->b, v6, 80, 5), *c;

    r->filter = lose_from_a_but_syn;
    c = rig_connect(&r->a, &r->b.addr[v6], 80);
    rig_run(r, 10 * HF_MS);
    EQ(l->tcb.listen.syn_len, 1, "a half-open connection is in the SYN queue");
    tcp_close(&c->tcb, false);
    rig_run(r, 64 * HF_S);
    EQ(l->tcb.listen.syn_len, 0, "and is forgotten after 63 s");
    EQ(r->b.released, 1, "and freed");
    tcp_close(&l->tcb, false);
    OK(rig_end(r), "nothing is lost");
}

/* ---- held connections ---- */

static struct sock *listen_any(struct host *h, bool v6)
{
    struct sock *l = sock_new(h, v6);

    l->tcb.pcb.entry.any_dst = 1;
    if (tcp_listen(&l->tcb, 10))
        abort();
    return l;
}

static void test_held(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = listen_any(&r->b, v6), *c, *s;
    uint32_t syns;
    hf_time began = r->now;

    c = rig_connect(&r->a, &r->b.addr[v6], 4321);
    rig_run(r, 500 * HF_MS);
    EQ(r->seen_count, 1, "a held SYN is not answered");
    s = rig_accept(l);
    OK(s && tcp_state(&s->tcb) == TCP_SYN_RECEIVED, "it is accepted all the same");
    EQ(s->tcb.pcb.entry.lport, 4321, "and knows where it wanted to go");
    OK(tcp_held_since(&s->tcb, &syns) - began < 2 * HF_MS && syns == 1, "and since when");
    rig_run(r, 1000 * HF_MS);
    OK(tcp_held_since(&s->tcb, &syns) - began >= HF_S && syns == 2, "a repeated SYN is noted");
    tcp_answer(&s->tcb);
    rig_run(r, 10 * HF_MS);
    EQ(tcp_state(&c->tcb), TCP_ESTABLISHED, "answered: the client is connected");
    EQ(tcp_state(&s->tcb), TCP_ESTABLISHED, "and so is the held end");
    OK(rig_transfer(r, s, c, 100000, HF_S), "bytes flow");
    tcp_close(&c->tcb, true);
    rig_run(r, HF_MS);
    tcp_close(&s->tcb, true);
    tcp_close(&l->tcb, false);
    OK(rig_end(r), "nothing is lost");
}

static void test_refusals(bool v6)
{
    static const struct {
        enum hf_refusal how;
        int err4, err6;
        const char *name;
    } table[] = {
        {HF_REFUSE_RESET, HF_ECONNREFUSED, HF_ECONNREFUSED, "refused by RST"},
        {HF_REFUSE_NET, HF_ENETUNREACH, HF_ENETUNREACH, "refused as network unreachable"},
        {HF_REFUSE_HOST, HF_EHOSTUNREACH, HF_EHOSTUNREACH, "refused as host unreachable"},
        {HF_REFUSE_PROHIBITED, HF_EHOSTUNREACH, HF_EACCES, "refused as prohibited"},
        {HF_REFUSE_SILENCE, 0, 0, "refused by silence"},
    };

    for (size_t i = 0; i < HF_COUNT(table); i++) {
        struct rig *r = rig_new();
        struct sock *l = listen_any(&r->b, v6), *c, *s;

        c = rig_connect(&r->a, &r->b.addr[v6], 4321);
        rig_run(r, 10 * HF_MS);
        s = rig_accept(l);
        tcp_refuse(&s->tcb, table[i].how);
        rig_run(r, 10 * HF_MS);
        EQ(c->tcb.pcb.err, v6 ? table[i].err6 : table[i].err4, table[i].name);
        EQ(r->b.released, 1, "  and the held end is gone");
        tcp_close(&c->tcb, false);
        tcp_close(&l->tcb, false);
        OK(rig_end(r), "  and nothing is lost");
    }
}

static void test_held_abandoned(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = listen_any(&r->b, v6), *c, *s;

    c = rig_connect(&r->a, &r->b.addr[v6], 4321);
    rig_run(r, 10 * HF_MS);
    s = rig_accept(l);
    tcp_close(&c->tcb, false);
    rig_run(r, 10 * HF_MS);
    tcp_answer(&s->tcb);
    rig_run(r, 10 * HF_MS);
    EQ(s->tcb.pcb.err, HF_ECONNRESET, "an answer to who has gone away is reset");
    tcp_close(&s->tcb, false);
    tcp_close(&l->tcb, false);
    OK(rig_end(r), "nothing is lost");
}

/* NetSem disconnect_5; Linux: a socket can connect again */
static void test_disconnect_and_again(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c, *s, *l;
    struct endpoint dst = {.addr = r->b.addr[v6], .port = 80};

    rig_pair(r, v6, &c, &s);
    tcp_disconnect(&c->tcb);
    EQ(tcp_state(&c->tcb), TCP_CLOSED, "disconnected");
    OK(addr_is_any(&c->tcb.pcb.entry.laddr) && c->tcb.pcb.entry.rport == 0, "and without a name");
    rig_run(r, HF_MS);
    tcp_close(&s->tcb, false);
    l = rig_listen(&r->b, v6, 80, 1);
    EQ(tcp_open_active(&c->tcb, &dst, 0), 0, "it connects again");
    rig_run(r, 10 * HF_MS);
    s = rig_accept(l);
    OK(s && rig_transfer(r, c, s, 10000, HF_S), "and carries bytes");
    tcp_disconnect(&l->tcb);
    EQ(tcp_state(&l->tcb), TCP_CLOSED, "a listener can be dissolved");
    tcp_close(&l->tcb, false);
    tcp_close(&c->tcb, true);
    rig_run(r, HF_MS);
    tcp_close(&s->tcb, true);
    OK(rig_end(r), "nothing is lost");
}

int main(void)
{
    tap_begin(60);
    for (int v6 = 0; v6 < 2; v6++) {
        test_full_queue_at_last_ack(v6);
        test_no_memory(v6);
        test_half_open(v6);
        test_held(v6);
        test_refusals(v6);
        test_held_abandoned(v6);
        test_disconnect_and_again(v6);
    }
    return tap_end();
}
