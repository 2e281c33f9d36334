/* UDP datagrams. */
#include "wire/udp.h"

#include "wire/bytes.h"

bool udp_header_read(struct hf_frame *f, struct udp_header *out)
{
    if (!hf_frame_pull(f, UDP_HEADER))
        return false;
    out->src_port = get16(f->head);
    out->dst_port = get16(f->head + 2);
    out->len = get16(f->head + 4);
    out->checksum = get16(f->head + 6);
    return out->len >= UDP_HEADER && out->len <= f->len;
}

void udp_header_write(const struct udp_header *h, uint8_t to[UDP_HEADER])
{
    put16(to, h->src_port);
    put16(to + 2, h->dst_port);
    put16(to + 4, h->len);
    put16(to + 6, h->checksum);
}
