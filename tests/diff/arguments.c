/* The arguments of random steps: addresses, flags, options. Each is mostly what makes sense, and
 * now and then anything. */
#include "gen.h"

#include <string.h>
#include <sys/socket.h>

#include "handfast/linux.h"

/* SplitMix64. */
uint32_t below(struct gen *g, uint32_t n)
{
    uint64_t z = g->state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)((z ^ z >> 31) % n);
}

bool chance(struct gen *g, uint32_t percent)
{
    return below(g, 100) < percent;
}

struct step *add(struct gen *g, enum op op, int slot)
{
    static struct step spare;
    struct step *s = g->p->n < STEPS_MOST ? &g->p->steps[g->p->n++] : &spare;

    memset(s, 0, sizeof(*s));
    s->op = op;
    s->f[F_SLOT] = slot;
    s->f[F_FAMILY] = s->f[F_LEN] = -1;
    return s;
}

int host(const char *text)
{
    for (int i = 0; i < host_count; i++)
        if (strcmp(hosts[i].text, text) == 0)
            return i;
    return 0;
}

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
bool is_far(int at)
{
    return strstr(hosts[at].text, "10.9.9.9") || strcmp(hosts[at].text, "240.0.0.1") == 0 ||
           (hosts[at].family == AF_INET && is_group(at));
}

