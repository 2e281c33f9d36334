/* reorder=: holds a frame by chance until one to three others have overtaken it, or until it has
 * been held for 10 ms, for there may be no others. */
#include <errno.h>

#include "links/line.h"
#include "links/wrapper.h"

#define HOLD       (10 * HF_MS)
#define OVERTAKERS 3

struct reorder_way {
    struct line held;    /* one frame at most */
    uint32_t overtakers; /* still to come, while one is held */
    struct wrapper_random random;
};

struct reorder {
    struct wrapper wrapper;
    uint32_t ppm;
    struct reorder_way way[WRAPPER_WAYS];
};

static void reorder_pass(struct wrapper *w, enum wrapper_way way, struct hf_frame *f)
{
    struct reorder *r = (struct reorder *)w;
    struct reorder_way *side = &r->way[way];

    if (!side->held.first && wrapper_chance(&side->random, r->ppm)) {
        side->overtakers = 1 + wrapper_random_next(&side->random) % OVERTAKERS;
        line_push(&side->held, f);
        return;
    }
    wrapper_forward(w, way, f);
    if (side->held.first && --side->overtakers == 0)
        wrapper_forward(w, way, line_pop(&side->held));
}

static void reorder_due(struct wrapper *w, hf_time now)
{
    struct reorder *r = (struct reorder *)w;

    for (int way = 0; way < WRAPPER_WAYS; way++) {
        struct line *held = &r->way[way].held;
        struct hf_frame *f = line_next_fresh(held);

        if (f)
            f->when = now + HOLD;
        if (line_is_due(held, now))
            wrapper_forward(w, way, line_pop(held));
    }
}

static hf_time reorder_deadline(const struct wrapper *w)
{
    const struct reorder *r = (const struct reorder *)w;
    hf_time down = line_deadline(&r->way[WRAPPER_DOWN].held);
    hf_time up = line_deadline(&r->way[WRAPPER_UP].held);

    return down < up ? down : up;
}

static void reorder_fini(struct wrapper *w)
{
    struct reorder *r = (struct reorder *)w;

    for (int way = 0; way < WRAPPER_WAYS; way++)
        line_fini(&r->way[way].held);
}

static const struct wrapper_ops reorder_ops = {
    .pass = reorder_pass,
    .due = reorder_due,
    .deadline = reorder_deadline,
    .fini = reorder_fini,
};

int hf_link_reorder_new(const struct hf_env *env, struct hf_link *below, uint32_t ppm,
                        uint64_t seed, struct hf_link **out)
{
    struct reorder *r = wrapper_new(env, below, sizeof(*r), &reorder_ops);

    if (!r)
        return -ENOMEM;
    r->ppm = ppm;
    for (int way = 0; way < WRAPPER_WAYS; way++)
        wrapper_random_init(&r->way[way].random, seed, "reorder", way);
    *out = &r->wrapper.link;
    return 0;
}
