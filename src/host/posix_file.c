/* hf_sendfile(), hf_splice(), hf_fdopen(), hf_dprintf(): a socket where the kernel or libc would
 * look behind the number by itself.
 *
 * What is read for the other side is consumed only as far as that side has taken it: a file's
 * position moves by what was sent, a pipe is looked at through tee(2) before it is emptied, and a
 * stream's bytes go from the stack's own pages. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "handfast/linux.h"
#include "host/transfer.h"

enum {
    CHUNK = 65536,
    PAGE = 4096, /* a pipe that polls writable takes this much at least */
    PIECES = 16,
};

static int64_t or_errno(int64_t n)
{
    return n < 0 ? -errno : n;
}

static int64_t send_bytes(struct call *c, void *buf, size_t len, int flags)
{
    struct hf_iovec iov = {buf, len};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};

    return transfer_send(c, &msg, len, flags);
}

static bool is_pipe(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

/* ---- from a pipe to a socket ---- */

/* Takes `len` bytes off a pipe that have been sent. */
static void discard(int from, uint8_t *buf, size_t len)
{
    while (len) {
        ssize_t n = read(from, buf, len < CHUNK ? len : CHUNK);

        if (n <= 0)
            return;
        len -= (size_t)n;
    }
}

/* A copy of what is at the pipe's front, as much as one chunk holds; waits for it as splice(2). */
static int64_t copy_front(int from, size_t len, unsigned flags, uint8_t *buf)
{
    int copy[2];
    int64_t n;

    if (pipe2(copy, O_CLOEXEC) < 0)
        return -errno;
    n = or_errno(tee(from, copy[1], len < CHUNK ? len : CHUNK, flags & SPLICE_F_NONBLOCK));
    if (n > 0)
        n = or_errno(read(copy[0], buf, (size_t)n));
    close(copy[0]);
    close(copy[1]);
    return n;
}

/* Linux: splice_to_socket. */
static int64_t pipe_to_socket(struct call *c, int from, size_t len, unsigned flags)
{
    uint8_t *buf = malloc(CHUNK);
    int64_t n;

    if (!buf)
        return -ENOMEM;
    n = copy_front(from, len, flags, buf);
    if (n > 0)
        n = send_bytes(c, buf, (size_t)n, flags & SPLICE_F_MORE ? MSG_MORE : 0);
    if (n > 0)
        discard(from, buf, (size_t)n);
    free(buf);
    return n;
}

/* ---- from a socket to a pipe ---- */

/* Linux: wait_for_space. */
static int64_t wait_for_space(int to, unsigned flags)
{
    struct pollfd p = {.fd = to, .events = POLLOUT};
    bool waits = !(flags & SPLICE_F_NONBLOCK) && !(fcntl(to, F_GETFL) & O_NONBLOCK);

    if (poll(&p, 1, waits ? -1 : 0) < 0)
        return -errno;
    return p.revents ? 0 : -EAGAIN;
}

/* Never more than fits, for another thread may wait for the lock. */
static int64_t write_now(int to, const struct iovec *iov, int n)
{
    struct iovec first = {iov->iov_base, iov->iov_len < PAGE ? iov->iov_len : PAGE};
    ssize_t done = pwritev2(to, iov, n, -1, RWF_NOWAIT);

    if (done < 0 && (errno == EOPNOTSUPP || errno == EINVAL))
        done = writev(to, &first, 1); /* a kernel whose pipes do not know RWF_NOWAIT */
    return or_errno(done);
}

/* What there is, straight from the stack's pages. The host's lock is held. */
static int64_t stream_to_pipe(struct file *f, int to, size_t len)
{
    struct hf_iovec iov[PIECES];
    int n = hf_sock_peek(f->sk, iov, PIECES);
    size_t left = len;
    int64_t done;

    if (n <= 0)
        return n;
    for (int i = 0; i < n; i++) {
        iov[i].len = iov[i].len < left ? iov[i].len : left;
        left -= iov[i].len;
    }
    done = write_now(to, (const struct iovec *)iov, n);
    if (done > 0)
        hf_sock_consume(f->sk, (size_t)done);
    return done;
}

/* Linux: tcp_splice_read. */
static int64_t tcp_to_pipe(struct call *c, int to, size_t len)
{
    struct file *f = c->file;
    hf_time until;
    int64_t n;
    int err = 0;

    host_enter(f->host);
    until = call_limit(f, false, 0);
    for (;;) {
        n = stream_to_pipe(f, to, len);
        if (n != -EAGAIN || until == 0)
            break;
        if (err) {
            n = err == -EINTR ? err : -EAGAIN;
            break;
        }
        err = call_wait(c, HF_POLLIN, until);
    }
    file_touch(f);
    host_leave(f->host);
    return n;
}

/* Others give their bytes into memory; a page of them is sure to fit. */
static int64_t message_to_pipe(struct call *c, int to, size_t len)
{
    uint8_t buf[PAGE];
    struct hf_iovec iov = {buf, len < PAGE ? len : PAGE};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};
    int64_t n = transfer_receive(c, &msg, iov.len, 0);

    return n > 0 ? or_errno(write(to, buf, (size_t)n)) : n;
}

