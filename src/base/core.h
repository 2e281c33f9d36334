/* What every layer of one stack shares: the environment, the clock, timers, memory, drop counters.
 */
#ifndef BASE_CORE_H
#define BASE_CORE_H

#include "base/assert.h"
#include "base/keyhash.h"
#include "base/wheel.h"
#include "handfast/drop.h"
#include "handfast/env.h"
#include "handfast/errno.h"
#include "handfast/frame.h"
#include "handfast/stack.h"

struct core {
    struct hf_env env;
    struct hf_frame_pool *pool;
    hf_time now;             /* core_set_now sets these four */
    hf_time now_ms;          /* rounded down, as is the next */
    uint32_t now_us, due_ms; /* the latter rounded up */
    struct wheel wheel;
    uint64_t key[2];       /* secret, for hash tables of names; the source of the next */
    struct keyhash tables; /* for all other hash tables */
    uint64_t isn_key[2];   /* secret, for ISNs and port offsets */
    uint64_t drops[HF_DROP_COUNT];
    struct hf_stack_stats stats;
    bool privileged, any_source; /* as in hf_stack_config */
};

#define core_assert(core, cond) hf_assert(&(core)->env, cond)

/* Once for all who ask for it in other units: divisions cost. */
static inline void core_set_now(struct core *core, hf_time now)
{
    core->now = now;
    core->now_ms = now / HF_MS;
    core->now_us = (uint32_t)(now / HF_US);
    core->due_ms = (uint32_t)core->now_ms + (core->now_ms * HF_MS < now);
}

/* Counts the reason and frees f (which may be NULL: something without a frame was dropped). */
void core_drop(struct core *core, enum hf_drop reason, struct hf_frame *f);

static inline void core_arm(struct core *core, struct timer *t, hf_time due)
{
    wheel_arm(&core->wheel, t, due);
}
static inline void core_arm_soon(struct core *core, struct timer *t, hf_time due)
{
    wheel_arm_soon(&core->wheel, t, due);
}
static inline void core_cancel(struct core *core, struct timer *t)
{
    wheel_cancel(&core->wheel, t);
}

uint32_t core_random32(struct core *core);

#endif
