/* SEND: bytes from the program to the send queue. RFC 9293 3.10.2. */
#include "transport/tcp/fastopen.h"
#include "transport/tcp/flow.h"

#define GOAL_MOST    65400u /* what a super-segment carries */
#define BUFFER_BYTES 1280   /* of which each costs so much more */

/* Linux: sk_stream_error, sk_stream_wait_connect. 0 when bytes are welcome. NetSem send_5, send_6.
 */
static int send_status(const struct tcb *tcb)
{
    if (tcb->pcb.err)
        return -tcb->pcb.err;
    if (tcb->state == TCP_SYN_SENT || tcb->state == TCP_SYN_RECEIVED)
        return tcb->fin_queued ? -HF_EPIPE : tcb->fo_pending ? 0 : -HF_EAGAIN;
    if (tcb->state != TCP_ESTABLISHED && tcb->state != TCP_CLOSE_WAIT)
        return -HF_EPIPE;
    return 0;
}

/* Automatic: Linux's 20 segments to begin with, then twice the congestion window, up to the limit,
 * and to twice what is of use so near: half of it is out, the other half waits behind that. */
uint32_t tcp_sndbuf(const struct tcb *tcb)
{
    const struct tcp *tcp = tcb->tcp;
    uint64_t bytes;

    if (tcb->opts.sndbuf)
        return tcb->opts.sndbuf;
    if (!tcb_can_send(tcb))
        return tcp->wmem_default;
    bytes = HF_MAX(2 * (uint64_t)tcb->cwnd, 40 * (uint64_t)tcb->mss);
    if (memory_is_short(tcb))
        return tcp->wmem_default;
    bytes = HF_MAX(HF_MIN(bytes, 2 * (uint64_t)rtt_bytes(tcb)), tcp->wmem_default);
    return (uint32_t)HF_MIN(bytes, tcp->wmem_max);
}

/* Linux: tcp_xmit_size_goal, what one buffer of the send queue takes: half of the peer's largest
 * window in whole segments. */
static uint32_t goal(const struct tcb *tcb)
{
    uint32_t half = tcb_max_wnd(tcb) / 2;

    return HF_MAX(HF_MIN(half, GOAL_MOST) / tcb->mss, 1u) * tcb->mss;
}

/* Linux: sk_wmem_queued, the bytes and what holds them. */
static uint64_t wmem_queued(const struct tcb *tcb)
{
    uint32_t queued = tcb->sndq.len, each;

    if (!queued)
        return 0;
    each = goal(tcb);
    return queued + (uint64_t)(queued + each - 1) / each * BUFFER_BYTES;
}

static uint32_t notsent_lowat(const struct tcb *tcb)
{
    return tcb->opts.notsent_lowat ? tcb->opts.notsent_lowat : tcb->tcp->notsent_lowat;
}

/* Where the next byte will stand: behind the SYN, as long as that is not acknowledged. */
static uint32_t write_seq(const struct tcb *tcb)
{
    return tcb->snd_una + !tcb_can_send(tcb) + tcb->sndq.len;
}

/* Everybody's memory has been used up; a little is kept for who has nothing under way. */
static bool is_exhausted(const struct tcb *tcb)
{
    return tcb->sndq.len && !memory_allows(tcb, goal(tcb));
}

void send_acked(struct tcb *tcb, uint32_t bytes)
{
    memory_give_back(tcb, bytes);
    byteq_drop(&tcb->sndq, bytes);
}

/* Linux: sk_stream_memory_free. While there is any room a buffer is begun, and the newest one is
 * filled, whatever it may become. So much can be added now, without a second one. */
static uint32_t send_room(const struct tcb *tcb)
{
    uint32_t unsent = tcp_unsent(tcb), each = goal(tcb);

    if (is_exhausted(tcb))
        return 0;
    if (!memory_allows(tcb, each))
        return HF_MIN(each, (uint32_t)MEMORY_EACH);
    if (unsent) {
        uint32_t end = seq_max(tcb->buf_end, tcb->snd_nxt + each);

        if (seq_gt(end, write_seq(tcb)))
            return end - write_seq(tcb);
    }
    return wmem_queued(tcb) < tcp_sndbuf(tcb) && unsent < notsent_lowat(tcb) ? each : 0;
}

/* New bytes at the end: out with what may go. A peer that was idle is asked afresh how fast. */
static void send_queued(struct tcb *tcb, int flags)
{
    tcb->more = tcb->holds = !!(flags & TCP_SEND_MORE);
    if (flags & TCP_SEND_OOB) {
        tcb->snd_up = tcb->snd_una + tcb->sndq.len;
        tcb->snd_urgent = 1;
    }
    tcp_output(tcb);
}

/* Room for the marks that a send asks for. */
static bool may_mark(struct tcb *tcb, int flags)
{
    struct flow *f = flags & (TCP_SEND_RECORD | TCP_SEND_TELL) ? flow_of(tcb) : tcb->flow;

    return (!(flags & TCP_SEND_RECORD) || (f && marks_reserve(tcb, &f->records))) &&
           (!(flags & TCP_SEND_TELL) || (f && marks_reserve(tcb, &f->copies))) &&
           (!stamps_wanted(tcb) || marks_reserve(tcb, &f->stamps.ends));
}

/* The bytes that it took are queued, all it had to give or not. */
static void mark(struct tcb *tcb, int flags, bool is_whole)
{
    if (flags & TCP_SEND_RECORD && is_whole)
        marks_add(&tcb->flow->records, write_seq(tcb), 0);
    if (flags & TCP_SEND_TELL)
        marks_add(&tcb->flow->copies, write_seq(tcb), tcb->flow->copies_made++);
    if (stamps_wanted(tcb))
        stamps_add(tcb, write_seq(tcb));
}

