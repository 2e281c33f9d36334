/* SYN floods: what a listener gives away while its SYN queue is full, and takes back. RFC 4987 */
#include "rig.h"

/* A bare segment from anybody to b's port 80. */
static void forge(struct rig *r, bool v6, uint32_t who, const struct tcp_header *like)
{
    struct hf_frame *f = hf_frame_new(r->pool);
    struct tcp_header h = *like;
    struct ip_info ip = {
        .src = rig_ip(v6 ? "fd00::1:0:0" : "10.0.0.0"),
        .dst = r->b.addr[v6],
        .link = &r->b.link,
        .proto = HF_IPPROTO_TCP,
        .ttl = 64,
        .dst_is_unicast = true,
    };

    ip.src.b[15] = (uint8_t)(3 + who % 250);
    h.src_port = (uint16_t)(1024 + who / 250);
    h.dst_port = 80;
    tcp_header_write(&h, hf_frame_push(f, tcp_header_size(&h)));
    f->flags |= HF_FRAME_CSUM_OK;
    tcp_input(&r->b.tcp, &ip, f);
}

static void flood(struct rig *r, bool v6, uint32_t from, uint32_t count)
{
    struct tcp_header syn = {.flags = TCP_SYN, .window = 1000, .has_mss = true, .mss = 1460};

    for (uint32_t i = from; i < from + count; i++) {
        syn.seq = i * 2654435761u;
        forge(r, v6, i, &syn);
    }
}

static void drop_all(struct rig *r)
{
    while (r->b.out_first) {
        struct hf_frame *f = r->b.out_first;

        r->b.out_first = f->next;
        hf_frame_free(f);
    }
    r->b.out_last = NULL;
}

static struct sock *open_and_accept(struct rig *r, bool v6, struct sock *l, struct sock **c)
{
    *c = rig_connect(&r->a, &r->b.addr[v6], 80);
    rig_run(r, 35 * HF_MS);
    return rig_accept(l);
}

static void close_both(struct rig *r, struct sock *c, struct sock *s)
{
    tcp_close(&c->tcb, true);
    rig_run(r, 50 * HF_MS);
    if (s)
        tcp_close(&s->tcb, true);
}

/* A hundred thousand SYNs, and a good client now and then: it connects at once, and nothing grows.
 */
