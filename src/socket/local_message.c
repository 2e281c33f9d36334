/* AF_UNIX messages: addresses, credentials and descriptors beside the bytes. Linux: __scm_send,
 * scm_recv_unix. */
#include "socket/control.h"
#include "socket/local.h"

/* Linux: scm_check_creds. */
static int read_credentials(struct hf_sock *sk, const uint8_t *data, size_t len,
                            struct unix_message *m)
{
    const struct hf_unix_host *host = &sk->all->un.host;

    if (len != sizeof(m->cred))
        return -HF_EINVAL;
    memcpy(&m->cred, data, sizeof(m->cred));
    m->has_cred = true;
    return host->may_claim && !host->may_claim(host->ctx, &m->cred) ? -HF_EPERM : 0;
}

static int read_item(struct hf_sock *sk, const struct control_header *h, const uint8_t *data,
                     struct unix_message *m)
{
    if (h->level != HF_SOL_SOCKET)
        return 0;
    switch (h->type) {
    case HF_SCM_RIGHTS: /* m->refs are they */
        return 0;
    case HF_SCM_CREDENTIALS:
        return read_credentials(sk, data, h->len - CONTROL_HEADER, m);
    default:
        return -HF_EINVAL;
    }
}

static int read_control(struct hf_sock *sk, const struct hf_msg *msg, struct unix_message *m)
{
    const uint8_t *p = msg->control;
    size_t left = msg->control ? msg->control_len : 0;

    while (left >= CONTROL_HEADER) {
        struct control_header h;
        int err;

        memcpy(&h, p, sizeof(h));
        if (h.len < CONTROL_HEADER || h.len > left)
            return -HF_EINVAL;
        err = read_item(sk, &h, p + CONTROL_HEADER, m);
        if (err)
            return err;
        if (control_padded(h.len) >= left)
            break;
        p += control_padded(h.len);
        left -= control_padded(h.len);
    }
    return 0;
}

/* Linux: a stream does not look at an address, it minds that there is one; sequenced packets do
 * not even that. */
static int read_destination(const struct unix_pcb *u, const struct hf_msg *msg,
                            struct unix_message *m)
{
    if (!msg->addr || !msg->addr_len || u->type == HF_SOCK_SEQPACKET)
        return 0;
    if (u->type == HF_SOCK_DGRAM)
        return local_address(msg->addr, msg->addr_len, &m->path, &m->path_len);
    m->path = msg->addr;
    m->path_len = msg->addr_len;
    return 0;
}

int64_t local_send(struct hf_sock *sk, const struct hf_msg *msg, int flags)
{
    struct unix_pcb *u = sock_unix(sk);
    const struct hf_unix_host *host = &sk->all->un.host;
    struct unix_message m = {.iov = msg->iov, .iov_len = msg->iov_len};
    int64_t n;
    int err;

    m.refs = msg->refs;
    m.ref_count = msg->refs ? msg->ref_count : 0;
    if (u->type == HF_SOCK_SEQPACKET && u->err) /* Linux: before all else */
        return unix_take_error(u);
    err = read_control(sk, msg, &m);
    if (!err && u->type == HF_SOCK_DGRAM && flags & HF_MSG_OOB)
        return -HF_EOPNOTSUPP;
    if (!err)
        err = read_destination(u, msg, &m);
    if (err)
        return err;
    n = u->type == HF_SOCK_STREAM ? unix_stream_send(u, &m, flags) : unix_dgram_send(u, &m, flags);
    for (size_t i = 0; n >= 0 && i < m.ref_count; i++) /* nothing was sent for them to go with */
        host->ref_drop(host->ctx, &m.refs[i]);
    return n;
}

/* Who did not say, when it was sent, and was not asked, is nobody. */
static void write_control(const struct hf_sock *sk, const struct unix_message *m,
                          struct hf_msg *msg)
{
    static const struct hf_credentials nobody = {0, 65534, 65534};
    struct control w = {msg, 0};

    if (sock_unix(sk)->pass_cred)
        control_put(&w, HF_SOL_SOCKET, HF_SCM_CREDENTIALS, m->has_cred ? &m->cred : &nobody,
                    sizeof(nobody));
    if (m->has_more)
        msg->flags |= HF_MSG_CTRUNC;
    msg->control_len = w.used;
}

static void move_peek_off(struct hf_sock *sk, int64_t n, int64_t taken, int flags)
{
    int64_t at = sk->opt.peek_off;

    if (at < 0 || flags & HF_MSG_OOB)
        return;
    at += flags & HF_MSG_PEEK ? n : -taken;
    sk->opt.peek_off = at < 0 ? 0 : (int32_t)at;
}

/* Linux: unix_copy_addr; a sender without a name has no address at all. */
static void give_source(const struct unix_message *m, struct hf_msg *msg)
{
    uint32_t n = 0;

    if (m->from && unix_name_of(m->from, &n) && n) {
        n = msg->addr ? msg->addr_len : 0;
        if (!local_name(m->from, msg->addr, &n))
            msg->addr_len = n;
        return;
    }
    msg->addr_len = 0;
}

int64_t local_recv(struct hf_sock *sk, struct hf_msg *msg, int flags)
{
    struct unix_pcb *u = sock_unix(sk);
    struct unix_message m = {.iov = msg->iov, .iov_len = msg->iov_len, .refs = msg->refs};
    bool is_stream = u->type == HF_SOCK_STREAM;
    uint32_t skip = flags & HF_MSG_PEEK && sk->opt.peek_off > 0 ? (uint32_t)sk->opt.peek_off : 0;
    uint32_t before = unix_readable(u);
    int64_t n;

    msg->flags = 0;
    n = is_stream ? unix_stream_recv(u, &m, flags, skip) : unix_dgram_recv(u, &m, flags, skip);
    msg->ref_count = m.ref_count;
    if (n < 0 || !m.from) {
        msg->addr_len = 0;
        msg->control_len = 0;
        return n;
    }
    move_peek_off(sk, n, is_stream ? n : (int64_t)before, flags);
    if (m.is_short)
        msg->flags |= HF_MSG_TRUNC;
    if (flags & HF_MSG_OOB)
        msg->flags |= HF_MSG_OOB;
    give_source(&m, msg);
    write_control(sk, &m, msg);
    unix_message_end(&m);
    return n;
}
