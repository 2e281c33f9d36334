/* Connections within one stack begin and end by the short way, or by segments where that is closed:
 * the same program on both roads leaves the same connections, word for word, the same TCP_INFO, the
 * same counters, and tells the same sockets of it in the same order. */
#include <linux/tcp.h>

#include "../socket/world.h"
#include "net/path.h"
#include "socket/sock.h"
#include "transport/tcp/flow.h"

#define DOOR     4000
#define SOCKS    8
#define TOLD_MAX 256

/* Of the host, besides loopback's: who dials one of them has another one. */
#define OTHER4    "127.0.0.7"
#define BOUND4    "127.0.0.9"
#define OTHER6    "fd00:77::7"
#define BOUND6    "fd00:77::9"
#define ADDRESSES 3

/* By the short way, without one back from other addresses than loopback's, by segments alone. */
enum ways { SHORT, SHORT_THERE, SEGMENTS };

/* A world of its own for each road. */
struct road {
    struct world w;
    struct path *paths[ADDRESSES * (ADDRESSES + 1)];
    struct hf_sock *socks[SOCKS];
    uint8_t told[TOLD_MAX];
    unsigned told_count;
    uint32_t told_now; /* bits: since it was compared */
    uint8_t actor;     /* whose call it was: for him the order means nothing; 0: nobody's */
    const char *addr;
    enum ways ways;
};

/* Who is told, in order; once. */
static void note(void *ctx, struct hf_sock *sk, void *user)
{
    struct road *r = ctx;
    uint8_t who = user ? (uint8_t)(uintptr_t)user : 31;

    if (r->told_now & 1u << who || r->told_count == TOLD_MAX)
        return;
    r->told_now |= 1u << who;
    if (who != r->actor)
        r->told[r->told_count++] = who;
}

static struct ip_addr ip(const char *text)
{
    struct ip_addr a;

    if (!addr_parse(text, &a))
        abort();
    return a;
}

static bool is_ip6(const struct road *r)
{
    return strchr(r->addr, ':') && !strchr(r->addr, '.');
}

/* From here on loopback's segments are sent as what they are, between all of its addresses that
 * programs use. */
static void close_short_way(struct road *r, struct sockets *all)
{
    static const char *const own[2][ADDRESSES] = {{"127.0.0.1", OTHER4, BOUND4},
                                                  {"::1", OTHER6, BOUND6}};

    for (unsigned i = 0; i < HF_COUNT(r->paths); i++) {
        unsigned from = i % (ADDRESSES + 1);
        struct path_query q = {.dst = ip(own[is_ip6(r)][i / (ADDRESSES + 1)]),
                               .src = is_ip6(r) ? ADDR_ANY6 : ADDR_ANY4,
                               .proto = HF_IPPROTO_TCP};

        if (r->ways == SHORT_THERE && (i > ADDRESSES || from < 2))
            continue;
        if (from)
            q.src = ip(own[is_ip6(r)][from - 1]);
        if (path_find(&all->net, &q, &r->paths[i]))
            abort();
        r->paths[i]->hands_over = false;
    }
}

static struct hf_sock *add(struct road *r, unsigned i, struct hf_sock *sk)
{
    hf_sock_set_user(sk, (void *)(uintptr_t)(i + 1));
    return r->socks[i] = sk;
}

static struct sockets *all_of(struct road *r)
{
    struct hf_sock *sk = sock_at(&r->w, AF_INET, SOCK_STREAM, NULL, 0);
    struct sockets *all = sk->all;

    hf_sock_close(sk);
    return all;
}

