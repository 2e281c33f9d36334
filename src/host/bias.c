/* The way past the locks: what is not the owner's. Linux: membarrier(2), private expedited. */
#define _GNU_SOURCE
#include "host/bias.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    SEATS = 16,
    ALONE = 4096, /* calls in a row, before the second bias; twice as many before each other */
};

_Atomic(struct bias_seat *) bias_now;

static struct bias_seat seats[SEATS];
static atomic_uint taken;
static atomic_bool is_possible;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Of the child of a fork nobody is inside, whatever its parent's threads were at. */
static void forget_after_fork(void)
{
    atomic_store(&bias_now, NULL);
}

static void find_out(void)
{
    int saved = errno;

    atomic_store(&is_possible,
                 !syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) &&
                     !pthread_atfork(NULL, NULL, forget_after_fork));
    errno = saved;
}

/* Where a sandbox has taken the call away since: what a processor has stored is out long before a
 * millisecond ends. Neither call is a cancellation point. */
static void barrier(void)
{
    const struct timespec long_enough = {0, 1000000};

    if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0))
        syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &long_enough, NULL);
}

static bool is_inside(const struct bias_seat *s)
{
    return atomic_load_explicit(&s->busy, memory_order_acquire) == BIAS_INSIDE;
}

/* The owner is outside, and stays there until `wanted` is taken back. */
static void stop(struct bias_seat *s)
{
    int saved = errno;

    atomic_fetch_add(&s->wanted, 1);
    barrier();
    while (is_inside(s))
        syscall(SYS_futex, &s->busy, FUTEX_WAIT_PRIVATE, BIAS_INSIDE, NULL, NULL, 0);
    errno = saved;
}

void bias_tell(struct bias_seat *s)
{
    int saved = errno;

    syscall(SYS_futex, &s->busy, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    errno = saved;
}

static struct bias_seat *valid_now(void)
{
    struct bias_seat *s = atomic_load_explicit(&bias_now, memory_order_acquire);

    return s && !atomic_load_explicit(&s->is_over, memory_order_relaxed) ? s : NULL;
}

/* Only one can be: of two that begin at once one does not. The barrier is for bias_pass: who did
 * not see the bias has emptied his number before its owner looks at any. */
void bias_begin(struct world *w)
{
    struct bias_seat *s = atomic_load(&bias_now), *mine;
    unsigned number;

    pthread_once(&once, find_out);
    if (!atomic_load(&is_possible) || valid_now())
        return;
    number = atomic_fetch_add(&taken, 1);
    if (number >= SEATS)
        return;
    mine = &seats[number];
    mine->owner = pthread_self();
    mine->world = w;
    atomic_store(&mine->wanted, 1);
    if (!atomic_compare_exchange_strong(&bias_now, &s, mine))
        return;
    barrier();
    atomic_fetch_sub(&mine->wanted, 1);
}

static void end(struct bias_seat *s)
{
    struct bias_seat *now = s;

    atomic_store(&s->is_over, true);
    stop(s);
    atomic_compare_exchange_strong(&bias_now, &now, NULL);
}

/* Linux's threads are numbered by pthread_t while they live. */
static bool is_mine(const struct bias_seat *s)
{
    return s->owner == pthread_self();
}

void bias_yield(struct world *w, struct bias_alone *alone)
{
    struct bias_seat *s = valid_now();
    unsigned count = atomic_load_explicit(&taken, memory_order_relaxed);

    /* Its own, from inside: a handler that interrupted it there, and waits for ever. */
    if (s && s->world == w && (!is_mine(s) || is_inside(s))) {
        end(s);
        return;
    }
    if (alone->thread != pthread_self())
        *alone = (struct bias_alone){.thread = pthread_self()};
    if (!s && count < SEATS && ++alone->calls >> count >= ALONE) {
        bias_begin(w);
        s = valid_now();
    }
    if (s && s->world == w && is_mine(s))
        atomic_store_explicit(&s->busy, BIAS_BY_MUTEX, memory_order_relaxed);
}

void bias_unyield(struct world *w)
{
    struct bias_seat *s = valid_now();

    if (s && s->world == w && is_mine(s))
        atomic_store_explicit(&s->busy, BIAS_OUTSIDE, memory_order_release);
}

struct bias_seat *bias_interrupt(struct world *w)
{
    struct bias_seat *s = valid_now();

    if (!s || s->world != w)
        return NULL;
    stop(s);
    return s;
}

void bias_resume(struct bias_seat *s)
{
    if (s)
        atomic_fetch_sub_explicit(&s->wanted, 1, memory_order_release);
}

void bias_pass(void)
{
    struct bias_seat *s;

    atomic_signal_fence(memory_order_seq_cst);
    s = valid_now();
    if (!s || is_mine(s))
        return;
    stop(s);
    bias_resume(s);
}

void bias_end(struct world *w)
{
    struct bias_seat *s = valid_now();

    if (s && s->world == w)
        end(s);
}
