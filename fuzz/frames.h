/* Frames from a link into a whole stack. The input is a list of frames, each behind two bytes of
 * length and one of pause. A pause's lowest bits have the stack send something itself, so that it
 * has questions out that a frame may answer. */
#ifndef FUZZ_FRAMES_H
#define FUZZ_FRAMES_H

#include <stdlib.h>

#include "handfast/errno.h"
#include "handfast/socket.h"
#include "handfast/stack.h"
#include "host/env.h"

struct frames_link {
    struct hf_link link; /* first */
    uint32_t sent;
};

static inline void frames_send(struct hf_link *link, struct hf_frame *f)
{
    ((struct frames_link *)(void *)link)->sent++;
    hf_frame_free(f);
}

static inline void frames_link_end(struct hf_link *link) {}

static inline void frames_dice(void *ctx, void *to, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)to)[i] = (uint8_t)(i * 37 + 11);
}

/* IPv4's header checksum, `at` bytes into the frame, is put right, and those behind it are not
 * looked at: else nothing would get past them. */
static inline void frames_correct(struct hf_frame *f, uint32_t at)
{
    uint32_t sum = 0, words;
    uint8_t *ip = f->head + at;

    f->flags = HF_FRAME_CSUM_OK;
    if (f->head_len < at + 20 || ip[0] >> 4 != 4)
        return;
    words = (ip[0] & 15u) * 2;
    ip[10] = ip[11] = 0;
    for (uint32_t i = 0; i < words && at + 2 * i + 1 < f->head_len; i++)
        sum += (uint32_t)ip[2 * i] << 8 | ip[2 * i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~((sum & 0xffff) + (sum >> 16));
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
}

static inline struct hf_sock *frames_listeners(struct hf_stack *st)
{
    uint8_t any[28] = {10, 0, 0, 80}; /* [::]:80 */
    struct hf_sock *stream, *datagrams;

    if (hf_sock_new(st, 10, 1, 0, &stream) || hf_sock_bind(stream, any, sizeof(any)) ||
        hf_sock_listen(stream, 4) || hf_sock_new(st, 10, 2, 0, &datagrams) ||
        hf_sock_bind(datagrams, any, sizeof(any)))
        abort();
    return datagrams;
}

/* A datagram to a neighbour, or an open that nobody answers. */
static inline void frames_ask(struct hf_stack *st, struct hf_sock *datagrams, uint8_t how)
{
    uint8_t to6[28] = {10, 0, 0, 9, [8] = 0xfd, [23] = (uint8_t)(how >> 2)};
    uint8_t to4[28] = {10, 0, 0, 9, [18] = 0xff, 0xff, 10, 0, 0, (uint8_t)(how >> 2)};
    struct hf_iovec iov = {"0123456789", 10};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1, .addr = how & 2 ? to6 : to4, .addr_len = 28};
    struct hf_sock *sk;

    if (how & 1)
        (void)!hf_sock_send(datagrams, &msg, HF_MSG_DONTWAIT);
    else if (hf_sock_new(st, 10, 1, 0, &sk) == 0)
        (void)!hf_sock_connect(sk, msg.addr, 28, false);
}

static inline void frames_run(const uint8_t *bytes, size_t len, uint32_t link_flags,
                              uint32_t link_header)
{
    static const struct hf_link_ops ops = {.send = frames_send, .free = frames_link_end};
    struct frames_link wire = {
        .link = {.ops = &ops, .name = "wire", .mtu = 1500, .flags = link_flags}};
    struct hf_env env = host_env();
    struct hf_stack_config config = {.env = env};
    struct hf_frame_pool_stats left;
    struct hf_sock *datagrams;
    struct hf_stack *st;
    hf_time now = HF_S;

    config.env.random = frames_dice;
    config.now = now;
    config.pool = hf_frame_pool_new(&env);
    if (hf_stack_new(&config, &st) || hf_stack_attach(st, &wire.link) ||
        hf_addr_add(st, &wire.link, "10.0.0.1/24") || hf_addr_add(st, &wire.link, "fd00::1/64"))
        abort();
    datagrams = frames_listeners(st);
    while (len > 3) {
        size_t size = (size_t)(bytes[0] << 8 | bytes[1]) % 1515, pause = bytes[2];
        struct hf_frame *f = hf_frame_new(config.pool);
        uint32_t before = wire.sent;

        bytes += 3;
        len -= 3;
        size = size < len ? size : len;
        if (!hf_frame_append(f, bytes, (uint32_t)size))
            abort();
        frames_correct(f, link_header);
        hf_link_input(&wire.link, f);
        if (wire.sent - before > 70) /* an answer, and what waited for its neighbour */
            abort();
        if (pause % 8 == 7)
            frames_ask(st, datagrams, (uint8_t)(pause >> 3));
        now += (hf_time)pause * (hf_time)pause * HF_MS;
        hf_stack_poll(st, now);
        bytes += size;
        len -= size;
    }
    hf_stack_free(st);
    hf_frame_pool_stats(config.pool, &left);
    if (left.frames || left.pages)
        abort();
    hf_frame_pool_free(config.pool);
}

#endif
