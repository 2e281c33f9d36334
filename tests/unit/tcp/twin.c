/* The short way between two ends of one stack: the stream, the order against what goes by segments,
 * and the counters are those of segments. */
#include <linux/tcp.h>

#include "../socket/world.h"

static const char *const addresses[] = {"127.0.0.1", "::1"};

static struct tcp_info info(struct hf_sock *sk)
{
    struct tcp_info i = {0};
    uint32_t len = sizeof(i);

    if (hf_sock_getsockopt(sk, HF_IPPROTO_TCP, TCP_INFO, &i, &len))
        abort();
    return i;
}

static uint64_t segments(struct world *w)
{
    struct hf_stack_stats s;

    hf_stack_stats(w->st, &s);
    return s.segments_out;
}

/* Nothing is polled: what is at rest gets there at once, what is not waits. */
static void test_at_once(const char *addr)
{
    struct world w;
    struct streams s;
    char got[8];
    struct tcp_info c, v;
    uint64_t before;

    world_init(&w);
    s = stream_pair(&w, addr);
    before = segments(&w);
    EQ(sock_put(s.client, "abc", 3), 3, "bytes are taken");
    OK(hf_sock_poll(s.server) & HF_POLLIN, "and are there");
    EQ(sock_get(s.server, got, sizeof(got)), 3, "and can be read");
    EQ(sock_put(s.server, "de", 2), 2, "the answer too");
    EQ(sock_get(s.client, got, sizeof(got)), 2, "is there at once");
    c = info(s.client);
    v = info(s.server);
    EQ(c.tcpi_bytes_acked, 3 + 1, "TCP_INFO: acknowledged, with the SYN");
    EQ(v.tcpi_bytes_received, 3, "TCP_INFO: received");
    EQ(c.tcpi_data_segs_out, 1, "TCP_INFO: a segment with data went out");
    EQ(v.tcpi_data_segs_in, 1, "TCP_INFO: and came in");
    EQ(c.tcpi_unacked + c.tcpi_notsent_bytes, 0, "TCP_INFO: nothing is out");
    EQ(c.tcpi_delivered, 2, "TCP_INFO: delivered, with the SYN");
    EQ(c.tcpi_segs_out + v.tcpi_segs_out + 1, c.tcpi_segs_in + v.tcpi_segs_in,
       "TCP_INFO: what came in went out, and the SYN-ACK, which Linux does not count");
    OK(segments(&w) >= before + 2, "the stack counts segments");
    hf_sock_close(s.client);
    hf_sock_close(s.server);
    hf_sock_close(s.listener);
    world_fini(&w);
}

/* A direction of a stream whose bytes are numbered. */
struct way {
    struct hf_sock *from, *to;
    uint64_t sent, got;
};

static uint8_t byte_at(uint64_t n)
{
    return (uint8_t)(n * 2654435761u >> 11);
}

static void put(struct way *d, size_t len, int flags)
{
    static uint8_t bytes[300000];
    struct hf_iovec iov[3] = {
        {bytes, len / 3}, {bytes + len / 3, 0}, {bytes + len / 3, len - len / 3}};
    struct hf_msg msg = {.iov = iov, .iov_len = 3};
    int64_t n;

    for (size_t i = 0; i < len; i++)
        bytes[i] = byte_at(d->sent + i);
    n = hf_sock_send(d->from, &msg, flags);
    if (n > 0)
        d->sent += (uint64_t)n;
}

static bool get(struct way *d, size_t len)
{
    static uint8_t bytes[300000];
    int64_t n = sock_get(d->to, bytes, len);
    bool good = true;

    for (int64_t i = 0; i < n; i++)
        good &= bytes[i] == byte_at(d->got + (uint64_t)i);
    if (n > 0)
        d->got += (uint64_t)n;
    return good;
}

/* Short and long, with and without MSG_MORE, windows that close, and time that passes or not. */
static void test_stream(const char *addr, uint64_t seed)
{
    struct world w;
    struct streams s;
    struct way ways[2];
    bool good = true;

    world_init(&w);
    s = stream_pair(&w, addr);
    ways[0] = (struct way){.from = s.client, .to = s.server};
    ways[1] = (struct way){.from = s.server, .to = s.client};
    w.env.seed = seed;
    for (int i = 0; i < 20000; i++) {
        struct way *d = &ways[testenv_below(&w.env, 2)];
        size_t len = 1 + testenv_below(&w.env, testenv_below(&w.env, 4) ? 200 : 300000);

        if (testenv_below(&w.env, 2))
            put(d, len, testenv_below(&w.env, 8) ? 0 : MSG_MORE);
        else
            good &= get(d, len);
        if (!testenv_below(&w.env, 8))
            run(&w, testenv_below(&w.env, 50) * HF_MS);
    }
    sock_set(s.client, HF_IPPROTO_TCP, TCP_NODELAY, 1); /* what MSG_MORE kept back */
    sock_set(s.server, HF_IPPROTO_TCP, TCP_NODELAY, 1);
    for (int i = 0; i < 100; i++) {
        run(&w, HF_S);
        good &= get(&ways[0], 300000);
        good &= get(&ways[1], 300000);
    }
    OK(good, "every byte is the one that was sent");
    OK(ways[0].got == ways[0].sent && ways[1].got == ways[1].sent, "and none is missing");
    EQ(info(s.client).tcpi_bytes_received, ways[1].sent, "TCP_INFO: received by the client");
    EQ(info(s.server).tcpi_bytes_received, ways[0].sent, "TCP_INFO: received by the server");
    EQ(info(s.server).tcpi_retransmits + info(s.client).tcpi_total_retrans, 0, "none was repeated");
    hf_sock_close(s.client);
    hf_sock_close(s.server);
    hf_sock_close(s.listener);
    world_fini(&w);
}

int main(void)
{
    tap_begin(60);
    for (int i = 0; i < 2; i++) {
        test_at_once(addresses[i]);
        for (uint64_t seed = 1; seed <= 4; seed++)
            test_stream(addresses[i], seed);
    }
    return tap_end();
}
