/* Assertions that stay on in releases: for what our own code could break, never for what a packet,
 * a caller or the kernel can. */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

#include <stdbool.h>
#include <stddef.h>

#include "handfast/env.h"

/* The failed assertion's end: hf_env.panic where env is known, else a trap. */
_Noreturn void assert_failed(const struct hf_env *env, const char *what, const char *file,
                             int line);

#define hf_assert(env, cond) \
    (__builtin_expect(!!(cond), 1) ? (void)0 : assert_failed((env), #cond, __FILE__, __LINE__))

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define HF_MIN(a, b)    ((a) < (b) ? (a) : (b))
#define HF_MAX(a, b)    ((a) > (b) ? (a) : (b))
#define HF_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
