/* dup=: sends frames twice by chance. */
#include <errno.h>

#include "links/wrapper.h"

struct dup {
    struct wrapper wrapper;
    uint32_t ppm;
    struct wrapper_random random[WRAPPER_WAYS];
};

static void dup_pass(struct wrapper *w, enum wrapper_way way, struct hf_frame *f)
{
    struct dup *d = (struct dup *)w;
    struct hf_frame *copy = NULL;

    if (wrapper_chance(&d->random[way], d->ppm))
        copy = hf_frame_clone(f);
    wrapper_forward(w, way, f);
    if (copy)
        wrapper_forward(w, way, copy);
}

static const struct wrapper_ops dup_ops = {.pass = dup_pass};

int hf_link_dup_new(const struct hf_env *env, struct hf_link *below, uint32_t ppm, uint64_t seed,
                    struct hf_link **out)
{
    struct dup *d = wrapper_new(env, below, sizeof(*d), &dup_ops);

    if (!d)
        return -ENOMEM;
    d->ppm = ppm;
    for (int way = 0; way < WRAPPER_WAYS; way++)
        wrapper_random_init(&d->random[way], seed, "dup", way);
    *out = &d->wrapper.link;
    return 0;
}
