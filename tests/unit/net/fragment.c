/* Fragments out and in: RFC 791 3.2, RFC 8200 4.5, RFC 5722, RFC 6946. */
#include "net_test.h"

#define MORE true
#define LAST false

struct piece {
    uint32_t offset, len;
    bool more;
};

static const struct {
    const char *name;
    struct piece pieces[6];
    uint32_t whole; /* bytes of the datagram; 0: none comes */
} rows[] = {
    {"in_order", {{0, 16, MORE}, {16, 16, MORE}, {32, 5, LAST}}, 37},
    {"in_reverse", {{32, 5, LAST}, {16, 16, MORE}, {0, 16, MORE}}, 37},
    {"middle_last", {{0, 16, MORE}, {32, 5, LAST}, {16, 16, MORE}}, 37},
    {"twin_is_ignored", {{0, 16, MORE}, {0, 16, MORE}, {16, 8, LAST}}, 24},
    {"first_missing", {{16, 16, MORE}, {32, 5, LAST}}, 0},
    {"last_missing", {{0, 16, MORE}, {16, 16, MORE}}, 0},
    {"overlap_kills_RFC_5722", {{0, 16, MORE}, {8, 16, MORE}, {16, 8, LAST}}, 0},
    {"overlap_from_behind_kills", {{16, 16, MORE}, {8, 16, MORE}, {0, 16, MORE}, {32, 1, LAST}}, 0},
    {"the_killed_stays_dead",
     {{0, 16, MORE}, {8, 16, MORE}, {0, 16, MORE}, {16, 8, MORE}, {24, 8, LAST}},
     0},
    {"beyond_the_end_kills", {{16, 8, LAST}, {24, 8, MORE}, {0, 16, MORE}}, 0},
    {"two_ends_kill", {{16, 8, LAST}, {24, 8, LAST}, {0, 16, MORE}}, 0},
    {"not_a_multiple_of_8", {{0, 15, MORE}, {15, 5, LAST}}, 0},
    {"empty_piece", {{0, 0, MORE}, {0, 16, MORE}, {16, 1, LAST}}, 17},
    {"longest", {{0, 65000, MORE}, {65000, 515, LAST}}, 65515},
    {"too_long", {{0, 65000, MORE}, {65000, 536, LAST}}, 0},
};

static void test_rows(const char *src, const char *dst, const char *family)
{
    for (unsigned i = 0; i < HF_COUNT(rows); i++) {
        static struct bench b;
        char name[128];
        bool good;

        bench_init(&b);
        for (unsigned n = 0; n < 6; n++) {
            const struct piece *at = &rows[i].pieces[n];
            struct packet p = {.src = src, .dst = dst, .proto = PROTO_TEST, .id = 7};

            p.offset = at->offset;
            p.len = at->len;
            p.more = at->more;
            if (at->len || at->more)
                bench_arrive(&b, &b.a.link, &p);
        }
        good = b.got_count == (rows[i].whole ? 1 : 0);
        if (good && rows[i].whole)
            good = bench_counts(b.got[0], rows[i].whole) &&
                   b.got[0]->head > b.got[0]->room + b.got[0]->net_off;
        snprintf(name, sizeof(name), "%s_%s", rows[i].name, family);
        OK(good && bench_fini(&b), name);
    }
}

