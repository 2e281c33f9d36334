/* recv(), recvfrom(), recvmsg(). C06. */
#include "socket/control.h"
#include "socket/kernel.h"
#include "socket/local.h"
#include "socket/recv_error.h"
#include "socket/sock.h"
#include "wire/sockaddr.h"

/* SO_PEEK_OFF: each peek begins where the last one ended, counted from what is read next. */
static void move_peek_off(struct hf_sock *sk, int64_t n, int flags)
{
    int64_t at = sk->opt.peek_off;

    if (at < 0 || n <= 0 || flags & HF_MSG_OOB)
        return;
    at += flags & HF_MSG_PEEK ? n : -n;
    sk->opt.peek_off = at < 0 ? 0 : (int32_t)at;
}

static bool has_room(const struct hf_msg *msg)
{
    size_t i = 0;

    while (i < msg->iov_len && !msg->iov[i].len)
        i++;
    return i < msg->iov_len;
}

/* TCP_INQ: what is still to be read; behind the last byte 1, so that the end is read too. Linux:
 * tcp_inq_hint. */
static void give_inq(const struct hf_sock *sk, struct hf_msg *msg, size_t room)
{
    struct tcb *tcb = sock_tcb(sk);
    int inq = (int)tcp_readable(tcb);
    struct control w = {msg, 0};

    if (!inq && tcp_fin_received(tcb))
        inq = 1;
    msg->control_len = room;
    control_put(&w, HF_SOL_TCP, HF_TCP_CM_INQ, &inq, sizeof(inq));
    msg->control_len = w.used;
}

static int64_t stream_recv(struct hf_sock *sk, struct hf_msg *msg, int flags)
{
    struct tcb *tcb = sock_tcb(sk);
    int how = (flags & HF_MSG_PEEK ? TCP_RECV_PEEK : 0) | (flags & HF_MSG_OOB ? TCP_RECV_OOB : 0) |
              (flags & HF_MSG_TRUNC ? TCP_RECV_DISCARD : 0);
    size_t room = msg->control_len;
    int64_t n;

    msg->addr_len = 0;
    msg->control_len = 0;
    msg->flags = 0;
    n = tcp_recv(tcb, msg->iov, msg->iov_len, how,
                 sk->opt.peek_off > 0 ? (uint32_t)sk->opt.peek_off : 0);
    move_peek_off(sk, n, flags);
    /* Linux: after SHUT_RD what is there is read, then the end is. */
    if ((n == -HF_EAGAIN || (n == -HF_ENOTCONN && tcp_state(tcb) != TCP_LISTEN)) &&
        (sk->shut & SOCK_SHUT_RD) && !(flags & HF_MSG_OOB))
        return 0;
    if (n >= 0 && (flags & HF_MSG_OOB))
        msg->flags |= n || has_room(msg) ? HF_MSG_OOB : HF_MSG_OOB | HF_MSG_TRUNC;
    if (n < 0)
        msg->control_len = room; /* for the caller's next attempt */
    else if (sk->opt.recv_inq && !(flags & HF_MSG_OOB))
        give_inq(sk, msg, room);
    return n;
}

size_t recv_scatter(const struct hf_frame *f, uint32_t skip, const struct hf_iovec *iov, size_t n)
{
    size_t done = 0;

    if (n == 1 && !skip && iov->len >= f->len) { /* as a rule */
        hf_frame_read(f, 0, iov->base, f->len);
        return f->len;
    }
    for (size_t i = 0; i < n && skip + done < f->len; i++) {
        size_t len = HF_MIN(iov[i].len, f->len - skip - done);

        if (len)
            hf_frame_read(f, skip + (uint32_t)done, iov[i].base, (uint32_t)len);
        done += len;
    }
    return done;
}

/* The datagram to be received, from offset *skip on: a peek with SO_PEEK_OFF goes by all that wait.
 */
static struct hf_frame *choose(struct hf_sock *sk, int flags, uint32_t *skip)
{
    struct hf_frame *f = udp_front(sock_udp(sk));

    *skip = flags & HF_MSG_PEEK && sk->opt.peek_off > 0 ? (uint32_t)sk->opt.peek_off : 0;
    for (; f && *skip && *skip >= f->len; f = f->next)
        *skip -= f->len;
    return f;
}

void recv_give_address(const struct hf_sock *sk, const struct endpoint *ep, struct hf_msg *msg)
{
    uint8_t bytes[SOCKADDR_IN6];
    uint32_t full = sock_family(sk) == HF_AF_INET6 ? SOCKADDR_IN6 : SOCKADDR_IN;

    if (msg->addr && msg->addr_len) {
        (void)sockaddr_write(ep, sock_family(sk), bytes);
        memcpy(msg->addr, bytes, HF_MIN(msg->addr_len, full));
    }
    msg->addr_len = full;
}

