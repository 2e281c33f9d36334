/* What the rows of the POSIX sides share. */
#include "place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct name place_here(int family, uint16_t port)
{
    struct name n = {.len = sizeof(n.u.in)};

    n.u.in.sin_family = AF_INET;
    n.u.in.sin_port = htons(port); /* the same place in both families */
    n.u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (family == AF_INET6) {
        n.len = sizeof(n.u.in6);
        n.u.in6.sin6_family = AF_INET6;
        n.u.in6.sin6_flowinfo = 0;
        n.u.in6.sin6_addr = in6addr_loopback;
    }
    return n;
}

/* 127.1.0.0/16 is loopback's; fd00:77::/64 becomes so by place_arrange. */
struct name place_elsewhere(int family, uint32_t n, uint16_t port)
{
    struct name to = place_here(family, port);

    if (family == AF_INET) {
        to.u.in.sin_addr.s_addr = htonl(0x7f010000 + n);
        return to;
    }
    (void)inet_pton(AF_INET6, "fd00:77::", &to.u.in6.sin6_addr);
    to.u.in6.sin6_addr.s6_addr[14] = (uint8_t)(n >> 8);
    to.u.in6.sin6_addr.s6_addr[15] = (uint8_t)n;
    return to;
}

int place_socket(int family, int type)
{
    int fd = socket(family, type, 0);

    if (fd < 0)
        die("socket");
    return fd;
}

int place_listen(int family, uint16_t port)
{
    int fd = place_socket(family, SOCK_STREAM);
    struct name at = place_here(family, port);
    const int on = 1; /* what the run before left in TIME-WAIT is no hindrance */

    if (family == AF_INET6)
        at.u.in6.sin6_addr = in6addr_any;
    else
        at.u.in.sin_addr.s_addr = INADDR_ANY;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
        bind(fd, &at.u.sa, at.len) < 0 || listen(fd, 16) < 0)
        die("listen");
    return fd;
}

struct pair place_join(int listener, int client, const struct name *to)
{
    struct pair p = {.client = client};

    if (connect(client, &to->u.sa, to->len) < 0)
        die("connect");
    p.server = accept(listener, NULL, NULL);
    if (p.server < 0)
        die("accept");
    return p;
}

void place_reset(struct pair p)
{
    const struct linger now = {.l_onoff = 1};

    if (setsockopt(p.client, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) < 0)
        die("SO_LINGER");
    close(p.client);
    close(p.server);
}

struct pair *place_hold(int family, long count)
{
    struct pair *pairs = calloc((size_t)count + 1, sizeof(*pairs));
    int listener = -1;

    if (!pairs)
        die("memory for pairs");
    for (long i = 0; i < count; i++) {
        uint16_t port = (uint16_t)(DOOR_FIRST + i / PAIRS_PER_DOOR);
        struct name to = place_here(family, port);

        if (i % PAIRS_PER_DOOR == 0) {
            if (listener >= 0)
                close(listener);
            listener = place_listen(family, port);
        }
        pairs[i] = place_join(listener, place_socket(family, SOCK_STREAM), &to);
    }
    if (listener >= 0)
        close(listener);
    return pairs;
}

void place_let_go(struct pair *pairs, long count)
{
    for (long i = 0; i < count; i++)
        place_reset(pairs[i]);
    free(pairs);
}

void place_all_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        die("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
        die("setrlimit");
}
