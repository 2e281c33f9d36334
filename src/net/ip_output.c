/* IP out: the header, the identification, fragments. RFC 791 2.3, RFC 8200 4.5, RFC 6864. */
#include "net/ip_output.h"

#include "base/siphash.h"
#include "net/group.h"
#include "net/handover.h"
#include "net/link.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/frame_csum.h"
#include "wire/ip6.h"

/* Where the transport's checksum stands in its header. */
static uint32_t csum_offset(uint8_t proto)
{
    return proto == IP_PROTO_TCP ? 16 : proto == IP_PROTO_UDP ? 6 : 2;
}

/* Completes a partial checksum when a link turns up that will not, or pieces are to be cut. */
static void complete_csum(struct hf_frame *f, uint8_t proto)
{
    uint32_t at = csum_offset(proto);
    uint16_t sum;

    f->flags &= (uint8_t)~HF_FRAME_CSUM_PARTIAL;
    if (!hf_frame_pull(f, at + 2))
        return;
    sum = csum_finish(csum_frame(0, f, 0));
    put16(f->head + at, sum || proto != IP_PROTO_UDP ? sum : 0xffff);
}

/* A counter of our own, begun elsewhere for each destination, so that none can tell what the others
 * get. RFC 6864, RFC 7739 5.3 */
static uint16_t next_id(struct net *net, const struct ip_out *out)
{
    return (uint16_t)(net->ip_id++ + siphash(net->core->isn_key, &out->dst, sizeof(out->dst)));
}

static void push_header4(struct hf_frame *f, const struct ip_out *out, uint16_t id, uint32_t offset,
                         bool more)
{
    struct ip4_header h = {.src = out->src,
                           .dst = out->dst,
                           .total_bytes = (uint16_t)(f->len + IP4_HEADER),
                           .id = id,
                           .frag_off = (uint16_t)offset,
                           .more = more,
                           .dont_fragment = out->dont_fragment,
                           .tos = out->tos,
                           .ttl = out->ttl ? out->ttl : IP_TTL_DEFAULT,
                           .proto = out->proto};

    ip4_header_write(&h, hf_frame_push(f, IP4_HEADER));
}

static void push_header6(struct hf_frame *f, const struct ip_out *out, uint8_t next_header)
{
    struct ip6_header h = {.src = out->src,
                           .dst = out->dst,
                           .flow_label = out->flow_label,
                           .payload_bytes = (uint16_t)f->len,
                           .next_header = next_header,
                           .hop_limit = out->ttl ? out->ttl : IP_TTL_DEFAULT,
                           .traffic_class = out->tos};

    ip6_header_write(&h, hf_frame_push(f, IP6_HEADER));
}

/* Out, and for a broadcast or a group's members here back in as well: this host is one of all. RFC
 * 1122 3.3.6, RFC 1112 6.1. What has no hops to go stays here. */
static void transmit(struct net *net, struct hf_frame *f, const struct ip_out *out)
{
    struct path *path = out->path;
    bool is_heard =
        path->is_broadcast || (path->is_multicast && out->loops_back &&
                               group_hears(net, &path->dst, path->link->index, &out->src));

    f->net_off = (uint16_t)(f->head - f->room);
    if (is_heard && path->link != net->lo) {
        struct hf_frame *copy = hf_frame_clone(f);

        if (copy)
            net->lo->ops->send(net->lo, copy);
        else
            core_drop(net->core, HF_DROP_NO_MEMORY, NULL);
    }
    if (path->is_multicast && out->stays_here && path->link != net->lo)
        core_drop(net->core, HF_DROP_NO_LINK, f);
    else
        link_output(net, path, f);
}