static void give_source(const struct hf_sock *sk, const struct udp_dgram *d, struct hf_msg *msg)
{
    struct endpoint ep = {d->src, d->src_port, sockaddr_needs_scope(&d->src) ? d->link_index : 0};

    recv_give_address(sk, &ep, msg);
}

/* NetSem recv_11, recv_13, recv_14, recv_17, recv_24. */
static int64_t datagram_recv(struct hf_sock *sk, struct hf_msg *msg, int flags)
{
    struct udp_pcb *up = sock_udp(sk);
    struct hf_frame *f;
    uint32_t skip;
    size_t copied;
    int64_t n;

    if (up->told_mtu && up->recv_path_mtu)
        return recv_path_mtu(sk, msg);
    if (up->pcb.err) /* before queued data: Linux, __skb_wait_for_more_packets */
        return sock_take_error(sk);
    f = choose(sk, flags, &skip);
    if (!f) {
        msg->addr_len = 0;
        msg->control_len = 0;
        msg->flags = 0;
        return (sk->shut & SOCK_SHUT_RD) && !(flags & HF_MSG_DONTWAIT) ? 0 : -HF_EAGAIN;
    }
    copied = recv_scatter(f, skip, msg->iov, msg->iov_len);
    msg->flags = skip + copied < f->len ? HF_MSG_TRUNC : 0;
    n = flags & HF_MSG_TRUNC ? (int64_t)f->len : (int64_t)copied;
    give_source(sk, udp_dgram(f), msg);
    control_write(sk, f, msg);
    if (!(flags & HF_MSG_PEEK))
        udp_pop(up);
    move_peek_off(sk, n, flags);
    return n;
}

int64_t hf_sock_recv(struct hf_sock *sk, struct hf_msg *msg, int flags)
{
    if (sk->is_unix)
        return local_recv(sk, msg, flags);
    if (sk->is_netlink)
        return kernel_recv(sk, msg, flags);
    if (flags & HF_MSG_ERRQUEUE)
        return recv_error(sk, msg);
    return sk->is_stream ? stream_recv(sk, msg, flags) : datagram_recv(sk, msg, flags);
}

static size_t datagram_recv_now(struct udp_pcb *up, void *buf, size_t len)
{
    struct hf_frame *f = udp_front(up);
    uint32_t n;

    if (!f || !f->len || up->pcb.err || up->told_mtu)
        return 0;
    n = (uint32_t)HF_MIN(len, (size_t)f->len);
    hf_frame_read(f, 0, buf, n);
    udp_pop(up);
    return n;
}

size_t hf_sock_recv_now(struct hf_sock *sk, void *buf, size_t len)
{
    if (sk->opt.peek_off >= 0)
        return 0;
    if (sk->is_stream)
        return tcp_recv_now(sock_tcb(sk), buf, len, sk->opt.rcvlowat);
    return sock_is_udp(sk) ? datagram_recv_now(sock_udp(sk), buf, len) : 0;
}

int hf_sock_peek(struct hf_sock *sk, struct hf_iovec *iov, int n)
{
    int pieces;

    if (!sk->is_stream)
        return -HF_EOPNOTSUPP;
    pieces = tcp_peek(sock_tcb(sk), iov, n);
    return pieces == -HF_EAGAIN && (sk->shut & SOCK_SHUT_RD) ? 0 : pieces;
}

void hf_sock_consume(struct hf_sock *sk, size_t len)
{
    tcp_consume(sock_tcb(sk), len);
}

int hf_sock_receive_any(struct hf_sock *sk)
{
    if (!sk->all->core.privileged)
        return -HF_EPERM;
    if (!sock_is_udp(sk) || sock_pcb(sk)->entry.kind != DEMUX_NONE)
        return -HF_EINVAL;
    sock_pcb(sk)->entry.any_dst = 1;
    demux_insert_bound(&sk->all->udp.demux, &sock_pcb(sk)->entry);
    return 0;
}

void hf_sock_report(struct hf_sock *sk, const void *addr, uint32_t len, enum hf_refusal how)
{
    struct endpoint to;

    if (!sock_is_udp(sk) || len < SOCKADDR_IN)
        return;
    sockaddr_read(addr, len, sockaddr_family(addr), &to);
    udp_report(sock_udp(sk), &to, how);
}
