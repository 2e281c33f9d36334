/* Netlink sockets of a stack: dumps in several datagrams, full queues, memory that fails, links and
 * routes that a machine's loopback does not have. */
#include <net/if_arp.h>

#include "handfast/links.h"
#include "netlink/answer.h"
#include "netlink/numbers.h"
#include "unit/socket/world.h"

static uint8_t got[1 << 17];
static int64_t got_len;

static struct hf_sock *opened(struct world *w)
{
    struct hf_sock *sk;

    if (hf_sock_new(w->st, AF_NETLINK, SOCK_RAW, 0, &sk))
        abort();
    return sk;
}

/* A request: a body and one attribute (0: none). */
static int64_t ask(struct hf_sock *sk, uint16_t type, uint16_t flags, const void *body,
                   uint32_t len, uint16_t attr, const void *value, uint16_t n)
{
    uint8_t bytes[256] = {0};
    struct nl_header h = {NL_HEADER + len, type, (uint16_t)(NL_F_REQUEST | flags), 7, 0};
    uint16_t head[2] = {(uint16_t)(NL_ATTR + n), attr};
    struct hf_iovec iov = {bytes, 0};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};

    memcpy(bytes + NL_HEADER, body, len);
    if (attr) {
        memcpy(bytes + NL_HEADER + nl_padded(len), head, sizeof(head));
        memcpy(bytes + NL_HEADER + nl_padded(len) + NL_ATTR, value, n);
        h.len = NL_HEADER + nl_padded(len) + NL_ATTR + n;
    }
    memcpy(bytes, &h, sizeof(h));
    iov.len = h.len;
    return hf_sock_send(sk, &msg, 0);
}

static int64_t hear(struct hf_sock *sk)
{
    got_len = sock_get(sk, got, sizeof(got));
    return got_len;
}

/* The error that the first message of what was heard tells; 1: it tells none. */
static int error_of(void)
{
    struct request rq;
    int error = 1;

    if (got_len > 0 && request_read(got, (size_t)got_len, &rq) &&
        (rq.head.type == NL_ERROR || rq.head.type == NL_DONE))
        memcpy(&error, got + NL_HEADER, sizeof(error));
    return error;
}

struct heard {
    int datagrams, messages, longest, end; /* end: NLMSG_DONE's error, 1: it did not come */
};

static struct heard hear_all(struct hf_sock *sk)
{
    struct heard all = {.end = 1};

    while (hear(sk) > 0) {
        struct request rq;

        all.datagrams++;
        all.longest = HF_MAX(all.longest, (int)got_len);
        for (size_t at = 0; request_read(got + at, (size_t)got_len - at, &rq);
             at += nl_padded(rq.head.len)) {
            if (rq.head.type == NL_DONE)
                memcpy(&all.end, request_body(&rq), sizeof(all.end));
            else
                all.messages++;
        }
    }
    return all;
}

static const uint8_t route4[12] = {AF_INET, 32}, route6[12] = {AF_INET6, 128}, any_route[12];

static void add_route(struct world *w, const char *prefix, enum hf_route_kind kind)
{
    const struct hf_route r = {.prefix = prefix, .kind = kind};

    if (hf_route_add(w->st, &r))
        abort();
}

static void a_dump_goes_into_several_datagrams(void)
{
    struct heard before, after;
    struct hf_sock *sk;
    struct world w;
    char prefix[64];

    world_init(&w);
    sk = opened(&w);
    EQ(ask(sk, RT_GETROUTE, NL_F_DUMP, any_route, 12, 0, NULL, 0), 28, "asks for all routes");
    before = hear_all(sk);
    for (int i = 0; i < 500; i++) {
        snprintf(prefix, sizeof(prefix), "2001:db8:%x::/48", i);
        add_route(&w, prefix, HF_ROUTE_BLACKHOLE);
        snprintf(prefix, sizeof(prefix), "10.%d.%d.0/24", i / 250, i % 250);
        add_route(&w, prefix, HF_ROUTE_UNREACHABLE);
    }
    EQ(ask(sk, RT_GETROUTE, NL_F_DUMP, any_route, 12, 0, NULL, 0), 28, "asks for many routes");
    after = hear_all(sk);
    EQ(after.messages - before.messages, 1000, "all are told");
    EQ(after.end, 0, "and then that these were all");
    OK(after.datagrams > 10, "in several datagrams");
    OK(after.longest <= PART_BYTES, "none of which is longer than a page");
    hf_sock_close(sk);
    world_fini(&w);
}

