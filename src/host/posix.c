/* What all calls of handfast/posix.h have in common: results, and the way from a number to a file.
 */
#include "host/posix.h"

#include <errno.h>
#include <sys/socket.h>

int64_t posix_result(int64_t n)
{
    if (n >= 0)
        return n;
    errno = (int)-n;
    return -1;
}

/* An epoll set is a descriptor of the kernel to all calls but its own. NetSem badf_1, notsock_1. */
bool call_begin(struct call *c, int fd)
{
    c->file = descriptor_get(fd);
    c->reserved = -1;
    if (!c->file || !c->file->set)
        return c->file != NULL;
    file_put(c->file);
    return false;
}

bool posix_is_ours(int fd)
{
    struct call c;

    if (!call_begin(&c, fd))
        return false;
    file_put(c.file);
    return true;
}

int64_t call_end(struct call *c, int64_t n)
{
    file_put(c->file);
    return posix_result(n);
}

int posix_open(struct file *f, int reserved, int flags)
{
    int err = -ENOMEM;

    if (f) {
        atomic_store_explicit(&f->nonblocking, (flags & SOCK_NONBLOCK) != 0, memory_order_relaxed);
        err = descriptor_set(reserved, f);
    }
    if (!err)
        return reserved;
    file_put(f);
    descriptor_cancel(reserved);
    return err;
}
