/* Random programs. A program has a theme, which says what is likely; it often begins with sockets
 * that already talk, because pure chance seldom gets that far.
 *
 * Left out, because only time or tuning decides it: full buffers (nothing sends much), SIOCOUTQ of
 * a stream (acknowledgements may be late), lingering, low buffers together with data. And 0.0.0.0
 * bound to the port of an IPv6 connection, which docs/deviations.md has. */
#include "diff.h"

#include <string.h>
#include <sys/socket.h>

#include "handfast/linux.h"

enum theme { THEME_STREAM, THEME_DATAGRAM, THEME_MIXED, THEME_PORTS, THEME_OPTIONS, THEMES };

struct gen {
    uint64_t state;
    enum theme theme;
    struct program *p;
    struct {
        bool is_open, is_stream, is_v6, listens;
        bool spoke4;    /* an IPv6 socket that has spoken IPv4, or may have */
        bool is_corked; /* a datagram is being made, or may be */
        bool is_on_lo;  /* bound to a link */
        bool has_peer;  /* a datagram socket that was connected, or may have been */
    } slots[SLOTS];
};

/* SplitMix64. */
static uint32_t below(struct gen *g, uint32_t n)
{
    uint64_t z = g->state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)((z ^ z >> 31) % n);
}

static bool chance(struct gen *g, uint32_t percent)
{
    return below(g, 100) < percent;
}

#define PICK(g, list) ((list)[below((g), COUNT(list))])

static struct step *add(struct gen *g, enum op op, int slot)
{
    static struct step spare;
    struct step *s = g->p->n < STEPS_MOST ? &g->p->steps[g->p->n++] : &spare;

    memset(s, 0, sizeof(*s));
    s->op = op;
    s->f[F_SLOT] = slot;
    s->f[F_FAMILY] = s->f[F_LEN] = -1;
    return s;
}

static int host(const char *text)
{
    for (int i = 0; i < host_count; i++)
        if (strcmp(hosts[i].text, text) == 0)
            return i;
    return 0;
}

/* ---- arguments ---- */

static int some_port(struct gen *g)
{
    if (chance(g, 30))
        return PORT_OF_SLOT + (int)below(g, SLOTS);
    if (chance(g, 6))
        return PORT_LOW;
    return (int)below(g, chance(g, 70) ? 3 : PORTS + 1);
}

/* Multicast, and addresses that many share in IPv6 clothes: where Linux's two families mix. */
static bool is_group(int at)
{
    const uint8_t *b = hosts[at].addr;

    return (hosts[at].family == AF_INET ? b[0]
            : b[10] == 0xff             ? b[12]
                                        : 0) >>
                   4 ==
               14 ||
           strcmp(hosts[at].text, "::ffff:127.255.255.255") == 0;
}

/* No route leads there. On a link that the socket names Linux looks for a source elsewhere, and has
 * none; ours is 127.0.0.1. */
static bool is_far(int at)
{
    return strstr(hosts[at].text, "10.9.9.9") || strcmp(hosts[at].text, "240.0.0.1") == 0;
}

static int some_host(struct gen *g, bool is_v6)
{
    static const char *const v4[] = {"127.0.0.1", "127.0.0.1", "127.0.0.1", "0.0.0.0", "127.0.0.2"};
    static const char *const v6[] = {"::1",
                                     "::1",
                                     "::1",
                                     "::",
                                     "::ffff:127.0.0.1",
                                     "::ffff:127.0.0.1",
                                     "::ffff:0.0.0.0",
                                     "::ffff:127.0.0.2"};

    if (chance(g, 12)) {
        int any = 1 + (int)below(g, (uint32_t)host_count - 1);

        if (!is_group(any))
            return any;
    }
    return host(is_v6 ? PICK(g, v6) : PICK(g, v4));
}

static bool has_v6(const struct gen *g)
{
    for (int i = 0; i < SLOTS; i++)
        if (g->slots[i].is_v6)
            return true;
    return false;
}

