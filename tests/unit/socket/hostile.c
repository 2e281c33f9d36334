/* A program that asks for too much: buffers, pieces, sockets, timers. It gets its share, or an
 * error, and its other connections go on. */
#include "world.h"

#define PORT 80

static const char *const hosts[2] = {"127.0.0.1", "::1"};

static int family_of(bool v6)
{
    return v6 ? AF_INET6 : AF_INET;
}

struct couple {
    struct hf_sock *client, *server;
};

static struct couple join(struct world *w, bool v6, struct hf_sock *listener)
{
    struct couple c = {.client = sock_at(w, family_of(v6), SOCK_STREAM, NULL, 0)};

    if (sock_dial(c.client, hosts[v6], PORT) != -HF_EINPROGRESS)
        abort();
    run(w, HF_MS);
    if (hf_sock_accept(listener, &c.server))
        abort();
    return c;
}

static void part(struct world *w, struct couple *c)
{
    hf_sock_close(c->client);
    hf_sock_close(c->server);
    run(w, 61 * HF_S);
}

static struct hf_sock *listen_at(struct world *w, bool v6, int backlog)
{
    struct hf_sock *l = sock_at(w, family_of(v6), SOCK_STREAM, hosts[v6], PORT);

    if (hf_sock_listen(l, backlog))
        abort();
    return l;
}

/* So many bytes from client to server, within an hour. */
static bool flows(struct world *w, const struct couple *c, uint32_t total)
{
    static uint8_t bytes[4096], got[4096];
    uint32_t sent = 0, received = 0;
    hf_time until = w->now + 3600 * HF_S;
    struct hf_iovec iov = {got, sizeof(got)};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};
    int64_t n;

    while (received < total && w->now < until) {
        uint32_t len = total - sent < sizeof(bytes) ? total - sent : (uint32_t)sizeof(bytes);

        n = len ? sock_put(c->client, bytes, len) : 0;
        sent += n > 0 ? (uint32_t)n : 0;
        run(w, HF_MS);
        while ((n = hf_sock_recv(c->server, &msg, HF_MSG_DONTWAIT)) > 0)
            received += (uint32_t)n;
    }
    return received == total;
}

/* SO_RCVBUF and SO_SNDBUF of any size: Linux doubles them, within limits */
static void test_buffers(bool v6)
{
    static const int values[] = {INT32_MIN, -1,    0,       1,       2,        100,
                                 2048,      65536, 1 << 22, 1 << 30, INT32_MAX};
    static const int names[] = {HF_SO_RCVBUF, HF_SO_SNDBUF};
    struct world w;

    world_init(&w);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        for (int side = 0; side < 2; side++) {
            struct hf_sock *l = listen_at(&w, v6, 1);
            struct couple c = join(&w, v6, l);
            uint32_t len = sizeof(int);
            size_t before = w.env.out;
            int got = 0;

            (void)!hf_sock_setsockopt(side ? c.client : c.server, HF_SOL_SOCKET, names[side],
                                      &values[i], sizeof(int));
            EQ(hf_sock_getsockopt(side ? c.client : c.server, HF_SOL_SOCKET, names[side], &got,
                                  &len),
               0, "a buffer's size");
            OK(got >= 2048 && got <= 2 * 4194304, "  is within Linux's limits");
            for (int n = 0; n < 5000 && sock_put(c.client, values, sizeof(values)) > 0; n++)
                ;
            OK(w.env.out - before < 12 << 20, "  and so is what it holds");
            part(&w, &c);
            hf_sock_close(l);
            l = listen_at(&w, v6, 1);
            c = join(&w, v6, l);
            (void)!hf_sock_setsockopt(side ? c.client : c.server, HF_SOL_SOCKET, names[side],
                                      &values[i], sizeof(int));
            OK(flows(&w, &c, 30000), "  and bytes flow");
            part(&w, &c);
            hf_sock_close(l);
        }
    world_fini(&w);
}

/* As many pieces as a vector may have, together more than memory holds */
static void test_pieces(bool v6)
{
    static uint8_t page[65536];
    static struct hf_iovec iov[1024];
    struct hf_msg msg = {.iov = iov, .iov_len = 1024};
    struct world w;
    struct hf_sock *l;
    struct couple c;
    size_t before;
    int64_t n;

    world_init(&w);
    l = listen_at(&w, v6, 1);
    c = join(&w, v6, l);
    before = w.env.out;
    for (int i = 0; i < 1024; i++)
        iov[i] = (struct hf_iovec){page, i % 2 ? sizeof(page) : 0};
    n = hf_sock_send(c.client, &msg, HF_MSG_DONTWAIT);
    OK(n > 0 && n < 8 << 20, "of 32 MiB in pieces a stream takes what fits");
    OK(w.env.out - before < 16 << 20, "  which bounds its memory");
    for (int i = 0; i < 1024; i++)
        iov[i].len = 0;
    EQ(hf_sock_send(c.client, &msg, HF_MSG_DONTWAIT), 0, "a thousand empty pieces are nothing");
    part(&w, &c);
    hf_sock_close(l);
    world_fini(&w);
}

