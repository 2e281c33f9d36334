/* Floods below the transports, of both families: questions, answers and packets from ever new hosts
 * of the link, fragments without end, forged errors. Memory has a bound, answers have one, and who
 * was there before is still served. RFC 6583, RFC 5722, RFC 1858, RFC 5927 */
#include "net_test.h"

#include "wire/arp.h"

static const uint8_t peer_mac[6] = {0x02, 0, 0, 0, 0, 0x99};
static const uint8_t evil_mac[6] = {0x02, 0, 0, 0, 0, 0x66};

struct family {
    const char *name, *peer, *own;    /* on the Ethernet */
    const char *strangers;            /* there, by two numbers below 256 */
    const char *source, *destination; /* on the other link */
    const char *others;               /* there, by two numbers */
    bool is4;
};

static const struct family families[] = {
    {"v4", "192.168.7.9", "192.168.7.1", "192.168.%u.%u", "10.0.2.7", "10.0.2.15", "10.9.%u.%u",
     true},
    {"v6", "fd00:7::9", "fd00:7::1", "fd00:7::%x:%x", "fd00:2::7", "fd00:2::15", "fd00:9::%x:%x",
     false},
};

static const char *named(const char *what, const struct family *fam)
{
    static char name[128];

    snprintf(name, sizeof(name), "%s_%s", what, fam->name);
    return name;
}

static const char *nth(const char *pattern, uint32_t n)
{
    static char text[64];

    snprintf(text, sizeof(text), pattern, 8 + n / 250 % 200, 1 + n % 250);
    return text;
}

static void ether_in(struct bench *b, uint16_t type, struct hf_frame *f, const uint8_t *mac)
{
    struct ether_header h = {.type = type};

    memcpy(h.dst, b->b.link.mac, 6);
    memcpy(h.src, mac, 6);
    ether_header_write(&h, hf_frame_push(f, ETHER_HEADER));
    hf_link_input(&b->b.link, f);
}

/* A host says that it is at mac: unasked, or as if it had been asked. */
static void claims(struct bench *b, const struct family *fam, const char *who, const uint8_t *mac,
                   bool is_answer)
{
    uint8_t bytes[NDP_MESSAGE_MAX];
    struct ip_addr from = ip(who), to = ip(fam->own);

    if (fam->is4) {
        struct arp_packet p = {.op = ARP_REPLY, .sender = from, .target = is_answer ? to : from};

        memcpy(p.sender_mac, mac, 6);
        arp_write(&p, bytes);
        ether_in(b, ETHER_ARP, bench_frame(b, bytes, ARP_PACKET), mac);
    } else {
        struct ndp_message m = {.type = NDP_ADVERT, .is_override = true, .has_mac = true};
        struct packet p = {.src = who, .dst = fam->own, .proto = IP_PROTO_ICMPV6, .ttl = 255};

        m.is_solicited = is_answer;
        m.target = from;
        memcpy(m.mac, mac, 6);
        p.len = ndp_write(&m, bytes);
        p.payload = bytes;
        put16(bytes + 2,
              csum_finish(csum_add(csum_pseudo(&from, &to, IP_PROTO_ICMPV6, p.len), bytes, p.len)));
        ether_in(b, ETHER_IP6, bench_packet(b, &p), mac);
    }
}

/* An echo request, which wants an answer. */
static void pings(struct bench *b, const struct family *fam, const char *who)
{
    uint8_t bytes[ICMP_HEADER];
    struct icmp_header h = {.type = fam->is4 ? ICMP4_ECHO : ICMP6_ECHO};
    struct packet p = {.src = who, .dst = fam->own, .len = ICMP_HEADER, .payload = bytes};
    struct hf_frame *f;

    icmp_header_write(&h, bytes);
    p.proto = fam->is4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6;
    f = bench_packet(b, &p);
    f->flags |= HF_FRAME_CSUM_OK;
    ether_in(b, fam->is4 ? ETHER_IP4 : ETHER_IP6, f, evil_mac);
}

