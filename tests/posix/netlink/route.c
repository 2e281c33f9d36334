/* NETLINK_ROUTE: links, addresses, routes, rules, and how requests end. Looks at loopback alone,
 * which is the same everywhere. */
#include "talk.h"

#include <linux/capability.h>
#include <linux/fib_rules.h>

#include <linux/neighbour.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/syscall.h>

static void addresses(int f)
{
    struct ifaddrmsg q = {.ifa_family = (unsigned char)f}, *a = NULL;
    struct nlmsghdr *h, *lo = NULL;
    static struct talk t;
    bool all_multi = true, all_of_family = true, is_ours = true;
    int fd = nl_socket(f, NETLINK_ROUTE), n = 0;
    static char copy[1024];
    RC(ask(fd, RTM_GETADDR, NLM_F_DUMP, &q, sizeof(q), 0, NULL, 0), 24, nm(f, "dump of addresses"));
    for (listen_to(&t, fd); (h = hear(&t));) {
        a = NLMSG_DATA(h);
        all_multi = all_multi && h->nlmsg_flags == NLM_F_MULTI && h->nlmsg_type == RTM_NEWADDR;
        is_ours = is_ours && h->nlmsg_seq == SEQ && h->nlmsg_pid == nl_name(fd).nl_pid;
        all_of_family = all_of_family && a->ifa_family == f;
        if (a->ifa_index == 1 && ++n == 1 && h->nlmsg_len <= sizeof(copy))
            lo = memcpy(copy, h, h->nlmsg_len);
    }
    EQ(t.done, 0, nm(f, "it is done"));
    OK(all_multi, nm(f, "each is one of many"));
    OK(is_ours, nm(f, "each is to us"));
    OK(all_of_family, nm(f, "each is of the family"));
    EQ(n, 1, nm(f, "loopback has one"));
    if (!lo)
        return;
    a = NLMSG_DATA(lo);
    EQ(a->ifa_prefixlen, f == AF_INET ? 8 : 128, nm(f, "its prefix"));
    EQ(a->ifa_scope, RT_SCOPE_HOST, nm(f, "its scope"));
    OK(a->ifa_flags & IFA_F_PERMANENT, nm(f, "it is permanent"));
    OK(attr_is(lo, sizeof(*a), IFA_ADDRESS, loopback_bytes(f), addr_bytes(f)),
       nm(f, "IFA_ADDRESS"));
    EQ(attr_number(lo, sizeof(*a), IFA_FLAGS), IFA_F_PERMANENT, nm(f, "IFA_FLAGS"));
    EQ(attr_number(lo, sizeof(*a), IFA_CACHEINFO), 0xffffffff, nm(f, "preferred for ever"));
    if (f == AF_INET)
        OK(attr_is(lo, sizeof(*a), IFA_LABEL, "lo", 3), nm(f, "IFA_LABEL"));
    EQ(attr_of(lo, sizeof(*a), IFA_LOCAL, NULL) != NULL, f == AF_INET, nm(f, "IFA_LOCAL"));
}

static void strict_addresses(int f)
{
    struct ifaddrmsg q = {.ifa_family = (unsigned char)f, .ifa_index = 1};
    struct nlmsghdr *h;
    static struct talk t;
    int fd = nl_socket(f, NETLINK_ROUTE), n = 0;
    MUST(setopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1));
    MUST(ask(fd, RTM_GETADDR, NLM_F_DUMP, &q, sizeof(q), 0, NULL, 0));
    for (listen_to(&t, fd); (h = hear(&t)); n++)
        OK(h->nlmsg_flags & NLM_F_DUMP_FILTERED, nm(f, "strict, told to be filtered"));
    EQ(n, 1, nm(f, "strict, of one link"));
    q.ifa_index = 99;
    MUST(ask(fd, RTM_GETADDR, NLM_F_DUMP, &q, sizeof(q), 0, NULL, 0));
    listen_to(&t, fd);
    OK(!hear(&t), nm(f, "strict, no such link, none"));
    EQ(t.done, -ENODEV, nm(f, "strict, no such link"));
    q.ifa_prefixlen = 3;
    MUST(ask(fd, RTM_GETADDR, NLM_F_DUMP, &q, sizeof(q), 0, NULL, 0));
    listen_to(&t, fd);
    OK(!hear(&t), nm(f, "strict, wrong header, none"));
    EQ(t.done, -EINVAL, nm(f, "strict, wrong header"));
    EQ(t.done_flags & NLM_F_ACK_TLVS, 0, nm(f, "without a reason unless asked"));
    MUST(setopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1));
    MUST(ask(fd, RTM_GETADDR, NLM_F_DUMP, &q, sizeof(q), 0, NULL, 0));
    listen_to(&t, fd);
    OK(!hear(&t), nm(f, "EXT_ACK, wrong header, none"));
    EQ(t.done_flags & NLM_F_ACK_TLVS, NLM_F_ACK_TLVS, nm(f, "EXT_ACK, with a reason"));
    OK(t.done < 0 && attr_of(t.at, sizeof(int), NLMSGERR_ATTR_MSG, NULL) &&
           strstr(attr_of(t.at, sizeof(int), NLMSGERR_ATTR_MSG, NULL),
                  "nvalid values in header for address dump request"),
       nm(f, "EXT_ACK, the reason"));
}

