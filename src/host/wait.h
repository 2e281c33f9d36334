/* Waiting for sockets: the one place where a thread sleeps.
 *
 * A blocking call tries, waits, and tries again. What a sleeper sleeps on decides what signals do,
 * and a semaphore does what a socket of the kernel does (tests/platform/wait.c): without a time
 * limit a handler with SA_RESTART goes unnoticed and one without ends the wait; with a limit any
 * handler does; and it is a cancellation point. */
#ifndef HOST_WAIT_H
#define HOST_WAIT_H

#include <semaphore.h>

#include "host/file.h"

struct sleeper {
    sem_t sem;
    int fd; /* an eventfd to be woken by instead, or -1 */
    atomic_bool is_woken;
};

/* A sleeper's interest in one file; in file->waiters, guarded by the host's lock. */
struct waiter {
    struct ring link;
    struct sleeper *sleeper;
    uint32_t events; /* HF_POLL*; ERR and HUP count always */
};

#define WAIT_ANY UINT32_MAX /* any change, whatever it shows */

void sleeper_init(struct sleeper *s);
void sleeper_wake(struct sleeper *s);

/* 0 woken, -EINTR, -ETIMEDOUT. Cancellation point. until: CLOCK_MONOTONIC or HF_TIME_NEVER.
 * restarts: without a limit, a handler with SA_RESTART goes unnoticed. */
HF_NODISCARD int sleeper_sleep(struct sleeper *s, hf_time until, bool restarts);

void waiter_link(struct waiter *w, struct file *f, struct sleeper *s, uint32_t events);
void waiter_unlink(struct waiter *w);

/* A call under way: what must be given back when its thread is cancelled. */
struct call {
    struct file *file; /* a reference */
    int reserved;      /* a descriptor that has been reserved, or -1 */
};

/* With the lock of the file's host held, which is given up meanwhile: waits until the file may show
 * one of the events. 0, -EINTR, -ETIMEDOUT. Cancellation point: the call is abandoned. */
HF_NODISCARD int call_wait(struct call *c, uint32_t events, hf_time until);

/* When a call that begins now must end: HF_TIME_NEVER; 0: it does not wait at all. The host's lock
 * is held. flags: MSG_DONTWAIT counts. */
hf_time call_limit(const struct file *f, bool sends, int flags);

#endif
