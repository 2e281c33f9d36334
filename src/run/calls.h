/* The handlers of notified calls, one file each: sys_connect is in sys_connect.c. Each returns the
 * call's result, -errno, or CALL_*. f is the socket that args[0] names (socket(): NULL). */
#ifndef RUN_CALLS_H
#define RUN_CALLS_H

#include "run/supervisor.h"

int64_t sys_socket(const struct call *c, struct file *f);
int64_t sys_connect(const struct call *c, struct file *f);
int64_t sys_bind(const struct call *c, struct file *f);
int64_t sys_listen(const struct call *c, struct file *f);
int64_t sys_accept(const struct call *c, struct file *f);
int64_t sys_accept4(const struct call *c, struct file *f);
int64_t sys_getsockname(const struct call *c, struct file *f);
int64_t sys_getpeername(const struct call *c, struct file *f);
int64_t sys_getsockopt(const struct call *c, struct file *f);
int64_t sys_setsockopt(const struct call *c, struct file *f);
int64_t sys_shutdown(const struct call *c, struct file *f);
int64_t sys_sendto(const struct call *c, struct file *f);
int64_t sys_recvfrom(const struct call *c, struct file *f);
int64_t sys_sendmsg(const struct call *c, struct file *f);
int64_t sys_recvmsg(const struct call *c, struct file *f);
int64_t sys_sendmmsg(const struct call *c, struct file *f);
int64_t sys_recvmmsg(const struct call *c, struct file *f);
int64_t sys_ioctl(const struct call *c, struct file *f);
/* The same on a descriptor that is none of ours. */
int64_t sys_ioctl_foreign(const struct call *c);

#endif
