/* IPv4 headers and options. RFC 791 3.1. */
#include "wire/ip4.h"

#include "wire/bytes.h"
#include "wire/checksum.h"

#define IP4_DF 0x4000
#define IP4_MF 0x2000

#define IP4_OPT_END  0
#define IP4_OPT_NOP  1
#define IP4_OPT_LSRR 131
#define IP4_OPT_SSRR 137

static void fields_read(const uint8_t *p, struct ip4_header *out)
{
    uint16_t frag = get16(p + 6);

    out->header_bytes = (uint8_t)((p[0] & 15) * 4);
    out->tos = p[1];
    out->total_bytes = get16(p + 2);
    out->id = get16(p + 4);
    out->dont_fragment = frag & IP4_DF;
    out->more = frag & IP4_MF;
    out->frag_off = (uint16_t)((frag & 0x1fff) * 8);
    out->ttl = p[8];
    out->proto = p[9];
    out->src = addr_from4(p + 12);
    out->dst = addr_from4(p + 16);
}

enum ip4_verdict ip4_header_read(struct hf_frame *f, struct ip4_header *out)
{
    if (!hf_frame_pull(f, IP4_HEADER))
        return IP4_TRUNCATED;
    fields_read(f->head, out);
    if (out->header_bytes < IP4_HEADER || out->total_bytes < out->header_bytes)
        return IP4_MALFORMED;
    if (out->total_bytes > f->len || !hf_frame_pull(f, out->header_bytes))
        return IP4_TRUNCATED;
    if (csum_finish(csum_add(0, f->head, out->header_bytes)) != 0)
        return IP4_CSUM_WRONG;
    return IP4_OK;
}

bool ip4_quoted_read(const uint8_t *bytes, uint32_t len, struct ip4_header *out)
{
    if (len < IP4_HEADER || bytes[0] >> 4 != 4)
        return false;
    fields_read(bytes, out);
    return out->header_bytes >= IP4_HEADER && out->header_bytes <= len;
}

void ip4_header_write(const struct ip4_header *h, uint8_t to[IP4_HEADER])
{
    to[0] = 0x45;
    to[1] = h->tos;
    put16(to + 2, h->total_bytes);
    put16(to + 4, h->id);
    put16(to + 6,
          (uint16_t)((h->dont_fragment ? IP4_DF : 0) | (h->more ? IP4_MF : 0) | h->frag_off / 8));
    to[8] = h->ttl;
    to[9] = h->proto;
    put16(to + 10, 0);
    memcpy(to + 12, h->src.b + 12, 4);
    memcpy(to + 16, h->dst.b + 12, 4);
    put16(to + 10, csum_finish(csum_add(0, to, IP4_HEADER)));
}

/* RFC 9293 MUST-50 */
enum ip4_options ip4_options_check(const uint8_t *options, uint32_t len)
{
    for (uint32_t i = 0; i < len;) {
        uint8_t kind = options[i];

        if (kind == IP4_OPT_END)
            break;
        if (kind == IP4_OPT_NOP) {
            i++;
            continue;
        }
        if (i + 1 >= len || options[i + 1] < 2 || options[i + 1] > len - i)
            return IP4_OPTIONS_MALFORMED;
        if (kind == IP4_OPT_LSRR || kind == IP4_OPT_SSRR)
            return IP4_OPTIONS_SOURCE;
        i += options[i + 1];
    }
    return IP4_OPTIONS_FINE;
}
