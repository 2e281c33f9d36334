/* Time-outs of few lengths. */
#include "gateway/due.h"

#include "tap.h"

static struct due_queues queues;
static int fired;
static struct due *newest;

static void on_due(struct due *d)
{
    fired++;
    newest = d;
}

static void on_due_again(struct due *d)
{
    fired++;
    due_arm(&queues, d, DUE_IDLE, d->at);
}

static void test_order(void)
{
    struct due idle, retry, dial;

    due_queues_init(&queues);
    EQ(due_next(&queues), HF_TIME_NEVER, "nothing waits in the beginning");
    due_init(&idle, on_due);
    due_init(&retry, on_due);
    due_init(&dial, on_due);
    due_arm(&queues, &idle, DUE_IDLE, HF_S);
    due_arm(&queues, &dial, DUE_DIAL, HF_S);
    due_arm(&queues, &retry, DUE_RETRY, 2 * HF_S);
    EQ(due_next(&queues), 2100 * HF_MS, "the next of all classes is known");
    due_run(&queues, 2100 * HF_MS - 1);
    EQ(fired, 0, "nothing is early");
    due_run(&queues, 2100 * HF_MS);
    OK(fired == 1 && newest == &retry, "what is due happens");
    due_cancel(&dial);
    due_run(&queues, 31 * HF_S);
    OK(fired == 2 && newest == &idle, "what was cancelled does not");
    due_cancel(&idle);
    EQ(due_next(&queues), HF_TIME_NEVER, "cancelling what does not wait is fine");
}

static void test_again(void)
{
    struct due a, b;

    due_queues_init(&queues);
    due_init(&a, on_due_again);
    due_init(&b, on_due);
    due_arm(&queues, &a, DUE_IDLE, 0);
    due_arm(&queues, &b, DUE_IDLE, HF_S);
    OK(due_oldest(&queues, DUE_IDLE) == &a, "the oldest is the first that was armed");
    due_arm(&queues, &a, DUE_IDLE, 2 * HF_S);
    OK(due_oldest(&queues, DUE_IDLE) == &b, "arming anew makes it the youngest");
    OK(!due_oldest(&queues, DUE_DNS_ANSWERED), "an empty class has no oldest");
    fired = 0;
    due_run(&queues, 100 * HF_S);
    EQ(fired, 4, "one that arms itself again in firing fires as often as time has passed");
}

int main(void)
{
    tap_begin(5);
    test_order();
    test_again();
    return tap_end();
}
