/* IPv4 in, and what both families share: martians, and the way up. RFC 791 3.2, RFC 1122 3.2.1. */
#include "net/ip_input.h"

#include "net/address.h"
#include "net/fragment.h"
#include "net/icmp.h"
#include "net/route.h"
#include "wire/icmp.h"
#include "wire/ip6.h"

#define TRANSPORT_HEADER_MOST 60 /* of TCP, the longest */

void ip_enter_transport(struct hf_frame *f, uint32_t header_bytes)
{
    /* Where the room is too small the transport's own pull tells. */
    (void)hf_frame_pull(f, HF_MIN(f->len, header_bytes + TRANSPORT_HEADER_MOST));
    f->net_off = (uint16_t)(f->head - f->room);
    hf_frame_trim_front(f, header_bytes);
}

void ip_deliver(struct net *net, const struct ip_info *ip, struct hf_frame *f, uint32_t pointer)
{
    const struct net_up *up = &net->up[ip->proto];

    if (up->input) {
        up->input(up->ctx, ip, f);
        return;
    }
    if (ip->dst_is_unicast && ip->proto != IP_PROTO_NONE) {
        if (addr_is4(&ip->dst))
            icmp_send_error(net, ICMP_ERR_PROTO_UNREACH, ip, f);
        else
            icmp_send_message(net, ICMP6_PARAMETER, ICMP6_PARAMETER_NEXT_HEADER, pointer, ip, f);
    }
    core_drop(net->core, HF_DROP_IP_PROTO, f);
}

/* 127/8 belongs to a loopback link, but for those of it that a route of ours leads out to: a
 * resolver of the host outside. RFC 1122 3.2.1.3 (g) */
static bool loopback_comes_by(const struct net *net, const struct ip_addr *src,
                              const struct hf_link *link)
{
    const struct route *r = route_find(net, src, 0, true);

    return r && r->kind == HF_ROUTE_UNLESS_BOUND && r->link == link;
}

/* RFC 9293 MUST-63. NetSem deliver_in_4, deliver_in_udp_3. */
bool ip_is_martian_src(const struct net *net, const struct ip_info *ip)
{
    if (addr_is_multicast(&ip->src) || net_is_broadcast(net, &ip->src))
        return true;
    if (ip->link == net->lo || net->core->any_source)
        return false;
    if (addr_is_loopback(&ip->src))
        return !loopback_comes_by(net, &ip->src, ip->link);
    return addr_is_any(&ip->src) || net_is_local(net, &ip->src);
}

/* NetSem deliver_in_4, deliver_in_udp_3. */
bool ip_is_martian_dst(const struct net *net, const struct ip_info *ip)
{
    if (addr_is_any(&ip->dst))
        return true;
    return addr_is_loopback(&ip->dst) && ip->link != net->lo && !net->core->any_source;
}

/* Whether the packet is this host's to take; sets ip->dst_is_unicast. */
static bool is_for_us4(const struct net *net, struct ip_info *ip)
{
    ip->dst_is_unicast = false;
    if (addr_is_multicast(&ip->dst))
        return address_hears_group(net, &ip->dst, &ip->src, ip->link);
    if (net_is_broadcast(net, &ip->dst))
        return true;
    ip->dst_is_unicast = true;
    return net_is_local(net, &ip->dst);
}

/* The drop reason, or HF_DROP_COUNT for a packet that goes on. */
static enum hf_drop check4(const struct net *net, struct hf_frame *f, struct ip4_header *h,
                           struct ip_info *ip)
{
    switch (ip4_header_read(f, h)) {
    case IP4_TRUNCATED:
        return HF_DROP_IP_SHORT;
    case IP4_MALFORMED:
        return HF_DROP_IP_HEADER;
    case IP4_CSUM_WRONG:
        return HF_DROP_IP_CSUM;
    case IP4_OK:
        break;
    }
    if (f->head[0] >> 4 != 4)
        return HF_DROP_IP_VERSION;
    ip->src = h->src;
    ip->dst = h->dst;
    ip->proto = h->proto;
    ip->ttl = h->ttl;
    ip->tos = h->tos;
    if (ip_is_martian_src(net, ip))
        return HF_DROP_IP_MARTIAN_SRC;
    if (ip_is_martian_dst(net, ip))
        return HF_DROP_IP_MARTIAN_DST;
    return is_for_us4(net, ip) ? HF_DROP_COUNT : HF_DROP_IP_NOT_LOCAL;
}

void ip4_input(struct net *net, struct hf_link *link, struct hf_frame *f)
{
    struct ip_info ip = {.link = link, .src_is_local = link == net->lo};
    struct ip4_header h;
    enum hf_drop reason = check4(net, f, &h, &ip);
    enum ip4_options options;

    if (reason != HF_DROP_COUNT) {
        core_drop(net->core, reason, f);
        return;
    }
    hf_frame_trim_to(f, h.total_bytes);
    ip_enter_transport(f, h.header_bytes);
    options = ip4_options_check(f->room + f->net_off + IP4_HEADER, h.header_bytes - IP4_HEADER);
    if (options != IP4_OPTIONS_FINE) {
        /* RFC 7126 4.3: a source route is refused, and its sender told. */
        if (options == IP4_OPTIONS_SOURCE && !h.frag_off)
            icmp_send_message(net, ICMP4_UNREACHABLE, ICMP4_UNREACH_SOURCE_ROUTE, 0, &ip, f);
        core_drop(net->core, HF_DROP_IP_OPTION, f);
        return;
    }
    if (h.more || h.frag_off)
        f = fragment_input(net, &ip, h.id, h.frag_off, h.more, f);
    if (f)
        ip_deliver(net, &ip, f, 0);
}
