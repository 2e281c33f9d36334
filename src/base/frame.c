/* Frames: bytes put in front of, behind, taken off and looked at. */
#include "handfast/frame.h"

#include <string.h>

#include "base/frame_pool.h"

#define frame_assert(f, cond) hf_assert(&(f)->pool->env, cond)

static uint32_t headroom(const struct hf_frame *f)
{
    return (uint32_t)(f->head - f->room);
}

static uint32_t tailroom(const struct hf_frame *f)
{
    return HF_FRAME_ROOM - headroom(f) - f->head_len;
}

/* Lower headers that have been passed already stay in place: answers quote them (net_off). */
struct hf_frame *hf_frame_clone(const struct hf_frame *f)
{
    struct hf_frame *copy = hf_frame_new(f->pool);

    if (!copy)
        return NULL;
    copy->head = copy->room + headroom(f);
    copy->head_len = f->head_len;
    copy->len = f->len;
    copy->gso_bytes = f->gso_bytes;
    copy->net_off = f->net_off;
    copy->frag_count = f->frag_count;
    copy->flags = f->flags;
    copy->proto_be = f->proto_be;
    copy->when = f->when;
    memcpy(copy->cb, f->cb, sizeof copy->cb);
    for (unsigned i = 0; i < f->frag_count; i++) {
        copy->frags[i] = f->frags[i];
        hf_page_ref(copy->frags[i].page);
    }
    memcpy(copy->room, f->room, headroom(f) + f->head_len);
    return copy;
}

uint8_t *hf_frame_push(struct hf_frame *f, uint32_t n)
{
    frame_assert(f, n <= headroom(f));
    f->head -= n;
    f->head_len += n;
    f->len += n;
    return f->head;
}

static void trim_frags(struct hf_frame *f, uint32_t n)
{
    unsigned gone = 0;

    while (n && n >= f->frags[gone].len) {
        n -= f->frags[gone].len;
        hf_page_unref(f->frags[gone].page);
        gone++;
    }
    if (n) {
        f->frags[gone].off += n;
        f->frags[gone].len -= n;
    }
    f->frag_count = (uint8_t)(f->frag_count - gone);
    memmove(f->frags, f->frags + gone, f->frag_count * sizeof f->frags[0]);
}

void hf_frame_trim_front(struct hf_frame *f, uint32_t n)
{
    uint32_t linear = HF_MIN(n, f->head_len);

    frame_assert(f, n <= f->len);
    f->head += linear;
    f->head_len -= linear;
    f->len -= n;
    if (n > linear)
        trim_frags(f, n - linear);
}

void hf_frame_trim_to(struct hf_frame *f, uint32_t len)
{
    uint32_t excess = f->len - len;

    frame_assert(f, len <= f->len);
    f->len = len;
    while (excess && f->frag_count) {
        struct hf_frag *last = &f->frags[f->frag_count - 1];

        if (last->len > excess) {
            last->len -= excess;
            return;
        }
        excess -= last->len;
        hf_page_unref(last->page);
        f->frag_count--;
    }
    f->head_len -= excess;
}

/* Makes tailroom of at least n by moving the linear bytes to the front of room, and the headers
 * before them that net_off says are still of use. */
static bool make_tailroom(struct hf_frame *f, uint32_t n)
{
    uint32_t from = headroom(f), end = from + f->head_len, shift;

    if (n <= tailroom(f))
        return true;
    if (f->net_off && f->net_off < from)
        from = f->net_off;
    shift = n - tailroom(f);
    if (shift > from)
        return false;
    memmove(f->room + from - shift, f->room + from, end - from);
    f->head -= shift;
    if (f->net_off)
        f->net_off = (uint16_t)(f->net_off - shift);
    return true;
}

bool hf_frame_pull(struct hf_frame *f, uint32_t n)
{
    uint32_t missing, len = f->len;

    if (n <= f->head_len)
        return true;
    if (n > f->len)
        return false;
    missing = n - f->head_len;
    if (!make_tailroom(f, missing))
        return false;
    hf_frame_read(f, f->head_len, f->head + f->head_len, missing);
    /* What has been copied leaves the frags: as if the linear bytes were not there. */
    n = f->head_len;
    f->head_len = 0;
    f->len = len - n;
    hf_frame_trim_front(f, missing);
    f->head_len = n + missing;
    f->len = len;
    return true;
}

