/* What IP takes and what it refuses: RFC 1122 3.2.1, RFC 8200 4, martians; and what it answers. */
#include "net_test.h"

enum { BY_LO, BY_A, BY_B };

static const struct {
    const char *name, *src, *dst;
    int by;
    int drop; /* enum hf_drop, HF_DROP_COUNT: it comes up */
} addresses[] = {
    {"plain", "10.0.2.9", "10.0.2.15", BY_A, HF_DROP_COUNT},
    {"plain_v6", "fd00:2::9", "fd00:2::15", BY_A, HF_DROP_COUNT},
    {"address_of_another_link_RFC_1122_3.3.4.2", "10.0.2.9", "192.168.7.1", BY_A, HF_DROP_COUNT},
    {"another_hosts", "10.0.2.9", "10.0.2.16", BY_A, HF_DROP_IP_NOT_LOCAL},
    {"another_hosts_v6", "fd00:2::9", "fd00:2::16", BY_A, HF_DROP_IP_NOT_LOCAL},
    {"broadcast", "10.0.2.9", "255.255.255.255", BY_A, HF_DROP_COUNT},
    {"directed_broadcast", "10.0.2.9", "10.0.2.255", BY_A, HF_DROP_COUNT},
    {"all_hosts", "10.0.2.9", "224.0.0.1", BY_A, HF_DROP_COUNT},
    {"all_nodes", "fd00:2::9", "ff02::1", BY_A, HF_DROP_COUNT},
    {"solicited_node", "fd00:2::9", "ff02::1:ff00:15", BY_A, HF_DROP_COUNT},
    {"a_group_not_joined", "10.0.2.9", "224.0.0.9", BY_A, HF_DROP_IP_NOT_LOCAL},
    {"a_group_not_joined_v6", "fd00:2::9", "ff02::9", BY_A, HF_DROP_IP_NOT_LOCAL},
    /* RFC 9293 MUST-63 */
    {"from_group", "224.0.0.1", "10.0.2.15", BY_A, HF_DROP_IP_MARTIAN_SRC},
    {"from_group_v6", "ff02::1", "fd00:2::15", BY_A, HF_DROP_IP_MARTIAN_SRC},
    {"from_broadcast", "255.255.255.255", "10.0.2.15", BY_A, HF_DROP_IP_MARTIAN_SRC},
    {"from_directed_broadcast", "10.0.2.255", "10.0.2.15", BY_A, HF_DROP_IP_MARTIAN_SRC},
    {"from_ourselves_outside", "10.0.2.15", "10.0.2.15", BY_A, HF_DROP_IP_MARTIAN_SRC},
    {"from_ourselves_outside_v6", "fd00:2::15", "fd00:2::15", BY_A, HF_DROP_IP_MARTIAN_SRC},
    {"from_any", "0.0.0.0", "10.0.2.15", BY_A, HF_DROP_IP_MARTIAN_SRC},
    {"from_any_v6", "::", "fd00:2::15", BY_A, HF_DROP_IP_MARTIAN_SRC},
    {"from_loopback_outside", "127.0.0.1", "10.0.2.15", BY_A, HF_DROP_IP_MARTIAN_SRC},
    {"from_loopback_outside_v6", "::1", "fd00:2::15", BY_A, HF_DROP_IP_MARTIAN_SRC},
    {"to_loopback_outside", "10.0.2.9", "127.0.0.1", BY_A, HF_DROP_IP_MARTIAN_DST},
    {"to_loopback_outside_v6", "fd00:2::9", "::1", BY_A, HF_DROP_IP_MARTIAN_DST},
    {"to_any", "10.0.2.9", "0.0.0.0", BY_A, HF_DROP_IP_MARTIAN_DST},
    {"to_any_v6", "fd00:2::9", "::", BY_A, HF_DROP_IP_MARTIAN_DST},
    {"from_the_resolver_outside", "127.0.0.53", "10.0.2.15", BY_A, HF_DROP_COUNT},
    {"loopback_to_loopback", "127.0.0.1", "127.9.9.9", BY_LO, HF_DROP_COUNT},
    {"loopback_to_loopback_v6", "::1", "::1", BY_LO, HF_DROP_COUNT},
    {"local_to_loopback", "10.0.2.15", "127.0.0.1", BY_LO, HF_DROP_COUNT},
};

