/* src/socket/getsockopt*.c, setsockopt*.c: what is read before anything is set, what a value
 * becomes, what is refused; lengths and short room. The rows are tests/posix/setsockopt/values.c's,
 * which Linux passes. */
#include <string.h>

#include "handfast/errno.h"
#include "handfast/linux.h"
#include "handfast/socket.h"
#include "tap.h"
#include "testenv.h"

enum { STREAM = 1, DGRAM = 2, BOTH = 3, V4 = 4, V6 = 8, ALL = 12 };

#define ROW(level, name, initial, set, after, result, who)   \
    {                                                        \
#name, level, name, initial, set, after, result, who \
    }

static const struct row {
    const char *option;
    int level, name, initial, set, after, result, who;
} rows[] = {
    ROW(HF_SOL_SOCKET, HF_SO_REUSEADDR, 0, 5, 1, 0, BOTH | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_REUSEPORT, 0, 5, 1, 0, BOTH | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_KEEPALIVE, 0, 2, 1, 0, BOTH | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_BROADCAST, 0, 3, 1, 0, DGRAM | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_OOBINLINE, 0, -1, 1, 0, BOTH | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_DONTROUTE, 0, 1, 1, 0, BOTH | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_PRIORITY, 0, 6, 6, 0, BOTH | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_RCVLOWAT, 1, 9, 9, 0, BOTH | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_RCVLOWAT, 1, 0, 1, 0, BOTH | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_SNDLOWAT, 1, 4, 1, -HF_ENOPROTOOPT, BOTH | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_TYPE, HF_SOCK_STREAM, 2, HF_SOCK_STREAM, -HF_ENOPROTOOPT,
        STREAM | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_ERROR, 0, 2, 0, -HF_ENOPROTOOPT, BOTH | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_PROTOCOL, HF_IPPROTO_TCP, 2, HF_IPPROTO_TCP, -HF_ENOPROTOOPT,
        STREAM | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_DOMAIN, HF_AF_INET, 2, HF_AF_INET, -HF_ENOPROTOOPT, BOTH | V4),
    ROW(HF_SOL_SOCKET, HF_SO_DOMAIN, HF_AF_INET6, 2, HF_AF_INET6, -HF_ENOPROTOOPT, BOTH | V6),
    ROW(HF_SOL_SOCKET, HF_SO_ACCEPTCONN, 0, 1, 0, -HF_ENOPROTOOPT, BOTH | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_SNDBUF, 16384, 40000, 80000, 0, STREAM | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_SNDBUF, 16384, 0, 4608, 0, STREAM | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_SNDBUF, 16384, 1, 4608, 0, STREAM | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_RCVBUF, 131072, 40000, 80000, 0, STREAM | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_RCVBUF, 131072, 0, 2304, 0, STREAM | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_RCVBUF, 131072, 1, 2304, 0, STREAM | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_SNDBUF, 212992, 40000, 80000, 0, DGRAM | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_RCVBUF, 212992, 40000, 80000, 0, DGRAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_NODELAY, 0, 7, 1, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_CORK, 0, 7, 1, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_MAXSEG, 536, 1000, 1000, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_MAXSEG, 536, 87, 536, -HF_EINVAL, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_MAXSEG, 536, 32768, 536, -HF_EINVAL, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_KEEPIDLE, 7200, 100, 100, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_KEEPIDLE, 7200, 32767, 32767, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_KEEPIDLE, 7200, 0, 7200, -HF_EINVAL, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_KEEPIDLE, 7200, 32768, 7200, -HF_EINVAL, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_KEEPINTVL, 75, 10, 10, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_KEEPINTVL, 75, 0, 75, -HF_EINVAL, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_KEEPINTVL, 75, 32768, 75, -HF_EINVAL, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_KEEPCNT, 9, 127, 127, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_KEEPCNT, 9, 0, 9, -HF_EINVAL, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_KEEPCNT, 9, 128, 9, -HF_EINVAL, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_SYNCNT, 6, 127, 127, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_SYNCNT, 6, 0, 6, -HF_EINVAL, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_SYNCNT, 6, 128, 6, -HF_EINVAL, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_LINGER2, 60, 5, 5, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_LINGER2, 60, 121, 120, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_LINGER2, 60, -4, -1, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_DEFER_ACCEPT, 0, 1, 1, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_DEFER_ACCEPT, 0, 4, 7, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_WINDOW_CLAMP, 0, 1, 1152, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_QUICKACK, 1, 0, 0, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_USER_TIMEOUT, 0, 1234, 1234, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_USER_TIMEOUT, 0, -1, 0, -HF_EINVAL, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_NOTSENT_LOWAT, 0, 4096, 4096, 0, STREAM | ALL),
    ROW(HF_SOL_IP, HF_IP_TTL, 64, 9, 9, 0, BOTH | V4),
    ROW(HF_SOL_IP, HF_IP_TTL, 64, -1, 64, 0, BOTH | V4),
    ROW(HF_SOL_IP, HF_IP_TTL, 64, 0, 64, -HF_EINVAL, BOTH | V4),
    ROW(HF_SOL_IP, HF_IP_TTL, 64, 256, 64, -HF_EINVAL, BOTH | V4),
    ROW(HF_SOL_IP, HF_IP_TOS, 0, 0x10, 0x10, 0, BOTH | V4),
    ROW(HF_SOL_IP, HF_IP_TOS, 0, 0xb8, 0xb8, 0, BOTH | V4),
    ROW(HF_SOL_IP, HF_IP_MTU_DISCOVER, HF_IP_PMTUDISC_WANT, HF_IP_PMTUDISC_DO, HF_IP_PMTUDISC_DO, 0,
        BOTH | V4),
    ROW(HF_SOL_IP, HF_IP_MTU_DISCOVER, HF_IP_PMTUDISC_WANT, 6, HF_IP_PMTUDISC_WANT, -HF_EINVAL,
        BOTH | V4),
    ROW(HF_SOL_IP, HF_IP_RECVERR, 0, 1, 1, 0, BOTH | V4),
    ROW(HF_SOL_IP, HF_IP_PKTINFO, 0, 1, 1, 0, DGRAM | V4),
    ROW(HF_SOL_IP, HF_IP_RECVTTL, 0, 1, 1, 0, DGRAM | V4),
    ROW(HF_SOL_IP, HF_IP_RECVTOS, 0, 1, 1, 0, DGRAM | V4),
    ROW(HF_SOL_IP, HF_IP_FREEBIND, 0, 1, 1, 0, BOTH | V4),
    ROW(HF_SOL_IP, HF_IP_BIND_ADDRESS_NO_PORT, 0, 1, 1, 0, BOTH | V4),
    ROW(HF_SOL_IP, HF_IP_MULTICAST_TTL, 1, 7, 7, 0, DGRAM | V4),
    ROW(HF_SOL_IP, HF_IP_MULTICAST_TTL, 1, 256, 1, -HF_EINVAL, DGRAM | V4),
    ROW(HF_SOL_IP, HF_IP_MULTICAST_LOOP, 1, 0, 0, 0, DGRAM | V4),
    ROW(HF_SOL_IP, HF_IP_MTU, -HF_ENOTCONN, 1, -HF_ENOTCONN, -HF_ENOPROTOOPT, BOTH | V4),
    ROW(HF_SOL_IPV6, HF_IPV6_UNICAST_HOPS, 64, 9, 9, 0, BOTH | V6),
    ROW(HF_SOL_IPV6, HF_IPV6_UNICAST_HOPS, 64, 0, 0, 0, BOTH | V6),
    ROW(HF_SOL_IPV6, HF_IPV6_UNICAST_HOPS, 64, -1, 64, 0, BOTH | V6),
    ROW(HF_SOL_IPV6, HF_IPV6_UNICAST_HOPS, 64, 256, 64, -HF_EINVAL, BOTH | V6),
    ROW(HF_SOL_IPV6, HF_IPV6_MULTICAST_HOPS, 1, 7, 7, 0, DGRAM | V6),
    ROW(HF_SOL_IPV6, HF_IPV6_MULTICAST_LOOP, 1, 0, 0, 0, DGRAM | V6),
    ROW(HF_SOL_IPV6, HF_IPV6_TCLASS, 0, 0x20, 0x20, 0, BOTH | V6),
    ROW(HF_SOL_IPV6, HF_IPV6_TCLASS, 0, 256, 0, -HF_EINVAL, BOTH | V6),
    ROW(HF_SOL_IPV6, HF_IPV6_V6ONLY, 0, 5, 1, 0, BOTH | V6),
    ROW(HF_SOL_IPV6, HF_IPV6_RECVPKTINFO, 0, 1, 1, 0, BOTH | V6),
    ROW(HF_SOL_IPV6, HF_IPV6_RECVHOPLIMIT, 0, 1, 1, 0, BOTH | V6),
    ROW(HF_SOL_IPV6, HF_IPV6_RECVTCLASS, 0, 1, 1, 0, BOTH | V6),
    ROW(HF_SOL_IPV6, HF_IPV6_RECVERR, 0, 1, 1, 0, BOTH | V6),
    ROW(HF_SOL_IPV6, HF_IPV6_MTU_DISCOVER, HF_IP_PMTUDISC_WANT, HF_IP_PMTUDISC_DO,
        HF_IP_PMTUDISC_DO, 0, BOTH | V6),
    ROW(HF_SOL_IPV6, HF_IPV6_DONTFRAG, 0, 1, 1, 0, BOTH | V6),
    ROW(HF_SOL_SOCKET, HF_SO_MARK, 0, 1, 0, -HF_EPERM, BOTH | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_PRIORITY, 0, 7, 0, -HF_EPERM, BOTH | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_DEBUG, 0, 1, 0, -HF_EACCES, BOTH | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_ZEROCOPY, 0, 1, 0, -HF_ENOPROTOOPT, DGRAM | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_ZEROCOPY, 0, 1, 1, 0, STREAM | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_ZEROCOPY, 0, 2, 0, -HF_EINVAL, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_IS_MPTCP, 0, 1, 0, -HF_ENOPROTOOPT, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_RTO_MAX_MS, 120000, 60001, 60004, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_RTO_MIN_US, 200000, 50000, 52000, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_DELACK_MAX_US, 200000, 50000, 52000, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_SAVE_SYN, 0, 2, 2, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_SAVE_SYN, 0, 3, 0, -HF_EINVAL, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_INQ, 0, 1, 1, 0, STREAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_INQ, 0, 2, 0, -HF_EINVAL, STREAM | ALL),
    ROW(HF_SOL_SOCKET, HF_SO_BINDTOIFINDEX, 0, 1, 1, 0, BOTH | ALL),
    ROW(HF_SOL_IP, HF_IP_TRANSPARENT, 0, 1, 0, -HF_EPERM, BOTH | ALL),
    ROW(HF_SOL_IPV6, HF_IPV6_TRANSPARENT, 0, 1, 0, -HF_EPERM, BOTH | V6),
    ROW(HF_SOL_IP, HF_IP_TTL, 64, 9, 9, 0, BOTH | V6),
    ROW(HF_IPPROTO_UDP, HF_UDP_SEGMENT, 0, 1200, 1200, 0, DGRAM | ALL),
    ROW(HF_IPPROTO_UDP, HF_UDP_ENCAP, 0, 1, 0, -HF_ENOPROTOOPT, DGRAM | ALL),
    ROW(HF_SOL_TCP, HF_TCP_NODELAY, -HF_EOPNOTSUPP, 1, -HF_EOPNOTSUPP, -HF_ENOPROTOOPT, DGRAM | V4),
    ROW(HF_SOL_TCP, HF_TCP_NODELAY, -HF_ENOPROTOOPT, 1, -HF_ENOPROTOOPT, -HF_ENOPROTOOPT,
        DGRAM | V6),
    ROW(HF_SOL_IPV6, HF_IPV6_V6ONLY, -HF_EOPNOTSUPP, 1, -HF_EOPNOTSUPP, -HF_ENOPROTOOPT, BOTH | V4),
};

