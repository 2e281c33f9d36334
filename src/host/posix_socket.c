/* hf_socket() and hf_socketpair(). */
#include "host/posix.h"

#include <errno.h>
#include <sys/socket.h>

/* Linux: the type's flags are looked at before anything else. NetSem socket_1, socket_2. */
int64_t host_socket(struct hf_host *h, int domain, int type, int protocol)
{
    int flags = type & (SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct hf_sock *sk;
    int fd, err;

    type &= ~flags;
    if (type & ~0xf)
        return -EINVAL;
    host_enter(h);
    err = hf_sock_new(h->stack, domain, type, protocol, &sk);
    host_leave(h);
    if (err)
        return err;
    fd = descriptor_reserve(flags & SOCK_CLOEXEC);
    if (fd >= 0)
        return posix_open(h, sk, fd, flags);
    host_enter(h);
    hf_sock_close(sk);
    host_leave(h);
    return fd;
}

int hf_socket(int domain, int type, int protocol)
{
    if (domain == AF_UNIX)
        return socket(domain, type, protocol);
    return hf_host_socket(NULL, domain, type, protocol);
}

/* Linux: the descriptors are chosen and told before the family is asked whether it has pairs. */
static int64_t refuse_pair(int domain, int type, int protocol, int fds[2])
{
    int pair[2] = {hf_socket(domain, type, protocol), -1};
    int err = pair[0] < 0 ? -errno : 0;

    if (!err)
        pair[1] = hf_socket(domain, type, protocol);
    if (!err && pair[1] < 0)
        err = -errno;
    if (!err)
        err = user_write(fds, pair, sizeof(pair));
    for (int i = 0; i < 2; i++) {
        if (pair[i] >= 0)
            hf_close(pair[i]);
    }
    return err ? err : -EOPNOTSUPP;
}

int hf_socketpair(int domain, int type, int protocol, int fds[2])
{
    if (domain == AF_UNIX)
        return socketpair(domain, type, protocol, fds);
    return (int)posix_result(refuse_pair(domain, type, protocol, fds));
}
