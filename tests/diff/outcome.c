/* What a step came to, as text. */
#include "diff.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "handfast/linux.h"

__attribute__((format(printf, 2, 3))) void text_put(struct text *t, const char *format, ...)
{
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(t->to + t->at, t->room - t->at, format, ap);
    va_end(ap);
    t->at += (size_t)n < t->room - t->at ? (size_t)n : t->room - t->at - 1;
}

static void put_bytes(struct text *t, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        text_put(t, "%02x", bytes[i]);
}

/* 32768 and above are ephemeral: named in the order in which they are first seen. */
static void put_port(struct text *t, uint16_t port, struct port_names *names)
{
    int i = 0;

    if (port >= names->base && port < names->base + PORTS) {
        text_put(t, "P%d", port - names->base + 1);
    } else if (port == names->low) {
        text_put(t, "LOW");
    } else if (port < 32768) {
        text_put(t, "%d", port);
    } else {
        while (i < names->count && names->seen[i] != port)
            i++;
        if (i == names->count && i < (int)COUNT(names->seen))
            names->seen[names->count++] = port;
        text_put(t, "E%d", i + 1);
    }
}

/* A sockaddr of which only the first n bytes may be there. */
static void put_name(struct text *t, const uint8_t *name, size_t n, struct port_names *names)
{
    uint16_t family = 0, port;

    if (n >= 2)
        memcpy(&family, name, 2);
    if (n >= 4 && (family == AF_INET || family == AF_INET6)) {
        memcpy(&port, name + 2, 2);
        text_put(t, "%d:", family);
        put_port(t, ntohs(port), names);
        text_put(t, ":");
        put_bytes(t, name + 4, n - 4);
    } else {
        put_bytes(t, name, n < 2 ? n : 2);
    }
}

/* The first bytes and a sum over all. */
static void put_data(struct text *t, const uint8_t *data, size_t n)
{
    uint32_t sum = 5381;

    for (size_t i = 0; i < n; i++)
        sum = sum * 33 + data[i];
    text_put(t, " data=");
    put_bytes(t, data, n < 6 ? n : 6);
    if (n > 6)
        text_put(t, "..%08x", sum);
}

static void put_control(struct text *t, const struct outcome *o, struct port_names *names)
{
    size_t at = 0;

    text_put(t, " ctl=%u[", o->control_len);
    while (o->control_len - at >= 16) {
        uint64_t len;
        int32_t level, type;

        memcpy(&len, o->control + at, 8);
        memcpy(&level, o->control + at + 8, 4);
        memcpy(&type, o->control + at + 12, 4);
        if (len < 16 || len > o->control_len - at)
            len = o->control_len - at;
        text_put(t, "(%d,%d:", level, type);
        if (type == HF_IP_ORIGDSTADDR || type == HF_IPV6_ORIGDSTADDR)
            put_name(t, o->control + at + 16, len - 16, names);
        else
            put_bytes(t, o->control + at + 16, len - 16);
        text_put(t, ")");
        len = (len + 7) & ~(uint64_t)7;
        at += len < o->control_len - at ? len : o->control_len - at;
    }
    text_put(t, "]");
}

/* TCP_INFO: the state alone; the rest counts what both sides do in their own way. */
static void put_value(struct text *t, const struct step *s, bool is_stream, const struct outcome *o,
                      struct port_names *names)
{
    int level = s->f[F_LEVEL], name = s->f[F_NAME];

    text_put(t, " len=%u ", o->value_len);
    if (option_hidden(level, name, is_stream))
        text_put(t, "*");
    else if (level == HF_SOL_TCP && name == HF_TCP_INFO)
        put_bytes(t, o->value, o->value_len ? 1 : 0);
    else if (level == HF_SOL_SOCKET && name == HF_SO_PEERNAME)
        put_name(t, o->value, o->value_room, names);
    else
        put_bytes(t, o->value, o->value_room < 64 ? o->value_room : 64);
}

void outcome_text(const struct step *s, bool is_stream, const struct outcome *o,
                  struct port_names *names, char *text, size_t room)
{
    struct text t = {text, room, 0};

    text[0] = 0;
    if (o->ret < 0) {
        const char *name = strerrorname_np((int)-o->ret);

        if (name)
            text_put(&t, "%s", name);
        else
            text_put(&t, "error %d", (int)-o->ret);
        return;
    }
    text_put(&t, "%lld", o->ret);
    if (o->data_len)
        put_data(&t, o->data, o->data_len);
    if (o->name_room) {
        text_put(&t, " addr=%u:", o->name_len);
        put_name(&t, o->name, o->name_room < o->name_len ? o->name_room : o->name_len, names);
    }
    if (o->has_message) {
        text_put(&t, " flags=%#x", (unsigned)o->flags);
        if (s->f[F_CTLROOM])
            put_control(&t, o, names);
    }
    if (s->op == OP_GETOPT)
        put_value(&t, s, is_stream, o, names);
    if (s->op == OP_IOCTL)
        text_put(&t, " value=%d", o->number);
}

void mask_text(uint32_t mask, char *text, size_t room)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } bits[] = {
        {HF_POLLIN, "IN"},         {HF_POLLPRI, "PRI"},       {HF_POLLOUT, "OUT"},
        {HF_POLLERR, "ERR"},       {HF_POLLHUP, "HUP"},       {HF_POLLRDNORM, "RDNORM"},
        {HF_POLLRDBAND, "RDBAND"}, {HF_POLLWRNORM, "WRNORM"}, {HF_POLLWRBAND, "WRBAND"},
        {HF_POLLRDHUP, "RDHUP"},
    };
    struct text t = {text, room, 0};

    text[0] = 0;
    for (size_t i = 0; i < COUNT(bits); i++)
        if (mask & bits[i].bit)
            text_put(&t, "%s ", bits[i].name);
}
