/* IP, TCP and ICMP as bytes, written independently of the stack that is tested. */
#include <string.h>

#include "script.h"

enum { KIND_END, KIND_NOP, KIND_MSS, KIND_WS, KIND_SACKOK, KIND_SACK, KIND_TS = 8, KIND_TFO = 34 };

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v);
}

static uint32_t sum(const uint8_t *p, uint32_t len, uint32_t start)
{
    for (uint32_t i = 0; i < len; i++)
        start += i % 2 ? p[i] : (uint32_t)p[i] << 8;
    while (start >> 16)
        start = (start & 0xffff) + (start >> 16);
    return start;
}

/* The sum of a transport's bytes and of the pseudo-header of the IP packet around them. */
static uint32_t sum_transport(const uint8_t *ip, bool v6, uint8_t proto, const uint8_t *p,
                              uint32_t len)
{
    uint32_t start = sum(ip + (v6 ? 8 : 12), v6 ? 32 : 8, proto + len);

    return sum(p, len, start);
}

/* ---- Reading ---- */

static const char *read_option(uint8_t kind, const uint8_t *p, uint32_t len, struct packet *out)
{
    if (kind == KIND_MSS && len == 2) {
        out->options |= 1u << OPT_MSS;
        out->mss = get16(p);
    } else if (kind == KIND_WS && len == 1) {
        out->options |= 1u << OPT_WS;
        out->shift = p[0];
    } else if (kind == KIND_SACKOK && len == 0) {
        out->options |= 1u << OPT_SACKOK;
    } else if (kind == KIND_SACK && len && len % 8 == 0 && len / 8 <= SACKS_MAX) {
        out->options |= 1u << OPT_SACK;
        out->sacks = len / 8;
        for (unsigned i = 0; i < out->sacks; i++) {
            out->sack[i][0] = get32(p + i * 8);
            out->sack[i][1] = get32(p + i * 8 + 4);
        }
    } else if (kind == KIND_TS && len == 8) {
        out->options |= 1u << OPT_TS;
        out->ts_val = get32(p);
        out->ts_ecr = get32(p + 4);
    } else if (kind == KIND_TFO && len <= COOKIE_MAX) {
        out->options |= 1u << OPT_TFO;
        out->cookie_len = len;
        memcpy(out->cookie, p, len);
    } else {
        return "an option that no page can tell";
    }
    return NULL;
}

static const char *read_options(const uint8_t *p, uint32_t len, struct packet *out)
{
    while (len && *p != KIND_END) {
        uint32_t size = *p == KIND_NOP ? 1 : len > 1 ? p[1] : 0;
        const char *wrong = NULL;

        if (!size || size > len || (*p != KIND_NOP && size < 2))
            return "an option longer than the header";
        if (*p != KIND_NOP)
            wrong = read_option(*p, p + 2, size - 2, out);
        if (wrong)
            return wrong;
        p += size;
        len -= size;
    }
    return NULL;
}

static const char *read_tcp(const uint8_t *p, uint32_t len, struct packet *out)
{
    uint32_t header;

    if (len < 20)
        return "a TCP header that is cut short";
    header = (uint32_t)(p[12] >> 4) * 4;
    if (header < 20 || header > len || p[12] & 0xf)
        return "a wrong data offset, or reserved bits";
    out->from = get16(p);
    out->to = get16(p + 2);
    out->seq = get32(p + 4);
    out->ack = get32(p + 8);
    out->flags = p[13];
    out->window = get16(p + 14);
    out->urgent = get16(p + 18);
    out->len = len - header;
    memcpy(out->payload, p + header, out->len);
    return read_options(p + 20, header - 20, out);
}

const char *packet_read(const uint8_t *bytes, uint32_t len, bool v6, struct packet *p)
{
    uint32_t header = v6 ? 40 : 20;
    uint32_t total;

    if (len < header || bytes[0] >> 4 != (v6 ? 6 : 4))
        return "no IP packet of the family";
    total = v6 ? 40u + get16(bytes + 4) : get16(bytes + 2);
    if (total != len || (!v6 && bytes[0] != 0x45))
        return "a wrong length";
    if (!v6 && sum(bytes, 20, 0) != 0xffff)
        return "a wrong checksum in the IP header";
    p->proto = v6 ? bytes[6] : bytes[9];
    p->ecn = v6 ? bytes[1] >> 4 & 3 : bytes[1] & 3;
    if (p->proto != HF_IPPROTO_TCP)
        return NULL;
    if (sum_transport(bytes, v6, p->proto, bytes + header, len - header) != 0xffff)
        return "a wrong TCP checksum";
    return read_tcp(bytes + header, len - header, p);
}

/* ---- Writing ---- */

