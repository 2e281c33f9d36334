/* The Internet checksum against the definition: 16-bit words, one by one. */
#include "wire/checksum.h"

#include <string.h>

#include "base/assert.h"
#include "tap.h"
#include "testenv.h"
#include "wire/frame_csum.h"

static struct testenv env;

static uint32_t plain_sum(uint32_t sum, const uint8_t *p, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

/* 0 and ffff are the same number here. */
static bool same_sum(uint32_t a, uint32_t b)
{
    return a % 0xffff == b % 0xffff && !a == !b;
}

static void buffers(void)
{
    static uint8_t bytes[70000];
    bool small = true, large = true, full = true;

    for (uint32_t len = 0; len < 200; len++) {
        for (uint32_t at = 0; at < 9; at++) {
            uint32_t start = testenv_below(&env, 0x10000);

            testenv_random(&env, bytes, 256);
            small &= same_sum(csum_add(start, bytes + at, len), plain_sum(start, bytes + at, len));
            small &= csum_add(start, bytes + at, len) <= 0xffff;
        }
    }
    OK(small, "any short length at any alignment");
    testenv_random(&env, bytes, sizeof bytes);
    for (uint32_t len = 65000; len < 65536; len += 7)
        large &= same_sum(csum_add(1, bytes + len % 5, len), plain_sum(1, bytes + len % 5, len));
    OK(large, "long lengths");
    memset(bytes, 0xff, sizeof bytes);
    for (uint32_t len = 1; len < 65536; len += 997)
        full &= same_sum(csum_add(0xffff, bytes, len), plain_sum(0xffff, bytes, len));
    OK(full, "all carries");
}

/* RFC 1071 3, and a whole IPv4 header from the wire. */
static void examples(void)
{
    static const uint8_t rfc[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    static const uint8_t ip[] = {0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
                                 0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7};

    EQ(csum_add(0, rfc, sizeof rfc), 0xddf2, "RFC 1071 3");
    EQ(csum_finish(csum_add(0, ip, sizeof ip)), 0, "a right header adds up to nothing");
    EQ(csum_finish(0x1fffe), 0, "finish folds");
}

static void pseudo_headers(void)
{
    static const uint8_t v4[] = {10, 0, 2, 15, 192, 168, 255, 1, 0, 6, 0xab, 0xcd};
    struct ip_addr src = ADDR4(10, 0, 2, 15), dst = ADDR4(192, 168, 255, 1);
    uint8_t v6[40] = {0};

    OK(same_sum(csum_pseudo(&src, &dst, 6, 0xabcd), plain_sum(0, v4, sizeof v4)),
       "RFC 9293 3.1: the pseudo-header of IPv4");
    testenv_random(&env, v6, 32);
    src = addr_from6(v6);
    dst = addr_from6(v6 + 16);
    v6[33] = 1;
    v6[34] = 0x23;
    v6[35] = 0x45;
    v6[39] = 17;
    OK(same_sum(csum_pseudo(&src, &dst, 17, 0x12345), plain_sum(0, v6, sizeof v6)),
       "RFC 8200 8.1: the pseudo-header of IPv6, a length beyond 16 bits");
}

/* Pages of odd lengths at odd offsets. */
static void frames(void)
{
    struct hf_env hf = testenv_env(&env);
    struct hf_frame_pool *pool = hf_frame_pool_new(&hf);
    static uint8_t flat[HF_FRAME_MAX];
    bool good = true;

    for (int run = 0; run < 2000; run++) {
        struct hf_frame *f = hf_frame_new(pool);
        uint32_t off, linear = testenv_below(&env, 100);

        testenv_random(&env, hf_frame_put(f, linear), linear);
        for (uint32_t n = testenv_below(&env, HF_FRAME_FRAGS + 1); n; n--) {
            struct hf_page *page = hf_page_new(pool, 300);
            uint32_t at = testenv_below(&env, 100);

            testenv_random(&env, page->data, page->size);
            good &= hf_frame_add(f, page, at, testenv_below(&env, 200));
            hf_page_unref(page);
        }
        off = testenv_below(&env, f->len + 1);
        hf_frame_read(f, 0, flat, f->len);
        good &= same_sum(csum_frame(7, f, off), plain_sum(7, flat + off, f->len - off));
        good &= csum_frame(7, f, off) <= 0xffff;
        hf_frame_free(f);
    }
    OK(good, "a frame's sum is that of its bytes, whatever its pieces");
    hf_frame_pool_free(pool);
}

int main(void)
{
    tap_begin(60);
    buffers();
    examples();
    pseudo_headers();
    frames();
    return tap_end();
}
