/* SOL_SOCKET options of AF_UNIX sockets, where they are not what they are for all. Linux:
 * sk_setsockopt, sk_getsockopt. */
#include "socket/local.h"

static void set_buffer(struct hf_sock *sk, bool receives, uint32_t bytes)
{
    struct unix_pcb *u = sock_unix(sk);

    if (receives) {
        u->rcvbuf = option_buffer(true, bytes);
        sk->opt.rcvbuf_locked = 1;
    } else {
        u->sndbuf = option_buffer(false, bytes);
        sk->opt.sndbuf_locked = 1;
        sock_event(sk);
    }
}

static int set_buffer_forced(struct hf_sock *sk, bool receives, int v)
{
    if (!sock_is_privileged(sk))
        return -HF_EPERM;
    set_buffer(sk, receives, (uint32_t)HF_MIN(HF_MAX(v, 0), INT32_MAX / 2));
    return 0;
}

static int set_buf_lock(struct hf_sock *sk, int v)
{
    if (v & ~3)
        return -HF_EINVAL;
    sk->opt.sndbuf_locked = v & 1;
    sk->opt.rcvbuf_locked = v >> 1 & 1;
    return 0;
}

static int set_one(struct hf_sock *sk, int name, const void *value, uint32_t len)
{
    struct unix_pcb *u = sock_unix(sk);
    int v;

    memcpy(&v, value, sizeof(v));
    switch (name) {
    case HF_SO_REUSEADDR:
        u->reuse_addr = v != 0;
        return 0;
    case HF_SO_BROADCAST:
        u->broadcast = v != 0;
        return 0;
    case HF_SO_KEEPALIVE:
        sk->opt.keepalive = v != 0;
        return 0;
    case HF_SO_OOBINLINE:
        sk->opt.oob_inline = u->oob_inline = v != 0;
        return 0;
    case HF_SO_PASSCRED:
        u->pass_cred = v != 0;
        return 0;
    case HF_SO_PASSSEC: /* there are no labels to pass */
        u->pass_sec = v != 0;
        return 0;
    case HF_SO_REUSEPORT: /* Linux: of the internet's families only */
        return v ? -HF_EOPNOTSUPP : 0;
    case HF_SO_SNDBUF:
    case HF_SO_RCVBUF:
        set_buffer(sk, name == HF_SO_RCVBUF, HF_MIN((uint32_t)v, OPTION_BUFFER_MOST));
        return 0;
    case HF_SO_SNDBUFFORCE:
    case HF_SO_RCVBUFFORCE:
        return set_buffer_forced(sk, name == HF_SO_RCVBUFFORCE, v);
    case HF_SO_BUF_LOCK:
        return set_buf_lock(sk, v);
    default:
        return setsockopt_socket(sk, name, value, len);
    }
}

int setsockopt_local(struct hf_sock *sk, int name, const void *value, uint32_t len)
{
    if (name == HF_SO_BINDTODEVICE || name == HF_SO_BINDTOIFINDEX)
        return -HF_ENOPROTOOPT; /* Deviates: a link would change nothing */
    return len < sizeof(int) ? -HF_EINVAL : set_one(sk, name, value, len);
}

/* Linux: what the peer was when it connected, listened or was made. C18. */
static int get_peer(const struct unix_pcb *u, void *value, uint32_t *len)
{
    return option_give(value, len, &u->theirs, sizeof(u->theirs));
}

static int get_meminfo(const struct unix_pcb *u, void *value, uint32_t *len)
{
    uint32_t words[9] = {0, u->rcvbuf, 0, u->sndbuf, 0, u->charged};

    return option_give(value, len, words, sizeof(words));
}

int getsockopt_local(struct hf_sock *sk, int name, void *value, uint32_t *len)
{
    const struct unix_pcb *u = sock_unix(sk);

    switch (name) {
    case HF_SO_TYPE:
        return option_give_int(value, len, u->type);
    case HF_SO_PROTOCOL:
    case HF_SO_REUSEPORT:
        return option_give_int(value, len, 0);
    case HF_SO_ACCEPTCONN:
        return option_give_int(value, len, u->state == UNIX_LISTEN);
    case HF_SO_SNDBUF:
        return option_give_int(value, len, (int)u->sndbuf);
    case HF_SO_RCVBUF:
        return option_give_int(value, len, (int)u->rcvbuf);
    case HF_SO_REUSEADDR:
        return option_give_int(value, len, u->reuse_addr);
    case HF_SO_BROADCAST:
        return option_give_int(value, len, u->broadcast);
    case HF_SO_KEEPALIVE:
        return option_give_int(value, len, sk->opt.keepalive);
    case HF_SO_OOBINLINE:
        return option_give_int(value, len, sk->opt.oob_inline);
    case HF_SO_PASSCRED:
        return option_give_int(value, len, u->pass_cred);
    case HF_SO_PASSSEC:
        return option_give_int(value, len, u->pass_sec);
    case HF_SO_PEERCRED:
        return get_peer(u, value, len);
    case HF_SO_MEMINFO:
        return get_meminfo(u, value, len);
    case HF_SO_BINDTODEVICE:
        *len = 0;
        return 0;
    case HF_SO_BINDTOIFINDEX:
        return option_give_int(value, len, 0);
    default:
        return getsockopt_socket(sk, name, value, len);
    }
}
