/* RTM_GETROUTE: all routes, or the way to one destination. Linux: inet_dump_fib, fib_dump_info,
 * inet_rtm_getroute, rt_fill_info and IPv6's rt6_fill_node. There are two tables: `local` has this
 * host's own addresses, `main` the others. */
#include "net/path.h"
#include "net/route.h"
#include "netlink/netlink.h"

/* Linux's struct rtmsg. */
struct route_header {
    uint8_t family, dst_len, src_len, tos, table, protocol, scope, type;
    uint32_t flags;
};

enum {
    PREFIX_BITS4 = 96,     /* in front of an IPv4 prefix in the 128-bit form */
    METRIC6_ADDRESS = 256, /* Linux: of an address's prefix */
    METRIC6_OTHERS = 1024, /* and where none is given */
    CACHE_WORDS = 8,       /* struct rta_cacheinfo */
};

static uint8_t type_of(const struct route *r)
{
    switch (r->kind) {
    case HF_ROUTE_LOCAL:
        return RTN_LOCAL_;
    case HF_ROUTE_UNREACHABLE:
        return RTN_UNREACHABLE_;
    case HF_ROUTE_PROHIBIT:
        return RTN_PROHIBIT_;
    case HF_ROUTE_BLACKHOLE:
        return RTN_BLACKHOLE_;
    case ROUTE_BROADCAST:
        return RTN_BROADCAST_;
    default:
        return RTN_UNICAST_;
    }
}

static uint8_t table_of(const struct route *r)
{
    return r->kind == HF_ROUTE_LOCAL || r->kind == ROUTE_BROADCAST ? RT_TABLE_LOCAL_
                                                                   : RT_TABLE_MAIN_;
}

static bool is4(const struct route *r)
{
    return r->bits >= PREFIX_BITS4 && addr_is4(&r->prefix);
}

/* To a link's own neighbourhood: an address's prefix, as far as can be told. */
static bool is_on_link(const struct route *r)
{
    return r->kind == HF_ROUTE_UNICAST && !r->has_via;
}

static uint8_t protocol_of(const struct route *r)
{
    return r->is_own || is_on_link(r) ? RT_PROTOCOL_KERNEL : RT_PROTOCOL_BOOT;
}

static uint8_t scope_of(const struct route *r)
{
    if (!is4(r) || r->has_via)
        return RT_SCOPE_UNIVERSE_;
    if (r->kind == HF_ROUTE_LOCAL)
        return RT_SCOPE_HOST_;
    return r->link ? RT_SCOPE_LINK_ : RT_SCOPE_UNIVERSE_;
}

static void tell_addr(struct answer *a, uint16_t type, const struct ip_addr *addr)
{
    uint32_t skip = addr_is4(addr) ? 12 : 0;

    answer_attr(a, type, addr->b + skip, 16 - skip);
}

static uint32_t metric_of(const struct route *r)
{
    if (r->metric || is4(r) || table_of(r) == RT_TABLE_LOCAL_)
        return r->metric;
    return is_on_link(r) ? METRIC6_ADDRESS : METRIC6_OTHERS;
}

/* What Linux's IPv6 adds to each. */
static void tell_tail(struct answer *a, uint32_t users, bool is_v6)
{
    uint32_t cache[CACHE_WORDS] = {users};

    answer_attr(a, RTA_CACHEINFO_, cache, sizeof(cache));
    if (is_v6)
        answer_u8(a, RTA_PREF_, 0);
}

static void tell(const struct question *q, const struct route *r)
{
    struct answer *a = q->a;
    bool is_v4 = is4(r);
    struct route_header h = {.family = is_v4 ? HF_AF_INET : HF_AF_INET6,
                             .dst_len = (uint8_t)(is_v4 ? r->bits - PREFIX_BITS4 : r->bits),
                             .table = table_of(r),
                             .protocol = protocol_of(r),
                             .scope = scope_of(r),
                             .type = type_of(r)};

    memcpy(answer_begin(a, RT_NEWROUTE, sizeof(h)), &h, sizeof(h));
    answer_u32(a, RTA_TABLE_, h.table);
    if (h.dst_len)
        tell_addr(a, RTA_DST_, &r->prefix);
    if (metric_of(r) || !is_v4)
        answer_u32(a, RTA_PRIORITY_, metric_of(r));
    if (r->has_source)
        tell_addr(a, RTA_PREFSRC_, &r->source);
    else if (is_v4 && r->kind == HF_ROUTE_LOCAL && r->bits == 128)
        tell_addr(a, RTA_PREFSRC_, &r->prefix);
    if (r->has_via)
        tell_addr(a, RTA_GATEWAY_, &r->via);
    if (r->link)
        answer_u32(a, RTA_OIF_, r->link->index);
    if (!is_v4)
        tell_tail(a, 0, true);
    answer_end(a);
}

