/* UDP sockets of one host: over its loopback link, and over a wire whose other end is the test. */
#include <string.h>

#include "handfast/linux.h"
#include "net/icmp.h"
#include "net/link.h"
#include "tap.h"
#include "testenv.h"
#include "transport/udp.h"
#include "wire/bytes.h"
#include "wire/ip6.h"
#include "wire/udp.h"

struct host {
    struct testenv env;
    struct core core;
    struct net net;
    struct udp udp;
    struct hf_link wire;
    struct hf_frame *sent[64];
    unsigned count;
};

static unsigned events;

static void on_event(struct udp_pcb *up)
{
    events++;
}

static bool wanted(struct udp_pcb *up)
{
    return true;
}

static void wire_send(struct hf_link *link, struct hf_frame *f)
{
    struct host *h = container_of(link, struct host, wire);

    if (h->count == HF_COUNT(h->sent))
        abort();
    h->sent[h->count++] = f;
}

static void wire_free(struct hf_link *link) {}

static struct ip_addr ip(const char *text)
{
    struct ip_addr a;

    if (!addr_parse(text, &a))
        abort();
    return a;
}

static struct endpoint at(const char *text, uint16_t port)
{
    return (struct endpoint){.addr = ip(text), .port = port};
}

static struct host *host_new(uint16_t port_min, uint16_t port_max)
{
    static const struct udp_up up = {on_event, wanted};
    static const struct hf_link_ops ops = {.send = wire_send, .free = wire_free};
    struct host *h = calloc(1, sizeof(*h));
    struct ip_addr a4 = ip("10.0.0.1"), a6 = ip("fd00::1");

    h->core.env = testenv_env(&h->env);
    core_set_now(&h->core, 1000 * HF_S);
    h->core.pool = hf_frame_pool_new(&h->core.env);
    keyhash_init(&h->core.tables, h->core.key);
    wheel_init(&h->core.wheel, h->core.now);
    h->wire = (struct hf_link){.ops = &ops, .name = "wire", .mtu = 1500};
    if (net_init(&h->net, &h->core) || net_attach(&h->net, &h->wire) ||
        net_addr_add(&h->net, &h->wire, &a4, 96 + 24) || net_addr_add(&h->net, &h->wire, &a6, 64) ||
        udp_init(&h->udp, &h->core, &h->net, &up, port_min, port_max))
        abort();
    events = 0;
    return h;
}

static void forget_sent(struct host *h)
{
    while (h->count)
        hf_frame_free(h->sent[--h->count]);
}

static void host_end(struct host *h, const char *name)
{
    forget_sent(h);
    EQ(h->core.stats.udp_sockets, 0, name);
    udp_fini(&h->udp);
    net_fini(&h->net);
    hf_frame_pool_free(h->core.pool);
    EQ(h->env.out, 0, "all memory is given back");
    free(h);
}

static int64_t send_text(struct udp_pcb *up, const struct endpoint *to, const char *text)
{
    struct hf_iovec iov = {(void *)(uintptr_t)text, strlen(text)};

    struct udp_how how = {.dst = to, .ttl = -1, .tos = -1};

    return udp_send(up, &how, &iov, 1);
}

static int64_t send_len(struct udp_pcb *up, const struct endpoint *to, size_t len)
{
    static uint8_t bytes[70000];
    struct udp_how how = {.dst = to, .ttl = -1, .tos = -1};
    struct hf_iovec iov[3] = {{bytes, len / 3}, {bytes, 0}, {bytes + len / 3, len - len / 3}};

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 7 + i / 251);
    return udp_send(up, &how, iov, 3);
}

static bool front_is(const struct udp_pcb *up, const char *text)
{
    const struct hf_frame *f = udp_front(up);
    char got[64];

    if (!f || f->len != strlen(text))
        return false;
    hf_frame_read(f, 0, got, f->len);
    return !memcmp(got, text, f->len);
}

/* Says that the newest frame on the wire met an ICMP error, sent by the 10.0.0.2 or fd00::2 there.
 */
