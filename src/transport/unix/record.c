/* Messages in queues: made of a caller's vector, charged to their sender, read in pieces. Linux:
 * sock_alloc_send_pskb, skb_set_owner_w, sock_wfree. */
#include <string.h>

#include "transport/unix/internal.h"

enum { LINE = 64, LONG = 2048 };

size_t message_bytes(const struct unix_message *m)
{
    size_t bytes = 0;

    for (size_t i = 0; i < m->iov_len; i++)
        bytes += m->iov[i].len;
    return bytes;
}

/* The bytes and what goes with them, in a power of two, and the header: SIOCOUTQ shows it, and how
 * much fits into SO_SNDBUF follows from it. */
uint32_t record_charge(uint32_t linear_bytes)
{
    uint32_t need = ((linear_bytes + 63) & ~63u) + 320, room = 512;

    while (room < need)
        room *= 2;
    return room + 256;
}

static void gather(uint8_t *to, const struct unix_message *m, size_t skip, size_t len)
{
    for (size_t i = 0; i < m->iov_len && len; i++) {
        size_t n = m->iov[i].len;

        if (skip >= n) {
            skip -= n;
            continue;
        }
        n = HF_MIN(n - skip, len);
        memcpy(to, (const char *)m->iov[i].base + skip, n);
        to += n;
        len -= n;
        skip = 0;
    }
}

/* Long ones are copied faster where they begin with a line of the cache. */
static size_t record_size(uint32_t len)
{
    return sizeof(struct unix_record) + len + (len >= LONG ? LINE - 1 : 0);
}

static struct unix_record *record_alloc(struct unix_pcb *u, const struct unix_message *m,
                                        size_t skip, uint32_t len)
{
    const struct hf_env *env = &u->net->core->env;
    struct unix_record *r = env->alloc(env->ctx, record_size(len));

    if (!r)
        return NULL;
    memset(r, 0, sizeof(*r));
    if (len >= LONG)
        r->shift = -(uintptr_t)r->data % LINE;
    list_init(&r->link);
    r->from = u;
    unix_ref(u);
    r->len = len;
    gather(r->data + r->shift, m, skip, len);
    if (m->has_cred) {
        r->cred = m->cred;
        r->has_cred = true;
    }
    return r;
}

static void free_refs(struct unix_net *net, struct unix_record *r)
{
    const struct hf_env *env = &net->core->env;

    if (r->refs)
        env->free(env->ctx, r->refs, r->ref_count * sizeof(*r->refs));
    r->refs = NULL;
    r->ref_count = 0;
}

static void drop_refs(struct unix_net *net, struct unix_record *r)
{
    refs_land(net, r->refs, r->ref_count);
    for (uint32_t i = 0; i < r->ref_count; i++)
        net->host.ref_drop(net->host.ctx, &r->refs[i]);
    free_refs(net, r);
}

void record_free(struct unix_net *net, struct unix_record *r)
{
    struct unix_pcb *from = r->from;

    drop_refs(net, r);
    net->core->env.free(net->core->env.ctx, r, record_size(r->len));
    unix_unref(from);
}

static int take_refs(struct unix_net *net, struct unix_record *r, struct unix_message *m)
{
    const struct hf_env *env = &net->core->env;

    if (!m->ref_count)
        return 0;
    r->refs = env->alloc(env->ctx, m->ref_count * sizeof(*r->refs));
    if (!r->refs)
        return -HF_ENOMEM;
    memcpy(r->refs, m->refs, m->ref_count * sizeof(*r->refs));
    r->ref_count = (uint32_t)m->ref_count;
    m->ref_count = 0;
    refs_launch(net, r->refs, r->ref_count);
    return 0;
}

int record_new(struct unix_pcb *u, struct unix_message *m, size_t skip, uint32_t len,
               struct unix_record **out)
{
    struct unix_record *r = record_alloc(u, m, skip, len);
    int err = r ? take_refs(u->net, r, m) : -HF_ENOBUFS;

    if (r && err) {
        record_free(u->net, r);
        return err;
    }
    *out = r;
    return err;
}

/* Linux: unix_maybe_add_creds: who asks for credentials gets them, or sends them; and so does who
 * cannot be asked yet. */
void record_deliver(struct unix_record *r, struct unix_pcb *to, uint32_t charge)
{
    if (!r->has_cred && (r->from->pass_cred || to->pass_cred || to->is_embryo)) {
        unix_who(to->net, &r->cred);
        r->has_cred = true;
    }
    r->charge = charge;
    r->from->charged += charge;
    to->queued++;
    to->readable += record_left(r);
    list_push_back(&to->queue, &r->link);
}

void record_drop(struct unix_pcb *u, struct unix_record *r)
{
    struct unix_pcb *from = r->from;

    list_remove(&r->link);
    u->queued--;
    u->readable -= record_left(r);
    from->charged -= r->charge;
    if (unix_is_writable(from))
        unix_event(from);
    record_free(u->net, r);
}

size_t record_copy(const struct unix_record *r, uint32_t at, size_t len,
                   const struct unix_message *m, size_t skip)
{
    size_t left = HF_MIN(len, (size_t)(r->len - at)), done = 0;

    for (size_t i = 0; i < m->iov_len && done < left; i++) {
        size_t n = m->iov[i].len;

        if (skip >= n) {
            skip -= n;
            continue;
        }
        n = HF_MIN(n - skip, left - done);
        memcpy((char *)m->iov[i].base + skip, record_bytes(r) + at + done, n);
        done += n;
        skip = 0;
    }
    return done;
}

/* Linux: unix_detach_fds, unix_peek_fds. */
void record_tell(struct unix_pcb *u, struct unix_record *r, struct unix_message *m, bool peeks)
{
    struct unix_net *net = u->net;

    if (!m->from) {
        m->from = r->from;
        unix_ref(m->from);
    }
    m->has_cred = r->has_cred;
    m->cred = r->cred;
    if (!r->ref_count)
        return;
    m->has_more = !m->refs || (peeks && !net->host.ref_hold);
    if (m->has_more) {
        if (!peeks)
            drop_refs(net, r);
        return;
    }
    memcpy(m->refs, r->refs, r->ref_count * sizeof(*r->refs));
    m->ref_count = r->ref_count;
    for (uint32_t i = 0; peeks && i < r->ref_count; i++)
        net->host.ref_hold(net->host.ctx, &r->refs[i]);
    if (!peeks) {
        refs_land(net, r->refs, r->ref_count);
        free_refs(net, r);
    }
}

void unix_message_end(struct unix_message *m)
{
    unix_unref(m->from);
    m->from = NULL;
}

int unix_check_room(struct unix_pcb *u)
{
    if (u->err)
        return unix_take_error(u);
    if (u->shut & UNIX_SHUT_SEND)
        return -HF_EPIPE;
    return u->charged < u->sndbuf ? 0 : -HF_EAGAIN;
}
