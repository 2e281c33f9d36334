/* Whom a packet finds: rows of sockets and packets, and what stays when connections come and go. */
#include "transport/demux.h"

#include "ports_test.h"

struct entry {
    const char *laddr, *raddr; /* raddr NULL: unconnected */
    bool is_v6, v6only, any_dst, reuse_port;
    uint32_t link;
};

#define ENTRIES 4

static const struct row {
    const char *name;
    struct entry entries[ENTRIES]; /* in the order of their coming, all of port 80 */
    const char *dst, *src;
    uint32_t link;
    int found; /* index, -1: nobody */
} rows[] = {
    {"nobody", {{0}}, "10.0.0.1", "10.0.0.9", 1, -1},
    {"its address", {{.laddr = "10.0.0.1"}}, "10.0.0.1", "10.0.0.9", 1, 0},
    {"another address", {{.laddr = "10.0.0.2"}}, "10.0.0.1", "10.0.0.9", 1, -1},
    {"any address", {{.laddr = "0.0.0.0"}}, "10.0.0.1", "10.0.0.9", 1, 0},
    {"the address before any",
     {{.laddr = "10.0.0.1"}, {.laddr = "0.0.0.0"}},
     "10.0.0.1",
     "10.0.0.9",
     1,
     0},
    {"the address before any, other order",
     {{.laddr = "0.0.0.0"}, {.laddr = "10.0.0.1"}},
     "10.0.0.1",
     "10.0.0.9",
     1,
     1},
    {"the newest of equals",
     {{.laddr = "0.0.0.0"}, {.laddr = "0.0.0.0"}, {.laddr = "0.0.0.0"}},
     "10.0.0.1",
     "10.0.0.9",
     1,
     2},
    {"the connection before the listener",
     {{.laddr = "10.0.0.1", .raddr = "10.0.0.9"}, {.laddr = "10.0.0.1"}},
     "10.0.0.1",
     "10.0.0.9",
     1,
     0},
    {"another peer's goes to the listener",
     {{.laddr = "10.0.0.1", .raddr = "10.0.0.9"}, {.laddr = "10.0.0.1"}},
     "10.0.0.1",
     "10.0.0.8",
     1,
     1},
    {"IPv4 to ::", {{.laddr = "::", .is_v6 = true}}, "10.0.0.1", "10.0.0.9", 1, 0},
    {"IPv4 not to a v6only ::",
     {{.laddr = "::", .is_v6 = true, .v6only = true}},
     "10.0.0.1",
     "10.0.0.9",
     1,
     -1},
    {"IPv4's any before ::",
     {{.laddr = "0.0.0.0"}, {.laddr = "::", .is_v6 = true}},
     "10.0.0.1",
     "10.0.0.9",
     1,
     0},
    {"a mapped address is IPv4's",
     {{.laddr = "10.0.0.1", .is_v6 = true}, {.laddr = "0.0.0.0"}},
     "10.0.0.1",
     "10.0.0.9",
     1,
     0},
    {"IPv6 to ::", {{.laddr = "::", .is_v6 = true}}, "fd00::1", "fd00::9", 1, 0},
    {"IPv6 to a v6only ::",
     {{.laddr = "::", .is_v6 = true, .v6only = true}},
     "fd00::1",
     "fd00::9",
     1,
     0},
    {"IPv6 not to IPv4's any", {{.laddr = "0.0.0.0"}}, "fd00::1", "fd00::9", 1, -1},
    {"bound to the link", {{.laddr = "0.0.0.0", .link = 1}}, "10.0.0.1", "10.0.0.9", 1, 0},
    {"bound to another link", {{.laddr = "0.0.0.0", .link = 2}}, "10.0.0.1", "10.0.0.9", 1, -1},
    {"bound to a link before bound to none",
     {{.laddr = "0.0.0.0", .link = 1}, {.laddr = "0.0.0.0"}},
     "10.0.0.1",
     "10.0.0.9",
     1,
     0},
    {"a connection bound to another link",
     {{.laddr = "10.0.0.1", .raddr = "10.0.0.9", .link = 2}},
     "10.0.0.1",
     "10.0.0.9",
     1,
     -1},
    {"a link of no number suits all",
     {{.laddr = "0.0.0.0", .link = 2}},
     "10.0.0.1",
     "10.0.0.9",
     0,
     0},
    {"a gateway's socket takes the rest",
     {{.laddr = "0.0.0.0", .any_dst = true}, {.laddr = "10.0.0.1"}},
     "192.0.2.1",
     "10.0.0.9",
     1,
     0},
    {"but nothing that is another's",
     {{.laddr = "0.0.0.0", .any_dst = true}, {.laddr = "10.0.0.1"}},
     "10.0.0.1",
     "10.0.0.9",
     1,
     1},
    {"a gateway has one for each family",
     {{.laddr = "0.0.0.0", .any_dst = true}, {.laddr = "::", .is_v6 = true, .any_dst = true}},
     "2001:db8::1",
     "fd00::9",
     1,
     1},
};

