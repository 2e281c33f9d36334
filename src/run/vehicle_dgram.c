/* The vehicle of UDP sockets: a pair of AF_UNIX datagram sockets. Plain send, recv, read and write
 * act on it natively, and shut down or failed it polls as a UDP socket does.
 *
 * A pending error of the socket's is put on the vehicle: when our end leaves its peer with
 * something unread, the kernel gives that peer an error (POLLERR; the next call takes it, before
 * any data) and nothing else changes, so our end comes back at once. It is always ECONNRESET;
 * `error` has the true one for notified calls, as long as the vehicle's has not been taken.
 *
 * Where a datagram came from does not fit into the pair and is kept beside it (sources.c). A
 * notified recv takes a datagram out of the vehicle by the copy we keep. What the stack would
 * refuse (a plain send without a peer) cannot be told to a native caller: it is dropped. */
#define _GNU_SOURCE
#include "run/vehicle.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "run/files.h"
#include "run/reap.h"
#include "run/sources.h"

#define CONTROL_BYTES 512
/* Bytes, as the kernel counts memory, that may wait in the vehicle; below what it takes. */
#define WAITING_MAX 98304
#define IDLE_SCAN   (10 * HF_S)
/* More than the vehicle holds: whoever finds more than that is fed as fast as he reads. */
#define OUT_AT_ONCE 512

static void end_ready(struct loop_fd *end, uint32_t events)
{
    datagram_run(container_of(end, struct file, end));
}

int datagram_new(struct supervisor *sv, struct hf_sock *sk, bool nonblocking, struct file **out)
{
    struct file *f;
    int pair[2];
    int err;

    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    err = file_new(sv, sk, pair[1], &f);
    if (err < 0) {
        close(pair[0]);
        close(pair[1]);
        return err;
    }
    f->fd = pair[1];
    f->end.fd = pair[0];
    f->end.events = EPOLLIN | EPOLLOUT | EPOLLET;
    f->end.ready = end_ready;
    if (!nonblocking && fcntl(f->fd, F_SETFL, 0) < 0)
        err = -errno;
    if (err == 0)
        err = loop_add(sv->loop, &f->end);
    if (err < 0) {
        file_abandon(f);
        return err;
    }
    f->state = FILE_DATAGRAM;
    reap_within(sv, IDLE_SCAN);
    *out = f;
    return 0;
}

/* Leaves the program's end and comes back to it. Its name is one the kernel chose, and nobody else
 * can send there: it has a peer. */
static bool raise_error(struct file *f)
{
    static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t len = sizeof(name);

    if (getsockname(f->fd, (struct sockaddr *)&name, &len) == 0 && len <= sizeof(sa_family_t)) {
        (void)bind(f->fd, (const struct sockaddr *)&name, sizeof(sa_family_t));
        len = sizeof(name);
        (void)getsockname(f->fd, (struct sockaddr *)&name, &len);
    }
    if (len <= sizeof(sa_family_t) ||
        (send(f->fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN))
        return false;
    (void)connect(f->end.fd, &nobody, sizeof(nobody));
    return connect(f->end.fd, (const struct sockaddr *)&name, len) == 0;
}

static void note_error(struct file *f, int64_t error)
{
    f->error = (int)-error;
    f->error_raised = raise_error(f);
}

int datagram_error(struct file *f)
{
    int error = f->error, on_vehicle = 0;
    socklen_t len = sizeof(on_vehicle);

    if (!error)
        return 0;
    f->error = 0;
    if (f->error_raised && getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &on_vehicle, &len) == 0 &&
        !on_vehicle)
        return 0; /* a native call has told it */
    return error;
}

/* All that the program wrote before; others have their turn before what it goes on to write. */
static void carry_out(struct file *f)
{
    uint8_t *buf = f->sv->scratch;

    for (int i = 0; i < OUT_AT_ONCE; i++) {
        ssize_t n = recv(f->end.fd, buf, SCRATCH_BYTES, MSG_DONTWAIT);
        struct hf_iovec iov = {buf, (size_t)n};
        struct hf_msg msg = {.iov = &iov, .iov_len = 1};
        int64_t sent;

        if (n < 0)
            return;
        sent = hf_sock_send(f->sk, &msg, 0);
        /* An error of an earlier datagram ends the call and leaves this one to be sent. */
        if (sent == -ECONNREFUSED || sent == -EHOSTUNREACH || sent == -ENETUNREACH) {
            (void)!hf_sock_send(f->sk, &msg, 0);
            note_error(f, sent);
        }
    }
    file_touch(f);
}

