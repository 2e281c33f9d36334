/* How a broken invariant ends. */
#include "base/assert.h"

#include <setjmp.h>
#include <string.h>

#include "tap.h"

static jmp_buf back;
static const char *said;

static void panic(void *ctx, const char *what, const char *file, int line)
{
    said = what;
    *(int *)ctx = line;
    longjmp(back, 1);
}

int main(void)
{
    int line = 0;
    struct hf_env env = {.ctx = &line, .panic = panic};

    tap_begin(10);
    if (!setjmp(back)) {
        hf_assert(&env, 1 + 1 == 2);
        OK(!said, "an assertion that holds says nothing");
        hf_assert(&env, 1 + 1 == 3);
    }
    OK(said && strcmp(said, "1 + 1 == 3") == 0 && line > 0, "a broken one is told to panic");
    return tap_end();
}
