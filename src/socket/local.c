/* AF_UNIX sockets: addresses, and the calls that move no data. C02, C10; Linux: net/unix. */
#include "socket/local.h"

#include "wire/sockaddr.h"

enum { FAMILY_BYTES = 2 };

int local_address(const void *addr, uint32_t len, const uint8_t **path, uint32_t *path_len)
{
    if (len <= FAMILY_BYTES || len > FAMILY_BYTES + UNIX_PATH_MAX ||
        sockaddr_family(addr) != HF_AF_UNIX)
        return -HF_EINVAL;
    *path = (const uint8_t *)addr + FAMILY_BYTES;
    *path_len = len - FAMILY_BYTES;
    return 0;
}

int local_name(const struct unix_pcb *u, void *addr, uint32_t *len)
{
    uint8_t bytes[FAMILY_BYTES + UNIX_PATH_MAX + 1];
    uint16_t family = HF_AF_UNIX;
    const uint8_t *path;
    uint32_t n;

    if (!u)
        return -HF_ENOTCONN;
    path = unix_name_of(u, &n);
    memcpy(bytes, &family, FAMILY_BYTES);
    if (n)
        memcpy(bytes + FAMILY_BYTES, path, n);
    if (addr)
        memcpy(addr, bytes, HF_MIN(*len, FAMILY_BYTES + n));
    *len = FAMILY_BYTES + n;
    return 0;
}

/* Linux: a family without a name asks for one. */
int local_bind(struct hf_sock *sk, const void *addr, uint32_t len)
{
    const uint8_t *path;
    uint32_t n;
    int err;

    if (len == FAMILY_BYTES && sockaddr_family(addr) == HF_AF_UNIX)
        return unix_autobind(sock_unix(sk));
    err = local_address(addr, len, &path, &n);
    return err ? err : unix_bind(sock_unix(sk), path, n);
}

/* C07, C09: AF_UNSPEC dissolves a datagram socket's association, and is nothing else's. */
int local_connect(struct hf_sock *sk, const void *addr, uint32_t len)
{
    struct unix_pcb *u = sock_unix(sk);
    bool is_datagram = u->type == HF_SOCK_DGRAM;
    const uint8_t *path;
    uint32_t n;
    int err;

    if (is_datagram && len >= FAMILY_BYTES && sockaddr_family(addr) == HF_AF_UNSPEC) {
        unix_unset_peer(u);
        return 0;
    }
    err = local_address(addr, len, &path, &n);
    if (err)
        return err;
    return is_datagram ? unix_set_peer(u, path, n) : unix_connect(u, path, n);
}

int local_listen(struct hf_sock *sk, uint32_t backlog)
{
    if (sock_unix(sk)->type == HF_SOCK_DGRAM)
        return -HF_EOPNOTSUPP;
    return unix_listen(sock_unix(sk), backlog);
}

int local_accept(struct hf_sock *sk, struct hf_sock **out)
{
    struct unix_pcb *child;
    int err;

    if (sock_unix(sk)->type == HF_SOCK_DGRAM)
        return -HF_EOPNOTSUPP;
    err = unix_accept(sock_unix(sk), &child);
    if (!err)
        *out = sock_of_block(child);
    return err;
}

/* Linux: unix_ioctl. */
int local_ioctl(struct hf_sock *sk, unsigned long request, int *value)
{
    const struct unix_pcb *u = sock_unix(sk);

    switch (request) {
    case HF_SIOCINQ:
        if (u->state == UNIX_LISTEN)
            return -HF_EINVAL;
        *value = (int)unix_readable(u);
        return 0;
    case HF_SIOCOUTQ:
        *value = (int)u->charged;
        return 0;
    case HF_SIOCATMARK:
        *value = unix_at_mark(u);
        return 0;
    default:
        return -HF_ENOTTY;
    }
}

/* Linux: unix_poll, unix_dgram_poll. C15. */
uint32_t local_poll(const struct hf_sock *sk)
{
    struct unix_pcb *u = sock_unix(sk);
    uint32_t mask = 0;

    if (u->err)
        mask |= HF_POLLERR;
    if (u->shut == UNIX_SHUT_BOTH)
        mask |= HF_POLLHUP;
    if (u->shut & UNIX_SHUT_RECV)
        mask |= HF_POLLRDHUP | HF_POLLIN | HF_POLLRDNORM;
    if (!list_empty(&u->queue))
        mask |= HF_POLLIN | HF_POLLRDNORM;
    if (u->oob)
        mask |= HF_POLLPRI;
    if (unix_is_connected_type(u) && u->state == UNIX_CLOSED)
        mask |= HF_POLLHUP;
    if (unix_is_writable(u) && (u->type == HF_SOCK_STREAM || !unix_peer_is_full(u)))
        mask |= HF_POLLOUT | HF_POLLWRNORM | HF_POLLWRBAND;
    return mask;
}

static struct unix_pcb *child_new(struct unix_pcb *listener)
{
    struct hf_sock *parent = sock_of_block(listener);
    struct hf_sock *sk = sock_make_unix(parent->all, listener->type);

    return sk ? sock_unix(sk) : NULL;
}

static void event(struct unix_pcb *u)
{
    sock_event(sock_of_block(u));
}

static void released(struct unix_pcb *u)
{
    struct hf_sock *sk = sock_of_block(u);

    list_remove(sock_link(sk));
    sk->all->core.stats.sockets--;
    pool_put(&sk->all->locals, sock_link(sk));
}

static struct unix_pcb *of_sock(struct hf_sock *sk)
{
    return sock_unix(sk);
}

const struct unix_up sock_unix_up = {child_new, event, released, of_sock};
