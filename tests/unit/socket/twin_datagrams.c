/* Datagrams that go straight into the queue of a socket of the same stack tell everything that
 * those tell that go as packets: the same calls on two stacks, one of which asks whether its
 * sockets are wanted and so sends packets (transport/udp_twin.c). */
#include "base/core.h"
#include "world.h"

enum { SOCKETS = 5, STEPS = 4000, ROOM = 70000 };

struct side {
    struct world w;
    struct hf_link wire; /* leads nowhere: for sockets that are bound to it */
    struct hf_sock *sk[SOCKETS];
    uint8_t *bytes;
    uint8_t control[256];
    uint8_t from[32];
};

static bool is_wanted(void *ctx, struct hf_sock *sk, void *user)
{
    return true;
}

static void swallow(struct hf_link *link, struct hf_frame *f)
{
    hf_frame_free(f);
}

static void nothing(struct hf_link *link) {}

static void side_init(struct side *s, int family, bool by_packets)
{
    static const struct hf_link_ops ops = {.send = swallow, .free = nothing};
    struct hf_stack_config c = {.wanted = by_packets ? is_wanted : NULL, .now = HF_S};

    memset(s, 0, sizeof(*s));
    s->w.now = HF_S;
    c.env = testenv_env(&s->w.env);
    c.pool = s->w.pool = hf_frame_pool_new(&c.env);
    s->bytes = malloc(ROOM);
    s->wire = (struct hf_link){.ops = &ops, .name = "wire", .mtu = 1500};
    if (!s->bytes || hf_stack_new(&c, &s->w.st) || hf_stack_attach(s->w.st, &s->wire))
        abort();
    for (int i = 0; i < SOCKETS; i++)
        s->sk[i] = sock_at(&s->w, family, SOCK_DGRAM, family == AF_INET ? "127.0.0.1" : "::1",
                           (uint16_t)(5000 + i));
}

static void side_fini(struct side *s)
{
    for (int i = 0; i < SOCKETS; i++)
        hf_sock_close(s->sk[i]);
    free(s->bytes);
    world_fini(&s->w);
}

/* What a step chose: the same for both sides. */
struct step {
    int family;
    unsigned what, i, other, option;
    uint32_t len;
    int value, flags;
};

static int64_t send_one(struct side *s, const struct step *t)
{
    struct hf_iovec iov[3] = {
        {s->bytes, t->len / 3}, {s->bytes, 0}, {s->bytes + t->len / 3, t->len - t->len / 3}};
    struct hf_msg msg = {.iov = iov, .iov_len = 3};

    for (uint32_t k = 0; k < t->len; k++)
        s->bytes[k] = (uint8_t)(k * 7 + t->len);
    return hf_sock_send(s->sk[t->i], &msg, t->flags);
}

static int64_t receive_one(struct side *s, const struct step *t, struct hf_msg *msg)
{
    static struct hf_iovec iov;

    iov = (struct hf_iovec){s->bytes, ROOM};
    *msg = (struct hf_msg){.iov = &iov,
                           .iov_len = 1,
                           .addr = s->from,
                           .addr_len = sizeof(s->from),
                           .control = s->control,
                           .control_len = t->value ? sizeof(s->control) : 0};
    memset(s->control, 0, sizeof(s->control));
    memset(s->from, 0, sizeof(s->from));
    return hf_sock_recv(s->sk[t->i], msg, HF_MSG_DONTWAIT | t->flags);
}

