/* The process's memory as the kernel has mapped it: proc(5), PROCMAP_QUERY. */
#define _GNU_SOURCE
#include "host/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/descriptor.h"

/* Linux: struct procmap_query, which headers before 6.11 do not have. */
struct procmap_query {
    uint64_t size, query_flags, query_addr;
    uint64_t vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
    uint32_t dev_major, dev_minor, vma_name_size, build_id_size;
    uint64_t vma_name_addr, build_id_addr;
};

#define QUERY _IOWR('f', 17, struct procmap_query)

enum {
    IS_READABLE = 1,
    IS_WRITABLE = 2,
    IS_SHARED = 8,
    UNOPENED = -1, /* or for want of descriptors */
    UNKNOWN = -2,  /* this kernel does not tell */
};

static atomic_int maps = UNOPENED;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* What is open tells of the parent's memory. */
static void forget_after_fork(void)
{
    int fd = atomic_exchange(&maps, UNOPENED);

    if (fd >= 0)
        descriptor_cancel(fd);
}

static void register_fork(void)
{
    if (pthread_atfork(NULL, NULL, forget_after_fork))
        atomic_store(&maps, UNKNOWN);
}

/* Not open(): that is a cancellation point. */
void mapping_begin(void)
{
    int none = UNOPENED, saved = errno, fd;

    pthread_once(&once, register_fork);
    if (atomic_load(&maps) != UNOPENED)
        return;
    fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
    fd = fd < 0 ? UNOPENED : descriptor_hide(fd);
    if (!atomic_compare_exchange_strong(&maps, &none, fd) && fd >= 0)
        descriptor_cancel(fd); /* another thread was first */
    errno = saved;
}

/* The end of the mapping at `at`, if it is such memory; 0: it is not, or nobody knows. */
static uintptr_t memory_until(int fd, uintptr_t at)
{
    struct procmap_query q = {.size = sizeof(q), .query_addr = at};
    int other;

    if (ioctl(fd, QUERY, &q) < 0) {
        other = fd;
        if (errno == ENOTTY && atomic_compare_exchange_strong(&maps, &other, UNKNOWN))
            descriptor_cancel(fd);
        return 0;
    }
    if ((q.vma_flags & (IS_READABLE | IS_WRITABLE | IS_SHARED)) != (IS_READABLE | IS_WRITABLE) ||
        q.inode || q.dev_major || q.dev_minor)
        return 0;
    return q.vma_end;
}

bool mapping_is_memory(uintptr_t from, uintptr_t end)
{
    int fd = atomic_load_explicit(&maps, memory_order_acquire), saved = errno;
    uintptr_t at = from;

    while (fd >= 0 && at && at < end)
        at = memory_until(fd, at);
    errno = saved;
    return fd >= 0 && at >= end;
}
