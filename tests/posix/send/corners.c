/* What a random walk over calls and arguments found: addresses without a length, pointers that lead
 * nowhere, sockets that are shut before they have a peer, what is inherited from a listener. */
#include "posix/lib.h"

#include <pthread.h>
#include <sys/syscall.h>

#define NOWHERE ((void *)8)

/* sendto() takes a pointer for an address, sendmsg() a length. */
static void no_length(int f)
{
    struct addr a;
    int r_fd = bound(f, SOCK_DGRAM, &a), fd = udp(f);
    struct iovec v = {"abc", 3};
    struct msghdr m = {.msg_name = &a.u, .msg_iov = &v, .msg_iovlen = 1};

    RC(sendto(fd, "abc", 3, 0, &a.u.sa, 0), -EINVAL, nm(f, "sendto, address of no length"));
    RC(sendmsg(fd, &m, 0), -EDESTADDRREQ, nm(f, "sendmsg, address of no length"));
    MUST(connect_to(fd, a));
    RC(sendto(fd, "abc", 3, 0, &a.u.sa, 0), -EINVAL, nm(f, "sendto, the same, connected"));
    RC(sendmsg(fd, &m, 0), 3, nm(f, "sendmsg, the same, connected"));
    m.msg_control = NULL;
    m.msg_controllen = 64;
    RC(sendmsg(fd, &m, 0), -EFAULT, nm(f, "sendmsg, control data of a length, nowhere"));
    MASK(r_fd, POLLIN | POLLOUT, nm(f, "one datagram came"));
}

/* The length is told before the address is written. */
static void nowhere(int f)
{
    struct pair p = tcp_pair(f);
    socklen_t len = 28;
    struct iovec v = {.iov_len = 8};
    char bytes[8];
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_namelen = 77};
    struct addr a;
    int fd = bound(f, SOCK_DGRAM, &a);

    RC(getsockname(p.c, NOWHERE, &len), -EFAULT, nm(f, "getsockname to nowhere"));
    EQ(len, addr_size(f), nm(f, "getsockname to nowhere, length"));
    len = 28;
    RC(getpeername(p.c, NOWHERE, &len), -EFAULT, nm(f, "getpeername to nowhere"));
    EQ(len, addr_size(f), nm(f, "getpeername to nowhere, length"));
    MUST(send_to(fd, "x", 1, a));
    MUST(await(fd, POLLIN | POLLOUT));
    v.iov_base = bytes;
    RC(recvmsg(fd, &m, 0), 1, nm(f, "recvmsg without a name"));
    EQ(m.msg_namelen, 77, nm(f, "recvmsg without a name leaves its length alone"));
}

struct sleeper {
    int fd, tid;
    long long got;
};

static void *sleep_in_recv(void *arg)
{
    struct sleeper *s = arg;
    char c;

    s->tid = gettid();
    s->got = r(recv(s->fd, &c, 1, 0));
    return NULL;
}

/* Without a peer shutdown() fails, and is heard all the same. */
static void shut_alone(int f)
{
    struct addr a;
    struct sleeper s = {.fd = bound(f, SOCK_DGRAM, &a), .got = -EBUSY};
    pthread_t t;

    MUST(pthread_create(&t, NULL, sleep_in_recv, &s) ? -1 : 0);
    while (!*(volatile int *)&s.tid)
        sched_yield();
    MUST(wait_blocked(s.tid, SYS_recvfrom) ? 0 : -1);
    RC(shutdown(s.fd, SHUT_RD), -ENOTCONN, nm(f, "datagram without a peer, SHUT_RD"));
    MUST(pthread_join(t, NULL) ? -1 : 0);
    EQ(s.got, 0, nm(f, "a blocked recv ends with nothing"));
    MASK(s.fd, POLLIN | POLLOUT | POLLRDHUP, nm(f, "mask after SHUT_RD"));
    RC(shutdown(s.fd, SHUT_WR), -ENOTCONN, nm(f, "datagram without a peer, SHUT_WR"));
    MASK(s.fd, POLLIN | POLLOUT | POLLRDHUP | POLLHUP, nm(f, "mask after both"));
    signal(SIGPIPE, SIG_IGN);
    RC(send_to(s.fd, "x", 1, a), -EPIPE, nm(f, "sendto after SHUT_WR"));
}

struct waiter {
    int fd, tid, events;
};

