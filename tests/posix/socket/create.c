/* socket(): families, types, protocols, flags, and what a fresh socket says. */
#include "../lib.h"

#include <sys/resource.h>

/* NetSem socket_1. */
static void arguments(int f)
{
    static const struct {
        const char *situation;
        int type, protocol, want;
    } rows[] = {
        {"stream", SOCK_STREAM, 0, 0},
        {"stream, TCP", SOCK_STREAM, IPPROTO_TCP, 0},
        {"stream, UDP", SOCK_STREAM, IPPROTO_UDP, -EPROTONOSUPPORT},
        {"stream, protocol 255", SOCK_STREAM, 255, -EPROTONOSUPPORT},
        {"stream, protocol -1", SOCK_STREAM, -1, -EINVAL},
        {"stream, protocol 1000", SOCK_STREAM, 1000, -EINVAL},
        {"datagram", SOCK_DGRAM, 0, 0},
        {"datagram, UDP", SOCK_DGRAM, IPPROTO_UDP, 0},
        {"datagram, TCP", SOCK_DGRAM, IPPROTO_TCP, -EPROTONOSUPPORT},
        {"reliably delivered messages", SOCK_RDM, 0, -ESOCKTNOSUPPORT},
        {"type 0", 0, 0, -ESOCKTNOSUPPORT},
        {"type 11", 11, 0, -EINVAL},
        {"type -1", -1, 0, -EINVAL},
        {"unknown flag", SOCK_STREAM | 0x10, 0, -EINVAL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        long long got = r(socket(f, rows[i].type, rows[i].protocol));
        EQ(got > 0 ? 0 : got, rows[i].want, nm(f, "socket, %s", rows[i].situation));
    }
}

static void families(int f)
{
    RC(socket(AF_UNSPEC, SOCK_STREAM, 0), -EAFNOSUPPORT, nm(f, "socket, family 0"));
    RC(socket(AF_MAX + 60, SOCK_STREAM, 0), -EAFNOSUPPORT, nm(f, "socket, family too large"));
    RC(socket(-1, SOCK_STREAM, 0), -EAFNOSUPPORT, nm(f, "socket, family -1"));
    RC(socket(AF_MAX + 60, 7, 0), -EAFNOSUPPORT, nm(f, "socket, wrong family before wrong type"));
    RC(socket(AF_MAX + 60, 0x11, 0), -EINVAL, nm(f, "socket, unknown flag before wrong family"));
}

static void flags(int f)
{
    int plain = tcp(f);
    EQ(fcntl(plain, F_GETFL) & O_NONBLOCK, 0, nm(f, "socket without flags blocks"));
    EQ(fcntl(plain, F_GETFD), 0, nm(f, "socket without flags survives exec"));
    EQ(fcntl(plain, F_GETFL) & O_ACCMODE, O_RDWR, nm(f, "socket is open for both"));
    int both = MUST(socket(f, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    EQ(fcntl(both, F_GETFL) & O_NONBLOCK, O_NONBLOCK, nm(f, "SOCK_NONBLOCK sets O_NONBLOCK"));
    EQ(fcntl(both, F_GETFD), FD_CLOEXEC, nm(f, "SOCK_CLOEXEC sets FD_CLOEXEC"));
    int dgram = MUST(socket(f, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    EQ(fcntl(dgram, F_GETFL) & O_NONBLOCK, O_NONBLOCK, nm(f, "datagram, SOCK_NONBLOCK"));
    EQ(fcntl(dgram, F_GETFD), FD_CLOEXEC, nm(f, "datagram, SOCK_CLOEXEC"));
}

/* NetSem socket_2, resourcefail_1. */
static void descriptors(int f)
{
    int a = tcp(f), b = tcp(f);
    EQ(b, a + 1, nm(f, "socket takes the lowest descriptors in turn"));
    close(a);
    EQ(tcp(f), a, nm(f, "socket takes a freed descriptor again"));
    struct rlimit rl = {(rlim_t)b + 1, (rlim_t)b + 1};
    MUST(setrlimit(RLIMIT_NOFILE, &rl));
    RC(socket(f, SOCK_STREAM, 0), -EMFILE, nm(f, "socket, no descriptor left"));
    RC(socket(f, SOCK_DGRAM, 0), -EMFILE, nm(f, "datagram socket, no descriptor left"));
    close(b);
    RC(socket(f, SOCK_STREAM, 0), b, nm(f, "socket after a descriptor came free"));
}

static void fresh_stream(int f)
{
    char c = 0;
    int fd = tcp(f);
    EQ(getopt_of(fd, SOL_SOCKET, SO_TYPE), SOCK_STREAM, nm(f, "fresh stream, SO_TYPE"));
    EQ(getopt_of(fd, SOL_SOCKET, SO_DOMAIN), f, nm(f, "fresh stream, SO_DOMAIN"));
    EQ(getopt_of(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP, nm(f, "fresh stream, SO_PROTOCOL"));
    EQ(getopt_of(fd, SOL_SOCKET, SO_ACCEPTCONN), 0, nm(f, "fresh stream, SO_ACCEPTCONN"));
    EQ(so_error(fd), 0, nm(f, "fresh stream, SO_ERROR"));
    OK(same(name_of(fd), any(f, 0)), nm(f, "fresh stream has the unspecified name"));
    EQ(peer_error(fd), -ENOTCONN, nm(f, "fresh stream, getpeername"));
    RC(recv(fd, &c, 1, 0), -ENOTCONN, nm(f, "fresh stream, recv"));
    RC(read(fd, &c, 1), -ENOTCONN, nm(f, "fresh stream, read"));
    RC(send(fd, &c, 1, MSG_NOSIGNAL), -EPIPE, nm(f, "fresh stream, send"));
    RC(accept(fd, NULL, NULL), -EINVAL, nm(f, "fresh stream, accept"));
    MASK(fd, POLLOUT | POLLHUP, nm(f, "fresh stream, mask OUT HUP"));
}

static void fresh_datagram(int f)
{
    char c = 0;
    int fd = udp(f);
    EQ(getopt_of(fd, SOL_SOCKET, SO_TYPE), SOCK_DGRAM, nm(f, "fresh datagram, SO_TYPE"));
    EQ(getopt_of(fd, SOL_SOCKET, SO_DOMAIN), f, nm(f, "fresh datagram, SO_DOMAIN"));
    EQ(getopt_of(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP, nm(f, "fresh datagram, SO_PROTOCOL"));
    EQ(getopt_of(fd, SOL_SOCKET, SO_ACCEPTCONN), 0, nm(f, "fresh datagram, SO_ACCEPTCONN"));
    OK(same(name_of(fd), any(f, 0)), nm(f, "fresh datagram has the unspecified name"));
    RC(recv(fd, &c, 1, MSG_DONTWAIT), -EAGAIN, nm(f, "fresh datagram, recv MSG_DONTWAIT"));
    RC(send(fd, &c, 1, 0), -EDESTADDRREQ, nm(f, "fresh datagram, send"));
    RC(listen(fd, 1), -EOPNOTSUPP, nm(f, "fresh datagram, listen"));
    RC(accept(fd, NULL, NULL), -EOPNOTSUPP, nm(f, "fresh datagram, accept"));
    MASK(fd, POLLOUT, nm(f, "fresh datagram, mask OUT"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(arguments),    CASE(families),
                                         CASE(flags),        CASE(descriptors),
                                         CASE(fresh_stream), CASE(fresh_datagram)};
    return run_cases(cases, COUNT(cases));
}
