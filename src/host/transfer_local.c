/* Receiving from an AF_UNIX stream. Linux: unix_stream_read_generic.
 *
 * A caller who wants more than there is waits for more, but what was sent with descriptors, by
 * another writer, or behind an urgent byte is not glued to what came before, and a peek ends with
 * what is there. */
#include <errno.h>
#include <sys/socket.h>

#include "handfast/linux.h"
#include "host/transfer.h"

enum { PIECES = 16 };

static size_t waiting(struct file *f)
{
    int n = 0;

    return hf_sock_ioctl(f->sk, HF_SIOCINQ, &n) ? 0 : (size_t)n;
}

/* What beside the bytes a call has to give. */
struct beside {
    uint32_t addr_len;
    size_t control_len;
    int flags;
};

/* One attempt, into what follows the first `done` bytes. Bad memory leaves the bytes where they
 * are. */
static int64_t receive_some(struct file *f, struct hf_msg *msg, size_t done, size_t total,
                            int flags)
{
    const struct hf_iovec *whole = msg->iov;
    size_t pieces = msg->iov_len, left = total - done;
    size_t want = flags & MSG_OOB ? 1 : waiting(f), good;
    struct hf_iovec iov[PIECES];
    int64_t n;

    want = want < left ? want : left;
    msg->iov = iov;
    msg->iov_len = user_vector_part(whole, pieces, done, left, iov, PIECES);
    good = user_vector_writable(iov, msg->iov_len, want);
    if (good < want && good)
        msg->iov_len = user_vector_part(whole, pieces, done, good, iov, PIECES);
    n = want && !good ? -EFAULT : hf_sock_recv(f->sk, msg, flags);
    msg->iov = whole;
    msg->iov_len = pieces;
    return n;
}

/* Something stands between these bytes and the next. */
static bool is_boundary(struct file *f, const struct hf_msg *msg, bool is_short)
{
    int at_mark = 0;

    if (hf_sock_ioctl(f->sk, HF_SIOCATMARK, &at_mark) == 0 && at_mark)
        return true;
    return msg->ref_count || msg->flags & MSG_CTRUNC || (is_short && waiting(f));
}

/* More bytes for a call that has some already; what is beside them is the first ones'. */
static int64_t receive_more(struct file *f, struct hf_msg *msg, const struct beside *room,
                            size_t done, size_t total, int flags)
{
    struct beside first = {msg->addr_len, msg->control_len, msg->flags};
    int64_t n;

    if (done == 0)
        first = *room;
    msg->addr_len = room->addr_len;
    msg->control_len = room->control_len;
    n = receive_some(f, msg, done, total, flags);
    if (n < 0 && done) {
        msg->addr_len = first.addr_len;
        msg->control_len = first.control_len;
        msg->flags = first.flags;
    }
    return n;
}

int64_t transfer_receive_local(struct call *c, struct hf_msg *msg, size_t total, int flags)
{
    struct file *f = c->file;
    hf_time until = flags & MSG_OOB ? 0 : call_limit(f, false, flags);
    size_t target = transfer_low_water(f, total, flags), done = 0;
    struct beside room = {msg->addr_len, msg->control_len, 0};
    int64_t n;
    int err = 0;

    for (;;) {
        n = receive_more(f, msg, &room, done, total, flags);
        if (n > 0) {
            bool is_short = (size_t)n < total - done;

            done += (size_t)n;
            if (done >= target || flags & (MSG_PEEK | MSG_OOB) || is_boundary(f, msg, is_short))
                break;
            continue;
        }
        if (n != -EAGAIN || until == 0)
            break;
        if (err) {
            n = err == -EINTR ? err : -EAGAIN;
            break;
        }
        err = call_wait(c, WAIT_ANY, until);
    }
    return done ? (int64_t)done : n;
}
