/* Waiting for sockets. */
#define _GNU_SOURCE
#include "host/wait.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "host/descriptor.h"
#include "host/env.h"

void sleeper_init(struct sleeper *s)
{
    sem_init(&s->sem, 0, 0);
    s->fd = -1;
    atomic_init(&s->is_woken, false);
}

/* Under a lock that the sleeper takes before it goes away. write() would be a cancellation point.
 */
void sleeper_wake(struct sleeper *s)
{
    uint64_t one = 1;
    int saved = errno;

    if (atomic_exchange(&s->is_woken, true))
        return;
    if (s->fd < 0)
        sem_post(&s->sem);
    else
        (void)!syscall(SYS_write, s->fd, &one, sizeof(one));
    errno = saved;
}

/* A limit that never comes, for sleeps that any signal must end. */
static const struct timespec for_ever = {.tv_sec = INT32_MAX};

int sleeper_sleep(struct sleeper *s, hf_time until, bool restarts)
{
    struct timespec ts = {.tv_sec = until / HF_S, .tv_nsec = until % HF_S};
    int err;

    if (until == HF_TIME_NEVER && restarts)
        err = sem_wait(&s->sem);
    else
        err = sem_clockwait(&s->sem, CLOCK_MONOTONIC, until == HF_TIME_NEVER ? &for_ever : &ts);
    return err < 0 ? -errno : 0;
}

void waiter_link(struct waiter *w, struct file *f, struct sleeper *s, uint32_t events)
{
    w->sleeper = s;
    w->events = events;
    ring_add(&f->waiters, &w->link);
}

void waiter_unlink(struct waiter *w)
{
    ring_leave(&w->link);
}

struct abandoned {
    struct call *call;
    struct waiter *waiter;
};

/* C27: the thread was cancelled in its sleep, without the lock. */
static void abandon(void *arg)
{
    struct abandoned *a = arg;
    struct hf_host *h = a->call->file->host;

    host_enter(h);
    waiter_unlink(a->waiter);
    host_leave(h);
    if (a->call->reserved >= 0)
        descriptor_cancel(a->call->reserved);
    file_put(a->call->file);
}

/* NetSem intr_1. */
int call_wait(struct call *c, uint32_t events, hf_time until)
{
    struct sleeper s;
    struct waiter w;
    struct abandoned a = {c, &w};
    int err;

    if (until != HF_TIME_NEVER && until <= host_now())
        return -ETIMEDOUT;
    sleeper_init(&s);
    waiter_link(&w, c->file, &s, events);
    host_leave(c->file->host);
    pthread_cleanup_push(abandon, &a);
    err = sleeper_sleep(&s, until, true);
    pthread_cleanup_pop(0);
    host_enter(c->file->host);
    waiter_unlink(&w);
    return err;
}

hf_time call_limit(const struct file *f, bool sends, int flags)
{
    hf_time wait = hf_sock_timeout(f->sk, sends ? SO_SNDTIMEO : SO_RCVTIMEO);

    if (flags & MSG_DONTWAIT || atomic_load(&f->nonblocking))
        return 0;
    return wait == HF_TIME_NEVER || wait == 0 ? wait : host_now() + wait;
}
