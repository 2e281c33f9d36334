/* recvfrom() that wants to know from where, or has flags the vehicle does not know. */
#define _GNU_SOURCE
#include <errno.h>

#include "run/calls.h"
#include "run/files.h"
#include "run/hold.h"
#include "run/memory.h"
#include "run/message.h"
#include "run/stream.h"

static int64_t receive(const struct call *c, struct file *f, int flags)
{
    struct message m;
    uint8_t addr[28];
    int64_t n;

    message_from_buffer(c->args[1], c->args[2], &m);
    n = message_receive(c, f, &m, flags, addr);
    if (n >= 0 && c->args[4]) {
        int err = memory_write_address(c, c->args[4], c->args[5], addr, m.head.msg_namelen);

        if (err < 0)
            n = err;
    }
    return message_received(f, n);
}

/* NetSem recv_2, recv_3, recv_8a, recv_12, recv_15. */
static int64_t try_receive(const struct call *c, struct file *f, bool expired)
{
    int64_t n = receive(c, f, (int)c->args[3] | (expired ? MSG_DONTWAIT : 0));

    return n == -EAGAIN && !expired ? CALL_HELD : n;
}

int64_t sys_recvfrom(const struct call *c, struct file *f)
{
    int flags = (int)c->args[3];
    int64_t n;

    if (f->state != FILE_DATAGRAM && stream_reads_natively(f, c->args[2], flags, c->args[4]))
        return CALL_CONTINUE;
    files_settle(c->sv);
    if (f->is_dead)
        return -EBADF;
    n = receive(c, f, flags);
    if (n != -EAGAIN || flags & (MSG_DONTWAIT | MSG_ERRQUEUE) || file_is_nonblocking(c, f))
        return n;
    return hold_call(c, f, try_receive, hf_sock_timeout(f->sk, SO_RCVTIMEO));
}
