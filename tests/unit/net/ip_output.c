/* IP out: headers, super-segments, checksums, loopback, broadcasts. */
#include "net_test.h"

#include "wire/frame_csum.h"

/* Sends a transport segment of len bytes whose checksum stands at csum_off. */
static int send_segment(struct bench *b, const char *dst, uint8_t proto, uint32_t csum_off,
                        uint32_t len, uint16_t gso_bytes)
{
    static uint8_t bytes[65536];
    struct ip_out out = {.dst = ip(dst), .proto = proto, .tos = 0xb8, .flow_label = 0x12345};
    struct hf_frame *f;
    int err = bench_path(b, dst, NULL, 0, 0, &out.path);

    if (err)
        return err;
    out.src = out.path->src;
    out.ttl = 7;
    f = bench_frame(b, bytes, len);
    f->gso_bytes = gso_bytes;
    if (!hf_frame_pull(f, 20)) /* a transport header is linear */
        abort();
    ip_transport_csum(f, &out, csum_off);
    err = ip_output(&b->net, f, &out);
    path_put(out.path);
    return err;
}

static void test_header(void)
{
    static struct bench b;
    struct ip4_header h4;
    struct ip6_header h6;

    bench_init(&b);
    send_segment(&b, "10.0.2.9", IP_PROTO_UDP, 6, 100, 0);
    EQ(ip4_header_read(b.a.sent[0], &h4), IP4_OK, "header_checksum_is_right");
    OK(h4.ttl == 7 && h4.tos == 0xb8 && h4.proto == IP_PROTO_UDP && h4.total_bytes == 120,
       "header_says_what_was_asked");
    bench_clear(&b);
    send_segment(&b, "fd00:2::9", IP_PROTO_UDP, 6, 100, 0);
    OK(ip6_header_read(b.a.sent[0], &h6) && h6.hop_limit == 7 && h6.traffic_class == 0xb8 &&
           h6.flow_label == 0x12345 && h6.payload_bytes == 100 && h6.next_header == IP_PROTO_UDP,
       "header_says_what_was_asked_v6");
    bench_clear(&b);
    bench_send(&b, "10.0.2.9", 10, true);
    OK(ip4_header_read(b.a.sent[0], &h4) == IP4_OK && h4.dont_fragment && h4.ttl == 64,
       "dont_fragment_and_default_ttl");
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_gso(void)
{
    static struct bench b;

    bench_init(&b);
    EQ(send_segment(&b, "10.0.2.9", IP_PROTO_TCP, 16, 20000, 1460), -HF_EMSGSIZE,
       "super_segment_is_refused_by_a_plain_link");
    b.a.link.gso_max = 65535;
    EQ(send_segment(&b, "10.0.2.9", IP_PROTO_TCP, 16, 20000, 1460), 0,
       "super_segment_passes_whole_where_the_link_takes_it");
    OK(b.a.count == 1 && b.a.sent[0]->gso_bytes == 1460 && b.a.sent[0]->len == 20020,
       "with_its_segment_size");
    EQ(send_segment(&b, "fd00:2::9", IP_PROTO_TCP, 16, 65536 - 40, 1440), -HF_EMSGSIZE,
       "super_segment_beyond_gso_max_is_refused");
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_checksum(const char *dst, const char *own, bool is_capable, uint32_t len,
                          const char *name)
{
    static struct bench b;
    struct ip_info info = {.src = ip(own), .dst = ip(dst), .proto = IP_PROTO_UDP};
    uint32_t header = addr_is4(&info.dst) ? IP4_HEADER : IP6_HEADER;
    bool good, is_clean;

    bench_init(&b);
    if (is_capable)
        b.a.link.flags |= HF_LINK_CSUM;
    send_segment(&b, dst, IP_PROTO_UDP, 6, len, 0);
    if (len <= 1400) {
        bool is_partial = b.a.sent[0]->flags & HF_FRAME_CSUM_PARTIAL;

        hf_frame_trim_front(b.a.sent[0], header);
        good = is_partial == is_capable;
        if (is_partial)
            put16(b.a.sent[0]->head + 6, csum_finish(csum_frame(0, b.a.sent[0], 0)));
        good = good && ip_transport_csum_ok(b.a.sent[0], &info);
    } else {
        uint8_t whole[4000];
        uint32_t at = 0, skip = header + (header == IP6_HEADER ? IP6_FRAGMENT : 0);

        good = b.a.count > 1;
        for (unsigned i = 0; i < b.a.count; i++) {
            good = good && !(b.a.sent[i]->flags & HF_FRAME_CSUM_PARTIAL);
            hf_frame_read(b.a.sent[i], skip, whole + at, b.a.sent[i]->len - skip);
            at += b.a.sent[i]->len - skip;
        }
        good = good && at == len &&
               csum_finish(
                   csum_add(csum_pseudo(&info.src, &info.dst, IP_PROTO_UDP, len), whole, len)) == 0;
    }
    is_clean = bench_fini(&b);
    OK(good && is_clean, name);
}

static void test_loopback(const char *dst, const char *name)
{
    static struct bench b;

    bench_init(&b);
    EQ(net_deadline(&b.net), HF_TIME_NEVER, "idle_loopback_has_no_deadline");
    EQ(send_segment(&b, dst, IP_PROTO_UDP, 6, 30000, 0), 0, "sent_to_ourselves");
    OK(!b.got_count && net_deadline(&b.net) == 0, "waits_for_the_next_poll");
    net_poll(&b.net);
    OK(b.got_count == 1 && b.got[0]->len == 30000 && b.got[0]->flags & HF_FRAME_CSUM_OK &&
           b.got_ip[0].src_is_local && ip_transport_csum_ok(b.got[0], &b.got_ip[0]),
       name);
    OK(bench_fini(&b), "nothing_leaks");
}

/* What arrives is sent on at once: the poll that delivers it must not deliver the new one too. */
static void bounce(void *ctx, const struct ip_info *info, struct hf_frame *f)
{
    struct bench *b = ctx;

    hf_frame_free(f);
    b->errors++;
    bench_send(b, "127.0.0.1", 10, false);
}

static void test_no_recursion(void)
{
    static struct bench b;

    bench_init(&b);
    b.net.up[PROTO_TEST].input = bounce;
    bench_send(&b, "127.0.0.1", 10, false);
    net_poll(&b.net);
    EQ(b.errors, 1, "a_poll_handles_only_what_was_there_when_it_began");
    net_poll(&b.net);
    EQ(b.errors, 2, "the_next_handles_the_next");
    OK(bench_fini(&b), "nothing_leaks_with_frames_queued");
}

static void test_groups(void)
{
    static struct bench b;
    static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t group4[6] = {0x01, 0x00, 0x5e, 0x01, 0x02, 0x03};
    static const uint8_t group6[6] = {0x33, 0x33, 0, 0, 0x12, 0x34};
    static const struct {
        const char *name, *dst;
        const uint8_t *mac;
        bool comes_back;
    } rows[] = {
        {"broadcast_goes_to_all_and_to_us", "255.255.255.255", all, true},
        {"directed_broadcast_goes_to_all_and_to_us", "192.168.7.255", all, true},
        {"group_mac_RFC_1112_6.4", "239.129.2.3", group4, false},
        {"group_mac_v6_RFC_2464_7", "ff05::1234", group6, false},
    };

    bench_init(&b);
    net_detach(&b.net, &b.a.link);
    bench_route(&b, "0.0.0.0/0", "192.168.7.2", &b.b.link, HF_ROUTE_UNICAST);
    for (unsigned i = 0; i < HF_COUNT(rows); i++) {
        struct ether_header h;

        bench_send(&b, rows[i].dst, 30, false);
        net_poll(&b.net);
        OK(b.b.count == 1 && ether_header_read(b.b.sent[0], &h) &&
               memcmp(h.dst, rows[i].mac, 6) == 0 && b.got_count == (rows[i].comes_back ? 1 : 0),
           rows[i].name);
        bench_clear(&b);
    }
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_loopback_source(void)
{
    static struct bench b;
    struct ip_out out = {.dst = ip("fd00:2::9"), .src = ip("::1"), .proto = PROTO_TEST};

    bench_init(&b);
    if (bench_path(&b, "fd00:2::9", "::1", 0, 0, &out.path))
        abort();
    EQ(ip_output(&b.net, bench_frame(&b, "x", 1), &out), 0, "linux_lets_loopback_source_ask");
    EQ(b.a.count, 0, "but_it_never_leaves_RFC_4291_2.5.3");
    EQ(b.core.drops[HF_DROP_IP_MARTIAN_SRC], 1, "and_is_counted");
    path_put(out.path);
    OK(bench_fini(&b), "nothing_leaks");
}

int main(void)
{
    tap_begin(30);
    test_header();
    test_gso();
    test_checksum("10.0.2.9", "10.0.2.15", false, 99, "checksum_complete_v4");
    test_checksum("fd00:2::9", "fd00:2::15", false, 99, "checksum_complete_v6");
    test_checksum("10.0.2.9", "10.0.2.15", true, 99, "checksum_partial_v4");
    test_checksum("fd00:2::9", "fd00:2::15", true, 99, "checksum_partial_v6");
    test_checksum("10.0.2.9", "10.0.2.15", true, 3999, "partial_is_completed_before_cutting_v4");
    test_checksum("fd00:2::9", "fd00:2::15", true, 3999, "partial_is_completed_before_cutting_v6");
    test_loopback("127.0.0.1", "arrives_with_its_checksum_taken_for_good");
    test_loopback("::1", "arrives_with_its_checksum_taken_for_good_v6");
    test_loopback("10.0.2.15", "own_address_goes_by_loopback");
    test_no_recursion();
    test_groups();
    test_loopback_source();
    return tap_end();
}
