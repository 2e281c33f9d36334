/* The sockets: port ids, queues, and which request is answered by whom. Linux: af_netlink.c,
 * rtnetlink_rcv_msg, sock_diag_rcv_msg. */
#include "netlink/netlink.h"

#include "base/keyhash.h"

enum {
    BUFFER_DEFAULT = 212992,
    FIRST_CHOSEN = (int32_t)-4096,
    PART_OVERHEAD = 640, /* what a datagram costs beside its bytes, about as Linux counts it */
};

int netlink_init(struct netlink *nl, struct core *core, struct net *net, struct tcp *tcp,
                 struct udp *udp, const struct netlink_up *up)
{
    nl->core = core;
    nl->net = net;
    nl->tcp = tcp;
    nl->udp = udp;
    nl->up = up;
    nl->next_port = (uint32_t)FIRST_CHOSEN;
    return hash_init(&nl->ports, &core->env);
}

void netlink_fini(struct netlink *nl)
{
    hash_fini(&nl->ports);
}

bool netlink_serves(int protocol)
{
    return protocol == NL_ROUTE || protocol == NL_SOCK_DIAG;
}

void netlink_pcb_init(struct netlink *nl, struct netlink_pcb *p, int type, int protocol)
{
    memset(p, 0, sizeof(*p));
    p->all = nl;
    p->type = (uint8_t)type;
    p->protocol = (uint8_t)protocol;
    p->rcvbuf = p->sndbuf = BUFFER_DEFAULT;
    list_init(&p->queue);
}

static void leave_port(struct netlink_pcb *p)
{
    if (p->is_bound)
        hash_remove(&p->all->ports, &p->node);
    p->is_bound = 0;
    p->port = 0;
}

void netlink_close(struct netlink_pcb *p)
{
    while (netlink_front(p))
        netlink_pop(p);
    leave_port(p);
}

static uint32_t hash_of(const struct netlink *nl, uint8_t protocol, uint32_t port)
{
    uint64_t key = (uint64_t)protocol << 32 | port;

    return keyhash(&nl->core->tables, &key, sizeof(key));
}

static struct netlink_pcb *find(const struct netlink *nl, uint8_t protocol, uint32_t port)
{
    uint32_t hash = hash_of(nl, protocol, port);

    for (struct hash_node *n = hash_first(&nl->ports, hash); n; n = hash_next(n)) {
        struct netlink_pcb *p = container_of(n, struct netlink_pcb, node);

        if (p->port == port && p->protocol == protocol)
            return p;
    }
    return NULL;
}

static int take_port(struct netlink_pcb *p, uint32_t port)
{
    if (find(p->all, p->protocol, port))
        return -HF_EADDRINUSE;
    p->port = port;
    p->is_bound = 1;
    hash_insert(&p->all->ports, &p->node, hash_of(p->all, p->protocol, port));
    return 0;
}

/* Linux: netlink_autobind, the process's id, else a negative number. Sockets are never so many that
 * the numbers run out. */
void netlink_autobind(struct netlink_pcb *p)
{
    if (p->is_bound || (p->own_port && !take_port(p, p->own_port)))
        return;
    while (take_port(p, p->all->next_port))
        p->all->next_port--;
    p->all->next_port--;
}

/* Linux: netlink_bind. */
int netlink_bind(struct netlink_pcb *p, uint32_t port, uint32_t groups)
{
    int err = 0;

    if (p->is_bound && port != p->port)
        return -HF_EINVAL;
    if (port && !p->is_bound)
        err = take_port(p, port);
    if (err)
        return err;
    netlink_autobind(p);
    p->groups = (p->groups & ~(uint64_t)UINT32_MAX) | groups;
    return 0;
}

struct part *netlink_front(const struct netlink_pcb *p)
{
    return list_empty(&p->queue) ? NULL : container_of(p->queue.next, struct part, link);
}

void netlink_pop(struct netlink_pcb *p)
{
    struct part *part = netlink_front(p);

    list_remove(&part->link);
    p->queued_bytes -= part->room + PART_OVERHEAD;
    part_free(p->all->core, part);
}

/* Linux: netlink_overrun. */
static void overrun(struct netlink_pcb *p)
{
    if (!p->no_enobufs)
        p->err = HF_ENOBUFS;
}

static void queue_part(struct netlink_pcb *p, struct part *part)
{
    list_push_back(&p->queue, &part->link);
    p->queued_bytes += part->room + PART_OVERHEAD;
}

static bool is_full(const struct netlink_pcb *p)
{
    return p->queued_bytes > p->rcvbuf;
}

/* What answers a request of NETLINK_ROUTE, by its type. */
struct teller {
    uint16_t type;
    tell_fn *all, *one; /* NULL: not to be had so */
};

