/* Groups by source: whom a member hears, whom it does not, and what it is told of that. RFC 3678.
 */
#include "../lib.h"

#define GROUP    0xef030201 /* 239.3.2.1 */
#define LO       INADDR_LOOPBACK
#define NEIGHBOR (INADDR_LOOPBACK + 1)
#define THIRD    (INADDR_LOOPBACK + 2)

enum { MANY = 65, ROOM = 144 + 128 * MANY };

/* IP_ADD_SOURCE_MEMBERSHIP and its like, by loopback's address. */
static int by_source(int fd, int name, uint32_t group, uint32_t source)
{
    struct ip_mreq_source m = {.imr_multiaddr = {htonl(group)},
                               .imr_interface = {htonl(LO)},
                               .imr_sourceaddr = {htonl(source)}};
    return setsockopt(fd, IPPROTO_IP, name, &m, sizeof(m));
}

static int join(int fd)
{
    struct ip_mreqn m = {{htonl(GROUP)}, {0}, 1};
    return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &m, sizeof(m));
}

static int level_of(int f)
{
    return f == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
}

static void address(int f, uint32_t low, bool is_group, struct sockaddr_storage *to)
{
    memset(to, 0, sizeof(*to));
    if (f == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)to;
        in->sin_family = AF_INET;
        in->sin_addr.s_addr = htonl((is_group ? GROUP : LO) + low);
    } else {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
        in6->sin6_family = AF_INET6;
        in6->sin6_addr.s6_addr[0] = is_group ? 0xff : 0xfd;
        in6->sin6_addr.s6_addr[1] = is_group ? 5 : 0;
        in6->sin6_addr.s6_addr[15] = (uint8_t)(9 + low);
    }
}

/* MCAST_JOIN_SOURCE_GROUP and its like. */
static int by_request(int f, int fd, int name, uint32_t source)
{
    struct group_source_req q = {.gsr_interface = 1};
    address(f, 0, true, &q.gsr_group);
    address(f, source, false, &q.gsr_source);
    return setsockopt(fd, level_of(f), name, &q, sizeof(q));
}

static int join_request(int f, int fd)
{
    struct group_req q = {.gr_interface = 1};
    address(f, 0, true, &q.gr_group);
    return setsockopt(fd, level_of(f), MCAST_JOIN_GROUP, &q, sizeof(q));
}

static union {
    struct group_filter is;
    char room[ROOM];
} filter;

static int set_filter(int f, int fd, uint32_t mode, uint32_t count)
{
    memset(&filter, 0, sizeof(filter));
    filter.is.gf_interface = 1;
    filter.is.gf_fmode = mode;
    filter.is.gf_numsrc = count;
    address(f, 0, true, &filter.is.gf_group);
    for (uint32_t i = 0; i < count; i++)
        address(f, i, false, &filter.is.gf_slist[i]);
    return setsockopt(fd, level_of(f), MCAST_MSFILTER, &filter, GROUP_FILTER_SIZE(count));
}

/* Room for `count` sources; the length that came back. */
static long long get_filter(int f, int fd, uint32_t count)
{
    socklen_t len = GROUP_FILTER_SIZE(count);
    memset(&filter, 0, sizeof(filter));
    filter.is.gf_interface = 1;
    filter.is.gf_numsrc = count;
    address(f, 0, true, &filter.is.gf_group);
    return getsockopt(fd, level_of(f), MCAST_MSFILTER, &filter, &len) ? -1 : (long long)len;
}

static bool is_source(int f, uint32_t at, uint32_t low)
{
    struct sockaddr_storage want;
    address(f, low, false, &want);
    return memcmp(&filter.is.gf_slist[at], &want, sizeof(want)) == 0;
}

