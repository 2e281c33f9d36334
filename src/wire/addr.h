/* Internet addresses, both families in one type: 16 bytes in network order, an IPv4 address as the
 * IPv4-mapped IPv6 address it equals (RFC 4291 2.5.5.2). So one routing table, one hash and one
 * comparison serve both. A mapped address never travels in an IPv6 header: there it is a martian.
 * 0.0.0.0 is ADDR_ANY4, distinct from ADDR_ANY6. */
#ifndef WIRE_ADDR_H
#define WIRE_ADDR_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct ip_addr {
    union {
        uint8_t b[16];
        uint32_t w[4]; /* network order */
        uint64_t d[2]; /* network order */
    };
};

struct endpoint {
    struct ip_addr addr;
    uint16_t port;  /* host order */
    uint32_t scope; /* link index of a link-local IPv6 address, else 0 */
};

#define ADDR4(a, b, c, d) \
    ((struct ip_addr){{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, (a), (b), (c), (d)}}})
#define ADDR_ANY4      ADDR4(0, 0, 0, 0)
#define ADDR_ANY6      ((struct ip_addr){{{0}}})
#define ADDR_LOOPBACK4 ADDR4(127, 0, 0, 1)
#define ADDR_LOOPBACK6 ((struct ip_addr){{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}})

static inline bool addr_eq(const struct ip_addr *a, const struct ip_addr *b)
{
    return a->d[0] == b->d[0] && a->d[1] == b->d[1];
}
/* IPv4, i.e. mapped. ADDR_ANY4 is; ADDR_ANY6 is not. */
static inline bool addr_is4(const struct ip_addr *a)
{
    return a->d[0] == 0 && a->w[2] == ADDR_ANY4.w[2];
}
static inline struct ip_addr addr_from4(const uint8_t b[4])
{
    return ADDR4(b[0], b[1], b[2], b[3]);
}
static inline struct ip_addr addr_from6(const uint8_t b[16])
{
    struct ip_addr a;
    memcpy(a.b, b, 16);
    return a;
}
/* 0.0.0.0 or :: */
bool addr_is_any(const struct ip_addr *a);
/* 127/8 or ::1 */
bool addr_is_loopback(const struct ip_addr *a);
/* 224/4 or ff00::/8 */
bool addr_is_multicast(const struct ip_addr *a);
/* 255.255.255.255 */
bool addr_is_broadcast(const struct ip_addr *a);
/* fe80::/10; IPv4's 169.254/16 is not scoped and not meant */
bool addr_is_link_local6(const struct ip_addr *a);

/* Text. parse: "10.0.2.15", "fd00::1", "::ffff:1.2.3.4" (gives IPv4); false when it is neither.
 * parse_prefix: the same with an optional "/len"; *bits counts within the 128-bit form (96 + len
 * for IPv4). format: at most ADDR_TEXT bytes with the NUL; returns buf. RFC 5952. */
#define ADDR_TEXT 48
bool addr_parse(const char *text, struct ip_addr *out);
bool addr_parse_prefix(const char *text, struct ip_addr *out, unsigned *bits);
char *addr_format(const struct ip_addr *a, char buf[ADDR_TEXT]);

/* The first `bits` bits are equal. */
bool addr_in_prefix(const struct ip_addr *a, const struct ip_addr *prefix, unsigned bits);

#endif
