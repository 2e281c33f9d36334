/* The driver: a thread that polls the stacks when they are due. Calls poll them as they go, so the
 * driver is there for what comes later: timers, links that hold frames back, and links that are
 * descriptors. */
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

enum { WATCHES = 16 };

struct watch {
    int fd; /* -1: none */
    void (*ready)(void *arg);
    void *arg;
};

/* All but the thread's own are guarded by the world's lock. */
struct driver {
    struct world *world;
    pthread_t thread;
    int kick;    /* eventfd */
    hf_time due; /* when it comes by itself */
    bool ends;
    struct watch watches[WATCHES];
    struct pollfd polled[1 + WATCHES]; /* the thread's: the eventfd, then a copy of the watches */
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
    hf_time now = host_now();
    hf_time left = due > now ? due - now : 0;
    struct timespec ts = {.tv_sec = left / HF_S, .tv_nsec = left % HF_S};
    uint64_t count;

    if (ppoll(d->polled, 1 + WATCHES, due == HF_TIME_NEVER ? NULL : &ts, NULL) > 0 &&
        d->polled[0].revents)
        (void)!read(d->kick, &count, sizeof(count));
}

/* What was readable when it was polled, if it is still to be watched. */
static void call_watches(struct driver *d)
{
    for (int i = 0; i < WATCHES; i++) {
        const struct pollfd *p = &d->polled[1 + i];

        if (p->fd >= 0 && p->revents && p->fd == d->watches[i].fd)
            d->watches[i].ready(d->watches[i].arg);
    }
}

static void copy_watches(struct driver *d)
{
    for (int i = 0; i < WATCHES; i++)
        d->polled[1 + i] = (struct pollfd){.fd = d->watches[i].fd, .events = POLLIN};
}

static void *drive(void *arg)
{
    struct driver *d = arg;
    struct world *w = d->world;

    for (;;) {
        hf_time due;
        bool ends;

        world_visit(w);
        world_clock(w); /* what the watches bring is of now */
        call_watches(d);
        due = d->due = world_settle(w);
        copy_watches(d);
        ends = d->ends;
        world_depart(w);
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

int driver_watch(struct driver *d, int fd, void (*ready)(void *arg), void *arg)
{
    for (int i = 0; i < WATCHES; i++) {
        if (d->watches[i].fd >= 0)
            continue;
        d->watches[i] = (struct watch){fd, ready, arg};
        kick(d);
        return 0;
    }
    return -ENOSPC;
}

void driver_unwatch(struct driver *d, int fd)
{
    for (int i = 0; i < WATCHES; i++) {
        if (d->watches[i].fd == fd)
            d->watches[i].fd = -1;
    }
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

int driver_new(struct world *w, struct driver **out)
{
    struct driver *d = calloc(1, sizeof(*d));
    int err;

    if (!d)
        return -ENOMEM;
    d->world = w;
    for (int i = 0; i < WATCHES; i++)
        d->watches[i].fd = d->polled[1 + i].fd = -1;
    d->kick = descriptor_hide(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    d->polled[0] = (struct pollfd){.fd = d->kick, .events = POLLIN};
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
    world_lock(d->world);
    d->ends = true;
    kick(d);
    world_unlock(d->world);
    pthread_join(d->thread, NULL);
    driver_forget(d);
}