static void tell_error(struct host *h, enum icmp_error_kind kind, uint8_t code, uint32_t info)
{
    const struct hf_frame *f = h->sent[h->count - 1];
    bool is4 = f->head[0] >> 4 == 4;
    uint8_t bytes[IP6_HEADER + UDP_HEADER];
    struct icmp_error e = {.kind = kind, .code = code, .info = info, .proto = IP_PROTO_UDP};
    uint32_t header = is4 ? IP4_HEADER : IP6_HEADER;

    hf_frame_read(f, 0, bytes, header + UDP_HEADER);
    e.src = is4 ? addr_from4(bytes + 12) : addr_from6(bytes + 8);
    e.dst = is4 ? addr_from4(bytes + 16) : addr_from6(bytes + 24);
    e.reporter = e.dst;
    e.quoted = bytes + header;
    e.quoted_len = UDP_HEADER;
    e.link = &h->wire;
    h->net.up[IP_PROTO_UDP].error(h->net.up[IP_PROTO_UDP].ctx, &e);
}

/* ---- the cases ---- */

static void test_exchange(bool is6)
{
    const char *lo = is6 ? "::1" : "127.0.0.1";
    struct host *h = host_new(32768, 60999);
    struct udp_pcb server, client, other;
    struct ip_addr any = is6 ? ADDR_ANY6 : ADDR_ANY4;
    struct endpoint to = at(lo, 53), unspecified = {.addr = any, .port = 53}, back;

    udp_pcb_init(&h->udp, &server, is6, false);
    udp_pcb_init(&h->udp, &client, is6, false);
    udp_pcb_init(&h->udp, &other, is6, false);
    EQ(udp_bind(&server, &any, 53), 0, "bind to any address, port 53");
    EQ(udp_connect(&client, &unspecified), 0, "connect to the unspecified address");
    OK(addr_eq(&client.pcb.entry.raddr, &to.addr), "it means loopback");
    OK(addr_eq(&client.pcb.entry.laddr, &to.addr), "the local address is the path's source (C04)");
    OK(client.pcb.entry.lport >= 32768, "connect chooses a port (NetSem connect_7)");
    EQ(send_text(&client, NULL, "hello"), 5, "send to the peer");
    net_poll(&h->net);
    EQ(events, 1, "the server is told");
    OK(front_is(&server, "hello"), "the payload arrives");
    EQ(udp_dgram(udp_front(&server))->src_port, client.pcb.entry.lport, "with its sender's port");
    OK(addr_eq(&udp_dgram(udp_front(&server))->dst, &to.addr), "and its destination");
    udp_pop(&server);
    EQ(server.queued_bytes, 0, "popping gives the buffer back");

    back = (struct endpoint){.addr = client.pcb.entry.laddr, .port = client.pcb.entry.lport};
    EQ(send_text(&server, &back, "peer"), 4, "the server answers");
    EQ(send_text(&other, &back, "foreign"), 7, "somebody else sends there too");
    net_poll(&h->net);
    net_poll(&h->net);
    OK(front_is(&client, "peer") && client.queued == 1, "only the peer's datagram is delivered");
    EQ(h->core.drops[HF_DROP_UDP_NO_PORT], 1, "the foreign one meets no port (deliver_in_udp)");
    EQ(other.pcb.err, 0, "an unconnected sender is not told");

    EQ(send_len(&client, NULL, 0), 0, "an empty datagram is sent");
    net_poll(&h->net);
    OK(udp_front(&server) && !udp_front(&server)->len, "and is one");
    udp_close(&server);
    udp_close(&client);
    udp_close(&other);
    host_end(h, is6 ? "IPv6 exchange ends" : "IPv4 exchange ends");
}

static void test_errors(bool is6)
{
    struct host *h = host_new(32768, 60999);
    struct udp_pcb up;
    struct endpoint nobody = at(is6 ? "::1" : "127.0.0.1", 9);
    struct hf_iovec none = {NULL, 0};

    udp_pcb_init(&h->udp, &up, is6, false);
    EQ(udp_send(&up, &(struct udp_how){0}, &none, 1), -HF_EDESTADDRREQ, "no peer: EDESTADDRREQ");
    OK(up.pcb.entry.lport != 0, "though the port has been chosen, as on Linux");
    EQ(udp_connect(&up, &nobody), 0, "connect where nobody is");
    EQ(send_text(&up, NULL, "x"), 1, "the first send goes out");
    net_poll(&h->net);
    net_poll(&h->net);
    EQ(up.pcb.err, HF_ECONNREFUSED, "port unreachable comes back (RFC 1122 4.1.3.3)");
    EQ(udp_connect(&up, &nobody), 0, "connecting again does not take the error (connect_10)");
    EQ(send_text(&up, &nobody, "x"), -HF_ECONNREFUSED, "the next send does");
    EQ(up.pcb.err, 0, "once");
    nobody.port = 0;
    EQ(send_text(&up, &nobody, "x"), -HF_EINVAL, "send to port 0: EINVAL");
    EQ(udp_connect(&up, &nobody), 0, "connect to port 0 is allowed (connect_9)");
    udp_close(&up);
    host_end(h, "errors end");
}

