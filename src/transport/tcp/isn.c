/* Initial sequence numbers that nobody off the path can guess, and timestamps likewise. RFC 6528.
 */
#include "base/siphash.h"
#include "transport/tcp/internal.h"

/* The same for both ends, but for which half comes first: two ends in one stack need one hash. */
static uint64_t isn_hash(const struct tcp *tcp, const struct demux_entry *e)
{
    bool swap = demux_is_second(&e->laddr, e->lport, &e->raddr, e->rport);
    const struct ip_addr *a = swap ? &e->raddr : &e->laddr, *b = swap ? &e->laddr : &e->raddr;
    uint32_t low = swap ? e->lport : e->rport, high = swap ? e->rport : e->lport;
    uint32_t in4[] = {a->w[3], b->w[3], high << 16 | low};
    uint32_t in6[] = {a->w[0], a->w[1], a->w[2], a->w[3],         b->w[0],
                      b->w[1], b->w[2], b->w[3], high << 16 | low};
    uint64_t hash = addr_is4(a) && addr_is4(b) ? siphash(tcp->core->isn_key, in4, sizeof(in4))
                                               : siphash(tcp->core->isn_key, in6, sizeof(in6));

    return swap ? hash << 32 | hash >> 32 : hash;
}

static uint32_t clock_at(hf_time t)
{
    return (uint32_t)(t / (4 * HF_US));
}

/* RFC 9293 MUST-8, SHLD-1, MUST-9: a clock of 4 us plus F(four-tuple, secret). The two come of the
 * two halves. */
struct isn isn_new(const struct tcp *tcp, const struct demux_entry *e)
{
    uint64_t hash = isn_hash(tcp, e);

    return (struct isn){clock_at(tcp->core->now) + (uint32_t)hash, (uint32_t)(hash >> 32)};
}

struct isn isn_of_peer(const struct tcb *opener)
{
    uint32_t first = opener->iss - clock_at(opener->open.began);

    return (struct isn){clock_at(opener->tcp->core->now) + opener->ts_offset, first};
}

/* RFC 7323 7.1: an offset of each connection's own. The same again for the same four-tuple, so that
 * a TIME-WAIT record need not keep it and a successor's clock goes on. */
uint32_t isn_ts_offset(const struct tcp *tcp, const struct demux_entry *e)
{
    return (uint32_t)(isn_hash(tcp, e) >> 32);
}
