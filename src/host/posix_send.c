/* hf_send(), hf_sendto(), hf_write(), hf_writev(). */
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/at_once.h"
#include "host/transfer.h"

static int64_t send_buffer(struct call *c, const void *buf, size_t len, int flags,
                           const struct sockaddr *addr, socklen_t addr_len)
{
    uint8_t to[USER_ADDRESS_MAX];
    struct hf_iovec v = {(void *)(uintptr_t)buf, user_bytes(len)};
    struct hf_msg msg = {.iov = &v, .iov_len = 1};
    int err = 0;

    if (addr) {
        err = user_read_address(to, addr, addr_len);
        msg.addr = to;
        msg.addr_len = addr_len;
    }
    return err ? err : transfer_send(c, &msg, v.len, flags);
}

ssize_t hf_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
                  socklen_t addr_len)
{
    struct call c;
    size_t n;

    pthread_testcancel();
    n = addr ? 0 : at_once_send(fd, buf, len, flags);
    if (n)
        return (ssize_t)n;
    if (!call_begin(&c, fd))
        return sendto(fd, buf, len, flags, addr, addr_len);
    return call_end(&c, send_buffer(&c, buf, len, flags, addr, addr_len));
}

ssize_t hf_send(int fd, const void *buf, size_t len, int flags)
{
    struct call c;
    size_t n;

    pthread_testcancel();
    n = at_once_send(fd, buf, len, flags);
    if (n)
        return (ssize_t)n;
    if (!call_begin(&c, fd))
        return send(fd, buf, len, flags);
    return call_end(&c, send_buffer(&c, buf, len, flags, NULL, 0));
}

ssize_t hf_write(int fd, const void *buf, size_t len)
{
    struct call c;
    size_t n;

    pthread_testcancel();
    n = at_once_send(fd, buf, len, 0);
    if (n)
        return (ssize_t)n;
    if (!call_begin(&c, fd))
        return write(fd, buf, len);
    if ((ssize_t)len < 0)
        return call_end(&c, -EINVAL);
    return call_end(&c, send_buffer(&c, buf, len, 0, NULL, 0));
}

ssize_t hf_writev(int fd, const struct iovec *iov, int n)
{
    struct call c;
    struct hf_msg msg = {.iov = (const struct hf_iovec *)iov, .iov_len = (size_t)n};
    size_t total;
    int err;

    pthread_testcancel();
    if (!call_begin(&c, fd))
        return writev(fd, iov, n);
    err = user_check_vector(iov, msg.iov_len, -EINVAL, &total);
    return call_end(&c, err ? err : transfer_send(&c, &msg, total, 0));
}
