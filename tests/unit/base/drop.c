/* Names of drop reasons, and what core_drop counts. */
#include "handfast/drop.h"

#include <ctype.h>
#include <string.h>

#include "base/core.h"
#include "tap.h"
#include "testenv.h"

int main(void)
{
    static const char *const enumerators[] = {
#define X(name, text) #name,
        HF_DROPS(X)
#undef X
    };
    static struct core core;
    struct testenv env = {0};
    struct hf_env hf = testenv_env(&env);
    struct hf_frame_pool_stats stats;
    bool same = true, worded = true;

    tap_begin(10);
    for (int i = 0; i < HF_DROP_COUNT; i++) {
        const char *name = hf_drop_name(i);

        worded &= name && *hf_drop_text(i);
        same &= name && strlen(name) == strlen(enumerators[i]);
        for (int k = 0; same && name[k]; k++)
            same &= name[k] == tolower(enumerators[i][k]);
    }
    OK(same, "each name is its enumerator in lower case");
    OK(worded, "each reason has a text");

    core.env = hf;
    core.pool = hf_frame_pool_new(&hf);
    core_drop(&core, HF_DROP_TCP_BACKLOG, hf_frame_new(core.pool));
    core_drop(&core, HF_DROP_TCP_BACKLOG, NULL);
    EQ(core.drops[HF_DROP_TCP_BACKLOG], 2, "a drop is counted, with a frame or without");
    hf_frame_pool_stats(core.pool, &stats);
    EQ(stats.frames, 0, "a dropped frame is freed");
    OK(core_random32(&core) != core_random32(&core), "random numbers come from the environment");
    hf_frame_pool_free(core.pool);
    EQ(env.out, 0, "nothing is left");
    return tap_end();
}
