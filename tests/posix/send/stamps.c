/* SO_TIMESTAMPING of a stream: when the last byte of a send goes out, and when it is acknowledged,
 * told by the error queue. */
#include "../lib.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <time.h>

enum {
    OPT_ID_TCP = 1 << 16, /* Linux 6.2; the C library may be older */
    ALL_TIMES = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_ACK |
                SOF_TIMESTAMPING_SOFTWARE,
    NUMBERED = ALL_TIMES | SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY,
};

struct told {
    struct sock_extended_err e;
    struct timespec at[3];
    bool has_time;
    int flags;
};

/* The next entry, which comes. */
static struct told next(int f, int fd)
{
    union {
        struct cmsghdr align;
        char room[256];
    } u;
    struct msghdr m = {.msg_control = &u, .msg_controllen = sizeof(u)};
    struct told t = {.has_time = false};
    int level = f == AF_INET ? SOL_IP : SOL_IPV6, type = f == AF_INET ? IP_RECVERR : IPV6_RECVERR;

    MUST(await(fd, POLLOUT | POLLERR) & POLLERR ? 0 : -1);
    MUST(recvmsg(fd, &m, MSG_ERRQUEUE));
    t.flags = m.msg_flags;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPING) {
            memcpy(t.at, CMSG_DATA(c), sizeof(t.at));
            t.has_time = true;
        } else if (c->cmsg_level == level && c->cmsg_type == type) {
            memcpy(&t.e, CMSG_DATA(c), sizeof(t.e));
        }
    }
    return t;
}

static bool is_now(const struct timespec *at)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return at->tv_sec <= now.tv_sec && at->tv_sec >= now.tv_sec - 60;
}

static int ask(int fd, int bits)
{
    return setopt(fd, SOL_SOCKET, SO_TIMESTAMPING, bits);
}

static void times(int f)
{
    static const uint32_t order[] = {SCM_TSTAMP_SCHED, SCM_TSTAMP_SND, SCM_TSTAMP_ACK};
    struct pair p = tcp_pair(f);
    char room[200];

    EQ(getopt_of(p.c, SOL_SOCKET, SO_TIMESTAMPING), 0, nm(f, "times of sending, at first"));
    RC(ask(p.c, NUMBERED), 0, nm(f, "times of sending"));
    EQ(getopt_of(p.c, SOL_SOCKET, SO_TIMESTAMPING), NUMBERED, nm(f, "times of sending, read"));
    for (uint32_t round = 0; round < 2; round++) {
        MUST(send(p.c, room, 100, 0));
        for (int i = 0; i < 3; i++) {
            struct told t = next(f, p.c);

            EQ(t.e.ee_errno, ENOMSG, nm(f, "time %d.%d, errno", round, i));
            EQ(t.e.ee_origin, SO_EE_ORIGIN_TIMESTAMPING, nm(f, "time %d.%d, origin", round, i));
            EQ(t.e.ee_info, order[i], nm(f, "time %d.%d, of what", round, i));
            EQ(t.e.ee_data, 100 * round + 99, nm(f, "time %d.%d, of the last byte", round, i));
            OK(t.has_time && is_now(&t.at[0]), nm(f, "time %d.%d, when", round, i));
            EQ(t.flags & MSG_TRUNC, 0, nm(f, "time %d.%d, nothing is cut off", round, i));
        }
        MUST(recv(p.s, room, sizeof(room), 0));
    }
    MASK(p.c, POLLOUT, nm(f, "all has been told"));
    RC(so_error(p.c), 0, nm(f, "and no error was pending"));
    RC(ask(p.c, 0), 0, nm(f, "times of sending, not any more"));
    MUST(send(p.c, room, 100, 0));
    MUST(recv(p.s, room, sizeof(room), 0));
    MASK(p.c, POLLOUT, nm(f, "not any more, nothing is told"));
}

static void choice(int f)
{
    struct pair p = tcp_pair(f);
    struct told t;
    char room[200];

    RC(ask(p.c, SOF_TIMESTAMPING_TX_ACK | SOF_TIMESTAMPING_OPT_TSONLY), 0,
       nm(f, "acknowledgement alone"));
    MUST(send(p.c, room, 100, 0));
    t = next(f, p.c);
    EQ(t.e.ee_info, SCM_TSTAMP_ACK, nm(f, "acknowledgement alone, is told"));
    EQ(t.e.ee_data, 0, nm(f, "acknowledgement alone, without a number"));
    OK(!t.has_time, nm(f, "acknowledgement alone, nobody asked for times"));
    MASK(p.c, POLLOUT, nm(f, "acknowledgement alone, and nothing else"));
}

static void arguments(int f)
{
    struct addr a;
    int s = tcp(f), l = listener(f, 1, &a);

    RC(ask(s, ALL_TIMES | SOF_TIMESTAMPING_OPT_ID), -EINVAL, nm(f, "numbers before a connect"));
    RC(ask(l, ALL_TIMES | SOF_TIMESTAMPING_OPT_ID), -EINVAL, nm(f, "numbers of a listener"));
    RC(ask(s, OPT_ID_TCP), -EINVAL, nm(f, "how to number, and not to"));
    RC(ask(s, 1 << 30), -EINVAL, nm(f, "unknown bits"));
    RC(ask(s, ALL_TIMES), 0, nm(f, "times before a connect"));
    MUST(connect_to(s, a));
    EQ(getopt_of(s, SOL_SOCKET, SO_TIMESTAMPING), ALL_TIMES, nm(f, "are there afterwards"));
    MUST(send(s, "x", 1, 0));
    EQ(next(f, s).e.ee_info, SCM_TSTAMP_SCHED, nm(f, "and told"));
}

static void unasked(int f)
{
    int s = tcp(f);

    EQ(getopt_of(s, SOL_SOCKET, SO_TIMESTAMPING), 0, nm(f, "before anybody asks"));
    RC(ask(s, -1), -EINVAL, nm(f, "all bits at once"));
    RC(ask(s, 0), 0, nm(f, "none of them"));
}

int main(void)
{
    static const struct tcase cases[] = {CASE(unasked), CASE(times), CASE(choice), CASE(arguments)};
    return run_cases(cases, COUNT(cases));
}