/* RTM_GETADDR of one: IPv6's alone. */
static void one_address(int f)
{
    struct ifaddrmsg q = {.ifa_family = (unsigned char)f, .ifa_index = 1};
    static struct talk t;
    int fd = nl_socket(f, NETLINK_ROUTE);
    struct nlmsghdr *h;
    MUST(ask(fd, RTM_GETADDR, 0, &q, sizeof(q), IFA_ADDRESS, loopback_bytes(f),
             (size_t)addr_bytes(f)));
    listen_to(&t, fd);
    h = hear(&t);
    EQ(h ? h->nlmsg_type : t.done, f == AF_INET ? -EOPNOTSUPP : RTM_NEWADDR, nm(f, "one address"));
    if (f == AF_INET)
        return;
    q.ifa_index = 0;
    MUST(ask(fd, RTM_GETADDR, 0, &q, sizeof(q), IFA_ADDRESS, "0123456789abcdef", 16));
    listen_to(&t, fd);
    OK(!hear(&t), nm(f, "one address, not ours"));
    EQ(t.done, -EADDRNOTAVAIL, nm(f, "one address, not ours, error"));
    MUST(ask(fd, RTM_GETADDR, 0, &q, sizeof(q), 0, NULL, 0));
    listen_to(&t, fd);
    OK(!hear(&t), nm(f, "one address, none named"));
    EQ(t.done, -EINVAL, nm(f, "one address, none named, error"));
}

static void check_lo(int f, const char *how, struct nlmsghdr *h)
{
    struct ifinfomsg *i = h ? NLMSG_DATA(h) : NULL;
    OK(h && h->nlmsg_type == RTM_NEWLINK, nm(f, "%s", how));
    if (!h)
        return;
    EQ(i->ifi_index, 1, nm(f, "%s: index", how));
    EQ(i->ifi_type, ARPHRD_LOOPBACK, nm(f, "%s: type", how));
    EQ(i->ifi_family, AF_UNSPEC, nm(f, "%s: family", how));
    EQ(i->ifi_flags, IFF_UP | IFF_LOOPBACK | IFF_RUNNING | 0x10000, nm(f, "%s: flags", how));
    OK(attr_is(h, sizeof(*i), IFLA_IFNAME, "lo", 3), nm(f, "%s: IFLA_IFNAME", how));
    EQ(attr_number(h, sizeof(*i), IFLA_MTU), 65536, nm(f, "%s: IFLA_MTU", how));
    OK(attr_is(h, sizeof(*i), IFLA_ADDRESS, "\0\0\0\0\0", 6), nm(f, "%s: IFLA_ADDRESS", how));
    OK(attr_is(h, sizeof(*i), IFLA_BROADCAST, "\0\0\0\0\0", 6), nm(f, "%s: IFLA_BROADCAST", how));
    OK(attr_is(h, sizeof(*i), IFLA_QDISC, "noqueue", 8), nm(f, "%s: IFLA_QDISC", how));
    OK(attr_is(h, sizeof(*i), IFLA_OPERSTATE, "", 1), nm(f, "%s: IFLA_OPERSTATE", how));
}