/* Sends f's payload in pieces that fit mtu. Takes f. */
static int send_pieces(struct net *net, struct hf_frame *f, const struct ip_out *out, uint32_t mtu)
{
    bool is4 = addr_is4(&out->dst);
    uint32_t header = is4 ? IP4_HEADER : IP6_HEADER + IP6_FRAGMENT;
    uint32_t most = (mtu - header) & ~7u, len = f->len;
    uint32_t id = is4 ? next_id(net, out) : core_random32(net->core);

    for (uint32_t at = 0; at < len; at += most) {
        struct hf_frame *piece = hf_frame_clone(f);
        bool more = len - at > most;

        if (!piece) {
            core_drop(net->core, HF_DROP_NO_MEMORY, f);
            return -HF_ENOBUFS;
        }
        hf_frame_trim_front(piece, at);
        hf_frame_trim_to(piece, HF_MIN(most, len - at));
        if (is4) {
            push_header4(piece, out, (uint16_t)id, at, more);
        } else {
            struct ip6_fragment h = {
                .id = id, .offset = (uint16_t)at, .more = more, .next_header = out->proto};

            ip6_fragment_write(&h, hf_frame_push(piece, IP6_FRAGMENT));
            push_header6(piece, out, IP_PROTO_FRAGMENT);
        }
        transmit(net, piece, out);
    }
    hf_frame_free(f);
    return 0;
}

/* RFC 4291 2.5.3: ::1 does not leave the node, though Linux lets a socket bound to it ask. */
static bool may_leave(const struct net *net, const struct ip_out *out)
{
    return out->path->link == net->lo || net->core->privileged || !addr_is_loopback(&out->src);
}

int ip_output(struct net *net, struct hf_frame *f, const struct ip_out *out)
{
    bool is4 = addr_is4(&out->dst);
    uint32_t size = f->len + (is4 ? IP4_HEADER : IP6_HEADER);
    uint32_t mtu = out->by_link_mtu ? path_link_mtu(out->path) : path_mtu(out->path);
    bool is_whole;

    if (out->cut)
        mtu = HF_MIN(mtu, (uint32_t)out->cut);
    is_whole = f->gso_bytes ? size <= out->path->link->gso_max : size <= mtu;

    if (!may_leave(net, out)) {
        core_drop(net->core, HF_DROP_IP_MARTIAN_SRC, f);
        return 0;
    }
    if (!is_whole && (f->gso_bytes || out->dont_fragment || f->len > (is4 ? 65515 : 65535))) {
        core_drop(net->core, HF_DROP_TOO_BIG, f);
        return -HF_EMSGSIZE;
    }
    if (f->flags & HF_FRAME_CSUM_PARTIAL && (!is_whole || !path_takes_partial(out->path)))
        complete_csum(f, out->proto);
    if (!is_whole)
        return send_pieces(net, f, out, mtu);
    if (handover_takes(f, out)) {
        handover_send(net, f, out);
        return 0;
    }
    if (is4)
        push_header4(f, out, out->dont_fragment ? 0 : next_id(net, out), 0, false);
    else
        push_header6(f, out, out->proto);
    transmit(net, f, out);
    return 0;
}

void ip_transport_csum(struct hf_frame *f, const struct ip_out *out, uint32_t csum_off)
{
    uint8_t *at = f->head + csum_off;
    uint32_t sum;
    uint16_t whole;

    if (handover_takes(f, out)) { /* nobody will look at it */
        put16(at, 0);
        return;
    }
    sum = csum_pseudo(&out->src, &out->dst, out->proto, f->len);
    if (path_takes_partial(out->path)) {
        put16(at, (uint16_t)~csum_finish(sum));
        f->flags |= HF_FRAME_CSUM_PARTIAL;
        return;
    }
    put16(at, 0);
    whole = csum_finish(csum_frame(sum, f, 0));
    put16(at, whole || out->proto != IP_PROTO_UDP ? whole : 0xffff);
}

bool ip_transport_csum_ok(const struct hf_frame *f, const struct ip_info *ip)
{
    uint32_t sum;

    if (f->flags & HF_FRAME_CSUM_OK)
        return true;
    sum = csum_pseudo(&ip->src, &ip->dst, ip->proto, f->len);
    return csum_finish(csum_frame(sum, f, 0)) == 0;
}
