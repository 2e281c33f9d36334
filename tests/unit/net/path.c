/* Which way, which source, which error: the answers of path_find beside Linux's. */
#include "net_test.h"

struct row {
    const char *name, *dst, *src;
    int link; /* 0 any, 1 lo, 2 a, 3 b */
    int err;
    const char *want_src;
    int want_link;
    const char *next_hop;
};

static const struct row rows[] = {
    {"on_link_destination_goes_straight", "10.0.2.9", NULL, 0, 0, "10.0.2.15", 2, "10.0.2.9"},
    {"far_destination_goes_by_gateway", "99.1.2.3", NULL, 0, 0, "10.0.2.15", 2, "10.0.2.2"},
    {"far_destination_goes_by_gateway_v6", "2001:db8::1", NULL, 0, 0, "fd00:2::15", 2, "fd00:2::2"},
    {"other_link_has_its_own_source", "192.168.7.9", NULL, 0, 0, "192.168.7.1", 3, "192.168.7.9"},
    {"other_link_has_its_own_source_v6", "fd00:7::9", NULL, 0, 0, "fd00:7::1", 3, "fd00:7::9"},
    {"own_address_is_local_from_itself", "10.0.2.15", NULL, 0, 0, "10.0.2.15", 1, NULL},
    {"own_address_is_local_from_itself_v6", "fd00:2::15", NULL, 0, 0, "fd00:2::15", 1, NULL},
    {"loopback_net_is_from_127_0_0_1", "127.4.4.4", NULL, 0, 0, "127.0.0.1", 1, NULL},
    {"loopback_v6", "::1", NULL, 0, 0, "::1", 1, NULL},
    {"anyip_is_from_itself", "10.77.1.2", NULL, 0, 0, "10.77.1.2", 1, NULL},
    {"anyip_v6_selects_a_source", "fd77::2", NULL, 0, 0, "fd00:2::15", 1, NULL},
    {"bound_source_is_kept", "127.0.0.1", "10.0.2.15", 0, 0, "10.0.2.15", 1, NULL},
    {"bound_source_is_kept_v6", "::1", "fd00:2::15", 0, 0, "fd00:2::15", 1, NULL},
    {"anyip_source_may_be_bound", "10.0.2.3", "10.77.3.3", 0, 0, "10.77.3.3", 2, "10.0.2.3"},
    {"foreign_source_is_refused", "10.0.2.3", "10.9.9.9", 0, -HF_ENETUNREACH, NULL, 0, NULL},
    {"loopback_source_does_not_leave", "99.1.2.3", "127.0.0.1", 0, -HF_EINVAL, NULL, 0, NULL},
    {"loopback_source_reaches_own_address", "10.0.2.15", "127.0.0.1", 0, 0, "127.0.0.1", 1, NULL},
    {"loopback_source_v6_may_ask", "2001:db8::1", "::1", 0, 0, "::1", 2, "fd00:2::2"},
    {"unreachable_route", "10.5.0.1", NULL, 0, -HF_EHOSTUNREACH, NULL, 0, NULL},
    {"prohibit_route", "10.6.0.1", NULL, 0, -HF_EACCES, NULL, 0, NULL},
    {"blackhole_route", "10.7.0.1", NULL, 0, -HF_EINVAL, NULL, 0, NULL},
    {"unreachable_route_v6", "fd05::1", NULL, 0, -HF_EHOSTUNREACH, NULL, 0, NULL},
    {"prohibit_route_v6", "fd06::1", NULL, 0, -HF_EACCES, NULL, 0, NULL},
    {"blackhole_route_v6", "fd07::1", NULL, 0, -HF_EINVAL, NULL, 0, NULL},
    {"link_local_without_scope", "fe80::1", NULL, 0, 0, "fe80::ff:fe00:1", 3, NULL},
    {"link_local_group_without_scope", "ff02::1", NULL, 0, 0, "fd00:2::15", 2, NULL},
    {"link_local_on_loopback", "fe80::1", NULL, 1, -HF_ENETUNREACH, NULL, 0, NULL},
    {"group_on_loopback_v6", "ff02::1", NULL, 1, -HF_ENETUNREACH, NULL, 0, NULL},
    {"no_such_link", "10.0.2.9", NULL, 9, -HF_ENODEV, NULL, 0, NULL},
    {"no_such_link_v6", "fd00:2::9", NULL, 9, -HF_ENETUNREACH, NULL, 0, NULL},
    {"link_local_with_scope", "fe80::1", NULL, 3, 0, "fe80::ff:fe00:1", 3, "fe80::1"},
    {"site_group_needs_no_scope", "ff05::1", NULL, 0, 0, "fd00:2::15", 2, NULL},
    {"bound_link_overrides_loopback", "127.0.0.1", NULL, 2, 0, "10.0.2.15", 2, "10.0.2.2"},
    {"bound_link_needs_no_route", "99.9.9.9", NULL, 3, 0, "192.168.7.1", 3, "99.9.9.9"},
    {"loopback_broadcast", "127.255.255.255", NULL, 0, 0, "127.0.0.1", 1, NULL},
    {"directed_broadcast", "192.168.7.255", NULL, 0, 0, "192.168.7.1", 3, NULL},
    {"limited_broadcast_takes_default_link", "255.255.255.255", NULL, 0, 0, "10.0.2.15", 2, NULL},
};

