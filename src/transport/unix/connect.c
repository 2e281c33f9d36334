/* Connections of streams and sequenced packets: made at once, in the listener's queue. C10, C11,
 * C17, C24, C28; Linux: unix_stream_connect, unix_listen, unix_accept.
 *
 * Linux: the other side is looked at before the socket itself, so that EISCONN comes last. */
#include "transport/unix/internal.h"

static int check_self(const struct unix_pcb *u)
{
    if (u->state == UNIX_CLOSED)
        return 0;
    return u->state == UNIX_ESTABLISHED ? -HF_EISCONN : -HF_EINVAL;
}

static void link_up(struct unix_pcb *u, struct unix_pcb *child, struct unix_pcb *listener)
{
    unix_ref(u);
    unix_ref(child);
    child->peer = u;
    u->peer = child;
    child->type = u->type;
    u->state = child->state = UNIX_ESTABLISHED;
    child->is_embryo = 1;
    child->pass_cred = listener->pass_cred;
    unix_who(u->net, &child->theirs);
    u->theirs = listener->own;
    unix_name_share(child, listener);
    listener->queued++;
    list_push_back(&listener->queue, &child->pending);
}

int unix_connect(struct unix_pcb *u, const uint8_t *path, uint32_t len)
{
    struct unix_pcb *listener, *child;
    int err = u->pass_cred ? unix_autobind(u) : 0;

    if (!err)
        err = unix_find(u, path, len, &listener);
    if (err)
        return err;
    if (listener->state != UNIX_LISTEN || listener->shut & UNIX_SHUT_RECV)
        return -HF_ECONNREFUSED;
    if (unix_is_full(listener)) {
        unix_wait_for(u, listener);
        return -HF_EAGAIN;
    }
    err = check_self(u);
    if (err)
        return err;
    child = u->net->up->child_new(listener);
    if (!child)
        return -HF_ENOMEM;
    link_up(u, child, listener);
    unix_event(listener);
    return 0;
}

/* Linux: a socket without a name cannot be found. */
int unix_listen(struct unix_pcb *u, uint32_t backlog)
{
    if (!u->name || u->state == UNIX_ESTABLISHED)
        return -HF_EINVAL;
    if (backlog > u->backlog)
        unix_wake(u);
    u->backlog = backlog;
    u->state = UNIX_LISTEN;
    unix_who(u->net, &u->own);
    return 0;
}

int unix_accept(struct unix_pcb *u, struct unix_pcb **out)
{
    struct list *l;

    if (u->state != UNIX_LISTEN)
        return -HF_EINVAL;
    if (u->err)
        return unix_take_error(u);
    l = list_pop_front(&u->queue);
    if (!l)
        return -HF_EAGAIN;
    u->queued--;
    *out = container_of(l, struct unix_pcb, pending);
    (*out)->is_embryo = 0;
    unix_wake(u);
    return 0;
}
