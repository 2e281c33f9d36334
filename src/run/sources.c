/* A queue beside the vehicle, which has room for the bytes alone. Each entry has a sum of its
 * datagram: native calls may have taken some that are still in the queue. */
#define _GNU_SOURCE
#include "run/sources.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "run/supervisor.h"

#define SUMMED_BYTES 64
#define SOURCES_MAX  1024

struct datagram_source {
    struct datagram_source *next;
    uint64_t sum;
    uint32_t addr_len, control_len;
    uint8_t addr[28];
    uint8_t control[]; /* control_len bytes */
};

static uint64_t sum_of(const uint8_t *bytes, size_t len)
{
    uint64_t sum = 0xcbf29ce484222325u ^ len;

    for (size_t i = 0; i < len && i < SUMMED_BYTES; i++)
        sum = (sum ^ bytes[i]) * 0x100000001b3u;
    return sum;
}

void sources_drop(struct file *f)
{
    struct datagram_source *first = f->sources;

    f->sources = first->next;
    if (!f->sources)
        f->sources_tail = &f->sources;
    f->source_count--;
    free(first);
}

void sources_forget(struct file *f)
{
    while (f->sources)
        sources_drop(f);
}

void sources_note(struct file *f, const struct hf_msg *msg, const uint8_t *bytes, size_t len)
{
    size_t control_len = msg->control_len;
    struct datagram_source *s = calloc(1, sizeof(*s) + control_len);

    if (!s)
        return;
    if (f->source_count >= SOURCES_MAX)
        sources_drop(f);
    s->sum = sum_of(bytes, len);
    s->addr_len = msg->addr_len < sizeof(s->addr) ? msg->addr_len : sizeof(s->addr);
    memcpy(s->addr, msg->addr, s->addr_len);
    s->control_len = (uint32_t)control_len;
    memcpy(s->control, msg->control, control_len);
    *f->sources_tail = s;
    f->sources_tail = &s->next;
    f->source_count++;
}

static void tell_control(const struct datagram_source *s, struct hf_msg *msg)
{
    size_t room = msg->control_len, at = 0;

    while (at < s->control_len && room - at >= sizeof(struct cmsghdr)) {
        struct cmsghdr h;
        size_t len;

        memcpy(&h, s->control + at, sizeof(h));
        len = h.cmsg_len;
        if (len > room - at) {
            msg->flags |= HF_MSG_CTRUNC;
            h.cmsg_len = len = room - at;
        }
        memcpy((uint8_t *)msg->control + at, &h, sizeof(h));
        memcpy((uint8_t *)msg->control + at + sizeof(h), s->control + at + sizeof(h),
               len - sizeof(h));
        at += CMSG_ALIGN(len);
        if (at > room)
            at = room;
    }
    if (s->control_len - at >= sizeof(struct cmsghdr))
        msg->flags |= HF_MSG_CTRUNC;
    msg->control_len = at;
}

void sources_tell(struct file *f, struct hf_msg *msg, const uint8_t *bytes, size_t len)
{
    uint64_t sum = sum_of(bytes, len);
    const struct datagram_source *s;
    uint32_t room = msg->addr_len;

    while (f->sources && f->sources->sum != sum)
        sources_drop(f);
    s = f->sources;
    msg->addr_len = s ? s->addr_len : 0;
    if (s && msg->addr)
        memcpy(msg->addr, s->addr, s->addr_len < room ? s->addr_len : room);
    if (s)
        tell_control(s, msg);
    else
        msg->control_len = 0;
}
