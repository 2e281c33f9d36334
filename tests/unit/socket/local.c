/* AF_UNIX sockets of a stack without a file system, every allocation failing in turn, and
 * descriptors in messages: each that is held is dropped once. C10; NetSem resourcefail_1. */
#include <sys/un.h>

#include "unit/socket/world.h"

/* A name: abstract where it begins with @. */
static uint32_t name(struct sockaddr_un *un, const char *text)
{
    memset(un, 0, sizeof(*un));
    un->sun_family = AF_UNIX;
    strcpy(un->sun_path, text);
    if (text[0] == '@')
        un->sun_path[0] = 0;
    return (uint32_t)(2 + strlen(text));
}

static int64_t transfer(struct hf_sock *from, struct hf_sock *to)
{
    char out[9000] = "x", in[9000];
    struct hf_iovec v = {out, sizeof(out)}, w = {in, sizeof(in)};
    struct hf_msg m = {.iov = &v, .iov_len = 1}, g = {.iov = &w, .iov_len = 1};
    int64_t n = hf_sock_send(from, &m, 0);

    return n < 0 ? n : hf_sock_recv(to, &g, 0);
}

/* Everything that allocates; the first failure, or 0. */
static int use_all(struct world *w, int type, const char *text)
{
    struct hf_sock *l = NULL, *c = NULL, *s = NULL, *pair[2] = {NULL, NULL};
    struct sockaddr_un un;
    uint32_t len = name(&un, text);
    int64_t err = hf_sock_new(w->st, AF_UNIX, type, 0, &l);

    if (!err)
        err = hf_sock_bind(l, &un, len);
    if (!err && type != SOCK_DGRAM)
        err = hf_sock_listen(l, 1);
    if (!err)
        err = hf_sock_new(w->st, AF_UNIX, type, 0, &c);
    if (!err)
        err = hf_sock_bind(c, &un, 2); /* a name is chosen */
    if (!err)
        err = hf_sock_connect(c, &un, len, false);
    if (!err && type != SOCK_DGRAM)
        err = hf_sock_accept(l, &s);
    if (!err)
        err = transfer(c, s ? s : l);
    if (err >= 0)
        err = hf_sock_pair(w->st, type, 0, pair);
    if (!err)
        err = transfer(pair[1], pair[0]);
    hf_sock_close(pair[0]);
    hf_sock_close(pair[1]);
    hf_sock_close(c);
    hf_sock_close(l);
    hf_sock_close(s);
    return err < 0 ? (int)err : 0;
}

static void without_memory(int type, const char *text)
{
    struct hf_stack_stats stats;
    struct world w;
    bool is_defined = true;
    uint64_t n = 0;
    int err;

    world_init(&w);
    do {
        w.env.fail_from = w.env.allocs + ++n;
        err = use_all(&w, type, text);
        is_defined = is_defined && (!err || err == -HF_ENOMEM || err == -HF_ENOBUFS);
    } while (err && n < 100);
    EQ(err, 0, "with enough memory all goes well");
    OK(n > 3, "and some allocations failed before");
    OK(is_defined, "a failed allocation is ENOMEM or ENOBUFS");
    hf_stack_stats(w.st, &stats);
    EQ(stats.sockets, 0, "no socket is left");
    w.env.fail_from = 0;
    world_fini(&w);
}

/* A path is a name inside the stack, and gone with its socket. */
static void paths_inside(void)
{
    struct sockaddr_un un;
    uint32_t len = name(&un, "/inside") + 1;
    struct hf_sock *a, *b;
    struct world w;

    world_init(&w);
    if (hf_sock_new(w.st, AF_UNIX, SOCK_DGRAM, 0, &a) ||
        hf_sock_new(w.st, AF_UNIX, SOCK_STREAM, 0, &b))
        abort();
    EQ(hf_sock_connect(b, &un, len, false), -HF_ENOENT, "a path that nobody has");
    EQ(hf_sock_bind(a, &un, len), 0, "bind to a path");
    EQ(hf_sock_bind(b, &un, len), -HF_EADDRINUSE, "it is taken");
    EQ(hf_sock_connect(b, &un, len, false), -HF_EPROTOTYPE, "by another type");
    hf_sock_close(a);
    EQ(hf_sock_bind(b, &un, len), 0, "closed, it is free");
    hf_sock_close(b);
    world_fini(&w);
}

