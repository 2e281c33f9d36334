/* Automatic ports that were taken a moment ago, and are not counted yet. Inside of ports.c.
 *
 * Such a port is given back soon, as a rule, and nobody will have asked meanwhile who holds what.
 * So it is counted (port_tally.h) when somebody asks, or when another port needs its place here. */
#ifndef TRANSPORT_PORT_FRESH_H
#define TRANSPORT_PORT_FRESH_H

#include "transport/port_group.h"

/* A holder of port in g, who puts up with nobody, comes; and goes, counted or not. -HF_ENOMEM: an
 * older one could not be counted; nothing has changed. */
HF_NODISCARD int port_fresh_add(struct ports *p, struct port_group *g, uint16_t port);
void port_fresh_remove(struct ports *p, struct port_group *g, uint16_t port);

/* Counts all there are: before tallies are looked at. -HF_ENOMEM */
HF_NODISCARD int port_fresh_count_all(struct ports *p);

#endif
