/* Objects of one size from slabs.
 *
 * In front of every object stands a pointer to its slab, so that giving it back needs no search;
 * one is added to it while the object is not out. A slab's objects are cut as they are first
 * wanted: a fresh slab costs no more than what is used of it. Full slabs are only in the list of
 * all; the first slab of the other list serves, so that those behind it drain. */
#include "base/pool.h"

#define SLAB_TARGET 32768 /* bytes, unless that holds fewer than SLAB_LEAST objects */
#define SLAB_LEAST  8
#define SMALL_SLABS 64 /* from the next one on they are big */

struct slab {
    struct list link;   /* in pool.slabs while an object is free */
    struct list in_all; /* in pool.all_slabs */
    void *free;         /* objects given back, linked through their first word */
    uint32_t used;      /* objects out */
    uint32_t cut;       /* objects ever handed out: those beyond have never been touched */
    uint32_t holds;     /* objects at most */
    uint32_t bytes;
};

static uint32_t pool_align(const struct pool *p)
{
    return p->object_bytes >= 64 ? 64 : 16;
}

static uint32_t pool_stride(const struct pool *p)
{
    uint32_t align = pool_align(p);

    return (p->object_bytes + (uint32_t)sizeof(struct slab *) + align - 1) & ~(align - 1);
}

/* The place in front of an object where its slab is noted. */
static uintptr_t *note_of(void *object)
{
    return (uintptr_t *)object - 1;
}

static struct slab *slab_new(struct pool *p)
{
    uint32_t header = (uint32_t)sizeof(struct slab) + pool_align(p);
    bool is_big = p->slab_count >= SMALL_SLABS;
    uint32_t bytes = is_big ? POOL_BIG_SLAB : p->slab_bytes;
    struct slab *slab = p->env->alloc(p->env->ctx, bytes);

    if (!slab)
        return NULL;
    slab->free = NULL;
    slab->used = 0;
    slab->cut = 0;
    slab->holds = is_big ? (bytes - header) / pool_stride(p) : p->per_slab;
    slab->bytes = bytes;
    list_push_front(&p->slabs, &slab->link);
    list_push_back(&p->all_slabs, &slab->in_all);
    p->slab_count++;
    p->idle++;
    return slab;
}

static void slab_free(struct pool *p, struct slab *slab)
{
    list_remove(&slab->link);
    list_remove(&slab->in_all);
    p->slab_count--;
    p->idle--;
    p->env->free(p->env->ctx, slab, slab->bytes);
}

static void *slab_object(const struct pool *p, struct slab *slab, uint32_t index)
{
    uintptr_t align = pool_align(p);
    uintptr_t first = (uintptr_t)(slab + 1) + sizeof(struct slab *);

    first = (first + align - 1) & ~(align - 1);
    return (char *)slab + (first - (uintptr_t)slab) + (size_t)index * pool_stride(p);
}

void pool_init(struct pool *p, const struct hf_env *env, uint32_t object_bytes)
{
    hf_assert(env, object_bytes > 0 && object_bytes <= 16384);
    p->env = env;
    list_init(&p->slabs);
    list_init(&p->all_slabs);
    p->object_bytes = HF_MAX(object_bytes, (uint32_t)sizeof(void *));
    p->per_slab = HF_MAX(SLAB_TARGET / pool_stride(p), SLAB_LEAST);
    p->slab_bytes = (uint32_t)sizeof(struct slab) + pool_align(p) + p->per_slab * pool_stride(p);
    p->visited = NULL;
    p->slab_count = 0;
    p->used = 0;
    p->idle = 0;
}

void pool_fini(struct pool *p)
{
    hf_assert(p->env, p->used == 0);
    pool_trim(p);
}

void pool_trim(struct pool *p)
{
    if (p->idle)
        slab_free(p, container_of(p->slabs.prev, struct slab, link));
}

void *pool_get(struct pool *p)
{
    struct slab *slab;
    void *object;

    if (!list_empty(&p->slabs))
        slab = container_of(p->slabs.next, struct slab, link);
    else
        slab = slab_new(p);
    if (!slab)
        return NULL;
    if (slab->used++ == 0)
        p->idle--;
    p->used++;
    object = slab->free;
    if (object)
        slab->free = *(void **)object;
    else
        object = slab_object(p, slab, slab->cut++);
    *note_of(object) = (uintptr_t)slab;
    if (slab->used == slab->holds)
        list_remove(&slab->link);
    return object;
}

static void slab_drained(struct pool *p, struct slab *slab)
{
    p->idle++;
    if (p->idle > 1) {
        slab_free(p, slab);
        return;
    }
    list_remove(&slab->link);
    list_push_back(&p->slabs, &slab->link);
}

void pool_put(struct pool *p, void *object)
{
    struct slab *slab = (struct slab *)*note_of(object);

    hf_assert(p->env, !(*note_of(object) & 1) && slab->used > 0);
    *note_of(object) |= 1;
    *(void **)object = slab->free;
    slab->free = object;
    p->used--;
    if (slab->used-- == slab->holds)
        list_push_front(&p->slabs, &slab->link);
    if (!slab->used && slab != p->visited)
        slab_drained(p, slab);
}

void pool_visit(struct pool *p, void (*visit)(void *ctx, void *object), void *ctx)
{
    struct list *at = p->all_slabs.next;

    while (at != &p->all_slabs) {
        struct slab *slab = container_of(at, struct slab, in_all);
        bool was_idle = !slab->used;

        p->visited = slab;
        for (uint32_t i = 0; i < slab->cut; i++) {
            void *object = slab_object(p, slab, i);

            if (!(*note_of(object) & 1))
                visit(ctx, object);
        }
        p->visited = NULL;
        at = at->next;
        if (!slab->used && !was_idle)
            slab_drained(p, slab);
    }
}
