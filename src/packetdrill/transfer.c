/* Bytes in and out: ten calls, of which each is one of two. */
#include <errno.h>
#include <sys/uio.h>
#include <unistd.h>

#include "handfast/linux.h"
#include "packetdrill/drill.h"

enum { PIECES = 64, PROBE = 4096 };

static size_t vector_bytes(const struct hf_iovec *iov, size_t n)
{
    size_t bytes = 0;

    for (size_t i = 0; i < n; i++)
        bytes += iov[i].len;
    return bytes;
}

/* What is left of msg's vector behind its first `done` bytes. */
static size_t vector_rest(const struct hf_msg *msg, size_t done, struct hf_iovec *to)
{
    size_t n = 0;

    for (size_t i = 0; i < msg->iov_len && n < PIECES; i++) {
        struct hf_iovec piece = msg->iov[i];

        if (done >= piece.len) {
            done -= piece.len;
            continue;
        }
        to[n].base = (char *)piece.base + done;
        to[n++].len = piece.len - done;
        done = 0;
    }
    return n;
}

/* A send that opens (MSG_FASTOPEN): what of it was taken, or why it came to nothing. */
static int64_t opened(struct drill *d, struct placeholder *p, hf_time until)
{
    int result;

    while ((result = hf_sock_connect_result(p->sk)) == -EINPROGRESS)
        if (!drill_wait(d, until))
            break;
    return result && result != -EINPROGRESS ? result : (int64_t)hf_sock_opened_with(p->sk);
}

/* Whether the vector's bytes can be read: the core trusts its callers. All are of one process. */
static bool is_memory(const struct hf_iovec *iov, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uintptr_t at = (uintptr_t)iov[i].base, end = at + iov[i].len;

        while (at < end) {
            char byte;
            struct iovec to = {&byte, 1}, from = {(void *)at, 1};

            if (process_vm_readv(getpid(), &to, 1, &from, 1, 0) != 1)
                return false;
            at = at / PROBE * PROBE + PROBE;
        }
    }
    return true;
}

/* Whoever waits for room is woken when poll() would say so, not by any room. */
static bool wait_writable(struct drill *d, struct placeholder *p, hf_time until)
{
    do {
        if (!drill_wait(d, until))
            return false;
    } while (!(hf_sock_poll(p->sk) & (POLLOUT | POLLERR | POLLHUP)));
    return true;
}

static int64_t send_all(struct drill *d, struct placeholder *p, struct hf_msg *msg, int flags)
{
    hf_time until = calls_limit(d, p, HF_SO_SNDTIMEO, flags);
    size_t total = vector_bytes(msg->iov, msg->iov_len), done = 0;
    struct hf_iovec rest[PIECES];
    int64_t n;

    if (!is_memory(msg->iov, msg->iov_len))
        return -EFAULT;
    for (;;) {
        struct hf_msg part = *msg;

        part.iov = rest;
        part.iov_len = vector_rest(msg, done, rest);
        n = hf_sock_send(p->sk, &part, until ? flags : flags | MSG_DONTWAIT);
        if (n == -EINPROGRESS && until) {
            n = opened(d, p, until);
            flags &= ~MSG_FASTOPEN;
        }
        if (n > 0) {
            done += (size_t)n;
            flags &= ~MSG_ZEROCOPY; /* one completion for one call */
        }
        if (!p->is_stream || (n >= 0 && done >= total) || (n < 0 && n != -EAGAIN))
            break;
        if (n == -EAGAIN && !wait_writable(d, p, until))
            break;
    }
    return done ? (int64_t)done : n;
}

static int64_t receive_some(struct drill *d, struct placeholder *p, struct hf_msg *msg, int flags)
{
    hf_time until = calls_limit(d, p, HF_SO_RCVTIMEO, flags & MSG_ERRQUEUE ? MSG_DONTWAIT : flags);
    size_t total = vector_bytes(msg->iov, msg->iov_len), done = 0;
    bool wants_all = p->is_stream && flags & MSG_WAITALL && !(flags & MSG_PEEK);
    struct hf_iovec rest[PIECES];
    int64_t n;

    if (!is_memory(msg->iov, msg->iov_len))
        return -EFAULT;
    for (;;) {
        struct hf_msg part = *msg;

        part.iov = rest;
        part.iov_len = vector_rest(msg, done, rest);
        n = hf_sock_recv(p->sk, &part, flags);
        if (n > 0)
            done += (size_t)n;
        if (n >= 0) {
            msg->flags = part.flags;
            msg->addr_len = part.addr_len;
            msg->control_len = part.control_len;
        }
        if (n == -EAGAIN ? !drill_wait(d, until) : n <= 0 || !wants_all || done >= total)
            break;
    }
    return done ? (int64_t)done : n;
}

