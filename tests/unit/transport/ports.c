/* Who may hold which port: rows after Linux's inet_csk_bind_conflict, long random lives against a
 * list of holders that is walked, and the automatic ports to their last. */
#include "transport/ports.h"

#include "ports_test.h"
#include "transport/port_group.h"
#include "transport/port_place.h"

/* ---- two sockets and one port ---- */

enum { R = 1, P = 2, L = 4, V6ONLY = 8, V6 = 16 }; /* REUSEADDR, REUSEPORT, listens, ... */

struct side {
    const char *addr;
    unsigned how;
    uint32_t link;
};

/* C26, C18; each row is true both ways round unless it says otherwise. */
static const struct pair {
    const char *name;
    struct side first, second;
    int second_bind;
} pairs[] = {
    {"the same address", {"10.0.0.1", 0, 0}, {"10.0.0.1", 0, 0}, -HF_EADDRINUSE},
    {"different addresses", {"10.0.0.1", 0, 0}, {"10.0.0.2", 0, 0}, 0},
    {"any after an address", {"10.0.0.1", 0, 0}, {"0.0.0.0", 0, 0}, -HF_EADDRINUSE},
    {"an address after any", {"0.0.0.0", 0, 0}, {"10.0.0.1", 0, 0}, -HF_EADDRINUSE},
    {"both REUSEADDR", {"10.0.0.1", R, 0}, {"10.0.0.1", R, 0}, 0},
    {"both REUSEADDR, any and one", {"0.0.0.0", R, 0}, {"10.0.0.1", R, 0}, 0},
    {"REUSEADDR of the first only", {"0.0.0.0", R, 0}, {"0.0.0.0", 0, 0}, -HF_EADDRINUSE},
    {"REUSEADDR of the second only", {"0.0.0.0", 0, 0}, {"0.0.0.0", R, 0}, -HF_EADDRINUSE},
    {"REUSEADDR over a listener", {"0.0.0.0", R | L, 0}, {"0.0.0.0", R, 0}, -HF_EADDRINUSE},
    {"REUSEADDR over a listener elsewhere", {"10.0.0.1", R | L, 0}, {"10.0.0.2", R, 0}, 0},
    {"both REUSEPORT", {"0.0.0.0", P, 0}, {"0.0.0.0", P, 0}, 0},
    {"both REUSEPORT over a listener", {"0.0.0.0", P | L, 0}, {"0.0.0.0", P, 0}, 0},
    {"one REUSEPORT", {"0.0.0.0", P, 0}, {"0.0.0.0", 0, 0}, -HF_EADDRINUSE},
    {"REUSEPORT does not meet REUSEADDR", {"0.0.0.0", P, 0}, {"0.0.0.0", R, 0}, -HF_EADDRINUSE},
    {"both have both", {"0.0.0.0", R | P, 0}, {"0.0.0.0", R | P, 0}, 0},
    {"both over a listener", {"0.0.0.0", R | P | L, 0}, {"0.0.0.0", R | P, 0}, 0},
    {"IPv6: the same address", {"fd00::1", V6, 0}, {"fd00::1", V6, 0}, -HF_EADDRINUSE},
    {"IPv6: different addresses", {"fd00::1", V6, 0}, {"fd00::2", V6, 0}, 0},
    {"IPv6: any and an address", {"::", V6, 0}, {"fd00::1", V6, 0}, -HF_EADDRINUSE},
    {"IPv6: v6only any and an address", {"::", V6 | V6ONLY, 0}, {"fd00::1", V6, 0}, -HF_EADDRINUSE},
    {"IPv6: two v6only any", {"::", V6 | V6ONLY, 0}, {"::", V6 | V6ONLY, 0}, -HF_EADDRINUSE},
    {"IPv6: any and v6only any", {"::", V6, 0}, {"::", V6 | V6ONLY, 0}, -HF_EADDRINUSE},
    {":: takes IPv4's any", {"::", V6, 0}, {"0.0.0.0", 0, 0}, -HF_EADDRINUSE},
    {":: takes IPv4's addresses", {"::", V6, 0}, {"10.0.0.1", 0, 0}, -HF_EADDRINUSE},
    {":: of a mapped address too", {"::", V6, 0}, {"10.0.0.1", V6, 0}, -HF_EADDRINUSE},
    {":: beside IPv4 with REUSEADDR", {"::", V6 | R, 0}, {"0.0.0.0", R, 0}, 0},
    {"v6only :: leaves IPv4 alone", {"::", V6 | V6ONLY, 0}, {"0.0.0.0", 0, 0}, 0},
    {"v6only :: leaves mapped alone", {"::", V6 | V6ONLY, 0}, {"10.0.0.1", V6, 0}, 0},
    {"an IPv6 address leaves IPv4 alone", {"fd00::1", V6, 0}, {"0.0.0.0", 0, 0}, 0},
    {"mapped and IPv4, one address", {"10.0.0.1", V6, 0}, {"10.0.0.1", 0, 0}, -HF_EADDRINUSE},
    {"mapped any and IPv4", {"0.0.0.0", V6, 0}, {"10.0.0.1", 0, 0}, -HF_EADDRINUSE},
    {"two links", {"0.0.0.0", 0, 1}, {"0.0.0.0", 0, 2}, 0},
    {"one link twice", {"0.0.0.0", 0, 1}, {"0.0.0.0", 0, 1}, -HF_EADDRINUSE},
    {"a link and none", {"0.0.0.0", 0, 1}, {"0.0.0.0", 0, 0}, -HF_EADDRINUSE},
    {"none and a link", {"0.0.0.0", 0, 0}, {"10.0.0.1", 0, 2}, -HF_EADDRINUSE},
    {"a link and none, both REUSEADDR", {"0.0.0.0", R, 1}, {"0.0.0.0", R, 0}, 0},
};