static int64_t socket_to_pipe(struct call *c, int to, size_t len, unsigned flags)
{
    int64_t err = wait_for_space(to, flags);

    if (err)
        return err;
    return c->file->is_stream && !c->file->is_unix ? tcp_to_pipe(c, to, len)
                                                   : message_to_pipe(c, to, len);
}

/* One side is a socket of ours, so the other must be a pipe; neither has positions. Linux:
 * do_splice. */
static int64_t splice_ours(struct call *in, struct call *out, int from, const off_t *from_at,
                           int to, const off_t *to_at, size_t len, unsigned flags)
{
    if ((in && fcntl(to, F_GETFD) < 0) || (out && fcntl(from, F_GETFD) < 0))
        return -EBADF;
    if ((in && out) || !is_pipe(in ? to : from))
        return -EINVAL;
    if (in ? to_at : from_at)
        return -ESPIPE; /* of the pipe */
    if (from_at || to_at)
        return -EINVAL;
    return in ? socket_to_pipe(in, to, len, flags) : pipe_to_socket(out, from, len, flags);
}

ssize_t hf_splice(int from, off_t *from_at, int to, off_t *to_at, size_t len, unsigned flags)
{
    struct call in, out;
    bool reads, writes;
    int64_t n = 0;
    int state;

    pthread_testcancel();
    reads = call_begin(&in, from);
    writes = call_begin(&out, to);
    if (!reads && !writes)
        return splice(from, from_at, to, to_at, len, flags);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state); /* what was taken must arrive */
    if (flags & ~(unsigned)(SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT))
        n = -EINVAL;
    else if (len)
        n = splice_ours(reads ? &in : NULL, writes ? &out : NULL, from, from_at, to, to_at, len,
                        flags);
    if (reads)
        file_put(in.file);
    if (writes)
        file_put(out.file);
    pthread_setcancelstate(state, NULL);
    return (ssize_t)posix_result(n);
}

/* ---- from a file to a socket ---- */

/* Sends from `at` on, until all is sent, the file ends, or the socket takes no more. */
static int64_t send_file(struct call *c, int from, off_t at, size_t count, uint8_t *buf)
{
    struct stat st = {.st_size = 0};
    size_t done = 0;
    int64_t n = 0;

    (void)fstat(from, &st);

    while (done < count) {
        size_t want = count - done < CHUNK ? count - done : CHUNK;
        int64_t got = or_errno(pread(from, buf, want, at + (off_t)done));
        bool more = done + (size_t)got < count && at + (off_t)done + got < st.st_size;

        if (got <= 0) {
            n = got;
            break;
        }
        n = send_bytes(c, buf, (size_t)got, more ? MSG_MORE : 0);
        if (n > 0)
            done += (size_t)n;
        if (n < got)
            break;
    }
    return done ? (int64_t)done : n;
}

