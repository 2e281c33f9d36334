/* Datagrams made of several sends: MSG_MORE, UDP_CORK. Linux: udp_sendmsg, ip_append_data. */
#include "world.h"

static int64_t put_more(struct hf_sock *sk, const void *bytes, size_t len)
{
    struct hf_iovec iov = {(void *)(uintptr_t)bytes, len};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};

    return hf_sock_send(sk, &msg, HF_MSG_MORE);
}

static struct hf_sock *to_itself(struct world *w, const char *addr)
{
    struct hf_sock *sk = sock_at(w, strchr(addr, ':') ? AF_INET6 : AF_INET, SOCK_DGRAM, addr, 0);

    if (sock_dial(sk, addr, sock_port(sk)))
        abort();
    return sk;
}

static void is_one_datagram(const char *addr)
{
    struct world w;
    struct hf_sock *sk;
    char got[1500], kilo[1000];

    world_init(&w);
    sk = to_itself(&w, addr);
    memset(kilo, 'k', sizeof(kilo));
    EQ(put_more(sk, "ab", 2), 2, "a part is taken");
    EQ(put_more(sk, "", 0), 0, "nothing is a part too");
    EQ(put_more(sk, kilo, sizeof(kilo)), sizeof(kilo), "a larger one");
    run(&w, HF_S);
    EQ(sock_get(sk, got, sizeof(got)), -HF_EAGAIN, "nothing is sent yet");
    EQ(sock_put(sk, "c", 1), 1, "the last part");
    run(&w, HF_S);
    EQ(sock_get(sk, got, sizeof(got)), 1003, "one datagram comes");
    OK(memcmp(got, "abk", 3) == 0 && got[1002] == 'c', "with the parts in order");
    hf_sock_close(sk);
    world_fini(&w);
}

static void ends_with_the_option(const char *addr)
{
    struct world w;
    struct hf_sock *sk;
    char got[8];

    world_init(&w);
    sk = to_itself(&w, addr);
    EQ(sock_set(sk, HF_IPPROTO_UDP, HF_UDP_CORK, 1), 0, "UDP_CORK");
    EQ(sock_ask(sk, HF_IPPROTO_UDP, HF_UDP_CORK), 1, "is kept");
    EQ(sock_put(sk, "a", 1), 1, "a send");
    EQ(sock_put(sk, "b", 1), 1, "and another");
    EQ(sock_set(sk, HF_IPPROTO_UDP, HF_UDP_CORK, 0), 0, "the option goes");
    run(&w, HF_S);
    EQ(sock_get(sk, got, sizeof(got)), 2, "both come as one");
    hf_sock_close(sk);
    world_fini(&w);
}

static void is_refused(const char *addr)
{
    static char half[40000];
    struct world w;
    struct hf_sock *sk, *lonely;
    char got[8];

    world_init(&w);
    sk = to_itself(&w, addr);
    lonely = sock_at(&w, strchr(addr, ':') ? AF_INET6 : AF_INET, SOCK_DGRAM, NULL, 0);
    EQ(put_more(lonely, "a", 1), -HF_EDESTADDRREQ, "without a peer");
    EQ(put_more(sk, half, sizeof(half)), sizeof(half), "40000 bytes");
    EQ(put_more(sk, half, sizeof(half)), -HF_EMSGSIZE, "80000 are too many");
    EQ(sock_put(sk, "x", 1), 1, "and forgotten");
    run(&w, HF_S);
    EQ(sock_get(sk, got, sizeof(got)), 1, "the next is alone");
    EQ(put_more(sk, "y", 1), 1, "a part");
    hf_sock_close(sk);
    hf_sock_close(lonely);
    world_fini(&w);
}

static void without_memory(const char *addr)
{
    struct world w;
    struct hf_sock *sk;
    char got[8];

    world_init(&w);
    sk = to_itself(&w, addr);
    EQ(sock_put(sk, "x", 1), 1, "a datagram, so that memory for such is there");
    run(&w, HF_S);
    EQ(sock_get(sk, got, sizeof(got)), 1, "comes");
    for (int n = 1; n <= 2; n++) {
        w.env.fail_from = w.env.allocs + (uint64_t)n;
        EQ(put_more(sk, "a", 1), -HF_ENOBUFS, "no memory for a part");
        w.env.fail_from = 0;
    }
    EQ(sock_put(sk, "x", 1), 1, "the next is alone");
    run(&w, HF_S);
    EQ(sock_get(sk, got, sizeof(got)), 1, "and comes");
    world_fini(&w);
}

int main(void)
{
    static const char *const addrs[] = {"127.0.0.1", "::1"};

    for (int i = 0; i < 2; i++) {
        is_one_datagram(addrs[i]);
        ends_with_the_option(addrs[i]);
        is_refused(addrs[i]);
        without_memory(addrs[i]);
    }
    return tap_end();
}
