/* Requests of netlink: struct nlmsghdr, a header of the request's own kind, attributes. */
#ifndef NETLINK_REQUEST_H
#define NETLINK_REQUEST_H

#include <string.h>

#include "handfast/errno.h"
#include "handfast/types.h"

/* Linux's struct nlmsghdr. */
struct nl_header {
    uint32_t len;
    uint16_t type, flags;
    uint32_t seq, port;
};
#define NL_HEADER ((uint32_t)sizeof(struct nl_header))
#define NL_ATTR   4u /* struct nlattr, struct rtattr */

static inline uint32_t nl_padded(uint32_t n)
{
    return (n + 3) & ~3u;
}

/* Invariant: head.len is NL_HEADER or more, and all of it is at bytes. */
struct request {
    struct nl_header head;
    const uint8_t *bytes; /* from the header on */
    bool is_strict;       /* NETLINK_GET_STRICT_CHK: what is not understood is refused */
};

/* The request at the beginning of n bytes. False: there is none, or none that is whole. */
bool request_read(const uint8_t *bytes, size_t n, struct request *rq);

/* What follows the header, and how many bytes that is. */
static inline const uint8_t *request_body(const struct request *rq)
{
    return rq->bytes + NL_HEADER;
}
static inline uint32_t request_body_len(const struct request *rq)
{
    return rq->head.len - NL_HEADER;
}
/* The family, the first byte of every body; 0 where there is none. */
static inline uint8_t request_family(const struct request *rq)
{
    return request_body_len(rq) ? request_body(rq)[0] : 0;
}

/* Attributes by number: where the last of that number is in the request; NULL: not there. */
#define ATTRS_LAST 63
struct attrs {
    const uint8_t *at[ATTRS_LAST + 1];
    const uint8_t *unknown; /* the first above ATTRS_LAST */
    bool has_rest;          /* bytes at the end that are no attribute */
};

/* Those that stand behind a header of so many bytes. */
void request_attrs(const struct request *rq, uint32_t header, struct attrs *out);

/* The value of an attribute of the request; 0 bytes where it is not there. */
uint32_t attr_len(const struct attrs *a, unsigned type);
const uint8_t *attr_value(const struct attrs *a, unsigned type);
/* False: it is not there, or shorter than an int. */
bool attr_u32(const struct attrs *a, unsigned type, uint32_t *out);

#endif
