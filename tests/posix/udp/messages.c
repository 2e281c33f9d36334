/* UDP: boundaries, truncation, empty and largest datagrams, addresses, ancillary data. */
#include "link.h"

#include <pthread.h>
#include <sys/syscall.h>

/* NetSem recv_11. */
static void boundaries(int f)
{
    struct link k = joined(f);
    char b[16];
    MUST(send(k.c, "one", 3, 0));
    MUST(send(k.c, "three", 5, 0));
    RC(recv(k.s, b, 16, 0), 3, nm(f, "first message"));
    RC(recv(k.s, b, 16, 0), 5, nm(f, "second message"));
    MUST(send(k.c, "one", 3, 0));
    MUST(send(k.c, "two", 3, 0));
    RC(recv(k.s, b, 16, MSG_WAITALL), 3, nm(f, "MSG_WAITALL does not join messages"));
    RC(recv(k.s, b, 16, MSG_PEEK), 3, nm(f, "peek"));
    RC(recv(k.s, b, 16, 0), 3, nm(f, "peek leaves the message"));
    OK(memcmp(b, "two", 3) == 0, nm(f, "messages come in order"));
    RC(recv(k.s, b, 16, MSG_OOB | MSG_DONTWAIT), -EAGAIN, nm(f, "recv, MSG_OOB is not looked at"));
}

static void truncation(int f)
{
    struct link k = joined(f);
    char b[16] = "";
    MUST(send(k.c, "abcdef", 6, 0));
    RC(recv(k.s, b, 3, 0), 3, nm(f, "short buffer"));
    RC(recv(k.s, b, 3, MSG_DONTWAIT), -EAGAIN, nm(f, "short buffer, the rest is lost"));
    MUST(send(k.c, "abcdef", 6, 0));
    RC(recv(k.s, b, 3, MSG_TRUNC), 6, nm(f, "MSG_TRUNC tells the true length"));
    MUST(send(k.c, "abcdef", 6, 0));
    RC(recv(k.s, b, 0, MSG_PEEK | MSG_TRUNC), 6, nm(f, "MSG_PEEK and MSG_TRUNC, no buffer"));
    struct iovec v = {b, 2};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    RC(recvmsg(k.s, &m, 0), 2, nm(f, "recvmsg, short buffer"));
    EQ(m.msg_flags, MSG_TRUNC, nm(f, "recvmsg says MSG_TRUNC"));
    MUST(send(k.c, "abcdef", 6, 0));
    RC(recv(k.s, b, 0, 0), 0, nm(f, "recv of length 0"));
    RC(recv(k.s, b, 16, MSG_DONTWAIT), -EAGAIN, nm(f, "recv of length 0 consumes the message"));
}

static void empty(int f)
{
    struct link k = joined(f);
    char b[4];
    int n = -1;
    struct addr from = {.len = sizeof(from.u)};
    RC(send(k.c, "", 0, 0), 0, nm(f, "empty message, send"));
    MASK(k.s, POLLIN | POLLOUT, nm(f, "empty message, readable"));
    RC(ioctl(k.s, FIONREAD, &n), 0, nm(f, "empty message, FIONREAD"));
    EQ(n, 0, nm(f, "empty message, FIONREAD says 0"));
    RC(recvfrom(k.s, b, 4, 0, &from.u.sa, &from.len), 0, nm(f, "empty message, recvfrom"));
    OK(same(from, k.ca), nm(f, "empty message has a source"));
    RC(write(k.c, "", 0), 0, nm(f, "empty message, write"));
    RC(recv(k.s, b, 4, 0), 0, nm(f, "empty message by write arrives"));
    RC(send_to(k.c, "", 0, k.sa), 0, nm(f, "empty message, sendto"));
    RC(read(k.s, b, 4), 0, nm(f, "empty message by sendto arrives"));
    RC(recv(k.s, b, 4, MSG_DONTWAIT), -EAGAIN, nm(f, "empty message, nothing more"));
}

/* NetSem send_13. */
static void largest(int f)
{
    static unsigned char out[65536], in[65536];
    struct link k = joined(f);
    size_t most = f == AF_INET ? 65507 : 65527;
    for (size_t i = 0; i < most; i++)
        out[i] = (unsigned char)(i * 13);
    RC(send(k.c, out, most, 0), (long long)most, nm(f, "largest message, send"));
    RC(recv(k.s, in, sizeof(in), 0), (long long)most, nm(f, "largest message, recv"));
    OK(memcmp(in, out, most) == 0, nm(f, "largest message, the same bytes"));
    RC(send(k.c, out, most + 1, 0), -EMSGSIZE, nm(f, "one byte too many"));
    RC(send(k.c, out, 65536, 0), -EMSGSIZE, nm(f, "65536 bytes"));
}

