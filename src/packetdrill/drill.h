/* The plug-in for packetdrill: one stack, a clock of its own, and a wire that ends in the script.
 *
 * packetdrill has two threads: the script's, and one for the calls that a script says will block.
 * Everything here is behind one lock. Time passes only when the script's thread wants it to: while
 * it sleeps, or waits for a packet, the clock goes from one thing that is due to the next. Whoever
 * waits in a call is shown each such moment (drill_settle), and time stands still until he has
 * either gone back to waiting or, back in packetdrill, has asked what time it is: so the call ends
 * at the very time at which it could. A call that waits on the script's own thread makes time pass
 * itself. */
#ifndef PACKETDRILL_DRILL_H
#define PACKETDRILL_DRILL_H

#include <pthread.h>

#include "handfast/socket.h"
#include "packetdrill/contract.h"

enum { DRILL_FDS = 1024 };

/* A socket, behind a descriptor of /dev/null that holds its number. */
struct placeholder {
    struct hf_sock *sk;
    bool nonblocking, is_stream;
    unsigned events; /* that the stack has told of */
};

struct drill;

/* The wire's end at the stack: a link that keeps what is sent until the script asks for it. */
struct wire {
    struct hf_link link;
    const struct drill *drill; /* whose clock says when a packet left */
    struct hf_frame *first, **last;
};

struct drill {
    pthread_mutex_t lock;
    pthread_cond_t moved, settled;
    pthread_t script; /* the thread that makes time pass */
    bool is_waiting;  /* the other one waits in a call */
    bool is_shown;    /* it was woken, and has not told yet what came of it */
    pthread_t waiter;
    pid_t waiter_id;
    bool is_back; /* the waiter has told, and may have more to do in packetdrill */
    hf_time waits_until;

    hf_time now; /* of the wall clock too */
    struct hf_frame_pool *pool;
    struct hf_stack *stack;
    struct wire wire;
    struct placeholder *fds[DRILL_FDS];
    struct epoll_set *sets[DRILL_FDS];
};

/* The one there is; NULL outside of a script. For the calls that packetdrill makes to libc. */
extern struct drill *the_drill;

/* ---- drill.c ---- */

/* The socket at fd, with the lock held; NULL, and errno EBADF: none. */
struct placeholder *drill_find(struct drill *d, int fd);
/* Whether fd is a socket of ours; without the lock. */
bool drill_has(struct drill *d, int fd);
/* A number that nobody else has: of /dev/null. -1 with errno. */
int drill_number(void);
/* A number for sk, which it takes; or -1 with errno, and sk is closed. */
int drill_place(struct drill *d, struct hf_sock *sk, bool is_stream, bool nonblocking);
/* Ends what is at fd and forgets it; the number itself is the caller's to close. */
void drill_forget(struct drill *d, int fd);

/* What flags say, "NAME=VALUE,...", for the stack as it is now. */
void drill_set(struct drill *d, const char *flags);

/* ---- clock.c: with the lock held ---- */

/* Does all that is due now, and lets whoever waits have a look at it. After every call. */
void drill_settle(struct drill *d);
/* Goes to the next thing that is due, or to `until` where that comes first. False: neither is
 * there, or it has been reached. */
bool drill_step(struct drill *d, hf_time until);
/* Waits for something to happen. False: it is `until`. */
bool drill_wait(struct drill *d, hf_time until);
int drill_usleep(void *userdata, useconds_t us);
int drill_gettimeofday(void *userdata, struct timeval *tv, struct timezone *tz);

/* ---- wire.c ---- */

void wire_init(struct drill *d, uint32_t mtu);
void wire_fini(struct drill *d);
int wire_from_script(void *userdata, const void *packet, size_t len);
int wire_to_script(void *userdata, void *packet, size_t *len, long long *time_us);

/* ---- calls.c, options.c, transfer.c, pipes.c, events.c, epoll.c: the table's others ---- */

void calls_fill(struct packetdrill_interface *table);
void options_fill(struct packetdrill_interface *table);
void transfer_fill(struct packetdrill_interface *table);
void pipes_fill(struct packetdrill_interface *table);
void events_fill(struct packetdrill_interface *table);
void epoll_fill(struct packetdrill_interface *table);

/* close(), with the number: 0 or -1 with errno. */
int calls_close(void *userdata, int fd);
/* read() and write() of a socket. */
ssize_t transfer_receive(struct drill *d, int fd, void *to, size_t len);
ssize_t transfer_send(struct drill *d, int fd, const void *from, size_t len);
ssize_t pipes_sendfile(struct drill *d, int out, int in, loff_t *offset, size_t len);
/* Looks at what has become of the members of sets. */
void epoll_settle(struct drill *d);
/* The socket, or the set, at fd is about to end. */
void epoll_forget(struct drill *d, int fd);
int options_get(void *userdata, int fd, int level, int name, void *value, socklen_t *len);

/* Until when a call on p waits; 0: not at all. */
hf_time calls_limit(struct drill *d, struct placeholder *p, int option, int flags);

/* Ends a call: what was asked to happen does, the lock is let go, and a result below 0 is told as
 * errno. */
int64_t calls_end(struct drill *d, int64_t result);

#endif
