/* SipHash-1-3 (Aumasson, Bernstein): a keyed hash that an attacker cannot steer. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include "handfast/types.h"

uint64_t siphash(const uint64_t key[2], const void *bytes, size_t len);

/* The original SipHash-2-4: where another implementation has to come to the same. */
uint64_t siphash24(const uint64_t key[2], const void *bytes, size_t len);

#endif