static void sources(int f)
{
    struct link k = joined(f);
    char b[8];
    struct addr from;
    memset(&from, 0x55, sizeof(from));
    from.len = sizeof(from.u);
    MUST(send(k.c, "x", 1, 0));
    RC(recvfrom(k.s, b, 8, 0, &from.u.sa, &from.len), 1, nm(f, "recvfrom"));
    OK(same(from, k.ca), nm(f, "recvfrom gives the source"));
    MUST(send(k.c, "x", 1, 0));
    memset(&from, 0x55, sizeof(from));
    from.len = 4;
    RC(recvfrom(k.s, b, 8, 0, &from.u.sa, &from.len), 1, nm(f, "recvfrom, room of 4"));
    EQ(from.len, addr_size(f), nm(f, "recvfrom, room of 4, the true length"));
    EQ(((unsigned char *)&from.u)[4], 0x55, nm(f, "recvfrom, room of 4, nothing beyond"));
    MUST(send(k.c, "x", 1, 0));
    from.len = 0;
    RC(recvfrom(k.s, b, 8, 0, NULL, &from.len), 1, nm(f, "recvfrom, length without address"));
    EQ(from.len, 0, nm(f, "recvfrom, length without address is not touched"));
    MUST(send(k.c, "x", 1, 0));
    from.len = (socklen_t)-1;
    RC(recvfrom(k.s, b, 8, 0, &from.u.sa, &from.len), -EINVAL, nm(f, "recvfrom, length -1"));
    RC(recv(k.s, b, 8, MSG_DONTWAIT), -EAGAIN, nm(f, "recvfrom, length -1, the message is lost"));
    MUST(send(k.c, "x", 1, 0));
    RC(recvfrom(k.s, b, 8, 0, &from.u.sa, NULL), -EFAULT,
       nm(f, "recvfrom, address without length"));
    MUST(send_to(k.s, "y", 1, k.ca));
    from.len = sizeof(from.u);
    RC(recvfrom(k.c, b, 8, 0, &from.u.sa, &from.len), 1, nm(f, "connected, recvfrom"));
    OK(same(from, k.sa), nm(f, "connected, recvfrom gives the peer"));
}

/* NetSem send_9. */
static void automatic_binding(int f)
{
    struct addr a, from = {.len = sizeof(from.u)};
    char b;
    int s = bound(f, SOCK_DGRAM, &a), u = udp(f);
    RC(send_to(u, "x", 1, a), 1, nm(f, "sendto from an unbound socket"));
    RC(recvfrom(s, &b, 1, 0, &from.u.sa, &from.len), 1, nm(f, "sendto, arrives"));
    EQ(port_of(from), port_of(name_of(u)), nm(f, "sendto bound the port it came from"));
    OK(same_host(from, a), nm(f, "sendto, the source is loopback"));
    RC(send_to(s, "y", 1, from), 1, nm(f, "sendto, answered"));
    RC(recv(u, &b, 1, 0), 1, nm(f, "sendto, the answer arrives"));
}

static void messages(int f)
{
    struct link k = joined(f);
    char x[8], y[8];
    struct iovec v[2] = {{x, 8}, {y, 8}};
    struct addr from;
    struct msghdr m = {
        .msg_name = &from.u, .msg_namelen = sizeof(from.u), .msg_iov = v, .msg_iovlen = 2};
    struct iovec w[2] = {{(char[]){"abcdefgh"}, 8}, {(char[]){"ij"}, 2}};
    struct msghdr o = {.msg_name = &k.sa.u, .msg_namelen = k.sa.len, .msg_iov = w, .msg_iovlen = 2};
    int u = udp(f);
    RC(sendmsg(u, &o, 0), 10, nm(f, "sendmsg to an address"));
    RC(recvmsg(k.s, &m, 0), 10, nm(f, "recvmsg"));
    from.len = m.msg_namelen;
    EQ(port_of(from), port_of(name_of(u)), nm(f, "recvmsg gives the source"));
    EQ(m.msg_namelen, addr_size(f), nm(f, "recvmsg, the address's length"));
    EQ(m.msg_flags, 0, nm(f, "recvmsg, no flags"));
    OK(memcmp(x, "abcdefgh", 8) == 0 && memcmp(y, "ij", 2) == 0, nm(f, "recvmsg scatters"));
    o.msg_name = NULL;
    o.msg_namelen = 0;
    RC(sendmsg(udp(f), &o, 0), -EDESTADDRREQ, nm(f, "sendmsg, no address, not connected"));
    RC(sendmsg(k.c, &o, 0), 10, nm(f, "sendmsg, no address, connected"));
    RC(recv(k.s, x, 8, 0), 8, nm(f, "sendmsg, no address, arrives"));
}

