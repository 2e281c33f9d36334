/* ICMP and ICMPv6 in: echo, and what others say of our packets. RFC 792, RFC 1122 3.2.2, RFC 4443.
 */
#include "net/icmp.h"

#include "net/ip_output.h"
#include "net/neighbour.h"
#include "wire/checksum.h"
#include "wire/frame_csum.h"
#include "wire/icmp.h"
#include "wire/ip6.h"
#include "wire/ndp.h"

/* Answers an echo request with the same bytes. RFC 1122 3.2.2.6, RFC 4443 4.2. Linux: not to
 * broadcasts and groups of IPv4; to groups of IPv6 from an address of the link's. Takes f. */
static void echo(struct net *net, const struct ip_info *ip, struct hf_frame *f)
{
    bool is4 = addr_is4(&ip->src);
    struct ip_out out = {.dst = ip->src, .proto = ip->proto, .tos = ip->tos};
    struct path_query q = {.dst = ip->src, .src = ip->dst, .proto = ip->proto};

    if (!ip->dst_is_unicast && is4) {
        core_drop(net->core, HF_DROP_ICMP_TYPE, f);
        return;
    }
    if (!ip->dst_is_unicast)
        q.src = ADDR_ANY6;
    if (addr_is_link_local6(&ip->src))
        q.link_index = ip->link->index;
    if (path_find(net, &q, &out.path)) {
        core_drop(net->core, HF_DROP_IP_NO_ROUTE, f);
        return;
    }
    out.src = out.path->src;
    f->flags = 0;
    f->net_off = 0;
    f->head[0] = is4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY;
    put16(f->head + 2, 0);
    if (is4)
        put16(f->head + 2, csum_finish(csum_frame(0, f, 0)));
    else
        ip_transport_csum(f, &out, 2);
    (void)ip_output(net, f, &out);
    path_put(out.path);
}

static const enum icmp_error_kind kinds4[16] = {
    [0] = ICMP_ERR_NET_UNREACH,   [1] = ICMP_ERR_HOST_UNREACH, [2] = ICMP_ERR_PROTO_UNREACH,
    [3] = ICMP_ERR_PORT_UNREACH,  [4] = ICMP_ERR_TOO_BIG,      [5] = ICMP_ERR_HOST_UNREACH,
    [6] = ICMP_ERR_NET_UNREACH,   [7] = ICMP_ERR_HOST_UNREACH, [8] = ICMP_ERR_HOST_UNREACH,
    [9] = ICMP_ERR_PROHIBITED,    [10] = ICMP_ERR_PROHIBITED,  [11] = ICMP_ERR_NET_UNREACH,
    [12] = ICMP_ERR_HOST_UNREACH, [13] = ICMP_ERR_PROHIBITED,  [14] = ICMP_ERR_PROHIBITED,
    [15] = ICMP_ERR_PROHIBITED,
};

static const enum icmp_error_kind kinds6[8] = {
    [0] = ICMP_ERR_NET_UNREACH,  [1] = ICMP_ERR_PROHIBITED,   [2] = ICMP_ERR_HOST_UNREACH,
    [3] = ICMP_ERR_HOST_UNREACH, [4] = ICMP_ERR_PORT_UNREACH, [5] = ICMP_ERR_PROHIBITED,
    [6] = ICMP_ERR_PROHIBITED,   [7] = ICMP_ERR_HOST_UNREACH,
};

/* false: not an error that means anything to a transport. NetSem deliver_in_icmp_6. */
static bool kind_of4(const struct icmp_header *h, enum icmp_error_kind *kind)
{
    switch (h->type) {
    case ICMP4_UNREACHABLE:
        *kind = kinds4[h->code & 15];
        return h->code < HF_COUNT(kinds4);
    case ICMP4_TIME_EXCEEDED:
        *kind = ICMP_ERR_TIME_EXCEEDED;
        return h->code != ICMP4_TIME_REASSEMBLY; /* Linux: of that nobody hears */
    case ICMP4_PARAMETER:
        *kind = ICMP_ERR_PARAMETER;
        return true;
    case ICMP4_QUENCH:
        *kind = ICMP_ERR_QUENCH;
        return true;
    default:
        return false;
    }
}

/* NetSem deliver_in_icmp_6. */
static bool kind_of6(const struct icmp_header *h, enum icmp_error_kind *kind)
{
    switch (h->type) {
    case ICMP6_UNREACHABLE:
        *kind = h->code < HF_COUNT(kinds6) ? kinds6[h->code] : ICMP_ERR_PARAMETER; /* Linux */
        return true;
    case ICMP6_TOO_BIG:
        *kind = ICMP_ERR_TOO_BIG;
        return true;
    case ICMP6_TIME_EXCEEDED:
        *kind = ICMP_ERR_TIME_EXCEEDED;
        return true;
    case ICMP6_PARAMETER:
        *kind =
            h->code == ICMP6_PARAMETER_NEXT_HEADER ? ICMP_ERR_PROTO_UNREACH : ICMP_ERR_PARAMETER;
        return true;
    default: /* RFC 4443 2.4 (a) */
        *kind = ICMP_ERR_UNKNOWN;
        return true;
    }
}