/* Sockets, connections and timers until memory ends, wherever that is */
static void test_exhaustion(bool v6)
{
    uint32_t refused = 0, wrong = 0, stuck = 0;

    for (uint64_t room = 1; room < 400; room += 23) {
        struct hf_sock *l, *sk[500];
        struct couple good;
        struct world w;
        uint32_t count = 0;

        world_init(&w);
        l = listen_at(&w, v6, 4096);
        good = join(&w, v6, l);
        stuck += !flows(&w, &good, 10000);
        w.env.fail_from = w.env.allocs + room;
        for (int i = 0; i < 500; i++) {
            int err = hf_sock_new(w.st, family_of(v6), SOCK_STREAM, 0, &sk[count]);

            if (err) {
                refused++;
                wrong += err != -HF_ENOMEM && err != -HF_ENOBUFS;
                continue;
            }
            err = sock_dial(sk[count], hosts[v6], PORT);
            wrong += err != -HF_EINPROGRESS && err != -HF_ENOBUFS && err != -HF_ENOMEM;
            count++;
            hf_stack_poll(w.st, w.now);
        }
        w.env.fail_from = 0;
        stuck += !flows(&w, &good, 100000);
        while (count)
            hf_sock_close(sk[--count]);
        hf_sock_close(l);
        part(&w, &good);
        run(&w, 300 * HF_S);
        hf_stack_free(w.st);
        hf_frame_pool_free(w.pool);
        wrong += w.env.out != 0;
    }
    OK(refused > 0, "sockets end where memory does");
    EQ(wrong, 0, "  with ENOMEM or ENOBUFS, and all comes back");
    EQ(stuck, 0, "  a connection that was there goes on");
}

/* A timer a second on each of so many connections: each fires so often, and no more happens. */
static void test_timers(bool v6)
{
    static struct couple all[1000];
    struct hf_stack_stats before, after;
    struct world w;
    struct hf_sock *l;
    int one = 1;
    uint64_t sent;

    world_init(&w);
    l = listen_at(&w, v6, 4096);
    for (int i = 0; i < 1000; i++) {
        all[i] = join(&w, v6, l);
        if (hf_sock_setsockopt(all[i].client, HF_SOL_SOCKET, HF_SO_KEEPALIVE, &one, sizeof(one)) ||
            hf_sock_setsockopt(all[i].client, HF_IPPROTO_TCP, HF_TCP_KEEPIDLE, &one, sizeof(one)) ||
            hf_sock_setsockopt(all[i].client, HF_IPPROTO_TCP, HF_TCP_KEEPINTVL, &one, sizeof(one)))
            abort();
    }
    hf_stack_stats(w.st, &before);
    run(&w, 100 * HF_S);
    hf_stack_stats(w.st, &after);
    sent = after.segments_out - before.segments_out;
    OK(sent >= 2 * 90 * 1000 && sent <= 2 * 102 * 1000,
       "a thousand keepalive timers: a probe and an answer each, a second");
    for (int i = 0; i < 1000; i++) {
        hf_sock_close(all[i].client);
        hf_sock_close(all[i].server);
    }
    hf_sock_close(l);
    run(&w, 61 * HF_S);
    EQ(hf_stack_deadline(w.st), HF_TIME_NEVER, "  and none is left of them");
    world_fini(&w);
}

/* Every option there may be, of every length, on sockets of AF_UNIX, whose memory is not UDP's */
static void test_local_options(void)
{
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
    static const uint8_t program[8] = {6, 0, 0, 0, 0xff, 0xff}; /* ret 65535 */
    uint8_t value[64];
    uint32_t broken = 0;

    for (int t = 0; t < 3; t++) {
        struct hf_sock *pair[2];
        struct world w;

        world_init(&w);
        if (hf_sock_pair(w.st, types[t], 0, pair))
            abort();
        EQ(hf_sock_setsockopt(pair[0], HF_SOL_SOCKET, HF_SO_ATTACH_FILTER, program,
                              sizeof(program)),
           -HF_ENOPROTOOPT, "AF_UNIX has no socket filters");
        for (int name = 0; name < 100; name++)
            for (uint32_t len = 0; len <= sizeof(value); len += 4) {
                uint32_t room = len;

                memset(value, name * len % 3 ? 0xff : 1, sizeof(value));
                (void)!hf_sock_setsockopt(pair[0], HF_SOL_SOCKET, name, value, len);
                (void)!hf_sock_getsockopt(pair[0], HF_SOL_SOCKET, name, value, &room);
            }
        broken += sock_put(pair[1], "x", 1) != 1 || sock_get(pair[0], value, 1) != 1;
        hf_sock_close(pair[0]);
        hf_sock_close(pair[1]);
        world_fini(&w);
    }
    EQ(broken, 0, "  and no option breaks one");
}

int main(void)
{
    tap_begin(120);
    for (int v6 = 0; v6 < 2; v6++) {
        test_buffers(v6);
        test_pieces(v6);
        test_exhaustion(v6);
        test_timers(v6);
    }
    test_local_options();
    return tap_end();
}