static void many_messages(int f)
{
    struct link k = joined(f);
    char room[4][8];
    struct addr from[4];
    struct iovec v[4], w[3] = {{(char[]){"a"}, 1}, {(char[]){"bb"}, 2}, {(char[]){"ccc"}, 3}};
    struct mmsghdr in[4], out[3];
    memset(in, 0, sizeof(in));
    memset(out, 0, sizeof(out));
    for (int i = 0; i < 4; i++) {
        v[i] = (struct iovec){room[i], 8};
        in[i].msg_hdr.msg_iov = &v[i];
        in[i].msg_hdr.msg_iovlen = 1;
        in[i].msg_hdr.msg_name = &from[i].u;
        in[i].msg_hdr.msg_namelen = sizeof(from[i].u);
    }
    for (int i = 0; i < 3; i++) {
        out[i].msg_hdr.msg_iov = &w[i];
        out[i].msg_hdr.msg_iovlen = 1;
    }
    RC(sendmmsg(k.c, out, 3, 0), 3, nm(f, "sendmmsg"));
    EQ(out[2].msg_len, 3, nm(f, "sendmmsg, lengths"));
    MUST(await(k.s, POLLIN | POLLOUT) & POLLIN ? 0 : -1);
    int got = 0, n;
    for (long long end = now_ms() + PATIENCE_MS; got < 3 && now_ms() < end; got += n > 0 ? n : 0)
        n = recvmmsg(k.s, in + got, (unsigned)(4 - got), MSG_DONTWAIT, NULL);
    EQ(got, 3, nm(f, "recvmmsg"));
    EQ(in[0].msg_len * 100 + in[1].msg_len * 10 + in[2].msg_len, 123, nm(f, "recvmmsg, lengths"));
    from[1].len = in[1].msg_hdr.msg_namelen;
    OK(same(from[1], k.ca), nm(f, "recvmmsg gives sources"));
    RC(recvmmsg(k.s, in, 4, MSG_DONTWAIT, NULL), -EAGAIN, nm(f, "recvmmsg, nothing"));
}

static void packet_info(int f)
{
    struct link k = joined(f);
    char b[8], ctl[128];
    struct iovec v = {b, 8};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl)};
    if (f == AF_INET)
        MUST(setopt(k.s, IPPROTO_IP, IP_PKTINFO, 1));
    else
        MUST(setopt(k.s, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1));
    MUST(send(k.c, "x", 1, 0));
    RC(recvmsg(k.s, &m, 0), 1, nm(f, "packet info, recvmsg"));
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    OK(c != NULL, nm(f, "packet info, is there"));
    if (!c)
        return;
    OK(c->cmsg_level == (f == AF_INET ? IPPROTO_IP : IPPROTO_IPV6) &&
           c->cmsg_type == (f == AF_INET ? IP_PKTINFO : IPV6_PKTINFO),
       nm(f, "packet info, level and type"));
    if (f == AF_INET) {
        struct in_pktinfo pi;
        memcpy(&pi, CMSG_DATA(c), sizeof(pi));
        EQ(pi.ipi_addr.s_addr, k.sa.u.in.sin_addr.s_addr, nm(f, "packet info, the destination"));
        EQ(c->cmsg_len, CMSG_LEN(sizeof(pi)), nm(f, "packet info, length"));
        EQ(pi.ipi_ifindex > 0, 1, nm(f, "packet info, an interface"));
    } else {
        struct in6_pktinfo pi;
        memcpy(&pi, CMSG_DATA(c), sizeof(pi));
        OK(memcmp(&pi.ipi6_addr, &k.sa.u.in6.sin6_addr, 16) == 0,
           nm(f, "packet info, the destination"));
        EQ(c->cmsg_len, CMSG_LEN(sizeof(pi)), nm(f, "packet info, length"));
        EQ(pi.ipi6_ifindex > 0, 1, nm(f, "packet info, an interface"));
    }
    EQ(m.msg_flags, 0, nm(f, "packet info, no flags"));
    MUST(send(k.c, "x", 1, 0));
    m.msg_controllen = 4;
    RC(recvmsg(k.s, &m, 0), 1, nm(f, "packet info, no room"));
    EQ(m.msg_flags, MSG_CTRUNC, nm(f, "packet info, no room, MSG_CTRUNC"));
}

