/* ioctl(): queue lengths and the urgent mark. NetSem sockatmark_1, sockatmark_2. */
#include "socket/local.h"
#include "socket/sock.h"

static int datagram_ioctl(struct hf_sock *sk, unsigned long request, int *value)
{
    struct hf_frame *f = udp_front(sock_udp(sk));

    switch (request) {
    case HF_SIOCINQ:
        *value = f ? (int)f->len : 0;
        return 0;
    case HF_SIOCOUTQ:
        *value = 0; /* a datagram leaves at once */
        return 0;
    default:
        return -HF_ENOTTY;
    }
}

int hf_sock_ioctl(struct hf_sock *sk, unsigned long request, int *value)
{
    struct tcb *tcb = sock_tcb(sk);

    if (sk->is_unix)
        return local_ioctl(sk, request, value);
    if (sk->is_netlink)
        return -HF_ENOTTY;
    if (!sk->is_stream)
        return datagram_ioctl(sk, request, value);
    if (tcp_state(tcb) == TCP_LISTEN &&
        (request == HF_SIOCINQ || request == HF_SIOCOUTQ || request == HF_SIOCOUTQNSD))
        return -HF_EINVAL;
    switch (request) {
    case HF_SIOCINQ:
        /* Linux, tcp_inq: up to the urgent byte, and nothing at it */
        *value = tcp_at_mark(tcb) && !sk->opt.oob_inline ? 0 : (int)tcp_readable(tcb);
        return 0;
    case HF_SIOCOUTQ:
        *value = (int)tcp_unacked(tcb);
        return 0;
    case HF_SIOCOUTQNSD:
        *value = (int)tcp_unsent(tcb);
        return 0;
    case HF_SIOCATMARK:
        *value = tcp_at_mark(tcb);
        return 0;
    default:
        return -HF_ENOTTY;
    }
}
