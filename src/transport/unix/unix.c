/* AF_UNIX sockets: their beginning, their references and their end. Linux: unix_create1,
 * unix_release_sock, unix_shutdown, unix_socketpair. */
#include <string.h>

#include "transport/unix/internal.h"

enum {
    DGRAM_BACKLOG = 10, /* Linux: net.unix.max_dgram_qlen */
    BUFFER_BYTES = 212992,
};

int unix_init(struct unix_net *net, struct core *core, const struct hf_unix_host *host,
              const struct unix_up *up)
{
    net->core = core;
    net->up = up;
    net->has_garbage = false;
    net->flight_count = net->collect_at = 0;
    if (host)
        net->host = *host;
    else
        memset(&net->host, 0, sizeof(net->host));
    list_init(&net->in_flight);
    return hash_init(&net->names, &core->env);
}

void unix_fini(struct unix_net *net)
{
    hash_fini(&net->names);
}

void unix_pcb_init(struct unix_net *net, struct unix_pcb *u, int type)
{
    memset(u, 0, sizeof(*u));
    u->net = net;
    u->type = (uint8_t)type;
    u->refs = 1;
    u->backlog = DGRAM_BACKLOG;
    u->sndbuf = u->rcvbuf = BUFFER_BYTES;
    u->theirs.uid = u->theirs.gid = UINT32_MAX;
    list_init(&u->queue);
    list_init(&u->pending);
    list_init(&u->waiters);
    list_init(&u->waiting);
    list_init(&u->flight);
}

void unix_event(struct unix_pcb *u)
{
    if (!u->is_dead)
        u->net->up->event(u);
}

void unix_unref(struct unix_pcb *u)
{
    if (--u->refs)
        return;
    unix_name_end(u);
    u->net->up->released(u);
}

int unix_take_error(struct unix_pcb *u)
{
    int err = u->err;

    u->err = 0;
    return -err;
}

void unix_who(struct unix_net *net, struct hf_credentials *out)
{
    *out = (struct hf_credentials){0, UINT32_MAX, UINT32_MAX};
    if (net->host.credentials)
        net->host.credentials(net->host.ctx, out);
}

void unix_wait_for(struct unix_pcb *u, struct unix_pcb *other)
{
    list_remove(&u->waiting);
    list_push_back(&other->waiters, &u->waiting);
}

/* All of them: one alone might no longer want it, and the others would never hear. */
void unix_wake(struct unix_pcb *u)
{
    struct list *l;

    while ((l = list_pop_front(&u->waiters)))
        unix_event(container_of(l, struct unix_pcb, waiting));
}

bool unix_peer_is_full(struct unix_pcb *u)
{
    struct unix_pcb *peer = u->peer;

    if (!peer || peer == u || peer->peer == u || peer->is_dead || !unix_is_full(peer))
        return false;
    unix_wait_for(u, peer);
    return true;
}

void unix_shutdown(struct unix_pcb *u, uint8_t how)
{
    uint8_t crossed = (uint8_t)((how & UNIX_SHUT_RECV ? UNIX_SHUT_SEND : 0) |
                                (how & UNIX_SHUT_SEND ? UNIX_SHUT_RECV : 0));

    u->shut |= how;
    unix_event(u);
    if (u->peer && unix_is_connected_type(u)) {
        u->peer->shut |= crossed;
        unix_event(u->peer);
    }
}

void unix_join(struct unix_pcb *a, struct unix_pcb *b)
{
    unix_ref(a);
    unix_ref(b);
    a->peer = b;
    b->peer = a;
    a->state = b->state = UNIX_ESTABLISHED;
    unix_who(a->net, &a->theirs);
    b->theirs = a->theirs;
}

/* What stands in a queue when its socket ends: messages, or connections nobody has accepted. Linux:
 * an urgent byte that was read, and stands there as a mark, does not count as unread. */
static bool has_unread(const struct unix_pcb *u)
{
    const struct unix_record *r = record_first(u);

    if (u->state == UNIX_LISTEN)
        return false;
    if (r && u->type == HF_SOCK_STREAM && !record_left(r))
        r = record_next(u, r);
    return r != NULL;
}

static void flush(struct unix_pcb *u, bool was_listening)
{
    struct list *l;

    u->oob = NULL;
    while (was_listening && (l = list_pop_front(&u->queue)))
        unix_close(container_of(l, struct unix_pcb, pending));
    while (!list_empty(&u->queue))
        record_drop(u, record_first(u));
}

void unix_close(struct unix_pcb *u)
{
    struct unix_pcb *peer = u->peer;
    bool was_listening = u->state == UNIX_LISTEN, is_unread = has_unread(u) || u->is_embryo;

    list_remove(&u->pending);
    list_remove(&u->waiting);
    u->is_dead = 1;
    u->shut = UNIX_SHUT_BOTH;
    u->peer = NULL;
    u->net->has_garbage = true;
    unix_wake(u);
    if (peer && unix_is_connected_type(u)) {
        peer->shut = UNIX_SHUT_BOTH;
        if (is_unread)
            peer->err = HF_ECONNRESET;
        unix_event(peer);
    }
    u->state = UNIX_CLOSED;
    flush(u, was_listening);
    unix_name_unbind(u);
    if (peer)
        unix_unref(peer);
    unix_unref(u);
}
