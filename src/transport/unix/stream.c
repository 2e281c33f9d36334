/* Bytes between connected streams. Linux: unix_stream_sendmsg, unix_stream_read_generic,
 * manage_oob.
 *
 * The queue keeps the pieces in which bytes were sent: what came with descriptors, or from another
 * writer, is not glued to what came before. An urgent byte is a piece of its own; after it was read
 * it stands there empty, as the mark. */
#include <string.h>

#include "transport/unix/internal.h"

enum {
    LINEAR_MAX = 3776, /* Linux: SKB_MAX_HEAD(0) */
    PAGED_MAX = 32768,
    PAGE_BYTES = 4096,
};

/* How much of the rest goes into one piece, and what is charged for it. */
static uint32_t piece_of(const struct unix_pcb *u, size_t left, uint32_t *charge)
{
    uint32_t len = (uint32_t)HF_MIN(left, (size_t)(u->sndbuf / 2 - 64));
    uint32_t paged = 0;

    len = HF_MIN(len, (uint32_t)(LINEAR_MAX + PAGED_MAX));
    if (len > LINEAR_MAX)
        paged = (len - LINEAR_MAX + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    *charge = record_charge(len - HF_MIN(len, paged)) + paged;
    return len;
}

static int send_piece(struct unix_pcb *u, struct unix_message *m, size_t skip, uint32_t len,
                      uint32_t charge, bool is_urgent)
{
    struct unix_pcb *peer = u->peer;
    struct unix_record *r;
    int err = unix_check_room(u);

    if (err)
        return err;
    if (peer->is_dead || peer->shut & UNIX_SHUT_RECV)
        return -HF_EPIPE;
    err = record_new(u, m, skip, len, &r);
    if (err)
        return err;
    record_deliver(r, peer, charge);
    if (is_urgent)
        peer->oob = r;
    return 0;
}

static int check_sender(const struct unix_pcb *u, const struct unix_message *m, size_t bytes,
                        int flags)
{
    if (flags & HF_MSG_OOB && !bytes)
        return -HF_EOPNOTSUPP;
    if (m->path)
        return u->state == UNIX_ESTABLISHED ? -HF_EISCONN : -HF_EOPNOTSUPP;
    if (!u->peer)
        return -HF_ENOTCONN;
    return u->shut & UNIX_SHUT_SEND ? -HF_EPIPE : 0;
}

int64_t unix_stream_send(struct unix_pcb *u, struct unix_message *m, int flags)
{
    size_t bytes = message_bytes(m), sent = 0;
    size_t ordinary = flags & HF_MSG_OOB && bytes ? bytes - 1 : bytes;
    int err = check_sender(u, m, bytes, flags);

    while (!err && sent < ordinary) {
        uint32_t charge, len = piece_of(u, ordinary - sent, &charge);

        err = send_piece(u, m, sent, len, charge, false);
        if (!err)
            sent += len;
    }
    if (!err && sent < bytes) {
        err = send_piece(u, m, sent, 1, record_charge(1), true);
        if (!err)
            sent++;
    }
    if (sent)
        unix_event(u->peer);
    return sent ? (int64_t)sent : err;
}

/* The piece to read from, beginning at r; NULL: none, or the urgent byte stops what was begun. */
static struct unix_record *pass_mark(struct unix_pcb *u, struct unix_record *r, bool peeks,
                                     bool has_some)
{
    struct unix_record *mark = r;

    if (record_left(r) && r != u->oob)
        return r;
    if (!record_left(r)) {
        if (has_some && (!u->oob || r == u->oob))
            return NULL;
        r = record_next(u, r);
        if (!peeks)
            record_drop(u, mark);
        if (!r)
            return NULL;
    }
    if (r != u->oob)
        return r;
    if (has_some)
        return NULL;
    if (peeks)
        return u->oob_inline ? r : record_next(u, r);
    u->oob = NULL;
    if (u->oob_inline)
        return r;
    record_drop(u, r); /* passed over unread, it is lost */
    return record_first(u);
}

static int64_t read_urgent(struct unix_pcb *u, struct unix_message *m, bool peeks)
{
    struct unix_record *r = u->oob;

    if (u->oob_inline || !r)
        return -HF_EINVAL;
    if (!peeks) {
        u->oob = NULL;
        u->readable -= record_left(r);
    }
    (void)record_copy(r, 0, 1, m, 0);
    if (!peeks)
        r->consumed = r->len;
    m->from = r->from;
    unix_ref(m->from);
    return 1;
}

static bool is_same_writer(const struct unix_record *r, const struct unix_message *m)
{
    return m->has_cred == r->has_cred && memcmp(&m->cred, &r->cred, sizeof(r->cred)) == 0;
}

/* Linux: pending errors come after what can be read, the end after them. */
static int64_t nothing_there(struct unix_pcb *u)
{
    if (u->err)
        return unix_take_error(u);
    return u->shut & UNIX_SHUT_RECV ? 0 : -HF_EAGAIN;
}

/* A reader's way through the queue. */
struct reading {
    struct unix_record *at; /* the next piece, NULL at the end */
    uint32_t skip;          /* SO_PEEK_OFF: bytes still to be passed over */
    size_t done, room;
    bool peeks, has_any;
};

/* Reads from one piece; false: the call ends with it. */
static bool read_piece(struct unix_pcb *u, struct unix_message *m, struct reading *w)
{
    struct unix_record *r = w->at;
    size_t n;

    if (w->has_any && u->pass_cred && !is_same_writer(r, m))
        return false;
    n = record_copy(r, r->consumed + w->skip, w->room - w->done, m, w->done);
    w->done += n;
    w->has_any = true;
    record_tell(u, r, m, w->peeks);
    w->at = record_next(u, r);
    if (w->peeks) {
        w->skip = 0;
        return !r->ref_count;
    }
    r->consumed += (uint32_t)n;
    u->readable -= (uint32_t)n;
    if (record_left(r))
        return false;
    record_drop(u, r);
    return !m->ref_count && !m->has_more;
}

int64_t unix_stream_recv(struct unix_pcb *u, struct unix_message *m, int flags, uint32_t skip)
{
    struct reading w = {.at = record_first(u),
                        .skip = skip,
                        .room = message_bytes(m),
                        .peeks = (flags & HF_MSG_PEEK) != 0};
    bool goes_on = true;

    if (u->state != UNIX_ESTABLISHED)
        return -HF_EINVAL;
    if (flags & HF_MSG_OOB)
        return read_urgent(u, m, w.peeks);
    while (w.at && goes_on) {
        w.at = pass_mark(u, w.at, w.peeks, w.has_any);
        while (w.at && w.skip && w.skip >= record_left(w.at)) {
            w.skip -= record_left(w.at);
            w.at = record_next(u, w.at);
        }
        if (w.at)
            goes_on = read_piece(u, m, &w) && w.done < w.room;
    }
    return w.has_any ? (int64_t)w.done : nothing_there(u);
}

uint32_t unix_readable(const struct unix_pcb *u)
{
    const struct unix_record *r = record_first(u);

    return u->type != HF_SOCK_DGRAM ? u->readable : r ? r->len : 0;
}

/* NetSem sockatmark_1. */
bool unix_at_mark(const struct unix_pcb *u)
{
    const struct unix_record *r = u->state == UNIX_LISTEN ? NULL : record_first(u);

    if (!r || u->type != HF_SOCK_STREAM)
        return false;
    return r == u->oob || (!record_left(r) && (!u->oob || record_next(u, r) == u->oob));
}
