/* Ancillary data of received datagrams. RFC 3542 for IPv6. */
#include "socket/control.h"

#include "net/path.h"
#include "wire/sockaddr.h"

void control_put(struct control *w, int level, int type, const void *data, size_t len)
{
    struct control_header h = {CONTROL_HEADER + len, level, type};
    size_t room = w->msg->control_len - w->used;
    uint8_t *to;

    if (!w->msg->control || room < CONTROL_HEADER) {
        w->msg->flags |= HF_MSG_CTRUNC;
        return;
    }
    to = (uint8_t *)w->msg->control + w->used;
    if (h.len > room) { /* Linux: cut short, and told */
        w->msg->flags |= HF_MSG_CTRUNC;
        h.len = room;
    }
    memcpy(to, &h, sizeof(h));
    memcpy(to + CONTROL_HEADER, data, h.len - CONTROL_HEADER);
    w->used += HF_MIN(control_padded(h.len), room);
}

static void write4(const struct hf_sock *sk, const struct udp_dgram *d,
                   const struct ip_addr *spec_dst, struct control *w)
{
    uint8_t info[12];
    uint32_t index = d->link_index;
    int32_t ttl = d->ttl;

    if (sk->opt.recv_pktinfo) {
        memcpy(info, &index, 4);
        memcpy(info + 4, spec_dst->b + 12, 4);
        memcpy(info + 8, d->dst.b + 12, 4);
        control_put(w, HF_SOL_IP, HF_IP_PKTINFO, info, sizeof(info));
    }
    if (sk->opt.recv_ttl)
        control_put(w, HF_SOL_IP, HF_IP_TTL, &ttl, 4);
    if (sk->opt.recv_tos)
        control_put(w, HF_SOL_IP, HF_IP_TOS, &d->tos, 1);
}

static void write6(const struct hf_sock *sk, const struct udp_dgram *d, struct control *w)
{
    uint8_t info[20];
    uint32_t index = d->link_index;
    int32_t hops = d->ttl, class = d->tos;

    memcpy(info, d->dst.b, 16);
    memcpy(info + 16, &index, 4);
    if (sk->opt.recv_pktinfo6)
        control_put(w, HF_SOL_IPV6, HF_IPV6_PKTINFO, info, sizeof(info));
    if (addr_is4(&d->dst))
        return;
    if (sk->opt.recv_hoplimit)
        control_put(w, HF_SOL_IPV6, HF_IPV6_HOPLIMIT, &hops, 4);
    if (sk->opt.recv_tclass)
        control_put(w, HF_SOL_IPV6, HF_IPV6_TCLASS, &class, 4);
    if (sk->opt.old_pktinfo6) /* RFC 2292 */
        control_put(w, HF_SOL_IPV6, HF_IPV6_2292PKTINFO, info, sizeof(info));
    if (sk->opt.old_hoplimit)
        control_put(w, HF_SOL_IPV6, HF_IPV6_2292HOPLIMIT, &hops, 4);
}

/* Linux: fib_compute_spec_dst. The address to answer from: of what came to a group or to all, the
 * one by which the sender would be reached. */
static struct ip_addr answers_from(const struct hf_sock *sk, const struct udp_dgram *d)
{
    struct net *net = &sk->all->net;
    struct path_query q = {.dst = d->src};
    struct ip_addr from = ADDR_ANY4;
    struct path *p;

    if (!addr_is_multicast(&d->dst) && !net_is_broadcast(net, &d->dst))
        return d->dst;
    if (path_find(net, &q, &p) == 0) {
        from = p->src;
        path_put(p);
    }
    return from;
}

/* Linux: of an error ipi_spec_dst is not known. */
void control_write_error(const struct hf_sock *sk, const struct sock_error *e,
                         const struct ip_addr *local, struct control *w)
{
    struct udp_dgram d = {.dst = *local, .ttl = e->ttl, .tos = e->tos, .link_index = e->link_index};

    if (addr_is4(&d.dst))
        write4(sk, &d, &ADDR_ANY4, w);
    if (pcb_is_v6(sock_pcb(sk)))
        write6(sk, &d, w);
}

/* Linux: sock_recv_drops, udp_cmsg_recv. */
static void write_arrival(const struct hf_sock *sk, const struct hf_frame *f, struct control *w)
{
    const struct udp_dgram *d = udp_dgram(f);
    int32_t segment = f->gso_bytes;

    timestamp_write(sk, f->when, w);
    if (d->drops && sock_udp(sk)->counts_drops)
        control_put(w, HF_SOL_SOCKET, HF_SO_RXQ_OVFL, &d->drops, sizeof(d->drops));
    if (segment && sock_udp(sk)->takes_bursts)
        control_put(w, HF_IPPROTO_UDP, HF_UDP_GRO, &segment, sizeof(segment));
}

/* Most sockets have asked for nothing. */
static bool asks_for_any(const struct hf_sock *sk)
{
    const struct udp_pcb *up = sock_udp(sk);

    return sk->opt.ancillary || up->stamps.on || up->stamps.flags || up->counts_drops ||
           up->takes_bursts || up->pcb.entry.any_dst || sk->opt.inert & INERT_RCVMARK;
}

void control_write(const struct hf_sock *sk, const struct hf_frame *f, struct hf_msg *msg)
{
    const struct udp_dgram *d = udp_dgram(f);
    struct control w = {msg, 0};
    bool is4 = addr_is4(&d->dst);

    if (!asks_for_any(sk)) {
        msg->control_len = 0;
        return;
    }
    write_arrival(sk, f, &w);
    if (is4) {
        struct ip_addr from = sk->opt.recv_pktinfo ? answers_from(sk, d) : d->dst;

        write4(sk, d, &from, &w);
    }
    if (pcb_is_v6(sock_pcb(sk)))
        write6(sk, d, &w);
    if ((is4 ? sk->opt.recv_origdst : sk->opt.recv_origdst6) || sock_pcb(sk)->entry.any_dst) {
        struct endpoint ep = {d->dst, d->dst_port, 0};
        uint8_t bytes[SOCKADDR_IN6];
        uint32_t len = sockaddr_write(&ep, is4 ? HF_AF_INET : HF_AF_INET6, bytes);

        control_put(&w, is4 ? HF_SOL_IP : HF_SOL_IPV6,
                    is4 ? HF_IP_ORIGDSTADDR : HF_IPV6_ORIGDSTADDR, bytes, len);
    }
    if (sk->opt.inert & INERT_RCVMARK) { /* no packet has a mark here */
        uint32_t mark = 0;

        control_put(&w, HF_SOL_SOCKET, HF_SO_MARK, &mark, sizeof(mark));
    }
    msg->control_len = w.used;
}
