/* The part that all wrappers share. */
#include "links/wrapper.h"

#include <string.h>

static void send_down(struct hf_link *link, struct hf_frame *f)
{
    struct wrapper *w = (struct wrapper *)link;

    w->ops->pass(w, WRAPPER_DOWN, f);
}

static void come_up(void *above, struct hf_link *below, struct hf_frame *f)
{
    struct wrapper *w = above;

    w->ops->pass(w, WRAPPER_UP, f);
}

/* The link below first: what it brings is seen at this same moment. */
static void poll_both(struct hf_link *link, hf_time now)
{
    struct wrapper *w = (struct wrapper *)link;

    if (link->below->ops->poll)
        link->below->ops->poll(link->below, now);
    if (w->ops->due)
        w->ops->due(w, now);
}

static hf_time deadline_of_both(const struct hf_link *link)
{
    const struct wrapper *w = (const struct wrapper *)link;
    const struct hf_link *below = link->below;
    hf_time own = w->ops->deadline ? w->ops->deadline(w) : HF_TIME_NEVER;
    hf_time theirs = below->ops->deadline ? below->ops->deadline(below) : HF_TIME_NEVER;

    return own < theirs ? own : theirs;
}

/* A wrapper that does not only look has made all below it plain. */
static void make_plain(struct hf_link *link)
{
    link->gso_max = 0;
    link->flags &= ~(uint32_t)HF_LINK_CSUM;
    hf_link_plain(link->below);
}

static void free_both(struct hf_link *link)
{
    struct wrapper *w = (struct wrapper *)link;
    struct hf_link *below = link->below;
    struct hf_env env = w->env;

    if (w->ops->fini)
        w->ops->fini(w);
    env.free(env.ctx, w, w->bytes);
    hf_link_free(below);
}

static const struct hf_link_ops link_ops = {
    .send = send_down,
    .poll = poll_both,
    .deadline = deadline_of_both,
    .plain = make_plain,
    .free = free_both,
};

void *wrapper_new(const struct hf_env *env, struct hf_link *below, size_t bytes,
                  const struct wrapper_ops *ops)
{
    struct wrapper *w = env->alloc(env->ctx, bytes);

    if (!w)
        return NULL;
    memset(w, 0, bytes);
    w->link.ops = &link_ops;
    memcpy(w->link.name, below->name, sizeof(w->link.name));
    memcpy(w->link.mac, below->mac, sizeof(w->link.mac));
    w->link.mtu = below->mtu;
    w->link.gso_max = below->gso_max;
    w->link.flags = below->flags;
    w->link.below = below;
    w->ops = ops;
    w->env = *env;
    w->bytes = bytes;
    below->input = come_up;
    below->above = w;
    if (!ops->only_looks)
        make_plain(&w->link);
    return w;
}

void wrapper_forward(struct wrapper *w, enum wrapper_way way, struct hf_frame *f)
{
    if (way == WRAPPER_DOWN)
        w->link.below->ops->send(w->link.below, f);
    else
        hf_link_input(&w->link, f);
}

void wrapper_drop(struct wrapper *w, struct hf_frame *f)
{
    w->link.dropped++;
    hf_frame_free(f);
}

/* A 64-bit linear congruence; its high bits, stirred by its low ones, pass for chance. */
uint32_t wrapper_random_next(struct wrapper_random *r)
{
    r->state = r->state * 0x5851f42d4c957f2dULL + 0x14057b7ef767814fULL;

    uint64_t x = r->state;

    x ^= x >> 29;
    x *= 0x9e3779b97f4a7c15ULL;
    return (uint32_t)(x >> 32);
}

void wrapper_random_init(struct wrapper_random *r, uint64_t seed, const char *kind,
                         enum wrapper_way way)
{
    r->state = seed * WRAPPER_WAYS + way;
    for (const char *c = kind; *c; c++)
        r->state = (r->state ^ (uint8_t)*c) * 0x100000001b3ULL;
    wrapper_random_next(r);
}

bool wrapper_chance(struct wrapper_random *r, uint32_t ppm)
{
    return ((uint64_t)wrapper_random_next(r) * HF_PPM_ALL) >> 32 < ppm;
}

void hf_link_free(struct hf_link *link)
{
    if (link)
        link->ops->free(link);
}

void hf_link_plain(struct hf_link *link)
{
    if (link->ops->plain)
        link->ops->plain(link);
}

uint64_t hf_link_dropped(const struct hf_link *link)
{
    uint64_t n = 0;

    for (; link; link = link->below)
        n += link->dropped;
    return n;
}
