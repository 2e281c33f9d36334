/* The way past the locks, for a program whose sockets are one thread's.
 *
 * A world's lock is *biased* to the thread that made it: with two plain stores and a look that
 * thread is alone with the world, and with the table of descriptors. Whoever else wants in tells it
 * so, has the kernel put a barrier into every running thread (membarrier(2)), and waits until it is
 * outside: that is dear, so another thread that calls ends the bias for good, and the world's mutex
 * is all there is. The driver, which comes seldom, only interrupts it. A thread that afterwards is
 * alone for long gets a bias of its own, each time after twice as long.
 *
 * A *seat* is one bias, from its beginning to its end. Seats are never used again, so a thread that
 * was about to enter one that has ended meanwhile finds it so. */
#ifndef HOST_BIAS_H
#define HOST_BIAS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct world;

/* Where a bias's owner is. What a signal handler of its finds it at it leaves alone. */
enum { BIAS_OUTSIDE, BIAS_INSIDE, BIAS_BY_MUTEX /* holds the world as others do */ };

struct bias_seat {
    pthread_t owner;
    struct world *world;
    atomic_uint busy;   /* BIAS_*: set by the owner alone */
    atomic_uint wanted; /* others who want it outside; never 0 again once the bias has ended */
    atomic_bool is_over;
};

/* Who was the last to lock a world, and how often in a row: guarded by its mutex. */
struct bias_alone {
    pthread_t thread;
    unsigned calls;
};

/* The one there is, which may just have ended, or NULL. */
extern _Atomic(struct bias_seat *) bias_now;

/* The owner goes outside, and tells who waits for it. */
void bias_tell(struct bias_seat *s);
static inline void bias_leave(struct bias_seat *s)
{
    atomic_store_explicit(&s->busy, BIAS_OUTSIDE, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst); /* the other side's barrier makes it a real one */
    if (atomic_load_explicit(&s->wanted, memory_order_acquire))
        bias_tell(s);
}

/* Inside, if the caller is its owner, was outside, and nobody else wants in; else NULL. */
static inline struct bias_seat *bias_enter(void)
{
    struct bias_seat *s = atomic_load_explicit(&bias_now, memory_order_acquire);

    if (!s || s->owner != pthread_self() || atomic_load_explicit(&s->busy, memory_order_relaxed) ||
        atomic_load_explicit(&s->wanted, memory_order_relaxed))
        return NULL;
    atomic_store_explicit(&s->busy, BIAS_INSIDE, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    if (!atomic_load_explicit(&s->wanted, memory_order_acquire))
        return s;
    bias_leave(s);
    return NULL;
}

/* The caller is inside, of this world: else NULL. */
static inline struct bias_seat *bias_held(const struct world *w)
{
    struct bias_seat *s = atomic_load_explicit(&bias_now, memory_order_acquire);

    return s && s->owner == pthread_self() && s->world == w &&
                   atomic_load_explicit(&s->busy, memory_order_relaxed) == BIAS_INSIDE
               ? s
               : NULL;
}

/* With w's mutex held, by which the world is the caller's from now on: no owner is inside. A thread
 * that has been alone with the world for long gets the next bias. unyield: before the mutex is
 * given back. */
void bias_yield(struct world *w, struct bias_alone *alone);
void bias_unyield(struct world *w);

/* The same for a moment; gives what bias_resume takes before the mutex is given back. */
struct bias_seat *bias_interrupt(struct world *w);
void bias_resume(struct bias_seat *s);

/* The owner has been outside since: what it found without a reference is in its hands no more. */
void bias_pass(void);

/* With w's mutex held: the caller gets the bias, if there is none. */
void bias_begin(struct world *w);
/* w goes away; nobody else uses it any more. */
void bias_end(struct world *w);

#endif
