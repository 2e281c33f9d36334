/* OPEN, passive: SYNs become children, children wait until they are established and then until they
 * are accepted. RFC 9293 3.10.7.2.
 *
 * A child is in the SYN queue until its handshake is done, then in the accept queue; dead ones stay
 * in the latter and are handed out with their error, as Linux does. When backlog + 1 wait, SYNs are
 * dropped and so are the last ACKs of children: their SYN-ACK is repeated, and so is the chance.
 * When the SYN queue is full, SYNs are answered by cookies (syncookie.c).
 * A listener for any destination holds its children: they go straight to the accept queue, nothing
 * answers until tcp_answer or tcp_refuse does. */
#include "transport/tcp/fastopen.h"
#include "transport/tcp/flow.h"

#include "handfast/linux.h"
#include "transport/tcp/syncookie.h"

#define SYN_QUEUE_MIN 8

/* RFC 9293 MUST-41. NetSem listen_1, listen_1b. */
int tcp_listen(struct tcb *tcb, uint32_t backlog)
{
    struct tcp *tcp = tcb->tcp;
    struct demux_entry *e = &tcb->pcb.entry;
    int err;

    if (tcb->state == TCP_LISTEN) {
        tcb->listen.backlog = backlog;
        return 0;
    }
    if (!e->any_dst && e->port_hold == PORT_NONE) {
        struct ip_addr laddr = tcb->pcb.addr_bound ? e->laddr : pcb_any(&tcb->pcb);

        err = ports_bind(&tcp->ports, &tcb->pcb, &laddr, tcb->pcb.port_bound ? e->lport : 0);
        if (err)
            return err;
    }
    err = e->any_dst ? 0 : ports_listen(&tcp->ports, &tcb->pcb);
    if (err)
        return err;
    tcb_clear(tcb);
    flow_free(tcb);
    tcp_set_state(tcb, TCP_LISTEN);
    list_init(&tcb->listen.accept_queue);
    list_init(&tcb->listen.syn_queue);
    tcb->listen.accept_len = tcb->listen.syn_len = 0;
    tcb->listen.backlog = backlog;
    demux_insert_bound(&tcp->demux, e);
    return 0;
}

bool listen_has_room(const struct tcb *listener)
{
    return listener->listen.accept_len <= listener->listen.backlog;
}

static struct tcb *child_of_link(struct list *link)
{
    return container_of(link, struct tcb, child.link);
}

static void enqueue(struct tcb *listener, struct tcb *child, bool accepted_next)
{
    struct tcb_listen *l = &listener->listen;

    list_push_back(accepted_next ? &l->accept_queue : &l->syn_queue, &child->child.link);
    child->is_queued = accepted_next;
    if (accepted_next)
        l->accept_len++;
    else
        l->syn_len++;
}

void listen_unlink(struct tcb *child)
{
    struct tcb_listen *l = &child->child.listener->listen;

    list_remove(&child->child.link);
    if (child->is_queued)
        l->accept_len--;
    else
        l->syn_len--;
    child->is_queued = 0;
    child->is_child = 0;
    memset(&child->child, 0, sizeof(child->child));
}

void listen_established(struct tcb *child)
{
    struct tcb *listener = child->child.listener;

    listen_unlink(child);
    child->is_child = 1;
    child->child.listener = listener;
    enqueue(listener, child, true);
    tcp_event(listener);
}

/* NetSem accept_1. */
struct tcb *tcp_accept(struct tcb *listener)
{
    struct tcb *child;

    if (!tcp_can_accept(listener))
        return NULL;
    child = child_of_link(listener->listen.accept_queue.next);
    listen_unlink(child);
    if (child->fo_pending)
        fastopen_accepted(child, child->tcp->up->fastopen_queue(listener));
    return child;
}

bool tcp_can_accept(const struct tcb *listener)
{
    return listener->state == TCP_LISTEN && listener->listen.accept_len > 0;
}

/* Linux: inet_csk_listen_stop. What the program never accepted is reset. NetSem close_8. */
void listen_stop(struct tcb *listener)
{
    struct list *queues[] = {&listener->listen.accept_queue, &listener->listen.syn_queue};

    for (unsigned i = 0; i < HF_COUNT(queues); i++)
        while (!list_empty(queues[i])) {
            struct tcb *child = child_of_link(queues[i]->next);

            fastopen_settled(child, false);
            listen_unlink(child);
            tcp_close(child, true);
        }
}

