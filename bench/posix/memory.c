/* What many pairs cost: the time to open and to close them, and memory: this process's, and what
 * the kernel keeps for sockets, which only the administrator may see. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "place.h"

/* Bytes in the kernel's caches of what a socket is made of. */
static double kernel_bytes(void)
{
    static const char *const caches[] = {
        "TCP",  "TCPv6",           "sock_inode_cache", "dentry", "tcp_bind_bucket",
        "filp", "tcp_bind2_bucket"};
    FILE *f = fopen("/proc/slabinfo", "r");
    char line[512], name[64];
    long objects, total, size;
    double sum = 0;

    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%63s %ld %ld %ld", name, &objects, &total, &size) != 4)
            continue;
        for (size_t i = 0; i < sizeof(caches) / sizeof(caches[0]); i++) {
            if (strcmp(name, caches[i]) == 0)
                sum += (double)objects * (double)size;
        }
    }
    if (f)
        fclose(f);
    return sum;
}

struct crowd {
    int family, listener;
    struct pair *pairs;
    long done;
};

static void open_some(void *ctx, long count)
{
    struct crowd *c = ctx;

    for (; count > 0; count--, c->done++) {
        struct name to = place_here(c->family, (uint16_t)(DOOR_FIRST + c->done / PAIRS_PER_DOOR));

        if (c->done % PAIRS_PER_DOOR == 0)
            c->listener =
                place_listen(c->family, (uint16_t)(DOOR_FIRST + c->done / PAIRS_PER_DOOR));
        c->pairs[c->done] = place_join(c->listener, place_socket(c->family, SOCK_STREAM), &to);
    }
}

static void close_some(void *ctx, long count)
{
    struct crowd *c = ctx;

    for (; count > 0; count--)
        place_reset(c->pairs[--c->done]);
}

void posix_memory(const struct args *args)
{
    struct crowd c = {.family = args->family};
    long count = args->number[0];
    double before;

    c.pairs = malloc((size_t)count * sizeof(*c.pairs));
    if (!c.pairs)
        die("memory for pairs");
    memset(c.pairs, 0xff, (size_t)count * sizeof(*c.pairs)); /* is there before what is measured */
    before = resident_bytes() + kernel_bytes();
    tell("open-rate", rate_once(open_some, &c, count));
    tell("bytes", (resident_bytes() + kernel_bytes() - before) / (double)count);
    tell("close-rate", rate_once(close_some, &c, count));
}