static struct pcb *make(const struct side *s)
{
    struct pcb *p = pcb_new(s->how & V6);

    p->entry.reuse_addr = (s->how & R) != 0;
    p->entry.reuse_port = (s->how & P) != 0;
    p->entry.v6only = (s->how & V6ONLY) != 0;
    p->link_index = s->link;
    return p;
}

static void pairs_of_sockets(void)
{
    for (size_t i = 0; i < HF_COUNT(pairs); i++) {
        struct desk *d = desk_new(i, 32768, 60999, false);
        struct pcb *a = make(&pairs[i].first), *b = make(&pairs[i].second);
        struct ip_addr at = ip(pairs[i].first.addr), to = ip(pairs[i].second.addr);
        bool good = !ports_bind(&d->ports, a, &at, 80) &&
                    (!(pairs[i].first.how & L) || !ports_listen(&d->ports, a));

        good = good && ports_bind(&d->ports, b, &to, 80) == pairs[i].second_bind;
        OK(good, pairs[i].name);
        pcb_end(d, a);
        pcb_end(d, b);
        desk_end(d, "and nothing stays");
    }
}

/* C22: two REUSEADDR sockets bind, the second listen() fails; with REUSEPORT both listen. */
static void second_listener(unsigned how, int want, const char *name)
{
    struct desk *d = desk_new(how, 32768, 60999, false);
    struct side s = {"0.0.0.0", how, 0};
    struct pcb *a = make(&s), *b = make(&s);

    EQ(ports_bind(&d->ports, a, &ADDR_ANY4, 80), 0, "one binds");
    EQ(ports_bind(&d->ports, b, &ADDR_ANY4, 80), 0, "another binds");
    EQ(ports_listen(&d->ports, a), 0, "one listens");
    EQ(ports_listen(&d->ports, b), want, name);
    EQ(b->entry.is_listening, want == 0, "is_listening says so");
    a->entry.is_listening = 0;
    ports_changed(&d->ports, a);
    EQ(ports_listen(&d->ports, b), 0, "when the first does not listen any more it may");
    pcb_end(d, a);
    pcb_end(d, b);
    desk_end(d, "no port is held any more");
}

