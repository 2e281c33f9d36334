/* Longest prefix match against a plain list, and what may stand beside what. */
#include "net_test.h"

#define ROUTES  400
#define LOOKUPS 20000

struct model {
    struct route r;
    bool is_there;
};

static struct ip_addr random_addr(struct bench *b, bool is4)
{
    struct ip_addr a;

    bench_random(b, a.b, 16);
    /* Few different bits, so that prefixes nest. */
    for (unsigned i = 0; i < 16; i++)
        a.b[i] &= 0x81;
    if (is4)
        memcpy(a.b, ADDR_ANY4.b, 12);
    else
        a.b[0] = 0xfd;
    return a;
}

/* The model's answer: the longest, then the lowest metric. */
static const struct route *model_find(const struct model *m, const struct ip_addr *dst,
                                      uint32_t link_index)
{
    const struct route *best = NULL;

    for (unsigned i = 0; i < ROUTES; i++) {
        const struct route *r = &m[i].r;

        if (!m[i].is_there || !addr_in_prefix(dst, &r->prefix, r->bits) ||
            (addr_is4(dst) && r->bits < 96) || (link_index && r->link->index != link_index))
            continue;
        if (!best || r->bits > best->bits || (r->bits == best->bits && r->metric < best->metric))
            best = r;
    }
    return best;
}

static void test_model(void)
{
    static struct bench b;
    static struct model m[ROUTES];
    unsigned wrong = 0;

    bench_init(&b);
    for (unsigned i = 0; i < ROUTES; i++) {
        bool is4 = i % 2;
        uint8_t n;

        bench_random(&b, &n, 1);
        m[i].r.prefix = random_addr(&b, is4);
        m[i].r.bits = is4 ? 96 + n % 33u : 8 + n % 121u;
        m[i].r.link = n & 0x80 ? &b.a.link : &b.b.link;
        m[i].r.metric = 1 + i;
        m[i].is_there = route_add(&b.net, &m[i].r) == 0;
        if (!m[i].is_there)
            wrong++;
    }
    for (unsigned i = 0; i < LOOKUPS; i++) {
        struct ip_addr dst = random_addr(&b, i % 2);
        uint32_t link_index = i % 3 ? 0 : 2;
        const struct route *got = route_find(&b.net, &dst, link_index, true);
        const struct route *want = model_find(m, &dst, link_index);
        struct model *gone = &m[i % ROUTES];

        if (got && got->metric == 0)
            continue; /* one of the bench's own */
        if ((got ? got->metric : 0) != (want ? want->metric : 0))
            wrong++;
        if (i % 40 || !gone->is_there)
            continue;
        if (route_del(&b.net, &gone->r.prefix, gone->r.bits, gone->r.metric))
            wrong++;
        gone->is_there = false;
    }
    EQ(wrong, 0, "finds_what_a_plain_list_finds");
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_equals(void)
{
    static struct bench b;
    struct ip_addr dst = ip("172.16.1.1"), own = ip("10.0.2.15");
    struct route r = {.prefix = ip("172.16.0.0"), .bits = 96 + 16, .metric = 5};
    unsigned wanted = r.bits;

    bench_init(&b);
    r.link = &b.a.link;
    EQ(route_add(&b.net, &r), 0, "a_route_is_added");
    EQ(route_add(&b.net, &r), -HF_EEXIST, "its_equal_is_refused");
    r.link = &b.b.link;
    r.metric = 4;
    EQ(route_add(&b.net, &r), 0, "another_metric_is_another_route");
    OK(route_find(&b.net, &dst, 0, true)->link == &b.b.link, "the_lower_metric_wins");
    OK(route_find(&b.net, &dst, b.a.link.index, true)->link == &b.a.link,
       "unless_the_link_is_asked_for");
    r.bits = 129;
    EQ(route_add(&b.net, &r), -HF_EINVAL, "a_prefix_too_long_is_refused");
    r.bits = wanted;
    r.link = NULL;
    EQ(route_add(&b.net, &r), -HF_EINVAL, "a_link_is_needed");
    r.link = &b.a.link;
    r.has_via = true;
    r.via = ip("fd00::1");
    EQ(route_add(&b.net, &r), -HF_EINVAL, "a_gateway_of_the_other_family_is_refused");
    EQ(route_del(&b.net, &r.prefix, r.bits, 9), -HF_ENOENT, "no_such_metric");
    EQ(route_del(&b.net, &r.prefix, r.bits, 4), 0, "a_route_is_deleted");
    EQ(route_del(&b.net, &own, 128, 0), -HF_ENOENT, "an_addresss_own_route_stays");
    OK(route_find(&b.net, &dst, 0, true)->link == &b.a.link, "the_other_is_left");
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_kinds(void)
{
    static struct bench b;
    struct ip_addr far = ip("99.9.9.9"), all = ip("192.168.7.255"), own = ip("192.168.7.1");
    struct ip_addr added = ip("10.0.2.77");
    unsigned failures = 0;

    bench_init(&b);
    EQ(route_kind(&b.net, &far), ROUTE_NONE, "no_route_has_no_kind");
    OK(net_is_broadcast(&b.net, &all) && net_is_local(&b.net, &own), "kinds_of_an_address");
    bench_route(&b, "0.0.0.0/0", NULL, NULL, HF_ROUTE_LOCAL);
    OK(net_is_local(&b.net, &far), "a_change_of_routes_is_seen_at_once");
    if (route_del(&b.net, &ADDR_ANY4, 96, 0))
        abort();
    OK(!net_is_local(&b.net, &far), "and_its_end");
    for (b.fail_at = 0; net_addr_add(&b.net, &b.a.link, &added, 128) == -HF_ENOMEM;) {
        b.fail_at = -1;
        if (net_is_local(&b.net, &added))
            abort();
        b.fail_at = ++failures;
    }
    b.fail_at = -1;
    OK(failures && net_is_local(&b.net, &added), "an_address_is_added_whole_or_not_at_all");
    net_detach(&b.net, &b.b.link);
    OK(!net_is_broadcast(&b.net, &all) && !net_is_local(&b.net, &own),
       "a_detached_links_addresses_are_nobodys");
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_families_apart(void)
{
    static struct bench b;
    struct ip_addr v4 = ip("99.9.9.9");

    bench_init(&b);
    bench_route(&b, "::/0", "fd00:2::2", &b.a.link, HF_ROUTE_UNICAST);
    OK(!route_find(&b.net, &v4, 0, true), "v6_default_is_no_route_for_v4");
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_memory(void)
{
    static struct bench b;
    struct route r = {.prefix = ip("172.16.0.0"), .bits = 96 + 16};
    int failed = 0;

    bench_init(&b);
    r.link = &b.a.link;
    for (b.fail_at = 0; route_add(&b.net, &r) == -HF_ENOMEM; b.fail_at = failed)
        failed++;
    b.fail_at = -1;
    OK(failed == 2, "a_route_needs_two_allocations_and_survives_their_failure");
    OK(bench_fini(&b), "nothing_leaks");
}

int main(void)
{
    tap_begin(30);
    test_model();
    test_equals();
    test_kinds();
    test_families_apart();
    test_memory();
    return tap_end();
}
