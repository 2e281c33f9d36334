/* Sending. Linux: tcp_sendmsg_locked, udp_sendmsg.
 *
 * A stream takes what fits, and a blocking caller stays until all is taken; what a signal or a time
 * limit leaves half done is told as a count. Bad memory ends it the same way, EFAULT only where
 * nothing was taken. A datagram is taken whole or not at all. */
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>

#include "handfast/linux.h"
#include "host/transfer.h"

/* What one attempt looks at: a caller who offers megabytes need not have all of them looked at each
 * time the stack takes a few. */
enum { PIECES = 16, PIECE_BYTES = 256 * 1024 };

/* Bad memory shows only where the stack would have taken something from it. */
static int64_t refuse(struct file *f, struct hf_msg *none, int flags)
{
    int64_t n;

    none->iov_len = 0;
    if (flags & MSG_FASTOPEN) /* nothing begins with it */
        return -EFAULT;
    n = hf_sock_send(f->sk, none, flags);
    if (n < 0)
        return n;
    return hf_sock_poll(f->sk) & HF_POLLOUT ? -EFAULT : -EAGAIN;
}

/* The message has begun an open: Linux waits for its end, and what the SYN carried counts then. */
static int64_t opened(struct call *c, hf_time until)
{
    int result = connect_wait(c, until, false);
    size_t taken = hf_sock_opened_with(c->file->sk);

    return result == 0 || (result == -EINPROGRESS && taken) ? (int64_t)taken : result;
}

/* All of it at once, from memory that needs no question. */
static bool is_simple(const struct hf_msg *msg, size_t done, size_t total)
{
    return !done && msg->iov_len <= PIECES && total <= PIECE_BYTES &&
           user_vector_is_own(msg->iov, msg->iov_len, false);
}

/* One attempt to send what follows the first `done` bytes. */
static int64_t send_some(struct file *f, const struct hf_msg *msg, size_t done, size_t total,
                         int flags)
{
    struct hf_iovec iov[PIECES];
    struct hf_msg part = *msg;
    size_t left = total - done, want = 0, good;

    if (is_simple(msg, done, total))
        return hf_sock_send(f->sk, msg, flags);
    part.iov = iov;
    part.iov_len = user_vector_part(msg->iov, msg->iov_len, done,
                                    left < PIECE_BYTES ? left : PIECE_BYTES, iov, PIECES);
    for (size_t i = 0; i < part.iov_len; i++)
        want += iov[i].len;
    good = user_vector_readable(iov, part.iov_len, want);
    if (want && !good)
        return refuse(f, &part, flags);
    if (good < want)
        part.iov_len = user_vector_part(msg->iov, msg->iov_len, done, good, iov, PIECES);
    if (done) /* descriptors went with the first bytes */
        part.refs = NULL;
    if (want < left)
        flags = (f->is_unix ? flags & ~MSG_OOB : flags) | MSG_MORE;
    return hf_sock_send(f->sk, &part, flags);
}

/* NetSem send_2, send_3, send_4. */
static int64_t send_stream(struct call *c, const struct hf_msg *msg, size_t total, int flags)
{
    struct file *f = c->file;
    hf_time until = call_limit(f, true, flags);
    size_t done = 0;
    int64_t n;
    int err = 0;

    for (;;) {
        n = send_some(f, msg, done, total, until ? flags : flags | MSG_DONTWAIT);
        if (n == -EINPROGRESS && until) {
            n = opened(c, until);
            flags &= ~MSG_FASTOPEN;
        }
        if (n >= 0) {
            done += (size_t)n;
            flags &= n ? ~MSG_ZEROCOPY : ~0; /* one completion for one call */
            if (done >= total)
                return (int64_t)done;
            world_clock(f->host->world);
            world_settle(f->host->world);
            continue;
        }
        if (n != -EAGAIN || until == 0)
            break;
        if (err) {
            n = err == -EINTR ? err : -EAGAIN;
            break;
        }
        err = call_wait(c, HF_POLLOUT, until);
    }
    return done ? (int64_t)done : n;
}

/* NetSem send_11, send_16, send_17. Of AF_UNIX a datagram waits for room in its own buffer, and in
 * the receiver's queue. */
static int64_t send_datagram(struct call *c, const struct hf_msg *msg, size_t total, int flags)
{
    struct file *f = c->file;
    hf_time until = f->is_unix ? call_limit(f, true, flags) : 0;
    int err = 0;

    if (!user_vector_is_own(msg->iov, msg->iov_len, false) &&
        user_vector_readable(msg->iov, msg->iov_len, total) != total)
        return -EFAULT;
    for (;;) {
        int64_t n = hf_sock_send(f->sk, msg, flags);

        if (n != -EAGAIN || until == 0)
            return n;
        if (err)
            return err == -EINTR ? err : -EAGAIN;
        err = call_wait(c, WAIT_ANY, until);
    }
}

int64_t transfer_send(struct call *c, const struct hf_msg *msg, size_t total, int flags)
{
    struct file *f = c->file;
    int64_t n;

    if (f->is_unix)
        host_enter_briefly(f->host);
    else
        host_enter(f->host);
    n = f->is_stream ? send_stream(c, msg, total, flags) : send_datagram(c, msg, total, flags);
    file_touch(f);
    host_leave(f->host);
    if (n == -EPIPE && f->is_stream && !(flags & MSG_NOSIGNAL))
        pthread_kill(pthread_self(), SIGPIPE);
    return n;
}
