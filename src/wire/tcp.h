/* TCP segments: bytes <-> values. RFC 9293 3.1, RFC 7323, RFC 2018, RFC 7413 (and its option's
 * experimental form, RFC 6994). */
#ifndef WIRE_TCP_H
#define WIRE_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "handfast/frame.h"

#define TCP_HEADER     20
#define TCP_HEADER_MAX 60

enum tcp_flag {
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_RST = 0x04,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
    TCP_URG = 0x20,
    TCP_ECE = 0x40,
    TCP_CWR = 0x80,
};

struct sack_block {
    uint32_t left, right; /* left edge, and one past the last byte */
};

/* A parsed header. It can only be legal: offsets and option lengths have been checked. */
struct tcp_header {
    uint16_t src_port, dst_port;
    uint32_t seq, ack; /* ack is 0 without TCP_ACK */
    uint8_t flags;     /* enum tcp_flag */
    uint8_t header_bytes;
    uint16_t window; /* as it stands, unscaled */
    uint16_t urgent;
    /* options; those that may only stand on a SYN are not set elsewhere */
    bool has_mss, has_wscale, has_sack_permitted, has_timestamps, has_fastopen;
    uint16_t mss;
    uint8_t wscale;       /* 0..14: larger ones have been cut, RFC 7323 2.3 */
    uint8_t sack_count;   /* 0..4 */
    uint8_t fastopen_len; /* cookie bytes: 0, or 4..16 and even */
    bool fastopen_exp;    /* in the experimental option, 254 with F989 */
    uint32_t ts_val, ts_ecr;
    struct sack_block sack[4];
    uint8_t fastopen[16];
};

/* Reads the header at the front of f (pulled linear as needed). false: truncated, or lengths that
 * do not fit. Unknown and malformed options are skipped as RFC 9293 MUST-6,
 * MUST-7, MUST-68 say.
 * The checksum is not looked at. */
bool tcp_header_read(struct hf_frame *f, struct tcp_header *out);

/* Makes h what tcp_header_read would find in what tcp_header_write had written of it. */
void tcp_header_settle(struct tcp_header *h);

/* How many bytes tcp_header_write will need: a multiple of 4, 20..60. */
uint32_t tcp_header_size(const struct tcp_header *h);

/* Writes the header with its options (in Linux's order and padding), checksum 0, to `to`; returns
 * tcp_header_size(h). The boolean fields say which options; SACK blocks that do not fit are left
 * out. header_bytes is not read. */
uint32_t tcp_header_write(const struct tcp_header *h, uint8_t *to);

#endif