static void listen_after_the_other_gave_up_reuse(void)
{
    struct desk *d = desk_new(1, 32768, 60999, false);
    struct side s = {"0.0.0.0", R, 0};
    struct pcb *a = make(&s), *b = make(&s);

    EQ(ports_bind(&d->ports, a, &ADDR_ANY4, 80), 0, "one binds");
    EQ(ports_bind(&d->ports, b, &ADDR_ANY4, 80), 0, "another binds");
    a->entry.reuse_addr = 0;
    ports_changed(&d->ports, a);
    EQ(ports_listen(&d->ports, b), -HF_EADDRINUSE, "listen() looks at the options of now");
    pcb_end(d, a);
    EQ(ports_listen(&d->ports, b), 0, "its port is free when the other has gone");
    pcb_end(d, b);
    desk_end(d, "no port is held any more");
}

/* ---- long lives against a list ---- */

#define ACTORS 48

static const char *const places[] = {"0.0.0.0", "10.0.0.1", "10.0.0.2", "127.0.0.1",
                                     "::",      "fd00::1",  "fd00::2",  "::1"};

static bool same(const struct ip_addr *a, const struct ip_addr *b)
{
    return addr_eq(a, b);
}

/* Linux: ipv6_rcv_saddr_equal and ipv4_rcv_saddr_equal, wildcards matching. */
static bool meet(const struct ip_addr *a, bool a_only, const struct ip_addr *b, bool b_only)
{
    if (addr_is4(a) && addr_is4(b))
        return same(a, b) || addr_is_any(a) || addr_is_any(b);
    if (addr_is4(a))
        return addr_is_any(b) && !b_only;
    if (addr_is4(b))
        return addr_is_any(a) && !a_only;
    return same(a, b) || addr_is_any(a) || addr_is_any(b);
}

/* Linux: inet_bind_conflict, of sockets of one user. */
static bool model_conflicts(struct pcb *const *actors, const struct pcb *sk,
                            const struct ip_addr *laddr, uint16_t port)
{
    for (int i = 0; i < ACTORS; i++) {
        const struct pcb *sk2 = actors[i];

        if (sk2 == sk || sk2->entry.port_hold == PORT_NONE || sk2->entry.lport != port)
            continue;
        if (sk->link_index && sk2->link_index && sk->link_index != sk2->link_index)
            continue;
        if (!meet(laddr, sk->entry.v6only, &sk2->entry.laddr, sk2->entry.v6only))
            continue;
        if (sk->entry.reuse_addr && sk2->entry.reuse_addr && !sk2->entry.is_listening)
            continue;
        if (sk->entry.reuse_port && sk2->entry.reuse_port)
            continue;
        return true;
    }
    return false;
}

static bool try_bind(struct desk *d, struct pcb *const *actors, struct pcb *p)
{
    struct ip_addr at;
    uint16_t port = (uint16_t)(80 + testenv_below(&d->env, 3));
    int want, got;

    do
        at = ip(places[testenv_below(&d->env, HF_COUNT(places))]);
    while (!addr_is4(&at) && !pcb_is_v6(p));
    want = model_conflicts(actors, p, &at, port) ? -HF_EADDRINUSE : 0;
    got = ports_bind(&d->ports, p, &at, port);
    return got == want && (got || (p->entry.lport == port && same(&p->entry.laddr, &at)));
}

static bool try_listen(struct desk *d, struct pcb *const *actors, struct pcb *p)
{
    bool is_free = !model_conflicts(actors, p, &p->entry.laddr, p->entry.lport);
    bool good = (ports_listen(&d->ports, p) == 0) == is_free;

    return good && p->entry.is_listening == is_free;
}

/* What setsockopt, connect and AF_UNSPEC do to a holder. */
static void change(struct desk *d, struct pcb *p)
{
    uint32_t what = testenv_below(&d->env, 4);

    if (what == 0)
        p->entry.reuse_addr ^= 1;
    else if (what == 1)
        p->entry.reuse_port ^= 1;
    else if (what == 2)
        p->link_index = testenv_below(&d->env, 3);
    else if (addr_is_any(&p->entry.laddr))
        p->entry.laddr = addr_is4(&p->entry.laddr) ? ip("10.0.0.1") : ip("fd00::1");
    else
        p->entry.laddr = addr_is4(&p->entry.laddr) ? ADDR_ANY4 : ADDR_ANY6;
    ports_changed(&d->ports, p);
}

