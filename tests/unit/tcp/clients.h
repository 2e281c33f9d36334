/* Many clients of one server, of whom there is only what they say. */
#ifndef TESTS_UNIT_TCP_CLIENTS_H
#define TESTS_UNIT_TCP_CLIENTS_H

#include "rig.h"

/* A client of b's port 80, by number, that says so. */
static inline void client_says(struct rig *r, bool v6, uint32_t who, uint8_t flags, uint32_t seq,
                               uint32_t ack, uint32_t len)
{
    static const uint8_t bytes[1400];
    struct tcp_header h = {.src_port = (uint16_t)(1024 + who % 50000),
                           .dst_port = 80,
                           .seq = seq,
                           .ack = ack,
                           .flags = flags,
                           .window = 1000};
    struct hf_frame *f = hf_frame_new(r->pool);
    struct ip_info ip = {.src = rig_ip(v6 ? "fd00::3:0" : "10.0.0.3"),
                         .dst = r->b.addr[v6],
                         .link = &r->b.link,
                         .proto = HF_IPPROTO_TCP,
                         .ttl = 64,
                         .dst_is_unicast = true};

    ip.src.b[15] = (uint8_t)(ip.src.b[15] + who / 50000);
    if (!f || (len && !hf_frame_append(f, bytes, len))) {
        hf_frame_free(f);
        return;
    }
    tcp_header_write(&h, hf_frame_push(f, tcp_header_size(&h)));
    f->flags |= HF_FRAME_CSUM_OK;
    r->seen_count = 0;
    tcp_input(&r->b.tcp, &ip, f);
    while (r->b.out_first) { /* heard, as far as it is TCP */
        struct hf_frame *out = r->b.out_first;
        struct seen s;

        r->b.out_first = out->next;
        if (rig_look(r, 1, out, &s))
            r->seen[r->seen_count++] = s;
        hf_frame_free(out);
    }
    r->b.out_last = NULL;
}

/* The handshake; b's ISS + 1, 0: it was not answered. */
static inline uint32_t client_opens(struct rig *r, bool v6, uint32_t who)
{
    uint32_t ack;

    client_says(r, v6, who, TCP_SYN, 1000, 0, 0);
    if (!r->seen_count || !(r->seen[0].h.flags & TCP_SYN))
        return 0;
    ack = r->seen[0].h.seq + 1;
    client_says(r, v6, who, TCP_ACK, 1001, ack, 0);
    return ack;
}

#endif
