/* AF_NETLINK sockets, whose other side is the kernel: here, this stack. Linux: af_netlink.c. */
#include "socket/kernel.h"

#include "socket/control.h"
#include "wire/sockaddr.h"

/* struct sockaddr_nl */
struct netlink_address {
    uint16_t family, pad;
    uint32_t port, groups;
};

int kernel_check(int type, int protocol)
{
    if (type != HF_SOCK_RAW && type != HF_SOCK_DGRAM)
        return -HF_ESOCKTNOSUPPORT;
    return netlink_serves(protocol) ? 0 : -HF_EPROTONOSUPPORT;
}

static int read_address(const void *addr, uint32_t len, struct netlink_address *out)
{
    if (len < sizeof(*out))
        return -HF_EINVAL;
    memcpy(out, addr, sizeof(*out));
    return out->family == HF_AF_NETLINK ? 0 : -HF_EINVAL;
}

static void give_address(uint32_t port, uint32_t groups, void *addr, uint32_t *len)
{
    const struct netlink_address out = {HF_AF_NETLINK, 0, port, groups};

    if (addr)
        memcpy(addr, &out, HF_MIN(*len, (uint32_t)sizeof(out)));
    *len = sizeof(out);
}

/* Only the administrator speaks to others than the kernel. */
static bool may_name(const struct hf_sock *sk, const struct netlink_address *to)
{
    return (!to->port && !to->groups) || sock_netlink(sk)->is_admin || sock_is_privileged(sk);
}

int kernel_bind(struct hf_sock *sk, const void *addr, uint32_t len)
{
    struct netlink_address at;
    int err = read_address(addr, len, &at);

    return err ? err : netlink_bind(sock_netlink(sk), at.port, at.groups);
}

int kernel_connect(struct hf_sock *sk, const void *addr, uint32_t len)
{
    struct netlink_pcb *p = sock_netlink(sk);
    struct netlink_address to = {0};
    int err;

    if (len < sizeof(to.family))
        return -HF_EINVAL;
    if (sockaddr_family(addr) != HF_AF_UNSPEC) {
        err = read_address(addr, len, &to);
        if (err)
            return err;
        if (!may_name(sk, &to))
            return -HF_EPERM;
        netlink_autobind(p);
    }
    p->peer_port = to.port;
    p->peer_groups = to.groups;
    return 0;
}

int kernel_sockname(const struct hf_sock *sk, void *addr, uint32_t *len)
{
    const struct netlink_pcb *p = sock_netlink(sk);

    give_address(p->port, (uint32_t)p->groups, addr, len);
    return 0;
}

/* Linux: of the groups the lowest. */
int kernel_peername(const struct hf_sock *sk, void *addr, uint32_t *len)
{
    const struct netlink_pcb *p = sock_netlink(sk);

    give_address(p->peer_port, p->peer_groups & -p->peer_groups, addr, len);
    return 0;
}

uint32_t kernel_poll(const struct hf_sock *sk)
{
    const struct netlink_pcb *p = sock_netlink(sk);

    return HF_POLLOUT | HF_POLLWRNORM | HF_POLLWRBAND | (p->err ? HF_POLLERR : 0) |
           (netlink_front(p) ? HF_POLLIN | HF_POLLRDNORM : 0);
}

static size_t bytes_of(const struct hf_msg *msg)
{
    size_t bytes = 0;

    for (size_t i = 0; i < msg->iov_len; i++)
        bytes += msg->iov[i].len;
    return bytes;
}

/* To the kernel, or to another socket. Nobody hears of what goes to a group. */
static int deliver(struct netlink_pcb *p, const struct netlink_address *to, const uint8_t *bytes,
                   size_t len)
{
    if (to->port)
        return netlink_pass(p, to->port, bytes, len);
    return netlink_request(p, bytes, len, p->is_admin);
}

/* Linux: netlink_sendmsg. */
static int check_send(struct hf_sock *sk, const struct hf_msg *msg, int flags, size_t len,
                      struct netlink_address *to)
{
    struct netlink_pcb *p = sock_netlink(sk);
    int err;

    if (flags & HF_MSG_OOB)
        return -HF_EOPNOTSUPP;
    if (!len)
        return -HF_ENODATA;
    *to = (struct netlink_address){HF_AF_NETLINK, 0, p->peer_port, p->peer_groups};
    if (msg->addr) {
        err = read_address(msg->addr, msg->addr_len, to);
        if (err)
            return err;
        if (!may_name(sk, to))
            return -HF_EPERM;
    }
    netlink_autobind(p);
    return len > p->sndbuf - 32 ? -HF_EMSGSIZE : 0;
}

int64_t kernel_send(struct hf_sock *sk, const struct hf_msg *msg, int flags)
{
    const struct hf_env *env = &sk->all->core.env;
    size_t len = bytes_of(msg), at = 0;
    struct netlink_address to;
    int err = check_send(sk, msg, flags, len, &to);
    uint8_t *bytes;

    if (err || flags & HF_MSG_PROXY)
        return err ? err : (int64_t)len;
    bytes = env->alloc(env->ctx, len);
    if (!bytes)
        return -HF_ENOBUFS;
    for (size_t i = 0; i < msg->iov_len; i++) {
        if (msg->iov[i].len)
            memcpy(bytes + at, msg->iov[i].base, msg->iov[i].len);
        at += msg->iov[i].len;
    }
    err = deliver(sock_netlink(sk), &to, bytes, len);
    env->free(env->ctx, bytes, len);
    return err ? err : (int64_t)len;
}

static void write_control(const struct hf_sock *sk, const struct part *part, struct hf_msg *msg)
{
    static const struct hf_credentials kernel = {0, 0, 0};
    const uint32_t no_group = 0;
    struct control w = {msg, 0};

    if (sock_netlink(sk)->pktinfo)
        control_put(&w, HF_SOL_NETLINK, NL_PKTINFO, &no_group, sizeof(no_group));
    if (sock_netlink(sk)->pass_cred && !part->from)
        control_put(&w, HF_SOL_SOCKET, HF_SCM_CREDENTIALS, &kernel, sizeof(kernel));
    msg->control_len = w.used;
}

/* Linux: netlink_recvmsg. */
int64_t kernel_recv(struct hf_sock *sk, struct hf_msg *msg, int flags)
{
    struct netlink_pcb *p = sock_netlink(sk);
    struct part *part = netlink_front(p);
    uint32_t done = 0, whole;

    if (flags & HF_MSG_OOB)
        return -HF_EOPNOTSUPP;
    if (p->err)
        return sock_take_error(sk);
    if (!part)
        return -HF_EAGAIN;
    for (size_t i = 0; i < msg->iov_len && done < part->len; i++) {
        uint32_t n = (uint32_t)HF_MIN(msg->iov[i].len, (size_t)(part->len - done));

        if (n)
            memcpy(msg->iov[i].base, part->bytes + done, n);
        done += n;
    }
    whole = part->len;
    msg->flags = done < whole ? HF_MSG_TRUNC : 0;
    give_address(part->from, 0, msg->addr, &msg->addr_len);
    write_control(sk, part, msg);
    if (!(flags & HF_MSG_PEEK))
        netlink_pop(p);
    return flags & HF_MSG_TRUNC ? whole : done;
}

void hf_sock_set_owner(struct hf_sock *sk, uint32_t port, bool is_admin)
{
    if (!sk->is_netlink)
        return;
    sock_netlink(sk)->own_port = port;
    sock_netlink(sk)->is_admin = is_admin;
}

static void event(struct netlink_pcb *p)
{
    sock_event(sock_of_block(p));
}

const struct netlink_up sock_netlink_up = {event};
