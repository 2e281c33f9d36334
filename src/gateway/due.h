/* What happens after a while. There are few different whiles, so each has a queue in which whoever
 * comes later is due later: arming, cancelling and finding the next cost the same however many
 * wait. */
#ifndef GATEWAY_DUE_H
#define GATEWAY_DUE_H

#include "handfast/types.h"
#include "host/ring.h"

enum due_class {
    DUE_RETRY,        /* 100 ms: descriptors had run out */
    DUE_DNS_ANSWERED, /* 5 s: a look-up that got its answer */
    DUE_IDLE,         /* 30 s: other datagrams */
    DUE_DIAL,         /* 3, 4, 8 ... 128 s: a SYN that was seen once, twice, three times ... */
    DUE_CLASSES = DUE_DIAL + 7
};

struct due {
    struct ring link;
    hf_time at;
    void (*fire)(struct due *d); /* may arm and cancel any */
};

struct due_queues {
    struct ring waiting[DUE_CLASSES];
};

void due_queues_init(struct due_queues *q);
void due_init(struct due *d, void (*fire)(struct due *d));
/* From now on, or anew. */
void due_arm(struct due_queues *q, struct due *d, enum due_class class, hf_time now);
void due_cancel(struct due *d);
/* The one that has waited longest in its class; NULL: none waits. */
struct due *due_oldest(struct due_queues *q, enum due_class class);
hf_time due_next(const struct due_queues *q);
void due_run(struct due_queues *q, hf_time now);

#endif
