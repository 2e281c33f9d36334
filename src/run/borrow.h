/* The program's own descriptors, had for the length of a call. */
#ifndef RUN_BORROW_H
#define RUN_BORROW_H

#include "run/supervisor.h"

/* A descriptor of ours for the caller's args[0], which must still be f's vehicle; the caller of
 * this closes it. -errno, among them -EPERM: this machine lets nobody have it. */
HF_NODISCARD int borrow_vehicle(const struct call *c, const struct file *f);

/* The same for descriptor `number` of thread tid. */
HF_NODISCARD int borrow_from(pid_t tid, int number, const struct file *f);

/* The family of the socket that the caller's args[0] is, whoever made it; AF_UNSPEC where this
 * machine lets nobody see. -ENOTSOCK: it is none. */
HF_NODISCARD int borrow_family(const struct call *c);

#endif
