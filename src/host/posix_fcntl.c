/* hf_fcntl() and hf_ioctl(). What concerns the number (FD_CLOEXEC, copies) is the kernel's; what
 * concerns the open file (O_NONBLOCK, its owner) is ours. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>

#include "handfast/linux.h"
#include "host/posix.h"

enum { LINKS_MAX = 256 }; /* addresses that SIOCGIFCONF tells of */

static int64_t get_flags(const struct file *f)
{
    return O_RDWR | (atomic_load(&f->nonblocking) ? O_NONBLOCK : 0) |
           (f->owner.is_async ? O_ASYNC : 0);
}

/* Linux: f_setown. Below 0: a group. */
static int64_t set_owner(struct owner *o, int pid)
{
    if (pid == INT_MIN)
        return -EINVAL;
    o->type = pid < 0 ? F_OWNER_PGRP : F_OWNER_PID;
    o->pid = pid < 0 ? -pid : pid;
    return 0;
}

static int64_t set_owner_ex(struct owner *o, const struct f_owner_ex *from)
{
    struct f_owner_ex ex;
    int err = user_read(&ex, from, sizeof(ex));

    if (err)
        return err;
    if (ex.type < F_OWNER_TID || ex.type > F_OWNER_PGRP || ex.pid < 0)
        return -EINVAL;
    o->type = ex.type;
    o->pid = ex.pid;
    return 0;
}

static int64_t set_signal(struct owner *o, unsigned long sig)
{
    if (sig > (unsigned long)SIGRTMAX)
        return -EINVAL;
    o->signal = (int)sig;
    return 0;
}

/* Linux: fasync_helper. The number by which it is turned on is what the signal's si_fd says. */
static void set_async(struct owner *o, int fd, bool on)
{
    o->is_async = on;
    o->fd = fd;
}

/* The host's lock is held. */
static int64_t control(struct file *f, int fd, int cmd, unsigned long arg)
{
    struct owner *o = &f->owner;
    struct f_owner_ex ex = {o->type, o->pid};

    file_look(f);
    switch (cmd) {
    case F_GETFL:
        return get_flags(f);
    case F_SETFL:
        atomic_store(&f->nonblocking, (arg & O_NONBLOCK) != 0);
        set_async(o, fd, (arg & O_ASYNC) != 0);
        return 0;
    case F_SETOWN:
        return set_owner(o, (int)arg);
    case F_SETOWN_EX:
        return set_owner_ex(o, (const struct f_owner_ex *)arg);
    case F_GETOWN:
        return o->type == F_OWNER_PGRP ? -o->pid : o->pid;
    case F_GETOWN_EX:
        return user_write((void *)arg, &ex, sizeof(ex));
    case F_SETSIG:
        return set_signal(o, arg);
    default:
        return o->signal;
    }
}

static bool is_of_file(int cmd)
{
    return cmd == F_GETFL || cmd == F_SETFL || cmd == F_SETOWN || cmd == F_GETOWN ||
           cmd == F_SETOWN_EX || cmd == F_GETOWN_EX || cmd == F_SETSIG || cmd == F_GETSIG;
}

/* As posix_result, but for the one answer that may be below 0 without being an error: a group. */
static int fcntl_result(int cmd, int64_t n)
{
    return cmd == F_GETOWN ? (int)n : (int)posix_result(n);
}

/* Linux: every command's argument is one register wide. */
int hf_fcntl(int fd, int cmd, ...)
{
    struct call c;
    va_list ap;
    unsigned long arg;
    int64_t n;

    va_start(ap, cmd);
    arg = va_arg(ap, unsigned long);
    va_end(ap);
    if (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC)
        return posix_dup_from(fd, (int)arg, cmd == F_DUPFD_CLOEXEC);
    if (!is_of_file(cmd) || !call_begin(&c, fd))
        return fcntl(fd, cmd, arg);
    host_enter(c.file->host);
    n = control(c.file, fd, cmd, arg);
    host_leave(c.file->host);
    file_put(c.file);
    return fcntl_result(cmd, n);
}

static int64_t set_flag(struct file *f, int fd, unsigned long request, const void *arg)
{
    int on;
    int err = user_read(&on, arg, sizeof(on));

    if (err)
        return err;
    if (request == FIONBIO) {
        atomic_store(&f->nonblocking, on != 0);
        return 0;
    }
    host_enter(f->host);
    set_async(&f->owner, fd, on != 0);
    host_leave(f->host);
    return 0;
}

static int64_t ask(struct file *f, unsigned long request, void *arg)
{
    int value, err;

    host_enter(f->host);
    err = hf_sock_ioctl(f->sk, request, &value);
    host_leave(f->host);
    return err ? err : user_write(arg, &value, sizeof(value));
}

static int64_t ask_link(struct file *f, unsigned long request, void *arg)
{
    uint8_t ifreq[HF_IFREQ_BYTES];
    int domain = 0, err = user_read(ifreq, arg, sizeof(ifreq));
    uint32_t len = sizeof(domain);

    if (err)
        return err;
    host_enter(f->host);
    err = hf_sock_getsockopt(f->sk, HF_SOL_SOCKET, HF_SO_DOMAIN, &domain, &len);
    if (!err)
        err = hf_stack_ifreq(f->host->stack, domain, request, ifreq);
    host_leave(f->host);
    return err ? err : user_write(arg, ifreq, sizeof(ifreq));
}

static int64_t list_links(struct file *f, void *arg)
{
    uint8_t all[LINKS_MAX * HF_IFREQ_BYTES];
    struct ifconf list;
    size_t room, used;
    int err = user_read(&list, arg, sizeof(list));

    if (err)
        return err;
    room = list.ifc_len < 0 ? 0 : (size_t)list.ifc_len;
    room = room < sizeof(all) ? room : sizeof(all);
    host_enter(f->host);
    used = hf_stack_ifconf(f->host->stack, list.ifc_buf ? all : NULL, room);
    host_leave(f->host);
    if (list.ifc_buf)
        err = user_write(list.ifc_buf, all, used);
    list.ifc_len = (int)used;
    return err ? err : user_write(arg, &list, sizeof(list));
}

static bool is_of_link(unsigned long request)
{
    return request >= HF_SIOCGIFNAME && request <= HF_SIOCGIFMAP && request != HF_SIOCOUTQNSD;
}

int hf_ioctl(int fd, unsigned long request, ...)
{
    struct call c;
    va_list ap;
    void *arg;

    va_start(ap, request);
    arg = va_arg(ap, void *);
    va_end(ap);
    if (request == FIOCLEX || request == FIONCLEX || !call_begin(&c, fd))
        return ioctl(fd, request, arg);
    if (request == FIONBIO || request == FIOASYNC)
        return (int)call_end(&c, set_flag(c.file, fd, request, arg));
    if ((request & UINT32_MAX) == HF_SIOCGIFCONF)
        return (int)call_end(&c, list_links(c.file, arg));
    if (is_of_link(request & UINT32_MAX))
        return (int)call_end(&c, ask_link(c.file, request & UINT32_MAX, arg));
    return (int)call_end(&c, ask(c.file, request & UINT32_MAX, arg));
}
