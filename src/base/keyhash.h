/* Hashing of table keys: short, of whole 64-bit words, with a secret that an attacker does not see.
 *
 * NH (Black, Halevi, Krawetz, Krovetz and Rogaway, "UMAC: Fast and Secure Message Authentication",
 * 1999): whoever chooses keys without knowing the secret makes two of them collide with a chance of
 * about 2^-32, as with SipHash, at a tenth of its price. The sums themselves must stay inside: what
 * is sent out (ISNs, port offsets) is siphash.h's. */
#ifndef BASE_KEYHASH_H
#define BASE_KEYHASH_H

#include "handfast/types.h"

#define KEYHASH_WORDS 6 /* most words of a key */

struct keyhash {
    uint64_t add[KEYHASH_WORDS];
    uint64_t times; /* odd */
};

/* Draws k out of a secret. */
void keyhash_init(struct keyhash *k, const uint64_t secret[2]);

/* bytes is a constant multiple of 8, at most 8 * KEYHASH_WORDS; key has no padding. */
static inline uint32_t keyhash(const struct keyhash *k, const void *key, size_t bytes)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < bytes / 8; i++) {
        uint64_t word;

        __builtin_memcpy(&word, (const char *)key + 8 * i, 8);
        sum +=
            (uint64_t)(uint32_t)(word + k->add[i]) * (uint32_t)((word >> 32) + (k->add[i] >> 32));
    }
    return (uint32_t)(sum * k->times >> 32);
}

#endif
