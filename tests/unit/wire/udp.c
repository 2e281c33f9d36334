/* UDP headers. RFC 768. */
#include "wire/udp.h"

#include <string.h>

#include "base/assert.h"
#include "tap.h"
#include "testenv.h"

int main(void)
{
    static const struct {
        const char *name;
        uint16_t len;   /* in the header */
        uint32_t bytes; /* in the frame */
        bool good;
    } rows[] = {
        {"the length of the frame", 12, 12, true}, {"no payload", 8, 8, true},
        {"padding behind", 9, 20, true},           {"more than the frame has", 13, 12, false},
        {"less than a header", 7, 12, false},      {"length zero", 0, 12, false},
        {"truncated header", 8, 7, false},         {"empty frame", 8, 0, false},
    };
    struct testenv env = {0};
    struct hf_env hf = testenv_env(&env);
    struct hf_frame_pool *pool = hf_frame_pool_new(&hf);

    tap_begin(10);
    for (size_t i = 0; i < HF_COUNT(rows); i++) {
        struct udp_header h = {
            .src_port = 53, .dst_port = 0xff01, .len = rows[i].len, .checksum = 0xabcd};
        struct hf_page *page = hf_page_new(pool, 32);
        struct hf_frame *f = hf_frame_new(pool);
        struct udp_header out;

        memset(page->data, 0, 32);
        udp_header_write(&h, page->data);
        OK(hf_frame_add(f, page, 0, rows[i].bytes), "a header that is not linear");
        OK(udp_header_read(f, &out) == rows[i].good, rows[i].name);
        if (rows[i].good)
            OK(memcmp(&h, &out, sizeof h) == 0, "what was written is read");
        hf_page_unref(page);
        hf_frame_free(f);
    }
    hf_frame_pool_free(pool);
    EQ(env.out, 0, "nothing is left");
    return tap_end();
}
