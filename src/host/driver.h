/* The thread of a world: comes when a stack is due and nobody else does, and hands links what comes
 * in by their descriptors. */
#ifndef HOST_DRIVER_H
#define HOST_DRIVER_H

#include "handfast/types.h"

struct world;
struct driver;

/* 0 or -errno. The thread runs, all signals blocked in it, until driver_free. */
HF_NODISCARD int driver_new(struct world *w, struct driver **out);

/* Ends the thread. Not with the world's lock held. NULL is fine. */
void driver_free(struct driver *d);

/* The child of a fork has no such thread: frees what is left of it. */
void driver_forget(struct driver *d);

/* The world's lock is held in all of these. */

/* The stacks must be polled at `due`. */
void driver_expect(struct driver *d, hf_time due);

/* From now on ready(arg) is called, with the lock held, when fd is readable. 0 or -ENOSPC. */
HF_NODISCARD int driver_watch(struct driver *d, int fd, void (*ready)(void *arg), void *arg);
void driver_unwatch(struct driver *d, int fd);

#endif
