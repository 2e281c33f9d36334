/* A hierarchical timing wheel: arming, cancelling and firing cost the same however many timers
 * there are. A timer fires at its due time rounded up to a tick of 2^17 ns (131 us), never early.
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include "base/list.h"
#include "handfast/types.h"

#define WHEEL_TICK_BITS 17
#define WHEEL_SLOT_BITS 6
#define WHEEL_LEVELS    8 /* 2^(17+48) ns: every hf_time has a place */
#define WHEEL_SLOTS     (1 << WHEEL_SLOT_BITS)
#define WHEEL_CHAINS    8

struct timer {
    struct list link; /* in a slot while armed, else alone */
    hf_time due;
    void (*fire)(struct timer *timer); /* may arm and cancel any timer, this one too */
    uint16_t slot;                     /* for the wheel: where it hangs */
};

struct wheel {
    uint64_t tick;                /* all due at or before it has fired */
    uint64_t armed[WHEEL_LEVELS]; /* a bit per slot that is not empty */
    unsigned levels;              /* a bit per level that has such slots */
    struct list overdue;          /* armed for a tick that had passed: for the next advance */
    struct list soon;             /* armed by wheel_arm_soon, and not hung up yet */
    struct wheel_slot {
        struct list chains[WHEEL_CHAINS];
        uint64_t hung; /* timers in them */
        uint64_t turn; /* the chain where the next one hangs, modulo their number */
    } slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, hf_time now);
void timer_init(struct timer *t, void (*fire)(struct timer *timer));
static inline bool timer_is_armed(const struct timer *t)
{
    return !list_empty(&t->link);
}

/* Arms t for due, or moves it there. A due time that has passed fires at the next advance. */
void wheel_arm(struct wheel *w, struct timer *t, hf_time due);

/* Arms t, which is not armed, where it will as a rule be cancelled before the next advance: that is
 * when its place is found. Until then wheel_next says "at once". */
void wheel_arm_soon(struct wheel *w, struct timer *t, hf_time due);

/* t need not be armed. */
void wheel_cancel(struct wheel *w, struct timer *t);

/* When wheel_advance has something to do: never later than the earliest timer's tick, possibly
 * earlier (a slot to be spread out). HF_TIME_NEVER when nothing is armed. */
hf_time wheel_next(const struct wheel *w);

/* Fires all that is due at now, in order of their ticks. */
void wheel_advance(struct wheel *w, hf_time now);

#endif
