/* A queue of bytes held in pages: what waits to be sent, or acknowledged. Bytes go in at the end by
 * copy or in place, are referred to by frames from any offset, and leave at the front. */
#ifndef BASE_BYTEQ_H
#define BASE_BYTEQ_H

#include "handfast/frame.h"

struct chunk; /* a piece of a page, base/frame_pool.h */

struct byteq {
    struct chunk *first, *last;
    struct chunk *cursor; /* where the newest byteq_gather ended, and that chunk's offset */
    uint32_t cursor_off;
    uint32_t len; /* bytes queued */
};

void byteq_init(struct byteq *q);
void byteq_fini(struct byteq *q);

/* Copies at most max bytes, skipping the first `skip` of the vector, onto the end. Returns how
 * many: fewer only when memory ran out. pool: where pages come from, the same for all of a queue.
 */
size_t byteq_write(struct byteq *q, struct hf_frame_pool *pool, const struct hf_iovec *iov,
                   size_t n, size_t skip, size_t max);

/* Room at the end that can be filled in place: at most want bytes in at most n pieces; returns the
 * number of pieces, 0 without memory. byteq_commit makes the first len bytes of it part of the
 * queue and forgets the rest. Nothing else may touch the queue in between. */
int byteq_reserve(struct byteq *q, struct hf_frame_pool *pool, size_t want, struct hf_iovec *iov,
                  int n);
void byteq_commit(struct byteq *q, size_t len);

/* Drops len bytes at the front; len <= q->len. */
void byteq_drop(struct byteq *q, uint32_t len);

/* Adds to f up to len bytes from offset off: short ones copied into its linear part, else by
 * reference. Returns how many were added: fewer only when f has no more places for references. */
uint32_t byteq_gather(struct byteq *q, uint32_t off, uint32_t len, struct hf_frame *f);

#endif