static void road_init(struct road *r, const char *addr, bool is_bare, enum ways ways)
{
    const struct hf_route many = {.prefix = "fd00:77::/64", .kind = HF_ROUTE_LOCAL};
    struct sockets *all;

    *r = (struct road){.addr = addr, .ways = ways};
    world_init(&r->w);
    if (hf_route_add(r->w.st, &many))
        abort();
    all = all_of(r);
    all->event = note;
    all->event_ctx = r;
    if (is_bare && (hf_stack_set_tcp(r->w.st, HF_TCP_TIMESTAMPS, 0) ||
                    hf_stack_set_tcp(r->w.st, HF_TCP_SACK, 0) ||
                    hf_stack_set_tcp(r->w.st, HF_TCP_WINDOW_SCALING, 0)))
        abort();
    if (ways != SHORT)
        close_short_way(r, all);
}

static void road_fini(struct road *r)
{
    for (unsigned i = 0; i < SOCKS; i++)
        hf_sock_close(r->socks[i]);
    for (unsigned i = 0; i < HF_COUNT(r->paths); i++)
        path_put(r->paths[i]);
    world_fini(&r->w);
}

static void settle(struct road *r)
{
    do {
        hf_stack_poll(r->w.st, r->w.now);
    } while (hf_stack_deadline(r->w.st) <= r->w.now);
}

/* ---- what is compared ---- */

/* Without what points somewhere, or only says when to look again in vain. */
static void strip(struct tcb *t)
{
    t->pcb.entry.node.next = NULL;
    t->pcb.entry.port_ref = NULL;
    t->pcb.path = NULL;
    t->tcp = NULL;
    memset(&t->timer, 0, sizeof(t->timer));
    memset(&t->sndq, 0, sizeof(t->sndq));
    if (t->is_child)
        memset(&t->child, 0, sizeof(t->child));
    if (t->state == TCP_LISTEN) {
        list_init(&t->listen.accept_queue);
        t->listen.accept_queue.next = t->listen.accept_queue.prev = NULL;
        t->listen.syn_queue = t->listen.accept_queue;
        return;
    }
    t->due_for = 0;
    t->flow = NULL;
    t->rxq.last = NULL;
}

static bool same_tcb(const struct hf_sock *a, const struct hf_sock *b)
{
    struct tcb x = *sock_tcb(a), y = *sock_tcb(b);
    const uint8_t *p = (const uint8_t *)&x, *q = (const uint8_t *)&y;
    bool same = true;

    strip(&x);
    strip(&y);
    for (size_t i = 0; i < sizeof(x); i++) {
        if (p[i] == q[i])
            continue;
        fprintf(stderr, "# byte %zu: %02x by the short way, %02x by segments\n", i, p[i], q[i]);
        same = false;
    }
    return same;
}

static bool same_info(struct hf_sock *a, struct hf_sock *b)
{
    struct tcp_info x = {0}, y = {0};
    uint32_t n = sizeof(x), m = sizeof(y);

    if (hf_sock_getsockopt(a, HF_IPPROTO_TCP, TCP_INFO, &x, &n) ||
        hf_sock_getsockopt(b, HF_IPPROTO_TCP, TCP_INFO, &y, &m))
        abort();
    return n == m && memcmp(&x, &y, sizeof(x)) == 0;
}

static bool same_socks(struct road *a, struct road *b, bool has_data)
{
    bool same = true;

    for (unsigned i = 0; i < SOCKS; i++) {
        struct hf_sock *x = a->socks[i], *y = b->socks[i];

        if (!x && !y)
            continue;
        same = same && x && y && (has_data || (same_tcb(x, y) && same_info(x, y))) &&
               x->state == y->state && x->shut == y->shut && hf_sock_poll(x) == hf_sock_poll(y);
    }
    return same;
}

