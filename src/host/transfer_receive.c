/* Receiving. Linux: tcp_recvmsg_locked, udp_recvmsg.
 *
 * A stream's caller is content with SO_RCVLOWAT bytes, with MSG_WAITALL only with all; an end, an
 * error, a signal or a time limit ends the wait, and what has been read is told. Bytes that cannot
 * be written stay in the queue; a datagram that cannot is lost. */
#include <errno.h>
#include <sys/socket.h>

#include "handfast/linux.h"
#include "host/transfer.h"

enum { PIECES = 16 };

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t transfer_waiting(struct file *f)
{
    int n = 0;

    return hf_sock_ioctl(f->sk, HF_SIOCINQ, &n) ? 0 : (size_t)n;
}

int64_t transfer_receive_some(struct file *f, struct hf_msg *msg, size_t done, size_t total,
                              size_t want, int flags)
{
    const struct hf_iovec *whole = msg->iov;
    size_t pieces = msg->iov_len, good;
    struct hf_iovec iov[PIECES];
    int64_t n;

    if (!done && pieces <= PIECES && user_vector_is_own(whole, pieces, true))
        return hf_sock_recv(f->sk, msg, flags);
    want = smaller(want, total - done);
    msg->iov = iov;
    msg->iov_len = user_vector_part(whole, pieces, done, total - done, iov, PIECES);
    good = user_vector_writable(iov, msg->iov_len, want);
    if (good < want && good)
        msg->iov_len = user_vector_part(whole, pieces, done, good, iov, PIECES);
    n = want && !good ? -EFAULT : hf_sock_recv(f->sk, msg, flags);
    msg->iov = whole;
    msg->iov_len = pieces;
    return n;
}

/* How many bytes an attempt will write. */
static size_t wanted(struct file *f, int flags)
{
    if (flags & MSG_TRUNC)
        return 0;
    return flags & MSG_OOB ? 1 : transfer_waiting(f);
}

/* With bytes in hand: is there a reason not to look for more? An error is left for the next call, a
 * read never goes past the urgent mark, and what was peeked at is all there is before the end. */
static bool is_enough(struct file *f, bool peeks)
{
    uint32_t mask = hf_sock_poll(f->sk);
    int at_mark = 0;

    if (hf_sock_ioctl(f->sk, HF_SIOCATMARK, &at_mark) == 0 && at_mark)
        return true;
    return peeks ? mask & HF_POLLRDHUP : mask & HF_POLLERR && transfer_waiting(f) == 0;
}

size_t transfer_low_water(struct file *f, size_t total, int flags)
{
    int low = 1;
    uint32_t len = sizeof(low);
    size_t target = total;

    if (!(flags & MSG_WAITALL) &&
        hf_sock_getsockopt(f->sk, HF_SOL_SOCKET, HF_SO_RCVLOWAT, &low, &len) == 0)
        target = smaller(total, (size_t)low);
    return target ? target : 1;
}

/* What is peeked at stays, so each attempt begins at the front again. NetSem recv_2, recv_3,
 * recv_4, recv_8a. */
static int64_t receive_stream(struct call *c, struct hf_msg *msg, size_t total, int flags)
{
    struct file *f = c->file;
    bool peeks = flags & MSG_PEEK;
    hf_time until = flags & (MSG_OOB | MSG_ERRQUEUE) ? 0 : call_limit(f, false, flags);
    size_t done = 0;
    int64_t n;
    int err = 0;

    for (;;) {
        n = transfer_receive_some(f, msg, peeks ? 0 : done, total, wanted(f, flags), flags);
        if (n > 0) {
            done = peeks ? (size_t)n : done + (size_t)n;
            if (done >= total || done >= transfer_low_water(f, total, flags) || is_enough(f, peeks))
                break;
            if (!peeks)
                continue;
        } else if (n != -EAGAIN) {
            break;
        }
        if (until == 0)
            break;
        if (err) {
            n = err == -EINTR ? err : -EAGAIN;
            break;
        }
        err = call_wait(c, done ? WAIT_ANY : HF_POLLIN, until);
    }
    return done ? (int64_t)done : n;
}

/* The datagram that could not be written is taken all the same, unless it was only peeked at. */
static int64_t lose_datagram(struct file *f, int flags)
{
    struct hf_msg nowhere = {.iov = NULL};
    int64_t n = hf_sock_recv(f->sk, &nowhere, flags);

    return n < 0 ? n : -EFAULT;
}

/* NetSem recv_12, recv_15. */
static int64_t receive_datagram(struct call *c, struct hf_msg *msg, size_t total, int flags)
{
    struct file *f = c->file;
    bool is_own = user_vector_is_own(msg->iov, msg->iov_len, true);
    size_t control_len = msg->control_len;
    uint32_t addr_len = msg->addr_len;
    hf_time until = 0;
    int err = 0;

    for (bool is_first = true;; is_first = false) {
        size_t want = is_own ? 0 : smaller(transfer_waiting(f), total);
        int64_t n;

        if (want && user_vector_writable(msg->iov, msg->iov_len, want) < want)
            return lose_datagram(f, flags);
        msg->control_len = control_len;
        msg->addr_len = addr_len;
        n = hf_sock_recv(f->sk, msg, flags);
        if (n != -EAGAIN)
            return n;
        if (is_first && !(flags & MSG_ERRQUEUE))
            until = call_limit(f, false, flags);
        if (until == 0)
            return n;
        if (err)
            return err == -EINTR ? err : -EAGAIN;
        err = call_wait(c, HF_POLLIN, until);
    }
}

int64_t transfer_receive(struct call *c, struct hf_msg *msg, size_t total, int flags)
{
    struct file *f = c->file;
    bool is_udp = !f->is_stream && !f->is_unix;
    int64_t n;

    if (is_udp || f->is_unix)
        host_enter_briefly(f->host);
    else
        host_enter(f->host);
    n = f->is_stream && f->is_unix ? transfer_receive_local(c, msg, total, flags)
        : f->is_stream             ? receive_stream(c, msg, total, flags)
                                   : receive_datagram(c, msg, total, flags);
    file_touch(f);
    if (is_udp && n >= 0)
        host_leave_briefly(f->host);
    else
        host_leave(f->host);
    return n;
}
