/* IP out: the fifth stop of a connect. */
#ifndef NET_IP_OUTPUT_H
#define NET_IP_OUTPUT_H

#include "net/path.h"

#define IP_TTL_DEFAULT 64 /* RFC 1700, RFC 4861 6.3.2 */

struct ip_out {
    struct path *path; /* lent */
    struct ip_addr src, dst;
    uint8_t proto;
    uint8_t ttl;         /* hop limit; 0: the default of 64 */
    uint8_t tos;         /* traffic class, ECN bits included */
    bool dont_fragment;  /* IPv4 DF; for IPv6: do not fragment here either */
    bool by_link_mtu;    /* what was learned of the path does not count */
    bool is_unchecked;   /* without a checksum of the transport, which is to be seen */
    bool stays_here;     /* a group's packet without hops to go: ttl 0 would be the default */
    bool loops_back;     /* a copy to this host's own members of the group: RFC 1112 6.1 */
    uint16_t cut;        /* larger ones go in pieces, where the path's MTU is not less; 0: no */
    uint32_t flow_label; /* IPv6 */
};

/* Puts the IP header in front of f and sends it. Takes f. A packet that is larger than the path's
 * MTU and has no gso_bytes is fragmented, or refused when dont_fragment. The transport checksum is
 * already right, or HF_FRAME_CSUM_PARTIAL. Returns 0, -HF_EMSGSIZE, -HF_ENOBUFS. */
int ip_output(struct net *net, struct hf_frame *f, const struct ip_out *out);

/* Whether the path takes HF_FRAME_CSUM_PARTIAL frames: only this host or a capable link sees them.
 */
static inline bool path_takes_partial(const struct path *p)
{
    return (p->link->flags & (HF_LINK_CSUM | HF_LINK_LOOPBACK)) != 0;
}

/* Puts a transport checksum into a segment whose transport header starts at head: complete, or the
 * pseudo-header's part with HF_FRAME_CSUM_PARTIAL where the path allows it. csum_off: where in the
 * transport header it stands. UDP's 0 becomes ffff. */
void ip_transport_csum(struct hf_frame *f, const struct ip_out *out, uint32_t csum_off);

/* Whether the transport checksum of a received frame is right (or need not be looked at). */
bool ip_transport_csum_ok(const struct hf_frame *f, const struct ip_info *ip);

#endif
