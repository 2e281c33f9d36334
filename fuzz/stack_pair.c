/* Two stacks on a wire, and calls on sockets of both in the order the input says; frames are lost,
 * doubled, held back and changed as it says, and allocations fail. All the time the connections'
 * invariants hold; what one end reads the other has sent, in order; in the end, on a wire that is
 * good again, all of it has come, all connections end, and no memory is left.
 *
 * A byte says which two stacks, then three bytes each are a step. A change that leaves checksums
 * wrong must change nothing; one whose checksum is taken for good (an attacker on the path) may do
 * anything but break an invariant. */
#include <string.h>

#include "handfast/errno.h"
#include "handfast/stack.h"
#include "invariants.h"
#include "wire/icmp.h"
#include "wire/ip6.h"

#define HELD        64
#define STEPS_MOST  1500
#define EVENTS_MOST 100000       /* at one moment, or until all is quiet */
#define GRACE       (300 * HF_S) /* no connection is given up so soon */
#define DRAIN       (1000 * HF_S)

struct end {
    struct hf_link link; /* first */
    struct hf_stack *st;
    struct hf_sock *sk;            /* the connection, when there is one */
    struct hf_frame *wire[HELD];   /* on their way to the other end, oldest first */
    uint64_t sent, received;       /* bytes */
    const struct hf_sock *watched; /* whose edge was `edge` last */
    uint32_t edge, held;
};

struct pair {
    struct end ends[2];
    struct hf_sock *listener;
    struct hf_frame_pool *pool;
    hf_time now, began;
    int64_t out; /* bytes allocated */
    uint64_t dice;
    uint32_t fail_in; /* allocations until one fails; 0: none */
    bool is_v6, has_offload;
    bool is_forged; /* somebody on the path has written segments of his own */
    bool is_cut;    /* not all that was sent need arrive */
    bool is_hasty;  /* a connection may be given up before GRACE, or go on beyond DRAIN */
};

static void *take_memory(void *ctx, size_t size)
{
    struct pair *p = ctx;

    if (p->fail_in && !--p->fail_in)
        return NULL;
    p->out += (int64_t)size;
    return aligned_alloc(16, (size + 15) & ~(size_t)15);
}

static void give_memory(void *ctx, void *at, size_t size)
{
    ((struct pair *)ctx)->out -= (int64_t)size;
    free(at);
}

static void dice(void *ctx, void *to, size_t len)
{
    struct pair *p = ctx;

    for (size_t i = 0; i < len; i++) {
        p->dice = p->dice * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)to)[i] = (uint8_t)(p->dice >> 56);
    }
}

/* ---- the wire ---- */

static void wire_send(struct hf_link *link, struct hf_frame *f)
{
    struct end *e = (struct end *)(void *)link;

    if (e->held == HELD) {
        hf_frame_free(f);
        return;
    }
    f->when = 0; /* so often changed */
    e->wire[e->held++] = f;
}

static void wire_end(struct hf_link *link) {}

/* The n-th frame that e has sent; NULL: there is none. */
static struct hf_frame *take_frame(struct end *e, uint32_t n)
{
    struct hf_frame *f;

    if (!e->held)
        return NULL;
    n %= e->held;
    f = e->wire[n];
    memmove(&e->wire[n], &e->wire[n + 1], (--e->held - n) * sizeof(f));
    return f;
}

static void arrive(struct pair *p, uint32_t from, struct hf_frame *f)
{
    if (f->flags & HF_FRAME_CSUM_PARTIAL) {
        f->flags &= (uint8_t)~HF_FRAME_CSUM_PARTIAL;
        f->flags |= HF_FRAME_CSUM_OK;
    }
    hf_link_input(&p->ends[!from].link, f);
}

static void deliver(struct pair *p, uint32_t from, uint8_t how, uint8_t more)
{
    struct hf_frame *f = take_frame(&p->ends[from], how >> 4 & 3), *copy;

    if (!f)
        return;
    if ((how & 15) == 1) { /* lost */
        hf_frame_free(f);
        return;
    }
    copy = (how & 15) == 2 ? hf_frame_clone(f) : NULL;
    arrive(p, from, f);
    if (copy)
        arrive(p, from, copy);
    for (uint32_t i = more & 15; i && (f = take_frame(&p->ends[from], 0)); i--)
        arrive(p, from, f);
}

