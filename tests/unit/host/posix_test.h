/* Shared by the tests of the POSIX face: addresses and pairs over loopback, in either family, and
 * of AF_UNIX. */
#ifndef TESTS_UNIT_HOST_POSIX_TEST_H
#define TESTS_UNIT_HOST_POSIX_TEST_H

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "handfast/posix.h"
#include "tap.h"

struct address {
    struct sockaddr_in6 sa; /* of any family: the port is in the same place, where there is one */
    socklen_t len;
};

static inline struct address loopback(int family)
{
    struct address a = {.len = sizeof(a.sa)};

    a.sa.sin6_family = (sa_family_t)family;
    a.sa.sin6_addr = in6addr_loopback;
    if (family == AF_INET) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

        memcpy(&a.sa, &in, sizeof(in));
        a.len = sizeof(in);
    }
    if (family == AF_UNIX) /* a name that the stack chooses: it fits */
        a.len = sizeof(sa_family_t);
    return a;
}

static inline struct sockaddr *sockaddr_of(struct address *a)
{
    return (struct sockaddr *)(void *)&a->sa;
}

/* What a test needs before it can look at anything. */
static inline int need(int n, const char *what)
{
    if (n < 0) {
        fprintf(stderr, "# %s: %s\n", what, strerror(errno));
        exit(99);
    }
    return n;
}
#define NEED(call) need((int)(call), #call)

static inline int listener(int family, struct address *at)
{
    int fd = NEED(hf_socket(family, SOCK_STREAM, 0));

    *at = loopback(family);
    NEED(hf_bind(fd, sockaddr_of(at), at->len));
    NEED(hf_listen(fd, 1024));
    at->len = sizeof(at->sa);
    NEED(hf_getsockname(fd, sockaddr_of(at), &at->len));
    return fd;
}

static inline void pair(int family, int ends[2])
{
    struct address at;
    int l = listener(family, &at);

    ends[0] = NEED(hf_socket(family, SOCK_STREAM, 0));
    NEED(hf_connect(ends[0], sockaddr_of(&at), at.len));
    ends[1] = NEED(hf_accept(l, NULL, NULL));
    hf_close(l);
}

#endif