static void lists(int f)
{
    int fd = udp(f);
    RC(by_request(f, fd, MCAST_LEAVE_SOURCE_GROUP, 0), -EINVAL, nm(f, "leave what was not joined"));
    RC(by_request(f, fd, MCAST_BLOCK_SOURCE, 0), -EINVAL, nm(f, "block without a join"));
    RC(set_filter(f, fd, MCAST_EXCLUDE, 1), -EINVAL, nm(f, "a filter without a join"));
    RC(get_filter(f, fd, 2), -EADDRNOTAVAIL, nm(f, "no filter to read"));
    RC(by_request(f, fd, MCAST_JOIN_SOURCE_GROUP, 0), 0, nm(f, "join a source"));
    RC(by_request(f, fd, MCAST_JOIN_SOURCE_GROUP, 0), -EADDRNOTAVAIL, nm(f, "join it twice"));
    RC(by_request(f, fd, MCAST_JOIN_SOURCE_GROUP, 1), 0, nm(f, "join another"));
    RC(by_request(f, fd, MCAST_BLOCK_SOURCE, 2), -EINVAL, nm(f, "block one of a joined source"));
    RC(join_request(f, fd), -EADDRINUSE, nm(f, "join without a source, too"));
    RC(get_filter(f, fd, 8), GROUP_FILTER_SIZE(2), nm(f, "the filter's length"));
    EQ(filter.is.gf_fmode, MCAST_INCLUDE, nm(f, "it includes"));
    EQ(filter.is.gf_numsrc, 2, nm(f, "two"));
    OK(is_source(f, 0, 0) && is_source(f, 1, 1), nm(f, "those that were joined"));
    RC(get_filter(f, fd, 1), GROUP_FILTER_SIZE(1), nm(f, "with room for one"));
    EQ(filter.is.gf_numsrc, 2, nm(f, "two are told of"));
    RC(get_filter(f, fd, 0), GROUP_FILTER_SIZE(0), nm(f, "with room for none"));
    RC(by_request(f, fd, MCAST_LEAVE_SOURCE_GROUP, 5), -EADDRNOTAVAIL, nm(f, "leave one unknown"));
    RC(by_request(f, fd, MCAST_LEAVE_SOURCE_GROUP, 0), 0, nm(f, "leave the first"));
    RC(get_filter(f, fd, 8), GROUP_FILTER_SIZE(1), nm(f, "one is left"));
    OK(is_source(f, 0, 1), nm(f, "the other"));
    RC(by_request(f, fd, MCAST_LEAVE_SOURCE_GROUP, 1), 0, nm(f, "leave the last"));
    RC(get_filter(f, fd, 8), -EADDRNOTAVAIL, nm(f, "so the group is left"));
}

static void blocking(int f)
{
    int fd = udp(f);
    MUST(join_request(f, fd));
    RC(get_filter(f, fd, 8), GROUP_FILTER_SIZE(0), nm(f, "who joined has an empty filter"));
    EQ(filter.is.gf_fmode, MCAST_EXCLUDE, nm(f, "that excludes"));
    RC(by_request(f, fd, MCAST_UNBLOCK_SOURCE, 0), -EADDRNOTAVAIL, nm(f, "unblock before a block"));
    RC(by_request(f, fd, MCAST_BLOCK_SOURCE, 0), 0, nm(f, "block"));
    RC(by_request(f, fd, MCAST_BLOCK_SOURCE, 0), -EADDRNOTAVAIL, nm(f, "block twice"));
    RC(by_request(f, fd, MCAST_JOIN_SOURCE_GROUP, 1), -EINVAL, nm(f, "join a source of it"));
    RC(by_request(f, fd, MCAST_UNBLOCK_SOURCE, 0), 0, nm(f, "unblock"));
    RC(by_request(f, fd, MCAST_UNBLOCK_SOURCE, 0), -EADDRNOTAVAIL, nm(f, "unblock twice"));
    RC(get_filter(f, fd, 8), GROUP_FILTER_SIZE(0), nm(f, "the filter is empty once more"));
    RC(by_request(f, fd, MCAST_JOIN_SOURCE_GROUP, 1), -EINVAL, nm(f, "its mode stays, though"));
    fd = udp(f);
    MUST(join_request(f, fd));
    RC(by_request(f, fd, MCAST_JOIN_SOURCE_GROUP, 1), 0, nm(f, "that of one never used changes"));
    RC(get_filter(f, fd, 8), GROUP_FILTER_SIZE(1), nm(f, "the filter has one"));
    EQ(filter.is.gf_fmode, MCAST_INCLUDE, nm(f, "and includes"));
}

