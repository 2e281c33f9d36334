/* The Internet checksum.
 *
 * RFC 1071 2 (B), (C): the sum of 16-bit words does not care about byte order or word size, so the
 * bytes are added as the machine reads them, eight at a time, and swapped once at the end. */
#include "wire/checksum.h"

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t v;

    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

static inline uint32_t load32(const uint8_t *p)
{
    uint32_t v;

    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

static inline uint16_t load16(const uint8_t *p)
{
    uint16_t v;

    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

/* To 16 bits, the carries added back in. */
static uint32_t fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint32_t)sum;
}

/* The machine's order to the order of values, and back. */
static uint32_t to_host(uint32_t sum)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_bswap16((uint16_t)sum);
#else
    return sum;
#endif
}

/* The halves of the words are added apart, so that no carry is lost: len is below 2^32. */
uint32_t csum_add(uint32_t sum, const void *bytes, uint32_t len)
{
    const uint8_t *p = bytes;
    uint64_t low = 0, high = 0;

    for (; len >= 32; len -= 32, p += 32) {
        uint64_t a = load64(p), b = load64(p + 8), c = load64(p + 16), d = load64(p + 24);

        low += (a & 0xffffffff) + (b & 0xffffffff) + (c & 0xffffffff) + (d & 0xffffffff);
        high += (a >> 32) + (b >> 32) + (c >> 32) + (d >> 32);
    }
    for (; len >= 8; len -= 8, p += 8) {
        low += load64(p) & 0xffffffff;
        high += load64(p) >> 32;
    }
    if (len & 4) {
        low += load32(p);
        p += 4;
    }
    if (len & 2) {
        low += load16(p);
        p += 2;
    }
    if (len & 1)
        low += to_host((uint32_t)*p << 8);
    return fold((uint64_t)sum + to_host(fold(low + high)));
}

uint32_t csum_pseudo(const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto,
                     uint32_t len)
{
    uint32_t from = addr_is4(src) ? 12 : 0;
    uint32_t sum = csum_add(csum_add(0, src->b + from, 16 - from), dst->b + from, 16 - from);

    return fold((uint64_t)sum + proto + len);
}

uint16_t csum_finish(uint32_t sum)
{
    return (uint16_t)~fold(sum);
}
