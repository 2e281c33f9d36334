/* The loop of notifications.
 *
 * A handler answers at once, or the call is *held*: an entry on the file it waits for, asked again
 * at each change there. No event tells that a held caller was interrupted by a signal; the kernel
 * only refuses the answer (ENOENT). Such a result is remembered by thread, so that the same call,
 * made again by SA_RESTART or by the program itself, gets its first answer and does not act twice.
 * A handler that found its caller gone has not acted (CALL_GONE): that call is carried out anew.
 */
#include "run/notify.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/seccomp.h>

#include "run/calls.h"
#include "run/files.h"
#include "run/log.h"

/* Linux 6.6; older headers do not have it. */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

#define CALLS_AT_ONCE 32

struct held {
    struct table_node node; /* by thread id */
    struct held *next;      /* on the file */
    struct call call;
    struct file *file;
    retry_fn *retry;
    struct deadline timeout;
};

struct handler {
    int64_t (*run)(const struct call *c, struct file *f);
    const char *name;
};

static const struct handler handlers[] = {
    [SYS_socket] = {sys_socket, "socket"},
    [SYS_connect] = {sys_connect, "connect"},
    [SYS_bind] = {sys_bind, "bind"},
    [SYS_listen] = {sys_listen, "listen"},
    [SYS_accept] = {sys_accept, "accept"},
    [SYS_accept4] = {sys_accept4, "accept4"},
    [SYS_getsockname] = {sys_getsockname, "getsockname"},
    [SYS_getpeername] = {sys_getpeername, "getpeername"},
    [SYS_getsockopt] = {sys_getsockopt, "getsockopt"},
    [SYS_setsockopt] = {sys_setsockopt, "setsockopt"},
    [SYS_shutdown] = {sys_shutdown, "shutdown"},
    [SYS_sendto] = {sys_sendto, "sendto"},
    [SYS_recvfrom] = {sys_recvfrom, "recvfrom"},
    [SYS_sendmsg] = {sys_sendmsg, "sendmsg"},
    [SYS_recvmsg] = {sys_recvmsg, "recvmsg"},
    [SYS_sendmmsg] = {sys_sendmmsg, "sendmmsg"},
    [SYS_recvmmsg] = {sys_recvmmsg, "recvmmsg"},
    [SYS_ioctl] = {sys_ioctl, "ioctl"},
};

static struct memo *memo_of(struct supervisor *sv, pid_t tid)
{
    return &sv->memos[(uint32_t)tid % MEMO_COUNT];
}

/* True when this call has been carried out before, with its result. A memo serves once. */
static bool recall(const struct call *c, int64_t *result)
{
    struct memo *m = memo_of(c->sv, c->tid);
    bool same = m->tid == c->tid && m->nr == c->nr && !memcmp(m->args, c->args, sizeof(m->args));

    if (m->tid == c->tid)
        m->tid = 0;
    *result = m->result;
    return same;
}

static void remember(const struct call *c, int64_t result)
{
    struct memo *m = memo_of(c->sv, c->tid);

    m->tid = c->tid;
    m->nr = c->nr;
    memcpy(m->args, c->args, sizeof(m->args));
    m->result = result;
}

