/* close(). NetSem close_1 to close_8, close_10. */
#include "socket/sock.h"

void hf_sock_close(struct hf_sock *sk)
{
    struct sockets *all;

    if (!sk)
        return;
    all = sk->all;
    sk->is_closed = 1;
    if (sk->is_stream) {
        tcp_close(sock_tcb(sk), sk->opt.linger_on && sk->opt.linger_s == 0);
        return;
    }
    udp_close(sock_udp(sk));
    list_remove(&sk->link);
    all->core.stats.sockets--;
    pool_put(&all->datagrams, sk);
}

bool hf_sock_lingers(const struct hf_sock *sk, hf_time *limit)
{
    if (!sk->is_stream || !sk->opt.linger_on || sk->opt.linger_s == 0)
        return false;
    *limit = sk->all->core.now + sk->opt.linger_s * HF_S;
    return tcp_unacked(sock_tcb(sk)) > 0;
}
