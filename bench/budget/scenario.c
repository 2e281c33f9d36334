/* One scenario of the instruction budget: `scenario connect|finish|now|udp-now|trip|chunk|datagram
 * 4|6`. bench/budget/run counts what `measured` executes. Time is virtual and randomness a counter:
 * every run is the same.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "handfast/errno.h"
#include "handfast/linux.h"
#include "handfast/socket.h"

#define DOOR     900
#define CHUNK    (64 << 10)
#define WARM_UP  64
#define REPEATED 64 /* bench/budget/run divides by it */
#define STEP     HF_US

static struct hf_stack *stack;
static hf_time now = HF_S;
static struct hf_sock *listener, *client, *server;
static struct hf_sock *dgram[2]; /* connected to each other */
static char from[CHUNK], to[CHUNK];
static struct sockaddr_in6 at6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
static struct sockaddr_in at4 = {.sin_family = AF_INET};
static const void *at;
static uint32_t at_len;

static void *take(void *ctx, size_t size)
{
    return malloc(size);
}

static void give(void *ctx, void *p, size_t size)
{
    free(p);
}

static void count_up(void *ctx, void *p, size_t size)
{
    static uint8_t next;

    for (size_t i = 0; i < size; i++)
        ((uint8_t *)p)[i] = next++;
}

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "budget: %s\n", what);
    exit(1);
}

static void settle(void)
{
    now += STEP;
    do {
        hf_stack_poll(stack, now);
    } while (hf_stack_deadline(stack) <= now);
}

static void join(int family)
{
    must(!hf_sock_new(stack, family, SOCK_STREAM, 0, &client), "a socket");
    must(hf_sock_connect(client, at, at_len, false) == -HF_EINPROGRESS, "connect");
    settle();
    must(!hf_sock_connect_result(client), "connected");
    must(!hf_sock_accept(listener, &server), "accept");
}

static void one_connect(int family)
{
    const struct linger at_once = {.l_onoff = 1};

    join(family);
    must(!hf_sock_setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), "linger");
    hf_sock_close(client);
    settle();
    hf_sock_close(server);
}

/* By FIN on both sides; the client remains in TIME-WAIT. */
static void one_finish(int family)
{
    join(family);
    hf_sock_close(client);
    settle();
    hf_sock_close(server);
    settle();
}

static size_t count(int64_t n)
{
    must(n >= 0 || n == -HF_EAGAIN, "a transfer");
    return n > 0 ? (size_t)n : 0;
}

/* As much as windows let through at once, until all is there. */
static void move(struct hf_sock *a, struct hf_sock *b, size_t len)
{
    for (size_t out = 0, in = 0; in < len;) {
        struct hf_iovec piece = {from + out, len - out}, room = {to, len - in};
        struct hf_msg sent = {.iov = &piece, .iov_len = 1}, received = {.iov = &room, .iov_len = 1};

        if (out < len)
            out += count(hf_sock_send(a, &sent, HF_MSG_DONTWAIT));
        settle();
        in += count(hf_sock_recv(b, &received, HF_MSG_DONTWAIT));
    }
}

static void one_trip(int family)
{
    move(client, server, 1);
    move(server, client, 1);
}

/* By the calls for what is over at once, once it is. */
static void now_from(struct hf_sock *a, struct hf_sock *b)
{
    if (hf_sock_send_now(a, from, 1))
        must(hf_sock_recv_now(b, to, 1), "a byte");
    else
        move(a, b, 1);
}

static void one_trip_now(int family)
{
    now_from(client, server);
    now_from(server, client);
}

static void one_datagram_now(int family)
{
    must(hf_sock_send_now(dgram[0], from, 64) && hf_sock_recv_now(dgram[1], to, 64), "a datagram");
}

static void one_chunk(int family)
{
    move(client, server, CHUNK);
}

static void one_datagram(int family)
{
    struct hf_iovec iov = {from, 64};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};

    must(hf_sock_send(dgram[0], &msg, HF_MSG_DONTWAIT) == 64, "a datagram");
    settle();
    must(hf_sock_recv(dgram[1], &msg, HF_MSG_DONTWAIT) == 64, "a datagram");
}

static void join_datagrams(int family)
{
    for (int i = 0; i < 2; i++) {
        at4.sin_port = at6.sin6_port = htons((uint16_t)(DOOR + i));
        must(!hf_sock_new(stack, family, SOCK_DGRAM, 0, &dgram[i]), "a socket");
        must(!hf_sock_bind(dgram[i], at, at_len), "bind");
    }
    for (int i = 0; i < 2; i++) {
        at4.sin_port = at6.sin6_port = htons((uint16_t)(DOOR + 1 - i));
        must(!hf_sock_connect(dgram[i], at, at_len, false), "connect");
    }
    at4.sin_port = at6.sin6_port = htons(DOOR);
}

__attribute__((noinline)) static void measured(void (*scenario)(int family), int family)
{
    for (int i = 0; i < REPEATED; i++)
        scenario(family);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(int family);
    } scenarios[] = {{"connect", one_connect},     {"finish", one_finish},
                     {"trip", one_trip},           {"now", one_trip_now},
                     {"chunk", one_chunk},         {"datagram", one_datagram},
                     {"udp-now", one_datagram_now}};
    struct hf_env env = {.alloc = take, .free = give, .random = count_up};
    struct hf_stack_config config = {.env = env, .pool = hf_frame_pool_new(&env), .now = now};
    int family = argc == 3 && argv[2][0] == '6' ? AF_INET6 : AF_INET;

    at4.sin_port = at6.sin6_port = htons(DOOR);
    at4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at = family == AF_INET6 ? (const void *)&at6 : &at4;
    at_len = family == AF_INET6 ? sizeof(at6) : sizeof(at4);
    must(!hf_stack_new(&config, &stack), "a stack");
    must(!hf_sock_new(stack, family, SOCK_STREAM, 0, &listener), "a socket");
    must(!hf_sock_bind(listener, at, at_len) && !hf_sock_listen(listener, 1), "listen");
    join(family);
    join_datagrams(family);
    for (size_t i = 0; argc == 3 && i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
        if (strcmp(argv[1], scenarios[i].name) != 0)
            continue;
        for (int n = 0; n < WARM_UP; n++)
            scenarios[i].run(family);
        measured(scenarios[i].run, family);
        return 0;
    }
    return 2;
}
