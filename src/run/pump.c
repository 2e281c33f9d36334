/* The pump. stack -> program: peek at the receive queue, write it, consume what was taken; the
 * other way outward.c goes.
 *
 * Our end is watched edge-triggered; end_readable and end_writable remember the edges. The
 * program's shutdown() is notified, so an end of stream without one is its last close. */
#define _GNU_SOURCE
#include "run/pump.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "run/files.h"
#include "run/hold.h"
#include "run/network.h"
#include "run/outward.h"
#include "run/reap.h"
#include "run/vehicle.h"

#define PIECES 64

bool pump_is_blind(const struct file *f)
{
    return f->wr_shut && (f->rd_shut || f->fin_given);
}

/* An end of stream at our end: shutdown(SHUT_WR), which we know of, or the last close. */
static void note_hangup(struct file *f, uint32_t events)
{
    f->end_eof = true;
    if (!f->wr_shut && !f->out_refused)
        f->end_closed = true;
    else if ((events & EPOLLHUP) && !pump_is_blind(f))
        f->end_closed = true;
    else if ((events & EPOLLHUP) && !reap_is_held_open(f))
        reap_within(f->sv, 0);
}

void pump_ready(struct loop_fd *end, uint32_t events)
{
    struct file *f = container_of(end, struct file, end);

    if (events & EPOLLIN)
        f->end_readable = true;
    if (events & EPOLLOUT)
        f->end_writable = true;
    if (events & (EPOLLRDHUP | EPOLLHUP))
        note_hangup(f, events);
    pump_run(f);
}

static bool resets_on_close(struct file *f)
{
    struct {
        int on, seconds;
    } linger = {0};
    uint32_t len = sizeof(linger);

    return hf_sock_getsockopt(f->sk, SOL_SOCKET, SO_LINGER, &linger, &len) == 0 && linger.on &&
           linger.seconds == 0;
}

