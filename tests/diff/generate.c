/* Random programs. A program has a theme, which says what is likely; it often begins with sockets
 * that already talk, because pure chance seldom gets that far.
 *
 * Left out, because only time or tuning decides it: full buffers (nothing sends much), SIOCOUTQ of
 * a stream (acknowledgements may be late), lingering, low buffers together with data. And 0.0.0.0
 * bound to the port of an IPv6 connection, which docs/deviations.md has. */
#include "gen.h"

#include <string.h>
#include <sys/socket.h>

#include "handfast/linux.h"

/* ---- steps ---- */

static void add_socket(struct gen *g, int slot)
{
    struct step *s = add(g, OP_SOCKET, slot);
    bool is_stream = g->theme == THEME_STREAM                                 ? chance(g, 95)
                     : g->theme == THEME_DATAGRAM || g->theme >= THEME_ERRORS ? chance(g, 5)
                                                                              : chance(g, 50);
    bool is_v6 = chance(g, 50), is_odd = chance(g, 2);

    s->f[F_DOMAIN] = is_odd ? (int)below(g, 50) - 1 : is_v6 ? AF_INET6 : AF_INET;
    s->f[F_TYPE] = is_stream ? SOCK_STREAM : SOCK_DGRAM;
    if (s->f[F_DOMAIN] != AF_INET && s->f[F_DOMAIN] != AF_INET6)
        s->f[F_DOMAIN] = AF_UNSPEC; /* other families are the kernel's own affair */
    if (is_odd && s->f[F_DOMAIN]) {
        s->f[F_TYPE] = (int)below(g, 12);
        if (s->f[F_TYPE] == SOCK_RAW || s->f[F_TYPE] == SOCK_PACKET || s->f[F_TYPE] == 5)
            s->f[F_TYPE] = SOCK_STREAM;
    }
    if (s->f[F_DOMAIN] && s->f[F_TYPE] >= SOCK_STREAM && s->f[F_TYPE] <= SOCK_DGRAM) {
        g->slots[slot].is_open = true;
        g->slots[slot].is_stream = s->f[F_TYPE] == SOCK_STREAM;
        g->slots[slot].is_v6 = s->f[F_DOMAIN] == AF_INET6;
        g->slots[slot].listens = g->slots[slot].spoke4 = false;
        g->slots[slot].is_corked = g->slots[slot].has_peer = g->slots[slot].is_on_lo = false;
    }
}

static bool is_mapped(int at)
{
    return strncmp(hosts[at].text, "::ffff:", 7) == 0;
}

/* Faults of Linux 6.18 that are not to be copied, so no program looks at them: an IPv6 stream that
 * has spoken IPv4 never completes another connect over IPv6; a connect that is refused leaves a
 * connected datagram socket, and the datagram it is making, half at the new address. */
static bool shows_fault(const struct gen *g, int slot, const struct step *s)
{
    const char *to = hosts[s->f[F_HOST]].text;

    if (g->slots[slot].is_stream)
        return g->slots[slot].spoke4 && s->f[F_FAMILY] != AF_UNSPEC && !is_mapped(s->f[F_HOST]);
    if (g->slots[slot].spoke4 && s->f[F_FAMILY] == AF_UNSPEC)
        return true; /* an IPv6 one hears no IPv6 any more */
    return g->slots[slot].has_peer &&
           (strstr(to, "255.255.255") || strcmp(to, "fe80::1%9") == 0 || is_far(s->f[F_HOST]));
}

static void add_connect(struct gen *g, int slot)
{
    struct step *s;

    if (g->slots[slot].is_corked)
        return;
    s = add(g, OP_CONNECT, slot);
    do
        give_address(g, s, g->slots[slot].is_v6);
    while (shows_fault(g, slot, s));
    if (chance(g, 15) && (g->slots[slot].is_stream || !g->slots[slot].spoke4))
        s->f[F_FAMILY] = AF_UNSPEC;
    g->slots[slot].is_on_lo |= hosts[s->f[F_HOST]].scope != 0;
    if ((is_mapped(s->f[F_HOST]) || hosts[s->f[F_HOST]].family == AF_INET) && g->slots[slot].is_v6)
        g->slots[slot].spoke4 = true;
    g->slots[slot].has_peer = true;
}

