/* hf_sock_send_now and hf_sock_recv_now: what they do is what the usual calls would have done, word
 * for word in TCP_INFO, and where they do nothing, nothing has happened. The same steps in two
 * worlds, of which one tries them first. */
#include <linux/tcp.h>

#include "base/core.h"
#include "world.h"

enum { STEPS = 6000, ROOM = 100000 };

struct side {
    struct world w;
    struct hf_sock *ends[2];
    struct hf_sock *listener;
    unsigned at_once; /* calls that were */
    bool tries;
};

static uint8_t sent[ROOM], got[2][ROOM];

static uint32_t dice(uint32_t *seed, uint32_t sides)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % sides;
}

static void side_init(struct side *s, const char *addr, bool is_stream, bool tries)
{
    memset(s, 0, sizeof(*s));
    s->tries = tries;
    world_init(&s->w);
    if (is_stream) {
        struct streams p = stream_pair(&s->w, addr);

        s->listener = p.listener;
        s->ends[0] = p.client;
        s->ends[1] = p.server;
        return;
    }
    for (int i = 0; i < 2; i++)
        s->ends[i] = sock_at(&s->w, strchr(addr, ':') ? AF_INET6 : AF_INET, SOCK_DGRAM, addr,
                             (uint16_t)(5000 + i));
    for (int i = 0; i < 2; i++) {
        if (sock_dial(s->ends[i], addr, (uint16_t)(5001 - i)))
            abort();
    }
}

static void side_fini(struct side *s)
{
    for (int i = 0; i < 2; i++)
        hf_sock_close(s->ends[i]);
    hf_sock_close(s->listener);
    world_fini(&s->w);
}

static int64_t put(struct side *s, unsigned i, uint32_t len)
{
    size_t n = s->tries && len ? hf_sock_send_now(s->ends[i], sent, len) : 0;

    s->at_once += n > 0;
    return n ? (int64_t)n : sock_put(s->ends[i], sent, len);
}

static int64_t get(struct side *s, unsigned i, uint32_t len)
{
    size_t n = s->tries && len ? hf_sock_recv_now(s->ends[i], got[s->tries], len) : 0;

    s->at_once += n > 0;
    return n ? (int64_t)n : sock_get(s->ends[i], got[s->tries], len);
}

struct step {
    unsigned what, i, value;
    uint32_t len;
};

static int64_t turn(struct side *s, const struct step *t)
{
    static const struct {
        int level, name, values[4];
    } options[] = {
        {HF_IPPROTO_TCP, HF_TCP_NODELAY, {0, 1, 1, 1}},
        {HF_IPPROTO_TCP, HF_TCP_CORK, {0, 0, 0, 1}},
        {HF_SOL_SOCKET, HF_SO_RCVLOWAT, {1, 1, 100, 5000}},
        {HF_SOL_SOCKET, HF_SO_PEEK_OFF, {-1, -1, -1, 2}},
        {HF_SOL_SOCKET, HF_SO_RCVBUF, {4096, 100000, 400000, 400000}},
        {HF_SOL_SOCKET, HF_SO_OOBINLINE, {0, 0, 1, 0}},
        {HF_IPPROTO_UDP, HF_UDP_CORK, {0, 0, 0, 1}},
    };
    unsigned at = t->len % HF_COUNT(options);

    return sock_set(s->ends[t->i], options[at].level, options[at].name,
                    options[at].values[t->value]);
}

static int64_t act(struct side *s, const struct step *t)
{
    struct hf_iovec iov = {sent, 1};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};

    switch (t->what) {
    case 0:
        return turn(s, t);
    case 1:
        run(&s->w, (hf_time)t->len * HF_US);
        return 0;
    case 2:
        hf_stack_poll(s->w.st, s->w.now);
        return 0;
    case 3:
        return t->value ? 0 : hf_sock_send(s->ends[t->i], &msg, HF_MSG_OOB);
    case 4:
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
        return put(s, t->i, t->len);
    default:
        return get(s, t->i, t->len);
    }
}

static bool is_same_info(struct side *a, struct side *b)
{
    for (int i = 0; i < 2; i++) {
        struct tcp_info x = {0}, y = {0};
        uint32_t len = sizeof(x);

        if (hf_sock_getsockopt(a->ends[i], HF_IPPROTO_TCP, TCP_INFO, &x, &len) ||
            hf_sock_getsockopt(b->ends[i], HF_IPPROTO_TCP, TCP_INFO, &y, &len) ||
            memcmp(&x, &y, sizeof(x)) != 0)
            return false;
    }
    return true;
}

static bool is_same(struct side *a, struct side *b, bool is_stream)
{
    struct hf_stack_stats x, y;

    hf_stack_stats(a->w.st, &x);
    hf_stack_stats(b->w.st, &y);
    for (int i = 0; i < 2; i++) {
        if (hf_sock_poll(a->ends[i]) != hf_sock_poll(b->ends[i]))
            return false;
    }
    return memcmp(&x, &y, sizeof(x)) == 0 &&
           hf_stack_deadline(a->w.st) == hf_stack_deadline(b->w.st) &&
           (!is_stream || is_same_info(a, b));
}

