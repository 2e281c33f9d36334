/* A network layer alone, for the tests of net/: a core whose clock and randomness the test owns, a
 * link that keeps what is sent on it, transports that note what they get. */
#ifndef TESTS_UNIT_NET_NET_TEST_H
#define TESTS_UNIT_NET_NET_TEST_H

#include <string.h>

#include "net/address.h"
#include "net/icmp.h"
#include "net/ip_output.h"
#include "net/link.h"
#include "net/neighbour.h"
#include "net/path.h"
#include "net/route.h"
#include "tap.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ether.h"
#include "wire/icmp.h"
#include "wire/ip6.h"
#include "wire/ndp.h"

#define PROTO_TEST 253 /* RFC 3692 */

struct bench_link {
    struct hf_link link;
    struct hf_frame *sent[8192]; /* what the test has not looked at yet */
    unsigned count;
};

struct bench {
    struct core core;
    struct net net;
    struct bench_link a, b;
    uint64_t seed, allocated;
    int64_t fail_at;          /* the allocation that fails, counted down; negative: none */
    struct hf_frame *got[16]; /* packets of UDP and PROTO_TEST that came up */
    struct ip_info got_ip[16];
    unsigned got_count;
    struct icmp_error error;
    unsigned errors;
    uint16_t bound_port; /* 0: nobody is bound */
};

static inline void *bench_alloc(void *ctx, size_t size)
{
    struct bench *b = ctx;

    if (b->fail_at >= 0 && b->fail_at-- == 0)
        return NULL;
    b->allocated += size;
    return aligned_alloc(64, (size + 63) & ~(size_t)63);
}

static inline void bench_free(void *ctx, void *p, size_t size)
{
    ((struct bench *)ctx)->allocated -= size;
    free(p);
}

static inline void bench_random(void *ctx, void *buf, size_t len)
{
    struct bench *b = ctx;

    for (size_t i = 0; i < len; i++) {
        b->seed = b->seed * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)buf)[i] = (uint8_t)(b->seed >> 56);
    }
}

static inline void bench_link_send(struct hf_link *link, struct hf_frame *f)
{
    struct bench_link *l = container_of(link, struct bench_link, link);

    if (l->count == HF_COUNT(l->sent))
        abort();
    l->sent[l->count++] = f;
}

static inline void bench_link_free(struct hf_link *link) {}

static inline void bench_input(void *ctx, const struct ip_info *ip, struct hf_frame *f)
{
    struct bench *b = ctx;

    if (b->got_count == HF_COUNT(b->got))
        abort();
    b->got_ip[b->got_count] = *ip;
    b->got[b->got_count++] = f;
}

static inline void bench_error(void *ctx, const struct icmp_error *e)
{
    struct bench *b = ctx;

    b->error = *e;
    b->errors++;
}

static inline bool bench_is_bound(void *ctx, const struct ip_addr *dst, uint16_t port)
{
    return ((struct bench *)ctx)->bound_port == port;
}

static inline void bench_link_init(struct bench_link *l, const char *name, uint32_t flags)
{
    static const struct hf_link_ops ops = {.send = bench_link_send, .free = bench_link_free};
    static const uint8_t mac[6] = {0x02, 0, 0, 0, 0, 1};

    memset(l, 0, sizeof(*l));
    l->link.ops = &ops;
    l->link.mtu = 1500;
    l->link.flags = flags;
    memcpy(l->link.name, name, strlen(name) + 1);
    memcpy(l->link.mac, mac, 6);
}

/* Parses text that a test wrote. */
static inline struct ip_addr ip(const char *text)
{
    struct ip_addr a;

    if (!addr_parse(text, &a))
        abort();
    return a;
}

static inline void bench_addr(struct bench *b, struct hf_link *link, const char *prefix)
{
    struct ip_addr a;
    unsigned bits;

    if (!addr_parse_prefix(prefix, &a, &bits) || net_addr_add(&b->net, link, &a, bits))
        abort();
}

static inline int bench_route(struct bench *b, const char *prefix, const char *via,
                              struct hf_link *link, int kind)
{
    struct route r = {.kind = (uint8_t)kind, .link = link, .has_via = via != NULL};

    if (!addr_parse_prefix(prefix, &r.prefix, &r.bits))
        abort();
    if (via)
        r.via = ip(via);
    return route_add(&b->net, &r);
}

/* Link a carries bare IP (10.0.2.15/24, fd00:2::15/64), link b is an Ethernet (192.168.7.1/24,
 * fd00:7::1/64). -HF_ENOMEM when an allocation was made to fail. */
static inline int bench_try(struct bench *b, int64_t fail_at)
{
    struct net_up up = {
        .ctx = b, .input = bench_input, .error = bench_error, .is_bound = bench_is_bound};
    int err;

    memset(b, 0, sizeof(*b));
    b->fail_at = -1;
    b->core.env =
        (struct hf_env){.ctx = b, .alloc = bench_alloc, .free = bench_free, .random = bench_random};
    core_set_now(&b->core, 100 * HF_S);
    b->core.pool = hf_frame_pool_new(&b->core.env);
    wheel_init(&b->core.wheel, b->core.now);
    bench_random(b, b->core.key, sizeof(b->core.key));
    keyhash_init(&b->core.tables, b->core.key);
    b->fail_at = fail_at;
    err = net_init(&b->net, &b->core);
    b->fail_at = -1;
    if (err) {
        hf_frame_pool_free(b->core.pool);
        return err;
    }
    b->net.up[IP_PROTO_UDP] = b->net.up[IP_PROTO_TCP] = b->net.up[PROTO_TEST] = up;
    bench_link_init(&b->a, "a0", 0);
    bench_link_init(&b->b, "b0", HF_LINK_ETHERNET);
    if (net_attach(&b->net, &b->a.link) || net_attach(&b->net, &b->b.link))
        abort();
    bench_addr(b, &b->a.link, "10.0.2.15/24");
    bench_addr(b, &b->a.link, "fd00:2::15/64");
    bench_addr(b, &b->b.link, "192.168.7.1/24");
    bench_addr(b, &b->b.link, "fd00:7::1/64");
    return 0;
}

