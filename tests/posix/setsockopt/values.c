/* setsockopt(), getsockopt(): what is read before anything is set, what a value becomes, what is
 * out of range. One row per option. */
#include "../lib.h"

enum { STREAM = 1, DGRAM = 2, BOTH = 3, V4 = 4, V6 = 8, ALL = 12 };

#define ROW(level, name, initial, set, after, result, who)   \
    {                                                        \
#name, level, name, initial, set, after, result, who \
    }

/* Read first; then set; then the result and what is read. */
static const struct row {
    const char *option;
    int level, name, initial, set, after, result, who;
} rows[] = {
    ROW(SOL_SOCKET, SO_REUSEADDR, 0, 5, 1, 0, BOTH | ALL),
    ROW(SOL_SOCKET, SO_REUSEPORT, 0, 5, 1, 0, BOTH | ALL),
    ROW(SOL_SOCKET, SO_KEEPALIVE, 0, 2, 1, 0, BOTH | ALL),
    ROW(SOL_SOCKET, SO_BROADCAST, 0, 3, 1, 0, DGRAM | ALL),
    ROW(SOL_SOCKET, SO_OOBINLINE, 0, -1, 1, 0, BOTH | ALL),
    ROW(SOL_SOCKET, SO_DONTROUTE, 0, 1, 1, 0, BOTH | ALL),
    ROW(SOL_SOCKET, SO_PRIORITY, 0, 6, 6, 0, BOTH | ALL),
    ROW(SOL_SOCKET, SO_RCVLOWAT, 1, 9, 9, 0, BOTH | ALL),
    ROW(SOL_SOCKET, SO_RCVLOWAT, 1, 0, 1, 0, BOTH | ALL),
    ROW(SOL_SOCKET, SO_SNDLOWAT, 1, 4, 1, -ENOPROTOOPT, BOTH | ALL),
    ROW(SOL_SOCKET, SO_TYPE, SOCK_STREAM, 2, SOCK_STREAM, -ENOPROTOOPT, STREAM | ALL),
    ROW(SOL_SOCKET, SO_ERROR, 0, 2, 0, -ENOPROTOOPT, BOTH | ALL),
    ROW(SOL_SOCKET, SO_PROTOCOL, IPPROTO_TCP, 2, IPPROTO_TCP, -ENOPROTOOPT, STREAM | ALL),
    ROW(SOL_SOCKET, SO_DOMAIN, AF_INET, 2, AF_INET, -ENOPROTOOPT, BOTH | V4),
    ROW(SOL_SOCKET, SO_DOMAIN, AF_INET6, 2, AF_INET6, -ENOPROTOOPT, BOTH | V6),
    ROW(SOL_SOCKET, SO_ACCEPTCONN, 0, 1, 0, -ENOPROTOOPT, BOTH | ALL),
    ROW(SOL_SOCKET, SO_SNDBUF, 16384, 40000, 80000, 0, STREAM | ALL),
    ROW(SOL_SOCKET, SO_SNDBUF, 16384, 0, 4608, 0, STREAM | ALL),
    ROW(SOL_SOCKET, SO_SNDBUF, 16384, 1, 4608, 0, STREAM | ALL),
    ROW(SOL_SOCKET, SO_RCVBUF, 131072, 40000, 80000, 0, STREAM | ALL),
    ROW(SOL_SOCKET, SO_RCVBUF, 131072, 0, 2304, 0, STREAM | ALL),
    ROW(SOL_SOCKET, SO_RCVBUF, 131072, 1, 2304, 0, STREAM | ALL),
    ROW(SOL_SOCKET, SO_SNDBUF, 212992, 40000, 80000, 0, DGRAM | ALL),
    ROW(SOL_SOCKET, SO_RCVBUF, 212992, 40000, 80000, 0, DGRAM | ALL),
    ROW(IPPROTO_TCP, TCP_NODELAY, 0, 7, 1, 0, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_CORK, 0, 7, 1, 0, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_MAXSEG, 536, 1000, 1000, 0, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_MAXSEG, 536, 87, 536, -EINVAL, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_MAXSEG, 536, 32768, 536, -EINVAL, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_KEEPIDLE, 7200, 100, 100, 0, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_KEEPIDLE, 7200, 32767, 32767, 0, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_KEEPIDLE, 7200, 0, 7200, -EINVAL, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_KEEPIDLE, 7200, 32768, 7200, -EINVAL, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_KEEPINTVL, 75, 10, 10, 0, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_KEEPINTVL, 75, 0, 75, -EINVAL, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_KEEPINTVL, 75, 32768, 75, -EINVAL, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_KEEPCNT, 9, 127, 127, 0, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_KEEPCNT, 9, 0, 9, -EINVAL, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_KEEPCNT, 9, 128, 9, -EINVAL, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_SYNCNT, 6, 127, 127, 0, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_SYNCNT, 6, 0, 6, -EINVAL, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_SYNCNT, 6, 128, 6, -EINVAL, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_LINGER2, 60, 5, 5, 0, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_LINGER2, 60, 121, 120, 0, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_LINGER2, 60, -4, -1, 0, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_DEFER_ACCEPT, 0, 1, 1, 0, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_DEFER_ACCEPT, 0, 4, 7, 0, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_WINDOW_CLAMP, 0, 1, 1152, 0, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_QUICKACK, 1, 0, 0, 0, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_USER_TIMEOUT, 0, 1234, 1234, 0, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_USER_TIMEOUT, 0, -1, 0, -EINVAL, STREAM | ALL),
    ROW(IPPROTO_TCP, TCP_NOTSENT_LOWAT, 0, 4096, 4096, 0, STREAM | ALL),
    ROW(IPPROTO_IP, IP_TTL, 64, 9, 9, 0, BOTH | V4),
    ROW(IPPROTO_IP, IP_TTL, 64, -1, 64, 0, BOTH | V4),
    ROW(IPPROTO_IP, IP_TTL, 64, 0, 64, -EINVAL, BOTH | V4),
    ROW(IPPROTO_IP, IP_TTL, 64, 256, 64, -EINVAL, BOTH | V4),
    ROW(IPPROTO_IP, IP_TOS, 0, 0x10, 0x10, 0, BOTH | V4),
    ROW(IPPROTO_IP, IP_TOS, 0, 0xb8, 0xb8, 0, BOTH | V4),
    ROW(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT, IP_PMTUDISC_DO, IP_PMTUDISC_DO, 0,
        BOTH | V4),
    ROW(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_WANT, 6, IP_PMTUDISC_WANT, -EINVAL, BOTH | V4),
    ROW(IPPROTO_IP, IP_RECVERR, 0, 1, 1, 0, BOTH | V4),
    ROW(IPPROTO_IP, IP_PKTINFO, 0, 1, 1, 0, DGRAM | V4),
    ROW(IPPROTO_IP, IP_RECVTTL, 0, 1, 1, 0, DGRAM | V4),
    ROW(IPPROTO_IP, IP_RECVTOS, 0, 1, 1, 0, DGRAM | V4),
    ROW(IPPROTO_IP, IP_FREEBIND, 0, 1, 1, 0, BOTH | V4),
    ROW(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 0, 1, 1, 0, BOTH | V4),
    ROW(IPPROTO_IP, IP_MULTICAST_TTL, 1, 7, 7, 0, DGRAM | V4),
    ROW(IPPROTO_IP, IP_MULTICAST_TTL, 1, 256, 1, -EINVAL, DGRAM | V4),
    ROW(IPPROTO_IP, IP_MULTICAST_LOOP, 1, 0, 0, 0, DGRAM | V4),
    ROW(IPPROTO_IP, IP_MTU, -ENOTCONN, 1, -ENOTCONN, -ENOPROTOOPT, BOTH | V4),
    ROW(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64, 9, 9, 0, BOTH | V6),
    ROW(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64, 0, 0, 0, BOTH | V6),
    ROW(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64, -1, 64, 0, BOTH | V6),
    ROW(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 64, 256, 64, -EINVAL, BOTH | V6),
    ROW(IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1, 7, 7, 0, DGRAM | V6),
    ROW(IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1, 0, 0, 0, DGRAM | V6),
    ROW(IPPROTO_IPV6, IPV6_TCLASS, 0, 0x20, 0x20, 0, BOTH | V6),
    ROW(IPPROTO_IPV6, IPV6_TCLASS, 0, 256, 0, -EINVAL, BOTH | V6),
    ROW(IPPROTO_IPV6, IPV6_V6ONLY, 0, 5, 1, 0, BOTH | V6),
    ROW(IPPROTO_IPV6, IPV6_RECVPKTINFO, 0, 1, 1, 0, BOTH | V6),
    ROW(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 0, 1, 1, 0, BOTH | V6),
    ROW(IPPROTO_IPV6, IPV6_RECVTCLASS, 0, 1, 1, 0, BOTH | V6),
    ROW(IPPROTO_IPV6, IPV6_RECVERR, 0, 1, 1, 0, BOTH | V6),
    ROW(IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_WANT, IPV6_PMTUDISC_DO, IPV6_PMTUDISC_DO, 0,
        BOTH | V6),
    ROW(IPPROTO_IPV6, IPV6_DONTFRAG, 0, 1, 1, 0, BOTH | V6),
};

static void one(int f, const struct row *w, int type)
{
    int fd = MUST(socket(f, type, 0));
    const char *kind = type == SOCK_STREAM ? "stream" : "datagram";
    EQ(getopt_of(fd, w->level, w->name), w->initial,
       nm(f, "%s, before %d: %s", kind, w->set, w->option));
    RC(setopt(fd, w->level, w->name, w->set), w->result,
       nm(f, "%s, set to %d: %s", kind, w->set, w->option));
    EQ(getopt_of(fd, w->level, w->name), w->after,
       nm(f, "%s, after %d: %s", kind, w->set, w->option));
}

static void values(int f)
{
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (!(rows[i].who & (f == AF_INET ? V4 : V6)))
            continue;
        if (rows[i].who & STREAM)
            one(f, &rows[i], SOCK_STREAM);
        if (rows[i].who & DGRAM)
            one(f, &rows[i], SOCK_DGRAM);
    }
}

int main(void)
{
    static const struct tcase cases[] = {CASE(values)};
    return run_cases(cases, COUNT(cases));
}
