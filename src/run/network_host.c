/* The host link: a wire inside this process, at whose far end the gateway carries everything on
 * through the host's own sockets. Wrappers stand at the program's end and act on both directions.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/env.h"
#include "run/network_parts.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define HOST_MTU    1500
#define HOST_LINK   "hf0"

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
    return err && err != -EEXIST ? network_complain(err, "resolver %s: %s", text, strerror(-err))
                                 : 0;
}

static int publish_all(struct whole_network *n, const struct network_config *config)
{
    for (size_t i = 0; i < config->publish_count; i++) {
        const char *spec = config->publish[i];
        int err = gateway_publish(n->gateway, spec, NULL);

        if (err == -EINVAL)
            return network_complain(err, "--publish %s: [ADDR:]HOSTPORT:PORT[/udp] is wanted",
                                    spec);
        if (err)
            return network_complain(err, "--publish %s: %s", spec, strerror(-err));
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
        return network_complain(err, "the gateway could not begin: %s", strerror(-err));
    return publish_all(n, config);
}

/* The wire, both of its ends as the wrappers want them. */
static int lay_wire(struct whole_network *n, const struct hf_link_spec *spec)
{
    struct hf_env env = host_env();
    struct hf_link *ends[2];
    int err = hf_link_pair_new(&env, HOST_MTU, ends);

    if (err)
        return network_complain(err, "out of memory");
    strcpy(ends[0]->name, HOST_LINK);
    strcpy(ends[1]->name, "wire0");
    ends[0]->flags |= HF_LINK_HOST;
    n->wire = ends[1];
    err = network_attach(n, spec, ends[0]);
    if (err)
        return err;
    n->wire->mtu = n->link->mtu;
    return 0;
}

int network_begin_host(struct whole_network *n, const struct hf_link_spec *spec,
                       const struct network_config *config)
{
    static const char *const addresses[] = {"10.0.2.15/24", "fd00:2::15/64"};
    static const char *const gateways[] = {"10.0.2.2", "fd00:2::2"};
    int err = 0;

    if (hf_link_spec_arg(spec) || hf_link_spec_value(spec, "address", 0) ||
        hf_link_spec_value(spec, "gateway", 0))
        return network_complain(-EINVAL, "host has its own addresses: no name, address or gateway");
    err = lay_wire(n, spec);
    for (int i = 0; !err && i < 2; i++) {
        err = network_add_address(n, addresses[i]);
        if (!err)
            err = network_add_default_route(n, gateways[i]);
    }
    resolvers_read(RESOLV_CONF, &n->resolvers);
    for (size_t i = 0; !err && i < n->resolvers.count; i++) {
        n->resolver_texts[i] = n->resolvers.text[i];
        err = add_resolver_route(n, n->resolvers.text[i]);
    }
    return err ? err : begin_gateway(n, config);
}
