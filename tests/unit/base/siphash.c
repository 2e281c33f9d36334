/* SipHash-1-3 against an independent implementation: hash(bytes) of CPython 3.11 with
 * PYTHONHASHSEED=0, which is SipHash-1-3 with a key of zeros. */
#include "base/siphash.h"

#include <string.h>

#include "base/assert.h"
#include "tap.h"

int main(void)
{
    static const struct {
        const char *text;
        uint64_t hash;
    } rows[] = {
        {"a", 4644417185603328019u},
        {"abcdefg", 7904145750247929094u},
        {"abcdefgh", 4574395652268504554u},
        {"handfast", 18040450477877872845u},
        {"0123456789abcdef0", 17814194274854507048u},
    };
    static const uint64_t published[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    static const uint64_t zero[2], other[2] = {0, 1};
    uint8_t bytes[41];

    tap_begin(10);
    for (size_t i = 0; i < HF_COUNT(rows); i++)
        OK(siphash(zero, rows[i].text, strlen(rows[i].text)) == rows[i].hash, rows[i].text);
    for (uint8_t i = 0; i < 40; i++)
        bytes[i + 1] = i;
    OK(siphash(zero, bytes + 1, 40) == 10789553897545236998u, "forty bytes at an odd address");
    OK(siphash(zero, bytes, 40) != siphash(other, bytes, 40), "the key counts");
    for (uint8_t i = 0; i < 15; i++)
        bytes[i] = i;
    OK(siphash24(published, bytes, 15) == 0xa129ca6149be45e5u, "the paper's own, appendix A");
    return tap_end();
}
