#include "net/interface.h"

#include "wire/sockaddr.h"

enum {
    NAME_BYTES = 16,
    FLAG_UP = 0x1,
    FLAG_BROADCAST = 0x2,
    FLAG_LOOPBACK = 0x8,
    FLAG_RUNNING = 0x40,
    FLAG_NOARP = 0x80,
    FLAG_MULTICAST = 0x1000,
    QUEUE_LENGTH = 1000,
    PREFIX_BITS4 = 96, /* in front of an IPv4 prefix in the 128-bit form */
};

static const struct hf_link *find_link(const struct net *net, const uint8_t *name)
{
    for (unsigned i = 1; i <= NET_LINKS; i++) {
        const struct hf_link *link = net->links[i];
        unsigned n = 0;

        while (link && n < NAME_BYTES - 1 && link->name[n] && (char)name[n] == link->name[n])
            n++;
        /* "eth0:1" is what an address of eth0 may be called. */
        if (link && !link->name[n] && (!name[n] || name[n] == ':'))
            return link;
    }
    return NULL;
}

static void write_name(const struct hf_link *link, uint8_t *to)
{
    memset(to, 0, NAME_BYTES);
    memcpy(to, link->name, NAME_BYTES - 1);
}

static void put_int(uint8_t *to, int32_t v)
{
    memcpy(to, &v, sizeof(v));
}

uint32_t interface_flags(const struct hf_link *link)
{
    if (link->flags & HF_LINK_LOOPBACK)
        return FLAG_UP | FLAG_LOOPBACK | FLAG_RUNNING;
    return FLAG_UP | FLAG_RUNNING |
           (link->flags & HF_LINK_ETHERNET ? FLAG_BROADCAST | FLAG_MULTICAST : FLAG_NOARP);
}

uint16_t interface_type(const struct hf_link *link)
{
    return link->flags & HF_LINK_LOOPBACK   ? HF_ARPHRD_LOOPBACK
           : link->flags & HF_LINK_ETHERNET ? HF_ARPHRD_ETHER
                                            : HF_ARPHRD_NONE;
}

static void write_hardware(const struct hf_link *link, uint8_t *to)
{
    uint16_t type = interface_type(link);

    memset(to, 0, SOCKADDR_IN);
    memcpy(to, &type, sizeof(type));
    if (type == HF_ARPHRD_ETHER)
        memcpy(to + sizeof(type), link->mac, sizeof(link->mac));
}

static void write_address(const struct ip_addr *addr, uint8_t *to)
{
    struct endpoint ep = {.addr = *addr};
    uint8_t bytes[SOCKADDR_IN6];

    sockaddr_write(&ep, HF_AF_INET, bytes);
    memcpy(to, bytes, SOCKADDR_IN);
}

static const struct net_addr *first_address(const struct net *net, const struct hf_link *link)
{
    for (uint32_t i = 0; i < net->addr_count; i++) {
        if (net->addrs[i].link == link && addr_is4(&net->addrs[i].addr))
            return &net->addrs[i];
    }
    return NULL;
}

/* The prefix's mask, or the address with all bits behind the prefix set; loopback has no such. */
static struct ip_addr mask_or_broadcast(const struct net_addr *a, bool is_mask)
{
    struct ip_addr out = is_mask ? ADDR_ANY4 : a->addr;

    if (!is_mask && (a->link->flags & HF_LINK_LOOPBACK || a->bits >= 127))
        return ADDR_ANY4;
    for (unsigned bit = PREFIX_BITS4; bit < 128; bit++) {
        if ((bit < a->bits) == is_mask)
            out.b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
    }
    return out;
}

struct ip_addr interface_broadcast(const struct net_addr *a)
{
    return mask_or_broadcast(a, false);
}

static int address_request(const struct net *net, const struct hf_link *link, unsigned long request,
                           uint8_t *to)
{
    const struct net_addr *a = first_address(net, link);
    struct ip_addr addr;

    if (!a)
        return -HF_EADDRNOTAVAIL;
    addr = request == HF_SIOCGIFNETMASK || request == HF_SIOCGIFBRDADDR
               ? mask_or_broadcast(a, request == HF_SIOCGIFNETMASK)
               : a->addr;
    write_address(&addr, to);
    return 0;
}

static int link_request(const struct hf_link *link, unsigned long request, uint8_t *to)
{
    uint16_t flags = (uint16_t)interface_flags(link);

    switch (request) {
    case HF_SIOCGIFFLAGS:
        memcpy(to, &flags, sizeof(flags));
        return 0;
    case HF_SIOCGIFMETRIC:
        put_int(to, 0);
        return 0;
    case HF_SIOCGIFMTU:
        put_int(to, (int32_t)link->mtu);
        return 0;
    case HF_SIOCGIFHWADDR:
        write_hardware(link, to);
        return 0;
    case HF_SIOCGIFINDEX:
        put_int(to, (int32_t)link->index);
        return 0;
    case HF_SIOCGIFTXQLEN:
        put_int(to, QUEUE_LENGTH);
        return 0;
    case HF_SIOCGIFMAP:
        memset(to, 0, HF_IFREQ_BYTES - NAME_BYTES);
        return 0;
    default:
        return -HF_ENOTTY;
    }
}

static int give_name(const struct net *net, uint8_t *ifreq)
{
    const struct hf_link *link;
    int32_t index;

    memcpy(&index, ifreq + NAME_BYTES, sizeof(index));
    link = index > 0 ? net_link_by_index(net, (uint32_t)index) : NULL;
    if (!link)
        return -HF_ENODEV;
    write_name(link, ifreq);
    return 0;
}

int interface_request(const struct net *net, int family, unsigned long request,
                      uint8_t ifreq[HF_IFREQ_BYTES])
{
    const struct hf_link *link;

    if (request == HF_SIOCGIFNAME)
        return give_name(net, ifreq);
    ifreq[NAME_BYTES - 1] = 0;
    link = find_link(net, ifreq);
    switch (request) {
    case HF_SIOCGIFADDR:
    case HF_SIOCGIFDSTADDR:
    case HF_SIOCGIFBRDADDR:
    case HF_SIOCGIFNETMASK:
        if (family != HF_AF_INET)
            return -HF_ENOTTY;
        return link ? address_request(net, link, request, ifreq + NAME_BYTES) : -HF_ENODEV;
    case HF_SIOCGIFFLAGS:
    case HF_SIOCGIFMETRIC:
    case HF_SIOCGIFMTU:
    case HF_SIOCGIFHWADDR:
    case HF_SIOCGIFINDEX:
    case HF_SIOCGIFTXQLEN:
    case HF_SIOCGIFMAP:
        return link ? link_request(link, request, ifreq + NAME_BYTES) : -HF_ENODEV;
    default:
        return -HF_ENOTTY;
    }
}

size_t interface_list(const struct net *net, uint8_t *to, size_t room)
{
    size_t used = 0;

    for (unsigned i = 1; i <= NET_LINKS; i++) {
        for (uint32_t k = 0; net->links[i] && k < net->addr_count; k++) {
            const struct net_addr *a = &net->addrs[k];

            if (a->link != net->links[i] || !addr_is4(&a->addr))
                continue;
            if (to && room - used < HF_IFREQ_BYTES)
                return used;
            if (to) {
                memset(to + used, 0, HF_IFREQ_BYTES);
                write_name(a->link, to + used);
                write_address(&a->addr, to + used + NAME_BYTES);
            }
            used += HF_IFREQ_BYTES;
        }
    }
    return used;
}
