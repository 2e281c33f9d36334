/* The timing wheel.
 *
 * A tick's number is read as eight digits of six bits. A timer hangs at the level of the highest
 * digit in which its tick differs from the wheel's, in the slot of that digit's value. So what
 * hangs at a level is due before anything that hangs higher, slots lie ahead of the wheel's own
 * digit and never wrap, and the next slot is the lowest bit of the lowest level that has one. When
 * the wheel comes to a slot above level 0 it spreads its timers over the levels below. Ticks at
 * which nothing hangs are jumped over.
 *
 * Of many timers most are in no cache when their slot comes. A list tells where one is only when
 * the one before it has been fetched, so a slot has several, filled by turns and emptied by turns:
 * as many timers are fetched at once. */
#include "base/wheel.h"

#define NO_SLOT   UINT16_MAX /* timer.slot of those in wheel.overdue and wheel.soon */
#define SLOT_MASK ((uint64_t)WHEEL_SLOTS - 1)

/* Rounded up: a timer never fires early. */
static uint64_t tick_of_due(hf_time due)
{
    if (due <= 0)
        return 0;
    return ((uint64_t)due + ((uint64_t)1 << WHEEL_TICK_BITS) - 1) >> WHEEL_TICK_BITS;
}

static hf_time tick_time(uint64_t tick)
{
    uint64_t last = (uint64_t)HF_TIME_NEVER >> WHEEL_TICK_BITS;

    return tick > last ? HF_TIME_NEVER : (hf_time)(tick << WHEEL_TICK_BITS);
}

void wheel_init(struct wheel *w, hf_time now)
{
    w->tick = (uint64_t)now >> WHEEL_TICK_BITS;
    list_init(&w->overdue);
    list_init(&w->soon);
    w->levels = 0;
    for (int level = 0; level < WHEEL_LEVELS; level++) {
        w->armed[level] = 0;
        for (int i = 0; i < WHEEL_SLOTS; i++) {
            w->slots[level][i].hung = w->slots[level][i].turn = 0;
            for (int chain = 0; chain < WHEEL_CHAINS; chain++)
                list_init(&w->slots[level][i].chains[chain]);
        }
    }
}

void timer_init(struct timer *t, void (*fire)(struct timer *timer))
{
    list_init(&t->link);
    t->due = 0;
    t->fire = fire;
    t->slot = NO_SLOT;
}

static uint16_t slot_for(const struct wheel *w, uint64_t tick)
{
    unsigned level;

    if (tick <= w->tick)
        return NO_SLOT;
    level = (63 - (unsigned)__builtin_clzll(tick ^ w->tick)) / WHEEL_SLOT_BITS;
    return (uint16_t)(level * WHEEL_SLOTS + (tick >> (level * WHEEL_SLOT_BITS) & SLOT_MASK));
}

static void hang(struct wheel *w, struct timer *t, uint16_t slot)
{
    unsigned level = slot / WHEEL_SLOTS, index = slot % WHEEL_SLOTS;
    struct wheel_slot *s;

    t->slot = slot;
    if (slot == NO_SLOT) {
        list_push_back(&w->overdue, &t->link);
        return;
    }
    s = &w->slots[level][index];
    list_push_back(&s->chains[s->turn++ % WHEEL_CHAINS], &t->link);
    s->hung++;
    w->armed[level] |= (uint64_t)1 << index;
    w->levels |= 1u << level;
}

static void empty(struct wheel *w, unsigned level, unsigned index)
{
    w->armed[level] &= ~((uint64_t)1 << index);
    if (!w->armed[level])
        w->levels &= ~(1u << level);
    w->slots[level][index].hung = w->slots[level][index].turn = 0;
}

void wheel_arm(struct wheel *w, struct timer *t, hf_time due)
{
    uint16_t slot = slot_for(w, tick_of_due(due));

    t->due = due;
    if (timer_is_armed(t)) {
        if (t->slot == slot && slot != NO_SLOT)
            return;
        wheel_cancel(w, t);
    }
    hang(w, t, slot);
}

void wheel_arm_soon(struct wheel *w, struct timer *t, hf_time due)
{
    t->due = due;
    t->slot = NO_SLOT;
    list_push_back(&w->soon, &t->link);
}