/* What a child has of its listener and of the SYN. */
static void inherit(struct tcb *child, struct tcb *listener, const struct segment *s)
{
    const struct pcb *from = &listener->pcb;
    struct pcb *to = &child->pcb;

    to->entry.laddr = s->ip->dst;
    to->entry.raddr = s->ip->src;
    to->entry.lport = s->h.dst_port;
    to->entry.rport = s->h.src_port;
    to->entry.reuse_addr = from->entry.reuse_addr;
    to->entry.reuse_port = from->entry.reuse_port;
    to->entry.transparent = from->entry.transparent;
    to->entry.freebind = from->entry.freebind;
    to->entry.bind_no_port = from->entry.bind_no_port;
    to->port_low = from->port_low;
    to->port_high = from->port_high;
    to->link_index = from->link_index;
    if (addr_is_link_local6(&s->ip->src) && !to->link_index)
        to->link_index = s->ip->link->index;
    to->ip4 = from->ip4;
    to->ip6 = from->ip6;
    to->pmtudisc4 = from->pmtudisc4;
    to->pmtudisc6 = from->pmtudisc6;
    to->broadcast = from->broadcast;
    to->recv_err = from->recv_err;
    to->recv_err6 = from->recv_err6;
    to->addr_bound = from->addr_bound;
    to->port_bound = 0;
    child->opts = listener->opts;
    child->rcvbuf = listener->rcvbuf;
    child->is_passive = child->is_child = 1; /* RFC 9293 MUST-11 */
    child->child.listener = listener;
    list_init(&child->child.link);
}

/* Path, port and place in the tables. The reason it failed, or HF_DROP_COUNT. */
static enum hf_drop settle(struct tcb *child, const struct tcb *listener)
{
    if (!tcb_path(child))
        return HF_DROP_IP_NO_ROUTE;
    if (!listener->pcb.entry.any_dst &&
        ports_child(&child->tcp->ports, &child->pcb, &listener->pcb))
        return HF_DROP_NO_MEMORY;
    return HF_DROP_COUNT;
}

/* RFC 9293 3.10.7.2 (third): the SYN's numbers and options, SYN-RECEIVED. */
static void begin(struct tcb *child, struct tcb *listener, struct segment *s, struct tcb *opener)
{
    struct isn isn = opener ? isn_of_peer(opener) : isn_new(child->tcp, &child->pcb.entry);
    bool held = listener->pcb.entry.any_dst, opens;
    struct tcp_header fastopen;

    child->rcv_nxt = s->seq + 1;
    if (s->iss)
        isn.iss = s->iss;
    open_start(child, &isn);
    options_from_syn(child, &s->h);
    options_ecn(child, s);
    receive_start(child);
    child->segs_in = 1;
    child->snd_wl1 = s->seq;
    child->snd_wnd = s->h.window;
    tcp_set_state(child, TCP_SYN_RECEIVED);
    tcb_enter(child, s->hash);
    if (opener) {
        enqueue(listener, child, true);
        twin_open(child, opener);
        tcp_event(listener);
        return;
    }
    opens = !held && fastopen_accepts(listener, s, &fastopen);
    enqueue(listener, child, held || opens);
    if (held) {
        child->is_held = 1;
        child->retries = 1;
        tcp_event(listener);
        return;
    }
    if (opens)
        fastopen_begin(child, listener, s);
    output_first_syn(child, &fastopen, 0);
    if (opens)
        tcp_event(listener);
}

/* A child of s's four-tuple, in no state yet; NULL: s was dropped. NetSem resourcefail_2. */
static struct tcb *make_child(struct tcb *listener, struct segment *s, const struct tcb *opener)
{
    struct tcp *tcp = listener->tcp;
    struct tcb *child = tcp->up->child_new(listener);
    enum hf_drop failed;

    if (!child) {
        segment_drop(tcp->core, s, HF_DROP_NO_MEMORY);
        return NULL;
    }
    inherit(child, listener, s);
    if (opener && addr_eq(&s->ip->src, &s->ip->dst)) /* the way back is the same */
        child->pcb.path = path_ref(opener->pcb.path);
    failed = settle(child, listener);
    if (failed == HF_DROP_COUNT)
        return child;
    segment_drop(tcp->core, s, failed);
    child->is_child = 0;
    tcb_release(child);
    return NULL;
}

/* NetSem deliver_in_1. */
static void new_child(struct tcb *listener, struct segment *s)
{
    struct tcp *tcp = listener->tcp;
    const struct tcb_listen *l = &listener->listen;
    bool is_full = l->syn_len >= HF_MAX(l->backlog, (uint32_t)SYN_QUEUE_MIN);
    bool holds = listener->pcb.entry.any_dst; /* these wait in the accept queue */
    struct tcb *child, *opener;

    if (!listen_has_room(listener)) {
        segment_drop(tcp->core, s, HF_DROP_TCP_BACKLOG);
    } else if (!holds && tcp->syn_cookies && (is_full || tcp->syn_cookies > 1)) {
        syncookie_answer(listener, s);
    } else if (is_full) {
        segment_drop(tcp->core, s, HF_DROP_TCP_SYN_QUEUE);
    } else {
        opener = holds ? NULL : twin_opener(listener, s);
        child = make_child(listener, s, opener);
        if (child && listener->opts.save_syn)
            saved_syn_keep(child, s);
        if (child)
            begin(child, listener, s, opener && twin_answers(child, opener) ? opener : NULL);
    }
}

