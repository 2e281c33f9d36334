/* Both ends of a connection that begins are in this stack. Once the SYN has come to the listener,
 * in its turn among all else that waits on the loopback link, the SYN-ACK and the acknowledgement
 * that follow are known beforehand: nobody else can be heard between them. So they are not sent;
 * what they would say is taken by the same functions, and counted. Whatever asks for more than that
 * (data, Fast Open, ECN, a listener that waits for data, a SYN that was repeated) takes the usual
 * road. Decision 0013. */
#include "net/path.h"
#include "transport/tcp/internal.h"

/* Between the two nothing is checked, delayed or changed. */
static bool is_plain_way(const struct tcb *tcb)
{
    const struct pcb *pcb = &tcb->pcb;
    const struct path *path = pcb->path;

    return path && path->hands_over && !path_is_stale(path) && !path->unless_bound &&
           !pcb->link_index && addr_eq(&path->src, &pcb->entry.laddr) &&
           !pcb_ip(pcb, &pcb->entry.raddr)->least_ttl;
}

static bool is_plain_listener(const struct tcb *l, const struct ip_info *ip)
{
    return !l->pcb.link_index && !pcb_ip(&l->pcb, &ip->dst)->least_ttl && !l->opts.defer_accept_s &&
           !l->opts.shut_send;
}

/* Its first SYN is the one that came. */
static bool is_plain_opener(const struct tcb *tcb, const struct segment *s)
{
    bool asks_more =
        tcb->fo_asked || tcb->fo_waits || tcb->fo_deferred || tcb->sndq.len || tcb->follows;

    return tcb->state == TCP_SYN_SENT && tcb->iss == s->seq && tcb->snd_max == s->seq + 1 &&
           tcb->is_timed && !asks_more;
}

struct tcb *twin_opener(const struct tcb *listener, const struct segment *s)
{
    const struct ip_info *ip = s->ip;
    struct tcp *tcp = listener->tcp;
    struct demux_entry *e;
    struct tcb *opener;

    if (!(s->f->flags & HF_FRAME_BARE) || s->h.flags != TCP_SYN || s->len || s->h.has_fastopen ||
        !is_plain_listener(listener, ip))
        return NULL;
    e = demux_find_hashed(&tcp->demux, s->hash, &ip->src, s->h.src_port, &ip->dst, s->h.dst_port,
                          ip->link->index);
    if (!e || e->kind != DEMUX_CONN)
        return NULL;
    opener = tcb_of(e);
    return is_plain_opener(opener, s) && is_plain_way(opener) && tcp->up->wanted(opener) ? opener
                                                                                         : NULL;
}

bool twin_answers(const struct tcb *child, const struct tcb *opener)
{
    return child->pcb.path == opener->pcb.path || is_plain_way(child);
}

/* What from, which has just told of its SYN, says in its SYN-ACK. */
static struct tcp_header syn_ack(const struct tcb *from)
{
    struct tcp_header h = {
        .seq = from->iss,
        .ack = from->rcv_nxt,
        .flags = TCP_SYN | TCP_ACK,
        .window = (uint16_t)HF_MIN(from->rcvbuf / 2, 65535u),
    };

    options_syn(from, &h);
    if (h.has_timestamps)
        h.ts_val = tcp_ms(from->tcp) + from->ts_offset;
    return h;
}

/* RFC 9293 3.5, figure 6: its second and third segment. */
void twin_open(struct tcb *child, struct tcb *opener)
{
    struct segment answer = {.h = syn_ack(child), .seq = child->iss};
    struct segment ack = {.h = {.ack = child->iss + 1}, .seq = child->rcv_nxt};

    child->rcv_adv = child->rcv_nxt + answer.h.window;
    child->snd_nxt = child->snd_max = child->iss + 1;
    child->is_timed = 1;
    child->rtt_seq = child->snd_nxt;
    child->rtt_at = tcp_us(child->tcp);
    twin_count(child, opener);
    child->segs_out--; /* Linux counts no SYN-ACK */
    input_syn_ack(opener, &answer);
    if (!opener->slow_due && !opener->flow) /* nothing is due, and the timer is not hung up yet */
        core_cancel(opener->tcp->core, &opener->timer);

    ack.h.window = (uint16_t)(receive_window(opener) >> opener->rcv_wscale);
    if (child->ts_ok)
        child->ts_recent = tcp_ms(opener->tcp) + opener->ts_offset;
    twin_count(opener, child);
    open_established(child, &ack);
}