static struct hf_stack *stack;

static struct hf_sock *make(int family, int type)
{
    struct hf_sock *sk = NULL;

    if (hf_sock_new(stack, family, type, 0, &sk))
        exit(2);
    return sk;
}

static int get(struct hf_sock *sk, int level, int name)
{
    int v = 0x55555555;
    uint32_t len = sizeof(v);
    int err = hf_sock_getsockopt(sk, level, name, &v, &len);

    return err ? err : v;
}

static void one(const struct row *w, int family, int type)
{
    struct hf_sock *sk = make(family, type);
    char name[160];

    snprintf(name, sizeof(name), "%s %s, %s set to %d", family == HF_AF_INET ? "v4" : "v6",
             type == HF_SOCK_STREAM ? "stream" : "datagram", w->option, w->set);
    EQ(get(sk, w->level, w->name), w->initial, name);
    EQ(hf_sock_setsockopt(sk, w->level, w->name, &w->set, 4), w->result, name);
    EQ(get(sk, w->level, w->name), w->after, name);
    hf_sock_close(sk);
}

static void values(void)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int f = 0; f < 2; f++) {
            int family = f ? HF_AF_INET6 : HF_AF_INET;

            if (!(rows[i].who & (f ? V6 : V4)))
                continue;
            if (rows[i].who & STREAM)
                one(&rows[i], family, HF_SOCK_STREAM);
            if (rows[i].who & DGRAM)
                one(&rows[i], family, HF_SOCK_DGRAM);
        }
    }
}