/* The number of the first step that differs, or STEPS. */
static unsigned compare(struct side *a, struct side *b, bool is_stream, uint32_t seed)
{
    static const uint32_t lengths[] = {1, 1, 1, 64, 1000, 1448, 40000, 65483, 70000};

    for (unsigned k = 0; k < STEPS; k++) {
        struct step t = {.what = dice(&seed, 17), .i = dice(&seed, 2), .value = dice(&seed, 4)};
        int64_t x, y;

        t.len = lengths[dice(&seed, HF_COUNT(lengths))];
        x = act(a, &t);
        y = act(b, &t);
        if (x != y || !is_same(a, b, is_stream))
            return k;
        if (t.what > 9 && x > 0 && memcmp(got[0], got[1], (size_t)x) != 0)
            return k;
    }
    return STEPS;
}

static void test_streams_and_datagrams(const char *addr)
{
    for (uint32_t k = 0; k < 12; k++) {
        bool is_stream = k % 3 != 0;
        struct side a, b;

        side_init(&a, addr, is_stream, true);
        side_init(&b, addr, is_stream, false);
        EQ(compare(&a, &b, is_stream, k + 1), STEPS, is_stream ? "streams" : "datagrams");
        OK(a.at_once > STEPS / 20, "not a few of the calls were over at once");
        side_fini(&a);
        side_fini(&b);
    }
}

/* Each of these keeps it from happening. */
static void test_declined(const char *addr)
{
    struct side s;

    side_init(&s, addr, true, true);
    OK(hf_sock_recv_now(s.ends[1], got[0], 1) == 0, "nothing is there");
    OK(hf_sock_send_now(s.ends[0], sent, 10) == 10, "it is");
    EQ(sock_set(s.ends[1], HF_SOL_SOCKET, HF_SO_RCVLOWAT, 20), 0, "more is wanted");
    OK(hf_sock_recv_now(s.ends[1], got[0], 30) == 0, "less than the low water");
    OK(hf_sock_recv_now(s.ends[1], got[0], 10) == 10, "as much as there is room for");
    EQ(hf_sock_shutdown(s.ends[0], HF_SHUT_WR), 0, "shut");
    OK(hf_sock_send_now(s.ends[0], sent, 1) == 0, "after shutdown()");
    OK(hf_sock_recv_now(s.ends[1], got[0], 1) == 0, "the end is the usual call's");
    side_fini(&s);

    side_init(&s, addr, false, true);
    EQ(sock_set(s.ends[1], HF_SOL_SOCKET, HF_SO_TIMESTAMPNS_NEW, 1), 0, "it is to be stamped");
    OK(hf_sock_send_now(s.ends[0], sent, 10) == 0, "who asks when it came has the clock read");
    EQ(sock_put(s.ends[0], sent, 10), 10, "it goes the usual way");
    EQ(hf_sock_shutdown(s.ends[0], HF_SHUT_WR), 0, "shut");
    OK(hf_sock_send_now(s.ends[0], sent, 10) == 0, "after shutdown()");
    side_fini(&s);
}

/* Sockets that are neither TCP's nor UDP's have no such way. */
static void test_others(void)
{
    struct hf_sock *sk[3], *pair[2];
    struct world w;

    world_init(&w);
    if (hf_sock_pair(w.st, SOCK_STREAM, 0, pair) || hf_sock_new(w.st, AF_UNIX, SOCK_DGRAM, 0, sk) ||
        hf_sock_new(w.st, HF_AF_NETLINK, SOCK_RAW, 0, sk + 1) ||
        hf_sock_new(w.st, HF_AF_NETLINK, SOCK_DGRAM, 0, sk + 2))
        abort();
    EQ(sock_put(pair[0], sent, 10), 10, "a pair");
    OK(!hf_sock_send_now(pair[0], sent, 10), "AF_UNIX: nothing is sent at once");
    OK(!hf_sock_recv_now(pair[1], got[0], 10), "nor received");
    for (int i = 0; i < 3; i++) {
        OK(!hf_sock_send_now(sk[i], sent, 10), "nothing is sent at once");
        OK(!hf_sock_recv_now(sk[i], got[0], 10), "nor received");
        hf_sock_close(sk[i]);
    }
    hf_sock_close(pair[0]);
    hf_sock_close(pair[1]);
    world_fini(&w);
}

/* Linux: what came before it was asked for is told as of now. */
static void test_stamp(const char *addr)
{
    struct {
        uint64_t len;
        int32_t level, type;
        int64_t at[2];
    } control = {0};
    struct hf_iovec iov = {got[0], 10};
    struct hf_msg msg = {
        .iov = &iov, .iov_len = 1, .control = &control, .control_len = sizeof(control)};
    struct side s;

    side_init(&s, addr, false, true);
    OK(hf_sock_send_now(s.ends[0], sent, 10) == 10, "sent");
    run(&s.w, 3 * HF_S);
    EQ(sock_set(s.ends[1], HF_SOL_SOCKET, HF_SO_TIMESTAMPNS_NEW, 1), 0, "asked for");
    EQ(hf_sock_recv(s.ends[1], &msg, 0), 10, "received");
    EQ(control.type, HF_SO_TIMESTAMPNS_NEW, "a stamp");
    EQ(control.at[0] * HF_S + control.at[1], s.w.now, "of now");
    side_fini(&s);
}

int main(void)
{
    static const char *const addresses[] = {"127.0.0.1", "::1"};

    tap_begin(2 * (12 * 6 + 14 + 4 + 5 + 1) + 11);
    for (uint32_t i = 0; i < ROOM; i++)
        sent[i] = (uint8_t)(i * 7);
    for (unsigned i = 0; i < HF_COUNT(addresses); i++) {
        test_streams_and_datagrams(addresses[i]);
        test_declined(addresses[i]);
        test_stamp(addresses[i]);
    }
    test_others();
    return tap_end();
}