static struct pcb *enter(struct desk *d, const struct entry *e)
{
    struct pcb *p = pcb_new(e->is_v6);

    p->entry.laddr = ip(e->laddr);
    p->entry.lport = 80;
    p->entry.v6only = e->v6only;
    p->entry.any_dst = e->any_dst;
    p->entry.reuse_port = e->reuse_port;
    p->link_index = e->link;
    if (e->raddr) {
        p->entry.raddr = ip(e->raddr);
        p->entry.rport = 5000;
        demux_insert_conn(&d->demux, &p->entry);
    } else {
        demux_insert_bound(&d->demux, &p->entry);
    }
    return p;
}

static struct demux_entry *lookup(struct desk *d, const char *dst, const char *src, uint16_t rport,
                                  uint32_t link)
{
    struct ip_addr laddr = ip(dst), raddr = ip(src);
    struct demux_entry *e = demux_find_conn(&d->demux, &laddr, 80, &raddr, rport, link);

    return e ? e : demux_find_bound(&d->demux, &laddr, 80, &raddr, rport, link);
}

static void rows_of_sockets(void)
{
    for (size_t i = 0; i < HF_COUNT(rows); i++) {
        const struct row *r = &rows[i];
        struct desk *d = desk_new(i, 32768, 60999, false);
        struct pcb *all[ENTRIES] = {0};
        const struct demux_entry *want, *got;

        for (int n = 0; n < ENTRIES && r->entries[n].laddr; n++)
            all[n] = enter(d, &r->entries[n]);
        want = r->found < 0 ? NULL : &all[r->found]->entry;
        got = lookup(d, r->dst, r->src, 5000, r->link);
        OK(got == want, r->name);
        for (int n = 0; n < ENTRIES; n++)
            if (all[n])
                pcb_end(d, all[n]);
        OK(!lookup(d, r->dst, r->src, 5000, r->link), "and nobody when all have gone");
        desk_end(d, "all memory is given back");
    }
}

/* One peer always finds the same member, many peers all of them. */
static void reuse_port_group(void)
{
    static const struct entry member = {.laddr = "0.0.0.0", .reuse_port = true};
    static const struct entry loner = {.laddr = "0.0.0.0"};
    struct desk *d = desk_new(1, 32768, 60999, false);
    struct pcb *all[4], *alone;
    unsigned count[4] = {0};
    bool steady = true, spread = true;

    for (int i = 0; i < 4; i++)
        all[i] = enter(d, &member);
    for (uint16_t port = 1; port <= 4000; port++) {
        struct demux_entry *e = lookup(d, "10.0.0.1", "10.0.0.9", port, 1);

        steady &= lookup(d, "10.0.0.1", "10.0.0.9", port, 1) == e;
        for (int i = 0; i < 4; i++)
            count[i] += e == &all[i]->entry;
    }
    OK(steady, "one peer finds the same member each time");
    for (int i = 0; i < 4; i++)
        spread &= count[i] > 800 && count[i] < 1200;
    OK(spread, "4000 peers find all four alike");
    alone = enter(d, &loner);
    OK(lookup(d, "10.0.0.1", "10.0.0.9", 5000, 1) == &alone->entry,
       "a newer one outside of the group takes all");
    pcb_end(d, alone);
    for (int i = 0; i < 4; i++)
        pcb_end(d, all[i]);
    desk_end(d, "all memory is given back");
}

