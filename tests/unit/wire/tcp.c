/* TCP headers, from bytes and to bytes. */
#include "wire/tcp.h"

#include <string.h>

#include "base/assert.h"
#include "tap.h"
#include "testenv.h"
#include "wire/bytes.h"

static struct testenv env;
static struct hf_frame_pool *pool;
static const uint8_t nops[40] = {1, 1, 1, 1};

/* A segment with those options and payload bytes behind, in a page. */
static struct hf_frame *segment(uint8_t flags, const uint8_t *options, uint32_t len,
                                uint32_t payload)
{
    struct hf_page *page = hf_page_new(pool, 256);
    struct hf_frame *f = hf_frame_new(pool);
    uint8_t *p = page->data;

    memset(p, 0, 256);
    put16(p, 1234);
    put16(p + 2, 80);
    put32(p + 4, 0x01020304);
    put32(p + 8, 0xa0b0c0d0);
    p[12] = (uint8_t)((TCP_HEADER + len) / 4 << 4);
    p[13] = flags;
    put16(p + 14, 0xfff0);
    put16(p + 18, 9);
    memcpy(p + TCP_HEADER, options, len);
    if (!hf_frame_add(f, page, 0, TCP_HEADER + len + payload))
        abort();
    hf_page_unref(page);
    return f;
}

/* What the options came to, in words. */
static const char *describe(const struct tcp_header *h, char buf[200])
{
    char *p = buf;

    *p = '\0';
    if (h->has_mss)
        p += sprintf(p, " mss %u", h->mss);
    if (h->has_wscale)
        p += sprintf(p, " wscale %u", h->wscale);
    if (h->has_sack_permitted)
        p += sprintf(p, " sackok");
    if (h->has_timestamps)
        p += sprintf(p, " ts %u %u", h->ts_val, h->ts_ecr);
    for (int i = 0; i < h->sack_count; i++)
        p += sprintf(p, " sack %u-%u", h->sack[i].left, h->sack[i].right);
    if (h->has_fastopen)
        p += sprintf(p, " tfo %u", h->fastopen_len);
    return buf;
}

#define BYTES(...) {__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})

static const struct {
    const char *name;
    uint8_t flags;
    uint8_t options[40];
    uint32_t len;
    const char *want;
} option_rows[] = {
    {"Linux's SYN, RFC 9293 MUST-4", TCP_SYN,
     BYTES(2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7),
     " mss 1460 wscale 7 sackok ts 1 0"},
    {"timestamps as everybody writes them", TCP_ACK, BYTES(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2),
     " ts 1 2"},
    {"RFC 9293 MUST-5: an option on a FIN", TCP_ACK | TCP_FIN,
     BYTES(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 77, 4, 9, 9), " ts 1 2"},
    {"RFC 9293 MUST-64: options that begin anywhere", TCP_SYN,
     BYTES(1, 2, 4, 5, 180, 3, 3, 7, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 0),
     " mss 1460 wscale 7 ts 1 2"},
    {"timestamps without padding in front", TCP_ACK, BYTES(8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0),
     " ts 1 2"},
    {"timestamps and SACK", TCP_ACK,
     BYTES(1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 1, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4),
     " ts 1 2 sack 3-4"},
    {"RFC 9293 MUST-6, MUST-68: unknown options are skipped", TCP_SYN,
     BYTES(77, 4, 9, 9, 253, 2, 1, 1), ""},
    {"an unknown option, then a known one", TCP_SYN, BYTES(77, 4, 9, 9, 2, 4, 1, 2), " mss 258"},
    {"RFC 9293 MUST-7: length zero ends the options", TCP_SYN, BYTES(77, 0, 2, 4, 1, 2, 0, 0), ""},
    {"RFC 9293 MUST-7: length one ends the options", TCP_SYN, BYTES(2, 1, 2, 4, 1, 2, 0, 0), ""},
    {"RFC 9293 MUST-7: a length beyond the header", TCP_SYN, BYTES(2, 4, 1, 2, 3, 9, 3, 0),
     " mss 258"},
    {"a kind without its length at the end", TCP_SYN, BYTES(1, 1, 1, 2), ""},
    {"nothing counts behind the end of options: RFC 9293 MUST-4", TCP_SYN,
     BYTES(0, 2, 4, 1, 2, 0, 0, 0), ""},
    {"an MSS of the wrong length is skipped", TCP_SYN, BYTES(2, 3, 9, 3, 3, 5, 0, 0), " wscale 5"},
    {"an MSS of zero is none", TCP_SYN, BYTES(2, 4, 0, 0), ""},
    {"RFC 7323 2.3: a window scale above 14 is 14", TCP_SYN, BYTES(3, 3, 15, 0), " wscale 14"},
    {"SYN options elsewhere are not set", TCP_ACK,
     BYTES(2, 4, 5, 180, 4, 2, 1, 1, 1, 3, 3, 7, 34, 2, 1, 1), ""},
    {"SACK on a SYN is not set", TCP_SYN | TCP_ACK, BYTES(1, 1, 5, 10, 0, 0, 0, 3, 0, 0, 0, 4), ""},
    {"a SACK of a broken length is skipped", TCP_ACK, BYTES(5, 6, 0, 0, 0, 3, 1, 1), ""},
    {"RFC 7413 4.1.1: asking for a cookie", TCP_SYN, BYTES(34, 2, 1, 1), " tfo 0"},
    {"RFC 7413 4.1.1: a cookie", TCP_SYN, BYTES(34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1), " tfo 8"},
    {"a cookie of an odd length is skipped", TCP_SYN, BYTES(34, 7, 1, 2, 3, 4, 5, 1), ""},
    {"a cookie too short is skipped", TCP_SYN, BYTES(34, 4, 1, 2), ""},
};