/* Reads the quoted packet's header into e. false: cut short, or not the first of its fragments.
 * NetSem deliver_in_icmp_7. */
static bool quoted_read(const uint8_t *bytes, uint32_t len, bool is4, struct icmp_error *e)
{
    uint32_t header;

    if (is4) {
        struct ip4_header h;

        if (!ip4_quoted_read(bytes, len, &h) || h.frag_off)
            return false;
        e->src = h.src;
        e->dst = h.dst;
        e->proto = h.proto;
        header = h.header_bytes;
    } else {
        struct ip6_header h;
        int32_t skipped;

        if (!ip6_quoted_read(bytes, len, &h) || addr_is4(&h.src) || addr_is4(&h.dst))
            return false;
        e->src = h.src;
        e->dst = h.dst;
        e->proto = h.next_header;
        skipped = ip6_quoted_skip(bytes + IP6_HEADER, len - IP6_HEADER, &e->proto);
        if (skipped < 0)
            return false;
        header = IP6_HEADER + (uint32_t)skipped;
    }
    if (len - header < 8)
        return false;
    e->quoted = bytes + header;
    e->quoted_len = len - header;
    return true;
}

/* Hands the error to the transport whose packet it quotes. RFC 1122 3.2.2, RFC 4443 2.4 (d). Takes
 * f. */
static void error_input(struct net *net, const struct ip_info *ip, const struct icmp_header *h,
                        struct hf_frame *f)
{
    uint8_t bytes[1280]; /* RFC 4443 2.4 (c); RFC 1812 4.3.2.3 has less */
    struct icmp_error e = {.type = h->type,
                           .code = h->code,
                           .info = h->info,
                           .reporter = ip->src,
                           .link = ip->link,
                           .ttl = ip->ttl,
                           .tos = ip->tos};
    uint32_t len = HF_MIN(f->len, sizeof(bytes)) - ICMP_HEADER;
    bool is4 = addr_is4(&ip->src);
    enum hf_drop reason = HF_DROP_ICMP_BAD;

    hf_frame_read(f, ICMP_HEADER, bytes, len);
    if (!(is4 ? kind_of4(h, &e.kind) : kind_of6(h, &e.kind)))
        reason = HF_DROP_ICMP_TYPE;
    else if (quoted_read(bytes, len, is4, &e))
        reason = net_is_local(net, &e.src) && net->up[e.proto].error ? HF_DROP_COUNT
                                                                     : HF_DROP_ICMP_UNMATCHED;
    if (reason != HF_DROP_COUNT) {
        core_drop(net->core, reason, f);
        return;
    }
    if (is4 && e.kind == ICMP_ERR_TOO_BIG)
        e.info &= 0xffff; /* RFC 1191 4 */
    net->up[e.proto].error(net->up[e.proto].ctx, &e);
    hf_frame_free(f);
}

static bool header_read(struct hf_frame *f, struct icmp_header *h)
{
    if (!hf_frame_pull(f, ICMP_HEADER))
        return false;
    icmp_header_read(f->head, h);
    return true;
}

static void icmp4_input(void *ctx, const struct ip_info *ip, struct hf_frame *f)
{
    struct net *net = ctx;
    struct icmp_header h;

    if (!addr_is4(&ip->src) || !header_read(f, &h) ||
        (!(f->flags & HF_FRAME_CSUM_OK) && csum_finish(csum_frame(0, f, 0)) != 0))
        core_drop(net->core, HF_DROP_ICMP_BAD, f);
    else if (h.type == ICMP4_ECHO)
        echo(net, ip, f);
    else if (icmp4_is_error(h.type) && ip->dst_is_unicast)
        error_input(net, ip, &h, f);
    else
        core_drop(net->core, HF_DROP_ICMP_TYPE, f);
}

static void icmp6_input(void *ctx, const struct ip_info *ip, struct hf_frame *f)
{
    struct net *net = ctx;
    struct icmp_header h;

    if (addr_is4(&ip->src) || !header_read(f, &h) || !ip_transport_csum_ok(f, ip))
        core_drop(net->core, HF_DROP_ICMP_BAD, f);
    else if (h.type >= NDP_ROUTER_SOLICIT && h.type <= NDP_REDIRECT)
        ndp_input(net, ip, f);
    else if (h.type == ICMP6_ECHO && !addr_is_any(&ip->src))
        echo(net, ip, f);
    else if (icmp6_is_error(h.type) && ip->dst_is_unicast)
        error_input(net, ip, &h, f);
    else
        core_drop(net->core, HF_DROP_ICMP_TYPE, f);
}

void icmp_init(struct net *net)
{
    net->icmp_tokens_at = net->core->now - HF_S; /* a full bucket to begin with */
    net->up[IP_PROTO_ICMP] = (struct net_up){.ctx = net, .input = icmp4_input};
    net->up[IP_PROTO_ICMPV6] = (struct net_up){.ctx = net, .input = icmp6_input};
}