static void hop_limit(int f)
{
    struct link k = joined(f);
    char b[8], ctl[128];
    struct iovec v = {b, 8};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl)};
    if (f == AF_INET) {
        MUST(setopt(k.s, IPPROTO_IP, IP_RECVTTL, 1));
        MUST(setopt(k.c, IPPROTO_IP, IP_TTL, 33));
    } else {
        MUST(setopt(k.s, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1));
        MUST(setopt(k.c, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 33));
    }
    MUST(send(k.c, "x", 1, 0));
    RC(recvmsg(k.s, &m, 0), 1, nm(f, "hop limit, recvmsg"));
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    OK(c && c->cmsg_type == (f == AF_INET ? IP_TTL : IPV6_HOPLIMIT), nm(f, "hop limit, is there"));
    int hops = 0;
    if (c)
        memcpy(&hops, CMSG_DATA(c), sizeof(hops));
    EQ(hops, 33, nm(f, "hop limit, as sent"));
}

/* How much of two control messages is told, with this much room for them. */
static void little_room(int f)
{
    static const unsigned char rooms[] = {15, 16, 19, 20, 24, 25, 39, 40, 43, 44, 48};
    struct link k = joined(f);
    unsigned char ctl[64];
    char b[8];
    struct iovec v = {b, 8};

    MUST(setopt(k.s, f == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
                f == AF_INET ? IP_RECVTTL : IPV6_RECVHOPLIMIT, 1));
    if (f == AF_INET)
        MUST(setopt(k.s, IPPROTO_IP, IP_RECVTOS, 1));
    else
        MUST(setopt(k.s, IPPROTO_IPV6, IPV6_RECVTCLASS, 1));
    for (size_t i = 0; i < COUNT(rooms); i++) {
        struct msghdr m = {
            .msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = rooms[i]};
        size_t second = f == AF_INET ? CMSG_LEN(1) : CMSG_LEN(sizeof(int));
        size_t first_len = rooms[i] < CMSG_LEN(0)             ? 0
                           : rooms[i] < CMSG_LEN(sizeof(int)) ? rooms[i]
                                                              : CMSG_LEN(sizeof(int));
        size_t left = rooms[i] > CMSG_SPACE(sizeof(int)) ? rooms[i] - CMSG_SPACE(sizeof(int)) : 0;
        size_t second_len = left < CMSG_LEN(0) ? 0 : left < second ? left : second;
        struct cmsghdr *c;

        memset(ctl, 0xee, sizeof(ctl));
        MUST(send(k.c, "x", 1, 0));
        RC(recvmsg(k.s, &m, 0), 1, nm(f, "room for %d bytes, recvmsg", rooms[i]));
        EQ(m.msg_flags, second_len < second ? MSG_CTRUNC : 0,
           nm(f, "room for %d bytes, MSG_CTRUNC", rooms[i]));
        c = CMSG_FIRSTHDR(&m);
        EQ(c ? c->cmsg_len : 0, first_len, nm(f, "room for %d bytes, the first", rooms[i]));
        if (c && rooms[i] >= CMSG_SPACE(sizeof(int)) + CMSG_LEN(0)) {
            memcpy(&left, ctl + CMSG_SPACE(sizeof(int)), sizeof(left));
            EQ(left, second_len, nm(f, "room for %d bytes, the second", rooms[i]));
        }
        EQ(ctl[rooms[i]], 0xee, nm(f, "room for %d bytes, nothing behind it", rooms[i]));
    }
}

