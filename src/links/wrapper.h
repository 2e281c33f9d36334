/* What all wrappers share: they stand between a link and whoever is above it, look at each frame on
 * its way down or up, and let it go on, later, twice, changed or not at all. */
#ifndef LINKS_WRAPPER_H
#define LINKS_WRAPPER_H

#include "handfast/links.h"

enum wrapper_way {
    WRAPPER_DOWN, /* from the stack to the wire */
    WRAPPER_UP,
    WRAPPER_WAYS
};

struct wrapper;

struct wrapper_ops {
    /* A frame on its way. Takes f. */
    void (*pass)(struct wrapper *w, enum wrapper_way way, struct hf_frame *f);
    /* What is due at now; NULL: nothing ever is. */
    void (*due)(struct wrapper *w, hf_time now);
    /* NULL: never. */
    hf_time (*deadline)(const struct wrapper *w);
    /* Gives back what the wrapper holds. May be NULL. */
    void (*fini)(struct wrapper *w);
    bool only_looks; /* whatever passes below may pass here: super-segments, partial checksums */
};

/* The first member of each wrapper's own struct. */
struct wrapper {
    struct hf_link link;
    const struct wrapper_ops *ops;
    struct hf_env env;
    size_t bytes; /* of the whole struct */
};

/* Random numbers of a direction. */
struct wrapper_random {
    uint64_t state;
};

/* bytes of zeroed memory that start with a wrapper around below, which is made plain unless the
 * wrapper only looks; NULL without memory. */
void *wrapper_new(const struct hf_env *env, struct hf_link *below, size_t bytes,
                  const struct wrapper_ops *ops);

/* Lets f go on. */
void wrapper_forward(struct wrapper *w, enum wrapper_way way, struct hf_frame *f);
void wrapper_drop(struct wrapper *w, struct hf_frame *f);

/* Different for each kind of wrapper and direction, though all are given the same seed. */
void wrapper_random_init(struct wrapper_random *r, uint64_t seed, const char *kind,
                         enum wrapper_way way);
uint32_t wrapper_random_next(struct wrapper_random *r);
/* True in so many of a million cases. */
bool wrapper_chance(struct wrapper_random *r, uint32_t ppm);

#endif
