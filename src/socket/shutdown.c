/* shutdown(). Linux: inet_shutdown. */
#include "socket/sock.h"

void sock_set_shut(struct hf_sock *sk, uint8_t bits)
{
    struct tcp_options *t = tcp_options(sock_tcb(sk));

    sk->shut = bits;
    if (!bits) /* Linux, tcp_disconnect: what the next connection must not have */
        sk->opt.peek_off = -1;
    t->shut_recv = (bits & SOCK_SHUT_RD) != 0;
    t->shut_send = (bits & SOCK_SHUT_WR) != 0;
}

/* NetSem shutdown_1, shutdown_2, shutdown_3, shutdown_4. */
int hf_sock_shutdown(struct hf_sock *sk, int how)
{
    enum tcp_state state;
    uint8_t bits = (uint8_t)(how + 1); /* SHUT_RD 0, SHUT_WR 1, SHUT_RDWR 2 -> bits 1, 2, 3 */

    if (how < 0 || how > 2)
        return -HF_EINVAL;
    if (sk->is_unix) {
        unix_shutdown(sock_unix(sk), bits); /* Linux: always 0, connected or not */
        return 0;
    }
    if (sk->is_netlink)
        return -HF_EOPNOTSUPP;
    if (!sk->is_stream) {
        sk->shut |= bits;
        sock_event(sk);
        return sock_udp(sk)->is_connected ? 0 : -HF_ENOTCONN;
    }
    state = tcp_state(sock_tcb(sk));
    if (sk->state == SOCK_CONNECTING) {
        bool has_begun = state != TCP_SYN_SENT && state != TCP_SYN_RECEIVED && state != TCP_CLOSED;

        sk->state = has_begun ? SOCK_CONNECTED : SOCK_DISCONNECTING;
    }
    if (state == TCP_LISTEN || state == TCP_SYN_SENT) {
        if (state == TCP_LISTEN && !(bits & SOCK_SHUT_RD))
            return 0;
        tcp_disconnect(sock_tcb(sk));
        sk->state = SOCK_UNCONNECTED;
        sock_set_shut(sk, 0);
        sock_event(sk);
        return 0;
    }
    sock_set_shut(sk, sk->shut | bits);
    if (state == TCP_CLOSED) { /* Linux: ENOTCONN, yet it sticks */
        sock_event(sk);
        return -HF_ENOTCONN;
    }
    if (bits & SOCK_SHUT_WR) {
        int err = tcp_shut_send(sock_tcb(sk));

        if (err)
            return err;
    }
    sock_event(sk);
    return 0;
}
