/* The loopback link: what a stack sends to itself. Frames queue until the next poll, so that a send
 * never runs into the receiver's code, however deep the caller stands. */
#include "net/link.h"

#define LOOPBACK_MTU         65536
#define LOOPBACK_QUEUE_BYTES (128u << 20) /* of frames' memory; more is a program gone wild */

struct loopback {
    struct hf_link link;
    struct core *core;
    struct hf_frame *first, *last;
    uint64_t count;
    uint64_t queued_bytes;
};

static struct loopback *of(struct hf_link *link)
{
    return container_of(link, struct loopback, link);
}

static void loopback_send(struct hf_link *link, struct hf_frame *f)
{
    struct loopback *lo = of(link);
    uint32_t size = hf_frame_truesize(f);

    if (lo->queued_bytes + size > LOOPBACK_QUEUE_BYTES) {
        core_drop(lo->core, HF_DROP_LINK_QUEUE, f);
        return;
    }
    lo->queued_bytes += size;
    lo->count++;
    f->next = NULL;
    if (lo->last)
        lo->last->next = f;
    else
        lo->first = f;
    lo->last = f;
}

static struct hf_frame *dequeue(struct loopback *lo)
{
    struct hf_frame *f = lo->first;

    lo->first = f->next;
    if (!lo->first)
        lo->last = NULL;
    f->next = NULL;
    lo->count--;
    lo->queued_bytes -= hf_frame_truesize(f);
    return f;
}

static void loopback_end(struct hf_link *link)
{
    loopback_free(link);
}

struct hf_link *loopback_new(struct net *net)
{
    static const struct hf_link_ops ops = {.send = loopback_send, .free = loopback_end};
    struct hf_env *env = &net->core->env;
    struct loopback *lo = env->alloc(env->ctx, sizeof(*lo));

    if (!lo)
        return NULL;
    memset(lo, 0, sizeof(*lo));
    lo->core = net->core;
    lo->link.ops = &ops;
    memcpy(lo->link.name, "lo", 3);
    lo->link.mtu = LOOPBACK_MTU;
    lo->link.gso_max = HF_FRAME_MAX;
    lo->link.flags = HF_LINK_LOOPBACK | HF_LINK_CSUM;
    return &lo->link;
}

void loopback_free(struct hf_link *link)
{
    struct loopback *lo;
    struct hf_env env;

    if (!link)
        return;
    lo = of(link);
    env = lo->core->env;
    while (lo->first)
        hf_frame_free(dequeue(lo));
    env.free(env.ctx, lo, sizeof(*lo));
}

void loopback_poll(struct hf_link *link)
{
    struct loopback *lo = of(link);

    for (uint64_t left = lo->count; left; left--)
        hf_link_input(link, dequeue(lo));
}

bool loopback_is_idle(struct hf_link *link)
{
    return !of(link)->count;
}
