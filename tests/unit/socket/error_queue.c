/* The error queue: IP_RECVERR and IPV6_RECVERR of datagrams and streams, IPV6_RECVPATHMTU,
 * IP_MTU_DISCOVER. The answers are those of tests/posix/udp/error_queue.c, which Linux passes; what
 * needs a router was read off Linux 6.18 with one. */
#include "net/icmp.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/ip6.h"
#include "world.h"

/* ---- a wire whose other end is the test ---- */

struct wire {
    struct hf_link link;
    struct hf_frame *sent[16];
    unsigned count;
};

static void wire_send(struct hf_link *link, struct hf_frame *f)
{
    struct wire *wire = (struct wire *)(void *)link;

    if (wire->count == 16)
        abort();
    wire->sent[wire->count++] = f;
}

static void wire_end(struct hf_link *link) {}

static void wire_attach(struct world *w, struct wire *wire)
{
    static const struct hf_link_ops ops = {.send = wire_send, .free = wire_end};
    struct hf_route all4 = {.prefix = "0.0.0.0/0", .via = "10.0.0.2", .link = &wire->link};
    struct hf_route all6 = {.prefix = "::/0", .via = "fd00::2", .link = &wire->link};

    *wire = (struct wire){.link = {.ops = &ops, .name = "wire", .mtu = 1500}};
    if (hf_stack_attach(w->st, &wire->link) || hf_addr_add(w->st, &wire->link, "10.0.0.1/24") ||
        hf_addr_add(w->st, &wire->link, "fd00::1/64") || hf_route_add(w->st, &all4) ||
        hf_route_add(w->st, &all6))
        abort();
}

static void wire_forget(struct wire *wire)
{
    while (wire->count)
        hf_frame_free(wire->sent[--wire->count]);
}

static struct ip_addr ip(const char *text)
{
    struct ip_addr a;

    if (!addr_parse(text, &a))
        abort();
    return a;
}

/* The router, 10.0.0.2 or fd00::2, says of the newest packet: type, code, info. */
static void wire_complain(struct world *w, struct wire *wire, uint8_t type, uint8_t code,
                          uint32_t info)
{
    const struct hf_frame *about = wire->sent[wire->count - 1];
    uint32_t quoted = about->len < 500 ? about->len : 500, icmp = ICMP_HEADER + quoted;
    struct icmp_header h = {.type = type, .code = code, .info = info};
    uint8_t bytes[1000] = {0}, *at;
    struct hf_frame *f = hf_frame_new(w->pool);
    uint8_t version;

    hf_frame_read(about, 0, &version, 1);
    if (version >> 4 == 4) {
        struct ip4_header ip4 = {.src = ip("10.0.0.2"), .dst = ip("10.0.0.1"), .ttl = 61, .tos = 8};

        ip4.proto = IP_PROTO_ICMP;
        ip4.total_bytes = (uint16_t)(IP4_HEADER + icmp);
        ip4_header_write(&ip4, bytes);
        at = bytes + IP4_HEADER;
    } else {
        struct ip6_header ip6 = {.src = ip("fd00::2"), .dst = ip("fd00::1"), .hop_limit = 61};

        ip6.next_header = IP_PROTO_ICMPV6;
        ip6.payload_bytes = (uint16_t)icmp;
        ip6_header_write(&ip6, bytes);
        at = bytes + IP6_HEADER;
    }
    icmp_header_write(&h, at);
    hf_frame_read(about, 0, at + ICMP_HEADER, quoted);
    if (version >> 4 == 4) {
        put16(at + 2, csum_finish(csum_add(0, at, icmp)));
    } else {
        struct ip_addr from = ip("fd00::2"), to = ip("fd00::1");

        put16(at + 2,
              csum_finish(csum_add(csum_pseudo(&from, &to, IP_PROTO_ICMPV6, icmp), at, icmp)));
    }
    if (!hf_frame_append(f, bytes, (uint32_t)(at - bytes) + icmp))
        abort();
    hf_link_input(&wire->link, f);
    hf_stack_poll(w->st, w->now);
}