/* One byte of the headers, or the length. Once each: two changes may cancel out in a checksum. */
static void change(struct pair *p, struct end *e, uint8_t how, uint8_t arg, bool forges)
{
    struct hf_frame *f = e->held ? e->wire[arg % e->held] : NULL;

    if (!f || f->when || !f->head_len)
        return;
    f->when = 1;
    if (forges || p->has_offload) {
        p->is_forged = true;
        f->flags |= HF_FRAME_CSUM_OK;
        f->flags &= (uint8_t)~HF_FRAME_CSUM_PARTIAL;
    }
    if (how == 255)
        hf_frame_trim_to(f, f->len * arg / 256);
    else
        f->head[how % f->head_len] ^= arg ? arg : 0x55;
}

/* An ICMP error about a frame that e has sent, from its peer's address. */
static void complain(struct pair *p, struct end *e, uint8_t how, uint8_t arg)
{
    struct hf_frame *about = e->held ? e->wire[0] : NULL, *f = hf_frame_new(p->pool);
    uint8_t quote[1232], header[IP6_HEADER];
    uint32_t len = about ? about->len : 0;
    struct icmp_header h = {.type = how & 7, .code = how >> 3, .info = arg * 8u};

    len = len < 500 ? len : 500;
    if (!f || len < 48) {
        hf_frame_free(f);
        return;
    }
    p->is_forged = true;
    hf_frame_read(about, 0, quote, len);
    if (p->is_v6) {
        struct ip6_header ip = {.next_header = IP_PROTO_ICMPV6, .hop_limit = 64};

        memcpy(ip.dst.b, quote + 8, 16);
        memcpy(ip.src.b, quote + 24, 16);
        ip.payload_bytes = (uint16_t)(ICMP_HEADER + len);
        ip6_header_write(&ip, header);
    } else {
        struct ip4_header ip = {.proto = IP_PROTO_ICMP, .ttl = 64};

        ip.dst = addr_from4(quote + 12);
        ip.src = addr_from4(quote + 16);
        ip.total_bytes = (uint16_t)(IP4_HEADER + ICMP_HEADER + len);
        ip4_header_write(&ip, header);
    }
    icmp_header_write(&h, hf_frame_put(f, ICMP_HEADER));
    memcpy(hf_frame_push(f, p->is_v6 ? IP6_HEADER : IP4_HEADER), header,
           p->is_v6 ? IP6_HEADER : IP4_HEADER);
    f->flags |= HF_FRAME_CSUM_OK;
    if (hf_frame_append(f, quote, len))
        hf_link_input(&e->link, f);
    else
        hf_frame_free(f);
}

/* ---- calls ---- */

/* The n-th byte of each stream. */
static uint8_t byte_at(uint64_t n)
{
    return (uint8_t)(n * 7 + (n >> 8) * 13 + (n >> 16));
}

static void put(struct end *e, uint32_t n, uint8_t arg)
{
    int flags = (arg & 1 ? HF_MSG_MORE : 0) | (arg & 2 ? HF_MSG_OOB : 0) |
                (arg & 4 ? HF_MSG_EOR : 0) | HF_MSG_DONTWAIT;
    uint8_t bytes[4096];
    struct hf_iovec iov[2] = {{bytes, n / 3}, {bytes + n / 3, n - n / 3}};
    struct hf_msg msg = {.iov = iov, .iov_len = 2};
    int64_t done;

    for (uint32_t i = 0; i < n; i++)
        bytes[i] = byte_at(e->sent + i);
    done = hf_sock_send(e->sk, &msg, flags);
    MUST(done <= (int64_t)n && done != 0);
    if (done > 0)
        e->sent += (uint64_t)done;
}

/* Returns what was read, 0 at the end. */
static int64_t get(struct pair *p, struct end *e, uint32_t n, bool peeks)
{
    const struct end *from = &p->ends[e == &p->ends[0]];
    uint8_t bytes[4096];
    struct hf_iovec iov = {bytes, n};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};
    int64_t done = hf_sock_recv(e->sk, &msg, HF_MSG_DONTWAIT | (peeks ? HF_MSG_PEEK : 0));

    MUST(done <= (int64_t)n);
    for (int64_t i = 0; i < done && !p->is_forged; i++)
        MUST(bytes[i] == byte_at(e->received + (uint64_t)i));
    if (done > 0 && !peeks)
        e->received += (uint64_t)done;
    MUST(p->is_forged || p->is_cut || e->received <= from->sent);
    return done;
}

