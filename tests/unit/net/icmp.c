/* ICMP both ways: RFC 792, RFC 1122 3.2.2, RFC 4443; NetSem deliver_in_icmp_6, deliver_in_icmp_7.
 */
#include "net_test.h"

static void icmp_arrive(struct bench *b, struct hf_link *link, const char *src, const char *dst,
                        uint8_t type, uint8_t code, uint32_t info, const uint8_t *body,
                        uint32_t len)
{
    struct icmp_header h = {.type = type, .code = code, .info = info};
    struct ip_addr s = ip(src), d = ip(dst);
    uint8_t bytes[256];
    struct packet p = {.src = src, .dst = dst, .payload = bytes, .len = ICMP_HEADER + len};
    uint32_t sum = addr_is4(&s) ? 0 : csum_pseudo(&s, &d, IP_PROTO_ICMPV6, p.len);

    p.proto = addr_is4(&s) ? IP_PROTO_ICMP : IP_PROTO_ICMPV6;
    icmp_header_write(&h, bytes);
    memcpy(bytes + ICMP_HEADER, body, len);
    put16(bytes + 2, csum_finish(csum_add(sum, bytes, p.len)));
    bench_arrive(b, link, &p);
}

/* A quoted packet's bytes: its IP header and the first 20 of its payload. */
static uint32_t quote(struct bench *b, const char *src, const char *dst, uint8_t proto,
                      uint8_t *bytes)
{
    struct packet p = {.src = src, .dst = dst, .proto = proto, .len = 20};
    struct hf_frame *f = bench_packet(b, &p);
    uint32_t len = f->len;

    hf_frame_read(f, 0, bytes, len);
    hf_frame_free(f);
    return len;
}