/* Linux: do_sendfile. A position that is named is moved in place of the file's own. */
static int64_t file_to_socket(struct call *c, int from, off_t *named, size_t count)
{
    off_t at = named ? 0 : lseek(from, 0, SEEK_CUR);
    uint8_t *buf;
    int64_t n;

    if (named && user_read(&at, named, sizeof(at)))
        return -EFAULT;
    if (at < 0)
        return named || errno == ESPIPE ? -EINVAL : -errno;
    buf = malloc(CHUNK);
    if (!buf)
        return -ENOMEM;
    n = send_file(c, from, at, count, buf);
    free(buf);
    if (n <= 0)
        return n;
    at += n;
    if (named)
        return user_write(named, &at, sizeof(at)) ? -EFAULT : n;
    (void)lseek(from, at, SEEK_SET);
    return n;
}

/* A socket is no file to send from, but for a pipe that takes it. */
static int64_t sendfile_from_socket(struct call *in, int to, const off_t *at, size_t count)
{
    if (at)
        return -ESPIPE;
    if (!is_pipe(to))
        return fcntl(to, F_GETFD) < 0 ? -EBADF : -EINVAL;
    return count ? socket_to_pipe(in, to, count, 0) : 0;
}

ssize_t hf_sendfile(int to, int from, off_t *at, size_t count)
{
    struct call in, out;
    bool reads = call_begin(&in, from), writes = call_begin(&out, to);
    int64_t n;
    int state;

    if (!reads && !writes)
        return sendfile(to, from, at, count);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state); /* it is no cancellation point */
    if (reads)
        n = sendfile_from_socket(&in, to, at, count);
    else
        n = file_to_socket(&out, from, at, count);
    if (reads)
        file_put(in.file);
    if (writes)
        file_put(out.file);
    pthread_setcancelstate(state, NULL);
    return (ssize_t)posix_result(n);
}

/* ---- stdio ---- */

static int fd_of(void *cookie)
{
    return (int)(intptr_t)cookie;
}

static ssize_t stdio_read(void *cookie, char *buf, size_t len)
{
    return hf_read(fd_of(cookie), buf, len);
}

/* stdio takes 0 for failure, and a part for all there is to be had. */
static ssize_t stdio_write(void *cookie, const char *buf, size_t len)
{
    ssize_t n = hf_write(fd_of(cookie), buf, len);

    return n < 0 ? 0 : n;
}

static int stdio_seek(void *cookie, off64_t *at, int whence)
{
    errno = ESPIPE;
    return -1;
}

static int stdio_close(void *cookie)
{
    return hf_close(fd_of(cookie));
}

FILE *hf_fdopen(int fd, const char *mode)
{
    static const cookie_io_functions_t functions = {stdio_read, stdio_write, stdio_seek,
                                                    stdio_close};

    if (!posix_is_ours(fd))
        return fdopen(fd, mode);
    return fopencookie((void *)(intptr_t)fd, mode, functions);
}

/* As stdio does it: all of it, or an error. */
static int write_all(int fd, const char *text, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t n = hf_write(fd, text + done, len - done);

        if (n < 0)
            return -1;
        done += (size_t)n;
    }
    return (int)len;
}

int hf_vdprintf(int fd, const char *format, va_list args)
{
    char *text;
    int n;

    if (!posix_is_ours(fd))
        return vdprintf(fd, format, args);
    n = vasprintf(&text, format, args);
    if (n < 0)
        return n;
    pthread_cleanup_push(free, text);
    n = write_all(fd, text, (size_t)n);
    pthread_cleanup_pop(1);
    return n;
}

int hf_dprintf(int fd, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = hf_vdprintf(fd, format, args);
    va_end(args);
    return n;
}
