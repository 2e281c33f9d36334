/* Socket calls of a program that means harm: any address, option, control message and length, on
 * sockets of every kind, in any order, while allocations fail. Nothing is read or written out of
 * bounds, connections keep their invariants, and all memory comes back.
 *
 * A step is a byte for the call, one for the socket, two for its arguments, one for how many bytes
 * follow as the call's own. */
#include <string.h>

#include "handfast/errno.h"
#include "handfast/stack.h"
#include "invariants.h"

#define SOCKETS     8
#define PIECES_MOST 1024

struct play {
    struct hf_stack *st;
    struct hf_frame_pool *pool;
    struct hf_sock *sk[SOCKETS];
    bool is_stream[SOCKETS];
    hf_time now;
    int64_t out;
    uint32_t fail_in;
};

struct call {
    uint8_t what, which, a, b;
    const uint8_t *bytes; /* a copy, exactly so long */
    uint32_t len;
};

static void *take_memory(void *ctx, size_t size)
{
    struct play *r = ctx;

    if (r->fail_in && !--r->fail_in)
        return NULL;
    r->out += (int64_t)size;
    return aligned_alloc(16, (size + 15) & ~(size_t)15);
}

static void give_memory(void *ctx, void *at, size_t size)
{
    ((struct play *)ctx)->out -= (int64_t)size;
    free(at);
}

static void dice(void *ctx, void *to, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)to)[i] = (uint8_t)(i * 37 + 11);
}

static int first_number(const struct call *c)
{
    int v = 0;

    memcpy(&v, c->bytes, c->len < sizeof(v) ? c->len : sizeof(v));
    return v;
}

static void make(struct play *r, const struct call *c)
{
    static const int families[] = {HF_AF_INET, HF_AF_INET6, HF_AF_UNIX, 0, 99};
    static const int types[] = {1, 2, 5, 3};
    uint32_t at = c->which % SOCKETS;

    if (r->sk[at])
        return;
    if (hf_sock_new(r->st, families[c->a % 5], types[c->b & 3], c->b >> 4, &r->sk[at]))
        r->sk[at] = NULL;
    r->is_stream[at] = r->sk[at] && families[c->a % 5] != HF_AF_UNIX && (c->b & 3) == 0;
}

static void take_child(struct play *r, const struct call *c, struct hf_sock *sk)
{
    uint32_t at = c->a % SOCKETS;

    if (r->sk[at])
        return;
    if (hf_sock_accept(sk, &r->sk[at]))
        r->sk[at] = NULL;
    r->is_stream[at] = r->sk[at] && r->is_stream[c->which % SOCKETS];
}

/* The bytes are control data, payload and address, as a and b cut them. */
static void send_message(const struct call *c, struct hf_sock *sk)
{
    uint32_t control = c->len * (c->a & 15u) / 15, addr = (c->len - control) * (c->a >> 4) / 15;
    uint8_t *own = malloc(c->len + 1);
    struct hf_iovec iov[3] = {{own, control}, {own, 0}, {own, c->len}};
    struct hf_msg msg = {.iov = iov, .iov_len = c->b % 4u};

    memcpy(own, c->bytes, c->len);
    if (control) {
        msg.control = own;
        msg.control_len = control;
    }
    if (addr) {
        msg.addr = own + control;
        msg.addr_len = addr;
    }
    (void)!hf_sock_send(sk, &msg,
                        HF_MSG_DONTWAIT | (c->b & 4 ? HF_MSG_MORE : 0) |
                            (c->b & 8 ? HF_MSG_OOB : 0) | (c->b & 16 ? HF_MSG_FASTOPEN : 0));
    free(own);
}

/* As many pieces as a vector may have, most of them empty, or all the same. */
static void send_vector(const struct call *c, struct hf_sock *sk)
{
    static uint8_t page[65536];
    static struct hf_iovec iov[PIECES_MOST];
    struct hf_msg msg = {.iov = iov, .iov_len = PIECES_MOST};

    for (uint32_t i = 0; i < PIECES_MOST; i++)
        iov[i] = (struct hf_iovec){page, i % (c->a + 1u) ? 0 : c->b * 256u};
    (void)!hf_sock_send(sk, &msg, HF_MSG_DONTWAIT);
}

static void receive_message(const struct call *c, struct hf_sock *sk)
{
    uint32_t room = c->a, control_room = c->b;
    uint8_t *to = malloc(room + 1), *control = malloc(control_room + 1), *addr = malloc(28);
    struct hf_iovec iov = {to, room};
    struct hf_msg msg = {.iov = &iov,
                         .iov_len = 1,
                         .addr = addr,
                         .addr_len = room % 29,
                         .control = control,
                         .control_len = control_room};
    int64_t n = hf_sock_recv(sk, &msg, HF_MSG_DONTWAIT | (first_number(c) & 0x2022));

    MUST(n <= 1 << 20 && (n < 0 || msg.control_len <= control_room));
    free(to);
    free(control);
    free(addr);
}