static void compare(struct road *a, struct road *b, bool has_data, const char *when)
{
    struct hf_stack_stats x, y;
    struct sockets *p = all_of(a), *q = all_of(b);

    hf_stack_stats(a->w.st, &x);
    hf_stack_stats(b->w.st, &y);
    fprintf(stderr, "# %s: %s\n", a->addr, when);
    OK(same_socks(a, b, has_data), "the connections are the same");
    OK(memcmp(&x, &y, sizeof(x)) == 0, "the stack has counted the same");
    OK(memcmp(p->core.drops, q->core.drops, sizeof(p->core.drops)) == 0, "and dropped the same");
    OK(p->tcp.demux.conns.count == q->tcp.demux.conns.count &&
           p->tcp.ports.places.count == q->tcp.ports.places.count,
       "the tables have as much in them");
    OK(a->told_count == b->told_count && memcmp(a->told, b->told, a->told_count) == 0 &&
           a->told_now == b->told_now,
       "the same sockets were told");
    a->told_now = b->told_now = a->actor = b->actor = 0;
}

/* ---- programs ---- */

enum { LISTENER, CLIENT, SERVER, OTHER };

/* One step of a program; what it makes of sockets is in r. */
typedef void step_fn(struct road *r);

static int family_of(const struct road *r)
{
    return strchr(r->addr, ':') ? AF_INET6 : AF_INET;
}

static void listens(struct road *r)
{
    const char *any = family_of(r) == AF_INET ? "0.0.0.0" : "::";
    struct hf_sock *l = add(r, LISTENER, sock_at(&r->w, family_of(r), SOCK_STREAM, any, DOOR));

    sock_set(l, SOL_SOCKET, SO_KEEPALIVE, 1);
    sock_set(l, HF_IPPROTO_TCP, TCP_MAXSEG, 1300);
    if (hf_sock_listen(l, 2))
        abort();
}

static void listens_shut(struct road *r)
{
    listens(r);
    hf_sock_close(r->socks[LISTENER]);
    add(r, LISTENER, sock_at(&r->w, family_of(r), SOCK_STREAM, r->addr, DOOR));
    (void)!hf_sock_shutdown(r->socks[LISTENER], SHUT_WR);
    if (hf_sock_listen(r->socks[LISTENER], 2))
        abort();
}

static void listens_small(struct road *r)
{
    const char *any = family_of(r) == AF_INET ? "0.0.0.0" : "::";
    struct hf_sock *l = add(r, LISTENER, sock_at(&r->w, family_of(r), SOCK_STREAM, any, DOOR));

    sock_set(l, SOL_SOCKET, SO_RCVBUF, 3000);
    if (hf_sock_listen(l, 0))
        abort();
}

static void listens_late(struct road *r)
{
    listens(r);
    sock_set(r->socks[LISTENER], HF_IPPROTO_TCP, TCP_DEFER_ACCEPT, 3);
}

static void dials(struct road *r)
{
    struct hf_sock *sk = add(r, CLIENT, sock_at(&r->w, family_of(r), SOCK_STREAM, NULL, 0));

    sock_set(sk, SOL_SOCKET, SO_RCVBUF, 20000);
    if (sock_dial(sk, r->addr, DOOR) != -HF_EINPROGRESS)
        abort();
}

static void dials_bound(struct road *r)
{
    const char *own = is_ip6(r) ? BOUND6 : family_of(r) == AF_INET ? BOUND4 : r->addr;
    struct hf_sock *sk = add(r, CLIENT, sock_at(&r->w, family_of(r), SOCK_STREAM, own, 4001));

    if (sock_dial(sk, r->addr, DOOR) != -HF_EINPROGRESS)
        abort();
}

static void dials_itself(struct road *r)
{
    struct hf_sock *sk = add(r, CLIENT, sock_at(&r->w, family_of(r), SOCK_STREAM, r->addr, 4001));

    if (sock_dial(sk, r->addr, 4001) != -HF_EINPROGRESS)
        abort();
}

static void dials_other(struct road *r)
{
    struct hf_sock *sk = add(r, OTHER, sock_at(&r->w, family_of(r), SOCK_STREAM, NULL, 0));

    if (sock_dial(sk, r->addr, DOOR) != -HF_EINPROGRESS)
        abort();
}

static void polls(struct road *r)
{
    settle(r);
}

static void waits(struct road *r)
{
    r->w.now += 3 * HF_MS + 217;
}

