/* Time that passes only when it is wanted, and waiting in it: drill.h tells how. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "packetdrill/drill.h"

/* A waiter that does not come back for so long is taken to have died with its script. */
enum { PATIENCE_S = 2 };

static void poll_stack(struct drill *d)
{
    do
        hf_stack_poll(d->stack, d->now);
    while (hf_stack_deadline(d->stack) <= d->now);
    epoll_settle(d);
}

static void show(struct drill *d)
{
    struct timespec until;

    if (!d->is_waiting)
        return;
    d->is_waiting = false;
    d->is_shown = true;
    pthread_cond_signal(&d->moved);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    while (d->is_shown)
        if (pthread_cond_timedwait(&d->settled, &d->lock, &until))
            d->is_shown = false;
}

void drill_settle(struct drill *d)
{
    poll_stack(d);
    if (!pthread_equal(pthread_self(), d->waiter) || !d->is_shown)
        show(d);
}

bool drill_step(struct drill *d, hf_time until)
{
    hf_time due = hf_stack_deadline(d->stack);

    if (d->is_waiting && d->waits_until < due)
        due = d->waits_until;
    if (due > until)
        due = until;
    if (due == HF_TIME_NEVER || d->now >= until)
        return false;
    if (due > d->now)
        d->now = due;
    drill_settle(d);
    return true;
}

bool drill_wait(struct drill *d, hf_time until)
{
    if (pthread_equal(pthread_self(), d->script))
        return drill_step(d, until);
    if (d->now >= until)
        return false;
    poll_stack(d);
    d->waiter = pthread_self();
    d->waiter_id = gettid();
    d->waits_until = until;
    d->is_waiting = true;
    d->is_shown = false;
    pthread_cond_signal(&d->settled);
    while (d->is_waiting)
        pthread_cond_wait(&d->moved, &d->lock);
    return true;
}

static bool is_running(pid_t id)
{
    char path[64], text[256] = "";
    const char *state;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)id);
    f = fopen(path, "re");
    if (!f)
        return false;
    if (!fgets(text, sizeof(text), f))
        text[0] = 0;
    fclose(f);
    state = strrchr(text, ')');
    return state && state[1] && state[2] == 'R';
}

/* packetdrill's own lock is free only while it sleeps, which here takes no time: so who comes back
 * from a call gets it now, and does all that there is to do, before time goes on. */
static void let_finish(struct drill *d)
{
    bool is_back;

    pthread_mutex_lock(&d->lock);
    is_back = d->is_back && !pthread_equal(pthread_self(), d->waiter);
    d->is_back = false;
    pthread_mutex_unlock(&d->lock);
    while (is_back && is_running(d->waiter_id))
        sched_yield();
}

int drill_usleep(void *userdata, useconds_t us)
{
    struct drill *d = userdata;
    hf_time until;

    let_finish(d);
    pthread_mutex_lock(&d->lock);
    until = d->now + (hf_time)us * HF_US;
    while (drill_step(d, until))
        ;
    pthread_mutex_unlock(&d->lock);
    return 0;
}

/* packetdrill sleeps until shortly before the time it waits for, and then asks until that has come:
 * so asking takes a microsecond. But not for the one who comes back from a call. */
int drill_gettimeofday(void *userdata, struct timeval *tv, struct timezone *tz)
{
    struct drill *d = userdata;

    pthread_mutex_lock(&d->lock);
    if (d->is_shown && pthread_equal(pthread_self(), d->waiter)) {
        d->is_shown = false;
        d->is_back = true;
        pthread_cond_signal(&d->settled);
    } else {
        (void)drill_step(d, d->now + HF_US);
    }
    tv->tv_sec = (time_t)(d->now / HF_S);
    tv->tv_usec = (suseconds_t)(d->now % HF_S / HF_US);
    pthread_mutex_unlock(&d->lock);
    return 0;
}
