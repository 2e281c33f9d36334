/* Options that are the administrator's, and those that look so: for one without capabilities, and
 * for root. IPV6_ADDRFORM. */
#include "../lib.h"

#include <linux/capability.h>
#include <sys/syscall.h>

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

enum { ANY = 0, STREAM = SOCK_STREAM };

static const struct row {
    const char *option;
    int level, name, value, type, ordinary, root;
    int after; /* root reads, where it may set */
} rows[] = {
    {"SO_MARK 0", SOL_SOCKET, SO_MARK, 0, ANY, -EPERM, 0, 0},
    {"SO_MARK 5", SOL_SOCKET, SO_MARK, 5, ANY, -EPERM, 0, 5},
    {"SO_PRIORITY 0", SOL_SOCKET, SO_PRIORITY, 0, ANY, 0, 0, 0},
    {"SO_PRIORITY 6", SOL_SOCKET, SO_PRIORITY, 6, ANY, 0, 0, 6},
    {"SO_PRIORITY 7", SOL_SOCKET, SO_PRIORITY, 7, ANY, -EPERM, 0, 7},
    {"SO_PRIORITY -1", SOL_SOCKET, SO_PRIORITY, -1, ANY, -EPERM, 0, -1},
    {"SO_BUSY_POLL 0", SOL_SOCKET, SO_BUSY_POLL, 0, ANY, 0, 0, 0},
    {"SO_BUSY_POLL -1", SOL_SOCKET, SO_BUSY_POLL, -1, ANY, -EINVAL, -EINVAL, 0},
    {"SO_SNDBUFFORCE", SOL_SOCKET, SO_SNDBUFFORCE, 1000000, ANY, -EPERM, 0, -ENOPROTOOPT},
    {"SO_RCVBUFFORCE", SOL_SOCKET, SO_RCVBUFFORCE, 1000000, ANY, -EPERM, 0, -ENOPROTOOPT},
    {"SO_DEBUG", SOL_SOCKET, SO_DEBUG, 1, ANY, -EACCES, 0, 1},
    {"SO_DEBUG off", SOL_SOCKET, SO_DEBUG, 0, ANY, 0, 0, 0},
    {"SO_PASSCRED", SOL_SOCKET, SO_PASSCRED, 1, ANY, -EOPNOTSUPP, -EOPNOTSUPP, -EOPNOTSUPP},
    {"SO_PEERCRED", SOL_SOCKET, SO_PEERCRED, 1, ANY, -ENOPROTOOPT, -ENOPROTOOPT, 0},
    {"SO_SELECT_ERR_QUEUE", SOL_SOCKET, SO_SELECT_ERR_QUEUE, 1, ANY, 0, 0, 1},
    {"IP_TRANSPARENT", IPPROTO_IP, IP_TRANSPARENT, 1, ANY, -EPERM, 0, 1},
    {"IP_TRANSPARENT off", IPPROTO_IP, IP_TRANSPARENT, 0, ANY, 0, 0, 0},
    {"IP_FREEBIND", IPPROTO_IP, IP_FREEBIND, 1, ANY, 0, 0, 1},
    {"TCP_REPAIR_QUEUE", IPPROTO_TCP, TCP_REPAIR_QUEUE, 1, STREAM, -EPERM, -EPERM, -EINVAL},
    {"TCP_QUEUE_SEQ", IPPROTO_TCP, TCP_QUEUE_SEQ, 1, STREAM, -EINVAL, -EINVAL, -EINVAL},
    {"TCP_TIMESTAMP", IPPROTO_TCP, TCP_TIMESTAMP, 1, STREAM, -EPERM, -EPERM, 0},
    {"TCP_FASTOPEN -1", IPPROTO_TCP, TCP_FASTOPEN, -1, STREAM, -EINVAL, -EINVAL, 0},
    {"TCP_FASTOPEN 5", IPPROTO_TCP, TCP_FASTOPEN, 5, STREAM, 0, 0, 5},
    {"TCP_FASTOPEN_CONNECT 1", IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1, STREAM, 0, 0, 1},
    {"TCP_FASTOPEN_CONNECT 2", IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 2, STREAM, -EINVAL, -EINVAL, 0},
};

static void drop_capabilities(void)
{
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};

    MUST(syscall(SYS_capset, &head, none));
}

