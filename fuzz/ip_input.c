/* Frames from a link into a whole stack: headers, options, fragments, ICMP, UDP and TCP that nobody
 * asked for. The input is a list of packets, each behind two bytes of length and one of pause. */
#include <stdlib.h>

#include "handfast/socket.h"
#include "handfast/stack.h"
#include "host/env.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void link_send(struct hf_link *link, struct hf_frame *f)
{
    hf_frame_free(f);
}

static void link_end(struct hf_link *link) {}

static void dice(void *ctx, void *to, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)to)[i] = (uint8_t)(i * 37 + 11);
}

/* IPv4's header checksum is put right, and those of the transports are not looked at: else nothing
 * would get behind them. */
static void correct(struct hf_frame *f)
{
    uint32_t sum = 0, words;

    f->flags = HF_FRAME_CSUM_OK;
    if (f->len < 20 || f->head_len < 20 || f->head[0] >> 4 != 4)
        return;
    words = (f->head[0] & 15u) * 2;
    f->head[10] = f->head[11] = 0;
    for (uint32_t i = 0; i < words && 2 * i + 1 < f->head_len; i++)
        sum += (uint32_t)f->head[2 * i] << 8 | f->head[2 * i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~((sum & 0xffff) + (sum >> 16));
    f->head[10] = (uint8_t)(sum >> 8);
    f->head[11] = (uint8_t)sum;
}

static void listeners(struct hf_stack *st)
{
    uint8_t any[28] = {10, 0, 0, 80}; /* [::]:80 */
    struct hf_sock *stream, *datagrams;

    if (hf_sock_new(st, 10, 1, 0, &stream) || hf_sock_bind(stream, any, sizeof(any)) ||
        hf_sock_listen(stream, 4) || hf_sock_new(st, 10, 2, 0, &datagrams) ||
        hf_sock_bind(datagrams, any, sizeof(any)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const struct hf_link_ops ops = {.send = link_send, .free = link_end};
    struct hf_link link = {.ops = &ops, .name = "wire", .mtu = 1500};
    struct hf_env env = host_env();
    struct hf_stack_config config = {.env = env};
    struct hf_frame_pool_stats left;
    struct hf_stack *st;
    hf_time now = HF_S;

    config.env.random = dice;
    config.now = now;
    config.pool = hf_frame_pool_new(&env);
    if (hf_stack_new(&config, &st) || hf_stack_attach(st, &link) ||
        hf_addr_add(st, &link, "10.0.0.1/24") || hf_addr_add(st, &link, "fd00::1/64"))
        abort();
    listeners(st);
    while (len > 3) {
        size_t size = (size_t)(bytes[0] << 8 | bytes[1]) % 1501, pause = bytes[2];
        struct hf_frame *f = hf_frame_new(config.pool);

        bytes += 3;
        len -= 3;
        size = size < len ? size : len;
        if (!hf_frame_append(f, bytes, (uint32_t)size))
            abort();
        correct(f);
        hf_link_input(&link, f);
        now += (hf_time)pause * pause * HF_MS;
        hf_stack_poll(st, now);
        bytes += size;
        len -= size;
    }
    hf_stack_free(st);
    hf_frame_pool_stats(config.pool, &left);
    if (left.frames || left.pages)
        abort();
    hf_frame_pool_free(config.pool);
    return 0;
}