/* The header of a packet with so many bytes behind it; returns where they go. */
static uint8_t *write_ip(uint8_t *to, bool v6, uint8_t proto, uint8_t ecn, uint32_t len)
{
    static const uint8_t host[] = {10, 0, 0, 1}, peer[] = {10, 0, 0, 2};
    uint32_t header = v6 ? 40 : 20;

    memset(to, 0, header);
    if (v6) {
        to[0] = 0x60;
        to[1] = (uint8_t)(ecn << 4);
        put16(to + 4, len);
        to[6] = proto;
        to[7] = 64;
        to[8] = to[24] = 0xfd;
        to[23] = peer[3];
        to[39] = host[3];
        return to + header;
    }
    to[0] = 0x45;
    to[1] = ecn;
    put16(to + 2, header + len);
    to[6] = 0x40;
    to[8] = 64;
    to[9] = proto;
    memcpy(to + 12, peer, 4);
    memcpy(to + 16, host, 4);
    put16(to + 10, ~sum(to, 20, 0));
    return to + header;
}

static uint8_t *begin_option(uint8_t *at, uint8_t kind, uint32_t len)
{
    at[0] = kind;
    at[1] = (uint8_t)(len + 2);
    return at + 2;
}

/* Returns the options' length, a multiple of four. */
static uint32_t write_options(const struct packet *p, uint8_t *to)
{
    uint8_t *at = to;

    if (p->options & 1u << OPT_MSS) {
        put16(begin_option(at, KIND_MSS, 2), p->mss);
        at += 4;
    }
    if (p->options & 1u << OPT_SACKOK)
        at = begin_option(at, KIND_SACKOK, 0);
    if (p->options & 1u << OPT_TS) {
        uint8_t *value = begin_option(at, KIND_TS, 8);

        put32(value, p->ts_val);
        put32(value + 4, p->ts_ecr);
        at += 10;
    }
    if (p->options & 1u << OPT_WS) {
        *begin_option(at, KIND_WS, 1) = p->shift;
        at += 3;
    }
    if (p->options & 1u << OPT_SACK) {
        at = begin_option(at, KIND_SACK, p->sacks * 8);
        for (unsigned i = 0; i < p->sacks; i++, at += 8) {
            put32(at, p->sack[i][0]);
            put32(at + 4, p->sack[i][1]);
        }
    }
    if (p->options & 1u << OPT_TFO) {
        memcpy(begin_option(at, KIND_TFO, p->cookie_len), p->cookie, p->cookie_len);
        at += 2 + p->cookie_len;
    }
    memcpy(at, p->raw, p->raw_len);
    at += p->raw_len;
    while ((at - to) % 4)
        *at++ = KIND_NOP;
    return (uint32_t)(at - to);
}

uint32_t packet_write(const struct packet *p, bool v6, uint8_t *to)
{
    uint8_t options[120]; /* more than a header holds; the page says so few that they fit */
    uint32_t header = 20 + write_options(p, options);
    uint32_t len = header + p->len;
    uint8_t *tcp = write_ip(to, v6, HF_IPPROTO_TCP, p->ecn, len);

    memset(tcp, 0, 20);
    put16(tcp, p->from);
    put16(tcp + 2, p->to);
    put32(tcp + 4, p->seq);
    put32(tcp + 8, p->ack);
    tcp[12] = (uint8_t)(header / 4 << 4);
    tcp[13] = p->flags;
    put16(tcp + 14, p->window);
    put16(tcp + 18, p->urgent);
    memcpy(tcp + 20, options, header - 20);
    memcpy(tcp + header, p->payload, p->len);
    put16(tcp + 16, ~sum_transport(to, v6, HF_IPPROTO_TCP, tcp, len) + p->has_bad_sum);
    return (uint32_t)(tcp - to) + len;
}

/* The error quotes the head of a segment that the host sent. */
uint32_t icmp_write(const struct icmp *e, bool v6, uint8_t *to)
{
    uint32_t header = v6 ? 40 : 20;
    uint32_t len = 8 + header + 20;
    uint8_t proto = v6 ? HF_IPPROTO_ICMPV6 : HF_IPPROTO_ICMP;
    uint8_t swapped[16];
    uint32_t at = v6 ? 8 : 12, size = v6 ? 16 : 4;
    uint8_t *icmp = write_ip(to, v6, proto, 0, len), *quoted = icmp + 8, *tcp;

    memset(icmp, 0, len);
    icmp[0] = e->type;
    icmp[1] = e->code;
    put32(icmp + 4, e->info);
    tcp = write_ip(quoted, v6, HF_IPPROTO_TCP, 0, 20);
    memcpy(swapped, quoted + at, size);
    memcpy(quoted + at, quoted + at + size, size);
    memcpy(quoted + at + size, swapped, size);
    put16(tcp, e->from);
    put16(tcp + 2, e->to);
    put32(tcp + 4, e->seq);
    tcp[12] = 5 << 4;
    put16(icmp + 2, v6 ? ~sum_transport(to, v6, proto, icmp, len) : ~sum(icmp, len, 0));
    return (uint32_t)(icmp - to) + len;
}
