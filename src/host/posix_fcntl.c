/* hf_fcntl() and hf_ioctl(). What concerns the number (FD_CLOEXEC, copies) is the kernel's; what
 * concerns the open file (O_NONBLOCK) is ours. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "host/posix.h"

/* Linux: every command's argument is one register wide. */
int hf_fcntl(int fd, int cmd, ...)
{
    struct call c;
    va_list ap;
    unsigned long arg;

    va_start(ap, cmd);
    arg = va_arg(ap, unsigned long);
    va_end(ap);
    if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
        return posix_dup_from(fd, (int)arg, cmd == F_DUPFD_CLOEXEC);
    if ((cmd != F_GETFL && cmd != F_SETFL) || !call_begin(&c, fd))
        return fcntl(fd, cmd, arg);
    if (cmd == F_GETFL)
        return (int)call_end(&c, O_RDWR | (atomic_load(&c.file->nonblocking) ? O_NONBLOCK : 0));
    atomic_store(&c.file->nonblocking, (arg & O_NONBLOCK) != 0);
    return (int)call_end(&c, 0);
}

static int64_t set_nonblocking(struct file *f, const void *arg)
{
    int on;
    int err = user_read(&on, arg, sizeof(on));

    if (!err)
        atomic_store(&f->nonblocking, on != 0);
    return err;
}

static int64_t ask(struct file *f, unsigned long request, void *arg)
{
    int value, err;

    host_enter(f->host);
    err = hf_sock_ioctl(f->sk, request, &value);
    host_leave(f->host);
    return err ? err : user_write(arg, &value, sizeof(value));
}

int hf_ioctl(int fd, unsigned long request, ...)
{
    struct call c;
    va_list ap;
    void *arg;

    va_start(ap, request);
    arg = va_arg(ap, void *);
    va_end(ap);
    if (request == FIOCLEX || request == FIONCLEX || !call_begin(&c, fd))
        return ioctl(fd, request, arg);
    if (request == FIONBIO)
        return (int)call_end(&c, set_nonblocking(c.file, arg));
    return (int)call_end(&c, ask(c.file, request & UINT32_MAX, arg));
}
