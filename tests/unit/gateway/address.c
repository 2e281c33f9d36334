/* Socket addresses: which of them are the host's own. */
#include "gateway/address.h"

#include <string.h>

#include "tap.h"

static const struct {
    const char *text;
    bool is_loopback, is_group;
} kinds[] = {
    {"127.0.0.1", true, false},
    {"127.255.0.9", true, false},
    {"0.0.0.0", true, false},
    {"0.1.2.3", true, false},
    {"128.0.0.1", false, false},
    {"10.0.2.15", false, false},
    {"224.0.0.251", false, true},
    {"239.255.255.250", false, true},
    {"255.255.255.255", false, true},
    {"::1", true, false},
    {"::", true, false},
    {"::ffff:127.0.0.1", true, false},
    {"::ffff:8.8.8.8", true, false},
    {"::127.0.0.1", true, false},
    {"fd00:2::2", false, false},
    {"fe80::1", false, false},
    {"ff02::fb", false, true},
};

static const struct {
    const char *text;
    uint16_t port;
    const char *shown;
} texts[] = {
    {"10.0.2.15", 80, "10.0.2.15:80"},
    {"fd00:2::15", 65535, "[fd00:2::15]:65535"},
};

static void test_kinds(void)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        union address a;

        if (!OK(address_parse(kinds[i].text, 1, &a), kinds[i].text))
            continue;
        EQ(address_is_loopback(&a), kinds[i].is_loopback, "loopback");
        EQ(address_is_group(&a), kinds[i].is_group, "group");
    }
}

static void test_texts(void)
{
    char text[ADDRESS_TEXT];
    union address a;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        a = address_of(texts[i].text, texts[i].port);
        OK(strcmp(address_text(&a, text), texts[i].shown) == 0, texts[i].shown);
        EQ(address_port(&a), texts[i].port, "its port");
    }
    OK(!address_parse("example.org", 1, &a), "a name is not an address");
    OK(!address_parse("", 1, &a), "nor is nothing");
}

static void test_equality(void)
{
    union address a = address_of("10.0.2.15", 80), b = address_of("10.0.2.15", 81);
    union address c = address_of("fd00:2::15", 80), d = address_of("fd00:2::15", 80);

    OK(address_same_host(&a, &b) && !address_eq(&a, &b), "ports make the difference");
    OK(!address_same_host(&a, &c), "so do families");
    OK(address_eq(&c, &d) && address_hash(&c, 1) == address_hash(&d, 1), "equals hash alike");
    OK(address_hash(&a, 1) != address_hash(&b, 1) && address_hash(&a, 1) != address_hash(&a, 2),
       "ports and seeds change the hash");
}

int main(void)
{
    tap_begin(5);
    test_kinds();
    test_texts();
    test_equality();
    return tap_end();
}
