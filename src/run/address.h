/* An address argument of a call, copied in as the kernel does. */
#ifndef RUN_ADDRESS_H
#define RUN_ADDRESS_H

#include "run/supervisor.h"

#define ADDRESS_MAX 128

struct address {
    uint8_t bytes[ADDRESS_MAX];
    uint32_t len;
};

/* 0, -EINVAL (length), -EFAULT, CALL_GONE (the caller is gone), in that order. */
HF_NODISCARD int address_read(const struct call *c, uint64_t at, uint64_t len, struct address *out);

#endif
