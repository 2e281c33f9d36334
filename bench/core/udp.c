/* Datagrams from one connected socket to another. */
#include "rig.h"

#define PORT 900
#define SIZE 64

struct talk {
    struct rig rig;
    struct hf_sock *from, *to;
};

static void datagrams(void *ctx, long count)
{
    struct talk *t = ctx;
    char bytes[SIZE] = "datagram";

    for (; count > 0; count--) {
        put_now(&t->rig, t->from, bytes, SIZE);
        get_now(t->to, bytes, SIZE);
    }
}

void core_udp(const struct args *args)
{
    struct talk t;
    struct name to, from;

    rig_init(&t.rig, args->family);
    to = rig_here(&t.rig, PORT);
    from = rig_here(&t.rig, PORT + 1);
    t.to = rig_socket(&t.rig, SOCK_DGRAM);
    t.from = rig_socket(&t.rig, SOCK_DGRAM);
    must(hf_sock_bind(t.to, &to.u, to.len), "bind");
    must(hf_sock_bind(t.from, &from.u, from.len), "bind");
    must(hf_sock_connect(t.from, &to.u, to.len, false), "connect");
    must(hf_sock_connect(t.to, &from.u, from.len, false), "connect");
    tell("rate", rate_of(args, datagrams, &t));
    rig_fini(&t.rig);
}
