/* Objects of one size from slabs.
 *
 * In front of every object stands a pointer to its slab, so that giving it back needs no search. A
 * slab's objects are cut as they are first wanted: a fresh slab costs no more than what is used of
 * it. Full slabs are in no list; the first slab of the list serves, so that those behind it drain.
 */
#include "base/pool.h"

#define SLAB_TARGET 32768 /* bytes, unless that holds fewer than SLAB_LEAST objects */
#define SLAB_LEAST  8

struct slab {
    struct list link; /* in pool.slabs while an object is free */
    void *free;       /* objects given back, linked through their first word */
    uint32_t used;    /* objects out */
    uint32_t cut;     /* objects ever handed out: those beyond have never been touched */
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
static struct slab **slab_of(void *object)
{
    return (struct slab **)object - 1;
}

static struct slab *slab_new(struct pool *p)
{
    struct slab *slab = p->env->alloc(p->env->ctx, p->slab_bytes);

    if (!slab)
        return NULL;
    slab->free = NULL;
    slab->used = 0;
    slab->cut = 0;
    list_push_front(&p->slabs, &slab->link);
    p->idle++;
    return slab;
}

static void slab_free(struct pool *p, struct slab *slab)
{
    list_remove(&slab->link);
    p->idle--;
    p->env->free(p->env->ctx, slab, p->slab_bytes);
}

static void *slab_cut(const struct pool *p, struct slab *slab)
{
    uintptr_t align = pool_align(p);
    uintptr_t first = (uintptr_t)(slab + 1) + sizeof(struct slab *);
    void *object;

    first = (first + align - 1) & ~(align - 1);
    object = (char *)slab + (first - (uintptr_t)slab) + (size_t)slab->cut * pool_stride(p);
    slab->cut++;
    *slab_of(object) = slab;
    return object;
}

void pool_init(struct pool *p, const struct hf_env *env, uint32_t object_bytes)
{
    hf_assert(env, object_bytes > 0 && object_bytes <= 16384);
    p->env = env;
    list_init(&p->slabs);
    p->object_bytes = HF_MAX(object_bytes, (uint32_t)sizeof(void *));
    p->per_slab = HF_MAX(SLAB_TARGET / pool_stride(p), SLAB_LEAST);
    p->slab_bytes = (uint32_t)sizeof(struct slab) + pool_align(p) + p->per_slab * pool_stride(p);
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
        object = slab_cut(p, slab);
    if (slab->used == p->per_slab)
        list_remove(&slab->link);
    return object;
}

void pool_put(struct pool *p, void *object)
{
    struct slab *slab = *slab_of(object);

    hf_assert(p->env, slab->used > 0);
    *(void **)object = slab->free;
    slab->free = object;
    p->used--;
    if (slab->used-- == p->per_slab)
        list_push_front(&p->slabs, &slab->link);
    if (slab->used)
        return;
    p->idle++;
    if (p->idle > 1) {
        slab_free(p, slab);
        return;
    }
    list_remove(&slab->link);
    list_push_back(&p->slabs, &slab->link);
}
