/* sendmsg(), recvmsg(), sendmmsg(), recvmmsg(). They are notified for every descriptor, as what
 * they say is behind a pointer. On streams the kernel carries them out on the vehicle where its
 * answer is TCP's (stream.c).
 *
 * A blocking recvmmsg() waits for all its datagrams before it takes the first, so that a signal
 * costs none. Deviates: its time-out ends the wait, as its manual says; on Linux only a further
 * datagram does. It does not wait for more than the vehicle holds (a few hundred). */
#define _GNU_SOURCE
#include <errno.h>
#include <time.h>

#include "run/calls.h"
#include "run/files.h"
#include "run/hold.h"
#include "run/memory.h"
#include "run/message.h"
#include "run/open_send.h"
#include "run/stream.h"
#include "run/vehicle.h"

#define MESSAGES_MAX 1024 /* UIO_MAXIOV: Linux takes no more either */

static int64_t hold_or(const struct call *c, struct file *f, int flags, retry_fn *retry,
                       hf_time limit)
{
    if (f->is_dead || flags & (MSG_DONTWAIT | MSG_ERRQUEUE) || file_is_nonblocking(c, f))
        return -EAGAIN;
    return hold_call(c, f, retry, limit);
}

/* A datagram never waits to be sent: no port is left for it. */
static int64_t hold_sender(const struct call *c, struct file *f, int flags, retry_fn *retry)
{
    if (f->state == FILE_DATAGRAM)
        return -EAGAIN;
    return hold_or(c, f, flags, retry, hf_sock_timeout(f->sk, SO_SNDTIMEO));
}

static int64_t retry_sendmsg(const struct call *c, struct file *f, bool expired)
{
    struct message m;
    int flags = (int)c->args[2];
    int64_t n = message_read(c, c->args[1], &m);

    if (n == 0)
        n = message_send(c, f, &m, flags);
    if (n == -EPIPE)
        return message_broken_pipe(c, f, flags);
    return n == -EAGAIN && !expired ? CALL_HELD : n;
}

/* Does the message have an address, which AF_UNIX would refuse, or control data, which it would
 * understand (SCM_RIGHTS)? A header that cannot be read does not: the kernel will say so. */
static bool says_more(const struct call *c, uint64_t at)
{
    struct msghdr head;

    return memory_read(c, at, &head, sizeof(head)) == 0 &&
           ((head.msg_name && head.msg_namelen) || (head.msg_control && head.msg_controllen));
}

static bool sends_natively(const struct call *c, struct file *f, int flags)
{
    struct message m;

    if (f->state != FILE_CONNECTED || flags & (MSG_FASTOPEN | MSG_OOB))
        return false;
    return !(flags & MSG_MORE) || message_read(c, c->args[1], &m) < 0 ||
           !stream_keeps_back(f, message_length(&m), flags);
}

/* The header is read only where it can matter. */
static bool reads_natively(const struct call *c, const struct file *f, uint64_t at, int flags)
{
    struct message m;

    if (f->state == FILE_DATAGRAM)
        return false;
    if (!(flags & MSG_WAITALL) && stream_reads_natively(f, 0, flags, true))
        return true;
    return message_read(c, at, &m) == 0 &&
           stream_reads_natively(f, message_length(&m), flags, m.head.msg_name);
}

static int64_t retry_open(const struct call *c, struct file *f, bool expired)
{
    struct message m;
    int64_t n = message_read(c, c->args[1], &m);

    return n < 0 ? n : open_send_rest(c, f, &m, (int)c->args[2], expired);
}

static int64_t open_sendmsg(const struct call *c, struct file *f)
{
    struct message m;
    int64_t n = message_read(c, c->args[1], &m);

    return n < 0 ? n : open_send(c, f, &m, (int)c->args[2], retry_open);
}

int64_t sys_sendmsg(const struct call *c, struct file *f)
{
    int flags = (int)c->args[2];
    int64_t n;

    if (flags & MSG_FASTOPEN && f->state != FILE_DATAGRAM)
        return open_sendmsg(c, f);

    if (sends_natively(c, f, flags) && !says_more(c, c->args[1]))
        return CALL_CONTINUE;
    n = retry_sendmsg(c, f, false);
    files_settle(c->sv);
    return n == CALL_HELD ? hold_sender(c, f, flags, retry_sendmsg) : n;
}

static int64_t receive_one(const struct call *c, struct file *f, uint64_t at, int flags)
{
    struct message m;
    uint8_t addr[28];
    int64_t n = message_read(c, at, &m);
    int err;

    if (n < 0)
        return n;
    n = message_receive(c, f, &m, flags, addr);
    if (n < 0)
        return n;
    err = message_write_back(c, &m);
    return err < 0 ? err : n;
}

static int64_t retry_recvmsg(const struct call *c, struct file *f, bool expired)
{
    int flags = (int)c->args[2] | (expired ? MSG_DONTWAIT : 0);
    int64_t n = message_received(f, receive_one(c, f, c->args[1], flags));

    return n == -EAGAIN && !expired ? CALL_HELD : n;
}

