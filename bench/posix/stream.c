/* Bytes through one connection whose ends are both here: one by one, and in bulk. */
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "place.h"

#define CHUNK ((size_t)64 << 10) /* unless told, and at most */

static const struct sockaddr_un door = {.sun_family = AF_UNIX, .sun_path = "\0door"};
static const socklen_t door_len = offsetof(struct sockaddr_un, sun_path) + 5;

struct flow {
    struct pair p;
    char *from, *to;
    size_t chunk;
};

static void flow_init(struct flow *f, struct pair p, size_t offset)
{
    f->p = p;
    f->from = (char *)aligned_alloc(4096, 2 * CHUNK) + offset;
    f->to = (char *)aligned_alloc(4096, 2 * CHUNK) + offset;
    memset(f->from, 'x', CHUNK);
    memset(f->to, 'y', CHUNK);
    f->chunk = CHUNK;
}

static struct pair tcp_pair(int family)
{
    struct name to = place_here(family, DOOR);
    int listener = place_listen(family, DOOR);

    return place_join(listener, place_socket(family, SOCK_STREAM), &to);
}

static void trips(void *ctx, long count)
{
    struct pair *p = ctx;
    char byte = 'x';

    for (; count > 0; count--) {
        if (send(p->client, &byte, 1, 0) != 1 || recv(p->server, &byte, 1, 0) != 1 ||
            send(p->server, &byte, 1, 0) != 1 || recv(p->client, &byte, 1, 0) != 1)
            die("a round trip");
    }
}

void posix_rr(const struct args *args)
{
    const int on = 1;
    struct pair p = tcp_pair(args->family);

    if (setsockopt(p.client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0 ||
        setsockopt(p.server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0)
        die("TCP_NODELAY");
    tell("rate", rate_of(args, trips, &p));
}

static void chunks(void *ctx, long count)
{
    struct flow *f = ctx;

    for (; count > 0; count--) {
        for (size_t out = 0, in = 0; in < f->chunk;) {
            ssize_t n = 0;

            if (out < f->chunk)
                n = send(f->p.client, f->from + out, f->chunk - out, MSG_DONTWAIT);
            out += n > 0 ? (size_t)n : 0;
            n = recv(f->p.server, f->to, f->chunk, MSG_DONTWAIT);
            in += n > 0 ? (size_t)n : 0;
        }
    }
}

/* NUMBER: the buffers' offset in their pages, KiB at a time */
void posix_bulk(const struct args *args)
{
    struct flow f;

    flow_init(&f, tcp_pair(args->family), (size_t)args->number[0]);
    f.chunk = pieces_of(args->number[1], CHUNK);
    tell("rate", rate_of(args, chunks, &f) * (double)f.chunk);
}

static int unix_listen(void)
{
    int fd = place_socket(AF_UNIX, SOCK_STREAM);

    if (bind(fd, (const struct sockaddr *)&door, door_len) < 0 || listen(fd, 16) < 0)
        die("listen");
    return fd;
}

static struct pair unix_join(int listener)
{
    struct pair p = {.client = place_socket(AF_UNIX, SOCK_STREAM)};

    if (connect(p.client, (const struct sockaddr *)&door, door_len) < 0)
        die("connect");
    p.server = accept(listener, NULL, NULL);
    if (p.server < 0)
        die("accept");
    return p;
}

static void unix_cycles(void *ctx, long count)
{
    const int *listener = ctx;

    for (; count > 0; count--) {
        struct pair p = unix_join(*listener);

        close(p.client);
        close(p.server);
    }
}

void posix_unix_cycle(const struct args *args)
{
    int listener = unix_listen();

    tell("rate", rate_of(args, unix_cycles, &listener));
}

void posix_unix_bulk(const struct args *args)
{
    struct flow f;

    flow_init(&f, unix_join(unix_listen()), 0);
    tell("rate", rate_of(args, chunks, &f) * (double)CHUNK);
}
