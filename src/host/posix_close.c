/* hf_close() and the copies of descriptors.
 *
 * A number is taken from the table before the kernel may give it away, and entered in it only when
 * the kernel has given it to us. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "host/posix.h"

/* Linux: a blocked call keeps the socket; the last one out closes it. */
int hf_close(int fd)
{
    struct file *f;

    pthread_testcancel();
    f = descriptor_take(fd);
    if (!f && descriptor_is_hidden(fd))
        return (int)posix_result(-EBADF);
    if (!f)
        return close(fd);
    descriptor_cancel(fd);
    file_put(f);
    return 0;
}

int hf_close_range(unsigned first, unsigned last, int flags)
{
    if (flags || first > last)
        return close_range(first, last, flags);
    return (int)posix_result(descriptor_close_range(first, last));
}

/* The kernel has made `copy` of a descriptor that stands for f, whose reference is taken. */
static int enter(int copy, struct file *f)
{
    int err = copy < 0 ? -errno : descriptor_set(copy, f);

    if (!err)
        return copy;
    file_put(f);
    if (copy >= 0)
        descriptor_cancel(copy);
    return (int)posix_result(err);
}

/* NetSem dup_2, dupfd_3, dupfd_4. */
int posix_dup_from(int fd, int lowest, bool cloexec)
{
    struct file *f = descriptor_get(fd);
    int copy = fcntl(fd, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, lowest);

    return f ? enter(copy, f) : copy;
}

int hf_dup(int fd)
{
    return posix_dup_from(fd, 0, false);
}

/* What `to` stood for goes once the kernel has put the copy in its place. */
static int replace(int fd, int to, int copy, struct file *f, struct file *old)
{
    if (copy < 0 && old) {
        int saved = errno;

        if (descriptor_set(to, old)) /* cannot fail: its place is there */
            file_put(old);
        file_put(f);
        errno = saved;
        return copy;
    }
    file_put(old);
    return f ? enter(copy, f) : copy;
}

/* The library sits there itself: as where RLIMIT_NOFILE is lower. */
static int refuse(struct file *f)
{
    file_put(f);
    return (int)posix_result(-EBADF);
}

int hf_dup2(int fd, int to)
{
    struct file *f = descriptor_get(fd), *old;

    if (fd == to) {
        file_put(f);
        return dup2(fd, to);
    }
    if (descriptor_is_hidden(to))
        return refuse(f);
    old = descriptor_take(to);
    return replace(fd, to, dup2(fd, to), f, old);
}

int hf_dup3(int fd, int to, int flags)
{
    struct file *f = descriptor_get(fd), *old;

    if (descriptor_is_hidden(to))
        return refuse(f);
    old = descriptor_take(to);
    return replace(fd, to, dup3(fd, to, flags), f, old);
}
