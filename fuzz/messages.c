/* The supervisor's reading of a program's struct msghdr: pieces, addresses, control data, lengths
 * that do not fit, pointers that lead nowhere. The program is this one: its memory is an arena of
 * which the input fills a part, and no pointer of the input leads elsewhere into what is mapped.
 *
 * 8 bytes first say the call, flags and where in the arena the header is; the rest is the arena. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "handfast/errno.h"
#include "handfast/socket.h"
#include "handfast/stack.h"
#include "host/env.h"
#include "run/message.h"
#include "run/notify.h"
#include "run/stream.h"
#include "run/vehicle.h"

#define ARENA 16384
#define PAST  (1ul << 46) /* where nothing is */

static uint8_t *arena;

/* ---- what the supervisor has around it ---- */

bool notify_is_waiting(const struct call *c)
{
    return c->args[5] == 0;
}

void notify_answer(const struct call *c, int64_t result) {}

int64_t datagram_give(struct file *f, const struct hf_msg *msg, int flags)
{
    return hf_sock_send(f->sk, msg, flags | HF_MSG_DONTWAIT);
}

int64_t datagram_take(struct file *f, struct hf_msg *msg, int flags)
{
    return hf_sock_recv(f->sk, msg, (flags & (HF_MSG_PEEK | HF_MSG_TRUNC)) | HF_MSG_DONTWAIT);
}

int64_t datagram_take_failed(struct file *f, struct hf_msg *msg, int flags)
{
    return hf_sock_recv(f->sk, msg, HF_MSG_ERRQUEUE | HF_MSG_DONTWAIT);
}

void datagram_taken(struct file *f) {}

int64_t stream_give(const struct call *c, struct file *f, const struct hf_msg *msg, int flags)
{
    return datagram_give(f, msg, flags & (HF_MSG_MORE | HF_MSG_OOB));
}

int64_t stream_take(const struct call *c, struct file *f, uint8_t *buf, size_t room, int flags)
{
    struct hf_iovec iov = {buf, room};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};

    return datagram_take(f, &msg, flags);
}

/* ---- the program ---- */

/* A number of the input as a pointer: into the arena or just past it, nowhere, or NULL. */
static void *pointer(uint64_t number)
{
    if (number % 16 == 0)
        return NULL;
    if (number % 16 == 1)
        return (void *)(uintptr_t)(PAST + number);
    return arena + number / 16 % (ARENA + 64);
}

/* Turns the numbers that stand where pointers should into some: of the header, and of its pieces
 * where these lie in the arena. */
static void make_pointers(uint32_t at)
{
    struct msghdr *head = (struct msghdr *)(void *)(arena + at);
    uint8_t *pieces;

    head->msg_name = pointer((uintptr_t)head->msg_name);
    head->msg_control = pointer((uintptr_t)head->msg_control);
    head->msg_iov = pointer((uintptr_t)head->msg_iov);
    pieces = (uint8_t *)head->msg_iov;
    for (size_t i = 0; pieces && i < head->msg_iovlen % 1100; i++) {
        uint8_t *piece = pieces + i * sizeof(struct iovec);
        void *base;

        if (pieces < arena || piece + sizeof(struct iovec) > arena + ARENA)
            break;
        memcpy(&base, piece, sizeof(base));
        base = pointer((uintptr_t)base);
        memcpy(piece, &base, sizeof(base));
    }
}

static void carry_out(struct hf_stack *st, struct file *f, const struct call *c, bool receives)
{
    static struct message m;
    uint8_t addr[28];
    int64_t n = message_read(c, c->args[1], &m);

    if (n < 0)
        return;
    if (message_length(&m) > MESSAGE_BYTES_MAX)
        abort();
    if (receives) {
        n = message_received(f, message_receive(c, f, &m, (int)c->args[2], addr));
        if (n >= 0)
            n = message_write_back(c, &m);
    } else {
        n = message_send(c, f, &m, (int)c->args[2]);
    }
    if (n > MESSAGE_BYTES_MAX)
        abort();
    hf_stack_poll(st, HF_S);
}

static struct hf_sock *endpoint(struct hf_stack *st, int type)
{
    uint8_t loopback[28] = {10, 0, 0, 80, [23] = 1}; /* [::1]:80 */
    struct hf_sock *sk;
    int on = 1;

    if (hf_sock_new(st, HF_AF_INET6, type, 0, &sk) ||
        hf_sock_setsockopt(sk, HF_SOL_IPV6, HF_IPV6_RECVPKTINFO, &on, sizeof(on)) ||
        hf_sock_bind(sk, loopback, sizeof(loopback)) ||
        hf_sock_connect(sk, loopback, sizeof(loopback), false) > 0)
        abort();
    hf_stack_poll(st, HF_S);
    return sk;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct hf_env env = host_env();
    struct hf_stack_config config = {.env = env, .now = HF_S, .pool = hf_frame_pool_new(&env)};
    struct call c = {.tid = getpid()};
    struct hf_frame_pool_stats left;
    static struct file f;
    struct hf_stack *st;
    uint32_t at;

    if (!arena) /* with nothing behind it */
        arena = (uint8_t *)mmap(NULL, 2 * ARENA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED || mprotect(arena, ARENA, PROT_READ | PROT_WRITE))
        abort();
    if (hf_stack_new(&config, &st))
        abort();
    memset(arena, 0, ARENA);
    if (len >= 8) {
        bool is_stream = bytes[0] & 1;

        memset(&f, 0, sizeof(f));
        f.sk = endpoint(st, is_stream ? 1 : 2);
        f.state = is_stream ? FILE_CONNECTED : FILE_DATAGRAM;
        at = (bytes[1] | (uint32_t)bytes[2] << 8) % (ARENA - sizeof(struct msghdr)) / 8 * 8;
        memcpy(&c.args[2], bytes + 4, 4);
        c.args[1] = (uint64_t)(uintptr_t)(arena + at);
        c.args[5] = bytes[0] & 128 ? 1 : 0; /* the caller has gone */
        memcpy(arena + at, bytes + 8, len - 8 < ARENA - at ? len - 8 : ARENA - at);
        make_pointers(at);
        carry_out(st, &f, &c, bytes[0] & 2);
        if (bytes[0] & 4) /* what was sent comes back */
            carry_out(st, &f, &c, true);
    }
    hf_stack_free(st);
    hf_frame_pool_stats(config.pool, &left);
    if (left.frames || left.pages)
        abort();
    hf_frame_pool_free(config.pool);
    return 0;
}