static void give_address(struct gen *g, struct step *s, bool is_v6)
{
    static const int lengths[] = {0,  1,  2,  3,  7,  8,  12, 15,  16,  17,
                                  20, 23, 24, 25, 27, 28, 29, 127, 128, 129};
    static const int families[] = {AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX, 77};

    do
        s->f[F_HOST] = some_host(g, chance(g, 4) ? !is_v6 : is_v6);
    while (g->slots[s->f[F_SLOT]].is_on_lo && is_far(s->f[F_HOST]));
    do
        s->f[F_PORT] = some_port(g);
    while (s->op == OP_BIND && s->f[F_PORT] && s->f[F_HOST] == host("0.0.0.0") && has_v6(g));
    if (chance(g, 4))
        s->f[F_LEN] = PICK(g, lengths);
    if (chance(g, 4))
        s->f[F_FAMILY] = PICK(g, families);
}

static int some_room(struct gen *g)
{
    static const int rooms[] = {0, 1, 2, 3, 4, 8, 15, 16, 17, 27, 28, 29, 128};

    return chance(g, 75) ? 28 : PICK(g, rooms);
}

static int some_flags(struct gen *g, bool receives)
{
    static const int sends[] = {HF_MSG_OOB,  HF_MSG_DONTROUTE, HF_MSG_DONTWAIT,
                                HF_MSG_EOR,  HF_MSG_CONFIRM,   HF_MSG_MORE,
                                HF_MSG_PEEK, HF_MSG_TRUNC,     HF_MSG_PROXY};
    static const int takes[] = {HF_MSG_OOB,   HF_MSG_PEEK,    HF_MSG_PEEK,
                                HF_MSG_TRUNC, HF_MSG_TRUNC,   HF_MSG_DONTWAIT,
                                HF_MSG_OOB,   HF_MSG_WAITALL, HF_MSG_ERRQUEUE};
    int flags = 0;

    while (chance(g, 30))
        flags |= receives ? PICK(g, takes) : PICK(g, sends);
    if (flags & HF_MSG_PROXY)
        flags &= ~HF_MSG_MORE; /* half begun on Linux */
    return flags;
}

static void any_option(struct gen *g, struct step *s, bool is_stream, bool is_v6)
{
    static const int levels[] = {
        HF_SOL_SOCKET, HF_SOL_IP, HF_SOL_IPV6, HF_SOL_TCP, HF_IPPROTO_UDP, 58, 132,
        136,           255,       262,         99};
    int want = chance(g, 35)   ? HF_SOL_SOCKET
               : chance(g, 45) ? (is_v6 && chance(g, 80) ? HF_SOL_IPV6 : HF_SOL_IP)
                               : (is_stream ? HF_SOL_TCP : HF_IPPROTO_UDP);

    if (chance(g, 10)) {
        s->f[F_LEVEL] = PICK(g, levels);
        s->f[F_NAME] = (int)below(g, 110);
        return;
    }
    do {
        const struct option_name *o = &option_names[below(g, (uint32_t)option_count)];

        s->f[F_LEVEL] = o->level;
        s->f[F_NAME] = o->name;
    } while (s->f[F_LEVEL] != want);
}

static void give_option(struct gen *g, struct step *s, bool is_stream, bool is_v6)
{
    do
        any_option(g, s, is_stream, is_v6);
    while (option_skipped(s->f[F_LEVEL], s->f[F_NAME]));
}

static bool is_buffer(const struct step *s)
{
    static const int names[] = {HF_SO_SNDBUF,   HF_SO_RCVBUF, HF_SO_SNDBUFFORCE, HF_SO_RCVBUFFORCE,
                                HF_SO_BUF_LOCK, HF_SO_LINGER, HF_SO_RCVLOWAT};

    if (s->f[F_LEVEL] == HF_SOL_TCP)
        return s->f[F_NAME] == HF_TCP_WINDOW_CLAMP || s->f[F_NAME] == HF_TCP_MAXSEG ||
               s->f[F_NAME] == HF_TCP_DEFER_ACCEPT || s->f[F_NAME] == HF_TCP_CORK;
    for (size_t i = 0; i < COUNT(names); i++)
        if (s->f[F_LEVEL] == HF_SOL_SOCKET && s->f[F_NAME] == names[i])
            return true;
    return false;
}