/* NetSem deliver_in_4, deliver_in_udp_3. */
static void test_addresses(void)
{
    for (unsigned i = 0; i < HF_COUNT(addresses); i++) {
        static struct bench b;
        struct packet p = {.src = addresses[i].src, .dst = addresses[i].dst, .len = 20};
        bool good;

        bench_init(&b);
        bench_route(&b, "127.0.0.53/32", NULL, &b.a.link, HF_ROUTE_UNLESS_BOUND);
        p.proto = PROTO_TEST;
        bench_arrive(&b, addresses[i].by == BY_LO ? b.net.lo : &b.a.link, &p);
        if (addresses[i].drop == HF_DROP_COUNT)
            good = b.got_count == 1 && bench_counts(b.got[0], 20);
        else
            good = !b.got_count && b.core.drops[addresses[i].drop] == 1;
        OK(good && bench_fini(&b), addresses[i].name);
    }
}

static void test_gateway(void)
{
    static struct bench b;
    struct packet p = {.src = "127.0.0.1", .dst = "127.0.0.53", .proto = PROTO_TEST, .len = 20};

    bench_init(&b);
    b.core.any_source = b.core.privileged = true;
    bench_route(&b, "0.0.0.0/0", NULL, NULL, HF_ROUTE_LOCAL);
    bench_route(&b, "::/0", NULL, NULL, HF_ROUTE_LOCAL);
    bench_arrive(&b, &b.a.link, &p);
    p.src = "fd00:99::1";
    p.dst = "2001:db8::1";
    bench_arrive(&b, &b.a.link, &p);
    EQ(b.got_count, 2, "gateway_takes_every_source_and_destination");
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_malformed(void)
{
    static struct bench b;
    static const struct packet v4 = {
        .src = "10.0.2.9", .dst = "10.0.2.15", .proto = PROTO_TEST, .len = 20};
    static const struct packet v6 = {
        .src = "fd00:2::9", .dst = "fd00:2::15", .proto = PROTO_TEST, .len = 20};
    static const struct {
        const char *name;
        bool is4;
        uint32_t cut; /* the frame's length, 0: all of it */
        uint32_t at;  /* a byte that is changed */
        uint8_t to;
        int drop;
    } rows[] = {
        {"empty", true, 1, 0, 0x45, HF_DROP_IP_SHORT},
        {"header_cut", true, 19, 0, 0x45, HF_DROP_IP_SHORT},
        {"payload_cut", true, 39, 0, 0x45, HF_DROP_IP_SHORT},
        {"header_length_4", true, 0, 0, 0x44, HF_DROP_IP_HEADER},
        {"header_longer_than_packet", true, 0, 0, 0x4f, HF_DROP_IP_HEADER},
        {"checksum_wrong", true, 0, 8, 63, HF_DROP_IP_CSUM},
        {"version_5", true, 0, 0, 0x55, HF_DROP_IP_VERSION},
        {"header_cut_v6", false, 39, 0, 0x60, HF_DROP_IP_SHORT},
        {"payload_cut_v6", false, 59, 0, 0x60, HF_DROP_IP_SHORT},
    };

    bench_init(&b);
    for (unsigned i = 0; i < HF_COUNT(rows); i++) {
        struct hf_frame *f = bench_packet(&b, rows[i].is4 ? &v4 : &v6);
        uint64_t before = b.core.drops[rows[i].drop];

        f->head[rows[i].at] = rows[i].to;
        if (rows[i].cut)
            hf_frame_trim_to(f, rows[i].cut);
        hf_link_input(&b.a.link, f);
        EQ(b.core.drops[rows[i].drop], before + 1, rows[i].name);
    }
    hf_link_input(&b.a.link, bench_frame(&b, "", 0));
    OK(bench_fini(&b), "nothing_leaks");
}

/* Extension headers between IPv6 and the transport, and what they bring about. RFC 8200 4 */
static void test_extensions(void)
{
    static struct bench b;
    static const struct {
        const char *name;
        uint8_t first; /* next header of the IPv6 header */
        uint8_t bytes[24];
        uint32_t len;
        int drop; /* HF_DROP_COUNT: it comes up */
        int code; /* of the parameter problem sent; -1: none */
        uint32_t pointer;
    } rows[] = {
        {"hop_by_hop_padding", 0, {PROTO_TEST, 0, 1, 4}, 8, HF_DROP_COUNT, -1, 0},
        {"destination_options_then_transport",
         60,
         {PROTO_TEST, 0, 0, 0, 1, 2},
         8,
         HF_DROP_COUNT,
         -1,
         0},
        {"option_to_skip", 0, {PROTO_TEST, 0, 0x1e, 4}, 8, HF_DROP_COUNT, -1, 0},
        {"option_to_discard", 0, {PROTO_TEST, 0, 0x5e, 4}, 8, HF_DROP_IP_OPTION, -1, 0},
        {"option_to_report", 0, {PROTO_TEST, 0, 0x9e, 4}, 8, HF_DROP_IP_OPTION, 2, 42},
        {"option_to_report_of_unicast",
         60,
         {PROTO_TEST, 0, 0, 0xde, 3},
         8,
         HF_DROP_IP_OPTION,
         2,
         43},
        {"option_beyond_end", 0, {PROTO_TEST, 0, 0x1e, 5}, 8, HF_DROP_IP_OPTION, -1, 0},
        {"hop_by_hop_not_first",
         60,
         {0, 0, 1, 4, 0, 0, 0, 0, PROTO_TEST, 0, 1, 4},
         16,
         HF_DROP_IP_OPTION,
         1,
         40},
        {"routing_type_0_RFC_5095", 43, {PROTO_TEST, 0, 0, 1}, 8, HF_DROP_IP_OPTION, 0, 42},
        {"routing_with_segments_left", 43, {PROTO_TEST, 0, 9, 1}, 8, HF_DROP_IP_OPTION, 0, 42},
        {"routing_done", 43, {PROTO_TEST, 0, 9, 0}, 8, HF_DROP_COUNT, -1, 0},
        {"atomic_fragment_RFC_6946",
         44,
         {PROTO_TEST, 0, 0, 0, 1, 2, 3, 4},
         8,
         HF_DROP_COUNT,
         -1,
         0},
        {"no_such_protocol", 60, {200, 0, 1, 4}, 8, HF_DROP_IP_PROTO, 1, 40},
        {"nothing_follows", 60, {59, 0, 1, 4}, 8, HF_DROP_IP_PROTO, -1, 0},
        {"header_beyond_end", 60, {PROTO_TEST, 9, 1, 4}, 8, HF_DROP_IP_HEADER, -1, 0},
    };

    bench_init(&b);
    for (unsigned i = 0; i < HF_COUNT(rows); i++) {
        struct packet p = {.src = "fd00:2::9", .dst = "fd00:2::15", .payload = rows[i].bytes};
        uint8_t bytes[ICMP_HEADER];
        struct icmp_header h;
        uint64_t before = rows[i].drop < HF_DROP_COUNT ? b.core.drops[rows[i].drop] : 0;
        bool good;

        p.proto = rows[i].first;
        p.len = rows[i].len;
        bench_arrive(&b, &b.a.link, &p);
        if (rows[i].drop == HF_DROP_COUNT)
            good = b.got_count == 1 && b.got[0]->len == 0 && !b.a.count;
        else
            good = !b.got_count && b.core.drops[rows[i].drop] == before + 1 &&
                   b.a.count == (rows[i].code < 0 ? 0 : 1);
        if (good && rows[i].code >= 0) {
            hf_frame_read(b.a.sent[0], IP6_HEADER, bytes, sizeof(bytes));
            icmp_header_read(bytes, &h);
            good = h.type == ICMP6_PARAMETER && h.code == rows[i].code && h.info == rows[i].pointer;
        }
        OK(good, rows[i].name);
        bench_clear(&b);
    }
    OK(bench_fini(&b), "nothing_leaks");
}

/* RFC 9293 MUST-50 */
static void test_options4(void)
{
    static struct bench b;
    static const struct {
        const char *name;
        uint8_t options[4];
        int drop;
        unsigned sent;
    } rows[] = {
        {"no_operation_and_end", {1, 0, 9, 9}, HF_DROP_COUNT, 0},
        {"unknown_option_is_skipped", {0x5e, 4, 0, 0}, HF_DROP_COUNT, 0},
        {"loose_source_route_is_refused", {131, 3, 4, 0}, HF_DROP_IP_OPTION, 1},
        {"strict_source_route_is_refused", {137, 3, 4, 0}, HF_DROP_IP_OPTION, 1},
        {"option_of_length_1", {0x5e, 1, 0, 0}, HF_DROP_IP_OPTION, 0},
        {"option_beyond_end", {0x5e, 5, 0, 0}, HF_DROP_IP_OPTION, 0},
    };

    bench_init(&b);
    for (unsigned i = 0; i < HF_COUNT(rows); i++) {
        struct packet p = {.src = "10.0.2.9", .dst = "10.0.2.15", .proto = PROTO_TEST, .len = 12};
        struct hf_frame *f = bench_packet(&b, &p);
        uint8_t bytes[32];
        uint64_t before = rows[i].drop < HF_DROP_COUNT ? b.core.drops[rows[i].drop] : 0;

        hf_frame_read(f, 0, bytes, sizeof(bytes));
        hf_frame_free(f);
        bytes[0] = 0x46;
        memcpy(bytes + 20, rows[i].options, 4);
        put16(bytes + 10, 0);
        put16(bytes + 10, csum_finish(csum_add(0, bytes, 24)));
        hf_link_input(&b.a.link, bench_frame(&b, bytes, sizeof(bytes)));
        OK(b.a.count == rows[i].sent &&
               (rows[i].drop == HF_DROP_COUNT ? b.got_count == 1 && b.got[0]->len == 8
                                              : b.core.drops[rows[i].drop] == before + 1),
           rows[i].name);
        bench_clear(&b);
    }
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_trailer(void)
{
    static struct bench b;
    struct packet p = {.src = "10.0.2.9", .dst = "10.0.2.15", .proto = PROTO_TEST, .len = 20};
    struct hf_frame *f;

    bench_init(&b);
    f = bench_packet(&b, &p);
    if (!hf_frame_append(f, "padding of a short Ethernet frame", 26))
        abort();
    hf_link_input(&b.a.link, f);
    OK(b.got_count == 1 && bench_counts(b.got[0], 20), "trailing_bytes_are_cut_off");
    OK(b.got[0]->room + b.got[0]->net_off == b.got[0]->head - 20, "ip_header_stays_before_head");
    OK(b.got_ip[0].link == &b.a.link && b.got_ip[0].dst_is_unicast && !b.got_ip[0].src_is_local,
       "info_tells_link_and_kind");
    OK(bench_fini(&b), "nothing_leaks");
}

int main(void)
{
    tap_begin(30);
    test_addresses();
    test_gateway();
    test_malformed();
    test_extensions();
    test_options4();
    test_trailer();
    return tap_end();
}
