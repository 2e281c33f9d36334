/* Multicast: who hears what is sent, over loopback and back from a wire. The answers over loopback
 * are those of tests/posix/udp/multicast.c, which Linux passes. RFC 1112 6.1, RFC 3493 5.2. */
#include "world.h"

struct wire {
    struct hf_link link;
    unsigned sent;
};

static void wire_send(struct hf_link *link, struct hf_frame *f)
{
    ((struct wire *)(void *)link)->sent++;
    hf_frame_free(f);
}

static void wire_end(struct hf_link *link) {}

static void wire_attach(struct world *w, struct wire *wire)
{
    static const struct hf_link_ops ops = {.send = wire_send, .free = wire_end};
    struct hf_route all4 = {.prefix = "0.0.0.0/0", .link = &wire->link};

    *wire = (struct wire){.link = {.ops = &ops, .name = "wire", .mtu = 1500}};
    if (hf_stack_attach(w->st, &wire->link) || hf_addr_add(w->st, &wire->link, "10.0.0.1/24") ||
        hf_addr_add(w->st, &wire->link, "fd00::1/64") || hf_route_add(w->st, &all4))
        abort();
}

/* struct group_req: both families by one call. */
static int change(struct hf_sock *sk, bool joins, const char *group, uint32_t index)
{
    uint8_t req[136] = {0};
    struct name n = name_at(group, 0);
    int level = strchr(group, ':') ? HF_SOL_IPV6 : HF_SOL_IP;

    memcpy(req, &index, 4);
    memcpy(req + 8, &n.u, n.len);
    return hf_sock_setsockopt(sk, level, joins ? HF_MCAST_JOIN_GROUP : HF_MCAST_LEAVE_GROUP, req,
                              sizeof(req));
}

static struct hf_sock *member(struct world *w, const char *addr)
{
    int family = strchr(addr, ':') ? AF_INET6 : AF_INET;
    struct hf_sock *sk = sock_at(w, family, SOCK_DGRAM, NULL, 0);
    struct name n = name_at(addr, 5000);

    if (sock_set(sk, HF_SOL_SOCKET, HF_SO_REUSEADDR, 1) || hf_sock_bind(sk, &n.u, n.len))
        abort();
    return sk;
}

/* The one byte that came, 0: none. */
static int heard(struct hf_sock *sk)
{
    char c = 0;
    int64_t n = sock_get(sk, &c, 1);

    return n == 1 ? c : 0;
}

static void over_loopback(void)
{
    uint8_t by[12] = {0};
    uint32_t lo = 1;
    struct world w;
    struct hf_sock *any, *exact, *picky, *s;

    world_init(&w);
    any = member(&w, "0.0.0.0");
    exact = member(&w, "239.1.2.3");
    picky = member(&w, "0.0.0.0");
    s = sock_at(&w, AF_INET, SOCK_DGRAM, NULL, 0);
    memcpy(by + 8, &lo, 4);
    EQ(sock_put_to(s, "x", 1, "239.1.2.3", 5000), -HF_ENETUNREACH, "no route for a group");
    EQ(hf_sock_setsockopt(s, HF_SOL_IP, HF_IP_MULTICAST_IF, by, sizeof(by)), 0, "by loopback");
    EQ(sock_set(picky, HF_SOL_IP, HF_IP_MULTICAST_ALL, 0), 0, "IP_MULTICAST_ALL off");
    EQ(change(any, true, "239.1.2.3", 1), 0, "one joins");
    EQ(change(any, true, "239.1.2.3", 1), -HF_EADDRINUSE, "once");
    EQ(sock_put_to(s, "a", 1, "239.1.2.3", 5000), 1, "to the group");
    EQ(sock_put_to(s, "b", 1, "239.1.2.4", 5000), 1, "to another");
    run(&w, HF_MS);
    EQ(heard(any), 'a', "who joined hears the group");
    EQ(heard(any), 0, "once, and no other");
    EQ(heard(exact), 'a', "and so does who is bound to it");
    EQ(heard(picky), 0, "but not who wants his own only");
    EQ(change(picky, true, "239.1.2.3", 1), 0, "until he joins");
    EQ(change(any, false, "239.1.2.3", 1), 0, "the first leaves");
    EQ(sock_put_to(s, "c", 1, "239.1.2.3", 5000), 1, "to the group");
    run(&w, HF_MS);
    EQ(heard(picky), 'c', "the member hears");
    EQ(heard(any), 'c', "and with IP_MULTICAST_ALL everybody");
    hf_sock_close(picky);
    EQ(sock_put_to(s, "d", 1, "239.1.2.3", 5000), 1, "when the last has gone");
    run(&w, HF_MS);
    EQ(heard(any), 0, "nobody does");
    world_fini(&w);
}

