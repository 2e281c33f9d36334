/* Somebody who cannot see the connection, but knows its addresses and ports: what he guesses does
 * not end it, put bytes into it, slow it down or make it answer without end. RFC 5961, RFC 5927. */
#include "peer.h"

#include "wire/bytes.h"

#define ANSWERS_LEAST  500 /* challenge ACKs of a second */
#define ANSWERS_MOST   1500
#define GUESSES        4000
#define MTU4_ACCEPTED  552
#define MTU6_ACCEPTED  1280
#define TCP_AND_STAMPS (20 + 12)

/* Open, with `out` bytes unacknowledged. */
static struct sock *victim(struct rig *r, bool v6, uint32_t out)
{
    static const uint8_t bytes[4096];
    struct sock *c = peer_opened(r, v6, NULL);

    if (out && rig_write(c, bytes, out, 0) != out)
        abort();
    while (rig_step(r))
        ;
    return c;
}

/* The peer himself says something, and is heard. */
static void still_works(struct rig *r, bool v6, struct sock *c, const char *name)
{
    struct tcp_header h = peer_says(c);
    char byte = 0;

    h.seq = c->tcb.rcv_nxt;
    h.ack = c->tcb.snd_max;
    h.has_timestamps = true;
    h.ts_val = PEER_TS + 1;
    rig_inject(r, v6, &h, "!", 1);
    OK(rig_read(c, &byte, 1, 0) == 1 && byte == '!' && !tcb_flight(&c->tcb), name);
}

static void finish(struct rig *r, struct sock *c)
{
    tcp_close(&c->tcb, true);
    OK(rig_end(r), "  and nothing is left behind");
}

/* Answers to so many of h within one second; each is at another place in the window. */
static uint32_t barrage(struct rig *r, bool v6, struct tcp_header h, uint32_t count)
{
    uint32_t first = h.seq, answers = 0;

    for (uint32_t i = 0; i < count; i++) {
        h.seq = first + i * 7;
        r->seen_count = 0;
        rig_inject(r, v6, &h, NULL, 0);
        answers += r->seen_count;
    }
    return answers;
}

/* RFC 5961 3.2, 4.2: flags that would end it, anywhere but at the very place */
static void test_flags(bool v6, uint8_t flags, const char *name)
{
    struct rig *r = rig_new();
    struct sock *c = victim(r, v6, 0);
    struct tcp_header h = peer_says(c);
    uint32_t answers;

    h.flags = flags;
    h.seq++;
    answers = barrage(r, v6, h, GUESSES);
    EQ(tcp_state(&c->tcb), TCP_ESTABLISHED, name);
    OK(answers >= ANSWERS_LEAST && answers <= ANSWERS_MOST, "  a second's answers have a limit");
    for (int bit = 0; bit < 32; bit++) {
        h.seq = PEER_NXT + (1u << bit);
        rig_inject(r, v6, &h, NULL, 0);
    }
    EQ(tcp_state(&c->tcb), TCP_ESTABLISHED, "  nor elsewhere in all the numbers");
    still_works(r, v6, c, "  the connection goes on");
    finish(r, c);
}

static void test_exact_reset(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c = victim(r, v6, 0);
    struct tcp_header h = peer_says(c);

    h.flags = TCP_RST;
    rig_inject(r, v6, &h, NULL, 0);
    EQ(c->tcb.pcb.err, HF_ECONNRESET, "a reset at the very place is believed");
    finish(r, c);
}

/* CVE-2016-5696: how many challenges are left is the same for all, so it must not be known. */
static void test_limit_is_no_oracle(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c = victim(r, v6, 0);
    struct tcp_header h = peer_says(c);
    uint32_t last = 0, same = 0;

    h.flags = TCP_RST;
    h.seq++;
    for (int second = 0; second < 20; second++) {
        uint32_t answers;

        rig_clock(r, r->now + HF_S);
        answers = barrage(r, v6, h, ANSWERS_MOST + 100);
        same += answers == last;
        last = answers;
    }
    OK(same <= 2, "no second's limit tells the next one's");
    finish(r, c);
}

