/* Addresses: text both ways, kinds, prefixes. inet_pton is the oracle of what is an address. */
#include "wire/addr.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/assert.h"
#include "tap.h"
#include "testenv.h"

static struct testenv env;

/* text, its canonical form; NULL: not an address. RFC 4291 2.2, RFC 5952 4 and 5. */
static const struct {
    const char *text, *canonical;
} texts[] = {
    {"10.0.2.15", "10.0.2.15"},
    {"0.0.0.0", "0.0.0.0"},
    {"255.255.255.255", "255.255.255.255"},
    {"256.0.0.1", NULL},
    {"1.2.3", NULL},
    {"1.2.3.4.5", NULL},
    {"1.2.3.", NULL},
    {"01.2.3.4", NULL},
    {"1.2.3.4 ", NULL},
    {"", NULL},
    {"::", "::"},
    {"::1", "::1"},
    {"1::", "1::"},
    {"fd00:2::2", "fd00:2::2"},
    {"FD00:0:0:0:0:0:0:A", "fd00::a"},
    {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
    {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
    {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
    {"0:0:1:2:3:4:5:6", "::1:2:3:4:5:6"},
    {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
    {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
    {"::ffff:1.2.3.4", "1.2.3.4"},
    {"::ffff:102:304", "1.2.3.4"},
    {"64:ff9b::1.2.3.4", "64:ff9b::102:304"},
    {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
    {"1:2:3:4:5:6:7:1.2.3.4", NULL},
    {"1.2.3.4::", NULL},
    {":1", NULL},
    {":", NULL},
    {":::", NULL},
    {"1:", NULL},
    {"1::2::3", NULL},
    {"1:2:3:4:5:6:7", NULL},
    {"1:2:3:4:5:6:7:8:9", NULL},
    {"1:2:3:4:5:6:7:8::", NULL},
    {"12345::", NULL},
    {"::g", NULL},
    {"fe80::1%1", NULL},
    {"::1/64", NULL},
};

static void text_rows(void)
{
    char buf[ADDR_TEXT];
    struct ip_addr a;

    for (size_t i = 0; i < HF_COUNT(texts); i++) {
        bool good = addr_parse(texts[i].text, &a);

        if (texts[i].canonical)
            OK(good && strcmp(addr_format(&a, buf), texts[i].canonical) == 0, texts[i].text);
        else
            OK(!good, texts[i].text);
    }
}

static bool agrees_with_host(const char *text)
{
    struct ip_addr ours, theirs;
    uint8_t b[4];
    bool is6 = inet_pton(AF_INET6, text, theirs.b) == 1;
    bool is4 = !is6 && inet_pton(AF_INET, text, b) == 1;

    if (is4)
        theirs = addr_from4(b);
    if (addr_parse(text, &ours) != (is4 || is6))
        return false;
    return !(is4 || is6) || addr_eq(&ours, &theirs);
}

static void random_texts(void)
{
    static const char letters[] = "0123:::..fFg";
    char text[ADDR_TEXT];
    bool garbage = true, trip = true;

    for (int i = 0; i < 300000; i++) {
        uint32_t len = testenv_below(&env, 18);

        for (uint32_t k = 0; k < len; k++)
            text[k] = letters[testenv_below(&env, sizeof letters - 1)];
        text[len] = '\0';
        garbage &= agrees_with_host(text);
    }
    OK(garbage, "what is an address agrees with inet_pton");
    for (int i = 0; i < 20000; i++) {
        struct ip_addr a, back;

        testenv_random(&env, a.b, 16);
        for (uint32_t k = testenv_below(&env, 8); k; k--)
            memset(a.b + 2 * testenv_below(&env, 8), 0, 2);
        trip &= addr_parse(addr_format(&a, text), &back) && addr_eq(&a, &back);
        trip &= agrees_with_host(text);
    }
    OK(trip, "what is formatted parses to the same");
}

static void prefixes(void)
{
    static const struct {
        const char *text;
        int bits; /* -1: refused */
    } rows[] = {
        {"10.0.2.15/24", 120},
        {"10.0.2.15", 128},
        {"0.0.0.0/0", 96},
        {"1.2.3.4/33", -1},
        {"1.2.3.4/", -1},
        {"1.2.3.4/-1", -1},
        {"1.2.3.4/08", -1},
        {"fd00::1/64", 64},
        {"::/0", 0},
        {"::1", 128},
        {"::1/129", -1},
        {"::1/64x", -1},
        {"::1/4294967296", -1},
        {"::ffff:1.2.3.4/120", 120},
        {"::ffff:0:0/96", 96},
        {"::ffff:1.2.3.4/24", -1},
    };

    for (size_t i = 0; i < HF_COUNT(rows); i++) {
        struct ip_addr a;
        unsigned bits = 999;
        bool good = addr_parse_prefix(rows[i].text, &a, &bits);

        OK(good == (rows[i].bits >= 0) && (!good || (int)bits == rows[i].bits), rows[i].text);
    }
}

static void membership(void)
{
    struct ip_addr a, b;
    bool good = true;

    for (unsigned bits = 0; bits <= 128; bits++) {
        testenv_random(&env, a.b, 16);
        b = a;
        good &= addr_in_prefix(&a, &b, bits);
        if (bits < 128) {
            b.b[bits / 8] ^= 0x80 >> bits % 8;
            good &= addr_in_prefix(&a, &b, bits) && !addr_in_prefix(&a, &b, bits + 1);
        }
    }
    OK(good, "a prefix holds what differs behind it and nothing else");
}

static void kinds(void)
{
    enum { ANY = 1, LOOPBACK = 2, MULTICAST = 4, BROADCAST = 8, LINK_LOCAL = 16, IS4 = 32 };
    static const struct {
        const char *text;
        int kinds;
    } rows[] = {
        {"0.0.0.0", ANY | IS4},
        {"::", ANY},
        {"127.0.0.1", LOOPBACK | IS4},
        {"127.255.255.255", LOOPBACK | IS4},
        {"126.255.255.255", IS4},
        {"::1", LOOPBACK},
        {"::2", 0},
        {"224.0.0.1", MULTICAST | IS4},
        {"239.255.255.255", MULTICAST | IS4},
        {"240.0.0.1", IS4},
        {"ff02::1", MULTICAST},
        {"fe00::1", 0},
        {"255.255.255.255", BROADCAST | IS4},
        {"255.255.255.254", IS4},
        {"fe80::1", LINK_LOCAL},
        {"febf::1", LINK_LOCAL},
        {"fec0::1", 0},
        {"169.254.1.1", IS4},
    };

    for (size_t i = 0; i < HF_COUNT(rows); i++) {
        struct ip_addr a = ADDR_ANY6;
        int got;

        OK(addr_parse(rows[i].text, &a), "an address");
        got = (addr_is_any(&a) ? ANY : 0) | (addr_is_loopback(&a) ? LOOPBACK : 0) |
              (addr_is_multicast(&a) ? MULTICAST : 0) | (addr_is_broadcast(&a) ? BROADCAST : 0) |
              (addr_is_link_local6(&a) ? LINK_LOCAL : 0) | (addr_is4(&a) ? IS4 : 0);
        EQ(got, rows[i].kinds, rows[i].text);
    }
}

int main(void)
{
    tap_begin(60);
    text_rows();
    random_texts();
    prefixes();
    membership();
    kinds();
    return tap_end();
}
