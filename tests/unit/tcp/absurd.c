/* Options of every kind and every length, at every place, in SYNs, answers and data: what makes no
 * sense is overlooked or dropped, and nothing it says is believed beyond what can be. RFC 9293
 * MUST-6, MUST-7, RFC 7323 2.3 */
#include "peer.h"

#define OPTIONS_MOST 40

/* To a, from the peer's port: h without options, then these bytes for options, padded. */
static void say(struct rig *r, bool v6, const struct tcp_header *h, const uint8_t *options,
                uint32_t len)
{
    struct hf_frame *f = hf_frame_new(r->pool);
    uint32_t padded = (len + 3) / 4 * 4;
    uint8_t *to = hf_frame_push(f, 20 + padded);

    memset(to, 0, 20 + padded);
    tcp_header_write(h, to);
    if (len)
        memcpy(to + 20, options, len);
    to[12] = (uint8_t)((5 + padded / 4) << 4);
    r->seen_count = 0;
    rig_take(r, v6, f);
}

static bool is_sane(const struct tcb *tcb)
{
    return tcb->mss >= 48 && tcb->mss <= 1460 && tcb->snd_wscale <= 14 &&
           (tcb->rcv_wscale <= 14 || tcb->rcv_wscale == UINT8_MAX);
}

/* One option by itself, whose bytes beyond kind and length are all `fill`, behind so many NOPs. */
static uint32_t option(uint8_t *to, uint32_t kind, uint32_t len, uint8_t fill, uint32_t before)
{
    memset(to, fill, OPTIONS_MOST);
    memset(to, 1, before);
    to[before] = (uint8_t)kind;
    if (before + 1 < OPTIONS_MOST)
        to[before + 1] = (uint8_t)len;
    return HF_MIN(before + (kind < 2 ? 1 : HF_MAX(len, 2u)), (uint32_t)OPTIONS_MOST);
}

/* A listener takes SYNs with them, or not; the next client is served. */
static void test_syn(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->a, v6, 99, 1);
    struct tcp_header h = {.src_port = 9, .dst_port = 99, .seq = 1000, .window = 1000};
    uint32_t insane = 0, answers = 0, kept = 0;
    uint8_t bytes[OPTIONS_MOST];

    r->filter = peer_hears;
    for (uint32_t kind = 0; kind < 256; kind++)
        for (uint32_t len = 0; len <= OPTIONS_MOST; len++)
            for (uint32_t fill = 0; fill < 256; fill += 85) {
                uint32_t n = option(bytes, kind, len, (uint8_t)fill, (kind + len) % 5);

                h.flags = TCP_SYN;
                say(r, v6, &h, bytes, n);
                answers += r->seen_count;
                if (l->tcb.listen.syn_len) {
                    const struct tcb *child =
                        container_of(l->tcb.listen.syn_queue.next, struct tcb, child.link);

                    insane += !is_sane(child);
                }
                h.flags = TCP_RST;
                h.seq++;
                say(r, v6, &h, NULL, 0);
                h.seq--;
                kept += l->tcb.listen.syn_len;
            }
    EQ(insane, 0, "no option of a SYN makes a connection absurd");
    EQ(kept, 0, "  nor does one keep it when it is reset");
    EQ(answers, 256 * 41 * 4, "  and the others are answered");
    tcp_close(&l->tcb, false);
    OK(rig_end(r), "  and nothing is left behind");
}

/* The answer to our SYN */
static void test_answer(bool v6)
{
    uint32_t insane = 0, dead = 0, leaks = 0;

    for (uint32_t kind = 0; kind < 256; kind += kind < 40 ? 1 : 43)
        for (uint32_t len = 0; len <= OPTIONS_MOST; len++) {
            struct rig *r = rig_new();
            struct sock *c = peer_called(r, v6);
            struct tcp_header h = peer_accepts(r, c);
            uint8_t bytes[OPTIONS_MOST];
            uint32_t n = option(bytes, kind, len, (uint8_t)(kind * len), 0);

            h.has_mss = h.has_timestamps = false;
            say(r, v6, &h, bytes, n);
            insane += !is_sane(&c->tcb);
            /* A timestamp that echoes none of ours is no answer: RFC 7323 3.2. */
            dead += tcp_state(&c->tcb) != TCP_ESTABLISHED && kind != 8;
            tcp_close(&c->tcb, true);
            leaks += !rig_end(r);
        }
    EQ(insane, 0, "no option of an answer makes a connection absurd");
    EQ(dead, 0, "  nor hinders it");
    EQ(leaks, 0, "  and nothing is left behind");
}

