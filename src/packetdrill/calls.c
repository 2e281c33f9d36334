/* The calls that make, name, connect and end sockets. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "handfast/linux.h"
#include "packetdrill/drill.h"

int64_t calls_end(struct drill *d, int64_t result)
{
    drill_settle(d);
    pthread_mutex_unlock(&d->lock);
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

hf_time calls_limit(struct drill *d, struct placeholder *p, int option, int flags)
{
    hf_time limit = hf_sock_timeout(p->sk, option);

    if (p->nonblocking || flags & MSG_DONTWAIT)
        return 0;
    return limit == HF_TIME_NEVER ? limit : d->now + limit;
}

static int call_socket(void *userdata, int domain, int type, int protocol)
{
    struct drill *d = userdata;
    int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct hf_sock *sk;
    int result;

    pthread_mutex_lock(&d->lock);
    result = hf_sock_new(d->stack, domain, kind, protocol, &sk);
    if (!result) {
        hf_sock_set_admin(sk, true);
        result = drill_place(d, sk, kind == SOCK_STREAM, type & SOCK_NONBLOCK);
        if (result < 0)
            result = -errno;
    }
    return (int)calls_end(d, result);
}

static int call_bind(void *userdata, int fd, const struct sockaddr *addr, socklen_t len)
{
    struct drill *d = userdata;
    struct placeholder *p;

    pthread_mutex_lock(&d->lock);
    p = drill_find(d, fd);
    return (int)calls_end(d, p ? hf_sock_bind(p->sk, addr, len) : -EBADF);
}

static int call_listen(void *userdata, int fd, int backlog)
{
    struct drill *d = userdata;
    struct placeholder *p;

    pthread_mutex_lock(&d->lock);
    p = drill_find(d, fd);
    return (int)calls_end(d, p ? hf_sock_listen(p->sk, backlog) : -EBADF);
}

static int accept_one(struct drill *d, struct placeholder *p, struct sockaddr *addr, socklen_t *len)
{
    hf_time until = calls_limit(d, p, HF_SO_RCVTIMEO, 0);
    struct hf_sock *child;
    int result;

    while ((result = hf_sock_accept(p->sk, &child)) == -EAGAIN)
        if (!drill_wait(d, until))
            return result;
    if (result)
        return result;
    if (addr && hf_sock_accepted_from(child, addr, len))
        *len = 0;
    result = drill_place(d, child, true, false);
    return result < 0 ? -errno : result;
}

static int call_accept(void *userdata, int fd, struct sockaddr *addr, socklen_t *len)
{
    struct drill *d = userdata;
    struct placeholder *p;

    pthread_mutex_lock(&d->lock);
    p = drill_find(d, fd);
    return (int)calls_end(d, p ? accept_one(d, p, addr, len) : -EBADF);
}

static int connect_and_wait(struct drill *d, struct placeholder *p, const struct sockaddr *addr,
                            socklen_t len)
{
    hf_time until = calls_limit(d, p, HF_SO_SNDTIMEO, 0);
    int result = hf_sock_connect(p->sk, addr, len, until > 0);

    while (result == -EINPROGRESS && drill_wait(d, until))
        result = hf_sock_connect_result(p->sk);
    return result;
}

static int call_connect(void *userdata, int fd, const struct sockaddr *addr, socklen_t len)
{
    struct drill *d = userdata;
    struct placeholder *p;

    pthread_mutex_lock(&d->lock);
    p = drill_find(d, fd);
    return (int)calls_end(d, p ? connect_and_wait(d, p, addr, len) : -EBADF);
}

static int call_shutdown(void *userdata, int fd, int how)
{
    struct drill *d = userdata;
    struct placeholder *p;

    pthread_mutex_lock(&d->lock);
    p = drill_find(d, fd);
    return (int)calls_end(d, p ? hf_sock_shutdown(p->sk, how) : -EBADF);
}

/* A lingering close waits as handfast/socket.h says. */
static void linger(struct drill *d, struct placeholder *p)
{
    uint32_t seconds;
    hf_time until;

    if (!hf_sock_lingers(p->sk, &seconds))
        return;
    until = d->now + seconds * HF_S;
    if (hf_sock_shutdown(p->sk, SHUT_WR))
        return;
    while (hf_sock_lingers(p->sk, &seconds) && drill_wait(d, until))
        ;
}

int calls_close(void *userdata, int fd)
{
    struct drill *d = userdata;
    struct placeholder *p;

    pthread_mutex_lock(&d->lock);
    p = drill_find(d, fd);
    if (p) {
        linger(d, p);
        drill_forget(d, fd);
    } else if (fd >= 0 && fd < DRILL_FDS) {
        epoll_forget(d, fd);
    }
    return (int)calls_end(d, syscall(SYS_close, fd) ? -errno : 0);
}

void calls_fill(struct packetdrill_interface *table)
{
    table->socket = call_socket;
    table->bind = call_bind;
    table->listen = call_listen;
    table->accept = call_accept;
    table->connect = call_connect;
    table->shutdown = call_shutdown;
    table->close = calls_close;
}
