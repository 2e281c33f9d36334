/* The end of a broken invariant. */
#include "base/assert.h"

_Noreturn void assert_failed(const struct hf_env *env, const char *what, const char *file, int line)
{
    if (env && env->panic)
        env->panic(env->ctx, what, file, line);
    __builtin_trap();
}
