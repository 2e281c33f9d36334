/* Epoll sets: the sockets in them, and which of those are ready.
 *
 * The kernel's own descriptors are in the kernel's set, which the number stands for; so is a
 * *bell*, an eventfd that is readable exactly while the list of ready sockets is not empty. */
#ifndef HOST_EPOLL_H
#define HOST_EPOLL_H

#include <sys/epoll.h>

#include "host/file.h"

struct epoll_set {
    pthread_mutex_t lock;
    struct ring members;     /* struct item; guarded by the lock over all membership */
    struct ring ready;       /* struct item; this and what follows guarded by lock */
    int bell;                /* eventfd */
    int kernels;             /* the kernel's set, by a number that nobody else closes */
    bool rings;              /* it is readable */
    unsigned sleeping;       /* threads that wait */
    atomic_bool has_natives; /* descriptors of the kernel have been put in */
    atomic_uint turns;       /* odd: it is theirs to be told first */
};

/* NULL without memory or descriptors; errno is set. */
struct epoll_set *epoll_set_new(void);
void epoll_set_free(struct epoll_set *set);

/* epoll_ctl(2) for a socket of ours. 0, -EEXIST, -ENOENT, -EINVAL, -ENOMEM. */
HF_NODISCARD int epoll_set_add(struct epoll_set *set, struct file *f, int fd,
                               const struct epoll_event *ev);
HF_NODISCARD int epoll_set_change(struct epoll_set *set, struct file *f, int fd,
                                  const struct epoll_event *ev);
HF_NODISCARD int epoll_set_remove(struct epoll_set *set, struct file *f, int fd);

/* The sockets that are ready now, at most n. */
int epoll_set_collect(struct epoll_set *set, struct epoll_event *out, int n);

/* A thread waits, or no longer: of exclusive members, those in sets where one does are told. */
void epoll_set_sleeps(struct epoll_set *set, bool sleeps);

/* The host's lock is held. mask: what f shows now; edges: which of that has just come about. */
void epoll_tell(struct file *f, uint32_t mask, uint32_t edges);

/* In the child of a fork: who held the lock over membership is not there. */
void epoll_forget_all(void);

/* f is about to end: it leaves all sets. A set's members leave it. No lock is held. */
void epoll_forget_file(struct file *f);

#endif