static bool step(struct desk *d, struct pcb **actors)
{
    struct pcb *p = actors[testenv_below(&d->env, ACTORS)];
    uint32_t what = testenv_below(&d->env, 8);

    if (p->entry.port_hold == PORT_NONE) {
        p->entry.reuse_addr = testenv_below(&d->env, 4) != 0;
        p->entry.reuse_port = testenv_below(&d->env, 2) != 0;
        p->entry.v6only = pcb_is_v6(p) && testenv_below(&d->env, 2);
        p->link_index = testenv_below(&d->env, 4) ? 0 : 1 + testenv_below(&d->env, 2);
        return try_bind(d, actors, p);
    }
    if (what < 3)
        change(d, p);
    else if (what < 5 && !p->entry.is_listening)
        return try_listen(d, actors, p);
    else if (what == 7) {
        ports_release(&d->ports, &p->entry);
        p->entry.is_listening = 0;
    }
    return true;
}

static void lives_against_a_list(void)
{
    struct desk *d = desk_new(42, 32768, 60999, false);
    struct pcb *actors[ACTORS];
    int bad = 0;

    for (int i = 0; i < ACTORS; i++)
        actors[i] = pcb_new(i % 2);
    for (int i = 0; i < 60000; i++)
        bad += !step(d, actors);
    EQ(bad, 0, "60000 binds, listens and changes of mind agree with a walk over all holders");
    for (int i = 0; i < ACTORS; i++)
        pcb_end(d, actors[i]);
    desk_end(d, "all memory is given back");
}

/* ---- what a bind costs ---- */

#define OWNERS 20000

/* However many hold the port, a bind asks as many counts. */
static void many_owners_are_a_few_numbers(void)
{
    struct desk *d = desk_new(7, 32768, 60999, false);
    struct side s = {"0.0.0.0", R, 0};
    struct pcb *owners[OWNERS], *other = make(&(struct side){"0.0.0.0", 0, 0});
    uint64_t places_of_one;
    int bad = 0;

    owners[0] = make(&s);
    bad += ports_bind(&d->ports, owners[0], &ADDR_ANY4, 80) != 0;
    places_of_one = d->ports.places.count;
    for (int i = 1; i < OWNERS; i++) {
        owners[i] = make(&s);
        bad += ports_bind(&d->ports, owners[i], &ADDR_ANY4, 80) != 0;
    }
    EQ(bad, 0, "20000 sockets hold one port by SO_REUSEADDR");
    EQ(d->ports.places.count, places_of_one, "they are counted where one is");
    EQ(ports_bind(&d->ports, other, &ADDR_ANY4, 80), -HF_EADDRINUSE, "one without it may not");
    for (int i = 0; i < OWNERS; i++)
        pcb_end(d, owners[i]);
    EQ(ports_bind(&d->ports, other, &ADDR_ANY4, 80), 0, "and may when the last of them has gone");
    pcb_end(d, other);
    desk_end(d, "all memory is given back");
}

/* ---- automatic ports ---- */

#define AUTOS 300

static void last_free_port_of_a_peer(void)
{
    struct desk *d = desk_new(3, 40000, 40000 + AUTOS - 1, false);
    static struct pcb *to_one[AUTOS + 1], *to_two[AUTOS];
    static uint8_t seen[AUTOS];
    int bad = 0, twice = 0;

    for (int i = 0; i < AUTOS; i++) {
        to_one[i] = pcb_new(false);
        bad += pcb_connect(d, to_one[i], "10.0.0.1", "10.0.0.9", 80) != 0;
        twice += seen[(to_one[i]->entry.lport - 40000) % AUTOS]++;
        to_two[i] = pcb_new(false);
        bad += pcb_connect(d, to_two[i], "10.0.0.1", "10.0.0.9", 81) != 0;
    }
    EQ(bad, 0, "every port serves two peers (C21)");
    EQ(twice, 0, "and each of them once");
    to_one[AUTOS] = pcb_new(false);
    EQ(pcb_connect(d, to_one[AUTOS], "10.0.0.1", "10.0.0.9", 80), -HF_EADDRNOTAVAIL,
       "then none is left (C03)");
    EQ(pcb_connect(d, to_one[AUTOS], "10.0.0.2", "10.0.0.9", 80), 0, "but from another address");
    ports_release(&d->ports, &to_one[AUTOS]->entry);
    ports_release(&d->ports, &to_one[123]->entry);
    EQ(pcb_connect(d, to_one[AUTOS], "10.0.0.1", "10.0.0.9", 80), 0, "one given back");
    EQ(to_one[AUTOS]->entry.lport, to_one[123]->entry.lport, "is found again");
    for (int i = 0; i <= AUTOS; i++)
        pcb_end(d, to_one[i]);
    for (int i = 0; i < AUTOS; i++)
        pcb_end(d, to_two[i]);
    desk_end(d, "all memory is given back");
}

