/* hf_getsockopt() and hf_setsockopt(). NetSem getsockerr_1, getsockerr_2. */
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "handfast/linux.h"
#include "host/env.h"
#include "host/posix.h"

enum { VALUE_MAX = 8448 }; /* longer than any option the stack has: a filter of 64 IPv6 sources */

/* Linux: sk_setsockopt looks at the length before it copies. */
static int64_t set(struct file *f, int level, int name, const void *from, socklen_t given)
{
    uint8_t value[VALUE_MAX];
    int len = (int)given;
    int err;

    if (len < 0)
        return -EINVAL;
    if (len > VALUE_MAX)
        len = VALUE_MAX;
    if (level == SOL_SOCKET && name != SO_BINDTODEVICE && len < (int)sizeof(int))
        return -EINVAL;
    err = user_read(value, from, (size_t)len);
    if (err)
        return err;
    host_enter(f->host);
    hf_stack_set_epoch(f->host->stack, host_epoch()); /* SO_TIMESTAMP may be asked for */
    err = hf_sock_setsockopt(f->sk, level, name, value, (uint32_t)len);
    if ((err == -EPERM || err == -EACCES) &&
        user_has_capability(1u << CAP_NET_ADMIN | 1u << CAP_NET_RAW)) {
        hf_sock_set_admin(f->sk, true);
        err = hf_sock_setsockopt(f->sk, level, name, value, (uint32_t)len);
        hf_sock_set_admin(f->sk, false);
    }
    file_touch(f);
    host_leave(f->host);
    return err;
}

/* The value says where the program is. Linux: copy_bpf_fprog_from_user, sk_attach_filter. */
static int64_t attach_filter(struct file *f, const void *from, socklen_t len)
{
    struct sock_fprog program;
    struct sock_filter *insns;
    uint32_t bytes;
    int err = len == sizeof(program) ? user_read(&program, from, sizeof(program)) : -EINVAL;

    if (err)
        return err;
    if (!program.filter || !program.len || program.len > BPF_MAXINSNS)
        return -EINVAL;
    bytes = program.len * (uint32_t)sizeof(*insns);
    insns = malloc(bytes);
    if (!insns)
        return -ENOMEM;
    err = user_read(insns, program.filter, bytes);
    if (!err) {
        host_enter(f->host);
        err = hf_sock_setsockopt(f->sk, SOL_SOCKET, SO_ATTACH_FILTER, insns, bytes);
        host_leave(f->host);
    }
    free(insns);
    return err;
}

int hf_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    struct call c;

    if (!call_begin(&c, fd))
        return setsockopt(fd, level, name, value, len);
    if (level == SOL_SOCKET && name == SO_ATTACH_FILTER && !c.file->is_unix)
        return (int)call_end(&c, attach_filter(c.file, value, len));
    return (int)call_end(&c, set(c.file, level, name, value, len));
}

static int64_t get(struct file *f, int level, int name, void *to, socklen_t *room)
{
    uint8_t value[VALUE_MAX];
    socklen_t given;
    uint32_t len;
    int err = user_read(&given, room, sizeof(given));

    if (err)
        return err;
    if ((int)given < 0)
        return -EINVAL;
    if (given > VALUE_MAX)
        given = VALUE_MAX;
    len = given;
    if (hf_sock_getsockopt_asks(level, name)) {
        err = user_read(value, to, len);
        if (err)
            return err;
    }
    host_enter(f->host);
    err = hf_sock_getsockopt(f->sk, level, name, value, &len);
    file_touch(f);
    host_leave(f->host);
    if (err && len > given && user_write(room, &len, sizeof(len))) /* it takes so much */
        return -EFAULT;
    if (err)
        return err;
    err = user_write(to, value, len < given ? len : given);
    return err ? err : user_write(room, &len, sizeof(len));
}

int hf_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    struct call c;

    if (!call_begin(&c, fd))
        return getsockopt(fd, level, name, value, len);
    return (int)call_end(&c, get(c.file, level, name, value, len));
}
