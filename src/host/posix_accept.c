/* hf_accept() and hf_accept4(). C28.
 *
 * Linux: the descriptor is found first, so that a program without one learns it before it waits;
 * an address that cannot be written costs the connection. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>

#include "handfast/linux.h"
#include "host/posix.h"

/* NetSem accept_1, accept_2. */
static int take(struct call *c, struct hf_sock **out)
{
    struct file *f = c->file;
    hf_time until;
    int n, err = 0;

    host_enter(f->host);
    until = call_limit(f, false, 0);
    for (;;) {
        n = hf_sock_accept(f->sk, out);
        if (n != -EAGAIN || until == 0)
            break;
        if (f->is_unix && hf_sock_poll(f->sk) & HF_POLLRDHUP) { /* Linux: shut down, none comes */
            n = -EINVAL;
            break;
        }
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

/* A connection that was reset meanwhile is handed out all the same. */
static int write_peer(struct hf_host *h, struct hf_sock *sk, struct sockaddr *addr, socklen_t *room)
{
    uint8_t bytes[USER_ADDRESS_MAX];
    uint32_t len = sizeof(bytes);
    int err;

    if (!addr)
        return 0;
    host_enter(h);
    err = hf_sock_accepted_from(sk, bytes, &len);
    host_leave(h);
    return err ? err : user_write_address(addr, room, bytes, len);
}

/* NetSem accept_6. */
static int64_t do_accept(struct call *c, struct sockaddr *addr, socklen_t *len, int flags)
{
    struct hf_host *h = c->file->host;
    struct hf_sock *sk;
    int err;

    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    c->reserved = descriptor_reserve(flags & SOCK_CLOEXEC);
    if (c->reserved < 0)
        return c->reserved;
    err = take(c, &sk);
    if (err) {
        descriptor_cancel(c->reserved);
        return err;
    }
    err = write_peer(h, sk, addr, len);
    if (!err)
        return posix_open(h, sk, c->reserved, flags);
    descriptor_cancel(c->reserved);
    host_enter(h);
    hf_sock_close(sk);
    host_leave(h);
    return err;
}

int hf_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
    struct call c;

    pthread_testcancel();
    if (!call_begin(&c, fd))
        return accept(fd, addr, len);
    return (int)call_end(&c, do_accept(&c, addr, len, 0));
}

int hf_accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    struct call c;

    pthread_testcancel();
    if (!call_begin(&c, fd))
        return accept4(fd, addr, len, flags);
    return (int)call_end(&c, do_accept(&c, addr, len, flags));
}
