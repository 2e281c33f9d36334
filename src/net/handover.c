/* Packets from this host to itself, without IP headers. */
#include "net/handover.h"

#include <assert.h>

#include "net/ip_input.h"
#include "net/link.h"

static_assert(sizeof(struct ip_info) <= sizeof(((struct hf_frame *)0)->cb),
              "what IP says of a packet fits its frame");

void handover_send(struct net *net, struct hf_frame *f, const struct ip_out *out)
{
    const struct ip_info ip = {
        .src = out->src,
        .dst = out->dst,
        .link = net->lo,
        .proto = out->proto,
        .ttl = out->ttl ? out->ttl : IP_TTL_DEFAULT,
        .tos = out->tos,
        .dont_fragment = out->dont_fragment,
        .dst_is_unicast = true,
        .src_is_local = true,
    };

    memcpy(f->cb, &ip, sizeof(ip));
    f->flags = HF_FRAME_CSUM_OK | HF_FRAME_BARE;
    link_output(net, out->path, f);
}

void handover_input(struct net *net, struct hf_frame *f)
{
    struct ip_info ip;

    memcpy(&ip, f->cb, sizeof(ip));
    net->core->stats.packets_in++;
    ip_deliver(net, &ip, f, 0);
}

uint32_t handover_header(const struct hf_frame *f, const struct ip_info *ip, uint8_t *to)
{
    struct ip4_header h4 = {.src = ip->src,
                            .dst = ip->dst,
                            .total_bytes = (uint16_t)(f->len + IP4_HEADER),
                            .dont_fragment = ip->dont_fragment,
                            .tos = ip->tos,
                            .ttl = ip->ttl,
                            .proto = ip->proto};
    struct ip6_header h6 = {.src = ip->src,
                            .dst = ip->dst,
                            .payload_bytes = (uint16_t)f->len,
                            .next_header = ip->proto,
                            .hop_limit = ip->ttl,
                            .traffic_class = ip->tos};

    if (addr_is4(&ip->dst)) {
        ip4_header_write(&h4, to);
        return IP4_HEADER;
    }
    ip6_header_write(&h6, to);
    return IP6_HEADER;
}