/* v4: as the kernel's structure says; v6: as getifaddrs() asks, by a single byte. */
static void links(int f)
{
    struct ifinfomsg q = {.ifi_index = 0};
    struct nlmsghdr *h, *lo = NULL;
    static struct talk t;
    static char copy[4096];
    int fd = nl_socket(f, NETLINK_ROUTE);
    MUST(ask(fd, RTM_GETLINK, NLM_F_DUMP, &q, f == AF_INET ? sizeof(q) : 1, 0, NULL, 0));
    for (listen_to(&t, fd); (h = hear(&t));)
        if (((struct ifinfomsg *)NLMSG_DATA(h))->ifi_index == 1 && h->nlmsg_len <= sizeof(copy))
            lo = memcpy(copy, h, h->nlmsg_len);
    EQ(t.done, 0, nm(f, "dump of links is done"));
    check_lo(f, "dump of links", lo);
    q.ifi_index = 1;
    MUST(ask(fd, RTM_GETLINK, 0, &q, sizeof(q), 0, NULL, 0));
    listen_to(&t, fd);
    h = hear(&t);
    EQ(h ? h->nlmsg_flags : -1, 0, nm(f, "a single one is not one of many"));
    check_lo(f, "by index", h);
    q.ifi_index = 0;
    MUST(ask(fd, RTM_GETLINK, 0, &q, sizeof(q), IFLA_IFNAME, "lo", 3));
    listen_to(&t, fd);
    check_lo(f, "by name", hear(&t));
}

static int end_of(int fd, struct talk *t)
{
    for (listen_to(t, fd); hear(t);)
        ;
    return t->done;
}

static void no_links(int f)
{
    struct ifinfomsg q = {.ifi_index = 99};
    static struct talk t;
    int fd = nl_socket(f, NETLINK_ROUTE);
    struct nlmsgerr *e;
    MUST(ask(fd, RTM_GETLINK, 0, &q, sizeof(q), 0, NULL, 0));
    EQ(end_of(fd, &t), -ENODEV, nm(f, "no such index"));
    e = NLMSG_DATA(t.at);
    EQ(t.at->nlmsg_len, NLMSG_LENGTH(sizeof(int)) + 32, nm(f, "the request comes back"));
    EQ(e->msg.nlmsg_type, RTM_GETLINK, nm(f, "its type"));
    EQ(e->msg.nlmsg_seq, SEQ, nm(f, "its number"));
    EQ(t.done_flags, 0, nm(f, "it is whole"));
    MUST(setopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1));
    MUST(ask(fd, RTM_GETLINK, 0, &q, sizeof(q), 0, NULL, 0));
    EQ(end_of(fd, &t), -ENODEV, nm(f, "CAP_ACK, no such index"));
    EQ(t.at->nlmsg_len, NLMSG_LENGTH(sizeof(struct nlmsgerr)), nm(f, "CAP_ACK, the header alone"));
    EQ(t.done_flags, NLM_F_CAPPED, nm(f, "CAP_ACK, says so"));
    q.ifi_index = 0;
    MUST(ask(fd, RTM_GETLINK, 0, &q, sizeof(q), IFLA_IFNAME, "nosuch", 7));
    EQ(end_of(fd, &t), -ENODEV, nm(f, "no such name"));
    MUST(ask(fd, RTM_GETLINK, 0, &q, sizeof(q), 0, NULL, 0));
    EQ(end_of(fd, &t), -EINVAL, nm(f, "neither name nor index"));
    MUST(ask(fd, RTM_GETLINK, 0, "", 1, 0, NULL, 0));
    EQ(end_of(fd, &t), -EINVAL, nm(f, "half a header"));
}

static bool is_local_route(int f, struct nlmsghdr *h)
{
    struct rtmsg *m = NLMSG_DATA(h);
    return m->rtm_type == RTN_LOCAL && m->rtm_dst_len == addr_bytes(f) * 8 &&
           attr_is(h, sizeof(*m), RTA_DST, loopback_bytes(f), addr_bytes(f));
}