bool notify_is_waiting(const struct call *c)
{
    uint64_t id = c->id;

    return ioctl(c->sv->notify.fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

void notify_answer(const struct call *c, int64_t result)
{
    struct seccomp_notif_resp answer = {.id = c->id};

    if (result == CALL_SENT || result == CALL_HELD)
        return;
    if (result == CALL_CONTINUE)
        answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else if (result < 0)
        answer.error = (int32_t)result;
    else
        answer.val = result;
    if (ioctl(c->sv->notify.fd, SECCOMP_IOCTL_NOTIF_SEND, &answer) < 0 && result != CALL_CONTINUE &&
        result != CALL_GONE)
        remember(c, result);
}

static void held_free(struct held *h)
{
    struct file *f = h->file;
    struct held **at = &f->held;

    while (*at != h)
        at = &(*at)->next;
    *at = h->next;
    table_remove(&f->sv->held, &h->node);
    deadline_clear(&f->sv->deadlines, &h->timeout);
    free(h);
}

static bool is_same(const struct call *a, const struct call *b)
{
    return a->nr == b->nr && !memcmp(a->args, b->args, sizeof(a->args));
}

/* A thread is in one call at a time, so a new one of its ends the old. True when the new one is the
 * old made again after a signal, and had a time-out: on Linux such a call ends with EINTR, also
 * under SA_RESTART. The program's own retry after EINTR looks the same, but for registers that hold
 * no argument. NetSem intr_1. */
static bool end_held(const struct call *c)
{
    struct table_node *node = table_find(&c->sv->held, (uint64_t)c->tid);
    struct held *h;
    bool ends;

    if (!node)
        return false;
    h = container_of(node, struct held, node);
    ends = h->timeout.place && is_same(&h->call, c);
    held_free(h);
    return ends;
}

static void ask_again(struct held *h, bool expired)
{
    struct call c = h->call;
    struct file *f = h->file;
    int64_t result;

    if (!notify_is_waiting(&c)) {
        held_free(h);
        return;
    }
    result = h->retry(&c, f, expired);
    if (result == CALL_HELD || f->is_dead) /* its end has answered all, and h is gone */
        return;
    held_free(h);
    log_call(&c, handlers[c.nr].name, result);
    notify_answer(&c, result);
}

static void held_due(struct deadline *d)
{
    ask_again(container_of(d, struct held, timeout), true);
}

int64_t notify_hold(const struct call *c, struct file *f, retry_fn *retry, hf_time timeout)
{
    struct supervisor *sv = c->sv;
    struct held *h;

    if (timeout == 0)
        return retry(c, f, true);
    h = calloc(1, sizeof(*h));
    if (!h)
        return -ENOMEM;
    h->call = *c;
    h->file = f;
    h->retry = retry;
    h->timeout.due = held_due;
    if (timeout != HF_TIME_NEVER &&
        deadline_set(&sv->deadlines, &h->timeout, loop_now(sv->loop) + timeout) < 0) {
        free(h);
        return -ENOMEM;
    }
    h->node.key = (uint64_t)c->tid;
    table_insert(&sv->held, &h->node);
    h->next = f->held;
    f->held = h;
    return CALL_HELD;
}

void notify_retry(struct file *f)
{
    struct held *next;

    for (struct held *h = f->held; h && !f->is_dead; h = next) {
        next = h->next;
        ask_again(h, false);
    }
}

bool notify_prune(struct file *f)
{
    struct held *next;

    for (struct held *h = f->held; h; h = next) {
        next = h->next;
        if (!notify_is_waiting(&h->call))
            held_free(h);
    }
    return !f->held;
}

bool notify_connect_waits(const struct file *f)
{
    for (const struct held *h = f->held; h; h = h->next) {
        if (h->call.nr == SYS_connect)
            return true;
    }
    return false;
}

bool notify_is_awaited(const struct file *f)
{
    for (const struct held *h = f->held; h; h = h->next) {
        if (notify_is_waiting(&h->call))
            return true;
    }
    return false;
}

void notify_release(struct file *f, int64_t result)
{
    while (f->held) {
        struct call c = f->held->call;

        held_free(f->held);
        notify_answer(&c, result);
    }
}

/* NetSem badf_1, notsock_1. */
static void dispatch(const struct call *c)
{
    const struct handler *handler;
    struct file *f = NULL;
    int64_t result;

    if (end_held(c)) {
        notify_answer(c, -EINTR);
        return;
    }
    if (recall(c, &result)) {
        notify_answer(c, result);
        return;
    }
    if (c->nr < 0 || (size_t)c->nr >= sizeof(handlers) / sizeof(handlers[0]) ||
        !handlers[c->nr].run) {
        notify_answer(c, CALL_CONTINUE);
        return;
    }
    handler = &handlers[c->nr];
    if (c->nr != SYS_socket) {
        f = file_find(c);
        if (!f) {
            notify_answer(c, CALL_CONTINUE);
            return;
        }
    }
    hf_stack_clock(c->sv->stack, loop_now(c->sv->loop));
    if (f)
        file_pin(f);
    result = handler->run(c, f);
    if (f)
        file_unpin(f);
    log_call(c, handler->name, result);
    notify_answer(c, result);
}

/* True when another call is likely to come at once: what prepares a socket is followed by more,
 * while after the others it is the connections' turn. False also when there was nothing to receive:
 * the caller was killed in the meantime, or all are gone. */
static bool receive(struct supervisor *sv)
{
    struct call c = {.sv = sv};

    memset(sv->notif, 0, sv->notif_size);
    if (ioctl(sv->notify.fd, SECCOMP_IOCTL_NOTIF_RECV, sv->notif) < 0)
        return false;
    c.id = sv->notif->id;
    c.tid = (pid_t)sv->notif->pid;
    c.nr = sv->notif->data.nr;
    for (int i = 0; i < 6; i++)
        c.args[i] = sv->notif->data.args[i];
    dispatch(&c);
    return c.nr == SYS_socket || c.nr == SYS_setsockopt || c.nr == SYS_bind;
}

static void notify_ready(struct loop_fd *self, uint32_t events)
{
    struct supervisor *sv = container_of(self, struct supervisor, notify);
    struct pollfd more = {.fd = self->fd, .events = POLLIN};

    if (!(events & EPOLLIN)) {
        loop_remove(sv->loop, self); /* EPOLLHUP: no process is left under the filter */
        return;
    }
    for (int i = 0; i < CALLS_AT_ONCE && receive(sv); i++) {
        if (poll(&more, 1, 0) != 1 || !(more.revents & POLLIN))
            break;
    }
}

int notify_start(struct supervisor *sv, int listener)
{
    struct seccomp_notif_sizes sizes;

    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
        return -errno;
    sv->notif_size = sizes.seccomp_notif;
    if (sv->notif_size < sizeof(struct seccomp_notif))
        sv->notif_size = sizeof(struct seccomp_notif);
    sv->notif = calloc(1, sv->notif_size);
    sv->memos = calloc(MEMO_COUNT, sizeof(*sv->memos));
    if (!sv->notif || !sv->memos)
        return -ENOMEM;
    /* Wake the caller on this CPU; kernels before 6.6 refuse, which costs only time. */
    (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
    sv->notify = (struct loop_fd){.fd = listener, .events = EPOLLIN, .ready = notify_ready};
    return loop_add(sv->loop, &sv->notify);
}

void notify_stop(struct supervisor *sv)
{
    free(sv->notif);
    free(sv->memos);
    sv->notif = NULL;
    sv->memos = NULL;
}
