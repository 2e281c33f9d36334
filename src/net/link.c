/* Out by a link, and up from one. */
#include "net/link.h"

#include "net/neighbour.h"
#include "wire/ether.h"

void hf_link_input(struct hf_link *link, struct hf_frame *f)
{
    if (link->input)
        link->input(link->above, link, f);
    else
        hf_frame_free(f);
}

void link_output(struct net *net, struct path *path, struct hf_frame *f)
{
    struct hf_link *link = path->link;
    uint8_t mac[ETHER_MAC];

    net->core->stats.packets_out++;
    if (!(link->flags & HF_LINK_ETHERNET)) {
        link->ops->send(link, f);
        return;
    }
    if (path->is_multicast || path->is_broadcast) {
        ether_group_mac(path->is_broadcast ? &ADDR4(255, 255, 255, 255) : &path->dst, mac);
        link_output_ether(net, link, mac, addr_is4(&path->dst) ? ETHER_IP4 : ETHER_IP6, f);
        return;
    }
    if (!path->neighbour)
        path->neighbour = neighbour_get(net, link, &path->next_hop);
    if (path->neighbour)
        neighbour_output(path->neighbour, f);
    else
        core_drop(net->core, HF_DROP_NO_MEMORY, f);
}

void link_output_ether(struct net *net, struct hf_link *link, const uint8_t dst[6], uint16_t type,
                       struct hf_frame *f)
{
    struct ether_header h = {.type = type};

    memcpy(h.dst, dst, ETHER_MAC);
    memcpy(h.src, link->mac, ETHER_MAC);
    ether_header_write(&h, hf_frame_push(f, ETHER_HEADER));
    link->ops->send(link, f);
}

static void dead_send(struct hf_link *link, struct hf_frame *f)
{
    core_drop(((struct net *)link->above)->core, HF_DROP_NO_LINK, f);
}

void link_init_dead(struct net *net, struct hf_link *link)
{
    static const struct hf_link_ops ops = {.send = dead_send};

    memset(link, 0, sizeof(*link));
    link->ops = &ops;
    link->above = net;
    link->mtu = 1280;
}
