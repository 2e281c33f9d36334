/* Fast Open: cookies, data in SYNs at both ends, what is lost on the way, limits. RFC 7413 */
#include "transport/tcp/fastopen.h"
#include "rig.h"
#include "transport/tcp/flow.h"

enum { SERVER = TCP_FASTOPEN_CLIENT | TCP_FASTOPEN_SERVER };

static unsigned lose_syns, lose_answers, lose_acks; /* of those that come next */

static enum verdict wire(struct rig *r, struct host *to, struct hf_frame *f, const struct seen *s)
{
    bool is_syn = s->h.flags & TCP_SYN;

    if (s->from == 0 && is_syn && lose_syns)
        return lose_syns--, LOSE;
    if (s->from == 1 && is_syn && lose_answers)
        return lose_answers--, LOSE;
    if (s->from == 0 && !is_syn && lose_acks)
        return lose_acks--, LOSE;
    return PASS;
}

struct scene {
    struct rig *r;
    struct sock *l;
    bool v6;
};

static struct scene begin(bool v6, uint32_t limit)
{
    struct scene z = {rig_new(), NULL, v6};

    lose_syns = lose_answers = lose_acks = 0;
    z.r->filter = wire;
    z.r->delay = 10 * HF_MS;
    tcp_set_fastopen(&z.r->b.tcp, SERVER);
    z.l = rig_listen(&z.r->b, v6, 80, 8);
    z.l->fastopen = tcp_fastopen_queue_new(&z.r->b.tcp);
    z.l->fastopen->limit = limit;
    tcp_fastopen_make_keys(&z.r->b.tcp);
    return z;
}

static void end(struct scene *z)
{
    tcp_close(&z->l->tcb, true);
    OK(rig_end(z->r), "nothing is left behind");
}

/* A connection that begins with these bytes; *taken: what tcp_send says. */
static struct sock *open_with(struct scene *z, const char *bytes, int64_t *taken)
{
    struct sock *c = sock_new(&z->r->a, z->v6);
    struct endpoint dst = {.addr = z->r->b.addr[z->v6], .port = 80};

    EQ(tcp_open_active(&c->tcb, &dst, TCP_OPEN_LATER), 0, "an open, put off");
    z->r->seen_count = 0;
    *taken = rig_write(c, bytes, strlen(bytes), 0);
    return c;
}

static void close_both(struct scene *z, struct sock *c, struct sock *s)
{
    tcp_close(&c->tcb, true);
    rig_run(z->r, 100 * HF_MS);
    if (s)
        tcp_close(&s->tcb, true);
}

/* One open without a cookie, which brings one. */
static void warm_up(struct scene *z)
{
    int64_t taken;
    struct sock *c = open_with(z, "cold", &taken), *s;

    rig_run(z->r, 100 * HF_MS);
    s = rig_accept(z->l);
    EQ(taken, -HF_EINPROGRESS, "without a cookie nothing goes with the SYN");
    OK(s && z->r->seen[0].h.has_fastopen && !z->r->seen[0].h.fastopen_len, "but it asks for one");
    EQ(z->r->seen[1].h.fastopen_len, 8, "and is given one");
    EQ(c->tcb.fo_fail, 1, "TCP_INFO tells why");
    close_both(z, c, s);
}

static bool reads(struct sock *s, const char *want)
{
    char buf[64];
    int64_t n = rig_read(s, buf, sizeof(buf), 0);

    return n == (int64_t)strlen(want) && memcmp(buf, want, (size_t)n) == 0;
}

