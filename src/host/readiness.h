/* What poll and select share: the readiness of many descriptors, ours and the kernel's, waited for
 * together. */
#ifndef HOST_READINESS_H
#define HOST_READINESS_H

#include <poll.h>
#include <signal.h>

#include "handfast/types.h"

/* As ppoll(2), on fds that are the library's own memory; until: CLOCK_MONOTONIC, HF_TIME_NEVER; 0
 * not to wait. mask may be NULL. Entries ready, or -errno. Cancellation point. */
HF_NODISCARD int64_t readiness_wait(struct pollfd *fds, nfds_t n, hf_time until,
                                    const sigset_t *mask);

#endif
