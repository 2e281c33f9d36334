/* How many hold each port at one address: where bind() looks for a free one, and for those whom
 * connect() gave a port. Inside of ports.c.
 *
 * An automatic port of a socket without SO_REUSEADDR or SO_REUSEPORT is counted here and nowhere
 * else, at its address and at its family; of all others each place (port_place.h) is, once. */
#ifndef TRANSPORT_PORT_TALLY_H
#define TRANSPORT_PORT_TALLY_H

#include "transport/port_set.h"
#include "transport/ports.h"

/* From the 33rd port on: holders by port, in pages that exist while they have any. */
struct tally_page {
    uint32_t ports; /* with a holder */
    uint32_t holders[64];
};

struct port_tally {
    struct hash_node node;
    struct list idle; /* in ports.idle_tallies while nobody holds a port */
    struct ip_addr addr;
    struct port_set set; /* ports with a holder */
    struct tally_page **pages;
    uint32_t holders[PORT_INLINE]; /* while set has no map: of set.ports */
    uint8_t scope;                 /* enum place_scope */
};

void port_tally_init(struct ports *p);
/* Nobody may hold a port any more. */
void port_tally_fini(struct ports *p);

/* NULL: there is none. */
struct port_tally *port_tally_find(const struct ports *p, const struct ip_addr *addr,
                                   uint8_t scope);
/* Made when there is none; NULL without memory. Unless a port is counted, it may be gone after the
 * next call but one. */
struct port_tally *port_tally_get(struct ports *p, const struct ip_addr *addr, uint8_t scope);

/* One holder more, or less. -HF_ENOMEM */
HF_NODISCARD int port_tally_add(struct ports *p, struct port_tally *t, uint16_t port);
void port_tally_remove(struct ports *p, struct port_tally *t, uint16_t port);
uint32_t port_tally_holders(const struct port_tally *t, uint16_t port);

#endif
