/* loss=: drops frames by chance. */
#include <errno.h>

#include "links/wrapper.h"

struct loss {
    struct wrapper wrapper;
    uint32_t ppm;
    struct wrapper_random random[WRAPPER_WAYS];
};

static void loss_pass(struct wrapper *w, enum wrapper_way way, struct hf_frame *f)
{
    struct loss *l = (struct loss *)w;

    if (wrapper_chance(&l->random[way], l->ppm))
        wrapper_drop(w, f);
    else
        wrapper_forward(w, way, f);
}

static const struct wrapper_ops loss_ops = {.pass = loss_pass};

int hf_link_loss_new(const struct hf_env *env, struct hf_link *below, uint32_t ppm, uint64_t seed,
                     struct hf_link **out)
{
    struct loss *l = wrapper_new(env, below, sizeof(*l), &loss_ops);

    if (!l)
        return -ENOMEM;
    l->ppm = ppm;
    for (int way = 0; way < WRAPPER_WAYS; way++)
        wrapper_random_init(&l->random[way], seed, "loss", way);
    *out = &l->wrapper.link;
    return 0;
}
