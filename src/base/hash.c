/* The hash table.
 *
 * While it grows or shrinks there are two arrays, and the old one's buckets move over in order. A
 * hash whose old bucket has not moved yet lives there, else in the new array, so that all nodes of
 * one hash are in one chain at any time. A new bucket is first looked at after the old bucket that
 * feeds it has moved, and is cleared then: a big array is never cleared at one go. */
#include "base/hash.h"

#include "base/assert.h"
#include "handfast/errno.h"

#define BUCKETS_LEAST 64
#define BUCKETS_MOST  ((uint32_t)1 << 30)
#define MOVES         4 /* old buckets moved per insertion or removal */

static struct hash_node **buckets_new(const struct hash *h, uint32_t count)
{
    return h->env->alloc(h->env->ctx, (size_t)count * sizeof(struct hash_node *));
}

static void buckets_free(const struct hash *h, struct hash_node **buckets, uint32_t count)
{
    h->env->free(h->env->ctx, buckets, (size_t)count * sizeof(struct hash_node *));
}

int hash_init(struct hash *h, const struct hf_env *env)
{
    h->env = env;
    h->bucket_count = BUCKETS_LEAST;
    h->buckets = buckets_new(h, h->bucket_count);
    if (!h->buckets)
        return -HF_ENOMEM;
    for (uint32_t i = 0; i < h->bucket_count; i++)
        h->buckets[i] = NULL;
    h->old = NULL;
    h->old_count = 0;
    h->moved = 0;
    h->count = 0;
    return 0;
}

void hash_fini(struct hash *h)
{
    if (h->old)
        buckets_free(h, h->old, h->old_count);
    buckets_free(h, h->buckets, h->bucket_count);
}

static struct hash_node **bucket_of(const struct hash *h, uint32_t hash)
{
    if (h->old && (hash & (h->old_count - 1)) >= h->moved)
        return &h->old[hash & (h->old_count - 1)];
    return &h->buckets[hash & (h->bucket_count - 1)];
}

static struct hash_node *reversed(struct hash_node *node)
{
    struct hash_node *done = NULL, *next;

    for (; node; node = next) {
        next = node->next;
        node->next = done;
        done = node;
    }
    return done;
}

/* Equal hashes keep their order: they are all here, none has moved before. */
static void move_bucket(struct hash *h)
{
    uint32_t from = h->moved++;
    struct hash_node *node = reversed(h->old[from]), *next;

    for (uint32_t to = from; to < h->bucket_count; to += h->old_count)
        h->buckets[to] = NULL;
    for (; node; node = next) {
        struct hash_node **bucket = &h->buckets[node->hash & (h->bucket_count - 1)];

        next = node->next;
        node->next = *bucket;
        *bucket = node;
    }
    if (h->moved == h->old_count) {
        buckets_free(h, h->old, h->old_count);
        h->old = NULL;
    }
}

static bool is_well_sized(const struct hash *h)
{
    return !h->old && h->count <= h->bucket_count &&
           (h->count >= h->bucket_count / 8 || h->bucket_count == BUCKETS_LEAST);
}

/* A step towards the size that suits the count; without memory the table stays as it is. */
static void resize_step(struct hash *h)
{
    uint32_t want = h->bucket_count;
    struct hash_node **buckets;

    for (int i = 0; i < MOVES && h->old; i++)
        move_bucket(h);
    if (h->old) {
        for (uint32_t i = h->moved; i < h->old_count && i < h->moved + MOVES; i++)
            __builtin_prefetch(h->old[i], 1); /* for the next step */
        return;
    }
    if (h->count > h->bucket_count && h->bucket_count < BUCKETS_MOST)
        want = h->bucket_count * 2;
    else if (h->count < h->bucket_count / 8 && h->bucket_count > BUCKETS_LEAST)
        want = h->bucket_count / 2;
    if (want == h->bucket_count)
        return;
    buckets = buckets_new(h, want);
    if (!buckets)
        return;
    h->old = h->buckets;
    h->old_count = h->bucket_count;
    h->buckets = buckets;
    h->bucket_count = want;
    h->moved = 0;
}

void hash_expect(const struct hash *h, uint32_t hash)
{
    __builtin_prefetch(bucket_of(h, hash), 1);
}

void hash_insert(struct hash *h, struct hash_node *node, uint32_t hash)
{
    struct hash_node **bucket;

    h->count++;
    if (!is_well_sized(h))
        resize_step(h);
    bucket = bucket_of(h, hash);
    __builtin_prefetch(*bucket); /* who looks for node passes it, soon as a rule */
    node->hash = hash;
    node->next = *bucket;
    *bucket = node;
}

void hash_remove(struct hash *h, struct hash_node *node)
{
    struct hash_node **at = bucket_of(h, node->hash);

    while (*at && *at != node)
        at = &(*at)->next;
    hf_assert(h->env, *at == node);
    *at = node->next;
    h->count--;
    if (!is_well_sized(h))
        resize_step(h);
}

static struct hash_node *find(struct hash_node *node, uint32_t hash)
{
    while (node && node->hash != hash)
        node = node->next;
    return node;
}

struct hash_node *hash_first(const struct hash *h, uint32_t hash)
{
    return find(*bucket_of(h, hash), hash);
}

struct hash_node *hash_next(const struct hash_node *node)
{
    return find(node->next, node->hash);
}

static void visit_bucket(struct hash_node *node, void (*visit)(void *ctx, struct hash_node *node),
                         void *ctx)
{
    for (; node; node = node->next)
        visit(ctx, node);
}

void hash_visit(const struct hash *h, void (*visit)(void *ctx, struct hash_node *node), void *ctx)
{
    for (uint32_t i = 0; i < h->bucket_count; i++) {
        if (!h->old || (i & (h->old_count - 1)) < h->moved) /* the others are not set yet */
            visit_bucket(h->buckets[i], visit, ctx);
    }
    for (uint32_t i = h->moved; h->old && i < h->old_count; i++)
        visit_bucket(h->old[i], visit, ctx);
}
