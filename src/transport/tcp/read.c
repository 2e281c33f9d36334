/* RECEIVE: bytes in order from the receive queue to the program, by copy or in place. RFC
 * 9293 3.10.3. A read stops at the urgent mark, as Linux's does (urgent.c). */
#include "transport/tcp/internal.h"
#include "transport/tcp/ring.h"

/* In-order bytes from seq on that one read may return: up to the mark (RFC 9293 MUST-33), or all.
 */
uint32_t read_run_from(const struct tcb *tcb, uint32_t seq)
{
    uint32_t end = tcb->rcv_nxt - tcb->fin_received;

    if (tcb->urgent != URGENT_NONE && seq_gt(tcb->rcv_up, seq) && seq_lt(tcb->rcv_up, end))
        end = tcb->rcv_up;
    return seq_gt(end, seq) ? end - seq : 0;
}

void read_consume(struct tcb *tcb, uint32_t len)
{
    tcb->copied_seq += len;
    while (len) {
        struct hf_frame *f = ring_first(&tcb->rxq);
        uint32_t n = HF_MIN(len, f->len);

        len -= n;
        if (n == f->len)
            ring_drop(tcb, ring_pop(&tcb->rxq));
        else
            hf_frame_trim_front(f, n);
    }
    if (tcb->urgent != URGENT_NONE && seq_gt(tcb->copied_seq, tcb->rcv_up))
        tcb->urgent = URGENT_NONE;
}

/* What a read is told when there are no bytes: RFC 9293 MUST-12. Linux's order: the end of the
 * stream, the error, the end by other means, never opened. NetSem recv_7, recv_8. */
static int end_status(struct tcb *tcb)
{
    int err = tcb->pcb.err;

    if (tcb->fin_received)
        return 0;
    if (err) {
        tcb->pcb.err = 0;
        return -err;
    }
    if (tcb->is_over)
        return 0;
    return tcb->state == TCP_CLOSED ? -HF_ENOTCONN : -HF_EAGAIN;
}

/* The same; 1 when there are bytes. */
static int read_status(struct tcb *tcb)
{
    if (tcb->state == TCP_LISTEN)
        return -HF_ENOTCONN;
    if (read_run_from(tcb, tcb->copied_seq) > (urgent_is_lifted_out(tcb, tcb->copied_seq) ? 1 : 0))
        return 1;
    return end_status(tcb);
}

/* Where a copy stands in the caller's vector. */
struct sink {
    const struct hf_iovec *iov;
    size_t n, i, off;
};

static size_t sink_room(const struct sink *k)
{
    size_t room = 0;

    for (size_t i = k->i; i < k->n; i++)
        room += k->iov[i].len;
    return room - k->off;
}

static void sink_put(struct sink *k, const struct hf_frame *f, uint32_t off, uint32_t len,
                     bool copies)
{
    while (len) {
        const struct hf_iovec *v = &k->iov[k->i];
        uint32_t n = (uint32_t)HF_MIN((size_t)len, v->len - k->off);

        if (copies)
            hf_frame_read(f, off, (char *)v->base + k->off, n);
        off += n;
        len -= n;
        k->off += n;
        while (k->i < k->n && k->off == k->iov[k->i].len) {
            k->i++;
            k->off = 0;
        }
    }
}

/* The first len bytes of the queue, to one place, and off it. */
static void take(struct tcb *tcb, uint8_t *to, uint32_t len)
{
    tcb->copied_seq += len;
    while (len) {
        struct hf_frame *f = ring_first(&tcb->rxq);
        uint32_t n = HF_MIN(len, f->len);

        hf_frame_read(f, 0, to, n);
        if (n == f->len)
            ring_drop(tcb, ring_pop(&tcb->rxq));
        else
            hf_frame_trim_front(f, n);
        to += n;
        len -= n;
    }
}

/* Copies len bytes from offset skip of the queue on. */
static void copy_out(const struct tcb *tcb, struct sink *k, uint32_t skip, uint32_t len,
                     bool copies)
{
    const struct hf_frame *f = ring_first(&tcb->rxq);

    for (; skip >= f->len; f = f->next)
        skip -= f->len;
    for (; len; f = f->next, skip = 0) {
        uint32_t n = HF_MIN(len, f->len - skip);

        sink_put(k, f, skip, n, copies);
        len -= n;
    }
}

