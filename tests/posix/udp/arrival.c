/* What is told of a datagram's arrival: SO_TIMESTAMP and its like, SO_RXQ_OVFL. */
#include "link.h"

#include <linux/net_tstamp.h>
#include <linux/sockios.h>

#ifndef SO_TXTIME
#define SO_TXTIME 61
#endif

enum { ROOM = 256 };

/* What came with a datagram at SOL_SOCKET: how many messages, the first's type, length and data. */
struct told {
    int count, type;
    size_t len;
    unsigned char data[64];
};

static struct told receive(int fd)
{
    char b[16];
    _Alignas(struct cmsghdr) char control[ROOM];
    struct iovec v = {b, sizeof(b)};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = ROOM};
    struct told t = {.type = -1};
    MUST(recvmsg(fd, &m, 0));
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
        if (h->cmsg_level != SOL_SOCKET)
            continue;
        if (t.count++ == 0) {
            t.type = h->cmsg_type;
            t.len = h->cmsg_len - CMSG_LEN(0);
            memcpy(t.data, CMSG_DATA(h), t.len < sizeof(t.data) ? t.len : sizeof(t.data));
        }
    }
    return t;
}

static struct told one(struct link k)
{
    MUST(send(k.c, "x", 1, 0));
    return receive(k.s);
}

/* Seconds and a fraction are of now: within a minute, and the fraction below its unit. */
static bool is_now(const unsigned char *at, long unit)
{
    int64_t v[2];
    memcpy(v, at, sizeof(v));
    return v[0] > time(NULL) - 60 && v[0] < time(NULL) + 60 && v[1] >= 0 && v[1] < unit;
}

static void stamps(int f)
{
    struct link k = joined(f);
    struct told t = one(k);
    EQ(t.count, 0, nm(f, "nothing is told at first"));
    RC(setopt(k.s, SOL_SOCKET, SO_TIMESTAMP, 1), 0, nm(f, "SO_TIMESTAMP"));
    EQ(getopt_of(k.s, SOL_SOCKET, SO_TIMESTAMP), 1, nm(f, "SO_TIMESTAMP is on"));
    EQ(getopt_of(k.s, SOL_SOCKET, SO_TIMESTAMPNS), 0, nm(f, "SO_TIMESTAMPNS is not"));
    t = one(k);
    EQ(t.count, 1, nm(f, "SO_TIMESTAMP, one message"));
    EQ(t.type, SO_TIMESTAMP, nm(f, "SO_TIMESTAMP, its type"));
    EQ(t.len, sizeof(struct timeval), nm(f, "SO_TIMESTAMP, its length"));
    OK(is_now(t.data, 1000000), nm(f, "SO_TIMESTAMP, the time"));
    RC(setopt(k.s, SOL_SOCKET, SO_TIMESTAMPNS, 1), 0, nm(f, "SO_TIMESTAMPNS"));
    EQ(getopt_of(k.s, SOL_SOCKET, SO_TIMESTAMP), 0, nm(f, "SO_TIMESTAMPNS takes its place"));
    t = one(k);
    EQ(t.count, 1, nm(f, "SO_TIMESTAMPNS, one message"));
    EQ(t.type, SO_TIMESTAMPNS, nm(f, "SO_TIMESTAMPNS, its type"));
    EQ(t.len, sizeof(struct timespec), nm(f, "SO_TIMESTAMPNS, its length"));
    OK(is_now(t.data, 1000000000), nm(f, "SO_TIMESTAMPNS, the time"));
    RC(setopt(k.s, SOL_SOCKET, SO_TIMESTAMP, 0), 0, nm(f, "SO_TIMESTAMP 0"));
    EQ(getopt_of(k.s, SOL_SOCKET, SO_TIMESTAMPNS), 0, nm(f, "SO_TIMESTAMP 0 ends both"));
    EQ(one(k).count, 0, nm(f, "nothing is told any more"));
}

static void order(int f)
{
    struct link k = joined(f);
    int64_t a[2], b[2];
    MUST(setopt(k.s, SOL_SOCKET, SO_TIMESTAMPNS, 1));
    MUST(send(k.c, "x", 1, 0));
    MUST(send(k.c, "y", 1, 0));
    struct told first = receive(k.s), second = receive(k.s);
    memcpy(a, first.data, sizeof(a));
    memcpy(b, second.data, sizeof(b));
    OK(a[0] < b[0] || (a[0] == b[0] && a[1] <= b[1]), nm(f, "times do not run back"));
}

static void new_layout(int f)
{
    struct link k = joined(f);
    MUST(setopt(k.s, SOL_SOCKET, SO_TIMESTAMP_NEW, 1));
    struct told t = one(k);
    EQ(t.type, SO_TIMESTAMP_NEW, nm(f, "SO_TIMESTAMP_NEW, its type"));
    EQ(getopt_of(k.s, SOL_SOCKET, SO_TIMESTAMP_NEW), 1, nm(f, "SO_TIMESTAMP_NEW is on"));
    EQ(getopt_of(k.s, SOL_SOCKET, SO_TIMESTAMP_OLD), 0, nm(f, "SO_TIMESTAMP_NEW, the old is not"));
    MUST(setopt(k.s, SOL_SOCKET, SO_TIMESTAMPNS_NEW, 1));
    t = one(k);
    EQ(t.type, SO_TIMESTAMPNS_NEW, nm(f, "SO_TIMESTAMPNS_NEW, its type"));
    EQ(getopt_of(k.s, SOL_SOCKET, SO_TIMESTAMP_NEW), 1,
       nm(f, "SO_TIMESTAMPNS_NEW is the former, too"));
}