static void carry_in(struct file *f)
{
    uint8_t *buf = f->sv->scratch;
    uint8_t control[CONTROL_BYTES];
    uint8_t addr[28];
    int waiting = 0;

    if (ioctl(f->end.fd, SIOCOUTQ, &waiting) == 0 && waiting == 0)
        sources_forget(f);
    while (waiting < WAITING_MAX) {
        struct hf_iovec iov = {buf, SCRATCH_BYTES};
        struct hf_msg msg = {.iov = &iov,
                             .iov_len = 1,
                             .addr = addr,
                             .addr_len = sizeof(addr),
                             .control = control,
                             .control_len = sizeof(control)};
        int64_t n = hf_sock_recv(f->sk, &msg, 0);

        if (n < 0 && n != -EAGAIN) {
            carry_out(f); /* what is unread in our end would be lost */
            note_error(f, n);
            continue;
        }
        if (n < 0)
            return;
        /* After SHUT_RD: no datagram, for every one has a source. */
        if (n == 0 && msg.addr_len == 0)
            return;
        if (send(f->end.fd, buf, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) == n)
            sources_note(f, &msg, buf, (size_t)n);
        if (ioctl(f->end.fd, SIOCOUTQ, &waiting) < 0)
            return;
    }
}

void datagram_run(struct file *f)
{
    carry_out(f);
    carry_in(f);
}

/* The ancillary data, as much as there is room for. Linux: put_cmsg; the message that does not fit
 * is cut short and says so, if its header fits, and nothing follows it. */
/* A call that may wait returns at once after SHUT_RD, with nothing. */
static int64_t nothing_there(const struct file *f, struct hf_msg *msg, int flags)
{
    if (!f->rd_shut || flags & MSG_DONTWAIT || fcntl(f->fd, F_GETFL) & O_NONBLOCK)
        return -EAGAIN;
    msg->addr_len = 0;
    msg->control_len = 0;
    return 0;
}

int64_t datagram_take(struct file *f, struct hf_msg *msg, int flags)
{
    uint8_t *buf = f->sv->scratch;
    const struct hf_iovec *iov = msg->iov;
    size_t done = 0;
    ssize_t n;
    int error;

    datagram_run(f);
    error = datagram_error(f);
    if (error)
        return -error;
    n = recv(f->fd, buf, SCRATCH_BYTES, MSG_PEEK | MSG_DONTWAIT);
    f->lent = n >= 0 && !(flags & MSG_PEEK);
    if (n < 0)
        return errno == EAGAIN ? nothing_there(f, msg, flags) : -errno;
    msg->flags = 0;
    sources_tell(f, msg, buf, (size_t)n);
    for (size_t i = 0; i < msg->iov_len && done < (size_t)n; i++) {
        size_t part = iov[i].len < (size_t)n - done ? iov[i].len : (size_t)n - done;

        memcpy(iov[i].base, buf + done, part);
        done += part;
    }
    if (done < (size_t)n)
        msg->flags |= HF_MSG_TRUNC;
    return n;
}

void datagram_taken(struct file *f)
{
    char first;

    if (!f->lent)
        return;
    f->lent = false;
    if (recv(f->fd, &first, sizeof(first), MSG_DONTWAIT) >= 0 && f->sources)
        sources_drop(f);
    carry_in(f);
}

bool datagram_has(struct file *f, uint64_t count)
{
    datagram_run(f);
    return f->source_count >= count || f->error || f->rd_shut ||
           (hf_sock_poll(f->sk) & (HF_POLLIN | HF_POLLERR));
}

int64_t datagram_take_failed(struct file *f, struct hf_msg *msg, int flags)
{
    int64_t n;

    datagram_run(f);
    n = hf_sock_recv(f->sk, msg, flags);
    if (n >= 0) { /* what is pending now is the next one's error */
        (void)datagram_error(f);
        carry_in(f);
    }
    return n;
}

int64_t datagram_give(struct file *f, const struct hf_msg *msg, int flags)
{
    int64_t sent;
    int error;

    datagram_run(f);
    /* Linux: a call that is wrong anyway does not take the pending error. */
    sent = f->error ? hf_sock_send(f->sk, msg, flags | HF_MSG_PROXY) : 0;
    if (sent < 0)
        return sent;
    error = datagram_error(f);
    if (error)
        return -error;
    sent = hf_sock_send(f->sk, msg, flags);
    if (sent != -EAGAIN)
        return sent;
    reap_now(f->sv); /* no port is left */
    return hf_sock_send(f->sk, msg, flags);
}

int datagram_shutdown(struct file *f, int how)
{
    int err;

    datagram_run(f);
    err = hf_sock_shutdown(f->sk, how);
    if (err < 0 && err != -ENOTCONN)
        return err;
    (void)shutdown(f->fd, how); /* Linux: without a peer, too */
    f->rd_shut |= how != SHUT_WR;
    return err;
}
