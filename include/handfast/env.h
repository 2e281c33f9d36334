/* What a stack needs of the world around it: memory, randomness, a last word. */
#ifndef HANDFAST_ENV_H
#define HANDFAST_ENV_H

#include "handfast/types.h"

struct hf_env {
    void *ctx; /* handed to each function below */

    /* size bytes aligned to 16, or NULL. Contents undefined. size is never 0. */
    void *(*alloc)(void *ctx, size_t size);

    /* Gives back what alloc gave; size is the size it was asked with. p is never NULL. */
    void (*free)(void *ctx, void *p, size_t size);

    /* Fills buf with len bytes that an attacker cannot guess. A test may use a counter. */
    void (*random)(void *ctx, void *buf, size_t len);

    /* A broken invariant: says what and where, and does not return. NULL: the stack traps. */
    void (*panic)(void *ctx, const char *what, const char *file, int line);
};

#endif
