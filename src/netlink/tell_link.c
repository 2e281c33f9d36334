/* RTM_GETLINK. Linux: rtnl_fill_ifinfo, rtnl_dump_ifinfo, rtnl_getlink. Nothing here counts what a
 * link carries, so a link has no statistics. */
#include "net/interface.h"
#include "netlink/netlink.h"

/* Linux's struct ifinfomsg. */
struct link_header {
    uint8_t family, pad;
    uint16_t type;
    int32_t index;
    uint32_t flags, change;
};

enum {
    FLAG_LOWER_UP = 0x10000,
    OPER_UNKNOWN = 0,
    OPER_UP = 6,
    MTU_LEAST_ETHER = 68,
    QUEUE_LENGTH = 1000,
    MAC_BYTES = 6,
};

static void tell(const struct question *q, const struct hf_link *link)
{
    static const uint8_t no_mac[MAC_BYTES], everybody[MAC_BYTES] = {255, 255, 255, 255, 255, 255};
    bool is_ether = link->flags & HF_LINK_ETHERNET, is_lo = link->flags & HF_LINK_LOOPBACK;
    struct answer *a = q->a;
    struct link_header h = {.family = request_family(q->rq),
                            .type = interface_type(link),
                            .index = (int32_t)link->index,
                            .flags = interface_flags(link) | FLAG_LOWER_UP};

    if (h.family == NL_AF_PACKET)
        h.family = HF_AF_UNSPEC;
    memcpy(answer_begin(a, RT_NEWLINK, sizeof(h)), &h, sizeof(h));
    answer_text(a, IFLA_IFNAME_, link->name);
    answer_u32(a, IFLA_TXQLEN_, QUEUE_LENGTH);
    answer_u8(a, IFLA_OPERSTATE_, is_ether ? OPER_UP : OPER_UNKNOWN);
    answer_u8(a, IFLA_LINKMODE_, 0);
    answer_u32(a, IFLA_MTU_, link->mtu);
    answer_u32(a, IFLA_MIN_MTU_, is_lo ? 0 : MTU_LEAST_ETHER);
    answer_u32(a, IFLA_MAX_MTU_, is_lo ? 0 : UINT16_MAX);
    answer_u32(a, IFLA_GROUP_, 0);
    answer_u32(a, IFLA_PROMISCUITY_, 0);
    answer_u32(a, IFLA_NUM_TX_QUEUES_, 1);
    answer_u32(a, IFLA_NUM_RX_QUEUES_, 1);
    answer_u8(a, IFLA_CARRIER_, 1);
    answer_u32(a, IFLA_CARRIER_CHANGES_, 0);
    answer_u8(a, IFLA_PROTO_DOWN_, 0);
    answer_text(a, IFLA_QDISC_, "noqueue");
    if (is_ether || is_lo) {
        answer_attr(a, IFLA_ADDRESS_, is_lo ? no_mac : link->mac, MAC_BYTES);
        answer_attr(a, IFLA_BROADCAST_, is_lo ? no_mac : everybody, MAC_BYTES);
    }
    answer_end(a);
}

/* Linux: rtnl_valid_dump_ifinfo_req; without strict checking a shorter header will do. */
static int check_dump(const struct question *q, struct attrs *attrs)
{
    struct link_header h;

    memset(attrs, 0, sizeof(*attrs));
    if (request_body_len(q->rq) < sizeof(h)) {
        return q->rq->is_strict ? answer_refuse(q->a, "Invalid header for link dump") : 0;
    }
    memcpy(&h, request_body(q->rq), sizeof(h));
    request_attrs(q->rq, sizeof(h), attrs);
    if (!q->rq->is_strict)
        return 0;
    if (h.pad || h.type || h.flags || h.change)
        return answer_refuse(q->a, "Invalid values in header for link dump request");
    if (h.index)
        return answer_refuse(q->a, "Filter by device index not supported for link dumps");
    if (attrs->at[IFLA_TARGET_NETNSID_])
        return -HF_EINVAL;
    return 0;
}

/* No link here has a master or is of a kind that has a name. */
int tell_links(const struct question *q)
{
    struct attrs attrs;
    int err = check_dump(q, &attrs);

    if (err)
        return err;
    if (request_family(q->rq) == NL_AF_BRIDGE)
        return 0;
    if (attrs.at[IFLA_MASTER_] || attrs.at[IFLA_LINKINFO_]) {
        q->a->is_filtered = true;
        return 0;
    }
    for (unsigned i = 1; i < q->nl->net->links_end; i++) {
        if (q->nl->net->links[i])
            tell(q, q->nl->net->links[i]);
    }
    return 0;
}

static const struct hf_link *by_name(const struct net *net, const struct attrs *attrs)
{
    unsigned which = attrs->at[IFLA_IFNAME_] ? IFLA_IFNAME_ : IFLA_ALT_IFNAME_;
    uint32_t len = attr_len(attrs, which);
    char name[16] = "";

    if (!len || len > sizeof(name))
        return NULL;
    memcpy(name, attr_value(attrs, which), len);
    if (len == sizeof(name) && name[len - 1])
        return NULL;
    return net_link_by_name((struct net *)(uintptr_t)net, name);
}

int tell_link(const struct question *q)
{
    const struct hf_link *link;
    struct link_header h;
    struct attrs attrs;

    if (request_body_len(q->rq) < sizeof(h))
        return answer_refuse(q->a, "Invalid header for get link");
    memcpy(&h, request_body(q->rq), sizeof(h));
    request_attrs(q->rq, sizeof(h), &attrs);
    if (q->rq->is_strict && (h.pad || h.type || h.flags || h.change))
        return answer_refuse(q->a, "Invalid values in header for get link request");
    if (q->rq->is_strict && attrs.unknown)
        return answer_refuse_at(q->a, "Unknown attribute type", attrs.unknown);
    if (attrs.at[IFLA_TARGET_NETNSID_])
        return -HF_EINVAL;
    if (h.index > 0)
        link = net_link_by_index(q->nl->net, (uint32_t)h.index);
    else if (attrs.at[IFLA_IFNAME_] || attrs.at[IFLA_ALT_IFNAME_])
        link = by_name(q->nl->net, &attrs);
    else
        return -HF_EINVAL;
    if (!link)
        return -HF_ENODEV;
    tell(q, link);
    return 0;
}
