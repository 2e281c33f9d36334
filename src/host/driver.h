/* The thread of a host: comes when the stack is due and nobody else does. */
#ifndef HOST_DRIVER_H
#define HOST_DRIVER_H

#include "handfast/types.h"

struct hf_host;
struct driver;

/* 0 or -errno. The thread runs, all signals blocked in it, until driver_free. */
HF_NODISCARD int driver_new(struct hf_host *h, struct driver **out);

/* Ends the thread. Not with the host's lock held. NULL is fine. */
void driver_free(struct driver *d);

/* The child of a fork has no such thread: frees what is left of it. */
void driver_forget(struct driver *d);

/* With the host's lock held: the stack must be polled at `due`. */
void driver_expect(struct driver *d, hf_time due);

#endif