static void read_options(void)
{
    for (size_t i = 0; i < HF_COUNT(option_rows); i++) {
        struct hf_frame *f =
            segment(option_rows[i].flags, option_rows[i].options, option_rows[i].len, 5);
        struct tcp_header h;
        char text[200];

        memset(&h, 0xee, sizeof h);
        OK(tcp_header_read(f, &h) && strcmp(describe(&h, text), option_rows[i].want) == 0,
           option_rows[i].name);
        OK(h.header_bytes == TCP_HEADER + option_rows[i].len && f->len == h.header_bytes + 5u,
           "the frame keeps its bytes");
        hf_frame_free(f);
    }
}

static void read_fields(void)
{
    struct hf_frame *f = segment(TCP_ACK | TCP_PSH, nops, 0, 10);
    struct tcp_header h;

    OK(tcp_header_read(f, &h), "a header without options");
    OK(h.src_port == 1234 && h.dst_port == 80 && h.seq == 0x01020304 && h.ack == 0xa0b0c0d0 &&
           h.flags == (TCP_ACK | TCP_PSH) && h.window == 0xfff0 && h.urgent == 9,
       "RFC 9293 3.1: fields");
    hf_frame_free(f);
    f = segment(TCP_RST, nops, 0, 0);
    OK(tcp_header_read(f, &h) && h.ack == 0, "an acknowledgement counts with ACK only");
    hf_frame_free(f);
}

static void refuse(void)
{
    struct hf_frame *f;
    struct tcp_header h;
    bool good = true;

    for (uint32_t keep = 0; keep < 60; keep++) {
        f = segment(TCP_ACK, nops, 40, 0);
        hf_frame_trim_to(f, keep);
        good &= !tcp_header_read(f, &h);
        hf_frame_free(f);
    }
    OK(good, "a truncated header is refused wherever it is cut");
    f = segment(TCP_ACK, nops, 0, 10);
    OK(hf_frame_pull(f, TCP_HEADER), "linear");
    f->head[12] = 4 << 4;
    OK(!tcp_header_read(f, &h), "a data offset below five is refused");
    f->head[12] = 15 << 4;
    OK(!tcp_header_read(f, &h), "a data offset beyond the segment is refused");
    hf_frame_free(f);
}

static const struct {
    const char *name;
    struct tcp_header h;
    uint8_t bytes[40];
    uint32_t len;
} write_rows[] = {
    {"no options", {.flags = TCP_ACK}, {0}, 0},
    {"Linux's SYN",
     {.flags = TCP_SYN,
      .has_mss = true,
      .mss = 1460,
      .has_wscale = true,
      .wscale = 7,
      .has_sack_permitted = true,
      .has_timestamps = true,
      .ts_val = 1,
      .ts_ecr = 2},
     BYTES(2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7)},
    {"a SYN without timestamps",
     {.flags = TCP_SYN,
      .has_mss = true,
      .mss = 1460,
      .has_wscale = true,
      .wscale = 7,
      .has_sack_permitted = true},
     BYTES(2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7)},
    {"a SYN without SACK",
     {.flags = TCP_SYN, .has_mss = true, .mss = 1460, .has_timestamps = true, .ts_val = 1},
     BYTES(2, 4, 5, 180, 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0)},
    {"established",
     {.flags = TCP_ACK, .has_timestamps = true, .ts_val = 3, .ts_ecr = 4},
     BYTES(1, 1, 8, 10, 0, 0, 0, 3, 0, 0, 0, 4)},
    {"RFC 2018 3: three SACK blocks fit beside timestamps",
     {.flags = TCP_ACK,
      .has_timestamps = true,
      .ts_val = 3,
      .ts_ecr = 4,
      .sack_count = 4,
      .sack = {{1, 2}, {3, 4}, {5, 6}, {7, 8}}},
     BYTES(1, 1, 8, 10, 0, 0, 0, 3, 0, 0, 0, 4, 1, 1, 5, 26, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0,
           0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6)},
    {"four SACK blocks alone",
     {.flags = TCP_ACK, .sack_count = 4, .sack = {{1, 2}, {3, 4}, {5, 6}, {7, 8}}},
     BYTES(1, 1, 5, 34, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0,
           0, 0, 7, 0, 0, 0, 8)},
    {"a SYN that asks for a cookie",
     {.flags = TCP_SYN, .has_mss = true, .mss = 1460, .has_fastopen = true},
     BYTES(2, 4, 5, 180, 34, 2, 1, 1)},
    {"the experimental option asks",
     {.flags = TCP_SYN, .has_mss = true, .mss = 1460, .has_fastopen = true, .fastopen_exp = true},
     BYTES(2, 4, 5, 180, 254, 4, 0xf9, 0x89)},
    {"the experimental option has a cookie",
     {.flags = TCP_SYN,
      .has_fastopen = true,
      .fastopen_exp = true,
      .fastopen_len = 6,
      .fastopen = {1, 2, 3, 4, 5, 6}},
     BYTES(254, 10, 0xf9, 0x89, 1, 2, 3, 4, 5, 6, 1, 1)},
    {"all options and a full cookie",
     {.flags = TCP_SYN,
      .has_mss = true,
      .mss = 1460,
      .has_wscale = true,
      .wscale = 7,
      .has_sack_permitted = true,
      .has_timestamps = true,
      .ts_val = 1,
      .ts_ecr = 2,
      .has_fastopen = true,
      .fastopen_len = 16,
      .fastopen = {1, 2, 3}},
     BYTES(2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7, 34, 18, 1, 2, 3, 0, 0, 0,
           0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1)},
};

