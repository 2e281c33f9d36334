/* Objects of one size, cut from slabs; empty slabs go back to the environment. A pool with many
 * objects takes slabs of POOL_BIG_SLAB bytes, which the environment may serve with huge pages. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include "base/list.h"
#include "handfast/env.h"
#include "handfast/types.h"

struct slab; /* in pool.c */

#define POOL_BIG_SLAB ((uint32_t)1 << 21)

struct pool {
    const struct hf_env *env;
    struct list slabs;                           /* slabs with free objects, the emptiest last */
    struct list all_slabs;                       /* all */
    uint32_t object_bytes, slab_bytes, per_slab; /* of small slabs */
    struct slab *visited;                        /* it is not freed now; NULL: none */
    uint32_t slab_count;
    uint64_t used; /* objects out */
    uint32_t idle; /* wholly empty slabs kept; at most one */
};

/* object_bytes up to 16 KiB; objects are aligned to 64 when that large, else to 16. */
void pool_init(struct pool *p, const struct hf_env *env, uint32_t object_bytes);
/* All objects must be back. */
void pool_fini(struct pool *p);
/* Contents undefined. NULL without memory. */
void *pool_get(struct pool *p);
void pool_put(struct pool *p, void *object);
/* Calls visit with each object that is out. It may put any of them back, and get none. */
void pool_visit(struct pool *p, void (*visit)(void *ctx, void *object), void *ctx);
/* Gives the idle slab back to the environment. */
void pool_trim(struct pool *p);

#endif