int64_t sys_recvmsg(const struct call *c, struct file *f)
{
    int flags = (int)c->args[2];
    int64_t n;

    if (reads_natively(c, f, c->args[1], flags))
        return CALL_CONTINUE;
    files_settle(c->sv);
    if (f->is_dead)
        return -EBADF;
    n = retry_recvmsg(c, f, false);
    return n == CALL_HELD ? hold_or(c, f, flags, retry_recvmsg, hf_sock_timeout(f->sk, SO_RCVTIMEO))
                          : n;
}

static uint64_t message_at(const struct call *c, uint64_t i)
{
    return c->args[1] + i * sizeof(struct mmsghdr);
}

static int64_t write_length(const struct call *c, uint64_t i, int64_t n)
{
    uint32_t len = (uint32_t)n;

    return memory_write(c, message_at(c, i) + offsetof(struct mmsghdr, msg_len), &len, sizeof(len));
}

static uint64_t message_count(const struct call *c)
{
    uint32_t count = (uint32_t)c->args[2];

    return count < MESSAGES_MAX ? count : MESSAGES_MAX;
}

static bool any_says_more(const struct call *c)
{
    bool any = false;

    for (uint64_t i = 0; i < message_count(c) && !any; i++)
        any = says_more(c, message_at(c, i));
    return any;
}

/* As many as go; an error counts only when it hits the first. */
static int64_t retry_sendmmsg(const struct call *c, struct file *f, bool expired)
{
    uint64_t count = message_count(c), done = 0;
    int64_t n = 0;

    while (done < count) {
        struct message m;

        n = message_read(c, message_at(c, done), &m);
        if (n == 0)
            n = message_send(c, f, &m, (int)c->args[3]);
        if (n >= 0)
            n = write_length(c, done, n);
        if (n < 0)
            break;
        done++;
    }
    if (done || n == 0)
        return (int64_t)done;
    if (n == -EPIPE)
        return message_broken_pipe(c, f, (int)c->args[3]);
    return n == -EAGAIN && !expired ? CALL_HELD : n;
}

int64_t sys_sendmmsg(const struct call *c, struct file *f)
{
    int64_t n;

    if (c->args[3] & MSG_FASTOPEN && f->state != FILE_DATAGRAM)
        return -EOPNOTSUPP;

    if (sends_natively(c, f, (int)c->args[3] & ~MSG_MORE) && !any_says_more(c))
        return CALL_CONTINUE;
    n = retry_sendmmsg(c, f, false);
    files_settle(c->sv);
    return n == CALL_HELD ? hold_sender(c, f, (int)c->args[3], retry_sendmmsg) : n;
}

static int64_t retry_recvmmsg(const struct call *c, struct file *f, bool expired)
{
    uint64_t count = message_count(c), done = 0;
    int flags = ((int)c->args[3] & ~MSG_WAITFORONE) | (expired ? MSG_DONTWAIT : 0);
    int64_t n = 0;

    while (done < count) {
        n = receive_one(c, f, message_at(c, done), flags);
        if (n >= 0)
            n = write_length(c, done, n);
        if (message_received(f, n) < 0)
            break;
        done++;
    }
    if (done || n == 0)
        return (int64_t)done;
    return n == -EAGAIN && !expired ? CALL_HELD : n;
}

static int64_t retry_recvmmsg_all(const struct call *c, struct file *f, bool expired)
{
    if (!expired && !datagram_has(f, message_count(c)))
        return CALL_HELD;
    return retry_recvmmsg(c, f, expired);
}

static bool all_read_natively(const struct call *c, const struct file *f, int flags)
{
    bool all = true;

    for (uint64_t i = 0; i < message_count(c) && all; i++)
        all = reads_natively(c, f, message_at(c, i), flags);
    return all;
}

/* The time-out argument: HF_TIME_NEVER for none given, -EFAULT, -EINVAL. */
static int64_t read_timeout(const struct call *c, hf_time *out)
{
    struct timespec ts;
    int err;

    *out = HF_TIME_NEVER;
    if (!c->args[4])
        return 0;
    err = memory_read(c, c->args[4], &ts, sizeof(ts));
    if (err < 0)
        return err;
    if (ts.tv_sec < 0 || ts.tv_sec > INT32_MAX || ts.tv_nsec < 0 || ts.tv_nsec >= HF_S)
        return -EINVAL;
    *out = ts.tv_sec * HF_S + ts.tv_nsec;
    return 0;
}

int64_t sys_recvmmsg(const struct call *c, struct file *f)
{
    int flags = (int)c->args[3];
    retry_fn *retry = retry_recvmmsg;
    hf_time timeout, limit;
    int64_t n;

    if (all_read_natively(c, f, flags))
        return CALL_CONTINUE;
    n = read_timeout(c, &timeout);
    if (n < 0)
        return n;
    files_settle(c->sv);
    if (f->is_dead)
        return -EBADF;
    if (f->state == FILE_DATAGRAM && timeout > 0 &&
        !(flags & (MSG_DONTWAIT | MSG_WAITFORONE | MSG_ERRQUEUE)) && !file_is_nonblocking(c, f))
        retry = retry_recvmmsg_all;
    n = retry(c, f, false);
    limit = hf_sock_timeout(f->sk, SO_RCVTIMEO);
    if (timeout > 0 && timeout < limit)
        limit = timeout;
    return n == CALL_HELD ? hold_or(c, f, flags, retry, limit) : n;
}