/* Likewise. What is bound to an IPv4 address speaks it to "::", too. */
static void add_bind(struct gen *g, int slot)
{
    struct step *s = add(g, OP_BIND, slot);

    do
        give_address(g, s, g->slots[slot].is_v6);
    while (g->slots[slot].spoke4 && !g->slots[slot].is_stream && !is_mapped(s->f[F_HOST]));
    if (is_mapped(s->f[F_HOST]) && g->slots[slot].is_v6)
        g->slots[slot].spoke4 = true;
}

static void add_send(struct gen *g, int slot)
{
    static const int sizes[] = {0, 1, 2, 3, 5, 10, 100, 1000};
    static const int huge[] = {65507, 65508, 65527, 65528, 65535, 65536};
    struct step *s = add(g, OP_SEND, slot);
    bool is_stream = g->slots[slot].is_stream;

    s->f[F_N] = PICK(g, sizes);
    if (!is_stream && chance(g, 2) && !(g->theme == THEME_ERRORS && g->slots[slot].is_v6))
        s->f[F_N] = PICK(g, huge); /* lo's MTU is one more for IPv6 than ours */
    s->f[F_FLAGS] = some_flags(g, false);
    if (is_stream)
        s->f[F_FLAGS] &= ~HF_MSG_MORE; /* waits for more, or for a timer */
    g->slots[slot].is_corked |= (s->f[F_FLAGS] & HF_MSG_MORE) != 0;
    if (!(g->slots[slot].is_corked && g->slots[slot].has_peer) && chance(g, is_stream ? 5 : 55))
        give_address(g, s, g->slots[slot].is_v6);
    if (!is_stream && g->theme != THEME_OPTIONS && chance(g, 12) && !g->slots[slot].is_corked)
        s->f[F_CTL] = (int)below(g, (uint32_t)control_count);
}

static void add_recv(struct gen *g, int slot)
{
    static const int sizes[] = {0, 1, 2, 3, 5, 10, 100, 2000};
    static const int rooms[] = {8, 15, 16, 17, 20, 24, 32, 64, 200};
    struct step *s = add(g, OP_RECV, slot);

    s->f[F_N] = chance(g, 50) ? 2000 : PICK(g, sizes);
    s->f[F_FLAGS] = some_flags(g, true);
    if (chance(g, 60))
        s->f[F_ROOM] = some_room(g);
    if (chance(g, 30))
        s->f[F_CTLROOM] = chance(g, 60) ? 200 : PICK(g, rooms);
    if (g->theme == THEME_ERRORS && chance(g, 50)) {
        s->f[F_FLAGS] |= HF_MSG_ERRQUEUE;
        s->f[F_CTLROOM] = chance(g, 80) ? 200 : s->f[F_CTLROOM];
    }
}

static void add_listen(struct gen *g, int slot)
{
    static const int backlogs[] = {5, 5, 5, 1, 0, -1, 100000};

    if (g->slots[slot].spoke4 && g->slots[slot].has_peer)
        return; /* Linux's fault again: what comes to it stays half open */
    add(g, OP_LISTEN, slot)->f[F_N] = PICK(g, backlogs);
    if (g->slots[slot].is_stream)
        g->slots[slot].listens = true;
}