/* The bitmap's summary leads past the full words: what is looked at, counted on the structure. */
static void summary_marks_every_full_word(void)
{
    struct desk *d = desk_new(4, 1024, 65535, false);
    static struct pcb *all[64512];
    struct port_group *g;
    const struct port_set *set;
    unsigned full = 0;
    int bad = 0;

    for (size_t i = 0; i < HF_COUNT(all); i++) {
        all[i] = pcb_new(true);
        bad += pcb_connect(d, all[i], "fd00::1", "fd00::9", 443) != 0;
    }
    EQ(bad, 0, "all 64512 ports to one peer");
    g = all[0]->entry.port_ref;
    for (unsigned w = 0; w < PORT_WORDS; w++)
        full += g->set.map->full[w / 64] >> w % 64 & 1;
    EQ(full, 64512 / 64, "every word is known to be full: a search looks at 16 words");
    ports_release(&d->ports, &all[777]->entry);
    set = &g->set;
    EQ(port_sets_free_port(&set, 1, NULL, 1024, 65535), all[777]->entry.lport,
       "the one free port is found");
    for (size_t i = 0; i < HF_COUNT(all); i++)
        pcb_end(d, all[i]);
    desk_end(d, "all memory is given back");
}

static void bound_and_automatic_ports_keep_apart(void)
{
    struct desk *d = desk_new(5, 40000, 40003, false);
    struct side reuse = {"0.0.0.0", R, 0};
    struct pcb *server = make(&reuse), *clients[4], *late = pcb_new(false);
    struct ip_addr other = ip("10.0.0.2"), own = ip("10.0.0.1");

    EQ(ports_bind(&d->ports, server, &ADDR_ANY4, 40001), 0, "a port is bound");
    for (int i = 0; i < 4; i++) {
        clients[i] = make(&reuse);
        EQ(pcb_connect(d, clients[i], "10.0.0.1", "10.0.0.9", 80), i < 3 ? 0 : -HF_EADDRNOTAVAIL,
           "connect() chooses among the others");
    }
    EQ(ports_bind(&d->ports, late, &own, clients[0]->entry.lport), -HF_EADDRINUSE,
       "bind() does not get a port that connect() chose");
    EQ(ports_bind(&d->ports, late, &ADDR_ANY4, clients[0]->entry.lport), -HF_EADDRINUSE,
       "nor at any address");
    EQ(ports_bind(&d->ports, late, &other, clients[0]->entry.lport), 0, "but at another address");
    ports_release(&d->ports, &late->entry);
    late->entry.reuse_addr = 1;
    EQ(ports_bind(&d->ports, late, &ADDR_ANY4, clients[0]->entry.lport), 0,
       "and where both have SO_REUSEADDR");
    for (int i = 0; i < 4; i++)
        pcb_end(d, clients[i]);
    pcb_end(d, server);
    pcb_end(d, late);
    desk_end(d, "all memory is given back");
}

