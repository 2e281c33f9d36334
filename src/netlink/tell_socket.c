/* SOCK_DIAG_BY_FAMILY, what `ss` asks: TCP connections, listeners and what TIME-WAIT has kept, UDP
 * sockets. Linux: inet_diag.c, tcp_diag.c, udp_diag.c.
 *
 * Deviates: a filter by byte code (INET_DIAG_REQ_BYTECODE) is not run, so that all comes which the
 * header's states allow (`ss` looks itself once more); owner and inode are 0, for the stack knows
 * no processes. */
#include "netlink/netlink.h"

/* Linux's struct inet_diag_sockid; ports and addresses in network order. */
struct socket_id {
    uint8_t sport_be[2], dport_be[2];
    uint8_t src[16], dst[16];
    uint32_t link;
    uint32_t cookie[2];
};

/* struct inet_diag_req_v2 */
struct socket_request {
    uint8_t family, protocol, wants, pad;
    uint32_t states; /* bit n: those in Linux's state n */
    struct socket_id id;
};

/* struct inet_diag_msg */
struct socket_header {
    uint8_t family, state, timer, retransmitted;
    struct socket_id id;
    uint32_t expires, unread, unsent, owner, inode;
};

/* Linux's numbers of TCP's states. */
static uint8_t state_of(enum tcp_state state)
{
    static const uint8_t numbers[] = {
        [TCP_CLOSED] = 7,      [TCP_LISTEN] = 10,    [TCP_SYN_SENT] = 2,   [TCP_SYN_RECEIVED] = 3,
        [TCP_ESTABLISHED] = 1, [TCP_FIN_WAIT_1] = 4, [TCP_FIN_WAIT_2] = 5, [TCP_CLOSE_WAIT] = 8,
        [TCP_CLOSING] = 11,    [TCP_LAST_ACK] = 9,   [TCP_TIME_WAIT] = 6,
    };

    return numbers[state];
}

enum { INFO_BYTES = 512, INFO_UNACKED = 24 }; /* of struct tcp_info: tcpi_unacked, tcpi_sacked */

struct wanted {
    const struct question *q;
    struct socket_request rq;
};

static void write_address(uint8_t *to, const struct ip_addr *addr, uint8_t family)
{
    uint32_t skip = family == HF_AF_INET ? 12 : 0;

    memcpy(to, addr->b + skip, 16 - skip);
}

static void put_port(uint8_t *to, uint16_t port)
{
    to[0] = (uint8_t)(port >> 8);
    to[1] = (uint8_t)port;
}

static void write_id(struct socket_id *id, const struct demux_entry *e, uint8_t family,
                     uint32_t link)
{
    put_port(id->sport_be, e->lport);
    put_port(id->dport_be, e->rport);
    write_address(id->src, &e->laddr, family);
    write_address(id->dst, &e->raddr, family);
    id->link = link;
    id->cookie[0] = id->cookie[1] = UINT32_MAX; /* INET_DIAG_NOCOOKIE */
}

static bool asks_for(const struct wanted *w, unsigned extension)
{
    return w->rq.wants >> (extension - 1) & 1;
}

static void tell_tcp_extensions(const struct wanted *w, const struct tcb *tcb)
{
    uint8_t info[INFO_BYTES];
    char name[TCP_CC_NAME];

    if (asks_for(w, DIAG_INFO))
        answer_attr(w->q->a, DIAG_INFO, info, tcp_info(tcb, info, sizeof(info)));
    if (asks_for(w, DIAG_CONG)) {
        tcp_congestion(tcb, name);
        answer_text(w->q->a, DIAG_CONG, name);
    }
}

static void tell(const struct wanted *w, const struct demux_entry *e, struct socket_header *h,
                 uint32_t link, const struct tcb *tcb, uint8_t shut)
{
    struct answer *a = w->q->a;

    if (!(w->rq.states >> h->state & 1))
        return;
    write_id(&h->id, e, h->family, link);
    memcpy(answer_begin(a, DIAG_BY_FAMILY, sizeof(*h)), h, sizeof(*h));
    answer_u8(a, DIAG_SHUTDOWN, shut);
    if (h->family == HF_AF_INET6)
        answer_u8(a, DIAG_SKV6ONLY, e->v6only);
    if (tcb)
        tell_tcp_extensions(w, tcb);
    answer_end(a);
}

/* Linux: of AF_INET6 are the sockets made so, whatever they speak. */
static bool is_of_family(const struct wanted *w, const struct demux_entry *e)
{
    return w->rq.family == (e->is_v6 ? HF_AF_INET6 : HF_AF_INET);
}

/* Linux: of a listener, how many wait for accept(), and how many may. */
static void tell_backlog(const struct tcb *tcb, struct socket_header *h)
{
    uint8_t info[INFO_BYTES];

    (void)tcp_info(tcb, info, sizeof(info));
    memcpy(&h->unread, info + INFO_UNACKED, sizeof(h->unread));
    memcpy(&h->unsent, info + INFO_UNACKED + sizeof(h->unread), sizeof(h->unsent));
}

static void tell_tcp(void *ctx, struct hash_node *node)
{
    const struct wanted *w = ctx;
    struct demux_entry *e = container_of(node, struct demux_entry, node);
    struct socket_header h = {.family = w->rq.family};
    struct tcb *tcb;

    if (!is_of_family(w, e))
        return;
    if (e->kind == DEMUX_TIMEWAIT) {
        h.state = state_of(TCP_TIME_WAIT);
        tell(w, e, &h, 0, NULL, 0);
        return;
    }
    tcb = (struct tcb *)container_of(e, struct pcb, entry); /* which begins with it */
    h.state = state_of(tcp_state(tcb));
    if (tcp_state(tcb) == TCP_LISTEN) {
        tell_backlog(tcb, &h);
    } else {
        h.unread = tcp_readable(tcb);
        h.unsent = tcp_unacked(tcb);
    }
    tell(w, e, &h, tcb_pcb(tcb)->link_index, tcb,
         (uint8_t)(tcp_fin_received(tcb) | tcp_fin_queued(tcb) << 1));
}

static void tell_udp(void *ctx, struct hash_node *node)
{
    const struct wanted *w = ctx;
    struct demux_entry *e = container_of(node, struct demux_entry, node);
    const struct udp_pcb *up = container_of(e, struct udp_pcb, pcb.entry);
    struct socket_header h = {.family = w->rq.family};

    if (!is_of_family(w, e))
        return;
    h.state = state_of(e->kind == DEMUX_CONN ? TCP_ESTABLISHED : TCP_CLOSED);
    h.unread = up->queued_bytes;
    tell(w, e, &h, up->pcb.link_index, NULL, 0);
}

int tell_sockets(const struct question *q)
{
    struct wanted w = {.q = q};

    if (request_body_len(q->rq) < sizeof(w.rq))
        return -HF_EINVAL;
    memcpy(&w.rq, request_body(q->rq), sizeof(w.rq));
    if (w.rq.protocol == HF_IPPROTO_TCP) {
        hash_visit(&q->nl->tcp->demux.bound, tell_tcp, &w);
        hash_visit(&q->nl->tcp->demux.conns, tell_tcp, &w);
        return 0;
    }
    if (w.rq.protocol == HF_IPPROTO_UDP) {
        hash_visit(&q->nl->udp->demux.bound, tell_udp, &w);
        hash_visit(&q->nl->udp->demux.conns, tell_udp, &w);
        return 0;
    }
    return -HF_ENOENT;
}