static int some_host(struct gen *g, bool is_v6)
{
    static const char *const groups4[] = {"239.1.2.3", "239.1.2.3", "224.0.0.1"};
    static const char *const groups6[] = {"ff02::1", "ff02::1%1", "ff01::1"};
    static const char *const v4[] = {"127.0.0.1", "127.0.0.1", "127.0.0.1", "0.0.0.0", "127.0.0.2"};
    static const char *const v6[] = {"::1",
                                     "::1",
                                     "::1",
                                     "::",
                                     "::ffff:127.0.0.1",
                                     "::ffff:127.0.0.1",
                                     "::ffff:0.0.0.0",
                                     "::ffff:127.0.0.2"};

    if (g->theme == THEME_GROUPS && chance(g, 40))
        return host(is_v6 ? PICK(g, groups6) : PICK(g, groups4));
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

void give_address(struct gen *g, struct step *s, bool is_v6)
{
    static const int lengths[] = {0,  1,  2,  3,  7,  8,  12, 15,  16,  17,
                                  20, 23, 24, 25, 27, 28, 29, 127, 128, 129};
    static const int families[] = {AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX, 77};

    do
        s->f[F_HOST] = some_host(g, chance(g, g->theme == THEME_GROUPS ? 0 : 4) ? !is_v6 : is_v6);
    while (g->slots[s->f[F_SLOT]].is_on_lo && is_far(s->f[F_HOST]));
    do
        s->f[F_PORT] = some_port(g);
    while (s->op == OP_BIND && s->f[F_PORT] && s->f[F_HOST] == host("0.0.0.0") && has_v6(g));
    if (chance(g, 4))
        s->f[F_LEN] = PICK(g, lengths);
    if (chance(g, 4))
        s->f[F_FAMILY] = PICK(g, families);
}

int some_room(struct gen *g)
{
    static const int rooms[] = {0, 1, 2, 3, 4, 8, 15, 16, 17, 27, 28, 29, 128};

    return chance(g, 75) ? 28 : PICK(g, rooms);
}

int some_flags(struct gen *g, bool receives)
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

void add_getopt(struct gen *g, int slot)
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

void add_setopt(struct gen *g, int slot)
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
void add_port_option(struct gen *g, int slot)
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

/* Those that say what is told of errors, and with what. */
void add_error_option(struct gen *g, int slot)
{
    static const struct {
        int level, name;
    } list[] = {
        {HF_SOL_IP, HF_IP_RECVERR},
        {HF_SOL_IP, HF_IP_RECVERR},
        {HF_SOL_IPV6, HF_IPV6_RECVERR},
        {HF_SOL_IPV6, HF_IPV6_RECVERR},
        {HF_SOL_IP, HF_IP_RECVTTL},
        {HF_SOL_IP, HF_IP_RECVTOS},
        {HF_SOL_IPV6, HF_IPV6_RECVTCLASS},
        {HF_SOL_IPV6, HF_IPV6_RECVHOPLIMIT},
        {HF_SOL_SOCKET, HF_SO_SELECT_ERR_QUEUE},
    };
    struct step *s = add(g, OP_SETOPT, slot);
    size_t i = below(g, COUNT(list));

    s->f[F_LEVEL] = list[i].level;
    s->f[F_NAME] = list[i].name;
    s->f[F_VALUE] = chance(g, 85);
    s->f[F_LEN] = 4;
}

/* Who hears a group, and which way it goes. An IPv6 socket's are its own family's: Linux keeps
 * both.
 */
void add_group_option(struct gen *g, int slot)
{
    static const int v4[] = {HF_IP_ADD_MEMBERSHIP, HF_IP_ADD_MEMBERSHIP, HF_IP_DROP_MEMBERSHIP,
                             HF_IP_MULTICAST_IF,   HF_IP_MULTICAST_IF,   HF_IP_MULTICAST_LOOP,
                             HF_IP_MULTICAST_TTL,  HF_IP_MULTICAST_ALL};
    static const int v6[] = {HF_IPV6_ADD_MEMBERSHIP,  HF_IPV6_ADD_MEMBERSHIP,
                             HF_IPV6_DROP_MEMBERSHIP, HF_IPV6_MULTICAST_IF,
                             HF_IPV6_MULTICAST_IF,    HF_IPV6_MULTICAST_LOOP,
                             HF_IPV6_MULTICAST_HOPS,  HF_IPV6_MULTICAST_ALL};
    static const char *const groups4[] = {"239.1.2.3", "239.1.2.3", "224.0.0.1", "127.0.0.1"};
    static const char *const groups6[] = {"ff02::1", "ff01::1", "ff02::1%1", "::1"};
    static const int lengths[] = {0, 3, 4, 7, 8, 11, 12, 16, 19, 20};
    struct step *s = add(g, OP_SETOPT, slot);
    bool is_v6 = g->slots[slot].is_v6;
    bool joins;

    s->f[F_LEVEL] = is_v6 ? HF_SOL_IPV6 : HF_SOL_IP;
    s->f[F_NAME] = is_v6 ? PICK(g, v6) : PICK(g, v4);
    joins = is_v6
                ? s->f[F_NAME] == HF_IPV6_ADD_MEMBERSHIP || s->f[F_NAME] == HF_IPV6_DROP_MEMBERSHIP
                : s->f[F_NAME] == HF_IP_ADD_MEMBERSHIP || s->f[F_NAME] == HF_IP_DROP_MEMBERSHIP;
    s->f[F_VALUE] = (int)below(g, 3);
    s->f[F_LEN] = 4;
    if (joins && is_v6) { /* step_value puts the address in its place */
        s->f[F_HOST] = host(PICK(g, groups6));
        s->f[F_VALUE] = chance(g, 90) ? 1 : (int)below(g, 10);
        s->f[F_LEN] = 20;
    } else if (joins) {
        s->f[F_HOST] = host(PICK(g, groups4));
        s->f[F_VALUE] = chance(g, 70) ? 0x0100007f : 0;
        s->f[F_VALUE2] = (int)below(g, 3);
        s->f[F_LEN] = chance(g, 60) ? 12 : 8;
    } else if (!is_v6 && s->f[F_NAME] == HF_IP_MULTICAST_IF) {
        s->f[F_VALUE] = chance(g, 80) ? 0x0100007f : (int)below(g, 3);
    }
    if (chance(g, 5))
        s->f[F_LEN] = PICK(g, lengths);
}
