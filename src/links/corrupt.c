/* corrupt=: flips a bit by chance. Pages may have other readers (the sender's own queue, for one),
 * so it is a copy that is spoiled. */
#include <errno.h>

#include "links/wrapper.h"

#define ETHERNET_HEADER 14

struct corrupt {
    struct wrapper wrapper;
    uint32_t ppm;
    struct wrapper_random random[WRAPPER_WAYS];
};

static struct hf_frame *deep_copy(const struct hf_frame *f)
{
    struct hf_iovec iov[1 + HF_FRAME_FRAGS];
    int n = hf_frame_iov(f, 0, iov, 1 + HF_FRAME_FRAGS);
    struct hf_frame *copy = hf_frame_new(f->pool);

    if (!copy)
        return NULL;
    for (int i = 0; i < n; i++) {
        if (!hf_frame_append(copy, iov[i].base, (uint32_t)iov[i].len)) {
            hf_frame_free(copy);
            return NULL;
        }
    }
    /* Not HF_FRAME_CSUM_OK: nobody can vouch for it any more. */
    copy->flags = f->flags & HF_FRAME_LINK_BCAST;
    copy->proto_be = f->proto_be;
    return copy;
}

static void corrupt_pass(struct wrapper *w, enum wrapper_way way, struct hf_frame *f)
{
    struct corrupt *c = (struct corrupt *)w;
    uint32_t spared = w->link.flags & HF_LINK_ETHERNET ? ETHERNET_HEADER : 0;
    struct hf_frame *copy;
    struct hf_iovec at;

    if (!wrapper_chance(&c->random[way], c->ppm) || f->len <= spared) {
        wrapper_forward(w, way, f);
        return;
    }
    copy = deep_copy(f);
    if (!copy) {
        wrapper_drop(w, f);
        return;
    }

    uint32_t off = spared + wrapper_random_next(&c->random[way]) % (f->len - spared);

    hf_frame_free(f);
    hf_frame_iov(copy, off, &at, 1);
    *(uint8_t *)at.base ^= (uint8_t)(1 << wrapper_random_next(&c->random[way]) % 8);
    wrapper_forward(w, way, copy);
}

static const struct wrapper_ops corrupt_ops = {.pass = corrupt_pass};

int hf_link_corrupt_new(const struct hf_env *env, struct hf_link *below, uint32_t ppm,
                        uint64_t seed, struct hf_link **out)
{
    struct corrupt *c = wrapper_new(env, below, sizeof(*c), &corrupt_ops);

    if (!c)
        return -ENOMEM;
    c->ppm = ppm;
    for (int way = 0; way < WRAPPER_WAYS; way++)
        wrapper_random_init(&c->random[way], seed, "corrupt", way);
    *out = &c->wrapper.link;
    return 0;
}
