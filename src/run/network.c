/* From what `--link` says to a stack with its links, addresses and routes.
 *
 * `host` is a wire inside this process: at one end the program's stack, at the other the gateway,
 * which carries everything on through the host's own sockets. Wrappers stand at the program's end
 * and act on both directions. */
#include "run/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "gateway/resolv.h"
#include "handfast/links.h"
#include "host/env.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define HOST_MTU    1500
#define HOST_LINK   "hf0"

const char network_link_help[] =
    "SPEC is one of\n"
    "  host           through the host's own sockets; needs no privilege\n"
    "  tap:DEVICE     a TAP device: address=ADDR/LEN is wanted, gateway=ADDR if there is one;\n"
    "                 both may be given twice, for IPv4 and IPv6\n"
    "  tun:DEVICE     the same with a TUN device\n"
    "  none           nothing but the program's own 127.0.0.1 and ::1\n"
    "and behind it, after commas, as in host,loss=2%,delay=20ms:\n" HF_LINK_SPEC_HELP;

struct whole_network {
    struct network network; /* what others see */
    struct loop *loop;
    struct loop_source source;
    struct hf_link *link; /* with its wrappers; attached */
    struct hf_link *wire; /* host: the gateway's end */
    struct gateway *gateway;
    struct resolvers resolvers;
    const char *resolver_texts[RESOLVERS];
    struct hf_link *device; /* tap, tun: below the wrappers */
    struct loop_fd device_fd;
};

static char why_text[512];

__attribute__((format(printf, 2, 3))) static int complain(int err, const char *format, ...)
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

static void device_ready(struct loop_fd *fd, uint32_t events)
{
    struct whole_network *n =
        (struct whole_network *)(void *)((char *)fd - offsetof(struct whole_network, device_fd));

    hf_stack_clock(n->network.stack, loop_now(n->loop));
    hf_link_tap_readable(n->device);
}

/* Puts the wrappers on link and attaches it all. Takes link. */
static int attach(struct whole_network *n, const struct hf_link_spec *spec, struct hf_link *link)
{
    struct hf_env env = host_env();
    const char *mtu = hf_link_spec_value(spec, "mtu", 0);
    char why[HF_LINK_WHY];
    int err;

    if (mtu && strtoul(mtu, NULL, 10) < link->mtu)
        link->mtu = (uint32_t)strtoul(mtu, NULL, 10);
    err = hf_link_spec_wrap(spec, &env, link, &n->link, why);
    if (err)
        return complain(err, "%s", why);
    err = hf_stack_attach(n->network.stack, n->link);
    return err ? complain(err, "the link could not be attached: %s", strerror(-err)) : 0;
}

static int add_default_route(struct whole_network *n, const char *via)
{
    const struct hf_route route = {
        .prefix = strchr(via, ':') ? "::/0" : "0.0.0.0/0", .via = via, .link = n->link};
    int err = hf_route_add(n->network.stack, &route);

    return err ? complain(err, "gateway=%s: %s", via, strerror(-err)) : 0;
}

static int add_address(struct whole_network *n, const char *prefix)
{
    int err = hf_addr_add(n->network.stack, n->link, prefix);

    return err ? complain(err, "address=%s: %s; an address such as 10.9.0.2/24 is wanted", prefix,
                          strerror(-err))
               : 0;
}

/* A resolver on the host's loopback is reached over the wire, at the very address that the program
 * reads in resolv.conf; but what listens there in the program's own network comes first. */
static int add_resolver_route(struct whole_network *n, const char *text)
{
    unsigned char v4[4];
    bool is4 = inet_pton(AF_INET, text, v4) == 1;
    char prefix[RESOLVER_TEXT + 4];
    struct hf_route route = {.prefix = prefix,
                             .source = is4 ? "10.0.2.15" : "fd00:2::15",
                             .link = n->link,
                             .kind = HF_ROUTE_UNLESS_BOUND};
    int err;

    if (is4 ? v4[0] != 127 : strcmp(text, "::1") != 0)
        return 0;
    snprintf(prefix, sizeof(prefix), "%s/%d", text, is4 ? 32 : 128);
    err = hf_route_add(n->network.stack, &route);
    return err && err != -EEXIST ? complain(err, "resolver %s: %s", text, strerror(-err)) : 0;
}

static int publish_all(struct whole_network *n, const struct network_config *config)
{
    for (size_t i = 0; i < config->publish_count; i++) {
        const char *spec = config->publish[i];
        int err = gateway_publish(n->gateway, spec, NULL);

        if (err == -EINVAL)
            return complain(err, "--publish %s: [ADDR:]HOSTPORT:PORT[/udp] is wanted", spec);
        if (err)
            return complain(err, "--publish %s: %s", spec, strerror(-err));
    }
    return 0;
}

static int begin_gateway(struct whole_network *n, const struct network_config *config)
{
    const struct gateway_config gateway = {
        .loop = config->loop,
        .pool = n->network.pool,
        .wire = n->wire,
        .host_loopback = config->host_loopback,
        .resolvers = n->resolver_texts,
        .resolver_count = n->resolvers.count,
        .log = config->log,
        .log_ctx = config->log_ctx,
    };
    int err = gateway_new(&gateway, &n->gateway);

    if (err)
        return complain(err, "the gateway could not begin: %s", strerror(-err));
    return publish_all(n, config);
}

