/* A link: what carries frames to and from other hosts. A stack sends through `ops->send`; the link
 * hands up what arrives through `input`. Wrappers (loss, delay, capture) are links on a link: they
 * put themselves in as the lower one's `above`. Nothing here blocks. */
#ifndef HANDFAST_LINK_H
#define HANDFAST_LINK_H

#include "handfast/frame.h"

struct hf_link;

enum {
    HF_LINK_ETHERNET = 1 << 0, /* frames carry an Ethernet header; neighbours by ARP and NDP */
    HF_LINK_CSUM = 1 << 1,     /* takes HF_FRAME_CSUM_PARTIAL frames */
    HF_LINK_LOOPBACK = 1 << 2, /* the stack's own */
    /* Behind it is this host itself, whose errors come as ICMP: `prohibited` over IPv4 is then the
     * EACCES of the host's own connect(), which no ICMP code of a router means to Linux. */
    HF_LINK_HOST = 1 << 3,
};

struct hf_link_ops {
    /* Sends f, an IP packet (or an Ethernet frame on an HF_LINK_ETHERNET link). Takes f, always.
     * May call link->input before it returns only if the link is not the one being sent on
     * (a pair queues). */
    void (*send)(struct hf_link *link, struct hf_frame *f);

    /* Does what is due at now, e.g. delivers delayed or queued frames. May be NULL. */
    void (*poll)(struct hf_link *link, hf_time now);

    /* When poll is to be called next: 0 for at once, HF_TIME_NEVER for never. NULL: never. */
    hf_time (*deadline)(const struct hf_link *link);

    /* From now on neither super-segments nor unfinished checksums are to come up from the link or
     * go down to it: somebody above shows real packets. Before it is used. NULL: they never do. */
    void (*plain)(struct hf_link *link);

    /* Ends the link, with it the frames it holds, and then the links below it. */
    void (*free)(struct hf_link *link);
};

struct hf_link {
    const struct hf_link_ops *ops;

    /* Takes what arrives; set by whoever is above (a stack, a wrapper). Takes f, always. */
    void (*input)(void *above, struct hf_link *link, struct hf_frame *f);
    void *above;

    char name[16];         /* as SO_BINDTODEVICE and if_indextoname know it */
    uint32_t index;        /* given by the stack at attach, from 1 */
    uint32_t mtu;          /* bytes of IP packet: 1280..65535 (68.. where IPv6 is not wanted) */
    uint32_t gso_max;      /* bytes of IP packet a super-segment may have; 0: none taken */
    uint32_t flags;        /* HF_LINK_* */
    uint8_t mac[6];        /* HF_LINK_ETHERNET only */
    struct hf_link *below; /* the link a wrapper stands on, else NULL */
    uint64_t dropped; /* frames this link let go: asked to, queue full, or refused by a device */
};

/* Hands f up. Takes f. A link with nobody above drops. */
void hf_link_input(struct hf_link *link, struct hf_frame *f);

#endif
