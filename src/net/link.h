/* Out by a link, the sixth stop of a connect, and the loopback link. */
#ifndef NET_LINK_H
#define NET_LINK_H

#include "net/path.h"

/* Sends the IP packet f to the path's next hop; on Ethernet behind its header, once the neighbour
 * is known: until then f waits with it. Takes f. */
void link_output(struct net *net, struct path *path, struct hf_frame *f);

/* Puts an Ethernet header in front of f and sends it. Takes f. */
void link_output_ether(struct net *net, struct hf_link *link, const uint8_t dst[6], uint16_t type,
                       struct hf_frame *f);

/* The link that takes nothing: what paths of a detached link point to. */
void link_init_dead(struct net *net, struct hf_link *link);

/* loopback.c: the stack's own link. NULL without memory. */
struct hf_link *loopback_new(struct net *net);
void loopback_free(struct hf_link *lo);
/* Delivers what was queued when the call began. */
void loopback_poll(struct hf_link *lo);
bool loopback_is_idle(struct hf_link *lo);

#endif
