/* UDP coming in: datagrams, each waiting in its own frame, and what ICMP says of those we sent. */
#include <assert.h>

#include "handfast/linux.h"
#include "net/icmp.h"
#include "transport/bpf.h"
#include "transport/membership.h"
#include "transport/udp_internal.h"
#include "wire/bytes.h"
#include "wire/ip4.h"
#include "wire/udp.h"

static_assert(sizeof(struct udp_dgram) <= sizeof(((struct hf_frame *)0)->cb),
              "what is noted of a datagram fits its frame");

static struct udp_pcb *up_of(struct demux_entry *e)
{
    return container_of(e, struct udp_pcb, pcb.entry);
}

static bool is_wanted(struct udp_pcb *up)
{
    return !up->udp->up->wanted || up->udp->up->wanted(up);
}

struct hf_frame *udp_front(const struct udp_pcb *up)
{
    return up->first;
}

void udp_pop(struct udp_pcb *up)
{
    struct hf_frame *f = up->first;

    up->first = f->next;
    if (!up->first)
        up->last = NULL;
    up->queued--;
    up->queued_bytes -= hf_frame_truesize(f);
    f->next = NULL;
    hf_frame_free(f);
}

/* Linux: sk_filter_trim_cap. Of what is kept, the header is a part in any case. */
static bool pass_filter(const struct udp_pcb *up, const struct udp_dgram *d, struct hf_frame *f)
{
    uint32_t keep = bpf_run(up->udp->core, up->filter, d, f);

    if (keep && keep < f->len + UDP_HEADER)
        hf_frame_trim_to(f, keep > UDP_HEADER ? keep - UDP_HEADER : 0);
    return keep > 0;
}

/* Queues f, whose head is at the payload; an empty queue takes any one datagram. Takes f. */
static void queue(struct udp_pcb *up, struct hf_frame *f)
{
    struct udp_dgram *d = (struct udp_dgram *)(void *)f->cb;
    uint32_t size;

    if (up->filter && !pass_filter(up, d, f)) {
        core_drop(up->udp->core, HF_DROP_UDP_FILTER, f);
        up->drops++;
        return;
    }
    size = hf_frame_truesize(f);

    if (up->queued &&
        (up->queued == UINT16_MAX || size > up->rcvbuf || up->queued_bytes > up->rcvbuf - size)) {
        core_drop(up->udp->core, HF_DROP_UDP_RCVBUF, f);
        up->drops++;
        return;
    }
    d->drops = up->counts_drops ? up->drops : 0;
    f->next = NULL;
    if (up->last)
        up->last->next = f;
    else
        up->first = f;
    up->last = f;
    up->queued++;
    up->queued_bytes += size;
    up->udp->up->event(up);
}

/* Linux: UDP GSO. */
static void take_cut(struct udp_pcb *up, struct hf_frame *f)
{
    uint32_t segment = f->gso_bytes;

    f->gso_bytes = 0;
    for (uint32_t at = 0; at < f->len; at += segment) {
        struct hf_frame *piece = hf_frame_clone(f);

        if (!piece) {
            core_drop(up->udp->core, HF_DROP_NO_MEMORY, NULL);
            break;
        }
        hf_frame_trim_front(piece, at);
        hf_frame_trim_to(piece, HF_MIN(segment, piece->len));
        queue(up, piece);
    }
    hf_frame_free(f);
}

/* What was to be cut is, for those who do not take bursts. */
void udp_take(struct udp_pcb *up, struct hf_frame *f)
{
    if (f->gso_bytes && !up->takes_bursts)
        take_cut(up, f);
    else
        queue(up, f);
}

/* RFC 768: it was sent without one. */
static bool is_unchecked(const struct hf_frame *f, const struct udp_header *h)
{
    return !h->checksum && !(f->flags & HF_FRAME_CSUM_OK);
}

/* RFC 1122 4.1.3.4, RFC 8200 8.1: over IPv6 only to those who asked for it (RFC 6935 5). */
static bool takes_unchecked(const struct udp_pcb *up, const struct ip_addr *src)
{
    return addr_is4(src) || up->takes_unchecked6;
}