static void add_getopt(struct gen *g, int slot)
{
    static const int rooms[] = {0, 1, 2, 3, 4, 5, 7, 8, 12, 16, 20, 28, 64, 256, -1};
    struct step *s = add(g, OP_GETOPT, slot);

    give_option(g, s, g->slots[slot].is_stream, g->slots[slot].is_v6);
    if (g->theme != THEME_OPTIONS && chance(g, 50)) {
        s->f[F_LEVEL] = HF_SOL_SOCKET;
        s->f[F_NAME] = HF_SO_ERROR;
    }
    s->f[F_ROOM] = chance(g, 60) ? 4 : PICK(g, rooms);
}

static bool is_time(const struct step *s)
{
    static const int names[] = {HF_SO_RCVTIMEO_OLD, HF_SO_SNDTIMEO_OLD, HF_SO_RCVTIMEO_NEW,
                                HF_SO_SNDTIMEO_NEW};

    for (size_t i = 0; i < COUNT(names); i++)
        if (s->f[F_LEVEL] == HF_SOL_SOCKET && s->f[F_NAME] == names[i])
            return true;
    return false;
}

/* What is kept in less room than Linux has, or in ticks of another clock, or depends on sysctls, or
 * on whether a FIN is acknowledged at once. */
static void keep_small(struct step *s)
{
    if ((is_time(s) || s->f[F_NAME] == HF_SO_RCVLOWAT) && s->f[F_LEVEL] == HF_SOL_SOCKET &&
        s->f[F_VALUE] < 0)
        s->f[F_VALUE] = 0;
    if (is_time(s)) {
        s->f[F_VALUE] %= 1000000;
        s->f[F_VALUE2] = 0;
        s->f[F_VALUE3] -= s->f[F_VALUE3] % 20000;
    }
    if (s->f[F_LEVEL] == HF_SOL_SOCKET && s->f[F_NAME] == HF_SO_RCVLOWAT)
        s->f[F_VALUE] %= 1000000;
    if (s->f[F_LEVEL] == HF_SOL_SOCKET && s->f[F_NAME] == HF_SO_PRIORITY)
        s->f[F_VALUE] %= 128;
    if (s->f[F_LEVEL] == HF_SOL_TCP && s->f[F_NAME] == HF_TCP_LINGER2 && s->f[F_VALUE] < 0)
        s->f[F_VALUE] = 0;
}

static void note_link(struct gen *g, int slot, const struct step *s)
{
    g->slots[slot].is_on_lo |=
        s->f[F_LEVEL] == HF_SOL_SOCKET &&
        (s->f[F_NAME] == HF_SO_BINDTODEVICE || s->f[F_NAME] == HF_SO_BINDTOIFINDEX);
}

static void add_setopt(struct gen *g, int slot)
{
    static const int values[] = {0,         1,         1,      0,         -1,    2,     3,
                                 5,         6,         7,      63,        64,    100,   255,
                                 256,       536,       1280,   32767,     65535, 65536, 1000000,
                                 INT32_MAX, INT32_MIN, 0x6f6c, 0x0100007f};
    static const int lengths[] = {0, 1, 2, 3, 5, 8, 12, 16, 20, -1};
    struct step *s = add(g, OP_SETOPT, slot);

    do
        give_option(g, s, g->slots[slot].is_stream, g->slots[slot].is_v6);
    while (option_unset(s->f[F_LEVEL], s->f[F_NAME]) ||
           (g->theme != THEME_OPTIONS && is_buffer(s)));
    s->f[F_VALUE] = PICK(g, values);
    s->f[F_VALUE2] = chance(g, 70) ? 0 : PICK(g, values);
    s->f[F_VALUE3] = chance(g, 70) ? 0 : PICK(g, values);
    s->f[F_LEN] = chance(g, 75) ? 4 : PICK(g, lengths);
    g->slots[slot].is_corked |= s->f[F_LEVEL] == HF_IPPROTO_UDP && s->f[F_NAME] == HF_UDP_CORK;
    note_link(g, slot, s);
    keep_small(s);
}

