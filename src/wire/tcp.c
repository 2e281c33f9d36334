/* TCP segments. */
#include "wire/tcp.h"

#include <string.h>

#include "base/assert.h"
#include "wire/bytes.h"

enum tcp_option {
    OPTION_END = 0,
    OPTION_NOP = 1,
    OPTION_MSS = 2,
    OPTION_WSCALE = 3,
    OPTION_SACK_PERMITTED = 4,
    OPTION_SACK = 5,
    OPTION_TIMESTAMPS = 8,
    OPTION_FASTOPEN = 34,
    OPTION_EXPERIMENT = 254,
};

#define OPTIONS_MOST (TCP_HEADER_MAX - TCP_HEADER)
#define WSCALE_MOST  14
#define COOKIE_LEAST 4
#define COOKIE_MOST  16

#define FASTOPEN_MAGIC 0xf989 /* what says that the experiment is Fast Open: RFC 7413 4.1.1 */

/* The usual way to send timestamps, RFC 7323 appendix A. */
#define NOP_NOP_TIMESTAMPS 0x0101080au

static void read_timestamps(const uint8_t *p, struct tcp_header *out)
{
    out->has_timestamps = true;
    out->ts_val = get32(p);
    out->ts_ecr = get32(p + 4);
}

/* RFC 2018 3: one to four blocks; never on a SYN. */
static void read_sack(const uint8_t *p, uint32_t len, struct tcp_header *out)
{
    if (len < 8 || len > sizeof out->sack || len % 8 || out->flags & TCP_SYN)
        return;
    out->sack_count = (uint8_t)(len / 8);
    for (uint32_t i = 0; i < out->sack_count; i++)
        out->sack[i] = (struct sack_block){get32(p + 8 * i), get32(p + 8 * i + 4)};
}

/* RFC 7413 4.1.1: an empty one asks for a cookie; lengths are even. */
static void read_fastopen(const uint8_t *p, uint32_t len, bool is_exp, struct tcp_header *out)
{
    if (len && (len < COOKIE_LEAST || len > COOKIE_MOST || len % 2))
        return;
    out->has_fastopen = true;
    out->fastopen_exp = is_exp;
    out->fastopen_len = (uint8_t)len;
    memcpy(out->fastopen, p, len);
}

/* Options that stand on a SYN only; len is that of the value. */
static void read_syn_option(uint8_t kind, const uint8_t *p, uint32_t len, struct tcp_header *out)
{
    switch (kind) {
    case OPTION_MSS:
        if (len == 2 && get16(p)) {
            out->has_mss = true;
            out->mss = get16(p);
        }
        return;
    case OPTION_WSCALE:
        if (len == 1) {
            out->has_wscale = true;
            out->wscale = HF_MIN(p[0], WSCALE_MOST);
        }
        return;
    case OPTION_SACK_PERMITTED:
        out->has_sack_permitted |= len == 0;
        return;
    case OPTION_FASTOPEN:
        read_fastopen(p, len, false, out);
        return;
    case OPTION_EXPERIMENT:
        if (len >= 2 && get16(p) == FASTOPEN_MAGIC)
            read_fastopen(p + 2, len - 2, true, out);
        return;
    }
}

/* RFC 9293 MUST-4, MUST-5, MUST-6, MUST-64, MUST-68: any option on any segment, wherever it begins;
 * unknown ones are skipped by their length.
 * RFC 9293 MUST-7: a length that cannot be ends the options, the segment is taken without the rest
 * (as Linux does). */
static void read_options(const uint8_t *p, const uint8_t *end, struct tcp_header *out)
{
    while (p < end && *p != OPTION_END) {
        uint32_t len;

        if (*p == OPTION_NOP) {
            p++;
            continue;
        }
        if (end - p < 2 || p[1] < 2 || p[1] > end - p)
            return;
        len = p[1] - 2u;
        if (*p == OPTION_TIMESTAMPS && len == 8)
            read_timestamps(p + 2, out);
        else if (*p == OPTION_SACK)
            read_sack(p + 2, len, out);
        else if (out->flags & TCP_SYN)
            read_syn_option(*p, p + 2, len, out);
        p += 2 + len;
    }
}

static void clear_options(struct tcp_header *h)
{
    h->has_mss = h->has_wscale = h->has_sack_permitted = false;
    h->has_timestamps = h->has_fastopen = h->fastopen_exp = false;
    h->mss = 0;
    h->wscale = 0;
    h->sack_count = 0;
    h->fastopen_len = 0;
    h->ts_val = h->ts_ecr = 0;
}