/* RFC 1122 4.1.3.1, RFC 4443 3.1: nobody is there for it. f's head is at the UDP header. Takes f.
 * NetSem deliver_in_udp_2. */
static void refuse(struct udp *udp, enum hf_drop reason, const struct ip_info *ip,
                   struct hf_frame *f)
{
    if (ip->dst_is_unicast)
        icmp_send_error(udp->net, ICMP_ERR_PORT_UNREACH, ip, f);
    core_drop(udp->core, reason, f);
}

/* The socket a datagram is for; those that were closed hear no more. */
static struct demux_entry *find(struct udp *udp, const struct ip_info *ip,
                                const struct udp_header *h)
{
    uint32_t link = ip->link->index;
    struct demux_entry *e;

    for (;;) {
        e = demux_find_conn(&udp->demux, &ip->dst, h->dst_port, &ip->src, h->src_port, link);
        if (!e)
            e = demux_find_bound(&udp->demux, &ip->dst, h->dst_port, &ip->src, h->src_port, link);
        if (!e || is_wanted(up_of(e)))
            return e;
        udp->changes++;
        demux_remove(&udp->demux, e);
    }
}

static void note(const struct core *core, const struct ip_info *ip, const struct udp_header *h,
                 struct hf_frame *f)
{
    f->when = core->now;
    *(struct udp_dgram *)(void *)f->cb =
        (struct udp_dgram){.src = ip->src,
                           .dst = ip->dst,
                           .src_port = h->src_port,
                           .dst_port = h->dst_port,
                           .ttl = ip->ttl,
                           .tos = ip->tos,
                           .link_index = (uint16_t)ip->link->index};
}

/* A datagram to all that is being handed out. */
struct round {
    const struct ip_info *ip;
    struct hf_frame *f;
    bool is_group, is_unchecked;
    unsigned takers;
};

/* Linux: __udp_is_mcast_sock. */
static void hand_out(void *ctx, struct demux_entry *e)
{
    struct round *r = ctx;
    struct udp_pcb *up = up_of(e);
    const struct ip_info *ip = r->ip;
    struct hf_frame *copy;

    if ((up->is_connected && !addr_eq(&e->raddr, &ip->src)) || !is_wanted(up))
        return;
    if (r->is_unchecked && !takes_unchecked(up, &ip->src))
        return;
    if (r->is_group && !membership_takes(up, ip))
        return;
    r->takers++;
    copy = hf_frame_clone(r->f);
    if (copy)
        queue(up, copy);
    else
        core_drop(up->udp->core, HF_DROP_NO_MEMORY, NULL);
}

/* RFC 1122 4.1.3.5: each socket that suits has one. False: there was none. Takes f when true. */
static bool to_all(struct udp *udp, const struct ip_info *ip, const struct udp_header *h,
                   bool unchecked, struct hf_frame *f)
{
    struct round r = {
        .ip = ip, .f = f, .is_group = addr_is_multicast(&ip->dst), .is_unchecked = unchecked};

    demux_visit_all(&udp->demux, &ip->dst, h->dst_port, &ip->src, h->src_port, ip->link->index,
                    hand_out, &r);
    if (r.takers)
        hf_frame_free(f);
    return r.takers > 0;
}

