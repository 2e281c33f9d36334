/* Ethernet headers and the addresses that derive from or map to MACs. */
#include "wire/ether.h"

#include "wire/bytes.h"

bool ether_header_read(struct hf_frame *f, struct ether_header *out)
{
    if (!hf_frame_pull(f, ETHER_HEADER))
        return false;
    memcpy(out->dst, f->head, ETHER_MAC);
    memcpy(out->src, f->head + 6, ETHER_MAC);
    out->type = get16(f->head + 12);
    return true;
}

void ether_header_write(const struct ether_header *h, uint8_t to[ETHER_HEADER])
{
    memcpy(to, h->dst, ETHER_MAC);
    memcpy(to + 6, h->src, ETHER_MAC);
    put16(to + 12, h->type);
}

void ether_group_mac(const struct ip_addr *group, uint8_t mac[ETHER_MAC])
{
    if (!addr_is4(group)) {
        mac[0] = mac[1] = 0x33;
        memcpy(mac + 2, group->b + 12, 4);
        return;
    }
    if (!addr_is_multicast(group)) {
        memset(mac, 0xff, ETHER_MAC);
        return;
    }
    mac[0] = 0x01;
    mac[1] = 0x00;
    mac[2] = 0x5e;
    mac[3] = group->b[13] & 0x7f;
    mac[4] = group->b[14];
    mac[5] = group->b[15];
}

void ether_eui64(const uint8_t mac[ETHER_MAC], uint8_t id[8])
{
    id[0] = mac[0] ^ 0x02;
    id[1] = mac[1];
    id[2] = mac[2];
    id[3] = 0xff;
    id[4] = 0xfe;
    memcpy(id + 5, mac + 3, 3);
}
