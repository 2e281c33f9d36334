/* Ancillary data of datagrams. RFC 3542 for IPv6. */
#include "socket/control.h"

#include "wire/sockaddr.h"

#define CMSG_HEADER 16

struct cmsg_header {
    uint64_t len; /* header and data */
    int32_t level, type;
};

static size_t padded(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

/* What Linux's ip6_datagram_send_ctl knows. */
static bool is_known6(int32_t type)
{
    static const uint8_t known[] = {
        HF_IPV6_PKTINFO,  HF_IPV6_2292PKTINFO, HF_IPV6_HOPLIMIT,     HF_IPV6_2292HOPLIMIT,
        HF_IPV6_HOPOPTS,  HF_IPV6_2292HOPOPTS, HF_IPV6_DSTOPTS,      HF_IPV6_2292DSTOPTS,
        HF_IPV6_RTHDR,    HF_IPV6_2292RTHDR,   HF_IPV6_RTHDRDSTOPTS, HF_IPV6_TCLASS,
        HF_IPV6_FLOWINFO, HF_IPV6_DONTFRAG,
    };

    for (size_t i = 0; i < sizeof(known); i++) {
        if (known[i] == type)
            return true;
    }
    return false;
}

int control_read_source(const struct hf_sock *sk, const struct hf_msg *msg, struct ip_addr *src,
                        bool *has_src)
{
    const uint8_t *p = msg->control;
    size_t left = msg->control ? msg->control_len : 0;

    while (left >= CMSG_HEADER) {
        struct cmsg_header h;
        const uint8_t *data = p + CMSG_HEADER;

        memcpy(&h, p, sizeof(h));
        if (h.len < CMSG_HEADER || h.len > left)
            return -HF_EINVAL;
        if (h.level == HF_SOL_IP && h.type == HF_IP_PKTINFO) {
            if (h.len != CMSG_HEADER + 12)
                return -HF_EINVAL;
            *src = addr_from4(data + 4); /* ipi_spec_dst */
            *has_src = !addr_is_any(src);
        } else if (h.level == HF_SOL_IPV6 && h.type == HF_IPV6_PKTINFO) {
            if (h.len < CMSG_HEADER + 20 || !pcb_is_v6(sock_pcb(sk)))
                return -HF_EINVAL;
            *src = addr_from6(data);
            *has_src = !addr_is_any(src);
        } else if (h.level == HF_SOL_IP && h.type != HF_IP_TTL && h.type != HF_IP_TOS) {
            return -HF_EINVAL;
        }
        if (h.level == HF_SOL_IPV6 && pcb_is_v6(sock_pcb(sk)) && !is_known6(h.type))
            return -HF_EINVAL;
        if (padded(h.len) >= left)
            break;
        p += padded(h.len);
        left -= padded(h.len);
    }
    return 0;
}

struct writer {
    struct hf_msg *msg;
    size_t used;
};

static void put(struct writer *w, int level, int type, const void *data, size_t len)
{
    struct cmsg_header h = {CMSG_HEADER + len, level, type};
    size_t room = w->msg->control_len - w->used;
    uint8_t *to = (uint8_t *)w->msg->control + w->used;

    if (!w->msg->control || room < CMSG_HEADER) {
        w->msg->flags |= HF_MSG_CTRUNC;
        return;
    }
    if (h.len > room) { /* Linux: cut short, and told */
        w->msg->flags |= HF_MSG_CTRUNC;
        h.len = room;
    }
    memcpy(to, &h, sizeof(h));
    memcpy(to + CMSG_HEADER, data, h.len - CMSG_HEADER);
    w->used += HF_MIN(padded(h.len), room);
}

static void write4(const struct hf_sock *sk, const struct udp_dgram *d, struct writer *w)
{
    uint8_t info[12];
    uint32_t index = d->link_index;
    int32_t ttl = d->ttl;

    if (sk->opt.recv_pktinfo) {
        memcpy(info, &index, 4);
        memcpy(info + 4, d->dst.b + 12, 4);
        memcpy(info + 8, d->dst.b + 12, 4);
        put(w, HF_SOL_IP, HF_IP_PKTINFO, info, sizeof(info));
    }
    if (sk->opt.recv_ttl)
        put(w, HF_SOL_IP, HF_IP_TTL, &ttl, 4);
    if (sk->opt.recv_tos)
        put(w, HF_SOL_IP, HF_IP_TOS, &d->tos, 1);
}

static void write6(const struct hf_sock *sk, const struct udp_dgram *d, struct writer *w)
{
    uint8_t info[20];
    uint32_t index = d->link_index;
    int32_t hops = d->ttl, class = d->tos;

    if (sk->opt.recv_pktinfo6) {
        memcpy(info, d->dst.b, 16);
        memcpy(info + 16, &index, 4);
        put(w, HF_SOL_IPV6, HF_IPV6_PKTINFO, info, sizeof(info));
    }
    if (addr_is4(&d->dst))
        return;
    if (sk->opt.recv_hoplimit)
        put(w, HF_SOL_IPV6, HF_IPV6_HOPLIMIT, &hops, 4);
    if (sk->opt.recv_tclass)
        put(w, HF_SOL_IPV6, HF_IPV6_TCLASS, &class, 4);
}

void control_write(const struct hf_sock *sk, const struct udp_dgram *d, struct hf_msg *msg)
{
    struct writer w = {msg, 0};
    bool is4 = addr_is4(&d->dst);

    if (is4)
        write4(sk, d, &w);
    if (pcb_is_v6(sock_pcb(sk)))
        write6(sk, d, &w);
    if (sk->opt.recv_origdst || sock_pcb(sk)->entry.any_dst) {
        struct endpoint ep = {d->dst, d->dst_port, 0};
        uint8_t bytes[SOCKADDR_IN6];
        uint32_t len = sockaddr_write(&ep, is4 ? HF_AF_INET : HF_AF_INET6, bytes);

        put(&w, is4 ? HF_SOL_IP : HF_SOL_IPV6, is4 ? HF_IP_ORIGDSTADDR : HF_IPV6_ORIGDSTADDR, bytes,
            len);
    }
    msg->control_len = w.used;
}
