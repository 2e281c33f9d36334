/* hf_recv(), hf_recvfrom(), hf_read(), hf_readv(). */
#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/at_once.h"
#include "host/transfer.h"

/* The address comes last: when it cannot be written the data is gone. */
static int64_t receive_buffer(struct call *c, void *buf, size_t len, int flags,
                              struct sockaddr *addr, socklen_t *addr_len)
{
    uint8_t from[USER_ADDRESS_MAX];
    struct hf_iovec v = {buf, user_bytes(len)};
    struct hf_msg msg = {.iov = &v, .iov_len = 1, .addr = from, .addr_len = sizeof(from)};
    int64_t n;
    int err;

    n = transfer_receive(c, &msg, v.len, flags);
    if (n < 0 || !addr)
        return n;
    err = user_write_address(addr, addr_len, from, msg.addr_len);
    return err ? err : n;
}

ssize_t hf_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
                    socklen_t *addr_len)
{
    struct call c;
    size_t n;

    pthread_testcancel();
    n = addr ? 0 : at_once_recv(fd, buf, len, flags);
    if (n)
        return (ssize_t)n;
    if (!call_begin(&c, fd))
        return recvfrom(fd, buf, len, flags, addr, addr_len);
    return call_end(&c, receive_buffer(&c, buf, len, flags, addr, addr_len));
}

ssize_t hf_recv(int fd, void *buf, size_t len, int flags)
{
    struct call c;
    size_t n;

    pthread_testcancel();
    n = at_once_recv(fd, buf, len, flags);
    if (n)
        return (ssize_t)n;
    if (!call_begin(&c, fd))
        return recv(fd, buf, len, flags);
    return call_end(&c, receive_buffer(&c, buf, len, flags, NULL, NULL));
}

/* Linux: sock_read_iter gives 0 for a length of 0, whatever the socket. */
ssize_t hf_read(int fd, void *buf, size_t len)
{
    struct call c;
    size_t n;

    pthread_testcancel();
    n = at_once_recv(fd, buf, len, 0);
    if (n)
        return (ssize_t)n;
    if (!call_begin(&c, fd))
        return read(fd, buf, len);
    if ((ssize_t)len < 0)
        return call_end(&c, -EINVAL);
    return call_end(&c, len ? receive_buffer(&c, buf, len, 0, NULL, NULL) : 0);
}

ssize_t hf_readv(int fd, const struct iovec *iov, int n)
{
    struct call c;
    struct hf_msg msg = {.iov = (const struct hf_iovec *)iov, .iov_len = (size_t)n};
    size_t total;
    int err;

    pthread_testcancel();
    if (!call_begin(&c, fd))
        return readv(fd, iov, n);
    err = user_check_vector(iov, msg.iov_len, -EINVAL, &total);
    if (err || !total)
        return call_end(&c, err);
    return call_end(&c, transfer_receive(&c, &msg, total, 0));
}
