/* pcap=: writes what passes as pcapng (draft-ietf-opsawg-pcapng), little-endian on every host.
 *
 * Send is not told the time, poll is: blocks wait in memory, their time left open, until the next
 * poll sets it and writes them all at once. Poll follows at once, for deadline says so. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "links/wrapper.h"

#define BLOCK_SECTION    0x0a0d0d0aU
#define BLOCK_INTERFACE  1
#define BLOCK_PACKET     6
#define BYTE_ORDER_MAGIC 0x1a2b3c4dU

#define LINKTYPE_ETHERNET 1
#define LINKTYPE_RAW      101

#define OPTION_END        0
#define OPTION_IF_NAME    2
#define OPTION_EPB_FLAGS  2
#define OPTION_IF_TSRESOL 9
#define TSRESOL_NS        9 /* 10^-9 s */

#define PACKET_INBOUND  1
#define PACKET_OUTBOUND 2

#define PACKET_TIME_OFFSET 12 /* of the two time words in a packet block */

struct pcap {
    struct wrapper wrapper;
    int fd; /* -1 once writing has failed */
    hf_time epoch;
    uint8_t *buf; /* whole blocks, used bytes of room */
    size_t used, room;
    size_t stamped; /* blocks up to here have their time */
};

static void put_le32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t get_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t padded(uint32_t len)
{
    return (len + 3) & ~3U;
}

/* n more bytes at the end of buf, zeroed; NULL without memory. */
static uint8_t *extend(struct pcap *p, size_t n)
{
    if (p->used + n > p->room) {
        size_t room = (p->used + n) * 2;
        uint8_t *buf = p->wrapper.env.alloc(p->wrapper.env.ctx, room);

        if (!buf)
            return NULL;
        if (p->buf) {
            memcpy(buf, p->buf, p->used);
            p->wrapper.env.free(p->wrapper.env.ctx, p->buf, p->room);
        }
        p->buf = buf;
        p->room = room;
    }

    uint8_t *at = p->buf + p->used;

    memset(at, 0, n);
    p->used += n;
    return at;
}

/* A block with its type and both lengths; body_len is a multiple of 4. Returns where the body goes.
 */
static uint8_t *add_block(struct pcap *p, uint32_t type, uint32_t body_len)
{
    uint32_t len = 12 + body_len;
    uint8_t *block = extend(p, len);

    if (!block)
        return NULL;
    put_le32(block, type);
    put_le32(block + 4, len);
    put_le32(block + len - 4, len);
    return block + 8;
}

static uint8_t *put_option(uint8_t *at, uint16_t code, const void *value, uint16_t len)
{
    put_le32(at, (uint32_t)code | (uint32_t)len << 16);
    memcpy(at + 4, value, len);
    return at + 4 + padded(len);
}

/* The section header and the one interface. */
static int add_preamble(struct pcap *p)
{
    const struct hf_link *link = &p->wrapper.link;
    uint16_t name_len = (uint16_t)strnlen(link->name, sizeof(link->name));
    uint8_t resolution = TSRESOL_NS;
    uint8_t *body = add_block(p, BLOCK_SECTION, 16);

    if (!body)
        return -ENOMEM;
    put_le32(body, BYTE_ORDER_MAGIC);
    put_le32(body + 4, 1);     /* version 1.0 */
    memset(body + 8, 0xff, 8); /* section length: not said */

    body = add_block(p, BLOCK_INTERFACE, 8 + 4 + padded(name_len) + 8 + 4);
    if (!body)
        return -ENOMEM;
    put_le32(body, link->flags & HF_LINK_ETHERNET ? LINKTYPE_ETHERNET : LINKTYPE_RAW);
    put_le32(body + 4, 0); /* no snap length */
    body = put_option(body + 8, OPTION_IF_NAME, link->name, name_len);
    body = put_option(body, OPTION_IF_TSRESOL, &resolution, 1);
    put_option(body, OPTION_END, "", 0);
    p->stamped = p->used;
    return 0;
}

static void add_packet(struct pcap *p, enum wrapper_way way, const struct hf_frame *f)
{
    uint8_t direction[4] = {way == WRAPPER_UP ? PACKET_INBOUND : PACKET_OUTBOUND};
    uint8_t *body = add_block(p, BLOCK_PACKET, 20 + padded(f->len) + 8 + 4);

    if (!body) {
        p->wrapper.link.dropped++;
        return;
    }
    put_le32(body + 12, f->len);
    put_le32(body + 16, f->len);
    hf_frame_read(f, 0, body + 20, f->len);
    body = put_option(body + 20 + padded(f->len), OPTION_EPB_FLAGS, direction, 4);
    put_option(body, OPTION_END, "", 0);
}

static void pcap_pass(struct wrapper *w, enum wrapper_way way, struct hf_frame *f)
{
    struct pcap *p = (struct pcap *)w;

    if (p->fd >= 0)
        add_packet(p, way, f);
    wrapper_forward(w, way, f);
}

static void give_up(struct pcap *p)
{
    close(p->fd);
    p->fd = -1;
}

static void flush(struct pcap *p)
{
    size_t done = 0;

    while (p->fd >= 0 && done < p->used) {
        ssize_t n = write(p->fd, p->buf + done, p->used - done);

        if (n > 0)
            done += (size_t)n;
        else if (errno != EINTR)
            give_up(p);
    }
    p->used = p->stamped = 0;
}

static void pcap_due(struct wrapper *w, hf_time now)
{
    struct pcap *p = (struct pcap *)w;
    uint64_t stamp = (uint64_t)(p->epoch + now);

    while (p->stamped < p->used) {
        uint8_t *block = p->buf + p->stamped;

        put_le32(block + PACKET_TIME_OFFSET, (uint32_t)(stamp >> 32));
        put_le32(block + PACKET_TIME_OFFSET + 4, (uint32_t)stamp);
        p->stamped += get_le32(block + 4);
    }
    flush(p);
}

static hf_time pcap_deadline(const struct wrapper *w)
{
    return ((const struct pcap *)w)->used ? 0 : HF_TIME_NEVER;
}

/* Blocks that no poll has stamped are not written: their time is not known. */
static void pcap_fini(struct wrapper *w)
{
    struct pcap *p = (struct pcap *)w;

    if (p->fd >= 0)
        close(p->fd);
    if (p->buf)
        w->env.free(w->env.ctx, p->buf, p->room);
}

static const struct wrapper_ops pcap_ops = {
    .pass = pcap_pass,
    .due = pcap_due,
    .deadline = pcap_deadline,
    .fini = pcap_fini,
    .only_looks = true,
};

int hf_link_pcap_new(const struct hf_env *env, struct hf_link *below, int fd, hf_time epoch,
                     struct hf_link **out)
{
    struct pcap *p = wrapper_new(env, below, sizeof(*p), &pcap_ops);
    int err = p ? 0 : -ENOMEM;

    if (!err) {
        p->fd = fd;
        p->epoch = epoch;
        err = add_preamble(p);
    }
    if (err) {
        close(fd);
        if (p) {
            below->input = NULL;
            env->free(env->ctx, p, sizeof(*p));
        }
        return err;
    }
    *out = &p->wrapper.link;
    return 0;
}
