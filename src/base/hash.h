/* A chained hash table with the links inside the objects. It grows and shrinks a few buckets at a
 * time, at each insertion and removal, so that no single call is ever slow. The caller hashes with
 * a secret key (siphash.h). Allocation failure leaves the table smaller than it would like to be.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "handfast/env.h"
#include "handfast/types.h"

struct hash_node {
    struct hash_node *next;
    uint32_t hash;
};

struct hash {
    const struct hf_env *env;
    struct hash_node **buckets; /* bucket_count of them */
    struct hash_node **old;     /* while growing or shrinking: not yet moved buckets, else NULL */
    uint32_t bucket_count, old_count; /* powers of two */
    uint32_t moved;                   /* old buckets that have been moved */
    uint64_t count;                   /* nodes in all */
};

/* 0 or -HF_ENOMEM. */
HF_NODISCARD int hash_init(struct hash *h, const struct hf_env *env);
/* The nodes are not touched. */
void hash_fini(struct hash *h);

/* A node with that hash is about to be inserted: fetches its bucket. */
void hash_expect(const struct hash *h, uint32_t hash);
void hash_insert(struct hash *h, struct hash_node *node, uint32_t hash);
/* node must be in the table. */
void hash_remove(struct hash *h, struct hash_node *node);

/* The first node with that hash, and the next one after node with the same hash, the newest first;
 * NULL at the end. The caller compares keys: for (n = hash_first(h, v); n; n = hash_next(n)). */
struct hash_node *hash_first(const struct hash *h, uint32_t hash);
struct hash_node *hash_next(const struct hash_node *node);

/* Calls visit for every node, in no order; visit inserts and removes none. */
void hash_visit(const struct hash *h, void (*visit)(void *ctx, struct hash_node *node), void *ctx);

#endif
