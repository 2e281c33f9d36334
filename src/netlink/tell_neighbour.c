/* RTM_GETNEIGH. Linux: neigh_dump_info, neigh_get. */
#include "net/neighbour.h"
#include "netlink/netlink.h"

/* Linux's struct ndmsg. */
struct neighbour_header {
    uint8_t family, pad1;
    uint16_t pad2;
    int32_t index;
    uint16_t state;
    uint8_t flags, type;
};

static uint16_t state_of(const struct neighbour *n, hf_time now)
{
    switch (n->state) {
    case NEIGH_INCOMPLETE:
        return NUD_INCOMPLETE_;
    case NEIGH_REACHABLE:
        return now < n->reachable_until ? NUD_REACHABLE_ : NUD_STALE_;
    case NEIGH_STALE:
        return NUD_STALE_;
    case NEIGH_DELAY:
        return NUD_DELAY_;
    case NEIGH_PROBE:
        return NUD_PROBE_;
    default:
        return 0;
    }
}

static void tell(const struct question *q, const struct neighbour *n)
{
    bool is4 = addr_is4(&n->addr);
    uint32_t skip = is4 ? 12 : 0;
    uint16_t state = state_of(n, q->nl->core->now);
    struct neighbour_header h = {.family = is4 ? HF_AF_INET : HF_AF_INET6,
                                 .index = (int32_t)n->link->index,
                                 .state = state,
                                 .type = RTN_UNICAST_};

    memcpy(answer_begin(q->a, RT_NEWNEIGH, sizeof(h)), &h, sizeof(h));
    answer_attr(q->a, NDA_DST_, n->addr.b + skip, 16 - skip);
    if (state != NUD_INCOMPLETE_)
        answer_attr(q->a, NDA_LLADDR_, n->mac, sizeof(n->mac));
    answer_u32(q->a, NDA_PROBES_, n->probes);
    answer_end(q->a);
}

struct wanted {
    const struct question *q;
    uint8_t family;
    uint32_t index; /* 0: any */
};

static void tell_wanted(void *ctx, const struct neighbour *n)
{
    const struct wanted *w = ctx;

    if (w->family && w->family != (addr_is4(&n->addr) ? HF_AF_INET : HF_AF_INET6))
        return;
    /* Linux: those of which nothing is known do not show. */
    if ((!w->index || n->link->index == w->index) && n->state != NEIGH_NONE)
        tell(w->q, n);
}

/* Linux: neigh_valid_dump_req. */
static int check_dump(const struct question *q, struct attrs *attrs)
{
    struct neighbour_header h;

    memset(attrs, 0, sizeof(*attrs));
    if (request_body_len(q->rq) < sizeof(h))
        return q->rq->is_strict ? answer_refuse(q->a, "Invalid header for neighbor dump request")
                                : 0;
    memcpy(&h, request_body(q->rq), sizeof(h));
    request_attrs(q->rq, sizeof(h), attrs);
    if (q->rq->is_strict && (h.pad1 || h.pad2 || h.index || h.state || h.type))
        return answer_refuse(q->a, "Invalid values in header for neighbor dump request");
    return 0;
}

int tell_neighbours(const struct question *q)
{
    struct wanted w = {.q = q, .family = request_family(q->rq)};
    struct attrs attrs;
    int err = check_dump(q, &attrs);

    if (err)
        return err;
    if (attr_u32(&attrs, NDA_IFINDEX_, &w.index) && w.index)
        q->a->is_filtered = true;
    if (attrs.at[NDA_MASTER_]) { /* no link has one */
        q->a->is_filtered = true;
        return 0;
    }
    neighbour_visit(q->nl->net, tell_wanted, &w);
    return 0;
}

int tell_neighbour(const struct question *q)
{
    uint32_t bytes = request_family(q->rq) == HF_AF_INET ? 4 : 16;
    const struct neighbour *n;
    const struct hf_link *link;
    struct neighbour_header h;
    struct attrs attrs;
    struct ip_addr addr;

    if (request_body_len(q->rq) < sizeof(h))
        return answer_refuse(q->a, "Invalid header for neighbor get request");
    memcpy(&h, request_body(q->rq), sizeof(h));
    if (h.family != HF_AF_INET && h.family != HF_AF_INET6)
        return h.family ? -HF_EOPNOTSUPP : answer_refuse(q->a, "Unsupported family");
    request_attrs(q->rq, sizeof(h), &attrs);
    if (attr_len(&attrs, NDA_DST_) != bytes)
        return answer_refuse(q->a, attrs.at[NDA_DST_]
                                       ? "Invalid network address in neighbor get request"
                                       : "Network address not specified");
    addr = bytes == 4 ? addr_from4(attr_value(&attrs, NDA_DST_))
                      : addr_from6(attr_value(&attrs, NDA_DST_));
    if (h.index <= 0)
        return answer_refuse(q->a, "No device specified");
    link = net_link_by_index(q->nl->net, (uint32_t)h.index);
    if (!link)
        return -HF_ENODEV;
    n = neighbour_find(q->nl->net, link, &addr);
    if (!n || n->state == NEIGH_NONE)
        return -HF_ENOENT;
    tell(q, n);
    return 0;
}
