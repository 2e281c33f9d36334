#include "gateway/due.h"

static const hf_time whiles[DUE_CLASSES] = {
    [DUE_RETRY] = 100 * HF_MS,   [DUE_DNS_ANSWERED] = 5 * HF_S, [DUE_IDLE] = 30 * HF_S,
    [DUE_DIAL] = 3 * HF_S,       [DUE_DIAL + 1] = 4 * HF_S,     [DUE_DIAL + 2] = 8 * HF_S,
    [DUE_DIAL + 3] = 16 * HF_S,  [DUE_DIAL + 4] = 32 * HF_S,    [DUE_DIAL + 5] = 64 * HF_S,
    [DUE_DIAL + 6] = 128 * HF_S,
};

void due_queues_init(struct due_queues *q)
{
    for (int i = 0; i < DUE_CLASSES; i++)
        ring_init(&q->waiting[i]);
}

void due_init(struct due *d, void (*fire)(struct due *d))
{
    ring_init(&d->link);
    d->fire = fire;
}

void due_arm(struct due_queues *q, struct due *d, enum due_class class, hf_time now)
{
    ring_leave(&d->link);
    d->at = now + whiles[class];
    ring_add(&q->waiting[class], &d->link);
}

void due_cancel(struct due *d)
{
    ring_leave(&d->link);
}

struct due *due_oldest(struct due_queues *q, enum due_class class)
{
    struct ring *head = &q->waiting[class];

    return ring_alone(head) ? NULL : ring_owner(head->next, struct due, link);
}

hf_time due_next(const struct due_queues *q)
{
    hf_time first = HF_TIME_NEVER;

    for (int i = 0; i < DUE_CLASSES; i++) {
        const struct ring *head = &q->waiting[i];

        if (ring_alone(head))
            continue;

        hf_time at = ring_owner(head->next, struct due, link)->at;

        if (at < first)
            first = at;
    }
    return first;
}

void due_run(struct due_queues *q, hf_time now)
{
    for (int i = 0; i < DUE_CLASSES; i++) {
        struct due *d;

        while ((d = due_oldest(q, i)) && d->at <= now) {
            ring_leave(&d->link);
            d->fire(d);
        }
    }
}
