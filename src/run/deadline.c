/* The heap of deadlines. */
#include "run/deadline.h"

#include <errno.h>
#include <stdlib.h>

static void put(struct deadlines *all, uint32_t place, struct deadline *d)
{
    all->heap[place] = d;
    d->place = place;
}

static void rise(struct deadlines *all, struct deadline *d, uint32_t place)
{
    while (place > 1 && all->heap[place / 2]->at > d->at) {
        put(all, place, all->heap[place / 2]);
        place /= 2;
    }
    put(all, place, d);
}

static void sink(struct deadlines *all, struct deadline *d, uint32_t place)
{
    for (;;) {
        uint32_t child = place * 2;

        if (child > all->count)
            break;
        if (child < all->count && all->heap[child + 1]->at < all->heap[child]->at)
            child++;
        if (all->heap[child]->at >= d->at)
            break;
        put(all, place, all->heap[child]);
        place = child;
    }
    put(all, place, d);
}

int deadline_set(struct deadlines *all, struct deadline *d, hf_time at)
{
    if (all->count + 1 >= all->room) {
        uint32_t room = all->room ? all->room * 2 : 64;
        struct deadline **heap = realloc(all->heap, room * sizeof(struct deadline *));

        if (!heap)
            return -ENOMEM;
        all->heap = heap;
        all->room = room;
    }
    deadline_clear(all, d);
    d->at = at;
    rise(all, d, ++all->count);
    return 0;
}

void deadline_clear(struct deadlines *all, struct deadline *d)
{
    uint32_t place = d->place;
    struct deadline *last;

    if (!place)
        return;
    d->place = 0;
    last = all->heap[all->count--];
    if (last == d)
        return;
    if (place > 1 && all->heap[place / 2]->at > last->at)
        rise(all, last, place);
    else
        sink(all, last, place);
}

hf_time deadline_next(const struct deadlines *all)
{
    return all->count ? all->heap[1]->at : HF_TIME_NEVER;
}

void deadline_run(struct deadlines *all, hf_time now)
{
    while (all->count && all->heap[1]->at <= now) {
        struct deadline *d = all->heap[1];

        deadline_clear(all, d);
        d->due(d);
    }
}

void deadline_fini(struct deadlines *all)
{
    free(all->heap);
    *all = (struct deadlines){0};
}
