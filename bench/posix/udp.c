/* Datagrams from one connected socket to another, and connecting one anew. */
#include "place.h"

#define SIZE 64

struct talk {
    int from, to;
    struct name peer[2];
};

static void datagrams(void *ctx, long count)
{
    struct talk *t = ctx;
    char bytes[SIZE] = "datagram";

    for (; count > 0; count--) {
        if (send(t->from, bytes, SIZE, 0) != SIZE || recv(t->to, bytes, SIZE, 0) != SIZE)
            die("a datagram");
    }
}

void posix_udp(const struct args *args)
{
    struct name to = place_here(args->family, DOOR), from = place_here(args->family, DOOR + 1);
    struct talk t = {
        place_socket(args->family, SOCK_DGRAM), place_socket(args->family, SOCK_DGRAM), {to, from}};

    if (bind(t.to, &to.u.sa, to.len) < 0 || bind(t.from, &from.u.sa, from.len) < 0 ||
        connect(t.from, &to.u.sa, to.len) < 0 || connect(t.to, &from.u.sa, from.len) < 0)
        die("connect");
    tell("rate", rate_of(args, datagrams, &t));
}

static void other_peers(void *ctx, long count)
{
    struct talk *t = ctx;

    for (; count > 0; count--) {
        const struct name *peer = &t->peer[count % 2];

        if (connect(t->from, &peer->u.sa, peer->len) < 0)
            die("connect");
    }
}

void posix_reconnect(const struct args *args)
{
    struct talk t = {.from = place_socket(args->family, SOCK_DGRAM)};

    t.peer[0] = place_here(args->family, DOOR);
    t.peer[1] = place_here(args->family, DOOR + 1);
    tell("rate", rate_of(args, other_peers, &t));
}
