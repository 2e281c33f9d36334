/* Netlink sockets: their making, names, options and queues. */
#include "talk.h"

#include <linux/sock_diag.h>
#include <net/if.h>
#include <sys/un.h>

static void creation(int f)
{
    int fd = MUST(socket(AF_NETLINK, nl_type(f) | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE));
    RC(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK, nm(f, "SOCK_NONBLOCK"));
    RC(fcntl(fd, F_GETFD), FD_CLOEXEC, nm(f, "SOCK_CLOEXEC"));
    RC(getopt_of(fd, SOL_SOCKET, SO_DOMAIN), AF_NETLINK, nm(f, "SO_DOMAIN"));
    RC(getopt_of(fd, SOL_SOCKET, SO_TYPE), nl_type(f), nm(f, "SO_TYPE"));
    RC(getopt_of(fd, SOL_SOCKET, SO_PROTOCOL), NETLINK_ROUTE, nm(f, "SO_PROTOCOL"));
    RC(getopt_of(fd, SOL_SOCKET, SO_ACCEPTCONN), 0, nm(f, "SO_ACCEPTCONN"));
    RC(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE), -ESOCKTNOSUPPORT, nm(f, "a stream"));
    RC(socket(AF_NETLINK, SOCK_SEQPACKET, NETLINK_ROUTE), -ESOCKTNOSUPPORT, nm(f, "a seqpacket"));
    RC(socket(AF_NETLINK, nl_type(f), 99), -EPROTONOSUPPORT, nm(f, "protocol 99"));
    RC(socket(AF_NETLINK, nl_type(f), -1), -EPROTONOSUPPORT, nm(f, "protocol -1"));
    MASK(fd, POLLOUT, nm(f, "fresh, mask"));
}

static int bind_port(int fd, unsigned port, unsigned groups)
{
    struct sockaddr_nl a = nl_addr(port, groups);
    return bind(fd, (struct sockaddr *)&a, sizeof(a));
}

static void names(int f)
{
    struct sockaddr_nl a = {0};
    socklen_t len = 100;
    int fd = nl_socket(f, NETLINK_ROUTE), other = nl_socket(f, NETLINK_ROUTE);
    RC(getsockname(fd, (struct sockaddr *)&a, &len), 0, nm(f, "getsockname, fresh"));
    EQ(len, sizeof(a), nm(f, "getsockname, the length"));
    EQ(a.nl_family, AF_NETLINK, nm(f, "getsockname, the family"));
    EQ(a.nl_pid, 0, nm(f, "fresh, no port id"));
    RC(bind(fd, (struct sockaddr *)&a, sizeof(a) - 1), -EINVAL, nm(f, "bind, a short address"));
    a.nl_family = AF_INET;
    RC(bind(fd, (struct sockaddr *)&a, sizeof(a)), -EINVAL, nm(f, "bind, another family"));
    RC(bind_port(fd, 0, 0), 0, nm(f, "bind to 0"));
    EQ(nl_name(fd).nl_pid, getpid(), nm(f, "is the process's id"));
    RC(bind_port(fd, 0, 0), -EINVAL, nm(f, "bind to 0 again"));
    RC(bind_port(fd, (unsigned)getpid(), 0), 0, nm(f, "bind to the same again"));
    RC(bind_port(other, (unsigned)getpid(), 0), -EADDRINUSE, nm(f, "bind to a taken one"));
    RC(bind_port(other, 0, 0), 0, nm(f, "bind another to 0"));
    OK(nl_name(other).nl_pid != (unsigned)getpid() && (int)nl_name(other).nl_pid < 0,
       nm(f, "the other has a negative one"));
    RC(bind_port(nl_socket(f, NETLINK_ROUTE), 4242, 0), 0, nm(f, "bind to a number"));
    RC(bind_port(nl_socket(f, NETLINK_SOCK_DIAG), 4242, 0), 0,
       nm(f, "bind to the same of another protocol"));
}

static int connect_port(int fd, unsigned port)
{
    struct sockaddr_nl a = nl_addr(port, 0);
    return connect(fd, (struct sockaddr *)&a, sizeof(a));
}

