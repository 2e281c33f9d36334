/* What 0.0.0.0 and :: mean as destinations, by the address that is bound. C02, C04, C22. */
#include "../lib.h"

#include <arpa/inet.h>

static const struct row {
    int family;
    const char *bound, *dst;
    int result;
    const char *from, *peer;
} rows[] = {
    {AF_INET6, NULL, "::", 0, "::1", "::1"},
    {AF_INET6, "::", "::", 0, "::1", "::1"},
    {AF_INET6, "::", "::ffff:0.0.0.0", 0, "::ffff:127.0.0.1", "::ffff:127.0.0.1"},
    {AF_INET6, "::1", "::", 0, "::1", "::1"},
    {AF_INET6, "::1", "::ffff:0.0.0.0", -ENETUNREACH, NULL, NULL},
    {AF_INET6, "::ffff:127.4.4.4", "::", 0, "::ffff:127.4.4.4", "::ffff:127.0.0.1"},
    {AF_INET6, "::ffff:127.4.4.4", "::1", -EAFNOSUPPORT, NULL, NULL},
    {AF_INET6, "::ffff:127.4.4.4", "::ffff:0.0.0.0", 0, "::ffff:127.4.4.4", "::ffff:127.4.4.4"},
    {AF_INET6, "::ffff:0.0.0.0", "::", 0, "::ffff:127.0.0.1", "::ffff:127.0.0.1"},
    {AF_INET6, "::ffff:0.0.0.0", "::1", -EAFNOSUPPORT, NULL, NULL},
    {AF_INET6, "::ffff:0.0.0.0", "::ffff:127.4.4.4", 0, "::ffff:127.0.0.1", "::ffff:127.4.4.4"},
    {AF_INET, NULL, "0.0.0.0", 0, "127.0.0.1", "127.0.0.1"},
    {AF_INET, "0.0.0.0", "0.0.0.0", 0, "127.0.0.1", "127.0.0.1"},
    {AF_INET, "127.4.4.4", "0.0.0.0", 0, "127.4.4.4", "127.4.4.4"},
};

static struct addr at(int f, const char *text, int port)
{
    struct addr a = any(f, port);
    void *host = f == AF_INET ? (void *)&a.u.in.sin_addr : (void *)&a.u.in6.sin6_addr;

    MUST(inet_pton(f, text, host) == 1 ? 0 : -1);
    return a;
}

static void rows_of(int f, int type, const char *kind)
{
    int server = MUST(socket(AF_INET6, type, 0));
    struct addr to;

    MUST(bind_to(server, any(AF_INET6, 0)));
    if (type == SOCK_STREAM)
        MUST(listen(server, 20));
    to = name_of(server);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *row = &rows[i];
        const char *bound = row->bound ? row->bound : "nowhere";
        int fd;

        if (row->family != f)
            continue;
        fd = MUST(socket(f, type, 0));
        if (row->bound)
            MUST(bind_to(fd, at(f, row->bound, 0)));
        RC(connect_to(fd, at(f, row->dst, port_of(to))), row->result,
           nm(f, "%s from %s to %s", kind, bound, row->dst));
        if (row->result)
            continue;
        OK(same_host(name_of(fd), at(f, row->from, 0)),
           nm(f, "%s from %s to %s, its own address", kind, bound, row->dst));
        OK(same_host(peer_of(fd), at(f, row->peer, 0)),
           nm(f, "%s from %s to %s, its peer's", kind, bound, row->dst));
    }
}

static void streams(int f)
{
    rows_of(f, SOCK_STREAM, "a stream");
}

static void datagrams(int f)
{
    rows_of(f, SOCK_DGRAM, "datagrams");
}

int main(void)
{
    static const struct tcase cases[] = {CASE(streams), CASE(datagrams)};
    return run_cases(cases, COUNT(cases));
}
