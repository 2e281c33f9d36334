/* hf_poll() and hf_ppoll(). C15; NetSem pselect_1, pselect_2, pselect_3. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sys/resource.h>

#include "host/env.h"
#include "host/posix.h"
#include "host/readiness.h"

static bool has_ours(const struct pollfd *fds, nfds_t n)
{
    for (nfds_t i = 0; i < n; i++) {
        if (posix_is_ours(fds[i].fd))
            return true;
    }
    return false;
}

/* Is there something to do that the kernel's own call could not? It finds the other errors. */
static bool is_for_us(struct pollfd *fds, nfds_t n)
{
    struct rlimit limit;

    if (n == 0 || getrlimit(RLIMIT_NOFILE, &limit) || n > limit.rlim_cur)
        return false;
    return user_writable(fds, n * sizeof(*fds)) && has_ours(fds, n);
}

int hf_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    hf_time until = timeout_ms < 0 ? HF_TIME_NEVER : timeout_ms;

    pthread_testcancel();
    if (!is_for_us(fds, n))
        return poll(fds, n, timeout_ms);
    if (timeout_ms > 0)
        until = host_now() + timeout_ms * HF_MS;
    return (int)posix_result(readiness_wait(fds, n, until, NULL));
}

/* Linux's ppoll() leaves what is left of the time in *timeout; POSIX's wrapper in libc does not,
 * and neither do we. */
int hf_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
    struct timespec ts = {0, 0};
    sigset_t set;
    hf_time until = HF_TIME_NEVER;

    pthread_testcancel();
    if (!is_for_us(fds, n) || (timeout && user_read(&ts, timeout, sizeof(ts))) ||
        (mask && user_read(&set, mask, sizeof(set))))
        return ppoll(fds, n, timeout, mask);
    if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= HF_S)
        return (int)posix_result(-EINVAL);
    if (timeout && ts.tv_sec < INT32_MAX)
        until = ts.tv_sec || ts.tv_nsec ? host_now() + ts.tv_sec * HF_S + ts.tv_nsec : 0;
    return (int)posix_result(readiness_wait(fds, n, until, mask ? &set : NULL));
}
