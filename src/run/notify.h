/* The program's notified calls: received, handed to their handlers, answered. */
#ifndef RUN_NOTIFY_H
#define RUN_NOTIFY_H

#include "run/supervisor.h"

/* Takes over the filter's listener. 0 or -errno. */
HF_NODISCARD int notify_start(struct supervisor *sv, int listener);
void notify_stop(struct supervisor *sv);

/* Does the caller still wait in that very call? */
bool notify_is_waiting(const struct call *c);

/* The name of a call that is being served. */
const char *notify_name(const struct call *c);

/* Answers a call with what a handler returned. When nobody waits any more, the result is kept for
 * the same call made anew (SA_RESTART, or the program's own retry after EINTR). */
void notify_answer(const struct call *c, int64_t result);

#endif