static void full_queues(void)
{
    struct hf_sock *sk;
    struct world w;
    int sent = 0, answered = 0, busy = 0;

    world_init(&w);
    sk = opened(&w);
    EQ(sock_set(sk, SOL_SOCKET, SO_RCVBUF, 20000), 0, "a small buffer");
    while (sent < 100 && sock_ask(sk, SOL_SOCKET, SO_ERROR) == 0) {
        if (ask(sk, RT_GETROUTE, 0, route4, 12, 0, NULL, 0) < 0)
            break;
        sent++;
    }
    OK(sent > 5 && sent < 100, "what is not read comes to an end");
    while (hear(sk) > 0)
        answered++;
    OK(answered > 0 && answered < sent, "what had room is there");
    EQ(sock_set(sk, HF_SOL_NETLINK, NL_NO_ENOBUFS, 1), 0, "NETLINK_NO_ENOBUFS");
    for (int i = 0; i < 100; i++)
        (void)!ask(sk, RT_GETROUTE, 0, route4, 12, 0, NULL, 0);
    EQ(sock_ask(sk, SOL_SOCKET, SO_ERROR), 0, "tells nothing of it");
    EQ(ask(sk, RT_GETROUTE, NL_F_DUMP, any_route, 12, 0, NULL, 0), 28, "a dump in a full queue");
    while (hear(sk) > 0)
        busy += error_of() == -HF_EBUSY;
    EQ(busy, 0, "has no room for its error either");
    EQ(ask(sk, RT_GETROUTE, NL_F_DUMP, any_route, 12, 0, NULL, 0), 28, "in an empty one");
    EQ(hear_all(sk).end, 0, "it is answered");
    hf_sock_close(sk);
    world_fini(&w);
}

static void ways(void)
{
    static const struct {
        const char *addr;
        int error; /* 1: there is a way */
        const char *name;
    } rows[] = {
        {"127.0.0.1", 1, "to loopback"},
        {"::1", 1, "to loopback over IPv6"},
        {"10.1.2.3", -HF_EHOSTUNREACH, "an unreachable route"},
        {"10.2.2.3", -HF_EACCES, "a prohibit route"},
        {"10.3.2.3", -HF_EINVAL, "a blackhole"},
        {"10.4.2.3", -HF_ENETUNREACH, "no route"},
        {"2001:db8::1", -HF_ENETUNREACH, "no route over IPv6"},
        {"fd00:1::1", -HF_EHOSTUNREACH, "an unreachable route over IPv6"},
    };
    struct hf_sock *sk;
    struct world w;
    uint8_t addr[16];

    world_init(&w);
    add_route(&w, "10.1.0.0/16", HF_ROUTE_UNREACHABLE);
    add_route(&w, "10.2.0.0/16", HF_ROUTE_PROHIBIT);
    add_route(&w, "10.3.0.0/16", HF_ROUTE_BLACKHOLE);
    add_route(&w, "fd00:1::/32", HF_ROUTE_UNREACHABLE);
    sk = opened(&w);
    for (size_t i = 0; i < HF_COUNT(rows); i++) {
        bool is6 = strchr(rows[i].addr, ':');

        inet_pton(is6 ? AF_INET6 : AF_INET, rows[i].addr, addr);
        (void)!ask(sk, RT_GETROUTE, 0, is6 ? route6 : route4, 12, RTA_DST_, addr, is6 ? 16 : 4);
        hear(sk);
        EQ(error_of(), rows[i].error, rows[i].name);
    }
    hf_sock_close(sk);
    world_fini(&w);
}

/* The attribute of the message that was heard last; NULL: it has none. */
static const uint8_t *attr(uint32_t header, unsigned type, uint32_t len)
{
    static struct attrs a;
    struct request rq;

    if (got_len <= 0 || !request_read(got, (size_t)got_len, &rq))
        return NULL;
    request_attrs(&rq, header, &a);
    return attr_len(&a, type) == len ? attr_value(&a, type) : NULL;
}

static void swallow(struct hf_link *link, struct hf_frame *f)
{
    hf_frame_free(f);
}

static void leave(struct hf_link *link) {}

