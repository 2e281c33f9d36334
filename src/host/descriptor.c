/* Descriptors: which numbers are the library's.
 *
 * A table in two levels, each slot the file's address, 0 when the number is not ours. The lowest
 * bit of a slot is its lock: it is held for the two instructions in which a reader makes its
 * reference, so that closing a number in another thread never takes the file from under it. A
 * number that is not ours costs two loads and no lock, so that what a signal handler does to
 * pipes and files passes through whatever it interrupted. */
#define _GNU_SOURCE
#include "host/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/bias.h"
#include "host/file.h"

enum {
    CHUNK = 4096,
    CHUNKS = 16384, /* 64 million numbers: beyond what fs.nr_open is on any machine */
    SELECTABLE = 1024,
};

#define SLOT_LOCKED ((uintptr_t)1)
#define SLOT_HIDDEN ((uintptr_t)2) /* a number of the library's own */

struct chunk {
    atomic_uintptr_t slots[CHUNK];
};

static _Atomic(struct chunk *) chunks[CHUNKS];
static atomic_int placeholder = -1;

static atomic_uintptr_t *find_slot(int fd)
{
    struct chunk *c;

    if (fd < 0 || fd >= CHUNK * CHUNKS)
        return NULL;
    c = atomic_load_explicit(&chunks[fd / CHUNK], memory_order_acquire);
    return c ? &c->slots[fd % CHUNK] : NULL;
}

static atomic_uintptr_t *make_slot(int fd)
{
    struct chunk *none = NULL, *c;

    if (fd >= CHUNK * CHUNKS)
        return NULL;
    if (find_slot(fd))
        return find_slot(fd);
    c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    if (!atomic_compare_exchange_strong(&chunks[fd / CHUNK], &none, c))
        free(c); /* another thread was first */
    return find_slot(fd);
}

static uintptr_t lock(atomic_uintptr_t *slot)
{
    uintptr_t v;

    while ((v = atomic_fetch_or_explicit(slot, SLOT_LOCKED, memory_order_acquire)) & SLOT_LOCKED)
        ;
    return v;
}

static void unlock(atomic_uintptr_t *slot, uintptr_t v)
{
    atomic_store_explicit(slot, v, memory_order_release);
}

struct file *descriptor_get(int fd)
{
    atomic_uintptr_t *slot = find_slot(fd);
    uintptr_t v;

    if (!slot || !atomic_load_explicit(slot, memory_order_relaxed))
        return NULL;
    v = lock(slot);
    if (v & ~SLOT_HIDDEN)
        file_ref((struct file *)v);
    unlock(slot, v);
    return (struct file *)(v & ~SLOT_HIDDEN);
}

struct file *descriptor_look(int fd)
{
    atomic_uintptr_t *slot = find_slot(fd);
    uintptr_t v = slot ? atomic_load_explicit(slot, memory_order_acquire) : 0;

    return v & (SLOT_LOCKED | SLOT_HIDDEN) ? NULL : (struct file *)v;
}

int descriptor_set(int fd, struct file *f)
{
    atomic_uintptr_t *slot = make_slot(fd);

    if (!slot)
        return -ENOMEM;
    lock(slot);
    unlock(slot, (uintptr_t)f);
    return 0;
}

struct file *descriptor_take(int fd)
{
    atomic_uintptr_t *slot = find_slot(fd);
    uintptr_t v;

    if (!slot || !atomic_load_explicit(slot, memory_order_relaxed))
        return NULL;
    v = lock(slot);
    unlock(slot, v & SLOT_HIDDEN);
    bias_pass();
    return (struct file *)(v & ~SLOT_HIDDEN);
}

static void set_hidden(int fd, bool hidden)
{
    atomic_uintptr_t *slot = hidden ? make_slot(fd) : find_slot(fd);
    uintptr_t v;

    if (!slot)
        return;
    v = lock(slot);
    unlock(slot, hidden ? SLOT_HIDDEN : v & ~SLOT_HIDDEN);
}

bool descriptor_is_hidden(int fd)
{
    atomic_uintptr_t *slot = find_slot(fd);

    return slot && atomic_load_explicit(slot, memory_order_relaxed) & SLOT_HIDDEN;
}

/* close() is a cancellation point, and a descriptor half given back would be lost. */
void descriptor_cancel(int fd)
{
    int saved = errno, state;

    set_hidden(fd, false);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    close(fd);
    pthread_setcancelstate(state, NULL);
    errno = saved;
}

int descriptor_hide(int fd)
{
    struct rlimit limit = {.rlim_cur = SELECTABLE};
    int high = SELECTABLE, moved;

    if (fd < 0)
        return fd;
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur <= SELECTABLE)
        high = (int)(limit.rlim_cur / 4 * 3);
    moved = fcntl(fd, F_DUPFD_CLOEXEC, high);
    if (moved >= 0)
        descriptor_cancel(fd);
    else
        moved = fd;
    set_hidden(moved, true);
    return moved;
}

/* Sockets one by one; between hidden numbers, all that is the kernel's at once. */
int descriptor_close_range(unsigned first, unsigned last)
{
    unsigned end = last < CHUNK * CHUNKS ? last : CHUNK * CHUNKS - 1, from = first;

    for (unsigned fd = first; fd <= end; fd++) {
        struct file *f;

        if (!find_slot((int)fd)) {
            fd |= CHUNK - 1; /* none in this chunk */
            continue;
        }
        f = descriptor_take((int)fd);
        if (f) {
            descriptor_cancel((int)fd);
            file_put(f);
        } else if (descriptor_is_hidden((int)fd)) {
            if (fd > from && close_range(from, fd - 1, 0) < 0)
                return -errno;
            from = fd + 1;
        }
    }
    return from <= last && close_range(from, last, 0) < 0 ? -errno : 0;
}

static int make_placeholder(void)
{
    int none = -1;
    int fd = descriptor_hide(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));

    if (fd < 0)
        return -errno;
    if (atomic_compare_exchange_strong(&placeholder, &none, fd))
        return fd;
    descriptor_cancel(fd); /* another thread was first */
    return none;
}

int descriptor_reserve(bool cloexec)
{
    int original = atomic_load(&placeholder);
    int fd;

    if (original < 0)
        original = make_placeholder();
    if (original < 0)
        return original;
    fd = fcntl(original, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, 0);
    return fd < 0 ? -errno : fd;
}

void descriptor_forget_all(void)
{
    for (int i = 0; i < CHUNKS; i++) {
        struct chunk *c = atomic_load_explicit(&chunks[i], memory_order_relaxed);

        for (int k = 0; c && k < CHUNK; k++)
            atomic_store_explicit(&c->slots[k], 0, memory_order_relaxed);
    }
}
