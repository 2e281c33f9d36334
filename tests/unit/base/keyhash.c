/* Keys that differ little hash apart, and the secret decides how. */
#include "base/keyhash.h"

#include <stdlib.h>

#include "base/assert.h"
#include "tap.h"

#define KEYS (1u << 16)

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* How many of the keys (i in the given word, from the given bit on) hash as another does. */
static unsigned equal_hashes(const struct keyhash *k, unsigned word, unsigned shift)
{
    uint32_t *hashes = malloc(KEYS * sizeof(*hashes));
    unsigned equal = 0;

    for (uint64_t i = 0; i < KEYS; i++) {
        uint64_t key[5] = {0};

        key[word] = i << shift;
        hashes[i] = keyhash(k, key, sizeof(key));
    }
    qsort(hashes, KEYS, sizeof(*hashes), by_value);
    for (unsigned i = 1; i < KEYS; i++)
        equal += hashes[i] == hashes[i - 1];
    free(hashes);
    return equal;
}

/* The fullest of as many buckets as there are such keys. */
static unsigned fullest_bucket(const struct keyhash *k, unsigned word, unsigned shift)
{
    unsigned *buckets = calloc(KEYS, sizeof(*buckets)), most = 0;

    for (uint64_t i = 0; i < KEYS; i++) {
        uint64_t key[5] = {0};
        unsigned *bucket;

        key[word] = i << shift;
        bucket = &buckets[keyhash(k, key, sizeof(key)) % KEYS];
        most = HF_MAX(most, ++*bucket);
    }
    free(buckets);
    return most;
}

int main(void)
{
    struct keyhash one, other;
    uint64_t key[5] = {1, 2, 3, 4, 5}, same = 0;
    unsigned equal = 0, most = 0;

    tap_begin(10);
    keyhash_init(&one, (const uint64_t[2]){1, 2});
    keyhash_init(&other, (const uint64_t[2]){1, 3});
    for (unsigned word = 0; word < 5; word++) {
        for (unsigned shift = 0; shift <= 48; shift += 16) {
            equal = HF_MAX(equal, equal_hashes(&one, word, shift));
            most = HF_MAX(most, fullest_bucket(&one, word, shift));
        }
    }
    OK(equal <= 8, "65536 keys that differ in any 16 bits hash apart");
    OK(most <= 24, "and spread over the buckets");
    for (uint64_t i = 0; i < 1000; i++) {
        key[0] = i;
        same += keyhash(&one, key, sizeof(key)) == keyhash(&other, key, sizeof(key));
    }
    OK(same <= 1, "another secret, another hash");
    return tap_end();
}
