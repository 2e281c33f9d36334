/* listen() and accept(). C28. */
#include "socket/local.h"
#include "socket/sock.h"

/* NetSem listen_3, listen_7. */
int hf_sock_listen(struct hf_sock *sk, int backlog)
{
    enum tcp_state state;

    if (!sk->is_stream && !sk->is_unix)
        return -HF_EOPNOTSUPP;
    /* Linux compares without a sign, so -1 is the most there is. */
    if ((unsigned)backlog > HF_SOMAXCONN)
        backlog = HF_SOMAXCONN;
    if (sk->is_unix)
        return local_listen(sk, (uint32_t)backlog);
    state = tcp_state(sock_tcb(sk));
    if (sk->state != SOCK_UNCONNECTED || (state != TCP_CLOSED && state != TCP_LISTEN))
        return -HF_EINVAL;
    if (state == TCP_CLOSED)
        fastopen_listen(sk, (uint32_t)backlog);
    return tcp_listen(sock_tcb(sk), (uint32_t)backlog);
}

/* NetSem accept_3, accept_4, accept_5, accept_7. */
int hf_sock_accept(struct hf_sock *sk, struct hf_sock **out)
{
    struct tcb *child;

    if (sk->is_unix)
        return local_accept(sk, out);
    if (!sk->is_stream)
        return -HF_EOPNOTSUPP;
    if (tcp_state(sock_tcb(sk)) != TCP_LISTEN)
        return -HF_EINVAL;
    child = tcp_accept(sock_tcb(sk));
    if (!child)
        return -HF_EAGAIN;
    *out = sock_of_block(child);
    return 0;
}

int hf_sock_listen_any(struct hf_sock *sk, int backlog)
{
    struct pcb *pcb = sock_pcb(sk);

    if (!sk->all->core.privileged)
        return -HF_EPERM;
    if (!sk->is_stream || sk->state != SOCK_UNCONNECTED)
        return -HF_EINVAL;
    pcb->entry.any_dst = 1;
    pcb->entry.transparent = 1;
    return tcp_listen(sock_tcb(sk), (uint32_t)backlog);
}

int hf_sock_answer(struct hf_sock *sk)
{
    if (!sk->is_stream || tcp_state(sock_tcb(sk)) != TCP_SYN_RECEIVED)
        return -HF_EINVAL;
    tcp_answer(sock_tcb(sk));
    return 0;
}

void hf_sock_refuse(struct hf_sock *sk, enum hf_refusal how)
{
    sk->is_closed = 1;
    tcp_refuse(sock_tcb(sk), how);
}

hf_time hf_sock_held_since(const struct hf_sock *sk, uint32_t *syns)
{
    return tcp_held_since(sock_tcb(sk), syns);
}
