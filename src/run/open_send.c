/* A send that opens its stream: MSG_FASTOPEN. RFC 7413; Linux: tcp_sendmsg_fastopen. Without a
 * cookie it is connect() and send() in one. */
#define _GNU_SOURCE
#include "run/open_send.h"

#include <errno.h>

#include "run/files.h"
#include "run/hold.h"
#include "run/log.h"
#include "run/vehicle.h"

int64_t open_send(const struct call *c, struct file *f, const struct message *m, int flags,
                  retry_fn *rest)
{
    bool blocking = !(flags & MSG_DONTWAIT) && !file_is_nonblocking(c, f);
    uint8_t addr[28];
    uint32_t len = sizeof(addr);
    int64_t n, err;

    files_settle(c->sv);
    if (f->is_dead)
        return -EBADF;
    n = message_send(c, f, m, blocking ? flags : flags | MSG_DONTWAIT);
    if (n == -EPIPE)
        return message_broken_pipe(c, f, flags);
    if ((n < 0 && n != -EINPROGRESS) || f->state == FILE_CONNECTED)
        return n;
    if (hf_sock_accepted_from(f->sk, addr, &len) == 0)
        log_connect_began(f, addr, len);
    err = connect_shown(c, f);
    if (err < 0)
        return err;
    if (!blocking) {
        vehicle_settle(f);
        return n;
    }
    n = rest(c, f, false);
    return n == CALL_HELD ? hold_call(c, f, rest, hf_sock_timeout(f->sk, SO_SNDTIMEO)) : n;
}

/* m without its address and its first `taken` bytes. */
static void skip(struct message *m, size_t taken)
{
    m->head.msg_name = NULL;
    m->head.msg_control = NULL;
    for (size_t i = 0; i < m->head.msg_iovlen && taken; i++) {
        size_t n = m->iov[i].iov_len < taken ? m->iov[i].iov_len : taken;

        m->iov[i].iov_base = (char *)m->iov[i].iov_base + n;
        m->iov[i].iov_len -= n;
        taken -= n;
    }
}

int64_t open_send_rest(const struct call *c, struct file *f, struct message *m, int flags,
                       bool expired)
{
    int64_t n = connect_ended(c, f, expired);
    int64_t taken = (int64_t)hf_sock_opened_with(f->sk);

    if (n == -EINPROGRESS)
        return taken ? taken : n;
    if (n)
        return n;
    skip(m, (size_t)taken);
    if (!message_length(m))
        return taken;
    n = message_send(c, f, m, (flags & ~MSG_FASTOPEN) | MSG_DONTWAIT);
    return n < 0 ? (taken ? taken : n) : taken + n;
}
