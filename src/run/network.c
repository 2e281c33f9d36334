/* From what `--link` says to a stack with its links, addresses and routes. */
#include "run/network.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/env.h"
#include "run/network_parts.h"

const char network_link_help[] =
    "SPEC is one of\n"
    "  host           through the host's own sockets; needs no privilege\n"
    "  tap:DEVICE     a TAP device: address=ADDR/LEN is wanted, gateway=ADDR if there is one;\n"
    "                 both may be given twice, for IPv4 and IPv6\n"
    "  tun:DEVICE     the same with a TUN device\n"
    "  none           nothing but the program's own 127.0.0.1 and ::1\n"
    "and behind it, after commas, as in host,loss=2%,delay=20ms:\n" HF_LINK_SPEC_HELP;

static char why_text[512];

int network_complain(int err, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why_text, sizeof(why_text), format, args);
    va_end(args);
    return err;
}

static struct whole_network *of_source(struct loop_source *source)
{
    return (struct whole_network *)(void *)((char *)source -
                                            offsetof(struct whole_network, source));
}

static hf_time source_deadline(struct loop_source *source)
{
    return hf_stack_deadline(of_source(source)->network.stack);
}

static void source_poll(struct loop_source *source, hf_time now)
{
    hf_stack_poll(of_source(source)->network.stack, now);
}

int network_attach(struct whole_network *n, const struct hf_link_spec *spec, struct hf_link *link)
{
    struct hf_env env = host_env();
    const char *mtu = hf_link_spec_value(spec, "mtu", 0);
    char why[HF_LINK_WHY];
    int err;

    if (mtu && strtoul(mtu, NULL, 10) < link->mtu)
        link->mtu = (uint32_t)strtoul(mtu, NULL, 10);
    err = hf_link_spec_wrap(spec, &env, link, &n->link, why);
    if (err)
        return network_complain(err, "%s", why);
    err = hf_stack_attach(n->network.stack, n->link);
    return err ? network_complain(err, "the link could not be attached: %s", strerror(-err)) : 0;
}

int network_add_default_route(struct whole_network *n, const char *via)
{
    const struct hf_route route = {
        .prefix = strchr(via, ':') ? "::/0" : "0.0.0.0/0", .via = via, .link = n->link};
    int err = hf_route_add(n->network.stack, &route);

    return err ? network_complain(err, "gateway=%s: %s", via, strerror(-err)) : 0;
}

int network_add_address(struct whole_network *n, const char *prefix)
{
    int err = hf_addr_add(n->network.stack, n->link, prefix);

    return err ? network_complain(err, "address=%s: %s; an address such as 10.9.0.2/24 is wanted",
                                  prefix, strerror(-err))
               : 0;
}

static int begin_link(struct whole_network *n, const struct hf_link_spec *spec,
                      const struct network_config *config)
{
    const char *kind = hf_link_spec_kind(spec);

    if (strcmp(kind, "host") == 0)
        return network_begin_host(n, spec, config);
    if (config->publish_count > 0)
        return network_complain(-EINVAL, "--publish goes with --link host only");
    if (strcmp(kind, "tap") == 0 || strcmp(kind, "tun") == 0)
        return network_begin_device(n, spec);
    if (strcmp(kind, "none") == 0)
        return strcmp(config->link, "none") == 0
                   ? 0
                   : network_complain(-EINVAL, "none is not a link: it takes no options");
    return network_complain(-EINVAL, "--link %.40s: there are host, tap, tun and none", kind);
}

static int begin(struct whole_network *n, const struct network_config *config)
{
    struct hf_stack_config stack = {
        .env = host_env(),
        .now = loop_now(config->loop),
        .event = config->event,
        .wanted = config->wanted,
        .event_ctx = config->event_ctx,
        .unprivileged_port_start = 0,
    };
    struct hf_link_spec *spec;
    char why[HF_LINK_WHY];
    int err;

    stack.pool = n->network.pool = hf_frame_pool_new(&stack.env);
    if (!stack.pool || hf_stack_new(&stack, &n->network.stack) < 0)
        return network_complain(-ENOMEM, "out of memory");
    err = hf_link_spec_parse(config->link, &spec, why);
    if (err)
        return network_complain(err, "--link %s", why);
    err = begin_link(n, spec, config);
    hf_link_spec_free(spec);
    return err;
}

int network_new(const struct network_config *config, struct network **out, const char **why)
{
    struct whole_network *n = calloc(1, sizeof(*n));
    int err;

    *why = why_text;
    if (!n)
        return network_complain(-ENOMEM, "out of memory");
    n->loop = config->loop;
    n->source.deadline = source_deadline;
    n->source.poll = source_poll;
    err = begin(n, config);
    if (err) {
        network_free(&n->network);
        return err;
    }
    loop_add_source(n->loop, &n->source);
    *out = &n->network;
    return 0;
}

void network_settle(struct network *network)
{
    struct whole_network *n = (struct whole_network *)network;
    hf_time now = loop_now(n->loop);

    hf_stack_poll(network->stack, now);
    if (!n->gateway)
        return;
    gateway_settle(n->gateway);
    hf_stack_poll(network->stack, now);
}

void network_left(struct network *network, const struct hf_sock *sk)
{
    struct whole_network *n = (struct whole_network *)network;

    if (n->gateway)
        gateway_left(n->gateway, sk);
}

void network_free(struct network *network)
{
    struct whole_network *n = (struct whole_network *)network;

    if (!n)
        return;
    loop_remove_source(n->loop, &n->source);
    if (n->device_fd.ready)
        loop_remove(n->loop, &n->device_fd);
    gateway_free(n->gateway);
    hf_stack_free(n->network.stack);
    hf_link_free(n->link);
    hf_link_free(n->wire);
    hf_frame_pool_free(n->network.pool);
    free(n);
}