/* What a dump is to have; 0: any. */
struct wanted {
    const struct question *q;
    bool is4;
    uint8_t table, type, protocol;
    uint32_t link;
};

static void tell_wanted(void *ctx, const struct route *r)
{
    const struct wanted *w = ctx;

    if (is4(r) != w->is4 || (w->table && table_of(r) != w->table) ||
        (w->type && type_of(r) != w->type) || (w->protocol && protocol_of(r) != w->protocol) ||
        (w->link && (!r->link || r->link->index != w->link)))
        return;
    tell(w->q, r);
}

/* Table by table, as Linux has them. */
static void tell_family(struct wanted *w, bool is_v4)
{
    static const uint8_t tables[] = {RT_TABLE_MAIN_, RT_TABLE_LOCAL_};
    uint8_t asked = w->table;

    w->is4 = is_v4;
    for (size_t i = 0; i < sizeof(tables); i++) {
        if (asked && asked != tables[i])
            continue;
        w->table = tables[i];
        route_visit(w->q->nl->net, tell_wanted, w);
    }
    w->table = asked;
}

/* Linux: ip_valid_fib_dump_req. */
static int read_filter(const struct question *q, const struct route_header *h, struct wanted *w)
{
    uint32_t table = h->table;
    struct attrs attrs;

    request_attrs(q->rq, sizeof(*h), &attrs);
    for (unsigned i = 0; i <= ATTRS_LAST; i++) {
        if (attrs.at[i] && i != RTA_TABLE_ && i != RTA_OIF_)
            return answer_refuse_at(q->a, "Unsupported attribute in dump request", attrs.at[i]);
    }
    (void)attr_u32(&attrs, RTA_TABLE_, &table);
    (void)attr_u32(&attrs, RTA_OIF_, &w->link);
    w->type = h->type;
    w->protocol = h->protocol;
    q->a->is_filtered = table || w->link || w->type || w->protocol || h->flags;
    if (w->link && !net_link_by_index(q->nl->net, w->link))
        return -HF_ENODEV;
    if (table && table != RT_TABLE_MAIN_ && table != RT_TABLE_LOCAL_ &&
        table != RT_TABLE_DEFAULT_) {
        (void)answer_refuse(q->a, h->family == HF_AF_INET6 ? "FIB table does not exist"
                                                           : "ipv4: FIB table does not exist");
        return -HF_ENOENT;
    }
    w->table = (uint8_t)table;
    return 0;
}

int tell_routes(const struct question *q)
{
    struct wanted w = {.q = q};
    struct route_header h = {.family = request_family(q->rq)};
    int err;

    if (request_body_len(q->rq) >= sizeof(h))
        memcpy(&h, request_body(q->rq), sizeof(h));
    else if (q->rq->is_strict)
        return answer_refuse(q->a, "Invalid header for FIB dump request");
    if (q->rq->is_strict) {
        if (h.dst_len || h.src_len || h.tos || h.scope)
            return answer_refuse(q->a, "Invalid values in header for FIB dump request");
        err = read_filter(q, &h, &w);
        if (err)
            return err;
    }
    if (h.flags & RTM_F_CLONED_) /* what was learned of paths is not told */
        return 0;
    if (h.family != HF_AF_INET6)
        tell_family(&w, true);
    if (h.family != HF_AF_INET)
        tell_family(&w, false);
    return 0;
}

/* Where a packet is asked about. */
struct journey {
    struct path_query query;
    bool has_src;
    uint8_t bits; /* of an address */
};

static bool read_addr(const struct attrs *attrs, unsigned type, bool is_v4, struct ip_addr *out)
{
    const uint8_t *at = attr_value(attrs, type);

    if (attr_len(attrs, type) < (is_v4 ? 4u : 16u))
        return false;
    *out = is_v4 ? addr_from4(at) : addr_from6(at);
    return true;
}