static void routes(int f)
{
    struct rtmsg q = {.rtm_family = (unsigned char)f}, *m;
    struct nlmsghdr *h, *lo = NULL;
    static struct talk t;
    static char copy[1024];
    int fd = nl_socket(f, NETLINK_ROUTE), n = 0;
    bool all_of_family = true;
    MUST(ask(fd, RTM_GETROUTE, NLM_F_DUMP, &q, sizeof(q), 0, NULL, 0));
    for (listen_to(&t, fd); (h = hear(&t));) {
        m = NLMSG_DATA(h);
        all_of_family = all_of_family && m->rtm_family == f && h->nlmsg_type == RTM_NEWROUTE;
        if (is_local_route(f, h) && ++n == 1 && h->nlmsg_len <= sizeof(copy))
            lo = memcpy(copy, h, h->nlmsg_len);
    }
    EQ(t.done, 0, nm(f, "dump of routes is done"));
    OK(all_of_family, nm(f, "each route is of the family"));
    EQ(n, 1, nm(f, "one leads to loopback"));
    if (!lo)
        return;
    m = NLMSG_DATA(lo);
    EQ(m->rtm_table, RT_TABLE_LOCAL, nm(f, "in the table local"));
    EQ(m->rtm_protocol, RTPROT_KERNEL, nm(f, "made by the kernel"));
    EQ(m->rtm_scope, f == AF_INET ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE, nm(f, "scope of the route"));
    EQ(attr_number(lo, sizeof(*m), RTA_TABLE), RT_TABLE_LOCAL, nm(f, "RTA_TABLE"));
    EQ(attr_number(lo, sizeof(*m), RTA_OIF), 1, nm(f, "RTA_OIF"));
    EQ(attr_of(lo, sizeof(*m), RTA_PREFSRC, NULL) != NULL, f == AF_INET, nm(f, "RTA_PREFSRC"));
    EQ(attr_of(lo, sizeof(*m), RTA_GATEWAY, NULL) != NULL, 0, nm(f, "no gateway"));
}

static void strict_routes(int f)
{
    struct rtmsg q = {.rtm_family = (unsigned char)f}, *m;
    unsigned table = RT_TABLE_LOCAL;
    static struct talk t;
    struct nlmsghdr *h;
    int fd = nl_socket(f, NETLINK_ROUTE), n = 0;
    bool all_local = true;
    MUST(setopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, 1));
    MUST(ask(fd, RTM_GETROUTE, NLM_F_DUMP, &q, sizeof(q), RTA_TABLE, &table, 4));
    for (listen_to(&t, fd); (h = hear(&t)); n++) {
        m = NLMSG_DATA(h);
        all_local =
            all_local && m->rtm_table == RT_TABLE_LOCAL && h->nlmsg_flags & NLM_F_DUMP_FILTERED;
    }
    OK(n > 0 && all_local, nm(f, "strict, of one table"));
    EQ(t.done, 0, nm(f, "strict, of one table, is done"));
    table = 77;
    MUST(ask(fd, RTM_GETROUTE, NLM_F_DUMP, &q, sizeof(q), RTA_TABLE, &table, 4));
    EQ(end_of(fd, &t), -ENOENT, nm(f, "strict, no such table"));
    table = 99;
    MUST(ask(fd, RTM_GETROUTE, NLM_F_DUMP, &q, sizeof(q), RTA_OIF, &table, 4));
    EQ(end_of(fd, &t), -ENODEV, nm(f, "strict, no such link of a route"));
    q.rtm_dst_len = 8;
    MUST(ask(fd, RTM_GETROUTE, NLM_F_DUMP, &q, sizeof(q), 0, NULL, 0));
    EQ(end_of(fd, &t), -EINVAL, nm(f, "strict, a prefix"));
}

static void way(int f)
{
    struct rtmsg q = {.rtm_family = (unsigned char)f}, *m;
    static struct talk t;
    struct nlmsghdr *h;
    int fd = nl_socket(f, NETLINK_ROUTE), oif = 99;
    q.rtm_dst_len = (unsigned char)(addr_bytes(f) * 8);
    q.rtm_flags = RTM_F_LOOKUP_TABLE;
    MUST(
        ask(fd, RTM_GETROUTE, 0, &q, sizeof(q), RTA_DST, loopback_bytes(f), (size_t)addr_bytes(f)));
    listen_to(&t, fd);
    h = hear(&t);
    OK(h && h->nlmsg_type == RTM_NEWROUTE, nm(f, "the way to loopback"));
    if (!h)
        return;
    m = NLMSG_DATA(h);
    EQ(m->rtm_type, RTN_LOCAL, nm(f, "way, type"));
    EQ(m->rtm_table, f == AF_INET ? RT_TABLE_MAIN : RT_TABLE_LOCAL, nm(f, "way, table"));
    EQ(m->rtm_dst_len, addr_bytes(f) * 8, nm(f, "way, length"));
    EQ(m->rtm_flags & RTM_F_CLONED, f == AF_INET ? RTM_F_CLONED : 0, nm(f, "way, cloned"));
    OK(attr_is(h, sizeof(*m), RTA_DST, loopback_bytes(f), addr_bytes(f)), nm(f, "way, RTA_DST"));
    OK(attr_is(h, sizeof(*m), RTA_PREFSRC, loopback_bytes(f), addr_bytes(f)),
       nm(f, "way, RTA_PREFSRC"));
    EQ(attr_number(h, sizeof(*m), RTA_OIF), 1, nm(f, "way, RTA_OIF"));
    q.rtm_flags = RTM_F_FIB_MATCH;
    MUST(
        ask(fd, RTM_GETROUTE, 0, &q, sizeof(q), RTA_DST, loopback_bytes(f), (size_t)addr_bytes(f)));
    listen_to(&t, fd);
    h = hear(&t);
    OK(h && is_local_route(f, h), nm(f, "the route that matches"));
    MUST(ask(fd, RTM_GETROUTE, 0, &q, 2, 0, NULL, 0));
    EQ(end_of(fd, &t), -EINVAL, nm(f, "way, half a header"));
    MUST(ask(fd, RTM_GETROUTE, 0, &q, sizeof(q), RTA_OIF, &oif, 4));
    EQ(end_of(fd, &t) < 0, true, nm(f, "way by no such link"));
}

