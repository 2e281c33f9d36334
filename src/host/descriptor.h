/* Descriptors: which numbers are the library's, and what they stand for. decisions/0008.
 *
 * A number of ours is a real descriptor of the process, so that the kernel chooses it (the lowest
 * that is free), limits it and never gives it to anybody else. What it refers to in the kernel is
 * nothing: an AF_UNIX socket with nobody at the other end (of an hf_epoll_create1 number: a set).
 */
#ifndef HOST_DESCRIPTOR_H
#define HOST_DESCRIPTOR_H

#include "handfast/types.h"

struct file;

/* The file behind the number, with a reference for the caller; NULL when the number is not ours.
 * Safe in a signal handler. */
struct file *descriptor_get(int fd);

/* The same without a reference, for who is inside (bias.h): good until it leaves. NULL as well when
 * another thread is at the number. */
struct file *descriptor_look(int fd);

/* A new number that stands for nothing yet: -EMFILE, -ENFILE. */
HF_NODISCARD int descriptor_reserve(bool cloexec);
/* Gives a reserved number back. errno stays. */
void descriptor_cancel(int fd);

/* From now on fd, an open descriptor, stands for f, whose reference is taken. -ENOMEM: nothing has
 * happened. */
HF_NODISCARD int descriptor_set(int fd, struct file *f);

/* The number is no longer ours; the reference is the caller's. NULL when it was not. The kernel's
 * descriptor stays open. */
struct file *descriptor_take(int fd);

/* An internal descriptor moved to where programs do not look: a high number, FD_CLOEXEC, that
 * hf_close and its relatives take for closed. Gives the new number, or fd itself when there is
 * none; errors (below 0) pass through. descriptor_cancel ends it. */
int descriptor_hide(int fd);
bool descriptor_is_hidden(int fd);

/* Gives up all numbers from first to last, as close_range(2); hidden ones stay. 0 or -errno. */
HF_NODISCARD int descriptor_close_range(unsigned first, unsigned last);

/* In the child of a fork: nothing is ours. */
void descriptor_forget_all(void);

#endif