/* bind() with port 0, to the last one; other addresses' ports are not in its way. */
static void bind_to_the_last_port(const char *addr, const char *other, bool is_v6)
{
    struct desk *d = desk_new(6, 50000, 50099, false);
    struct ip_addr at = ip(addr), elsewhere = ip(other);
    struct pcb *all[200], *more = pcb_new(is_v6);
    int bad = 0;

    for (int i = 0; i < 200; i++) {
        all[i] = pcb_new(is_v6);
        all[i]->entry.reuse_addr = 1;
        bad += ports_bind(&d->ports, all[i], i % 2 ? &elsewhere : &at, 0) != 0;
    }
    EQ(bad, 0, "each of two addresses has 100 ports");
    EQ(ports_bind(&d->ports, more, &at, 0), -HF_EADDRINUSE, "then none is left");
    EQ(ports_bind(&d->ports, more, is_v6 ? &ADDR_ANY6 : &ADDR_ANY4, 0), -HF_EADDRINUSE,
       "nor at any address");
    ports_release(&d->ports, &all[62]->entry);
    EQ(ports_bind(&d->ports, more, is_v6 ? &ADDR_ANY6 : &ADDR_ANY4, 0), -HF_EADDRINUSE,
       "nor when one address has one");
    EQ(ports_bind(&d->ports, more, &at, 0), 0, "which that address has");
    EQ(more->entry.lport, all[62]->entry.lport, "again");
    for (int i = 0; i < 200; i++)
        pcb_end(d, all[i]);
    pcb_end(d, more);
    desk_end(d, "all memory is given back");
}

static void local_port_range(void)
{
    static const struct {
        uint16_t low, high, least, most;
        const char *name;
    } rows[] = {
        {40010, 40012, 40010, 40012, "IP_LOCAL_PORT_RANGE inside of the stack's"},
        {0, 40003, 40000, 40003, "no lower end"},
        {40097, 0, 40097, 40099, "no upper end"},
        {30000, 40002, 40000, 40002, "a lower end outside does not count"},
        {30000, 31000, 40000, 40099, "nor do two"},
    };

    for (size_t i = 0; i < HF_COUNT(rows); i++) {
        struct desk *d = desk_new(i, 40000, 40099, false);
        uint32_t room = rows[i].most - rows[i].least + 1u, bad = 0;
        struct pcb *all[101];

        for (uint32_t n = 0; n <= room; n++) {
            all[n] = pcb_new(false);
            all[n]->port_low = rows[i].low;
            all[n]->port_high = rows[i].high;
            bad += pcb_connect(d, all[n], "10.0.0.1", "10.0.0.9", 80) !=
                   (n < room ? 0 : -HF_EADDRNOTAVAIL);
            bad += n < room &&
                   (all[n]->entry.lport < rows[i].least || all[n]->entry.lport > rows[i].most);
        }
        EQ(bad, 0, rows[i].name);
        for (uint32_t n = 0; n <= room; n++)
            pcb_end(d, all[n]);
        desk_end(d, "all memory is given back");
    }
}

/* RFC 6056 3.3.4: one peer's ports follow each other; another's, and another host's, do not. */
static void ports_tell_nothing(void)
{
    uint16_t first[8], seen = 0;
    int in_order = 0, same_start = 0;

    for (int i = 0; i < 8; i++) {
        struct desk *d = desk_new(100 + (uint64_t)i, 32768, 60999, false);
        struct pcb *a = pcb_new(false), *b = pcb_new(false), *c = pcb_new(false);

        EQ(pcb_connect(d, a, "10.0.0.1", "10.0.0.9", 80), 0, "a port");
        EQ(pcb_connect(d, b, "10.0.0.1", "10.0.0.9", 80), 0, "another to the same peer");
        EQ(pcb_connect(d, c, "10.0.0.1", "10.0.0.8", 80), 0, "one to another peer");
        in_order += b->entry.lport == a->entry.lport + 1 || b->entry.lport == 32768;
        same_start += c->entry.lport == b->entry.lport + 1 || c->entry.lport == a->entry.lport;
        first[i] = a->entry.lport;
        for (int j = 0; j < i; j++)
            seen += first[j] == first[i];
        pcb_end(d, a);
        pcb_end(d, b);
        pcb_end(d, c);
        desk_end(d, "all memory is given back");
    }
    EQ(in_order, 8, "one peer's ports follow each other");
    EQ(same_start, 0, "another peer's begin elsewhere");
    EQ(seen, 0, "and on each host elsewhere");
}