/* RFC 7413 4.2: data in the SYN is read, and answered, before the handshake is done */
static void test_data_in_syn(bool v6)
{
    struct scene z = begin(v6, 4);
    struct sock *c, *s;
    int64_t taken;

    warm_up(&z);
    c = open_with(&z, "question", &taken);
    EQ(taken, 8, "with a cookie the bytes go with the SYN");
    rig_run(z.r, 10 * HF_MS);
    s = rig_accept(z.l);
    OK(s && tcp_is_open_early(&s->tcb), "the connection is there half a round trip later");
    OK(reads(s, "question"), "with the bytes");
    EQ(z.l->fastopen->pending, 1, "it counts against the limit");
    EQ(rig_write(s, "answer", 6, TCP_SEND_TELL), 6, "it may answer");
    for (unsigned i = 0; i < z.r->seen_count; i++)
        EQ(z.r->seen[i].from == 1 && !(z.r->seen[i].h.flags & TCP_SYN), 0, "reading tells nothing");
    OK(s->tcb.rcv_adv - s->tcb.rcv_nxt <= 65536, "nor is more promised than a SYN can promise");
    rig_run(z.r, 10 * HF_MS);
    OK(reads(c, "answer"), "the answer is there after one round trip");
    OK(c->tcb.fo_acked && s->tcb.fo_acked, "TCPI_OPT_SYN_DATA at both ends");
    rig_run(z.r, 10 * HF_MS);
    EQ(tcp_state(&s->tcb), TCP_ESTABLISHED, "then the handshake is done");
    EQ(s->tcb.flow->copies.count, 0, "the answer is acknowledged, and who wanted to know is told");
    EQ(z.l->fastopen->pending, 0, "and counts no more");
    EQ(c->tcb.total_retrans + s->tcb.total_retrans, 0, "nothing was sent twice");
    OK(rig_transfer(z.r, c, s, 100000, 5 * HF_S), "bytes go one way");
    OK(rig_transfer(z.r, s, c, 100000, 5 * HF_S), "and the other");
    close_both(&z, c, s);
    end(&z);
}

/* RFC 7413 4.1.2: a cookie that is none brings a new one, and an ordinary handshake */
static void test_false_cookie(bool v6)
{
    struct scene z = begin(v6, 4);
    struct tcp_fastopen_keys *keys = &z.r->b.tcp.fastopen_keys;
    struct sock *c, *s;
    int64_t taken;

    warm_up(&z);
    keys->key[0][0]++;
    c = open_with(&z, "bytes", &taken);
    rig_run(z.r, 100 * HF_MS);
    s = rig_accept(z.l);
    EQ(z.r->seen[1].h.ack - z.r->seen[0].h.seq, 1, "the server takes the SYN alone");
    EQ(z.r->seen[1].h.fastopen_len, 8, "and gives another cookie");
    OK(s && reads(s, "bytes"), "the bytes come again");
    EQ(c->tcb.fo_fail, 2, "TCP_INFO: they were not acknowledged");
    EQ(c->tcb.total_retrans, 1, "as a repeat");
    EQ(z.r->seen[2].len, 5, "at once");
    EQ(c->tcb.cwnd, 10u * c->tcb.mss, "which is not congestion's fault");
    OK(!repair_of(&c->tcb) && tcb_flight(&c->tcb) == 0, "and nothing is left to repair");
    close_both(&z, c, s);
    memcpy(keys->key[1], keys->key[0], sizeof(keys->key[0]));
    keys->key[0][0]++;
    keys->count = 2;
    c = open_with(&z, "again", &taken);
    rig_run(z.r, 100 * HF_MS);
    s = rig_accept(z.l);
    EQ(z.r->seen[1].h.ack - z.r->seen[0].h.seq, 6, "a cookie of the key before is good");
    EQ(z.r->seen[1].h.fastopen_len, 8, "but is replaced");
    close_both(&z, c, s);
    end(&z);
}

/* The bytes that a SYN brought in vain may be lost a second time, with SACK and without. */
static void test_lost_repeat(bool v6, bool sack)
{
    struct scene z = begin(v6, 4);
    struct sock *c, *s;
    int64_t taken;

    z.r->b.tcp.sack = sack;
    warm_up(&z);
    z.r->b.tcp.fastopen_keys.key[0][0]++;
    c = open_with(&z, "bytes", &taken);
    lose_acks = 1; /* the handshake's last, which carries them */
    rig_run(z.r, 50 * HF_MS);
    EQ(lose_acks, 0, "the repeat is lost");
    EQ(rig_write(c, " and", 4, 0), 4, "more follows");
    rig_run(z.r, 3 * HF_S);
    s = rig_accept(z.l);
    OK(s && reads(s, "bytes and"), "all comes");
    EQ(tcb_flight(&c->tcb), 0, "and is acknowledged");
    OK(rig_transfer(z.r, c, s, 100000, 5 * HF_S), "bytes go on");
    close_both(&z, c, s);
    end(&z);
}

