/* The queue of bytes.
 *
 * A chain of chunks, each a piece of a page of its own; only this queue ever writes into those
 * pages. What lies beyond the last chunk's end has never been part of the queue, so no frame can
 * refer to it, and it may be written however many refer to the page. What leaves at the front is
 * never written again. Pages grow with what is written and with what is queued, so that neither a
 * small message nor a stream of them wastes much.
 *
 * While room is reserved, chunks of length 0 follow `last`; nothing else sees them. */
#include "base/byteq.h"

#include <string.h>

#include "base/frame_pool.h"

#define COPY_MOST 96 /* bytes that byteq_gather rather copies than refers to */

/* An empty queue knows of no environment. */
#define byteq_assert(q, cond) hf_assert((q)->first ? &(q)->first->page->pool->env : NULL, cond)

void byteq_init(struct byteq *q)
{
    *q = (struct byteq){0};
}

static void chunks_free(struct chunk *c)
{
    while (c) {
        struct chunk *next = c->next;
        struct hf_frame_pool *pool = c->page->pool;

        hf_page_unref(c->page);
        pool_put(&pool->chunks, c);
        c = next;
    }
}

void byteq_fini(struct byteq *q)
{
    chunks_free(q->first);
    byteq_init(q);
}

/* Where the chunk behind the last one is noted: reserved, or NULL. */
static struct chunk **behind_last(struct byteq *q)
{
    return q->last ? &q->last->next : &q->first;
}

static void forget_reserved(struct byteq *q)
{
    struct chunk **reserved = behind_last(q);

    if (!*reserved)
        return;
    chunks_free(*reserved);
    *reserved = NULL;
}

/* An empty chunk for want more bytes, or as many as its page takes. */
static struct chunk *chunk_new(const struct byteq *q, struct hf_frame_pool *pool, size_t want)
{
    size_t bytes = HF_MIN(HF_MAX(want, (size_t)q->len), (size_t)PAGE_MOST);
    struct chunk *c = pool_get(&pool->chunks);

    if (!c)
        return NULL;
    c->page = hf_page_new(pool, (uint32_t)bytes);
    if (!c->page) {
        pool_put(&pool->chunks, c);
        return NULL;
    }
    c->next = NULL;
    c->off = c->len = 0;
    return c;
}

static struct hf_iovec chunk_room(const struct chunk *c)
{
    uint32_t end = c->off + c->len;

    return (struct hf_iovec){c->page->data + end, c->page->size - end};
}

int byteq_reserve(struct byteq *q, struct hf_frame_pool *pool, size_t want, struct hf_iovec *iov,
                  int n)
{
    struct chunk **end;
    int pieces = 0;

    forget_reserved(q);
    end = behind_last(q);
    if (want && n > 0 && q->last && chunk_room(q->last).len) {
        iov[0] = chunk_room(q->last);
        iov[0].len = HF_MIN(iov[0].len, want);
        want -= iov[0].len;
        pieces = 1;
    }
    for (; want && pieces < n; pieces++) {
        struct chunk *c = chunk_new(q, pool, want);

        if (!c)
            break;
        *end = c;
        end = &c->next;
        iov[pieces] = chunk_room(c);
        iov[pieces].len = HF_MIN(iov[pieces].len, want);
        want -= iov[pieces].len;
    }
    return pieces;
}

void byteq_commit(struct byteq *q, size_t len)
{
    struct chunk *c = q->last ? q->last : q->first;

    while (len) {
        uint32_t n;

        byteq_assert(q, c != NULL);
        n = (uint32_t)HF_MIN(len, chunk_room(c).len);
        c->len += n;
        q->len += n;
        q->last = c;
        c = c->next;
        len -= n;
    }
    forget_reserved(q);
}

/* A place in a vector. */
struct reader {
    const struct hf_iovec *iov;
    size_t n;    /* pieces left, the first with a byte to read, unless 0 */
    size_t skip; /* bytes of the first that have been read */
};

static void reader_skip(struct reader *r, size_t bytes)
{
    r->skip += bytes;
    for (; r->n && r->skip >= r->iov->len; r->n--)
        r->skip -= r->iov++->len;
}

/* Bytes left, or max if there are more. */
static size_t reader_left(const struct reader *r, size_t max)
{
    size_t left = r->n ? r->iov->len - r->skip : 0;

    for (size_t i = 1; i < r->n && left < max; i++)
        left += r->iov[i].len;
    return HF_MIN(left, max);
}

