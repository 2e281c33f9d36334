/* Calls on a stream to which the vehicle, an AF_UNIX socket, would have another answer: a read that
 * asks from whom (TCP tells nobody, AF_UNIX the name of our end), discards (MSG_TRUNC) or wants the
 * urgent byte, a write with an address or an urgent byte, and every one on a socket without a
 * connection.
 *
 * What came in is in the vehicle already, and we keep no copy of the program's end. So a read
 * borrows the descriptor for as long as it takes. Where that is not allowed, the vehicle answers.
 */
#define _GNU_SOURCE
#include "run/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "run/borrow.h"
#include "run/files.h"
#include "run/message.h"
#include "run/notify.h"
#include "run/outward.h"
#include "run/pump.h"
#include "run/vehicle.h"

/* Bytes that came in are in the vehicle: it is connected, or was. */
static bool has_bytes(const struct file *f)
{
    return f->state == FILE_CONNECTED || (f->state == FILE_FAILED && f->fd < 0);
}

bool stream_reads_natively(const struct file *f, uint64_t len, int flags, bool is_named)
{
    if (!has_bytes(f) || flags & MSG_ERRQUEUE)
        return false;
    if (flags & MSG_WAITALL && len >= MESSAGE_BYTES_MAX)
        return true;
    return !(flags & (MSG_TRUNC | MSG_OOB)) && !(is_named && f->end_is_named);
}

/* Few enough bytes that the stack takes them all, where it has room at all. */
#define KEPT_BACK_MAX 16384

bool stream_keeps_back(struct file *f, uint64_t len, int flags)
{
    int queued = 0, size = 0;
    uint32_t room = sizeof(size);

    return flags & MSG_MORE && f->state == FILE_CONNECTED && len <= KEPT_BACK_MAX &&
           hf_sock_ioctl(f->sk, HF_SIOCOUTQ, &queued) == 0 &&
           hf_sock_getsockopt(f->sk, SOL_SOCKET, SO_SNDBUF, &size, &room) == 0 &&
           queued + KEPT_BACK_MAX <= size / 4;
}

/* Linux: sock_rcvlowat. */
static size_t enough(struct file *f, size_t room, int flags)
{
    int low = 1;
    uint32_t len = sizeof(low);

    if (!(flags & MSG_WAITALL))
        (void)!hf_sock_getsockopt(f->sk, SOL_SOCKET, SO_RCVLOWAT, &low, &len);
    return flags & MSG_WAITALL || (size_t)low > room ? room : (size_t)low;
}

/* No more bytes will come into the vehicle. */
static bool is_over(int vehicle)
{
    struct pollfd p = {.fd = vehicle, .events = POLLRDHUP};

    return poll(&p, 1, 0) == 1;
}

/* Without its place in the queue the urgent byte leaves an empty record there, which poll() takes
 * for something to read; reading nothing removes it. */
static int64_t take_urgent(int vehicle, uint8_t *buf, size_t room, int flags)
{
    ssize_t n = recv(vehicle, buf, room, (flags & (MSG_OOB | MSG_PEEK)) | MSG_DONTWAIT);
    int error = errno, behind = 0;

    if (n > 0 && !(flags & MSG_PEEK) && ioctl(vehicle, FIONREAD, &behind) == 0 && !behind)
        (void)recv(vehicle, buf, 0, MSG_DONTWAIT);
    return n < 0 ? -error : n;
}

static int64_t take_from(struct file *f, int vehicle, uint8_t *buf, size_t room, int flags)
{
    bool waits = !(flags & MSG_DONTWAIT) && !(fcntl(vehicle, F_GETFL) & O_NONBLOCK);
    size_t want = waits ? enough(f, room, flags) : 0;
    int waiting = 0;
    ssize_t n;

    if (want > 1 && ioctl(vehicle, FIONREAD, &waiting) == 0 && (size_t)waiting < want &&
        !is_over(vehicle))
        return -EAGAIN;
    n = recv(vehicle, buf, room, (flags & MSG_PEEK) | MSG_DONTWAIT);
    return n < 0 ? -errno : n;
}

int64_t stream_take(const struct call *c, struct file *f, uint8_t *buf, size_t room, int flags)
{
    struct hf_iovec iov = {buf, room};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};
    int vehicle;
    int64_t n;

    if (flags & MSG_ERRQUEUE)
        return -EAGAIN;
    if (!has_bytes(f)) {
        n = hf_sock_recv(f->sk, &msg, flags);
        if (n < 0 && n != -EAGAIN)
            vehicle_error_taken(f);
        return n;
    }
    vehicle = borrow_vehicle(c, f);
    if (vehicle < 0)
        return CALL_CONTINUE;
    /* What is taken for a caller who is gone is lost, unless the same call comes again. */
    if (!notify_is_waiting(c)) {
        close(vehicle);
        return -ENOENT;
    }
    n = flags & MSG_OOB ? take_urgent(vehicle, buf, room, flags)
                        : take_from(f, vehicle, buf, room, flags);
    close(vehicle);
    if (n == -ECONNRESET)
        f->error = 0;
    return n;
}

/* The error a reset left, which is on the vehicle too. */
static int64_t take_reset(const struct call *c, struct file *f)
{
    int error = f->error, vehicle = borrow_vehicle(c, f);
    socklen_t len = sizeof(error);

    f->error = 0;
    if (vehicle < 0)
        return -error;
    if (error == ECONNRESET)
        (void)getsockopt(vehicle, SOL_SOCKET, SO_ERROR, &error, &len);
    close(vehicle);
    return error ? -error : -EPIPE;
}

/* The stack has no room. The vehicle has, or shows that it has none: poll() must not say OUT of a
 * socket that takes nothing. Who waits is held instead. An urgent byte has its place in the stack
 * alone. */
static int64_t give_to_vehicle(const struct call *c, struct file *f, const struct hf_msg *msg,
                               int flags)
{
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)msg->iov, .msg_iovlen = msg->iov_len};
    bool waits = !(flags & MSG_DONTWAIT) && !file_is_nonblocking(c, f);
    int vehicle = -EAGAIN;
    int64_t n;

    if (!waits && !(flags & MSG_OOB) && f->state == FILE_CONNECTED)
        vehicle = borrow_vehicle(c, f);
    if (vehicle < 0)
        return -EAGAIN;
    n = notify_is_waiting(c) ? sendmsg(vehicle, &m, MSG_DONTWAIT | MSG_NOSIGNAL) : -1;
    close(vehicle);
    return n < 0 ? -EAGAIN : n;
}

int64_t stream_give(const struct call *c, struct file *f, const struct hf_msg *msg, int flags)
{
    int64_t n;

    if (f->state == FILE_CONNECTED) {
        f->end_readable = true;
        pump_out(f);
        if (f->is_dead)
            return -EPIPE;
        if (outward_waiting(f) > 0)
            return give_to_vehicle(c, f, msg, flags);
    }
    if (f->state == FILE_FAILED && f->error)
        return take_reset(c, f);
    n = hf_sock_send(f->sk, msg, flags);
    if (n < 0 && n != -EAGAIN && n != -EINPROGRESS)
        vehicle_error_taken(f);
    return n == -EAGAIN ? give_to_vehicle(c, f, msg, flags) : n;
}
