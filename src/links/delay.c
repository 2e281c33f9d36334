/* delay=: every frame arrives so much later, in order. */
#include <errno.h>

#include "links/line.h"
#include "links/wrapper.h"

struct delay {
    struct wrapper wrapper;
    hf_time delay;
    struct line line[WRAPPER_WAYS];
};

static void delay_pass(struct wrapper *w, enum wrapper_way way, struct hf_frame *f)
{
    line_push(&((struct delay *)w)->line[way], f);
}

static void delay_due(struct wrapper *w, hf_time now)
{
    struct delay *d = (struct delay *)w;

    for (int way = 0; way < WRAPPER_WAYS; way++) {
        struct line *line = &d->line[way];
        struct hf_frame *f;

        while ((f = line_next_fresh(line)))
            f->when = now + d->delay;
        while (line_is_due(line, now))
            wrapper_forward(w, way, line_pop(line));
    }
}

static hf_time delay_deadline(const struct wrapper *w)
{
    const struct delay *d = (const struct delay *)w;
    hf_time down = line_deadline(&d->line[WRAPPER_DOWN]);
    hf_time up = line_deadline(&d->line[WRAPPER_UP]);

    return down < up ? down : up;
}

static void delay_fini(struct wrapper *w)
{
    struct delay *d = (struct delay *)w;

    for (int way = 0; way < WRAPPER_WAYS; way++)
        line_fini(&d->line[way]);
}

static const struct wrapper_ops delay_ops = {
    .pass = delay_pass,
    .due = delay_due,
    .deadline = delay_deadline,
    .fini = delay_fini,
};

int hf_link_delay_new(const struct hf_env *env, struct hf_link *below, hf_time delay,
                      struct hf_link **out)
{
    struct delay *d = wrapper_new(env, below, sizeof(*d), &delay_ops);

    if (!d)
        return -ENOMEM;
    d->delay = delay;
    *out = &d->wrapper.link;
    return 0;
}
