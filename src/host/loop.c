/* The event loop of a one-threaded host.
 *
 * A turn: wait; hand out the events; let the sources (stacks) do what follows from them; run the
 * tasks that were posted; let the sources follow again. Two stacks joined by a wire wake each
 * other, so following goes round until none has anything due.
 *
 * A callback may remove any descriptor, also one whose event is still to be handed out in the same
 * batch, and its memory may be gone or used again by then. So epoll is not given the pointer but a
 * slot and the slot's generation: an event whose generation has passed is nobody's.
 *
 * The next deadline is mostly further away than the next event, and the next one further than that.
 * A time-out of each wait would set a timer of the kernel's and take it back, and one that is near
 * costs more than the wait. So one timer stands, is moved only to be earlier, and goes off in vain
 * when what it was for has been put off. */
#include "host/loop.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "host/env.h"

#define LOOP_BATCH 256

/* Two stacks that never stop talking must not keep descriptors from being looked at. */
#define LOOP_ROUNDS 64

#define NO_SLOT UINT32_MAX

struct loop_slot {
    struct loop_fd *fd;  /* NULL while free */
    uint32_t generation; /* counts the users of the slot */
    uint32_t next_free;
};

struct loop {
    int epoll;
    struct loop_fd timer;
    hf_time timer_at; /* HF_TIME_NEVER: it has gone off */
    bool stopped;
    hf_time now;
    struct loop_slot *slots; /* slot_count of them */
    uint32_t slot_count, free_slot;
    struct loop_source *sources;
    struct loop_source *next_source; /* where the walk over them goes on */
    struct loop_task *tasks, **tasks_end;
    struct loop_task *running; /* tasks of this turn that have not run yet */
};

static void timer_ready(struct loop_fd *self, uint32_t events)
{
    struct loop *l = (struct loop *)((char *)self - offsetof(struct loop, timer));

    l->timer_at = HF_TIME_NEVER;
}

/* Edge-triggered, so that it need not be read. */
static int timer_new(struct loop *l)
{
    l->timer_at = HF_TIME_NEVER;
    l->timer = (struct loop_fd){.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC),
                                .events = EPOLLIN | EPOLLET,
                                .ready = timer_ready};
    return l->timer.fd < 0 ? -errno : loop_add(l, &l->timer);
}

struct loop *loop_new(void)
{
    struct loop *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    l->free_slot = NO_SLOT;
    l->tasks_end = &l->tasks;
    l->now = host_now();
    l->timer.fd = -1;
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll < 0 || timer_new(l) < 0) {
        loop_free(l);
        return NULL;
    }
    return l;
}

void loop_free(struct loop *l)
{
    if (!l)
        return;
    if (l->timer.fd >= 0)
        close(l->timer.fd);
    if (l->epoll >= 0)
        close(l->epoll);
    free(l->slots);
    free(l);
}

static int grow_slots(struct loop *l)
{
    uint32_t count = l->slot_count ? l->slot_count * 2 : 64;
    struct loop_slot *slots = realloc(l->slots, count * sizeof(*slots));

    if (!slots)
        return -ENOMEM;
    for (uint32_t i = count; i-- > l->slot_count;) {
        slots[i] = (struct loop_slot){.next_free = l->free_slot};
        l->free_slot = i;
    }
    l->slots = slots;
    l->slot_count = count;
    return 0;
}

static struct epoll_event event_of(const struct loop *l, const struct loop_fd *w)
{
    uint64_t generation = l->slots[w->slot].generation;

    return (struct epoll_event){.events = w->events, .data.u64 = generation << 32 | w->slot};
}

static void release_slot(struct loop *l, uint32_t i)
{
    l->slots[i].fd = NULL;
    l->slots[i].generation++;
    l->slots[i].next_free = l->free_slot;
    l->free_slot = i;
}

int loop_add(struct loop *l, struct loop_fd *w)
{
    if (l->free_slot == NO_SLOT) {
        int err = grow_slots(l);

        if (err)
            return err;
    }
    w->slot = l->free_slot;
    l->free_slot = l->slots[w->slot].next_free;
    l->slots[w->slot].fd = w;

    struct epoll_event ev = event_of(l, w);

    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, w->fd, &ev) < 0) {
        int err = -errno;

        release_slot(l, w->slot);
        return err;
    }
    return 0;
}

