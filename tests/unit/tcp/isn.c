/* Initial sequence numbers and the timestamps' beginnings. RFC 6528, RFC 9293 3.4.1 */
#include "rig.h"

static struct demux_entry four_tuple(struct rig *r, bool v6, uint16_t lport)
{
    return (struct demux_entry){
        .laddr = r->a.addr[v6], .raddr = r->b.addr[v6], .lport = lport, .rport = 80};
}

/* RFC 9293 MUST-8 */
static void test_clock(bool v6)
{
    struct rig *r = rig_new();
    struct demux_entry e = four_tuple(r, v6, 4000);
    struct isn first, again;

    first = isn_new(&r->a.tcp, &e);
    rig_clock(r, r->now + 4 * HF_US);
    again = isn_new(&r->a.tcp, &e);
    EQ(again.iss - first.iss, 1, "one more each 4 us");
    EQ(again.ts_offset, first.ts_offset, "the timestamps' offset stays: RFC 7323 7.1");
    rig_clock(r, r->now + 100 * HF_S);
    EQ(isn_new(&r->a.tcp, &e).iss - first.iss, 25000001, "a quarter of a million a second");
    OK(rig_end(r), "nothing is left behind");
}

static unsigned bits(uint32_t x)
{
    return (unsigned)__builtin_popcount(x);
}

/* RFC 9293 SHLD-1, MUST-9: of another four-tuple, or by another secret, it is quite another */
static void test_hash(bool v6)
{
    struct rig *r = rig_new();
    unsigned changed = 0, by_key = 0, near = 0, n = 0;
    uint32_t last = 0, number;

    for (uint16_t port = 1000; port < 1512; port++, n++) {
        struct demux_entry e = four_tuple(r, v6, port);

        number = isn_new(&r->a.tcp, &e).iss;
        changed += bits(number ^ last);
        near += n && number - last + 100000 < 200000;
        by_key += bits(number ^ isn_new(&r->b.tcp, &e).iss);
        last = number;
    }
    OK(changed > 14 * n && changed < 18 * n, "neighbouring ports differ in half of the bits");
    OK(near <= 2, "and are nowhere near each other");
    OK(by_key > 14 * n && by_key < 18 * n, "as do two hosts with secrets of their own");
    struct demux_entry e = four_tuple(r, v6, 80);
    number = isn_new(&r->a.tcp, &e).iss;
    e.raddr.b[15] ^= 1;
    OK(isn_new(&r->a.tcp, &e).iss != number, "the peer's address counts");
    e.raddr.b[15] ^= 1;
    e.laddr.b[15] ^= 2;
    OK(isn_new(&r->a.tcp, &e).iss != number, "so does ours");
    e.laddr.b[15] ^= 2;
    e.rport++;
    OK(isn_new(&r->a.tcp, &e).iss != number, "and the peer's port");
    OK(rig_end(r), "nothing is left behind");
}

int main(void)
{
    tap_begin(20);
    for (int v6 = 0; v6 < 2; v6++) {
        test_clock(v6);
        test_hash(v6);
    }
    return tap_end();
}
