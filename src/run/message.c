/* Messages of the program: copied in, handed to the stack, and the other way round. */
#define _GNU_SOURCE
#include "run/message.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run/memory.h"
#include "run/notify.h"
#include "run/stream.h"
#include "run/vehicle.h"

#define SOCKADDR_ROOM 28 /* struct sockaddr_in6 */

static uint64_t number(const void *p)
{
    return (uint64_t)(uintptr_t)p;
}

int message_read(const struct call *c, uint64_t at, struct message *out)
{
    int err = memory_read(c, at, &out->head, sizeof(out->head));

    out->at = at;
    if (err < 0)
        return err;
    if ((int)out->head.msg_namelen < 0)
        return -EINVAL;
    if (out->head.msg_namelen > sizeof(struct sockaddr_storage)) /* Linux: cut, not refused */
        out->head.msg_namelen = sizeof(struct sockaddr_storage);
    return memory_iovec(c, number(out->head.msg_iov), out->head.msg_iovlen, out->iov);
}

void message_from_buffer(uint64_t buf, uint64_t len, struct message *out)
{
    out->at = 0;
    out->head = (struct msghdr){.msg_iovlen = 1};
    out->iov[0] = (struct iovec){.iov_base = (void *)(uintptr_t)buf, .iov_len = len};
}

size_t message_length(const struct message *m)
{
    size_t sum = 0;

    for (size_t i = 0; i < m->head.msg_iovlen && sum < MESSAGE_BYTES_MAX; i++)
        sum += m->iov[i].iov_len < MESSAGE_BYTES_MAX ? m->iov[i].iov_len : MESSAGE_BYTES_MAX;
    return sum < MESSAGE_BYTES_MAX ? sum : MESSAGE_BYTES_MAX;
}

int64_t message_send(const struct call *c, struct file *f, const struct message *m, int flags)
{
    uint8_t control[MESSAGE_CONTROL_MAX];
    struct address to = {.len = 0};
    struct hf_iovec iov;
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};
    uint8_t *buf;
    int64_t n = 0;

    /* Linux: an address without a length is none to sendmsg(), and sendto()'s mistake. */
    if (m->head.msg_name && (m->head.msg_namelen || !m->at)) {
        n = address_read(c, number(m->head.msg_name), m->head.msg_namelen, &to);
        msg.addr = to.bytes;
        msg.addr_len = to.len;
    }
    if (n == 0 && m->head.msg_controllen > sizeof(control))
        n = -ENOBUFS;
    if (n == 0 && m->head.msg_controllen) {
        n = memory_read(c, number(m->head.msg_control), control, m->head.msg_controllen);
        msg.control = control;
        msg.control_len = m->head.msg_controllen;
    }
    if (n < 0)
        return n;
    buf = malloc(MESSAGE_BYTES_MAX);
    if (!buf)
        return -ENOBUFS;
    n = memory_gather(c, m->iov, m->head.msg_iovlen, buf, message_length(m));
    if (n >= 0) {
        iov = (struct hf_iovec){buf, (size_t)n};
        flags &= n < MESSAGE_BYTES_MAX ? ~MSG_NOSIGNAL
                                       : ~(MSG_NOSIGNAL | MSG_OOB); /* the last is not here */
        n = f->state == FILE_DATAGRAM ? datagram_give(f, &msg, flags)
                                      : stream_give(c, f, &msg, flags);
    }
    free(buf);
    return n;
}

/* The signal comes after the answer: before it, it would interrupt the call. */
int64_t message_broken_pipe(const struct call *c, const struct file *f, int flags)
{
    if (f->state == FILE_DATAGRAM || flags & MSG_NOSIGNAL)
        return -EPIPE;
    notify_answer(c, -EPIPE);
    (void)syscall(SYS_tkill, c->tid, SIGPIPE);
    return CALL_SENT;
}

/* What was received goes to the program: bytes, address, control data. */
static int64_t deliver(const struct call *c, struct message *m, const struct hf_msg *msg,
                       const uint8_t *buf, size_t len)
{
    uint32_t room = m->head.msg_namelen;
    int64_t err = memory_scatter(c, m->iov, m->head.msg_iovlen, buf, len);

    if (err >= 0 && m->head.msg_name)
        err = memory_write(c, number(m->head.msg_name), msg->addr,
                           msg->addr_len < room ? msg->addr_len : room);
    if (err >= 0 && msg->control_len)
        err = memory_write(c, number(m->head.msg_control), msg->control, msg->control_len);
    m->head.msg_namelen = msg->addr_len;
    m->head.msg_controllen = msg->control_len;
    m->head.msg_flags = msg->flags & ~HF_MSG_PEEK;
    return err < 0 ? err : 0;
}

static int64_t take(const struct call *c, struct file *f, struct hf_msg *msg, int flags)
{
    if (f->state != FILE_DATAGRAM) {
        msg->addr_len = 0;
        msg->control_len = 0;
        msg->flags = flags & MSG_OOB;
        return stream_take(c, f, msg->iov->base, msg->iov->len, flags);
    }
    return flags & MSG_ERRQUEUE ? datagram_take_failed(f, msg, flags)
                                : datagram_take(f, msg, flags);
}

int64_t message_receive(const struct call *c, struct file *f, struct message *m, int flags,
                        uint8_t *addr)
{
    uint8_t control[MESSAGE_CONTROL_MAX];
    struct hf_iovec iov;
    struct hf_msg msg = {.iov = &iov, .iov_len = 1, .addr = addr, .addr_len = SOCKADDR_ROOM};
    size_t room = message_length(m), len;
    int64_t n, err;
    uint8_t *buf = malloc(MESSAGE_BYTES_MAX);

    if (!buf)
        return -ENOBUFS;
    iov = (struct hf_iovec){buf, room};
    msg.control = control;
    if (m->head.msg_control)
        msg.control_len =
            m->head.msg_controllen < sizeof(control) ? m->head.msg_controllen : sizeof(control);
    n = take(c, f, &msg, flags);
    if (n >= 0) {
        len = (size_t)n < room ? (size_t)n : room;
        if (f->state != FILE_DATAGRAM && flags & MSG_TRUNC)
            len = 0; /* a stream's bytes are thrown away */
        err = deliver(c, m, &msg, buf, len);
        n = err < 0 ? err : flags & MSG_TRUNC ? n : (int64_t)len;
    }
    free(buf);
    return n;
}

int64_t message_received(struct file *f, int64_t result)
{
    if (result == CALL_GONE)
        f->lent = false;
    datagram_taken(f);
    return result;
}

int message_write_back(const struct call *c, const struct message *m)
{
    int err = 0;

    if (m->head.msg_name) /* Linux: else it is left alone */
        err = memory_write(c, m->at + offsetof(struct msghdr, msg_namelen), &m->head.msg_namelen,
                           sizeof(m->head.msg_namelen));

    if (err == 0)
        err = memory_write(c, m->at + offsetof(struct msghdr, msg_controllen),
                           &m->head.msg_controllen, sizeof(m->head.msg_controllen));
    if (err == 0)
        err = memory_write(c, m->at + offsetof(struct msghdr, msg_flags), &m->head.msg_flags,
                           sizeof(m->head.msg_flags));
    return err;
}
