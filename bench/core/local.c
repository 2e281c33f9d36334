/* AF_UNIX streams: connections made and ended, and bulk. */
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "rig.h"

#define CHUNK ((size_t)64 << 10)

static const struct sockaddr_un door = {.sun_family = AF_UNIX, .sun_path = "\0door"};
static const uint32_t door_len = offsetof(struct sockaddr_un, sun_path) + 5;

struct local {
    struct rig rig;
    struct hf_sock *listener;
    struct pair p;
    char *from, *to;
};

static void local_init(struct local *l)
{
    *l = (struct local){0};
    rig_init(&l->rig, AF_UNIX);
    l->listener = rig_socket(&l->rig, SOCK_STREAM);
    must(hf_sock_bind(l->listener, &door, door_len), "bind");
    must(hf_sock_listen(l->listener, 16), "listen");
}

static struct pair join(struct local *l)
{
    struct pair p = {.client = rig_socket(&l->rig, SOCK_STREAM)};

    must(hf_sock_connect(p.client, &door, door_len, false), "connect");
    must(hf_sock_accept(l->listener, &p.server), "accept");
    return p;
}

static void cycles(void *ctx, long count)
{
    struct local *l = ctx;

    for (; count > 0; count--) {
        struct pair p = join(l);

        hf_sock_close(p.client);
        hf_sock_close(p.server);
        rig_settle(&l->rig);
    }
}

void core_unix_cycle(const struct args *args)
{
    struct local l;

    local_init(&l);
    tell("rate", rate_of(args, cycles, &l));
    rig_fini(&l.rig);
}

static void chunks(void *ctx, long count)
{
    struct local *l = ctx;

    for (; count > 0; count--) {
        for (size_t out = 0, in = 0; in < CHUNK;) {
            int64_t n = out < CHUNK ? put(l->p.client, l->from + out, CHUNK - out) : 0;

            out += n > 0 ? (size_t)n : 0;
            n = get(l->p.server, l->to, CHUNK);
            in += n > 0 ? (size_t)n : 0;
        }
    }
}

void core_unix_bulk(const struct args *args)
{
    struct local l;

    local_init(&l);
    l.p = join(&l);
    l.from = aligned_alloc(4096, CHUNK);
    l.to = aligned_alloc(4096, CHUNK);
    memset(l.from, 'x', CHUNK);
    memset(l.to, 'y', CHUNK);
    tell("rate", rate_of(args, chunks, &l) * (double)CHUNK);
    rig_fini(&l.rig);
}
