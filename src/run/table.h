/* A hash table of things found by a 64-bit key, the links inside the objects. It grows a few
 * buckets at each insertion, so that no single call is slow; it never shrinks. */
#ifndef RUN_TABLE_H
#define RUN_TABLE_H

#include "handfast/types.h"

/* The object that `member` at `ptr` is part of. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct table_node {
    struct table_node *next;
    uint64_t key;
};

struct table {
    struct table_node **buckets, **old; /* old: not yet moved ones while growing, else NULL */
    size_t bucket_count, old_count;     /* powers of two */
    size_t moved;                       /* buckets of old that have been moved */
    size_t count;                       /* nodes in all */
};

/* 0 or -ENOMEM. */
HF_NODISCARD int table_init(struct table *t);
/* The nodes are not touched. */
void table_fini(struct table *t);

/* node->key is set by the caller and must not be in the table. */
void table_insert(struct table *t, struct table_node *node);
/* node must be in the table. */
void table_remove(struct table *t, struct table_node *node);
/* NULL when there is none. */
struct table_node *table_find(const struct table *t, uint64_t key);

/* Calls visit for every node; visit may remove the node it is given and no other, and inserts none.
 */
void table_each(struct table *t, void (*visit)(void *ctx, struct table_node *node), void *ctx);

#endif
