/* The seccomp filter: which system calls of the program the supervisor answers. */
#ifndef RUN_FILTER_H
#define RUN_FILTER_H

#include "handfast/types.h"

struct filter;

/* Builds the filter. 0 or -errno. */
HF_NODISCARD int filter_new(struct filter **out);
void filter_free(struct filter *f);

/* Puts the calling process, for good, under the filter; privileges can no longer be gained by exec.
 * Returns the listener's descriptor (close-on-exec) or -errno. */
HF_NODISCARD int filter_install(struct filter *f);

#endif
