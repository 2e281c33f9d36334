/* Socket filters: any program is refused, or runs on any datagram and keeps no more than there is.
 *
 * The input: a byte for how many instructions, 8 bytes each, and the datagram. */
#include <stdlib.h>
#include <string.h>

#include "handfast/errno.h"
#include "handfast/socket.h"
#include "handfast/stack.h"
#include "host/env.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct hf_sock *bound(struct hf_stack *st)
{
    uint8_t loopback[28] = {10, 0, 0, 80, [23] = 1}; /* [::1]:80 */
    struct hf_sock *sk;

    if (hf_sock_new(st, HF_AF_INET6, 2, 0, &sk) || hf_sock_bind(sk, loopback, sizeof(loopback)) ||
        hf_sock_connect(sk, loopback, sizeof(loopback), false))
        abort();
    return sk;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct hf_env env = host_env();
    struct hf_stack_config config = {.env = env, .pool = hf_frame_pool_new(&env)};
    size_t count = len ? bytes[0] : 0, most;
    uint8_t program[256 * 8] = {0}, sent[2048] = {0}, got[2048];
    struct hf_iovec in = {got, sizeof(got)}, out = {sent, 0};
    struct hf_msg receive = {.iov = &in, .iov_len = 1}, send = {.iov = &out, .iov_len = 1};
    struct hf_stack *st;
    struct hf_sock *sk;
    int64_t n;

    bytes += len > 0;
    len -= len > 0;
    most = len < count * 8 ? len : count * 8;
    memcpy(program, bytes, most);
    out.len = len - most < sizeof(sent) ? len - most : sizeof(sent);
    memcpy(sent, bytes + most, out.len);
    if (hf_stack_new(&config, &st))
        abort();
    sk = bound(st);
    if (hf_sock_setsockopt(sk, HF_SOL_SOCKET, HF_SO_ATTACH_FILTER, program, (uint32_t)count * 8) ==
        0) {
        (void)!hf_sock_send(sk, &send, HF_MSG_DONTWAIT);
        hf_stack_poll(st, 0);
        n = hf_sock_recv(sk, &receive, HF_MSG_DONTWAIT);
        if (n > (int64_t)out.len || (n > 0 && memcmp(sent, got, (size_t)n) != 0))
            abort();
    }
    hf_stack_free(st);
    hf_frame_pool_free(config.pool);
    return 0;
}
