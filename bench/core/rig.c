/* What the rows of the core's side share. */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/env.h"

#define ELSEWHERE6 "fd00:77::"

void must(int64_t result, const char *what)
{
    if (result >= 0)
        return;
    errno = (int)-result;
    die(what);
}

void rig_init(struct rig *r, int family)
{
    const struct hf_route many = {.prefix = ELSEWHERE6 "/64", .kind = HF_ROUTE_LOCAL};
    struct hf_env env = host_env();
    struct hf_stack_config config = {.env = env, .now = host_now()};

    r->family = family;
    config.pool = r->pool = hf_frame_pool_new(&env);
    must(hf_stack_new(&config, &r->st), "a stack");
    must(hf_route_add(r->st, &many), "a route");
}

void rig_fini(struct rig *r)
{
    hf_stack_free(r->st);
    hf_frame_pool_free(r->pool);
}

void rig_settle(struct rig *r)
{
    hf_time now = host_now();

    do {
        hf_stack_poll(r->st, now);
    } while (hf_stack_deadline(r->st) <= now);
}

struct name rig_here(const struct rig *r, uint16_t port)
{
    struct name n = {.len = sizeof(n.u.in)};

    n.u.in.sin_family = AF_INET;
    n.u.in.sin_port = htons(port); /* the same place in both families */
    n.u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (r->family == AF_INET6) {
        n.len = sizeof(n.u.in6);
        n.u.in6.sin6_family = AF_INET6;
        n.u.in6.sin6_flowinfo = 0;
        n.u.in6.sin6_addr = in6addr_loopback;
    }
    return n;
}

struct name rig_elsewhere(const struct rig *r, uint32_t n, uint16_t port)
{
    struct name to = rig_here(r, port);

    if (r->family == AF_INET) {
        to.u.in.sin_addr.s_addr = htonl(0x7f010000 + n);
        return to;
    }
    (void)inet_pton(AF_INET6, ELSEWHERE6, &to.u.in6.sin6_addr);
    to.u.in6.sin6_addr.s6_addr[14] = (uint8_t)(n >> 8);
    to.u.in6.sin6_addr.s6_addr[15] = (uint8_t)n;
    return to;
}

struct hf_sock *rig_socket(struct rig *r, int type)
{
    struct hf_sock *sk;

    must(hf_sock_new(r->st, r->family, type, 0, &sk), "a socket");
    return sk;
}

struct hf_sock *rig_listen(struct rig *r, uint16_t port)
{
    struct hf_sock *sk = rig_socket(r, SOCK_STREAM);
    struct name at = rig_here(r, port);

    if (r->family == AF_INET6)
        at.u.in6.sin6_addr = in6addr_any;
    else
        at.u.in.sin_addr.s_addr = INADDR_ANY;
    must(hf_sock_bind(sk, &at.u, at.len), "bind");
    must(hf_sock_listen(sk, 16), "listen");
    return sk;
}

struct pair rig_join(struct rig *r, struct hf_sock *listener, struct hf_sock *client,
                     const struct name *to)
{
    struct pair p = {.client = client};
    int err = hf_sock_connect(client, &to->u, to->len, false);

    must(err == -HF_EINPROGRESS ? 0 : err, "connect");
    rig_settle(r);
    must(hf_sock_connect_result(client), "connected");
    must(hf_sock_accept(listener, &p.server), "accept");
    return p;
}

void rig_reset(struct rig *r, struct pair p)
{
    const struct linger now = {.l_onoff = 1};

    must(hf_sock_setsockopt(p.client, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), "SO_LINGER");
    hf_sock_close(p.client);
    rig_settle(r);
    hf_sock_close(p.server);
}

struct pair *rig_hold(struct rig *r, long count)
{
    struct pair *pairs = calloc((size_t)count + 1, sizeof(*pairs));
    struct hf_sock *listener = NULL;

    if (!pairs)
        die("memory for pairs");
    for (long i = 0; i < count; i++) {
        uint16_t port = (uint16_t)(DOOR_FIRST + i / PAIRS_PER_DOOR);
        struct name to = rig_here(r, port);

        if (i % PAIRS_PER_DOOR == 0) {
            hf_sock_close(listener);
            listener = rig_listen(r, port);
        }
        pairs[i] = rig_join(r, listener, rig_socket(r, SOCK_STREAM), &to);
    }
    hf_sock_close(listener);
    return pairs;
}

void rig_let_go(struct rig *r, struct pair *pairs, long count)
{
    for (long i = 0; i < count; i++)
        rig_reset(r, pairs[i]);
    free(pairs);
}

int64_t put(struct hf_sock *sk, const void *bytes, size_t len)
{
    struct hf_iovec iov = {(void *)(uintptr_t)bytes, len};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};

    return hf_sock_send(sk, &msg, HF_MSG_DONTWAIT);
}

int64_t get(struct hf_sock *sk, void *bytes, size_t len)
{
    struct hf_iovec iov = {bytes, len};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};

    return hf_sock_recv(sk, &msg, HF_MSG_DONTWAIT);
}

void put_now(struct rig *r, struct hf_sock *sk, const void *bytes, size_t len)
{
    hf_stack_clock(r->st, host_tick());
    if (hf_sock_send_now(sk, bytes, len))
        return;
    must(put(sk, bytes, len), "send");
    rig_settle(r);
}

void get_now(struct hf_sock *sk, void *bytes, size_t len)
{
    if (!hf_sock_recv_now(sk, bytes, len))
        must(get(sk, bytes, len), "recv");
}
