/* Neighbours on Ethernet links: who has which MAC address, and whether it still answers. One cache
 * for ARP (RFC 826) and NDP (RFC 4861), with NDP's states for both, as Linux does. */
#ifndef NET_NEIGHBOUR_H
#define NET_NEIGHBOUR_H

#include "net/path.h"

/* NONE: nothing known, nobody asked; no MAC, no frames wait.
 * INCOMPLETE: asked, no MAC yet; frames wait, the timer runs.
 * REACHABLE: the MAC was confirmed less than the reachable time ago; no timer.
 * STALE: the MAC is known but not confirmed; used, then DELAY begins.
 * DELAY: as STALE; the timer leaves the upper layers time to confirm it.
 * PROBE: as STALE; asked at the MAC itself, the timer runs. RFC 4861 7.3.2 */
enum neigh_state {
    NEIGH_NONE,
    NEIGH_INCOMPLETE,
    NEIGH_REACHABLE,
    NEIGH_STALE,
    NEIGH_DELAY,
    NEIGH_PROBE,
};

struct neighbour {
    struct hash_node node;
    struct list link_in_idle; /* while no path refers to it, oldest first */
    struct net *net;
    struct hf_link *link;
    struct ip_addr addr;
    struct timer timer;
    hf_time reachable_until;       /* REACHABLE: when it becomes STALE */
    struct hf_frame *first, *last; /* waiting IP packets, in order */
    uint32_t refs;                 /* paths */
    uint8_t waiting;               /* frames */
    uint8_t state;                 /* enum neigh_state */
    uint8_t probes;                /* asked so often without an answer */
    uint8_t mac[6];
};

HF_NODISCARD int neighbour_init(struct net *net);
void neighbour_fini(struct net *net);
/* Forgets the link's neighbours, with the frames that wait. No path may refer to them any more. */
void neighbour_drop_link(struct net *net, const struct hf_link *link);

/* The entry for addr on link, made if need be, one reference more; NULL when the table is full of
 * neighbours in use or memory is out. */
struct neighbour *neighbour_get(struct net *net, struct hf_link *link, const struct ip_addr *addr);
/* NULL is fine. */
void neighbour_put(struct neighbour *n);

/* Sends the IP packet to n, or parks it and asks. Takes f. */
void neighbour_output(struct neighbour *n, struct hf_frame *f);

/* The upper layer heard from it. RFC 4861 7.3.1 */
void neighbour_confirm(struct neighbour *n);

/* What a solicitation or advertisement said. */
enum neigh_claim {
    NEIGH_ASKED_US, /* it asked for an address of ours: it will want an answer */
    NEIGH_ANSWER,   /* it answers, to us */
    NEIGH_ANNOUNCE, /* nobody asked */
};
/* addr on link says its MAC is mac. A claim never replaces a known MAC unless we have asked: it
 * only makes us ask. */
void neighbour_learn(struct net *net, struct hf_link *link, const struct ip_addr *addr,
                     const uint8_t mac[6], enum neigh_claim claim);

/* For `ip neigh`-like views and tests: the entry, not counted, or NULL. */
struct neighbour *neighbour_find(const struct net *net, const struct hf_link *link,
                                 const struct ip_addr *addr);
/* Calls visit for every entry, in no order; visit changes none. */
void neighbour_visit(const struct net *net, void (*visit)(void *ctx, const struct neighbour *n),
                     void *ctx);

/* arp.c, ndp.c: take an ARP packet (head at it); ask who has target, at mac or (NULL) everybody. */
void arp_input(struct net *net, struct hf_link *link, struct hf_frame *f);
void arp_solicit(struct net *net, struct hf_link *link, const struct ip_addr *target,
                 const uint8_t *mac);
/* Takes an ICMPv6 neighbour discovery message whose checksum is right. */
void ndp_input(struct net *net, const struct ip_info *ip, struct hf_frame *f);
void ndp_solicit(struct net *net, struct hf_link *link, const struct ip_addr *target,
                 const uint8_t *mac);

#endif
