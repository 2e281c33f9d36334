/* Stacks that threads share: a lock, a thread that brings time, and the sockets' files, which are
 * told of events once all has come to rest.
 *
 * Hosts that links join are of one *world*: one lock, one thread, one frame pool. A call takes the
 * lock (host_enter), which brings the time; works on sockets; and gives it back (host_leave), which
 * lets the stacks do what follows, wakes who waits for it, and sees to it that the thread comes in
 * time. Locks are taken in the order: membership (epoll.c), world, epoll set. */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <pthread.h>

#include "handfast/host.h"
#include "handfast/socket.h"
#include "host/bias.h"
#include "host/ring.h"

struct world {
    pthread_mutex_t lock; /* host_lock, world_visit: or the bias in its place */
    struct bias_alone alone;
    struct bias_seat *visited; /* the driver's: whose owner it keeps out */
    hf_time now;               /* when the lock was taken, or later */
    struct hf_frame_pool *pool;
    struct driver *driver;
    struct ring hosts;     /* struct hf_host */
    struct ring touched;   /* files (file.h) whose readiness may have changed */
    struct rider *dropped; /* rider.h: to be ended when the lock has been given back */
    bool is_dropping;      /* a thread is at that */
};

struct hf_host {
    struct ring link; /* in world->hosts */
    struct world *world;
    struct hf_stack *stack;
    unsigned files; /* guarded by the lock, as all of it */
};

void host_enter(struct hf_host *h);
void host_leave(struct hf_host *h);

/* The same for calls that neither ask for the time nor leave anything for the stacks to do: to tell
 * those who wait is all that follows. */
void host_enter_briefly(struct hf_host *h);
void host_leave_briefly(struct hf_host *h);

/* The same without doing anything else, for who touches no stack. */
void host_lock(struct hf_host *h);
void host_unlock(struct hf_host *h);

/* The same for the world, and for the driver, which leaves the bias where it is. */
void world_lock(struct world *w);
void world_unlock(struct world *w);
void world_visit(struct world *w);
void world_depart(struct world *w);

/* With the lock held, by who holds it for long: looks at the clock and tells all stacks the time.
 */
void world_clock(struct world *w);

/* With the lock held: the stacks do what is due and who waits for it is told. Gives the time when
 * they must be polled next. */
hf_time world_settle(struct world *w);

/* The one that is made at first use. NULL without memory or descriptors. */
struct hf_host *host_default(void);

/* A socket on that host, with a file and a descriptor. type with its flags. The number, or -errno.
 */
HF_NODISCARD int64_t host_socket(struct hf_host *h, int domain, int type, int protocol);

#endif