static void add_accept(struct gen *g, int slot)
{
    struct step *s;
    int from = slot, to = (int)below(g, SLOTS);
    bool spoke4 = g->slots[to].spoke4; /* nothing may wait, and it stays what it is */
    bool is_corked = g->slots[to].is_corked, is_on_lo = g->slots[to].is_on_lo;

    for (int i = 0; i < SLOTS && chance(g, 90); i++)
        if (g->slots[i].listens)
            from = i;
    s = add(g, OP_ACCEPT, to);
    s->f[F_FROM] = from;
    s->f[F_ROOM] = some_room(g);
    if (!g->slots[from].listens)
        return;
    g->slots[to] = g->slots[from];
    g->slots[to].listens = false;
    g->slots[to].spoke4 = spoke4 || g->slots[to].is_v6;
    g->slots[to].is_corked = is_corked;
    g->slots[to].is_on_lo |= is_on_lo;
    g->slots[to].has_peer = true;
}

static void add_ioctl(struct gen *g, int slot)
{
    static const int stream[] = {HF_SIOCINQ, HF_SIOCATMARK, HF_SIOCINQ, 0x8999};
    static const int datagram[] = {HF_SIOCINQ, HF_SIOCATMARK, HF_SIOCOUTQNSD, 0x8999};

    add(g, OP_IOCTL, slot)->f[F_N] = g->slots[slot].is_stream ? PICK(g, stream) : PICK(g, datagram);
}

/* How likely each call is, by theme. */
static const uint8_t weights[THEMES][OPS] = {
    [THEME_STREAM] = {[OP_CLOSE] = 6,
                      [OP_BIND] = 8,
                      [OP_LISTEN] = 8,
                      [OP_ACCEPT] = 14,
                      [OP_CONNECT] = 22,
                      [OP_SEND] = 16,
                      [OP_RECV] = 16,
                      [OP_SHUTDOWN] = 10,
                      [OP_SOCKNAME] = 5,
                      [OP_PEERNAME] = 5,
                      [OP_GETOPT] = 10,
                      [OP_SETOPT] = 4,
                      [OP_IOCTL] = 5},
    [THEME_DATAGRAM] = {[OP_CLOSE] = 4,
                        [OP_BIND] = 14,
                        [OP_LISTEN] = 1,
                        [OP_ACCEPT] = 1,
                        [OP_CONNECT] = 20,
                        [OP_SEND] = 26,
                        [OP_RECV] = 20,
                        [OP_SHUTDOWN] = 4,
                        [OP_SOCKNAME] = 8,
                        [OP_PEERNAME] = 8,
                        [OP_GETOPT] = 8,
                        [OP_SETOPT] = 8,
                        [OP_IOCTL] = 5},
    [THEME_MIXED] = {[OP_CLOSE] = 8,
                     [OP_BIND] = 12,
                     [OP_LISTEN] = 8,
                     [OP_ACCEPT] = 10,
                     [OP_CONNECT] = 20,
                     [OP_SEND] = 16,
                     [OP_RECV] = 16,
                     [OP_SHUTDOWN] = 8,
                     [OP_SOCKNAME] = 8,
                     [OP_PEERNAME] = 8,
                     [OP_GETOPT] = 10,
                     [OP_SETOPT] = 10,
                     [OP_IOCTL] = 4},
    [THEME_PORTS] = {[OP_CLOSE] = 8,
                     [OP_BIND] = 40,
                     [OP_LISTEN] = 14,
                     [OP_ACCEPT] = 6,
                     [OP_CONNECT] = 20,
                     [OP_SEND] = 6,
                     [OP_RECV] = 4,
                     [OP_SHUTDOWN] = 5,
                     [OP_SOCKNAME] = 8,
                     [OP_PEERNAME] = 2,
                     [OP_GETOPT] = 4,
                     [OP_SETOPT] = 30},
    [THEME_ERRORS] = {[OP_CLOSE] = 4,
                      [OP_BIND] = 6,
                      [OP_CONNECT] = 12,
                      [OP_SEND] = 30,
                      [OP_RECV] = 30,
                      [OP_SHUTDOWN] = 2,
                      [OP_GETOPT] = 12,
                      [OP_SETOPT] = 14},
    [THEME_GROUPS] = {[OP_CLOSE] = 4,
                      [OP_BIND] = 12,
                      [OP_CONNECT] = 8,
                      [OP_SEND] = 30,
                      [OP_RECV] = 20,
                      [OP_SHUTDOWN] = 1,
                      [OP_SOCKNAME] = 4,
                      [OP_GETOPT] = 4,
                      [OP_SETOPT] = 24},
    [THEME_OPTIONS] = {[OP_CLOSE] = 3,
                       [OP_BIND] = 4,
                       [OP_LISTEN] = 3,
                       [OP_ACCEPT] = 5,
                       [OP_CONNECT] = 8,
                       [OP_SHUTDOWN] = 2,
                       [OP_GETOPT] = 60,
                       [OP_SETOPT] = 50,
                       [OP_IOCTL] = 3},
};

