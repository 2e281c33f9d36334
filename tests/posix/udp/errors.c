/* UDP: refusals by ICMP, pending errors, destinations that cannot be. */
#include "../lib.h"

/* Bound and closed: nothing else takes this port while the case runs. */
static struct addr nobody(int f)
{
    struct addr a;
    close(bound(f, SOCK_DGRAM, &a));
    return a;
}

static int refused(int f)
{
    int u = udp(f);
    struct pollfd p = {.fd = u};
    MUST(bind_to(u, any(f, 0))); /* or connect might choose the port that nobody has */
    MUST(connect_to(u, nobody(f)));
    for (int i = 0; i < 3 && !p.revents; i++) { /* a busy machine loses datagrams on loopback too */
        MUST(send(u, "x", 1, 0));
        MUST(poll(&p, 1, PATIENCE_MS / 3));
    }
    MUST(await(u, POLLOUT | POLLERR) == (POLLOUT | POLLERR) ? 0 : -1);
    return u;
}

/* NetSem deliver_in_icmp_3, send_23. */
static void reported(int f)
{
    char c;
    int u = refused(f);
    RC(recv(u, &c, 1, 0), -ECONNREFUSED, nm(f, "refused, recv reports"));
    RC(recv(u, &c, 1, MSG_DONTWAIT), -EAGAIN, nm(f, "refused, recv reports once"));
    u = refused(f);
    RC(send(u, "y", 1, 0), -ECONNREFUSED, nm(f, "refused, send reports"));
    RC(send(u, "y", 1, 0), 1, nm(f, "refused, the next send goes out"));
    u = refused(f);
    RC(send(u, "", 0, 0), -ECONNREFUSED, nm(f, "refused, an empty send reports"));
    u = refused(f);
    EQ(so_error(u), ECONNREFUSED, nm(f, "refused, SO_ERROR reports"));
    RC(send(u, "y", 1, 0), 1, nm(f, "refused, SO_ERROR took it"));
    EQ(peer_error(refused(f)), 0, nm(f, "refused, the peer stays"));
}

static void read_reports(int f)
{
    char c;
    RC(read(refused(f), &c, 1), -ECONNREFUSED, nm(f, "refused, read reports"));
    RC(write(refused(f), "x", 1), -ECONNREFUSED, nm(f, "refused, write reports"));
    struct addr from = {.len = sizeof(from.u)};
    RC(recvfrom(refused(f), &c, 1, 0, &from.u.sa, &from.len), -ECONNREFUSED,
       nm(f, "refused, recvfrom reports"));
}

/* A pending error is the socket's, not the destination's. */
static void to_another(int f)
{
    struct addr a;
    char c;
    int s = bound(f, SOCK_DGRAM, &a), u = refused(f);
    RC(send_to(u, "y", 1, a), -ECONNREFUSED, nm(f, "refused, sendto another peer reports"));
    RC(send_to(u, "y", 1, a), 1, nm(f, "refused, sendto another peer goes out then"));
    RC(recv(s, &c, 1, 0), 1, nm(f, "refused, sendto another peer arrives"));
}

/* NetSem connect_10. */
static void survives(int f)
{
    struct addr a;
    bound(f, SOCK_DGRAM, &a);
    int u = refused(f);
    RC(connect_to(u, a), 0, nm(f, "refused, re-connect"));
    EQ(so_error(u), ECONNREFUSED, nm(f, "refused, the error survives re-connect"));
    u = refused(f);
    RC(connect_to(u, unspec()), 0, nm(f, "refused, dissolve"));
    EQ(so_error(u), ECONNREFUSED, nm(f, "refused, the error survives dissolution"));
}

/* NetSem recv_24. */
static void before_data(int f)
{
    struct addr me, peer;
    char c;
    int u = bound(f, SOCK_DGRAM, &me), s = bound(f, SOCK_DGRAM, &peer);
    MUST(send_to(s, "d", 1, me));
    MUST(await(u, POLLIN | POLLOUT) & POLLIN ? 0 : -1);
    MUST(connect_to(u, nobody(f)));
    MUST(send(u, "x", 1, 0));
    MASK(u, POLLIN | POLLOUT | POLLERR, nm(f, "refused with data queued, mask"));
    RC(recv(u, &c, 1, 0), -ECONNREFUSED, nm(f, "refused with data queued, the error first"));
    RC(recv(u, &c, 1, 0), 1, nm(f, "refused with data queued, then the data"));
}

