/* ARP for IPv4 over Ethernet: bytes <-> values. RFC 826. */
#ifndef WIRE_ARP_H
#define WIRE_ARP_H

#include "handfast/frame.h"
#include "wire/addr.h"

#define ARP_PACKET 28

enum arp_op { ARP_REQUEST = 1, ARP_REPLY = 2 };

struct arp_packet {
    uint16_t op; /* enum arp_op, others too */
    uint8_t sender_mac[6], target_mac[6];
    struct ip_addr sender, target; /* IPv4 */
};

/* false: truncated, or not IPv4 over Ethernet. */
bool arp_read(struct hf_frame *f, struct arp_packet *out);
void arp_write(const struct arp_packet *p, uint8_t to[ARP_PACKET]);

#endif
