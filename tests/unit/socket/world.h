/* One stack with its loopback, in time that the test moves; calls by text and number. */
#ifndef TESTS_UNIT_SOCKET_WORLD_H
#define TESTS_UNIT_SOCKET_WORLD_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "handfast/errno.h"
#include "handfast/linux.h"
#include "handfast/socket.h"
#include "tap.h"
#include "testenv.h"

struct world {
    struct testenv env;
    struct hf_frame_pool *pool;
    struct hf_stack *st;
    hf_time now;
};

static inline void world_init(struct world *w)
{
    struct hf_stack_config c = {0};

    memset(w, 0, sizeof(*w));
    c.env = testenv_env(&w->env);
    c.pool = w->pool = hf_frame_pool_new(&c.env);
    c.now = w->now = HF_S;
    if (hf_stack_new(&c, &w->st) != 0)
        abort();
}

static inline void world_fini(struct world *w)
{
    struct hf_frame_pool_stats s;

    hf_stack_free(w->st);
    hf_frame_pool_stats(w->pool, &s);
    EQ(s.frames + s.pages, 0, "no frame and no page is left");
    hf_frame_pool_free(w->pool);
    EQ(w->env.out, 0, "no memory is left");
}

static inline void run(struct world *w, hf_time how_long)
{
    hf_time end = w->now + how_long;

    do {
        hf_time due = hf_stack_deadline(w->st);

        if (due > end)
            break;
        if (due > w->now)
            w->now = due;
        hf_stack_poll(w->st, w->now);
    } while (true);
    w->now = end;
    hf_stack_poll(w->st, end);
}

struct name {
    union {
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr sa;
    } u;
    uint32_t len;
};

static inline struct name name_at(const char *addr, uint16_t port)
{
    struct name n = {.len = sizeof(n.u.in)};

    n.u.in.sin_family = AF_INET;
    n.u.in.sin_port = htons(port); /* the same place in both families */
    if (inet_pton(AF_INET, addr, &n.u.in.sin_addr) == 1)
        return n;
    n.len = sizeof(n.u.in6);
    n.u.in6.sin6_family = AF_INET6;
    if (inet_pton(AF_INET6, addr, &n.u.in6.sin6_addr) != 1)
        abort();
    return n;
}

static inline struct hf_sock *sock_at(struct world *w, int family, int type, const char *addr,
                                      uint16_t port)
{
    struct name n;
    struct hf_sock *sk;

    if (hf_sock_new(w->st, family, type, 0, &sk))
        abort();
    if (addr) {
        n = name_at(addr, port);
        if (hf_sock_bind(sk, &n.u, n.len))
            abort();
    }
    return sk;
}

static inline int sock_dial(struct hf_sock *sk, const char *addr, uint16_t port)
{
    struct name n = name_at(addr, port);

    return hf_sock_connect(sk, &n.u, n.len, false);
}

static inline int64_t sock_put(struct hf_sock *sk, const void *bytes, size_t len)
{
    struct hf_iovec iov = {(void *)(uintptr_t)bytes, len};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};

    return hf_sock_send(sk, &msg, 0);
}

static inline int64_t sock_put_to(struct hf_sock *sk, const void *bytes, size_t len,
                                  const char *addr, uint16_t port)
{
    struct name n = name_at(addr, port);
    struct hf_iovec iov = {(void *)(uintptr_t)bytes, len};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1, .addr = &n.u, .addr_len = n.len};

    return hf_sock_send(sk, &msg, 0);
}

static inline int64_t sock_get(struct hf_sock *sk, void *bytes, size_t len)
{
    struct hf_iovec iov = {bytes, len};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};

    return hf_sock_recv(sk, &msg, 0);
}

static inline int sock_set(struct hf_sock *sk, int level, int name, int value)
{
    return hf_sock_setsockopt(sk, level, name, &value, sizeof(value));
}

/* The value, or the negated error. */
static inline int sock_ask(struct hf_sock *sk, int level, int name)
{
    uint32_t len = sizeof(int);
    int value = 0, err = hf_sock_getsockopt(sk, level, name, &value, &len);

    return err ? err : value;
}

static inline uint16_t sock_port(struct hf_sock *sk)
{
    struct name n = {.len = sizeof(n.u)};

    return hf_sock_getsockname(sk, &n.u, &n.len) ? 0 : ntohs(n.u.in.sin_port);
}

struct streams {
    struct hf_sock *listener, *client, *server;
};

static inline struct streams stream_pair(struct world *w, const char *addr)
{
    int family = strchr(addr, ':') ? AF_INET6 : AF_INET;
    struct streams s = {.listener = sock_at(w, family, SOCK_STREAM, addr, 0)};

    s.client = sock_at(w, family, SOCK_STREAM, NULL, 0);
    if (hf_sock_listen(s.listener, 8) ||
        sock_dial(s.client, addr, sock_port(s.listener)) != -HF_EINPROGRESS)
        abort();
    run(w, HF_MS);
    if (hf_sock_connect_result(s.client) || hf_sock_accept(s.listener, &s.server))
        abort();
    return s;
}

#endif
