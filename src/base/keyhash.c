/* Where the secrets of table keys come from. */
#include "base/keyhash.h"

#include "base/siphash.h"

void keyhash_init(struct keyhash *k, const uint64_t secret[2])
{
    for (uint64_t i = 0; i < KEYHASH_WORDS; i++)
        k->add[i] = siphash(secret, &i, sizeof(i));
    k->times = siphash(secret, "odd", 3) | 1;
}
