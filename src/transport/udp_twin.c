/* Two sockets of this stack that are connected to each other: what one sends is put into the
 * other's queue at once, without a packet. Nothing could happen to it on its way, so everything
 * that can be asked (counters, ancillary data, drops, the filter's view) says what it would have
 * said. Whenever one of the conditions does not hold, datagrams go their usual way. */
#include <string.h>

#include "net/link.h"
#include "transport/udp_internal.h"
#include "wire/ip6.h"
#include "wire/udp.h"

#define SHORT (HF_FRAME_ROOM - HF_FRAME_HEADROOM - UDP_HEADER) /* bytes that a new frame takes */

static struct udp_pcb *look_for_peer(const struct udp_pcb *up)
{
    const struct demux_entry *at = &up->pcb.entry;
    struct demux_entry *e = demux_find_conn(&up->udp->demux, &at->raddr, at->rport, &at->laddr,
                                            at->lport, up->udp->net->lo->index);

    return e ? container_of(e, struct udp_pcb, pcb.entry) : NULL;
}

/* The socket that hears what up says to its peer, or NULL: looked for again when any socket has
 * been connected or closed. */
static struct udp_pcb *peer_of(struct udp_pcb *up)
{
    struct udp *udp = up->udp;
    const struct udp_pcb *to;

    if (up->twin_known != udp->changes) {
        up->twin = look_for_peer(up);
        up->twin_known = udp->changes;
    }
    to = up->twin;
    return to && (!to->pcb.link_index || to->pcb.link_index == udp->net->lo->index) ? up->twin
                                                                                    : NULL;
}

/* Nothing that udp_send asks of a datagram of that length stands against it, and nothing that was
 * sent before is still on its way. */
static bool goes_straight(const struct udp_pcb *up, struct path *path, uint32_t len)
{
    const struct demux_entry *at = &up->pcb.entry;
    bool is4 = addr_is4(&path->dst);
    bool is_special = up->segment || up->pcb.err || (is4 ? up->unchecked4 : up->unchecked6) ||
                      (is4 ? at->v6only : up->cut6 != 0);

    return !is_special && path->hands_over && !path_is_stale(path) &&
           addr_eq(&at->laddr, &path->src) && len + UDP_HEADER + IP6_HEADER <= path_mtu(path) &&
           loopback_is_idle(up->udp->net->lo);
}

static void note(const struct udp_pcb *up, const struct path *path, struct hf_frame *f,
                 bool knows_time)
{
    const struct pcb_ip *ip = pcb_ip(&up->pcb, &path->dst);

    f->when = knows_time ? up->udp->core->now : 0;
    f->flags = HF_FRAME_CSUM_OK;
    *(struct udp_dgram *)(void *)f->cb =
        (struct udp_dgram){.src = path->src,
                           .dst = path->dst,
                           .src_port = up->pcb.entry.lport,
                           .dst_port = up->pcb.entry.rport,
                           .ttl = ip->ttl ? ip->ttl : IP_TTL_DEFAULT,
                           .tos = ip->tos,
                           .link_index = (uint16_t)path->link->index};
}

/* The datagram as it is when its headers have been read. As a rule it is in one piece, and fits
 * into the frame: with the header, which is not written, or it would cost its reader more than it
 * does by the other way. */
static struct hf_frame *payload(struct udp *udp, const struct hf_iovec *iov, uint32_t len)
{
    struct udp_cursor from = {.iov = iov};
    struct hf_frame *f;

    if (len && len <= SHORT && iov->len >= len) {
        f = hf_frame_new(udp->core->pool);
        if (!f)
            return NULL;
        memcpy(hf_frame_put(f, UDP_HEADER + len) + UDP_HEADER, iov->base, len);
    } else {
        f = udp_dgram_new(udp, &from, len);
    }
    if (f)
        hf_frame_trim_front(f, UDP_HEADER);
    return f;
}

bool udp_twin_send(struct udp_pcb *up, const struct hf_iovec *iov, uint32_t len, bool knows_time)
{
    struct hf_stack_stats *stats = &up->udp->core->stats;
    struct path *path = up->pcb.path;
    struct udp_pcb *to;
    struct hf_frame *f;

    if (up->pcb.entry.kind != DEMUX_CONN || !path || up->udp->up->wanted ||
        !goes_straight(up, path, len))
        return false;
    to = peer_of(up);
    if (to && !knows_time && (to->stamps.on || to->stamps.flags))
        return false;
    f = to ? payload(up->udp, iov, len) : NULL;
    if (!f)
        return false;
    note(up, path, f, knows_time);
    stats->packets_out++;
    stats->packets_in++;
    udp_take(to, f);
    return true;
}
