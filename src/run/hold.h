/* Calls whose answer comes later. Each is an entry on the file it waits for, and asked again at
 * each change there. */
#ifndef RUN_HOLD_H
#define RUN_HOLD_H

#include "run/supervisor.h"

/* Keeps a call waiting on f until retry has an answer, at most for `timeout` (0: not at all,
 * HF_TIME_NEVER: for ever). CALL_HELD, the answer, or -ENOMEM. */
HF_NODISCARD int64_t hold_call(const struct call *c, struct file *f, retry_fn *retry,
                               hf_time timeout);

/* Asks every call held on f again. */
void hold_retry(struct file *f);

/* A thread is in one call at a time, so a new one of its ends the old. True when the new one is the
 * old made again after a signal, and had a time-out: on Linux such a call ends with EINTR, also
 * under SA_RESTART. The program's own retry after EINTR looks the same, but for registers that hold
 * no argument. NetSem intr_1. */
bool hold_end(const struct call *c);

/* Forgets calls held on f whose callers are gone; true when none is left. */
bool hold_prune(struct file *f);

/* Does anybody wait in a call held on f? */
bool hold_is_awaited(const struct file *f);

/* Is one of the calls held on f a connect()? */
bool hold_has_connect(const struct file *f);

/* f ends: its held calls are answered with `result`. */
void hold_release(struct file *f, int64_t result);

#endif