/* RFC 6056 2.2: bind() with port 0 is not to be foretold either. */
static void bound_ports_are_spread(void)
{
    struct desk *d = desk_new(9, 32768, 60999, true);
    struct pcb *p = pcb_new(false);
    unsigned octile[8] = {0};
    bool spread = true;

    for (int i = 0; i < 800; i++) {
        if (ports_bind(&d->ports, p, &ADDR_ANY4, 0))
            break;
        octile[(p->entry.lport - 32768) * 8 / 28232]++;
        ports_release(&d->ports, &p->entry);
    }
    for (int i = 0; i < 8; i++)
        spread &= octile[i] > 50 && octile[i] < 150;
    OK(spread, "800 binds to port 0 are spread over the range");
    pcb_end(d, p);
    desk_end(d, "all memory is given back");
}

/* A tuple that a held connection has, which holds no port, is passed by. */
static void tuple_of_one_without_a_port(void)
{
    struct desk *d = desk_new(11, 40000, 40001, false);
    struct pcb *held = pcb_new(false), *a = pcb_new(false), *b = pcb_new(false);
    struct pcb *all = pcb_new(false);

    all->entry.any_dst = 1;
    demux_insert_bound(&d->demux, &all->entry);
    held->entry.laddr = ip("10.0.0.1");
    held->entry.raddr = ip("10.0.0.9");
    held->entry.lport = 40000;
    held->entry.rport = 80;
    demux_insert_conn(&d->demux, &held->entry);
    EQ(pcb_connect(d, a, "10.0.0.1", "10.0.0.9", 80), 0, "a port whose tuple is free");
    EQ(a->entry.lport, 40001, "it is the other one");
    EQ(pcb_connect(d, b, "10.0.0.1", "10.0.0.9", 80), -HF_EADDRNOTAVAIL, "and then none");
    pcb_end(d, held);
    EQ(pcb_connect(d, b, "10.0.0.1", "10.0.0.9", 80), 0, "until that connection has gone");
    pcb_end(d, a);
    pcb_end(d, b);
    pcb_end(d, all);
    desk_end(d, "all memory is given back");
}

/* C22: what a listener accepted keeps its port when the listener has gone. */
static void children_hold_the_port(bool reuse)
{
    struct desk *d = desk_new(12, 32768, 60999, false);
    struct pcb *listener = pcb_new(true), *child = pcb_new(true), *next = pcb_new(true);
    struct demux_entry record;

    listener->entry.reuse_addr = next->entry.reuse_addr = reuse;
    EQ(ports_bind(&d->ports, listener, &ADDR_ANY6, 80), 0, "a listener binds");
    EQ(ports_listen(&d->ports, listener), 0, "and listens");
    child->entry.laddr = ip("fd00::1");
    child->entry.raddr = ip("fd00::9");
    child->entry.lport = 80;
    child->entry.rport = 5000;
    child->entry.reuse_addr = reuse;
    EQ(ports_child(&d->ports, child, listener), 0, "a child shares its port");
    demux_insert_conn(&d->demux, &child->entry);
    pcb_end(d, listener);
    EQ(ports_bind(&d->ports, next, &ADDR_ANY6, 80), reuse ? 0 : -HF_EADDRINUSE,
       "the next listener binds if all had SO_REUSEADDR");
    ports_release(&d->ports, &next->entry);
    memset(&record, 0, sizeof(record));
    demux_replace(&d->demux, &child->entry, &record);
    pcb_end(d, child);
    EQ(ports_bind(&d->ports, next, &ADDR_ANY6, 80), reuse ? 0 : -HF_EADDRINUSE,
       "so it is beside a TIME-WAIT record");
    ports_release(&d->ports, &next->entry);
    demux_remove(&d->demux, &record);
    ports_release(&d->ports, &record);
    EQ(ports_bind(&d->ports, next, &ADDR_ANY6, 80), 0, "whose end frees the port");
    pcb_end(d, next);
    desk_end(d, "all memory is given back");
}

/* ---- memory ---- */