static void test_flood(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->b, v6, 80, 16), *c, *s;
    unsigned good = 0;
    int64_t before = 0;

    r->delay = 10 * HF_MS;
    flood(r, v6, 0, 100);
    drop_all(r);
    EQ(l->tcb.listen.syn_len, 16, "the SYN queue is full");
    for (uint32_t i = 0; i < 20; i++) {
        if (i == 1) /* what the first took stays for the others */
            before = r->allocated;
        flood(r, v6, 1000 + i * 5000, 5000);
        drop_all(r);
        s = open_and_accept(r, v6, l, &c);
        good += s && c->tcb.total_retrans == 0 && rig_transfer(r, c, s, 3000, HF_S);
        close_both(r, c, s);
    }
    EQ(good, 20, "every good client is served at once");
    EQ(l->tcb.listen.syn_len, 16, "the SYN queue has not grown");
    EQ(r->allocated - before, 0, "nor has memory");
    EQ(r->b.core.stats.syn_cookies_taken, 20, "they came by cookies");
    tcp_close(&l->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

/* What the SYN said is known after all: in the timestamp. */
static void test_options(bool v6, bool timestamps)
{
    struct rig *r = rig_new();
    struct sock *l, *c, *s;

    r->a.tcp.timestamps = timestamps;
    r->a.tcp.ecn = 1;
    r->b.tcp.syn_cookies = 2;
    l = rig_listen(&r->b, v6, 80, 16);
    r->delay = 10 * HF_MS;
    s = open_and_accept(r, v6, l, &c);
    OK(s, "connected by a cookie");
    EQ(s->tcb.ts_ok, timestamps, "timestamps");
    EQ(s->tcb.sack_ok && c->tcb.sack_ok, timestamps, "SACK needs them");
    EQ(s->tcb.snd_wscale == c->tcb.rcv_wscale && s->tcb.rcv_wscale == c->tcb.snd_wscale, true,
       "both agree on window scales");
    EQ(s->tcb.snd_wscale > 0, timestamps, "which need them, too");
    EQ(s->tcb.ecn_ok && c->tcb.ecn_ok, timestamps, "and ECN");
    EQ(s->tcb.peer_mss, v6 ? 1440 : 1460, "the MSS");
    OK(rig_transfer(r, c, s, 200000, 5 * HF_S), "bytes go one way");
    OK(rig_transfer(r, s, c, 200000, 5 * HF_S), "and the other");
    close_both(r, c, s);
    tcp_close(&l->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

static struct tcp_header held_ack; /* the handshake's last, which the wire keeps */

static enum verdict keep_ack(struct rig *r, struct host *to, struct hf_frame *f,
                             const struct seen *s)
{
    if (s->from == 0 && !(s->h.flags & (TCP_SYN | TCP_RST))) {
        held_ack = s->h;
        return LOSE;
    }
    return PASS;
}

/* Bringing the kept ACK to b, from a's address. */
static void deliver(struct rig *r, bool v6)
{
    struct hf_frame *f = hf_frame_new(r->pool);
    struct ip_info ip = {
        .src = r->a.addr[v6],
        .dst = r->b.addr[v6],
        .link = &r->b.link,
        .proto = HF_IPPROTO_TCP,
        .ttl = 64,
        .dst_is_unicast = true,
    };

    tcp_header_write(&held_ack, hf_frame_push(f, tcp_header_size(&held_ack)));
    f->flags |= HF_FRAME_CSUM_OK;
    tcp_input(&r->b.tcp, &ip, f);
}

/* A cookie is good for its period and the next, once it was given, and only whole. */
static void test_false(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->b, v6, 80, 1), *c, *s;
    struct tcp_header ack = {.flags = TCP_ACK, .seq = 1, .ack = 77, .window = 1000};

    for (uint32_t i = 0; i < 1000; i++) {
        ack.ack += 2654435761u;
        forge(r, v6, i, &ack);
    }
    EQ(r->b.core.stats.tcp_connections, 0, "before any was given none is taken");
    r->b.tcp.syn_cookies = 2;
    r->filter = keep_ack;
    c = rig_connect(&r->a, &r->b.addr[v6], 80);
    rig_run(r, 10 * HF_MS);
    for (uint32_t i = 0; i < 1000; i++) {
        ack.ack += 2654435761u;
        forge(r, v6, i, &ack);
    }
    EQ(r->b.core.stats.tcp_connections, 0, "nor is what nobody was given");
    for (unsigned bit = 0; bit < 32; bit++) {
        held_ack.ack ^= 1u << bit;
        deliver(r, v6);
        held_ack.ack ^= 1u << bit;
    }
    held_ack.seq++;
    deliver(r, v6);
    held_ack.seq--;
    EQ(r->b.core.stats.tcp_connections, 0, "nor one with any bit changed");
    rig_clock(r, r->now + 60 * HF_S);
    deliver(r, v6);
    EQ(r->b.core.stats.tcp_connections, 1, "a minute later it is good");
    s = rig_accept(l);
    tcp_close(&s->tcb, true);
    drop_all(r);
    rig_clock(r, r->now + 70 * HF_S);
    deliver(r, v6);
    EQ(r->b.core.stats.tcp_connections, 0, "two periods later it is not");
    r->filter = NULL;
    tcp_close(&c->tcb, true);
    tcp_close(&l->tcb, true);
    rig_run(r, HF_S);
    OK(rig_end(r), "nothing is left behind");
}

/* A full accept queue takes no cookie, and cookies can be off. */
static void test_limits(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->b, v6, 80, 0), *c[3];

    r->b.tcp.syn_cookies = 2;
    for (int i = 0; i < 3; i++)
        c[i] = rig_connect(&r->a, &r->b.addr[v6], 80);
    rig_run(r, 10 * HF_MS);
    EQ(l->tcb.listen.accept_len, 1, "the accept queue keeps its limit");
    EQ(l->tcb.listen.syn_len, 0, "and nothing is kept of the others");
    for (int i = 0; i < 3; i++)
        tcp_close(&c[i]->tcb, true);
    tcp_close(&l->tcb, true);
    rig_run(r, HF_S);
    r->b.tcp.syn_cookies = 0;
    l = rig_listen(&r->b, v6, 80, 8);
    flood(r, v6, 0, 100);
    drop_all(r);
    EQ(r->b.core.drops[HF_DROP_TCP_SYN_QUEUE], 92, "without cookies SYNs are dropped and counted");
    tcp_close(&l->tcb, true);
    OK(rig_end(r), "nothing is left behind");
}

int main(void)
{
    tap_begin(60);
    for (int v6 = 0; v6 < 2; v6++) {
        test_flood(v6);
        test_options(v6, true);
        test_options(v6, false);
        test_false(v6);
        test_limits(v6);
    }
    return tap_end();
}
