/* ioctl() requests whose answer the vehicle does not know: what is unsent, and of datagrams
 * what can be read. */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "run/calls.h"
#include "run/files.h"
#include "run/memory.h"
#include "run/pump.h"

/* FIONREAD: of datagrams the first one's length, where the vehicle would tell the sum. Of a stream
 * the vehicle tells it. */
static int64_t readable_bytes(const struct call *c, const struct file *f)
{
    ssize_t n;
    int value;

    if (f->state != FILE_DATAGRAM)
        return CALL_CONTINUE;
    n = recv(f->fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    value = n < 0 ? 0 : (int)n;
    return memory_write(c, c->args[2], &value, sizeof(value));
}

int64_t sys_ioctl(const struct call *c, struct file *f)
{
    unsigned long request = (uint32_t)c->args[1];
    int value;
    int err;

    files_settle(c->sv);
    if (f->is_dead)
        return -EBADF;
    if (request == FIONREAD)
        return readable_bytes(c, f);
    if (request == HF_SIOCATMARK && (f->state == FILE_CONNECTED || f->state == FILE_FAILED))
        return CALL_CONTINUE; /* the mark is where the program reads, in the vehicle */
    err = hf_sock_ioctl(f->sk, request, &value);
    if (err < 0)
        return err;
    if (request == HF_SIOCOUTQ || request == HF_SIOCOUTQNSD)
        value += pump_waiting(f);
    return memory_write(c, c->args[2], &value, sizeof(value));
}
