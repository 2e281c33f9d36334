/* connect() to one peer while so many of the automatic ports to it are taken. */
#include <stdlib.h>

#include "rig.h"

#define DOOR       900
#define PORT_FIRST 32768
#define PORTS      28232 /* Linux's range, which is ours */

/* The ports in the order in which they are taken: one after the other, or in any. */
static uint16_t *ports_in_order(int shuffled)
{
    uint16_t *port = calloc(PORTS, sizeof(*port));
    uint64_t state = 1;

    if (!port)
        die("memory for ports");
    for (uint32_t i = 0; i < PORTS; i++)
        port[i] = (uint16_t)(PORT_FIRST + i);
    for (uint32_t i = PORTS - 1; shuffled && i > 0; i--) {
        uint32_t other = (uint32_t)(dice(&state) % (i + 1));
        uint16_t was = port[i];

        port[i] = port[other];
        port[other] = was;
    }
    return port;
}

static void take(struct rig *r, struct hf_sock *listener, const struct name *to, int shuffled,
                 long count)
{
    uint16_t *port = ports_in_order(shuffled);

    for (long i = 0; i < count; i++) {
        struct hf_sock *client = rig_socket(r, SOCK_STREAM);
        struct name at = rig_here(r, port[i]);

        must(hf_sock_bind(client, &at.u, at.len), "bind");
        (void)rig_join(r, listener, client, to);
    }
    free(port);
}

static void one_more(struct rig *r, struct hf_sock *listener, const struct name *to,
                     struct samples *took)
{
    struct hf_sock *client = rig_socket(r, SOCK_STREAM);
    struct pair p = {.client = client};
    uint64_t began = now_ns();
    int err = hf_sock_connect(client, &to->u, to->len, false);

    sample(took, now_ns() - began);
    if (err == -HF_EADDRNOTAVAIL) {
        hf_sock_close(client);
        return;
    }
    must(err == -HF_EINPROGRESS ? 0 : err, "connect");
    rig_settle(r);
    must(hf_sock_accept(listener, &p.server), "accept");
    rig_reset(r, p);
}

void core_ports(const struct args *args)
{
    double end;
    struct samples took = {0};
    struct hf_sock *listener;
    struct name to;
    struct rig r;

    rig_init(&r, args->family);
    listener = rig_listen(&r, DOOR);
    to = rig_here(&r, DOOR);
    take(&r, listener, &to, args->number[1] == 0, PORTS * args->number[0] / 1000);
    end = now_s() + args->seconds;
    while (now_s() < end)
        one_more(&r, listener, &to, &took);
    tell("p50", quantile(&took, 0.5));
    tell("p99", quantile(&took, 0.99));
    rig_fini(&r);
}