static const struct teller tellers[] = {
    {RT_GETLINK, tell_links, tell_link},    {RT_GETADDR, tell_addresses, tell_address},
    {RT_GETROUTE, tell_routes, tell_route}, {RT_GETNEIGH, tell_neighbours, tell_neighbour},
    {RT_GETRULE, tell_rules, NULL},
};

static const struct teller *find_teller(uint16_t type)
{
    for (size_t i = 0; i < sizeof(tellers) / sizeof(tellers[0]); i++) {
        if (tellers[i].type == type)
            return &tellers[i];
    }
    return NULL;
}

/* A dump that begins while what was asked before has not been read: Linux has one at a time. */
static int tell_all(const struct netlink_pcb *p, const struct question *q, tell_fn *tell)
{
    int err;

    if (!tell)
        return -HF_EOPNOTSUPP;
    if (is_full(p))
        return -HF_EBUSY;
    q->a->is_dump = true;
    err = tell(q);
    answer_result(q->a, err, p->ext_ack, p->cap_ack);
    return -HF_EINTR; /* that was the end of it, as netlink_rcv_skb has it */
}

static int route_request(const struct netlink_pcb *p, const struct question *q, bool is_admin)
{
    uint16_t type = q->rq->head.type;
    const struct teller *t = find_teller(type);

    if (type > RT_LAST)
        return -HF_EOPNOTSUPP;
    if (!request_body_len(q->rq))
        return 0;
    if ((type & RT_KIND_MASK) != RT_KIND_GET && !is_admin)
        return -HF_EPERM;
    if (!t)
        return -HF_EOPNOTSUPP;
    if (q->rq->head.flags & NL_F_DUMP)
        return tell_all(p, q, t->all);
    return t->one ? t->one(q) : -HF_EOPNOTSUPP;
}

/* Linux: without a handler for the family it is ENOENT. */
static int diag_request(const struct netlink_pcb *p, const struct question *q)
{
    if (q->rq->head.type != DIAG_BY_FAMILY)
        return -HF_EINVAL;
    if (request_family(q->rq) != HF_AF_INET && request_family(q->rq) != HF_AF_INET6)
        return -HF_ENOENT;
    return q->rq->head.flags & NL_F_DUMP ? tell_all(p, q, tell_sockets) : -HF_EOPNOTSUPP;
}

/* False: there was no room for all of it. For a dump there was when it began. */
static bool queue_answer(struct netlink_pcb *p, struct answer *a)
{
    while (!list_empty(&a->parts)) {
        if (!a->is_dump && is_full(p))
            return false;
        queue_part(p, container_of(list_pop_front(&a->parts), struct part, link));
    }
    return true;
}

static int answer_one(struct netlink_pcb *p, const struct request *rq, bool is_admin)
{
    struct answer a;
    struct question q = {p->all, rq, &a};
    bool asks = rq->head.flags & NL_F_REQUEST && rq->head.type >= NL_FIRST_TYPE, is_short;
    int err = 0;

    answer_init(&a, p->all->core, rq, p->port);
    if (asks)
        err = p->protocol == NL_ROUTE ? route_request(p, &q, is_admin) : diag_request(p, &q);
    if (err != -HF_EINTR && (err || rq->head.flags & NL_F_ACK))
        answer_result(&a, err, p->ext_ack, p->cap_ack);
    is_short = a.is_short;
    if (is_short || !queue_answer(p, &a))
        overrun(p);
    answer_fini(&a);
    return is_short ? -HF_ENOBUFS : 0;
}

/* Linux: netlink_rcv_skb. */
int netlink_request(struct netlink_pcb *p, const uint8_t *bytes, size_t len, bool is_admin)
{
    struct request rq;
    int err = 0;

    while (!err && request_read(bytes, len, &rq)) {
        size_t step = HF_MIN((size_t)nl_padded(rq.head.len), len);

        rq.is_strict = p->strict;
        err = answer_one(p, &rq, is_admin);
        bytes += step;
        len -= step;
    }
    p->all->up->event(p);
    return err;
}

/* Linux: netlink_unicast. */
int netlink_pass(struct netlink_pcb *p, uint32_t port, const uint8_t *bytes, size_t len)
{
    struct netlink_pcb *to = find(p->all, p->protocol, port);
    struct part *part;

    if (!to)
        return -HF_ECONNREFUSED;
    if (is_full(to))
        return -HF_EAGAIN;
    part = part_new(p->all->core, (uint32_t)len);
    if (!part)
        return -HF_ENOBUFS;
    memcpy(part->bytes, bytes, len);
    part->len = (uint32_t)len;
    part->from = p->port;
    queue_part(to, part);
    to->all->up->event(to);
    return 0;
}
