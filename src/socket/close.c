/* close(). */
#include "socket/cork.h"

/* NetSem close_10. */
void hf_sock_close(struct hf_sock *sk)
{
    struct sockets *all;

    if (!sk)
        return;
    all = sk->all;
    sk->is_closed = 1;
    if (sk->is_unix) {
        list_remove(sock_link(sk));
        unix_close(sock_unix(sk));
        return;
    }
    if (sk->is_stream) {
        tcp_close(sock_tcb(sk), sk->opt.linger_on && sk->opt.linger_s == 0);
        return;
    }
    list_remove(sock_link(sk));
    all->core.stats.sockets--;
    if (sk->is_netlink) {
        netlink_close(sock_netlink(sk));
        pool_put(&all->kernels, sock_link(sk));
        return;
    }
    cork_drop(sk);
    udp_close(sock_udp(sk));
    pool_put(&all->datagrams, sock_link(sk));
}

/* Linux: tcp_close resets where something is unread, else sk_stream_wait_close waits for the FIN to
 * be acknowledged, and with it all that was sent. NetSem close_4, close_5. */
bool hf_sock_lingers(const struct hf_sock *sk, uint32_t *seconds)
{
    const struct tcb *tcb = sock_tcb(sk);

    if (!sk->is_stream || !sk->opt.linger_on || sk->opt.linger_s == 0)
        return false;
    switch (tcp_state(tcb)) {
    case TCP_SYN_RECEIVED:
    case TCP_ESTABLISHED:
    case TCP_FIN_WAIT_1:
    case TCP_CLOSE_WAIT:
    case TCP_CLOSING:
    case TCP_LAST_ACK:
        *seconds = sk->opt.linger_s;
        return tcp_readable(tcb) == 0;
    default:
        return false;
    }
}
