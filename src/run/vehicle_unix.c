/* Vehicle U: AF_UNIX stream sockets.
 *
 * An unconnected one shows OUT|HUP, as a fresh TCP socket does. It is connected, by the copy we
 * keep, to a listener of ours that has no name any more. While the handshake runs its buffer is
 * full, so that it is neither readable nor writable. Once it is connected, and whoever waits for
 * that has been answered, we close our copy: from then on the last close of the program's is seen
 * at our end.
 *
 * Closing our end resets the program's (ECONNRESET, IN|OUT|ERR|HUP|RDHUP) only while something in
 * it is unread, and not otherwise. So one byte is left unread there always: `skip` tells that the
 * first unread byte has been dealt with. It begins with a byte sent here, and goes on in outward.c.
 * Where nothing may stay, a byte is sent when it is needed, from the program's end. */
#define _GNU_SOURCE
#include "run/vehicle.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "run/borrow.h"
#include "run/files.h"
#include "run/inject.h"
#include "run/log.h"
#include "run/pump.h"
#include "run/reap.h"
#include "run/rendezvous.h"
#include "run/sources.h"

/* Both ways: so much fits into the caches beside what it is copied from and to. */
#define BUFFER_BYTES (256 << 10)
#define FILL_AT_ONCE 8192
#define BUFFER_MOST  (64 << 20) /* the machine allows less */
/* Four times what the kernel holds for the largest part of a write. */
#define BUFFER_ENOUGH (192 << 10)
#define PENDING_SCAN  HF_S

static void set_buffer(int fd, int bytes)
{
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

int vehicle_new(bool nonblocking)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (nonblocking ? SOCK_NONBLOCK : 0), 0);

    return fd < 0 ? -errno : fd;
}

int vehicle_measure(struct supervisor *sv)
{
    int size = 0, fd = vehicle_new(true);
    socklen_t len = sizeof(size);

    if (fd < 0)
        return fd;
    set_buffer(fd, BUFFER_BYTES);
    sv->is_narrow = getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &len) == 0 && size < BUFFER_ENOUGH;
    close(fd);
    return 0;
}

