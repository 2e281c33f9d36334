/* process_vm_readv and process_vm_writev. A thread id may be another thread's by the time we read,
 * so each copy in is followed, and each copy out preceded, by the question whether the call still
 * is. */
#define _GNU_SOURCE
#include "run/memory.h"

#include <errno.h>
#include <limits.h>
#include <sys/uio.h>

#include "run/notify.h"

/* process_vm_* take an address as a pointer of ours. */
static struct iovec remote(uint64_t addr, size_t len)
{
    return (struct iovec){.iov_base = (void *)(uintptr_t)addr, .iov_len = len};
}

static struct iovec local(const void *buf, size_t len)
{
    return (struct iovec){.iov_base = (void *)(uintptr_t)buf, .iov_len = len};
}

static int whole(ssize_t done, size_t len)
{
    return done >= 0 && (size_t)done == len ? 0 : -EFAULT;
}

int memory_read(const struct call *c, uint64_t addr, void *buf, size_t len)
{
    struct iovec to = local(buf, len), from = remote(addr, len);
    int err = len ? whole(process_vm_readv(c->tid, &to, 1, &from, 1, 0), len) : 0;

    return notify_is_waiting(c) ? err : CALL_GONE;
}

int memory_write(const struct call *c, uint64_t addr, const void *buf, size_t len)
{
    struct iovec from = local(buf, len), to = remote(addr, len);

    if (!notify_is_waiting(c))
        return CALL_GONE;
    return len ? whole(process_vm_writev(c->tid, &from, 1, &to, 1, 0), len) : 0;
}

int memory_write_counted(const struct call *c, uint64_t addr, const void *buf, uint32_t len,
                         uint64_t count_at, uint32_t count)
{
    /* Linux: the count first, so it is told where the bytes cannot be. */
    struct iovec from[2] = {local(&count, sizeof(count)), local(buf, len)};
    struct iovec to[2] = {remote(count_at, sizeof(count)), remote(addr, len)};

    if (!notify_is_waiting(c))
        return CALL_GONE;
    return whole(process_vm_writev(c->tid, from, 2, to, 2, 0), len + sizeof(count));
}

int memory_iovec(const struct call *c, uint64_t addr, size_t count, struct iovec *iov)
{
    int err;

    if (count > UIO_MAXIOV)
        return -EMSGSIZE;
    err = memory_read(c, addr, iov, count * sizeof(*iov));
    for (size_t i = 0; err == 0 && i < count; i++) {
        if ((ssize_t)iov[i].iov_len < 0)
            err = -EINVAL;
    }
    return err;
}

/* The first len bytes of the pieces, as process_vm_* takes them; *used: how many pieces. Returns
 * the bytes. */
static size_t cut(const struct iovec *iov, size_t count, size_t len, struct iovec *out,
                  size_t *used)
{
    size_t sum = 0, i;

    for (i = 0; i < count && sum < len; i++) {
        out[i] = iov[i];
        if (out[i].iov_len > len - sum)
            out[i].iov_len = len - sum;
        sum += out[i].iov_len;
    }
    *used = i;
    return sum;
}

int64_t memory_gather(const struct call *c, const struct iovec *iov, size_t count, void *buf,
                      size_t len)
{
    struct iovec from[UIO_MAXIOV], to;
    size_t used;
    int err;

    len = cut(iov, count, len, from, &used);
    to = local(buf, len);
    err = len ? whole(process_vm_readv(c->tid, &to, 1, from, used, 0), len) : 0;
    if (!notify_is_waiting(c))
        return CALL_GONE;
    return err < 0 ? err : (int64_t)len;
}

int64_t memory_scatter(const struct call *c, const struct iovec *iov, size_t count, const void *buf,
                       size_t len)
{
    struct iovec to[UIO_MAXIOV], from;
    size_t used;
    int err;

    len = cut(iov, count, len, to, &used);
    from = local(buf, len);
    if (!notify_is_waiting(c))
        return CALL_GONE;
    err = len ? whole(process_vm_writev(c->tid, &from, 1, to, used, 0), len) : 0;
    return err < 0 ? err : (int64_t)len;
}

int memory_write_address(const struct call *c, uint64_t addr, uint64_t room_at, const void *bytes,
                         uint32_t len)
{
    int32_t room;
    uint32_t n;
    int err = memory_read(c, room_at, &room, sizeof(room));

    if (err < 0)
        return err;
    if (room < 0)
        return -EINVAL;
    n = (uint32_t)room < len ? (uint32_t)room : len;
    return memory_write_counted(c, addr, bytes, n, room_at, len);
}
