/* Links come and go, frames find their protocol, and no bytes whatever do harm. */
#include "net_test.h"

static void test_links(void)
{
    static struct bench b;
    static struct bench_link more[NET_LINKS + 1];
    unsigned attached = 3; /* lo and the bench's two */
    int err = 0;

    bench_init(&b);
    OK(net_link_by_name(&b.net, "lo") == b.net.lo && net_link_by_name(&b.net, "b0") == &b.b.link,
       "links_are_found_by_name");
    OK(!net_link_by_name(&b.net, "b"), "and_not_by_part_of_it");
    bench_link_init(&more[0], "a0", 0);
    EQ(net_attach(&b.net, &more[0].link), -HF_EEXIST, "a_name_is_taken_once");
    bench_link_init(&more[0], "x", 0);
    more[0].link.mtu = 67;
    EQ(net_attach(&b.net, &more[0].link), -HF_EINVAL, "mtu_below_68_RFC_791");
    more[0].link.mtu = 65536;
    EQ(net_attach(&b.net, &more[0].link), -HF_EINVAL, "mtu_beyond_a_packet");
    for (unsigned i = 0; !err && i < HF_COUNT(more); i++) {
        char name[2] = {(char)('A' + i), 0};

        bench_link_init(&more[i], name, 0);
        err = net_attach(&b.net, &more[i].link);
        attached += !err;
    }
    OK(err == -HF_ENOSPC && attached == NET_LINKS, "links_are_bounded");
    net_detach(&b.net, &b.a.link);
    EQ(net_attach(&b.net, &b.a.link), 0, "a_detached_link_comes_back");
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_ethernet(void)
{
    static const struct {
        const char *name;
        uint8_t dst[6], src[6];
        uint16_t type;
        int drop; /* HF_DROP_COUNT: it comes up */
        bool is_bcast;
    } rows[] = {
        {"to_our_mac", {2, 0, 0, 0, 0, 1}, {2, 9}, ETHER_IP4, HF_DROP_COUNT, false},
        {"to_all", {255, 255, 255, 255, 255, 255}, {2, 9}, ETHER_IP4, HF_DROP_COUNT, true},
        {"to_another_mac", {2, 0, 0, 0, 0, 2}, {2, 9}, ETHER_IP4, HF_DROP_ETH_NOT_OURS, false},
        {"from_a_group", {2, 0, 0, 0, 0, 1}, {3, 9}, ETHER_IP4, HF_DROP_ETH_SHORT, false},
        {"unknown_type", {2, 0, 0, 0, 0, 1}, {2, 9}, 0x1234, HF_DROP_ETH_TYPE, false},
        {"v4_said_to_be_v6", {2, 0, 0, 0, 0, 1}, {2, 9}, ETHER_IP6, HF_DROP_IP_SHORT, false},
        {"ip_said_to_be_arp", {2, 0, 0, 0, 0, 1}, {2, 9}, ETHER_ARP, HF_DROP_ARP_BAD, false},
    };

    for (unsigned i = 0; i < HF_COUNT(rows); i++) {
        static struct bench b;
        struct packet p = {.src = "192.168.7.9", .dst = "192.168.7.1", .proto = PROTO_TEST};
        struct ether_header h = {.type = rows[i].type};
        struct hf_frame *f;
        bool good;

        bench_init(&b);
        p.len = 18;
        f = bench_packet(&b, &p);
        memcpy(h.dst, rows[i].dst, 6);
        memcpy(h.src, rows[i].src, 6);
        ether_header_write(&h, hf_frame_push(f, ETHER_HEADER));
        hf_link_input(&b.b.link, f);
        if (rows[i].drop == HF_DROP_COUNT)
            good =
                b.got_count == 1 && !!(b.got[0]->flags & HF_FRAME_LINK_BCAST) == rows[i].is_bcast;
        else
            good = b.core.drops[rows[i].drop] == 1;
        good = bench_fini(&b) && good;
        OK(good, rows[i].name);
    }
}

/* Packets that are nearly right, and Ethernet frames likewise, with a few bytes changed, cut
 * anywhere. */
static void test_hostile(void)
{
    static struct bench b;
    static const struct packet seeds[] = {
        {.src = "10.0.2.9", .dst = "10.0.2.15", .proto = PROTO_TEST, .len = 64},
        {.src = "10.0.2.9", .dst = "10.0.2.15", .proto = IP_PROTO_ICMP, .len = 64},
        {.src = "10.0.2.9", .dst = "10.0.2.15", .proto = PROTO_TEST, .len = 64, .more = true},
        {.src = "fd00:2::9", .dst = "fd00:2::15", .proto = IP_PROTO_ICMPV6, .len = 64},
        {.src = "fd00:2::9", .dst = "fd00:2::15", .proto = IP_PROTO_DSTOPTS, .len = 64},
        {.src = "fd00:2::9", .dst = "fd00:2::15", .proto = PROTO_TEST, .len = 64, .more = true},
        {.src = "fd00:7::9", .dst = "fd00:7::1", .proto = IP_PROTO_ICMPV6, .len = 32, .ttl = 255},
    };

    bench_init(&b);
    for (unsigned i = 0; i < 60000; i++) {
        struct hf_frame *f = bench_packet(&b, &seeds[i % HF_COUNT(seeds)]);
        uint8_t dice[8];

        bench_random(&b, dice, sizeof(dice));
        for (unsigned n = 0; n < dice[0] % 5u; n++) {
            bench_random(&b, dice + 1, 2);
            f->head[dice[1] % (n < 2 ? 64 : 20)] = dice[2];
        }
        if (f->head[0] >> 4 == 4 && dice[3] & 1) { /* a good checksum takes it further */
            put16(f->head + 10, 0);
            put16(f->head + 10, csum_finish(csum_add(0, f->head, (f->head[0] & 15) * 4u)));
        }
        if (dice[4] < 32)
            hf_frame_trim_to(f, dice[5] % f->len);
        f->flags = dice[6] & 1 ? HF_FRAME_CSUM_OK : 0;
        if (dice[7] & 1) {
            struct ether_header h = {{2, 0, 0, 0, 0, 1}, {2, 9}, 0};

            h.type = f->len && f->head[0] >> 4 == 6 ? ETHER_IP6
                     : dice[5] & 1                  ? ETHER_IP4
                                                    : ETHER_ARP;
            ether_header_write(&h, hf_frame_push(f, ETHER_HEADER));
            hf_link_input(&b.b.link, f);
        } else {
            hf_link_input(&b.a.link, f);
        }
        net_poll(&b.net);
        if (i % 16 == 0)
            bench_advance(&b, 100 * HF_MS);
        bench_clear(&b);
    }
    OK(bench_fini(&b), "no_bytes_do_harm_and_nothing_leaks");
}

int main(void)
{
    tap_begin(60);
    test_links();
    test_ethernet();
    test_hostile();
    return tap_end();
}
