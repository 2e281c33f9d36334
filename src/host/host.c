/* Stacks that threads share. */
#include "host/host.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "host/descriptor.h"
#include "host/driver.h"
#include "host/env.h"
#include "host/epoll.h"
#include "host/file.h"
#include "host/mapping.h"
#include "host/posix.h"
#include "host/rider.h"
#include "host/unix_host.h"

/* A caller works off so much of stacks that talk to themselves and each other; the driver does the
 * rest. */
#define SETTLE_ROUNDS 4

static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER; /* of the default host */
static _Atomic(struct hf_host *) made;

static struct hf_host *host_of(struct ring *r)
{
    return ring_owner(r, struct hf_host, link);
}

void world_lock(struct world *w)
{
    struct bias_seat *s = bias_enter();

    if (s && s->world == w)
        return;
    if (s)
        bias_leave(s);
    pthread_mutex_lock(&w->lock);
    bias_yield(w, &w->alone);
}

void world_unlock(struct world *w)
{
    struct bias_seat *s = bias_held(w);

    if (s) {
        bias_leave(s);
        return;
    }
    bias_unyield(w);
    pthread_mutex_unlock(&w->lock);
}

void world_visit(struct world *w)
{
    pthread_mutex_lock(&w->lock);
    w->visited = bias_interrupt(w);
}

void world_depart(struct world *w)
{
    bias_resume(w->visited);
    pthread_mutex_unlock(&w->lock);
}

void host_lock(struct hf_host *h)
{
    world_lock(h->world);
}

void host_unlock(struct hf_host *h)
{
    world_unlock(h->world);
}

void host_enter(struct hf_host *h)
{
    host_lock(h);
    world_clock(h->world);
}

void host_enter_briefly(struct hf_host *h)
{
    host_lock(h);
}

void host_leave_briefly(struct hf_host *h)
{
    file_tell_touched(h->world);
    host_unlock(h);
}

void world_clock(struct world *w)
{
    w->now = host_now();
    for (struct ring *r = w->hosts.next; r != &w->hosts; r = r->next)
        hf_stack_clock(host_of(r)->stack, w->now);
}

hf_time world_settle(struct world *w)
{
    hf_time now = w->now, due = HF_TIME_NEVER;

    for (int round = 0; round < SETTLE_ROUNDS; round++) {
        due = HF_TIME_NEVER;
        for (struct ring *r = w->hosts.next; r != &w->hosts; r = r->next) {
            struct hf_stack *stack = host_of(r)->stack;
            hf_time at = hf_stack_deadline(stack);

            if (at <= now) {
                hf_stack_poll(stack, now);
                at = hf_stack_deadline(stack);
            }
            due = at < due ? at : due;
        }
        if (due > now)
            break;
    }
    file_tell_touched(w);
    return due;
}

void host_leave(struct hf_host *h)
{
    struct world *w = h->world;
    struct rider *dropped;

    driver_expect(w->driver, world_settle(w));
    dropped = rider_take_dropped(w);
    host_unlock(h);
    if (dropped)
        rider_end_all(w, dropped);
}

static void world_free(struct world *w)
{
    bias_end(w);
    driver_free(w->driver);
    hf_frame_pool_free(w->pool);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

static struct world *world_new(void)
{
    struct hf_env env = host_env();
    struct world *w = calloc(1, sizeof(*w));
    int err = -ENOMEM;

    if (!w)
        return NULL;
    mapping_begin();
    pthread_mutex_init(&w->lock, NULL);
    ring_init(&w->hosts);
    ring_init(&w->touched);
    w->pool = hf_frame_pool_new(&env);
    if (w->pool)
        err = driver_new(w, &w->driver);
    if (!err) {
        pthread_mutex_lock(&w->lock); /* the driver may be at work */
        bias_begin(w);
        pthread_mutex_unlock(&w->lock);
        return w;
    }
    world_free(w);
    (void)posix_result(err);
    return NULL;
}

struct hf_host *hf_host_new(struct hf_host *beside)
{
    struct hf_stack_config config = {
        .env = host_env(), .now = host_now(), .event = file_event, .unprivileged_port_start = 1024};
    struct hf_host *h = calloc(1, sizeof(*h));
    struct hf_unix_host local = unix_host(h);
    int err;

    if (!h)
        return NULL;
    config.unix_host = &local;
    h->world = beside ? beside->world : world_new();
    if (!h->world) {
        free(h);
        return NULL;
    }
    config.pool = h->world->pool;
    host_lock(h);
    err = hf_stack_new(&config, &h->stack);
    if (!err)
        ring_add(&h->world->hosts, &h->link);
    host_unlock(h);
    if (!err)
        return h;
    if (!beside)
        world_free(h->world);
    free(h);
    (void)posix_result(err);
    return NULL;
}

/* The stacks beside it may hold frames of its pages, and keep the pool. */
int hf_host_free(struct hf_host *h)
{
    bool is_last;

    host_lock(h);
    if (h->files) {
        host_unlock(h);
        return (int)posix_result(-EBUSY);
    }
    ring_leave(&h->link);
    hf_stack_free(h->stack);
    is_last = ring_alone(&h->world->hosts);
    host_unlock(h);
    if (is_last)
        world_free(h->world);
    free(h);
    return 0;
}

/* The child of a fork has neither the threads that held the locks nor a driver. What the parent's
 * sockets stand for is the parent's: the child begins anew. */
static void forget_after_fork(void)
{
    struct hf_host *h = atomic_exchange(&made, NULL);

    pthread_mutex_init(&making, NULL);
    descriptor_forget_all();
    epoll_forget_all();
    if (h)
        driver_forget(h->world->driver);
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
        h = hf_host_new(NULL);
        atomic_store(&made, h);
    }
    pthread_mutex_unlock(&making);
    pthread_setcancelstate(state, NULL);
    return h;
}

static struct hf_host *or_default(struct hf_host *h)
{
    return h ? h : host_default();
}

int hf_host_socket(struct hf_host *h, int domain, int type, int protocol)
{
    h = or_default(h);
    return (int)posix_result(h ? host_socket(h, domain, type, protocol) : -ENOBUFS);
}

struct hf_stack *hf_host_lock(struct hf_host *h)
{
    h = or_default(h);
    if (!h)
        return NULL;
    host_enter(h);
    return h->stack;
}

void hf_host_unlock(struct hf_host *h)
{
    host_leave(or_default(h));
}

struct hf_frame_pool *hf_host_pool(struct hf_host *h)
{
    h = or_default(h);
    return h ? h->world->pool : NULL;
}

int hf_host_watch(struct hf_host *h, int fd, void (*ready)(void *arg), void *arg)
{
    return (int)posix_result(driver_watch(or_default(h)->world->driver, fd, ready, arg));
}

void hf_host_unwatch(struct hf_host *h, int fd)
{
    driver_unwatch(or_default(h)->world->driver, fd);
}
