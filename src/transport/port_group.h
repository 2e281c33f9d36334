/* The automatic ports of one local address towards one peer. Inside of ports.c. */
#ifndef TRANSPORT_PORT_GROUP_H
#define TRANSPORT_PORT_GROUP_H

#include "transport/port_tally.h"

struct port_group {
    struct hash_node node;
    struct list idle; /* in ports.idle_groups while set is empty */
    struct ip_addr laddr, raddr;
    struct port_set set;
    struct port_tally *address, *family; /* of laddr, good while a port is counted there */
    uint32_t counted;                    /* ports that are */
    uint32_t offset;                     /* RFC 6056 3.3.4: where the search begins, */
    uint64_t freed_then;                 /* ports.tallies_freed when these were found */
    uint16_t *next;                      /* and the counter that goes with it */
    uint16_t rport;
};

void port_groups_init(struct ports *p);
/* Nobody may hold a port any more. */
void port_groups_fini(struct ports *p);

/* The group of e's address and peer, made when there is none; NULL without memory. Until a port is
 * held, lent until the next call of this. */
struct port_group *port_group_of_peer(struct ports *p, const struct demux_entry *e);

/* Sets address and family for a port that is to be counted. -HF_ENOMEM */
HF_NODISCARD int port_group_find_tallies(struct ports *p, struct port_group *g);

/* port is not in g. -HF_ENOMEM */
HF_NODISCARD int port_group_add(struct ports *p, struct port_group *g, uint16_t port);
void port_group_remove(struct ports *p, struct port_group *g, uint16_t port);

#endif
