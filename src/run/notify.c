/* The loop of notifications.
 *
 * A handler answers at once, or the call is *held* (hold.c). An answer that was refused, because
 * the caller has been interrupted, is kept for the same call made again (memo.c). A handler that
 * found its caller gone has not acted (CALL_GONE): that call is carried out anew. */
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
#include "run/hold.h"
#include "run/log.h"
#include "run/memo.h"

/* Linux 6.6; older headers do not have it. */
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS      SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

#define CALLS_AT_ONCE 32

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

const char *notify_name(const struct call *c)
{
    return handlers[c->nr].name;
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
        memo_keep(c, result);
}

/* NetSem badf_1, notsock_1. */
static void dispatch(const struct call *c)
{
    const struct handler *handler;
    struct file *f = NULL;
    int64_t result;

    if (hold_end(c)) {
        notify_answer(c, -EINTR);
        return;
    }
    if (memo_recall(c, &result)) {
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
            notify_answer(c, c->nr == SYS_ioctl ? sys_ioctl_foreign(c) : CALL_CONTINUE);
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
    if (!sv->notif || memo_start(sv) < 0)
        return -ENOMEM;
    /* Wake the caller on this CPU; kernels before 6.6 refuse, which costs only time. */
    (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
    sv->notify = (struct loop_fd){.fd = listener, .events = EPOLLIN, .ready = notify_ready};
    return loop_add(sv->loop, &sv->notify);
}

void notify_stop(struct supervisor *sv)
{
    memo_stop(sv);
    free(sv->notif);
    sv->notif = NULL;
}
