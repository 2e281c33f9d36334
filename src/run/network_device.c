/* A TAP or TUN device as the link. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>

#include "host/env.h"
#include "run/network_parts.h"

static void device_ready(struct loop_fd *fd, uint32_t events)
{
    struct whole_network *n =
        (struct whole_network *)(void *)((char *)fd - offsetof(struct whole_network, device_fd));

    hf_stack_clock(n->network.stack, loop_now(n->loop));
    hf_link_tap_readable(n->device);
}

static int complain_of_device(int err, const char *kind, const char *device)
{
    switch (-err) {
    case EPERM:
    case EACCES:
        return network_complain(
            err,
            "%s:%s: not permitted; root makes one that you may use with: ip tuntap add "
            "dev %s mode %s user YOU",
            kind, device, device, kind);
    case ENOENT:
    case ENODEV:
        return network_complain(
            err, "%s:%s: there is no /dev/net/tun; root loads it with: modprobe tun", kind, device);
    case EBUSY:
        return network_complain(err, "%s:%s: another program has it", kind, device);
    default:
        return network_complain(err, "%s:%s: %s", kind, device, strerror(-err));
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
        return network_complain(err, "the device could not be watched: %s", strerror(-err));
    }
    return 0;
}

int network_begin_device(struct whole_network *n, const struct hf_link_spec *spec)
{
    const char *kind = hf_link_spec_kind(spec), *device = hf_link_spec_arg(spec), *value;
    struct hf_env env = host_env();
    struct hf_link *link;
    int err;

    if (!device || !hf_link_spec_value(spec, "address", 0))
        return network_complain(
            -EINVAL, "%s: a device and an address are wanted, as in %s:%s0,address=10.9.0.2/24",
            kind, kind, kind);
    if (strcmp(kind, "tap") == 0)
        err = hf_link_tap_new(&env, n->network.pool, device, &link);
    else
        err = hf_link_tun_new(&env, n->network.pool, device, &link);
    if (err)
        return complain_of_device(err, kind, device);
    n->device = link;
    err = network_attach(n, spec, link);
    for (size_t i = 0; !err && (value = hf_link_spec_value(spec, "address", i)); i++)
        err = network_add_address(n, value);
    for (size_t i = 0; !err && (value = hf_link_spec_value(spec, "gateway", i)); i++)
        err = network_add_default_route(n, value);
    return err ? err : watch_device(n);
}
