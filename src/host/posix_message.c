/* hf_sendmsg(), hf_recvmsg() and their many-message forms. Linux: ___sys_sendmsg, ___sys_recvmsg.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>
#include <time.h>

#include "handfast/linux.h"
#include "host/env.h"
#include "host/rider.h"
#include "host/transfer.h"

enum {
    CONTROL_MAX = 4096,  /* more than a stack's own control data ever is */
    MESSAGES_MAX = 1024, /* UIO_MAXIOV: Linux takes no more at once */
};

/* A header, copied in; its vector checked. An address longer than any is cut, not refused. */
static int read_header(const struct msghdr *from, struct msghdr *head, struct hf_msg *msg,
                       size_t *total)
{
    int err = user_read(head, from, sizeof(*head));

    if (err)
        return err;
    if (!head->msg_name)
        head->msg_namelen = 0;
    if ((int)head->msg_namelen < 0)
        return -EINVAL;
    if (head->msg_namelen > USER_ADDRESS_MAX)
        head->msg_namelen = USER_ADDRESS_MAX;
    *msg =
        (struct hf_msg){.iov = (const struct hf_iovec *)head->msg_iov, .iov_len = head->msg_iovlen};
    return user_check_vector(head->msg_iov, head->msg_iovlen, -EMSGSIZE, total);
}

/* A cancelled thread leaves its descriptors to nobody: they end with the message. C27. */
static void end_riders(void *arg)
{
    struct hf_msg *msg = arg;

    for (size_t i = 0; i < msg->ref_count; i++)
        rider_end(msg->refs[i].object);
}

/* The descriptors go where the bytes go, or nowhere. */
static int64_t send_with_rights(struct call *c, struct hf_msg *msg, size_t total, int flags)
{
    struct hf_ref refs[HF_REFS_MAX];
    int64_t n;

    msg->refs = refs;
    n = rider_take_all(msg->control, msg->control_len, refs, &msg->ref_count);
    pthread_cleanup_push(end_riders, msg);
    if (n == 0)
        n = transfer_send(c, msg, total, flags);
    if (n >= 0)
        msg->ref_count = 0;
    pthread_cleanup_pop(1);
    return n;
}

/* Linux: SOCK_DGRAM and SOCK_STREAM alike read the address before the vector, the control data
 * last. */
static int64_t send_message(struct call *c, const struct msghdr *from, int flags)
{
    uint8_t addr[USER_ADDRESS_MAX], control[CONTROL_MAX];
    struct msghdr head;
    struct hf_msg msg;
    size_t total;
    int err = read_header(from, &head, &msg, &total);

    if (err)
        return err;
    if (head.msg_namelen) {
        err = user_read_address(addr, head.msg_name, head.msg_namelen);
        if (err)
            return err;
        msg.addr = addr;
        msg.addr_len = head.msg_namelen;
    }
    if (head.msg_controllen > CONTROL_MAX)
        return -ENOBUFS;
    if (head.msg_controllen) {
        err = user_read(control, head.msg_control, head.msg_controllen);
        if (err)
            return err;
        msg.control = control;
        msg.control_len = head.msg_controllen;
    }
    return c->file->is_unix ? send_with_rights(c, &msg, total, flags)
                            : transfer_send(c, &msg, total, flags);
}

ssize_t hf_sendmsg(int fd, const struct msghdr *m, int flags)
{
    struct call c;

    pthread_testcancel();
    if (!call_begin(&c, fd))
        return sendmsg(fd, m, flags);
    return call_end(&c, send_message(&c, m, flags));
}

/* What came beside the bytes, and the header's own fields. */
static int write_back(struct msghdr *to, const struct msghdr *head, const struct hf_msg *msg)
{
    uint32_t room = head->msg_namelen;
    socklen_t name_len = msg->addr_len;
    int msg_flags = msg->flags & ~MSG_PEEK;
    int err = 0;

    if (head->msg_name)
        err = user_write(head->msg_name, msg->addr, msg->addr_len < room ? msg->addr_len : room);
    if (!err && msg->control_len)
        err = user_write(head->msg_control, msg->control, msg->control_len);
    if (!err && head->msg_name)
        err = user_write(&to->msg_namelen, &name_len, sizeof(name_len));
    if (!err)
        err = user_write(&to->msg_controllen, &msg->control_len, sizeof(msg->control_len));
    return err ? err : user_write(&to->msg_flags, &msg_flags, sizeof(msg_flags));
}

