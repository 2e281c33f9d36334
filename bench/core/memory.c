/* What many pairs cost: the time to open and to close them, and memory. */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

struct crowd {
    struct rig rig;
    struct hf_sock *listener;
    struct pair *pairs;
    long done;
};

static void open_some(void *ctx, long count)
{
    struct crowd *c = ctx;

    for (; count > 0; count--, c->done++) {
        uint16_t port = (uint16_t)(DOOR_FIRST + c->done / PAIRS_PER_DOOR);
        struct name to = rig_here(&c->rig, port);

        if (c->done % PAIRS_PER_DOOR == 0) {
            hf_sock_close(c->listener);
            c->listener = rig_listen(&c->rig, port);
        }
        c->pairs[c->done] = rig_join(&c->rig, c->listener, rig_socket(&c->rig, SOCK_STREAM), &to);
    }
}

static void close_some(void *ctx, long count)
{
    struct crowd *c = ctx;

    for (; count > 0; count--)
        rig_reset(&c->rig, c->pairs[--c->done]);
}

void core_memory(const struct args *args)
{
    struct crowd c = {0};
    long count = args->number[0];
    double before;

    rig_init(&c.rig, args->family);
    c.pairs = malloc((size_t)count * sizeof(*c.pairs));
    if (!c.pairs)
        die("memory for pairs");
    memset(c.pairs, 0xff, (size_t)count * sizeof(*c.pairs)); /* is there before what is measured */
    before = resident_bytes();
    tell("open-rate", rate_once(open_some, &c, count));
    tell("bytes", (resident_bytes() - before) / (double)count);
    tell("close-rate", rate_once(close_some, &c, count));
    hf_frame_pool_trim(c.rig.pool);
    tell("bytes-after", (resident_bytes() - before) / (double)count);
    rig_fini(&c.rig);
    free(c.pairs);
}