static ssize_t call_sendmsg(void *userdata, int fd, const struct msghdr *m, int flags)
{
    struct drill *d = userdata;
    struct hf_msg msg = {.iov = (const struct hf_iovec *)m->msg_iov,
                         .iov_len = m->msg_iovlen,
                         .addr = m->msg_name,
                         .addr_len = m->msg_namelen,
                         .control = m->msg_control,
                         .control_len = m->msg_controllen};
    struct placeholder *p;

    pthread_mutex_lock(&d->lock);
    p = drill_find(d, fd);
    if (p && m->msg_iovlen > PIECES)
        return (ssize_t)calls_end(d, -EMSGSIZE);
    return (ssize_t)calls_end(d, p ? send_all(d, p, &msg, flags) : -EBADF);
}

static ssize_t call_recvmsg(void *userdata, int fd, struct msghdr *m, int flags)
{
    struct drill *d = userdata;
    struct hf_msg msg = {.iov = (const struct hf_iovec *)m->msg_iov,
                         .iov_len = m->msg_iovlen,
                         .addr = m->msg_name,
                         .addr_len = m->msg_namelen,
                         .control = m->msg_control,
                         .control_len = m->msg_controllen};
    struct placeholder *p;
    int64_t n = -EBADF;

    pthread_mutex_lock(&d->lock);
    p = drill_find(d, fd);
    if (p && m->msg_iovlen > PIECES)
        return (ssize_t)calls_end(d, -EMSGSIZE);
    if (p)
        n = receive_some(d, p, &msg, flags);
    if (n >= 0) {
        m->msg_flags = msg.flags;
        m->msg_namelen = m->msg_name ? msg.addr_len : 0;
        m->msg_controllen = msg.control_len;
    }
    return (ssize_t)calls_end(d, n);
}

static ssize_t call_sendto(void *userdata, int fd, const void *buf, size_t len, int flags,
                           const struct sockaddr *addr, socklen_t addr_len)
{
    struct iovec iov = {(void *)(uintptr_t)buf, len};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_name = (void *)(uintptr_t)addr,
                       .msg_namelen = addr_len};

    return call_sendmsg(userdata, fd, &m, flags);
}

static ssize_t call_send(void *userdata, int fd, const void *buf, size_t len, int flags)
{
    return call_sendto(userdata, fd, buf, len, flags, NULL, 0);
}

static ssize_t call_write(void *userdata, int fd, const void *buf, size_t len)
{
    return call_send(userdata, fd, buf, len, 0);
}

static ssize_t call_writev(void *userdata, int fd, const struct iovec *iov, int n)
{
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n};

    return call_sendmsg(userdata, fd, &m, 0);
}

static ssize_t call_recvfrom(void *userdata, int fd, void *buf, size_t len, int flags,
                             struct sockaddr *addr, socklen_t *addr_len)
{
    struct iovec iov = {buf, len};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_name = addr,
                       .msg_namelen = addr_len ? *addr_len : 0};
    ssize_t n = call_recvmsg(userdata, fd, &m, flags);

    if (n >= 0 && addr_len)
        *addr_len = m.msg_namelen;
    return n;
}

static ssize_t call_recv(void *userdata, int fd, void *buf, size_t len, int flags)
{
    return call_recvfrom(userdata, fd, buf, len, flags, NULL, NULL);
}

static ssize_t call_read(void *userdata, int fd, void *buf, size_t len)
{
    return call_recv(userdata, fd, buf, len, 0);
}

static ssize_t call_readv(void *userdata, int fd, const struct iovec *iov, int n)
{
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n};

    return call_recvmsg(userdata, fd, &m, 0);
}

ssize_t transfer_receive(struct drill *d, int fd, void *to, size_t len)
{
    return call_read(d, fd, to, len);
}

ssize_t transfer_send(struct drill *d, int fd, const void *from, size_t len)
{
    return call_write(d, fd, from, len);
}

void transfer_fill(struct packetdrill_interface *table)
{
    table->read = call_read;
    table->readv = call_readv;
    table->recv = call_recv;
    table->recvfrom = call_recvfrom;
    table->recvmsg = call_recvmsg;
    table->write = call_write;
    table->writev = call_writev;
    table->send = call_send;
    table->sendto = call_sendto;
    table->sendmsg = call_sendmsg;
}