static void set(struct pair *p, struct end *e, uint8_t how, uint8_t arg)
{
    static const struct {
        int level, name;
    } options[] = {
        {HF_SOL_SOCKET, HF_SO_RCVBUF},          {HF_SOL_SOCKET, HF_SO_SNDBUF},
        {HF_SOL_SOCKET, HF_SO_KEEPALIVE},       {HF_SOL_SOCKET, HF_SO_RCVLOWAT},
        {HF_IPPROTO_TCP, HF_TCP_NODELAY},       {HF_IPPROTO_TCP, HF_TCP_CORK},
        {HF_IPPROTO_TCP, HF_TCP_QUICKACK},      {HF_IPPROTO_TCP, HF_TCP_WINDOW_CLAMP},
        {HF_IPPROTO_TCP, HF_TCP_MAXSEG},        {HF_IPPROTO_TCP, HF_TCP_NOTSENT_LOWAT},
        {HF_IPPROTO_TCP, HF_TCP_KEEPIDLE},      {HF_IPPROTO_TCP, HF_TCP_KEEPINTVL},
        {HF_IPPROTO_TCP, HF_TCP_KEEPCNT},       {HF_IPPROTO_TCP, HF_TCP_USER_TIMEOUT},
        {HF_SOL_SOCKET, HF_SO_MAX_PACING_RATE}, {HF_IPPROTO_TCP, HF_TCP_CONGESTION},
        {HF_IPPROTO_TCP, HF_TCP_LINGER2},       {HF_SOL_SOCKET, HF_SO_REUSEADDR},
    };
    static const int values[] = {0, 1, -1, 2, 100, 536, 4096, 65536, 1 << 20, INT32_MAX, INT32_MIN};
    int name = options[how % HF_COUNT(options)].name, value = values[arg % HF_COUNT(values)];
    const char *word = arg & 1 ? "reno" : "cubic";
    bool is_word =
        options[how % HF_COUNT(options)].level == HF_IPPROTO_TCP && name == HF_TCP_CONGESTION;

    p->is_hasty |= name == HF_TCP_USER_TIMEOUT || name == HF_SO_KEEPALIVE ||
                   name == HF_SO_MAX_PACING_RATE || name == HF_SO_RCVBUF;
    (void)!hf_sock_setsockopt(e->sk, options[how % HF_COUNT(options)].level, name,
                              is_word ? (const void *)word : &value,
                              is_word ? (uint32_t)strlen(word) : sizeof(value));
}

static void ask(struct end *e, uint8_t how)
{
    uint8_t info[512];
    uint32_t len = how;
    int count;

    (void)!hf_sock_getsockopt(e->sk, HF_IPPROTO_TCP, HF_TCP_INFO, info, &len);
    (void)!hf_sock_ioctl(e->sk, 0x541b, &count); /* SIOCINQ */
    (void)!hf_sock_ioctl(e->sk, 0x5411, &count); /* SIOCOUTQ */
    (void)hf_sock_poll(e->sk);
}

static void shut(struct pair *p, struct end *e, int how)
{
    p->is_cut |= how != 1; /* SHUT_WR lets all arrive */
    (void)!hf_sock_shutdown(e->sk, how);
}

static void hang_up(struct pair *p, struct end *e, bool aborts)
{
    int linger[2] = {1, 0};

    if (!e->sk)
        return;
    if (aborts)
        (void)!hf_sock_setsockopt(e->sk, HF_SOL_SOCKET, HF_SO_LINGER, linger, sizeof(linger));
    hf_sock_close(e->sk);
    e->sk = NULL;
    e->watched = NULL;
    e->sent = e->received = 0;
    p->is_cut = true;
}

static struct hf_sock *stream(struct hf_stack *st)
{
    struct hf_sock *sk;
    int on = 1;

    if (hf_sock_new(st, HF_AF_INET6, 1, 0, &sk))
        return NULL;
    MUST(hf_sock_setsockopt(sk, HF_SOL_SOCKET, HF_SO_OOBINLINE, &on, sizeof(on)) == 0);
    return sk;
}