/* ---- reading ---- */

struct told {
    int64_t n;
    int flags;
    uint32_t err, info;
    uint8_t origin, type, code, offender[28], bytes[64];
    uint32_t offender_len;
    struct name to;
    int first_level, first_type; /* of the first item, where there are more */
    uint8_t first[20];
};

static struct told take(struct hf_sock *sk, size_t room)
{
    struct told t = {.to.len = sizeof(t.to.u)};
    uint64_t control[64];
    struct hf_iovec iov = {t.bytes, room};
    struct hf_msg msg = {.iov = &iov,
                         .iov_len = 1,
                         .addr = &t.to.u,
                         .addr_len = sizeof(t.to.u),
                         .control = control,
                         .control_len = sizeof(control)};
    const uint8_t *p = (const uint8_t *)control;

    t.n = hf_sock_recv(sk, &msg, HF_MSG_ERRQUEUE);
    if (t.n < 0)
        return t;
    t.flags = msg.flags;
    t.to.len = msg.addr_len;
    for (size_t left = msg.control_len; left >= 16;) {
        uint64_t len = *(const uint64_t *)(const void *)p;
        int type = *(const int *)(const void *)(p + 12);

        if (type == HF_IP_RECVERR || type == HF_IPV6_RECVERR) {
            memcpy(&t.err, p + 16, 4);
            t.origin = p[20];
            t.type = p[21];
            t.code = p[22];
            memcpy(&t.info, p + 24, 4);
            t.offender_len = (uint32_t)(len - 32);
            memcpy(t.offender, p + 32, t.offender_len);
        } else if (!t.first_type) {
            t.first_type = type;
            t.first_level = *(const int *)(const void *)(p + 8);
            memcpy(t.first, p + 16, len - 16 < 20 ? len - 16 : 20);
        }
        len = (len + 7) & ~7ull;
        p += len;
        left -= len < left ? len : left;
    }
    return t;
}

static bool is_at(const struct name *n, const char *addr, uint16_t port)
{
    struct name want = name_at(addr, port);

    return n->len == want.len && !memcmp(&n->u, &want.u, want.len);
}

static bool offends(const struct told *t, const char *addr)
{
    struct name want = name_at(addr, 0);

    return t->offender_len == want.len && !memcmp(t->offender, &want.u, want.len);
}

static bool has_error(struct hf_sock *sk)
{
    return (hf_sock_poll(sk) & HF_POLLERR) != 0;
}

static int pending(struct hf_sock *sk)
{
    return sock_ask(sk, HF_SOL_SOCKET, HF_SO_ERROR);
}

static struct hf_sock *asking(struct world *w, bool v6, int type)
{
    struct hf_sock *sk = sock_at(w, v6 ? AF_INET6 : AF_INET, type, NULL, 0);

    if (sock_set(sk, v6 ? HF_SOL_IPV6 : HF_SOL_IP, v6 ? HF_IPV6_RECVERR : HF_IP_RECVERR, 1))
        abort();
    return sk;
}

/* ---- datagrams ---- */

static void refused(bool v6)
{
    const char *lo = v6 ? "::1" : "127.0.0.1";
    struct world w;
    struct hf_sock *u;
    struct told t;

    world_init(&w);
    u = asking(&w, v6, SOCK_DGRAM);
    EQ(take(u, 64).n, -HF_EAGAIN, "an empty queue is EAGAIN");
    EQ(sock_dial(u, lo, 9), 0, "connected to nobody");
    EQ(sock_put(u, "abc", 3), 3, "a datagram");
    run(&w, HF_MS);
    OK(has_error(u), "POLLERR");
    EQ(pending(u), HF_ECONNREFUSED, "SO_ERROR tells and is taken");
    OK(has_error(u), "the queue keeps POLLERR up");
    t = take(u, 2);
    EQ(t.n, 2, "as many bytes as there is room for");
    OK(!memcmp(t.bytes, "ab", 2), "of what was sent");
    EQ(t.flags, HF_MSG_ERRQUEUE | HF_MSG_TRUNC, "and it is told that there were more");
    EQ(t.err, HF_ECONNREFUSED, "its errno");
    EQ(t.origin, v6 ? 3 : 2, "from ICMP");
    EQ(t.type, v6 ? 1 : 3, "its type");
    EQ(t.code, v6 ? 4 : 3, "its code");
    EQ(t.info, 0, "nothing more");
    OK(is_at(&t.to, lo, 9), "where it was sent");
    OK(offends(&t, lo), "and who says so");
    OK(!has_error(u), "then nothing is left");
    EQ(take(u, 64).n, -HF_EAGAIN, "in the queue either");
    world_fini(&w);
}

