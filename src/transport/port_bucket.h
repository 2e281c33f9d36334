/* The holders of one local port, but for the automatic ones. Inside of ports.c. */
#ifndef TRANSPORT_PORT_BUCKET_H
#define TRANSPORT_PORT_BUCKET_H

#include "base/list.h"
#include "transport/ports.h"

/* Children and TIME-WAIT records alike in address and options: a count. */
struct port_share {
    struct list link;
    struct port_bucket *bucket;
    struct ip_addr laddr;
    uint32_t count;
    bool reuse_addr, reuse_port;
};

/* Exists while holders > 0, and then its port is in ports->taken. */
struct port_bucket {
    struct hash_node node;
    struct ports *ports;
    struct list owners; /* struct pcb by port_link: PORT_BOUND */
    struct list shares; /* struct port_share: PORT_CHILD */
    struct port_share
        unplaced; /* those for whose share there was no memory: as if of any address */
    uint32_t holders;
    uint16_t port;
};

/* NULL: nobody holds it so. */
struct port_bucket *port_bucket_find(const struct ports *p, uint16_t port);

/* Makes pcb an owner of port, e a sharer. -HF_ENOMEM. */
HF_NODISCARD int port_bucket_own(struct ports *p, struct pcb *pcb, uint16_t port);
HF_NODISCARD int port_bucket_share(struct ports *p, struct demux_entry *e, uint16_t port);
/* Undo each; the last holder's bucket goes. */
void port_bucket_disown(struct port_bucket *b, struct pcb *pcb);
void port_bucket_unshare(struct port_share *s);
/* The owner becomes a sharer: the share that counts it. */
struct port_share *port_bucket_demote(struct port_bucket *b, struct pcb *pcb);

/* Someone holds the port against pcb's options at laddr. Linux: inet_csk_bind_conflict. */
bool port_bucket_conflicts(const struct port_bucket *b, const struct pcb *pcb,
                           const struct ip_addr *laddr);
/* Someone listens where pcb would. */
bool port_bucket_is_listened(const struct port_bucket *b, const struct pcb *pcb);

#endif
