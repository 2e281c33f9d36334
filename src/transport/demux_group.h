/* Bound entries that share an address, a port and a link by SO_REUSEPORT: in the demultiplexer's
 * table one entry stands for all of them, so that who gets a packet, and who goes, does not depend
 * on how many they are. Linux: struct sock_reuseport. Inside of demux.c. */
#ifndef TRANSPORT_DEMUX_GROUP_H
#define TRANSPORT_DEMUX_GROUP_H

#include "transport/demux.h"

struct demux_group {
    struct pcb as;                /* kind is DEMUX_GROUP; with what the members have in common */
    struct demux_entry **members; /* count of them, at least 1; room for `room` */
    uint32_t count, room;
};

/* Whatever is in a table but a TIME-WAIT record begins a pcb. */
static inline const struct pcb *demux_pcb(const struct demux_entry *e)
{
    return (const struct pcb *)(const void *)e;
}
static inline struct demux_group *demux_group_of(struct demux_entry *e)
{
    return container_of(e, struct demux_group, as.entry);
}

/* Among those of its kind, the newest of the table then; hash: of its address and port. False
 * without memory. */
HF_NODISCARD bool demux_group_join(struct demux *d, struct demux_entry *e, uint32_t hash);
void demux_group_leave(struct demux *d, struct demux_entry *e);
/* e, which is bound, is in the group where it belongs, or in none and belongs to none. */
bool demux_group_suits(const struct demux_entry *e);
void demux_group_visit(const struct demux_group *g, void (*visit)(void *ctx, struct demux_entry *e),
                       void *ctx);

#endif
