/* The hash table of the supervisor. Keys are inodes and thread ids, which the kernel chooses, so a
 * multiplicative hash is enough. */
#include "run/table.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_BUCKETS 64
#define MOVE_AT_ONCE  4

static struct table_node **bucket_in(struct table_node **buckets, size_t count, uint64_t key)
{
    uint64_t mixed = key * 0x9e3779b97f4a7c15u;

    return &buckets[(mixed >> 32) & (count - 1)];
}

int table_init(struct table *t)
{
    *t = (struct table){.bucket_count = FIRST_BUCKETS};
    t->buckets = calloc(FIRST_BUCKETS, sizeof(struct table_node *));
    return t->buckets ? 0 : -ENOMEM;
}

void table_fini(struct table *t)
{
    free(t->buckets);
    free(t->old);
    *t = (struct table){0};
}

static void move_some(struct table *t)
{
    for (int i = 0; i < MOVE_AT_ONCE && t->old; i++) {
        struct table_node *node = t->old[t->moved];

        while (node) {
            struct table_node *next = node->next;
            struct table_node **to = bucket_in(t->buckets, t->bucket_count, node->key);

            node->next = *to;
            *to = node;
            node = next;
        }
        t->old[t->moved++] = NULL;
        if (t->moved == t->old_count) {
            free(t->old);
            t->old = NULL;
        }
    }
}

/* Without memory the table stays as small as it is. */
static void grow(struct table *t)
{
    struct table_node **bigger = calloc(t->bucket_count * 2, sizeof(struct table_node *));

    if (!bigger)
        return;
    t->old = t->buckets;
    t->old_count = t->bucket_count;
    t->moved = 0;
    t->buckets = bigger;
    t->bucket_count *= 2;
}

void table_insert(struct table *t, struct table_node *node)
{
    struct table_node **to;

    move_some(t);
    if (!t->old && t->count >= t->bucket_count)
        grow(t);
    to = bucket_in(t->buckets, t->bucket_count, node->key);
    node->next = *to;
    *to = node;
    t->count++;
}

static bool unlink_from(struct table_node **at, struct table_node *node)
{
    for (; *at; at = &(*at)->next) {
        if (*at == node) {
            *at = node->next;
            return true;
        }
    }
    return false;
}

void table_remove(struct table *t, struct table_node *node)
{
    if (!unlink_from(bucket_in(t->buckets, t->bucket_count, node->key), node) && t->old)
        unlink_from(bucket_in(t->old, t->old_count, node->key), node);
    t->count--;
}

static struct table_node *find_from(struct table_node *node, uint64_t key)
{
    while (node && node->key != key)
        node = node->next;
    return node;
}

struct table_node *table_find(const struct table *t, uint64_t key)
{
    struct table_node *node = find_from(*bucket_in(t->buckets, t->bucket_count, key), key);

    if (!node && t->old)
        node = find_from(*bucket_in(t->old, t->old_count, key), key);
    return node;
}

static void each_in(struct table_node **buckets, size_t count,
                    void (*visit)(void *ctx, struct table_node *node), void *ctx)
{
    for (size_t i = 0; i < count; i++) {
        for (struct table_node *node = buckets[i], *next; node; node = next) {
            next = node->next;
            visit(ctx, node);
        }
    }
}

void table_each(struct table *t, void (*visit)(void *ctx, struct table_node *node), void *ctx)
{
    each_in(t->buckets, t->bucket_count, visit, ctx);
    if (t->old)
        each_in(t->old, t->old_count, visit, ctx);
}
