/* The network layer of one stack: links, addresses, routes, neighbours, IP in and out. Transports
 * stand above it and hand it their functions (struct net_up). */
#ifndef NET_NET_H
#define NET_NET_H

#include "base/core.h"
#include "handfast/link.h"
#include "wire/addr.h"

/* What an IP header said, for the transport above. */
struct ip_info {
    struct ip_addr src, dst;
    struct hf_link *link; /* by which it came */
    uint8_t proto, ttl, tos;
    bool dst_is_unicast; /* not broadcast, not multicast */
    bool src_is_local;   /* came by the loopback link */
    bool dont_fragment;  /* of what was handed over (handover.h) */
};

/* An ICMP error about a packet of ours, made one for both families. */
enum icmp_error_kind {
    ICMP_ERR_NET_UNREACH,   /* v4 3/0,6,11; v6 1/0: no route */
    ICMP_ERR_HOST_UNREACH,  /* v4 3/1,5,7,8,12; v6 1/2,3 */
    ICMP_ERR_PROTO_UNREACH, /* v4 3/2; v6 4/1 next header */
    ICMP_ERR_PORT_UNREACH,  /* v4 3/3; v6 1/4 */
    ICMP_ERR_PROHIBITED,    /* v4 3/9,10,13,14,15; v6 1/1,5,6 */
    ICMP_ERR_TOO_BIG,       /* v4 3/4; v6 2/0: mtu is set */
    ICMP_ERR_TIME_EXCEEDED, /* v4 11; v6 3 */
    ICMP_ERR_PARAMETER,     /* v4 12; v6 4 */
    ICMP_ERR_QUENCH,        /* v4 4: ignored, RFC 6633 */
    ICMP_ERR_UNKNOWN,       /* v6, any other below 128: RFC 4443 2.4 (a) */
};

struct icmp_error {
    enum icmp_error_kind kind;
    uint8_t type, code;      /* as they stood */
    uint32_t info;           /* the message's second word: mtu, pointer */
    struct ip_addr reporter; /* who sent the error */
    struct ip_addr src, dst; /* of the quoted packet: src is ours */
    uint8_t proto;           /* of the quoted packet */
    uint8_t ttl, tos;        /* of the error */
    const uint8_t *quoted;   /* what follows the quoted IP header; lent */
    uint32_t quoted_len;     /* at least 8 */
    struct hf_link *link;
};

/* What a transport hands down, one per IP protocol. ctx is the transport's own. */
struct net_up {
    void *ctx;
    /* A packet for this protocol, f's head at the transport header. Takes f. */
    void (*input)(void *ctx, const struct ip_info *ip, struct hf_frame *f);
    /* An ICMP error that quotes a packet of this protocol, sent from this host. */
    void (*error)(void *ctx, const struct icmp_error *e);
    /* A socket here would take a packet to that address and port. */
    bool (*is_bound)(void *ctx, const struct ip_addr *dst, uint16_t port);
};

#define NET_LINKS 16

struct route_table; /* route.c */
struct neigh_table; /* neighbour.c */
struct path_table;  /* path.c */
struct reassembly;  /* fragment.c */
struct group_table; /* group.c */

struct net_addr { /* address.c: an address of this host */
    struct ip_addr addr;
    unsigned bits; /* of its prefix, in the 128-bit form */
    struct hf_link *link;
};

struct net {
    struct core *core;
    struct hf_link *links[NET_LINKS + 1]; /* by index; [0] is unused */
    unsigned links_end;                   /* all have a lower index */
    struct hf_link *lo;
    struct net_addr *addrs; /* addr_count of them, room for addr_room */
    uint32_t addr_count, addr_room;
    struct route_table *routes;
    struct neigh_table *neighbours;
    struct path_table *paths;
    struct reassembly *reassembly;
    struct group_table *groups;
    struct net_up up[256];  /* by IP protocol; input NULL: none */
    hf_time icmp_tokens_at; /* rate limit of ICMP errors sent, icmp.c */
    uint32_t icmp_tokens;
    struct icmp_credit *icmp_credits; /* and of those to one host; NULL: not needed yet */
    uint16_t ip_id;                   /* for packets that may be fragmented */
};

HF_NODISCARD int net_init(struct net *net, struct core *core);
void net_fini(struct net *net);

HF_NODISCARD int net_attach(struct net *net, struct hf_link *link);
void net_detach(struct net *net, struct hf_link *link);
struct hf_link *net_link_by_name(struct net *net, const char *name);
/* NULL: there is none. */
static inline struct hf_link *net_link_by_index(const struct net *net, uint32_t index)
{
    return index <= NET_LINKS ? net->links[index] : NULL;
}

/* The link's input function points here. Takes f. */
void net_input(void *net, struct hf_link *link, struct hf_frame *f);

/* Frames to this host itself that wait on the loopback link; each poll handles those that were
 * there when it began. */
void net_poll(struct net *net);
hf_time net_deadline(const struct net *net);

/* addr is this host's own: added by net_addr_add, in a local route (127/8 and AnyIP), or :: /
 * 0.0.0.0 never. */
bool net_is_local(const struct net *net, const struct ip_addr *addr);
/* addr is a broadcast address: 255.255.255.255 or a link's directed one. */
bool net_is_broadcast(const struct net *net, const struct ip_addr *addr);

HF_NODISCARD int net_addr_add(struct net *net, struct hf_link *link, const struct ip_addr *addr,
                              unsigned bits);

#endif
