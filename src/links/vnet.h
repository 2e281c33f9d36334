/* struct virtio_net_hdr, which stands before each frame of a TAP or TUN device that has
 * IFF_VNET_HDR: checksums not finished yet and segments not cut up yet, both ways. */
#ifndef LINKS_VNET_H
#define LINKS_VNET_H

#include <linux/virtio_net.h>

#include "handfast/frame.h"

/* What h must say of f, an IP packet behind link_header bytes, on its way out. */
struct virtio_net_hdr vnet_of(const struct hf_frame *f, uint32_t link_header);

/* What h says of f, which came in. False: of something that was not agreed on. */
bool vnet_take(const struct virtio_net_hdr *h, struct hf_frame *f);

#endif
