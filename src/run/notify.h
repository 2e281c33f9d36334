/* The program's notified calls: received, handed to their handlers, answered. */
#ifndef RUN_NOTIFY_H
#define RUN_NOTIFY_H

#include "run/supervisor.h"

/* Takes over the filter's listener. 0 or -errno. */
HF_NODISCARD int notify_start(struct supervisor *sv, int listener);
void notify_stop(struct supervisor *sv);

/* Does the caller still wait in that very call? */
bool notify_is_waiting(const struct call *c);

/* Answers a call with what a handler returned. When nobody waits any more, the result is kept for
 * the same call made anew (SA_RESTART, or the program's own retry after EINTR). */
void notify_answer(const struct call *c, int64_t result);

/* Keeps a call waiting on f until retry has an answer, at most for `timeout` (0: not at all,
 * HF_TIME_NEVER: for ever). CALL_HELD, the answer, or -ENOMEM. */
HF_NODISCARD int64_t notify_hold(const struct call *c, struct file *f, retry_fn *retry,
                                 hf_time timeout);

/* Asks every call held on f again. */
void notify_retry(struct file *f);

/* Forgets calls held on f whose callers are gone; true when none is left. */
bool notify_prune(struct file *f);

/* Does anybody wait in a call held on f? */
bool notify_is_awaited(const struct file *f);

/* Is one of the calls held on f a connect()? */
bool notify_connect_waits(const struct file *f);

/* f ends: its held calls are answered with `result`. */
void notify_release(struct file *f, int64_t result);

#endif
