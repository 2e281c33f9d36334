#include "netlink/request.h"

#include "netlink/numbers.h"

bool request_read(const uint8_t *bytes, size_t n, struct request *rq)
{
    if (n < NL_HEADER)
        return false;
    memcpy(&rq->head, bytes, sizeof(rq->head));
    rq->bytes = bytes;
    rq->is_strict = false;
    return rq->head.len >= NL_HEADER && rq->head.len <= n;
}

static uint16_t word(const uint8_t *at)
{
    uint16_t v;

    memcpy(&v, at, sizeof(v));
    return v;
}

/* Linux: nla_ok, nla_next. */
void request_attrs(const struct request *rq, uint32_t header, struct attrs *out)
{
    uint32_t at = NL_HEADER + nl_padded(header), end = rq->head.len;

    memset(out, 0, sizeof(*out));
    while (at < end) {
        const uint8_t *attr = rq->bytes + at;
        uint32_t len = end - at >= NL_ATTR ? word(attr) : 0;
        unsigned type = len >= NL_ATTR ? word(attr + 2) & NL_ATTR_TYPE : 0;

        if (len < NL_ATTR || len > end - at) {
            out->has_rest = true;
            return;
        }
        if (type <= ATTRS_LAST)
            out->at[type] = attr;
        else if (!out->unknown)
            out->unknown = attr;
        at += nl_padded(len);
    }
}

uint32_t attr_len(const struct attrs *a, unsigned type)
{
    return a->at[type] ? word(a->at[type]) - NL_ATTR : 0;
}

const uint8_t *attr_value(const struct attrs *a, unsigned type)
{
    return a->at[type] ? a->at[type] + NL_ATTR : NULL;
}

bool attr_u32(const struct attrs *a, unsigned type, uint32_t *out)
{
    if (attr_len(a, type) < sizeof(*out))
        return false;
    memcpy(out, attr_value(a, type), sizeof(*out));
    return true;
}
