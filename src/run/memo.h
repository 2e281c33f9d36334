/* Answers that nobody was there to take.
 *
 * No event tells that a caller was interrupted by a signal; the kernel only refuses the answer
 * (ENOENT). Such a result is remembered by thread, so that the same call, made again by SA_RESTART
 * or by the program itself, gets its first answer and does not act twice. */
#ifndef RUN_MEMO_H
#define RUN_MEMO_H

#include "run/supervisor.h"

/* 0 or -ENOMEM. */
HF_NODISCARD int memo_start(struct supervisor *sv);
void memo_stop(struct supervisor *sv);

/* The result of c, which nobody took. */
void memo_keep(const struct call *c, int64_t result);

/* True when this call has been carried out before, with its result. A memo serves once, and the
 * thread's next call only. */
bool memo_recall(const struct call *c, int64_t *result);

#endif