/* RFC 7413 4.1.3.1: SYNs that are repeated are ordinary ones; a server behind something that loses
 * the others is left alone */
static void test_lost_syn(bool v6)
{
    struct scene z = begin(v6, 4);
    struct sock *c, *s;
    int64_t taken;

    warm_up(&z);
    for (int i = 0; i < 2; i++) {
        lose_syns = 1;
        c = open_with(&z, "bytes", &taken);
        rig_run(z.r, 2 * HF_S);
        s = rig_accept(z.l);
        OK(!z.r->seen[1].h.has_fastopen && !z.r->seen[1].len, "a repeated SYN has no more to say");
        OK(s && reads(s, "bytes"), "the bytes follow it");
        EQ(c->tcb.fo_fail, 3, "TCP_INFO: the SYN was repeated");
        close_both(&z, c, s);
    }
    c = open_with(&z, "bytes", &taken);
    EQ(taken, -HF_EINPROGRESS, "after two losses nothing goes with a SYN");
    rig_run(z.r, 100 * HF_MS);
    OK(!z.r->seen[0].h.has_fastopen, "nor does it ask");
    close_both(&z, c, rig_accept(z.l));
    rig_run(z.r, 300 * HF_S);
    c = open_with(&z, "bytes", &taken);
    EQ(taken, 5, "until some minutes have passed");
    rig_run(z.r, 100 * HF_MS);
    close_both(&z, c, rig_accept(z.l));
    end(&z);
}

/* The SYN-ACK has the timer to itself until it is answered. */
static void test_lost_answer(bool v6)
{
    struct scene z = begin(v6, 4);
    struct sock *c, *s;
    unsigned data = 0;
    int64_t taken;

    warm_up(&z);
    lose_answers = 1;
    c = open_with(&z, "bytes", &taken);
    rig_run(z.r, 15 * HF_MS);
    s = rig_accept(z.l);
    OK(s && reads(s, "bytes"), "the SYN came");
    EQ(rig_write(s, "early", 5, 0), 5, "and is answered");
    rig_run(z.r, 900 * HF_MS);
    for (unsigned i = 0; i < z.r->seen_count; i++)
        data += z.r->seen[i].from == 1 && z.r->seen[i].len;
    EQ(data, 1, "bytes are not repeated before the SYN-ACK is answered");
    rig_run(z.r, 3 * HF_S);
    OK(reads(c, "early"), "they are then");
    EQ(tcp_state(&s->tcb), TCP_ESTABLISHED, "the handshake is done after all");
    OK(rig_transfer(z.r, s, c, 50000, 5 * HF_S), "bytes go");
    close_both(&z, c, s);
    end(&z);
}

static void test_silent_client(bool v6)
{
    struct scene z = begin(v6, 4);
    struct sock *c, *s;
    int64_t taken;

    warm_up(&z);
    lose_acks = UINT32_MAX;
    c = open_with(&z, "bytes", &taken);
    rig_run(z.r, 50 * HF_MS);
    s = rig_accept(z.l);
    rig_run(z.r, 40 * HF_S);
    EQ(tcp_state(&s->tcb), TCP_SYN_RECEIVED, "SYN-ACKs are repeated");
    rig_run(z.r, 200 * HF_S);
    EQ(tcp_state(&s->tcb), TCP_CLOSED, "not for ever");
    OK(reads(s, "bytes"), "what came is there");
    EQ(rig_read(s, &taken, 1, 0), -HF_ETIMEDOUT, "then the error");
    EQ(z.l->fastopen->pending, 0, "it counts no more");
    close_both(&z, c, s);
    end(&z);
}

