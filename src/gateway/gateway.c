/* The gateway's stack and what drives it. */
#include "gateway/gateway.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/inside.h"
#include "host/env.h"

/* A connection of each published port's clients needs one of these. */
#define PORT_MIN 1024
#define PORT_MAX 65535

/* A SYN to the program is dropped when its queue of connections is full, and for no other reason on
 * most wires. What the host has accepted should not wait a second for room. */
#define SYN_MS 20

void notice_init(struct notice *n, void (*act)(struct notice *n))
{
    ring_init(&n->link);
    n->act = act;
}

void notice_again(struct gateway *g, struct notice *n)
{
    if (!ring_alone(&n->link))
        return;
    ring_add(&g->noted, &n->link);
    loop_post(g->config.loop, &g->task);
}

static void on_event(void *ctx, struct hf_sock *sk, void *user)
{
    if (user)
        notice_again(ctx, user);
}

/* Those noted while these act wait for the next turn, so that descriptors are looked at too. */
static void act_on_noted(struct loop_task *task)
{
    struct gateway *g = ring_owner(task, struct gateway, task);

    gateway_clock(g);
    ring_move(&g->noted, &g->acting);
    while (!ring_alone(&g->acting)) {
        struct notice *n = ring_owner(g->acting.next, struct notice, link);

        ring_leave(&n->link);
        n->act(n);
    }
}

void gateway_clock(struct gateway *g)
{
    hf_stack_clock(g->stack, loop_now(g->config.loop));
}

void gateway_log(struct gateway *g, const char *format, ...)
{
    char line[256];
    va_list args;

    if (!g->config.log)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    g->config.log(g->config.log_ctx, line);
}

static hf_time source_deadline(struct loop_source *source)
{
    struct gateway *g = ring_owner(source, struct gateway, source);
    hf_time stack = hf_stack_deadline(g->stack), due = due_next(&g->due);

    return stack < due ? stack : due;
}

static void source_poll(struct loop_source *source, hf_time now)
{
    struct gateway *g = ring_owner(source, struct gateway, source);

    hf_stack_clock(g->stack, now);
    due_run(&g->due, now);
    hf_stack_poll(g->stack, now);
}

void gateway_settle(struct gateway *g)
{
    hf_time now = loop_now(g->config.loop);

    hf_stack_poll(g->stack, now);
    act_on_noted(&g->task);
    hf_stack_poll(g->stack, now);
}

/* Every destination is this stack's own, so that it answers for all of them; the program alone is
 * over the wire. */
static int configure(struct gateway *g)
{
    struct hf_link *wire = g->config.wire;
    const struct hf_route routes[] = {
        {.prefix = "0.0.0.0/0", .kind = HF_ROUTE_LOCAL},
        {.prefix = "::/0", .kind = HF_ROUTE_LOCAL},
        {.prefix = PROGRAM4 "/32", .kind = HF_ROUTE_UNICAST, .link = wire, .source = GATEWAY4},
        {.prefix = PROGRAM6 "/128", .kind = HF_ROUTE_UNICAST, .link = wire, .source = GATEWAY6},
    };
    int err = hf_stack_attach(g->stack, wire);

    if (!err)
        err = hf_addr_add(g->stack, wire, GATEWAY4);
    if (!err)
        err = hf_addr_add(g->stack, wire, GATEWAY6);
    for (size_t i = 0; !err && i < sizeof(routes) / sizeof(routes[0]); i++)
        err = hf_route_add(g->stack, &routes[i]);
    return err;
}

static int begin(struct gateway *g)
{
    const struct hf_stack_config config = {
        .env = host_env(),
        .pool = g->config.pool,
        .now = loop_now(g->config.loop),
        .event = on_event,
        .event_ctx = g,
        .privileged = true,
        .any_source = true,
        .port_min = PORT_MIN,
        .port_max = PORT_MAX,
        .syn_ms = SYN_MS,
    };
    int err = hf_stack_new(&config, &g->stack);

    if (!err)
        err = configure(g);
    if (!err)
        err = gateway_tcp_init(g);
    if (!err)
        err = gateway_udp_init(g);
    return err;
}

int gateway_new(const struct gateway_config *config, struct gateway **out)
{
    struct gateway *g = calloc(1, sizeof(*g));
    struct hf_env env = host_env();
    int err;

    if (!g)
        return -ENOMEM;
    g->config = *config;
    g->source.deadline = source_deadline;
    g->source.poll = source_poll;
    g->task.run = act_on_noted;
    ring_init(&g->noted);
    ring_init(&g->acting);
    ring_init(&g->tcp_flows);
    ring_init(&g->listeners);
    for (int i = 0; i < UDP_BUCKETS; i++)
        ring_init(&g->udp_flows[i]);
    due_queues_init(&g->due);
    spares_init(&g->spares, g->config.loop);
    env.random(env.ctx, &g->udp_seed, sizeof(g->udp_seed));
    g->datagram = malloc(DATAGRAM_MAX);
    err = g->datagram ? begin(g) : -ENOMEM;
    if (err) {
        gateway_free(g);
        return err;
    }
    loop_add_source(g->config.loop, &g->source);
    *out = g;
    return 0;
}

void gateway_free(struct gateway *g)
{
    if (!g)
        return;
    loop_unpost(g->config.loop, &g->task);
    loop_remove_source(g->config.loop, &g->source);
    gateway_publish_fini(g);
    gateway_udp_fini(g);
    gateway_tcp_fini(g);
    spares_fini(&g->spares);
    hf_stack_free(g->stack);
    free(g->datagram);
    free(g);
}