static int scene(struct desk *d, struct pcb *const p[4])
{
    struct ip_addr own = ip("10.0.0.1");
    int err = ports_bind(&d->ports, p[0], &own, 80);

    if (!err)
        err = pcb_connect(d, p[1], "10.0.0.1", "10.0.0.9", 80);
    p[2]->entry.laddr = own;
    if (!err)
        err = ports_child(&d->ports, p[2], p[0]);
    p[3]->link_index = 2;
    if (!err)
        err = ports_bind(&d->ports, p[3], &ADDR_ANY6, 0);
    return err;
}

static void allocation_fails(void)
{
    int rounds = 0, bad = 0, err = -HF_ENOMEM;

    for (uint64_t n = 1; err && n < 100; n++, rounds++) {
        struct desk *d = desk_new(n, 32768, 60999, false);
        struct pcb *p[4];

        for (int i = 0; i < 4; i++)
            p[i] = pcb_new(i == 3);
        d->env.fail_from = d->env.allocs + n;
        err = scene(d, p);
        bad += err != 0 && err != -HF_ENOMEM;
        d->env.fail_from = 0;
        for (int i = 0; i < 4; i++) {
            bad += err && i == 3 && p[i]->entry.port_hold != PORT_NONE;
            pcb_end(d, p[i]);
        }
        ports_fini(&d->ports);
        demux_fini(&d->demux);
        bad += d->env.out != 0;
        free(d);
    }
    EQ(bad, 0, "without memory each call says ENOMEM, holds nothing and loses nothing");
    OK(rounds > 2, "at each of its allocations");
}

static void maker_without_memory(void)
{
    for (uint64_t n = 1; n <= 3; n++) {
        struct desk d = {.env.fail_from = n};

        d.core.env = testenv_env(&d.env);
        EQ(ports_init(&d.ports, &d.core, &d.demux, 1, 2, false), -HF_ENOMEM, "no table");
        EQ(d.env.out, 0, "and nothing lost");
    }
}

/* The 33rd port makes a bitmap; where there is no memory for it the port stays free. */
static void bitmap_without_memory(void)
{
    struct desk *d = desk_new(13, 40000, 40999, false);
    struct pcb *all[PORT_INLINE + 1];
    int bad = 0;

    for (int i = 0; i <= PORT_INLINE; i++)
        all[i] = pcb_new(false);
    for (int i = 0; i < PORT_INLINE; i++)
        bad += pcb_connect(d, all[i], "10.0.0.1", "10.0.0.9", 80) != 0;
    EQ(bad, 0, "32 ports in line");
    d->env.fail_from = d->env.allocs + 1;
    EQ(pcb_connect(d, all[PORT_INLINE], "10.0.0.1", "10.0.0.9", 80), -HF_ENOMEM, "the 33rd fails");
    EQ(all[PORT_INLINE]->entry.port_hold, PORT_NONE, "and holds nothing");
    d->env.fail_from = 0;
    EQ(pcb_connect(d, all[PORT_INLINE], "10.0.0.1", "10.0.0.9", 80), 0, "with memory it does not");
    for (int i = 0; i <= PORT_INLINE; i++)
        pcb_end(d, all[i]);
    desk_end(d, "all memory is given back");
}

int main(void)
{
    tap_begin(60);
    pairs_of_sockets();
    second_listener(R, -HF_EADDRINUSE, "with SO_REUSEADDR the other may not listen");
    second_listener(P, 0, "with SO_REUSEPORT it may");
    second_listener(R | P, 0, "with both it may");
    listen_after_the_other_gave_up_reuse();
    lives_against_a_list();
    many_owners_are_a_few_numbers();
    last_free_port_of_a_peer();
    summary_marks_every_full_word();
    bound_and_automatic_ports_keep_apart();
    bind_to_the_last_port("10.0.0.1", "10.0.0.2", false);
    bind_to_the_last_port("fd00::1", "fd00::2", true);
    bind_to_the_last_port("10.0.0.1", "fd00::2", true);
    local_port_range();
    ports_tell_nothing();
    bound_ports_are_spread();
    tuple_of_one_without_a_port();
    children_hold_the_port(false);
    children_hold_the_port(true);
    allocation_fails();
    maker_without_memory();
    bitmap_without_memory();
    return tap_end();
}