static void test_disconnect(void)
{
    static const struct {
        const char *laddr; /* NULL: no bind */
        uint16_t port;
        bool keeps_addr, keeps_port;
        const char *name;
    } rows[] = {
        {NULL, 0, false, false, "unbound: address and port are given up (C07)"},
        {"127.0.0.1", 0, true, false, "bound to an address: it stays, the port goes (C09)"},
        {"0.0.0.0", 7000, false, true, "bound to a port: it stays, the address goes (C09)"},
        {"127.0.0.1", 7000, true, true, "bound to both: both stay (C09)"},
    };
    struct endpoint peer = at("127.0.0.1", 53);

    for (size_t i = 0; i < HF_COUNT(rows); i++) {
        struct host *h = host_new(32768, 60999);
        struct udp_pcb up;
        struct ip_addr laddr = ip(rows[i].laddr ? rows[i].laddr : "0.0.0.0");
        int err;

        udp_pcb_init(&h->udp, &up, false, false);
        err = rows[i].laddr ? udp_bind(&up, &laddr, rows[i].port) : 0;
        err |= udp_connect(&up, &peer);
        udp_disconnect(&up);
        OK(!err && addr_is_any(&up.pcb.entry.laddr) == !rows[i].keeps_addr &&
               up.pcb.entry.lport == (rows[i].keeps_port ? 7000 : 0) &&
               addr_is_any(&up.pcb.entry.raddr) && !up.is_connected,
           rows[i].name);
        EQ(up.pcb.entry.kind, rows[i].keeps_port ? DEMUX_BOUND : DEMUX_NONE,
           "found by its port only if it has one");
        EQ(udp_connect(&up, &peer), 0, "and can connect anew");
        udp_close(&up);
        host_end(h, "disconnect ends");
    }
}

static void test_refusals(void)
{
    struct host *h = host_new(40000, 40000);
    struct udp_pcb a, b, only6;
    struct ip_addr six = ip("::1");
    struct endpoint bcast = at("127.255.255.255", 9), far = at("192.0.2.1", 9);
    struct endpoint near = at("127.0.0.1", 9);

    udp_pcb_init(&h->udp, &a, false, false);
    udp_pcb_init(&h->udp, &b, false, false);
    udp_pcb_init(&h->udp, &only6, true, true); /* as bind() makes it */
    EQ(udp_connect(&a, &bcast), -HF_EACCES, "broadcast without SO_BROADCAST: EACCES");
    EQ(a.pcb.entry.lport, 40000, "the port is bound by then");
    EQ(send_text(&a, &bcast, "x"), -HF_EACCES, "send to broadcast: EACCES");
    EQ(udp_connect(&b, &near), -HF_EAGAIN, "connect without a free port: EAGAIN (connect_5c)");
    EQ(send_text(&b, &near, "x"), -HF_EAGAIN, "send without a free port: EAGAIN");
    EQ(udp_connect(&a, &far), -HF_ENETUNREACH, "no route: ENETUNREACH (connect_5d)");
    OK(!a.is_connected, "which leaves no peer");
    EQ(udp_bind(&only6, &six, 9), 0, "an IPv6 socket bound to ::1");
    EQ(udp_connect(&only6, &near), -HF_ENETUNREACH, "has no way to an IPv4 address");
    udp_close(&a);
    udp_close(&b);
    udp_close(&only6);
    host_end(h, "refusals end");
}

