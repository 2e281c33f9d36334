/* Open file descriptions of sockets: references, and who is told of events. */
#define _GNU_SOURCE
#include "host/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "handfast/errno.h"
#include "handfast/linux.h"
#include "host/env.h"
#include "host/epoll.h"
#include "host/wait.h"

struct file *file_new(struct hf_host *h, struct hf_sock *sk, int domain, int type)
{
    struct file *f = calloc(1, sizeof(*f));

    if (!f) {
        hf_sock_close(sk);
        return NULL;
    }
    atomic_init(&f->refs, 1);
    f->host = h;
    f->sk = sk;
    f->is_stream = type == HF_SOCK_STREAM;
    f->is_unix = domain == HF_AF_UNIX;
    hf_sock_set_user(sk, f);
    h->files++;
    ring_init(&f->touched);
    ring_init(&f->waiters);
    ring_init(&f->items);
    return f;
}

struct file *file_new_set(struct epoll_set *set)
{
    struct file *f = set ? calloc(1, sizeof(*f)) : NULL;

    if (!f) {
        if (set)
            epoll_set_free(set);
        return NULL;
    }
    atomic_init(&f->refs, 1);
    f->set = set;
    return f;
}

void file_ref(struct file *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
}

/* Linux: sk_stream_wait_close. The host's lock is held. A signal ends it; cancellation comes
 * afterwards. NetSem close_4, close_5, close_6. */
static void linger(struct file *f)
{
    struct sleeper s;
    struct waiter w;
    uint32_t seconds;
    hf_time limit;
    int state, err;

    if (!hf_sock_lingers(f->sk, &seconds))
        return;
    limit = host_now() + seconds * HF_S;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    err = hf_sock_shutdown(f->sk, HF_SHUT_WR);
    world_settle(f->host->world);
    while (!err && hf_sock_lingers(f->sk, &seconds)) {
        sleeper_init(&s);
        waiter_link(&w, f, &s, WAIT_ANY);
        host_leave(f->host);
        err = sleeper_sleep(&s, limit, false);
        host_enter(f->host);
        waiter_unlink(&w);
    }
    pthread_setcancelstate(state, NULL);
}

/* NetSem close_1. */
void file_put(struct file *f)
{
    struct hf_host *h;

    if (!f || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
        return;
    epoll_forget_file(f);
    h = f->host;
    if (h) {
        if (f->is_stream && !f->is_unix)
            host_enter(h);
        else
            host_enter_briefly(h);
        linger(f);
        hf_sock_set_user(f->sk, NULL);
        hf_sock_close(f->sk);
        ring_leave(&f->touched);
        h->files--;
        host_leave(h);
    }
    free(f);
}

/* Nobody waits for it in any way. */
static bool is_private(const struct file *f)
{
    return ring_alone(&f->waiters) && ring_alone(&f->items) && !f->owner.pid;
}

/* Whoever begins to wait looks first. */
void file_touch(struct file *f)
{
    if (f->is_touched || is_private(f))
        return;
    f->is_touched = true;
    ring_add(&f->host->world->touched, &f->touched);
}

/* A connection that nobody has accepted has no file. */
void file_event(void *ctx, struct hf_sock *sk, void *user)
{
    struct file *f = user;

    if (!f)
        return;
    file_touch(f);
    f->has_event = f->is_touched;
}

static void tell_waiters(struct file *f, uint32_t mask)
{
    for (struct ring *r = f->waiters.next; r != &f->waiters; r = r->next) {
        struct waiter *w = ring_owner(r, struct waiter, link);

        if (w->events == WAIT_ANY || mask & (w->events | HF_POLLERR | HF_POLLHUP))
            sleeper_wake(w->sleeper);
    }
}

/* What has come about since the last look, for those who wait for edges: bits that were not shown,
 * more bytes, another connection or datagram. Linux wakes with sk_data_ready, sk_write_space, ...
 */
static uint32_t edges_of(struct file *f, uint32_t mask, bool has_event)
{
    int readable = 0;
    bool has_count = f->is_stream && !hf_sock_ioctl(f->sk, HF_SIOCINQ, &readable);
    uint32_t edges = mask & ~f->shown;

    if (has_event && (!has_count || readable > f->readable))
        edges |= mask & (HF_POLLIN | HF_POLLRDNORM);
    f->shown = mask;
    f->readable = readable;
    return edges;
}

void file_look(struct file *f)
{
    edges_of(f, hf_sock_poll(f->sk), false);
}

/* Linux: send_sigio_to_task. Who chose the signal (F_SETSIG) is told the descriptor and what has
 * come about. */
static siginfo_t async_info(const struct owner *o, uint32_t edges)
{
    bool reads = edges & HF_POLLIN, writes = edges & HF_POLLOUT, fails = edges & HF_POLLERR;
    siginfo_t info;

    memset(&info, 0, sizeof(info));
    info.si_signo = o->signal ? o->signal : SIGIO;
    info.si_code = SI_KERNEL;
    if (!o->signal)
        return info;
    info.si_code = reads ? POLL_IN : writes ? POLL_OUT : fails ? POLL_ERR : POLL_HUP;
    info.si_band = reads    ? HF_POLLIN | HF_POLLRDNORM
                   : writes ? HF_POLLOUT | HF_POLLWRNORM | HF_POLLWRBAND
                   : fails  ? HF_POLLERR
                            : HF_POLLHUP | HF_POLLERR;
    info.si_fd = o->fd;
    return info;
}

/* False: the owner is not this process, to which alone so much may be said. */
static bool signal_in_full(const struct owner *o, uint32_t edges)
{
    siginfo_t info = async_info(o, edges);

    if (o->type == F_OWNER_TID)
        return !syscall(SYS_rt_tgsigqueueinfo, getpid(), o->pid, info.si_signo, &info);
    return o->type == F_OWNER_PID && o->pid == getpid() &&
           !syscall(SYS_rt_sigqueueinfo, o->pid, info.si_signo, &info);
}

static void signal_owner(const struct owner *o, int sig)
{
    if (o->type == F_OWNER_TID)
        syscall(SYS_tgkill, getpid(), o->pid, sig);
    else
        kill(o->type == F_OWNER_PGRP ? -o->pid : o->pid, sig);
}

/* Linux: sk_send_sigurg, sk_wake_async. */
static void tell_owner(const struct owner *o, uint32_t edges)
{
    int saved = errno;

    if (edges & HF_POLLPRI)
        signal_owner(o, SIGURG);
    if (o->is_async && edges && !signal_in_full(o, edges))
        signal_owner(o, o->signal ? o->signal : SIGIO);
    errno = saved;
}

void file_tell_touched(struct world *w)
{
    while (!ring_alone(&w->touched)) {
        struct file *f = ring_owner(w->touched.next, struct file, touched);
        bool has_event = f->has_event;
        uint32_t mask, edges;

        ring_leave(&f->touched);
        f->is_touched = f->has_event = false;
        if (is_private(f))
            continue;
        mask = hf_sock_poll(f->sk);
        edges = edges_of(f, mask, has_event);
        if (has_event)
            tell_waiters(f, mask);
        if (f->owner.pid && has_event)
            tell_owner(&f->owner, edges);
        if (!ring_alone(&f->items))
            epoll_tell(f, mask, edges);
    }
}
