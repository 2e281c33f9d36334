/* The neighbour cache on an Ethernet link: RFC 826, RFC 4861 7, RFC 1122 2.3.2. */
#include "net_test.h"

#include "wire/arp.h"

static const uint8_t peer_mac[6] = {0x02, 0, 0, 0, 0, 0x99};
static const uint8_t evil_mac[6] = {0x02, 0, 0, 0, 0, 0x66};

/* Both families run the same story. */
struct family {
    const char *name, *peer, *own;
    bool is4;
};

static const struct family families[] = {
    {"v4", "192.168.7.9", "192.168.7.1", true},
    {"v6", "fd00:7::9", "fd00:7::1", false},
};

static const char *named(const char *what, const struct family *fam)
{
    static char name[128];

    snprintf(name, sizeof(name), "%s_%s", what, fam->name);
    return name;
}

static void ether_arrive(struct bench *b, const uint8_t dst[6], const uint8_t src[6], uint16_t type,
                         const void *bytes, uint32_t len)
{
    struct ether_header h = {.type = type};
    struct hf_frame *f = bench_frame(b, bytes, len);

    memcpy(h.dst, dst, 6);
    memcpy(h.src, src, 6);
    ether_header_write(&h, hf_frame_push(f, ETHER_HEADER));
    hf_link_input(&b->b.link, f);
}

/* A neighbour discovery message arrives. */
static void ndp_arrive(struct bench *b, const char *src, const char *dst, const uint8_t mac[6],
                       const struct ndp_message *m, uint8_t hop_limit)
{
    uint8_t bytes[NDP_MESSAGE_MAX];
    uint32_t len = ndp_write(m, bytes);
    struct ip_addr s = ip(src), d = ip(dst);
    struct packet p = {.src = src, .dst = dst, .proto = IP_PROTO_ICMPV6, .len = len};
    struct hf_frame *f;
    struct ether_header h = {.type = ETHER_IP6};

    put16(bytes + 2, csum_finish(csum_add(csum_pseudo(&s, &d, IP_PROTO_ICMPV6, len), bytes, len)));
    p.payload = bytes;
    p.ttl = hop_limit;
    f = bench_packet(b, &p);
    memcpy(h.dst, b->b.link.mac, 6);
    if (addr_is_multicast(&d))
        ether_group_mac(&d, h.dst);
    memcpy(h.src, mac, 6);
    ether_header_write(&h, hf_frame_push(f, ETHER_HEADER));
    hf_link_input(&b->b.link, f);
}

/* peer answers, or announces itself, at mac. */
static void claim(struct bench *b, const struct family *fam, const uint8_t mac[6], bool is_answer)
{
    if (fam->is4) {
        struct arp_packet p = {.op = ARP_REPLY, .sender = ip(fam->peer), .target = ip(fam->own)};
        uint8_t bytes[ARP_PACKET];

        if (!is_answer)
            p.target = p.sender;
        memcpy(p.sender_mac, mac, 6);
        arp_write(&p, bytes);
        ether_arrive(b, b->b.link.mac, mac, ETHER_ARP, bytes, sizeof(bytes));
    } else {
        struct ndp_message m = {.type = NDP_ADVERT, .is_override = true, .has_mac = true};

        m.is_solicited = is_answer;
        m.target = ip(fam->peer);
        memcpy(m.mac, mac, 6);
        ndp_arrive(b, fam->peer, is_answer ? fam->own : "ff02::1", mac, &m, 255);
    }
}