/* Those that change who may have which port, and how sockets find each other. */
static void add_port_option(struct gen *g, int slot)
{
    static const struct {
        int level, name;
    } list[] = {
        {HF_SOL_SOCKET, HF_SO_REUSEADDR},        {HF_SOL_SOCKET, HF_SO_REUSEADDR},
        {HF_SOL_SOCKET, HF_SO_REUSEPORT},        {HF_SOL_IPV6, HF_IPV6_V6ONLY},
        {HF_SOL_IP, HF_IP_BIND_ADDRESS_NO_PORT}, {HF_SOL_IP, HF_IP_FREEBIND},
        {HF_SOL_SOCKET, HF_SO_BROADCAST},        {HF_SOL_SOCKET, HF_SO_BINDTODEVICE},
        {HF_SOL_SOCKET, HF_SO_BINDTOIFINDEX},
    };
    struct step *s = add(g, OP_SETOPT, slot);
    size_t i = below(g, COUNT(list));

    s->f[F_LEVEL] = list[i].level;
    s->f[F_NAME] = list[i].name;
    s->f[F_VALUE] = chance(g, 80) ? 1 : 0;
    if (s->f[F_NAME] == HF_SO_BINDTODEVICE)
        s->f[F_VALUE] = chance(g, 80) ? 0x6f6c : 0;
    s->f[F_LEN] = 4;
    note_link(g, slot, s);
}

/* ---- steps ---- */

static void add_socket(struct gen *g, int slot)
{
    struct step *s = add(g, OP_SOCKET, slot);
    bool is_stream = g->theme == THEME_STREAM     ? chance(g, 95)
                     : g->theme == THEME_DATAGRAM ? chance(g, 5)
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
    if (is_mapped(s->f[F_HOST]) && g->slots[slot].is_v6)
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
    if (!is_stream && chance(g, 2))
        s->f[F_N] = PICK(g, huge);
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
        if (g->theme == THEME_PORTS || (g->theme != THEME_OPTIONS && chance(g, 40)))
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
    int own = host(speaks4 ? "::ffff:127.0.0.1" : is_v6 ? "::1" : "127.0.0.1");

    for (int i = 0; i < 2; i++) {
        struct step *s = add(g, OP_SOCKET, i);

        s->f[F_DOMAIN] = is_v6 ? AF_INET6 : AF_INET;
        s->f[F_TYPE] = SOCK_STREAM;
        g->slots[i].is_open = g->slots[i].is_stream = true;
        g->slots[i].is_v6 = is_v6;
    }
    if (chance(g, 20))
        (g->theme == THEME_OPTIONS ? add_setopt : add_port_option)(g, 0);
    plain(g, OP_BIND, 0, chance(g, 40) ? any : own, 1);
    add_listen(g, 0);
    if (chance(g, 30))
        plain(g, OP_BIND, 1, chance(g, 50) ? any : own, chance(g, 50) ? 2 : 0);
    plain(g, OP_CONNECT, 1, own, 1);
    g->slots[1].spoke4 = speaks4;
    if (chance(g, 25))
        return;
    add(g, OP_ACCEPT, 2)->f[F_ROOM] = 28;
    g->slots[2] = g->slots[1];
    if (chance(g, 60))
        plain(g, OP_CONNECT, 1, own, 1);
}

/* Slots 0, 1: each may know the other. */
static void begin_datagram(struct gen *g)
{
    bool is_v6 = chance(g, 50), speaks4 = is_v6 && chance(g, 30);
    int own = host(speaks4 ? "::ffff:127.0.0.1" : is_v6 ? "::1" : "127.0.0.1");

    for (int i = 0; i < 2; i++) {
        struct step *s = add(g, OP_SOCKET, i);

        s->f[F_DOMAIN] = is_v6 ? AF_INET6 : AF_INET;
        s->f[F_TYPE] = SOCK_DGRAM;
        g->slots[i].is_open = true;
        g->slots[i].is_stream = false;
        g->slots[i].is_v6 = is_v6;
        if (chance(g, 70))
            plain(g, OP_BIND, i, own, i + 1);
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
    if (g.theme != THEME_DATAGRAM && chance(&g, g.theme == THEME_PORTS ? 20 : 60))
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