/* Whether a packet to the peer goes out at once, to its MAC. */
static bool reaches_peer(struct bench *b, const struct family *fam)
{
    struct ether_header h;

    bench_clear(b);
    return bench_send(b, fam->peer, 40, false) == 0 && b->b.count &&
           ether_header_read(b->b.sent[b->b.count - 1], &h) && memcmp(h.dst, peer_mac, 6) == 0;
}

/* Hosts that are not there ask, so that each of the answers asks for a neighbour, too: RFC 6583 */
static void test_strangers(const struct family *fam)
{
    static struct bench b;
    struct path *p;
    uint64_t before;
    uint32_t questions = 0;

    bench_init(&b);
    if (fam->is4) /* more than fit into the prefix */
        bench_addr(&b, &b.b.link, "192.168.0.1/16");
    bench_send(&b, fam->peer, 40, false);
    claims(&b, fam, fam->peer, peer_mac, true);
    if (bench_path(&b, fam->peer, NULL, 0, 0, &p))
        abort();
    bench_clear(&b);
    before = b.allocated;
    for (uint32_t i = 0; i < 20000; i++) {
        pings(&b, fam, nth(fam->strangers, i));
        questions += b.b.count;
        bench_clear(&b);
    }
    OK(questions <= 20000, named("one_question_for_one_packet", fam));
    OK(b.allocated - before < 4 << 20, named("strangers_have_a_share_of_memory", fam));
    OK(b.core.drops[HF_DROP_NEIGH_QUEUE] > 10000, named("what_waits_for_them_has_a_limit", fam));
    OK(reaches_peer(&b, fam), named("a_neighbour_in_use_is_still_known", fam));
    for (int second = 0; second < 5; second++) {
        bench_advance(&b, HF_S);
        questions += b.b.count;
        bench_clear(&b);
    }
    OK(questions <= 3 * 20000, named("each_is_asked_for_three_times", fam));
    OK(b.core.drops[HF_DROP_NEIGH_FAILED] > 0, named("and_given_up", fam));
    path_put(p);
    OK(bench_fini(&b), named("nothing_leaks", fam));
}

/* Answers that nobody asked for, and others' claims to the peer's place */
static void test_claims(const struct family *fam)
{
    static struct bench b;
    uint32_t asked = 0;
    uint64_t before;

    bench_init(&b);
    bench_send(&b, fam->peer, 40, false);
    claims(&b, fam, fam->peer, peer_mac, true);
    bench_clear(&b);
    before = b.allocated;
    for (uint32_t i = 0; i < 20000; i++) {
        claims(&b, fam, nth(fam->strangers, i), evil_mac, i & 1);
        bench_clear(&b);
    }
    OK(b.allocated - before < 1 << 16, named("unasked_answers_are_not_remembered", fam));
    for (uint32_t i = 0; i < 5000; i++) {
        claims(&b, fam, fam->peer, evil_mac, i & 1);
        asked += b.b.count;
        bench_clear(&b);
        if (i % 100 == 0)
            claims(&b, fam, fam->peer, peer_mac, true); /* the peer is there, and answers */
    }
    claims(&b, fam, fam->peer, peer_mac, true);
    OK(asked <= 100, named("claims_are_asked_about_not_each", fam));
    OK(reaches_peer(&b, fam), named("five_thousand_claims_do_not_move_who_answers", fam));
    OK(bench_fini(&b), named("nothing_leaks", fam));
}

/* First fragments from ever new hosts, and of ever new datagrams */
static void test_fragments(const struct family *fam)
{
    static struct bench b;
    struct packet p = {.dst = fam->destination, .proto = PROTO_TEST, .len = 1400, .more = true};
    uint64_t before;

    bench_init(&b);
    before = b.allocated;
    for (uint32_t i = 0; i < 20000; i++) {
        p.src = nth(fam->others, i);
        p.id = (uint16_t)i;
        bench_arrive(&b, &b.a.link, &p);
        if (b.a.count)
            bench_clear(&b);
    }
    OK(b.allocated - before < 6 << 20, named("fragments_have_a_share_of_memory", fam));
    OK(b.core.drops[HF_DROP_FRAG_LIMIT] > 10000, named("the_oldest_go_first", fam));
    p.src = fam->source;
    p.id = 1;
    bench_arrive(&b, &b.a.link, &p);
    p.offset = 1400;
    p.more = false;
    bench_arrive(&b, &b.a.link, &p);
    OK(b.got_count == 1 && bench_counts(b.got[0], 2800), named("an_honest_one_is_served", fam));
    for (int i = 0; i < 70; i++) {
        bench_advance(&b, HF_S);
        bench_clear(&b);
    }
    OK(b.core.drops[HF_DROP_FRAG_TIMEOUT] > 0, named("the_others_time_out", fam));
    OK(bench_fini(&b), named("nothing_leaks", fam));
}