/* The newest frame sent on b is a question for the peer, to everybody's or the given MAC. */
static bool asked(struct bench *b, const struct family *fam, const uint8_t *mac)
{
    struct ip_addr peer = ip(fam->peer), group = ndp_solicited_node(&peer);
    struct ether_header h;
    uint8_t want[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct hf_frame *f;

    if (!b->b.count)
        return false;
    f = b->b.sent[b->b.count - 1];
    if (!fam->is4)
        ether_group_mac(&group, want);
    return ether_header_read(f, &h) && memcmp(h.dst, mac ? mac : want, 6) == 0 &&
           h.type == (fam->is4 ? ETHER_ARP : ETHER_IP6);
}

/* The newest frame sent on b is an IP packet to mac. */
static bool sent_to(struct bench *b, const struct family *fam, const uint8_t mac[6])
{
    struct ether_header h;

    if (!b->b.count)
        return false;
    return ether_header_read(b->b.sent[b->b.count - 1], &h) && memcmp(h.dst, mac, 6) == 0 &&
           h.type == (fam->is4 ? ETHER_IP4 : ETHER_IP6);
}

static int state_of(struct bench *b, const struct family *fam)
{
    struct ip_addr peer = ip(fam->peer);
    const struct neighbour *n = neighbour_find(&b->net, &b->b.link, &peer);

    return n ? n->state : -1;
}

static void test_resolution(const struct family *fam)
{
    static struct bench b;

    bench_init(&b);
    bench_send(&b, fam->peer, 40, false);
    OK(b.b.count == 1 && asked(&b, fam, NULL), named("first_packet_waits_and_asks", fam));
    bench_send(&b, fam->peer, 41, false);
    EQ(b.b.count, 1, named("second_packet_waits_without_asking_again", fam));
    claim(&b, fam, peer_mac, true);
    EQ(b.b.count, 3, named("answer_releases_both_in_order", fam));
    OK(b.b.count == 3 && b.b.sent[1]->len + 1 == b.b.sent[2]->len, named("order_is_kept", fam));
    OK(sent_to(&b, fam, peer_mac), named("packets_go_to_the_learned_mac", fam));
    EQ(state_of(&b, fam), NEIGH_REACHABLE, named("answer_makes_reachable", fam));
    bench_clear(&b);

    bench_advance(&b, 60 * HF_S);
    bench_send(&b, fam->peer, 40, false);
    OK(b.b.count == 1 && sent_to(&b, fam, peer_mac), named("stale_neighbour_is_used", fam));
    EQ(state_of(&b, fam), NEIGH_DELAY, named("use_of_stale_begins_delay_RFC_4861_7.3.3", fam));
    bench_clear(&b);
    bench_advance(&b, 5 * HF_S + HF_MS);
    OK(b.b.count == 1 && asked(&b, fam, peer_mac), named("unconfirmed_is_probed_by_unicast", fam));
    claim(&b, fam, peer_mac, true);
    EQ(state_of(&b, fam), NEIGH_REACHABLE, named("probe_answered_is_reachable", fam));
    OK(bench_fini(&b), named("nothing_leaks", fam));
}

static void test_failure(const struct family *fam)
{
    static struct bench b;

    bench_init(&b);
    bench_send(&b, fam->peer, 40, false);
    bench_send(&b, fam->peer, 40, false);
    for (unsigned i = 0; i < 3; i++)
        bench_advance(&b, HF_S + HF_MS);
    EQ(b.b.count, 3, named("three_questions_are_asked", fam));
    EQ(b.errors, 2, named("silence_is_reported_for_each_packet", fam));
    EQ(b.error.kind, ICMP_ERR_HOST_UNREACH, named("silence_is_host_unreachable", fam));
    EQ(b.error.quoted_len >= 8, true, named("the_packet_is_quoted", fam));
    EQ(b.core.drops[HF_DROP_NEIGH_FAILED], 2, named("packets_are_dropped_with_reason", fam));
    bench_clear(&b);
    bench_send(&b, fam->peer, 40, false);
    OK(b.b.count == 1 && asked(&b, fam, NULL), named("next_packet_asks_anew", fam));
    net_detach(&b.net, &b.b.link);
    OK(bench_fini(&b), named("nothing_leaks_with_packets_waiting", fam));
}

static void test_poisoning(const struct family *fam)
{
    static struct bench b;

    bench_init(&b);
    claim(&b, fam, evil_mac, false);
    EQ(state_of(&b, fam), -1, named("announcement_makes_no_entry", fam));
    claim(&b, fam, evil_mac, true);
    EQ(state_of(&b, fam), -1, named("unasked_answer_makes_no_entry", fam));
    bench_send(&b, fam->peer, 40, false);
    claim(&b, fam, peer_mac, true);
    bench_clear(&b);
    claim(&b, fam, evil_mac, true);
    OK(state_of(&b, fam) == NEIGH_PROBE && asked(&b, fam, peer_mac),
       named("contradiction_asks_the_known_mac", fam));
    claim(&b, fam, evil_mac, true);
    bench_send(&b, fam->peer, 40, false);
    OK(sent_to(&b, fam, peer_mac), named("contradiction_is_not_believed", fam));
    claim(&b, fam, peer_mac, true);
    EQ(state_of(&b, fam), NEIGH_REACHABLE, named("known_mac_confirms_itself", fam));
    claim(&b, fam, evil_mac, false);
    for (unsigned i = 0; i < 3; i++)
        bench_advance(&b, HF_S + HF_MS);
    bench_send(&b, fam->peer, 40, false);
    claim(&b, fam, evil_mac, true);
    OK(sent_to(&b, fam, evil_mac), named("silent_neighbour_may_have_moved", fam));
    OK(bench_fini(&b), named("nothing_leaks", fam));
}

static void test_queue(const struct family *fam)
{
    static struct bench b;

    bench_init(&b);
    for (unsigned i = 0; i < 70; i++)
        bench_send(&b, fam->peer, 40 + i, false);
    EQ(b.core.drops[HF_DROP_NEIGH_QUEUE], 6, named("queue_is_bounded", fam));
    claim(&b, fam, peer_mac, true);
    EQ(b.b.count, 65, named("newest_packets_are_kept_RFC_4861_7.2.2", fam));
    OK(bench_fini(&b), named("nothing_leaks", fam));
}

static void test_confirm(const struct family *fam)
{
    static struct bench b;
    struct path *p;

    bench_init(&b);
    bench_send(&b, fam->peer, 40, false);
    claim(&b, fam, peer_mac, true);
    if (bench_path(&b, fam->peer, NULL, 0, 0, &p))
        abort();
    bench_advance(&b, 60 * HF_S);
    bench_send(&b, fam->peer, 40, false);
    bench_clear(&b);
    path_confirm(p);
    EQ(state_of(&b, fam), NEIGH_REACHABLE, named("upper_layer_confirms_RFC_4861_7.3.1", fam));
    bench_advance(&b, 6 * HF_S);
    EQ(b.b.count, 0, named("confirmed_neighbour_is_not_probed", fam));
    path_put(p);
    OK(bench_fini(&b), named("nothing_leaks", fam));
}

static void test_table_bound(void)
{
    static struct bench b;
    uint64_t before;

    bench_init(&b);
    before = b.allocated;
    for (unsigned i = 0; i < 20000; i++) {
        struct ip_addr a = ADDR4(192, 168, (uint8_t)(i >> 8), (uint8_t)i);

        neighbour_learn(&b.net, &b.b.link, &a, peer_mac, NEIGH_ASKED_US);
    }
    OK(b.allocated - before < 2 << 20, "a_scan_of_us_does_not_grow_the_table_without_bound");
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_arp_answers(void)
{
    static struct bench b;
    static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const struct {
        const char *name, *sender, *target;
        unsigned answers;
    } rows[] = {
        {"arp_for_our_address_is_answered", "192.168.7.9", "192.168.7.1", 1},
        {"arp_for_our_address_on_another_link_is_answered", "192.168.7.9", "10.0.2.15", 1},
        {"arp_probe_for_our_address_is_answered_RFC_5227", "0.0.0.0", "192.168.7.1", 1},
        {"arp_for_another_is_not_answered", "192.168.7.9", "192.168.7.2", 0},
        {"arp_for_loopback_is_not_answered", "192.168.7.9", "127.0.0.1", 0},
        {"arp_from_a_group_is_dropped", "224.0.0.1", "192.168.7.1", 0},
        {"arp_from_broadcast_is_dropped", "192.168.7.255", "192.168.7.1", 0},
    };

    bench_init(&b);
    for (unsigned i = 0; i < HF_COUNT(rows); i++) {
        struct arp_packet p = {.op = ARP_REQUEST}, reply;
        uint8_t bytes[ARP_PACKET];

        p.sender = ip(rows[i].sender);
        p.target = ip(rows[i].target);
        memcpy(p.sender_mac, peer_mac, 6);
        arp_write(&p, bytes);
        ether_arrive(&b, everybody, peer_mac, ETHER_ARP, bytes, sizeof(bytes));
        EQ(b.b.count, rows[i].answers, rows[i].name);
        if (b.b.count) {
            hf_frame_trim_front(b.b.sent[0], ETHER_HEADER);
            OK(arp_read(b.b.sent[0], &reply) && reply.op == ARP_REPLY &&
                   addr_eq(&reply.sender, &p.target) &&
                   memcmp(reply.sender_mac, b.b.link.mac, 6) == 0,
               "and_the_answer_is_ours");
        }
        bench_clear(&b);
    }
    OK(bench_fini(&b), "nothing_leaks");
}

static void test_ndp_answers(void)
{
    static struct bench b;
    static const struct {
        const char *name, *src, *dst, *target;
        bool has_mac;
        uint8_t hop_limit;
        unsigned answers, bad;
    } rows[] = {
        {"solicitation_is_answered", "fd00:7::9", "ff02::1:ff00:1", "fd00:7::1", true, 255, 1, 0},
        {"link_local_is_answered_for", "fe80::9", "ff02::1:ff00:1", "fe80::ff:fe00:1", true, 255, 1,
         0},
        {"unicast_solicitation_is_answered", "fd00:7::9", "fd00:7::1", "fd00:7::1", true, 255, 1,
         0},
        {"duplicate_detection_is_answered_to_all", "::", "ff02::1:ff00:1", "fd00:7::1", false, 255,
         1, 0},
        {"hop_limit_below_255_is_refused_RFC_4861_7.1.1", "fd00:7::9", "ff02::1:ff00:1",
         "fd00:7::1", true, 254, 0, 1},
        {"unspecified_source_with_mac_is_refused", "::", "ff02::1:ff00:1", "fd00:7::1", true, 255,
         0, 1},
        {"unspecified_source_to_unicast_is_refused", "::", "fd00:7::1", "fd00:7::1", false, 255, 0,
         1},
        {"another_target_is_not_answered", "fd00:7::9", "ff02::1:ff00:1", "fd00:7::ff00:1", true,
         255, 0, 0},
        {"group_target_is_refused", "fd00:7::9", "ff02::1:ff00:1", "ff02::1", true, 255, 0, 1},
    };

    bench_init(&b);
    for (unsigned i = 0; i < HF_COUNT(rows); i++) {
        struct ndp_message m = {.type = NDP_SOLICIT, .has_mac = rows[i].has_mac};
        uint64_t bad = b.core.drops[HF_DROP_NDP_BAD];

        m.target = ip(rows[i].target);
        memcpy(m.mac, peer_mac, 6);
        ndp_arrive(&b, rows[i].src, rows[i].dst, peer_mac, &m, rows[i].hop_limit);
        OK(b.b.count == rows[i].answers && b.core.drops[HF_DROP_NDP_BAD] - bad == rows[i].bad,
           rows[i].name);
        bench_clear(&b);
    }
    OK(bench_fini(&b), "nothing_leaks");
}

int main(void)
{
    tap_begin(30);
    for (unsigned i = 0; i < HF_COUNT(families); i++) {
        test_resolution(&families[i]);
        test_failure(&families[i]);
        test_poisoning(&families[i]);
        test_queue(&families[i]);
        test_confirm(&families[i]);
    }
    test_table_bound();
    test_arp_answers();
    test_ndp_answers();
    return tap_end();
}
