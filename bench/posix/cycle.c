/* Connections made and ended one after the other, and how long connect() takes. */
#include <unistd.h>

#include "place.h"

struct cycle {
    int family, listener;
    uint32_t next, places;
    struct samples took;
};

static void by_reset(void *ctx, long count)
{
    struct cycle *c = ctx;
    struct name to = place_here(c->family, DOOR);

    for (; count > 0; count--)
        place_reset(place_join(c->listener, place_socket(c->family, SOCK_STREAM), &to));
}

void posix_cycle(const struct args *args)
{
    struct cycle c = {.family = args->family, .listener = place_listen(args->family, DOOR)};
    struct pair *held = place_hold(args->family, args->number[0]);

    tell("rate", rate_of(args, by_reset, &c));
    place_let_go(held, args->number[0]);
}

/* The client is first to close, and remains in TIME-WAIT. */
static void by_fin(void *ctx, long count)
{
    struct cycle *c = ctx;

    for (; count > 0; count--) {
        struct name to = place_elsewhere(c->family, c->next++ % c->places, DOOR);
        struct pair p = place_join(c->listener, place_socket(c->family, SOCK_STREAM), &to);

        close(p.client);
        close(p.server);
    }
}

void posix_cycle_fin(const struct args *args)
{
    struct cycle c = {.family = args->family, .listener = place_listen(args->family, DOOR)};

    c.places = (uint32_t)args->number[0];
    tell("rate", rate_of(args, by_fin, &c));
}

static void timed(void *ctx, long count)
{
    struct cycle *c = ctx;
    struct name to = place_here(c->family, DOOR);

    for (; count > 0; count--) {
        int client = place_socket(c->family, SOCK_STREAM);
        struct pair p = {.client = client};
        uint64_t began = now_ns();

        if (connect(client, &to.u.sa, to.len) < 0)
            die("connect");
        sample(&c->took, now_ns() - began);
        p.server = accept(c->listener, NULL, NULL);
        if (p.server < 0)
            die("accept");
        place_reset(p);
    }
}

void posix_latency(const struct args *args)
{
    struct cycle c = {.family = args->family, .listener = place_listen(args->family, DOOR)};

    (void)rate_of(args, timed, &c);
    tell("p50", quantile(&c.took, 0.5));
    tell("p99", quantile(&c.took, 0.99));
}
