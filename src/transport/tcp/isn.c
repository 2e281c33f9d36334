/* Initial sequence numbers that nobody off the path can guess, and timestamps likewise. RFC 6528.
 */
#include "base/siphash.h"
#include "transport/tcp/internal.h"

struct isn_input {
    struct ip_addr a, b;
    uint16_t a_port, b_port;
    uint32_t zero;
};

/* The same for both ends, but for which half comes first: two ends in one stack need one hash. */
static uint64_t isn_hash(const struct tcp *tcp, const struct demux_entry *e)
{
    bool swap = demux_is_second(&e->laddr, e->lport, &e->raddr, e->rport);
    struct isn_input in = swap ? (struct isn_input){e->raddr, e->laddr, e->rport, e->lport, 0}
                               : (struct isn_input){e->laddr, e->raddr, e->lport, e->rport, 0};
    uint64_t hash = siphash(tcp->core->isn_key, &in, sizeof(in));

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
