/* Closes that the owner of a stack hears of late: it is asked in time. NetSem close_7, close_8. */
#include <string.h>

#include "handfast/errno.h"
#include "handfast/linux.h"
#include "handfast/socket.h"
#include "tap.h"
#include "testenv.h"

static const uint8_t lo4[16] = {2, 0, 0, 0, 127, 0, 0, 1};
static const uint8_t lo6[28] = {10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

struct world {
    struct testenv env;
    struct hf_frame_pool *pool;
    struct hf_stack *st;
    hf_time now;
    bool v6;
};

/* Nobody has the sockets whose user pointer this is. */
static char gone;

static bool is_wanted(void *ctx, struct hf_sock *sk, void *user)
{
    return user != &gone;
}

static void world_init(struct world *w, bool v6)
{
    struct hf_stack_config c = {.wanted = is_wanted, .now = HF_S};

    memset(w, 0, sizeof(*w));
    w->v6 = v6;
    w->now = HF_S;
    c.env = testenv_env(&w->env);
    c.pool = w->pool = hf_frame_pool_new(&c.env);
    if (hf_stack_new(&c, &w->st))
        abort();
}

static void world_fini(struct world *w)
{
    hf_stack_free(w->st);
    hf_frame_pool_free(w->pool);
    EQ(w->env.out, 0, "no memory is left");
}

static void pass(struct world *w, hf_time span)
{
    hf_time until = w->now + span;

    while (hf_stack_deadline(w->st) <= until) {
        if (w->now < hf_stack_deadline(w->st))
            w->now = hf_stack_deadline(w->st);
        hf_stack_poll(w->st, w->now);
    }
    w->now = until;
    hf_stack_poll(w->st, w->now);
}

static struct hf_sock *bound(struct world *w, int type, bool reuse_port, uint8_t name[28])
{
    uint32_t len = w->v6 ? sizeof(lo6) : sizeof(lo4), room = 28;
    int on = reuse_port;
    struct hf_sock *sk;

    if (hf_sock_new(w->st, w->v6 ? HF_AF_INET6 : HF_AF_INET, type, 0, &sk) ||
        hf_sock_setsockopt(sk, HF_SOL_SOCKET, HF_SO_REUSEPORT, &on, sizeof(on)))
        abort();
    if (!name[2] && !name[3])
        memcpy(name, w->v6 ? lo6 : lo4, len);
    if (hf_sock_bind(sk, name, len) || hf_sock_getsockname(sk, name, &room))
        abort();
    return sk;
}

static struct hf_sock *connecting(struct world *w, const uint8_t *to)
{
    struct hf_sock *sk;

    if (hf_sock_new(w->st, w->v6 ? HF_AF_INET6 : HF_AF_INET, HF_SOCK_STREAM, 0, &sk) ||
        hf_sock_connect(sk, to, 28, false) != -HF_EINPROGRESS)
        abort();
    return sk;
}

static void listener_refuses(struct world *w)
{
    uint8_t name[28] = {0};
    struct hf_sock *l = bound(w, HF_SOCK_STREAM, false, name), *waits, *late;

    EQ(hf_sock_listen(l, 5), 0, "listen");
    waits = connecting(w, name);
    pass(w, HF_MS);
    EQ(hf_sock_connect_result(waits), 0, "a connection waits to be accepted");
    hf_sock_set_user(l, &gone);
    late = connecting(w, name);
    pass(w, HF_MS);
    EQ(hf_sock_connect_result(late), -HF_ECONNREFUSED, "a closed listener refuses");
    OK(hf_sock_poll(waits) & HF_POLLERR, "and resets who waited");
    hf_sock_close(l);
    hf_sock_close(waits);
    hf_sock_close(late);
}

static void group_goes_on(struct world *w)
{
    uint8_t name[28] = {0};
    struct hf_sock *dead = bound(w, HF_SOCK_STREAM, true, name);
    struct hf_sock *alive = bound(w, HF_SOCK_STREAM, true, name), *c[16];
    int connected = 0;

    if (hf_sock_listen(dead, 20) || hf_sock_listen(alive, 20))
        abort();
    hf_sock_set_user(dead, &gone);
    for (int i = 0; i < 16; i++)
        c[i] = connecting(w, name);
    pass(w, HF_MS);
    for (int i = 0; i < 16; i++) {
        connected += hf_sock_connect_result(c[i]) == 0;
        hf_sock_close(c[i]);
    }
    EQ(connected, 16, "of a SO_REUSEPORT group the one that lives takes all");
    hf_sock_close(dead);
    hf_sock_close(alive);
}

static void syn_is_not_repeated(struct world *w)
{
    uint8_t name[28] = {0};
    struct hf_sock *l = bound(w, HF_SOCK_STREAM, false, name), *first, *second, *s;
    struct hf_stack_stats before, after;

    EQ(hf_sock_listen(l, 0), 0, "listen for one");
    first = connecting(w, name);
    pass(w, HF_MS);
    second = connecting(w, name);
    pass(w, HF_MS);
    EQ(hf_sock_accept(l, &s), 0, "which is accepted");
    hf_sock_set_user(second, &gone);
    hf_stack_stats(w->st, &before);
    pass(w, 10 * HF_S);
    hf_stack_stats(w->st, &after);
    EQ(after.segments_out - before.segments_out, 0, "a closed connect sends no SYN again");
    hf_sock_close(s);
    hf_sock_close(l);
    hf_sock_close(first);
    hf_sock_close(second);
}

static void answer_is_refused(struct world *w)
{
    uint8_t name[28] = {0};
    struct hf_sock *l = bound(w, HF_SOCK_STREAM, false, name), *c, *s;

    EQ(hf_sock_listen(l, 5), 0, "listen once more");
    c = connecting(w, name);
    hf_sock_set_user(c, &gone);
    pass(w, HF_MS);
    EQ(hf_sock_accept(l, &s), -HF_EAGAIN, "a SYN-ACK for a closed connect is refused");
    hf_sock_close(c);
    hf_sock_close(l);
}

static void datagram_is_refused(struct world *w)
{
    uint8_t name[28] = {0}, own[28] = {0};
    struct hf_sock *u = bound(w, HF_SOCK_DGRAM, false, name);
    struct hf_sock *from = bound(w, HF_SOCK_DGRAM, false, own);
    struct hf_iovec iov = {name, 5};
    struct hf_msg m = {.iov = &iov, .iov_len = 1};

    EQ(hf_sock_connect(from, name, 28, false), 0, "connect a datagram socket");
    EQ(hf_sock_send(from, &m, 0), 5, "send");
    pass(w, HF_MS);
    OK(hf_sock_poll(u) & HF_POLLIN, "it arrives");
    hf_sock_set_user(u, &gone);
    EQ(hf_sock_send(from, &m, 0), 5, "send when the receiver is closed");
    pass(w, HF_MS);
    EQ(hf_sock_send(from, &m, 0), -HF_ECONNREFUSED, "port unreachable comes back");
    hf_sock_close(u);
    hf_sock_close(from);
}

int main(void)
{
    static void (*const cases[])(struct world *) = {listener_refuses, group_goes_on,
                                                    syn_is_not_repeated, answer_is_refused,
                                                    datagram_is_refused};

    tap_begin(30);
    for (int v6 = 0; v6 < 2; v6++) {
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            struct world w;

            world_init(&w, v6);
            cases[i](&w);
            world_fini(&w);
        }
    }
    return tap_end();
}