static void test_echo(void)
{
    static const struct {
        const char *name, *src, *dst;
        uint8_t type;
        unsigned answers;
    } rows[] = {
        {"echo_is_answered", "10.0.2.9", "10.0.2.15", ICMP4_ECHO, 1},
        {"echo_is_answered_v6", "fd00:2::9", "fd00:2::15", ICMP6_ECHO, 1},
        {"echo_to_broadcast_is_not_RFC_1122_3.2.2.6", "10.0.2.9", "10.0.2.255", ICMP4_ECHO, 0},
        {"echo_to_group_is_not", "10.0.2.9", "224.0.0.1", ICMP4_ECHO, 0},
        {"echo_to_group_is_answered_v6_RFC_4443_4.2", "fd00:2::9", "ff02::1", ICMP6_ECHO, 1},
        {"reply_is_not_answered", "10.0.2.9", "10.0.2.15", ICMP4_ECHO_REPLY, 0},
        {"reply_is_not_answered_v6", "fd00:2::9", "fd00:2::15", ICMP6_ECHO_REPLY, 0},
    };
    static struct bench b;

    bench_init(&b);
    for (unsigned i = 0; i < HF_COUNT(rows); i++) {
        struct ip_addr src = ip(rows[i].src), own = ip(addr_is4(&src) ? "10.0.2.15" : "fd00:2::15");
        bool is4 = addr_is4(&src);
        uint8_t bytes[128];
        uint32_t at = is4 ? IP4_HEADER : IP6_HEADER, sum;

        icmp_arrive(&b, &b.a.link, rows[i].src, rows[i].dst, rows[i].type, 0, 0x12345678,
                    (const uint8_t *)"abcdefg", 7);
        if (!OK(b.a.count == rows[i].answers, rows[i].name) || !rows[i].answers) {
            bench_clear(&b);
            continue;
        }
        hf_frame_read(b.a.sent[0], 0, bytes, b.a.sent[0]->len);
        sum = is4 ? 0 : csum_pseudo(&own, &src, IP_PROTO_ICMPV6, 15);
        OK(b.a.sent[0]->len == at + 15 && memcmp(bytes + at + 8, "abcdefg", 7) == 0 &&
               get32(bytes + at + 4) == 0x12345678 &&
               bytes[at] == (is4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY) &&
               csum_finish(csum_add(sum, bytes + at, 15)) == 0,
           "the_answer_has_the_same_bytes_and_a_good_checksum");
        bench_clear(&b);
    }
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_errors_in(void)
{
    static const struct {
        const char *name;
        bool is4;
        uint8_t type, code;
        int kind; /* -1: it does not reach the transport */
    } rows[] = {
        {"network_unreachable", true, 3, 0, ICMP_ERR_NET_UNREACH},
        {"host_unreachable", true, 3, 1, ICMP_ERR_HOST_UNREACH},
        {"protocol_unreachable", true, 3, 2, ICMP_ERR_PROTO_UNREACH},
        {"port_unreachable", true, 3, 3, ICMP_ERR_PORT_UNREACH},
        {"fragmentation_needed", true, 3, 4, ICMP_ERR_TOO_BIG},
        {"prohibited", true, 3, 13, ICMP_ERR_PROHIBITED},
        {"unreachable_of_unknown_code", true, 3, 16, -1},
        {"quench_RFC_6633", true, 4, 0, ICMP_ERR_QUENCH},
        {"redirect_is_not_acted_on", true, 5, 1, -1},
        {"time_exceeded", true, 11, 0, ICMP_ERR_TIME_EXCEEDED},
        {"parameter_problem", true, 12, 0, ICMP_ERR_PARAMETER},
        {"no_route_v6", false, 1, 0, ICMP_ERR_NET_UNREACH},
        {"prohibited_v6", false, 1, 1, ICMP_ERR_PROHIBITED},
        {"address_unreachable_v6", false, 1, 3, ICMP_ERR_HOST_UNREACH},
        {"port_unreachable_v6", false, 1, 4, ICMP_ERR_PORT_UNREACH},
        {"packet_too_big_v6", false, 2, 0, ICMP_ERR_TOO_BIG},
        {"time_exceeded_v6", false, 3, 0, ICMP_ERR_TIME_EXCEEDED},
        {"next_header_unknown_v6", false, 4, 1, ICMP_ERR_PROTO_UNREACH},
        {"unknown_error_v6", false, 100, 0, ICMP_ERR_UNKNOWN},
    };
    static struct bench b;

    bench_init(&b);
    for (unsigned i = 0; i < HF_COUNT(rows); i++) {
        const char *own = rows[i].is4 ? "10.0.2.15" : "fd00:2::15";
        uint8_t bytes[100];
        uint32_t len = quote(&b, own, rows[i].is4 ? "99.1.1.1" : "2001:db8::1", PROTO_TEST, bytes);
        struct ip_addr want = ip(own);

        icmp_arrive(&b, &b.a.link, rows[i].is4 ? "10.0.2.2" : "fd00:2::2", own, rows[i].type,
                    rows[i].code, 1400, bytes, len);
        if (rows[i].kind < 0)
            OK(!b.errors, rows[i].name);
        else
            OK(b.errors == 1 && (int)b.error.kind == rows[i].kind && b.error.info == 1400 &&
                   b.error.quoted_len == 20 && b.error.proto == PROTO_TEST &&
                   addr_eq(&b.error.src, &want),
               rows[i].name);
        bench_clear(&b);
    }
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_errors_refused(void)
{
    static struct bench b;
    uint8_t bytes[100];
    uint32_t len;

    bench_init(&b);
    len = quote(&b, "10.0.2.9", "99.1.1.1", PROTO_TEST, bytes);
    icmp_arrive(&b, &b.a.link, "10.0.2.2", "10.0.2.15", 3, 3, 0, bytes, len);
    EQ(b.errors, 0, "error_about_a_foreign_packet_is_dropped");
    EQ(b.core.drops[HF_DROP_ICMP_UNMATCHED], 1, "as_unmatched");
    len = quote(&b, "10.0.2.15", "99.1.1.1", PROTO_TEST, bytes);
    icmp_arrive(&b, &b.a.link, "10.0.2.2", "10.0.2.15", 3, 3, 0, bytes, IP4_HEADER + 7);
    EQ(b.errors, 0, "quote_of_7_bytes_is_dropped_RFC_792");
    for (uint32_t cut = 0; cut < len; cut++)
        icmp_arrive(&b, &b.a.link, "10.0.2.2", "10.0.2.15", 3, 3, 0, bytes, cut);
    bytes[7] = 1;
    bench_clear(&b);
    icmp_arrive(&b, &b.a.link, "10.0.2.2", "10.0.2.15", 3, 3, 0, bytes, len);
    EQ(b.errors, 0, "quote_of_a_later_fragment_is_dropped");
    icmp_arrive(&b, &b.a.link, "10.0.2.2", "255.255.255.255", 3, 3, 0, bytes, len);
    EQ(b.errors, 0, "error_to_broadcast_is_dropped");
    EQ(b.a.count, 0, "errors_are_never_answered");
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_errors_out(void)
{
    static const struct {
        const char *name, *src, *dst;
        uint8_t proto;
        unsigned sent;
        uint8_t type, code;
    } rows[] = {
        {"no_such_protocol", "10.0.2.9", "10.0.2.15", 200, 1, 3, 2},
        {"no_such_protocol_v6", "fd00:2::9", "fd00:2::15", 200, 1, 4, 1},
        {"no_answer_to_broadcast_RFC_1122_3.2.2", "10.0.2.9", "10.0.2.255", 200, 0, 0, 0},
        {"no_answer_to_group", "10.0.2.9", "224.0.0.1", 200, 0, 0, 0},
        {"no_answer_to_group_v6_RFC_4443_2.4", "fd00:2::9", "ff02::1", 200, 0, 0, 0},
    };
    static struct bench b;

    bench_init(&b);
    for (unsigned i = 0; i < HF_COUNT(rows); i++) {
        struct packet p = {.src = rows[i].src, .dst = rows[i].dst, .len = 2000};
        uint32_t at = strchr(p.src, ':') ? IP6_HEADER : IP4_HEADER;
        uint8_t bytes[2];
        bool good;

        p.proto = rows[i].proto;
        bench_arrive(&b, &b.a.link, &p);
        good = b.a.count == rows[i].sent;
        if (good && rows[i].sent) {
            hf_frame_read(b.a.sent[0], at, bytes, 2);
            good = bytes[0] == rows[i].type && bytes[1] == rows[i].code &&
                   b.a.sent[0]->len == (at == IP6_HEADER ? 1280 : 576);
        }
        OK(good, rows[i].name);
        bench_clear(&b);
    }
    OK(bench_fini(&b), "nothing_leaks");
}

/* How many of n packets from src are answered. */
static uint64_t answers(struct bench *b, const char *src, unsigned n)
{
    const char *dst = strchr(src, ':') ? "fd00:2::15" : "10.0.2.15";
    uint64_t held = b->core.drops[HF_DROP_ICMP_RATE];

    for (unsigned i = 0; i < n; i++) {
        struct packet p = {.src = src, .dst = dst, .proto = 200, .len = 20};

        bench_arrive(b, &b->a.link, &p);
        bench_clear(b);
    }
    return n - (b->core.drops[HF_DROP_ICMP_RATE] - held);
}

/* RFC 4443 2.4 (f), RFC 1812 4.3.2.8: six at once to one host and one a second, 1000 to all. */
static void test_rate(const char *one, const char *other)
{
    static struct bench b;

    bench_init(&b);
    EQ(answers(&b, one, 20), 6, "six_errors_at_once_to_one_host");
    core_set_now(&b.core, b.core.now + HF_S - 1);
    EQ(answers(&b, one, 20), 0, "then_none_for_a_second");
    core_set_now(&b.core, b.core.now + 1);
    EQ(answers(&b, one, 20), 1, "then_one");
    EQ(answers(&b, other, 20), 6, "another_host_has_its_own");
    core_set_now(&b.core, b.core.now + 60 * HF_S);
    EQ(answers(&b, one, 20), 6, "no_more_is_ever_saved_up");
    b.core.privileged = true;
    core_set_now(&b.core, b.core.now + 60 * HF_S);
    EQ(answers(&b, one, 1100), 1000, "a_gateway_has_the_limit_over_all_only");
    b.core.privileged = false;
    OK(bench_fini(&b), "nothing_leaks");
}

/* A transport answers for a packet that is gone: what one host sends another understands. */
static void test_error_for(const char *src, const char *dst, enum icmp_error_kind kind,
                           const char *name)
{
    static struct bench gateway, host;
    struct ip_addr s = ip(src), d = ip(dst);
    uint8_t bytes[200];

    bench_init(&gateway);
    bench_init(&host);
    bench_route(&host, "127.0.0.53/32", NULL, &host.a.link, HF_ROUTE_UNLESS_BOUND);
    net_detach(&gateway.net, &gateway.a.link);
    gateway.core.any_source = gateway.core.privileged = true;
    if (net_attach(&gateway.net, &gateway.a.link))
        abort();
    bench_route(&gateway, "0.0.0.0/0", NULL, NULL, HF_ROUTE_LOCAL);
    bench_route(&gateway, "::/0", NULL, NULL, HF_ROUTE_LOCAL);
    bench_route(&gateway, "10.0.2.15/32", NULL, &gateway.a.link, HF_ROUTE_UNICAST);
    bench_route(&gateway, "fd00:2::15/128", NULL, &gateway.a.link, HF_ROUTE_UNICAST);
    icmp_send_error_for(&gateway.net, kind, &s, &d, IP_PROTO_TCP, (const uint8_t *)"12345678", 8);
    if (gateway.a.count == 1) {
        uint32_t len = gateway.a.sent[0]->len;

        hf_frame_read(gateway.a.sent[0], 0, bytes, len);
        hf_link_input(&host.a.link, bench_frame(&host, bytes, len));
    }
    OK(host.errors == 1 && host.error.kind == kind && addr_eq(&host.error.src, &s) &&
           addr_eq(&host.error.dst, &d) && addr_eq(&host.error.reporter, &d) &&
           host.error.proto == IP_PROTO_TCP,
       name);
    OK(bench_fini(&gateway) && bench_fini(&host), "nothing_leaks");
}

int main(void)
{
    tap_begin(30);
    test_echo();
    test_errors_in();
    test_errors_refused();
    test_errors_out();
    test_rate("10.0.2.9", "10.0.2.8");
    test_rate("fd00:2::9", "fd00:2::8");
    test_error_for("10.0.2.15", "99.1.1.1", ICMP_ERR_NET_UNREACH, "gateway_says_network");
    test_error_for("10.0.2.15", "99.1.1.1", ICMP_ERR_HOST_UNREACH, "gateway_says_host");
    test_error_for("10.0.2.15", "127.0.0.53", ICMP_ERR_PROHIBITED, "gateway_says_prohibited");
    test_error_for("fd00:2::15", "2001:db8::1", ICMP_ERR_NET_UNREACH, "gateway_says_network_v6");
    test_error_for("fd00:2::15", "2001:db8::1", ICMP_ERR_PROHIBITED, "gateway_says_prohibited_v6");
    return tap_end();
}
