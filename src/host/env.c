/* The hf_env of an ordinary process. */
#include "host/env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static void *env_alloc(void *ctx, size_t size)
{
    return malloc(size);
}

static void env_free(void *ctx, void *p, size_t size)
{
    free(p);
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
