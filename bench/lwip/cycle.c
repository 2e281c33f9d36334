/* Connections made and ended one after the other, how long one takes, and what many cost. */
#include <stdlib.h>

#include "rig.h"

struct cycle {
    struct rig rig;
    struct samples took;
    struct pair *pairs;
    long done;
};

static void cycle_init(struct cycle *c, const struct args *args)
{
    rig_init(&c->rig, args);
    (void)rig_listen(&c->rig, DOOR);
}

static void by_reset(void *ctx, long count)
{
    struct cycle *c = ctx;

    for (; count > 0; count--)
        rig_reset(rig_join(&c->rig, DOOR));
}

void lwip_cycle(const struct args *args)
{
    struct cycle c = {0};

    cycle_init(&c, args);
    for (long i = 0; i < args->number[0]; i++)
        (void)rig_join(&c.rig, DOOR);
    tell("rate", rate_of(args, by_reset, &c));
}

static err_t ended(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    return p ? ERR_VAL : tcp_close(pcb);
}

/* The client is first to close, and remains in TIME-WAIT. */
static void by_fin(void *ctx, long count)
{
    struct cycle *c = ctx;

    for (; count > 0; count--) {
        struct pair p = rig_join(&c->rig, DOOR);

        tcp_recv(p.server, ended);
        must(tcp_close(p.client), "close");
        rig_settle();
    }
}

void lwip_cycle_fin(const struct args *args)
{
    struct cycle c = {0};

    cycle_init(&c, args);
    tell("rate", rate_of(args, by_fin, &c));
}

static void timed(void *ctx, long count)
{
    struct cycle *c = ctx;

    for (; count > 0; count--) {
        uint64_t began = now_ns();
        struct pair p = rig_join(&c->rig, DOOR);

        sample(&c->took, now_ns() - began);
        rig_reset(p);
    }
}

void lwip_latency(const struct args *args)
{
    struct cycle c = {0};

    cycle_init(&c, args);
    (void)rate_of(args, timed, &c);
    tell("p50", quantile(&c.took, 0.5));
    tell("p99", quantile(&c.took, 0.99));
}

static void open_some(void *ctx, long count)
{
    struct cycle *c = ctx;

    for (; count > 0; count--)
        c->pairs[c->done++] = rig_join(&c->rig, DOOR);
}

static void close_some(void *ctx, long count)
{
    struct cycle *c = ctx;

    for (; count > 0; count--)
        rig_reset(c->pairs[--c->done]);
}

/* Its blocks are all there from the beginning: what one takes is their size. */
void lwip_memory(const struct args *args)
{
    struct cycle c = {.pairs = calloc((size_t)args->number[0], sizeof(struct pair))};

    if (!c.pairs)
        die("memory for pairs");
    cycle_init(&c, args);
    tell("open-rate", rate_once(open_some, &c, args->number[0]));
    tell("bytes", 2.0 * sizeof(struct tcp_pcb));
    tell("close-rate", rate_once(close_some, &c, args->number[0]));
}