static void peers(int f)
{
    struct sockaddr_nl a = nl_addr(0, 0);
    struct addr none = unspec();
    socklen_t len = sizeof(a);
    int fd = nl_socket(f, NETLINK_ROUTE);
    RC(getpeername(fd, (struct sockaddr *)&a, &len), 0, nm(f, "getpeername, fresh"));
    EQ(a.nl_pid, 0, nm(f, "getpeername, fresh, the kernel"));
    RC(connect(fd, (struct sockaddr *)&a, 1), -EINVAL, nm(f, "connect, one byte"));
    RC(connect(fd, (struct sockaddr *)&a, sizeof(a) - 1), -EINVAL, nm(f, "connect, short"));
    RC(connect_port(fd, 0), 0, nm(f, "connect to the kernel"));
    OK(nl_name(fd).nl_pid != 0, nm(f, "connect binds"));
    RC(connect_port(fd, 12345), 0, nm(f, "connect to a number"));
    RC(getpeername(fd, (struct sockaddr *)&a, &len), 0, nm(f, "getpeername"));
    EQ(a.nl_pid, 12345, nm(f, "getpeername, the number"));
    RC(sendto(fd, "01234567890123456789", 20, 0, NULL, 0), -ECONNREFUSED,
       nm(f, "send where nobody is"));
    RC(connect(fd, &none.u.sa, sizeof(none.u.sa)), 0, nm(f, "connect to AF_UNSPEC"));
    RC(getpeername(fd, (struct sockaddr *)&a, &len), 0, nm(f, "dissolved, getpeername"));
    EQ(a.nl_pid, 0, nm(f, "dissolved, the kernel"));
}

static void between(int f)
{
    int one = nl_socket(f, NETLINK_ROUTE), two = nl_socket(f, NETLINK_ROUTE);
    struct sockaddr_nl a = nl_addr(0, 0), from = {0};
    socklen_t len = sizeof(from);
    char got[64];
    MUST(bind_port(one, 0, 0));
    MUST(bind_port(two, 0, 0));
    a.nl_pid = nl_name(two).nl_pid;
    RC(sendto(one, "hello", 5, 0, (struct sockaddr *)&a, sizeof(a)), 5, nm(f, "to another"));
    RC(recvfrom(two, got, sizeof(got), 0, (struct sockaddr *)&from, &len), 5,
       nm(f, "from another"));
    EQ(from.nl_pid, nl_name(one).nl_pid, nm(f, "which says from whom"));
}

static void refused(int f)
{
    int fd = nl_socket(f, NETLINK_ROUTE);
    struct sockaddr_nl a = nl_addr(0, 0);
    char c;
    RC(listen(fd, 1), -EOPNOTSUPP, nm(f, "listen"));
    RC(accept(fd, NULL, NULL), -EOPNOTSUPP, nm(f, "accept"));
    RC(shutdown(fd, SHUT_WR), -EOPNOTSUPP, nm(f, "shutdown"));
    RC(recv(fd, &c, 1, MSG_DONTWAIT), -EAGAIN, nm(f, "recv, nothing there"));
    RC(sendto(fd, &c, 1, 0, (struct sockaddr *)&a, 8), -EINVAL, nm(f, "sendto, short address"));
    a.nl_family = AF_INET;
    RC(sendto(fd, &c, 1, 0, (struct sockaddr *)&a, sizeof(a)), -EINVAL,
       nm(f, "sendto, another family"));
    a.nl_family = AF_NETLINK;
    RC(sendto(fd, &c, 1, MSG_OOB, (struct sockaddr *)&a, sizeof(a)), -EOPNOTSUPP,
       nm(f, "sendto, MSG_OOB"));
    RC(sendto(fd, &c, 1, 0, (struct sockaddr *)&a, sizeof(a)), 1,
       nm(f, "sendto, less than a header"));
    RC(recv(fd, &c, 1, MSG_DONTWAIT), -EAGAIN, nm(f, "which nobody answers"));
    OK(nl_name(fd).nl_pid != 0, nm(f, "sendto binds"));
}