/* NetSem deliver_in_udp_1. */
void udp_input(void *ctx, const struct ip_info *ip, struct hf_frame *f)
{
    struct udp *udp = ctx;
    struct udp_header h;
    struct demux_entry *e;
    bool unchecked;

    if (!udp_header_read(f, &h)) {
        core_drop(udp->core, HF_DROP_UDP_BAD, f);
        return;
    }
    hf_frame_trim_to(f, h.len);
    unchecked = is_unchecked(f, &h);
    if (!unchecked && !ip_transport_csum_ok(f, ip)) {
        core_drop(udp->core, HF_DROP_UDP_CSUM, f);
        return;
    }
    note(udp->core, ip, &h, f);
    if (!ip->dst_is_unicast) {
        hf_frame_trim_front(f, UDP_HEADER);
        if (to_all(udp, ip, &h, unchecked, f))
            return;
        e = udp->demux.any_dst[!addr_is4(&ip->dst)];
        if (e)
            queue(up_of(e), f);
        else
            core_drop(udp->core, HF_DROP_UDP_NO_PORT, f);
        return;
    }
    e = find(udp, ip, &h);
    if (!e) {
        refuse(udp, HF_DROP_UDP_NO_PORT, ip, f);
        return;
    }
    if (up_of(e)->is_connected && !addr_eq(&e->raddr, &ip->src)) {
        refuse(udp, HF_DROP_UDP_FOREIGN, ip, f);
        return;
    }
    if (unchecked && !takes_unchecked(up_of(e), &ip->src)) {
        core_drop(udp->core, HF_DROP_UDP_CSUM, f);
        return;
    }
    hf_frame_trim_front(f, UDP_HEADER);
    udp_take(up_of(e), f);
}

/* ---- ICMP ---- */

/* An errno, and whether a connected socket is told of it that did not ask for all. */
struct verdict {
    uint8_t err;
    bool is_hard;
};

/* Linux: icmp_err_convert, by code. */
static const struct verdict unreachable4[] = {
    {HF_ENETUNREACH, false}, /* network */
    {HF_EHOSTUNREACH, false}, {HF_ENOPROTOOPT, true},
    {HF_ECONNREFUSED, true},  {HF_EMSGSIZE, true},     /* udp_error asks pmtudisc first */
    {HF_EOPNOTSUPP, false},                            /* source route failed */
    {HF_ENETUNREACH, true},                            /* network unknown */
    {HF_EHOSTDOWN, true},                              /* host unknown */
    {HF_ENONET, true},                                 /* host isolated */
    {HF_ENETUNREACH, true},                            /* network prohibited */
    {HF_EHOSTUNREACH, true},  {HF_ENETUNREACH, false}, /* network, for that TOS */
    {HF_EHOSTUNREACH, false}, {HF_EHOSTUNREACH, true}, /* prohibited */
    {HF_EHOSTUNREACH, true},                           /* host precedence */
    {HF_EHOSTUNREACH, true},                           /* precedence cut off */
};

/* Linux: icmpv6_err_convert, by code. */
static const struct verdict unreachable6[] = {
    {HF_ENETUNREACH, false}, /* no route */
    {HF_EACCES, true},       /* prohibited */
    {HF_EHOSTUNREACH, false}, {HF_EHOSTUNREACH, false},
    {HF_ECONNREFUSED, true},  {HF_EACCES, true}, /* source address failed policy */
    {HF_EACCES, true},                           /* reject route */
};

static struct verdict verdict_of(const struct icmp_error *e)
{
    bool is4 = addr_is4(&e->src);

    switch (e->kind) {
    case ICMP_ERR_QUENCH: /* RFC 6633 */
        return (struct verdict){0};
    case ICMP_ERR_TIME_EXCEEDED:
        return (struct verdict){HF_EHOSTUNREACH, false};
    case ICMP_ERR_PARAMETER:
        return (struct verdict){HF_EPROTO, true};
    case ICMP_ERR_UNKNOWN:
        return (struct verdict){HF_EPROTO, false};
    case ICMP_ERR_PROTO_UNREACH:
        return (struct verdict){is4 ? HF_ENOPROTOOPT : HF_EPROTO, true};
    case ICMP_ERR_TOO_BIG:
        return (struct verdict){HF_EMSGSIZE, true};
    case ICMP_ERR_PROHIBITED:
        if (is4 && e->link && e->link->flags & HF_LINK_HOST)
            return (struct verdict){HF_EACCES, true};
        break;
    default:
        break;
    }
    if (is4)
        return e->code < HF_COUNT(unreachable4) ? unreachable4[e->code]
                                                : (struct verdict){HF_EHOSTUNREACH, false};
    return e->code < HF_COUNT(unreachable6) ? unreachable6[e->code]
                                            : (struct verdict){HF_EPROTO, true};
}

