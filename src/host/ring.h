/* Doubly linked rings: the head is a ring too, alone when empty. Who is in one can leave it without
 * knowing which. */
#ifndef HOST_RING_H
#define HOST_RING_H

#include <stdbool.h>
#include <stddef.h>

struct ring {
    struct ring *prev, *next;
};

#define ring_owner(r, type, member) ((type *)(void *)((char *)(r)-offsetof(type, member)))

static inline void ring_init(struct ring *r)
{
    r->prev = r->next = r;
}

static inline bool ring_alone(const struct ring *r)
{
    return r->next == r;
}

/* At the end of the ring that begins at head. */
static inline void ring_add(struct ring *head, struct ring *r)
{
    r->prev = head->prev;
    r->next = head;
    head->prev->next = r;
    head->prev = r;
}

/* Leaves the ring it is in; fine when it is alone. */
static inline void ring_leave(struct ring *r)
{
    r->prev->next = r->next;
    r->next->prev = r->prev;
    ring_init(r);
}

/* Empties `from` into `to`, which is empty. */
static inline void ring_move(struct ring *from, struct ring *to)
{
    if (ring_alone(from))
        return;
    to->next = from->next;
    to->prev = from->prev;
    to->next->prev = to->prev->next = to;
    ring_init(from);
}

#endif
