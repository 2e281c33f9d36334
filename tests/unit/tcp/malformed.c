/* Segments that are none, and that are not for us alone: dropped, counted, not answered. */
#include "rig.h"

/* RFC 9293 MUST-3; NetSem deliver_in_3a */
static void test_malformed(bool v6)
{
    static const struct {
        const char *name;
        uint8_t offset; /* of the data, in words; 0: as it is */
        bool csum_is_good;
        enum hf_drop drop;
    } table[] = {
        {"a wrong checksum", 0, false, HF_DROP_TCP_CSUM},
        {"a header shorter than 20 bytes", 4, true, HF_DROP_TCP_BAD},
        {"a header longer than the segment", 15, true, HF_DROP_TCP_BAD},
    };

    for (size_t i = 0; i < HF_COUNT(table); i++) {
        struct rig *r = rig_new();
        struct sock *l = rig_listen(&r->a, v6, 99, 1);
        struct tcp_header h = {.src_port = 9, .dst_port = 99, .flags = TCP_SYN};
        struct hf_frame *f = hf_frame_new(r->pool);
        struct ip_info ip = {.src = r->b.addr[v6],
                             .dst = r->a.addr[v6],
                             .link = &r->a.link,
                             .proto = HF_IPPROTO_TCP,
                             .dst_is_unicast = true};
        uint8_t *bytes = hf_frame_push(f, tcp_header_size(&h));

        tcp_header_write(&h, bytes);
        if (table[i].offset)
            bytes[12] = (uint8_t)(table[i].offset << 4);
        if (table[i].csum_is_good)
            f->flags |= HF_FRAME_CSUM_OK;
        tcp_input(&r->a.tcp, &ip, f);
        while (rig_step(r))
            ;
        OK(r->a.core.drops[table[i].drop] == 1 && r->seen_count == 0 && !l->tcb.listen.syn_len,
           table[i].name);
        tcp_close(&l->tcb, false);
        OK(rig_end(r), "  is dropped, counted and not answered");
    }
}

/* RFC 9293 MUST-57: what is meant for many opens nothing, and is not answered */
static void test_to_many(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->a, v6, 99, 1);
    struct tcp_header h = {.src_port = 9, .dst_port = 99, .flags = TCP_SYN};
    struct ip_info ip = {.src = r->b.addr[v6],
                         .dst = rig_ip(v6 ? "ff02::1" : "10.0.0.255"),
                         .link = &r->a.link,
                         .proto = HF_IPPROTO_TCP};

    for (int by_link = 0; by_link < 2; by_link++) {
        struct hf_frame *f = hf_frame_new(r->pool);

        tcp_header_write(&h, hf_frame_push(f, tcp_header_size(&h)));
        f->flags |= HF_FRAME_CSUM_OK | (by_link ? HF_FRAME_LINK_BCAST : 0);
        tcp_input(&r->a.tcp, &ip, f);
        while (rig_step(r))
            ;
        OK(r->seen_count == 0 && !l->tcb.listen.syn_len, "a SYN to many is not answered");
        EQ(r->a.core.drops[HF_DROP_TCP_NOT_UNICAST], by_link + 1, "but counted");
        ip.dst = r->a.addr[v6]; /* next: to us, in a frame to all */
        ip.dst_is_unicast = true;
    }
    tcp_close(&l->tcb, false);
    OK(rig_end(r), "nothing is lost");
}

int main(void)
{
    tap_begin(30);
    for (int v6 = 0; v6 < 2; v6++) {
        test_malformed(v6);
        test_to_many(v6);
    }
    return tap_end();
}