/* Members go and come in any order, and one that does not share any more is by itself. */
static void reuse_port_members_go(void)
{
    static const struct entry member = {.laddr = "fd00::1", .is_v6 = true, .reuse_port = true};
    struct desk *d = desk_new(7, 32768, 60999, false);
    struct pcb *all[64] = {0};
    bool good = true, reached = false;

    for (unsigned round = 0; round < 4000; round++) {
        unsigned i = testenv_below(&d->env, 64);
        struct demux_entry *e;

        if (all[i])
            pcb_end(d, all[i]);
        all[i] = all[i] ? NULL : enter(d, &member);
        e = lookup(d, "fd00::1", "fd00::9", (uint16_t)(round + 1), 1);
        for (i = 0; e && i < 64 && (!all[i] || &all[i]->entry != e);)
            i++;
        good &= e ? i < 64 : !memcmp(all, (struct pcb *[64]){0}, sizeof(all));
    }
    OK(good, "whom a packet finds is there");
    for (unsigned i = 0; i < 64; i++)
        if (!all[i])
            all[i] = enter(d, &member);
    all[5]->entry.reuse_port = 0;
    ports_changed(&d->ports, all[5]);
    OK(lookup(d, "fd00::1", "fd00::9", 5000, 1) == &all[5]->entry, "who shares no more takes all");
    all[5]->entry.reuse_port = 1;
    all[5]->link_index = 2;
    ports_changed(&d->ports, all[5]);
    OK(lookup(d, "fd00::1", "fd00::9", 5000, 2) == &all[5]->entry, "or what comes by its link");
    for (uint16_t port = 1; port < 1000; port++)
        reached |= lookup(d, "fd00::1", "fd00::9", port, 1) == &all[5]->entry;
    OK(!reached, "and nothing by another");
    for (unsigned i = 0; i < 64; i++)
        pcb_end(d, all[i]);
    desk_end(d, "all memory is given back");
}

/* What is not enough for a group is enough for its members. */
static void reuse_port_without_memory(void)
{
    static const struct entry member = {.laddr = "0.0.0.0", .reuse_port = true};
    struct desk *d = desk_new(8, 32768, 60999, false);
    struct pcb *all[6];
    bool found = true;

    for (uint64_t n = 1; n <= 6; n++) {
        d->env.fail_from = n < 3 || n > 4 ? d->env.allocs + (n == 2 ? 2 : 1) : 0;
        all[n - 1] = enter(d, &member);
        found &= lookup(d, "10.0.0.1", "10.0.0.9", 5000, 1) != NULL;
    }
    OK(found, "somebody is found at any time");
    for (unsigned i = 0; i < 6; i++)
        pcb_end(d, all[i]);
    OK(!lookup(d, "10.0.0.1", "10.0.0.9", 5000, 1), "and nobody when all have gone");
    desk_end(d, "all memory is given back");
}

#define CONNECTIONS 3000

/* Equal four-tuples, which UDP has: the newest wins, however the tables have grown since. */
static void newest_of_equal_tuples(void)
{
    static const struct entry twin = {.laddr = "10.0.0.1", .raddr = "10.0.0.9"};
    struct desk *d = desk_new(2, 32768, 60999, true);
    struct pcb *old = enter(d, &twin), *new = enter(d, &twin);
    struct pcb *crowd[CONNECTIONS];
    bool grown = true, shrunk = true;

    for (uint16_t i = 0; i < CONNECTIONS; i++) {
        crowd[i] = pcb_new(false);
        crowd[i]->entry.laddr = ip("10.0.0.1");
        crowd[i]->entry.raddr = ip("10.0.0.8");
        crowd[i]->entry.lport = 80;
        crowd[i]->entry.rport = (uint16_t)(i + 1);
        demux_insert_conn(&d->demux, &crowd[i]->entry);
        grown &= lookup(d, "10.0.0.1", "10.0.0.9", 5000, 1) == &new->entry;
    }
    OK(grown, "the newest is found while the table grows");
    for (int i = 0; i < CONNECTIONS; i++) {
        pcb_end(d, crowd[i]);
        shrunk &= lookup(d, "10.0.0.1", "10.0.0.9", 5000, 1) == &new->entry;
    }
    OK(shrunk, "and while it shrinks");
    pcb_end(d, new);
    OK(lookup(d, "10.0.0.1", "10.0.0.9", 5000, 1) == &old->entry, "then the one before it");
    pcb_end(d, old);
    desk_end(d, "all memory is given back");
}