static void several(bool v6)
{
    const char *lo = v6 ? "::1" : "127.0.0.1";
    int level = v6 ? HF_SOL_IPV6 : HF_SOL_IP, name = v6 ? HF_IPV6_RECVERR : HF_IP_RECVERR;
    struct world w;
    struct hf_sock *u;

    world_init(&w);
    u = asking(&w, v6, SOCK_DGRAM);
    for (size_t i = 1; i <= 3; i++) {
        EQ(sock_put_to(u, "abc", i, lo, 9), (int64_t)i, "a datagram to nobody");
        run(&w, HF_MS);
        EQ(pending(u), HF_ECONNREFUSED, "is refused");
    }
    EQ(take(u, 64).n, 1, "the oldest first");
    EQ(pending(u), HF_ECONNREFUSED, "then the next one's error is pending");
    EQ(take(u, 64).n, 2, "the next");
    EQ(sock_set(u, level, name, 0), 0, "nobody asks any more");
    EQ(take(u, 64).n, -HF_EAGAIN, "so the queue is dropped");
    EQ(pending(u), HF_ECONNREFUSED, "but the pending error stays");
    OK(!has_error(u), "until it is taken");
    world_fini(&w);
}

static void mapped(void)
{
    struct world w;
    struct hf_sock *u;
    struct told t;

    world_init(&w);
    u = asking(&w, true, SOCK_DGRAM);
    EQ(sock_put_to(u, "abc", 3, "::ffff:127.0.0.1", 9), 3, "to a mapped address");
    run(&w, HF_MS);
    EQ(take(u, 64).n, -HF_EAGAIN, "IPV6_RECVERR does not ask for IPv4's errors");
    EQ(sock_set(u, HF_SOL_IP, HF_IP_RECVERR, 1), 0, "IP_RECVERR");
    EQ(sock_put_to(u, "abc", 3, "::ffff:127.0.0.1", 9), 3, "once more");
    run(&w, HF_MS);
    t = take(u, 64);
    EQ(t.n, 3, "does");
    EQ(t.origin, 2, "from ICMP");
    OK(is_at(&t.to, "::ffff:127.0.0.1", 9) && offends(&t, "::ffff:127.0.0.1"), "in IPv6's form");
    world_fini(&w);
}

/* What a router says: who, what, by which link, with which TTL. */
static void by_a_router(bool v6)
{
    const char *far = v6 ? "2001:db8::9" : "192.0.2.9", *router = v6 ? "fd00::2" : "10.0.0.2";
    int level = v6 ? HF_SOL_IPV6 : HF_SOL_IP;
    struct wire wire;
    struct world w;
    struct hf_sock *u;
    struct told t;

    world_init(&w);
    wire_attach(&w, &wire);
    u = asking(&w, v6, SOCK_DGRAM);
    EQ(sock_set(u, level, v6 ? HF_IPV6_RECVPKTINFO : HF_IP_PKTINFO, 1), 0, "PKTINFO too");
    EQ(sock_put_to(u, "abc", 3, far, 9), 3, "a datagram");
    wire_complain(&w, &wire, v6 ? 1 : 3, v6 ? 0 : 1, 0);
    EQ(pending(u), v6 ? HF_ENETUNREACH : HF_EHOSTUNREACH, "unreachable is an error to who asks");
    t = take(u, 64);
    EQ(t.n, 3, "what was sent");
    OK(is_at(&t.to, far, 9) && offends(&t, router), "to whom, and the router says so");
    EQ(t.first_type, v6 ? HF_IPV6_PKTINFO : HF_IP_PKTINFO, "PKTINFO comes first");
    if (v6)
        OK(t.first[0] == 0xfd && t.first[15] == 1 && t.first[16] == wire.link.index, "to fd00::1");
    else
        OK(t.first[0] == wire.link.index && t.first[4] == 0 && t.first[8] == 10, "to 10.0.0.1");
    wire_forget(&wire);
    hf_stack_detach(w.st, &wire.link);
    world_fini(&w);
}