static void test_timeout(const char *src, const char *dst, hf_time after, uint8_t type)
{
    static struct bench b;
    struct packet p = {.src = src, .dst = dst, .proto = PROTO_TEST, .len = 16, .more = true};
    struct icmp_header h;
    uint8_t bytes[ICMP_HEADER];

    bench_init(&b);
    p.id = 1;
    bench_arrive(&b, &b.a.link, &p);
    p.id = 2;
    p.offset = 16;
    bench_arrive(&b, &b.a.link, &p);
    bench_advance(&b, after - HF_S);
    EQ(b.core.drops[HF_DROP_FRAG_TIMEOUT], 0, "fragments_wait");
    bench_advance(&b, 2 * HF_S);
    EQ(b.core.drops[HF_DROP_FRAG_TIMEOUT], 2, "fragments_time_out");
    EQ(b.a.count, 1, "only_a_first_fragment_is_reported");
    hf_frame_read(b.a.sent[0], type == ICMP4_TIME_EXCEEDED ? 20 : 40, bytes, ICMP_HEADER);
    icmp_header_read(bytes, &h);
    OK(h.type == type && h.code == 1, "as_reassembly_time_exceeded");
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_limits(void)
{
    static struct bench b;
    struct packet p = {.dst = "10.0.2.15", .proto = PROTO_TEST, .len = 1400, .more = true};
    uint64_t before;

    bench_init(&b);
    before = b.allocated;
    p.src = "10.0.2.7";
    p.id = 1;
    bench_arrive(&b, &b.a.link, &p);
    p.src = "10.0.2.8";
    for (unsigned i = 0; i < 20000; i++) {
        p.id = (uint16_t)i;
        bench_arrive(&b, &b.a.link, &p);
    }
    OK(b.allocated - before < 4 << 20, "a_flood_from_one_source_takes_its_share_only");
    OK(b.core.drops[HF_DROP_FRAG_LIMIT] > 19000, "its_oldest_are_dropped_with_reason");
    p.src = "10.0.2.7";
    p.id = 1;
    p.offset = 1400;
    p.more = false;
    bench_arrive(&b, &b.a.link, &p);
    OK(b.got_count == 1 && bench_counts(b.got[0], 2800), "another_source_is_not_hurt");
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_many_pieces(void)
{
    static struct bench b;
    struct packet p = {.src = "fd00:2::9", .dst = "fd00:2::15", .proto = PROTO_TEST};

    bench_init(&b);
    p.len = 8;
    p.more = true;
    for (unsigned i = 0; i < 1000; i++) {
        p.offset = i * 16;
        bench_arrive(&b, &b.a.link, &p);
    }
    EQ(b.core.drops[HF_DROP_FRAG_BAD], 1000 - 128, "pieces_of_one_datagram_are_bounded");
    OK(bench_fini(&b), "nothing_leaks");
}

/* What one stack cuts another puts together: the pieces go from link a back in, addresses swapped.
 */
static void test_round_trip(const char *dst, uint32_t len, const char *name)
{
    static struct bench from, to;
    struct path *p;

    bench_init(&from);
    bench_init(&to);
    to.core.any_source = true;
    bench_route(&to, "10.0.2.9/32", NULL, NULL, HF_ROUTE_LOCAL);
    bench_route(&to, "fd00:2::9/128", NULL, NULL, HF_ROUTE_LOCAL);
    EQ(bench_send(&from, dst, len, true), len > 1480 ? -HF_EMSGSIZE : 0,
       "dont_fragment_is_EMSGSIZE");
    bench_clear(&from);
    if (bench_path(&from, dst, NULL, 0, 0, &p))
        abort();
    path_lower_mtu(p, 1300);
    EQ(bench_send(&from, dst, len, false), 0, "sent");
    path_put(p);
    for (unsigned i = 0; i < from.a.count; i++) {
        struct hf_frame *f = from.a.sent[i];
        static uint8_t bytes[1500];

        if (f->len > 1300)
            abort();
        hf_frame_read(f, 0, bytes, f->len);
        hf_link_input(&to.a.link, bench_frame(&to, bytes, f->len));
    }
    OK(to.got_count == 1 && bench_counts(to.got[0], len), name);
    OK(bench_fini(&from) && bench_fini(&to), "nothing_leaks");
}

static void test_memory(void)
{
    static struct bench b;
    struct packet p = {.src = "10.0.2.9", .dst = "10.0.2.15", .proto = PROTO_TEST};
    bool is_intact = true;
    unsigned n = 0;

    bench_init(&b);
    for (bool done = false; !done && n < 50; n++) {
        struct hf_frame *f;

        p.id = (uint16_t)n;
        p.offset = 0;
        p.len = 40000;
        p.more = true;
        bench_arrive(&b, &b.a.link, &p);
        p.offset = 40000;
        p.len = 20000;
        p.more = false;
        f = bench_packet(&b, &p);
        hf_frame_pool_trim(b.core.pool);
        b.fail_at = n;
        hf_link_input(&b.a.link, f);
        done = b.fail_at >= 0;
        b.fail_at = -1;
        is_intact = is_intact && (!b.got_count || bench_counts(b.got[0], 60000));
        bench_clear(&b);
    }
    OK(n > 1 && is_intact, "failed_allocation_loses_the_datagram_or_nothing");
    OK(bench_fini(&b), "nothing_leaks");
}

int main(void)
{
    tap_begin(60);
    test_rows("10.0.2.9", "10.0.2.15", "v4");
    test_rows("fd00:2::9", "fd00:2::15", "v6");
    test_timeout("10.0.2.9", "10.0.2.15", 30 * HF_S, ICMP4_TIME_EXCEEDED);
    test_timeout("fd00:2::9", "fd00:2::15", 60 * HF_S, ICMP6_TIME_EXCEEDED);
    test_limits();
    test_many_pieces();
    test_round_trip("10.0.2.9", 65507, "largest_datagram_survives_v4");
    test_round_trip("fd00:2::9", 65527, "largest_datagram_survives_v6");
    test_round_trip("10.0.2.9", 1400, "two_pieces_v4");
    test_round_trip("fd00:2::9", 1400, "two_pieces_v6");
    test_memory();
    return tap_end();
}
