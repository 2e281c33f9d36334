/* What stands around the bytes of a connection: addresses, type of service, time to live, checksum,
 * MSS and the padding of options. RFC 9293 3.1, 3.7.1, 3.9.1, 3.9.2 */
#include "talk.h"

/* The newest packet of each host's, as IP has it. */
static struct {
    struct ip_addr src;
    uint8_t tos, ttl;
} last[2];
static int spoil; /* so many frames with payload get a wrong byte */

static enum verdict look(struct rig *r, struct host *to, struct hf_frame *f, const struct seen *s)
{
    bool is4 = f->head[0] >> 4 == 4;

    last[s->from].src = is4 ? ADDR_ANY4 : ADDR_ANY6;
    memcpy(last[s->from].src.b + (is4 ? 12 : 0), f->head + (is4 ? 12 : 8), is4 ? 4 : 16);
    last[s->from].tos = is4 ? f->head[1] : (uint8_t)(f->head[0] << 4 | f->head[1] >> 4);
    last[s->from].ttl = f->head[is4 ? 8 : 7];
    if (s->len > 100 && spoil) {
        spoil--;
        f->head[f->head_len - 1] ^= 1;
    }
    return PASS;
}

/* RFC 9293 MUST-2, MUST-3: by a link that does not do it for us */
static void test_checksum(bool v6)
{
    struct rig *r = rig_new();
    struct sock *c, *s;

    r->a.link.flags = r->b.link.flags = 0;
    spoil = 0;
    rig_pair(r, v6, &c, &s);
    r->filter = look;
    OK(rig_transfer(r, c, s, 100000, HF_S), "bytes go with checksums");
    EQ(r->b.core.drops[HF_DROP_TCP_CSUM], 0, "all of which are right");
    spoil = 3;
    OK(rig_transfer(r, c, s, 100000, 5 * HF_S), "some are changed on the way");
    EQ(spoil, 0, "three segments");
    EQ(r->b.core.drops[HF_DROP_TCP_CSUM], 3, "which are dropped and counted");
    rig_finish(r, c, s);
}

/* RFC 9293 MUST-48, SHLD-21, SHLD-22, MUST-49 */
static void test_tos_and_ttl(bool v6)
{
    struct rig *r = rig_new();
    struct sock *l = rig_listen(&r->b, v6, 80, 1), *s;
    struct sock *c = sock_new(&r->a, v6);
    struct endpoint dst = {.addr = r->b.addr[v6], .port = 80};
    struct pcb_ip *ip = v6 ? &c->tcb.pcb.ip6 : &c->tcb.pcb.ip4;

    r->filter = look;
    ip->tos = 0xb8;
    ip->ttl = 7;
    EQ(tcp_open_active(&c->tcb, &dst, 0), 0, "connect with a type of service and a time to live");
    rig_run(r, 10 * HF_MS);
    EQ(last[0].tos, 0xb8, "the SYN has that service");
    EQ(last[0].ttl, 7, "and lives so long");
    EQ(last[1].tos, 0, "each end has its own");
    EQ(last[1].ttl, 64, "64 hops unless it is told otherwise");
    s = rig_accept(l);
    ip->tos = 0x20;
    ip->ttl = 200;
    OK(rig_transfer(r, c, s, 5000, HF_S), "changed in the midst of the connection");
    EQ(last[0].tos, 0x20, "its segments have the new one");
    EQ(last[0].ttl, 200, "and live longer");
    tcp_close(&l->tcb, false);
    rig_finish(r, c, s);
}

