/* Two datagram sockets, one of which knows the other. */
#ifndef TESTS_POSIX_UDP_LINK_H
#define TESTS_POSIX_UDP_LINK_H

#include "../lib.h"

struct link {
    int s, c; /* bound; connected to it */
    struct addr sa, ca;
};

static inline struct link joined(int f)
{
    struct link k;
    k.s = bound(f, SOCK_DGRAM, &k.sa);
    k.c = bound(f, SOCK_DGRAM, &k.ca);
    MUST(connect_to(k.c, k.sa));
    return k;
}

#endif