void wheel_cancel(struct wheel *w, struct timer *t)
{
    unsigned level = t->slot / WHEEL_SLOTS, index = t->slot % WHEEL_SLOTS;

    if (!timer_is_armed(t))
        return;
    list_remove(&t->link);
    if (t->slot != NO_SLOT && !--w->slots[level][index].hung)
        empty(w, level, index);
}

/* The first slot that has a timer, as its level and where it begins; false when none has. */
static bool next_slot(const struct wheel *w, unsigned *level, uint64_t *tick)
{
    unsigned lowest = w->levels ? (unsigned)__builtin_ctz(w->levels) : 0;
    unsigned shift = lowest * WHEEL_SLOT_BITS, above = shift + WHEEL_SLOT_BITS;

    if (!w->levels)
        return false;
    *level = lowest;
    *tick = w->tick >> above << above | (uint64_t)__builtin_ctzll(w->armed[lowest]) << shift;
    return true;
}

hf_time wheel_next(const struct wheel *w)
{
    unsigned level;
    uint64_t tick;

    if (!list_empty(&w->overdue) || !list_empty(&w->soon))
        return tick_time(w->tick);
    return next_slot(w, &level, &tick) ? tick_time(tick) : HF_TIME_NEVER;
}

/* Takes all of `from` over into the empty list `to`. */
static void list_take(struct list *to, struct list *from)
{
    list_init(to);
    if (list_empty(from))
        return;
    list_add_between(to, from->prev, from->next);
    list_init(from);
}

/* A timer that was armed from inside fire for a time that has passed waits in `overdue` for the
 * next advance, so that one that arms itself at once cannot keep us here. */
static void fire_all(struct list *due)
{
    struct list *link;

    while ((link = list_pop_front(due)) != NULL) {
        struct timer *t = container_of(link, struct timer, link);

        t->fire(t);
    }
}

static void spread(struct wheel *w, struct timer *t, struct list *due)
{
    uint16_t slot = slot_for(w, tick_of_due(t->due));

    if (slot != NO_SLOT) {
        hang(w, t, slot);
        return;
    }
    t->slot = NO_SLOT;
    list_push_back(due, &t->link);
}

/* The wheel's tick has come to the beginning of a slot: its timers are due now or spread out. */
static void enter_slot(struct wheel *w, unsigned level, struct list *due)
{
    unsigned index = w->tick >> (level * WHEEL_SLOT_BITS) & SLOT_MASK, left = WHEEL_CHAINS;
    struct list all[WHEEL_CHAINS], *at[WHEEL_CHAINS];

    for (unsigned i = 0; i < WHEEL_CHAINS; i++) {
        list_take(&all[i], &w->slots[level][index].chains[i]);
        at[i] = all[i].next;
    }
    empty(w, level, index);
    while (left) {
        left = WHEEL_CHAINS;
        for (unsigned i = 0; i < WHEEL_CHAINS; i++) {
            struct list *link = at[i];

            if (link == &all[i]) {
                left--;
                continue;
            }
            at[i] = link->next; /* whose back link is not mended: nobody goes that way */
            __builtin_prefetch(at[i], 1);
            spread(w, container_of(link, struct timer, link), due);
        }
    }
}

/* Apart, so that a call in vain costs nothing. */
__attribute__((noinline)) static void advance(struct wheel *w, uint64_t target)
{
    struct list due;
    unsigned level;
    struct list *link;
    uint64_t tick;

    while ((link = list_pop_front(&w->soon)) != NULL) {
        struct timer *t = container_of(link, struct timer, link);

        wheel_arm(w, t, t->due);
    }
    list_take(&due, &w->overdue);
    fire_all(&due);
    while (next_slot(w, &level, &tick) && tick <= target) {
        w->tick = tick;
        enter_slot(w, level, &due);
        fire_all(&due);
    }
    w->tick = HF_MAX(w->tick, target);
}

void wheel_advance(struct wheel *w, hf_time now)
{
    uint64_t target = (uint64_t)now >> WHEEL_TICK_BITS;

    if (target > w->tick || !list_empty(&w->overdue) || !list_empty(&w->soon))
        advance(w, target);
}