/* Linux: a read goes past the urgent byte though nothing stands behind it, and with it goes what
 * MSG_OOB could have had. */
static void pass_urgent(struct tcb *tcb)
{
    if (tcb->state != TCP_LISTEN && urgent_is_lifted_out(tcb, tcb->copied_seq) &&
        read_run_from(tcb, tcb->copied_seq) == 1)
        read_consume(tcb, 1);
}

size_t tcp_recv_now(struct tcb *tcb, void *buf, size_t len, size_t low_water)
{
    uint32_t n;

    if (tcb->state != TCP_ESTABLISHED || tcb->urgent != URGENT_NONE)
        return 0;
    n = (uint32_t)HF_MIN((size_t)read_run_from(tcb, tcb->copied_seq), len);
    if (n < HF_MIN(len, low_water) || !n || receive_is_awaited(tcb, n))
        return 0;
    take(tcb, buf, n);
    return n;
}

/* NetSem recv_1. */
int64_t tcp_recv(struct tcb *tcb, const struct hf_iovec *iov, size_t n, int flags,
                 uint32_t peek_off)
{
    struct sink sink = {.iov = iov, .n = n};
    bool peeks = flags & TCP_RECV_PEEK, copies = !(flags & TCP_RECV_DISCARD);
    size_t room;
    uint32_t done = 0, pos;
    int status;

    /* As a rule there are bytes, one place for them, and nothing urgent. */
    if (n == 1 && !flags && tcb->state != TCP_LISTEN && tcb->urgent == URGENT_NONE) {
        done = (uint32_t)HF_MIN((size_t)read_run_from(tcb, tcb->copied_seq), iov->len);
        if (done) {
            take(tcb, iov->base, done);
            receive_window_update(tcb, done);
            return done;
        }
    }
    if (flags & TCP_RECV_OOB)
        return urgent_read(tcb, iov, n, flags);
    while (sink.i < n && sink.iov[sink.i].len == 0)
        sink.i++;
    room = sink_room(&sink);
    if (room && !peeks)
        pass_urgent(tcb);
    if (!room && urgent_is_lifted_out(tcb, tcb->copied_seq))
        return 0; /* Linux: there is something, and nothing to put into */
    status = read_status(tcb);
    if (status <= 0)
        return status;
    pos = tcb->copied_seq + (peeks ? peek_off : 0);
    while (room && (done == 0 || tcb->urgent == URGENT_NONE || tcb->rcv_up != pos)) {
        uint32_t lifted = urgent_is_lifted_out(tcb, pos);
        uint32_t len = (uint32_t)HF_MIN((size_t)read_run_from(tcb, pos + lifted), room);

        if (!len)
            break;
        copy_out(tcb, &sink, pos + lifted - tcb->copied_seq, len, copies);
        pos += lifted + len;
        done += len;
        room -= len;
        if (!peeks)
            read_consume(tcb, lifted + len);
    }
    if (!done && room)
        return end_status(tcb); /* peek_off is beyond what is here */
    if (!peeks)
        receive_window_update(tcb, done);
    return done;
}

int tcp_peek(struct tcb *tcb, struct hf_iovec *iov, int n)
{
    const struct hf_frame *f;
    uint32_t left;
    int status = read_status(tcb), filled = 0;

    if (status <= 0)
        return status;
    if (urgent_is_lifted_out(tcb, tcb->copied_seq))
        read_consume(tcb, 1);
    left = read_run_from(tcb, tcb->copied_seq);
    for (f = ring_first(&tcb->rxq); left && filled < n; f = f->next) {
        int got = hf_frame_iov(f, 0, iov + filled, n - filled);

        for (; got; got--, filled++) {
            iov[filled].len = HF_MIN(iov[filled].len, (size_t)left);
            left -= (uint32_t)iov[filled].len;
            if (!left)
                return filled + 1;
        }
    }
    return filled;
}

void tcp_consume(struct tcb *tcb, size_t len)
{
    read_consume(tcb, (uint32_t)len);
    receive_window_update(tcb, (uint32_t)len);
}

/* Linux: tcp_inq. */
uint32_t tcp_readable(const struct tcb *tcb)
{
    if (tcb->state == TCP_LISTEN)
        return 0;
    uint32_t lifted = urgent_is_lifted_out(tcb, tcb->copied_seq);

    return read_run_from(tcb, tcb->copied_seq + lifted);
}
