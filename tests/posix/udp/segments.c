/* UDP_SEGMENT and UDP_GRO: one send that is many datagrams, and many that are received as one; and
 * datagrams without a checksum. */
#include "link.h"

#include <netinet/udp.h>

#ifndef UDP_NO_CHECK6_TX
#define UDP_NO_CHECK6_TX 101
#define UDP_NO_CHECK6_RX 102
#endif

static char data[70000], in[70000];

static long long send_by(int fd, size_t len, int type, const void *value, size_t size)
{
    char control[CMSG_SPACE(8)] = "";
    struct iovec v = {data, len};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(size)};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    h->cmsg_level = SOL_UDP;
    h->cmsg_type = type;
    h->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(h), value, size);
    return r(sendmsg(fd, &m, 0));
}

static long long send_cut(int fd, size_t len, uint16_t segment)
{
    return send_by(fd, len, UDP_SEGMENT, &segment, sizeof(segment));
}

/* The next datagram's length; *segment: what UDP_GRO says, -1: nothing. */
static long long receive(int fd, int *segment)
{
    char control[CMSG_SPACE(64)];
    struct iovec v = {in, sizeof(in)};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    long long n = r(recvmsg(fd, &m, 0));
    *segment = -1;
    for (struct cmsghdr *h = n < 0 ? NULL : CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h))
        if (h->cmsg_level == SOL_UDP && h->cmsg_type == UDP_GRO)
            memcpy(segment, CMSG_DATA(h), sizeof(*segment));
    return n;
}

static void make_data(void)
{
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 7 + (i >> 8));
}

static void options(int f)
{
    int fd = udp(f), t = tcp(f);
    EQ(getopt_of(fd, SOL_UDP, UDP_SEGMENT), 0, nm(f, "UDP_SEGMENT at first"));
    RC(setopt(fd, SOL_UDP, UDP_SEGMENT, -1), -EINVAL, nm(f, "UDP_SEGMENT -1"));
    RC(setopt(fd, SOL_UDP, UDP_SEGMENT, 65536), -EINVAL, nm(f, "UDP_SEGMENT 65536"));
    RC(setopt(fd, SOL_UDP, UDP_SEGMENT, 65535), 0, nm(f, "UDP_SEGMENT 65535"));
    EQ(getopt_of(fd, SOL_UDP, UDP_SEGMENT), 65535, nm(f, "UDP_SEGMENT is kept"));
    RC(setopt(fd, SOL_UDP, UDP_SEGMENT, 0), 0, nm(f, "UDP_SEGMENT 0"));
    EQ(getopt_of(fd, SOL_UDP, UDP_GRO), 0, nm(f, "UDP_GRO at first"));
    RC(setopt(fd, SOL_UDP, UDP_GRO, 7), 0, nm(f, "UDP_GRO 7"));
    EQ(getopt_of(fd, SOL_UDP, UDP_GRO), 1, nm(f, "UDP_GRO is on"));
    RC(setopt(fd, SOL_UDP, UDP_GRO, 0), 0, nm(f, "UDP_GRO 0"));
    EQ(getopt_of(fd, SOL_UDP, UDP_GRO), 0, nm(f, "UDP_GRO is off"));
    RC(setopt(t, SOL_UDP, UDP_SEGMENT, 100), -ENOPROTOOPT, nm(f, "UDP_SEGMENT of a stream"));
    RC(setopt(fd, SOL_UDP, UDP_NO_CHECK6_TX, 1), 0, nm(f, "UDP_NO_CHECK6_TX"));
    EQ(getopt_of(fd, SOL_UDP, UDP_NO_CHECK6_TX), 1, nm(f, "UDP_NO_CHECK6_TX is on"));
    RC(setopt(fd, SOL_UDP, UDP_NO_CHECK6_RX, 1), 0, nm(f, "UDP_NO_CHECK6_RX"));
    EQ(getopt_of(fd, SOL_UDP, UDP_NO_CHECK6_RX), 1, nm(f, "UDP_NO_CHECK6_RX is on"));
}

static void cut(int f)
{
    struct link k = joined(f);
    int segment;
    make_data();
    RC(send_cut(k.c, 2500, 1000), 2500, nm(f, "sendmsg with UDP_SEGMENT"));
    EQ(receive(k.s, &segment), 1000, nm(f, "cut, the first"));
    EQ(segment, -1, nm(f, "cut, nobody asked for UDP_GRO"));
    OK(memcmp(in, data, 1000) == 0, nm(f, "cut, the first's bytes"));
    EQ(receive(k.s, &segment), 1000, nm(f, "cut, the second"));
    OK(memcmp(in, data + 1000, 1000) == 0, nm(f, "cut, the second's bytes"));
    EQ(receive(k.s, &segment), 500, nm(f, "cut, the rest"));
    OK(memcmp(in, data + 2000, 500) == 0, nm(f, "cut, the rest's bytes"));
    RC(recv(k.s, in, 10, MSG_DONTWAIT), -EAGAIN, nm(f, "cut, no more"));
    MUST(setopt(k.c, SOL_UDP, UDP_SEGMENT, 4));
    RC(send(k.c, data, 10, 0), 10, nm(f, "send with the option"));
    EQ(receive(k.s, &segment), 4, nm(f, "by option, the first"));
    EQ(receive(k.s, &segment), 4, nm(f, "by option, the second"));
    EQ(receive(k.s, &segment), 2, nm(f, "by option, the rest"));
    RC(send_cut(k.c, 10, 6), 10, nm(f, "a message says otherwise"));
    EQ(receive(k.s, &segment), 6, nm(f, "and is heard"));
    EQ(receive(k.s, &segment), 4, nm(f, "to the end"));
    RC(send_cut(k.c, 10, 0), 10, nm(f, "UDP_SEGMENT 0 in a message"));
    EQ(receive(k.s, &segment), 10, nm(f, "UDP_SEGMENT 0: in one piece"));
    RC(send(k.c, data, 4, 0), 4, nm(f, "as long as a segment"));
    EQ(receive(k.s, &segment), 4, nm(f, "as long as a segment, is one"));
    RC(send(k.c, data, 0, 0), 0, nm(f, "nothing to cut"));
    EQ(receive(k.s, &segment), 0, nm(f, "nothing, is a datagram"));
}