static void a_record_takes_its_place(void)
{
    static const struct entry conn = {
        .laddr = "fd00::1", .raddr = "fd00::9", .is_v6 = true, .link = 2};
    struct desk *d = desk_new(3, 32768, 60999, false);
    struct pcb *p = enter(d, &conn);
    struct demux_entry record;

    OK(!lookup(d, "fd00::1", "fd00::9", 5000, 1), "a connection of another link");
    demux_replace(&d->demux, &p->entry, &record);
    record.kind = DEMUX_TIMEWAIT;
    OK(lookup(d, "fd00::1", "fd00::9", 5000, 1) == &record,
       "a TIME-WAIT record in its place is bound to none");
    EQ(p->entry.kind, DEMUX_NONE, "and the connection is in no table");
    pcb_end(d, p);
    OK(lookup(d, "fd00::1", "fd00::9", 5000, 1) == &record, "it stays when the connection goes");
    demux_remove(&d->demux, &record);
    OK(!lookup(d, "fd00::1", "fd00::9", 5000, 1), "until it is taken out");
    desk_end(d, "all memory is given back");
}

/* What was found is kept in mind: it is another as soon as anything about the bound ones changes.
 */
static void found_anew(void)
{
    static const struct entry any = {.laddr = "::", .is_v6 = true};
    static const struct entry exact = {.laddr = "10.0.0.1"};
    struct desk *d = desk_new(5, 32768, 60999, false);
    struct pcb *a = enter(d, &any), *b;

    OK(lookup(d, "10.0.0.1", "10.0.0.9", 5000, 1) == &a->entry, "any address is found");
    OK(lookup(d, "10.0.0.1", "10.0.0.8", 5001, 1) == &a->entry, "and for another peer again");
    b = enter(d, &exact);
    OK(lookup(d, "10.0.0.1", "10.0.0.9", 5000, 1) == &b->entry, "a better one that has come");
    OK(lookup(d, "10.0.0.2", "10.0.0.9", 5000, 1) == &a->entry, "not for another address");
    OK(lookup(d, "10.0.0.1", "10.0.0.9", 5000, 1) == &b->entry, "it once more");
    b->link_index = 2;
    ports_changed(&d->ports, b);
    OK(lookup(d, "10.0.0.1", "10.0.0.9", 5000, 1) == &a->entry, "not when it is of another link");
    OK(lookup(d, "10.0.0.1", "10.0.0.9", 5000, 2) == &b->entry, "but by that link");
    pcb_end(d, b);
    OK(lookup(d, "10.0.0.1", "10.0.0.9", 5000, 2) == &a->entry, "nor when it has gone");
    pcb_end(d, a);
    desk_end(d, "all memory is given back");
}

/* Both ends of a connection in one table find each other; one that is its own other end, itself. */
static void both_ends(void)
{
    static const char *const at[][2] = {{"10.0.0.1", "10.0.0.9"}, {"fd00::9", "fd00::1"}};

    for (unsigned i = 0; i < 2; i++) {
        struct desk *d = desk_new(6, 32768, 60999, false);
        struct pcb *ends[3];

        for (unsigned n = 0; n < 3; n++) { /* the third: to itself */
            ends[n] = pcb_new(i);
            ends[n]->entry.laddr = ip(at[i][n & 1]);
            ends[n]->entry.raddr = ip(at[i][!(n & 1) && n < 2]);
            ends[n]->entry.lport = n == 1 ? 5000 : 80;
            ends[n]->entry.rport = n == 0 ? 5000 : 80;
            demux_insert_conn(&d->demux, &ends[n]->entry);
        }
        OK(demux_find_peer(&d->demux, &ends[0]->entry, 1) == &ends[1]->entry, "the other end");
        OK(demux_find_peer(&d->demux, &ends[1]->entry, 1) == &ends[0]->entry, "and back");
        OK(demux_find_peer(&d->demux, &ends[2]->entry, 1) == &ends[2]->entry, "itself");
        pcb_end(d, ends[1]);
        OK(!demux_find_peer(&d->demux, &ends[0]->entry, 1), "nobody when it has gone");
        pcb_end(d, ends[0]);
        pcb_end(d, ends[2]);
        desk_end(d, "all memory is given back");
    }
}

static void maker_without_memory(void)
{
    for (uint64_t n = 1; n <= 2; n++) {
        struct testenv env = {.fail_from = n};
        struct core core = {.env = testenv_env(&env)};
        struct demux demux;

        EQ(demux_init(&demux, &core), -HF_ENOMEM, "no table without memory");
        EQ(env.out, 0, "and nothing lost");
    }
}

int main(void)
{
    tap_begin(60);
    rows_of_sockets();
    reuse_port_group();
    reuse_port_members_go();
    reuse_port_without_memory();
    newest_of_equal_tuples();
    a_record_takes_its_place();
    found_anew();
    both_ends();
    maker_without_memory();
    return tap_end();
}
