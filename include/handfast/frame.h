/* Frames: what links carry. A header block of its own bytes, then references to payload pages.
 *
 *     room:  [ ... headroom ... | head: linear bytes (headers, short payloads) | tailroom ]
 *     frags: page references, in order, that follow the linear bytes
 *
 * A frame belongs to whoever was last handed it, on success and on failure. Pages are counted:
 * several frames and queues may refer to the same bytes, so a page's bytes are never changed once
 * a second reference exists. Frames and pages come from a pool; a pool may serve several stacks
 * and links, must be used by one thread at a time, and must outlive all of them. */
#ifndef HANDFAST_FRAME_H
#define HANDFAST_FRAME_H

#include "handfast/env.h"
#include "handfast/types.h"

#define HF_FRAME_ROOM     256   /* bytes in the header block */
#define HF_FRAME_FRAGS    8     /* page references a frame can hold */
#define HF_FRAME_HEADROOM 128   /* left before head by hf_frame_new: Ethernet + IPv6 + TCP fit */
#define HF_FRAME_MAX      65535 /* most bytes a frame carries, link header excluded */

struct hf_frame_pool;
struct hf_link;

struct hf_page {
    struct hf_frame_pool *pool;
    uint32_t refs; /* 1 or more while alive */
    uint32_t size; /* bytes at data */
    uint8_t *data;
};

struct hf_frag {
    struct hf_page *page; /* one reference is held */
    uint32_t off, len;    /* off + len <= page->size; len > 0 */
};

enum {
    /* Received: the transport checksum need not be looked at (loopback, or a device checked it). */
    HF_FRAME_CSUM_OK = 1 << 0,
    /* To be sent: the transport checksum field holds the pseudo-header's sum only; the link
     * finishes it or passes the frame to someone who need not look. Only on HF_LINK_CSUM links. */
    HF_FRAME_CSUM_PARTIAL = 1 << 1,
    /* The frame was addressed to all or to a group at the link level. */
    HF_FRAME_LINK_BCAST = 1 << 2,
    /* Between a stack and itself: no IP header stands before the payload (net/handover.h). */
    HF_FRAME_BARE = 1 << 3,
};

struct hf_frame {
    struct hf_frame *next; /* for whoever owns the frame */
    struct hf_frame_pool *pool;
    uint8_t *head;      /* first linear byte, inside room */
    uint32_t head_len;  /* linear bytes */
    uint32_t len;       /* all bytes: head_len + the frags */
    uint16_t gso_bytes; /* 0: one packet. Else a super-segment: payload bytes per real segment */
    uint16_t net_off;   /* where in room the IP header starts, set by IP */
    uint8_t frag_count;
    uint8_t flags;     /* HF_FRAME_* */
    uint16_t proto_be; /* reserved for links: EtherType when known, else 0 */
    hf_time when;      /* for whoever owns the frame: when it arrived, or is due */
    uint64_t cb[6];    /* scratch of whoever owns the frame */
    struct hf_frag frags[HF_FRAME_FRAGS];
    uint8_t room[HF_FRAME_ROOM];
};

/* A new pool that takes its memory from env (copied). NULL when there is none. */
struct hf_frame_pool *hf_frame_pool_new(const struct hf_env *env);

/* All frames and pages must have been given back. NULL is fine. */
void hf_frame_pool_free(struct hf_frame_pool *pool);

/* Frames and pages now out. Both 0 in a pool that nothing leaked from. */
struct hf_frame_pool_stats {
    uint64_t frames, pages, page_bytes;
};
void hf_frame_pool_stats(const struct hf_frame_pool *pool, struct hf_frame_pool_stats *out);

/* Gives idle memory back to env. */
void hf_frame_pool_trim(struct hf_frame_pool *pool);

/* An empty frame with HF_FRAME_HEADROOM before head, all fields 0 or NULL; NULL without memory. */
struct hf_frame *hf_frame_new(struct hf_frame_pool *pool);

/* Drops the frame and its page references. NULL is fine. */
void hf_frame_free(struct hf_frame *f);

/* A second frame with a copy of the header block and references to the same pages. NULL w/o memory.
 */
struct hf_frame *hf_frame_clone(const struct hf_frame *f);

/* A page with 1..65536 bytes of room: at least `bytes` where bytes <= 32768, else 32768 or more.
 * refs is 1, contents undefined. NULL without memory. */
struct hf_page *hf_page_new(struct hf_frame_pool *pool, uint32_t bytes);
static inline void hf_page_ref(struct hf_page *p)
{
    p->refs++;
}
void hf_page_unref(struct hf_page *p);

/* Moves head back by n and returns it; n <= headroom, which the caller's layer guarantees. */
uint8_t *hf_frame_push(struct hf_frame *f, uint32_t n);

/* Drops n bytes from the front, linear first, then frags; n <= f->len. */
void hf_frame_trim_front(struct hf_frame *f, uint32_t n);

/* Keeps the first len bytes; len <= f->len. */
void hf_frame_trim_to(struct hf_frame *f, uint32_t len);

/* Makes the first n bytes linear. false when the frame is shorter, or n is more than room holds. */
bool hf_frame_pull(struct hf_frame *f, uint32_t n);

/* Extends the linear part by n bytes and returns where they start; only before any frag is added.
 * NULL when room is too small or a frag is there. */
uint8_t *hf_frame_put(struct hf_frame *f, uint32_t n);

/* Adds a reference to page bytes at the end (takes a new reference, the caller keeps its own);
 * adjacent pieces of one page are merged. false when all HF_FRAME_FRAGS are used. */
bool hf_frame_add(struct hf_frame *f, struct hf_page *page, uint32_t off, uint32_t len);

/* Appends a copy of len bytes, into room or fresh pages. false without memory or places. */
bool hf_frame_append(struct hf_frame *f, const void *bytes, uint32_t len);

/* Copies len bytes from offset off out of / into the frame; off + len <= f->len. */
void hf_frame_read(const struct hf_frame *f, uint32_t off, void *to, uint32_t len);

/* The frame's bytes from offset off as at most n pieces; returns how many were filled. */
int hf_frame_iov(const struct hf_frame *f, uint32_t off, struct hf_iovec *iov, int n);

/* Memory this frame holds on to, for buffer accounting: its block, and for each frag the bytes
 * used. */
uint32_t hf_frame_truesize(const struct hf_frame *f);

#endif