static void read_option(const struct call *c, struct hf_sock *sk)
{
    uint32_t len = c->len;
    uint8_t *to = malloc(len + 1);

    (void)!hf_sock_getsockopt(sk, c->a % 64, c->b % 96, to, &len);
    free(to);
}

static void read_names(const struct call *c, struct hf_sock *sk)
{
    uint32_t room = c->len, len = room;
    uint8_t *to = malloc(room + 1);

    (void)!hf_sock_getsockname(sk, to, &len);
    len = room;
    (void)!hf_sock_getpeername(sk, to, &len);
    len = room;
    (void)!hf_sock_accepted_from(sk, to, &len);
    free(to);
}

/* Levels and names that there are, more often than not. */
static void set_option(const struct call *c, struct hf_sock *sk)
{
    static const int levels[] = {HF_SOL_SOCKET, HF_SOL_IP, HF_SOL_IPV6, HF_IPPROTO_TCP,
                                 HF_IPPROTO_UDP};

    (void)!hf_sock_setsockopt(sk, c->a < 200 ? levels[c->a % 5] : c->a, c->b, c->bytes, c->len);
}

static void ask_device(const struct call *c, struct hf_sock *sk)
{
    int value = first_number(c);

    (void)!hf_sock_ioctl(sk, 0x5400u + c->a, &value);
    (void)!hf_sock_ioctl(sk, 0x8900u + c->b, &value);
    (void)hf_sock_poll(sk);
}

static void close_socket(struct play *r, uint32_t at)
{
    hf_sock_close(r->sk[at]);
    r->sk[at] = NULL;
}

static void carry_out(struct play *r, const struct call *c)
{
    uint32_t at = c->which % SOCKETS;
    struct hf_sock *sk = r->sk[at];

    switch (sk ? c->what % 16 : c->what % 4) {
    case 0:
        make(r, c);
        break;
    case 1:
        r->fail_in = c->a;
        break;
    case 2:
        r->now += (hf_time)c->a * c->b * HF_MS;
        break;
    case 3:
        break;
    case 4:
        (void)!hf_sock_bind(sk, c->bytes, c->len);
        break;
    case 5:
        (void)!hf_sock_connect(sk, c->bytes, c->len, c->a & 1);
        break;
    case 6:
        (void)!hf_sock_listen(sk, (int8_t)c->a);
        break;
    case 7:
        take_child(r, c, sk);
        break;
    case 8:
        send_message(c, sk);
        break;
    case 9:
        send_vector(c, sk);
        break;
    case 10:
        receive_message(c, sk);
        break;
    case 11:
        set_option(c, sk);
        break;
    case 12:
        read_option(c, sk);
        read_names(c, sk);
        break;
    case 13:
        ask_device(c, sk);
        break;
    case 14:
        (void)!hf_sock_shutdown(sk, c->a % 4);
        break;
    default:
        close_socket(r, at);
    }
}

static void check(struct play *r)
{
    hf_stack_poll(r->st, r->now);
    for (int i = 0; i < SOCKETS; i++)
        if (r->sk[i] && r->is_stream[i])
            must_hold(r->sk[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct play r = {.now = HF_S};
    struct hf_env env = {&r, take_memory, give_memory, dice, NULL};
    struct hf_stack_config config = {.env = env, .now = r.now};

    config.pool = r.pool = hf_frame_pool_new(&env);
    MUST(hf_stack_new(&config, &r.st) == 0);
    for (int steps = 0; len >= 5 && steps < 300; steps++) {
        struct call c = {.what = bytes[0], .which = bytes[1], .a = bytes[2], .b = bytes[3]};
        uint8_t *own;

        c.len = bytes[4] < len - 5 ? bytes[4] : (uint32_t)(len - 5);
        own = malloc(c.len ? c.len : 1);
        memcpy(own, bytes + 5, c.len);
        c.bytes = own;
        carry_out(&r, &c);
        check(&r);
        free(own);
        bytes += 5 + c.len;
        len -= 5 + c.len;
    }
    r.fail_in = 0;
    for (uint32_t i = 0; i < SOCKETS; i++)
        if (r.sk[i])
            close_socket(&r, i);
    check(&r);
    hf_stack_free(r.st);
    hf_frame_pool_free(r.pool);
    MUST(r.out == 0);
    return 0;
}
