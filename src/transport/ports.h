/* Who holds which local port. One `ports` for TCP, one for UDP.
 *
 * Three ways to hold: bind() takes a port of an address for itself, compared with others by Linux's
 * rules of SO_REUSEADDR and SO_REUSEPORT; connect() takes a port for one four-tuple only, so the
 * same port serves many peers (groups: per local address, peer and peer port, a few ports in line,
 * then a bitmap with a summary: the last free port costs what the first did); a listener's children
 * and their TIME-WAIT share its port and keep others from binding it. Holders are counted, not
 * listed (port_place.h, port_tally.h, port_fresh.h): however many hold a port, a bind looks at a
 * few numbers. RFC 6056 3.3.4.
 *
 * All sockets of a stack are one user's: SO_REUSEPORT asks nobody who he is. */
#ifndef TRANSPORT_PORTS_H
#define TRANSPORT_PORTS_H

#include "base/pool.h"
#include "transport/demux.h"
#include "transport/port_set.h"

#define PORT_COUNTERS 256 /* RFC 6056 3.3.4: table_length */
#define PORT_FRESH    64

/* An automatic port that is not counted yet; group NULL: none. port_fresh.h */
struct port_fresh {
    struct port_group *group;
    uint16_t port;
};

struct ports {
    struct core *core;
    struct demux *demux;
    struct hash places;  /* struct port_place */
    struct hash groups;  /* struct port_group, port_group.h */
    struct hash tallies; /* struct port_tally, port_tally.h */
    /* Those that were looked for last, as a rule the next ones too; NULL: none. */
    struct port_group *newest_group;
    struct port_place *newest_place;
    struct list idle_groups, idle_tallies, idle_places;
    uint32_t idle_group_count, idle_tally_count, idle_place_count;
    uint64_t tallies_freed, places_freed;
    struct pool place_pool, group_pool, tally_pool, tally_pages;
    struct port_fresh fresh[PORT_FRESH];
    uint32_t fresh_count;
    uint16_t next[PORT_COUNTERS]; /* RFC 6056 3.3.4: table */
    struct port_map taken;        /* that bind() holds: automatic ones keep clear of them */
    uint16_t min, max;            /* the automatic range */
    bool shared_tuples;           /* UDP: two sockets may have one four-tuple */
};

HF_NODISCARD int ports_init(struct ports *p, struct core *core, struct demux *demux, uint16_t min,
                            uint16_t max, bool shared_tuples);
void ports_fini(struct ports *p);

/* Holds laddr:port for pcb (port 0: any free one) and sets entry.laddr and lport.
 * -HF_EADDRINUSE: someone holds it against these options, or (port 0) none is free. -HF_ENOMEM. */
HF_NODISCARD int ports_bind(struct ports *p, struct pcb *pcb, const struct ip_addr *laddr,
                            uint16_t port);

/* listen() looks again, as a listener: two SO_REUSEADDR owners may not both listen. Sets
 * is_listening when it may. -HF_EADDRINUSE. */
HF_NODISCARD int ports_listen(struct ports *p, struct pcb *pcb);

/* What pcb's hold is counted by has changed: address, link, reuse_addr, reuse_port, is_listening.
 * Without memory it stays counted at the address where it was. */
void ports_changed(struct ports *p, struct pcb *pcb);

/* For connect(): laddr, raddr and rport are set and lport is 0: picks one and holds it for this
 * four-tuple. -HF_EADDRNOTAVAIL: none is left. -HF_ENOMEM. Does not enter the demux. */
HF_NODISCARD int ports_connect(struct ports *p, struct pcb *pcb);

/* A listener's child holds the port with it. -HF_ENOMEM. */
HF_NODISCARD int ports_child(struct ports *p, struct pcb *child, const struct pcb *listener);

/* pcb, which bound it, holds its port beside the TIME-WAIT record that took over its hold. Without
 * memory it is as if it had not been bound. */
void ports_hold_too(struct ports *p, struct pcb *pcb, const struct demux_entry *record);

/* Gives the port up, however it was held, a TIME-WAIT record's too. lport keeps its value. */
void ports_release(struct ports *p, struct demux_entry *e);

#endif