/* RFC 9293 MUST-43, MUST-44, MUST-45: whose address stands on the segments */
static void test_source(bool v6)
{
    struct rig *r = rig_new();
    struct ip_addr second = rig_ip(v6 ? "fd00::9" : "10.0.0.9"), first = r->a.addr[v6];
    struct ip_addr third = rig_ip(v6 ? "fd00::7" : "10.0.0.7");
    struct endpoint dst = {.addr = r->b.addr[v6], .port = 80};
    struct sock *l = rig_listen(&r->b, v6, 80, 2), *c = sock_new(&r->a, v6), *s;

    r->filter = look;
    OK(!net_addr_add(&r->a.net, &r->a.link, &second, v6 ? 64 : 96 + 24) &&
           !net_addr_add(&r->b.net, &r->b.link, &third, v6 ? 64 : 96 + 24),
       "both have a second address");
    if (ports_bind(&r->a.tcp.ports, &c->tcb.pcb, &second, 0))
        abort();
    c->tcb.pcb.addr_bound = c->tcb.pcb.port_bound = 1;
    EQ(tcp_open_active(&c->tcb, &dst, 0), 0, "connect from one that was given");
    rig_run(r, 10 * HF_MS);
    OK(addr_eq(&last[0].src, &second), "the SYN comes from there");
    s = rig_accept(l);
    if (net_addr_add(&r->a.net, &r->a.link, &third, v6 ? 64 : 96 + 24))
        abort(); /* the routes have changed: the path is found anew */
    OK(rig_transfer(r, c, s, 5000, HF_S) && addr_eq(&last[0].src, &second), "as do bytes");
    tcp_close(&l->tcb, false);
    rig_finish(r, c, s);

    r = rig_new();
    r->filter = look;
    if (net_addr_add(&r->b.net, &r->b.link, &third, v6 ? 64 : 96 + 24))
        abort();
    l = rig_listen(&r->b, v6, 80, 2);
    c = rig_connect(&r->a, &third, 80);
    rig_run(r, 10 * HF_MS);
    OK(addr_eq(&last[0].src, &first), "without one IP chooses it");
    OK(addr_eq(&last[1].src, &third), "a listener answers from where it was called");
    s = rig_accept(l);
    tcp_close(&l->tcb, false);
    if (net_addr_add(&r->a.net, &r->a.link, &second, v6 ? 64 : 96 + 24))
        abort(); /* the routes have changed: the path is found anew */
    OK(rig_transfer(r, c, s, 5000, HF_S) && rig_transfer(r, s, c, 5000, HF_S), "bytes go");
    OK(addr_eq(&last[0].src, &first) && addr_eq(&last[1].src, &third),
       "neither end's address changes any more");
    rig_finish(r, c, s);
}

/* RFC 9293 MUST-14, MUST-15, MUST-16: what the peer takes, and the way */
static void test_peer_mss(bool v6)
{
    static const struct {
        const char *name;
        bool tells;
        uint16_t mss;
        uint32_t way; /* the path's MTU, 0: the link's */
        uint16_t v4, v6;
    } rows[] = {
        {"a peer that tells nothing takes the default", false, 0, 0, 536, 1220},
        {"one that tells takes that", true, 1000, 0, 1000, 1000},
        {"the link takes less", true, 9000, 0, 1460, 1440},
        {"the path takes less than both", true, 9000, 1300, 1260, 1240},
        {"the peer takes less than the path", true, 700, 1300, 700, 700},
    };
    static uint8_t bytes[9000];

    for (size_t i = 0; i < HF_COUNT(rows); i++) {
        struct tcp_header h = {.window = 60000, .has_mss = rows[i].tells, .mss = rows[i].mss};
        uint16_t want = v6 ? rows[i].v6 : rows[i].v4;
        unsigned longer = 0, full = 0;
        struct talk p;

        talk_open(&p, rig_new(), v6, &h);
        if (rows[i].way) {
            OK(path_lower_mtu(p.c->tcb.pcb.path, rows[i].way), "the path's MTU is lower");
            options_sync_mss(&p.c->tcb);
        }
        EQ(tcp_mss(&p.c->tcb), want, rows[i].name);
        talk_hears(&p, bytes, 9000);
        for (unsigned k = 0; k < p.r->seen_count; k++) {
            longer += p.r->seen[k].len > want;
            full += p.r->seen[k].len == want;
        }
        OK(!longer && full > 1, "and gets no more at once, nor less");
        talk_end(&p);
    }
}

/* RFC 9293 MUST-67, MUST-65, SHLD-5, MAY-3, RFC 6691: what we tell, and where */
static void test_own_mss(bool v6, uint32_t mtu)
{
    struct rig *r = rig_new();
    struct sock *c, *s;
    unsigned wrong = 0;

    r->a.link.mtu = r->b.link.mtu = mtu;
    rig_pair(r, v6, &c, &s);
    OK(r->seen[0].h.has_mss && r->seen[1].h.has_mss, "both SYNs tell the MSS");
    EQ(r->seen[0].h.mss, mtu - (v6 ? 60 : 40), "what the link takes, without headers");
    EQ(r->seen[1].h.mss, mtu - (v6 ? 60 : 40), "by either end");
    r->seen_count = 0;
    OK(rig_transfer(r, c, s, 50000, HF_S), "bytes go");
    tcp_shut_send(&c->tcb) == 0 ? rig_run(r, HF_S) : abort();
    for (unsigned i = 0; i < r->seen_count; i++)
        wrong += r->seen[i].h.header_bytes != 32;
    EQ(wrong, 0, "later segments have timestamps, and no other option");
    rig_finish(r, c, s);
}

int main(void)
{
    tap_begin(60);
    for (int v6 = 0; v6 < 2; v6++) {
        test_checksum(v6);
        test_tos_and_ttl(v6);
        test_source(v6);
        test_peer_mss(v6);
        test_own_mss(v6, 1500);
        test_own_mss(v6, v6 ? 1280 : 576);
    }
    return tap_end();
}
