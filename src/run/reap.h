/* Closes that nothing tells of: found by looking at what the program's processes have open. */
#ifndef RUN_REAP_H
#define RUN_REAP_H

#include "run/supervisor.h"

void reap_start(struct supervisor *sv);

/* A scan is to happen within `delay` from now. */
void reap_within(struct supervisor *sv, hf_time delay);

/* Scans at once and closes what nobody has open: before a bind or a port is refused. */
void reap_now(struct supervisor *sv);

/* No descriptor is left for another socket: scans, but half the time at most where there are very
 * many. False: it did not. */
HF_NODISCARD bool reap_for_room(struct supervisor *sv);

/* Another socket is about to be made: scans when many have been since the last time. */
void reap_before_socket(struct supervisor *sv);

/* The stack's question (hf_wanted_fn). When the answer is false, the file ends soon. */
bool reap_is_wanted(void *ctx, struct hf_sock *sk, void *user);

/* Does the descriptor by which f was last used still exist? Cheap; false proves nothing. */
bool reap_is_held_open(const struct file *f);

#endif