static void dial(struct pair *p)
{
    uint8_t to6[28] = {10, 0, 0, 80, [8] = 0xfd, [23] = 2};           /* [fd00::2]:80 */
    uint8_t to4[28] = {10, 0, 0, 80, [18] = 0xff, 0xff, 10, 0, 0, 2}; /* 10.0.0.2:80 */
    struct end *client = &p->ends[0];

    client->sk = stream(client->st);
    if (client->sk)
        (void)!hf_sock_connect(client->sk, p->is_v6 ? to6 : to4, 28, false);
}

static struct hf_sock *listen_at(struct hf_stack *st)
{
    uint8_t any[28] = {10, 0, 0, 80};
    struct hf_sock *sk = stream(st);

    MUST(sk && hf_sock_bind(sk, any, sizeof(any)) == 0 && hf_sock_listen(sk, 1) == 0);
    return sk;
}

/* ---- time ---- */

static void check(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        struct end *e = &p->ends[i];
        const struct tcb *tcb = e->sk ? sock_tcb(e->sk) : NULL;

        if (!tcb)
            continue;
        must_hold(e->sk);
        if (tcb->state < TCP_ESTABLISHED || tcb->state == TCP_LISTEN)
            continue;
        /* The right edge never goes back. */
        MUST(e->watched != e->sk || seq_ge(tcb->rcv_adv, e->edge));
        e->watched = e->sk;
        e->edge = tcb->rcv_adv;
    }
}

static void poll_both(struct pair *p)
{
    for (int i = 0; i < 2; i++)
        hf_stack_poll(p->ends[i].st, p->now);
    if (!p->ends[1].sk && p->listener && hf_sock_accept(p->listener, &p->ends[1].sk) != 0)
        p->ends[1].sk = NULL;
    check(p);
}

static hf_time next_of(const struct pair *p)
{
    hf_time a = hf_stack_deadline(p->ends[0].st), b = hf_stack_deadline(p->ends[1].st);

    return a < b ? a : b;
}

static void pass(struct pair *p, hf_time span)
{
    hf_time until = p->now + span, next;
    uint32_t events = 0;

    poll_both(p);
    while ((next = next_of(p)) <= until) {
        MUST(++events < EVENTS_MOST);
        p->now = next > p->now ? next : p->now;
        poll_both(p);
    }
    p->now = until;
    poll_both(p);
}

/* All that can happen within DRAIN on a good wire, both reading. */
static void drain(struct pair *p)
{
    hf_time until = p->now + DRAIN, next;
    uint32_t events = 0;

    for (;;) {
        MUST(++events < EVENTS_MOST);
        poll_both(p);
        for (uint32_t i = 0; i < 2; i++) {
            struct end *e = &p->ends[i];

            deliver(p, i, 0, 15);
            for (int n = 0; e->sk && n < 16 && get(p, e, 4096, false) > 0; n++)
                ;
        }
        poll_both(p);
        if (p->ends[0].held || p->ends[1].held)
            continue;
        next = next_of(p);
        if (next > until)
            break;
        p->now = next > p->now ? next : p->now;
    }
}

/* ---- the course of things ---- */

static void step(struct pair *p, uint8_t what, uint8_t how, uint8_t arg)
{
    uint32_t which = what & 1;
    struct end *e = &p->ends[which];
    uint32_t kind = what >> 1 & 15;

    if (kind == 0)
        pass(p, (hf_time)how * how * HF_MS);
    else if (kind == 1)
        pass(p, (hf_time)how * 100 * HF_US);
    else if (kind == 2 && e->sk)
        put(e, how * 16u + 1, arg);
    else if (kind == 3 && e->sk)
        (void)get(p, e, how * 16u + 1, arg & 1);
    else if (kind == 4 && e->sk)
        shut(p, e, how % 3);
    else if (kind == 5 && e->sk)
        set(p, e, how, arg);
    else if (kind == 6 && e->sk)
        ask(e, how);
    else if (kind == 7)
        hang_up(p, e, how & 1);
    else if (kind == 8 && !p->ends[0].sk)
        dial(p);
    else if (kind == 9)
        p->fail_in = how;
    else if (kind == 10)
        change(p, e, how, arg, what & 128);
    else if (kind == 11)
        complain(p, e, how, arg);
    else if (kind > 11)
        deliver(p, which, how, arg);
    poll_both(p);
}

