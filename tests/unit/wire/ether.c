/* Ethernet, ARP and neighbour discovery formats. RFC 826, RFC 1112 6.4, RFC 2464, RFC 4861 4. */
#include "wire/ether.h"

#include "host/env.h"
#include "tap.h"
#include "wire/arp.h"
#include "wire/icmp.h"
#include "wire/ndp.h"

static struct hf_frame_pool *pool;

static struct hf_frame *frame_of(const void *bytes, uint32_t len)
{
    struct hf_frame *f = hf_frame_new(pool);

    if (!f || !hf_frame_append(f, bytes, len))
        abort();
    return f;
}

static void test_ether(void)
{
    static const struct ether_header in = {{1, 2, 3, 4, 5, 6}, {7, 8, 9, 10, 11, 12}, 0x86dd};
    struct ether_header out;
    uint8_t bytes[ETHER_HEADER], mac[6], id[8];
    struct ip_addr group = ADDR4(239, 255, 2, 3);
    struct hf_frame *f;

    ether_header_write(&in, bytes);
    f = frame_of(bytes, sizeof(bytes));
    OK(ether_header_read(f, &out) && memcmp(&in, &out, sizeof(in)) == 0, "header_reads_back");
    hf_frame_trim_to(f, 13);
    OK(!ether_header_read(f, &out), "short_header_is_refused");
    hf_frame_free(f);
    ether_group_mac(&group, mac);
    OK(memcmp(mac, "\x01\x00\x5e\x7f\x02\x03", 6) == 0, "group_mac_takes_23_bits_RFC_1112_6.4");
    group = ADDR4(255, 255, 255, 255);
    ether_group_mac(&group, mac);
    OK(memcmp(mac, "\xff\xff\xff\xff\xff\xff", 6) == 0, "broadcast_mac");
    group = ndp_solicited_node(&ADDR_LOOPBACK6);
    ether_group_mac(&group, mac);
    OK(memcmp(mac, "\x33\x33\xff\x00\x00\x01", 6) == 0, "solicited_node_mac_RFC_2464_7");
    ether_eui64(in.src, id);
    OK(memcmp(id, "\x05\x08\x09\xff\xfe\x0a\x0b\x0c", 8) == 0, "interface_id_RFC_4291_A");
}

static void test_arp(void)
{
    struct arp_packet in = {.op = ARP_REPLY, .sender_mac = {1}, .target_mac = {2}}, out;
    uint8_t bytes[ARP_PACKET];
    struct hf_frame *f;
    unsigned taken = 0;

    in.sender = ADDR4(10, 0, 0, 1);
    in.target = ADDR4(10, 0, 0, 2);
    arp_write(&in, bytes);
    f = frame_of(bytes, sizeof(bytes));
    OK(arp_read(f, &out) && out.op == ARP_REPLY && addr_eq(&out.sender, &in.sender) &&
           addr_eq(&out.target, &in.target) && out.sender_mac[0] == 1 && out.target_mac[0] == 2,
       "arp_reads_back");
    hf_frame_free(f);
    for (unsigned i = 0; i < 6; i++) {
        bytes[i] ^= 0x10;
        f = frame_of(bytes, sizeof(bytes));
        taken += arp_read(f, &out);
        hf_frame_free(f);
        bytes[i] ^= 0x10;
    }
    EQ(taken, 0, "other_hardware_or_protocol_is_refused");
    f = frame_of(bytes, sizeof(bytes) - 1);
    OK(!arp_read(f, &out), "short_arp_is_refused");
    hf_frame_free(f);
}

static void test_ndp(void)
{
    static const struct {
        const char *name;
        uint8_t options[24];
        uint32_t len;
        bool good, has_mac;
    } rows[] = {
        {"no_options", {0}, 0, true, false},
        {"target_mac", {2, 1, 1, 2, 3, 4, 5, 6}, 8, true, true},
        {"source_mac_is_not_the_targets", {1, 1, 1, 2, 3, 4, 5, 6}, 8, true, false},
        {"unknown_option_is_skipped_RFC_4861_4.6", {99, 2, [16] = 2, 1, 1}, 24, true, true},
        {"option_of_length_0_RFC_4861_7.1.2", {2, 0}, 8, false, false},
        {"option_beyond_end", {2, 2}, 8, false, false},
        {"half_an_option", {2}, 1, false, false},
    };

    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ndp_message m = {.type = NDP_ADVERT, .is_solicited = true}, out;
        uint8_t bytes[NDP_MESSAGE_MAX];
        struct hf_frame *f;
        bool good;

        m.target = ADDR_LOOPBACK6;
        if (ndp_write(&m, bytes) != NDP_MESSAGE)
            abort();
        f = frame_of(bytes, NDP_MESSAGE);
        if (rows[i].len && !hf_frame_append(f, rows[i].options, rows[i].len))
            abort();
        good = ndp_read(f, &out);
        OK(good == rows[i].good && (!good || (out.has_mac == rows[i].has_mac && out.is_solicited &&
                                              !out.is_override && !out.is_router)),
           rows[i].name);
        hf_frame_free(f);
    }
}

static void test_icmp(void)
{
    struct icmp_header in = {.type = 3, .code = 4, .checksum = 0xabcd, .info = 1400}, out;
    uint8_t bytes[ICMP_HEADER];

    icmp_header_write(&in, bytes);
    icmp_header_read(bytes, &out);
    OK(out.type == 3 && out.code == 4 && out.checksum == 0xabcd && out.info == 1400,
       "icmp_reads_back");
    OK(icmp4_is_error(ICMP4_REDIRECT) && !icmp4_is_error(ICMP4_ECHO) &&
           icmp6_is_error(ICMP6_TOO_BIG) && !icmp6_is_error(ICMP6_ECHO),
       "errors_are_told_from_questions_RFC_4443_2.1");
}

int main(void)
{
    struct hf_env env = host_env();

    tap_begin(10);
    pool = hf_frame_pool_new(&env);
    test_ether();
    test_arp();
    test_ndp();
    test_icmp();
    hf_frame_pool_free(pool);
    return tap_end();
}
