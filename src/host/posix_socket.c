/* hf_socket() and hf_socketpair(). */
#include "host/posix.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/user.h"

/* Linux: the type's flags are looked at before anything else. NetSem socket_1, socket_2. */
int64_t host_socket(struct hf_host *h, int domain, int type, int protocol)
{
    int flags = type & (SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct file *f = NULL;
    struct hf_sock *sk;
    int fd, err;

    type &= ~flags;
    if (type & ~0xf)
        return -EINVAL;
    host_enter_briefly(h);
    err = hf_sock_new(h->stack, domain, type, protocol, &sk);
    if (!err && domain == AF_NETLINK)
        hf_sock_set_owner(sk, (uint32_t)getpid(), user_has_capability(1u << CAP_NET_ADMIN));
    if (!err)
        f = file_new(h, sk, domain, type);
    host_leave_briefly(h);
    if (err)
        return err;
    fd = descriptor_reserve(flags & SOCK_CLOEXEC);
    if (fd >= 0)
        return posix_open(f, fd, flags);
    file_put(f);
    return fd;
}

int hf_socket(int domain, int type, int protocol)
{
    return hf_host_socket(NULL, domain, type, protocol);
}

/* Both sockets of a pair get their descriptors, or neither stays. */
static int64_t open_pair(struct hf_host *h, int type, int protocol, const int fds[2], int flags)
{
    struct file *files[2] = {NULL, NULL};
    struct hf_sock *pair[2];
    int64_t err;

    host_enter_briefly(h);
    err = hf_sock_pair(h->stack, type, protocol, pair);
    for (int i = 0; !err && i < 2; i++)
        files[i] = file_new(h, pair[i], AF_UNIX, type);
    host_leave_briefly(h);
    if (err) {
        descriptor_cancel(fds[0]);
        descriptor_cancel(fds[1]);
        return err;
    }
    err = posix_open(files[0], fds[0], flags);
    if (err < 0) {
        descriptor_cancel(fds[1]);
        file_put(files[1]);
        return err;
    }
    err = posix_open(files[1], fds[1], flags);
    if (err >= 0)
        return 0;
    hf_close(fds[0]);
    return err;
}

/* Other families have no pairs; what is wrong beside that is told first. */
static int64_t refuse_pair(struct hf_host *h, int domain, int type, int protocol)
{
    int64_t fd = host_socket(h, domain, type, protocol);

    if (fd < 0)
        return fd;
    hf_close((int)fd);
    return -EOPNOTSUPP;
}

/* Linux: the descriptors are chosen and told before the family is asked whether it has pairs. */
static int64_t make_pair(struct hf_host *h, int domain, int type, int protocol, int out[2])
{
    int flags = type & (SOCK_NONBLOCK | SOCK_CLOEXEC);
    int fds[2];
    int64_t err;

    type &= ~flags;
    if (type & ~0xf)
        return -EINVAL;
    fds[0] = descriptor_reserve(flags & SOCK_CLOEXEC);
    if (fds[0] < 0)
        return fds[0];
    fds[1] = descriptor_reserve(flags & SOCK_CLOEXEC);
    err = fds[1] < 0 ? fds[1] : user_write(out, fds, sizeof(fds));
    if (!err && domain == AF_UNIX)
        return open_pair(h, type, protocol, fds, flags);
    descriptor_cancel(fds[0]);
    if (fds[1] >= 0)
        descriptor_cancel(fds[1]);
    return err ? err : refuse_pair(h, domain, type, protocol);
}

int hf_socketpair(int domain, int type, int protocol, int fds[2])
{
    struct hf_host *h = host_default();

    return (int)posix_result(h ? make_pair(h, domain, type, protocol, fds) : -ENOBUFS);
}
