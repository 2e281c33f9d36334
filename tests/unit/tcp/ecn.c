/* Explicit congestion notification, as Linux has it by default: granted to who asks. RFC 3168. */
#include "rig.h"

static uint8_t syn_flags, syn_ecn; /* what becomes of a's SYN on its way */
static bool mark_next;             /* the next segment with payload from a is marked */
static unsigned ect_data, ect_other, repeats_ect;
static uint32_t highest;

static uint8_t ecn_of(const struct hf_frame *f)
{
    return f->head[1] >> 4 & 3;
}

static void set_ecn(struct hf_frame *f, uint8_t ecn)
{
    f->head[1] = (uint8_t)((f->head[1] & 0xcf) | ecn << 4);
}

static enum verdict wire(struct rig *r, struct host *to, struct hf_frame *f, const struct seen *s)
{
    if (s->from == 0 && s->h.flags == TCP_SYN) {
        f->head[40 + 13] |= syn_flags;
        set_ecn(f, syn_ecn);
        return PASS;
    }
    if (ecn_of(f)) {
        if (s->len && s->from == 0 && highest && seq_lt(s->h.seq, highest))
            repeats_ect++;
        ect_data += s->len > 0;
        ect_other += s->len == 0;
    }
    if (s->from == 0 && s->len) {
        highest = s->h.seq + s->len;
        if (mark_next) {
            set_ecn(f, 3);
            mark_next = false;
        }
    }
    return PASS;
}

static unsigned count(const struct rig *r, unsigned from, uint8_t flag)
{
    unsigned n = 0;

    for (unsigned i = 0; i < r->seen_count; i++)
        n += r->seen[i].from == from && r->seen[i].h.flags & flag;
    return n;
}

static struct rig *pair(uint8_t flags, uint8_t ecn, struct sock **c, struct sock **s)
{
    struct rig *r = rig_new();

    syn_flags = flags;
    syn_ecn = ecn;
    ect_data = ect_other = repeats_ect = 0;
    highest = 0;
    r->filter = wire;
    rig_pair(r, true, c, s);
    r->delay = 5 * HF_MS;
    return r;
}

/* RFC 3168 6.1.1; Linux: tcp_ecn_create_request */
static void test_asked(uint8_t flags, uint8_t ecn, bool granted)
{
    struct sock *c, *s;
    struct rig *r = pair(flags, ecn, &c, &s);
    uint8_t answer = r->seen[1].h.flags;

    EQ(r->seen[0].h.flags, TCP_SYN, "we do not ask for ECN ourselves");
    EQ(s->tcb.ecn_ok, granted, "ECN is granted to who asks rightly");
    EQ(answer, TCP_SYN | TCP_ACK | (granted ? TCP_ECE : 0), "and the SYN-ACK says so");
    OK(rig_transfer(r, s, c, 20000, HF_S), "bytes go");
    EQ(ect_data > 0, granted, "data is marked as capable: RFC 3168 6.1.2");
    EQ(ect_other, 0, "what has no payload is not: RFC 3168 6.1.4");
    rig_finish(r, c, s);
}

/* RFC 9293 SHLD-8, RFC 3168 6.1.2, 6.1.3: a mark is echoed until the sender has cut its window,
 * once */
static void test_marked(void)
{
    struct sock *c, *s;
    struct rig *r = pair(TCP_ECE | TCP_CWR, 0, &c, &s);
    uint32_t before;
    unsigned echoes;

    c->tcb.ecn_ok = 1; /* as if it had asked */
    OK(rig_transfer(r, c, s, 300000, 5 * HF_S), "bytes go");
    rig_run(r, 50 * HF_MS);
    before = c->tcb.cwnd;
    r->seen_count = 0;
    mark_next = true;
    OK(rig_transfer(r, c, s, 200000, 5 * HF_S), "and more, one of them marked");
    rig_run(r, 50 * HF_MS);
    echoes = count(r, 1, TCP_ECE);
    OK(echoes > 0, "the mark is echoed");
    EQ(count(r, 0, TCP_CWR), 1, "and answered by one CWR");
    OK(c->tcb.ssthresh < before && c->tcb.ssthresh >= before / 2, "the window was cut once");
    EQ(c->tcb.total_retrans, 0, "nothing was lost or sent again");
    r->seen_count = 0;
    OK(rig_transfer(r, c, s, 100000, 5 * HF_S), "later");
    EQ(count(r, 1, TCP_ECE), 0, "nothing is echoed any more");
    EQ(repeats_ect, 0, "no repeat was marked: RFC 3168 6.1.5");
    rig_finish(r, c, s);
}

int main(void)
{
    tap_begin(30);
    test_asked(0, 0, false);
    test_asked(TCP_ECE, 0, false);
    test_asked(TCP_CWR, 0, false);
    test_asked(TCP_ECE | TCP_CWR, 0, true);
    test_asked(TCP_ECE | TCP_CWR, 2, false);
    test_marked();
    return tap_end();
}