static void check(int f, int type, bool is_root)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct row *row = &rows[i];
        int fd, want = is_root ? row->root : row->ordinary;
        const char *who = is_root ? "root" : "ordinary";
        const char *kind = type == SOCK_STREAM ? "stream" : "datagrams";

        if (row->type && row->type != type)
            continue;
        fd = MUST(socket(f, type, 0));
        RC(setopt(fd, row->level, row->name, row->value), want,
           nm(f, "%s, %s, %s", who, kind, row->option));
        if (want == 0 && row->name != TCP_TIMESTAMP)
            EQ(getopt_of(fd, row->level, row->name), row->after,
               nm(f, "%s, %s, %s, read", who, kind, row->option));
        close(fd);
    }
}

static void root(int f)
{
    check(f, SOCK_STREAM, true);
    check(f, SOCK_DGRAM, true);
}

static void ordinary(int f)
{
    drop_capabilities();
    check(f, SOCK_STREAM, false);
    check(f, SOCK_DGRAM, false);
}

/* C18. NetSem bind_7. */
static void low_ports(int f)
{
    struct addr a = any(f, 1023);
    drop_capabilities();
    RC(bind_to(tcp(f), a), -EACCES, nm(f, "ordinary, bind to port 1023"));
    RC(bind_to(udp(f), a), -EACCES, nm(f, "ordinary, datagrams, bind to port 1023"));
    RC(bind_to(tcp(f), any(f, 1024)), 0, nm(f, "ordinary, bind to port 1024"));
}

/* An ordinary user may bind to a link, and stay there. */
static void link_for_good(int f)
{
    int fd = udp(f), b = tcp(f);
    drop_capabilities();
    RC(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2), 0, nm(f, "link, bind to lo"));
    EQ(getopt_of(fd, SOL_SOCKET, SO_BINDTOIFINDEX), 1, nm(f, "link, its index"));
    RC(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0), -EPERM, nm(f, "link, leave it"));
    RC(setopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, 1), -EPERM, nm(f, "link, the same once more"));
    RC(setsockopt(b, SOL_SOCKET, SO_BINDTODEVICE, "nolink", 6), -ENODEV, nm(f, "link, no such"));
    RC(setopt(b, SOL_SOCKET, SO_BINDTOIFINDEX, -1), -EINVAL, nm(f, "link, index -1"));
    RC(setopt(b, SOL_SOCKET, SO_BINDTOIFINDEX, 99), 0, nm(f, "link, an index that is nobody's"));
}

static void link_for_now(int f)
{
    int fd = udp(f);
    RC(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), 0, nm(f, "root, bind to lo"));
    RC(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0), 0, nm(f, "root, leave it"));
    EQ(getopt_of(fd, SOL_SOCKET, SO_BINDTOIFINDEX), 0, nm(f, "root, it is left"));
}

static int family_of(int fd)
{
    return name_of(fd).u.sa.sa_family;
}

static void address_form(int f)
{
    struct addr a, to;
    int l, fd;
    if (f == AF_INET) {
        RC(setopt(tcp(f), IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET), -ENOPROTOOPT,
           nm(f, "address form"));
        return;
    }
    l = listener(AF_INET, 4, &a);
    to = mapped(INADDR_LOOPBACK, port_of(a));
    RC(setopt(tcp(f), IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET), -ENOTCONN,
       nm(f, "address form, not connected"));
    RC(setopt(tcp(f), IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET6), -EINVAL,
       nm(f, "address form, to AF_INET6"));
    fd = tcp(f);
    MUST(connect_to(fd, to));
    RC(setopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET), 0, nm(f, "address form, mapped"));
    EQ(family_of(fd), AF_INET, nm(f, "address form, its name is IPv4's"));
    EQ(getopt_of(fd, SOL_SOCKET, SO_DOMAIN), AF_INET, nm(f, "address form, its domain"));
    OK(same(peer_of(fd), a), nm(f, "address form, its peer"));
    RC(send(fd, "x", 1, 0), 1, nm(f, "address form, it goes on"));
    fd = udp(f);
    MUST(connect_to(fd, to));
    RC(setopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET), 0, nm(f, "address form, datagrams"));
    EQ(family_of(fd), AF_INET, nm(f, "address form, datagrams, the name"));
    MUST(l);
    listener(f, 4, &a);
    fd = tcp(f);
    MUST(connect_to(fd, a));
    RC(setopt(fd, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET), -EADDRNOTAVAIL,
       nm(f, "address form, not mapped"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(root),      CASE(ordinary),     CASE(link_for_good),
                                         CASE(low_ports), CASE(link_for_now), CASE(address_form)};
    return run_cases(cases, COUNT(cases));
}