static void switches(int f)
{
    static const struct {
        int name;
        const char *text;
    } rows[] = {
        {NETLINK_PKTINFO, "NETLINK_PKTINFO"},
        {NETLINK_BROADCAST_ERROR, "NETLINK_BROADCAST_ERROR"},
        {NETLINK_NO_ENOBUFS, "NETLINK_NO_ENOBUFS"},
        {NETLINK_CAP_ACK, "NETLINK_CAP_ACK"},
        {NETLINK_EXT_ACK, "NETLINK_EXT_ACK"},
        {NETLINK_GET_STRICT_CHK, "NETLINK_GET_STRICT_CHK"},
    };
    int fd = nl_socket(f, NETLINK_ROUTE), v = 1;
    socklen_t len = 2;
    for (size_t i = 0; i < COUNT(rows); i++) {
        RC(getopt_of(fd, SOL_NETLINK, rows[i].name), 0, nm(f, "%s is off", rows[i].text));
        RC(setopt(fd, SOL_NETLINK, rows[i].name, 5), 0, nm(f, "%s, set", rows[i].text));
        RC(getopt_of(fd, SOL_NETLINK, rows[i].name), 1, nm(f, "%s is on", rows[i].text));
    }
    RC(setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &v, 2), 0, nm(f, "set, short"));
    RC(getopt_of(fd, SOL_NETLINK, NETLINK_EXT_ACK), 0, nm(f, "set, short, is 0"));
    RC(getsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &v, &len), -EINVAL, nm(f, "get, short"));
    RC(setopt(fd, SOL_NETLINK, 99, 1), -ENOPROTOOPT, nm(f, "option 99, set"));
    RC(getopt_of(fd, SOL_NETLINK, 99), -ENOPROTOOPT, nm(f, "option 99, get"));
    RC(setopt(fd, IPPROTO_TCP, TCP_NODELAY, 1), -ENOPROTOOPT, nm(f, "level TCP, set"));
    RC(getopt_of(fd, IPPROTO_TCP, TCP_NODELAY), -ENOPROTOOPT, nm(f, "level TCP, get"));
    RC(setopt(fd, SOL_SOCKET, SO_RCVBUF, 32768), 0, nm(f, "SO_RCVBUF"));
    RC(getopt_of(fd, SOL_SOCKET, SO_RCVBUF), 65536, nm(f, "SO_RCVBUF, doubled"));
    RC(setopt(fd, SOL_SOCKET, SO_SNDBUF, 32768), 0, nm(f, "SO_SNDBUF"));
    RC(getopt_of(fd, SOL_SOCKET, SO_SNDBUF), 65536, nm(f, "SO_SNDBUF, doubled"));
}

static void groups(int f)
{
    int fd = nl_socket(f, NETLINK_ROUTE);
    unsigned words[8] = {0};
    socklen_t len = sizeof(words);
    RC(bind_port(fd, 0, RTMGRP_LINK | RTMGRP_IPV4_IFADDR), 0, nm(f, "bind with groups"));
    EQ(nl_name(fd).nl_groups, RTMGRP_LINK | RTMGRP_IPV4_IFADDR, nm(f, "getsockname tells them"));
    RC(setopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, RTNLGRP_IPV6_IFADDR), 0, nm(f, "join"));
    RC(setopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, RTNLGRP_NSID), 0, nm(f, "join the 28th"));
    RC(setopt(fd, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, RTNLGRP_LINK), 0, nm(f, "leave"));
    RC(setopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, 0), -EINVAL, nm(f, "join group 0"));
    RC(setopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, 9999), -EINVAL, nm(f, "join group 9999"));
    RC(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, words, &len), 0, nm(f, "list"));
    EQ(words[0], RTMGRP_IPV4_IFADDR | 1u << (RTNLGRP_IPV6_IFADDR - 1) | 1u << (RTNLGRP_NSID - 1),
       nm(f, "the groups"));
    EQ(len, 8, nm(f, "as many words as there may be"));
    EQ(words[1], 0, nm(f, "none in the second"));
}

/* What others than the internet's sockets are told of links. */
static void unix_ioctls(int f)
{
    int fd = MUST(socket(AF_UNIX, f == AF_INET ? SOCK_DGRAM : SOCK_STREAM, 0));
    struct ifreq q = {.ifr_name = "lo"};
    RC(ioctl(fd, SIOCGIFINDEX, &q), 0, nm(f, "AF_UNIX, SIOCGIFINDEX"));
    EQ(q.ifr_ifindex, 1, nm(f, "lo is the first"));
    memset(q.ifr_name, 0, sizeof(q.ifr_name));
    RC(ioctl(fd, SIOCGIFNAME, &q), 0, nm(f, "AF_UNIX, SIOCGIFNAME"));
    OK(strcmp(q.ifr_name, "lo") == 0, nm(f, "the first is lo"));
    RC(ioctl(fd, SIOCGIFFLAGS, &q), 0, nm(f, "AF_UNIX, SIOCGIFFLAGS"));
    EQ(q.ifr_flags, IFF_UP | IFF_LOOPBACK | IFF_RUNNING, nm(f, "its flags"));
    RC(ioctl(fd, SIOCGIFADDR, &q), -ENOTTY, nm(f, "AF_UNIX, SIOCGIFADDR"));
    strcpy(q.ifr_name, "nosuch");
    RC(ioctl(fd, SIOCGIFINDEX, &q), -ENODEV, nm(f, "AF_UNIX, no such link"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(creation), CASE(names),      CASE(peers),
                                         CASE(between),  CASE(refused),    CASE(switches),
                                         CASE(groups),   CASE(unix_ioctls)};
    return run_cases(cases, COUNT(cases));
}