static void *wait_for_any(void *arg)
{
    struct waiter *w = arg;
    struct pollfd p = {.fd = w->fd, .events = POLLIN};

    w->tid = gettid();
    if (poll(&p, 1, PATIENCE_MS) == 1)
        w->events = p.revents;
    return NULL;
}

/* A listener that is shut down wakes whoever polls it. */
static void shut_listener(int f)
{
    struct addr a;
    struct waiter w = {.fd = listener(f, 4, &a)};
    pthread_t t;

    MUST(pthread_create(&t, NULL, wait_for_any, &w) ? -1 : 0);
    while (!*(volatile int *)&w.tid)
        sched_yield();
    MUST(wait_blocked(w.tid, SYS_poll) ? 0 : -1);
    RC(shutdown(w.fd, SHUT_RDWR), 0, nm(f, "listener, SHUT_RDWR"));
    MUST(pthread_join(t, NULL) ? -1 : 0);
    OK(w.events & POLLHUP, nm(f, "a poll sees it hang up"));
    nonblock(w.fd);
    RC(accept(w.fd, NULL, NULL), -EINVAL, nm(f, "accept then"));
    RC(listen(w.fd, 4), 0, nm(f, "it listens again"));
    MUST(connect_to(tcp(f), name_of(w.fd)));
    MASK(w.fd, POLLIN, nm(f, "and hears"));
}

static void inherited(int f)
{
    int l = tcp(f), c = tcp(f), s;
    struct addr a;

    MUST(setopt(l, SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1));
    MUST(setopt(l, SOL_SOCKET, SO_BROADCAST, 1));
    MUST(bind_to(l, loopback(f, 0)));
    MUST(listen(l, 1));
    a = name_of(l);
    MUST(connect_to(c, a));
    s = MUST(accept(l, NULL, NULL));
    EQ(getopt_of(s, SOL_IP, IP_BIND_ADDRESS_NO_PORT), 1,
       nm(f, "IP_BIND_ADDRESS_NO_PORT inherited"));
    EQ(getopt_of(s, SOL_SOCKET, SO_BROADCAST), 1, nm(f, "SO_BROADCAST inherited"));
}

/* Nothing to send is an open to wait for, too. */
static void opening(int f)
{
    struct addr a;
    int c = tcp(f), l = silent(f, &a);

    nonblock(c);
    RC(connect_to(c, a), -EINPROGRESS, nm(f, "an open that waits"));
    struct iovec v = {NULL, 0};
    struct msghdr m = {.msg_name = &a.u, .msg_namelen = a.len, .msg_iov = &v, .msg_iovlen = 1};
    RC(sendmsg(c, &m, 0), -EAGAIN, nm(f, "sendmsg of nothing"));
    close(l);
}

/* What is full for sends with an address, which a stream ignores, is so for poll(). */
static void full(int f)
{
    static const char junk[65536];
    struct addr a;
    int l = listener(f, 1, &a), c = tcp(f), refused = 0, left;

    MUST(connect_to(c, a));
    MUST(accept(l, NULL, NULL));
    nonblock(c);
    for (int tries = 0; refused < 5 && tries < 100000; tries++) {
        ssize_t n = sendto(c, junk, sizeof(junk), 0, &a.u.sa, a.len);
        struct pollfd p = {.fd = c, .events = POLLOUT};

        MUST(n > 0 || errno == EAGAIN ? 0 : -1);
        refused = n < 0 && poll(&p, 1, 0) == 0 ? refused + 1 : 0;
        (void)ioctl(c, TIOCOUTQ, &left);
    }
    EQ(refused, 5, nm(f, "sendto with an address finds no room, and poll() says so"));
}

/* However many short writes come at once, there is room again. */
static void many_short(int f)
{
    struct pair t = tcp_pair(f);
    int sent = 0;

    for (struct pollfd p = {.fd = t.c, .events = POLLOUT}; sent < 3000; sent++) {
        if (poll(&p, 1, PATIENCE_MS) != 1 || send(t.c, "short", 5, MSG_DONTWAIT) != 5)
            break;
    }
    EQ(sent, 3000, nm(f, "poll() finds room for each of many short writes"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(no_length), CASE(nowhere), CASE(shut_alone), CASE(shut_listener),
        CASE(inherited), CASE(opening), CASE(full),       CASE(many_short),
    };
    return run_cases(cases, COUNT(cases));
}
