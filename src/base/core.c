/* The few operations of what every layer shares. */
#include "base/core.h"

void core_drop(struct core *core, enum hf_drop reason, struct hf_frame *f)
{
    core->drops[reason]++;
    hf_frame_free(f);
}

uint32_t core_random32(struct core *core)
{
    uint32_t value;

    core->env.random(core->env.ctx, &value, sizeof value);
    return value;
}
