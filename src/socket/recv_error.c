/* recvmsg() with MSG_ERRQUEUE, and IPV6_PATHMTU. Linux: ip_recv_error, ipv6_recv_error,
 * ipv6_recv_rxpmtu; RFC 3542 11.3. */
#include "socket/recv_error.h"

#include "socket/control.h"
#include "wire/sockaddr.h"

/* struct sock_extended_err, then the offender's address. */
enum { EXTENDED = 16 };

static uint32_t scope_of(const struct ip_addr *addr, uint32_t link_index)
{
    return addr_is_link_local6(addr) ? link_index : 0;
}

static void write_extended(const struct hf_sock *sk, const struct sock_error *e, struct control *w)
{
    bool is6 = pcb_is_v6(sock_pcb(sk));
    uint8_t bytes[EXTENDED + SOCKADDR_IN6] = {0};
    uint32_t err = e->err, info = e->info;
    struct endpoint offender;

    memcpy(bytes, &err, sizeof(err));
    bytes[4] = e->origin;
    bytes[5] = e->type;
    bytes[6] = e->code;
    memcpy(bytes + 8, &info, sizeof(info));
    if (e->origin == ERR_ZEROCOPY || e->origin == ERR_TIMESTAMPING)
        memcpy(bytes + 12, e->origin == ERR_ZEROCOPY ? &e->last : &e->id, sizeof(e->last));
    if (e->origin == ERR_ICMP || e->origin == ERR_ICMP6) {
        offender =
            (struct endpoint){.addr = e->offender, .scope = scope_of(&e->offender, e->link_index)};
        sockaddr_write(&offender, sock_family(sk), bytes + EXTENDED);
    }
    control_put(w, is6 ? HF_SOL_IPV6 : HF_SOL_IP, is6 ? HF_IPV6_RECVERR : HF_IP_RECVERR, bytes,
                EXTENDED + (is6 ? SOCKADDR_IN6 : SOCKADDR_IN));
}

int64_t recv_error(struct hf_sock *sk, struct hf_msg *msg)
{
    struct pcb *pcb = sock_pcb(sk);
    struct hf_frame *f = err_queue_front(pcb);
    struct control w = {msg, 0};
    const struct sock_error *e;
    struct ip_addr local;
    struct endpoint dst;
    size_t copied;

    if (!f)
        return -HF_EAGAIN;
    e = err_queue_entry(f);
    hf_frame_read(f, 0, &local, sizeof(local));
    hf_frame_trim_front(f, sizeof(local));
    copied = recv_scatter(f, 0, msg->iov, msg->iov_len);
    msg->flags = HF_MSG_ERRQUEUE | (copied < f->len ? HF_MSG_TRUNC : 0);
    if (e->origin == ERR_ZEROCOPY || e->origin == ERR_TIMESTAMPING) {
        msg->addr_len = 0;
    } else {
        dst = (struct endpoint){e->dst, e->port, scope_of(&e->dst, e->link_index)};
        recv_give_address(sk, &dst, msg);
    }
    if (e->origin == ERR_TIMESTAMPING)
        timestamp_write_sent(sk, e->when, msg, &w);
    if (e->origin == ERR_ICMP || e->origin == ERR_ICMP6)
        control_write_error(sk, e, &local, &w);
    write_extended(sk, e, &w);
    msg->control_len = w.used;
    err_queue_pop(&sk->all->core, pcb);
    sock_event(sk);
    return (int64_t)copied;
}

int64_t recv_path_mtu(struct hf_sock *sk, struct hf_msg *msg)
{
    struct udp_pcb *up = sock_udp(sk);
    struct control w = {msg, 0};
    struct endpoint dst = {.addr = up->told_dst, .scope = up->told_link};
    uint8_t info[SOCKADDR_IN6 + 4]; /* struct ip6_mtuinfo */

    sockaddr_write(&dst, HF_AF_INET6, info);
    memcpy(info + SOCKADDR_IN6, &up->told_mtu, 4);
    up->told_mtu = 0;
    msg->flags = 0;
    recv_give_address(sk, &dst, msg);
    control_put(&w, HF_SOL_IPV6, HF_IPV6_PATHMTU, info, sizeof(info));
    msg->control_len = w.used;
    return 0;
}
