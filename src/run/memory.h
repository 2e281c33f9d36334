/* The memory of a program that waits in a call. */
#ifndef RUN_MEMORY_H
#define RUN_MEMORY_H

#include "run/supervisor.h"

/* Copies len bytes at addr into buf / out of buf, all or nothing as far as the answer goes. 0,
 * -EFAULT, or CALL_GONE: the call is over, and what was copied is not to be trusted. */
HF_NODISCARD int memory_read(const struct call *c, uint64_t addr, void *buf, size_t len);
HF_NODISCARD int memory_write(const struct call *c, uint64_t addr, const void *buf, size_t len);

/* Writes len bytes at addr and then, if that went well, what is told of them at count_at. */
HF_NODISCARD int memory_write_counted(const struct call *c, uint64_t addr, const void *buf,
                                      uint32_t len, uint64_t count_at, uint32_t count);

/* Reads the program's struct iovec array of `count` and checks it as the kernel does: 0, -EMSGSIZE
 * (more than UIO_MAXIOV), -EFAULT, -EINVAL (a length below 0), CALL_GONE. */
struct iovec;
HF_NODISCARD int memory_iovec(const struct call *c, uint64_t addr, size_t count, struct iovec *iov);

/* Copies between buf and the program's pieces, UIO_MAXIOV of them at most: at most len bytes, at
 * most what the pieces hold. Returns how many, -EFAULT or CALL_GONE. */
HF_NODISCARD int64_t memory_gather(const struct call *c, const struct iovec *iov, size_t count,
                                   void *buf, size_t len);
HF_NODISCARD int64_t memory_scatter(const struct call *c, const struct iovec *iov, size_t count,
                                    const void *buf, size_t len);

/* Writes an address as accept, getsockname and their kin do: at most *room_at bytes at addr, then
 * the true length at room_at. 0, -EFAULT, -EINVAL (room below 0), CALL_GONE. */
HF_NODISCARD int memory_write_address(const struct call *c, uint64_t addr, uint64_t room_at,
                                      const void *bytes, uint32_t len);

#endif