static void whole(int f)
{
    uint32_t most = f == AF_INET ? 10 : 64;
    int fd = udp(f);
    MUST(join_request(f, fd));
    RC(set_filter(f, fd, MCAST_INCLUDE, 3), 0, nm(f, "a filter of three"));
    RC(get_filter(f, fd, 8), GROUP_FILTER_SIZE(3), nm(f, "is read back"));
    OK(is_source(f, 0, 0) && is_source(f, 1, 1) && is_source(f, 2, 2), nm(f, "as it was set"));
    RC(by_request(f, fd, MCAST_LEAVE_SOURCE_GROUP, 1), 0, nm(f, "leave the one in the middle"));
    RC(get_filter(f, fd, 8), GROUP_FILTER_SIZE(2), nm(f, "two are left"));
    OK(is_source(f, 0, 0) && is_source(f, 1, 2), nm(f, "first and last"));
    RC(set_filter(f, fd, MCAST_EXCLUDE, 0), 0, nm(f, "an empty one that excludes"));
    RC(get_filter(f, fd, 8), GROUP_FILTER_SIZE(0), nm(f, "comes back"));
    EQ(filter.is.gf_fmode, MCAST_EXCLUDE, nm(f, "with its mode"));
    RC(set_filter(f, fd, 7, 1), -EINVAL, nm(f, "no such mode"));
    RC(set_filter(f, fd, MCAST_EXCLUDE, most), 0, nm(f, "the most there may be"));
    RC(get_filter(f, fd, most), (long long)GROUP_FILTER_SIZE(most), nm(f, "come back"));
    OK(is_source(f, most - 1, most - 1), nm(f, "to the last"));
    RC(by_request(f, fd, MCAST_BLOCK_SOURCE, 99), -ENOBUFS, nm(f, "one more"));
    RC(set_filter(f, fd, MCAST_EXCLUDE, most + 1), -ENOBUFS, nm(f, "one more at once"));
    RC(set_filter(f, fd, MCAST_INCLUDE, 0), 0, nm(f, "nobody is a leave"));
    RC(get_filter(f, fd, 8), -EADDRNOTAVAIL, nm(f, "so no filter is there"));
    RC(set_filter(f, fd, MCAST_INCLUDE, 0), -EADDRNOTAVAIL, nm(f, "nor a group to leave"));
}

static void arguments(int f)
{
    struct group_source_req q = {.gsr_interface = 1};
    int fd = udp(f), other = f == AF_INET ? AF_INET6 : AF_INET;
    socklen_t len = GROUP_FILTER_SIZE(0) - 1;
    RC(setsockopt(fd, level_of(f), MCAST_JOIN_SOURCE_GROUP, &q, sizeof(q) - 1), -EINVAL,
       nm(f, "a short request"));
    RC(setsockopt(fd, level_of(f), MCAST_JOIN_SOURCE_GROUP, &q, sizeof(q)), -EADDRNOTAVAIL,
       nm(f, "of no family"));
    address(f, 0, false, &q.gsr_group);
    address(f, 0, false, &q.gsr_source);
    RC(setsockopt(fd, level_of(f), MCAST_JOIN_SOURCE_GROUP, &q, sizeof(q)), -EINVAL,
       nm(f, "not a group"));
    RC(setsockopt(fd, level_of(f), MCAST_BLOCK_SOURCE, &q, sizeof(q)), -EINVAL,
       nm(f, "block, not a group"));
    address(f, 0, true, &q.gsr_group);
    q.gsr_interface = 99;
    RC(setsockopt(fd, level_of(f), MCAST_JOIN_SOURCE_GROUP, &q, sizeof(q)), -ENODEV,
       nm(f, "no such link"));
    RC(setsockopt(fd, level_of(f), MCAST_BLOCK_SOURCE, &q, sizeof(q)), -ENODEV,
       nm(f, "block, no such link"));
    address(other, 0, false, &q.gsr_source);
    RC(setsockopt(fd, level_of(f), MCAST_JOIN_SOURCE_GROUP, &q, sizeof(q)), -EADDRNOTAVAIL,
       nm(f, "a source of the other family"));
    set_filter(f, fd, MCAST_EXCLUDE, 2);
    RC(setsockopt(fd, level_of(f), MCAST_MSFILTER, &filter, GROUP_FILTER_SIZE(0) - 1), -EINVAL,
       nm(f, "a short filter"));
    RC(setsockopt(fd, level_of(f), MCAST_MSFILTER, &filter, GROUP_FILTER_SIZE(1)), -EINVAL,
       nm(f, "shorter than it says"));
    RC(getsockopt(fd, level_of(f), MCAST_MSFILTER, &filter, &len), -EINVAL,
       nm(f, "too little room for a filter"));
    memset(&filter, 0, sizeof(filter));
    len = GROUP_FILTER_SIZE(0);
    RC(getsockopt(fd, level_of(f), MCAST_MSFILTER, &filter, &len),
       f == AF_INET ? -EINVAL : -EADDRNOTAVAIL, nm(f, "a filter of no family"));
    RC(set_filter(f, tcp(f), MCAST_EXCLUDE, 1), -EINVAL, nm(f, "a stream's filter"));
    RC(get_filter(f, tcp(f), 1), -EADDRNOTAVAIL, nm(f, "a stream has none"));
}

