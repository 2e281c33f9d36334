/* The host's resolvers. */
#ifndef GATEWAY_RESOLV_H
#define GATEWAY_RESOLV_H

#include <stddef.h>

#define RESOLVERS     3 /* what libc reads of them, resolv.conf(5) MAXNS */
#define RESOLVER_TEXT 64

struct resolvers {
    char text[RESOLVERS][RESOLVER_TEXT];
    size_t count;
};

/* Reads the nameserver lines of a resolv.conf. A file that is not there has none, and then it is
 * libc's own default: 127.0.0.1. */
void resolvers_read(const char *path, struct resolvers *out);

#endif
