/* RTM_GETADDR. Linux: inet_dump_ifaddr, inet6_dump_addr, inet6_rtm_getaddr. */
#include "net/interface.h"
#include "netlink/netlink.h"

/* Linux's struct ifaddrmsg. */
struct address_header {
    uint8_t family, prefix, flags, scope;
    uint32_t index;
};

/* Linux's struct ifa_cacheinfo: for ever, and since the beginning. */
static const uint32_t for_ever[4] = {UINT32_MAX, UINT32_MAX, 0, 0};

static uint8_t scope_of(const struct net_addr *at)
{
    if (addr_is_loopback(&at->addr))
        return RT_SCOPE_HOST_;
    return addr_is_link_local6(&at->addr) ? RT_SCOPE_LINK_ : RT_SCOPE_UNIVERSE_;
}

static void tell(const struct question *q, const struct net_addr *at)
{
    bool is4 = addr_is4(&at->addr);
    uint32_t skip = is4 ? 12 : 0;
    struct answer *a = q->a;
    struct address_header h = {.family = is4 ? HF_AF_INET : HF_AF_INET6,
                               .prefix = (uint8_t)(at->bits - 8 * skip),
                               .flags = IFA_F_PERMANENT_,
                               .scope = scope_of(at),
                               .index = at->link->index};
    struct ip_addr last;

    memcpy(answer_begin(a, RT_NEWADDR, sizeof(h)), &h, sizeof(h));
    answer_attr(a, IFA_ADDRESS_, at->addr.b + skip, 16 - skip);
    if (is4) {
        answer_attr(a, IFA_LOCAL_, at->addr.b + skip, 16 - skip);
        last = interface_broadcast(at);
        if (!addr_is_any(&last))
            answer_attr(a, IFA_BROADCAST_, last.b + skip, 16 - skip);
        answer_text(a, IFA_LABEL_, at->link->name);
    }
    answer_u32(a, IFA_FLAGS_, IFA_F_PERMANENT_);
    answer_attr(a, IFA_CACHEINFO_, for_ever, sizeof(for_ever));
    answer_end(a);
}

/* Those of one family, by link; index 0: of any. */
static void tell_family(const struct question *q, bool is4, uint32_t index)
{
    const struct net *net = q->nl->net;

    for (unsigned i = 1; i < net->links_end; i++) {
        for (uint32_t k = 0; net->links[i] && k < net->addr_count; k++) {
            const struct net_addr *at = &net->addrs[k];

            if (at->link == net->links[i] && addr_is4(&at->addr) == is4 && (!index || index == i))
                tell(q, at);
        }
    }
}

/* Linux: inet_valid_dump_ifaddr_req, inet6_valid_dump_ifaddr_req. */
static int check_dump(const struct question *q, uint32_t *index)
{
    bool is6 = request_family(q->rq) == HF_AF_INET6;
    struct address_header h;
    struct attrs attrs;

    *index = 0;
    if (!q->rq->is_strict)
        return 0;
    if (request_body_len(q->rq) < sizeof(h))
        return answer_refuse(q->a, is6 ? "Invalid header for address dump request"
                                       : "ipv4: Invalid header for address dump request");
    memcpy(&h, request_body(q->rq), sizeof(h));
    if (h.prefix || h.flags || h.scope)
        return answer_refuse(q->a, is6 ? "Invalid values in header for address dump request"
                                       : "ipv4: Invalid values in header for address dump request");
    request_attrs(q->rq, sizeof(h), &attrs);
    for (unsigned i = 0; i <= ATTRS_LAST; i++) {
        if (attrs.at[i])
            return answer_refuse_at(q->a,
                                    is6 ? "Unsupported attribute in dump request"
                                        : "ipv4: Unsupported attribute in dump request",
                                    attrs.at[i]);
    }
    *index = h.index;
    if (!h.index)
        return 0;
    q->a->is_filtered = true;
    return net_link_by_index(q->nl->net, h.index) ? 0 : -HF_ENODEV;
}

int tell_addresses(const struct question *q)
{
    uint8_t family = request_family(q->rq);
    uint32_t index;
    int err = check_dump(q, &index);

    if (err)
        return err;
    if (family != HF_AF_INET6)
        tell_family(q, true, index);
    if (family != HF_AF_INET)
        tell_family(q, false, index);
    return 0;
}

/* Linux: of IPv6 alone. */
int tell_address(const struct question *q)
{
    const struct net *net = q->nl->net;
    struct address_header h;
    struct attrs attrs;
    struct ip_addr addr;
    unsigned which;

    if (request_family(q->rq) != HF_AF_INET6)
        return -HF_EOPNOTSUPP;
    if (request_body_len(q->rq) < sizeof(h))
        return answer_refuse(q->a, "Invalid header for get address request");
    memcpy(&h, request_body(q->rq), sizeof(h));
    request_attrs(q->rq, sizeof(h), &attrs);
    if (q->rq->is_strict && (h.prefix || h.flags || h.scope))
        return answer_refuse(q->a, "Invalid values in header for get address request");
    which = attrs.at[IFA_ADDRESS_] ? IFA_ADDRESS_ : IFA_LOCAL_;
    if (attr_len(&attrs, which) < sizeof(addr))
        return -HF_EINVAL;
    addr = addr_from6(attr_value(&attrs, which));
    for (uint32_t i = 0; i < net->addr_count; i++) {
        const struct net_addr *at = &net->addrs[i];

        if (addr_eq(&at->addr, &addr) && (!h.index || at->link->index == h.index)) {
            tell(q, at);
            return 0;
        }
    }
    return -HF_EADDRNOTAVAIL;
}