/* RFC 5961 5.2: bytes whose acknowledgement cannot be */
static void test_data(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c = victim(r, v6, 0);
    struct tcp_header h = peer_says(c);

    for (int bit = 0; bit < 32; bit++)
        for (int away = -1; away <= 1; away += 2) {
            h.ack = c->tcb.snd_nxt + (uint32_t)away * (1u << bit);
            if (away < 0 && 1u << bit <= tcb_max_wnd(&c->tcb))
                continue; /* so old may be an honest one */
            rig_inject(r, v6, &h, "forged", 6);
            h.seq += 10;
            rig_inject(r, v6, &h, "forged", 6);
            h.seq -= 10;
        }
    EQ(tcp_readable(&c->tcb), 0, "bytes with a wrong acknowledgement are not taken");
    EQ(c->tcb.rmem, 0, "  nor kept");
    still_works(r, v6, c, "  the connection goes on");
    finish(r, c);
}

/* Acknowledging what was never sent: two ends at odds would answer each other for ever */
static void test_ack_storm(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c = victim(r, v6, 0);
    struct tcp_header h = peer_says(c);
    uint32_t answers;

    h.ack += 100000;
    answers = barrage(r, v6, h, GUESSES);
    OK(answers > 0 && answers <= ANSWERS_MOST, "wrong acknowledgements are answered in a limit");
    EQ(r->a.core.drops[HF_DROP_TCP_BAD_ACK], GUESSES, "  and counted");
    still_works(r, v6, c, "  the connection goes on");
    finish(r, c);
}

/* A time far ahead would make all that the peer says later old: PAWS turned against it */
static void test_time_bomb(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c = victim(r, v6, 0);
    struct tcp_header h = peer_says(c);

    h.has_timestamps = true;
    h.ts_val = 0x40000000;
    h.ack += 1000;
    rig_inject(r, v6, &h, "x", 1);
    h.ack = peer_says(c).ack;
    h.seq = PEER_NXT + 10; /* beyond a gap: its time is not taken either, RFC 7323 4.3 */
    rig_inject(r, v6, &h, "x", 1);
    h.seq = PEER_NXT - 100000;
    rig_inject(r, v6, &h, "x", 1);
    EQ(c->tcb.ts_recent, PEER_TS, "a forged time is not believed");
    still_works(r, v6, c, "  the connection goes on");
    finish(r, c);
}

static void icmp(struct rig *r, bool v6, const struct sock *c, enum icmp_error_kind kind,
                 uint32_t info, uint32_t seq)
{
    uint8_t quoted[8];
    struct icmp_error e = {.kind = kind,
                           .info = info,
                           .src = r->a.addr[v6],
                           .dst = r->b.addr[v6],
                           .quoted = quoted,
                           .quoted_len = sizeof(quoted)};

    put16(quoted, c->tcb.pcb.entry.lport);
    put16(quoted + 2, 80);
    put32(quoted + 4, seq);
    tcp_error(&r->a.tcp, &e);
    while (rig_step(r))
        ;
}

/* RFC 5927 4, 5: errors that would end or hinder it */
static void test_icmp(bool v6)
{
    static const enum icmp_error_kind kinds[] = {
        ICMP_ERR_NET_UNREACH, ICMP_ERR_HOST_UNREACH,  ICMP_ERR_PROTO_UNREACH, ICMP_ERR_PORT_UNREACH,
        ICMP_ERR_PROHIBITED,  ICMP_ERR_TIME_EXCEEDED, ICMP_ERR_PARAMETER,     ICMP_ERR_QUENCH,
    };
    struct rig *r = rig_new();
    struct sock *c = victim(r, v6, 1000);
    uint32_t cwnd = c->tcb.cwnd;
    uint64_t before;

    for (size_t i = 0; i < HF_COUNT(kinds); i++)
        icmp(r, v6, c, kinds[i], 0, c->tcb.snd_una);
    EQ(tcp_state(&c->tcb), TCP_ESTABLISHED, "no ICMP error ends what stands");
    EQ(c->tcb.pcb.err, 0, "  nor does the program hear of it");
    EQ(c->tcb.cwnd, cwnd, "  nor is it slower: RFC 5927 6");
    before = r->a.core.drops[HF_DROP_ICMP_UNMATCHED];
    for (int bit = 0; bit < 32; bit++)
        icmp(r, v6, c, ICMP_ERR_TOO_BIG, v6 ? 1280 : 600, c->tcb.snd_max + (1u << bit));
    EQ(tcp_mss(&c->tcb), PEER_MSS - 12, "too big about what is not out: RFC 5927 4.1");
    EQ(r->a.core.drops[HF_DROP_ICMP_UNMATCHED] - before, 32, "  is dropped and counted");
    still_works(r, v6, c, "  the connection goes on");
    finish(r, c);
}

