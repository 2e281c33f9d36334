/* Neighbour discovery: solicitations and advertisements. RFC 4861 7. Router advertisements and
 * redirects are not acted on: addresses and routes are the stack's owner's. */
#include "wire/ndp.h"

#include "net/address.h"
#include "net/link.h"
#include "net/neighbour.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ether.h"
#include "wire/ip6.h"

/* Sends m from src to dst at mac, past the routing: neighbours are on the link by definition. */
static void ndp_send(struct net *net, struct hf_link *link, const struct ip_addr *src,
                     const struct ip_addr *dst, const uint8_t mac[6], const struct ndp_message *m)
{
    struct hf_frame *f = hf_frame_new(net->core->pool);
    uint8_t bytes[NDP_MESSAGE_MAX];
    uint32_t len = ndp_write(m, bytes);
    struct ip6_header h = {.src = *src,
                           .dst = *dst,
                           .payload_bytes = (uint16_t)len,
                           .next_header = IP_PROTO_ICMPV6,
                           .hop_limit = NDP_HOP_LIMIT};
    uint32_t sum;

    if (!f) {
        core_drop(net->core, HF_DROP_NO_MEMORY, NULL);
        return;
    }
    sum = csum_add(csum_pseudo(src, dst, IP_PROTO_ICMPV6, len), bytes, len);
    put16(bytes + 2, csum_finish(sum));
    memcpy(hf_frame_put(f, len), bytes, len);
    ip6_header_write(&h, hf_frame_push(f, IP6_HEADER));
    net->core->stats.packets_out++;
    link_output_ether(net, link, mac, ETHER_IP6, f);
}

/* RFC 4861 7.2.2 */
void ndp_solicit(struct net *net, struct hf_link *link, const struct ip_addr *target,
                 const uint8_t *mac)
{
    struct ndp_message m = {.type = NDP_SOLICIT, .target = *target};
    struct ip_addr src, dst = *target;
    uint8_t group_mac[ETHER_MAC];

    if (!mac) {
        dst = ndp_solicited_node(target);
        ether_group_mac(&dst, group_mac);
        mac = group_mac;
    }
    if (address_select(net, target, target, link, &src)) {
        core_drop(net->core, HF_DROP_IP_NO_ROUTE, NULL);
        return;
    }
    m.has_mac = true;
    memcpy(m.mac, link->mac, ETHER_MAC);
    ndp_send(net, link, &src, &dst, mac, &m);
}

/* RFC 4861 7.2.4. To one that has no address yet the answer goes to all nodes. */
static void advertise(struct net *net, struct hf_link *link, const struct ip_addr *target,
                      const struct ip_addr *to, const uint8_t *to_mac)
{
    struct ip_addr all_nodes = {{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}};
    struct ndp_message m = {.type = NDP_ADVERT, .is_override = true, .target = *target};
    uint8_t group_mac[ETHER_MAC];

    m.has_mac = true;
    memcpy(m.mac, link->mac, ETHER_MAC);
    if (addr_is_any(to)) {
        ether_group_mac(&all_nodes, group_mac);
        ndp_send(net, link, target, &all_nodes, group_mac, &m);
        return;
    }
    m.is_solicited = true;
    ndp_send(net, link, target, to, to_mac, &m);
}

/* RFC 4861 7.1.1, 7.2.3 */
static bool solicit_input(struct net *net, const struct ip_info *ip, const struct ndp_message *m)
{
    const struct neighbour *n;
    bool is_probe = addr_is_any(&ip->src);

    if (is_probe && (m->has_mac || ip->dst_is_unicast))
        return false;
    if (!address_is_on(net, &m->target, ip->link) || addr_is_loopback(&m->target))
        return true;
    if (is_probe) {
        advertise(net, ip->link, &m->target, &ip->src, NULL);
        return true;
    }
    if (m->has_mac && !net_is_local(net, &ip->src))
        neighbour_learn(net, ip->link, &ip->src, m->mac, NEIGH_ASKED_US);
    if (m->has_mac) {
        advertise(net, ip->link, &m->target, &ip->src, m->mac);
        return true;
    }
    n = neighbour_find(net, ip->link, &ip->src);
    if (n && n->state > NEIGH_INCOMPLETE)
        advertise(net, ip->link, &m->target, &ip->src, n->mac);
    return true;
}

/* RFC 4861 7.1.2, 7.2.5. An answer without a link-layer address confirms the one it was asked at.
 */
static bool advert_input(struct net *net, const struct ip_info *ip, const struct ndp_message *m)
{
    const struct neighbour *n = neighbour_find(net, ip->link, &m->target);
    const uint8_t *mac = m->has_mac ? m->mac : NULL;

    if (m->is_solicited && !ip->dst_is_unicast)
        return false;
    if (!mac && m->is_solicited && n && n->state > NEIGH_INCOMPLETE)
        mac = n->mac;
    if (mac && !net_is_local(net, &m->target))
        neighbour_learn(net, ip->link, &m->target, mac,
                        m->is_solicited ? NEIGH_ANSWER : NEIGH_ANNOUNCE);
    return true;
}

void ndp_input(struct net *net, const struct ip_info *ip, struct hf_frame *f)
{
    struct ndp_message m;
    bool is_good = false;

    if (!(ip->link->flags & HF_LINK_ETHERNET) ||
        (f->head[0] != NDP_SOLICIT && f->head[0] != NDP_ADVERT)) {
        core_drop(net->core, HF_DROP_ICMP_TYPE, f);
        return;
    }
    /* The hop limit shows that no router passed it on: its sender is on the link. */
    if (ip->ttl == NDP_HOP_LIMIT && ndp_read(f, &m))
        is_good = m.type == NDP_SOLICIT ? solicit_input(net, ip, &m) : advert_input(net, ip, &m);
    if (is_good)
        hf_frame_free(f);
    else
        core_drop(net->core, HF_DROP_NDP_BAD, f);
}