/* ---- sizes ---- */

static void too_long_for_udp(bool v6)
{
    static char bytes[70000];
    const char *lo = v6 ? "::1" : "127.0.0.1";
    struct world w;
    struct hf_sock *u;
    struct told t;

    world_init(&w);
    u = asking(&w, v6, SOCK_DGRAM);
    EQ(sock_put_to(u, bytes, v6 ? 65528 : 65508, lo, 9), -HF_EMSGSIZE, "a byte too many");
    EQ(pending(u), 0, "nothing is pending");
    OK(has_error(u), "but the queue has it");
    t = take(u, 64);
    EQ(t.err, HF_EMSGSIZE, "EMSGSIZE");
    EQ(t.origin, 1, "by ourselves");
    OK(t.offender[0] == 0 && t.offender[1] == 0, "so there is no offender");
    OK(is_at(&t.to, lo, v6 ? 9 : 0), "Linux: IPv4 tells the connected peer's port");
    OK(!has_error(u), "it is told once");
    EQ(sock_put_to(u, bytes, sizeof(bytes), lo, 9), -HF_EMSGSIZE, "far too many");
    EQ(take(u, 64).n, v6 ? 0 : -HF_EAGAIN, "are told by IPv6 alone");
    world_fini(&w);
}

/* IP_MTU_DISCOVER, before and after a router has said 1400. */
static void discovery(bool v6)
{
    static const struct {
        int how;
        bool told;           /* the router's word is an error */
        int mtu;             /* what IP_MTU says then */
        int64_t sends, then; /* 3000 bytes at first, 1450 then */
        unsigned pieces, df; /* of the 1450, where they are sent; DF of 100 bytes over IPv4 */
    } rows[] = {
        {HF_IP_PMTUDISC_DONT, false, 1400, 3000, 1450, 2, 0},
        {HF_IP_PMTUDISC_WANT, true, 1400, 3000, 1450, 2, 1},
        {HF_IP_PMTUDISC_DO, true, 1400, -HF_EMSGSIZE, -HF_EMSGSIZE, 0, 1},
        {HF_IP_PMTUDISC_PROBE, true, 1400, -HF_EMSGSIZE, 1450, 1, 1},
        {HF_IP_PMTUDISC_INTERFACE, true, 1500, -HF_EMSGSIZE, 1450, 1, 0},
        {HF_IP_PMTUDISC_OMIT, true, 1500, 3000, 1450, 1, 0},
    };
    static char bytes[3000];
    int level = v6 ? HF_SOL_IPV6 : HF_SOL_IP;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wire wire;
        struct world w;
        struct hf_sock *u;
        uint8_t flags = 0;
        bool told = v6 && rows[i].how == HF_IP_PMTUDISC_DONT ? true : rows[i].told;

        if (v6 && rows[i].how >= HF_IP_PMTUDISC_INTERFACE)
            told = false;
        world_init(&w);
        wire_attach(&w, &wire);
        u = asking(&w, v6, SOCK_DGRAM);
        EQ(sock_set(u, level, v6 ? HF_IPV6_MTU_DISCOVER : HF_IP_MTU_DISCOVER, rows[i].how), 0,
           "MTU_DISCOVER");
        EQ(sock_ask(u, level, v6 ? HF_IPV6_MTU : HF_IP_MTU), -HF_ENOTCONN, "no MTU without a peer");
        EQ(sock_dial(u, v6 ? "2001:db8::9" : "192.0.2.9", 9), 0, "a peer");
        EQ(sock_put(u, bytes, 3000), rows[i].sends, "3000 bytes");
        EQ(take(u, 64).n, rows[i].sends < 0 ? 0 : -HF_EAGAIN, "what is refused is told");
        wire_forget(&wire);
        EQ(sock_put(u, bytes, 100), 100, "100 bytes");
        hf_frame_read(wire.sent[0], 6, &flags, 1);
        if (!v6)
            EQ(flags >> 6, rows[i].df, "with or without DF");
        wire_complain(&w, &wire, v6 ? 2 : 3, v6 ? 0 : 4, 1400);
        EQ(pending(u), told ? HF_EMSGSIZE : 0, "a router says 1400");
        EQ(take(u, 64).info, told ? 1400 : 0, "and the queue");
        EQ(sock_ask(u, level, v6 ? HF_IPV6_MTU : HF_IP_MTU), rows[i].mtu, "IP_MTU");
        wire_forget(&wire);
        EQ(sock_put(u, bytes, 1450), rows[i].then, "1450 bytes");
        EQ(wire.count, rows[i].pieces, "in so many pieces");
        wire_forget(&wire);
        hf_stack_detach(w.st, &wire.link);
        world_fini(&w);
    }
}

