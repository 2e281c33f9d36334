/* IPv4 and IPv6 headers: what is written reads the same, what lies is refused. */
#include "tap.h"

#include "host/env.h"
#include "wire/bytes.h"
#include "wire/ip6.h"

static struct hf_frame_pool *pool;

static struct hf_frame *frame_of(const void *bytes, uint32_t len)
{
    struct hf_frame *f = hf_frame_new(pool);

    if (!f || !hf_frame_append(f, bytes, len))
        abort();
    return f;
}

static void test_round_trip4(void)
{
    struct ip4_header in = {.src = ADDR4(10, 0, 2, 15), .dst = ADDR4(99, 1, 2, 3)}, out;
    uint8_t bytes[2000] = {0};
    struct hf_frame *f;

    in.total_bytes = 1999;
    in.id = 0xbeef;
    in.frag_off = 1480;
    in.more = in.dont_fragment = true;
    in.tos = 3;
    in.ttl = 9;
    in.proto = IP_PROTO_TCP;
    ip4_header_write(&in, bytes);
    f = frame_of(bytes, sizeof(bytes));
    EQ(ip4_header_read(f, &out), IP4_OK, "header_reads_back");
    OK(addr_eq(&in.src, &out.src) && addr_eq(&in.dst, &out.dst) && out.total_bytes == 1999 &&
           out.id == 0xbeef && out.frag_off == 1480 && out.more && out.dont_fragment &&
           out.tos == 3 && out.ttl == 9 && out.proto == IP_PROTO_TCP && out.header_bytes == 20,
       "with_the_same_fields");
    hf_frame_free(f);
    for (unsigned len = 0; len < 20; len++) {
        if (ip4_quoted_read(bytes, len, &out))
            OK(false, "cut_quote_is_refused");
    }
    OK(ip4_quoted_read(bytes, 20, &out), "quoted_header_needs_no_payload");
}

static void test_round_trip6(void)
{
    struct ip6_header in = {.flow_label = 0xabcde}, out;
    struct ip6_fragment frag = {.id = 0x12345678, .offset = 65528, .more = true}, frag_out;
    uint8_t bytes[140] = {0};
    struct hf_frame *f;

    in.src = ADDR_LOOPBACK6;
    in.dst.b[0] = 0xfd;
    in.payload_bytes = 100;
    in.traffic_class = 0xb9;
    in.next_header = IP_PROTO_UDP;
    in.hop_limit = 255;
    ip6_header_write(&in, bytes);
    f = frame_of(bytes, sizeof(bytes));
    OK(ip6_header_read(f, &out) && addr_eq(&in.src, &out.src) && addr_eq(&in.dst, &out.dst) &&
           out.payload_bytes == 100 && out.traffic_class == 0xb9 && out.hop_limit == 255 &&
           out.flow_label == 0xabcde && out.next_header == IP_PROTO_UDP,
       "header_reads_back_v6");
    hf_frame_trim_to(f, 139);
    OK(!ip6_header_read(f, &out), "payload_that_is_not_there_is_refused");
    hf_frame_free(f);
    frag.next_header = IP_PROTO_TCP;
    ip6_fragment_write(&frag, bytes);
    ip6_fragment_read(bytes, &frag_out);
    OK(frag_out.id == frag.id && frag_out.offset == 65528 && frag_out.more &&
           frag_out.next_header == IP_PROTO_TCP,
       "fragment_header_reads_back");
}

static void test_quoted_skip(void)
{
    static const struct {
        const char *name;
        uint8_t proto;
        uint8_t bytes[24];
        uint32_t len;
        int32_t want;
        uint8_t transport;
    } rows[] = {
        {"transport_at_once", 6, {0}, 8, 0, 6},
        {"hop_by_hop_then_tcp", 0, {6, 0}, 16, 8, 6},
        {"long_options", 60, {17, 1}, 24, 16, 17},
        {"first_fragment", 44, {6, 0, 0, 1}, 16, 8, 6},
        {"later_fragment", 44, {6, 0, 0, 9}, 16, -1, 0},
        {"options_cut", 60, {17, 1}, 15, -1, 0},
        {"nothing_there", 60, {0}, 1, -1, 0},
        {"chain", 0, {43, 0, 0, 0, 0, 0, 0, 0, 58, 0}, 24, 16, 58},
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t proto = rows[i].proto;
        int32_t got = ip6_quoted_skip(rows[i].bytes, rows[i].len, &proto);

        OK(got == rows[i].want && (got < 0 || proto == rows[i].transport), rows[i].name);
    }
}

int main(void)
{
    struct hf_env env = host_env();

    tap_begin(10);
    pool = hf_frame_pool_new(&env);
    test_round_trip4();
    test_round_trip6();
    test_quoted_skip();
    hf_frame_pool_free(pool);
    return tap_end();
}
