/* Many timers in one wheel: what it costs to arm, to cancel and to fire one. */
#include <stdlib.h>

#include "base/wheel.h"
#include "rig.h"

#define SPAN (60 * HF_S)

struct clockwork {
    struct wheel wheel;
    struct timer *timer;
    hf_time *due; /* drawn beforehand */
    uint32_t *turn;
    long next, fired;
    hf_time now;
};

static struct clockwork work;

static void fire(struct timer *t)
{
    work.fired++;
}

static void arm(void *ctx, long count)
{
    for (; count > 0; count--, work.next++)
        wheel_arm(&work.wheel, &work.timer[work.next], work.now + work.due[work.next]);
}

static void cancel(void *ctx, long count)
{
    for (; count > 0; count--, work.next++)
        wheel_cancel(&work.wheel, &work.timer[work.turn[work.next]]);
}

/* Until so many more have fired: the wheel tells where it has something to do. */
static void advance(void *ctx, long count)
{
    long goal = work.fired + count;

    while (work.fired < goal && wheel_next(&work.wheel) != HF_TIME_NEVER) {
        work.now = wheel_next(&work.wheel);
        wheel_advance(&work.wheel, work.now);
    }
}

static double ns_each(work_fn *what, long count)
{
    work.next = 0;
    return 1e9 / rate_once(what, NULL, count);
}

void core_timers(const struct args *args)
{
    long count = args->number[0];
    uint64_t state = 1;

    work.timer = calloc((size_t)count, sizeof(*work.timer));
    work.due = calloc((size_t)count, sizeof(*work.due));
    work.turn = calloc((size_t)count, sizeof(*work.turn));
    if (!work.timer || !work.due || !work.turn)
        die("memory for timers");
    wheel_init(&work.wheel, 0);
    for (long i = 0; i < count; i++) {
        timer_init(&work.timer[i], fire);
        work.due[i] = (hf_time)(dice(&state) % (uint64_t)SPAN);
        work.turn[i] = (uint32_t)((uint64_t)i * 7919 % (uint64_t)count);
    }
    tell("arm", ns_each(arm, count));
    tell("cancel", ns_each(cancel, count));
    for (long i = 0; i < count; i++)
        wheel_cancel(&work.wheel, &work.timer[i]);
    (void)ns_each(arm, count);
    tell("fire", ns_each(advance, count));
}