static void write_options(void)
{
    for (size_t i = 0; i < HF_COUNT(write_rows); i++) {
        uint8_t to[TCP_HEADER_MAX + 1];
        uint32_t size;

        memset(to, 0xee, sizeof to);
        size = tcp_header_write(&write_rows[i].h, to);
        OK(size == TCP_HEADER + write_rows[i].len && size == tcp_header_size(&write_rows[i].h) &&
               to[12] == size / 4 << 4 && to[size] == 0xee &&
               memcmp(to + TCP_HEADER, write_rows[i].bytes, write_rows[i].len) == 0,
           write_rows[i].name);
    }
}

/* RFC 9293 MUST-68, MUST-69: what is written ends without an end, each option but no operation by
 * its own length. */
static bool is_well_formed(const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p != 0)
        p += *p == 1 ? 1 : p[1] >= 2 ? p[1] : 99;
    return p == end;
}

/* Any header that can be written is read as the same. */
static bool round_trip(void)
{
    struct hf_frame *f = hf_frame_new(pool);
    struct tcp_header h = {0}, out = {0};
    bool is_syn = testenv_below(&env, 2), good;
    uint8_t *to;

    h.src_port = (uint16_t)testenv_next(&env);
    h.dst_port = (uint16_t)testenv_next(&env);
    h.seq = (uint32_t)testenv_next(&env);
    h.flags = (uint8_t)(testenv_next(&env) & ~(uint64_t)TCP_SYN) | (is_syn ? TCP_SYN : 0);
    h.ack = h.flags & TCP_ACK ? (uint32_t)testenv_next(&env) : 0;
    h.window = (uint16_t)testenv_next(&env);
    h.urgent = (uint16_t)testenv_next(&env);
    if (testenv_below(&env, 2)) {
        h.has_timestamps = true;
        h.ts_val = (uint32_t)testenv_next(&env);
        h.ts_ecr = (uint32_t)testenv_next(&env);
    }
    if (is_syn) {
        h.has_mss = testenv_below(&env, 2);
        h.mss = h.has_mss ? (uint16_t)(1 + testenv_below(&env, 65535)) : 0;
        h.has_wscale = testenv_below(&env, 2);
        h.wscale = h.has_wscale ? (uint8_t)testenv_below(&env, 15) : 0;
        h.has_sack_permitted = testenv_below(&env, 2);
    } else {
        h.sack_count = (uint8_t)testenv_below(&env, h.has_timestamps ? 4 : 5);
        testenv_random(&env, h.sack, h.sack_count * sizeof h.sack[0]);
    }
    to = hf_frame_put(f, tcp_header_size(&h));
    h.header_bytes = (uint8_t)tcp_header_write(&h, to);
    good = is_well_formed(to + TCP_HEADER, to + h.header_bytes) && tcp_header_read(f, &out) &&
           memcmp(&h, &out, sizeof h) == 0;
    hf_frame_free(f);
    return good;
}

/* Any bytes at all: the values keep their ranges. */
static bool garbage(void)
{
    struct hf_frame *f = hf_frame_new(pool);
    uint32_t len = testenv_below(&env, 100);
    struct tcp_header h;
    bool good = true;

    testenv_random(&env, hf_frame_put(f, len), len);
    if (tcp_header_read(f, &h))
        good = h.header_bytes >= TCP_HEADER && h.header_bytes <= len && h.wscale <= 14 &&
               h.sack_count <= 4 && h.fastopen_len <= 16;
    hf_frame_free(f);
    return good;
}

int main(void)
{
    struct hf_env hf = testenv_env(&env);
    bool trip = true, safe = true;

    tap_begin(60);
    pool = hf_frame_pool_new(&hf);
    read_fields();
    read_options();
    refuse();
    write_options();
    for (int i = 0; i < 50000; i++) {
        trip &= round_trip();
        safe &= garbage();
    }
    OK(trip, "what is written is read as the same");
    OK(safe, "values stay in range whatever the bytes");
    hf_frame_pool_free(pool);
    EQ(env.out, 0, "nothing is left");
    return tap_end();
}
