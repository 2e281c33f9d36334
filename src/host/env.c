/* The hf_env of an ordinary process. */
#define _GNU_SOURCE
#include "host/env.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

#define HUGE_BYTES ((size_t)1 << 21)

static size_t whole_huge(size_t size)
{
    return (size + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1);
}

/* Big slabs and big tables: what is touched at random costs less in huge pages. */
static void *alloc_huge(size_t size)
{
    size_t want = whole_huge(size);
    char *p =
        mmap(NULL, want + HUGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t before;

    if (p == MAP_FAILED)
        return NULL;
    before = whole_huge((uintptr_t)p) - (uintptr_t)p;
    if (before)
        munmap(p, before);
    if (before < HUGE_BYTES)
        munmap(p + before + want, HUGE_BYTES - before);
    (void)madvise(p + before, want, MADV_HUGEPAGE);
    return p + before;
}

static void *env_alloc(void *ctx, size_t size)
{
    return size < HUGE_BYTES ? malloc(size) : alloc_huge(size);
}

static void env_free(void *ctx, void *p, size_t size)
{
    if (size < HUGE_BYTES)
        free(p);
    else
        munmap(p, whole_huge(size));
}

/* Without randomness sequence numbers and ports could be guessed: better no program than that. */
static void env_random(void *ctx, void *buf, size_t len)
{
    char *to = buf;

    while (len > 0) {
        ssize_t n = getrandom(to, len, 0);

        if (n > 0) {
            to += n;
            len -= (size_t)n;
        } else if (n < 0 && errno != EINTR) {
            perror("handfast: getrandom");
            abort();
        }
    }
}

static void env_panic(void *ctx, const char *what, const char *file, int line)
{
    fprintf(stderr, "handfast: internal error: %s (%s:%d)\n", what, file, line);
    abort();
}

struct hf_env host_env(void)
{
    return (struct hf_env){
        .alloc = env_alloc,
        .free = env_free,
        .random = env_random,
        .panic = env_panic,
    };
}

hf_time host_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (hf_time)ts.tv_sec * HF_S + ts.tv_nsec;
}

hf_time host_tick(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    return (hf_time)ts.tv_sec * HF_S + ts.tv_nsec;
}

hf_time host_epoch(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (hf_time)ts.tv_sec * HF_S + ts.tv_nsec - host_now();
}