static int64_t receive_message(struct call *c, struct msghdr *to, int flags)
{
    uint8_t addr[USER_ADDRESS_MAX], control[CONTROL_MAX];
    struct hf_ref refs[HF_REFS_MAX];
    struct msghdr head;
    struct hf_msg msg;
    size_t total, room;
    int64_t n;
    int err = read_header(to, &head, &msg, &total);

    if (err)
        return err;
    msg.addr = addr;
    msg.addr_len = sizeof(addr);
    if (head.msg_control) {
        msg.control = control;
        msg.control_len = head.msg_controllen < CONTROL_MAX ? head.msg_controllen : CONTROL_MAX;
    }
    room = msg.control_len;
    if (room)
        msg.refs = refs;
    n = transfer_receive(c, &msg, total, flags);
    if (n < 0)
        return n;
    rider_give_all(c->file->host, &msg, room, flags & MSG_CMSG_CLOEXEC);
    err = write_back(to, &head, &msg);
    return err ? err : n;
}

ssize_t hf_recvmsg(int fd, struct msghdr *m, int flags)
{
    struct call c;

    pthread_testcancel();
    if (!call_begin(&c, fd))
        return recvmsg(fd, m, flags);
    return call_end(&c, receive_message(&c, m, flags));
}

static int write_length(struct mmsghdr *m, int64_t n)
{
    unsigned len = (unsigned)n;

    return user_write(&m->msg_len, &len, sizeof(len));
}

/* As many as go; an error counts only when it hits the first. */
int hf_sendmmsg(int fd, struct mmsghdr *m, unsigned n, int flags)
{
    struct call c;
    unsigned done = 0;
    int64_t result = 0;

    pthread_testcancel();
    if (!call_begin(&c, fd))
        return sendmmsg(fd, m, n, flags);
    for (n = n < MESSAGES_MAX ? n : MESSAGES_MAX; done < n; done++) {
        result = send_message(&c, &m[done].msg_hdr, flags);
        if (result >= 0)
            result = write_length(&m[done], result);
        if (result < 0)
            break;
    }
    return (int)call_end(&c, done ? done : result);
}

/* Linux: an error that is pending is told before anything is received. */
static int pending_error(struct file *f)
{
    int error = 0;
    uint32_t len = sizeof(error);

    host_enter(f->host);
    if (hf_sock_getsockopt(f->sk, SOL_SOCKET, SO_ERROR, &error, &len))
        error = 0;
    file_touch(f);
    host_leave(f->host);
    return -error;
}

/* Linux: the time is looked at after each message only. */
static int64_t receive_messages(struct call *c, struct mmsghdr *m, unsigned n, int flags,
                                hf_time until)
{
    int64_t result = pending_error(c->file);
    unsigned done = 0;

    while (result == 0 && done < n) {
        result = receive_message(c, &m[done].msg_hdr, flags & ~MSG_WAITFORONE);
        if (result >= 0)
            result = write_length(&m[done], result);
        if (result < 0)
            break;
        done++;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        if (until != HF_TIME_NEVER && host_now() >= until)
            break;
    }
    return done ? done : result;
}

int hf_recvmmsg(int fd, struct mmsghdr *m, unsigned n, int flags, struct timespec *timeout)
{
    struct call c;
    struct timespec ts;
    hf_time until = HF_TIME_NEVER;

    pthread_testcancel();
    if (!call_begin(&c, fd))
        return recvmmsg(fd, m, n, flags, timeout);
    if (timeout) {
        if (user_read(&ts, timeout, sizeof(ts)))
            return (int)call_end(&c, -EFAULT);
        if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= HF_S)
            return (int)call_end(&c, -EINVAL);
        if (ts.tv_sec < INT32_MAX)
            until = host_now() + ts.tv_sec * HF_S + ts.tv_nsec;
    }
    return (int)call_end(
        &c, receive_messages(&c, m, n < MESSAGES_MAX ? n : MESSAGES_MAX, flags, until));
}
