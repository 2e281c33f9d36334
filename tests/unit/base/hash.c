/* The hash table against an array. */
#include "base/hash.h"

#include "base/assert.h"
#include "handfast/errno.h"
#include "tap.h"
#include "testenv.h"

#define NODES 20000

struct item {
    struct hash_node node;
    uint32_t hash;
    bool in;
};

static struct item items[NODES];
static struct testenv env;

static bool found(const struct hash *h, struct item *item)
{
    struct hash_node *n = hash_first(h, item->hash);

    while (n && n != &item->node) {
        if (n->hash != item->hash)
            return false;
        n = hash_next(n);
    }
    return n != NULL;
}

static void toggle(struct hash *h, struct item *item)
{
    if (item->in)
        hash_remove(h, &item->node);
    else
        hash_insert(h, &item->node, item->hash);
    item->in = !item->in;
}

static void count_in(void *ctx, struct hash_node *node)
{
    uint64_t *count = ctx;

    *count += container_of(node, struct item, node)->in ? 1 : NODES;
}

static bool all_right(const struct hash *h)
{
    uint64_t count = 0, visited = 0;

    hash_visit(h, count_in, &visited);
    if (visited != h->count)
        return false;

    for (int i = 0; i < NODES; i++) {
        count += items[i].in;
        if (found(h, &items[i]) != items[i].in)
            return false;
    }
    return count == h->count;
}

/* Drives the table up to full and down to nothing, with random operations around the trend. */
static bool tide(struct hash *h, int steps, unsigned stay)
{
    bool good = true;

    for (int i = 0; i < steps; i++) {
        struct item *item = &items[testenv_below(&env, NODES)];

        if (item->in ? testenv_below(&env, 100) >= stay : testenv_below(&env, 100) < stay)
            toggle(h, item);
        good &= found(h, item) == item->in;
        if (i % 5000 == 0)
            good &= all_right(h);
    }
    return good && all_right(h);
}

#define TWINS 5

static bool newest_first(const struct hash *h, struct item *twins)
{
    struct hash_node *n = hash_first(h, twins[0].hash);
    int i = TWINS;

    while (n && i > 0 && n == &twins[i - 1].node) {
        n = hash_next(n);
        i--;
    }
    return !n && i == 0;
}

/* Nodes of one hash come newest first, in the middle of growing and shrinking too. */
static void order_of_equals(void)
{
    struct hf_env hf = testenv_env(&env);
    static struct item twins[TWINS];
    bool good = true;
    struct hash h;

    EQ(hash_init(&h, &hf), 0, "a table");
    for (int i = 0; i < TWINS; i++) {
        twins[i].hash = 1234567;
        hash_insert(&h, &twins[i].node, twins[i].hash);
    }
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < NODES; i++) {
            toggle(&h, &items[i]);
            good &= newest_first(&h, twins);
        }
    OK(good, "equal hashes come newest first while the table grows and shrinks");
    hash_fini(&h);
    EQ(env.out, 0, "and gives back all memory");
}

int main(void)
{
    struct hf_env hf = testenv_env(&env);
    struct hash h;

    tap_begin(60);
    for (int i = 0; i < NODES; i++)
        items[i].hash = testenv_below(&env, i % 2 ? UINT32_MAX : NODES);
    EQ(hash_init(&h, &hf), 0, "an empty table");
    OK(all_right(&h), "finds nothing when empty");
    OK(tide(&h, 60000, 95), "agrees with the model while growing");
    OK(h.bucket_count >= h.count / 2, "has grown with its nodes");
    OK(tide(&h, 100000, 3), "agrees with the model while shrinking");
    for (int i = 0; i < NODES; i++)
        if (items[i].in)
            toggle(&h, &items[i]);
    OK(all_right(&h) && h.count == 0, "finds nothing when emptied");
    for (int i = 0; i < 100000; i++)
        toggle(&h, &items[0]);
    OK(h.bucket_count <= 128, "has shrunk to its least");

    env.fail_from = env.allocs + 1;
    OK(tide(&h, 40000, 90), "agrees with the model when it cannot grow");
    env.fail_from = 0;
    OK(tide(&h, 40000, 50), "and when it can again");
    hash_fini(&h);
    EQ(env.out, 0, "gives back all memory, in the middle of a change too");

    for (int i = 0; i < NODES; i++)
        items[i].in = false;
    order_of_equals();
    env.fail_from = 1;
    env.allocs = 0;
    EQ(hash_init(&h, &hf), -HF_ENOMEM, "no table without memory");
    return tap_end();
}
