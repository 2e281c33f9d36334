/* A stack of ours on a TAP device by the core's own face: one thread, nothing waits but poll(), and
 * the stream is written and read in place.
 *
 *     core DEVICE ADDRESS/LEN serve
 *     core DEVICE ADDRESS/LEN fetch SERVER PORT bulk SECONDS 1
 *
 * does what peer.c does with one connection, in the same words; `serve` ends with it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "env.h"
#include "handfast/links.h"
#include "handfast/socket.h"

#define PIECE_BYTES 262144 /* at a time */
#define PIECES      16

struct world {
    struct hf_stack *stack;
    struct hf_link *link;
    struct pollfd polled;
};

static void need(int error, const char *what)
{
    if (error >= 0)
        return;
    errno = -error;
    err(1, "%s", what);
}

static void begin(struct world *w, const char *device, const char *prefix)
{
    struct hf_env env = path_env();
    struct hf_stack_config config = {.env = env, .now = now()};

    config.pool = hf_frame_pool_new(&env);
    need(hf_stack_new(&config, &w->stack), "no stack");
    need(hf_link_tap_new(&env, config.pool, device, &w->link), device);
    need(hf_stack_attach(w->stack, w->link), device);
    need(hf_addr_add(w->stack, w->link, prefix), prefix);
    w->polled = (struct pollfd){.fd = hf_link_tap_fd(w->link), .events = POLLIN};
}

/* Waits for a frame, or for the next thing that is due, and does it. */
static void turn(struct world *w, bool waits)
{
    hf_time at = now(), due = hf_stack_deadline(w->stack), left = due > at ? due - at : 0;
    struct timespec ts = {left / HF_S, left % HF_S};

    if (!waits)
        ts = (struct timespec){0};
    if (ppoll(&w->polled, 1, waits && due == HF_TIME_NEVER ? NULL : &ts, NULL) < 0)
        err(1, "ppoll");
    hf_stack_clock(w->stack, now());
    if (w->polled.revents)
        hf_link_tap_readable(w->link);
    hf_stack_poll(w->stack, now());
}

static struct sockaddr_storage address(const char *text, int port, uint32_t *len)
{
    struct sockaddr_storage at = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&at;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&at;
    char copy[INET6_ADDRSTRLEN + 4];

    snprintf(copy, sizeof(copy), "%s", text);
    copy[strcspn(copy, "/")] = '\0';
    *len = strchr(copy, ':') ? sizeof(*in6) : sizeof(*in);
    at.ss_family = strchr(copy, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(at.ss_family, copy,
                  strchr(copy, ':') ? (void *)&in6->sin6_addr : &in->sin_addr) != 1)
        errx(2, "%s: not an address", text);
    in->sin_port = htons((uint16_t)port); /* IPv6's port stands in the same place */
    return at;
}

static int64_t sum(const struct hf_iovec *iov, int n)
{
    int64_t bytes = 0;

    for (int i = 0; i < n; i++)
        bytes += (int64_t)iov[i].len;
    return bytes;
}

/* What has come, without a copy: so many bytes, or -EAGAIN, or another error. */
static int64_t read_some(struct hf_sock *sk)
{
    struct hf_iovec iov[PIECES];
    int n = hf_sock_peek(sk, iov, PIECES);

    if (n > 0)
        hf_sock_consume(sk, (size_t)sum(iov, n));
    return n > 0 ? sum(iov, n) : n;
}

/* Room in the queue, sent as it is. */
static int64_t write_some(struct hf_sock *sk)
{
    struct hf_iovec iov[PIECES];
    int n = hf_sock_reserve(sk, PIECE_BYTES, iov, PIECES);

    if (n > 0)
        hf_sock_commit(sk, (size_t)sum(iov, n));
    return n > 0 ? sum(iov, n) : n < 0 ? n : -EAGAIN;
}

static int64_t move(struct hf_sock *sk, void *bytes, size_t len, bool sends)
{
    struct hf_iovec iov = {bytes, len};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};

    return sends ? hf_sock_send(sk, &msg, MSG_DONTWAIT) : hf_sock_recv(sk, &msg, MSG_DONTWAIT);
}

static void serve(struct world *w, const char *text)
{
    struct sockaddr_storage at;
    struct hf_sock *listener, *sk = NULL;
    uint32_t len, asked;
    int64_t n = 0;

    at = address(text, 0, &len);
    need(hf_sock_new(w->stack, at.ss_family, SOCK_STREAM, 0, &listener), "socket");
    need(hf_sock_bind(listener, &at, len), "bind");
    need(hf_sock_listen(listener, 8), "listen");
    need(hf_sock_getsockname(listener, &at, &len), "name");
    printf("%d\n", ntohs(((struct sockaddr_in *)&at)->sin_port));
    fflush(stdout);
    for (;;) { /* the first connection only looks whether we are there */
        while (hf_sock_accept(listener, &sk) < 0)
            turn(w, true);
        while ((n = move(sk, &asked, sizeof(asked), false)) == -EAGAIN)
            turn(w, true);
        if (n == sizeof(asked) && !asked)
            break;
        need((int)move(sk, &asked, 1, true), "send");
        hf_sock_close(sk);
    }
    while ((n = write_some(sk)) >= 0 || n == -EAGAIN)
        turn(w, n == -EAGAIN);
}

static struct hf_sock *ask(struct world *w, const struct sockaddr_storage *server, uint32_t len,
                           uint32_t bytes)
{
    struct hf_sock *sk;
    int error;

    need(hf_sock_new(w->stack, server->ss_family, SOCK_STREAM, 0, &sk), "socket");
    error = hf_sock_connect(sk, server, len, false);
    while (error == -EINPROGRESS) {
        turn(w, true);
        error = hf_sock_connect_result(sk);
    }
    need(error, "connect");
    need((int)move(sk, &bytes, sizeof(bytes), true), "send");
    return sk;
}

static void fetch(struct world *w, char **words)
{
    uint32_t len;
    struct sockaddr_storage server = address(words[0], atoi(words[1]), &len);
    struct hf_sock *sk = ask(w, &server, len, 1);
    hf_time began, ends;
    int64_t total = 0, n;

    while (read_some(sk) == -EAGAIN)
        turn(w, true);
    hf_sock_close(sk);
    began = now();
    ends = began + (hf_time)(atof(words[3]) * 1e9);
    sk = ask(w, &server, len, 0);
    while (now() < ends) {
        n = read_some(sk);
        total += n > 0 ? n : 0;
        turn(w, n == -EAGAIN);
    }
    printf("%lld %lld\n", (long long)total, (long long)((now() - began) / HF_US));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct world w;
    bool serves = argc == 4 && strcmp(argv[3], "serve") == 0;

    if (!serves && (argc != 9 || strcmp(argv[3], "fetch") != 0))
        errx(2, "usage: core DEVICE ADDRESS/LEN serve | fetch SERVER PORT bulk SECONDS 1");
    begin(&w, argv[1], argv[2]);
    if (serves)
        serve(&w, argv[2]);
    else
        fetch(&w, argv + 4);
    return 0;
}
