/* Neighbour solicitations and advertisements: bytes <-> values. RFC 4861 4.3, 4.4. */
#ifndef WIRE_NDP_H
#define WIRE_NDP_H

#include "handfast/frame.h"
#include "wire/addr.h"

#define NDP_MESSAGE     24                /* without options */
#define NDP_MESSAGE_MAX (NDP_MESSAGE + 8) /* with a link-layer address */
#define NDP_HOP_LIMIT   255

enum ndp_type {
    NDP_ROUTER_SOLICIT = 133,
    NDP_ROUTER_ADVERT = 134,
    NDP_SOLICIT = 135,
    NDP_ADVERT = 136,
    NDP_REDIRECT = 137,
};

struct ndp_message {
    uint8_t type;                              /* NDP_SOLICIT or NDP_ADVERT */
    bool is_router, is_solicited, is_override; /* of an advertisement */
    bool has_mac; /* source (solicitation) or target (advertisement) link-layer address */
    uint8_t mac[6];
    struct ip_addr target;
};

/* Reads the message at the front of f. false: truncated, another type, a code that is not 0, a
 * target that is a group, options of length 0 or beyond the end. RFC 4861 7.1.1, 7.1.2; what
 * depends on the IP header and the checksum is the caller's. */
bool ndp_read(struct hf_frame *f, struct ndp_message *out);

/* Writes it, checksum 0, and returns its length. */
uint32_t ndp_write(const struct ndp_message *m, uint8_t to[NDP_MESSAGE_MAX]);

/* The group where the neighbour that owns addr listens. RFC 4291 2.7.1 */
struct ip_addr ndp_solicited_node(const struct ip_addr *addr);

#endif
