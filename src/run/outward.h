/* Bytes of a connected vehicle on their way to the stack. */
#ifndef RUN_OUTWARD_H
#define RUN_OUTWARD_H

#include "run/supervisor.h"

/* Gives the stack what the program has written. 1 when no byte is left in our end, 0 when there is
 * no room, else the stack's error. */
int outward_carry(struct file *f);

/* Bytes the program has written that the stack has not taken yet. */
int outward_waiting(const struct file *f);

/* The bytes of n pieces. */
size_t outward_total(const struct hf_iovec *iov, int n);

#endif
