/* sendto() with an address, or with flags the vehicle does not know. */
#define _GNU_SOURCE
#include <errno.h>

#include "run/calls.h"
#include "run/files.h"
#include "run/hold.h"
#include "run/message.h"
#include "run/open_send.h"
#include "run/stream.h"

static int read_message(const struct call *c, struct message *m)
{
    if (c->args[4] && (int32_t)c->args[5] < 0) /* Linux: of no address the length is not asked */
        return -EINVAL;
    message_from_buffer(c->args[1], c->args[2], m);
    m->head.msg_name = (void *)(uintptr_t)c->args[4];
    m->head.msg_namelen = (socklen_t)c->args[5];
    return 0;
}

/* NetSem send_2, send_3. */
static int64_t try_send(const struct call *c, struct file *f, bool expired)
{
    struct message m;
    int64_t result = read_message(c, &m);

    if (result < 0)
        return result;
    result = message_send(c, f, &m, (int)c->args[3]);
    if (result == -EPIPE)
        return message_broken_pipe(c, f, (int)c->args[3]);
    return result == -EAGAIN && !expired ? CALL_HELD : result;
}

static int64_t retry_open(const struct call *c, struct file *f, bool expired)
{
    struct message m;
    int64_t result = read_message(c, &m);

    return result < 0 ? result : open_send_rest(c, f, &m, (int)c->args[3], expired);
}

static int64_t open_send_to(const struct call *c, struct file *f)
{
    struct message m;
    int64_t result = read_message(c, &m);

    return result < 0 ? result : open_send(c, f, &m, (int)c->args[3], retry_open);
}

int64_t sys_sendto(const struct call *c, struct file *f)
{
    int flags = (int)c->args[3];
    int64_t result;

    if (!c->args[4] && !(flags & (MSG_FASTOPEN | MSG_OOB)) && f->state != FILE_DATAGRAM &&
        !stream_keeps_back(f, c->args[2], flags))
        return CALL_CONTINUE;
    if (flags & MSG_FASTOPEN && f->state != FILE_DATAGRAM)
        return open_send_to(c, f);
    result = try_send(c, f, false);
    files_settle(c->sv);
    if (result != CALL_HELD)
        return result;
    /* A datagram never waits: no port is left for it. */
    if (f->is_dead || f->state == FILE_DATAGRAM || flags & MSG_DONTWAIT ||
        file_is_nonblocking(c, f))
        return -EAGAIN;
    return hold_call(c, f, try_send, hf_sock_timeout(f->sk, SO_SNDTIMEO));
}
