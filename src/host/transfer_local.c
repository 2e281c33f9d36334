/* Receiving from an AF_UNIX stream. Linux: unix_stream_read_generic.
 *
 * A caller who wants more than there is waits for more, but what was sent with descriptors, by
 * another writer, or behind an urgent byte is not glued to what came before, and a peek ends with
 * what is there. */
#include <errno.h>
#include <sys/socket.h>

#include "handfast/linux.h"
#include "host/transfer.h"

/* What beside the bytes a call has to give. */
struct beside {
    uint32_t addr_len;
    size_t control_len;
    int flags;
};

/* Something stands between these bytes and the next. */
static bool is_boundary(struct file *f, const struct hf_msg *msg, bool is_short)
{
    int at_mark = 0;

    if (hf_sock_ioctl(f->sk, HF_SIOCATMARK, &at_mark) == 0 && at_mark)
        return true;
    return msg->ref_count || msg->flags & MSG_CTRUNC || (is_short && transfer_waiting(f));
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
    n = transfer_receive_some(f, msg, done, total, flags & MSG_OOB ? 1 : transfer_waiting(f),
                              flags);
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