/* The first bytes of a deferred open go with its SYN, or wait for the answer to it. */
static int64_t open_with(struct tcb *tcb, const struct hf_iovec *iov, size_t n, size_t want,
                         int flags)
{
    uint32_t room = want && may_mark(tcb, flags) ? fastopen_room(tcb) : 0;
    size_t done =
        room ? byteq_write(&tcb->sndq, tcb->tcp->core->pool, iov, n, 0, HF_MIN(want, (size_t)room))
             : 0;

    memory_take(tcb, (uint32_t)done);
    if (done)
        mark(tcb, flags, done == want);
    tcb->fo_waits = flags & TCP_SEND_WAITS && done < want;
    fastopen_send(tcb);
    return done ? (int64_t)done : -HF_EINPROGRESS;
}

/* Whether a writer is kept waiting by the buffer's size. */
static void note_room(struct tcb *tcb, bool has_room)
{
    struct flow *f = has_room ? tcb->flow : flow_of(tcb);

    tcb->wants_room = !has_room;
    if (f)
        f->no_room = !has_room;
    if (!has_room && !tcp_unsent(tcb))
        flow_waits(tcb, WAIT_BUFFER);
}

/* NetSem send_1. What is taken goes out buffer by buffer: that makes room for the next. */
int64_t tcp_send(struct tcb *tcb, const struct hf_iovec *iov, size_t n, int flags)
{
    int status = send_status(tcb);
    size_t want = 0, done = 0, took;
    uint32_t room;

    for (size_t i = 0; i < n; i++)
        want += iov[i].len;
    if (tcp_is_deferred(tcb))
        return open_with(tcb, iov, n, want, flags);
    if (status) {
        tcb->pcb.err = 0;
        return status;
    }
    if (!(flags & ~TCP_SEND_WAITS) && !stamps_wanted(tcb))
        done = twin_send(tcb, iov, want);
    if (done == want)
        return (int64_t)done;
    room = send_room(tcb);
    note_room(tcb, room);
    if (!done && !room)
        return -HF_EAGAIN;
    if (!may_mark(tcb, flags))
        return -HF_ENOBUFS;
    while (room && done < want) {
        tcb->buf_end = write_seq(tcb) + room;
        took = byteq_write(&tcb->sndq, tcb->tcp->core->pool, iov, n, done,
                           HF_MIN(want - done, (size_t)room));
        if (!took)
            break;
        done += took;
        memory_take(tcb, (uint32_t)took);
        if (done < want)
            send_queued(tcb, TCP_SEND_MORE);
        room = send_room(tcb);
    }
    if (!done)
        return -HF_ENOBUFS;
    note_room(tcb, done == want);
    mark(tcb, flags, done == want);
    send_queued(tcb, done == want ? flags : flags & ~TCP_SEND_OOB);
    return (int64_t)done;
}

size_t tcp_send_now(struct tcb *tcb, const void *buf, size_t len)
{
    return tcb->pcb.err || tcp_stamps(tcb) ? 0 : twin_send_now(tcb, buf, len);
}

/* Behind the buffer that `room` completes: those that a long send would fill too. */
static uint32_t room_behind(const struct tcb *tcb, uint32_t room)
{
    uint32_t each = goal(tcb), sndbuf = tcp_sndbuf(tcb);
    uint64_t queued = wmem_queued(tcb) + room;

    if (!room || notsent_lowat(tcb) != UINT32_MAX || queued >= sndbuf ||
        !memory_allows(tcb, sndbuf))
        return 0;
    return (uint32_t)((sndbuf - queued) / (each + BUFFER_BYTES)) * each;
}

int tcp_reserve(struct tcb *tcb, size_t want, struct hf_iovec *iov, int n)
{
    int status = send_status(tcb);
    uint32_t room;

    if (tcp_is_deferred(tcb)) {
        room = fastopen_room(tcb);
        if (!room) /* the cookie was forgotten meanwhile */
            fastopen_send(tcb);
    } else if (status) {
        return status;
    } else {
        room = send_room(tcb);
        note_room(tcb, room);
        tcb->buf_end = room ? write_seq(tcb) + room : tcb->buf_end;
        room += room_behind(tcb, room);
    }
    return room
               ? byteq_reserve(&tcb->sndq, tcb->tcp->core->pool, HF_MIN(want, (size_t)room), iov, n)
               : 0;
}

void tcp_commit(struct tcb *tcb, size_t len)
{
    byteq_commit(&tcb->sndq, len);
    memory_take(tcb, (uint32_t)len);
    if (len && tcp_is_deferred(tcb))
        fastopen_send(tcb);
    else if (len)
        send_queued(tcb, 0);
}

/* The FIN is not a byte of the queue. */
uint32_t tcp_unacked(const struct tcb *tcb)
{
    return tcb->sndq.len;
}

uint32_t tcp_unsent(const struct tcb *tcb)
{
    uint32_t sent;

    if (!tcb_can_send(tcb))
        return tcb->sndq.len - HF_MIN(tcb->sndq.len, tcb->syn_bytes);
    sent = tcb_flight(tcb);
    return tcb->sndq.len > sent ? tcb->sndq.len - sent : 0;
}

/* Linux: sk_stream_is_writeable and tcp_stream_memory_free. */
bool tcp_writable(const struct tcb *tcb)
{
    uint64_t used = wmem_queued(tcb), size = tcp_sndbuf(tcb);

    return size > used && size - used >= used / 2 && !is_exhausted(tcb) &&
           2 * (uint64_t)tcp_unsent(tcb) < notsent_lowat(tcb);
}