static void test_sizes(bool is6)
{
    size_t most = is6 ? 65527 : 65507;
    struct host *h = host_new(32768, 60999);
    struct udp_pcb up, server;
    struct endpoint lo = at(is6 ? "::1" : "127.0.0.1", 53);
    struct endpoint far = at(is6 ? "fd00::2" : "10.0.0.2", 53);
    unsigned pieces;

    udp_pcb_init(&h->udp, &up, is6, false);
    udp_pcb_init(&h->udp, &server, is6, false);
    EQ(udp_bind(&server, &lo.addr, 53), 0, "a server");
    EQ(send_len(&up, &lo, most + 1), -HF_EMSGSIZE, "one byte too many: EMSGSIZE");
    EQ(send_len(&up, &lo, 70000), -HF_EMSGSIZE, "far too many: EMSGSIZE");
    EQ(send_len(&up, &lo, most), (long long)most, "the most that a datagram holds is sent");
    for (int i = 0; i < 4; i++)
        net_poll(&h->net);
    if (OK(udp_front(&server) && udp_front(&server)->len == most, "and arrives whole")) {
        uint8_t b[2];

        hf_frame_read(udp_front(&server), 40000, b, 2);
        EQ(b[0], (uint8_t)(40000 * 7 + 40000 / 251), "with its bytes in order");
    }
    EQ(send_len(&up, &far, 3000), 3000, "more than the MTU is sent");
    pieces = h->count;
    EQ(pieces, 3, "in fragments");
    EQ(send_len(&up, &far, 100), 100, "what fits is sent");
    EQ(h->count, pieces + 1, "whole");
    if (!is6)
        EQ(h->sent[pieces]->head[6] & 0x40, 0x40, "with DF, by Linux's IP_PMTUDISC_WANT");
    up.pcb.pmtudisc4 = up.pcb.pmtudisc6 = HF_IP_PMTUDISC_DO;
    EQ(send_len(&up, &far, 3000), -HF_EMSGSIZE, "IP_PMTUDISC_DO beyond the MTU: EMSGSIZE");
    udp_close(&up);
    udp_close(&server);
    host_end(h, "sizes end");
}

/* NetSem deliver_in_icmp_2, deliver_in_icmp_3, deliver_in_icmp_5. */
static void test_icmp(void)
{
    static const struct {
        bool is6, recv_err;
        enum icmp_error_kind kind;
        uint8_t code;
        uint32_t link_flags;
        int err;
        const char *name;
    } rows[] = {
        {0, 0, ICMP_ERR_PORT_UNREACH, 3, 0, HF_ECONNREFUSED, "port unreachable: ECONNREFUSED"},
        {1, 0, ICMP_ERR_PORT_UNREACH, 4, 0, HF_ECONNREFUSED, "IPv6 port unreachable: ECONNREFUSED"},
        {0, 0, ICMP_ERR_HOST_UNREACH, 1, 0, 0, "host unreachable is not fatal"},
        {0, 1, ICMP_ERR_HOST_UNREACH, 1, 0, HF_EHOSTUNREACH, "IP_RECVERR: host unreachable"},
        {0, 0, ICMP_ERR_NET_UNREACH, 0, 0, 0, "network unreachable is not fatal"},
        {1, 0, ICMP_ERR_NET_UNREACH, 0, 0, 0, "IPv6 no route is not fatal"},
        {1, 1, ICMP_ERR_NET_UNREACH, 0, 0, HF_ENETUNREACH, "IPV6_RECVERR: no route"},
        {0, 0, ICMP_ERR_PROHIBITED, 13, 0, HF_EHOSTUNREACH, "prohibited: EHOSTUNREACH"},
        {0, 0, ICMP_ERR_PROHIBITED, 13, HF_LINK_HOST, HF_EACCES, "prohibited by the host: EACCES"},
        {1, 0, ICMP_ERR_PROHIBITED, 1, 0, HF_EACCES, "IPv6 prohibited: EACCES"},
        {0, 0, ICMP_ERR_TIME_EXCEEDED, 0, 0, 0, "time exceeded is not fatal"},
        {0, 0, ICMP_ERR_QUENCH, 0, 0, 0, "source quench is ignored (RFC 6633)"},
        {0, 0, ICMP_ERR_TOO_BIG, 4, 0, HF_EMSGSIZE, "fragmentation needed: EMSGSIZE"},
        {1, 0, ICMP_ERR_TOO_BIG, 0, 0, HF_EMSGSIZE, "packet too big: EMSGSIZE"},
    };

    for (size_t i = 0; i < HF_COUNT(rows); i++) {
        struct host *h = host_new(32768, 60999);
        struct udp_pcb up;
        struct endpoint far = at(rows[i].is6 ? "fd00::2" : "10.0.0.2", 53);
        int err;

        h->wire.flags |= rows[i].link_flags;
        udp_pcb_init(&h->udp, &up, rows[i].is6, false);
        up.pcb.recv_err = rows[i].recv_err && !rows[i].is6;
        up.pcb.recv_err6 = rows[i].recv_err && rows[i].is6;
        err = udp_connect(&up, &far);
        if (!err && send_text(&up, NULL, "x") == 1)
            tell_error(h, rows[i].kind, rows[i].code, 1300);
        EQ(up.pcb.err, rows[i].err, rows[i].name);
        EQ(events, rows[i].err != 0, "an event tells of it");
        if (rows[i].kind == ICMP_ERR_TOO_BIG)
            EQ(path_mtu(up.pcb.path), 1300, "the path takes less from now on (RFC 1191 3)");
        udp_close(&up);
        host_end(h, "icmp ends");
    }
}

