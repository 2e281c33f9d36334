/* UDP datagrams: bytes <-> values. RFC 768. */
#ifndef WIRE_UDP_H
#define WIRE_UDP_H

#include "handfast/frame.h"

#define UDP_HEADER 8

struct udp_header {
    uint16_t src_port, dst_port;
    uint16_t len;      /* header and payload */
    uint16_t checksum; /* 0: none was sent */
};

/* false: truncated, or a length that the frame does not have. */
bool udp_header_read(struct hf_frame *f, struct udp_header *out);
void udp_header_write(const struct udp_header *h, uint8_t to[UDP_HEADER]);

#endif
