/* connect(). Order of errors: length (EINVAL), copy (EFAULT), then the socket's own. What is no
 * socket of ours never comes here: the kernel says EBADF and ENOTSOCK (C19, C20).
 *
 * Blocking: the answer is held until the open has ended (C11). Should the caller be interrupted,
 * the open goes on (C13) and shows through the vehicle, as a non-blocking one does. A blocking
 * caller that comes again joins the wait (NetSem connect_5d). */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "run/address.h"
#include "run/calls.h"
#include "run/files.h"
#include "run/hold.h"
#include "run/log.h"
#include "run/network.h"
#include "run/open_send.h"
#include "run/reap.h"
#include "run/vehicle.h"

/* The blocking caller's error is told; the vehicle is as new. */
static int64_t refuse(const struct call *c, struct file *f, int error)
{
    if (f->state != FILE_FRESH && vehicle_renew(c, f) < 0)
        vehicle_fail(f);
    return error;
}

/* No vehicle can be had for it: the open is undone, and the program may try again. */
static int64_t undo(struct file *f)
{
    static const uint8_t unspec[16];

    (void)!hf_sock_connect(f->sk, unspec, sizeof(unspec), false);
    return -ENOBUFS;
}

static int64_t succeed(struct file *f)
{
    if (vehicle_connected(f) == 0)
        return 0;
    vehicle_fail(f);
    return undo(f);
}

int64_t connect_ended(const struct call *c, struct file *f, bool expired)
{
    int result = hf_sock_connect_result(f->sk);

    if (result == -EINPROGRESS)
        return expired ? -EINPROGRESS : CALL_HELD;
    log_connect(f, result);
    return result == 0 ? succeed(f) : refuse(c, f, result);
}

/* Linux: a wait that joined an open under way runs out with EALREADY. */
static int64_t join(const struct call *c, struct file *f, bool expired)
{
    int64_t result = connect_ended(c, f, expired);

    return result == -EINPROGRESS ? -EALREADY : result;
}

/* With SO_SNDTIMEO the time runs out with EINPROGRESS, as on Linux, and the open goes on. */
static int64_t begun_blocking(const struct call *c, struct file *f)
{
    int64_t result = connect_ended(c, f, false);
    bool joins = f->state == FILE_CONNECTING;

    if (result != CALL_HELD)
        return result;
    if (!joins && vehicle_connecting(f) < 0)
        return undo(f);
    return hold_call(c, f, joins ? join : connect_ended, hf_sock_timeout(f->sk, SO_SNDTIMEO));
}

static bool has_ended(const struct file *f)
{
    return hf_sock_poll(f->sk) & (HF_POLLOUT | HF_POLLERR | HF_POLLHUP);
}

int64_t connect_shown(const struct call *c, struct file *f)
{
    if ((f->state == FILE_FAILED || f->state == FILE_LISTENING) && vehicle_renew(c, f) < 0)
        return undo(f);
    network_settle(c->sv->net);
    return f->state == FILE_FRESH && vehicle_connecting(f) < 0 ? undo(f) : 0;
}

static int64_t begun(const struct call *c, struct file *f)
{
    if (f->state == FILE_FRESH && !has_ended(f) && vehicle_connecting(f) < 0)
        return undo(f);
    if (!hold_has_connect(f))
        vehicle_settle(f);
    return -EINPROGRESS;
}

static int64_t stream_connect(const struct call *c, struct file *f, const struct address *to)
{
    bool blocking = !file_is_nonblocking(c, f);
    bool dissolve = to->len >= 2 && to->bytes[0] == AF_UNSPEC && to->bytes[1] == 0;
    int result;

    files_settle(c->sv);
    if (f->is_dead)
        return -EBADF;
    if (f->state == FILE_FRESH)
        log_connect_began(f, to->bytes, to->len);
    result = hf_sock_connect(f->sk, to->bytes, to->len, blocking);
    if (result == -EADDRNOTAVAIL || result == -EADDRINUSE) {
        reap_now(c->sv);
        result = hf_sock_connect(f->sk, to->bytes, to->len, blocking);
    }
    if (result == 0 && dissolve) {
        if (f->state != FILE_FRESH)
            return vehicle_renew(c, f);
        return 0;
    }
    if (result == 0)
        return succeed(f);
    if (result != -EINPROGRESS) {
        log_connect(f, result);
        vehicle_error_taken(f);
        return result;
    }
    if ((f->state == FILE_FAILED || f->state == FILE_LISTENING) && vehicle_renew(c, f) < 0)
        return undo(f);
    log_connect_began(f, to->bytes, to->len);
    network_settle(c->sv->net);
    return blocking ? begun_blocking(c, f) : begun(c, f);
}

int64_t sys_connect(const struct call *c, struct file *f)
{
    struct address to;
    int err = address_read(c, c->args[1], c->args[2], &to);

    if (err < 0)
        return err;
    if (f->state != FILE_DATAGRAM)
        return stream_connect(c, f, &to);
    datagram_run(f);
    err = hf_sock_connect(f->sk, to.bytes, to.len, false);
    if (err != -EAGAIN && err != -EADDRNOTAVAIL)
        return err;
    reap_now(c->sv);
    return hf_sock_connect(f->sk, to.bytes, to.len, false);
}
