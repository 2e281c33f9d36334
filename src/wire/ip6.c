/* IPv6 headers, fragment headers, options. RFC 8200. */
#include "wire/ip6.h"

#include "wire/bytes.h"

#define IP6_OPT_PAD1 0
#define IP6_OPT_PADN 1

static void fields_read(const uint8_t *p, struct ip6_header *out)
{
    uint32_t first = get32(p);

    out->traffic_class = (uint8_t)(first >> 20);
    out->flow_label = first & 0xfffff;
    out->payload_bytes = get16(p + 4);
    out->next_header = p[6];
    out->hop_limit = p[7];
    out->src = addr_from6(p + 8);
    out->dst = addr_from6(p + 24);
}

bool ip6_header_read(struct hf_frame *f, struct ip6_header *out)
{
    if (!hf_frame_pull(f, IP6_HEADER))
        return false;
    fields_read(f->head, out);
    return out->payload_bytes <= f->len - IP6_HEADER;
}

bool ip6_quoted_read(const uint8_t *bytes, uint32_t len, struct ip6_header *out)
{
    if (len < IP6_HEADER || bytes[0] >> 4 != 6)
        return false;
    fields_read(bytes, out);
    return true;
}

void ip6_header_write(const struct ip6_header *h, uint8_t to[IP6_HEADER])
{
    put32(to, 6u << 28 | (uint32_t)h->traffic_class << 20 | (h->flow_label & 0xfffff));
    put16(to + 4, h->payload_bytes);
    to[6] = h->next_header;
    to[7] = h->hop_limit;
    memcpy(to + 8, h->src.b, 16);
    memcpy(to + 24, h->dst.b, 16);
}

void ip6_fragment_read(const uint8_t bytes[IP6_FRAGMENT], struct ip6_fragment *out)
{
    out->next_header = bytes[0];
    out->offset = get16(bytes + 2) & 0xfff8;
    out->more = bytes[3] & 1;
    out->id = get32(bytes + 4);
}

void ip6_fragment_write(const struct ip6_fragment *h, uint8_t to[IP6_FRAGMENT])
{
    to[0] = h->next_header;
    to[1] = 0;
    put16(to + 2, (uint16_t)((h->offset & 0xfff8) | (h->more ? 1 : 0)));
    put32(to + 4, h->id);
}

enum ip6_options ip6_options_check(const uint8_t *bytes, uint32_t len, uint32_t *at)
{
    static const enum ip6_options unknown[] = {IP6_OPTIONS_FINE, IP6_OPTIONS_DISCARD,
                                               IP6_OPTIONS_REPORT, IP6_OPTIONS_REPORT_UNICAST};

    for (uint32_t i = 2; i < len;) {
        uint8_t kind = bytes[i];

        *at = i;
        if (kind == IP6_OPT_PAD1) {
            i++;
            continue;
        }
        if (i + 1 >= len || bytes[i + 1] > len - i - 2)
            return IP6_OPTIONS_MALFORMED;
        if (kind != IP6_OPT_PADN && unknown[kind >> 6] != IP6_OPTIONS_FINE)
            return unknown[kind >> 6];
        i += 2u + bytes[i + 1];
    }
    return IP6_OPTIONS_FINE;
}

int32_t ip6_quoted_skip(const uint8_t *bytes, uint32_t len, uint8_t *proto)
{
    uint32_t at = 0;

    for (;;) {
        uint32_t size;

        switch (*proto) {
        case IP_PROTO_HOPOPTS:
        case IP_PROTO_ROUTING:
        case IP_PROTO_DSTOPTS:
            if (len - at < 2)
                return -1;
            size = 8u + bytes[at + 1] * 8u;
            break;
        case IP_PROTO_FRAGMENT:
            size = IP6_FRAGMENT;
            if (len - at < size || get16(bytes + at + 2) & 0xfff8)
                return -1;
            break;
        default:
            return (int32_t)at;
        }
        if (size > len - at)
            return -1;
        *proto = bytes[at];
        at += size;
    }
}
