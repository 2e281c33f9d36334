/* close() with SO_LINGER: when it waits, and for what. NetSem close_1 to close_3. */
#include "world.h"

static void set_linger(struct hf_sock *sk, int on, int seconds)
{
    int value[2] = {on, seconds};

    EQ(hf_sock_setsockopt(sk, HF_SOL_SOCKET, HF_SO_LINGER, value, sizeof(value)), 0, "SO_LINGER");
}

static bool lingers(struct hf_sock *sk)
{
    uint32_t seconds = 0;

    return hf_sock_lingers(sk, &seconds);
}

/* So that they go by segments: what two ends of one stack have at rest is handed over at once. */
static void put_corked_byte(struct hf_sock *sk)
{
    EQ(sock_set(sk, HF_IPPROTO_TCP, HF_TCP_CORK, 1), 0, "TCP_CORK");
    EQ(sock_put(sk, "x", 1), 1, "a byte");
}

static void waits_for_the_fin(const char *addr)
{
    struct world w;
    struct streams s;
    uint32_t seconds = 0;

    world_init(&w);
    s = stream_pair(&w, addr);
    OK(!lingers(s.client), "without SO_LINGER close does not wait");
    set_linger(s.client, 1, 7);
    OK(hf_sock_lingers(s.client, &seconds), "with it, on a connection, it does");
    EQ(seconds, 7, "as long as it says");
    put_corked_byte(s.client);
    EQ(hf_sock_shutdown(s.client, HF_SHUT_WR), 0, "the sending side is shut");
    OK(lingers(s.client), "it waits while byte and FIN are under way");
    run(&w, HF_S);
    OK(!lingers(s.client), "and no longer when they are acknowledged");
    hf_sock_close(s.client);
    world_fini(&w);
}

static void waits_after_the_peer_has_ended(const char *addr)
{
    struct world w;
    struct streams s;

    world_init(&w);
    s = stream_pair(&w, addr);
    set_linger(s.client, 1, 7);
    EQ(hf_sock_shutdown(s.server, HF_SHUT_WR), 0, "the peer ends first");
    run(&w, HF_S);
    OK(lingers(s.client), "in CLOSE-WAIT close waits too");
    put_corked_byte(s.client);
    EQ(hf_sock_shutdown(s.client, HF_SHUT_WR), 0, "the sending side is shut");
    OK(lingers(s.client), "for the last acknowledgement");
    run(&w, HF_S);
    OK(!lingers(s.client), "until it comes");
    world_fini(&w);
}

static void does_not_wait(const char *addr)
{
    struct world w;
    struct streams s;
    struct hf_sock *fresh, *dgram;
    int family = strchr(addr, ':') ? AF_INET6 : AF_INET;

    world_init(&w);
    s = stream_pair(&w, addr);
    fresh = sock_at(&w, family, SOCK_STREAM, NULL, 0);
    dgram = sock_at(&w, family, SOCK_DGRAM, addr, 0);
    set_linger(fresh, 1, 7);
    set_linger(s.listener, 1, 7);
    set_linger(dgram, 1, 7);
    OK(!lingers(fresh) && !lingers(s.listener) && !lingers(dgram),
       "where nothing is connected close does not wait");
    EQ(sock_dial(fresh, addr, sock_port(s.listener)), -HF_EINPROGRESS, "a connect");
    OK(!lingers(fresh), "nor while connecting");
    set_linger(s.client, 1, 0);
    OK(!lingers(s.client), "a linger time of 0 is a reset");
    set_linger(s.server, 1, 7);
    EQ(sock_put(s.client, "unread", 6), 6, "something comes");
    run(&w, HF_S);
    OK(!lingers(s.server), "and what is unread makes close a reset");
    hf_sock_close(s.server);
    run(&w, HF_S);
    EQ(sock_ask(s.client, HF_SOL_SOCKET, HF_SO_ERROR), HF_ECONNRESET, "which the peer is told");
    world_fini(&w);
}

int main(void)
{
    tap_begin(30);
    for (int v6 = 0; v6 < 2; v6++) {
        const char *addr = v6 ? "::1" : "127.0.0.1";

        waits_for_the_fin(addr);
        waits_after_the_peer_has_ended(addr);
        does_not_wait(addr);
    }
    return tap_end();
}
