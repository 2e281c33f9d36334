/* Where frames and pages come from. The pool keeps what is given back, up to a bound for each kind,
 * because the same sizes are wanted again at once; what exceeds it goes back to the environment. */
#ifndef BASE_FRAME_POOL_H
#define BASE_FRAME_POOL_H

#include "base/pool.h"
#include "handfast/frame.h"

#define PAGE_CLASSES 4
#define PAGE_MOST    32768 /* bytes of the largest class */

/* A piece of a queue of bytes, for byteq.c. */
struct chunk {
    struct chunk *next;
    struct hf_page *page; /* one reference is held */
    uint32_t off, len;    /* the piece of it that is queued */
};

struct page; /* a page and its place in a free list, in frame_pool.c */

struct hf_frame_pool {
    struct hf_env env;
    struct pool frames, chunks; /* of struct hf_frame and struct chunk */
    struct hf_frame *idle_frames;
    uint32_t idle_frame_count;
    struct page *idle_pages[PAGE_CLASSES];
    uint32_t idle_page_count[PAGE_CLASSES];
    struct hf_frame_pool_stats stats;
};

#endif