bool tcp_header_read(struct hf_frame *f, struct tcp_header *out)
{
    const uint8_t *p;

    if (!hf_frame_pull(f, TCP_HEADER))
        return false;
    out->header_bytes = (uint8_t)((f->head[12] >> 4) * 4);
    if (out->header_bytes < TCP_HEADER || !hf_frame_pull(f, out->header_bytes))
        return false;
    p = f->head;
    out->src_port = get16(p);
    out->dst_port = get16(p + 2);
    out->seq = get32(p + 4);
    out->flags = p[13];
    out->ack = out->flags & TCP_ACK ? get32(p + 8) : 0;
    out->window = get16(p + 14);
    out->urgent = get16(p + 18);
    clear_options(out);
    if (out->header_bytes == TCP_HEADER)
        return true;
    if (out->header_bytes == TCP_HEADER + 12 && get32(p + TCP_HEADER) == NOP_NOP_TIMESTAMPS)
        read_timestamps(p + TCP_HEADER + 4, out);
    else
        read_options(p + TCP_HEADER, p + out->header_bytes, out);
    return true;
}

/* Bytes of all options but SACK, each padded to a multiple of 4 in the way it is written. */
static uint32_t fixed_options_size(const struct tcp_header *h)
{
    uint32_t size = h->has_mss ? 4 : 0;

    if (h->has_timestamps)
        size += 12;
    else if (h->has_sack_permitted)
        size += 4;
    if (h->has_wscale)
        size += 4;
    if (h->has_fastopen)
        size += ((h->fastopen_exp ? 4u : 2u) + h->fastopen_len + 3) & ~3u;
    return size;
}

/* As many as fit. RFC 2018 3: three beside timestamps. */
static uint32_t sack_blocks(const struct tcp_header *h, uint32_t fixed)
{
    uint32_t room = OPTIONS_MOST - fixed;

    return room < 12 ? 0 : HF_MIN(h->sack_count, (room - 4) / 8);
}

uint32_t tcp_header_size(const struct tcp_header *h)
{
    uint32_t fixed = fixed_options_size(h), blocks = sack_blocks(h, fixed);

    return TCP_HEADER + fixed + (blocks ? 4 + 8 * blocks : 0);
}

void tcp_header_settle(struct tcp_header *h)
{
    if (h->sack_count)
        h->sack_count = (uint8_t)sack_blocks(h, fixed_options_size(h));
    if (!(h->flags & TCP_ACK))
        h->ack = 0;
}

static uint8_t *put_word(uint8_t *to, uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    to[0] = a;
    to[1] = b;
    to[2] = c;
    to[3] = d;
    return to + 4;
}

static uint8_t *write_sack(const struct tcp_header *h, uint32_t blocks, uint8_t *to)
{
    to = put_word(to, OPTION_NOP, OPTION_NOP, OPTION_SACK, (uint8_t)(2 + 8 * blocks));
    for (uint32_t i = 0; i < blocks; i++, to += 8) {
        put32(to, h->sack[i].left);
        put32(to + 4, h->sack[i].right);
    }
    return to;
}

static void write_fastopen(const struct tcp_header *h, uint8_t *to)
{
    uint32_t before = h->fastopen_exp ? 4 : 2, len = before + h->fastopen_len;

    to[0] = h->fastopen_exp ? OPTION_EXPERIMENT : OPTION_FASTOPEN;
    to[1] = (uint8_t)len;
    if (h->fastopen_exp)
        put16(to + 2, FASTOPEN_MAGIC);
    memcpy(to + before, h->fastopen, h->fastopen_len);
    for (; len % 4; len++)
        to[len] = OPTION_NOP;
}

/* Linux: tcp_options_write, its order and its padding, which has no end of the list: RFC 9293
 * MUST-69. */
static void write_options(const struct tcp_header *h, uint8_t *to)
{
    uint32_t blocks = sack_blocks(h, fixed_options_size(h));

    if (h->has_mss)
        to = put_word(to, OPTION_MSS, 4, (uint8_t)(h->mss >> 8), (uint8_t)h->mss);
    if (h->has_timestamps) {
        if (h->has_sack_permitted)
            to = put_word(to, OPTION_SACK_PERMITTED, 2, OPTION_TIMESTAMPS, 10);
        else
            to = put_word(to, OPTION_NOP, OPTION_NOP, OPTION_TIMESTAMPS, 10);
        put32(to, h->ts_val);
        put32(to + 4, h->ts_ecr);
        to += 8;
    } else if (h->has_sack_permitted) {
        to = put_word(to, OPTION_NOP, OPTION_NOP, OPTION_SACK_PERMITTED, 2);
    }
    if (h->has_wscale)
        to = put_word(to, OPTION_NOP, OPTION_WSCALE, 3, h->wscale);
    if (blocks)
        to = write_sack(h, blocks, to);
    if (h->has_fastopen)
        write_fastopen(h, to);
}

uint32_t tcp_header_write(const struct tcp_header *h, uint8_t *to)
{
    uint32_t size = tcp_header_size(h);

    put16(to, h->src_port);
    put16(to + 2, h->dst_port);
    put32(to + 4, h->seq);
    put32(to + 8, h->ack);
    to[12] = (uint8_t)(size / 4 << 4);
    to[13] = h->flags;
    put16(to + 14, h->window);
    put16(to + 16, 0);
    put16(to + 18, h->urgent);
    if (size > TCP_HEADER)
        write_options(h, to + TCP_HEADER);
    return size;
}
