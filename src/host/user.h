/* The program: what its thread may, and its memory, looked at before it is used: where the kernel
 * would say EFAULT, so do we.
 *
 * A bad pointer must not be touched, for a library has no business with SIGSEGV. Whether a page can
 * be read or written is asked of the kernel by system calls that do nothing but look (0.1 us a
 * page; decisions/0008), unless it is memory that is there in any case (own_memory.h). Memory that
 * another thread unmaps meanwhile is not caught. */
#ifndef HOST_USER_H
#define HOST_USER_H

#include <sys/socket.h>

#include "handfast/socket.h"
#include "host/own_memory.h"

/* errno stays. */
bool user_readable(const void *p, size_t len);
bool user_writable(void *p, size_t len);

/* 0 or -EFAULT. */
HF_NODISCARD int user_read(void *to, const void *from, size_t len);
HF_NODISCARD int user_write(void *to, const void *from, size_t len);

/* The longest address the kernel takes in: struct sockaddr_storage. */
#define USER_ADDRESS_MAX 128

/* An address argument; beyond its length, zeros. -EINVAL, -EFAULT. */
HF_NODISCARD int user_read_address(uint8_t to[USER_ADDRESS_MAX], const void *addr, socklen_t len);

/* An address given back in the room that *room_len says; then its true length in *room_len.
 * -EFAULT, -EINVAL. */
HF_NODISCARD int user_write_address(void *room, socklen_t *room_len, const void *addr,
                                    uint32_t len);

/* The vector's bytes from skip on, at most want of them and n pieces, into out; gives the pieces.
 */
size_t user_vector_part(const struct hf_iovec *iov, size_t iov_len, size_t skip, size_t want,
                        struct hf_iovec *out, size_t n);

/* How many of a vector's first `want` bytes can be read (or written). */
size_t user_vector_readable(const struct hf_iovec *iov, size_t n, size_t want);
size_t user_vector_writable(const struct hf_iovec *iov, size_t n, size_t want);

/* All of it is memory that needs no question (own_memory.h). writes: to be written to. */
bool user_vector_is_own(const struct hf_iovec *iov, size_t n, bool writes);

/* The same of one piece. */
bool user_is_other_own(uintptr_t from, uintptr_t end, bool writes);
static inline bool user_is_own(const void *p, size_t len, bool writes)
{
    uintptr_t from = (uintptr_t)p;

    return own_memory_is_stack(from, from + len) || user_is_other_own(from, from + len, writes);
}

/* What one call of the kernel moves of that many bytes. */
size_t user_bytes(size_t len);

/* A vector argument: -EINVAL (more than 1024 pieces: `too_many`; a negative one), -EFAULT. total:
 * its bytes, as user_bytes(). */
HF_NODISCARD int user_check_vector(const struct iovec *iov, size_t n, int too_many, size_t *total);

/* The thread has one of those of the first 32 capabilities in effect. */
bool user_has_capability(uint32_t any_of);

#endif