int vehicle_connecting(struct file *f)
{
    static const char nothing[FILL_AT_ONCE];
    ssize_t n;
    int err;

    set_buffer(f->fd, 1);
    err = rendezvous_attach(f);
    if (err < 0)
        return err;
    f->fill = 0;
    while ((n = send(f->fd, nothing, sizeof(nothing), MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
        f->fill += (uint32_t)n;
    f->state = FILE_CONNECTING;
    reap_within(f->sv, PENDING_SCAN);
    return 0;
}

/* Takes what filled the vehicle, all but the byte that stays; the order (room first, then this)
 * makes the one wake-up that the program sees. */
static void empty(struct file *f)
{
    char discard[FILL_AT_ONCE];
    uint32_t stays = f->sv->is_narrow ? 0 : 1;

    while (f->fill > stays) {
        size_t want = f->fill - stays < sizeof(discard) ? f->fill - stays : sizeof(discard);
        ssize_t n = read(f->end.fd, discard, want);

        if (n <= 0)
            break;
        f->fill -= (uint32_t)n;
    }
    f->skip = f->fill;
    f->fill = 0;
}

static int watch_end(struct file *f)
{
    f->end.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    f->end.ready = pump_ready;
    return loop_add(f->sv->loop, &f->end);
}

static void forget_end(struct file *f)
{
    if (f->state == FILE_DATAGRAM || (f->state == FILE_CONNECTED && f->fd < 0))
        loop_forget(f->sv->loop, &f->end);
}

static void begin_connected(struct file *f)
{
    f->end_writable = true;
    f->state = FILE_CONNECTED;
}

bool vehicle_widen(struct file *f)
{
    if (f->end_is_wide)
        return false;
    f->end_is_wide = true;
    set_buffer(f->end.fd, BUFFER_BYTES);
    return true;
}

/* The byte that stays makes the close of our end a reset, once all is read. */
void vehicle_refuse(struct file *f)
{
    char discard[FILL_AT_ONCE];
    int unread = 0;

    f->out_refused = f->end_is_wide = true;
    set_buffer(f->end.fd, BUFFER_MOST);
    (void)shutdown(f->end.fd, SHUT_RD);
    if (ioctl(f->end.fd, SIOCINQ, &unread) < 0)
        return;
    while (unread > 1) {
        size_t want = (size_t)unread - 1 < sizeof(discard) ? (size_t)unread - 1 : sizeof(discard);
        ssize_t n = read(f->end.fd, discard, want);

        if (n <= 0)
            break;
        unread -= (int)n;
    }
    f->skip = (uint32_t)unread;
}

int vehicle_connected(struct file *f)
{
    int err = 0;

    if (f->state == FILE_CONNECTED)
        return 0;
    if (f->state == FILE_CONNECTING) {
        set_buffer(f->fd, BUFFER_BYTES);
        empty(f);
    } else {
        err = rendezvous_attach(f);
        if (err < 0)
            return err;
        f->state = FILE_CONNECTING;
        if (send(f->fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
            return -errno;
        f->skip = 1;
        set_buffer(f->fd, BUFFER_BYTES); /* the wake-up for OUT */
    }
    begin_connected(f);
    if (f->rd_shut || f->wr_shut)
        pump_shut_before(f);
    file_touch(f);
    return 0;
}

void vehicle_let_go(struct file *f)
{
    if (f->fd < 0)
        return;
    if (watch_end(f) < 0)
        vehicle_fail(f);
    file_shut(&f->fd);
}

/* Leaves a byte unread in our end, where none stayed. Where the program's descriptor cannot be had,
 * the reset is an end of stream to it. */
static void leave_byte(const struct file *f)
{
    int vehicle = f->skip ? -1 : borrow_from(f->hint_tid, f->hint_fd, f);

    if (vehicle < 0)
        return;
    (void)!send(vehicle, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(vehicle);
}

void vehicle_fail(struct file *f)
{
    if (f->state == FILE_FRESH && vehicle_connecting(f) < 0)
        return;
    if (f->state == FILE_CONNECTED) {
        leave_byte(f);
        forget_end(f);
        file_shut(&f->fd);
    }
    file_shut(&f->end.fd);
    f->state = FILE_FAILED;
    reap_within(f->sv, PENDING_SCAN);
}

void vehicle_error_taken(struct file *f)
{
    int error;
    socklen_t len = sizeof(error);

    if (f->state == FILE_FAILED && f->fd >= 0)
        (void)getsockopt(f->fd, SOL_SOCKET, SO_ERROR, &error, &len);
}

/* With nothing unread our end closes in peace. */
void vehicle_end(struct file *f)
{
    char discard[FILL_AT_ONCE];

    (void)shutdown(f->end.fd, SHUT_RDWR);
    while (read(f->end.fd, discard, sizeof(discard)) > 0)
        continue;
    f->skip = 1; /* none is to be left */
    vehicle_fail(f);
}

/* What data calls meet on the vehicle, as the socket has it. */
static void give_options(const struct file *f, int vehicle)
{
    static const int timeouts[] = {SO_RCVTIMEO, SO_SNDTIMEO},
                     numbers[] = {SO_RCVLOWAT, SO_OOBINLINE, SO_PEEK_OFF};

    for (int i = 0; i < 2; i++) {
        hf_time t = hf_sock_timeout(f->sk, timeouts[i]);
        struct timeval tv = {.tv_sec = t ? t / HF_S : -1, .tv_usec = t % HF_S / HF_US};

        if (t != HF_TIME_NEVER)
            (void)setsockopt(vehicle, SOL_SOCKET, timeouts[i], &tv, sizeof(tv));
    }
    for (int i = 0; i < 3; i++) {
        int value;
        uint32_t len = sizeof(value);

        if (hf_sock_getsockopt(f->sk, SOL_SOCKET, numbers[i], &value, &len) == 0)
            (void)setsockopt(vehicle, SOL_SOCKET, numbers[i], &value, sizeof(value));
    }
}

/* F_SETOWN, F_SETSIG and O_ASYNC belong to the open file, and it is another one now. */
static void give_owner(const struct call *c, const struct file *f, int fd)
{
    int old = f->fd >= 0 ? f->fd : borrow_vehicle(c, f);
    struct f_owner_ex owner;
    int flags, signal;

    if (old < 0)
        return;
    if (fcntl(old, F_GETOWN_EX, &owner) == 0 && owner.pid)
        (void)fcntl(fd, F_SETOWN_EX, &owner);
    signal = fcntl(old, F_GETSIG);
    if (signal > 0)
        (void)fcntl(fd, F_SETSIG, signal);
    flags = fcntl(old, F_GETFL);
    if (flags >= 0 && flags & O_ASYNC)
        (void)fcntl(fd, F_SETFL, flags);
    if (old != f->fd)
        close(old);
}

int vehicle_renew(const struct call *c, struct file *f)
{
    int fd = vehicle_new(file_is_nonblocking(c, f));
    int err;

    if (fd >= 0)
        give_owner(c, f, fd);
    /* The number may have been closed, and be another file's, while the call waited. */
    err = fd < 0 ? fd : file_at(f->sv, c->tid, (int)c->args[0]) != f ? -EBADF : 0;
    if (err == 0)
        err = inject_replace(c, fd, (int)c->args[0]);
    if (err == 0)
        err = file_rekey(f, fd);
    if (err < 0) {
        file_shut(&fd);
        return err;
    }
    give_options(f, fd);
    vehicle_drop(f);
    hf_sock_close(f->ready);
    f->ready = NULL;
    f->fd = fd;
    f->state = FILE_FRESH;
    f->skip = 0;
    f->end_is_named = f->end_is_wide = false;
    f->end_readable = f->end_writable = f->end_eof = f->end_closed = false;
    f->wr_shut = f->rd_shut = f->fin_sent = f->fin_given = false;
    f->error = 0;
    return 0;
}

void vehicle_settle(struct file *f)
{
    uint32_t events = hf_sock_poll(f->sk);

    if (!(events & (HF_POLLOUT | HF_POLLERR | HF_POLLHUP)))
        return;
    if (events & (HF_POLLERR | HF_POLLHUP)) {
        log_connect(f, -1);
        vehicle_fail(f);
    } else if (vehicle_connected(f) == 0) {
        log_connect(f, 0);
    } else {
        vehicle_fail(f);
    }
}

int vehicle_accepted(struct supervisor *sv, struct hf_sock *sk, bool nonblocking, struct file **out,
                     int *vehicle)
{
    struct file *f;
    int pair[2];
    int err;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    err = file_new(sv, sk, pair[1], &f);
    if (err < 0) {
        close(pair[0]);
        close(pair[1]);
        return err;
    }
    f->end.fd = pair[0];
    set_buffer(pair[1], BUFFER_BYTES);
    if (send(pair[1], "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ||
        (!nonblocking && fcntl(pair[1], F_SETFL, 0) < 0))
        err = -errno;
    if (err == 0)
        err = watch_end(f);
    if (err < 0) {
        close(pair[1]);
        file_abandon(f);
        return err;
    }
    f->skip = 1;
    begin_connected(f);
    give_options(f, pair[1]);
    *vehicle = pair[1];
    *out = f;
    return 0;
}

void vehicle_drop(struct file *f)
{
    forget_end(f);
    file_shut(&f->end.fd);
    file_shut(&f->fd);
    file_shut(&f->bell);
    file_shut(&f->rendezvous);
    sources_forget(f);
}