/* The wire, both of its ends as the wrappers want them. */
static int lay_wire(struct whole_network *n, const struct hf_link_spec *spec)
{
    struct hf_env env = host_env();
    struct hf_link *ends[2];
    int err = hf_link_pair_new(&env, HOST_MTU, ends);

    if (err)
        return complain(err, "out of memory");
    strcpy(ends[0]->name, HOST_LINK);
    strcpy(ends[1]->name, "wire0");
    ends[0]->flags |= HF_LINK_HOST;
    n->wire = ends[1];
    err = attach(n, spec, ends[0]);
    if (err)
        return err;
    n->wire->mtu = n->link->mtu;
    return 0;
}

static int begin_host(struct whole_network *n, const struct hf_link_spec *spec,
                      const struct network_config *config)
{
    static const char *const addresses[] = {"10.0.2.15/24", "fd00:2::15/64"};
    static const char *const gateways[] = {"10.0.2.2", "fd00:2::2"};
    int err = 0;

    if (hf_link_spec_arg(spec) || hf_link_spec_value(spec, "address", 0) ||
        hf_link_spec_value(spec, "gateway", 0))
        return complain(-EINVAL, "host has its own addresses: no name, address or gateway");
    err = lay_wire(n, spec);
    for (int i = 0; !err && i < 2; i++) {
        err = add_address(n, addresses[i]);
        if (!err)
            err = add_default_route(n, gateways[i]);
    }
    resolvers_read(RESOLV_CONF, &n->resolvers);
    for (size_t i = 0; !err && i < n->resolvers.count; i++) {
        n->resolver_texts[i] = n->resolvers.text[i];
        err = add_resolver_route(n, n->resolvers.text[i]);
    }
    return err ? err : begin_gateway(n, config);
}

static int complain_of_device(int err, const char *kind, const char *device)
{
    switch (-err) {
    case EPERM:
    case EACCES:
        return complain(err,
                        "%s:%s: not permitted; root makes one that you may use with: ip tuntap add "
                        "dev %s mode %s user YOU",
                        kind, device, device, kind);
    case ENOENT:
    case ENODEV:
        return complain(err, "%s:%s: there is no /dev/net/tun; root loads it with: modprobe tun",
                        kind, device);
    case EBUSY:
        return complain(err, "%s:%s: another program has it", kind, device);
    default:
        return complain(err, "%s:%s: %s", kind, device, strerror(-err));
    }
}

static int watch_device(struct whole_network *n)
{
    int err;

    n->device_fd.fd = hf_link_tap_fd(n->device);
    n->device_fd.events = EPOLLIN;
    n->device_fd.ready = device_ready;
    err = loop_add(n->loop, &n->device_fd);
    if (err) {
        n->device_fd.ready = NULL;
        return complain(err, "the device could not be watched: %s", strerror(-err));
    }
    return 0;
}

static int begin_device(struct whole_network *n, const struct hf_link_spec *spec)
{
    const char *kind = hf_link_spec_kind(spec), *device = hf_link_spec_arg(spec), *value;
    struct hf_env env = host_env();
    struct hf_link *link;
    int err;

    if (!device || !hf_link_spec_value(spec, "address", 0))
        return complain(-EINVAL,
                        "%s: a device and an address are wanted, as in %s:%s0,address=10.9.0.2/24",
                        kind, kind, kind);
    if (strcmp(kind, "tap") == 0)
        err = hf_link_tap_new(&env, n->network.pool, device, &link);
    else
        err = hf_link_tun_new(&env, n->network.pool, device, &link);
    if (err)
        return complain_of_device(err, kind, device);
    n->device = link;
    err = attach(n, spec, link);
    for (size_t i = 0; !err && (value = hf_link_spec_value(spec, "address", i)); i++)
        err = add_address(n, value);
    for (size_t i = 0; !err && (value = hf_link_spec_value(spec, "gateway", i)); i++)
        err = add_default_route(n, value);
    return err ? err : watch_device(n);
}

static int begin_link(struct whole_network *n, const struct hf_link_spec *spec,
                      const struct network_config *config)
{
    const char *kind = hf_link_spec_kind(spec);

    if (strcmp(kind, "host") == 0)
        return begin_host(n, spec, config);
    if (config->publish_count > 0)
        return complain(-EINVAL, "--publish goes with --link host only");
    if (strcmp(kind, "tap") == 0 || strcmp(kind, "tun") == 0)
        return begin_device(n, spec);
    if (strcmp(kind, "none") == 0)
        return strcmp(config->link, "none") == 0
                   ? 0
                   : complain(-EINVAL, "none is not a link: it takes no options");
    return complain(-EINVAL, "--link %.40s: there are host, tap, tun and none", kind);
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
        return complain(-ENOMEM, "out of memory");
    err = hf_link_spec_parse(config->link, &spec, why);
    if (err)
        return complain(err, "--link %s", why);
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
        return complain(-ENOMEM, "out of memory");
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