/* s acknowledges a SYN cookie: the child is made now, as if it had been here since the SYN that
 * syn tells of, and takes s. */
static void late_child(struct tcb *listener, struct segment *s, const struct tcp_header *syn)
{
    struct tcb *child;
    struct isn isn;

    if (!listen_has_room(listener)) {
        segment_drop(listener->tcp->core, s, HF_DROP_TCP_BACKLOG);
        return;
    }
    child = make_child(listener, s, NULL);
    if (!child)
        return;
    child->rcv_nxt = s->seq;
    isn = isn_new(child->tcp, &child->pcb.entry);
    isn.iss = s->h.ack - 1;
    open_start(child, &isn);
    options_from_syn(child, syn);
    child->ecn_ok = syn->flags != 0;
    receive_start(child);
    child->segs_in = 1;
    child->snd_wl1 = s->seq - 1;
    child->snd_nxt = child->snd_max = child->iss + 1;
    child->rcv_adv = child->rcv_nxt + HF_MIN(child->rcvbuf / 2, 65535u);
    tcp_set_state(child, TCP_SYN_RECEIVED);
    tcb_enter(child, s->hash);
    enqueue(listener, child, false);
    timer_rexmt(child);
    input_segment(child, s);
}

/* RFC 9293 3.10.7.2. NetSem deliver_in_1b, deliver_in_7b. */
void listen_input(struct tcb *listener, struct segment *s)
{
    struct tcp *tcp = listener->tcp;
    uint8_t kind = s->h.flags & (TCP_RST | TCP_SYN | TCP_ACK);
    struct tcp_header syn;

    if (s->h.flags & TCP_RST)
        segment_drop(tcp->core, s, HF_DROP_TCP_NO_SOCKET);
    else if (kind == TCP_ACK && tcp->syn_cookies && syncookie_take(listener, s, &syn))
        late_child(listener, s, &syn);
    else if (s->h.flags & TCP_ACK)
        reset_answer(tcp, s, HF_DROP_TCP_NO_SOCKET);
    else if (!(s->h.flags & TCP_SYN) || (s->h.flags & TCP_FIN))
        segment_drop(tcp->core, s, HF_DROP_TCP_NO_FLAGS);
    else
        new_child(listener, s);
}

/* ---- held connections ---- */

void tcp_answer(struct tcb *tcb)
{
    if (!tcb->is_held)
        return;
    tcb->is_held = 0;
    tcb->retries = 0;
    output_syn(tcb);
}

static void refuse_by_icmp(struct tcb *tcb, enum icmp_error_kind kind)
{
    const struct demux_entry *e = &tcb->pcb.entry;
    struct tcp_header syn = {
        .src_port = e->rport,
        .dst_port = e->lport,
        .seq = tcb->rcv_nxt - 1,
        .flags = TCP_SYN,
    };
    uint8_t bytes[TCP_HEADER];

    tcp_header_write(&syn, bytes);
    icmp_send_error_for(tcb->tcp->net, kind, &e->raddr, &e->laddr, HF_IPPROTO_TCP, bytes,
                        sizeof(bytes));
}

void tcp_refuse(struct tcb *tcb, enum hf_refusal how)
{
    if (tcb->state == TCP_SYN_RECEIVED && tcb->is_held) {
        switch (how) {
        case HF_REFUSE_RESET: {
            struct bare_segment b = {
                .src = tcb->pcb.entry.laddr,
                .dst = tcb->pcb.entry.raddr,
                .src_port = tcb->pcb.entry.lport,
                .dst_port = tcb->pcb.entry.rport,
                .ack = tcb->rcv_nxt,
                .flags = TCP_RST | TCP_ACK,
                .link_index = tcb->pcb.link_index,
            };

            reset_send_bare(tcb->tcp, &b);
            break;
        }
        case HF_REFUSE_NET:
            refuse_by_icmp(tcb, ICMP_ERR_NET_UNREACH);
            break;
        case HF_REFUSE_HOST:
            refuse_by_icmp(tcb, ICMP_ERR_HOST_UNREACH);
            break;
        case HF_REFUSE_PROHIBITED:
            refuse_by_icmp(tcb, ICMP_ERR_PROHIBITED);
            break;
        case HF_REFUSE_SILENCE:
            break;
        }
    }
    tcp_close(tcb, true);
}