static void limits(int f)
{
    struct link k = joined(f);
    int segment, number = 100;
    uint8_t byte = 100;
    int most = f == AF_INET ? 65507 : 65527;
    make_data();
    RC(send_cut(k.c, 128, 1), 128, nm(f, "128 segments"));
    for (int i = 0; i < 127; i++)
        receive(k.s, &segment);
    EQ(receive(k.s, &segment), 1, nm(f, "128 segments, the last"));
    EQ(send_cut(k.c, 129, 1), -EINVAL, nm(f, "129 segments"));
    EQ(send_cut(k.c, (size_t)most, 1000), most, nm(f, "the largest, cut"));
    for (int i = 0; i < 65; i++)
        receive(k.s, &segment);
    EQ(receive(k.s, &segment), most - 65000, nm(f, "the largest, its last"));
    EQ(send_cut(k.c, (size_t)most + 1, 1000), -EMSGSIZE, nm(f, "one more byte than the largest"));
    EQ(send_by(k.c, 10, UDP_SEGMENT, &number, sizeof(number)), -EINVAL,
       nm(f, "UDP_SEGMENT as an int in a message"));
    EQ(send_by(k.c, 10, UDP_SEGMENT, &byte, 1), -EINVAL,
       nm(f, "UDP_SEGMENT as a byte in a message"));
    EQ(send_by(k.c, 10, UDP_GRO, &number, sizeof(number)), -EINVAL, nm(f, "UDP_GRO in a message"));
    RC(recv(k.s, in, 10, MSG_DONTWAIT), -EAGAIN, nm(f, "nothing of that was sent"));
}

static void joined_again(int f)
{
    struct link k = joined(f);
    int segment;
    make_data();
    MUST(setopt(k.s, SOL_UDP, UDP_GRO, 1));
    EQ(send_cut(k.c, 2500, 1000), 2500, nm(f, "cut for who takes bursts"));
    EQ(receive(k.s, &segment), 2500, nm(f, "a burst in one piece"));
    EQ(segment, 1000, nm(f, "a burst, UDP_GRO says how it was cut"));
    OK(memcmp(in, data, 2500) == 0, nm(f, "a burst, the bytes"));
    MUST(send(k.c, data, 700, 0));
    MUST(send(k.c, data, 700, 0));
    EQ(receive(k.s, &segment), 700, nm(f, "two sends are two"));
    EQ(segment, -1, nm(f, "and no burst"));
    EQ(receive(k.s, &segment), 700, nm(f, "two sends, the second"));
    EQ(send_cut(k.c, 700, 1000), 700, nm(f, "less than a segment"));
    EQ(receive(k.s, &segment), 700, nm(f, "less than a segment, in one piece"));
    EQ(segment, -1, nm(f, "less than a segment is no burst"));
    MUST(send_cut(k.c, 2000, 1000));
    RC(recv(k.s, in, sizeof(in), 0), 2000, nm(f, "a burst by recv"));
    MUST(send_cut(k.c, 2000, 1000));
    RC(recv(k.s, in, 1500, MSG_TRUNC), 2000, nm(f, "a burst cut short, its length"));
    RC(recv(k.s, in, 10, MSG_DONTWAIT), -EAGAIN, nm(f, "a burst cut short, the rest is lost"));
}

static void unchecked(int f)
{
    struct link k = joined(f);
    int segment;
    make_data();
    MUST(setopt(k.c, SOL_SOCKET, SO_NO_CHECK, 1));
    MUST(send(k.c, data, 10, 0));
    EQ(receive(k.s, &segment), 10, nm(f, "SO_NO_CHECK arrives"));
    EQ(send_cut(k.c, 100, 10), f == AF_INET ? -EINVAL : 100, nm(f, "SO_NO_CHECK, cut"));
    for (int i = 0; f != AF_INET && i < 10; i++)
        receive(k.s, &segment);
    MUST(setopt(k.c, SOL_UDP, UDP_NO_CHECK6_TX, 1));
    RC(send_to(k.c, data, 10, k.sa), 10, nm(f, "UDP_NO_CHECK6_TX, send"));
    if (f == AF_INET)
        EQ(receive(k.s, &segment), 10, nm(f, "UDP_NO_CHECK6_TX is no matter"));
    else
        RC(recv(k.s, in, 10, MSG_DONTWAIT), -EAGAIN, nm(f, "without a checksum, refused"));
    MUST(setopt(k.s, SOL_UDP, UDP_NO_CHECK6_RX, 1));
    MUST(send(k.c, data, 11, 0));
    EQ(receive(k.s, &segment), 11, nm(f, "UDP_NO_CHECK6_RX takes it"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(options), CASE(cut), CASE(limits), CASE(joined_again),
                                         CASE(unchecked)};
    return run_cases(cases, COUNT(cases));
}