/* What leaves by a wire comes back to members here, unless IP_MULTICAST_LOOP is off. */
static void back_from_a_wire(bool v6)
{
    const char *group = v6 ? "ff05::9" : "239.1.2.3";
    int level = v6 ? HF_SOL_IPV6 : HF_SOL_IP;
    struct wire wire;
    struct world w;
    struct hf_sock *any, *s;

    world_init(&w);
    wire_attach(&w, &wire);
    any = member(&w, v6 ? "::" : "0.0.0.0");
    s = sock_at(&w, v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, NULL, 0);
    EQ(sock_put_to(s, "a", 1, group, 5000), 1, "without members");
    run(&w, HF_MS);
    EQ(wire.sent, 1, "it goes out");
    EQ(heard(any), 0, "and nobody here hears it");
    EQ(change(any, true, group, wire.link.index), 0, "one joins");
    EQ(sock_put_to(s, "b", 1, group, 5000), 1, "then");
    run(&w, HF_MS);
    EQ(wire.sent, 2, "it goes out");
    EQ(heard(any), 'b', "and comes back");
    EQ(heard(any), 0, "once");
    EQ(sock_set(s, level, v6 ? HF_IPV6_MULTICAST_HOPS : HF_IP_MULTICAST_TTL, 0), 0, "no hops");
    EQ(sock_put_to(s, "c", 1, group, 5000), 1, "it is sent");
    run(&w, HF_MS);
    EQ(wire.sent, 2, "but not out");
    EQ(heard(any), 'c', "only back");
    EQ(sock_set(s, level, v6 ? HF_IPV6_MULTICAST_LOOP : HF_IP_MULTICAST_LOOP, 0), 0, "no loop");
    EQ(sock_put_to(s, "d", 1, group, 5000), 1, "it is sent");
    run(&w, HF_MS);
    EQ(heard(any), 0, "and not back either");
    hf_stack_detach(w.st, &wire.link);
    world_fini(&w);
}

/* struct group_source_req. */
static int by_source(struct hf_sock *sk, int name, const char *group, const char *source,
                     uint32_t index)
{
    uint8_t req[264] = {0};
    struct name g = name_at(group, 0), s = name_at(source, 0);
    int level = strchr(group, ':') ? HF_SOL_IPV6 : HF_SOL_IP;

    memcpy(req, &index, 4);
    memcpy(req + 8, &g.u, g.len);
    memcpy(req + 136, &s.u, s.len);
    return hf_sock_setsockopt(sk, level, name, req, sizeof(req));
}

static void say(struct world *w, const char *from, const char *group, const char *what)
{
    bool v6 = strchr(group, ':');
    struct hf_sock *s = sock_at(w, v6 ? AF_INET6 : AF_INET, SOCK_DGRAM, from, 0);

    if (sock_put_to(s, what, 1, group, 5000) != 1)
        abort();
    hf_sock_close(s);
    run(w, HF_MS);
}

/* RFC 3376 3.2, RFC 3810 4.2: what comes back to members that name sources. The answers over
 * loopback are those of tests/posix/udp/sources.c. */
