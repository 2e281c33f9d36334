/* hf_epoll_create1(), hf_epoll_ctl(), hf_epoll_wait(), hf_epoll_pwait(). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "host/env.h"
#include "host/epoll.h"
#include "host/posix.h"

enum { AT_ONCE = 1024 }; /* events: more room is welcome, and not looked at */

/* The set that the number stands for, with a reference to its file; false when it is none of ours.
 */
static bool begin(struct call *c, int epfd)
{
    c->file = descriptor_get(epfd);
    c->reserved = -1;
    if (!c->file || c->file->set)
        return c->file != NULL;
    file_put(c->file);
    return false;
}

static int64_t make(int flags)
{
    struct epoll_event bell = {.events = EPOLLIN};
    struct file *f;
    int fd = epoll_create1(flags), err;

    if (fd < 0)
        return -errno;
    f = file_new_set(epoll_set_new());
    err = f ? 0 : -ENOMEM;
    if (f) {
        bell.data.ptr = f->set;
        f->set->kernels = descriptor_hide(fcntl(fd, F_DUPFD_CLOEXEC, 0));
        err = f->set->kernels < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, f->set->bell, &bell) < 0
                  ? -errno
                  : descriptor_set(fd, f);
    }
    if (!err)
        return fd;
    file_put(f);
    descriptor_cancel(fd);
    return err;
}

int hf_epoll_create1(int flags)
{
    return (int)posix_result(make(flags));
}

/* Linux: EPOLLEXCLUSIVE_OK_BITS, and only when it is added. */
static bool flags_are_good(int op, const struct epoll_event *ev)
{
    const uint32_t fine = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDNORM | EPOLLRDBAND |
                          EPOLLWRNORM | EPOLLWRBAND | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;

    if (!(ev->events & EPOLLEXCLUSIVE))
        return true;
    return op == EPOLL_CTL_ADD && !(ev->events & ~fine);
}

static int64_t change(struct epoll_set *set, int op, struct file *f, int fd,
                      const struct epoll_event *event)
{
    struct epoll_event ev = {0};
    int err = op == EPOLL_CTL_DEL ? 0 : user_read(&ev, event, sizeof(ev));

    if (err)
        return err;
    if (!flags_are_good(op, &ev))
        return -EINVAL;
    switch (op) {
    case EPOLL_CTL_ADD:
        return epoll_set_add(set, f, fd, &ev);
    case EPOLL_CTL_MOD:
        return epoll_set_change(set, f, fd, &ev);
    case EPOLL_CTL_DEL:
        return epoll_set_remove(set, f, fd);
    default:
        return -EINVAL;
    }
}

/* A socket of ours goes into sets of ours only: in the kernel it is never ready. */
int hf_epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    struct call c, member;
    bool is_set = begin(&c, epfd);
    int64_t result;

    if (!call_begin(&member, fd)) {
        result = epoll_ctl(is_set ? c.file->set->kernels : epfd, op, fd, event);
        if (is_set && op == EPOLL_CTL_ADD && result == 0)
            atomic_store(&c.file->set->has_natives, true);
        file_put(is_set ? c.file : NULL);
        return (int)result;
    }
    if (is_set)
        result = change(c.file->set, op, member.file, fd, event);
    else
        result = hf_fcntl(epfd, F_GETFD) < 0 ? -EBADF : -EINVAL;
    file_put(is_set ? c.file : NULL);
    return (int)call_end(&member, result);
}

static void wake(void *arg)
{
    struct call *c = arg;

    epoll_set_sleeps(c->file->set, false);
}

static void abandon(void *arg)
{
    struct call *c = arg;

    wake(c);
    file_put(c->file);
}

/* The kernel's descriptors and the bell: the events of the former, or -errno; *rang: the latter. */
static int native(struct call *c, struct epoll_event *events, int n, int timeout_ms,
                  const sigset_t *mask, bool *rang)
{
    int got, kept = 0;

    epoll_set_sleeps(c->file->set, true);
    pthread_cleanup_push(abandon, c);
    got = epoll_pwait(c->file->set->kernels, events, n, timeout_ms, mask);
    pthread_cleanup_pop(0);
    wake(c);
    if (got < 0)
        return -errno;
    *rang = false;
    for (int i = 0; i < got; i++) {
        if (events[i].data.ptr == c->file->set)
            *rang = true;
        else
            events[kept++] = events[i];
    }
    return kept;
}

static int left_ms(hf_time until)
{
    hf_time left;

    if (until == HF_TIME_NEVER)
        return -1;
    left = until - host_now();
    return left <= 0 ? 0 : left / HF_MS >= INT_MAX ? INT_MAX : (int)((left + HF_MS - 1) / HF_MS);
}

/* Sockets and the kernel's descriptors take turns in being told first. */
static int64_t wait_for_events(struct call *c, struct epoll_event *events, int n, hf_time until,
                               const sigset_t *mask)
{
    struct epoll_set *set = c->file->set;

    for (;;) {
        bool has_natives = atomic_load(&set->has_natives), rang = false;
        bool ours_first = !has_natives || atomic_fetch_add(&set->turns, 1) % 2 == 0;
        int told = ours_first ? epoll_set_collect(set, events, n) : 0;
        int timeout_ms = told ? 0 : left_ms(until), more = 0;

        if (told < n && (has_natives || !told))
            more = native(c, events + told, n - told, timeout_ms, mask, &rang);
        if (more < 0)
            return told ? told : more;
        told += more;
        if (told < n && rang && (!ours_first || !told))
            told += epoll_set_collect(set, events + told, n - told);
        if (told || timeout_ms == 0)
            return told;
    }
}

int hf_epoll_pwait(int epfd, struct epoll_event *events, int n, int timeout_ms,
                   const sigset_t *mask)
{
    struct call c;
    hf_time until = timeout_ms < 0 ? HF_TIME_NEVER : 0;

    pthread_testcancel();
    if (!begin(&c, epfd))
        return epoll_pwait(epfd, events, n, timeout_ms, mask);
    if (n <= 0 || n > INT_MAX / (int)sizeof(*events))
        return (int)call_end(&c, -EINVAL);
    if (n > AT_ONCE)
        n = AT_ONCE;
    if (!user_writable(events, (size_t)n * sizeof(*events)))
        return (int)call_end(&c, -EFAULT);
    if (timeout_ms > 0)
        until = host_now() + timeout_ms * HF_MS;
    return (int)call_end(&c, wait_for_events(&c, events, n, until, mask));
}

int hf_epoll_wait(int epfd, struct epoll_event *events, int n, int timeout_ms)
{
    return hf_epoll_pwait(epfd, events, n, timeout_ms, NULL);
}
