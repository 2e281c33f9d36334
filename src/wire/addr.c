/* Internet addresses: kinds, prefixes, text. */
#include "wire/addr.h"

#include <stddef.h>

bool addr_is_any(const struct ip_addr *a)
{
    const struct ip_addr any4 = ADDR_ANY4, any6 = ADDR_ANY6;

    return addr_eq(a, &any4) || addr_eq(a, &any6);
}

bool addr_is_loopback(const struct ip_addr *a)
{
    const struct ip_addr loopback6 = ADDR_LOOPBACK6;

    return addr_is4(a) ? a->b[12] == 127 : addr_eq(a, &loopback6);
}

bool addr_is_multicast(const struct ip_addr *a)
{
    return addr_is4(a) ? (a->b[12] & 0xf0) == 0xe0 : a->b[0] == 0xff;
}

bool addr_is_broadcast(const struct ip_addr *a)
{
    const struct ip_addr all = ADDR4(255, 255, 255, 255);

    return addr_eq(a, &all);
}

bool addr_is_link_local6(const struct ip_addr *a)
{
    return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool addr_in_prefix(const struct ip_addr *a, const struct ip_addr *prefix, unsigned bits)
{
    unsigned bytes = bits / 8, rest = bits % 8;

    for (unsigned i = 0; i < bytes; i++)
        if (a->b[i] != prefix->b[i])
            return false;
    return !rest || !((a->b[bytes] ^ prefix->b[bytes]) >> (8 - rest));
}

/* A decimal number of at most max, no leading zeros; moves *at behind it. */
static bool parse_decimal(const char **at, unsigned max, unsigned *out)
{
    const char *p = *at;
    unsigned value = 0;

    if (*p < '0' || *p > '9' || (*p == '0' && p[1] >= '0' && p[1] <= '9'))
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        value = value * 10 + (unsigned)(*p - '0');
        if (value > max)
            return false;
    }
    *at = p;
    *out = value;
    return true;
}

static bool parse_dotted(const char **at, uint8_t out[4])
{
    unsigned value;

    for (int i = 0; i < 4; i++) {
        if (i && *(*at)++ != '.')
            return false;
        if (!parse_decimal(at, 255, &value))
            return false;
        out[i] = (uint8_t)value;
    }
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One to four hexadecimal digits. */
static bool parse_group(const char **at, uint8_t out[2])
{
    const char *p = *at;
    unsigned value = 0;

    for (; hex_digit(*p) >= 0 && p - *at < 4; p++)
        value = value << 4 | (unsigned)hex_digit(*p);
    if (p == *at || hex_digit(*p) >= 0)
        return false;
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
    *at = p;
    return true;
}

/* The next piece is a dotted quad rather than a group. */
static bool is_dotted(const char *p)
{
    while (*p >= '0' && *p <= '9')
        p++;
    return *p == '.';
}

#define NO_GAP 16

/* RFC 4291 2.2. Ends at the first character that cannot belong to it. */
static bool parse6(const char **at, struct ip_addr *out)
{
    const char *p = *at;
    unsigned n = 0, gap = NO_GAP; /* gap: how many bytes stood before "::" */
    uint8_t b[16];

    if (p[0] == ':' && p[1] != ':')
        return false;
    while (n < 16) {
        if (p[0] == ':' && p[1] == ':' && gap == NO_GAP) {
            gap = n;
            p += 2;
            if (hex_digit(*p) < 0)
                break;
        } else if (n) {
            if (*p != ':')
                break;
            p++;
        }
        if (n <= 12 && is_dotted(p)) {
            if (!parse_dotted(&p, b + n))
                return false;
            n += 4;
            break;
        }
        if (!parse_group(&p, b + n))
            return false;
        n += 2;
    }
    if (gap == NO_GAP ? n != 16 : n > 14)
        return false;
    gap = gap < n ? gap : n;
    memset(out->b, 0, 16);
    memcpy(out->b, b, gap);
    memcpy(out->b + 16 - (n - gap), b + gap, n - gap);
    *at = p;
    return true;
}

/* Either family; *is_text4 tells how it was written. */
static bool parse_any(const char **at, struct ip_addr *out, bool *is_text4)
{
    uint8_t b[4];

    *is_text4 = is_dotted(*at);
    if (!*is_text4)
        return parse6(at, out);
    if (!parse_dotted(at, b))
        return false;
    *out = addr_from4(b);
    return true;
}

bool addr_parse(const char *text, struct ip_addr *out)
{
    struct ip_addr addr;
    bool is_text4;

    if (!parse_any(&text, &addr, &is_text4) || *text)
        return false;
    *out = addr;
    return true;
}

/* A mapped address written as IPv6 with a length below 96 is no prefix of either family. */
bool addr_parse_prefix(const char *text, struct ip_addr *out, unsigned *bits)
{
    struct ip_addr addr;
    bool is_text4;
    unsigned len;

    if (!parse_any(&text, &addr, &is_text4))
        return false;
    len = is_text4 ? 32 : 128;
    if (*text == '/') {
        text++;
        if (!parse_decimal(&text, len, &len))
            return false;
    }
    len += is_text4 ? 96 : 0;
    if (*text || (addr_is4(&addr) && len < 96))
        return false;
    *out = addr;
    *bits = len;
    return true;
}

static char *put_number(char *to, unsigned value, unsigned base)
{
    if (value >= base)
        to = put_number(to, value / base, base);
    *to = "0123456789abcdef"[value % base];
    return to + 1;
}

static char *format4(const uint8_t b[4], char *to)
{
    for (int i = 0; i < 4; i++) {
        if (i)
            *to++ = '.';
        to = put_number(to, b[i], 10);
    }
    return to;
}

/* RFC 5952 4.2: the longest run of two or more zero groups, the first of equals. */
static void longest_zeros(const struct ip_addr *a, unsigned *start, unsigned *count)
{
    unsigned run = 0;

    *start = *count = 0;
    for (unsigned i = 0; i < 8; i++) {
        run = a->b[2 * i] || a->b[2 * i + 1] ? 0 : run + 1;
        if (run >= 2 && run > *count) {
            *count = run;
            *start = i + 1 - run;
        }
    }
}

char *addr_format(const struct ip_addr *a, char buf[ADDR_TEXT])
{
    unsigned start, count;
    char *to = buf;

    if (addr_is4(a)) {
        *format4(a->b + 12, to) = '\0';
        return buf;
    }
    longest_zeros(a, &start, &count);
    for (unsigned i = 0; i < 8; i++) {
        if (count && i == start) {
            *to++ = ':';
            *to++ = ':';
            i += count - 1;
            continue;
        }
        if (i && to[-1] != ':')
            *to++ = ':';
        to = put_number(to, (unsigned)a->b[2 * i] << 8 | a->b[2 * i + 1], 16);
    }
    *to = '\0';
    return buf;
}
