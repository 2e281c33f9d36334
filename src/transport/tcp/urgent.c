/* Urgent data with Linux's meaning: one byte, the last that was sent urgently, which is lifted out
 * of the stream unless SO_OOBINLINE; the mark where it stood stops reads. RFC 9293 3.8.5, MUST-30,
 * RFC 6093. */
#include "transport/tcp/internal.h"

/* RFC 9293 3.10.7.4 (sixth). Linux: the pointer points past the urgent byte (RFC 6093 the same), a
 * newer one replaces one that was not read, and the byte is lifted out of the stream. */
void urgent_segment(struct tcb *tcb, const struct segment *s)
{
    uint32_t mark = s->seq + s->h.urgent - 1;

    if ((s->h.flags & TCP_URG) && s->h.urgent && !tcb->fin_received &&
        seq_ge(mark, tcb->copied_seq) && seq_ge(mark, tcb->rcv_nxt) &&
        (tcb->urgent == URGENT_NONE || seq_gt(mark, tcb->rcv_up))) {
        /* Linux: two in a row, with nothing read in between, lose the first. */
        if (urgent_is_lifted_out(tcb, tcb->copied_seq))
            read_consume(tcb, 1);
        tcb->rcv_up = mark;
        tcb->urgent = URGENT_AWAITED;
    }
    if (tcb->urgent == URGENT_AWAITED && s->len && seq_in(tcb->rcv_up, s->seq, s->len)) {
        hf_frame_read(s->f, tcb->rcv_up - s->seq, &tcb->urgent_byte, 1);
        tcb->urgent = URGENT_HERE;
    }
}

/* seq is where the urgent byte stands that is not the stream's. */
bool urgent_is_lifted_out(const struct tcb *tcb, uint32_t seq)
{
    return tcb->urgent != URGENT_NONE && !tcb->opts.oob_inline && tcb->rcv_up == seq &&
           seq_lt(seq, tcb->rcv_nxt - tcb->fin_received);
}

/* Linux: tcp_recv_urg. NetSem recv_5, recv_6. */
int64_t urgent_read(struct tcb *tcb, const struct hf_iovec *iov, size_t n, int flags)
{
    if (tcb->state == TCP_LISTEN)
        return -HF_ENOTCONN;
    if (tcb->opts.oob_inline || tcb->urgent == URGENT_NONE || tcb->urgent == URGENT_READ)
        return -HF_EINVAL;
    if (tcb->state == TCP_CLOSED && !tcb->fin_received) /* Linux: SOCK_DONE is the FIN's */
        return -HF_ENOTCONN;
    if (tcb->urgent == URGENT_AWAITED)
        return tcb->is_over || tcb->fin_received ? 0 : -HF_EAGAIN;
    if (!(flags & TCP_RECV_PEEK))
        tcb->urgent = URGENT_READ;
    for (size_t i = 0; i < n; i++) {
        if (!iov[i].len)
            continue;
        if (!(flags & TCP_RECV_DISCARD))
            memcpy(iov[i].base, &tcb->urgent_byte, 1);
        return 1;
    }
    return 0;
}

bool tcp_urgent_pending(const struct tcb *tcb)
{
    return tcb->urgent == URGENT_HERE;
}
bool tcp_at_mark(const struct tcb *tcb)
{
    return tcb->state != TCP_LISTEN && tcb->urgent != URGENT_NONE && tcb->rcv_up == tcb->copied_seq;
}