static void by_sources(bool v6)
{
    const char *group = v6 ? "ff05::9" : "239.1.2.3";
    const char *first = v6 ? "fd00::1" : "10.0.0.1", *second = v6 ? "fd00::2" : "10.0.0.2";
    const char *any = v6 ? "::" : "0.0.0.0";
    struct hf_sock *chooses, *blocks, *all;
    struct wire wire;
    struct world w;
    uint32_t at;

    world_init(&w);
    wire_attach(&w, &wire);
    at = wire.link.index;
    if (hf_addr_add(w.st, &wire.link, v6 ? "fd00::2/64" : "10.0.0.2/24"))
        abort();
    chooses = member(&w, any);
    blocks = member(&w, any);
    all = member(&w, any);
    EQ(by_source(blocks, HF_MCAST_BLOCK_SOURCE, group, first, at), -HF_EINVAL, "before a join");
    EQ(by_source(chooses, HF_MCAST_JOIN_SOURCE_GROUP, group, first, at), 0, "join by source");
    say(&w, first, group, "a");
    say(&w, second, group, "b");
    EQ(heard(chooses), 'a', "the source is heard");
    EQ(heard(chooses), 0, "and no other");
    EQ(heard(all), 'a', "and by those who did not join");
    EQ(heard(all), 0, "for whom no other comes in");
    EQ(heard(blocks), 'a', "all of them");
    EQ(change(blocks, true, group, at), 0, "one joins the group");
    EQ(by_source(blocks, HF_MCAST_BLOCK_SOURCE, group, first, at), 0, "and blocks a source");
    say(&w, first, group, "c");
    say(&w, second, group, "d");
    EQ(heard(blocks), 'd', "it hears the other");
    EQ(heard(chooses), 'c', "who chose hears the one");
    EQ(heard(all) + heard(all), 'c' + 'd', "who did not join, both");
    EQ(by_source(chooses, HF_MCAST_LEAVE_SOURCE_GROUP, group, first, at), 0, "its only source");
    say(&w, first, group, "e");
    EQ(heard(all), 0, "which nobody hears then");
    hf_stack_detach(w.st, &wire.link);
    world_fini(&w);
}

/* Naming a source fails at each of its allocations in turn, and changes nothing. */
static void sources_without_memory(void)
{
    uint8_t filter[144 + 2 * 128] = {0};
    struct name g = name_at("ff05::9", 0);
    uint32_t one = 1, two = 2;
    int err = -HF_ENOBUFS;
    struct hf_sock *sk;
    struct world w;

    world_init(&w);
    sk = member(&w, "::");
    EQ(by_source(sk, HF_MCAST_JOIN_SOURCE_GROUP, "ff05::9", "fd00::1", 1), 0, "a source");
    for (uint64_t n = 1; err == -HF_ENOBUFS; n++) {
        w.env.fail_from = w.env.allocs + n;
        err = by_source(sk, HF_MCAST_JOIN_SOURCE_GROUP, "ff05::9", "fd00::2", 1);
    }
    EQ(err, 0, "another is ENOBUFS, until there is enough");
    memcpy(filter, &one, 4);
    memcpy(filter + 8, &g.u, g.len);
    memcpy(filter + 140, &two, 4);
    err = -HF_ENOBUFS;
    for (uint64_t n = 1; err == -HF_ENOBUFS; n++) {
        w.env.fail_from = w.env.allocs + n;
        err = hf_sock_setsockopt(sk, HF_SOL_IPV6, HF_MCAST_MSFILTER, filter, sizeof(filter));
    }
    w.env.fail_from = 0;
    EQ(err, 0, "a filter, too");
    world_fini(&w);
}

static void without_memory(void)
{
    struct world w;
    struct hf_sock *sk;
    int err = -HF_ENOBUFS;

    world_init(&w);
    sk = member(&w, "::");
    for (uint64_t n = 1; err; n++) {
        w.env.fail_from = w.env.allocs + n;
        err = change(sk, true, "ff05::9", 1);
        if (err && err != -HF_ENOBUFS)
            break;
    }
    w.env.fail_from = 0;
    EQ(err, 0, "joining without memory is ENOBUFS, until there is enough");
    EQ(change(sk, true, "ff05::9", 1), -HF_EADDRINUSE, "then it has joined");
    world_fini(&w);
}

int main(void)
{
    tap_begin(30);
    over_loopback();
    back_from_a_wire(false);
    back_from_a_wire(true);
    by_sources(false);
    by_sources(true);
    without_memory();
    sources_without_memory();
    return tap_end();
}
