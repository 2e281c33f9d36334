/* The readiness of many descriptors. Linux: do_poll.
 *
 * Descriptors of ours are looked at under their host's lock, each with a waiter left behind if the
 * caller is going to sleep. The kernel's own are asked in one poll() beside. Where all are ours and
 * no signal mask is given, the sleep is on a semaphore; else in ppoll(), on the kernel's
 * descriptors and an eventfd that the waiters write to. A sleep here always ends with a signal. */
#define _GNU_SOURCE
#include "host/readiness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/descriptor.h"
#include "host/env.h"
#include "host/wait.h"

enum { FEW = 16 };

struct watch {
    struct file *file; /* a reference; NULL: the kernel's */
    struct waiter waiter;
};

struct many {
    struct pollfd *fds;
    nfds_t n;
    struct watch *watches; /* n of them, in few or on the heap */
    struct pollfd *native; /* n + 1: the kernel's, fd -1 in place of ours; then the eventfd */
    nfds_t foreign;        /* how many are the kernel's */
    bool is_linked;
    struct sleeper sleeper;
    struct watch few_watches[FEW];
    struct pollfd few_native[FEW + 1];
};

static int64_t open_many(struct many *m, struct pollfd *fds, nfds_t n)
{
    m->fds = fds;
    m->n = n;
    m->foreign = 0;
    m->is_linked = false;
    m->watches = n <= FEW ? m->few_watches : malloc(n * sizeof(*m->watches));
    m->native = n <= FEW ? m->few_native : malloc((n + 1) * sizeof(*m->native));
    sleeper_init(&m->sleeper);
    for (nfds_t i = 0; m->watches && m->native && i < n; i++) {
        struct file *f = descriptor_get(fds[i].fd);

        if (f && f->set) { /* an epoll set is the kernel's here */
            file_put(f);
            f = NULL;
        }
        m->watches[i].file = f;
        m->native[i] = fds[i];
        m->native[i].revents = 0;
        fds[i].revents = 0;
        if (f)
            m->native[i].fd = -1;
        else if (fds[i].fd >= 0)
            m->foreign++;
    }
    if (m->watches && m->native)
        return 0;
    m->n = 0;
    return -ENOMEM;
}

static void unlink_all(struct many *m)
{
    for (nfds_t i = 0; m->is_linked && i < m->n; i++) {
        struct file *f = m->watches[i].file;

        if (!f)
            continue;
        host_lock(f->host);
        waiter_unlink(&m->watches[i].waiter);
        host_unlock(f->host);
    }
    m->is_linked = false;
}

/* Also when the thread was cancelled in its sleep: C27. */
static void close_many(void *arg)
{
    struct many *m = arg;

    unlink_all(m);
    for (nfds_t i = 0; i < m->n; i++)
        file_put(m->watches[i].file);
    if (m->sleeper.fd >= 0)
        descriptor_cancel(m->sleeper.fd);
    if (m->watches != m->few_watches)
        free(m->watches);
    if (m->native != m->few_native)
        free(m->native);
}

/* From the lock of one file's host to that of the next one's: mostly the same. */
static void pass_lock(struct hf_host **held, struct hf_host *next)
{
    if (*held && next && (*held)->world == next->world)
        return;
    if (*held)
        host_leave(*held);
    if (next) {
        host_enter(next);
        world_settle(next->world);
    }
    *held = next;
}

/* Fills revents of ours; links waiters on the way when asked to. How many are ready. NetSem
 * pselect_1. */
static int64_t look_at_ours(struct many *m, bool links)
{
    struct hf_host *held = NULL;
    int64_t ready = 0;

    for (nfds_t i = 0; i < m->n; i++) {
        struct file *f = m->watches[i].file;
        uint32_t events, mask;

        if (!f)
            continue;
        events = (uint16_t)m->fds[i].events;
        pass_lock(&held, f->host);
        mask = hf_sock_poll(f->sk);
        if (links)
            waiter_link(&m->watches[i].waiter, f, &m->sleeper, events);
        m->fds[i].revents = (short)(mask & (events | POLLERR | POLLHUP));
        ready += m->fds[i].revents != 0;
    }
    pass_lock(&held, NULL);
    m->is_linked |= links;
    return ready;
}

static int64_t take_foreign(struct many *m)
{
    int64_t ready = 0;

    for (nfds_t i = 0; i < m->n; i++) {
        if (m->watches[i].file)
            continue;
        m->fds[i].revents = m->native[i].revents;
        ready += m->fds[i].revents != 0;
    }
    return ready;
}

static int64_t look_at_foreign(struct many *m)
{
    if (m->foreign == 0)
        return 0;
    if (poll(m->native, m->n, 0) < 0)
        return -errno;
    return take_foreign(m);
}

static int sleep_natively(struct many *m, hf_time until, const sigset_t *mask)
{
    hf_time now = host_now();
    hf_time left = until > now ? until - now : 0;
    struct timespec ts = {.tv_sec = left / HF_S, .tv_nsec = left % HF_S};
    uint64_t count;

    m->native[m->n] = (struct pollfd){.fd = m->sleeper.fd, .events = POLLIN};
    if (ppoll(m->native, m->n + 1, until == HF_TIME_NEVER ? NULL : &ts, mask) < 0)
        return -errno;
    if (m->native[m->n].revents) /* read() would be a cancellation point */
        (void)!syscall(SYS_read, m->sleeper.fd, &count, sizeof(count));
    return 0;
}

/* A wake-up may turn out to be for nothing: then it is slept again, the waiters still linked.
 * NetSem pselect_2, pselect_3. */
static int64_t wait_for_any(struct many *m, hf_time until, const sigset_t *mask)
{
    int64_t ready;
    int err = 0;

    if (m->foreign || mask) {
        m->sleeper.fd = descriptor_hide(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (m->sleeper.fd < 0)
            return -ENOMEM;
    }
    ready = look_at_ours(m, true);
    while (ready == 0 && !err) {
        if (m->sleeper.fd < 0)
            err = sleeper_sleep(&m->sleeper, until, false);
        else
            err = sleep_natively(m, until, mask);
        atomic_store(&m->sleeper.is_woken, false);
        ready = look_at_ours(m, false) + take_foreign(m);
        if (!err && ready == 0 && until != HF_TIME_NEVER && host_now() >= until)
            err = -ETIMEDOUT;
    }
    return ready ? ready : err == -ETIMEDOUT ? 0 : err;
}

static int64_t wait_or_look(struct many *m, hf_time until, const sigset_t *mask)
{
    int64_t ready = look_at_ours(m, false);
    int64_t foreign = look_at_foreign(m);

    if (foreign < 0)
        return foreign;
    ready += foreign;
    return ready || (until == 0 && !mask) ? ready : wait_for_any(m, until, mask);
}

int64_t readiness_wait(struct pollfd *fds, nfds_t n, hf_time until, const sigset_t *mask)
{
    struct many m;
    int64_t result;

    result = open_many(&m, fds, n);
    pthread_cleanup_push(close_many, &m);
    if (result == 0)
        result = wait_or_look(&m, until, mask);
    pthread_cleanup_pop(1);
    return result;
}