static void an_ethernet_link(void)
{
    static const struct hf_link_ops ops = {.send = swallow, .free = leave};
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 9}, by_index[16] = {[4] = 2},
                         addrs[8] = {AF_INET};
    static const uint8_t neigh[12] = {AF_INET, [4] = 2}, peer[4] = {10, 9, 0, 7};
    struct hf_link link = {.ops = &ops, .name = "eth9", .mtu = 1400, .flags = HF_LINK_ETHERNET};
    struct hf_sock *sk, *u;
    struct world w;
    uint16_t state = 0;

    memcpy(link.mac, mac, sizeof(mac));
    world_init(&w);
    if (hf_stack_attach(w.st, &link) || hf_addr_add(w.st, &link, "10.9.0.2/24"))
        abort();
    sk = opened(&w);
    (void)!ask(sk, RT_GETLINK, 0, by_index, 16, 0, NULL, 0);
    OK(hear(sk) > 0 && attr(16, IFLA_IFNAME_, 5) && !memcmp(attr(16, IFLA_IFNAME_, 5), "eth9", 5),
       "its name");
    OK(attr(16, IFLA_ADDRESS_, 6) && !memcmp(attr(16, IFLA_ADDRESS_, 6), mac, 6), "its MAC");
    OK(attr(16, IFLA_BROADCAST_, 6) && attr(16, IFLA_BROADCAST_, 6)[5] == 255, "all MACs");
    EQ(got[NL_HEADER + 2], ARPHRD_ETHER, "its type");
    (void)!ask(sk, RT_GETADDR, NL_F_DUMP, addrs, 8, 0, NULL, 0);
    EQ(hear_all(sk).messages, 2, "loopback's address and its own");
    u = sock_at(&w, AF_INET, SOCK_DGRAM, NULL, 0);
    EQ(sock_put_to(u, "x", 1, "10.9.0.7", 9), 1, "a datagram to a neighbour");
    (void)!ask(sk, RT_GETNEIGH, 0, neigh, 12, NDA_DST_, peer, 4);
    hear(sk);
    memcpy(&state, got + NL_HEADER + 8, sizeof(state));
    EQ(state, NUD_INCOMPLETE_, "who has been asked for");
    OK(!attr(12, NDA_LLADDR_, 6), "and has not answered");
    (void)!ask(sk, RT_GETNEIGH, NL_F_DUMP, any_route, 12, 0, NULL, 0);
    EQ(hear_all(sk).messages, 1, "is the only one");
    hf_sock_close(sk);
    hf_sock_close(u);
    hf_stack_detach(w.st, &link);
    world_fini(&w);
}

/* Only the administrator hears that nothing can be changed; others that they may not. */
static void changes(void)
{
    static const uint8_t link[16] = {[4] = 1};
    struct hf_sock *sk;
    struct world w;

    world_init(&w);
    sk = opened(&w);
    (void)!ask(sk, RT_NEWLINK, 0, link, 16, 0, NULL, 0);
    hear(sk);
    EQ(error_of(), -HF_EPERM, "a change by anybody");
    hf_sock_set_owner(sk, 0, true);
    (void)!ask(sk, RT_NEWLINK, 0, link, 16, 0, NULL, 0);
    hear(sk);
    EQ(error_of(), -HF_EOPNOTSUPP, "by the administrator");
    hf_sock_close(sk);
    world_fini(&w);
}

static void without_memory(void)
{
    struct world w;
    struct hf_sock *sk = NULL;
    uint64_t n = 0;
    bool is_defined = true;
    int64_t err;

    world_init(&w);
    do {
        w.env.fail_from = w.env.allocs + ++n;
        err = hf_sock_new(w.st, AF_NETLINK, SOCK_RAW, 0, &sk);
        if (!err) {
            err = ask(sk, RT_GETLINK, NL_F_DUMP, any_route, 12, 0, NULL, 0);
            w.env.fail_from = 0;
            is_defined = is_defined && (err > 0 || hear(sk) < 0);
            hf_sock_close(sk);
        }
        is_defined = is_defined && (err > 0 || err == -HF_ENOMEM || err == -HF_ENOBUFS);
    } while (err < 0 && n < 50);
    OK(err > 0 && n > 2, "with enough memory it is answered, and failed before");
    OK(is_defined, "a failed allocation is ENOMEM or ENOBUFS, and no answer comes");
    world_fini(&w);
}

int main(void)
{
    tap_begin(60);
    a_dump_goes_into_several_datagrams();
    full_queues();
    ways();
    an_ethernet_link();
    changes();
    without_memory();
    return tap_end();
}
