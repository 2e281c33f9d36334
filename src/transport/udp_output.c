/* UDP going out: what stands against a datagram, in Linux's order, and its making. */
#include "handfast/linux.h"
#include "transport/udp_internal.h"
#include "wire/ip6.h"
#include "wire/udp.h"

#define PACKET4_MOST  65535 /* IPv4 counts its header */
#define PAYLOAD6_MOST 65535 /* IPv6 does not: RFC 8200 4.5 */
#define PAGE_WANTED   32768
#define SEGMENTS_MOST 128 /* Linux: UDP_MAX_SEGMENTS */

static struct endpoint peer_of(const struct udp_pcb *up)
{
    return (struct endpoint){.addr = up->pcb.entry.raddr, .port = up->pcb.entry.rport};
}

/* The path to the peer, one reference for the caller. */
static int peer_path(struct udp_pcb *up, struct path **out)
{
    struct endpoint peer = peer_of(up);
    struct path *path;
    int err;

    if (!up->pcb.path || path_is_stale(up->pcb.path)) {
        err = udp_find_way(up, &peer, NULL, &path);
        if (err)
            return err;
        path_put(up->pcb.path);
        up->pcb.path = path;
    }
    *out = path_ref(up->pcb.path);
    return 0;
}

/* Counts no further than to one byte more than a datagram ever holds. */
static uint32_t payload_len(const struct hf_iovec *iov, size_t n)
{
    size_t len = 0;

    for (size_t i = 0; i < n && len <= PAYLOAD6_MOST; i++)
        len += HF_MIN(iov[i].len, (size_t)PAYLOAD6_MOST + 1);
    return (uint32_t)HF_MIN(len, (size_t)PAYLOAD6_MOST + 1);
}

static void copy_out(struct udp_cursor *c, uint8_t *to, uint32_t len)
{
    while (len) {
        size_t n = HF_MIN(c->iov->len - c->off, len);

        if (n)
            memcpy(to, (const uint8_t *)c->iov->base + c->off, n);
        to += n;
        len -= (uint32_t)n;
        c->off += n;
        if (c->off == c->iov->len) {
            c->iov++;
            c->off = 0;
        }
    }
}

struct hf_frame *udp_dgram_new(struct udp *udp, struct udp_cursor *c, uint32_t len)
{
    struct hf_frame *f = hf_frame_new(udp->core->pool);
    uint8_t *linear;

    if (!f)
        return NULL;
    linear = hf_frame_put(f, UDP_HEADER + len);
    if (linear) {
        copy_out(c, linear + UDP_HEADER, len);
        return f;
    }
    (void)hf_frame_put(f, UDP_HEADER);
    while (len) {
        struct hf_page *page = hf_page_new(f->pool, HF_MIN(len, PAGE_WANTED));
        uint32_t n = page ? HF_MIN(len, page->size) : 0;
        bool is_added;

        if (!page) {
            hf_frame_free(f);
            return NULL;
        }
        copy_out(c, page->data, n);
        is_added = hf_frame_add(f, page, 0, n);
        core_assert(udp->core, is_added); /* 65535 bytes are two or three pages */
        hf_page_unref(page);
        len -= n;
    }
    return f;
}

/* Linux: with these the socket asked to be told, rather than have its datagrams cut. */
static bool never_fragments(int pmtudisc)
{
    return pmtudisc == HF_IP_PMTUDISC_DO || pmtudisc == HF_IP_PMTUDISC_PROBE ||
           pmtudisc == HF_IP_PMTUDISC_INTERFACE;
}

/* Linux: ip_sk_use_pmtu. These look at the link alone. */
static bool goes_by_link(int pmtudisc)
{
    return pmtudisc >= HF_IP_PMTUDISC_PROBE;
}

/* What IPV6_RECVPATHMTU and the error queue say of a datagram that was too big. Linux:
 * ipv6_local_rxpmtu, ip_local_error, ipv6_local_error. NetSem send_13. */