static void lengths(void)
{
    struct hf_sock *sk = make(HF_AF_INET, HF_SOCK_STREAM);
    int v = 1, tv_short[2] = {1, 0};
    uint8_t nine = 9;
    uint32_t n = 1;

    EQ(hf_sock_setsockopt(sk, HF_SOL_SOCKET, HF_SO_REUSEADDR, &v, 3), -HF_EINVAL, "length 3");
    EQ(hf_sock_setsockopt(sk, HF_SOL_SOCKET, HF_SO_REUSEADDR, &v, UINT32_MAX), -HF_EINVAL,
       "length -1");
    EQ(hf_sock_setsockopt(sk, HF_SOL_SOCKET, HF_SO_LINGER, &v, 4), -HF_EINVAL, "half a linger");
    EQ(hf_sock_setsockopt(sk, HF_SOL_SOCKET, HF_SO_RCVTIMEO, tv_short, 8), -HF_EINVAL,
       "half a timeval");
    EQ(hf_sock_setsockopt(sk, HF_SOL_IP, HF_IP_TTL, &nine, 1), 0, "IP_TTL as a byte");
    EQ(get(sk, HF_SOL_IP, HF_IP_TTL), 9, "IP_TTL as a byte is kept");
    v = 0x55555555;
    EQ(hf_sock_getsockopt(sk, HF_SOL_SOCKET, HF_SO_TYPE, &v, &n), 0, "room of 1");
    OK(v == 0x55555501 && n == 1, "room of 1 gets one byte");
    n = 0;
    EQ(hf_sock_getsockopt(sk, HF_SOL_SOCKET, HF_SO_ERROR, &v, &n), 0, "room of 0");
    n = UINT32_MAX;
    EQ(hf_sock_getsockopt(sk, HF_SOL_SOCKET, HF_SO_TYPE, &v, &n), -HF_EINVAL, "room of -1");
    hf_sock_close(sk);
}