static void test_rows(void)
{
    static struct bench b;

    bench_init(&b);
    bench_route(&b, "0.0.0.0/0", "10.0.2.2", &b.a.link, HF_ROUTE_UNICAST);
    bench_route(&b, "::/0", "fd00:2::2", &b.a.link, HF_ROUTE_UNICAST);
    bench_route(&b, "10.77.0.0/16", NULL, NULL, HF_ROUTE_LOCAL);
    bench_route(&b, "fd77::/64", NULL, NULL, HF_ROUTE_LOCAL);
    bench_route(&b, "10.5.0.0/16", NULL, NULL, HF_ROUTE_UNREACHABLE);
    bench_route(&b, "10.6.0.0/16", NULL, NULL, HF_ROUTE_PROHIBIT);
    bench_route(&b, "10.7.0.0/16", NULL, NULL, HF_ROUTE_BLACKHOLE);
    bench_route(&b, "fd05::/64", NULL, NULL, HF_ROUTE_UNREACHABLE);
    bench_route(&b, "fd06::/64", NULL, NULL, HF_ROUTE_PROHIBIT);
    bench_route(&b, "fd07::/64", NULL, NULL, HF_ROUTE_BLACKHOLE);
    for (unsigned i = 0; i < HF_COUNT(rows); i++) {
        const struct row *r = &rows[i];
        struct path *p = NULL, *again = NULL;
        struct ip_addr want;
        char got[ADDR_TEXT];
        int err = bench_path(&b, r->dst, r->src, (uint32_t)r->link, 9, &p);
        bool good = err == r->err;

        if (good && !err) {
            want = ip(r->want_src);
            good = addr_eq(&p->src, &want) && (int)p->link->index == r->want_link;
            want = ip(r->next_hop ? r->next_hop : r->dst);
            good = good && addr_eq(&p->next_hop, &want);
            good =
                good && !bench_path(&b, r->dst, r->src, (uint32_t)r->link, 9, &again) && again == p;
            if (!good)
                fprintf(stderr, "# src %s link %u\n", addr_format(&p->src, got), p->link->index);
            path_put(again);
        } else if (!good) {
            fprintf(stderr, "# err %d\n", err);
        }
        path_put(p);
        OK(good, r->name);
    }
    OK(bench_fini(&b), "all_paths_given_back");
}