static int refuse_size(struct udp_pcb *up, const struct endpoint *to, uint32_t mtu)
{
    struct endpoint dst = *to;

    if (addr_is4(&to->addr)) {
        dst.port = up->is_connected ? up->pcb.entry.rport : 0; /* Linux: not this datagram's */
    } else if (up->dont_fragment6 && up->recv_path_mtu) {
        up->told_mtu = mtu;
        up->told_dst = to->addr;
        up->told_link = (uint8_t)to->scope;
    }
    if (pcb_wants_errors(&up->pcb, &to->addr)) {
        err_queue_local(up->udp->core, &up->pcb, HF_EMSGSIZE, &dst, mtu, udp_error_room(up));
        up->udp->up->event(up);
    }
    return -HF_EMSGSIZE;
}

int udp_refuse_size(struct udp_pcb *up, const struct udp_how *how)
{
    struct endpoint to = how->dst ? *how->dst : peer_of(up);
    struct path *path;
    int err;

    to.addr = udp_destination(up, &to.addr, how);
    err = udp_find_way(up, &to, how, &path);
    if (err)
        return err;
    err = refuse_size(up, &to,
                      goes_by_link(pcb_pmtudisc(&up->pcb, &path->dst)) ? path_link_mtu(path)
                                                                       : path_mtu(path));
    path_put(path);
    return err;
}

/* What stands against sending now, in Linux's order: size, what ICMP said before, shutdown().
 * NetSem send_22, send_23. */
static int may_send(struct udp_pcb *up, struct path *path, const struct endpoint *to, uint32_t len,
                    uint32_t segment, const struct udp_how *how)
{
    bool is4 = addr_is4(&path->dst);
    int pmtudisc = pcb_pmtudisc(&up->pcb, &path->dst);
    bool is_asked = how->dont_fragment < 0 ? up->dont_fragment6 : how->dont_fragment;
    bool is_whole = never_fragments(pmtudisc) || (!is4 && is_asked);
    uint32_t size = len + UDP_HEADER + (is4 ? IP4_HEADER : IP6_HEADER);
    uint32_t mtu = goes_by_link(pmtudisc) ? path_link_mtu(path) : path_mtu(path);
    int err;

    if (!is4 && up->cut6)
        mtu = HF_MIN(mtu, (uint32_t)up->cut6);

    if (size > (is4 ? PACKET4_MOST : PAYLOAD6_MOST + IP6_HEADER) ||
        (is_whole && !segment && size > mtu))
        return refuse_size(up, to, mtu);
    err = up->pcb.err; /* NetSem connect_10 */
    up->pcb.err = 0;
    return err ? -err : how->is_shut ? -HF_EPIPE : 0;
}

static bool is_unchecked(const struct udp_pcb *up, bool is4)
{
    return is4 ? up->unchecked4 : up->unchecked6;
}

/* Linux: udp_send_skb, udp_v6_send_skb. What stands against cutting into segments. */
static int may_cut(const struct udp_pcb *up, struct path *path, uint32_t len, uint32_t segment)
{
    bool is4 = addr_is4(&path->dst);
    uint32_t header = UDP_HEADER + (is4 ? IP4_HEADER : IP6_HEADER);

    if (!segment)
        return 0;
    if (header + HF_MIN(len, segment) > path_mtu(path))
        return -HF_EMSGSIZE;
    return len > segment * SEGMENTS_MOST || is_unchecked(up, is4) ? -HF_EINVAL : 0;
}

/* segment: 0, or what the other side of the loopback link may take for datagrams of such length. */
static int output(struct udp_pcb *up, const struct udp_how *how, struct path *path, uint16_t port,
                  struct udp_cursor *from, uint32_t len, uint32_t segment)
{
    struct core *core = up->udp->core;
    struct pcb *pcb = &up->pcb;
    const struct pcb_ip *ip = pcb_ip(pcb, &path->dst);
    int pmtudisc = pcb_pmtudisc(pcb, &path->dst);
    bool is4 = addr_is4(&path->dst);
    const struct udp_multicast *mcast = is4 ? &up->mcast4 : &up->mcast6;
    struct ip_out out = {.path = path,
                         .src = path->src,
                         .dst = path->dst,
                         .proto = IP_PROTO_UDP,
                         .ttl = how->ttl >= 0        ? (uint8_t)how->ttl
                                : path->is_multicast ? mcast->ttl
                                                     : ip->ttl,
                         .tos = how->tos >= 0 ? (uint8_t)how->tos : ip->tos};
    struct udp_header h = {
        .src_port = pcb->entry.lport, .dst_port = port, .len = (uint16_t)(len + UDP_HEADER)};
    struct hf_frame *f = udp_dgram_new(up->udp, from, len);