/* RFC 1191 3, RFC 8201 4: the way there takes less. Linux: the sockets that do not believe it. */
static void too_big(struct udp_pcb *up, const struct icmp_error *e)
{
    struct endpoint to = {.addr = e->dst, .port = get16(e->quoted + 2)};
    int disc = pcb_pmtudisc(&up->pcb, &e->dst);
    struct path *path;

    if (disc == HF_IP_PMTUDISC_INTERFACE || disc == HF_IP_PMTUDISC_OMIT)
        return;
    if (addr_is_link_local6(&e->dst) && e->link)
        to.scope = e->link->index;
    if (up->is_connected && up->pcb.path)
        path_lower_mtu(up->pcb.path, e->info);
    if (!udp_find_way(up, &to, NULL, &path)) {
        path_lower_mtu(path, e->info);
        path_put(path);
    }
}

/* Linux: __udp4_lib_err, __udp6_lib_err. Those who are not told that a datagram was too big. */
static bool ignores_too_big(const struct udp_pcb *up, const struct ip_addr *dst)
{
    int disc = pcb_pmtudisc(&up->pcb, dst);

    if (addr_is4(dst))
        return disc == HF_IP_PMTUDISC_DONT;
    return disc == HF_IP_PMTUDISC_INTERFACE || disc == HF_IP_PMTUDISC_OMIT ||
           (disc == HF_IP_PMTUDISC_DONT && !up->pcb.recv_err6);
}

/* RFC 1122 4.1.3.3; Linux: __udp4_lib_err, __udp6_lib_err. Only a connected socket is told, or one
 * that asked; NetSem deliver_in_icmp_1, deliver_in_icmp_3, deliver_in_icmp_4. */
void udp_error(void *ctx, const struct icmp_error *e)
{
    struct udp *udp = ctx;
    uint16_t lport = get16(e->quoted), rport = get16(e->quoted + 2);
    struct demux_entry *found = demux_find_conn(&udp->demux, &e->src, lport, &e->dst, rport, 0);
    struct verdict v = verdict_of(e);
    struct udp_pcb *up;

    if (!found)
        found = demux_find_bound(&udp->demux, &e->src, lport, &e->dst, rport, 0);
    up = found ? up_of(found) : NULL;
    if (!up || (up->is_connected && !addr_eq(&found->raddr, &e->dst))) {
        core_drop(udp->core, HF_DROP_ICMP_UNMATCHED, NULL);
        return;
    }
    if (e->kind == ICMP_ERR_TOO_BIG) {
        too_big(up, e);
        if (ignores_too_big(up, &e->dst))
            return;
    }
    if (!v.err)
        return;
    if (pcb_wants_errors(&up->pcb, &e->dst))
        err_queue_icmp(udp->core, &up->pcb, e, v.err, UDP_HEADER, udp_error_room(up));
    else if (!v.is_hard || !up->is_connected)
        return;
    up->pcb.err = v.err;
    udp->up->event(up);
}

void udp_report(struct udp_pcb *up, const struct endpoint *to, enum hf_refusal how)
{
    static const enum icmp_error_kind kinds[] = {
        [HF_REFUSE_RESET] = ICMP_ERR_PORT_UNREACH,
        [HF_REFUSE_NET] = ICMP_ERR_NET_UNREACH,
        [HF_REFUSE_HOST] = ICMP_ERR_HOST_UNREACH,
        [HF_REFUSE_PROHIBITED] = ICMP_ERR_PROHIBITED,
    };
    const struct demux_entry *e = &up->pcb.entry;
    struct udp_header h = {.src_port = to->port, .dst_port = e->lport, .len = UDP_HEADER};
    uint8_t quoted[UDP_HEADER];

    if (how >= HF_COUNT(kinds) || addr_is_any(&e->laddr))
        return;
    udp_header_write(&h, quoted);
    icmp_send_error_for(up->udp->net, kinds[how], &to->addr, &e->laddr, IP_PROTO_UDP, quoted,
                        sizeof(quoted));
}