static void test_no_route(void)
{
    static struct bench b;
    struct path *p = NULL;

    bench_init(&b);
    EQ(bench_path(&b, "99.1.1.1", NULL, 0, 9, &p), -HF_ENETUNREACH, "no_route_is_ENETUNREACH_C25");
    EQ(bench_path(&b, "2001:db8::1", NULL, 0, 9, &p), -HF_ENETUNREACH,
       "no_route_is_ENETUNREACH_v6_C25");
    EQ(bench_path(&b, "255.255.255.255", NULL, 0, 9, &p), -HF_ENETUNREACH,
       "broadcast_without_route_is_ENETUNREACH");
    OK(p == NULL, "out_is_unchanged_on_error");
    b.core.privileged = true;
    EQ(bench_path(&b, "10.0.2.9", "99.9.9.9", 0, 9, &p), 0, "privileged_may_use_foreign_source");
    path_put(p);
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_unless_bound(void)
{
    static struct bench b;
    struct path *out, *in, *other;
    struct ip_addr resolver = ip("127.0.0.53");

    bench_init(&b);
    bench_route(&b, "127.0.0.53/32", NULL, &b.a.link, HF_ROUTE_UNLESS_BOUND);
    bench_route(&b, "127.0.0.1/32", NULL, &b.a.link, HF_ROUTE_UNLESS_BOUND);
    b.bound_port = 53;
    OK(!bench_path(&b, "127.0.0.53", NULL, 0, 80, &out) && out->link == &b.a.link,
       "unbound_port_of_resolver_leaves");
    OK(!bench_path(&b, "127.0.0.53", NULL, 0, 53, &in) && in->link == b.net.lo,
       "bound_port_of_resolver_stays");
    OK(!bench_path(&b, "127.0.0.53", NULL, 0, 81, &other) && other == out,
       "decision_is_not_kept_for_other_ports");
    path_put(other);
    OK(net_is_local(&b.net, &resolver), "resolver_address_stays_this_hosts_own");
    OK(!bench_path(&b, "127.0.0.1", "127.0.0.1", 0, 80, &other) && other->link == b.net.lo,
       "loopback_source_stays");
    path_put(other);
    OK(!bench_path(&b, "127.0.0.1", NULL, 0, 80, &other) && other->link == &b.a.link,
       "unless_bound_comes_before_local_host_route");
    path_put(other);
    path_put(out);
    path_put(in);
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_stale(void)
{
    static struct bench b;
    struct path *p, *q;

    bench_init(&b);
    EQ(bench_path(&b, "10.0.2.9", NULL, 0, 9, &p), 0, "path_is_found");
    OK(path_lower_mtu(p, 1300) && path_mtu(p) == 1300, "mtu_goes_down");
    OK(!path_lower_mtu(p, 1400), "mtu_does_not_go_up");
    bench_route(&b, "10.0.2.8/30", NULL, &b.a.link, HF_ROUTE_UNICAST);
    OK(path_is_stale(p), "route_change_makes_stale");
    OK(!bench_path(&b, "10.0.2.9", NULL, 0, 9, &q) && q != p && path_mtu(q) == 1300,
       "new_path_inherits_learned_mtu");
    OK(path_lower_mtu(q, 551) && path_mtu(q) == 552 && path_may_be_cut(q),
       "absurd_mtu_is_the_least_one_and_no_promise");
    bench_advance(&b, 600 * HF_S);
    EQ(path_mtu(q), 1500, "learned_mtu_is_forgotten_after_ten_minutes_RFC_1191_6.3");
    net_detach(&b.net, &b.a.link);
    OK(q->link != &b.a.link && path_is_stale(q), "detached_link_is_no_longer_referred_to");
    path_put(p);
    path_put(q);
    EQ(bench_path(&b, "10.0.2.9", NULL, 0, 9, &p), -HF_ENETUNREACH, "detached_link_has_no_route");
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_idle_bound(void)
{
    static struct bench b;
    uint64_t before;

    bench_init(&b);
    bench_route(&b, "11.0.0.0/8", NULL, &b.a.link, HF_ROUTE_UNICAST);
    before = b.allocated;
    for (unsigned i = 0; i < 20000; i++) {
        struct path_query q = {.src = ADDR_ANY4};
        struct path *p;

        q.dst = ADDR4(11, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i);
        if (path_find(&b.net, &q, &p))
            abort();
        path_put(p);
    }
    OK(b.allocated - before < 1 << 20, "idle_paths_are_bounded");
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_memory(void)
{
    static struct bench b;
    int64_t n = 0;

    while (bench_try(&b, n)) {
        if (b.allocated)
            break;
        n++;
    }
    OK(!b.net.core || n > 5, "init_fails_cleanly_at_each_allocation");
    OK(bench_fini(&b), "nothing_leaks");
}

int main(void)
{
    tap_begin(30);
    test_rows();
    test_no_route();
    test_unless_bound();
    test_stale();
    test_idle_bound();
    test_memory();
    return tap_end();
}
