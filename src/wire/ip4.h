/* IPv4 headers: bytes <-> values. RFC 791 3.1. */
#ifndef WIRE_IP4_H
#define WIRE_IP4_H

#include "handfast/frame.h"
#include "wire/addr.h"

#define IP4_HEADER     20
#define IP4_HEADER_MAX 60

/* IP protocol numbers, of both families. */
enum ip_proto {
    IP_PROTO_HOPOPTS = 0,
    IP_PROTO_ICMP = 1,
    IP_PROTO_TCP = 6,
    IP_PROTO_UDP = 17,
    IP_PROTO_ROUTING = 43,
    IP_PROTO_FRAGMENT = 44,
    IP_PROTO_ICMPV6 = 58,
    IP_PROTO_NONE = 59,
    IP_PROTO_DSTOPTS = 60,
};

struct ip4_header {
    struct ip_addr src, dst; /* IPv4 */
    uint16_t total_bytes;
    uint16_t id;
    uint16_t frag_off; /* bytes, a multiple of 8 */
    bool more, dont_fragment;
    uint8_t tos, ttl, proto;
    uint8_t header_bytes; /* 20..60 */
};

enum ip4_verdict { IP4_OK, IP4_TRUNCATED, IP4_MALFORMED, IP4_CSUM_WRONG };

/* Reads the header at the front of f, pulled linear with its options. OK says that the lengths fit
 * each other and f, and that the checksum is right. */
enum ip4_verdict ip4_header_read(struct hf_frame *f, struct ip4_header *out);

/* The same for a quoted header in an ICMP error: bytes may be fewer than total_bytes says, and the
 * checksum is not looked at, for routers have changed what it covers. */
bool ip4_quoted_read(const uint8_t *bytes, uint32_t len, struct ip4_header *out);

/* A header without options, its checksum filled in. header_bytes is not read. */
void ip4_header_write(const struct ip4_header *h, uint8_t to[IP4_HEADER]);

/* What the options ask of a host that is the destination. */
enum ip4_options {
    IP4_OPTIONS_FINE,      /* none, or such as may be ignored: RFC 1122 3.2.1.8 */
    IP4_OPTIONS_SOURCE,    /* a source route: refused */
    IP4_OPTIONS_MALFORMED, /* lengths that do not fit */
};
enum ip4_options ip4_options_check(const uint8_t *options, uint32_t len);

#endif