static void begin(struct pair *p, uint8_t config)
{
    static const struct hf_link_ops ops = {.send = wire_send, .free = wire_end};
    static const char *const addrs[2][2] = {{"10.0.0.1/24", "10.0.0.2/24"},
                                            {"fd00::1/64", "fd00::2/64"}};
    struct hf_env env = {p, take_memory, give_memory, dice, NULL};

    p->is_v6 = config & 1;
    p->has_offload = config & 2;
    p->is_hasty = config & 32; /* data before the cookie's acknowledgement is reset */
    p->now = p->began = HF_S;
    p->pool = hf_frame_pool_new(&env);
    for (int i = 0; i < 2; i++) {
        struct hf_stack_config c = {.env = env, .pool = p->pool, .now = p->now};
        struct end *e = &p->ends[i];

        e->link = (struct hf_link){.ops = &ops, .name = "wire", .mtu = 1500};
        if (p->has_offload) {
            e->link.gso_max = HF_FRAME_MAX;
            e->link.flags = HF_LINK_CSUM;
        }
        MUST(hf_stack_new(&c, &e->st) == 0 && hf_stack_attach(e->st, &e->link) == 0 &&
             hf_addr_add(e->st, &e->link, addrs[p->is_v6][i]) == 0);
        MUST(hf_stack_set_tcp(e->st, HF_TCP_TIMESTAMPS, !(config & 4)) == 0);
        MUST(hf_stack_set_tcp(e->st, HF_TCP_SACK, !(config & 8)) == 0);
        MUST(hf_stack_set_tcp(e->st, HF_TCP_WINDOW_SCALING, !(config & 16)) == 0);
        MUST(hf_stack_set_tcp(e->st, HF_TCP_SYN_COOKIES, config & 32 ? 2 : 1) == 0);
        MUST(hf_stack_set_tcp(e->st, HF_TCP_ECN, config & 64 ? 1 : 2) == 0);
        MUST(!(config & 128) || hf_stack_set_tcp(e->st, HF_TCP_RMEM_DEFAULT, 4096) == 0);
    }
    p->listener = listen_at(p->ends[1].st);
    dial(p);
}

static bool is_open(const struct end *e)
{
    return e->sk && sock_tcb(e->sk)->state >= TCP_ESTABLISHED &&
           tcb_is_synchronised(sock_tcb(e->sk));
}

/* The wire is good from now on: all arrives, all ends. */
static void settle(struct pair *p)
{
    bool lives = is_open(&p->ends[0]) && is_open(&p->ends[1]) && !p->is_cut && !p->is_forged &&
                 !p->is_hasty && p->now - p->began < GRACE;

    p->fail_in = 0;
    drain(p);
    if (lives)
        for (int i = 0; i < 2; i++)
            MUST(p->ends[i].received == p->ends[!i].sent);
    hang_up(p, &p->ends[0], false);
    hang_up(p, &p->ends[1], false);
    hf_sock_close(p->listener);
    p->listener = NULL;
    drain(p);
    for (int i = 0; i < 2; i++) {
        struct hf_stack_stats stats;

        hf_stack_stats(p->ends[i].st, &stats);
        MUST(stats.tcp_connections == 0 && stats.tcp_time_wait == 0 && stats.sockets == 0);
    }
}

static void end(struct pair *p)
{
    struct hf_frame_pool_stats left;

    for (int i = 0; i < 2; i++)
        hf_stack_free(p->ends[i].st);
    for (int i = 0; i < 2; i++)
        while (p->ends[i].held)
            hf_frame_free(take_frame(&p->ends[i], 0));
    hf_frame_pool_stats(p->pool, &left);
    MUST(left.frames == 0 && left.pages == 0);
    hf_frame_pool_free(p->pool);
    MUST(p->out == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct pair p = {.dice = 1};

    begin(&p, len ? bytes[0] : 0);
    for (size_t i = 1; i + 2 < len && i < 3 * STEPS_MOST; i += 3)
        step(&p, bytes[i], bytes[i + 1], bytes[i + 2]);
    settle(&p);
    end(&p);
    return 0;
}
