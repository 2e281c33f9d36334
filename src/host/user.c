/* The program's memory. */
#define _GNU_SOURCE
#include "host/user.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/mapping.h"
#include "host/own_memory.h"

#define PAGE      ((uintptr_t)4096) /* the smallest there is: on larger ones some are asked twice */
#define MANY      ((uintptr_t)2 * PAGE) /* more are asked at once: one call costs as much as three */
#define SPACE_END ((uintptr_t)1 << 47)
#define BYTES_MAX ((size_t)0x7ffff000) /* Linux: MAX_RW_COUNT */

/* Linux copies the new mask in before it looks at `how`, which is none: EFAULT or EINVAL. (NULL
 * would mean that there is no new mask; nothing is mapped there.) */
static bool can_read(uintptr_t at)
{
    return at >= PAGE && syscall(SYS_rt_sigprocmask, -1, at & ~(uintptr_t)7, NULL, 8) < 0 &&
           errno != EFAULT;
}

/* Adds 0 to an aligned word, atomically, and wakes nobody. */
static bool can_write(uintptr_t at)
{
    int word = 0;

    return syscall(SYS_futex, &word, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, NULL,
                   at & ~(uintptr_t)3, FUTEX_OP(FUTEX_OP_ADD, 0, FUTEX_OP_CMP_EQ, 0)) >= 0;
}

/* What is asked of memory: page by page, or of many pages at once, which would be touched anyway
 * (Linux 5.14; where it fails, some page may be good all the same). Before that, of several: are
 * they of a mapping that is good as a whole? */
struct question {
    bool (*is_own)(uintptr_t from, uintptr_t end); /* no need to ask */
    bool (*page)(uintptr_t at);
    int populate; /* of madvise() */
};

static const struct question readable = {own_memory_shows, can_read, MADV_POPULATE_READ};
static const struct question writable = {own_memory_has, can_write, MADV_POPULATE_WRITE};

static bool all_good(uintptr_t from, uintptr_t end, const struct question *q)
{
    uintptr_t first = from & ~(PAGE - 1);

    if (end - first > PAGE && mapping_is_memory(from, end))
        return true;
    return end - first > MANY && !madvise((void *)first, end - first, q->populate);
}

/* How many bytes from p on are good. */
static size_t good_bytes(const void *p, size_t len, const struct question *q)
{
    uintptr_t from = (uintptr_t)p, at = from, end = from + len;
    int saved = errno;

    if (len == 0)
        return 0;
    if (end < from || end > SPACE_END)
        end = SPACE_END;
    if (q->is_own(from, end))
        return len;
    if (all_good(from, end, q))
        at = end;
    while (at < end && q->page(at))
        at = (at & ~(PAGE - 1)) + PAGE;
    errno = saved;
    if (at > end)
        at = end;
    return at > from ? at - from : 0;
}

bool user_readable(const void *p, size_t len)
{
    return user_is_own(p, len, false) || good_bytes(p, len, &readable) == len;
}

bool user_writable(void *p, size_t len)
{
    return user_is_own(p, len, true) || good_bytes(p, len, &writable) == len;
}

int user_read(void *to, const void *from, size_t len)
{
    if (!user_readable(from, len))
        return -EFAULT;
    memcpy(to, from, len);
    return 0;
}

int user_write(void *to, const void *from, size_t len)
{
    if (!user_writable(to, len))
        return -EFAULT;
    if (len)
        memcpy(to, from, len);
    return 0;
}

int user_read_address(uint8_t to[USER_ADDRESS_MAX], const void *addr, socklen_t len)
{
    if (len > USER_ADDRESS_MAX)
        return -EINVAL;
    memset(to + len, 0, USER_ADDRESS_MAX - len);
    return user_read(to, addr, len);
}

int user_write_address(void *room, socklen_t *room_len, const void *addr, uint32_t len)
{
    socklen_t n;
    int err = user_read(&n, room_len, sizeof(n));

    if (err)
        return err;
    if ((int)n < 0)
        return -EINVAL;
    err = user_write(room_len, &len, sizeof(len)); /* Linux: the length first */
    return err ? err : user_write(room, addr, n < len ? n : len);
}

size_t user_vector_part(const struct hf_iovec *iov, size_t iov_len, size_t skip, size_t want,
                        struct hf_iovec *out, size_t n)
{
    size_t used = 0;

    for (size_t i = 0; i < iov_len && used < n && want; i++) {
        struct hf_iovec v = iov[i];

        if (skip >= v.len) {
            skip -= v.len;
            continue;
        }
        v.base = (char *)v.base + skip;
        v.len -= skip;
        skip = 0;
        if (v.len > want)
            v.len = want;
        want -= v.len;
        out[used++] = v;
    }
    return used;
}

static size_t vector_good(const struct hf_iovec *iov, size_t n, size_t want,
                          const struct question *good)
{
    size_t done = 0;

    for (size_t i = 0; i < n && done < want; i++) {
        size_t len = iov[i].len < want - done ? iov[i].len : want - done;
        size_t some = good_bytes(iov[i].base, len, good);

        done += some;
        if (some < len)
            break;
    }
    return done;
}

size_t user_vector_readable(const struct hf_iovec *iov, size_t n, size_t want)
{
    return vector_good(iov, n, want, &readable);
}

size_t user_vector_writable(const struct hf_iovec *iov, size_t n, size_t want)
{
    return vector_good(iov, n, want, &writable);
}

bool user_is_other_own(uintptr_t from, uintptr_t end, bool writes)
{
    return end >= from && (writes ? own_memory_has(from, end) : own_memory_shows(from, end));
}

bool user_vector_is_own(const struct hf_iovec *iov, size_t n, bool writes)
{
    for (size_t i = 0; i < n; i++) {
        if (iov[i].len && !user_is_own(iov[i].base, iov[i].len, writes))
            return false;
    }
    return true;
}

size_t user_bytes(size_t len)
{
    return len < BYTES_MAX ? len : BYTES_MAX;
}

int user_check_vector(const struct iovec *iov, size_t n, int too_many, size_t *total)
{
    size_t sum = 0;

    if (n > UIO_MAXIOV)
        return too_many;
    if (!user_readable(iov, n * sizeof(*iov)))
        return -EFAULT;
    for (size_t i = 0; i < n; i++) {
        if ((ssize_t)iov[i].iov_len < 0)
            return -EINVAL;
        sum += iov[i].iov_len < BYTES_MAX - sum ? iov[i].iov_len : BYTES_MAX - sum;
    }
    *total = sum;
    return 0;
}

bool user_has_capability(uint32_t any_of)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct held[2] = {{0, 0, 0}, {0, 0, 0}};

    return syscall(SYS_capget, &head, held) == 0 && held[0].effective & any_of;
}
