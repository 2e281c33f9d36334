/* Requests, well-formed and not: what is read of them. */
#include "netlink/request.h"

#include "tap.h"

static void put(uint8_t *to, uint32_t len, uint16_t type)
{
    struct nl_header h = {len, type, 1, 7, 0};

    memcpy(to, &h, sizeof(h));
}

static void attr(uint8_t *to, uint16_t len, uint16_t type)
{
    uint16_t head[2] = {len, type};

    memcpy(to, head, sizeof(head));
}

static void test_headers(void)
{
    static const struct {
        uint32_t len;
        size_t there;
        bool good;
        const char *name;
    } rows[] = {
        {16, 16, true, "a header alone"},
        {16, 15, false, "less than a header"},
        {15, 64, false, "a length below a header's"},
        {0, 64, false, "no length"},
        {64, 64, true, "a body"},
        {65, 64, false, "a length beyond the end"},
        {UINT32_MAX, 64, false, "the greatest length"},
        {17, 64, true, "a length that wants padding"},
    };
    uint8_t bytes[64] = {0};
    struct request rq;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        put(bytes, rows[i].len, 18);
        EQ(request_read(bytes, rows[i].there, &rq), rows[i].good, rows[i].name);
    }
    put(bytes, 16, 18);
    OK(request_read(bytes, 64, &rq) && request_body_len(&rq) == 0 && request_family(&rq) == 0,
       "without a body the family is 0");
}

static void test_attributes(void)
{
    uint8_t bytes[128] = {0};
    struct request rq;
    struct attrs a;
    uint32_t v = 0;

    put(bytes, 16 + 8 + 8 + 8 + 12, 18);
    attr(bytes + 24, 8, 3);
    bytes[28] = 42;
    attr(bytes + 32, 5, 4 | 0x8000);
    bytes[36] = 9;
    attr(bytes + 40, 12, 200);
    OK(request_read(bytes, sizeof(bytes), &rq), "a request with attributes");
    request_attrs(&rq, 8, &a);
    OK(attr_u32(&a, 3, &v) && v == 42, "an int");
    EQ(attr_len(&a, 4), 1, "a byte, padded, its flags left out");
    EQ(attr_value(&a, 4)[0], 9, "which is that");
    OK(!attr_u32(&a, 4, &v), "is no int");
    OK(!attr_u32(&a, 5, &v) && !attr_len(&a, 5) && !attr_value(&a, 5), "one that is not there");
    OK(a.unknown == bytes + 40, "one whose number is too high is noted");
    OK(!a.has_rest, "nothing else is there");
    attr(bytes + 40, 13, 6);
    request_attrs(&rq, 8, &a);
    OK(a.has_rest && !a.at[6], "one that reaches beyond the end is none");
    attr(bytes + 40, 3, 6);
    request_attrs(&rq, 8, &a);
    OK(a.has_rest && !a.at[6], "one shorter than its head is none");
    request_attrs(&rq, 100, &a);
    OK(!a.has_rest && !a.at[3], "a header longer than the request has none behind it");
}

int main(void)
{
    tap_begin(10);
    test_headers();
    test_attributes();
    return tap_end();
}