static int turn(struct side *s, const struct step *t)
{
    static const struct {
        int level, name, values[3];
    } options[] = {
        {HF_SOL_IP, HF_IP_TTL, {1, 64, 255}},
        {HF_SOL_IP, HF_IP_TOS, {0, 4, 0xb8}},
        {HF_SOL_IP, HF_IP_PKTINFO, {0, 1, 1}},
        {HF_SOL_IP, HF_IP_RECVTTL, {0, 1, 1}},
        {HF_SOL_IP, HF_IP_RECVTOS, {0, 1, 1}},
        {HF_SOL_IP, HF_IP_MTU_DISCOVER, {0, 2, 3}},
        {HF_SOL_IPV6, HF_IPV6_UNICAST_HOPS, {1, -1, 200}},
        {HF_SOL_IPV6, HF_IPV6_TCLASS, {0, 8, 0xb8}},
        {HF_SOL_IPV6, HF_IPV6_RECVPKTINFO, {0, 1, 1}},
        {HF_SOL_IPV6, HF_IPV6_RECVHOPLIMIT, {0, 1, 1}},
        {HF_SOL_IPV6, HF_IPV6_RECVTCLASS, {0, 1, 1}},
        {HF_SOL_IPV6, HF_IPV6_MTU, {1280, 9000, 65535}},
        {HF_SOL_SOCKET, HF_SO_TIMESTAMP_NEW, {0, 1, 1}},
        {HF_SOL_SOCKET, HF_SO_RXQ_OVFL, {0, 1, 1}},
        {HF_SOL_SOCKET, HF_SO_RCVBUF, {0, 4096, 100000}},
        {HF_SOL_SOCKET, HF_SO_NO_CHECK, {0, 1, 0}},
        {HF_SOL_SOCKET, HF_SO_BINDTOIFINDEX, {0, 1, 2}},
        {HF_IPPROTO_UDP, HF_UDP_SEGMENT, {0, 0, 100}},
        {HF_IPPROTO_UDP, HF_UDP_GRO, {0, 1, 1}},
        {HF_IPPROTO_UDP, HF_UDP_NO_CHECK6_TX, {0, 1, 0}},
        {HF_IPPROTO_UDP, HF_UDP_NO_CHECK6_RX, {0, 1, 1}},
    };
    unsigned at = t->option % HF_COUNT(options);

    return sock_set(s->sk[t->i], options[at].level, options[at].name,
                    options[at].values[t->value % 3]);
}

/* Renews a socket at its port. */
static int renew(struct side *s, const struct step *t)
{
    hf_sock_close(s->sk[t->i]);
    s->sk[t->i] = sock_at(&s->w, t->family, SOCK_DGRAM, t->family == AF_INET ? "127.0.0.1" : "::1",
                          (uint16_t)(5000 + t->i));
    return 0;
}

static int64_t act(struct side *s, const struct step *t, struct hf_msg *msg)
{
    switch (t->what) {
    case 0:
    case 1:
    case 2:
        return sock_dial(s->sk[t->i], t->family == AF_INET ? "127.0.0.1" : "::1",
                         (uint16_t)(5000 + t->other));
    case 3:
        return t->option % 4 ? turn(s, t) : renew(s, t);
    case 4:
    case 5:
        return turn(s, t);
    case 6:
        return t->option == 7 ? hf_sock_shutdown(s->sk[t->i], (int)t->other % 3) : turn(s, t);
    case 7:
    case 8:
    case 9:
    case 10:
        return receive_one(s, t, msg);
    default:
        return send_one(s, t);
    }
}

static bool same_drops(const struct side *a, const struct side *b)
{
    for (int reason = 0; reason < HF_DROP_COUNT; reason++) {
        if (hf_stack_drops(a->w.st, (enum hf_drop)reason) !=
            hf_stack_drops(b->w.st, (enum hf_drop)reason))
            return false;
    }
    return true;
}

static bool same_message(const struct side *a, const struct side *b, const struct hf_msg *x,
                         const struct hf_msg *y, int64_t n)
{
    return x->flags == y->flags && x->addr_len == y->addr_len && x->control_len == y->control_len &&
           !memcmp(a->control, b->control, sizeof(a->control)) &&
           !memcmp(a->from, b->from, sizeof(a->from)) &&
           (n < 0 || !memcmp(a->bytes, b->bytes, (size_t)n));
}

