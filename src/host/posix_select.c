/* hf_select() and hf_pselect(), told in the words of poll. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/time.h>

#include "host/env.h"
#include "host/posix.h"
#include "host/readiness.h"

/* Linux: POLLIN_SET, POLLOUT_SET, POLLEX_SET. */
enum {
    ASK_IN = POLLIN | POLLRDNORM | POLLRDBAND,
    ASK_OUT = POLLOUT | POLLWRNORM | POLLWRBAND,
    ASK_EXCEPT = POLLPRI,
    IS_IN = ASK_IN | POLLHUP | POLLERR,
    IS_OUT = ASK_OUT | POLLERR,
};

struct sets {
    int n;
    fd_set *in, *out, *except; /* the caller's, each may be NULL */
};

static bool is_in(int fd, const fd_set *set)
{
    return set && FD_ISSET(fd, set);
}

static short asked(const struct sets *s, int fd)
{
    return (short)((is_in(fd, s->in) ? ASK_IN : 0) | (is_in(fd, s->out) ? ASK_OUT : 0) |
                   (is_in(fd, s->except) ? ASK_EXCEPT : 0));
}

/* Words of a set that a call with n looks at. */
static size_t set_bytes(int n)
{
    return (size_t)(n + 63) / 64 * 8;
}

static bool set_is_good(fd_set *set, int n)
{
    return !set || user_writable(set, set_bytes(n));
}

/* NetSem pselect_5. */
static bool is_for_us(const struct sets *s)
{
    if (s->n <= 0 || s->n > FD_SETSIZE || !set_is_good(s->in, s->n) || !set_is_good(s->out, s->n) ||
        !set_is_good(s->except, s->n))
        return false;
    for (int fd = 0; fd < s->n; fd++) {
        if (asked(s, fd) && posix_is_ours(fd))
            return true;
    }
    return false;
}

static nfds_t to_poll(const struct sets *s, struct pollfd *fds)
{
    nfds_t n = 0;

    for (int fd = 0; fd < s->n; fd++) {
        short events = asked(s, fd);

        if (events)
            fds[n++] = (struct pollfd){.fd = fd, .events = events};
    }
    return n;
}

static void clear(fd_set *set, int n)
{
    if (set)
        memset(set, 0, set_bytes(n));
}

static int64_t tell(fd_set *set, const struct pollfd *p, int ask, int is)
{
    if (!set || !(p->events & ask) || !(p->revents & is))
        return 0;
    FD_SET(p->fd, set);
    return 1;
}

/* The sets are filled only when nothing went wrong. NetSem pselect_6. */
static int64_t from_poll(const struct sets *s, const struct pollfd *fds, nfds_t n)
{
    int64_t bits = 0;

    for (nfds_t i = 0; i < n; i++) {
        if (fds[i].revents & POLLNVAL)
            return -EBADF;
    }
    clear(s->in, s->n);
    clear(s->out, s->n);
    clear(s->except, s->n);
    for (nfds_t i = 0; i < n; i++) {
        bits += tell(s->in, &fds[i], POLLIN, IS_IN);
        bits += tell(s->out, &fds[i], POLLOUT, IS_OUT);
        bits += tell(s->except, &fds[i], POLLPRI, POLLPRI);
    }
    return bits;
}

static int64_t wait_for_sets(const struct sets *s, hf_time until, const sigset_t *mask)
{
    struct pollfd fds[FD_SETSIZE];
    nfds_t n = to_poll(s, fds);
    int64_t result = readiness_wait(fds, n, until, mask);

    return result < 0 ? result : from_poll(s, fds, n);
}

static hf_time limit(time_t sec, hf_time ns)
{
    if (sec >= INT32_MAX)
        return HF_TIME_NEVER;
    return sec || ns ? host_now() + sec * HF_S + ns : 0;
}

/* Linux: select() leaves what is left of the time. NetSem pselect_4. */
int hf_select(int n, fd_set *in, fd_set *out, fd_set *except, struct timeval *timeout)
{
    struct sets s = {n, in, out, except};
    struct timeval tv;
    hf_time until = HF_TIME_NEVER, left;
    int64_t result;

    pthread_testcancel();
    if (!is_for_us(&s) || (timeout && user_read(&tv, timeout, sizeof(tv))))
        return select(n, in, out, except, timeout);
    if (timeout && (tv.tv_sec < 0 || tv.tv_usec < 0))
        return (int)posix_result(-EINVAL);
    if (timeout)
        until = limit(tv.tv_sec + tv.tv_usec / 1000000, tv.tv_usec % 1000000 * HF_US);
    result = wait_for_sets(&s, until, NULL);
    if (timeout && until != HF_TIME_NEVER) {
        left = until - host_now();
        left = left > 0 ? left : 0;
        tv = (struct timeval){left / HF_S, left % HF_S / HF_US};
        (void)!user_write(timeout, &tv, sizeof(tv));
    }
    return (int)posix_result(result);
}

/* NetSem pselect_4. */
int hf_pselect(int n, fd_set *in, fd_set *out, fd_set *except, const struct timespec *timeout,
               const sigset_t *mask)
{
    struct sets s = {n, in, out, except};
    struct timespec ts = {0, 0};
    sigset_t set;
    hf_time until = HF_TIME_NEVER;

    pthread_testcancel();
    if (!is_for_us(&s) || (timeout && user_read(&ts, timeout, sizeof(ts))) ||
        (mask && user_read(&set, mask, sizeof(set))))
        return pselect(n, in, out, except, timeout, mask);
    if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= HF_S)
        return (int)posix_result(-EINVAL);
    if (timeout)
        until = limit(ts.tv_sec, ts.tv_nsec);
    return (int)posix_result(wait_for_sets(&s, until, mask ? &set : NULL));
}
