/* Frames to and from virtio_net_hdr: the same two facts, said differently. */
#include "links/vnet.h"

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>

/* A packet's headers as far as this needs them: those of IP, and the beginning of the transport's.
 */
#define HEADERS_MOST 128
#define LEAST        (sizeof(struct ip6_hdr) + sizeof(struct tcphdr))

struct headers {
    uint8_t bytes[HEADERS_MOST];
    uint32_t transport; /* where it begins in bytes */
    uint8_t proto;
    bool is4;
};

/* Only of frames with unfinished checksums: our own, whole and without extension headers. */
static void read_headers(const struct hf_frame *f, uint32_t link_header, struct headers *h)
{
    uint32_t len = f->len - link_header;

    memset(h->bytes, 0, LEAST);
    hf_frame_read(f, link_header, h->bytes, len < HEADERS_MOST ? len : HEADERS_MOST);
    h->is4 = h->bytes[0] >> 4 == 4;
    h->transport = h->is4 ? (h->bytes[0] & 15u) * 4 : sizeof(struct ip6_hdr);
    h->proto =
        h->bytes[h->is4 ? offsetof(struct iphdr, protocol) : offsetof(struct ip6_hdr, ip6_nxt)];
}

static uint16_t csum_offset(uint8_t proto)
{
    switch (proto) {
    case IPPROTO_TCP:
        return 16;
    case IPPROTO_UDP:
        return 6;
    default: /* ICMPv6 */
        return 2;
    }
}

struct virtio_net_hdr vnet_of(const struct hf_frame *f, uint32_t link_header)
{
    struct virtio_net_hdr v = {0};
    struct headers h;
    const uint8_t *tcp;

    if (!(f->flags & HF_FRAME_CSUM_PARTIAL))
        return v;
    read_headers(f, link_header, &h);
    v.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    v.csum_start = (uint16_t)(link_header + h.transport);
    v.csum_offset = csum_offset(h.proto);
    if (!f->gso_bytes)
        return v;
    tcp = h.bytes + h.transport;
    v.gso_type = h.is4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
    if (tcp[13] & 0x80) /* CWR is the first segment's only */
        v.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
    v.gso_size = f->gso_bytes;
    v.hdr_len = (uint16_t)(v.csum_start + (tcp[12] >> 4) * 4);
    return v;
}

bool vnet_take(const struct virtio_net_hdr *h, struct hf_frame *f)
{
    /* What the kernel itself sends has no checksum yet, what it forwards it may have checked. */
    if (h->flags & (VIRTIO_NET_HDR_F_NEEDS_CSUM | VIRTIO_NET_HDR_F_DATA_VALID))
        f->flags |= HF_FRAME_CSUM_OK;
    switch (h->gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_NONE:
        return true;
    case VIRTIO_NET_HDR_GSO_TCPV4:
    case VIRTIO_NET_HDR_GSO_TCPV6:
        f->gso_bytes = h->gso_size;
        return true;
    default:
        return false;
    }
}
