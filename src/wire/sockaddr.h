/* Linux's socket addresses: bytes <-> values. struct sockaddr_in is 16 bytes, sockaddr_in6 28 (24
 * without the scope are taken); the family stands in host order, port and address in network
 * order. Which families and lengths a call accepts is the socket layer's to say. */
#ifndef WIRE_SOCKADDR_H
#define WIRE_SOCKADDR_H

#include "wire/addr.h"

#define SOCKADDR_IN      16
#define SOCKADDR_IN6     28
#define SOCKADDR_IN6_MIN 24
#define SOCKADDR_MAX     128

/* The family field; len must be at least 2. */
uint16_t sockaddr_family(const void *bytes);

/* Reads a sockaddr_in (len >= 16) or sockaddr_in6 (len >= 24) by `family`; v4-mapped IPv6 addresses
 * come out as IPv4. */
void sockaddr_read(const void *bytes, uint32_t len, uint16_t family, struct endpoint *out);

/* It means something only together with a link: link-local, or a group of interface or link scope.
 */
bool sockaddr_needs_scope(const struct ip_addr *a);

/* Writes ep as an address of `family` (AF_INET or AF_INET6; IPv4 in an AF_INET6 one is mapped).
 * buf takes SOCKADDR_IN6 bytes; returns the length. */
uint32_t sockaddr_write(const struct endpoint *ep, uint16_t family, uint8_t buf[SOCKADDR_IN6]);

#endif
