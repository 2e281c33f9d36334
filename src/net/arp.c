/* ARP: who has an IPv4 address on an Ethernet. RFC 826, RFC 5227 for what to leave alone. */
#include "wire/arp.h"

#include "net/address.h"
#include "net/link.h"
#include "net/neighbour.h"
#include "wire/ether.h"

static void arp_send(struct net *net, struct hf_link *link, const uint8_t mac[6],
                     const struct arp_packet *p)
{
    struct hf_frame *f = hf_frame_new(net->core->pool);

    if (!f) {
        core_drop(net->core, HF_DROP_NO_MEMORY, NULL);
        return;
    }
    arp_write(p, hf_frame_put(f, ARP_PACKET));
    link_output_ether(net, link, mac, ETHER_ARP, f);
}

void arp_solicit(struct net *net, struct hf_link *link, const struct ip_addr *target,
                 const uint8_t *mac)
{
    static const uint8_t everybody[ETHER_MAC] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct arp_packet p = {.op = ARP_REQUEST, .target = *target};

    /* Without an address yet the question is a probe, sender 0.0.0.0. RFC 5227 2.1.1 */
    if (address_select(net, target, target, link, &p.sender))
        p.sender = ADDR_ANY4;
    memcpy(p.sender_mac, link->mac, ETHER_MAC);
    arp_send(net, link, mac ? mac : everybody, &p);
}

/* A host address of ours that the network may know: RFC 1122 3.2.1.3 (g) keeps 127/8 inside. */
static bool is_answered_for(const struct net *net, const struct ip_addr *target)
{
    return !addr_is_loopback(target) && net_is_local(net, target);
}

void arp_input(struct net *net, struct hf_link *link, struct hf_frame *f)
{
    enum neigh_claim claim = NEIGH_ANNOUNCE;
    struct arp_packet p, reply;
    bool is_for_us;

    if (!arp_read(f, &p) || ether_is_group(p.sender_mac) || addr_is_multicast(&p.sender) ||
        addr_is_loopback(&p.sender) || net_is_broadcast(net, &p.sender)) {
        core_drop(net->core, HF_DROP_ARP_BAD, f);
        return;
    }
    is_for_us = is_answered_for(net, &p.target);
    if (p.op == ARP_REQUEST && is_for_us)
        claim = NEIGH_ASKED_US;
    else if (p.op == ARP_REPLY && is_for_us && !(f->flags & HF_FRAME_LINK_BCAST))
        claim = NEIGH_ANSWER;
    /* Who claims our own address, or asks before it has one, teaches nothing. */
    if (!addr_is_any(&p.sender) && !net_is_local(net, &p.sender))
        neighbour_learn(net, link, &p.sender, p.sender_mac, claim);
    hf_frame_free(f);
    if (p.op != ARP_REQUEST || !is_for_us)
        return;
    reply.op = ARP_REPLY;
    reply.sender = p.target;
    memcpy(reply.sender_mac, link->mac, ETHER_MAC);
    reply.target = p.sender;
    memcpy(reply.target_mac, p.sender_mac, ETHER_MAC);
    arp_send(net, link, p.sender_mac, &reply);
}
