/* The Internet checksum. RFC 1071. Sums are kept folded to 16 bits, in host order. */
#ifndef WIRE_CHECKSUM_H
#define WIRE_CHECKSUM_H

#include "wire/addr.h"

/* Adds len bytes to a running sum; pieces of odd length may only come last. */
uint32_t csum_add(uint32_t sum, const void *bytes, uint32_t len);
/* The pseudo-header, IPv4's or IPv6's by the family of src. RFC 9293 3.1, RFC 8200 8.1. */
uint32_t csum_pseudo(const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto,
                     uint32_t len);
/* Folds, and complements: what stands in the header. */
uint16_t csum_finish(uint32_t sum);

#endif
