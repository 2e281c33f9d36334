/* An open file description: what the copies of a descriptor share. */
#ifndef HOST_FILE_H
#define HOST_FILE_H

#include <stdatomic.h>

#include "host/host.h"

struct epoll_set;

/* F_SETOWN and its relatives: whom to signal. type: F_OWNER_*; pid 0: nobody. */
struct owner {
    int type, pid;
    int fd;        /* for si_fd */
    int signal;    /* F_SETSIG; 0: SIGIO */
    bool is_async; /* O_ASYNC */
};

struct file {
    atomic_uint refs;        /* descriptors, and calls under way */
    atomic_bool nonblocking; /* O_NONBLOCK */
    atomic_bool watched;     /* has been in an epoll set */
    struct epoll_set *set;   /* an epoll set; the fields below are a socket's */
    struct hf_host *host;
    struct hf_sock *sk;
    bool is_stream;
    bool is_unix;
    struct owner owner; /* guarded by the host's lock */
    /* Guarded by the host's lock. */
    bool is_touched, has_event;
    struct ring touched; /* in world->touched */
    uint32_t shown;      /* HF_POLL* when it was last looked at */
    int readable;        /* and how many bytes */
    struct ring waiters; /* struct waiter, wait.h */
    struct ring items;   /* struct item, epoll.h */
};

/* A file with one reference, for sk, of that domain and type, which it closes at its end. The
 * host's lock is held. NULL without memory: sk has been closed. */
struct file *file_new(struct hf_host *h, struct hf_sock *sk, int domain, int type);

/* The same for an epoll set, which it frees. NULL for NULL, and without memory. */
struct file *file_new_set(struct epoll_set *set);

void file_ref(struct file *f);

/* Gives a reference back; with the last one the socket closes (and lingers, if it was told to).
 * Not with a lock held. NULL is fine. */
void file_put(struct file *f);

/* The host's lock is held: what the file shows may have changed by the caller's own doing. */
void file_touch(struct file *f);

/* The same: somebody will be told of edges from now on; what shows now is none. */
void file_look(struct file *f);

/* hf_event_fn. */
void file_event(void *ctx, struct hf_sock *sk, void *user);

/* The world's lock is held: tells waiters and epoll sets of all touched files. */
void file_tell_touched(struct world *w);

#endif