static void rules(int f)
{
    static const int tables[] = {RT_TABLE_LOCAL, RT_TABLE_MAIN, RT_TABLE_DEFAULT};
    static const long long priorities[] = {-1, 32766, 32767};
    struct fib_rule_hdr q = {.family = (unsigned char)f}, *m;
    static struct talk t;
    struct nlmsghdr *h;
    int fd = nl_socket(f, NETLINK_ROUTE), n = 0;
    MUST(ask(fd, RTM_GETRULE, NLM_F_DUMP, &q, sizeof(q), 0, NULL, 0));
    for (listen_to(&t, fd); (h = hear(&t)) && n < 3; n++) {
        m = NLMSG_DATA(h);
        EQ(m->table, tables[n], nm(f, "rule %d, table", n));
        EQ(m->action, FR_ACT_TO_TBL, nm(f, "rule %d, action", n));
        EQ(attr_number(h, sizeof(*m), FRA_PRIORITY), priorities[n], nm(f, "rule %d, priority", n));
        EQ(attr_number(h, sizeof(*m), FRA_TABLE), tables[n], nm(f, "rule %d, FRA_TABLE", n));
    }
    EQ(n, f == AF_INET ? 3 : 2, nm(f, "so many rules"));
    EQ(t.done, 0, nm(f, "dump of rules is done"));
}

static void neighbours(int f)
{
    struct ndmsg q = {.ndm_family = (unsigned char)f, .ndm_ifindex = 1};
    static struct talk t;
    int fd = nl_socket(f, NETLINK_ROUTE);
    MUST(ask(fd, RTM_GETNEIGH, NLM_F_DUMP, &q, sizeof(q), 0, NULL, 0));
    listen_to(&t, fd);
    OK(!hear(&t), nm(f, "no neighbours"));
    EQ(t.done, 0, nm(f, "dump of neighbours is done"));
    MUST(
        ask(fd, RTM_GETNEIGH, 0, &q, sizeof(q), NDA_DST, loopback_bytes(f), (size_t)addr_bytes(f)));
    EQ(end_of(fd, &t), -ENOENT, nm(f, "one neighbour, unknown"));
    MUST(ask(fd, RTM_GETNEIGH, 0, &q, sizeof(q), 0, NULL, 0));
    EQ(end_of(fd, &t), -EINVAL, nm(f, "one neighbour, not named"));
}

static void others(int f)
{
    struct ifinfomsg q = {.ifi_index = 1};
    static struct talk t;
    struct nlmsghdr two[2] = {{.nlmsg_len = 16, .nlmsg_type = NLMSG_NOOP, .nlmsg_seq = 1},
                              {.nlmsg_len = 16, .nlmsg_type = NLMSG_NOOP, .nlmsg_seq = 2}};
    int fd = nl_socket(f, NETLINK_ROUTE);
    MUST(ask(fd, 150, 0, &q, sizeof(q), 0, NULL, 0));
    EQ(end_of(fd, &t), -EOPNOTSUPP, nm(f, "a type that does not exist"));
    MUST(ask(fd, RTM_GETLINK, NLM_F_ACK, &q, sizeof(q), 0, NULL, 0));
    listen_to(&t, fd);
    OK(hear(&t), nm(f, "asked for an acknowledgement, first the answer"));
    EQ(t.at ? (int)t.at->nlmsg_len : 0, t.len, nm(f, "which is a datagram of its own"));
    OK(!hear(&t), nm(f, "then the acknowledgement"));
    EQ(t.done, 0, nm(f, "which is none of an error"));
    EQ(t.done_flags, NLM_F_CAPPED, nm(f, "and has the header alone"));
    two[0].nlmsg_flags = two[1].nlmsg_flags = NLM_F_ACK;
    MUST(send(fd, two, sizeof(two), 0));
    EQ(end_of(fd, &t), 0, nm(f, "two in one, the first"));
    EQ(((struct nlmsgerr *)NLMSG_DATA(t.at))->msg.nlmsg_seq, 1, nm(f, "its number is 1"));
    EQ(end_of(fd, &t), 0, nm(f, "two in one, the second"));
    EQ(((struct nlmsgerr *)NLMSG_DATA(t.at))->msg.nlmsg_seq, 2, nm(f, "its number is 2"));
    two[0].nlmsg_len = 17;
    MUST(ask(fd, NLMSG_NOOP, 0, "", 0, 0, NULL, 0));
    RC(sendto(fd, two, 16, 0, NULL, 0), 16, nm(f, "longer than it is"));
    RC(recv(fd, two, 16, MSG_DONTWAIT), -EAGAIN, nm(f, "is not answered"));
}