static void structures(void)
{
    struct hf_sock *sk = make(HF_AF_INET6, HF_SOCK_STREAM);
    int64_t tv[2] = {2, 500000}, tv_got[2];
    int linger[2] = {5, 30}, got[2];
    uint32_t n = sizeof(tv_got);

    EQ(hf_sock_setsockopt(sk, HF_SOL_SOCKET, HF_SO_RCVTIMEO_NEW, tv, 16), 0, "SO_RCVTIMEO, set");
    EQ(hf_sock_getsockopt(sk, HF_SOL_SOCKET, HF_SO_RCVTIMEO, tv_got, &n), 0, "SO_RCVTIMEO, read");
    OK(n == 16 && memcmp(tv, tv_got, 16) == 0, "SO_RCVTIMEO, kept");
    tv[1] = 1000000;
    EQ(hf_sock_setsockopt(sk, HF_SOL_SOCKET, HF_SO_SNDTIMEO, tv, 16), -HF_EDOM, "a whole second");
    tv[0] = -1;
    tv[1] = 0;
    EQ(hf_sock_setsockopt(sk, HF_SOL_SOCKET, HF_SO_RCVTIMEO, tv, 16), 0, "negative is at once");
    EQ(hf_sock_getsockopt(sk, HF_SOL_SOCKET, HF_SO_RCVTIMEO, tv_got, &n), 0, "negative, read");
    OK(tv_got[0] == 0 && tv_got[1] == 0, "negative reads as 0");
    EQ(hf_sock_setsockopt(sk, HF_SOL_SOCKET, HF_SO_LINGER, linger, 8), 0, "SO_LINGER, set");
    linger[0] = linger[1] = 0;
    EQ(hf_sock_setsockopt(sk, HF_SOL_SOCKET, HF_SO_LINGER, linger, 8), 0, "SO_LINGER, off");
    n = sizeof(got);
    EQ(hf_sock_getsockopt(sk, HF_SOL_SOCKET, HF_SO_LINGER, got, &n), 0, "SO_LINGER, read");
    OK(got[0] == 0 && got[1] == 30, "SO_LINGER off keeps the time");
    hf_sock_close(sk);
}

