/* Descriptors put into the program. */
#ifndef RUN_INJECT_H
#define RUN_INJECT_H

#include "run/supervisor.h"

/* Gives the caller a copy of fd at its lowest free number and answers the call with that number.
 * Returns the number, -EMFILE (the program's limit) or another -errno, with the call unanswered, or
 * CALL_GONE: the caller is gone. fd stays ours. */
HF_NODISCARD int inject_answer(const struct call *c, int fd, bool cloexec);

/* Puts a copy of fd in the place of the caller's descriptor `number`, as dup2 does, close-on-exec
 * as that one was. The call stays unanswered. 0 or -errno as above. */
HF_NODISCARD int inject_replace(const struct call *c, int fd, int number);

/* Has the caller no free number for a descriptor? False where nobody may ask, and before Linux 6.2.
 */
bool inject_is_full(const struct call *c);

/* The open flags (O_NONBLOCK, O_CLOEXEC, ...) of descriptor `number` of thread tid; 0: unknown. */
int inject_flags(pid_t tid, int number);

#endif
