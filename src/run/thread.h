/* Threads of the program. */
#ifndef RUN_THREAD_H
#define RUN_THREAD_H

#include <sys/types.h>

#include "handfast/types.h"

/* The clock that thread_is_as_of reads. */
hf_time thread_now(void);

/* Did the thread that tid names now exist at that time? If not, another had the number then. To a
 * hundredth of a second, in which no number can come round. */
bool thread_is_as_of(pid_t tid, hf_time when);

#endif
