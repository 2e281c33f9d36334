/* A wire between two stacks of one process. What one end sends waits at the other until that is
 * polled: so no stack is ever entered from within the other. */
#include "handfast/links.h"

#include <errno.h>
#include <string.h>

#include "links/line.h"

/* More than any window of TCP fills; a flood of datagrams meets its end here, as on a real wire. */
#define PAIR_QUEUE 65536

struct pair_end {
    struct hf_link link;
    struct pair_end *peer; /* NULL once that is freed */
    struct hf_env env;
    struct line arriving;
    uint32_t waiting; /* frames in it */
};

static void pair_send(struct hf_link *link, struct hf_frame *f)
{
    struct pair_end *peer = ((struct pair_end *)link)->peer;

    if (!peer || peer->waiting == PAIR_QUEUE) {
        link->dropped++;
        hf_frame_free(f);
        return;
    }
    /* Memory is the wire: a checksum that was left out need not be looked at either. */
    if (f->flags & HF_FRAME_CSUM_PARTIAL)
        f->flags = HF_FRAME_CSUM_OK;
    else
        f->flags = 0;
    line_push(&peer->arriving, f);
    peer->waiting++;
}

static void pair_poll(struct hf_link *link, hf_time now)
{
    struct pair_end *end = (struct pair_end *)link;

    for (uint32_t n = end->waiting; n > 0; n--) {
        end->waiting--;
        hf_link_input(link, line_pop(&end->arriving));
    }
}

static hf_time pair_deadline(const struct hf_link *link)
{
    return ((const struct pair_end *)link)->waiting ? 0 : HF_TIME_NEVER;
}

static void pair_free(struct hf_link *link)
{
    struct pair_end *end = (struct pair_end *)link;
    struct hf_env env = end->env;

    if (end->peer)
        end->peer->peer = NULL;
    line_fini(&end->arriving);
    env.free(env.ctx, end, sizeof(*end));
}

static void pair_plain(struct hf_link *link)
{
    struct pair_end *end = (struct pair_end *)link;
    struct hf_link *both[] = {link, end->peer ? &end->peer->link : link};

    for (int i = 0; i < 2; i++) {
        both[i]->gso_max = 0;
        both[i]->flags &= ~(uint32_t)HF_LINK_CSUM;
    }
}

static const struct hf_link_ops pair_ops = {
    .send = pair_send,
    .poll = pair_poll,
    .deadline = pair_deadline,
    .plain = pair_plain,
    .free = pair_free,
};

static struct pair_end *end_new(const struct hf_env *env, uint32_t mtu)
{
    struct pair_end *end = env->alloc(env->ctx, sizeof(*end));

    if (!end)
        return NULL;
    *end = (struct pair_end){
        .link = {.ops = &pair_ops,
                 .name = "pair0",
                 .mtu = mtu,
                 .gso_max = HF_FRAME_MAX,
                 .flags = HF_LINK_CSUM},
        .env = *env,
    };
    return end;
}

int hf_link_pair_new(const struct hf_env *env, uint32_t mtu, struct hf_link *ends[2])
{
    struct pair_end *a = end_new(env, mtu), *b = a ? end_new(env, mtu) : NULL;

    if (!b) {
        hf_link_free(a ? &a->link : NULL);
        return -ENOMEM;
    }
    a->peer = b;
    b->peer = a;
    ends[0] = &a->link;
    ends[1] = &b->link;
    return 0;
}
