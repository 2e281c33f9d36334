/* Which socket a packet is for: by four-tuple, else by local address and port. One demux for TCP,
 * one for UDP. RFC 9293 3.10.7, RFC 1122 4.1.3.5. */
#ifndef TRANSPORT_DEMUX_H
#define TRANSPORT_DEMUX_H

#include "transport/pcb.h"

/* Where a search for a bound entry ended that depends on nothing else: the next one is the same as
 * a rule. */
struct demux_newest {
    struct demux_entry *found; /* NULL: nothing is known */
    struct ip_addr laddr;
    uint32_t link_index;
    uint16_t lport;
};

struct demux {
    struct core *core;
    struct hash conns;              /* struct demux_entry by four-tuple */
    struct hash bound;              /* by local port and address */
    struct demux_entry *any_dst[2]; /* a gateway's, IPv4's and IPv6's, or NULL */
    struct demux_newest newest;
    bool has_unheld; /* there was one: its children have four-tuples and hold no port */
};

HF_NODISCARD int demux_init(struct demux *d, struct core *core);
void demux_fini(struct demux *d);

/* Enters by four-tuple (all four are set) or by local address and port; kind says which afterwards.
 */
void demux_insert_conn(struct demux *d, struct demux_entry *e);
void demux_insert_bound(struct demux *d, struct demux_entry *e);
/* The link or SO_REUSEPORT of a bound entry has changed. */
void demux_changed(struct demux *d, struct demux_entry *e);
/* From whichever table; none is fine. */
void demux_remove(struct demux *d, struct demux_entry *e);

/* Puts to in from's place: the same tuple, now a TIME-WAIT record, say. to copies the identity and
 * the port hold of from, which then has neither. */
void demux_replace(struct demux *d, struct demux_entry *from, struct demux_entry *to);

/* An entry with exactly that four-tuple, or NULL. link_index: by which it came (0: any): entries
 * bound to another link do not match. */
struct demux_entry *demux_find_conn(const struct demux *d, const struct ip_addr *laddr,
                                    uint16_t lport, const struct ip_addr *raddr, uint16_t rport,
                                    uint32_t link_index);

/* Whether that end of a connection is the second, where it must not matter which of the two is
 * meant.
 */
static inline bool demux_is_second(const struct ip_addr *laddr, uint16_t lport,
                                   const struct ip_addr *raddr, uint16_t rport)
{
    return lport != rport ? lport > rport : memcmp(laddr, raddr, sizeof(*laddr)) > 0;
}

/* The same by the hash of the four-tuple, which is the same for either of its ends. */
uint32_t demux_hash(const struct demux *d, const struct ip_addr *laddr, uint16_t lport,
                    const struct ip_addr *raddr, uint16_t rport);
/* An entry of that hash is about to be entered: its place is fetched meanwhile. */
static inline void demux_expect(const struct demux *d, uint32_t hash)
{
    hash_expect(&d->conns, hash);
}
void demux_insert_hashed(struct demux *d, struct demux_entry *e, uint32_t hash);
struct demux_entry *demux_find_hashed(const struct demux *d, uint32_t hash,
                                      const struct ip_addr *laddr, uint16_t lport,
                                      const struct ip_addr *raddr, uint16_t rport,
                                      uint32_t link_index);

/* The other end of e, which is in by its four-tuple, if that is here too, for packets by that link;
 * e itself where both are one; else NULL. */
struct demux_entry *demux_find_peer(const struct demux *d, const struct demux_entry *e,
                                    uint32_t link_index);

/* The bound entry that suits best: its address exactly, else the family's any, else an IPv6 any
 * that is not v6only, else any_dst; among SO_REUSEPORT equals one by the hash of the peer. */
struct demux_entry *demux_find_bound(struct demux *d, const struct ip_addr *laddr, uint16_t lport,
                                     const struct ip_addr *raddr, uint16_t rport,
                                     uint32_t link_index);

/* Visits every entry that a datagram to all (a group, a broadcast address) suits: connected ones
 * with that four-tuple, and all that are bound where demux_find_bound would look, but for any_dst.
 */
void demux_visit_all(const struct demux *d, const struct ip_addr *laddr, uint16_t lport,
                     const struct ip_addr *raddr, uint16_t rport, uint32_t link_index,
                     void (*visit)(void *ctx, struct demux_entry *e), void *ctx);

#endif
