/* IPv6 in: the header and its extension headers. RFC 8200. */
#include "wire/ip6.h"

#include "net/address.h"
#include "net/fragment.h"
#include "net/icmp.h"
#include "net/ip_input.h"
#include "wire/icmp.h"

#define EXTENSIONS_MOST 8 /* headers in one packet: honest ones have one or two */

/* Where the walk along the extension headers is. */
struct walk {
    struct ip_info ip;  /* proto: what the header at f's head is */
    struct hf_frame *f; /* NULL: gone */
    uint32_t pointer;   /* where in the packet the byte stands that names it */
    uint32_t at;        /* where in the packet f's head is */
};

static void walk_drop(struct net *net, struct walk *w, enum hf_drop reason)
{
    core_drop(net->core, reason, w->f);
    w->f = NULL;
}

static void walk_report(struct net *net, struct walk *w, uint8_t code, uint32_t pointer)
{
    icmp_send_message(net, ICMP6_PARAMETER, code, pointer, &w->ip, w->f);
    walk_drop(net, w, HF_DROP_IP_OPTION);
}

/* Behind a header of size bytes that begins with the next one's protocol. */
static void walk_on(struct walk *w, uint32_t size)
{
    w->pointer = w->at;
    w->ip.proto = w->f->head[0];
    w->at += size;
    hf_frame_trim_front(w->f, size);
}

/* RFC 8200 4.2, 4.3, 4.6 */
static void walk_options(struct net *net, struct walk *w, uint32_t size)
{
    uint32_t option = 0;

    switch (ip6_options_check(w->f->head, size, &option)) {
    case IP6_OPTIONS_FINE:
        walk_on(w, size);
        return;
    case IP6_OPTIONS_REPORT_UNICAST:
        if (!w->ip.dst_is_unicast)
            break;
        walk_report(net, w, ICMP6_PARAMETER_OPTION, w->at + option);
        return;
    case IP6_OPTIONS_REPORT:
        walk_report(net, w, ICMP6_PARAMETER_OPTION, w->at + option);
        return;
    case IP6_OPTIONS_DISCARD:
    case IP6_OPTIONS_MALFORMED:
        break;
    }
    walk_drop(net, w, HF_DROP_IP_OPTION);
}

/* RFC 8200 4.4: nothing left to visit is fine whatever the type; RFC 5095: type 0 never is. */
static void walk_routing(struct net *net, struct walk *w, uint32_t size)
{
    uint8_t type = w->f->head[2], segments_left = w->f->head[3];

    if (type == 0 || segments_left)
        walk_report(net, w, ICMP6_PARAMETER_FIELD, w->at + 2);
    else
        walk_on(w, size);
}

/* RFC 8200 4.5. When the datagram is whole the walk goes on from the first fragment's header. */
static void walk_fragment(struct net *net, struct walk *w)
{
    struct ip6_fragment h;

    ip6_fragment_read(w->f->head, &h);
    walk_on(w, IP6_FRAGMENT);
    if (!h.offset && !h.more)
        return; /* RFC 6946: whole in itself */
    if (h.more && w->f->len % 8) {
        icmp_send_message(net, ICMP6_PARAMETER, ICMP6_PARAMETER_FIELD, 4, &w->ip, w->f);
        walk_drop(net, w, HF_DROP_FRAG_BAD);
        return;
    }
    w->f = fragment_input(net, &w->ip, h.id, h.offset, h.more, w->f);
}

/* One extension header; false at the transport, or when f is gone. */
static bool walk_step(struct net *net, struct walk *w, bool is_first)
{
    uint32_t size = IP6_FRAGMENT;

    switch (w->ip.proto) {
    case IP_PROTO_HOPOPTS:
    case IP_PROTO_DSTOPTS:
    case IP_PROTO_ROUTING:
    case IP_PROTO_FRAGMENT:
        break;
    default:
        return false;
    }
    if (w->ip.proto == IP_PROTO_HOPOPTS && !is_first) {
        walk_report(net, w, ICMP6_PARAMETER_NEXT_HEADER, w->pointer);
        return false;
    }
    if (hf_frame_pull(w->f, 8) && w->ip.proto != IP_PROTO_FRAGMENT)
        size = 8u + w->f->head[1] * 8u;
    if (!hf_frame_pull(w->f, size)) {
        walk_drop(net, w, HF_DROP_IP_HEADER);
        return false;
    }
    if (w->ip.proto == IP_PROTO_FRAGMENT)
        walk_fragment(net, w);
    else if (w->ip.proto == IP_PROTO_ROUTING)
        walk_routing(net, w, size);
    else
        walk_options(net, w, size);
    return w->f != NULL;
}

static bool is_for_us6(const struct net *net, struct ip_info *ip)
{
    ip->dst_is_unicast = !addr_is_multicast(&ip->dst);
    if (!ip->dst_is_unicast)
        return address_hears_group(net, &ip->dst, &ip->src, ip->link);
    if (ip->link == net->lo)
        return net_is_local(net, &ip->dst);
    return address_is_on(net, &ip->dst, ip->link);
}

/* The unspecified source is right for neighbour discovery and the like, to groups or us. RFC
 * 4861 4.3 */
static bool is_unspecified_fine(const struct ip_info *ip)
{
    return addr_is_any(&ip->src) && ip->proto == IP_PROTO_ICMPV6;
}

static enum hf_drop check6(const struct net *net, struct hf_frame *f, struct ip6_header *h,
                           struct ip_info *ip)
{
    if (f->len < IP6_HEADER || !ip6_header_read(f, h))
        return HF_DROP_IP_SHORT;
    if (f->head[0] >> 4 != 6)
        return HF_DROP_IP_VERSION;
    ip->src = h->src;
    ip->dst = h->dst;
    ip->proto = h->next_header;
    ip->ttl = h->hop_limit;
    ip->tos = h->traffic_class;
    /* A mapped address stands for IPv4 inside a host and never on a link. RFC 4942 2.2 */
    if (addr_is4(&ip->src) || (!is_unspecified_fine(ip) && ip_is_martian_src(net, ip)))
        return HF_DROP_IP_MARTIAN_SRC;
    if (addr_is4(&ip->dst) || ip_is_martian_dst(net, ip))
        return HF_DROP_IP_MARTIAN_DST;
    return is_for_us6(net, ip) ? HF_DROP_COUNT : HF_DROP_IP_NOT_LOCAL;
}

void ip6_input(struct net *net, struct hf_link *link, struct hf_frame *f)
{
    struct walk w = {.ip = {.link = link, .src_is_local = link == net->lo},
                     .f = f,
                     .pointer = 6,
                     .at = IP6_HEADER};
    struct ip6_header h;
    enum hf_drop reason = check6(net, f, &h, &w.ip);
    unsigned steps = 0;

    if (reason != HF_DROP_COUNT) {
        core_drop(net->core, reason, f);
        return;
    }
    hf_frame_trim_to(f, IP6_HEADER + (uint32_t)h.payload_bytes);
    ip_enter_transport(f, IP6_HEADER);
    while (walk_step(net, &w, steps == 0)) {
        if (++steps > EXTENSIONS_MOST) {
            walk_drop(net, &w, HF_DROP_IP_OPTION);
            return;
        }
    }
    if (w.f)
        ip_deliver(net, &w.ip, w.f, w.pointer);
}
