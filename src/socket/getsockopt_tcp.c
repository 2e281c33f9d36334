/* getsockopt() of SOL_TCP. Linux: do_tcp_getsockopt. */
#include "socket/sock.h"

static int linger2(const struct tcp *tcp, const struct tcp_options *t)
{
    return t->linger2_s ? t->linger2_s : (int)(tcp->fin_timeout_ns / HF_S);
}

static int get_number(struct hf_sock *sk, int name, int *v)
{
    struct tcb *tcb = sock_tcb(sk);
    const struct tcp *tcp = &sk->all->tcp;
    const struct tcp_options *t = tcp_options(tcb);
    const struct tcp_fastopen_queue *q;

    switch (name) {
    case HF_TCP_NODELAY:
        *v = t->nodelay;
        return 0;
    case HF_TCP_CORK:
        *v = t->cork;
        return 0;
    case HF_TCP_MAXSEG:
        *v = (int)tcp_mss(tcb);
        return 0;
    case HF_TCP_KEEPIDLE:
        *v = (int)t->keep_idle_s;
        return 0;
    case HF_TCP_KEEPINTVL:
        *v = (int)t->keep_intvl_s;
        return 0;
    case HF_TCP_KEEPCNT:
        *v = t->keep_cnt;
        return 0;
    case HF_TCP_SYNCNT:
        *v = t->syncnt ? t->syncnt : tcp->syn_retries;
        return 0;
    case HF_TCP_LINGER2:
        *v = linger2(tcp, t);
        return 0;
    case HF_TCP_DEFER_ACCEPT:
        *v = t->defer_accept_s;
        return 0;
    case HF_TCP_WINDOW_CLAMP:
        *v = (int)t->window_clamp;
        return 0;
    case HF_TCP_QUICKACK:
        *v = !sk->opt.pingpong;
        return 0;
    case HF_TCP_USER_TIMEOUT:
        *v = (int)t->user_timeout_ms;
        return 0;
    case HF_TCP_NOTSENT_LOWAT:
        *v = (int)t->notsent_lowat;
        return 0;
    case HF_TCP_THIN_LINEAR_TIMEOUTS:
        *v = option_is_on(sk, OPTION_INERT + INERT_THIN_LTO);
        return 0;
    case HF_TCP_FASTOPEN:
        q = sock_fastopen(sk);
        *v = q ? (int)q->limit : 0;
        return 0;
    case HF_TCP_FASTOPEN_CONNECT:
        *v = sk->opt.fastopen_connect;
        return 0;
    case HF_TCP_FASTOPEN_NO_COOKIE:
        *v = sk->opt.fastopen_no_cookie;
        return 0;
    case HF_TCP_SAVE_SYN:
        *v = t->save_syn;
        return 0;
    case HF_TCP_INQ:
        *v = sk->opt.recv_inq;
        return 0;
    case HF_TCP_RTO_MAX_MS:
        *v = t->rto_max_4ms * 4;
        return 0;
    case HF_TCP_RTO_MIN_US:
        *v = t->rto_min_4ms * 4000;
        return 0;
    case HF_TCP_DELACK_MAX_US:
        *v = t->delack_max_4ms * 4000;
        return 0;
    case HF_TCP_REPAIR_QUEUE: /* not under repair */
    case HF_TCP_QUEUE_SEQ:
        return -HF_EINVAL;
    /* What is never on. */
    case HF_TCP_THIN_DUPACK:
    case HF_TCP_REPAIR:
    case HF_TCP_TX_DELAY:
    case HF_TCP_IS_MPTCP:
        *v = 0;
        return 0;
    default:
        return -HF_ENOPROTOOPT;
    }
}

int getsockopt_tcp(struct hf_sock *sk, int name, void *value, uint32_t *len)
{
    char text[TCP_CC_NAME];
    int v = 0, err;

    switch (name) {
    case HF_TCP_INFO:
        *len = tcp_info(sock_tcb(sk), value, *len);
        return 0;
    case HF_TCP_FASTOPEN_KEY:
        return fastopen_get_keys(sk, value, len);
    case HF_TCP_CONGESTION:
        tcp_congestion(sock_tcb(sk), text);
        return option_give(value, len, text, sizeof(text));
    case HF_TCP_ULP: /* none */
    case HF_TCP_CC_INFO:
        *len = 0;
        return 0;
    case HF_TCP_SAVED_SYN:
        return tcp_saved_syn(sock_tcb(sk), value, len);
    default:
        err = get_number(sk, name, &v);
        if (err == -HF_ENOPROTOOPT)
            return option_get_fixed(sk, HF_SOL_TCP, name, value, len);
        return err ? err : option_give_int(value, len, v);
    }
}
