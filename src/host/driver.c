/* The driver: a thread that polls the stack when it is due. Calls poll it as they go, so the driver
 * is there for what comes later: timers, and links that hold frames back. */
#define _GNU_SOURCE
#include "host/driver.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/descriptor.h"
#include "host/env.h"
#include "host/host.h"

struct driver {
    struct hf_host *host;
    pthread_t thread;
    int kick;    /* eventfd */
    hf_time due; /* when it comes by itself; guarded by the host's lock */
    bool ends;   /* likewise */
};

/* Not write(): that is a cancellation point, and the lock is held. */
static void kick(struct driver *d)
{
    uint64_t one = 1;
    int saved = errno;

    (void)!syscall(SYS_write, d->kick, &one, sizeof(one));
    errno = saved;
}

static void sleep_until(struct driver *d, hf_time due)
{
    struct pollfd p = {.fd = d->kick, .events = POLLIN};
    hf_time now = host_now();
    hf_time left = due > now ? due - now : 0;
    struct timespec ts = {.tv_sec = left / HF_S, .tv_nsec = left % HF_S};
    uint64_t count;

    if (ppoll(&p, 1, due == HF_TIME_NEVER ? NULL : &ts, NULL) > 0)
        (void)!read(d->kick, &count, sizeof(count));
}

static void *drive(void *arg)
{
    struct driver *d = arg;
    struct hf_host *h = d->host;

    for (;;) {
        hf_time due;
        bool ends;

        host_enter(h);
        due = d->due = host_settle(h);
        ends = d->ends;
        pthread_mutex_unlock(&h->lock);
        if (ends)
            return NULL;
        sleep_until(d, due);
    }
}

void driver_expect(struct driver *d, hf_time due)
{
    if (due >= d->due)
        return;
    d->due = due;
    kick(d);
}

static int start(struct driver *d)
{
    sigset_t all, old;
    int err;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    err = pthread_create(&d->thread, NULL, drive, d);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return -err;
}

int driver_new(struct hf_host *h, struct driver **out)
{
    struct driver *d = calloc(1, sizeof(*d));
    int err;

    if (!d)
        return -ENOMEM;
    d->host = h;
    d->due = HF_TIME_NEVER;
    d->kick = descriptor_hide(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    err = d->kick < 0 ? -errno : start(d);
    if (err) {
        driver_forget(d);
        return err;
    }
    *out = d;
    return 0;
}

void driver_forget(struct driver *d)
{
    if (d->kick >= 0)
        descriptor_cancel(d->kick);
    free(d);
}

void driver_free(struct driver *d)
{
    if (!d)
        return;
    pthread_mutex_lock(&d->host->lock);
    d->ends = true;
    kick(d);
    pthread_mutex_unlock(&d->host->lock);
    pthread_join(d->thread, NULL);
    driver_forget(d);
}
