/* ICMP and ICMPv6 headers. RFC 792, RFC 4443. */
#include "wire/icmp.h"

void icmp_header_read(const uint8_t from[ICMP_HEADER], struct icmp_header *out)
{
    out->type = from[0];
    out->code = from[1];
    out->checksum = get16(from + 2);
    out->info = get32(from + 4);
}

void icmp_header_write(const struct icmp_header *h, uint8_t to[ICMP_HEADER])
{
    to[0] = h->type;
    to[1] = h->code;
    put16(to + 2, h->checksum);
    put32(to + 4, h->info);
}

bool icmp4_is_error(uint8_t type)
{
    return type == ICMP4_UNREACHABLE || type == ICMP4_QUENCH || type == ICMP4_REDIRECT ||
           type == ICMP4_TIME_EXCEEDED || type == ICMP4_PARAMETER;
}

bool icmp6_is_error(uint8_t type)
{
    return type < 128;
}
