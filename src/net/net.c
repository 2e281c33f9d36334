/* The network layer of one stack: its making, its links, and where a frame goes that came in. */
#include "net/net.h"

#include "net/address.h"
#include "net/fragment.h"
#include "net/group.h"
#include "net/handover.h"
#include "net/icmp.h"
#include "net/ip_input.h"
#include "net/link.h"
#include "net/neighbour.h"
#include "net/path.h"
#include "net/route.h"
#include "wire/ether.h"

#define MTU_LEAST 68 /* RFC 791 3.2; IPv6 wants 1280 */
#define MTU_IP6   1280

static int lo_init(struct net *net)
{
    int err;

    net->lo = loopback_new(net);
    if (!net->lo)
        return -HF_ENOMEM;
    err = net_attach(net, net->lo);
    if (!err)
        err = net_addr_add(net, net->lo, &ADDR_LOOPBACK4, 96 + 8);
    if (!err)
        err = net_addr_add(net, net->lo, &ADDR_LOOPBACK6, 128);
    return err;
}

int net_init(struct net *net, struct core *core)
{
    int err;

    memset(net, 0, sizeof(*net));
    net->core = core;
    net->ip_id = (uint16_t)core_random32(core);
    err = route_init(net);
    if (!err)
        err = path_init(net);
    if (!err)
        err = neighbour_init(net);
    if (!err)
        err = fragment_init(net);
    if (!err)
        err = group_init(net);
    if (!err)
        err = lo_init(net);
    if (err) {
        net_fini(net);
        return err;
    }
    icmp_init(net);
    return 0;
}

void net_fini(struct net *net)
{
    struct hf_env *env = &net->core->env;

    for (unsigned i = 1; i <= NET_LINKS; i++) {
        if (net->links[i])
            net_detach(net, net->links[i]);
    }
    fragment_fini(net);
    group_fini(net);
    icmp_fini(net);
    path_fini(net);
    neighbour_fini(net);
    route_fini(net);
    loopback_free(net->lo);
    net->lo = NULL;
    if (net->addrs)
        env->free(env->ctx, net->addrs, net->addr_room * sizeof(*net->addrs));
    net->addrs = NULL;
    net->addr_count = net->addr_room = 0;
}

static bool name_is(const struct hf_link *link, const char *name)
{
    for (size_t i = 0; i < sizeof(link->name); i++) {
        if (link->name[i] != name[i])
            return false;
        if (!name[i])
            return true;
    }
    return false;
}

struct hf_link *net_link_by_name(struct net *net, const char *name)
{
    for (unsigned i = 1; i <= NET_LINKS; i++) {
        if (net->links[i] && name_is(net->links[i], name))
            return net->links[i];
    }
    return NULL;
}

int net_attach(struct net *net, struct hf_link *link)
{
    unsigned index = 1;
    int err;

    if (link->mtu < MTU_LEAST || (link->mtu > HF_FRAME_MAX && link != net->lo))
        return -HF_EINVAL;
    if (net_link_by_name(net, link->name))
        return -HF_EEXIST;
    while (index <= NET_LINKS && net->links[index])
        index++;
    if (index > NET_LINKS)
        return -HF_ENOSPC;
    link->index = index;
    link->input = net_input;
    link->above = net;
    net->links[index] = link;
    net->links_end = HF_MAX(net->links_end, index + 1);
    route_changed(net);
    if (link->flags & HF_LINK_ETHERNET && link->mtu >= MTU_IP6) {
        err = address_add_link_local(net, link);
        if (err) {
            net_detach(net, link);
            return err;
        }
    }
    return 0;
}

void net_detach(struct net *net, struct hf_link *link)
{
    if (!link->index || link->index > NET_LINKS || net->links[link->index] != link)
        return;
    fragment_drop_link(net, link);
    path_drop_link(net, link);
    neighbour_drop_link(net, link);
    address_drop_link(net, link);
    route_drop_link(net, link);
    net->links[link->index] = NULL;
    while (net->links_end && !net->links[net->links_end - 1])
        net->links_end--;
    link->index = 0;
    link->input = NULL;
    link->above = NULL;
}

static bool is_link_broadcast(const uint8_t mac[ETHER_MAC])
{
    return (mac[0] & mac[1] & mac[2] & mac[3] & mac[4] & mac[5]) == 0xff;
}

/* The groups of a MAC that we hear are known exactly by their IP addresses: IP input looks there.
 */
static void ether_input(struct net *net, struct hf_link *link, struct hf_frame *f)
{
    struct ether_header h;

    if (!ether_header_read(f, &h)) {
        core_drop(net->core, HF_DROP_ETH_SHORT, f);
        return;
    }
    if (ether_is_group(h.dst)) {
        f->flags |= HF_FRAME_LINK_BCAST;
    } else if (memcmp(h.dst, link->mac, ETHER_MAC) != 0) {
        core_drop(net->core, HF_DROP_ETH_NOT_OURS, f);
        return;
    }
    /* A group is never a sender. IEEE 802.3 3.2.5 */
    if (ether_is_group(h.src)) {
        core_drop(net->core, HF_DROP_ETH_SHORT, f);
        return;
    }
    hf_frame_trim_front(f, ETHER_HEADER);
    switch (h.type) {
    case ETHER_IP4:
        ip4_input(net, link, f);
        break;
    case ETHER_IP6:
        ip6_input(net, link, f);
        break;
    case ETHER_ARP:
        if (is_link_broadcast(h.dst) || !ether_is_group(h.dst))
            arp_input(net, link, f);
        else
            core_drop(net->core, HF_DROP_ARP_BAD, f);
        break;
    default:
        core_drop(net->core, HF_DROP_ETH_TYPE, f);
    }
}

void net_input(void *ctx, struct hf_link *link, struct hf_frame *f)
{
    struct net *net = ctx;

    if (f->flags & HF_FRAME_BARE && link == net->lo) {
        handover_input(net, f);
        return;
    }
    net->core->stats.packets_in++;
    /* A partial checksum has come through memory alone: nothing there could harm the packet. */
    f->flags = f->flags & (HF_FRAME_CSUM_OK | HF_FRAME_CSUM_PARTIAL) ? HF_FRAME_CSUM_OK : 0;
    f->net_off = 0;
    if (link->flags & HF_LINK_ETHERNET) {
        ether_input(net, link, f);
        return;
    }
    if (!hf_frame_pull(f, 1)) {
        core_drop(net->core, HF_DROP_IP_SHORT, f);
        return;
    }
    switch (f->head[0] >> 4) {
    case 4:
        ip4_input(net, link, f);
        break;
    case 6:
        ip6_input(net, link, f);
        break;
    default:
        core_drop(net->core, HF_DROP_IP_VERSION, f);
    }
}

void net_poll(struct net *net)
{
    loopback_poll(net->lo);
}

hf_time net_deadline(const struct net *net)
{
    return loopback_is_idle(net->lo) ? HF_TIME_NEVER : 0;
}