/* The sender names the source by packet info. */
static void source_by_info(int f)
{
    if (f != AF_INET)
        return;
    struct addr from = {.len = sizeof(from.u)};
    int s = udp(f), u = udp(f);
    char ctl[CMSG_SPACE(sizeof(struct in_pktinfo))], b[4];
    MUST(bind_to(s, any(f, 0)));
    struct addr to = loopback(f, port_of(name_of(s)));
    struct iovec v = {b, 1};
    struct msghdr m = {.msg_name = &to.u,
                       .msg_namelen = to.len,
                       .msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = ctl,
                       .msg_controllen = sizeof(ctl)};
    struct in_pktinfo pi = {.ipi_spec_dst = {htonl(0x7f050505)}};
    memset(ctl, 0, sizeof(ctl));
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof(pi));
    memcpy(CMSG_DATA(c), &pi, sizeof(pi));
    b[0] = 'x';
    RC(sendmsg(u, &m, 0), 1, nm(f, "source by packet info, sendmsg"));
    RC(recvfrom(s, b, 4, 0, &from.u.sa, &from.len), 1, nm(f, "source by packet info, arrives"));
    OK(same_host(from, ip4(0x7f050505, 0)), nm(f, "source by packet info, from 127.5.5.5"));
}

static void waiting_bytes(int f)
{
    struct link k = joined(f);
    int n = -1;
    MUST(send(k.c, "abc", 3, 0));
    MUST(send(k.c, "de", 2, 0));
    MUST(await(k.s, POLLIN | POLLOUT) & POLLIN ? 0 : -1);
    RC(ioctl(k.s, FIONREAD, &n), 0, nm(f, "FIONREAD"));
    EQ(n, 3, nm(f, "FIONREAD says the first message's length"));
}

/* NetSem recv_12, recv_13. */
static void timeout(int f)
{
    struct link k = joined(f);
    char b;
    set_timeout(k.s, SO_RCVTIMEO, 50);
    long long start = now_ms();
    RC(recv(k.s, &b, 1, 0), -EAGAIN, nm(f, "SO_RCVTIMEO, recv"));
    OK(now_ms() - start >= 45, nm(f, "SO_RCVTIMEO, recv, not before time"));
    struct addr from = {.len = sizeof(from.u)};
    RC(recvfrom(k.s, &b, 1, 0, &from.u.sa, &from.len), -EAGAIN, nm(f, "SO_RCVTIMEO, recvfrom"));
}

/* On loopback there is always room: what does not fit is the receiver's loss. NetSem send_11,
 * send_16, send_17. */
static void burst(int f)
{
    static char junk[1000];
    struct link k = joined(f);
    int sent = 0;
    MUST(setopt(k.s, SOL_SOCKET, SO_RCVBUF, 1));
    for (int i = 0; i < 50; i++)
        sent += send(k.c, junk, sizeof(junk), MSG_DONTWAIT) == sizeof(junk);
    EQ(sent, 50, nm(f, "a burst without waiting is taken"));
    RC(recv(k.s, junk, sizeof(junk), 0), (long long)sizeof(junk), nm(f, "a burst, the first"));
    EQ(so_error(k.c), 0, nm(f, "a burst, what was lost is no error"));
    MASK(k.c, POLLOUT, nm(f, "a burst, still writable"));
}

static void *send_when_blocked(void *arg)
{
    struct link *k = arg;
    MUST(wait_blocked(getpid(), SYS_recvfrom) ? 0 : -1);
    MUST(send(k->c, "abc", 3, 0));
    return NULL;
}

/* NetSem recv_12, recv_15. */
static void waits(int f)
{
    struct link k = joined(f);
    struct addr from = {.len = sizeof(from.u)};
    char b[8];
    pthread_t thread;
    MUST(-pthread_create(&thread, NULL, send_when_blocked, &k));
    RC(recvfrom(k.s, b, sizeof(b), 0, &from.u.sa, &from.len), 3, nm(f, "recvfrom waits"));
    OK(memcmp(b, "abc", 3) == 0, nm(f, "recvfrom waits, the datagram"));
    OK(same(from, k.ca), nm(f, "recvfrom waits, its source"));
    pthread_join(thread, NULL);
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(boundaries),    CASE(truncation),        CASE(empty),       CASE(largest),
        CASE(sources),       CASE(automatic_binding), CASE(messages),    CASE(many_messages),
        CASE(packet_info),   CASE(hop_limit),         CASE(little_room), CASE(source_by_info),
        CASE(waiting_bytes), CASE(timeout),           CASE(burst),       CASE(waits),
    };
    return run_cases(cases, COUNT(cases));
}