    if (!f) {
        core_drop(core, HF_DROP_NO_MEMORY, NULL);
        return -HF_ENOBUFS;
    }
    out.stays_here = path->is_multicast && !out.ttl;
    out.loops_back = mcast->loops;
    /* Linux: WANT sets DF on what fits and cuts the rest. */
    out.dont_fragment = pmtudisc == HF_IP_PMTUDISC_DO || pmtudisc == HF_IP_PMTUDISC_PROBE ||
                        (is4 && pmtudisc == HF_IP_PMTUDISC_WANT &&
                         f->len + IP4_HEADER <= path_mtu(path) && !path_may_be_cut(path));
    out.by_link_mtu = goes_by_link(pmtudisc);
    out.cut = is4 ? 0 : up->cut6;
    f->gso_bytes = (uint16_t)segment;
    udp_header_write(&h, f->head);
    out.is_unchecked = is_unchecked(up, is4);
    if (!out.is_unchecked)
        ip_transport_csum(f, &out, 6);
    return ip_output(up->udp->net, f, &out);
}

/* One datagram, or as many as segments make of it. Over loopback they stay in one piece, which the
 * receiver cuts unless it takes bursts, as with Linux's GSO and GRO. */
static int output_all(struct udp_pcb *up, const struct udp_how *how, struct path *path,
                      uint16_t port, const struct hf_iovec *iov, uint32_t len, uint32_t segment)
{
    struct udp_cursor from = {.iov = iov};
    int err = 0;

    if (!segment || len <= segment)
        return output(up, how, path, port, &from, len, 0);
    if (path->link == up->udp->net->lo && !path->is_broadcast && !path->is_multicast &&
        len + UDP_HEADER + IP6_HEADER <= path->link->gso_max)
        return output(up, how, path, port, &from, len, segment);
    while (len && !err) {
        uint32_t n = HF_MIN(len, segment);

        err = output(up, how, path, port, &from, n, 0);
        len -= n;
    }
    return err;
}

/* Linux: more than 64 KiB are too long for IPv4 whatever the address; IPv6 looks for a way first.
 * NetSem send_9. */
int64_t udp_send(struct udp_pcb *up, const struct udp_how *how, const struct hf_iovec *iov,
                 size_t n)
{
    bool is_plain = !how->dst && !how->link_index && addr_is_any(&how->src) && !how->is_unbound;
    uint32_t len = payload_len(iov, n);
    uint32_t segment = how->segment >= 0 ? (uint32_t)how->segment : up->segment;
    struct endpoint to;
    struct path *path;
    int err = udp_autobind(up);

    if (err)
        return err;
    if (how->dst && !how->dst->port)
        return -HF_EINVAL;
    if (!how->dst && !up->is_connected)
        return -HF_EDESTADDRREQ;
    to = how->dst ? *how->dst : peer_of(up);
    to.addr = udp_destination(up, &to.addr, how);
    err = is_plain ? peer_path(up, &path) : udp_find_way(up, &to, how, &path);
    if (err)
        return err;
    if (path->is_broadcast && !up->pcb.broadcast)
        err = -HF_EACCES;
    else if (!how->is_probe)
        err = may_send(up, path, &to, len, segment, how);
    if (!err && !how->is_probe)
        err = may_cut(up, path, len, segment);
    if (!err && !how->is_probe)
        err = output_all(up, how, path, to.port, iov, len, segment);
    path_put(path);
    return err ? err : (int64_t)len;
}