/* Cannot fail for a descriptor that is there: epoll allocates nothing for a change. */
void loop_change(struct loop *l, struct loop_fd *w, uint32_t events)
{
    if (events == w->events)
        return;
    w->events = events;

    struct epoll_event ev = event_of(l, w);

    epoll_ctl(l->epoll, EPOLL_CTL_MOD, w->fd, &ev);
}

/* Fails only where the owner closed the descriptor first, and then epoll has forgotten it already.
 */
void loop_remove(struct loop *l, struct loop_fd *w)
{
    epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
    release_slot(l, w->slot);
}

void loop_forget(struct loop *l, struct loop_fd *w)
{
    release_slot(l, w->slot);
}

void loop_add_source(struct loop *l, struct loop_source *s)
{
    s->next = l->sources;
    l->sources = s;
}

void loop_remove_source(struct loop *l, struct loop_source *s)
{
    for (struct loop_source **at = &l->sources; *at; at = &(*at)->next) {
        if (*at == s) {
            *at = s->next;
            break;
        }
    }
    if (l->next_source == s)
        l->next_source = s->next;
}

void loop_post(struct loop *l, struct loop_task *t)
{
    if (t->posted)
        return;
    t->posted = true;
    t->next = NULL;
    *l->tasks_end = t;
    l->tasks_end = &t->next;
}

void loop_unpost(struct loop *l, struct loop_task *t)
{
    struct loop_task **lists[] = {&l->running, &l->tasks};

    if (!t->posted)
        return;
    t->posted = false;
    for (int i = 0; i < 2; i++) {
        for (struct loop_task **at = lists[i]; *at; at = &(*at)->next) {
            if (*at != t)
                continue;
            *at = t->next;
            if (l->tasks_end == &t->next)
                l->tasks_end = at;
            return;
        }
    }
}

hf_time loop_now(const struct loop *l)
{
    return l->now;
}

static void poll_sources(struct loop *l, bool only_due, bool *any)
{
    *any = false;
    for (struct loop_source *s = l->sources; s; s = l->next_source) {
        l->next_source = s->next;
        if (only_due && s->deadline(s) > l->now)
            continue;
        *any = true;
        s->poll(s, l->now);
    }
    l->next_source = NULL;
}

/* Every source once, for it may have been touched; then those that have something due. */
static void follow(struct loop *l)
{
    bool any;

    poll_sources(l, false, &any);
    for (int round = 0; any && round < LOOP_ROUNDS; round++)
        poll_sources(l, true, &any);
}

static void run_tasks(struct loop *l)
{
    l->running = l->tasks;
    l->tasks = NULL;
    l->tasks_end = &l->tasks;
    while (l->running) {
        struct loop_task *t = l->running;

        l->running = t->next;
        t->posted = false;
        t->run(t);
    }
}

static hf_time next_deadline(const struct loop *l)
{
    hf_time first = HF_TIME_NEVER;

    if (l->tasks || l->stopped)
        return 0;
    for (struct loop_source *s = l->sources; s; s = s->next) {
        hf_time due = s->deadline(s);

        if (due < first)
            first = due;
    }
    return first;
}

static void set_timer(struct loop *l, hf_time at)
{
    struct itimerspec when = {.it_value = {.tv_sec = at / HF_S, .tv_nsec = at % HF_S}};

    if (timerfd_settime(l->timer.fd, TFD_TIMER_ABSTIME, &when, NULL) == 0)
        l->timer_at = at;
}

static int wait_for_events(struct loop *l, struct epoll_event *events)
{
    hf_time due = next_deadline(l);

    if (due > l->now && due < l->timer_at)
        set_timer(l, due);
    return epoll_wait(l->epoll, events, LOOP_BATCH, due <= l->now ? 0 : -1);
}

static void turn(struct loop *l)
{
    struct epoll_event events[LOOP_BATCH];
    int n = wait_for_events(l, events);

    l->now = host_now();
    for (int i = 0; i < n; i++) {
        struct loop_slot *slot = &l->slots[(uint32_t)events[i].data.u64];

        if (slot->fd && slot->generation == events[i].data.u64 >> 32)
            slot->fd->ready(slot->fd, events[i].events);
    }
    follow(l);
    if (l->tasks) {
        run_tasks(l);
        follow(l);
    }
}

void loop_run(struct loop *l)
{
    while (!l->stopped)
        turn(l);
    l->stopped = false;
}

void loop_stop(struct loop *l)
{
    l->stopped = true;
}
