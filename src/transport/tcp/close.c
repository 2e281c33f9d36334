/* CLOSE, shutdown, ABORT: the program's side of the end. RFC 9293 3.10.4, 3.10.5. */
#include "transport/tcp/fastopen.h"

/* Linux: tcp_need_reset, the states in which a peer must hear of the end. */
static bool needs_reset(const struct tcb *tcb)
{
    switch (tcb->state) {
    case TCP_SYN_RECEIVED:
        return !tcb->is_held;
    case TCP_ESTABLISHED:
    case TCP_CLOSE_WAIT:
    case TCP_FIN_WAIT_1:
    case TCP_FIN_WAIT_2:
        return true;
    case TCP_CLOSING:
    case TCP_LAST_ACK:
        return tcp_unsent(tcb) > 0;
    default:
        return false;
    }
}

/* A listener, with all that wait in it, back to CLOSED. */
static void stop_listening(struct tcb *tcb)
{
    demux_remove(&tcb->tcp->demux, &tcb->pcb.entry);
    tcb->pcb.entry.is_listening = 0;
    ports_changed(&tcb->tcp->ports, &tcb->pcb);
    listen_stop(tcb);
    if (!tcb->pcb.port_bound && tcb->pcb.entry.port_hold != PORT_NONE)
        ports_release(&tcb->tcp->ports, &tcb->pcb.entry);
    tcp_set_state(tcb, TCP_CLOSED);
    memset(&tcb->listen, 0, sizeof(tcb->listen));
}

int tcp_shut_send(struct tcb *tcb)
{
    struct tcb *twin;

    switch (tcb->state) {
    case TCP_SYN_RECEIVED: /* the state moves when the handshake is done */
        tcb->fin_queued = 1;
        return 0;
    case TCP_ESTABLISHED:
    case TCP_CLOSE_WAIT:
        twin = twin_for_fin(tcb);
        tcb->fin_queued = 1;
        tcb->more = 0;
        tcp_set_state(tcb, tcb->state == TCP_ESTABLISHED ? TCP_FIN_WAIT_1 : TCP_LAST_ACK);
        if (twin)
            twin_fin(tcb, twin);
        else
            tcp_output(tcb);
        return 0;
    case TCP_CLOSED:
    case TCP_LISTEN:
    case TCP_SYN_SENT:
        return -HF_ENOTCONN;
    default:
        return 0;
    }
}

/* Over; the peer is told where it must hear of it. */
static void end_by_reset(struct tcb *tcb)
{
    bool needs = needs_reset(tcb);
    struct tcb *twin = needs ? twin_for_reset(tcb) : NULL;

    if (twin)
        twin_count(tcb, twin);
    else if (needs)
        output_reset(tcb);
    tcp_done(tcb);
    if (twin)
        twin_hear_reset(twin);
}

static void set_orphan(struct tcb *tcb)
{
    tcb->is_orphan = 1;
    tcb->tcp->core->stats.tcp_orphans++;
}

/* The program has let go: what is under way ends by itself. */
static void orphan(struct tcb *tcb)
{
    struct core *core = tcb->tcp->core;

    set_orphan(tcb);
    if (memory_orphan_must_go(tcb)) {
        core->stats.tcp_orphans_reset++;
        end_by_reset(tcb);
        return;
    }
    tcb->opts.cork = 0;
    if (tcb->state == TCP_FIN_WAIT_2 && tcb->opts.linger2_s < 0) {
        output_reset(tcb);
        tcp_done(tcb);
        return;
    }
    tcb->slow_due = 0; /* keepalive's: FIN-WAIT-2 has its own */
    timer_slow(tcb);
    if (tcp_is_open_early(tcb)) { /* Linux: FIN-WAIT-1, with the SYN-ACK still to be answered */
        tcb->fin_queued = 1;
        tcp_set_state(tcb, TCP_FIN_WAIT_1);
    }
    if (tcb->state == TCP_ESTABLISHED || tcb->state == TCP_CLOSE_WAIT) {
        int err = tcp_shut_send(tcb);

        core_assert(core, err == 0);
    } else {
        tcp_output(tcb);
    }
}

/* NetSem close_2, close_3, close_7. */
void tcp_close(struct tcb *tcb, bool abort)
{
    bool unread;

    if (tcb->state == TCP_LISTEN)
        stop_listening(tcb);
    if (tcb->state == TCP_CLOSED) {
        tcb_release(tcb);
        return;
    }
    fastopen_ended(tcb);
    unread = tcb->rxq.last && read_run_from(tcb, tcb->copied_seq) > 0;
    receive_purge(tcb);
    /* RFC 2525 2.17, RFC 9293 SHLD-3, MAY-1: bytes that nobody will read are a RST. */
    if (abort || unread || !tcb_can_send(tcb)) {
        set_orphan(tcb);
        end_by_reset(tcb);
        return;
    }
    orphan(tcb);
}

/* Linux: tcp_disconnect; NetSem disconnect_5. */
void tcp_disconnect(struct tcb *tcb)
{
    struct pcb *pcb = &tcb->pcb;
    bool was_open = tcb->state == TCP_SYN_SENT || needs_reset(tcb);

    if (tcb->state == TCP_LISTEN) {
        stop_listening(tcb);
    } else if (tcb->state != TCP_CLOSED) {
        if (was_open)
            pcb->err = HF_ECONNRESET;
        end_by_reset(tcb);
    }
    tcb_clear(tcb);
    pcb->soft_err = 0;
    pcb->entry.raddr = pcb_any(pcb);
    pcb->entry.rport = 0;
    if (!pcb->addr_bound)
        pcb->entry.laddr = pcb_any(pcb);
    ports_changed(&tcb->tcp->ports, pcb);
}
