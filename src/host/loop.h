/* The event loop of a one-threaded host: descriptors by epoll, deadlines of stacks, work put off.
 * Nothing here blocks but loop_run itself. */
#ifndef HOST_LOOP_H
#define HOST_LOOP_H

#include "handfast/types.h"

struct loop;

/* A descriptor that is watched. Embedded in its owner's struct; the loop keeps a pointer to it
 * from loop_add to loop_remove. The descriptor stays the owner's. */
struct loop_fd {
    int fd;
    uint32_t events; /* EPOLL* as asked for; level-triggered unless EPOLLET is among them */
    void (*ready)(struct loop_fd *self, uint32_t events); /* may add and remove any, itself too */
    uint32_t slot;                                        /* for the loop */
};

/* Something with deadlines: a stack. poll is called when its deadline has come and, for every
 * source, once after each batch of events, until no source has anything due: so whoever touched
 * a stack in a callback need not poll it. */
struct loop_source {
    hf_time (*deadline)(struct loop_source *self);
    void (*poll)(struct loop_source *self, hf_time now);
    struct loop_source *next; /* for the loop */
};

/* Work to be done once, after the current batch of events and the sources' poll that follows it.
 * Posting twice before it ran runs it once. */
struct loop_task {
    void (*run)(struct loop_task *self);
    struct loop_task *next; /* for the loop */
    bool posted;
};

/* NULL without memory or descriptors. */
struct loop *loop_new(void);
void loop_free(struct loop *l);

/* 0 or -errno. */
HF_NODISCARD int loop_add(struct loop *l, struct loop_fd *w);
void loop_change(struct loop *l, struct loop_fd *w, uint32_t events);
void loop_remove(struct loop *l, struct loop_fd *w);
/* The same for a descriptor that is closed right after and has no copies: the kernel removes it. */
void loop_forget(struct loop *l, struct loop_fd *w);

void loop_add_source(struct loop *l, struct loop_source *s);
void loop_remove_source(struct loop *l, struct loop_source *s);
void loop_post(struct loop *l, struct loop_task *t);
/* Takes back what was posted, for owners that end; t need not be posted. Looks through the list. */
void loop_unpost(struct loop *l, struct loop_task *t);

/* The monotonic clock, read once per turn of the loop. */
hf_time loop_now(const struct loop *l);

/* Turns until loop_stop; at once over when that was called before. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

#endif
