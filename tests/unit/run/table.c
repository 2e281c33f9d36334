/* The supervisor's hash table: finds what it holds while it grows, and nothing else. */
#include "run/table.h"

#include "tap.h"

#define COUNT 5000

static struct table_node nodes[COUNT];
static size_t visited;

static bool all_are(struct table *t, size_t from, bool there)
{
    for (size_t i = from; i < COUNT; i += 2) {
        if ((table_find(t, nodes[i].key) == &nodes[i]) != there)
            return false;
    }
    return true;
}

static void count_and_remove(void *t, struct table_node *node)
{
    visited++;
    table_remove(t, node);
}

int main(void)
{
    struct table t;
    bool found_at_once = true;

    tap_begin(30);
    OK(table_init(&t) == 0, "table_begins");
    OK(!table_find(&t, 7), "empty_table_finds_nothing");
    for (size_t i = 0; i < COUNT; i++) {
        nodes[i].key = i * 0x100000001u;
        table_insert(&t, &nodes[i]);
        found_at_once = found_at_once && table_find(&t, nodes[0].key) == &nodes[0] &&
                        table_find(&t, nodes[i].key) == &nodes[i];
    }
    OK(found_at_once, "first_and_newest_are_found_at_every_size");
    EQ(t.count, COUNT, "count_after_insertion");
    for (size_t i = 0; i < COUNT; i += 2)
        table_remove(&t, &nodes[i]);
    OK(all_are(&t, 0, false), "removed_are_not_found");
    OK(all_are(&t, 1, true), "the_others_are");
    table_each(&t, count_and_remove, &t);
    EQ(visited, COUNT / 2, "each_visits_all_even_when_they_are_removed");
    EQ(t.count, 0, "table_is_empty_then");
    table_fini(&t);
    return tap_end();
}