uint8_t *hf_frame_put(struct hf_frame *f, uint32_t n)
{
    uint8_t *at = f->head + f->head_len;

    if (f->frag_count || n > tailroom(f))
        return NULL;
    f->head_len += n;
    f->len += n;
    return at;
}

bool hf_frame_add(struct hf_frame *f, struct hf_page *page, uint32_t off, uint32_t len)
{
    struct hf_frag *frag = &f->frags[f->frag_count];

    frame_assert(f, off <= page->size && len <= page->size - off);
    if (!len)
        return true;
    if (f->frag_count && frag[-1].page == page && frag[-1].off + frag[-1].len == off) {
        frag[-1].len += len;
        f->len += len;
        return true;
    }
    if (f->frag_count == HF_FRAME_FRAGS)
        return false;
    hf_page_ref(page);
    *frag = (struct hf_frag){.page = page, .off = off, .len = len};
    f->frag_count++;
    f->len += len;
    return true;
}

/* Fills what is left of the last page when nobody else refers to it. Returns the bytes taken. */
static uint32_t append_to_last(struct hf_frame *f, const uint8_t *bytes, uint32_t len)
{
    struct hf_frag *last = &f->frags[f->frag_count - 1];
    uint32_t end = last->off + last->len;

    if (last->page->refs > 1)
        return 0;
    len = HF_MIN(len, last->page->size - end);
    memcpy(last->page->data + end, bytes, len);
    last->len += len;
    f->len += len;
    return len;
}

/* Puts up to len bytes into a page of their own. Returns the bytes taken, 0 on failure. */
static uint32_t append_page(struct hf_frame *f, const uint8_t *bytes, uint32_t len)
{
    struct hf_page *page = hf_page_new(f->pool, len);
    bool added;

    if (!page)
        return 0;
    len = HF_MIN(len, page->size);
    memcpy(page->data, bytes, len);
    added = hf_frame_add(f, page, 0, len);
    hf_page_unref(page);
    return added ? len : 0;
}

bool hf_frame_append(struct hf_frame *f, const void *bytes, uint32_t len)
{
    const uint8_t *p = bytes;
    uint32_t before = f->len, left = len;
    uint8_t *linear = hf_frame_put(f, len);

    if (linear) {
        memcpy(linear, p, len);
        return true;
    }
    if (f->frag_count)
        left -= append_to_last(f, p, left);
    while (left) {
        uint32_t n = append_page(f, p + (len - left), left);

        if (!n) {
            hf_frame_trim_to(f, before);
            return false;
        }
        left -= n;
    }
    return true;
}

int hf_frame_iov(const struct hf_frame *f, uint32_t off, struct hf_iovec *iov, int n)
{
    int filled = 0;

    if (off < f->head_len && filled < n) {
        iov[filled++] = (struct hf_iovec){f->head + off, f->head_len - off};
        off = 0;
    } else {
        off -= HF_MIN(off, f->head_len);
    }
    for (unsigned i = 0; i < f->frag_count && filled < n; i++) {
        const struct hf_frag *frag = &f->frags[i];

        if (off < frag->len)
            iov[filled++] = (struct hf_iovec){frag->page->data + frag->off + off, frag->len - off};
        off -= HF_MIN(off, frag->len);
    }
    return filled;
}

void hf_frame_read(const struct hf_frame *f, uint32_t off, void *to, uint32_t len)
{
    uint8_t *at = to;

    frame_assert(f, off <= f->len && len <= f->len - off);
    if (off + len <= f->head_len) { /* as a rule, of what is short */
        memcpy(at, f->head + off, len);
        return;
    }
    if (off < f->head_len) {
        uint32_t piece = HF_MIN(len, f->head_len - off);

        memcpy(at, f->head + off, piece);
        at += piece;
        len -= piece;
        off = 0;
    } else {
        off -= f->head_len;
    }
    for (const struct hf_frag *frag = f->frags; len; frag++) {
        uint32_t piece = off < frag->len ? HF_MIN(len, frag->len - off) : 0;

        if (piece)
            memcpy(at, frag->page->data + frag->off + off, piece);
        at += piece;
        len -= piece;
        off -= HF_MIN(off, frag->len);
    }
}

uint32_t hf_frame_truesize(const struct hf_frame *f)
{
    return (uint32_t)sizeof *f + f->len - f->head_len;
}
