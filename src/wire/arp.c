/* ARP packets. RFC 826. */
#include "wire/arp.h"

#include "wire/bytes.h"
#include "wire/ether.h"

#define ARP_HARDWARE_ETHERNET 1

bool arp_read(struct hf_frame *f, struct arp_packet *out)
{
    const uint8_t *p;

    if (!hf_frame_pull(f, ARP_PACKET))
        return false;
    p = f->head;
    if (get16(p) != ARP_HARDWARE_ETHERNET || get16(p + 2) != ETHER_IP4 || p[4] != 6 || p[5] != 4)
        return false;
    out->op = get16(p + 6);
    memcpy(out->sender_mac, p + 8, 6);
    out->sender = addr_from4(p + 14);
    memcpy(out->target_mac, p + 18, 6);
    out->target = addr_from4(p + 24);
    return true;
}

void arp_write(const struct arp_packet *a, uint8_t to[ARP_PACKET])
{
    put16(to, ARP_HARDWARE_ETHERNET);
    put16(to + 2, ETHER_IP4);
    to[4] = 6;
    to[5] = 4;
    put16(to + 6, a->op);
    memcpy(to + 8, a->sender_mac, 6);
    memcpy(to + 14, a->sender.b + 12, 4);
    memcpy(to + 18, a->target_mac, 6);
    memcpy(to + 24, a->target.b + 12, 4);
}
