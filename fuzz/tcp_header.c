/* TCP headers: what tcp_header_read takes from any bytes can be written, and reads back the same.
 */
#include <stdlib.h>
#include <string.h>

#include "host/env.h"
#include "wire/tcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool same(const struct tcp_header *a, const struct tcp_header *b)
{
    return a->src_port == b->src_port && a->seq == b->seq && a->ack == b->ack &&
           a->flags == b->flags && a->mss == b->mss && a->wscale == b->wscale &&
           a->ts_val == b->ts_val && a->ts_ecr == b->ts_ecr &&
           a->has_sack_permitted == b->has_sack_permitted;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct hf_env env = host_env();
    struct hf_frame_pool *pool = hf_frame_pool_new(&env);
    struct hf_frame *f = hf_frame_new(pool), *g = hf_frame_new(pool);
    struct tcp_header header, again;
    uint8_t written[TCP_HEADER_MAX];

    if (hf_frame_append(f, bytes, (uint32_t)(len < 4096 ? len : 4096)) &&
        tcp_header_read(f, &header)) {
        uint32_t size = tcp_header_size(&header);
        if (size > sizeof(written) || tcp_header_write(&header, written) != size)
            abort();
        if (!hf_frame_append(g, written, size) || !tcp_header_read(g, &again) ||
            !same(&header, &again))
            abort();
    }
    hf_frame_free(f);
    hf_frame_free(g);
    hf_frame_pool_free(pool);
    return 0;
}