/* RFC 7413 5.1: so many may wait, with those that were reset lately */
static void test_limit(bool v6)
{
    struct scene z = begin(v6, 1);
    struct sock *c[4], *s;
    int64_t taken;

    warm_up(&z);
    lose_acks = UINT32_MAX;
    c[0] = open_with(&z, "one", &taken);
    rig_run(z.r, 50 * HF_MS);
    lose_acks = 0;
    s = rig_accept(z.l);
    OK(s && tcp_is_open_early(&s->tcb), "the first waits for its handshake");
    c[1] = open_with(&z, "two", &taken);
    rig_run(z.r, 100 * HF_MS);
    OK(!z.r->seen[1].h.has_fastopen && z.r->seen[1].h.ack == z.r->seen[0].h.seq + 1,
       "the second has an ordinary one");
    close_both(&z, c[1], rig_accept(z.l));
    tcp_close(&c[0]->tcb, true);
    rig_run(z.r, 100 * HF_MS);
    EQ(tcp_state(&s->tcb), TCP_CLOSED, "the first is reset");
    tcp_close(&s->tcb, true);
    EQ(z.l->fastopen->pending, 1, "and counts on");
    c[2] = open_with(&z, "three", &taken);
    rig_run(z.r, 100 * HF_MS);
    EQ(z.r->seen[1].h.ack, z.r->seen[0].h.seq + 1, "the third has an ordinary one, too");
    close_both(&z, c[2], rig_accept(z.l));
    rig_run(z.r, 61 * HF_S);
    c[3] = open_with(&z, "four", &taken);
    rig_run(z.r, 100 * HF_MS);
    EQ(z.r->seen[1].h.ack, z.r->seen[0].h.seq + 5, "a minute later all is well");
    close_both(&z, c[3], rig_accept(z.l));
    end(&z);
}

/* Without cookies, where both ends may: Linux's bits 0x4 and 0x200 */
static void test_no_cookie(bool v6)
{
    struct scene z = begin(v6, 4);
    struct sock *c, *s;
    int64_t taken;

    tcp_set_fastopen(&z.r->a.tcp, SERVER | TCP_FASTOPEN_CLIENT_NO_COOKIE);
    tcp_set_fastopen(&z.r->b.tcp, SERVER | TCP_FASTOPEN_SERVER_NO_COOKIE);
    c = open_with(&z, "bytes", &taken);
    EQ(taken, 5, "bytes go with the first SYN");
    rig_run(z.r, 100 * HF_MS);
    s = rig_accept(z.l);
    OK(!z.r->seen[0].h.has_fastopen && !z.r->seen[1].h.has_fastopen, "there is no option");
    OK(s && reads(s, "bytes") && s->tcb.fo_acked, "and they are taken");
    close_both(&z, c, s);
    end(&z);
}

/* Linux's tcp_fastopen_blackhole_timeout_sec: where what follows the SYN is lost, all pauses */
static void test_black_hole(bool v6)
{
    struct scene z = begin(v6, 4);
    struct sock *c, *s;
    int64_t taken;

    warm_up(&z);
    z.r->a.tcp.fastopen.blackhole_s = 100;
    c = open_with(&z, "bytes", &taken);
    rig_run(z.r, 50 * HF_MS);
    s = rig_accept(z.l);
    EQ(rig_write(c, "lost", 4, 0), 4, "more bytes");
    lose_acks = UINT32_MAX;
    rig_run(z.r, 5 * HF_S);
    lose_acks = 0;
    close_both(&z, c, s);
    c = open_with(&z, "bytes", &taken);
    EQ(taken, -HF_EINPROGRESS, "three timeouts in a row, and nobody opens fast");
    rig_run(z.r, 100 * HF_MS);
    close_both(&z, c, rig_accept(z.l));
    rig_run(z.r, 100 * HF_S);
    c = open_with(&z, "bytes", &taken);
    EQ(taken, 5, "until the pause is over");
    rig_run(z.r, 100 * HF_MS);
    s = rig_accept(z.l);
    OK(rig_transfer(z.r, s, c, 1000, HF_S), "when bytes come back on such a connection");
    close_both(&z, c, s);
    EQ(z.r->a.tcp.fastopen.pauses, 0, "the next pause is short again");
    end(&z);
}

static void test_put_off(bool v6)
{
    struct scene z = begin(v6, 4);
    struct endpoint dst = {.addr = z.r->b.addr[v6], .port = 80};
    struct sock *c;

    warm_up(&z);
    z.r->seen_count = 0;
    c = sock_new(&z.r->a, v6);
    EQ(tcp_open_active(&c->tcb, &dst, TCP_OPEN_FAST), 0, "with a cookie");
    OK(tcp_is_deferred(&c->tcb), "the SYN waits for bytes");
    rig_run(z.r, HF_S);
    EQ(z.r->seen_count, 0, "nothing is sent");
    tcp_close(&c->tcb, false);
    rig_run(z.r, HF_S);
    EQ(z.r->seen_count, 0, "and nothing when it is closed");
    tcp_set_fastopen(&z.r->a.tcp, 0);
    tcp_set_fastopen(&z.r->a.tcp, TCP_FASTOPEN_CLIENT);
    c = sock_new(&z.r->a, v6);
    EQ(tcp_open_active(&c->tcb, &dst, TCP_OPEN_FAST), 0, "without one");
    OK(!tcp_is_deferred(&c->tcb) && z.r->a.out_first, "it asks at once");
    rig_run(z.r, 100 * HF_MS);
    close_both(&z, c, rig_accept(z.l));
    end(&z);
}