/* Data: whatever stands before it, it is taken once or not at all. */
static void test_data(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c = peer_opened(r, v6, NULL);
    struct tcp_header h = peer_says(c);
    uint8_t bytes[OPTIONS_MOST];
    uint32_t answers = 0;
    int64_t before;

    EQ(rig_write(c, "something", 9, 0), 9, "a connection with bytes out");
    before = r->allocated;
    for (uint32_t kind = 0; kind < 256; kind++)
        for (uint32_t len = 0; len <= OPTIONS_MOST; len++) {
            uint32_t n = option(bytes, kind, len, (uint8_t)(kind + 7 * len), (kind + len) % 7);

            h.seq = PEER_NXT + (kind + len) % 3;
            say(r, v6, &h, bytes, n);
            answers += r->seen_count;
        }
    EQ(tcp_state(&c->tcb), TCP_ESTABLISHED, "no option ends it");
    OK(is_sane(&c->tcb) && tcb_flight(&c->tcb) == 9, "  nor changes what was agreed on");
    OK(answers <= 2 * 1500, "  answers have a limit");
    OK(r->allocated - before < 10000, "  and so has memory");
    tcp_close(&c->tcb, true);
    OK(rig_end(r), "  and nothing is left behind");
}

/* SACK blocks of all numbers, and so many as fit: none that cannot be is believed. */
static void test_sack(bool v6)
{
    static const uint8_t payload[60000];
    struct rig *r = rig_new();
    struct sock *c = peer_opened(r, v6, NULL);
    struct tcp_header h = peer_says(c);
    uint32_t cwnd, segments = 0;

    c->tcb.sack_ok = 1;
    rig_inject(r, v6, &h, NULL, 0);
    EQ(rig_write(c, payload, sizeof(payload), 0) > 0, 1, "bytes are out");
    while (rig_step(r))
        ;
    cwnd = c->tcb.cwnd;
    for (int left = 0; left < 32; left++)
        for (int right = 0; right < 32; right++) {
            uint32_t una = c->tcb.snd_una, max = c->tcb.snd_max;
            struct sack_block blocks[4] = {
                {max + (1u << left), max + (1u << right)},
                {una - (1u << left), una - (1u << right)},
                {una - (1u << left), una + (1u << right)},
                {1u << left, 1u << right},
            };

            memcpy(h.sack, blocks, sizeof(blocks));
            h.sack_count = 4;
            r->seen_count = 0;
            rig_inject(r, v6, &h, NULL, 0);
            segments += r->seen_count;
        }
    EQ(tcb_flight(&c->tcb) > 0 && c->tcb.snd_una == h.ack, 1, "impossible blocks move nothing");
    OK(c->tcb.cwnd <= cwnd, "  open no window");
    OK(segments <= 10, "  and have hardly anything sent");
    h.sack_count = 0;
    h.ack = c->tcb.snd_max;
    rig_inject(r, v6, &h, NULL, 0);
    EQ(c->tcb.snd_una, h.ack, "  an honest acknowledgement does");
    tcp_close(&c->tcb, true);
    OK(rig_end(r), "  and nothing is left behind");
}

/* Header lengths and flags of every value, checksums apart */
static void test_flags(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->a, v6, 99, 1);
    struct tcp_header h = {.src_port = 9, .dst_port = 99, .seq = 1000, .window = 1000};
    uint32_t answers = 0;

    r->filter = peer_hears;
    for (uint32_t flags = 0; flags < 256; flags++)
        for (uint32_t port = 98; port <= 99; port++) {
            h.flags = (uint8_t)flags;
            h.dst_port = (uint16_t)port;
            say(r, v6, &h, NULL, 0);
            answers += r->seen_count;
        }
    OK(answers <= 2 * 256, "flags of every combination: one answer at most");
    OK(l->tcb.listen.syn_len <= 1, "  and one connection");
    tcp_close(&l->tcb, false);
    OK(rig_end(r), "  and nothing is left behind");
}

int main(void)
{
    tap_begin(60);
    for (int v6 = 0; v6 < 2; v6++) {
        test_syn(v6);
        test_answer(v6);
        test_data(v6);
        test_sack(v6);
        test_flags(v6);
    }
    return tap_end();
}