static void changes(int f)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    struct ifaddrmsg q = {.ifa_family = (unsigned char)f, .ifa_prefixlen = 8, .ifa_index = 1};
    static struct talk t;
    MUST((int)syscall(SYS_capset, &head, none));
    int fd = nl_socket(f, NETLINK_ROUTE);
    MUST(ask(fd, RTM_NEWADDR, NLM_F_CREATE, &q, sizeof(q), IFA_LOCAL, loopback_bytes(f),
             (size_t)addr_bytes(f)));
    EQ(end_of(fd, &t), -EPERM, nm(f, "an address, without the right"));
    MUST(ask(fd, RTM_DELLINK, 0, &q, sizeof(q), 0, NULL, 0));
    EQ(end_of(fd, &t), -EPERM, nm(f, "no link any more, without the right"));
    struct sockaddr_nl a = nl_addr(4711, 0);
    RC(sendto(fd, "01234567890123456789", 20, 0, (struct sockaddr *)&a, sizeof(a)), -EPERM,
       nm(f, "to another, without the right"));
    RC(connect(fd, (struct sockaddr *)&a, sizeof(a)), -EPERM, nm(f, "connect, without the right"));
}

/* How those read who do not know how much comes. */
static void sizes(int f)
{
    struct {
        struct nlmsghdr h;
        struct rtgenmsg g;
    } q = {{.nlmsg_len = sizeof(q),
            .nlmsg_type = RTM_GETADDR,
            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
            .nlmsg_seq = SEQ},
           {.rtgen_family = (unsigned char)f}};
    struct sockaddr_nl from = {0};
    static char bytes[ROOM];
    struct iovec iov = {bytes, 16};
    struct msghdr msg = {
        .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1};
    int fd = nl_socket(f, NETLINK_ROUTE);
    ssize_t n;
    RC(send(fd, &q, sizeof(q), 0), 20, nm(f, "send"));
    n = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    OK(n > 16, nm(f, "MSG_PEEK and MSG_TRUNC tell the length at once"));
    RC(recvmsg(fd, &msg, MSG_PEEK), 16, nm(f, "recvmsg, a peek into little room"));
    EQ(msg.msg_flags & MSG_TRUNC, MSG_TRUNC, nm(f, "recvmsg, MSG_TRUNC"));
    EQ(msg.msg_namelen, sizeof(from), nm(f, "recvmsg, the address's length"));
    EQ(from.nl_family, AF_NETLINK, nm(f, "recvmsg, the family"));
    EQ(from.nl_pid, 0, nm(f, "recvmsg, from the kernel"));
    RC(recv(fd, bytes, sizeof(bytes), 0), n, nm(f, "recv"));
    while (((struct nlmsghdr *)bytes)->nlmsg_type != NLMSG_DONE &&
           recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
        ;
    RC(recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT), -EAGAIN, nm(f, "nothing is left"));
    RC(sendto(fd, &q, sizeof(q), 0, NULL, (socklen_t)-1), 20,
       nm(f, "sendto, a length of no address"));
    OK(recv(fd, bytes, 8192, MSG_DONTWAIT) > 0, nm(f, "recv, without waiting"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(addresses), CASE(strict_addresses), CASE(one_address), CASE(links), CASE(no_links),
        CASE(routes),    CASE(strict_routes),    CASE(way),         CASE(rules), CASE(neighbours),
        CASE(others),    CASE(changes),          CASE(sizes)};
    return run_cases(cases, COUNT(cases));
}
