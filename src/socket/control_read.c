/* Ancillary data of datagrams to be sent. Linux: udp_cmsg_send, ip_cmsg_send,
 * ip6_datagram_send_ctl, whose order of refusals is kept. */
#include "socket/control.h"

/* One message: its header, its data, how long that is. */
struct item {
    struct control_header h;
    const uint8_t *data;
    size_t len;
};

static int32_t int_of(const struct item *i)
{
    int32_t v;

    memcpy(&v, i->data, sizeof(v));
    return v;
}

/* Linux: __sock_cmsg_send. */
static int read_socket_item(const struct hf_sock *sk, const struct item *i)
{
    bool is_privileged = sock_is_privileged(sk);

    switch (i->h.type) {
    case HF_SO_MARK:
        return !is_privileged ? -HF_EPERM : i->len != 4 ? -HF_EINVAL : 0;
    case HF_SO_PRIORITY:
        if (i->len != 4)
            return -HF_EINVAL;
        return is_privileged || (int_of(i) >= 0 && int_of(i) <= 6) ? 0 : -HF_EPERM;
    case HF_SO_TXTIME: /* when to send: no queue here would wait for it, nor does Linux's noqueue */
        return !sock_udp(sk)->has_txtime || i->len != 8 ? -HF_EINVAL : 0;
    case HF_SCM_RIGHTS: /* AF_UNIX's: overlooked */
    case HF_SCM_CREDENTIALS:
        return 0;
    default:
        return -HF_EINVAL;
    }
}

/* A number of least..255 into *to. */
static int read_small(const struct item *i, int least, int16_t *to)
{
    if (i->len != 4 || int_of(i) < least || int_of(i) > 255)
        return -HF_EINVAL;
    *to = (int16_t)int_of(i);
    return 0;
}

static int read_ip_item(const struct item *i, struct udp_how *how)
{
    int16_t protocol;
    int32_t index;

    switch (i->h.type) {
    case HF_IP_PKTINFO:
        if (i->len != 12)
            return -HF_EINVAL;
        memcpy(&index, i->data, sizeof(index));
        if (index)
            how->link_index = (uint32_t)index;
        how->src = addr_from4(i->data + 4); /* ipi_spec_dst */
        how->is_unbound = addr_is_any(&how->src);
        return 0;
    case HF_IP_TTL:
        return read_small(i, 1, &how->ttl);
    case HF_IP_TOS: /* a byte will do */
        if (i->len != 1)
            return read_small(i, 0, &how->tos);
        how->tos = *i->data;
        return 0;
    case HF_IP_PROTOCOL: /* looked at by raw sockets only */
        return read_small(i, 1, &protocol);
    default:
        return -HF_EINVAL;
    }
}

/* The source of a datagram that an IPv6 socket sends over IPv4. */
static int read_mapped_source(const struct item *i, struct udp_how *how)
{
    struct ip_addr src;
    uint32_t index;

    if (i->len < 20)
        return -HF_EINVAL;
    src = addr_from6(i->data);
    if (!addr_is4(&src))
        return -HF_EINVAL;
    memcpy(&index, i->data + 16, sizeof(index));
    if (index)
        how->link_index = index;
    how->src = src;
    return 0;
}

static int read_ipv6_source(const struct hf_sock *sk, const struct item *i, struct udp_how *how)
{
    const struct pcb *pcb = sock_pcb(sk);
    const struct net *net = &sk->all->net;
    uint32_t index, own = pcb->link_index ? pcb->link_index : how->dst ? how->dst->scope : 0;
    struct ip_addr src;

    if (i->len < 20)
        return -HF_EINVAL;
    src = addr_from6(i->data);
    memcpy(&index, i->data + 16, sizeof(index));
    if (index && own && index != own)
        return -HF_EINVAL;
    if (index)
        how->link_index = own = index;
    if (own && (own > NET_LINKS || !net->links[own]))
        return -HF_ENODEV;
    if (!own && addr_is_link_local6(&src))
        return -HF_EINVAL;
    if (addr_is_any(&src))
        return 0;
    if (!pcb->entry.transparent && !pcb->entry.freebind &&
        (addr_is4(&src) || !net_is_local(net, &src)))
        return -HF_EINVAL;
    how->src = src;
    return 0;
}

static int read_ipv6_item(const struct hf_sock *sk, const struct item *i, struct udp_how *how)
{
    switch (i->h.type) {
    case HF_IPV6_PKTINFO:
    case HF_IPV6_2292PKTINFO:
        return read_ipv6_source(sk, i, how);
    case HF_IPV6_HOPLIMIT:
    case HF_IPV6_2292HOPLIMIT:
        return read_small(i, -1, &how->ttl);
    case HF_IPV6_TCLASS:
        return read_small(i, -1, &how->tos);
    case HF_IPV6_DONTFRAG:
        if (i->len != 4 || (int_of(i) & ~1))
            return -HF_EINVAL;
        how->dont_fragment = (int8_t)int_of(i);
        return 0;
    default:
        return -HF_EINVAL;
    }
}

static int read_item(const struct hf_sock *sk, const struct item *i, bool is4, struct udp_how *how)
{
    if (i->h.level == HF_SOL_SOCKET)
        return read_socket_item(sk, i);
    if (!is4)
        return i->h.level == HF_SOL_IPV6 ? read_ipv6_item(sk, i, how) : 0;
    if (i->h.level == HF_SOL_IPV6 && i->h.type == HF_IPV6_PKTINFO && pcb_is_v6(sock_pcb(sk)))
        return read_mapped_source(i, how);
    return i->h.level == HF_SOL_IP ? read_ip_item(i, how) : 0;
}

/* UDP_SEGMENT is the one message of UDP's own. */
static int read_udp_item(const struct item *i, struct udp_how *how)
{
    uint16_t segment;

    if (i->h.level != HF_IPPROTO_UDP)
        return 0;
    if (i->h.type != HF_UDP_SEGMENT || i->len != sizeof(segment))
        return -HF_EINVAL;
    memcpy(&segment, i->data, sizeof(segment));
    how->segment = segment;
    return 0;
}

int control_read(const struct hf_sock *sk, const struct hf_msg *msg, bool is4, struct udp_how *how)
{
    /* All messages are well formed and none is UDP's that cannot be, before one is looked at. */
    for (int pass = 0; pass < 2; pass++) {
        const uint8_t *p = msg->control;
        size_t left = msg->control ? msg->control_len : 0;

        while (left >= CONTROL_HEADER) {
            struct item i = {.data = p + CONTROL_HEADER};
            int err;

            memcpy(&i.h, p, sizeof(i.h));
            if (i.h.len < CONTROL_HEADER || i.h.len > left)
                return -HF_EINVAL;
            i.len = i.h.len - CONTROL_HEADER;
            err = pass == 0 ? read_udp_item(&i, how) : read_item(sk, &i, is4, how);
            if (err)
                return err;
            if (control_padded(i.h.len) >= left)
                break;
            p += control_padded(i.h.len);
            left -= control_padded(i.h.len);
        }
    }
    return 0;
}
