/* IPv6 headers and extension headers: bytes <-> values. RFC 8200. */
#ifndef WIRE_IP6_H
#define WIRE_IP6_H

#include "handfast/frame.h"
#include "wire/addr.h"
#include "wire/ip4.h"

#define IP6_HEADER   40
#define IP6_FRAGMENT 8
#define IP6_MTU_MIN  1280

struct ip6_header {
    struct ip_addr src, dst; /* as they stand: a mapped one here is a martian, not IPv4 */
    uint32_t flow_label;     /* 20 bits */
    uint16_t payload_bytes;  /* what follows the 40 bytes */
    uint8_t traffic_class, next_header, hop_limit;
};

/* false: truncated, or a payload length that f does not have. */
bool ip6_header_read(struct hf_frame *f, struct ip6_header *out);
/* For a header that is quoted: the payload may be cut. */
bool ip6_quoted_read(const uint8_t *bytes, uint32_t len, struct ip6_header *out);
void ip6_header_write(const struct ip6_header *h, uint8_t to[IP6_HEADER]);

/* RFC 8200 4.5 */
struct ip6_fragment {
    uint32_t id;
    uint16_t offset; /* bytes, a multiple of 8 */
    bool more;
    uint8_t next_header;
};
void ip6_fragment_read(const uint8_t bytes[IP6_FRAGMENT], struct ip6_fragment *out);
void ip6_fragment_write(const struct ip6_fragment *h, uint8_t to[IP6_FRAGMENT]);

/* What becomes of a packet by its hop-by-hop or destination options. RFC 8200 4.2 */
enum ip6_options {
    IP6_OPTIONS_FINE,
    IP6_OPTIONS_DISCARD,        /* 01 */
    IP6_OPTIONS_REPORT,         /* 10: and tell the source, whatever the destination */
    IP6_OPTIONS_REPORT_UNICAST, /* 11: and tell the source unless the destination is a group */
    IP6_OPTIONS_MALFORMED,      /* lengths that do not fit */
};
/* bytes, len: the whole options header. *at: where in it the option stands that decided. */
enum ip6_options ip6_options_check(const uint8_t *bytes, uint32_t len, uint32_t *at);

/* Walks a quoted packet's extension headers from the one that *proto names at bytes. Returns how
 * many bytes they take and sets *proto to the transport's, or -1 when they are cut short or the
 * quoted packet is not a first fragment. */
int32_t ip6_quoted_skip(const uint8_t *bytes, uint32_t len, uint8_t *proto);

#endif
