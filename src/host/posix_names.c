/* hf_bind(), hf_listen(), hf_shutdown(), hf_getsockname(), hf_getpeername(): calls that do not wait
 * and have nothing but an address. */
#include "host/posix.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/socket.h>

static int64_t do_bind(struct file *f, const struct sockaddr *addr, socklen_t len)
{
    uint8_t bytes[USER_ADDRESS_MAX];
    int err = user_read_address(bytes, addr, len);

    if (err)
        return err;
    host_enter(f->host);
    err = hf_sock_bind(f->sk, bytes, len);
    if (err == -EACCES && !f->is_unix && user_has_capability(1u << CAP_NET_BIND_SERVICE)) {
        hf_sock_set_admin(f->sk, true);
        err = hf_sock_bind(f->sk, bytes, len);
        hf_sock_set_admin(f->sk, false);
    }
    host_leave(f->host);
    return err;
}

int hf_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct call c;

    if (!call_begin(&c, fd))
        return bind(fd, addr, len);
    return (int)call_end(&c, do_bind(c.file, addr, len));
}

int hf_listen(int fd, int backlog)
{
    struct call c;
    int err;

    if (!call_begin(&c, fd))
        return listen(fd, backlog);
    host_enter(c.file->host);
    err = hf_sock_listen(c.file->sk, backlog);
    file_touch(c.file);
    host_leave(c.file->host);
    return (int)call_end(&c, err);
}

int hf_shutdown(int fd, int how)
{
    struct call c;
    int err;

    if (!call_begin(&c, fd))
        return shutdown(fd, how);
    host_enter(c.file->host);
    err = hf_sock_shutdown(c.file->sk, how);
    file_touch(c.file);
    host_leave(c.file->host);
    return (int)call_end(&c, err);
}

typedef int name_fn(struct hf_sock *sk, void *addr, uint32_t *len);

static int64_t give_name(struct file *f, name_fn *name, struct sockaddr *addr, socklen_t *room)
{
    uint8_t bytes[USER_ADDRESS_MAX];
    uint32_t len = sizeof(bytes);
    int err;

    host_enter(f->host);
    err = name(f->sk, bytes, &len);
    host_leave(f->host);
    return err ? err : user_write_address(addr, room, bytes, len);
}

int hf_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
    struct call c;

    if (!call_begin(&c, fd))
        return getsockname(fd, addr, len);
    return (int)call_end(&c, give_name(c.file, hf_sock_getsockname, addr, len));
}

int hf_getpeername(int fd, struct sockaddr *addr, socklen_t *len)
{
    struct call c;

    if (!call_begin(&c, fd))
        return getpeername(fd, addr, len);
    return (int)call_end(&c, give_name(c.file, hf_sock_getpeername, addr, len));
}
