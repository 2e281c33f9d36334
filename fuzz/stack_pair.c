/* Two stacks on a wire, and calls on sockets of both in the order the input says; frames are lost,
 * doubled and delayed as it says, too. What one end reads the other has sent, in order, and in the
 * end nothing is left. */
#include <stdlib.h>
#include <string.h>

#include "handfast/errno.h"
#include "handfast/socket.h"
#include "handfast/stack.h"
#include "host/env.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct end {
    struct hf_stack *st;
    struct hf_sock *sk;      /* the connection, when there is one */
    uint32_t sent, received; /* bytes */
};

struct wire {
    struct hf_link link;
    struct wire *other;
    struct hf_frame *first; /* on their way to the other end, newest first */
    unsigned count;
};

static void wire_send(struct hf_link *link, struct hf_frame *f)
{
    struct wire *w = (struct wire *)(void *)link;

    if (w->count == 64) {
        hf_frame_free(f);
        return;
    }
    f->next = w->first;
    w->first = f;
    w->count++;
}

static void wire_end(struct hf_link *link) {}

/* Takes the oldest frame but `skip`. */
static struct hf_frame *take(struct wire *w, unsigned skip)
{
    struct hf_frame **at = &w->first, *f;

    if (!w->count)
        return NULL;
    for (unsigned i = w->count - 1 - skip % w->count; i; i--)
        at = &(*at)->next;
    f = *at;
    *at = f->next;
    f->next = NULL;
    w->count--;
    return f;
}

static void deliver(struct wire *w, uint8_t how)
{
    struct hf_frame *f = take(w, how >> 4 & 3), *copy;

    if (!f)
        return;
    if ((how & 15) == 1) { /* lost */
        hf_frame_free(f);
        return;
    }
    copy = (how & 15) == 2 ? hf_frame_clone(f) : NULL;
    hf_link_input(&w->other->link, f);
    if (copy)
        hf_link_input(&w->other->link, copy);
}

static void dice(void *ctx, void *to, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)to)[i] = (uint8_t)(i * 37 + 11);
}

/* The n-th byte of each stream. */
static uint8_t byte_at(uint32_t n)
{
    return (uint8_t)(n * 7 + (n >> 8));
}

static void put(struct end *e, uint32_t n)
{
    uint8_t bytes[4096];
    struct hf_iovec iov = {bytes, n};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};
    int64_t done;

    for (uint32_t i = 0; i < n; i++)
        bytes[i] = byte_at(e->sent + i);
    done = hf_sock_send(e->sk, &msg, 0);
    if (done > 0)
        e->sent += (uint32_t)done;
}

static void get(struct end *e, const struct end *from, uint32_t n)
{
    uint8_t bytes[4096];
    struct hf_iovec iov = {bytes, n};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};
    int64_t done = hf_sock_recv(e->sk, &msg, 0);

    for (int64_t i = 0; i < done; i++)
        if (bytes[i] != byte_at(e->received++))
            abort();
    if (e->received > from->sent)
        abort();
}

static void dial(struct end *client)
{
    uint8_t to[28] = {10, 0, 0, 80, [8] = 0xfd, [23] = 2}; /* [fd00::2]:80 */

    if (hf_sock_new(client->st, 10, 1, 0, &client->sk) ||
        hf_sock_connect(client->sk, to, sizeof(to), false) != -HF_EINPROGRESS)
        abort();
}

static struct hf_sock *listen_at(struct hf_stack *st)
{
    uint8_t any[28] = {10, 0, 0, 80};
    struct hf_sock *sk;

    if (hf_sock_new(st, 10, 1, 0, &sk) || hf_sock_bind(sk, any, sizeof(any)) ||
        hf_sock_listen(sk, 1))
        abort();
    return sk;
}

static void step(struct end ends[2], struct wire wires[2], struct hf_sock *listener, uint8_t what,
                 uint8_t how, hf_time *now)
{
    struct end *e = &ends[what & 1];

    if (!ends[1].sk && hf_sock_accept(listener, &ends[1].sk) != 0)
        ends[1].sk = NULL;
    switch (what >> 1 & 7) {
    case 0:
        *now += (hf_time)how * how * HF_MS;
        break;
    case 1:
        if (e->sk)
            put(e, how * 16u + 1);
        break;
    case 2:
        if (e->sk)
            get(e, &ends[!(what & 1)], how * 16u + 1);
        break;
    case 3:
        if (e->sk)
            (void)!hf_sock_shutdown(e->sk, how % 3);
        break;
    default:
        deliver(&wires[what & 1], how);
    }
    hf_stack_poll(ends[0].st, *now);
    hf_stack_poll(ends[1].st, *now);
}

static void end_all(struct end ends[2], struct wire wires[2])
{
    for (int i = 0; i < 2; i++)
        hf_stack_free(ends[i].st);
    for (int i = 0; i < 2; i++)
        while (wires[i].count)
            hf_frame_free(take(&wires[i], 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct hf_link_ops ops = {.send = wire_send, .free = wire_end};
    static const char *const addrs[] = {"fd00::1/64", "fd00::2/64"};
    struct hf_env env = host_env();
    struct hf_frame_pool *pool = hf_frame_pool_new(&env);
    struct wire wires[2] = {{.other = &wires[1]}, {.other = &wires[0]}};
    struct end ends[2] = {{0}};
    struct hf_frame_pool_stats left;
    struct hf_sock *listener;
    hf_time now = HF_S;

    for (int i = 0; i < 2; i++) {
        struct hf_stack_config config = {.env = env, .pool = pool, .now = now};

        config.env.random = dice;
        wires[i].link = (struct hf_link){.ops = &ops, .name = "wire", .mtu = 1500};
        if (hf_stack_new(&config, &ends[i].st) || hf_stack_attach(ends[i].st, &wires[i].link) ||
            hf_addr_add(ends[i].st, &wires[i].link, addrs[i]))
            abort();
    }
    listener = listen_at(ends[1].st);
    dial(&ends[0]);
    for (size_t i = 0; i + 1 < len && i < 4000; i += 2)
        step(ends, wires, listener, bytes[i], bytes[i + 1], &now);
    end_all(ends, wires);
    hf_frame_pool_stats(pool, &left);
    if (left.frames || left.pages)
        abort();
    hf_frame_pool_free(pool);
    return 0;
}