static int read_journey(const struct question *q, const struct route_header *h, struct journey *j)
{
    bool is_v4 = h->family == HF_AF_INET;
    struct attrs attrs;

    request_attrs(q->rq, sizeof(*h), &attrs);
    memset(j, 0, sizeof(*j));
    j->bits = is_v4 ? 32 : 128;
    if (q->rq->is_strict &&
        ((h->dst_len && h->dst_len != j->bits) || (h->src_len && h->src_len != j->bits) ||
         h->table || h->protocol || h->scope || h->type))
        return answer_refuse(q->a, "Invalid values in header for route get request");
    j->query.dst = is_v4 ? ADDR_ANY4 : ADDR_ANY6;
    j->query.src = j->query.dst;
    if (attrs.at[RTA_DST_] && !read_addr(&attrs, RTA_DST_, is_v4, &j->query.dst))
        return -HF_EINVAL;
    if (attrs.at[RTA_SRC_] && !read_addr(&attrs, RTA_SRC_, is_v4, &j->query.src))
        return -HF_EINVAL;
    j->has_src = attrs.at[RTA_SRC_];
    if (addr_is_any(&j->query.dst))
        j->query.dst = is_v4 ? ADDR_LOOPBACK4 : ADDR_LOOPBACK6;
    (void)attr_u32(&attrs, RTA_OIF_, &j->query.link_index);
    if (j->query.link_index && !net_link_by_index(q->nl->net, j->query.link_index))
        return -HF_ENODEV;
    return 0;
}

static uint8_t type_of_path(const struct path *p)
{
    if (p->is_local)
        return RTN_LOCAL_;
    if (p->is_broadcast)
        return RTN_BROADCAST_;
    return p->is_multicast ? RTN_MULTICAST_ : RTN_UNICAST_;
}

/* Linux: as long as nobody has added a rule, IPv4 looks up both tables as one and calls it main. */
static void tell_path(const struct question *q, const struct route_header *asked,
                      const struct journey *j, const struct path *p, const struct route *r)
{
    bool is_v4 = asked->family == HF_AF_INET;
    struct answer *a = q->a;
    struct route_header h = {.family = asked->family,
                             .dst_len = j->bits,
                             .table = p->is_local && !is_v4 ? RT_TABLE_LOCAL_ : RT_TABLE_MAIN_,
                             .type = type_of_path(p)};

    h.src_len = j->has_src ? j->bits : 0;
    h.flags = is_v4 ? RTM_F_CLONED_ | (p->is_local ? RTCF_LOCAL_ : 0) : 0;
    h.protocol = !is_v4 && r ? protocol_of(r) : 0;
    memcpy(answer_begin(a, RT_NEWROUTE, sizeof(h)), &h, sizeof(h));
    answer_u32(a, RTA_TABLE_, h.table);
    tell_addr(a, RTA_DST_, &j->query.dst);
    if (j->has_src)
        tell_addr(a, RTA_SRC_, &j->query.src);
    answer_u32(a, RTA_OIF_, p->link->index);
    if (!j->has_src || !is_v4)
        tell_addr(a, RTA_PREFSRC_, &p->src);
    if (!addr_eq(&p->next_hop, &p->dst))
        tell_addr(a, RTA_GATEWAY_, &p->next_hop);
    if (is_v4)
        answer_u32(a, RTA_UID_, 0);
    else
        answer_u32(a, RTA_PRIORITY_, r ? metric_of(r) : 0);
    tell_tail(a, 1, !is_v4);
    answer_end(a);
}

int tell_route(const struct question *q)
{
    const struct route *r;
    struct route_header h;
    struct path *path;
    struct journey j;
    int err;

    if (request_body_len(q->rq) < sizeof(h))
        return answer_refuse(q->a, "Invalid header for route get request");
    memcpy(&h, request_body(q->rq), sizeof(h));
    if (h.family != HF_AF_INET && h.family != HF_AF_INET6)
        return -HF_EOPNOTSUPP;
    err = read_journey(q, &h, &j);
    if (err)
        return err;
    r = route_find(q->nl->net, &j.query.dst, j.query.link_index, false);
    if (h.flags & RTM_F_FIB_MATCH_) {
        if (!r)
            return h.family == HF_AF_INET ? -HF_EHOSTUNREACH : -HF_ENETUNREACH;
        tell(q, r);
        return 0;
    }
    err = path_find(q->nl->net, &j.query, &path);
    if (err)
        return err;
    tell_path(q, &h, &j, path, r);
    path_put(path);
    return 0;
}