/* RFC 3542 11.2, 11.3. */
static void path_mtu_message(void)
{
    static char bytes[2000];
    uint64_t control[16];
    struct name from = {.len = sizeof(from.u)};
    struct hf_iovec iov = {bytes, sizeof(bytes)};
    struct hf_msg msg = {.iov = &iov,
                         .iov_len = 1,
                         .addr = &from.u,
                         .addr_len = sizeof(from.u),
                         .control = control,
                         .control_len = sizeof(control)};
    uint32_t mtu = 0, info[8] = {0}, len = sizeof(info);
    struct wire wire;
    struct world w;
    struct hf_sock *u;

    world_init(&w);
    wire_attach(&w, &wire);
    u = sock_at(&w, AF_INET6, SOCK_DGRAM, NULL, 0);
    EQ(sock_put_to(u, bytes, 2000, "2001:db8::9", 9), 2000, "large ones are cut");
    EQ(sock_set(u, HF_SOL_IPV6, HF_IPV6_DONTFRAG, 1), 0, "IPV6_DONTFRAG");
    EQ(sock_put_to(u, bytes, 2000, "2001:db8::9", 9), -HF_EMSGSIZE, "and then are not");
    EQ(hf_sock_recv(u, &msg, 0), -HF_EAGAIN, "nobody asked how much would go");
    EQ(sock_set(u, HF_SOL_IPV6, HF_IPV6_RECVPATHMTU, 1), 0, "IPV6_RECVPATHMTU");
    EQ(sock_put_to(u, bytes, 2000, "2001:db8::9", 9), -HF_EMSGSIZE, "EMSGSIZE again");
    msg.control_len = sizeof(control);
    msg.addr_len = sizeof(from.u);
    EQ(hf_sock_recv(u, &msg, 0), 0, "an empty message");
    EQ(msg.control_len, 48, "with an item");
    EQ(((int *)control)[3], HF_IPV6_PATHMTU, "IPV6_PATHMTU");
    memcpy(&mtu, (char *)control + 16 + 28, 4);
    EQ(mtu, 1500, "that says how much would go");
    OK(is_at(&from, "2001:db8::9", 0), "and whereto");
    EQ(hf_sock_recv(u, &msg, 0), -HF_EAGAIN, "once");
    EQ(hf_sock_getsockopt(u, HF_SOL_IPV6, HF_IPV6_PATHMTU, info, &len), -HF_ENOTCONN, "no peer");
    EQ(sock_dial(u, "2001:db8::9", 9), 0, "a peer");
    EQ(hf_sock_getsockopt(u, HF_SOL_IPV6, HF_IPV6_PATHMTU, info, &len), 0, "IPV6_PATHMTU");
    EQ(info[7], 1500, "of the path");
    wire_forget(&wire);
    hf_stack_detach(w.st, &wire.link);
    world_fini(&w);
}

