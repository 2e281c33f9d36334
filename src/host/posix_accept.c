/* hf_accept() and hf_accept4(). C28.
 *
 * Linux: the descriptor is found first, so that a program without one learns it before it waits;
 * an address that cannot be written costs the connection. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>

#include "handfast/linux.h"
#include "host/posix.h"

/* A connection, and, if asked for, the address of its peer, who may have reset it meanwhile. */
struct accepted {
    struct file *file;
    bool with_peer;
    uint8_t peer[USER_ADDRESS_MAX];
    uint32_t peer_len;
};

/* The host's lock is held. */
static int open_accepted(struct call *c, struct hf_sock *sk, struct accepted *a)
{
    int err = 0;

    a->peer_len = sizeof(a->peer);
    if (a->with_peer)
        err = hf_sock_accepted_from(sk, a->peer, &a->peer_len);
    if (err) {
        hf_sock_close(sk);
        return err;
    }
    a->file = file_new(c->file->host, sk, c->file->is_unix ? AF_UNIX : AF_INET,
                       c->file->is_stream ? SOCK_STREAM : SOCK_SEQPACKET);
    return a->file ? 0 : -ENOMEM;
}

/* NetSem accept_1, accept_2. */
static int take(struct call *c, struct accepted *a)
{
    struct file *f = c->file;
    struct hf_sock *sk;
    hf_time until;
    int n, err = 0;

    if (f->is_unix)
        host_enter_briefly(f->host);
    else
        host_enter(f->host);
    until = call_limit(f, false, 0);
    for (;;) {
        n = hf_sock_accept(f->sk, &sk);
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
    if (!n)
        n = open_accepted(c, sk, a);
    file_touch(f);
    host_leave(f->host);
    return n;
}

/* NetSem accept_6. */
static int64_t do_accept(struct call *c, struct sockaddr *addr, socklen_t *len, int flags)
{
    struct accepted a = {.with_peer = addr != NULL};
    int err;

    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    c->reserved = descriptor_reserve(flags & SOCK_CLOEXEC);
    if (c->reserved < 0)
        return c->reserved;
    err = take(c, &a);
    if (err) {
        descriptor_cancel(c->reserved);
        return err;
    }
    if (a.with_peer)
        err = user_write_address(addr, len, a.peer, a.peer_len);
    if (!err)
        return posix_open(a.file, c->reserved, flags);
    descriptor_cancel(c->reserved);
    file_put(a.file);
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
