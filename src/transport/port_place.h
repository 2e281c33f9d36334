/* How often each port is held, and where: what bind() looks at instead of the holders. Inside of
 * ports.c.
 *
 * A holder is counted at its address, at its family, at its port where it is an explicit one, and
 * once more at address and family by its link where it is bound to one. Whoever wants to bind asks
 * the few places that overlap with his own, however many hold the port. Each place that begins to
 * exist counts as a holder in the address's tally, where the search for a free one looks. */
#ifndef TRANSPORT_PORT_PLACE_H
#define TRANSPORT_PORT_PLACE_H

#include "transport/ports.h"

enum place_scope {
    PLACE_ADDRESS, /* an address, 0.0.0.0 or a :: that takes IPv4 too */
    PLACE_V6ONLY,  /* :: without IPv4 */
    PLACE_FAMILY,  /* any address of one family */
    PLACE_PORT,    /* explicit holders of any address: automatic ports keep clear of it */
};

/* What a holder puts up with: others with the same option. A listener has not PLACE_REUSE_ADDR. */
enum { PLACE_REUSE_ADDR = 1, PLACE_REUSE_PORT = 2, PLACE_CLASSES = 4 };

/* One that nobody is counted at any more stays for a while, since the next one comes soon as a
 * rule: its port still counts as held for those who look for a free one, until they find no other.
 */
struct port_place {
    struct hash_node node;
    struct list idle; /* in ports.idle_places while holders is 0 */
    struct ip_addr addr;
    uint32_t link;                                         /* 0: any */
    uint32_t unbound[PLACE_CLASSES], bound[PLACE_CLASSES]; /* to a link, by class */
    uint32_t holders;                                      /* all of them */
    uint32_t plain; /* of them, those without a link that the place stands for */
    struct port_place *by_port, *by_family; /* where these are counted too; NULL: none were yet */
    uint64_t freed_then;                    /* ports.places_freed when the last of them went */
    uint16_t port;
    uint8_t scope; /* enum place_scope */
};

/* Who holds, or would: an address, its family's any with v6only, a link or 0. */
struct port_spot {
    struct ip_addr addr;
    uint32_t link;
    uint16_t port;
    bool v6only, is_auto;
};

/* The spot of an explicit holder whom port_place_add gave that place. */
struct port_spot port_place_spot(const struct port_place *at);

/* Counts a holder, and gives the place that stands for its spot; NULL without memory. */
struct port_place *port_place_add(struct ports *p, const struct port_spot *at, unsigned class);
/* The place and class as it was counted: an explicit holder's; an automatic one's, by its spot. */
void port_place_remove(struct ports *p, struct port_place *place, unsigned class);
void port_place_remove_auto(struct ports *p, const struct port_spot *at, unsigned class);
/* Frees the places where nobody is counted; false when there was none. */
bool port_places_drop_idle(struct ports *p);
/* The holder's class has changed. */
void port_place_change(struct ports *p, const struct port_spot *at, unsigned from, unsigned to);

/* Somebody holds the port against one of that class at that spot. Linux: inet_csk_bind_conflict. */
bool port_place_conflicts(const struct ports *p, const struct port_spot *at, unsigned class);
/* Somebody else does, who asks being counted there as `own`. */
bool port_place_others_conflict(struct ports *p, const struct port_spot *at, unsigned own,
                                unsigned class);

/* The first port in low..high that nobody holds at at->addr, or -1. */
int32_t port_place_free_port(const struct ports *p, const struct port_spot *at, uint32_t low,
                             uint32_t high);

#endif