static enum op some_op(struct gen *g)
{
    const uint8_t *w = weights[g->theme];
    uint32_t sum = 0, at;

    for (int i = 0; i < OPS; i++)
        sum += w[i];
    at = below(g, sum);
    for (int i = 0;; i++) {
        if (at < w[i])
            return (enum op)i;
        at -= w[i];
    }
}

static void add_some(struct gen *g, int slot)
{
    enum op op = some_op(g);

    switch (op) {
    case OP_BIND:
        add_bind(g, slot);
        break;
    case OP_CONNECT:
        add_connect(g, slot);
        break;
    case OP_LISTEN:
        add_listen(g, slot);
        break;
    case OP_ACCEPT:
        add_accept(g, slot);
        break;
    case OP_SEND:
        add_send(g, slot);
        break;
    case OP_RECV:
        add_recv(g, slot);
        break;
    case OP_SHUTDOWN:
        add(g, op, slot)->f[F_N] = chance(g, 3) ? (int)below(g, 6) - 2 : (int)below(g, 3);
        break;
    case OP_SOCKNAME:
    case OP_PEERNAME:
        add(g, op, slot)->f[F_ROOM] = some_room(g);
        break;
    case OP_GETOPT:
        add_getopt(g, slot);
        break;
    case OP_SETOPT:
        if (g->slots[slot].is_corked)
            break;
        if (g->theme == THEME_ERRORS)
            add_error_option(g, slot);
        else if (g->theme == THEME_GROUPS)
            (chance(g, 85) ? add_group_option : add_port_option)(g, slot);
        else if (g->theme == THEME_PORTS || (g->theme != THEME_OPTIONS && chance(g, 40)))
            add_port_option(g, slot);
        else
            add_setopt(g, slot);
        break;
    case OP_IOCTL:
        add_ioctl(g, slot);
        break;
    default:
        add(g, OP_CLOSE, slot);
        g->slots[slot].is_open = false;
    }
}

static struct step *plain(struct gen *g, enum op op, int slot, int at_host, int port)
{
    struct step *s = add(g, op, slot);

    s->f[F_HOST] = at_host;
    s->f[F_PORT] = port;
    return s;
}

/* Slots 0, 1, 2: a listener, and a connection to it, accepted or not. */
static void begin_stream(struct gen *g)
{
    bool is_v6 = chance(g, 50), speaks4 = is_v6 && chance(g, 30);
    int any = host(is_v6 ? "::" : "0.0.0.0");
    bool is_mixed = speaks4 && chance(g, 40); /* an IPv4 socket connects to an IPv6 one */
    int own = host(speaks4 ? "::ffff:127.0.0.1" : is_v6 ? "::1" : "127.0.0.1");
    int from = is_mixed ? host("127.0.0.1") : own;

    for (int i = 0; i < 2; i++) {
        struct step *s = add(g, OP_SOCKET, i);
        bool is_six = is_v6 && !(is_mixed && i == 1);

        s->f[F_DOMAIN] = is_six ? AF_INET6 : AF_INET;
        s->f[F_TYPE] = SOCK_STREAM;
        g->slots[i].is_open = g->slots[i].is_stream = true;
        g->slots[i].is_v6 = is_six;
    }
    if (chance(g, 20))
        (g->theme == THEME_OPTIONS ? add_setopt : add_port_option)(g, 0);
    plain(g, OP_BIND, 0, chance(g, 40) ? any : own, 1);
    add_listen(g, 0);
    if (chance(g, 30))
        plain(g, OP_BIND, 1, chance(g, 50) && !is_mixed ? any : from, chance(g, 50) ? 2 : 0);
    plain(g, OP_CONNECT, 1, from, 1);
    g->slots[1].spoke4 = speaks4;
    if (chance(g, 25))
        return;
    add(g, OP_ACCEPT, 2)->f[F_ROOM] = 28;
    g->slots[2] = g->slots[1];
    g->slots[2].is_v6 = is_v6;
    if (chance(g, 60))
        plain(g, OP_CONNECT, 1, from, 1);
}

