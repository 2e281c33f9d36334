/* Stacks that threads share. */
#include "host/host.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "host/descriptor.h"
#include "host/driver.h"
#include "host/env.h"
#include "host/file.h"

/* A caller works off so much of a stack that talks to itself; the driver does the rest. */
#define HOST_ROUNDS 4

static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER; /* of the default host */
static _Atomic(struct hf_host *) made;

void host_enter(struct hf_host *h)
{
    pthread_mutex_lock(&h->lock);
    hf_stack_clock(h->stack, host_now());
}

hf_time host_settle(struct hf_host *h)
{
    hf_time due = hf_stack_deadline(h->stack);
    hf_time now = host_now();

    for (int round = 0; due <= now && round < HOST_ROUNDS; round++) {
        hf_stack_poll(h->stack, now);
        due = hf_stack_deadline(h->stack);
    }
    file_tell_touched(h);
    return due;
}

void host_leave(struct hf_host *h)
{
    hf_time due = host_settle(h);

    if (h->driver)
        driver_expect(h->driver, due);
    pthread_mutex_unlock(&h->lock);
}

static int make_stack(struct hf_host *h)
{
    struct hf_stack_config config = {
        .env = host_env(),
        .now = host_now(),
        .event = file_event,
    };

    h->pool = hf_frame_pool_new(&config.env);
    if (!h->pool)
        return -ENOMEM;
    config.pool = h->pool;
    return hf_stack_new(&config, &h->stack);
}

static struct hf_host *make(void)
{
    struct hf_host *h = calloc(1, sizeof(*h));
    int err;

    if (!h)
        return NULL;
    pthread_mutex_init(&h->lock, NULL);
    ring_init(&h->touched);
    pthread_mutex_lock(&h->lock);
    err = make_stack(h);
    if (!err)
        err = driver_new(h, &h->driver);
    pthread_mutex_unlock(&h->lock);
    if (!err)
        return h;
    hf_stack_free(h->stack);
    hf_frame_pool_free(h->pool);
    free(h);
    return NULL;
}

/* The child of a fork has neither the threads that held the locks nor a driver. What the parent's
 * sockets stand for is the parent's: the child begins anew. */
static void forget_after_fork(void)
{
    struct hf_host *h = atomic_exchange(&made, NULL);

    pthread_mutex_init(&making, NULL);
    descriptor_forget_all();
    if (h)
        driver_forget(h->driver);
}

struct hf_host *host_default(void)
{
    static bool is_registered; /* guarded by making */
    struct hf_host *h = atomic_load(&made);
    int state;

    if (h)
        return h;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    pthread_mutex_lock(&making);
    h = atomic_load(&made);
    if (!h && (is_registered || !pthread_atfork(NULL, NULL, forget_after_fork))) {
        is_registered = true;
        h = make();
        atomic_store(&made, h);
    }
    pthread_mutex_unlock(&making);
    pthread_setcancelstate(state, NULL);
    return h;
}
