/* Deadlines: due in order, moved and cleared at any place. */
#include "run/deadline.h"

#include "tap.h"

#define COUNT 1000

static struct deadline all[COUNT];
static hf_time last;
static int ran;
static bool in_order = true;

static void due(struct deadline *self)
{
    in_order = in_order && self->at >= last && self->place == 0;
    last = self->at;
    ran++;
}

static void run(struct deadlines *d, hf_time now)
{
    last = 0;
    ran = 0;
    deadline_run(d, now);
}

int main(void)
{
    struct deadlines d = {0};
    uint32_t random = 1;

    tap_begin(30);
    EQ(deadline_next(&d), HF_TIME_NEVER, "none_is_never");
    for (int i = 0; i < COUNT; i++) {
        random = random * 1103515245u + 12345u;
        all[i].due = due;
        if (deadline_set(&d, &all[i], random % 5000 + 1) < 0)
            return 1;
    }
    run(&d, 2500);
    OK(in_order && ran > 0 && ran < COUNT, "those_due_run_in_order");
    OK(deadline_next(&d) > 2500, "the_next_is_later");
    for (int i = 0; i < COUNT; i++) {
        if (all[i].place && i % 3 == 0)
            deadline_clear(&d, &all[i]);
        else if (all[i].place && i % 3 == 1 && deadline_set(&d, &all[i], 6000) < 0)
            return 1;
    }
    run(&d, 5000);
    OK(in_order, "order_holds_after_moves_and_clears");
    run(&d, 6000);
    OK(ran > 0 && d.count == 0, "moved_ones_run_at_their_new_time");
    deadline_clear(&d, &all[0]);
    EQ(d.count, 0, "clearing_what_is_not_set_does_nothing");
    deadline_fini(&d);
    return tap_end();
}
