/* The environment of unit tests: malloc that can be told to fail and counts what is out, and
 * numbers that look random and are the same in every run. */
#ifndef TESTS_TESTENV_H
#define TESTS_TESTENV_H

#include <stdio.h>
#include <stdlib.h>

#include "handfast/env.h"

struct testenv {
    size_t out;         /* bytes allocated and not given back */
    uint64_t allocs;    /* allocations asked for */
    uint64_t fail_from; /* that one, counted from 1, and all later ones fail; 0: none */
    uint64_t seed;
};

static inline void *testenv_alloc(void *ctx, size_t size)
{
    struct testenv *t = ctx;
    void *p;

    t->allocs++;
    if (t->fail_from && t->allocs >= t->fail_from)
        return NULL;
    p = malloc(size);
    if (!p)
        abort();
    t->out += size;
    return p;
}

static inline void testenv_free(void *ctx, void *p, size_t size)
{
    struct testenv *t = ctx;

    t->out -= size;
    free(p);
}

/* SplitMix64. */
static inline uint64_t testenv_next(struct testenv *t)
{
    uint64_t z = t->seed += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* 0 .. below - 1 */
static inline uint32_t testenv_below(struct testenv *t, uint32_t below)
{
    return (uint32_t)(testenv_next(t) % below);
}

static inline void testenv_random(void *ctx, void *buf, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)buf)[i] = (uint8_t)testenv_next(ctx);
}

static inline void testenv_panic(void *ctx, const char *what, const char *file, int line)
{
    fprintf(stderr, "# %s:%d: broken: %s\n", file, line, what);
    abort();
}

static inline struct hf_env testenv_env(struct testenv *t)
{
    return (struct hf_env){.ctx = t,
                           .alloc = testenv_alloc,
                           .free = testenv_free,
                           .random = testenv_random,
                           .panic = testenv_panic};
}

#endif
