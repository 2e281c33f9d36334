/* The vehicle of UDP sockets: a pair of AF_UNIX SEQPACKET sockets, which keep the bounds of
 * records, empty ones too. Plain send, recv, read and write act on it natively.
 *
 * Where a datagram came from does not fit into the pair, so a queue beside it holds that, with a
 * sum of the datagram. A notified recv takes a datagram out of the vehicle by the copy we keep and
 * drops the queue's entries up to the one whose sum fits: native calls may have taken those before.
 * What the stack would refuse (a plain send without a peer) cannot be told to a native caller: it
 * is dropped. */
#define _GNU_SOURCE
#include "run/vehicle.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "run/files.h"
#include "run/reap.h"

#define CONTROL_BYTES 512
#define SUMMED_BYTES  64
/* Bytes, as the kernel counts memory, that may wait in the vehicle; below what it takes. */
#define WAITING_MAX 98304
#define SOURCES_MAX 1024
#define IDLE_SCAN   (10 * HF_S)

struct datagram_source {
    struct datagram_source *next;
    uint64_t sum;
    uint32_t addr_len, control_len;
    uint8_t addr[28];
    uint8_t control[]; /* control_len bytes */
};

static void end_ready(struct loop_fd *end, uint32_t events)
{
    datagram_run(container_of(end, struct file, end));
}

int datagram_new(struct supervisor *sv, struct hf_sock *sk, bool nonblocking, struct file **out)
{
    struct file *f;
    int pair[2];
    int err;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0) {
        err = -errno;
        hf_sock_close(sk);
        return err;
    }
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
        file_close(f);
        return err;
    }
    f->state = FILE_DATAGRAM;
    reap_within(sv, IDLE_SCAN);
    *out = f;
    return 0;
}

static uint64_t sum_of(const uint8_t *bytes, size_t len)
{
    uint64_t sum = 0xcbf29ce484222325u ^ len;

    for (size_t i = 0; i < len && i < SUMMED_BYTES; i++)
        sum = (sum ^ bytes[i]) * 0x100000001b3u;
    return sum;
}

static void drop_first(struct file *f)
{
    struct datagram_source *first = f->sources;

    f->sources = first->next;
    if (!f->sources)
        f->sources_tail = &f->sources;
    f->source_count--;
    free(first);
}

void datagram_forget(struct file *f)
{
    while (f->sources)
        drop_first(f);
}

/* False without memory: the datagram's source will not be known. */
static void note_source(struct file *f, const struct hf_msg *msg, uint64_t sum)
{
    size_t control_len = msg->control_len;
    struct datagram_source *s = calloc(1, sizeof(*s) + control_len);

    if (!s)
        return;
    if (f->source_count >= SOURCES_MAX)
        drop_first(f);
    s->sum = sum;
    s->addr_len = msg->addr_len < sizeof(s->addr) ? msg->addr_len : sizeof(s->addr);
    memcpy(s->addr, msg->addr, s->addr_len);
    s->control_len = (uint32_t)control_len;
    memcpy(s->control, msg->control, control_len);
    *f->sources_tail = s;
    f->sources_tail = &s->next;
    f->source_count++;
}

/* Errors of earlier datagrams come back here; a notified call tells them. */
static void note_error(struct file *f, int64_t error)
{
    if (error != -EAGAIN)
        f->error = (int)-error;
}

/* An empty record reads like the end; only the end shows RDHUP, and then all that reads empty is
 * it. */
static bool has_ended(const struct file *f)
{
    struct pollfd p = {.fd = f->end.fd, .events = POLLRDHUP};

    return f->wr_shut || (poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP)));
}

static void carry_out(struct file *f)
{
    uint8_t *buf = f->sv->scratch;
    ssize_t n;

    while (!f->fin_sent && (n = recv(f->end.fd, buf, SCRATCH_BYTES, MSG_DONTWAIT)) >= 0) {
        struct hf_iovec iov = {buf, (size_t)n};
        struct hf_msg msg = {.iov = &iov, .iov_len = 1};
        int64_t sent = hf_sock_send(f->sk, &msg, 0);

        /* An error of an earlier datagram ends the call and leaves this one to be sent. */
        if (sent == -ECONNREFUSED || sent == -EHOSTUNREACH || sent == -ENETUNREACH) {
            note_error(f, sent);
            (void)!hf_sock_send(f->sk, &msg, 0);
        }
        if (n == 0 && has_ended(f))
            f->fin_sent = true;
    }
}

