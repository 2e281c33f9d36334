/* An owner that comes late: what has come is looked at before what is due, on the loopback too, so
 * that nothing that was only not yet delivered is sent again. */
#include "../socket/world.h"

static void test_late(const char *addr)
{
    static const char bytes[30000];
    struct hf_iovec iov = {(void *)(uintptr_t)bytes, sizeof(bytes)};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};
    struct hf_stack_stats stats;
    struct world w;
    struct streams s;

    world_init(&w);
    s = stream_pair(&w, addr);
    EQ(hf_sock_send(s.client, &msg, MSG_MORE), sizeof(bytes), "bytes that wait for more");
    EQ(sock_put(s.client, bytes, sizeof(bytes)), sizeof(bytes), "and more, under way now");
    w.now += HF_S;
    hf_stack_poll(w.st, w.now);
    hf_stack_stats(w.st, &stats);
    EQ(stats.segments_retransmitted, 0, "a second later nothing is sent again");
    OK(hf_sock_poll(s.server) & HF_POLLIN, "it has come");
    hf_sock_close(s.client);
    hf_sock_close(s.server);
    hf_sock_close(s.listener);
    world_fini(&w);
}

int main(void)
{
    tap_begin(10);
    test_late("127.0.0.1");
    test_late("::1");
    return tap_end();
}