/* The forms that IPv4 alone has. */
static void older_forms(int f)
{
    union {
        struct ip_msfilter is;
        char room[IP_MSFILTER_SIZE(4)];
    } m = {.is = {.imsf_multiaddr = {htonl(GROUP)},
                  .imsf_interface = {htonl(LO)},
                  .imsf_fmode = MCAST_EXCLUDE,
                  .imsf_numsrc = 4}};
    socklen_t len = sizeof(m);
    int fd = udp(AF_INET);
    if (f == AF_INET6)
        return;
    RC(by_source(fd, IP_DROP_SOURCE_MEMBERSHIP, GROUP, LO), -EINVAL, nm(f, "leave, not joined"));
    RC(by_source(fd, IP_ADD_SOURCE_MEMBERSHIP, LO, LO), -EINVAL, nm(f, "join no group"));
    RC(by_source(fd, IP_ADD_SOURCE_MEMBERSHIP, GROUP, LO), 0, nm(f, "join by source"));
    RC(by_source(fd, IP_ADD_SOURCE_MEMBERSHIP, GROUP, LO), -EADDRNOTAVAIL, nm(f, "twice"));
    RC(setsockopt(fd, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &m, 11), -EINVAL, nm(f, "short"));
    RC(setsockopt(fd, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &m, 16), -EINVAL, nm(f, "long"));
    RC(getsockopt(fd, IPPROTO_IP, IP_MSFILTER, &m, &len), 0, nm(f, "read the filter"));
    EQ(len, IP_MSFILTER_SIZE(1), nm(f, "its length"));
    EQ(m.is.imsf_fmode, MCAST_INCLUDE, nm(f, "its mode"));
    EQ(m.is.imsf_numsrc, 1, nm(f, "its count"));
    EQ(ntohl(m.is.imsf_slist[0].s_addr), LO, nm(f, "its source"));
    m.is.imsf_fmode = MCAST_EXCLUDE;
    m.is.imsf_numsrc = 2;
    m.is.imsf_slist[1].s_addr = htonl(THIRD);
    RC(setsockopt(fd, IPPROTO_IP, IP_MSFILTER, &m, IP_MSFILTER_SIZE(1)), -EINVAL,
       nm(f, "a filter shorter than it says"));
    RC(setsockopt(fd, IPPROTO_IP, IP_MSFILTER, &m, 15), -EINVAL, nm(f, "a filter too short"));
    RC(setsockopt(fd, IPPROTO_IP, IP_MSFILTER, &m, IP_MSFILTER_SIZE(2)), 0, nm(f, "set it"));
    RC(by_source(fd, IP_UNBLOCK_SOURCE, GROUP, THIRD), 0, nm(f, "unblock one"));
    RC(by_source(fd, IP_DROP_SOURCE_MEMBERSHIP, GROUP, LO), -EINVAL, nm(f, "not by leaving"));
    m.is.imsf_numsrc = 11;
    RC(setsockopt(fd, IPPROTO_IP, IP_MSFILTER, &m, sizeof(m)), -ENOBUFS, nm(f, "too many"));
    len = 15;
    RC(getsockopt(fd, IPPROTO_IP, IP_MSFILTER, &m, &len), -EINVAL, nm(f, "too little room"));
    m.is.imsf_multiaddr.s_addr = htonl(GROUP + 1);
    len = sizeof(m);
    RC(getsockopt(fd, IPPROTO_IP, IP_MSFILTER, &m, &len), -EADDRNOTAVAIL, nm(f, "not a member"));
    m.is.imsf_multiaddr.s_addr = htonl(LO);
    RC(getsockopt(fd, IPPROTO_IP, IP_MSFILTER, &m, &len), -EINVAL, nm(f, "no group at all"));
}

