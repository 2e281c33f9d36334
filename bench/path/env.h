/* What the programs of `make bench-path` lend a stack or a link: malloc, getrandom, the clock. */
#ifndef BENCH_PATH_ENV_H
#define BENCH_PATH_ENV_H

#include <err.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "handfast/env.h"

static inline hf_time now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * HF_S + ts.tv_nsec;
}

static inline void *path_alloc(void *ctx, size_t size)
{
    return malloc(size);
}

static inline void path_free(void *ctx, void *p, size_t size)
{
    free(p);
}

static inline void path_random(void *ctx, void *p, size_t size)
{
    if (getrandom(p, size, 0) < 0)
        err(1, "getrandom");
}

static inline struct hf_env path_env(void)
{
    return (struct hf_env){.alloc = path_alloc, .free = path_free, .random = path_random};
}

#endif
