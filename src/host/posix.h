/* Shared by the files that carry out the calls of handfast/posix.h. */
#ifndef HOST_POSIX_H
#define HOST_POSIX_H

#include "host/descriptor.h"
#include "host/file.h"
#include "host/user.h"
#include "host/wait.h"

/* A result of the library as POSIX tells it: errno is set here and nowhere else. */
int64_t posix_result(int64_t n);

/* Begins a call on a descriptor: false when it is not a socket of ours, and the kernel's own call
 * is the one to make. call_end gives the reference back and passes n on to posix_result. */
bool call_begin(struct call *c, int fd);
int64_t call_end(struct call *c, int64_t n);

/* An open is under way: waits for its end, 0 or connect()'s error; -EINTR and, out of time,
 * -EINPROGRESS or (joined) -EALREADY: it goes on. */
int connect_wait(struct call *c, hf_time until, bool joined);

/* Is it a socket of ours? */
bool posix_is_ours(int fd);

/* A new file gets the reserved number, or, when this fails, both are given back. f: NULL is
 * -ENOMEM. The number, or -errno. */
int posix_open(struct file *f, int reserved, int flags);

/* F_DUPFD and its relatives, for numbers of ours and of the kernel's. errno is set. */
int posix_dup_from(int fd, int lowest, bool cloexec);

#endif
