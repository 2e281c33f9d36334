/* Connections made and ended one after the other, and how long one takes to be made. */
#include "rig.h"

#define DOOR 900

struct cycle {
    struct rig rig;
    struct hf_sock *listener;
    uint32_t next, places;
    struct samples took;
};

static void cycle_init(struct cycle *c, int family)
{
    *c = (struct cycle){0};
    rig_init(&c->rig, family);
    c->listener = rig_listen(&c->rig, DOOR);
}

static void by_reset(void *ctx, long count)
{
    struct cycle *c = ctx;
    struct name to = rig_here(&c->rig, DOOR);

    for (; count > 0; count--)
        rig_reset(&c->rig, rig_join(&c->rig, c->listener, rig_socket(&c->rig, SOCK_STREAM), &to));
}

void core_cycle(const struct args *args)
{
    struct cycle c;
    struct pair *held;

    cycle_init(&c, args->family);
    held = rig_hold(&c.rig, args->number[0]);
    tell("rate", rate_of(args, by_reset, &c));
    rig_let_go(&c.rig, held, args->number[0]);
    rig_fini(&c.rig);
}

/* The client is first to close, and remains in TIME-WAIT. */
static void by_fin(void *ctx, long count)
{
    struct cycle *c = ctx;

    for (; count > 0; count--) {
        struct name to = rig_elsewhere(&c->rig, c->next++ % c->places, DOOR);
        struct hf_sock *client = rig_socket(&c->rig, SOCK_STREAM);
        struct pair p = rig_join(&c->rig, c->listener, client, &to);

        hf_sock_close(p.client);
        rig_settle(&c->rig);
        hf_sock_close(p.server);
        rig_settle(&c->rig);
    }
}

void core_cycle_fin(const struct args *args)
{
    struct hf_stack_stats stats;
    struct cycle c;

    cycle_init(&c, args->family);
    c.places = (uint32_t)args->number[0];
    tell("rate", rate_of(args, by_fin, &c));
    hf_stack_stats(c.rig.st, &stats);
    tell("time-wait", (double)stats.tcp_time_wait);
    rig_fini(&c.rig);
}

static void timed(void *ctx, long count)
{
    struct cycle *c = ctx;
    struct name to = rig_here(&c->rig, DOOR);

    for (; count > 0; count--) {
        struct hf_sock *client = rig_socket(&c->rig, SOCK_STREAM);
        uint64_t began = now_ns();
        struct pair p = rig_join(&c->rig, c->listener, client, &to);

        sample(&c->took, now_ns() - began);
        rig_reset(&c->rig, p);
    }
}

void core_latency(const struct args *args)
{
    struct cycle c;

    cycle_init(&c, args->family);
    (void)rate_of(args, timed, &c);
    tell("p50", quantile(&c.took, 0.5));
    tell("p99", quantile(&c.took, 0.99));
    rig_fini(&c.rig);
}