static void waits_long(struct road *r)
{
    run(&r->w, 90 * HF_S);
}

static void asks(struct road *r)
{
    if (r->socks[CLIENT])
        (void)!hf_sock_connect_result(r->socks[CLIENT]);
}

static void accepts(struct road *r)
{
    struct hf_sock *sk;

    if (!hf_sock_accept(r->socks[LISTENER], &sk))
        add(r, SERVER, sk);
}

static void end(struct road *r, unsigned i)
{
    hf_sock_close(r->socks[i]);
    r->socks[i] = NULL;
}

static void client_closes(struct road *r)
{
    end(r, CLIENT);
}

static void server_closes(struct road *r)
{
    end(r, SERVER);
}

static void listener_closes(struct road *r)
{
    end(r, LISTENER);
}

static void client_resets(struct road *r)
{
    const struct linger at_once = {.l_onoff = 1};

    if (hf_sock_setsockopt(r->socks[CLIENT], SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)))
        abort();
    end(r, CLIENT);
}

static void client_dissolves(struct road *r)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};

    r->actor = CLIENT + 1;
    if (hf_sock_connect(r->socks[CLIENT], &none, sizeof(none), false))
        abort();
}

static void client_shuts(struct road *r)
{
    r->actor = CLIENT + 1;
    (void)!hf_sock_shutdown(r->socks[CLIENT], SHUT_WR);
}

static void server_shuts(struct road *r)
{
    r->actor = SERVER + 1;
    (void)!hf_sock_shutdown(r->socks[SERVER], SHUT_WR);
}

static void speaks(struct road *r)
{
    char got[64];

    if (sock_put(r->socks[CLIENT], "hello", 5) != 5)
        abort();
    settle(r);
    if (sock_get(r->socks[SERVER], got, sizeof(got)) != 5)
        abort();
    run(&r->w, 100 * HF_MS); /* what is owed is paid */
}

static void leaves_unread(struct road *r)
{
    if (sock_put(r->socks[CLIENT], "hello", 5) != 5)
        abort();
    run(&r->w, 100 * HF_MS);
}

struct program {
    const char *name;
    bool has_data; /* whose own short way is twin.c's test's */
    step_fn *steps[16];
};

static const struct program programs[] = {
    {"a connect", false, {listens, waits, dials, polls, asks, accepts}},
    {"time passes before the poll", false, {listens, dials, waits, polls, asks, accepts}},
    {"small windows", false, {listens_small, dials, polls, asks, accepts, client_closes, polls}},
    {"from an address of its own",
     false,
     {listens, dials_bound, polls, asks, accepts, client_shuts}},
    {"to oneself", false, {dials_itself, polls, asks, client_closes, polls}},
    {"nobody listens", false, {dials, polls, asks}},
    {"accepted only with data", false, {listens_late, dials, polls, asks, waits_long, accepts}},
    {"what was shut before it listened", false, {listens_shut, dials, polls, asks, accepts}},
    {"not accepted",
     false,
     {listens, dials, polls, asks, dials_other, polls, client_closes, polls}},
    {"not accepted, and reset",
     false,
     {listens, dials, polls, asks, client_resets, polls, accepts}},
    {"not accepted by who goes", false, {listens, dials, polls, asks, listener_closes, polls}},
    {"given up before the SYN comes", false, {listens, dials, client_closes, polls, accepts}},
    {"the listener goes before the SYN comes",
     false,
     {listens, dials, listener_closes, polls, asks}},
    {"dissolved before the SYN comes", false, {listens, dials, client_dissolves, polls}},
    {"reset", false, {listens, dials, polls, asks, accepts, waits, polls, client_resets, polls}},
    {"dissolved", false, {listens, dials, polls, asks, accepts, client_dissolves, polls}},
    {"unread bytes",
     true,
     {listens, dials, polls, asks, accepts, leaves_unread, server_closes, polls}},
    {"a FIN", false, {listens, dials, polls, asks, accepts, waits, polls, client_shuts, polls}},
    {"FINs of both",
     false,
     {listens, dials, polls, asks, accepts, client_shuts, polls, server_shuts, polls}},
    {"closed by both",
     false,
     {listens, dials, polls, asks, accepts, client_closes, polls, server_closes, polls}},
    {"closed by both after data",
     true,
     {listens, dials, polls, asks, accepts, speaks, server_closes, polls, client_closes, polls}},
    {"FIN-WAIT-2 ends",
     false,
     {listens, dials, polls, asks, accepts, client_closes, polls, waits_long, polls}},
    {"reset after a FIN",
     false,
     {listens, dials, polls, asks, accepts, server_shuts, polls, client_resets, polls}},
};

