/* setsockopt() and getsockopt() about the sources of groups: whom a member hears. RFC 3678 4.1.2,
 * 4.1.3, 5.1.2, 5.1.3. Linux: ip_mc_source, ip_mc_msfilter, ip6_mc_source, ip6_mc_msfilter. */
#include "socket/sock.h"
#include "transport/membership.h"
#include "wire/sockaddr.h"

enum {
    MREQ_SOURCE = 12, /* struct ip_mreq_source: group, interface, source */
    REQ_GROUP = 8,    /* struct group_source_req */
    REQ_SOURCE = 136,
    REQ = 264,
    FILTER4_MODE = 8, /* struct ip_msfilter: group, interface, mode, count, sources */
    FILTER4_COUNT = 12,
    FILTER4 = 16,
    FILTER_GROUP = 8, /* struct group_filter: interface, group, mode, count, sources */
    FILTER_MODE = 136,
    FILTER_COUNT = 140,
    FILTER = 144,
    MODE_EXCLUDE = 0,
    MODE_INCLUDE = 1,
};

/* Which membership is meant: a group, and a link by its index or address. */
struct place {
    struct ip_addr group, addr;
    uint32_t index;
};

static uint32_t read32(const uint8_t *from)
{
    uint32_t v;

    memcpy(&v, from, sizeof(v));
    return v;
}

static void write32(uint8_t *to, uint32_t v)
{
    memcpy(to, &v, sizeof(v));
}

static struct ip_addr read_name(const uint8_t *name, bool is_v6)
{
    struct endpoint ep;

    sockaddr_read(name, SOCKADDR_IN6, is_v6 ? HF_AF_INET6 : HF_AF_INET, &ep);
    return ep.addr;
}

static bool is_of(const uint8_t *name, bool is_v6)
{
    return sockaddr_family(name) == (is_v6 ? HF_AF_INET6 : HF_AF_INET);
}

/* A mapped address is none of IPv6's groups. */
static bool is_group(const struct place *at, bool is_v6)
{
    return addr_is_multicast(&at->group) && addr_is4(&at->group) == !is_v6;
}

/* Linux: IPv6 looks for a membership on any link where none is named. */
static int find(const struct hf_sock *sk, const struct place *at, struct membership **m)
{
    uint32_t link_index = membership_link(sk, &at->group, &at->addr, at->index);

    if (!link_index)
        return -HF_ENODEV;
    if (sk->is_stream)
        return -HF_EINVAL;
    if (!addr_is4(&at->group))
        link_index = at->index;
    *m = membership_find(sock_udp(sk), &at->group, link_index);
    return *m ? 0 : -HF_EINVAL;
}

/* What a name means. */
struct wish {
    bool adds, includes;
};

static struct wish wish_of(int name)
{
    struct wish w = {
        .adds = name == HF_IP_ADD_SOURCE_MEMBERSHIP || name == HF_IP_BLOCK_SOURCE ||
                name == HF_MCAST_JOIN_SOURCE_GROUP || name == HF_MCAST_BLOCK_SOURCE,
        .includes = name == HF_IP_ADD_SOURCE_MEMBERSHIP || name == HF_IP_DROP_SOURCE_MEMBERSHIP ||
                    name == HF_MCAST_JOIN_SOURCE_GROUP || name == HF_MCAST_LEAVE_SOURCE_GROUP};

    return w;
}

/* Joining a source joins the group where that has not been. Deviates: a stream has no groups. */
static int change(struct hf_sock *sk, bool is_v6, int name, const struct place *at,
                  const struct ip_addr *source)
{
    struct wish w = wish_of(name);
    struct membership *m;
    int err;

    if (!is_group(at, is_v6))
        return -HF_EINVAL;
    if (w.adds && w.includes) {
        err = sk->is_stream ? -HF_EPROTO
                            : membership_enter(sk, &at->group, &at->addr, at->index, true);
        if (err && err != -HF_EADDRINUSE)
            return err;
    }
    err = find(sk, at, &m);
    if (err)
        return err;
    return w.adds ? membership_add_source(sock_udp(sk), m, source, w.includes)
                  : membership_drop_source(sock_udp(sk), m, source, w.includes);
}

int membership_source_ip(struct hf_sock *sk, int name, const uint8_t *value, uint32_t len)
{
    struct place at = {0};
    struct ip_addr source;

    if (len != MREQ_SOURCE)
        return -HF_EINVAL;
    at.group = addr_from4(value);
    at.addr = addr_from4(value + 4);
    source = addr_from4(value + 8);
    return change(sk, false, name, &at, &source);
}

int membership_source(struct hf_sock *sk, bool is_v6, int name, const uint8_t *value, uint32_t len)
{
    struct place at = {.addr = is_v6 ? ADDR_ANY6 : ADDR_ANY4};
    struct ip_addr source;

    if (len < REQ)
        return -HF_EINVAL;
    if (!is_of(value + REQ_GROUP, is_v6) || !is_of(value + REQ_SOURCE, is_v6))
        return -HF_EADDRNOTAVAIL;
    at.index = read32(value);
    at.group = read_name(value + REQ_GROUP, is_v6);
    source = read_name(value + REQ_SOURCE, is_v6);
    return change(sk, is_v6, name, &at, &source);
}