static uint32_t some_length(struct testenv *dice)
{
    static const uint32_t edges[] = {0, 1, 120, 121, 128, 129, 1472, 65467, 65507, 65508, 69999};

    return testenv_below(dice, 2) ? edges[testenv_below(dice, HF_COUNT(edges))]
                                  : testenv_below(dice, 3000);
}

static void says_the_same(int family, uint64_t seed)
{
    struct testenv dice = {.seed = seed};
    struct hf_stack_stats sa, sb;
    struct side a, b;
    unsigned delivered = 0;
    bool same = true;

    side_init(&a, family, true);
    side_init(&b, family, false);
    for (int k = 0; k < STEPS && same; k++) {
        struct step t = {.family = family,
                         .what = testenv_below(&dice, 18),
                         .i = testenv_below(&dice, SOCKETS),
                         .other = testenv_below(&dice, SOCKETS),
                         .option = testenv_below(&dice, 100),
                         .len = some_length(&dice),
                         .value = (int)testenv_below(&dice, 6),
                         .flags = testenv_below(&dice, 20) ? 0 : HF_MSG_PEEK};
        struct hf_msg x = {0}, y = {0};
        int64_t got = act(&a, &t, &x), want = act(&b, &t, &y);

        same = got == want && same_message(&a, &b, &x, &y, got);
        delivered += t.what >= 7 && t.what <= 10 && got > 0;
        run(&a.w, HF_MS);
        run(&b.w, HF_MS);
        hf_stack_stats(a.w.st, &sa);
        hf_stack_stats(b.w.st, &sb);
        same = same && same_drops(&a, &b) && !memcmp(&sa, &sb, sizeof(sa));
        if (!same)
            fprintf(stderr, "# step %d: what %u, socket %u, option %u: %lld and %lld\n", k, t.what,
                    t.i, t.option, (long long)got, (long long)want);
    }
    OK(same, family == AF_INET ? "v4: both ways say the same" : "v6: both ways say the same");
    OK(delivered > STEPS / 100, "datagrams have come");
    side_fini(&a);
    side_fini(&b);
}

/* Two that are connected to each other; a third who is not. */
static void keeps_the_order(const char *addr)
{
    int family = strchr(addr, ':') ? AF_INET6 : AF_INET;
    struct world w;
    struct hf_sock *a, *b, *other;
    char got = 0;

    world_init(&w);
    a = sock_at(&w, family, SOCK_DGRAM, addr, 5000);
    b = sock_at(&w, family, SOCK_DGRAM, addr, 5001);
    other = sock_at(&w, family, SOCK_DGRAM, addr, 5002);
    if (sock_dial(a, addr, 5001))
        abort();
    EQ(sock_put(a, "1", 1), 1, "to one that is not connected: by packet");
    EQ(sock_get(b, &got, 1), -HF_EAGAIN, "which is on its way");
    if (sock_dial(b, addr, 5000))
        abort();
    EQ(sock_put(a, "2", 1), 1, "another, after it is connected");
    EQ(sock_get(b, &got, 1), -HF_EAGAIN, "stays behind the first");
    run(&w, HF_MS);
    EQ(sock_get(b, &got, 1), 1, "one comes");
    EQ(got, '1', "the first");
    EQ(sock_get(b, &got, 1), 1, "one more comes");
    EQ(got, '2', "the second");
    EQ(sock_put(a, "3", 1), 1, "when nothing is on its way");
    EQ(sock_get(b, &got, 1), 1, "it is there at once");
    hf_sock_close(b);
    EQ(sock_put(a, "4", 1), 1, "to one who has gone");
    run(&w, HF_MS);
    EQ(sock_put(a, "5", 1), -HF_ECONNREFUSED, "is refused");
    hf_sock_close(a);
    hf_sock_close(other);
    world_fini(&w);
}

int main(void)
{
    tap_begin(120);
    for (uint64_t seed = 1; seed <= 6; seed++) {
        says_the_same(AF_INET, seed);
        says_the_same(AF_INET6, seed);
    }
    keeps_the_order("127.0.0.1");
    keeps_the_order("::1");
    return tap_end();
}