static void open_datagram(struct gen *g, int slot, bool is_v6)
{
    struct step *s = add(g, OP_SOCKET, slot);

    s->f[F_DOMAIN] = is_v6 ? AF_INET6 : AF_INET;
    s->f[F_TYPE] = SOCK_DGRAM;
    g->slots[slot].is_open = true;
    g->slots[slot].is_stream = false;
    g->slots[slot].is_v6 = is_v6;
}

/* Slots 0, 1: a member of a group, and who sends to it. */
static void begin_group(struct gen *g)
{
    bool is_v6 = chance(g, 50);
    int any = host(is_v6 ? "::" : "0.0.0.0"), group = host(is_v6 ? "ff02::1%1" : "239.1.2.3");

    open_datagram(g, 0, is_v6);
    open_datagram(g, 1, is_v6);
    plain(g, OP_BIND, 0, chance(g, 80) ? any : group, 1);
    add_group_option(g, 0);
    add_group_option(g, 1);
    plain(g, OP_SEND, 1, group, 1)->f[F_N] = 3;
}

/* Slots 0, 1: each may know the other. */
static void begin_datagram(struct gen *g)
{
    bool is_v6 = chance(g, 50), speaks4 = is_v6 && chance(g, 30);
    int own = host(speaks4 ? "::ffff:127.0.0.1" : is_v6 ? "::1" : "127.0.0.1");

    for (int i = 0; i < 2; i++) {
        open_datagram(g, i, is_v6);
        if (chance(g, g->theme == THEME_ERRORS ? 20 : 70))
            plain(g, OP_BIND, i, own, i + 1);
        if (g->theme == THEME_ERRORS)
            add_error_option(g, i);
    }
    for (int i = 0; i < 2; i++) {
        if (chance(g, 50))
            continue;
        plain(g, OP_CONNECT, i, own, 2 - i);
        g->slots[i].has_peer = true;
        g->slots[i].spoke4 = speaks4;
    }
}

void generate(uint64_t seed, struct program *p)
{
    struct gen g = {.state = seed * 0x2545f4914f6cdd1d + 1, .p = p};
    int steps;

    memset(p, 0, sizeof(*p));
    g.theme = (enum theme)below(&g, THEMES);
    p->privileged = chance(&g, 15);
    steps = 8 + (int)below(&g, STEPS_MOST - 16);
    if (g.theme == THEME_GROUPS)
        begin_group(&g);
    else if (g.theme != THEME_DATAGRAM && g.theme != THEME_ERRORS &&
             chance(&g, g.theme == THEME_PORTS ? 20 : 60))
        begin_stream(&g);
    else if (g.theme != THEME_STREAM && chance(&g, 60))
        begin_datagram(&g);
    while (p->n < steps) {
        int slot = (int)below(&g, chance(&g, 70) ? 3 : SLOTS);

        if (!g.slots[slot].is_open && chance(&g, 95))
            add_socket(&g, slot);
        else
            add_some(&g, slot);
    }
}
