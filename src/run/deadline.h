/* Moments to be woken at: a binary heap of deadlines that live inside their owners. */
#ifndef RUN_DEADLINE_H
#define RUN_DEADLINE_H

#include "handfast/types.h"

struct deadline {
    hf_time at;
    void (*due)(struct deadline *self); /* is out of the heap when called */
    uint32_t place;                     /* 1 and up in the heap; 0: not in it */
};

struct deadlines {
    struct deadline **heap; /* heap[1] is the first */
    uint32_t count, room;
};

/* Sets or moves d. 0 or -ENOMEM, then d is as it was. */
HF_NODISCARD int deadline_set(struct deadlines *all, struct deadline *d, hf_time at);
void deadline_clear(struct deadlines *all, struct deadline *d);
/* HF_TIME_NEVER when there is none. */
hf_time deadline_next(const struct deadlines *all);
/* Calls what is due at now. */
void deadline_run(struct deadlines *all, hf_time now);
void deadline_fini(struct deadlines *all);

#endif
