/* Bytes through one connection whose ends are both here: one by one, and in bulk. */
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define DOOR  900
#define CHUNK ((size_t)64 << 10) /* unless told, and at most */

struct flow {
    struct rig rig;
    struct pair p;
    char *from, *to;
    size_t chunk;
};

static void flow_init(struct flow *f, int family, size_t offset)
{
    struct hf_sock *listener;
    struct name to;

    rig_init(&f->rig, family);
    listener = rig_listen(&f->rig, DOOR);
    to = rig_here(&f->rig, DOOR);
    f->p = rig_join(&f->rig, listener, rig_socket(&f->rig, SOCK_STREAM), &to);
    f->from = (char *)aligned_alloc(4096, 2 * CHUNK) + offset;
    f->to = (char *)aligned_alloc(4096, 2 * CHUNK) + offset;
    memset(f->from, 'x', CHUNK);
    memset(f->to, 'y', CHUNK);
}

static void trips(void *ctx, long count)
{
    struct flow *f = ctx;
    const int on = 1;

    must(hf_sock_setsockopt(f->p.client, IPPROTO_TCP, HF_TCP_NODELAY, &on, sizeof(on)), "NODELAY");
    for (; count > 0; count--) {
        put_now(&f->rig, f->p.client, f->from, 1);
        get_now(f->p.server, f->to, 1);
        put_now(&f->rig, f->p.server, f->to, 1);
        get_now(f->p.client, f->from, 1);
    }
}

void core_rr(const struct args *args)
{
    struct flow f;

    flow_init(&f, args->family, 0);
    tell("rate", rate_of(args, trips, &f));
    rig_fini(&f.rig);
}

static void chunks(void *ctx, long count)
{
    struct flow *f = ctx;

    for (; count > 0; count--) {
        for (size_t out = 0, in = 0; in < f->chunk;) {
            int64_t n = out < f->chunk ? put(f->p.client, f->from + out, f->chunk - out) : 0;

            out += n > 0 ? (size_t)n : 0;
            rig_settle(&f->rig);
            n = get(f->p.server, f->to, f->chunk);
            in += n > 0 ? (size_t)n : 0;
        }
    }
}

/* NUMBER: the buffers' offset in their pages, KiB at a time */
void core_bulk(const struct args *args)
{
    struct flow f;

    flow_init(&f, args->family, (size_t)args->number[0]);
    f.chunk = pieces_of(args->number[1], CHUNK);
    tell("rate", rate_of(args, chunks, &f) * (double)f.chunk);
    rig_fini(&f.rig);
}