/* All sources at once; to include nobody is to leave. */
static int set_filter(struct hf_sock *sk, bool is_v6, const struct place *at, uint32_t mode,
                      const struct ip_addr *source, uint32_t count)
{
    uint32_t link_index;
    struct membership *m;
    int err;

    if (!is_group(at, is_v6) || mode > MODE_INCLUDE)
        return -HF_EINVAL;
    link_index = membership_link(sk, &at->group, &at->addr, at->index);
    if (!link_index)
        return -HF_ENODEV;
    if (mode == MODE_INCLUDE && !count)
        return sk->is_stream ? -HF_EADDRNOTAVAIL
                             : membership_leave(sock_udp(sk), &at->group, link_index);
    err = find(sk, at, &m);
    return err ? err
               : membership_set_sources(sock_udp(sk), m, source, (uint16_t)count,
                                        mode == MODE_INCLUDE);
}

int membership_filter_ip(struct hf_sock *sk, const uint8_t *value, uint32_t len)
{
    struct ip_addr source[SOURCES_MOST4];
    struct place at = {0};
    uint32_t count;

    if (len < FILTER4)
        return -HF_EINVAL;
    count = read32(value + FILTER4_COUNT);
    if (count > SOURCES_MOST4)
        return -HF_ENOBUFS;
    if (len < FILTER4 + 4 * count)
        return -HF_EINVAL;
    at.group = addr_from4(value);
    at.addr = addr_from4(value + 4);
    for (uint32_t i = 0; i < count; i++)
        source[i] = addr_from4(value + FILTER4 + 4 * i);
    return set_filter(sk, false, &at, read32(value + FILTER4_MODE), source, count);
}

int membership_filter(struct hf_sock *sk, bool is_v6, const uint8_t *value, uint32_t len)
{
    struct ip_addr source[SOURCES_MOST6];
    struct place at = {.addr = is_v6 ? ADDR_ANY6 : ADDR_ANY4};
    uint32_t count;

    if (len < FILTER)
        return -HF_EINVAL;
    count = read32(value + FILTER_COUNT);
    if (count > (is_v6 ? SOURCES_MOST6 : SOURCES_MOST4))
        return -HF_ENOBUFS;
    if (len < FILTER + SOCKADDR_MAX * count)
        return -HF_EINVAL;
    if (!is_v6 && !is_of(value + FILTER_GROUP, false))
        return -HF_EADDRNOTAVAIL;
    at.index = read32(value);
    at.group = read_name(value + FILTER_GROUP, is_v6);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *name = value + FILTER + SOCKADDR_MAX * i;

        if (!is_v6 && !is_of(name, false))
            return -HF_EADDRNOTAVAIL;
        source[i] = read_name(name, is_v6);
    }
    return set_filter(sk, is_v6, &at, read32(value + FILTER_MODE), source, count);
}

static const struct membership *told(const struct hf_sock *sk, const struct ip_addr *group,
                                     uint32_t link_index)
{
    return sk->is_stream || !link_index ? NULL : membership_find(sock_udp(sk), group, link_index);
}

/* How many sources are told: as many as were asked for and have room. */
static uint32_t most_told(const struct membership *m, uint32_t asked, uint32_t room)
{
    return HF_MIN(HF_MIN(asked, room), m->sources);
}

int membership_get_filter_ip(const struct hf_sock *sk, uint8_t *value, uint32_t *len)
{
    const struct membership *m;
    struct ip_addr group, addr;
    uint32_t link_index, count;

    if (*len < FILTER4)
        return -HF_EINVAL;
    group = addr_from4(value);
    addr = addr_from4(value + 4);
    if (!addr_is_multicast(&group))
        return -HF_EINVAL;
    link_index = membership_link(sk, &group, &addr, 0);
    if (!link_index)
        return -HF_ENODEV;
    m = told(sk, &group, link_index);
    if (!m)
        return -HF_EADDRNOTAVAIL;
    count = most_told(m, read32(value + FILTER4_COUNT), (*len - FILTER4) / 4);
    write32(value + FILTER4_MODE, m->includes ? MODE_INCLUDE : MODE_EXCLUDE);
    write32(value + FILTER4_COUNT, m->sources);
    for (uint32_t i = 0; i < count; i++)
        memcpy(value + FILTER4 + 4 * i, m->source[i].b + 12, 4);
    *len = FILTER4 + 4 * count;
    return 0;
}

int membership_get_filter(const struct hf_sock *sk, bool is_v6, uint8_t *value, uint32_t *len)
{
    const struct membership *m;
    struct ip_addr group;
    uint32_t count;

    if (*len < FILTER)
        return -HF_EINVAL;
    if (!is_of(value + FILTER_GROUP, is_v6))
        return is_v6 ? -HF_EADDRNOTAVAIL : -HF_EINVAL;
    group = read_name(value + FILTER_GROUP, is_v6);
    if (!addr_is_multicast(&group) || addr_is4(&group) == is_v6)
        return -HF_EINVAL;
    m = told(sk, &group, read32(value));
    if (!m)
        return -HF_EADDRNOTAVAIL;
    count = most_told(m, read32(value + FILTER_COUNT), (*len - FILTER) / SOCKADDR_MAX);
    write32(value + FILTER_MODE, m->includes ? MODE_INCLUDE : MODE_EXCLUDE);
    write32(value + FILTER_COUNT, m->sources);
    for (uint32_t i = 0; i < count; i++) {
        struct endpoint ep = {.addr = m->source[i]};
        uint8_t *name = value + FILTER + SOCKADDR_MAX * i;

        memset(name, 0, SOCKADDR_MAX);
        sockaddr_write(&ep, is_v6 ? HF_AF_INET6 : HF_AF_INET, name);
    }
    *len = FILTER + SOCKADDR_MAX * count;
    return 0;
}
