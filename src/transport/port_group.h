/* Sets of ports that are taken: the automatic ones of one local address towards one peer, and those
 * of one place (port_place.h), where bind() looks for a free one. Inside of ports.c. */
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
    uint16_t rport; /* 0: a place's */
    uint8_t scope;  /* then: enum place_scope */
    uint16_t ports[PORT_INLINE];
};

/* The group of e's address and peer, made when there is none; NULL without memory. */
struct port_group *port_group_of_peer(struct ports *p, const struct demux_entry *e);
/* Likewise of a place. */
struct port_group *port_group_of_place(struct ports *p, const struct ip_addr *addr, uint8_t scope);
/* NULL: there is none. */
struct port_group *port_group_find_place(const struct ports *p, const struct ip_addr *addr,
                                         uint8_t scope);
/* Frees g when it is empty. */
void port_group_put(struct ports *p, struct port_group *g);

/* The first port in low..high that is in none of the n groups nor in the bitmap taken (or NULL), or
 * -1. */
int32_t port_groups_free_port(const struct port_group *const *groups, unsigned n,
                              const uint64_t *taken, uint32_t low, uint32_t high);
/* port is not in g. -HF_ENOMEM */
HF_NODISCARD int port_group_add(struct ports *p, struct port_group *g, uint16_t port);
void port_group_remove(struct port_group *g, uint16_t port);

#endif
