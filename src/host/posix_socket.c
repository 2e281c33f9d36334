/* hf_socket() and hf_socketpair(). */
#include "host/posix.h"

#include <errno.h>
#include <sys/socket.h>

/* Linux: the type's flags are looked at before anything else. NetSem socket_1, socket_2. */
static int64_t make(int domain, int type, int protocol)
{
    int flags = type & (SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct hf_host *h;
    struct hf_sock *sk;
    int fd, err;

    type &= ~flags;
    if (type & ~0xf)
        return -EINVAL;
    h = host_default();
    if (!h)
        return -ENOBUFS;
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
    return (int)posix_result(make(domain, type, protocol));
}

/* Linux: the descriptors are chosen and told before the family is asked whether it has pairs. */
static int64_t refuse_pair(int domain, int type, int protocol, int fds[2])
{
    int64_t one = make(domain, type, protocol), two = one;
    int pair[2], err = 0;

    if (one >= 0)
        two = make(domain, type, protocol);
    pair[0] = (int)one;
    pair[1] = (int)two;
    if (two >= 0)
        err = user_write(fds, pair, sizeof(pair));
    if (one >= 0)
        hf_close((int)one);
    if (two >= 0)
        hf_close((int)two);
    return two < 0 ? two : err ? err : -EOPNOTSUPP;
}

int hf_socketpair(int domain, int type, int protocol, int fds[2])
{
    if (domain == AF_UNIX)
        return socketpair(domain, type, protocol, fds);
    return (int)posix_result(refuse_pair(domain, type, protocol, fds));
}