static int member(int port)
{
    int fd = udp(AF_INET);
    MUST(setopt(fd, SOL_SOCKET, SO_REUSEADDR, 1));
    MUST(bind_to(fd, ip4(INADDR_ANY, port)));
    return fd;
}

static void say(uint32_t source, int port, const char *what)
{
    struct ip_mreqn by = {{0}, {0}, 1};
    int s = udp(AF_INET);
    MUST(bind_to(s, ip4(source, 0)));
    MUST(setsockopt(s, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof(by)));
    MUST(send_to(s, what, 1, ip4(GROUP, port)));
    MUST(close(s));
}

/* All that fd has heard, in order. */
static const char *heard(int fd)
{
    static char all[16];
    size_t n = 0;
    while (n < sizeof(all) - 1 && recv(fd, all + n, 1, MSG_DONTWAIT) == 1)
        n++;
    all[n] = 0;
    return all;
}

#define HEARD(fd, what, name) OK(strcmp(heard(fd), (what)) == 0, (name))

static void say_all(int port)
{
    say(LO, port, "a");
    say(NEIGHBOR, port, "b");
    say(THIRD, port, "c");
}

static void delivery(int f)
{
    int one, two, all, blocks, port;
    if (f == AF_INET6)
        return;
    one = member(0);
    port = port_of(name_of(one));
    all = member(port);
    MUST(by_source(one, IP_ADD_SOURCE_MEMBERSHIP, GROUP, NEIGHBOR));
    say_all(port);
    HEARD(one, "b", nm(f, "a member by source hears it"));
    HEARD(all, "b", nm(f, "who has not joined hears what comes in"));
    two = member(port);
    MUST(by_source(two, IP_ADD_SOURCE_MEMBERSHIP, GROUP, THIRD));
    MUST(by_source(two, IP_ADD_SOURCE_MEMBERSHIP, GROUP, LO));
    say_all(port);
    HEARD(one, "b", nm(f, "the first hears its source"));
    HEARD(two, "ac", nm(f, "the second its two"));
    HEARD(all, "abc", nm(f, "who has not joined hears all"));
    blocks = member(port);
    MUST(join(blocks));
    MUST(by_source(blocks, IP_BLOCK_SOURCE, GROUP, LO));
    say_all(port);
    HEARD(blocks, "bc", nm(f, "who blocks one hears the others"));
    HEARD(two, "ac", nm(f, "which changes nothing for another"));
    MUST(by_source(blocks, IP_UNBLOCK_SOURCE, GROUP, LO));
    say_all(port);
    HEARD(blocks, "abc", nm(f, "until it is unblocked"));
    HEARD(one, "bb", nm(f, "the first heard its source all the time"));
}

/* What no member wants does not come in at all. */
static void coming_in(int f)
{
    int blocks, all, port;
    if (f == AF_INET6)
        return;
    blocks = member(0);
    port = port_of(name_of(blocks));
    all = member(port);
    say_all(port);
    HEARD(all, "", nm(f, "nobody has joined"));
    MUST(join(blocks));
    MUST(by_source(blocks, IP_BLOCK_SOURCE, GROUP, THIRD));
    say_all(port);
    HEARD(all, "ab", nm(f, "the only member blocks one"));
    MUST(by_source(blocks, IP_UNBLOCK_SOURCE, GROUP, THIRD));
    say_all(port);
    HEARD(all, "abc", nm(f, "and no longer"));
    RC(set_filter(AF_INET, blocks, MCAST_INCLUDE, 2), 0, nm(f, "it chooses two"));
    say_all(port);
    HEARD(all, "ab", nm(f, "these come in"));
    HEARD(blocks, "ababcab", nm(f, "it heard what it wanted"));
    RC(set_filter(AF_INET, blocks, MCAST_INCLUDE, 0), 0, nm(f, "it leaves"));
    say_all(port);
    HEARD(all, "", nm(f, "nothing comes"));
    MUST(by_source(blocks, IP_ADD_SOURCE_MEMBERSHIP, GROUP, LO));
    MUST(close(blocks));
    say_all(port);
    HEARD(all, "", nm(f, "nor when the only member is closed"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(lists),     CASE(blocking),    CASE(whole),
                                         CASE(arguments), CASE(older_forms), CASE(delivery),
                                         CASE(coming_in)};
    return run_cases(cases, COUNT(cases));
}
