/* Ethernet headers: bytes <-> values. RFC 894. */
#ifndef WIRE_ETHER_H
#define WIRE_ETHER_H

#include <stdbool.h>
#include <string.h>

#include "handfast/frame.h"
#include "wire/addr.h"

#define ETHER_HEADER 14
#define ETHER_MAC    6

enum ether_type { ETHER_IP4 = 0x0800, ETHER_ARP = 0x0806, ETHER_IP6 = 0x86dd };

struct ether_header {
    uint8_t dst[ETHER_MAC], src[ETHER_MAC];
    uint16_t type;
};

/* false: shorter than a header. */
bool ether_header_read(struct hf_frame *f, struct ether_header *out);
void ether_header_write(const struct ether_header *h, uint8_t to[ETHER_HEADER]);

static inline bool ether_is_group(const uint8_t mac[ETHER_MAC])
{
    return mac[0] & 1;
}

/* The MAC that a group or 255.255.255.255 maps to. RFC 1112 6.4, RFC 2464 7. */
void ether_group_mac(const struct ip_addr *group, uint8_t mac[ETHER_MAC]);

/* The interface identifier that a MAC makes. RFC 4291 A. */
void ether_eui64(const uint8_t mac[ETHER_MAC], uint8_t id[8]);

#endif