/* Who does see it, or guesses well: MTUs that no honest router has */
static void test_mtu(bool v6)
{
    static const uint32_t absurd[] = {0, 1, 20, 40, 60, 68, 296, 551, 65535, 65536, UINT32_MAX};
    struct rig *r = rig_new();
    struct sock *c = victim(r, v6, 1000);
    uint32_t least = v6 ? MTU6_ACCEPTED - 40 - TCP_AND_STAMPS : MTU4_ACCEPTED - 20 - TCP_AND_STAMPS;
    uint32_t sent;

    r->seen_count = 0;
    for (size_t i = 0; i < HF_COUNT(absurd); i++)
        icmp(r, v6, c, ICMP_ERR_TOO_BIG, absurd[i], c->tcb.snd_una);
    EQ(tcp_mss(&c->tcb), v6 ? PEER_MSS - 12 : least, "absurd MTUs change nothing, or to 552");
    OK(r->seen_count <= (v6 ? 0 : 3), "  and what is out is sent again once, if at all");
    for (uint32_t mtu = 1500; mtu-- > 0;)
        icmp(r, v6, c, ICMP_ERR_TOO_BIG, mtu, c->tcb.snd_una);
    EQ(tcp_mss(&c->tcb), least, "segments get no smaller than the least honest MTU has them");
    sent = r->seen_count;
    OK(sent <= 2 * 1500, "  each is answered by what was too large, once");
    still_works(r, v6, c, "  the connection goes on");
    finish(r, c);
}

/* An open under way ends by what quotes its SYN, and by nothing else. */
static void test_icmp_on_open(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c = peer_called(r, v6);

    for (int bit = 1; bit < 32; bit++)
        icmp(r, v6, c, ICMP_ERR_HOST_UNREACH, 0, c->tcb.snd_una + (1u << bit));
    EQ(tcp_state(&c->tcb), TCP_SYN_SENT, "an error about another SYN does not end an open");
    icmp(r, v6, c, ICMP_ERR_HOST_UNREACH, 0, c->tcb.snd_una);
    EQ(tcp_state(&c->tcb), TCP_CLOSED, "the one about ours does");
    finish(r, c);
}

/* A SYN-ACK, a reset or a refusal by who did not see the SYN */
static void test_open(bool v6)
{
    static const uint8_t flags[] = {TCP_SYN | TCP_ACK, TCP_RST | TCP_ACK, TCP_ACK,
                                    TCP_FIN | TCP_ACK, TCP_RST,           TCP_FIN};
    struct rig *r = rig_new();
    struct sock *c = peer_called(r, v6);
    struct tcp_header h = peer_says(c), good = peer_accepts(r, c);

    for (size_t i = 0; i < HF_COUNT(flags); i++)
        for (int bit = 0; bit < 32; bit++) {
            h.flags = flags[i];
            h.ack = c->tcb.snd_max + (1u << bit);
            rig_inject(r, v6, &h, NULL, 0);
        }
    EQ(tcp_state(&c->tcb), TCP_SYN_SENT, "who did not see our SYN does not answer it");
    rig_inject(r, v6, &good, NULL, 0);
    EQ(tcp_state(&c->tcb), TCP_ESTABLISHED, "who did, does");
    finish(r, c);
}

int main(void)
{
    tap_begin(60);
    for (int v6 = 0; v6 < 2; v6++) {
        test_flags(v6, TCP_RST, "resets in the window do not end it");
        test_flags(v6, TCP_SYN, "SYNs in the window do not end it");
        test_flags(v6, TCP_SYN | TCP_ACK, "nor do SYN-ACKs");
        test_flags(v6, TCP_RST | TCP_ACK, "nor resets with an acknowledgement");
        test_exact_reset(v6);
        test_limit_is_no_oracle(v6);
        test_data(v6);
        test_ack_storm(v6);
        test_time_bomb(v6);
        test_icmp(v6);
        test_mtu(v6);
        test_icmp_on_open(v6);
        test_open(v6);
    }
    return tap_end();
}