/* ---- Descriptors ---- */

struct thing {
    uint32_t held;
};

static void hold(void *ctx, const struct hf_ref *ref)
{
    ((struct thing *)ref->object)->held++;
}

static void drop(void *ctx, const struct hf_ref *ref)
{
    ((struct thing *)ref->object)->held--;
}

static uint32_t count(void *ctx, const struct hf_ref *ref)
{
    return ((struct thing *)ref->object)->held;
}

static struct hf_stack *stack_with_things(struct world *w)
{
    static const struct hf_unix_host host = {
        .ref_hold = hold, .ref_drop = drop, .ref_count = count};
    struct hf_stack_config c = {.env = testenv_env(&w->env), .unix_host = &host};

    memset(w, 0, sizeof(*w));
    c.pool = w->pool = hf_frame_pool_new(&c.env);
    if (hf_stack_new(&c, &w->st) != 0)
        abort();
    return w->st;
}

static int64_t send_thing(struct hf_sock *sk, struct thing *t, struct hf_sock *stands_for)
{
    char x = 'x';
    struct hf_iovec v = {&x, 1};
    struct hf_ref ref = {t, stands_for};
    struct hf_msg m = {.iov = &v, .iov_len = 1, .refs = &ref, .ref_count = 1};

    return hf_sock_send(sk, &m, 0);
}

static void references(void)
{
    struct thing t = {1};
    struct hf_ref got[HF_REFS_MAX];
    struct hf_sock *p[2];
    struct world w;
    char x;
    struct hf_iovec v = {&x, 1};
    struct hf_msg m = {.iov = &v, .iov_len = 1, .refs = got};

    if (hf_sock_pair(stack_with_things(&w), SOCK_STREAM, 0, p))
        abort();
    EQ(send_thing(p[0], &t, NULL), 1, "a descriptor is sent");
    EQ(hf_sock_recv(p[1], &m, HF_MSG_PEEK), 1, "peeked at");
    EQ(t.held, 2, "it is held once more");
    EQ(hf_sock_recv(p[1], &m, 0), 1, "received");
    EQ(m.ref_count, 1, "it comes along");
    EQ(t.held, 2, "and is the reader's");
    EQ(send_thing(p[0], &t, NULL), 1, "sent on");
    m.refs = NULL;
    EQ(hf_sock_recv(p[1], &m, 0), 1, "received by one without room");
    EQ(t.held, 1, "it is dropped");
    EQ(send_thing(p[0], &t, NULL), 1, "sent once more");
    hf_sock_close(p[0]);
    hf_sock_close(p[1]);
    EQ(t.held, 0, "the queue's end drops it");
    world_fini(&w);
}

/* Two sockets in each other's queues, which nobody else has; their owner is told of both. */
static void cycle(void)
{
    struct thing one = {1}, two = {1}, kept = {2};
    struct hf_sock *p[2], *q[2];
    struct hf_stack *st;
    struct world w;

    st = stack_with_things(&w);
    if (hf_sock_pair(st, SOCK_STREAM, 0, p) || hf_sock_pair(st, SOCK_STREAM, 0, q))
        abort();
    EQ(send_thing(p[0], &one, p[1]), 1, "a socket into its own queue");
    EQ(send_thing(p[0], &kept, q[0]), 1, "one that is held elsewhere, beside it");
    EQ(send_thing(p[1], &two, p[0]), 1, "and its peer into its own");
    hf_sock_close(q[1]);
    OK(hf_stack_deadline(st) <= 0, "a close makes it worth to look");
    hf_stack_poll(st, 0);
    EQ(one.held + two.held, 0, "what nobody can read is dropped");
    EQ(kept.held, 1, "of what is held elsewhere, one reference");
    hf_sock_close(p[0]);
    hf_sock_close(p[1]);
    hf_sock_close(q[0]);
    world_fini(&w);
}

int main(void)
{
    tap_begin(20);
    without_memory(SOCK_STREAM, "@stream");
    without_memory(SOCK_DGRAM, "/datagram");
    without_memory(SOCK_SEQPACKET, "@packet");
    paths_inside();
    references();
    cycle();
    return tap_end();
}
