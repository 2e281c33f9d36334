/* Datagrams and sequenced packets. C04 to C09 for AF_UNIX; Linux: unix_dgram_connect,
 * unix_dgram_sendmsg, unix_dgram_recvmsg, unix_seqpacket_*. */
#include "transport/unix/internal.h"

enum {
    LINEAR_MAX = 16064, /* Linux: SKB_MAX_ALLOC */
    PAGES_MAX = 17,     /* MAX_SKB_FRAGS */
    PAGE_BYTES = 4096,
};

static uint32_t charge_of(uint32_t len)
{
    uint32_t paged = 0;

    if (len > LINEAR_MAX)
        paged = (HF_MIN(len - LINEAR_MAX, (uint32_t)PAGES_MAX * PAGE_BYTES) + PAGE_BYTES - 1) /
                PAGE_BYTES * PAGE_BYTES;
    return record_charge(len - HF_MIN(len, paged)) + paged;
}

/* Linux: unix_may_send: to a socket that has no peer, or has this one. */
static bool may_send(const struct unix_pcb *u, const struct unix_pcb *to)
{
    return !to->peer || to->peer == u;
}

/* Linux: unix_dgram_disconnected: what u holds came for a pipe that is no more. */
static void lose_messages(struct unix_pcb *u, struct unix_pcb *old)
{
    if (list_empty(&u->queue))
        return;
    while (!list_empty(&u->queue))
        record_drop(u, record_first(u));
    unix_wake(u);
    if (!old->is_dead && old->peer == u) {
        old->err = HF_ECONNRESET;
        unix_event(old);
    }
}

static void change_peer(struct unix_pcb *u, struct unix_pcb *to)
{
    struct unix_pcb *old = u->peer;

    if (to)
        unix_ref(to);
    u->peer = to;
    if (!old)
        return;
    list_remove(&u->waiting);
    if (!to)
        u->state = UNIX_CLOSED;
    if (to != old) {
        lose_messages(u, old);
        if (!old->peer)
            old->state = UNIX_CLOSED;
    }
    unix_unref(old);
    unix_event(u);
}

int unix_set_peer(struct unix_pcb *u, const uint8_t *path, uint32_t len)
{
    struct unix_pcb *to;
    int err = u->pass_cred ? unix_autobind(u) : 0;

    if (!err)
        err = unix_find(u, path, len, &to);
    if (err)
        return err;
    if (!may_send(u, to))
        return -HF_EPERM;
    u->state = to->state = UNIX_ESTABLISHED;
    change_peer(u, to);
    return 0;
}

void unix_unset_peer(struct unix_pcb *u)
{
    change_peer(u, NULL);
}

/* The peer has closed: once that is told, there is none. */
static int64_t peer_is_dead(struct unix_pcb *u)
{
    if (u->type == HF_SOCK_SEQPACKET)
        return -HF_EPIPE;
    change_peer(u, NULL);
    return -HF_ECONNREFUSED;
}

/* Linux's order: the buffer, then whether there is somebody of that name, then whether he may and
 * will have it. */
static int check_receiver(struct unix_pcb *u, const struct unix_message *m, struct unix_pcb **to)
{
    int err = unix_check_room(u);

    if (!err && m->path)
        err = unix_find(u, m->path, m->path_len, to);
    if (err)
        return err;
    if (!may_send(u, *to))
        return -HF_EPERM;
    if ((*to)->is_dead)
        return (int)peer_is_dead(u);
    if ((*to)->shut & UNIX_SHUT_RECV)
        return -HF_EPIPE;
    if (*to != u && (*to)->peer != u && unix_is_full(*to)) {
        unix_wait_for(u, *to);
        return -HF_EAGAIN;
    }
    return 0;
}

static int check_sender(struct unix_pcb *u, const struct unix_message *m, size_t bytes, int flags)
{
    int err = 0;

    if (u->type == HF_SOCK_SEQPACKET) {
        if (u->err)
            return unix_take_error(u);
        if (u->state != UNIX_ESTABLISHED)
            return -HF_ENOTCONN;
    }
    if (flags & HF_MSG_OOB)
        return -HF_EOPNOTSUPP;
    if (!m->path && !u->peer)
        return -HF_ENOTCONN;
    if (u->pass_cred)
        err = unix_autobind(u);
    if (err)
        return err;
    return bytes > u->sndbuf - 32 ? -HF_EMSGSIZE : 0;
}

int64_t unix_dgram_send(struct unix_pcb *u, struct unix_message *m, int flags)
{
    size_t bytes = message_bytes(m);
    struct unix_pcb *to = u->peer;
    struct unix_record *r;
    int err = check_sender(u, m, bytes, flags);

    if (!err)
        err = check_receiver(u, m, &to);
    if (!err)
        err = record_new(u, m, 0, (uint32_t)bytes, &r);
    if (err)
        return err;
    record_deliver(r, to, charge_of(r->len));
    unix_event(to);
    return (int64_t)bytes;
}

/* SO_PEEK_OFF: the message that the offset lies in. */
static struct unix_record *pass_over(const struct unix_pcb *u, uint32_t *skip)
{
    struct unix_record *r = record_first(u);

    while (r && *skip && *skip >= r->len) {
        *skip -= r->len;
        r = record_next(u, r);
    }
    return r;
}

/* Linux: after shutdown a reader who would wait is told of the end; of sequenced packets one who
 * would not as well. */
static int64_t nothing_there(const struct unix_pcb *u, int flags)
{
    bool is_told = u->type == HF_SOCK_SEQPACKET || !(flags & HF_MSG_DONTWAIT);

    return u->shut & UNIX_SHUT_RECV && is_told ? 0 : -HF_EAGAIN;
}

int64_t unix_dgram_recv(struct unix_pcb *u, struct unix_message *m, int flags, uint32_t skip)
{
    bool peeks = (flags & HF_MSG_PEEK) != 0;
    struct unix_record *r;
    uint32_t len;
    size_t n;

    if (u->type == HF_SOCK_SEQPACKET && u->state != UNIX_ESTABLISHED)
        return -HF_ENOTCONN;
    if (flags & HF_MSG_OOB)
        return -HF_EOPNOTSUPP;
    if (u->err)
        return unix_take_error(u);
    r = pass_over(u, &skip);
    if (!r)
        return nothing_there(u, flags);
    len = r->len - skip;
    n = record_copy(r, skip, len, m, 0);
    m->is_short = n < len;
    record_tell(u, r, m, peeks);
    if (peeks)
        return flags & HF_MSG_TRUNC ? len : (int64_t)n;
    record_drop(u, r);
    unix_wake(u);
    return flags & HF_MSG_TRUNC ? len : (int64_t)n;
}