static void unconnected_hears_nothing(int f)
{
    int u = udp(f), e = udp(f);
    struct addr dead = nobody(f);
    RC(send_to(u, "x", 1, dead), 1, nm(f, "not connected, sendto nobody"));
    /* a connected one that asked later is told: the first answer has passed by then */
    MUST(connect_to(e, dead));
    MUST(send(e, "x", 1, 0));
    MUST(await(e, POLLOUT | POLLERR) & POLLERR ? 0 : -1);
    MASK(u, POLLOUT, nm(f, "not connected, no error comes"));
    EQ(so_error(u), 0, nm(f, "not connected, no SO_ERROR"));
    RC(send_to(u, "x", 1, dead), 1, nm(f, "not connected, sends again"));
}

static void error_queue(int f)
{
    int level = f == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    int name = f == AF_INET ? IP_RECVERR : IPV6_RECVERR;
    int u = udp(f);
    char c;
    MUST(setopt(u, level, name, 1));
    RC(send_to(u, "x", 1, nobody(f)), 1, nm(f, "error queue, sendto nobody"));
    MASK(u, POLLOUT | POLLERR, nm(f, "error queue, mask"));
    RC(recv(u, &c, 1, MSG_DONTWAIT), -ECONNREFUSED, nm(f, "error queue, recv reports"));
    RC(recv(u, &c, 1, MSG_ERRQUEUE), 1, nm(f, "error queue, the datagram comes back"));
    EQ(c, 'x', nm(f, "error queue, its payload"));
    RC(recv(u, &c, 1, MSG_ERRQUEUE), -EAGAIN, nm(f, "error queue, once"));
    MASK(u, POLLOUT, nm(f, "error queue, mask after"));
}

/* Linux: who reads the queue has the pending error, too. */
static void error_queue_first(int f)
{
    int u = udp(f);
    char c;
    MUST(setopt(u, f == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
                f == AF_INET ? IP_RECVERR : IPV6_RECVERR, 1));
    MUST(connect_to(u, nobody(f)));
    for (int i = 1; i <= 2; i++) {
        RC(send(u, "x", 1, 0), 1, nm(f, "error queue first %d, send", i));
        MASK(u, POLLOUT | POLLERR, nm(f, "error queue first %d, mask", i));
        RC(recv(u, &c, 1, MSG_ERRQUEUE), 1, nm(f, "error queue first %d, comes back", i));
        MASK(u, POLLOUT, nm(f, "error queue first %d, mask after", i));
        EQ(so_error(u), 0, nm(f, "error queue first %d, no SO_ERROR", i));
        RC(recv(u, &c, 1, MSG_DONTWAIT), -EAGAIN, nm(f, "error queue first %d, recv", i));
    }
}

/* NetSem send_18. */
static void destinations(int f)
{
    struct addr a = loopback(f, 9), wrong = loopback(f, 9);
    int u = udp(f);
    RC(send_to(u, "x", 1, loopback(f, 0)), -EINVAL, nm(f, "sendto port 0"));
    RC(sendto(u, "x", 1, 0, &a.u.sa, 1), -EINVAL, nm(f, "sendto, length 1"));
    RC(sendto(u, "x", 1, 0, &a.u.sa, 15), -EINVAL, nm(f, "sendto, length 15"));
    RC(sendto(u, "x", 1, 0, &a.u.sa, 129), -EINVAL, nm(f, "sendto, length 129"));
    RC(sendto(u, "x", 1, 0, (struct sockaddr *)8, a.len), -EFAULT, nm(f, "sendto, wild address"));
    wrong.u.sa.sa_family = AF_UNIX;
    RC(send_to(u, "x", 1, wrong), f == AF_INET ? -EAFNOSUPPORT : -EINVAL,
       nm(f, "sendto, AF_UNIX address"));
    RC(sendto(u, (char *)8, 1, 0, &a.u.sa, a.len), -EFAULT, nm(f, "sendto, wild buffer"));
    RC(sendto(u, "x", 1, MSG_OOB, &a.u.sa, a.len), f == AF_INET ? -EOPNOTSUPP : 1,
       nm(f, "sendto, MSG_OOB"));
    RC(sendto(u, "x", 1, 0, NULL, 0), -EDESTADDRREQ, nm(f, "sendto, no address"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(reported),    CASE(read_reports),      CASE(to_another),
        CASE(survives),    CASE(before_data),       CASE(unconnected_hears_nothing),
        CASE(error_queue), CASE(error_queue_first), CASE(destinations),
    };
    return run_cases(cases, COUNT(cases));
}
