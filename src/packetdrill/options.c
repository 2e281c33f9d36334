/* Options, flags and what ioctl() tells. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "packetdrill/drill.h"

int options_get(void *userdata, int fd, int level, int name, void *value, socklen_t *len)
{
    struct drill *d = userdata;
    struct placeholder *p;

    pthread_mutex_lock(&d->lock);
    p = drill_find(d, fd);
    return (int)calls_end(d, p ? hf_sock_getsockopt(p->sk, level, name, value, len) : -EBADF);
}

static int options_set(void *userdata, int fd, int level, int name, const void *value,
                       socklen_t len)
{
    struct drill *d = userdata;
    struct placeholder *p;

    pthread_mutex_lock(&d->lock);
    p = drill_find(d, fd);
    return (int)calls_end(d, p ? hf_sock_setsockopt(p->sk, level, name, value, len) : -EBADF);
}

static int flags_of(struct placeholder *p, int cmd, int arg)
{
    switch (cmd) {
    case F_GETFL:
        return O_RDWR | (p->nonblocking ? O_NONBLOCK : 0);
    case F_SETFL:
        p->nonblocking = arg & O_NONBLOCK;
        return 0;
    default:
        return -EINVAL;
    }
}

static int call_fcntl(void *userdata, int fd, int cmd, ...)
{
    struct drill *d = userdata;
    struct placeholder *p;
    va_list ap;
    int arg;

    va_start(ap, cmd);
    arg = va_arg(ap, int);
    va_end(ap);
    pthread_mutex_lock(&d->lock);
    p = drill_find(d, fd);
    return (int)calls_end(d, p ? flags_of(p, cmd, arg) : -EBADF);
}

static int call_ioctl(void *userdata, int fd, unsigned long request, ...)
{
    struct drill *d = userdata;
    struct placeholder *p;
    va_list ap;
    int *value, result = -EBADF;

    va_start(ap, request);
    value = va_arg(ap, int *);
    va_end(ap);
    pthread_mutex_lock(&d->lock);
    p = drill_find(d, fd);
    if (p && request == FIONBIO) {
        p->nonblocking = *value != 0;
        result = 0;
    } else if (p) {
        result = hf_sock_ioctl(p->sk, request, value);
    }
    return (int)calls_end(d, result);
}

void options_fill(struct packetdrill_interface *table)
{
    table->getsockopt = options_get;
    table->setsockopt = options_set;
    table->fcntl = call_fcntl;
    table->ioctl = call_ioctl;
}
