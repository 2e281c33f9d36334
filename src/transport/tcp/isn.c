/* Initial sequence numbers that nobody off the path can guess, and timestamps likewise. RFC 6528.
 */
#include "base/siphash.h"
#include "transport/tcp/internal.h"

struct isn_input {
    struct ip_addr laddr, raddr;
    uint16_t lport, rport;
    uint32_t zero;
};

static uint64_t isn_hash(const struct tcp *tcp, const struct demux_entry *e)
{
    struct isn_input in = {e->laddr, e->raddr, e->lport, e->rport, 0};

    return siphash(tcp->core->isn_key, &in, sizeof(in));
}

/* RFC 9293 MUST-8, SHLD-1, MUST-9: a clock of 4 us plus F(four-tuple, secret). The two come of the
 * two halves. */
uint32_t isn_new(struct tcp *tcp, const struct demux_entry *e, uint32_t *ts_offset)
{
    uint64_t hash = isn_hash(tcp, e);

    *ts_offset = (uint32_t)(hash >> 32);
    return (uint32_t)(tcp->core->now / (4 * HF_US)) + (uint32_t)hash;
}

/* RFC 7323 7.1: an offset of each connection's own. The same again for the same four-tuple, so that
 * a TIME-WAIT record need not keep it and a successor's clock goes on. */
uint32_t isn_ts_offset(struct tcp *tcp, const struct demux_entry *e)
{
    return (uint32_t)(isn_hash(tcp, e) >> 32);
}
