/* poll(): what is ready. C15; NetSem pselect_1; Linux: tcp_poll, datagram_poll. */
#include "socket/kernel.h"
#include "socket/local.h"
#include "socket/sock.h"

static uint32_t stream_poll(const struct hf_sock *sk)
{
    const struct tcb *tcb = sock_tcb(sk);
    const struct pcb *pcb = sock_pcb(sk);
    enum tcp_state state = tcp_state(tcb);
    bool no_more_in = tcp_fin_received(tcb) || (sk->shut & SOCK_SHUT_RD);
    bool no_more_out = tcp_fin_queued(tcb) || (sk->shut & SOCK_SHUT_WR);
    uint32_t mask = 0;

    if (state == TCP_LISTEN)
        return tcp_can_accept(tcb) ? HF_POLLIN | HF_POLLRDNORM : 0;
    if ((no_more_in && no_more_out) || state == TCP_CLOSED)
        mask |= HF_POLLHUP;
    if (no_more_in)
        mask |= HF_POLLIN | HF_POLLRDNORM | HF_POLLRDHUP;
    if (tcp_is_deferred(tcb))
        mask |= HF_POLLOUT | HF_POLLWRNORM;
    if (state != TCP_SYN_SENT && (state != TCP_SYN_RECEIVED || tcp_is_open_early(tcb))) {
        if (tcp_readable(tcb) > 0 && tcp_readable(tcb) >= sk->opt.rcvlowat)
            mask |= HF_POLLIN | HF_POLLRDNORM;
        if (no_more_out || state == TCP_CLOSED || tcp_writable(tcb))
            mask |= HF_POLLOUT | HF_POLLWRNORM;
        if (tcp_urgent_pending(tcb))
            mask |= HF_POLLPRI;
    }
    if (pcb->err || pcb->errors)
        mask |= HF_POLLERR;
    return mask;
}

static uint32_t datagram_poll(const struct hf_sock *sk)
{
    uint32_t mask = HF_POLLOUT | HF_POLLWRNORM | HF_POLLWRBAND;

    if (sock_pcb(sk)->err || sock_pcb(sk)->errors)
        mask |= sk->opt.inert & INERT_SELECT_ERR_QUEUE ? HF_POLLERR | HF_POLLPRI : HF_POLLERR;
    if (sk->shut & SOCK_SHUT_RD)
        mask |= HF_POLLRDHUP | HF_POLLIN | HF_POLLRDNORM;
    if (sk->shut == (SOCK_SHUT_RD | SOCK_SHUT_WR))
        mask |= HF_POLLHUP;
    if (udp_front(sock_udp(sk)))
        mask |= HF_POLLIN | HF_POLLRDNORM;
    return mask;
}

uint32_t hf_sock_poll(const struct hf_sock *sk)
{
    if (sk->is_unix)
        return local_poll(sk);
    if (sk->is_netlink)
        return kernel_poll(sk);
    return sk->is_stream ? stream_poll(sk) : datagram_poll(sk);
}