/* The receive buffer bounds it; without memory it is dropped and counted. */
static void bounds(bool v6)
{
    static char bytes[70000];
    const char *lo = v6 ? "::1" : "127.0.0.1";
    struct world w;
    struct hf_sock *u;
    int n = 0;

    world_init(&w);
    u = asking(&w, v6, SOCK_DGRAM);
    EQ(sock_set(u, HF_SOL_SOCKET, HF_SO_RCVBUF, 4096), 0, "a small buffer");
    for (int i = 0; i < 1000; i++)
        if (sock_put_to(u, bytes, v6 ? 65528 : 65508, lo, 9) != -HF_EMSGSIZE)
            abort();
    OK(hf_stack_drops(w.st, HF_DROP_ERR_QUEUE) > 0, "what has no room is counted");
    while (take(u, 64).n == 0)
        n++;
    EQ(n + (int)hf_stack_drops(w.st, HF_DROP_ERR_QUEUE), 1000, "the rest is there");
    w.env.fail_from = w.env.allocs + 1;
    EQ(sock_put_to(u, bytes, v6 ? 65528 : 65508, lo, 9), -HF_EMSGSIZE, "without memory too");
    EQ(take(u, 64).n, -HF_EAGAIN, "but it is not told");
    w.env.fail_from = 0;
    world_fini(&w);
}

/* ---- streams ---- */

/* An open that ICMP ends. Linux queues IPv4's whether or not it is asked to. */
static void opening(bool v6, bool asks)
{
    const char *far = v6 ? "2001:db8::9" : "192.0.2.9";
    struct wire wire;
    struct world w;
    struct hf_sock *sk;
    struct told t;

    world_init(&w);
    wire_attach(&w, &wire);
    sk = asks ? asking(&w, v6, SOCK_STREAM)
              : sock_at(&w, v6 ? AF_INET6 : AF_INET, SOCK_STREAM, NULL, 0);
    EQ(sock_dial(sk, far, 80), -HF_EINPROGRESS, "a connect");
    wire_complain(&w, &wire, v6 ? 1 : 3, v6 ? 3 : 1, 0);
    OK(has_error(sk), "ICMP ends it");
    t = take(sk, 20);
    if (v6 && !asks) {
        EQ(t.n, -HF_EAGAIN, "IPv6: nothing is queued for who did not ask");
        EQ(hf_sock_connect_result(sk), -HF_EHOSTUNREACH, "connect() says why");
    } else {
        EQ(t.n, 20, "the segment's header is queued");
        EQ(get16(t.bytes + 2), 80, "from its ports on");
        EQ(t.err, HF_EHOSTUNREACH, "and why");
        OK(is_at(&t.to, far, 80), "and whereto");
        OK(!has_error(sk), "reading it takes the pending error (Linux: sock_dequeue_err_skb)");
        EQ(hf_sock_connect_result(sk), -HF_ECONNABORTED, "so connect() does not know it any more");
    }
    wire_forget(&wire);
    hf_sock_close(sk);
    hf_stack_detach(w.st, &wire.link);
    world_fini(&w);
}

int main(void)
{
    tap_begin(30);
    for (int v6 = 0; v6 < 2; v6++) {
        refused(v6);
        several(v6);
        by_a_router(v6);
        too_long_for_udp(v6);
        discovery(v6);
        bounds(v6);
        opening(v6, false);
        opening(v6, true);
    }
    mapped();
    path_mtu_message();
    return tap_end();
}
