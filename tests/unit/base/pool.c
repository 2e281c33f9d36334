/* Pools of objects. */
#include "base/pool.h"

#include <string.h>

#include "tap.h"
#include "testenv.h"

#define OBJECTS      3000
#define MANY         20000 /* of 480 bytes: more than the small slabs hold */
#define SLAB_OBJECTS 8     /* of the largest size */

static struct testenv env;

/* Random gets and puts; each object holds its own number, which nobody else may overwrite. */
static bool random_run(struct pool *p, uint32_t bytes)
{
    static uint8_t *out[OBJECTS];
    uintptr_t align = bytes >= 64 ? 64 : 16;
    bool good = true;

    for (int i = 0; i < 30000; i++) {
        uint32_t k = testenv_below(&env, OBJECTS);

        if (out[k]) {
            for (uint32_t b = 0; b < bytes; b++)
                good &= out[k][b] == (uint8_t)k;
            pool_put(p, out[k]);
            out[k] = NULL;
        } else {
            out[k] = pool_get(p);
            good &= out[k] && (uintptr_t)out[k] % align == 0;
            memset(out[k], (int)k, bytes);
        }
    }
    for (uint32_t k = 0; k < OBJECTS; k++) {
        if (out[k])
            pool_put(p, out[k]);
        out[k] = NULL;
    }
    return good;
}

struct visit {
    struct pool *p;
    unsigned seen;
};

/* Puts back every third one, and the one that was visited before. */
static void see(void *ctx, void *object)
{
    static void *before;
    struct visit *v = ctx;

    if (v->seen++ % 3 == 0) {
        pool_put(v->p, object);
        before = NULL;
        return;
    }
    if (before) {
        pool_put(v->p, before);
        before = NULL;
        return;
    }
    before = object;
}

static void put_back(void *ctx, void *object)
{
    pool_put(ctx, object);
}

static void many_are_visited(const struct hf_env *hf)
{
    static void *out[MANY];
    struct visit v = {0};
    struct pool p;

    pool_init(&p, hf, 480);
    for (int i = 0; i < MANY; i++)
        out[i] = pool_get(&p);
    OK(p.slab_count < 64 + MANY * 512 / POOL_BIG_SLAB + 2, "many objects are in big slabs");
    for (int i = 0; i < MANY; i += 2)
        pool_put(&p, out[i]);
    v.p = &p;
    pool_visit(&p, see, &v);
    EQ(v.seen, MANY / 2, "each that is out is visited once, though others go meanwhile");
    OK(p.used > 0 && p.used < MANY / 2, "some have gone");
    pool_visit(&p, put_back, &p);
    EQ(p.used, 0, "a visit may put all of them back");
    OK(env.out <= POOL_BIG_SLAB, "and their memory");
    pool_fini(&p);
    EQ(env.out, 0, "fini gives back all memory");
}

int main(void)
{
    static const uint32_t sizes[] = {1, 8, 24, 63, 64, 100, 480, 2000};
    struct hf_env hf = testenv_env(&env);
    struct pool p;
    void *objects[SLAB_OBJECTS];

    tap_begin(60);
    for (size_t i = 0; i < HF_COUNT(sizes); i++) {
        pool_init(&p, &hf, sizes[i]);
        OK(random_run(&p, sizes[i]), "objects are aligned and apart");
        OK(p.used == 0 && env.out <= p.slab_bytes, "at most one empty slab is kept");
        pool_trim(&p);
        EQ(env.out, 0, "trim gives it back");
        pool_fini(&p);
    }

    pool_init(&p, &hf, 16384);
    EQ(p.per_slab, SLAB_OBJECTS, "a slab holds several of the largest objects");
    objects[0] = pool_get(&p);
    OK(objects[0] && (uintptr_t)objects[0] % 64 == 0, "which are aligned too");
    env.fail_from = 1;
    for (int i = 1; i < SLAB_OBJECTS; i++)
        objects[i] = pool_get(&p);
    OK(objects[SLAB_OBJECTS - 1] != NULL, "a slab serves without new memory");
    OK(!pool_get(&p), "NULL without memory");
    pool_put(&p, objects[3]);
    OK(pool_get(&p) == objects[3], "what came back serves again");
    for (int i = 0; i < SLAB_OBJECTS; i++)
        pool_put(&p, objects[i]);
    pool_fini(&p);
    EQ(env.out, 0, "fini gives back all memory");
    env.fail_from = 0;
    many_are_visited(&hf);
    return tap_end();
}