static void names(void)
{
    struct hf_sock *sk = make(HF_AF_INET, HF_SOCK_STREAM);
    struct hf_sock *other = make(HF_AF_INET, HF_SOCK_STREAM);
    uint64_t cookie = 0, again = 0;
    char text[16];
    uint32_t n = sizeof(text);

    EQ(hf_sock_setsockopt(sk, HF_SOL_SOCKET, HF_SO_BINDTODEVICE, "nil0", 5), -HF_ENODEV, "no link");
    EQ(hf_sock_setsockopt(sk, HF_SOL_SOCKET, HF_SO_BINDTODEVICE, "lo", 2), 0, "bound to lo");
    EQ(hf_sock_getsockopt(sk, HF_SOL_SOCKET, HF_SO_BINDTODEVICE, text, &n), 0, "name of the link");
    OK(n == 3 && strcmp(text, "lo") == 0, "name of the link is lo");
    EQ(hf_sock_setsockopt(sk, HF_SOL_SOCKET, HF_SO_BINDTODEVICE, "", 0), -HF_EPERM,
       "only the privileged leave a link");
    n = sizeof(text);
    EQ(hf_sock_getsockopt(sk, HF_SOL_TCP, HF_TCP_CONGESTION, text, &n), 0, "TCP_CONGESTION");
    OK(n == 16, "TCP_CONGESTION is 16 bytes");
    EQ(hf_sock_setsockopt(sk, HF_SOL_TCP, HF_TCP_CONGESTION, text, n), 0, "the same again");
    EQ(hf_sock_setsockopt(sk, HF_SOL_TCP, HF_TCP_CONGESTION, "nil", 3), -HF_ENOENT, "unknown");
    EQ(hf_sock_setsockopt(sk, HF_SOL_TCP, HF_TCP_CONGESTION, "", 0), -HF_EINVAL, "no name");
    EQ(hf_sock_setsockopt(sk, HF_SOL_TCP, HF_TCP_ULP, "tls", 4), -HF_ENOENT, "TCP_ULP tls");
    n = sizeof(cookie);
    EQ(hf_sock_getsockopt(sk, HF_SOL_SOCKET, HF_SO_COOKIE, &cookie, &n), 0, "SO_COOKIE");
    EQ(hf_sock_getsockopt(other, HF_SOL_SOCKET, HF_SO_COOKIE, &again, &n), 0,
       "another's SO_COOKIE");
    OK(cookie && again && cookie != again, "cookies differ");
    hf_sock_close(sk);
    hf_sock_close(other);
}

int main(void)
{
    struct testenv env = {0};
    struct hf_stack_config c = {.env = testenv_env(&env), .now = HF_S};
    struct hf_frame_pool *pool = hf_frame_pool_new(&c.env);

    c.pool = pool;
    if (hf_stack_new(&c, &stack))
        return 2;
    tap_begin(20);
    values();
    lengths();
    structures();
    names();
    hf_stack_free(stack);
    hf_frame_pool_free(pool);
    EQ(env.out, 0, "no memory is left");
    return tap_end();
}