static void test_queue(void)
{
    struct host *h = host_new(32768, 60999);
    struct udp_pcb server, client;
    struct endpoint to = at("127.0.0.1", 53), back;

    udp_pcb_init(&h->udp, &server, false, false);
    udp_pcb_init(&h->udp, &client, false, false);
    server.rcvbuf = 1;
    EQ(udp_bind(&server, &to.addr, 53), 0, "a server with the least buffer");
    EQ(send_text(&client, &to, "first"), 5, "send");
    EQ(send_text(&client, &to, "second"), 6, "send again");
    net_poll(&h->net);
    OK(server.queued == 1 && front_is(&server, "first"), "one datagram always fits");
    EQ(h->core.drops[HF_DROP_UDP_RCVBUF], 1, "the next is dropped and counted");
    back = at("127.0.0.1", 99);
    EQ(udp_connect(&server, &back), 0, "the server connects elsewhere");
    OK(front_is(&server, "first"), "what was queued before stays readable");
    EQ(send_text(&client, &to, "late"), 4, "the client, now foreign, sends");
    net_poll(&h->net);
    EQ(server.queued, 1, "and is not heard");
    h->env.fail_from = 1;
    hf_frame_pool_trim(h->core.pool);
    while (send_len(&client, &to, 3000) == 3000)
        net_poll(&h->net);
    EQ(send_len(&client, &to, 3000), -HF_ENOBUFS, "without memory: ENOBUFS");
    h->env.fail_from = 0;
    EQ(send_len(&client, &to, 3000), 3000, "with it: sent");
    net_poll(&h->net);
    udp_close(&server);
    udp_close(&client);
    host_end(h, "queue ends");
}

static void test_checksums(void)
{
    static const struct {
        bool is6;
        uint16_t sum;
        unsigned taken;
        enum hf_drop drop;
        uint16_t len;
        const char *name;
    } rows[] = {
        {0, 0, 1, HF_DROP_COUNT, 9, "IPv4 without a checksum is taken (RFC 1122 4.1.3.4)"},
        {0, 1, 0, HF_DROP_UDP_CSUM, 9, "IPv4 with a wrong one is not"},
        {1, 0, 0, HF_DROP_UDP_CSUM, 9, "IPv6 without a checksum is not (RFC 8200 8.1)"},
        {0, 0, 0, HF_DROP_UDP_BAD, 10, "a length beyond the packet is malformed"},
        {0, 0, 0, HF_DROP_UDP_BAD, 7, "a length below the header is malformed"},
    };

    for (size_t i = 0; i < HF_COUNT(rows); i++) {
        struct host *h = host_new(32768, 60999);
        struct udp_pcb up;
        struct ip_addr any = rows[i].is6 ? ADDR_ANY6 : ADDR_ANY4;
        struct ip_info info = {.src = ip(rows[i].is6 ? "fd00::2" : "10.0.0.2"),
                               .dst = ip(rows[i].is6 ? "fd00::1" : "10.0.0.1"),
                               .link = &h->wire,
                               .proto = IP_PROTO_UDP,
                               .dst_is_unicast = true};
        struct udp_header header = {1000, 53, rows[i].len, rows[i].sum};
        struct hf_frame *f = hf_frame_new(h->core.pool);

        udp_pcb_init(&h->udp, &up, rows[i].is6, false);
        if (udp_bind(&up, &any, 53) || !hf_frame_append(f, "12345678x", 9))
            abort();
        udp_header_write(&header, f->head);
        h->net.up[IP_PROTO_UDP].input(h->net.up[IP_PROTO_UDP].ctx, &info, f);
        OK(up.queued == rows[i].taken &&
               (rows[i].drop == HF_DROP_COUNT || h->core.drops[rows[i].drop] == 1),
           rows[i].name);
        udp_close(&up);
        host_end(h, "checksums end");
    }
}

int main(void)
{
    tap_begin(30);
    for (int is6 = 0; is6 < 2; is6++) {
        test_exchange(is6);
        test_errors(is6);
        test_sizes(is6);
    }
    test_disconnect();
    test_refusals();
    test_icmp();
    test_queue();
    test_checksums();
    return tap_end();
}