static void carry_in(struct file *f)
{
    uint8_t *buf = f->sv->scratch;
    uint8_t control[CONTROL_BYTES];
    uint8_t addr[28];
    int waiting = 0;

    if (ioctl(f->end.fd, SIOCOUTQ, &waiting) == 0 && waiting == 0)
        datagram_forget(f);
    while (waiting < WAITING_MAX) {
        struct hf_iovec iov = {buf, SCRATCH_BYTES};
        struct hf_msg msg = {.iov = &iov,
                             .iov_len = 1,
                             .addr = addr,
                             .addr_len = sizeof(addr),
                             .control = control,
                             .control_len = sizeof(control)};
        int64_t n = hf_sock_recv(f->sk, &msg, 0);

        if (n < 0) {
            note_error(f, n);
            return;
        }
        /* After SHUT_RD: no datagram, for every one has a source. The program's own shutdown
         * told the vehicle already. */
        if (n == 0 && msg.addr_len == 0)
            return;
        if (send(f->end.fd, buf, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) == n)
            note_source(f, &msg, sum_of(buf, (size_t)n));
        if (ioctl(f->end.fd, SIOCOUTQ, &waiting) < 0)
            return;
    }
}

void datagram_run(struct file *f)
{
    carry_out(f);
    carry_in(f);
}

static void tell_source(struct file *f, struct hf_msg *msg, uint64_t sum, bool peek)
{
    const struct datagram_source *s;
    uint32_t room = msg->addr_len;

    while (f->sources && f->sources->sum != sum)
        drop_first(f);
    s = f->sources;
    msg->addr_len = s ? s->addr_len : 0;
    if (s && msg->addr)
        memcpy(msg->addr, s->addr, s->addr_len < room ? s->addr_len : room);
    if (!s || s->control_len > msg->control_len) {
        msg->flags |= s ? HF_MSG_CTRUNC : 0;
        msg->control_len = 0;
    } else {
        memcpy(msg->control, s->control, s->control_len);
        msg->control_len = s->control_len;
    }
    if (s && !peek)
        drop_first(f);
}

int64_t datagram_take(struct file *f, struct hf_msg *msg, int flags)
{
    uint8_t *buf = f->sv->scratch;
    const struct hf_iovec *iov = msg->iov;
    size_t done = 0;
    ssize_t n;

    datagram_run(f);
    if (f->error) {
        int error = f->error;

        f->error = 0;
        return -error;
    }
    n = recv(f->fd, buf, SCRATCH_BYTES, (flags & MSG_PEEK) | MSG_DONTWAIT);
    if (n < 0)
        return -errno;
    if (n == 0 && f->rd_shut && !f->sources) {
        msg->addr_len = 0;
        msg->control_len = 0;
        return 0;
    }
    msg->flags = 0;
    tell_source(f, msg, sum_of(buf, (size_t)n), flags & MSG_PEEK);
    for (size_t i = 0; i < msg->iov_len && done < (size_t)n; i++) {
        size_t part = iov[i].len < (size_t)n - done ? iov[i].len : (size_t)n - done;

        memcpy(iov[i].base, buf + done, part);
        done += part;
    }
    if (done < (size_t)n)
        msg->flags |= HF_MSG_TRUNC;
    if (!(flags & MSG_PEEK))
        carry_in(f);
    return n;
}

bool datagram_has(struct file *f, uint64_t count)
{
    datagram_run(f);
    return f->source_count >= count || f->error || f->rd_shut ||
           (hf_sock_poll(f->sk) & (HF_POLLIN | HF_POLLERR));
}

int64_t datagram_give(struct file *f, const struct hf_msg *msg, int flags)
{
    carry_out(f);
    if (f->error) {
        int error = f->error;

        f->error = 0;
        return -error;
    }
    return hf_sock_send(f->sk, msg, flags);
}