static void reader_copy(struct reader *r, uint8_t *to, size_t len)
{
    while (len) {
        size_t piece = HF_MIN(len, r->iov->len - r->skip);

        memcpy(to, (const uint8_t *)r->iov->base + r->skip, piece);
        to += piece;
        len -= piece;
        reader_skip(r, piece);
    }
}

/* What fits into the last chunk, or begins the queue in one. */
static bool write_short(struct byteq *q, struct hf_frame_pool *pool, const void *bytes, size_t len)
{
    struct chunk *c = q->last;

    if (!q->first && len && len <= PAGE_MOST)
        c = q->first = q->last = chunk_new(q, pool, len);
    if (!c || c->next || len > c->page->size - c->off - c->len)
        return false;
    memcpy(c->page->data + c->off + c->len, bytes, len);
    c->len += (uint32_t)len;
    q->len += (uint32_t)len;
    return true;
}

size_t byteq_write(struct byteq *q, struct hf_frame_pool *pool, const struct hf_iovec *iov,
                   size_t n, size_t skip, size_t max)
{
    struct reader r = {.iov = iov, .n = n};
    struct hf_iovec room;
    size_t left, total;

    if (n == 1 && !skip && write_short(q, pool, iov->base, HF_MIN(iov->len, max)))
        return HF_MIN(iov->len, max);
    reader_skip(&r, skip);
    total = left = reader_left(&r, max);
    while (left && byteq_reserve(q, pool, left, &room, 1)) {
        reader_copy(&r, room.base, room.len);
        byteq_commit(q, room.len);
        left -= room.len;
    }
    return total - left;
}

void byteq_drop(struct byteq *q, uint32_t len)
{
    byteq_assert(q, len <= q->len);
    q->len -= len;
    if (!q->len) {
        byteq_fini(q);
        return;
    }
    q->cursor_off -= len;
    while (len >= q->first->len) {
        struct chunk *c = q->first;

        if (q->cursor == c)
            q->cursor = NULL;
        len -= c->len;
        q->first = c->next;
        c->next = NULL;
        chunks_free(c);
    }
    q->first->off += len;
    q->first->len -= len;
    if (q->cursor == q->first)
        q->cursor = NULL;
}

/* The chunk that holds the byte at *off; *off becomes its offset there. The cursor spares the way
 * from the front to new data; what is found in the first chunk, a retransmission as a rule, leaves
 * it where it is: it never stands there. */
static struct chunk *find(struct byteq *q, uint32_t off, uint32_t *at)
{
    struct chunk *c = q->first;
    uint32_t begin = 0;

    if (off < c->len) {
        *at = 0;
        return c;
    }
    if (q->cursor && off >= q->cursor_off) {
        c = q->cursor;
        begin = q->cursor_off;
    }
    for (; off - begin >= c->len; c = c->next)
        begin += c->len;
    *at = begin;
    return c;
}

static void copy_out(const struct chunk *c, uint32_t skip, uint8_t *to, uint32_t len)
{
    for (; len; c = c->next, skip = 0) {
        uint32_t piece = HF_MIN(len, c->len - skip);

        memcpy(to, c->page->data + c->off + skip, piece);
        to += piece;
        len -= piece;
    }
}

uint32_t byteq_gather(struct byteq *q, uint32_t off, uint32_t len, struct hf_frame *f)
{
    uint32_t begin, skip, added = 0;
    struct chunk *c;
    uint8_t *to;

    byteq_assert(q, off <= q->len);
    len = HF_MIN(len, q->len - off);
    if (!len)
        return 0;
    c = find(q, off, &begin);
    skip = off - begin;
    to = len <= COPY_MOST ? hf_frame_put(f, len) : NULL;
    if (to) {
        copy_out(c, skip, to, len);
        added = len;
    }
    while (added < len) {
        uint32_t piece = HF_MIN(len - added, c->len - skip);

        if (!hf_frame_add(f, c->page, c->off + skip, piece))
            break;
        added += piece;
        if (added < len) {
            begin += c->len;
            c = c->next;
            skip = 0;
        }
    }
    if (c != q->first) {
        q->cursor = c;
        q->cursor_off = begin;
    }
    return added;
}
