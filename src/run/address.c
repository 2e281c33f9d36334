/* Address arguments. */
#include "run/address.h"

#include <errno.h>
#include <string.h>

#include "run/memory.h"

int address_read(const struct call *c, uint64_t at, uint64_t len, struct address *out)
{
    int32_t n = (int32_t)len;

    memset(out, 0, sizeof(*out));
    if (n < 0 || n > ADDRESS_MAX)
        return -EINVAL;
    out->len = (uint32_t)n;
    return memory_read(c, at, out->bytes, out->len);
}
