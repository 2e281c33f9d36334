/* ICMP and ICMPv6 messages: their numbers and their eight bytes of header. RFC 792, RFC 4443. */
#ifndef WIRE_ICMP_H
#define WIRE_ICMP_H

#include "handfast/types.h"
#include "wire/bytes.h"

#define ICMP_HEADER 8

enum icmp4_type {
    ICMP4_ECHO_REPLY = 0,
    ICMP4_UNREACHABLE = 3,
    ICMP4_QUENCH = 4,
    ICMP4_REDIRECT = 5,
    ICMP4_ECHO = 8,
    ICMP4_TIME_EXCEEDED = 11,
    ICMP4_PARAMETER = 12,
};

enum icmp4_unreachable {
    ICMP4_UNREACH_NET = 0,
    ICMP4_UNREACH_HOST = 1,
    ICMP4_UNREACH_PROTO = 2,
    ICMP4_UNREACH_PORT = 3,
    ICMP4_UNREACH_TOO_BIG = 4,
    ICMP4_UNREACH_SOURCE_ROUTE = 5,
    ICMP4_UNREACH_FILTERED = 13,
};

enum icmp4_time_exceeded {
    ICMP4_TIME_REASSEMBLY = 1,
};

enum icmp6_type {
    ICMP6_UNREACHABLE = 1,
    ICMP6_TOO_BIG = 2,
    ICMP6_TIME_EXCEEDED = 3,
    ICMP6_PARAMETER = 4,
    ICMP6_ECHO = 128,
    ICMP6_ECHO_REPLY = 129,
};

enum icmp6_unreachable {
    ICMP6_UNREACH_ROUTE = 0,
    ICMP6_UNREACH_PROHIBITED = 1,
    ICMP6_UNREACH_ADDRESS = 3,
    ICMP6_UNREACH_PORT = 4,
};

enum icmp6_parameter {
    ICMP6_PARAMETER_FIELD = 0,
    ICMP6_PARAMETER_NEXT_HEADER = 1,
    ICMP6_PARAMETER_OPTION = 2,
    ICMP6_PARAMETER_FIRST_FRAGMENT = 3, /* RFC 7112 */
};

struct icmp_header {
    uint8_t type, code;
    uint16_t checksum;
    uint32_t info; /* the second word: identifier and sequence, MTU, pointer */
};

void icmp_header_read(const uint8_t from[ICMP_HEADER], struct icmp_header *out);
void icmp_header_write(const struct icmp_header *h, uint8_t to[ICMP_HEADER]);

/* RFC 4443 2.1: below 128; for IPv4 the types that quote a packet. */
bool icmp4_is_error(uint8_t type);
bool icmp6_is_error(uint8_t type);

#endif
