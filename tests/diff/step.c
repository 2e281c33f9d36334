/* Steps as text, one a line, and what their fields stand for in bytes. */
#include "diff.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handfast/linux.h"

/* ---- hosts ---- */

struct host hosts[] = {
    {.text = "-"}, /* no address */
    {.text = "127.0.0.1"},
    {.text = "127.0.0.2"},
    {.text = "0.0.0.0"},
    {.text = "127.255.255.255"},
    {.text = "255.255.255.255"},
    {.text = "224.0.0.1"},
    {.text = "239.1.2.3"},
    {.text = "10.9.9.9"},
    {.text = "240.0.0.1"},
    {.text = "::1"},
    {.text = "::"},
    {.text = "::ffff:127.0.0.1"},
    {.text = "::ffff:127.0.0.2"},
    {.text = "::ffff:0.0.0.0"},
    {.text = "::ffff:224.0.0.1"},
    {.text = "::ffff:127.255.255.255"},
    {.text = "::ffff:10.9.9.9"},
    {.text = "ff02::1"},
    {.text = "ff02::1%1"},
    {.text = "ff01::1"},
    {.text = "fe80::1"},
    {.text = "fe80::1%1"},
    {.text = "fe80::1%9"},
    {.text = "2001:db8::1"},
    {.text = "::127.0.0.1"},
    {.text = "::1%1"},
};
const int host_count = COUNT(hosts);

void hosts_init(void)
{
    for (int i = 1; i < host_count; i++) {
        struct host *h = &hosts[i];
        char text[64];
        char *scope;

        snprintf(text, sizeof(text), "%s", h->text);
        scope = strchr(text, '%');
        if (scope) {
            *scope = 0;
            h->scope = (uint32_t)atoi(scope + 1);
        }
        h->family = strchr(text, ':') ? AF_INET6 : AF_INET;
        if (inet_pton(h->family, text, h->addr) != 1)
            abort();
    }
}

uint32_t step_address(const struct step *s, const struct ports_in_use *ports, uint8_t *room)
{
    const struct host *h = &hosts[s->f[F_HOST]];
    int p = s->f[F_PORT];
    uint16_t port = p >= PORT_OF_SLOT ? ports->of_slot(ports->side, p - PORT_OF_SLOT)
                    : p == PORT_LOW   ? ports->low
                    : p               ? (uint16_t)(ports->base + p - 1)
                                      : 0;
    uint32_t len;

    memset(room, 0, 160);
    if (h->family == AF_INET) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

        memcpy(&in.sin_addr, h->addr, 4);
        memcpy(room, &in, len = sizeof(in));
    } else {
        struct sockaddr_in6 in6 = {
            .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = h->scope};

        memcpy(&in6.sin6_addr, h->addr, 16);
        memcpy(room, &in6, len = sizeof(in6));
    }
    if (s->f[F_FAMILY] >= 0) {
        uint16_t family = (uint16_t)s->f[F_FAMILY];

        memcpy(room, &family, 2);
    }
    return s->f[F_LEN] >= 0 ? (uint32_t)s->f[F_LEN] : len;
}

uint32_t step_value(const struct step *s, uint8_t *room)
{
    const struct host *h = &hosts[s->f[F_HOST]];
    size_t at = !s->f[F_HOST] ? 0 : h->family == AF_INET ? 4 : 16;

    memset(room, 0, 160);
    memcpy(room, h->addr, at); /* a group, where one is named */
    memcpy(room + at, &s->f[F_VALUE], 4);
    memcpy(room + at + 4, &s->f[F_VALUE2], 4);
    memcpy(room + at + 8, &s->f[F_VALUE3], 4);
    return (uint32_t)s->f[F_LEN];
}

void step_data(int at, uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        data[i] = (uint8_t)(at * 37 + 1 + (int)(i % 251));
}

/* ---- ancillary data ---- */

#define INT32(v)                                                                      \
    {                                                                                 \
        (uint8_t)(v), (uint8_t)((v) >> 8), (uint8_t)((v) >> 16), (uint8_t)((v) >> 24) \
    }

