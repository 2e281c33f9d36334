/* rate=: a line of so many bits per second, with a queue in front of it. A frame has passed when
 * its last bit has. */
#include <errno.h>

#include "links/line.h"
#include "links/wrapper.h"

#define QUEUE_MIN_BYTES  65536
#define QUEUE_PER_SECOND 10 /* the queue holds a tenth of a second */

struct rate_way {
    struct line line;
    uint64_t queued_bytes;
    hf_time free_at; /* when the line has sent all that has been put on it */
};

struct rate {
    struct wrapper wrapper;
    uint64_t bps;
    uint64_t queue_bytes;
    struct rate_way way[WRAPPER_WAYS];
};

static void rate_pass(struct wrapper *w, enum wrapper_way way, struct hf_frame *f)
{
    struct rate *r = (struct rate *)w;
    struct rate_way *side = &r->way[way];

    if (side->queued_bytes + f->len > r->queue_bytes) {
        wrapper_drop(w, f);
        return;
    }
    side->queued_bytes += f->len;
    line_push(&side->line, f);
}

static void way_due(struct rate *r, enum wrapper_way way, hf_time now)
{
    struct rate_way *side = &r->way[way];
    struct hf_frame *f;

    while ((f = line_next_fresh(&side->line))) {
        if (side->free_at < now)
            side->free_at = now;
        side->free_at += (hf_time)((uint64_t)f->len * 8 * (uint64_t)HF_S / r->bps);
        f->when = side->free_at;
    }
    while (line_is_due(&side->line, now)) {
        f = line_pop(&side->line);
        side->queued_bytes -= f->len;
        wrapper_forward(&r->wrapper, way, f);
    }
}

static void rate_due(struct wrapper *w, hf_time now)
{
    way_due((struct rate *)w, WRAPPER_DOWN, now);
    way_due((struct rate *)w, WRAPPER_UP, now);
}

static hf_time rate_deadline(const struct wrapper *w)
{
    const struct rate *r = (const struct rate *)w;
    hf_time down = line_deadline(&r->way[WRAPPER_DOWN].line);
    hf_time up = line_deadline(&r->way[WRAPPER_UP].line);

    return down < up ? down : up;
}

static void rate_fini(struct wrapper *w)
{
    struct rate *r = (struct rate *)w;

    for (int way = 0; way < WRAPPER_WAYS; way++)
        line_fini(&r->way[way].line);
}

static const struct wrapper_ops rate_ops = {
    .pass = rate_pass,
    .due = rate_due,
    .deadline = rate_deadline,
    .fini = rate_fini,
};

int hf_link_rate_new(const struct hf_env *env, struct hf_link *below, uint64_t bps,
                     struct hf_link **out)
{
    struct rate *r = wrapper_new(env, below, sizeof(*r), &rate_ops);

    if (!r)
        return -ENOMEM;
    r->bps = bps;
    r->queue_bytes = bps / 8 / QUEUE_PER_SECOND;
    if (r->queue_bytes < QUEUE_MIN_BYTES)
        r->queue_bytes = QUEUE_MIN_BYTES;
    *out = &r->wrapper.link;
    return 0;
}
