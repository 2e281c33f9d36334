/* One buffer per socket, only while a datagram is being made. Linux: ip_append_data,
 * udp_push_pending_frames; what the first send said of addresses holds for all. */
#include "socket/cork.h"

#define MOST4      65507 /* of bytes in one datagram */
#define MOST6      65527
#define CORK_FIRST 512

struct cork {
    uint8_t *bytes;
    uint32_t len, room;
    struct endpoint dst;
    struct udp_how how; /* how.dst is NULL or &dst */
    bool is4;
};

/* Linux: the way is looked for, and shutdown() heard, when the first bytes come. */
int cork_begin(struct hf_sock *sk, const struct udp_how *how, bool is4, size_t bytes)
{
    const struct hf_env *env = &sk->all->core.env;
    struct udp_how probe = *how;
    struct cork *k;
    int err;

    probe.is_probe = true;
    err = (int)udp_send(sock_udp(sk), &probe, NULL, 0);
    if (!err && bytes > (is4 ? MOST4 : MOST6))
        err = udp_refuse_size(sock_udp(sk), how);
    if (!err)
        err = sock_take_error(sk);
    if (err)
        return err;
    if (how->is_shut)
        return -HF_EPIPE;
    k = env->alloc(env->ctx, sizeof(*k));
    if (!k)
        return -HF_ENOBUFS;
    *k = (struct cork){.how = *how, .is4 = is4};
    if (how->dst) {
        k->dst = *how->dst;
        k->how.dst = &k->dst;
    }
    sock_udp(sk)->cork = k;
    return 0;
}

static bool make_room(const struct hf_env *env, struct cork *k, uint32_t len)
{
    uint32_t room = HF_MAX(k->room ? k->room * 2 : CORK_FIRST, k->len + len);
    uint8_t *bytes;

    if (len <= k->room - k->len)
        return true;
    bytes = env->alloc(env->ctx, room);
    if (!bytes)
        return false;
    if (k->room) {
        memcpy(bytes, k->bytes, k->len);
        env->free(env->ctx, k->bytes, k->room);
    }
    k->bytes = bytes;
    k->room = room;
    return true;
}

static int64_t append(struct hf_sock *sk, const struct hf_msg *msg)
{
    struct cork *k = sock_cork(sk);
    uint32_t most = k->is4 ? MOST4 : MOST6;
    size_t len = 0;

    for (size_t i = 0; i < msg->iov_len; i++) {
        if (msg->iov[i].len > most - k->len - len)
            return udp_refuse_size(sock_udp(sk), &k->how);
        len += msg->iov[i].len;
    }
    if (!make_room(&sk->all->core.env, k, (uint32_t)len))
        return -HF_ENOBUFS;
    for (size_t i = 0; i < msg->iov_len; i++) {
        if (msg->iov[i].len)
            memcpy(k->bytes + k->len, msg->iov[i].base, msg->iov[i].len);
        k->len += (uint32_t)msg->iov[i].len;
    }
    return (int64_t)len;
}

bool cork_is4(const struct hf_sock *sk)
{
    return sock_cork(sk)->is4;
}

int64_t cork_append(struct hf_sock *sk, const struct hf_msg *msg, bool more)
{
    int64_t len = append(sk, msg);
    int err;

    if (len < 0) {
        cork_drop(sk);
        return len;
    }
    err = more ? 0 : cork_push(sk);
    return err ? err : len;
}

int cork_push(struct hf_sock *sk)
{
    const struct cork *k = sock_cork(sk);
    struct hf_iovec iov = {k->bytes, k->len};
    int64_t sent = udp_send(sock_udp(sk), &k->how, &iov, 1);

    cork_drop(sk);
    return sent < 0 ? (int)sent : 0;
}

void cork_drop(struct hf_sock *sk)
{
    const struct hf_env *env = &sk->all->core.env;
    struct cork *k = sock_cork(sk);

    if (!k)
        return;
    if (k->room)
        env->free(env->ctx, k->bytes, k->room);
    env->free(env->ctx, k, sizeof(*k));
    sock_udp(sk)->cork = NULL;
}
