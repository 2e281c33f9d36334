/* Frames and pages: taken, counted, given back. */
#include "base/frame_pool.h"

#include <string.h>

#define IDLE_FRAMES_MOST 1024 /* half a megabyte */

/* A page's bytes follow its header, so that both are one allocation. */
struct page {
    struct hf_page page;
    struct page *next; /* in the free list of its class */
};

_Static_assert(sizeof(struct page) % 16 == 0, "page data starts aligned to 16");

/* Of the largest, twice what a send buffer holds: it may drain at once, and is filled again. */
static const struct page_class {
    uint32_t bytes;
    uint32_t idle_most; /* pages kept */
} page_classes[PAGE_CLASSES] = {{256, 256}, {2048, 128}, {8192, 64}, {PAGE_MOST, 256}};

static unsigned page_class_for(uint32_t bytes)
{
    unsigned cls = 0;

    while (cls < PAGE_CLASSES - 1 && page_classes[cls].bytes < bytes)
        cls++;
    return cls;
}

static struct page *page_of(struct hf_page *p)
{
    return container_of(p, struct page, page);
}

struct hf_frame_pool *hf_frame_pool_new(const struct hf_env *env)
{
    struct hf_frame_pool *pool = env->alloc(env->ctx, sizeof *pool);

    if (!pool)
        return NULL;
    memset(pool, 0, sizeof *pool);
    pool->env = *env;
    pool_init(&pool->frames, &pool->env, sizeof(struct hf_frame));
    pool_init(&pool->chunks, &pool->env, sizeof(struct chunk));
    return pool;
}

void hf_frame_pool_free(struct hf_frame_pool *pool)
{
    struct hf_env env;

    if (!pool)
        return;
    hf_assert(&pool->env, pool->stats.frames == 0);
    hf_assert(&pool->env, pool->stats.pages == 0);
    hf_frame_pool_trim(pool);
    pool_fini(&pool->frames);
    pool_fini(&pool->chunks);
    env = pool->env;
    env.free(env.ctx, pool, sizeof *pool);
}

void hf_frame_pool_stats(const struct hf_frame_pool *pool, struct hf_frame_pool_stats *out)
{
    *out = pool->stats;
}

void hf_frame_pool_trim(struct hf_frame_pool *pool)
{
    struct hf_frame *f;
    struct page *page;

    while ((f = pool->idle_frames) != NULL) {
        pool->idle_frames = f->next;
        pool_put(&pool->frames, f);
    }
    pool->idle_frame_count = 0;
    pool_trim(&pool->frames);
    pool_trim(&pool->chunks);
    for (unsigned cls = 0; cls < PAGE_CLASSES; cls++) {
        while ((page = pool->idle_pages[cls]) != NULL) {
            pool->idle_pages[cls] = page->next;
            pool->env.free(pool->env.ctx, page, sizeof *page + page->page.size);
        }
        pool->idle_page_count[cls] = 0;
    }
}

/* frags and room are left as they are: their bytes count only once they are said to be used. */
struct hf_frame *hf_frame_new(struct hf_frame_pool *pool)
{
    struct hf_frame *f = pool->idle_frames;

    if (f) {
        pool->idle_frames = f->next;
        pool->idle_frame_count--;
    } else {
        f = pool_get(&pool->frames);
        if (!f)
            return NULL;
    }
    pool->stats.frames++;
    f->next = NULL;
    f->pool = pool;
    f->head = f->room + HF_FRAME_HEADROOM;
    f->head_len = 0;
    f->len = 0;
    f->gso_bytes = 0;
    f->net_off = 0;
    f->frag_count = 0;
    f->flags = 0;
    f->proto_be = 0;
    f->when = 0;
    for (size_t i = 0; i < HF_COUNT(f->cb); i++)
        f->cb[i] = 0;
    return f;
}

void hf_frame_free(struct hf_frame *f)
{
    struct hf_frame_pool *pool;

    if (!f)
        return;
    pool = f->pool;
    for (unsigned i = 0; i < f->frag_count; i++)
        hf_page_unref(f->frags[i].page);
    pool->stats.frames--;
    if (pool->idle_frame_count == IDLE_FRAMES_MOST) {
        pool_put(&pool->frames, f);
        return;
    }
    f->next = pool->idle_frames;
    pool->idle_frames = f;
    pool->idle_frame_count++;
}

struct hf_page *hf_page_new(struct hf_frame_pool *pool, uint32_t bytes)
{
    unsigned cls = page_class_for(bytes);
    uint32_t size = page_classes[cls].bytes;
    struct page *page = pool->idle_pages[cls];

    if (page) {
        pool->idle_pages[cls] = page->next;
        pool->idle_page_count[cls]--;
    } else {
        page = pool->env.alloc(pool->env.ctx, sizeof *page + size);
        if (!page)
            return NULL;
    }
    pool->stats.pages++;
    pool->stats.page_bytes += size;
    page->page.pool = pool;
    page->page.refs = 1;
    page->page.size = size;
    page->page.data = (uint8_t *)(page + 1);
    return &page->page;
}

void hf_page_unref(struct hf_page *p)
{
    struct hf_frame_pool *pool = p->pool;
    struct page *page = page_of(p);
    unsigned cls;

    hf_assert(&pool->env, p->refs > 0);
    if (--p->refs)
        return;
    cls = page_class_for(p->size);
    pool->stats.pages--;
    pool->stats.page_bytes -= p->size;
    if (pool->idle_page_count[cls] == page_classes[cls].idle_most) {
        pool->env.free(pool->env.ctx, page, sizeof *page + p->size);
        return;
    }
    page->next = pool->idle_pages[cls];
    pool->idle_pages[cls] = page;
    pool->idle_page_count[cls]++;
}
