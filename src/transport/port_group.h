/* The automatic ports of one local address towards one peer. Inside of ports.c. */
#ifndef TRANSPORT_PORT_GROUP_H
#define TRANSPORT_PORT_GROUP_H

#include "transport/ports.h"

#define PORT_WORDS  1024 /* 64 ports each */
#define PORT_INLINE 32

/* A bitmap of all ports, and which of its words are full. */
struct port_map {
    uint64_t words[PORT_WORDS];
    uint64_t full[PORT_WORDS / 64];
};

/* Exists while count > 0. */
struct port_group {
    struct hash_node node;
    struct ip_addr laddr, raddr;
    struct port_map *map; /* NULL while the ports are in line */
    uint32_t count;
    uint16_t rport;
    uint16_t ports[PORT_INLINE];
};

/* The group of e's address and peer, made when there is none; NULL without memory. */
struct port_group *port_group_get(struct ports *p, const struct demux_entry *e);
/* Frees g when it is empty. */
void port_group_put(struct ports *p, struct port_group *g);

/* The first port in low..high that neither g uses nor bind() holds, or -1. */
int32_t port_group_free_port(const struct ports *p, const struct port_group *g, uint16_t low,
                             uint16_t high);
/* port is not in g. -HF_ENOMEM */
HF_NODISCARD int port_group_add(struct ports *p, struct port_group *g, uint16_t port);
void port_group_remove(struct port_group *g, uint16_t port);

/* Automatic holders by (laddr, port), so that bind() need not look through the groups.
 * Counts one; -HF_ENOMEM. */
HF_NODISCARD int port_auto_add(struct ports *p, const struct ip_addr *laddr, uint16_t port,
                               bool reuse_addr);
void port_auto_remove(struct ports *p, const struct ip_addr *laddr, uint16_t port, bool reuse_addr);
/* One of them holds port against a bind of pcb to laddr. */
bool port_auto_conflicts(const struct ports *p, const struct pcb *pcb, const struct ip_addr *laddr,
                         uint16_t port);

#endif