/* The program has closed with bytes unread: RFC 9293 3.10.4 by RFC 2525 2.17, a reset. */
static bool left_bytes_unread(struct file *f)
{
    int error = 0;
    socklen_t len = sizeof(error);

    return getsockopt(f->end.fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == ECONNRESET;
}

static void close_by_reset(struct file *f)
{
    static const struct {
        int on, seconds;
    } linger = {1, 0};

    (void)!hf_sock_setsockopt(f->sk, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    file_close(f);
}

/* Everything the program wrote is with the stack, and no more will come. */
static void finish_out(struct file *f)
{
    if (f->end_closed) {
        network_left(f->sv->net, f->sk);
        file_close(f);
        return;
    }
    if (!f->fin_sent)
        (void)!hf_sock_shutdown(f->sk, SHUT_WR);
    f->fin_sent = true;
}

void pump_out(struct file *f)
{
    int done;

    if (!f->end_readable && !f->end_eof)
        return;
    done = outward_carry(f);
    if (done > 0 && f->end_eof)
        finish_out(f);
    else if (done < 0 && f->end_closed)
        file_close(f); /* else the other direction finds the reason, behind what is to be read */
}

/* The connection has failed: the program reads ECONNRESET after what is in the vehicle. */
static void fail(struct file *f, int error)
{
    f->error = error;
    if (f->end_closed)
        file_close(f);
    else
        vehicle_fail(f);
}

/* Linux: an error after the FIN (EPIPE for a reset) is for SO_ERROR alone. After the program's own
 * SHUT_RD it is told like any other. */
static void note_error_after_end(struct file *f)
{
    int error = 0;
    uint32_t len = sizeof(error);

    if (!(hf_sock_poll(f->sk) & HF_POLLERR))
        return;
    (void)!hf_sock_getsockopt(f->sk, SOL_SOCKET, SO_ERROR, &error, &len);
    if (f->end_closed || (f->rd_shut && error != EPIPE)) {
        fail(f, error);
    } else {
        f->error = error;
        vehicle_end(f);
    }
}

static bool is_full(int error)
{
    return error == EAGAIN || error == ENOBUFS || error == ENOMEM;
}

/* The urgent byte, once the stream has come to it: the vehicle shows it as TCP does (POLLPRI, the
 * mark, MSG_OOB, SO_OOBINLINE, SIGURG). Kernels without AF_UNIX urgent data carry it only in line.
 * False when there is no room. */
static bool carry_urgent(struct file *f)
{
    uint8_t byte;
    struct hf_iovec iov = {&byte, 1};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};
    int mark = 0, readable = 0, flags = MSG_OOB;
    ssize_t done;
    int64_t n;

    if (!(hf_sock_poll(f->sk) & HF_POLLPRI) || hf_sock_ioctl(f->sk, HF_SIOCATMARK, &mark) < 0 ||
        !mark)
        return true;
    n = hf_sock_recv(f->sk, &msg, flags | MSG_PEEK);
    if (n == -EINVAL && hf_sock_ioctl(f->sk, HF_SIOCINQ, &readable) == 0 && readable) {
        flags = 0; /* in line */
        n = hf_sock_recv(f->sk, &msg, MSG_PEEK);
    }
    if (n != 1)
        return true;
    done = send(f->end.fd, &byte, 1, MSG_OOB | MSG_DONTWAIT | MSG_NOSIGNAL);
    if (done < 0 && errno == EOPNOTSUPP && !flags)
        done = send(f->end.fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    f->end_writable = done == 1 || !is_full(errno);
    if (f->end_writable)
        (void)!hf_sock_recv(f->sk, &msg, flags);
    return f->end_writable;
}

static void pump_in(struct file *f)
{
    struct hf_iovec iov[PIECES];

    if (f->fin_given)
        note_error_after_end(f);
    else if (!f->end_writable && !f->out_refused && !f->end_closed &&
             hf_sock_poll(f->sk) & HF_POLLERR) {
        vehicle_refuse(f);
        f->end_writable = true;
    }
    while (f->end_writable && !f->fin_given && carry_urgent(f)) {
        int n = hf_sock_peek(f->sk, iov, PIECES);
        struct msghdr msg = {.msg_iov = (struct iovec *)(void *)iov, .msg_iovlen = (size_t)n};
        ssize_t done;

        if (n == -EAGAIN)
            return;
        if (n < 0) {
            fail(f, -n);
            return;
        }
        if (n == 0) {
            f->fin_given = true;
            (void)shutdown(f->end.fd, SHUT_WR);
            if (pump_is_blind(f))
                reap_within(f->sv, HF_S);
            return;
        }
        done = sendmsg(f->end.fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (done < 0 && is_full(errno)) {
            if (vehicle_widen(f))
                continue;
            f->end_writable = false;
            return;
        }
        hf_sock_consume(f->sk, done < 0 ? outward_total(iov, n) : (size_t)done);
    }
}

void pump_run(struct file *f)
{
    if (f->end_closed && (left_bytes_unread(f) || resets_on_close(f))) {
        (void)outward_carry(f); /* what was sent before the close goes before the reset */
        close_by_reset(f);
        return;
    }
    pump_out(f);
    if (!f->is_dead && f->state == FILE_CONNECTED)
        pump_in(f);
    if (!f->is_dead && f->held)
        hold_retry(f);
}

void pump_shut_before(struct file *f)
{
    int how = !f->wr_shut ? SHUT_RD : f->rd_shut ? SHUT_RDWR : SHUT_WR;

    f->fin_sent = f->wr_shut;
    pump_shutdown(f, how);
}

void pump_shutdown(struct file *f, int how)
{
    if (how != SHUT_WR) {
        (void)!hf_sock_shutdown(f->sk, SHUT_RD);
        (void)shutdown(f->end.fd, SHUT_WR);
        f->rd_shut = true;
    }
    if (how != SHUT_RD) {
        (void)shutdown(f->end.fd, SHUT_RD);
        f->wr_shut = f->end_eof = true;
    }
    if (pump_is_blind(f))
        reap_within(f->sv, HF_S);
    file_touch(f);
}
