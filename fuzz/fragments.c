/* Fragments of four datagrams, beside a model of an array each: what comes whole has the bytes that
 * were sent, once all of them were and none twice at odds (RFC 5722), and then it does come.
 *
 * The first byte says the family; then four bytes a fragment: which datagram, offset, length, and
 * whether it is the last; or a pause, after which all is forgotten. */
#include <stdlib.h>
#include <string.h>

#include "handfast/errno.h"
#include "handfast/socket.h"
#include "handfast/stack.h"
#include "host/env.h"
#include "wire/bytes.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/udp.h"

#define DATAGRAMS   4
#define UNITS       64  /* of 8 bytes, that a datagram may have */
#define PIECES_MOST 100 /* the stack's own limit is not reached */

struct model {
    uint8_t have[UNITS * 8], bytes[UNITS * 8];
    uint32_t total; /* bytes, 0: the last fragment has not come */
    uint32_t end;   /* of what came */
    uint32_t pieces;
    uint32_t from[PIECES_MOST], to[PIECES_MOST];
    bool is_dead;
};

struct run {
    struct model models[DATAGRAMS];
    struct hf_link link;
    struct hf_stack *st;
    struct hf_sock *sk;
    struct hf_frame_pool *pool;
    hf_time now;
    bool is_v6;
    uint8_t version;
};

static void link_send(struct hf_link *link, struct hf_frame *f)
{
    hf_frame_free(f);
}

static void link_end(struct hf_link *link) {}

static void push_header(const struct run *r, struct hf_frame *f, uint32_t which, uint32_t offset,
                        bool more)
{
    if (r->is_v6) {
        struct ip6_header h = {.next_header = IP_PROTO_FRAGMENT, .hop_limit = 64};
        struct ip6_fragment frag = {
            .next_header = IP_PROTO_UDP, .offset = (uint16_t)offset, .more = more, .id = which};

        if (!addr_parse("fd00::2", &h.src) || !addr_parse("fd00::1", &h.dst))
            abort();
        ip6_fragment_write(&frag, hf_frame_push(f, IP6_FRAGMENT));
        h.payload_bytes = (uint16_t)f->len;
        ip6_header_write(&h, hf_frame_push(f, IP6_HEADER));
    } else {
        struct ip4_header h = {.proto = IP_PROTO_UDP, .ttl = 64};

        if (!addr_parse("10.0.0.2", &h.src) || !addr_parse("10.0.0.1", &h.dst))
            abort();
        h.id = (uint16_t)which;
        h.frag_off = (uint16_t)offset;
        h.more = more;
        h.total_bytes = (uint16_t)(f->len + IP4_HEADER);
        ip4_header_write(&h, hf_frame_push(f, IP4_HEADER));
    }
}

/* How long each says it is, in its UDP header. */
static const uint16_t lengths[DATAGRAMS] = {64, 24, 200, UNITS * 8};

/* What a datagram has at a place: UDP's header, 9 -> 80, then what tells place and version. */
static uint8_t byte_at(uint32_t which, uint32_t at, uint8_t version)
{
    const uint8_t header[8] = {0, 9, 0, 80, (uint8_t)(lengths[which] >> 8), (uint8_t)lengths[which],
                               1, 1};

    return at < sizeof(header) ? header[at] : (uint8_t)(which * 31 + at * 7 + version);
}

/* The model's answer: whether the datagram is whole now. */
static bool note(struct model *m, uint32_t which, uint32_t from, uint32_t to, bool more,
                 uint8_t version)
{
    if (from == to || m->is_dead)
        return false;
    if (more ? m->total && to > m->total : (m->total && m->total != to) || m->end > to) {
        m->is_dead = true;
        return false;
    }
    for (uint32_t i = 0; i < m->pieces; i++) {
        bool is_twin = m->from[i] == from && m->to[i] == to;

        if (is_twin || from >= m->to[i] || to <= m->from[i]) {
            if (!is_twin)
                continue;
            m->total = more ? m->total : to;
            return false;
        }
        m->is_dead = true;
        return false;
    }
    m->total = more ? m->total : to;
    m->from[m->pieces] = from;
    m->to[m->pieces++] = to;
    m->end = to > m->end ? to : m->end;
    for (uint32_t i = from; i < to; i++) {
        m->have[i] = 1;
        m->bytes[i] = byte_at(which, i, version);
    }
    return m->total && !memchr(m->have, 0, m->total);
}

static void expect(struct run *r, uint32_t which, bool is_whole)
{
    struct model *m = &r->models[which];
    uint8_t bytes[UNITS * 8];
    struct hf_iovec iov = {bytes, sizeof(bytes)};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};
    int64_t n = hf_sock_recv(r->sk, &msg, HF_MSG_DONTWAIT);

    if (!is_whole || m->total < lengths[which]) {
        if (n >= 0)
            abort();
    } else if (n != lengths[which] - 8 || memcmp(bytes, m->bytes + 8, (size_t)n) != 0) {
        abort();
    }
    if (is_whole)
        memset(m, 0, sizeof(*m));
}

static void send_fragment(struct run *r, const uint8_t *b)
{
    uint32_t which = b[0] % DATAGRAMS, from = b[1] % UNITS * 8u, len = b[2];
    bool more = b[3] & 1;
    struct model *m = &r->models[which];
    struct hf_frame *f;
    bool is_whole;

    if (more)
        len = len / 8 * 8;
    if (from + len > UNITS * 8)
        len = UNITS * 8 - from;
    if ((!from && !more) || m->pieces == PIECES_MOST || !len)
        return;
    f = hf_frame_new(r->pool);
    for (uint32_t i = from; i < from + len; i++) {
        uint8_t byte = byte_at(which, i, r->version);

        if (!hf_frame_append(f, &byte, 1))
            abort();
    }
    push_header(r, f, which, from, more);
    f->flags = HF_FRAME_CSUM_OK;
    is_whole = note(m, which, from, from + len, more, r->version);
    r->version++;
    hf_link_input(&r->link, f);
    hf_stack_poll(r->st, r->now);
    expect(r, which, is_whole);
}

static void begin(struct run *r, bool is_v6)
{
    static const struct hf_link_ops ops = {.send = link_send, .free = link_end};
    struct hf_env env = host_env();
    struct hf_stack_config config = {.env = env, .now = HF_S};
    uint8_t any[28] = {10, 0, 0, 80};

    *r = (struct run){.is_v6 = is_v6, .now = HF_S};
    r->link = (struct hf_link){.ops = &ops, .name = "wire", .mtu = 1500};
    config.pool = r->pool = hf_frame_pool_new(&env);
    if (hf_stack_new(&config, &r->st) || hf_stack_attach(r->st, &r->link) ||
        hf_addr_add(r->st, &r->link, "10.0.0.1/24") || hf_addr_add(r->st, &r->link, "fd00::1/64") ||
        hf_sock_new(r->st, 10, 2, 0, &r->sk) || hf_sock_bind(r->sk, any, sizeof(any)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct hf_frame_pool_stats left;
    static struct run r;

    begin(&r, len && bytes[0] & 1);
    for (size_t i = 1; i + 3 < len && i < 4000; i += 4) {
        if (bytes[i] < 250) {
            send_fragment(&r, bytes + i);
            continue;
        }
        r.now += 61 * HF_S;
        hf_stack_poll(r.st, r.now);
        memset(r.models, 0, sizeof(r.models));
    }
    hf_stack_free(r.st);
    hf_frame_pool_stats(r.pool, &left);
    if (left.frames || left.pages)
        abort();
    hf_frame_pool_free(r.pool);
    return 0;
}