/* A cookie remembered for each of very many servers would be a leak. */
static void test_memory(void)
{
    struct rig *r = rig_new();
    struct demux_entry key = {.laddr = r->a.addr[0], .raddr = r->b.addr[0]};
    const uint8_t cookie[8] = "cookie";
    struct fastopen_news n = {.mss = 1400, .cookie_len = 8, .cookie = cookie};
    struct fastopen_known known;
    int64_t before;

    for (uint32_t i = 0; i < 1024; i++) {
        memcpy(key.raddr.b + 12, &i, sizeof(i));
        fastopen_learn(&r->a.tcp, &key, &n);
    }
    before = r->allocated;
    for (uint32_t i = 1024; i < 5000; i++) {
        memcpy(key.raddr.b + 12, &i, sizeof(i));
        fastopen_learn(&r->a.tcp, &key, &n);
    }
    EQ(r->allocated, before, "the oldest makes room");
    fastopen_recall(&r->a.tcp, &key, &known);
    EQ(known.len, 8, "the newest is there");
    key.raddr = r->b.addr[0];
    fastopen_recall(&r->a.tcp, &key, &known);
    EQ(known.len + known.mss, 0, "of others nothing is known");
    r->fail_at = 0;
    fastopen_learn(&r->b.tcp, &key, &n);
    fastopen_recall(&r->b.tcp, &key, &known);
    EQ(known.len, 0, "without memory nothing is remembered");
    OK(rig_end(r), "nothing is left behind");
}

/* Each allocation fails once: an open still comes to a defined end. */
static void test_scarce(bool v6)
{
    bool untouched = false;

    for (int64_t n = 0; n < 60 && !untouched; n++) {
        struct rig *r = rig_new();
        struct sock *l = rig_listen(&r->b, v6, 80, 8), *c = sock_new(&r->a, v6), *s;
        struct endpoint dst = {.addr = r->b.addr[v6], .port = 80};

        tcp_set_fastopen(&r->a.tcp, SERVER | TCP_FASTOPEN_CLIENT_NO_COOKIE);
        tcp_set_fastopen(&r->b.tcp, SERVER | TCP_FASTOPEN_SERVER_NO_COOKIE);
        l->fastopen = tcp_fastopen_queue_new(&r->b.tcp);
        l->fastopen->limit = 1;
        r->fail_at = n;
        if (tcp_open_active(&c->tcb, &dst, TCP_OPEN_LATER) == 0) {
            int64_t taken = rig_write(c, "bytes", 5, 0);

            untouched = taken == 5 && r->fail_at > 0;
            rig_run(r, 5 * HF_S);
            if (tcp_state(&c->tcb) != TCP_ESTABLISHED)
                OK(false, "the open ends well");
        }
        r->fail_at = -1;
        s = rig_accept(l);
        tcp_close(&c->tcb, true);
        rig_run(r, HF_S);
        if (s)
            tcp_close(&s->tcb, true);
        tcp_close(&l->tcb, true);
        if (!rig_end(r))
            OK(false, "something is left behind");
    }
    OK(untouched, "each allocation failed once");
}

int main(void)
{
    tap_begin(60);
    for (int v6 = 0; v6 < 2; v6++) {
        test_data_in_syn(v6);
        test_false_cookie(v6);
        test_lost_repeat(v6, true);
        test_lost_repeat(v6, false);
        test_lost_syn(v6);
        test_lost_answer(v6);
        test_silent_client(v6);
        test_limit(v6);
        test_no_cookie(v6);
        test_black_hole(v6);
        test_put_off(v6);
        test_scarce(v6);
    }
    test_memory();
    return tap_end();
}