const struct control controls[] = {
    {.name = "none"},
    {"pktinfo-src1", HF_SOL_IP, HF_IP_PKTINFO, 12, {0, 0, 0, 0, 127, 0, 0, 1}, 0},
    {"pktinfo-src2", HF_SOL_IP, HF_IP_PKTINFO, 12, {0, 0, 0, 0, 127, 0, 0, 2}, 0},
    {"pktinfo-src-foreign", HF_SOL_IP, HF_IP_PKTINFO, 12, {0, 0, 0, 0, 10, 9, 9, 9}, 0},
    {"pktinfo-lo", HF_SOL_IP, HF_IP_PKTINFO, 12, {1}, 0},
    {"pktinfo-no-link", HF_SOL_IP, HF_IP_PKTINFO, 12, {9}, 0},
    {"pktinfo-short", HF_SOL_IP, HF_IP_PKTINFO, 8, {0}, 0},
    {"ttl-5", HF_SOL_IP, HF_IP_TTL, 4, INT32(5), 0},
    {"ttl-0", HF_SOL_IP, HF_IP_TTL, 4, INT32(0), 0},
    {"ttl-256", HF_SOL_IP, HF_IP_TTL, 4, INT32(256), 0},
    {"ttl-byte", HF_SOL_IP, HF_IP_TTL, 1, {7}, 0},
    {"tos-16", HF_SOL_IP, HF_IP_TOS, 4, INT32(16), 0},
    {"tos-byte", HF_SOL_IP, HF_IP_TOS, 1, {8}, 0},
    {"tos-256", HF_SOL_IP, HF_IP_TOS, 4, INT32(256), 0},
    {"tos-short", HF_SOL_IP, HF_IP_TOS, 2, {8}, 0},
    {"ip-protocol", HF_SOL_IP, HF_IP_PROTOCOL, 4, INT32(17), 0},
    {"ip-unknown", HF_SOL_IP, 77, 4, INT32(1), 0},
    {"pktinfo6-src1",
     HF_SOL_IPV6,
     HF_IPV6_PKTINFO,
     20,
     {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
     0},
    {"pktinfo6-src-foreign", HF_SOL_IPV6, HF_IPV6_PKTINFO, 20, {0x20, 1, 0xd, 0xb8}, 0},
    {"pktinfo6-mapped",
     HF_SOL_IPV6,
     HF_IPV6_PKTINFO,
     20,
     {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1},
     0},
    {"pktinfo6-lo",
     HF_SOL_IPV6,
     HF_IPV6_PKTINFO,
     20,
     {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
     0},
    {"pktinfo6-no-link",
     HF_SOL_IPV6,
     HF_IPV6_PKTINFO,
     20,
     {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9},
     0},
    {"pktinfo6-short", HF_SOL_IPV6, HF_IPV6_PKTINFO, 16, {0}, 0},
    {"hoplimit-5", HF_SOL_IPV6, HF_IPV6_HOPLIMIT, 4, INT32(5), 0},
    {"hoplimit-default", HF_SOL_IPV6, HF_IPV6_HOPLIMIT, 4, INT32(-1), 0},
    {"hoplimit-256", HF_SOL_IPV6, HF_IPV6_HOPLIMIT, 4, INT32(256), 0},
    {"hoplimit-short", HF_SOL_IPV6, HF_IPV6_HOPLIMIT, 2, {5}, 0},
    {"tclass-8", HF_SOL_IPV6, HF_IPV6_TCLASS, 4, INT32(8), 0},
    {"tclass-256", HF_SOL_IPV6, HF_IPV6_TCLASS, 4, INT32(256), 0},
    {"dontfrag", HF_SOL_IPV6, HF_IPV6_DONTFRAG, 4, INT32(1), 0},
    {"ipv6-unknown", HF_SOL_IPV6, 100, 4, INT32(1), 0},
    {"mark", HF_SOL_SOCKET, HF_SO_MARK, 4, INT32(1), 0},
    {"socket-unknown", HF_SOL_SOCKET, 100, 4, INT32(1), 0},
    {"rights", HF_SOL_SOCKET, HF_SCM_RIGHTS, 4, INT32(0), 0},
    {"level-unknown", 99, 1, 4, INT32(1), 0},
    {"too-long", HF_SOL_IP, HF_IP_TTL, 4, INT32(5), 100},
    {"too-short", HF_SOL_IP, HF_IP_TTL, 4, INT32(5), -10},
};
const int control_count = COUNT(controls);

size_t control_build(int which, uint8_t *room)
{
    const struct control *c = &controls[which];
    struct {
        uint64_t len;
        int32_t level, type;
    } header = {16 + c->len + (uint64_t)c->claimed, c->level, c->type};

    memset(room, 0, 64);
    memcpy(room, &header, sizeof(header));
    memcpy(room + sizeof(header), c->data, sizeof(c->data));
    return (sizeof(header) + c->len + 7) & ~(size_t)7;
}

/* ---- text ---- */

static const char *const op_names[OPS] = {
    "socket",   "close",       "bind",        "listen",     "accept",     "connect", "send", "recv",
    "shutdown", "getsockname", "getpeername", "getsockopt", "setsockopt", "ioctl",   "wait"};

static const char *const field_names[FIELDS] = {
    "slot",  "from",  "domain", "type",  "proto",  "host",   "port", "family",  "len", "n",
    "flags", "level", "name",   "value", "value2", "value3", "room", "ctlroom", "ctl"};

/* What each op uses beyond the slot, and what a field is when the line does not say. */
static const uint32_t used[OPS] = {
    [OP_SOCKET] = 1 << F_DOMAIN | 1 << F_TYPE | 1 << F_PROTO,
    [OP_BIND] = 1 << F_HOST | 1 << F_PORT | 1 << F_FAMILY | 1 << F_LEN,
    [OP_LISTEN] = 1 << F_N,
    [OP_ACCEPT] = 1 << F_FROM | 1 << F_ROOM,
    [OP_CONNECT] = 1 << F_HOST | 1 << F_PORT | 1 << F_FAMILY | 1 << F_LEN,
    [OP_SEND] = 1 << F_HOST | 1 << F_PORT | 1 << F_FAMILY | 1 << F_LEN | 1 << F_N | 1 << F_FLAGS |
                1 << F_CTL,
    [OP_RECV] = 1 << F_N | 1 << F_FLAGS | 1 << F_ROOM | 1 << F_CTLROOM,
    [OP_SHUTDOWN] = 1 << F_N,
    [OP_SOCKNAME] = 1 << F_ROOM,
    [OP_PEERNAME] = 1 << F_ROOM,
    [OP_GETOPT] = 1 << F_LEVEL | 1 << F_NAME | 1 << F_ROOM,
    [OP_SETOPT] = 1 << F_LEVEL | 1 << F_NAME | 1 << F_HOST | 1 << F_VALUE | 1 << F_VALUE2 |
                  1 << F_VALUE3 | 1 << F_LEN,
    [OP_IOCTL] = 1 << F_N,
    [OP_WAIT] = 1 << F_N,
};

static int field_default(int field)
{
    return field == F_FAMILY || field == F_LEN ? -1 : 0;
}

static const struct {
    int bit;
    const char *name;
} flag_names[] = {
    {HF_MSG_OOB, "OOB"},           {HF_MSG_PEEK, "PEEK"},         {HF_MSG_DONTROUTE, "DONTROUTE"},
    {HF_MSG_TRUNC, "TRUNC"},       {HF_MSG_DONTWAIT, "DONTWAIT"}, {HF_MSG_EOR, "EOR"},
    {HF_MSG_WAITALL, "WAITALL"},   {HF_MSG_CONFIRM, "CONFIRM"},   {HF_MSG_ERRQUEUE, "ERRQUEUE"},
    {HF_MSG_NOSIGNAL, "NOSIGNAL"}, {HF_MSG_MORE, "MORE"},         {HF_MSG_CTRUNC, "CTRUNC"},
    {HF_MSG_PROXY, "PROXY"},
};

static void put_flags(struct text *t, int flags)
{
    for (size_t i = 0; i < COUNT(flag_names); i++) {
        if (!(flags & flag_names[i].bit))
            continue;
        text_put(t, "%s", flag_names[i].name);
        flags &= ~flag_names[i].bit;
        if (flags)
            text_put(t, "|");
    }
    if (flags)
        text_put(t, "%#x", (unsigned)flags);
}

static void put_port(struct text *t, int port)
{
    if (port >= PORT_OF_SLOT)
        text_put(t, "@%d", port - PORT_OF_SLOT);
    else if (port == PORT_LOW)
        text_put(t, "LOW");
    else
        text_put(t, "%s%d", port ? "P" : "", port);
}

static void put_field(struct text *t, const struct step *s, int field)
{
    int v = s->f[field];
    const char *name;

    text_put(t, " %s=", field_names[field]);
    switch (field) {
    case F_HOST:
        text_put(t, "%s", hosts[v].text);
        break;
    case F_PORT:
        put_port(t, v);
        break;
    case F_FLAGS:
        put_flags(t, v);
        break;
    case F_LEVEL:
        name = level_text(v);
        if (name)
            text_put(t, "%s", name);
        else
            text_put(t, "%d", v);
        break;
    case F_NAME:
        name = option_text(s->f[F_LEVEL], v);
        if (name)
            text_put(t, "%s", name);
        else
            text_put(t, "%d", v);
        break;
    case F_CTL:
        text_put(t, "%s", controls[v].name);
        break;
    default:
        text_put(t, "%d", v);
    }
}

void step_print(const struct step *s, char *line, size_t room)
{
    struct text t = {line, room, 0};

    text_put(&t, "%d %s", s->f[F_SLOT], op_names[s->op]);
    for (int i = 1; i < FIELDS; i++)
        if (used[s->op] >> i & 1 && s->f[i] != field_default(i))
            put_field(&t, s, i);
}

static int parse_flags(char *text)
{
    int flags = 0;

    for (char *word = strtok(text, "|"); word; word = strtok(NULL, "|")) {
        flags |= (int)strtol(word, NULL, 0);
        for (size_t i = 0; i < COUNT(flag_names); i++)
            if (strcmp(word, flag_names[i].name) == 0)
                flags |= flag_names[i].bit;
    }
    return flags;
}

static int find_named(const char *text, int field)
{
    int n = field == F_HOST ? host_count : control_count;

    for (int i = 0; i < n; i++)
        if (strcmp(text, field == F_HOST ? hosts[i].text : controls[i].name) == 0)
            return i;
    return 0;
}

static int parse_level(const char *text)
{
    static const int levels[] = {HF_SOL_SOCKET, HF_SOL_IP, HF_SOL_IPV6, HF_SOL_TCP, HF_IPPROTO_UDP};

    for (size_t i = 0; i < COUNT(levels); i++)
        if (strcmp(text, level_text(levels[i])) == 0)
            return levels[i];
    return atoi(text);
}

static int parse_name(const char *text)
{
    for (int i = 0; i < option_count; i++)
        if (strcmp(text, option_names[i].text) == 0)
            return option_names[i].name;
    return atoi(text);
}

static int parse_field(int field, char *text)
{
    switch (field) {
    case F_HOST:
    case F_CTL:
        return find_named(text, field);
    case F_PORT:
        return *text == '@'           ? PORT_OF_SLOT + atoi(text + 1)
               : *text == 'P'         ? atoi(text + 1)
               : !strcmp(text, "LOW") ? PORT_LOW
                                      : 0;
    case F_FLAGS:
        return parse_flags(text);
    case F_LEVEL:
        return parse_level(text);
    case F_NAME:
        return parse_name(text);
    default:
        return (int)strtoll(text, NULL, 0);
    }
}

bool step_parse(const char *line, struct step *s)
{
    char copy[400], op[32];
    char *word, *save;
    int used_up;

    for (int i = 0; i < FIELDS; i++)
        s->f[i] = field_default(i);
    if (sscanf(line, "%d %31s%n", &s->f[F_SLOT], op, &used_up) != 2 || s->f[F_SLOT] < 0 ||
        s->f[F_SLOT] >= SLOTS)
        return false;
    for (s->op = 0; s->op < OPS && strcmp(op, op_names[s->op]) != 0; s->op++)
        ;
    if (s->op == OPS)
        return false;
    snprintf(copy, sizeof(copy), "%s", line + used_up);
    for (word = strtok_r(copy, " \n", &save); word; word = strtok_r(NULL, " \n", &save)) {
        char *value = strchr(word, '=');
        int field = 0;

        if (!value)
            return false;
        *value++ = 0;
        while (field < FIELDS && strcmp(word, field_names[field]) != 0)
            field++;
        if (field == FIELDS)
            return false;
        s->f[field] = parse_field(field, value);
    }
    return true;
}

/* A step per line, an empty line after the program; lines with # say something to the reader;
 * "privileged" is for the whole. */
bool program_read(FILE *f, struct program *p)
{
    char line[400];

    p->n = 0;
    p->privileged = false;
    while (fgets(line, sizeof(line), f)) {
        p->line++;
        if (line[0] == '\n' && p->n)
            return true;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (strcmp(line, "privileged\n") == 0) {
            p->privileged = true;
            continue;
        }
        if (p->n == STEPS_MOST || !step_parse(line, &p->steps[p->n])) {
            fprintf(stderr, "line %d is not a step: %s", p->line, line);
            exit(2);
        }
        p->n++;
    }
    return p->n > 0;
}
