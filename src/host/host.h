/* A stack that threads share: a lock around it, a thread that brings it time, and its sockets'
 * files, told of events once the stack has come to rest.
 *
 * A call takes the lock (host_enter), which brings the time; works on sockets; and gives it back
 * (host_leave), which lets the stack do what follows, wakes who waits for it, and sees to it that
 * the driver comes in time. Locks are taken in the order: watch (posix_epoll.c), host, epoll set.
 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <pthread.h>

#include "handfast/posix.h"
#include "handfast/socket.h"
#include "host/ring.h"

struct hf_host {
    pthread_mutex_t lock;
    struct hf_stack *stack;
    struct hf_frame_pool *pool;
    struct ring touched; /* files (file.h) whose readiness may have changed */
    struct driver *driver;
};

void host_enter(struct hf_host *h);
void host_leave(struct hf_host *h);

/* With the lock held: the stack does what is due and who waits for it is told. Gives the time when
 * it must be polled next. */
hf_time host_settle(struct hf_host *h);

/* The one that is made at first use. NULL without memory or descriptors. */
struct hf_host *host_default(void);

#endif
