/* recv() of streams: SO_PEEK_OFF; how long a waiter waits. Linux: tcp_recvmsg, sock_set_timeout. */
#include "world.h"

static int64_t peek(struct hf_sock *sk, void *bytes, size_t len)
{
    struct hf_iovec iov = {bytes, len};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};

    return hf_sock_recv(sk, &msg, HF_MSG_PEEK);
}

static int peek_off(struct hf_sock *sk)
{
    return sock_ask(sk, HF_SOL_SOCKET, HF_SO_PEEK_OFF);
}

static void peeks_from_the_offset(const char *addr)
{
    struct world w;
    struct streams s;
    char b[8];

    world_init(&w);
    s = stream_pair(&w, addr);
    EQ(sock_put(s.server, "abcdef", 6), 6, "six bytes");
    run(&w, HF_S);
    EQ(peek(s.client, b, 2), 2, "without an offset a peek");
    EQ(peek(s.client, b, 1), 1, "and the next");
    EQ(b[0], 'a', "begin with the first");
    EQ(sock_set(s.client, HF_SOL_SOCKET, HF_SO_PEEK_OFF, 1), 0, "SO_PEEK_OFF 1");
    EQ(peek(s.client, b, 2), 2, "a peek");
    OK(memcmp(b, "bc", 2) == 0, "begins there");
    EQ(peek_off(s.client), 3, "and moves on");
    EQ(sock_get(s.client, b, 2), 2, "a read");
    OK(memcmp(b, "ab", 2) == 0, "begins with the first");
    EQ(peek_off(s.client), 1, "and moves back");
    EQ(sock_get(s.client, b, 2), 2, "a read beyond the offset");
    EQ(peek_off(s.client), 0, "leaves it at the first");
    EQ(peek(s.client, b, 8), 2, "a peek at the rest");
    EQ(peek(s.client, b, 8), -HF_EAGAIN, "leaves none for the next");
    hf_sock_close(s.client);
    world_fini(&w);
}

static void tells_how_long_to_wait(const char *addr)
{
    static const struct {
        int64_t tv[2];
        hf_time wants;
        const char *name;
    } rows[] = {
        {{0, 0}, HF_TIME_NEVER, "no time is for ever"},
        {{1, 500000}, 1500 * HF_MS, "a second and a half"},
        {{0, 1}, HF_MS, "a microsecond is rounded up"},
        {{-1, 0}, 0, "below zero is not at all"},
    };
    struct world w;
    struct streams s;

    world_init(&w);
    s = stream_pair(&w, addr);
    EQ(hf_sock_timeout(s.client, HF_SO_RCVTIMEO_OLD), HF_TIME_NEVER, "at first for ever");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        EQ(hf_sock_setsockopt(s.client, HF_SOL_SOCKET, HF_SO_RCVTIMEO_OLD, rows[i].tv, 16), 0,
           "SO_RCVTIMEO");
        EQ(hf_sock_timeout(s.client, HF_SO_RCVTIMEO_OLD), rows[i].wants, rows[i].name);
        EQ(hf_sock_timeout(s.client, HF_SO_SNDTIMEO_NEW), HF_TIME_NEVER, "SO_SNDTIMEO is its own");
    }
    hf_sock_close(s.client);
    world_fini(&w);
}

int main(void)
{
    static const char *const addrs[] = {"127.0.0.1", "::1"};

    for (int i = 0; i < 2; i++) {
        peeks_from_the_offset(addrs[i]);
        tells_how_long_to_wait(addrs[i]);
    }
    return tap_end();
}
