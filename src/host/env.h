/* The hf_env of an ordinary process: malloc, getrandom, a message and abort(). */
#ifndef HOST_ENV_H
#define HOST_ENV_H

#include "handfast/env.h"

struct hf_env host_env(void);

/* CLOCK_MONOTONIC in nanoseconds. */
hf_time host_now(void);
/* The same as of the kernel's last tick, some milliseconds ago at most: a quarter of the cost. */
hf_time host_tick(void);

/* What to add to that to have the time since 1970, as the clock is set now. */
hf_time host_epoch(void);

#endif
