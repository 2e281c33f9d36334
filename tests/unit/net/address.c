/* Source selection: RFC 6724 5 for IPv6, RFC 1122 3.3.4.3 for IPv4. */
#include "net_test.h"

static const struct {
    const char *name;
    const char *on_a[3], *on_b[2]; /* this host's addresses */
    const char *dst;               /* reached by link a */
    const char *want;              /* NULL: none will do */
} rows[] = {
    {"rule_1_same_address", {"fd01::1/64", "fd01::2/64"}, {0}, "fd01::2", "fd01::2"},
    {"rule_2_global_for_global", {"fe80::5/64", "fd01::1/64"}, {0}, "2001:db8::1", "fd01::1"},
    {"rule_2_link_local_for_link_local", {"fd01::1/64", "fe80::5/64"}, {0}, "fe80::9", "fe80::5"},
    {"rule_5_outgoing_link", {"fd01::1/64"}, {"2001:db8::2/64"}, "2001:db8::1", "fd01::1"},
    {"rule_8_longest_prefix", {"fd01::1/64", "2001:db8::1/64"}, {0}, "2001:db9::1", "2001:db8::1"},
    {"rule_8_reversed", {"2001:db8::1/64", "fd01::1/64"}, {0}, "fd02::1", "fd01::1"},
    {"rule_8_counts_the_prefix_only",
     {"fd01::1/32", "fd01:0:0:1::8/64"},
     {0},
     "fd01:0:0:1::9",
     "fd01:0:0:1::8"},
    {"another_links_global_will_do", {"fe80::5/64"}, {"fd01::1/64"}, "2001:db8::1", "fd01::1"},
    {"another_links_link_local_will_not", {0}, {"fe80::5/64"}, "fe80::9", NULL},
    {"group_of_link_scope", {"fd01::1/64", "fe80::5/64"}, {0}, "ff02::5", "fe80::5"},
    {"group_of_site_scope", {"fe80::5/64", "fd01::1/64"}, {0}, "ff05::5", "fd01::1"},
    {"v4_of_the_next_hops_net", {"10.1.0.1/24", "10.2.0.1/24"}, {0}, "10.2.0.9", "10.2.0.1"},
    {"v4_first_of_the_link", {"10.1.0.1/24", "10.2.0.1/24"}, {0}, "99.1.1.1", "10.1.0.1"},
    {"v4_of_another_link", {0}, {"10.3.0.1/24"}, "99.1.1.1", "10.3.0.1"},
    {"v4_has_no_v6_source", {"fd01::1/64"}, {0}, "99.1.1.1", NULL},
    {"v6_has_no_v4_source", {"10.1.0.1/24"}, {0}, "2001:db8::1", NULL},
};

int main(void)
{
    tap_begin(10);
    for (unsigned i = 0; i < HF_COUNT(rows); i++) {
        static struct bench b;
        struct ip_addr dst = ip(rows[i].dst), src, want;
        bool good;
        int err;

        bench_init(&b);
        net_detach(&b.net, &b.a.link);
        net_detach(&b.net, &b.b.link);
        b.b.link.flags = 0; /* no link-local address of its own */
        if (net_attach(&b.net, &b.a.link) || net_attach(&b.net, &b.b.link))
            abort();
        for (unsigned n = 0; n < 3 && rows[i].on_a[n]; n++)
            bench_addr(&b, &b.a.link, rows[i].on_a[n]);
        for (unsigned n = 0; n < 2 && rows[i].on_b[n]; n++)
            bench_addr(&b, &b.b.link, rows[i].on_b[n]);
        err = address_select(&b.net, &dst, &dst, &b.a.link, &src);
        if (rows[i].want) {
            want = ip(rows[i].want);
            good = !err && addr_eq(&src, &want);
        } else {
            good = err == -HF_EADDRNOTAVAIL;
        }
        good = bench_fini(&b) && good;
        OK(good, rows[i].name);
    }
    return tap_end();
}