static void stamping(int f)
{
    struct link k = joined(f);
    struct told t;
    EQ(getopt_of(k.s, SOL_SOCKET, SO_TIMESTAMPING), 0, nm(f, "SO_TIMESTAMPING at first"));
    RC(setopt(k.s, SOL_SOCKET, SO_TIMESTAMPING, -1), -EINVAL, nm(f, "SO_TIMESTAMPING -1"));
    RC(setopt(k.s, SOL_SOCKET, SO_TIMESTAMPING,
              SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE),
       0, nm(f, "SO_TIMESTAMPING"));
    EQ(getopt_of(k.s, SOL_SOCKET, SO_TIMESTAMPING),
       SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE, nm(f, "SO_TIMESTAMPING is kept"));
    t = one(k);
    for (int i = 0; i < 1000 && t.count == 0; i++) { /* the kernel takes its time to begin */
        poll(NULL, 0, 1);
        t = one(k);
    }
    EQ(t.count, 1, nm(f, "SO_TIMESTAMPING, one message"));
    EQ(t.type, SO_TIMESTAMPING, nm(f, "SO_TIMESTAMPING, its type"));
    EQ(t.len, 3 * sizeof(struct timespec), nm(f, "SO_TIMESTAMPING, its length"));
    OK(is_now(t.data, 1000000000), nm(f, "SO_TIMESTAMPING, the time"));
    OK(memcmp(t.data + 16, (char[32]){0}, 32) == 0, nm(f, "SO_TIMESTAMPING, no card's times"));
    MUST(setopt(k.s, SOL_SOCKET, SO_TIMESTAMP, 1));
    EQ(one(k).count, 2, nm(f, "both are told"));
    MUST(setopt(k.s, SOL_SOCKET, SO_TIMESTAMP, 0));
    MUST(setopt(k.s, SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_RX_HARDWARE));
    EQ(one(k).count, 0, nm(f, "a card's times alone: nothing"));
    MUST(setopt(k.s, SOL_SOCKET, SO_TIMESTAMPING, 0));
    EQ(one(k).count, 0, nm(f, "SO_TIMESTAMPING 0: nothing"));
}

static void overflow(int f)
{
    struct link k = joined(f);
    static char big[30000];
    struct told t;
    uint32_t drops;
    RC(setopt(k.s, SOL_SOCKET, SO_RXQ_OVFL, 1), 0, nm(f, "SO_RXQ_OVFL"));
    EQ(getopt_of(k.s, SOL_SOCKET, SO_RXQ_OVFL), 1, nm(f, "SO_RXQ_OVFL is on"));
    EQ(one(k).count, 0, nm(f, "SO_RXQ_OVFL, nothing was lost"));
    MUST(setopt(k.s, SOL_SOCKET, SO_RCVBUF, 4096));
    for (int i = 0; i < 50; i++)
        MUST(send(k.c, big, sizeof(big), 0));
    EQ(receive(k.s).count, 0, nm(f, "SO_RXQ_OVFL, of what came before the loss"));
    while (recv(k.s, big, sizeof(big), MSG_DONTWAIT) >= 0)
        continue;
    t = one(k);
    memcpy(&drops, t.data, sizeof(drops));
    EQ(t.type, SO_RXQ_OVFL, nm(f, "SO_RXQ_OVFL, the next one tells"));
    EQ(t.len, sizeof(drops), nm(f, "SO_RXQ_OVFL, its length"));
    OK(drops > 0 && drops < 50, nm(f, "SO_RXQ_OVFL, how many"));
    MUST(setopt(k.s, SOL_SOCKET, SO_RXQ_OVFL, 0));
    EQ(one(k).count, 0, nm(f, "SO_RXQ_OVFL off"));
}

/* Where no queue waits for the time, it is a word. */
static void departure(int f)
{
    struct {
        int32_t clock;
        uint32_t flags;
    } at = {CLOCK_MONOTONIC, 0}, back;
    struct link k = joined(f);
    socklen_t len = sizeof(back);
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(8)] = "";
    struct iovec v = {"x", 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    *h =
        (struct cmsghdr){.cmsg_len = CMSG_LEN(8), .cmsg_level = SOL_SOCKET, .cmsg_type = SO_TXTIME};
    RC(sendmsg(k.c, &m, 0), -EINVAL, nm(f, "a time without SO_TXTIME"));
    RC(setsockopt(k.c, SOL_SOCKET, SO_TXTIME, &at, 4), -EINVAL, nm(f, "SO_TXTIME, too short"));
    at.flags = 8;
    RC(setsockopt(k.c, SOL_SOCKET, SO_TXTIME, &at, sizeof(at)), -EINVAL, nm(f, "SO_TXTIME, flags"));
    at.flags = 2;
    RC(setsockopt(k.c, SOL_SOCKET, SO_TXTIME, &at, sizeof(at)), 0, nm(f, "SO_TXTIME"));
    RC(getsockopt(k.c, SOL_SOCKET, SO_TXTIME, &back, &len), 0, nm(f, "SO_TXTIME is told"));
    OK(back.clock == CLOCK_MONOTONIC && back.flags == 2, nm(f, "SO_TXTIME is kept"));
    RC(sendmsg(k.c, &m, 0), 1, nm(f, "a time that has passed"));
    EQ(receive(k.s).count, 0, nm(f, "it is sent"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(stamps),   CASE(order),    CASE(new_layout),
                                         CASE(stamping), CASE(overflow), CASE(departure)};
    return run_cases(cases, COUNT(cases));
}