/* is_bare: nothing is agreed on with the SYNs but the MSS. */
static void test_program(const struct program *p, const char *addr, enum ways ways, bool is_bare)
{
    static struct road a, b;

    road_init(&a, addr, is_bare, ways);
    road_init(&b, addr, is_bare, SEGMENTS);
    fprintf(stderr, "# -- %s\n", p->name);
    for (unsigned i = 0; i < 16 && p->steps[i]; i++) {
        p->steps[i](&a);
        p->steps[i](&b);
        /* Between two polls the roads differ: one is a poll ahead. */
        if (p->steps[i] == polls || p->steps[i] == accepts || p->steps[i] == waits_long)
            compare(&a, &b, p->has_data, p->name);
    }
    settle(&a);
    settle(&b);
    compare(&a, &b, p->has_data, "at last");
    road_fini(&a);
    road_fini(&b);
}

/* That the short way is taken at all: what an RST and a FIN tell is known before any poll, and the
 * handshake is done with its first frame. */
static void test_short_way(const char *addr)
{
    static struct road r;

    road_init(&r, addr, false, SHORT);
    listens(&r);
    dials(&r);
    net_poll(&r.socks[CLIENT]->all->net);
    EQ(hf_sock_connect_result(r.socks[CLIENT]), 0, "connected as soon as the SYN comes");
    accepts(&r);
    OK(r.socks[SERVER], "and the other end can be accepted");
    client_shuts(&r);
    OK(hf_sock_poll(r.socks[SERVER]) & HF_POLLRDHUP, "a FIN is there at once");
    server_shuts(&r);
    EQ(tcp_state(sock_tcb(r.socks[SERVER])), TCP_CLOSED, "and so is its answer");
    server_closes(&r);
    client_closes(&r);
    dials(&r);
    settle(&r);
    asks(&r);
    accepts(&r);
    client_resets(&r);
    OK(hf_sock_poll(r.socks[SERVER]) & HF_POLLERR, "a reset is there at once");
    road_fini(&r);
}

/* That it is not taken where the way back is not as short. */
static void test_way_back(const char *addr)
{
    static struct road r;

    road_init(&r, addr, false, SHORT_THERE);
    listens(&r);
    dials(&r);
    net_poll(&r.socks[CLIENT]->all->net);
    EQ(hf_sock_connect_result(r.socks[CLIENT]), -HF_EINPROGRESS, "the answer is a segment");
    settle(&r);
    EQ(hf_sock_connect_result(r.socks[CLIENT]), 0, "that comes");
    road_fini(&r);
}

int main(void)
{
    static const char *const addresses[] = {"127.0.0.1", "::1", "::ffff:127.0.0.1", OTHER4, OTHER6};

    tap_begin(60);
    test_way_back(OTHER4);
    test_way_back(OTHER6);
    for (unsigned i = 0; i < HF_COUNT(addresses); i++) {
        test_short_way(addresses[i]);
        for (unsigned k = 0; k < 4 * HF_COUNT(programs); k++)
            test_program(&programs[k / 4], addresses[i], k & 2 ? SHORT_THERE : SHORT, k & 1);
    }
    return tap_end();
}
