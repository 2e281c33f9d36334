/* send(), sendto(), sendmsg(). NetSem send_1 to send_23; C05. */
#include "socket/control.h"
#include "socket/cork.h"
#include "socket/sock.h"
#include "wire/sockaddr.h"

static int64_t stream_send(struct hf_sock *sk, const struct hf_msg *msg, int flags)
{
    struct tcb *tcb = sock_tcb(sk);
    int how = (flags & HF_MSG_MORE ? TCP_SEND_MORE : 0) | (flags & HF_MSG_OOB ? TCP_SEND_OOB : 0);
    size_t bytes = 0;

    if (sk->shut & SOCK_SHUT_WR)
        return sock_pcb(sk)->err ? sock_take_error(sk) : -HF_EPIPE;
    for (size_t i = 0; i < msg->iov_len; i++)
        bytes += msg->iov[i].len;
    if (bytes == 0) /* Linux: nothing to do, but errors are told */
        return tcp_state(tcb) == TCP_CLOSED || tcp_state(tcb) == TCP_LISTEN
                   ? (sock_pcb(sk)->err ? sock_take_error(sk) : -HF_EPIPE)
                   : 0;
    return tcp_send(tcb, msg->iov, msg->iov_len, how);
}

static int64_t datagram_send(struct hf_sock *sk, const struct hf_msg *msg, int flags)
{
    const struct ip_addr *to = &sock_pcb(sk)->entry.raddr;
    struct endpoint dst;
    struct ip_addr src;
    bool has_src = false, more = flags & HF_MSG_MORE || sk->opt.udp_cork;
    int err;

    if (flags & HF_MSG_OOB && sock_family(sk) == HF_AF_INET)
        return -HF_EOPNOTSUPP;
    if (sk->cork)
        return cork_append(sk, msg, more);
    if (msg->addr && msg->addr_len) {
        uint16_t family = sock_family(sk);
        uint16_t given = msg->addr_len >= 2 ? sockaddr_family(msg->addr) : family;

        if (family == HF_AF_INET6 && given == HF_AF_INET) {
            if (sock_pcb(sk)->entry.v6only)
                return -HF_ENETUNREACH;
            family = HF_AF_INET;
        } else if (family == HF_AF_INET6 && given == HF_AF_UNSPEC && msg->addr_len >= 2) {
            return udp_send(sock_udp(sk), NULL, NULL, msg->iov, msg->iov_len);
        }
        if (msg->addr_len < (family == HF_AF_INET ? SOCKADDR_IN : SOCKADDR_IN6_MIN))
            return -HF_EINVAL;
        if (given != family && !(family == HF_AF_INET && given == HF_AF_UNSPEC))
            return given == HF_AF_INET || family == HF_AF_INET ? -HF_EAFNOSUPPORT : -HF_EINVAL;
        sockaddr_read(msg->addr, msg->addr_len, family, &dst);
        to = &dst.addr;
        if (dst.port == 0)
            return -HF_EINVAL;
    }
    if (flags & HF_MSG_OOB && addr_is4(to)) /* Linux: udpv6_sendmsg does not look at it */
        return -HF_EOPNOTSUPP;
    if (sk->shut & SOCK_SHUT_WR)
        return -HF_EPIPE;
    err = control_read_source(sk, msg, &src, &has_src);
    if (err)
        return err;
    if (more) {
        err = cork_begin(sk, msg->addr && msg->addr_len ? &dst : NULL, has_src ? &src : NULL);
        return err ? err : cork_append(sk, msg, true);
    }
    return udp_send(sock_udp(sk), msg->addr && msg->addr_len ? &dst : NULL, has_src ? &src : NULL,
                    msg->iov, msg->iov_len);
}

int64_t hf_sock_send(struct hf_sock *sk, const struct hf_msg *msg, int flags)
{
    return sk->is_stream ? stream_send(sk, msg, flags) : datagram_send(sk, msg, flags);
}

int hf_sock_reserve(struct hf_sock *sk, size_t want, struct hf_iovec *iov, int n)
{
    if (!sk->is_stream)
        return -HF_EOPNOTSUPP;
    if (sk->shut & SOCK_SHUT_WR)
        return -HF_EPIPE;
    return tcp_reserve(sock_tcb(sk), want, iov, n);
}

void hf_sock_commit(struct hf_sock *sk, size_t len)
{
    tcp_commit(sock_tcb(sk), len);
}