/* Each fragment overlaps the one before, with other bytes; and tiny ones that hide a header */
static void test_overlaps(const struct family *fam)
{
    static struct bench b;
    struct packet p = {.src = fam->source, .dst = fam->destination, .proto = PROTO_TEST};
    uint64_t before;

    bench_init(&b);
    before = b.allocated;
    for (uint32_t i = 0; i < 20000; i++) {
        p.id = (uint16_t)(i / 8);
        p.offset = i % 8 * 8;
        p.len = 24;
        p.more = i % 8 != 7;
        bench_arrive(&b, &b.a.link, &p);
    }
    EQ(b.got_count, 0, named("overlapping_fragments_are_no_datagram_RFC_5722", fam));
    EQ(b.core.drops[HF_DROP_FRAG_BAD] + b.core.drops[HF_DROP_FRAG_LIMIT], 20000,
       named("each_is_counted", fam));
    OK(b.allocated - before < 2 << 20, named("the_dead_have_a_share_of_memory", fam));
    p.len = 8;
    for (uint32_t i = 0; i < 20000; i++) { /* of one datagram, in the worst order */
        p.id = 60000;
        p.offset = 8 * (8000 - i % 8000);
        p.more = true;
        bench_arrive(&b, &b.a.link, &p);
    }
    EQ(b.got_count, 0, named("crumbs_are_none_either", fam));
    OK(b.allocated - before < 2 << 20, named("and_take_no_more", fam));
    OK(bench_fini(&b), named("nothing_leaks", fam));
}

/* Errors about what never was sent, cut short, and about errors: nobody hears of them. */
static void test_errors(const struct family *fam)
{
    static struct bench b;
    uint8_t bytes[ICMP_HEADER + 60];
    struct packet p = {.src = fam->source, .dst = fam->destination, .payload = bytes};
    struct icmp_header h;

    bench_init(&b);
    p.proto = fam->is4 ? IP_PROTO_ICMP : IP_PROTO_ICMPV6;
    for (uint32_t type = 0; type < 256; type++)
        for (uint32_t len = 0; len <= sizeof(bytes); len++) {
            struct hf_frame *f;

            bench_random(&b, bytes, sizeof(bytes));
            h = (struct icmp_header){.type = (uint8_t)type, .code = (uint8_t)len};
            icmp_header_write(&h, bytes);
            bytes[ICMP_HEADER] = fam->is4 ? 0x45 : 0x60;
            p.len = len;
            f = bench_packet(&b, &p);
            f->flags |= HF_FRAME_CSUM_OK;
            hf_link_input(&b.a.link, f);
            if (b.a.count > 200)
                bench_clear(&b);
        }
    EQ(b.errors, 0, named("no_transport_hears_of_forged_errors", fam));
    OK(b.core.drops[HF_DROP_ICMP_BAD] + b.core.drops[HF_DROP_ICMP_TYPE] +
               b.core.drops[HF_DROP_ICMP_UNMATCHED] + b.core.drops[HF_DROP_NDP_BAD] >
           256 * sizeof(bytes) - 256,
       named("each_is_counted", fam));
    OK(bench_fini(&b), named("nothing_leaks", fam));
}

int main(void)
{
    tap_begin(60);
    for (unsigned i = 0; i < HF_COUNT(families); i++) {
        test_strangers(&families[i]);
        test_claims(&families[i]);
        test_fragments(&families[i]);
        test_overlaps(&families[i]);
        test_errors(&families[i]);
    }
    return tap_end();
}