static inline void bench_init(struct bench *b)
{
    if (bench_try(b, -1))
        abort();
}

/* Frees what came and went so far. */
static inline void bench_clear(struct bench *b)
{
    while (b->a.count)
        hf_frame_free(b->a.sent[--b->a.count]);
    while (b->b.count)
        hf_frame_free(b->b.sent[--b->b.count]);
    while (b->got_count)
        hf_frame_free(b->got[--b->got_count]);
    b->errors = 0;
}

/* Ends the bench; true when every byte and frame came back. */
static inline bool bench_fini(struct bench *b)
{
    struct hf_frame_pool_stats stats;

    bench_clear(b);
    net_fini(&b->net);
    hf_frame_pool_stats(b->core.pool, &stats);
    hf_frame_pool_free(b->core.pool);
    return !stats.frames && !stats.pages && !b->allocated;
}

static inline void bench_advance(struct bench *b, hf_time by)
{
    core_set_now(&b->core, b->core.now + by);
    wheel_advance(&b->core.wheel, b->core.now);
}

static inline struct hf_frame *bench_frame(struct bench *b, const void *bytes, uint32_t len)
{
    struct hf_frame *f = hf_frame_new(b->core.pool);

    if (!f || (len && !hf_frame_append(f, bytes, len)))
        abort();
    return f;
}

/* A packet with len payload bytes 0, 1, 2, ... arrives by link. */
struct packet {
    const char *src, *dst;
    uint8_t proto;
    uint32_t len;
    uint32_t offset; /* of the first payload byte in the datagram */
    bool more;
    uint16_t id;
    uint8_t ttl;
    const uint8_t *payload; /* instead of 0, 1, 2 */
};

static inline struct hf_frame *bench_packet(struct bench *b, const struct packet *p)
{
    static uint8_t bytes[65536];
    struct ip_addr src = ip(p->src), dst = ip(p->dst);
    uint32_t at = addr_is4(&src) ? IP4_HEADER : IP6_HEADER;
    bool is_fragment = p->more || p->offset;

    if (addr_is4(&src)) {
        struct ip4_header h = {.src = src, .dst = dst, .proto = p->proto, .id = p->id};

        h.ttl = p->ttl ? p->ttl : 64;
        h.total_bytes = (uint16_t)(IP4_HEADER + p->len);
        h.frag_off = (uint16_t)p->offset;
        h.more = p->more;
        ip4_header_write(&h, bytes);
    } else {
        struct ip6_header h = {.src = src, .dst = dst, .next_header = p->proto};
        struct ip6_fragment frag = {.id = p->id, .more = p->more, .next_header = p->proto};

        h.hop_limit = p->ttl ? p->ttl : 64;
        h.payload_bytes = (uint16_t)(p->len + (is_fragment ? IP6_FRAGMENT : 0));
        frag.offset = (uint16_t)p->offset;
        if (is_fragment) {
            h.next_header = IP_PROTO_FRAGMENT;
            ip6_fragment_write(&frag, bytes + at);
            at += IP6_FRAGMENT;
        }
        ip6_header_write(&h, bytes);
    }
    for (uint32_t i = 0; i < p->len; i++)
        bytes[at + i] = p->payload ? p->payload[i] : (uint8_t)(p->offset + i);
    return bench_frame(b, bytes, at + p->len);
}

static inline void bench_arrive(struct bench *b, struct hf_link *link, const struct packet *p)
{
    hf_link_input(link, bench_packet(b, p));
}

/* path_find with everything by text. */
static inline int bench_path(struct bench *b, const char *dst, const char *src, uint32_t link_index,
                             uint16_t port, struct path **out)
{
    struct path_query q = {.dst = ip(dst), .link_index = link_index, .port = port};

    q.proto = IP_PROTO_UDP;
    q.src = src ? ip(src) : addr_is4(&q.dst) ? ADDR_ANY4 : ADDR_ANY6;
    return path_find(&b->net, &q, out);
}

/* Sends len payload bytes 0, 1, 2, ... to dst; returns ip_output's answer, or path_find's. */
static inline int bench_send(struct bench *b, const char *dst, uint32_t len, bool dont_fragment)
{
    static uint8_t bytes[65536];
    struct ip_out out = {.dst = ip(dst), .proto = PROTO_TEST, .dont_fragment = dont_fragment};
    int err = bench_path(b, dst, NULL, 0, 0, &out.path);

    if (err)
        return err;
    for (uint32_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)i;
    out.src = out.path->src;
    err = ip_output(&b->net, bench_frame(b, bytes, len), &out);
    path_put(out.path);
    return err;
}

/* The payload of f is 0, 1, 2, ... */
static inline bool bench_counts(const struct hf_frame *f, uint32_t len)
{
    static uint8_t bytes[65536];

    if (f->len != len)
        return false;
    hf_frame_read(f, 0, bytes, len);
    for (uint32_t i = 0; i < len; i++) {
        if (bytes[i] != (uint8_t)i)
            return false;
    }
    return true;
}

#endif
