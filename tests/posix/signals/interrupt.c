/* A caught signal in a blocked call: EINTR without SA_RESTART, and what goes on. */
#include "../lib.h"

#include <pthread.h>
#include <sys/syscall.h>

static volatile sig_atomic_t caught;

static void count(int sig)
{
    caught++;
}

static void handle(int flags)
{
    struct sigaction sa = {.sa_handler = count, .sa_flags = flags};
    MUST(sigaction(SIGUSR1, &sa, NULL));
}

/* Sends SIGUSR1 to the main thread when it is blocked in a call; then, if asked, does a deed. */
struct helper {
    pthread_t thread, target;
    int tid;
    long nr;
    int connecting; /* a descriptor whose mask must first be empty, or -1 */
    void (*then)(int);
    int fd;
    bool saw;
};

static void *interrupt(void *arg)
{
    struct helper *h = arg;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    h->saw = wait_blocked(h->tid, h->nr);
    if (h->connecting >= 0)
        h->saw = await(h->connecting, 0) == 0 && wait_blocked(h->tid, h->nr);
    pthread_kill(h->target, SIGUSR1);
    if (h->then) {
        while (!caught)
            poll(NULL, 0, 1);
        h->saw = wait_blocked(h->tid, h->nr);
        h->then(h->fd);
    }
    return NULL;
}

static void start(struct helper *h)
{
    h->target = pthread_self();
    h->tid = (int)syscall(SYS_gettid);
    MUST(-pthread_create(&h->thread, NULL, interrupt, h));
}

/* C13. NetSem intr_1. */
static void in_connect(int f)
{
    struct addr a;
    int l = silent(f, &a), fd = tcp(f);
    struct helper h = {.nr = SYS_connect, .connecting = fd};
    handle(0);
    start(&h);
    RC(connect_to(fd, a), -EINTR, nm(f, "signal in connect"));
    EQ(caught, 1, nm(f, "signal in connect, the handler ran"));
    MASK(fd, 0, nm(f, "signal in connect, the attempt goes on"));
    EQ(peer_error(fd), -ENOTCONN, nm(f, "signal in connect, no peer yet"));
    nonblock(fd);
    RC(connect_to(fd, a), -EALREADY, nm(f, "signal in connect, connect without blocking"));
    MUST(accept(l, NULL, NULL));
    MASK(fd, POLLOUT, nm(f, "signal in connect, it completes"));
    EQ(so_error(fd), 0, nm(f, "signal in connect, without error"));
    RC(connect_to(fd, a), 0, nm(f, "signal in connect, completed, connect"));
    RC(connect_to(fd, a), -EISCONN, nm(f, "signal in connect, completed, connect again"));
    pthread_join(h.thread, NULL);
}

static void repeated_connect_joins(int f)
{
    struct addr a;
    int l = silent(f, &a), fd = tcp(f);
    struct helper h = {.nr = SYS_connect, .connecting = fd};
    handle(0);
    start(&h);
    RC(connect_to(fd, a), -EINTR, nm(f, "connect repeated after a signal, EINTR"));
    pthread_join(h.thread, NULL);
    MUST(accept(l, NULL, NULL));
    RC(connect_to(fd, a), 0, nm(f, "connect repeated after a signal joins the wait"));
    RC(connect_to(fd, a), -EISCONN, nm(f, "connect repeated after a signal, connected"));
}

static void accept_one(int l)
{
    MUST(accept(l, NULL, NULL));
}

static void connect_restarts(int f)
{
    struct addr a;
    int l = silent(f, &a), fd = tcp(f);
    struct helper h = {.nr = SYS_connect, .connecting = fd, .then = accept_one, .fd = l};
    handle(SA_RESTART);
    start(&h);
    RC(connect_to(fd, a), 0, nm(f, "signal in connect, SA_RESTART"));
    pthread_join(h.thread, NULL);
    EQ(caught, 1, nm(f, "signal in connect, SA_RESTART, the handler ran"));
    RC(connect_to(fd, a), -EISCONN, nm(f, "signal in connect, SA_RESTART, connected"));
}

/* With SO_SNDTIMEO a signal ends connect() even under SA_RESTART. */
static void connect_with_timeout(int f)
{
    struct addr a;
    silent(f, &a);
    int fd = tcp(f);
    struct helper h = {.nr = SYS_connect, .connecting = fd};
    handle(SA_RESTART);
    set_timeout(fd, SO_SNDTIMEO, 5000);
    start(&h);
    RC(connect_to(fd, a), -EINTR, nm(f, "signal in connect, SA_RESTART, SO_SNDTIMEO"));
    pthread_join(h.thread, NULL);
    MASK(fd, 0, nm(f, "signal in connect, SA_RESTART, SO_SNDTIMEO, goes on"));
}

/* NetSem intr_1. */
static void in_accept(int f)
{
    struct addr a;
    int l = listener(f, 4, &a);
    struct helper h = {.nr = SYS_accept, .connecting = -1};
    handle(0);
    start(&h);
    RC(accept(l, NULL, NULL), -EINTR, nm(f, "signal in accept"));
    pthread_join(h.thread, NULL);
    RC(connect_to(tcp(f), a), 0, nm(f, "signal in accept, the listener lives"));
    OK(accept(l, NULL, NULL) >= 0, nm(f, "signal in accept, accepts afterwards"));
}

static struct addr to_connect;

static void connect_one(int f)
{
    MUST(connect_to(tcp(f), to_connect));
}

static void accept_restarts(int f)
{
    int l = listener(f, 4, &to_connect);
    struct helper h = {.nr = SYS_accept, .connecting = -1, .then = connect_one, .fd = f};
    handle(SA_RESTART);
    start(&h);
    OK(accept(l, NULL, NULL) >= 0, nm(f, "signal in accept, SA_RESTART"));
    EQ(caught, 1, nm(f, "signal in accept, SA_RESTART, the handler ran"));
    pthread_join(h.thread, NULL);
}

/* NetSem intr_1. */
static void in_recv(int f)
{
    struct pair t = tcp_pair(f);
    char b;
    struct helper h = {.nr = SYS_recvfrom, .connecting = -1};
    handle(0);
    start(&h);
    RC(recv(t.c, &b, 1, 0), -EINTR, nm(f, "signal in recv"));
    pthread_join(h.thread, NULL);
    MUST(send(t.s, "x", 1, 0));
    RC(recv(t.c, &b, 1, 0), 1, nm(f, "signal in recv, the connection lives"));
}

static void send_one(int fd)
{
    MUST(send(fd, "x", 1, 0));
}

static void recv_restarts(int f)
{
    struct pair t = tcp_pair(f);
    char b;
    struct helper h = {.nr = SYS_recvfrom, .connecting = -1, .then = send_one, .fd = t.s};
    handle(SA_RESTART);
    start(&h);
    RC(recv(t.c, &b, 1, 0), 1, nm(f, "signal in recv, SA_RESTART"));
    EQ(caught, 1, nm(f, "signal in recv, SA_RESTART, the handler ran"));
    pthread_join(h.thread, NULL);
}

static void recv_with_timeout(int f)
{
    struct pair t = tcp_pair(f);
    char b;
    struct helper h = {.nr = SYS_recvfrom, .connecting = -1};
    handle(SA_RESTART);
    set_timeout(t.c, SO_RCVTIMEO, 5000);
    start(&h);
    RC(recv(t.c, &b, 1, 0), -EINTR, nm(f, "signal in recv, SA_RESTART, SO_RCVTIMEO"));
    pthread_join(h.thread, NULL);
}

/* NetSem intr_1. */
static void in_recvfrom(int f)
{
    struct addr a, from = {.len = sizeof(from.u)};
    char b;
    int s = bound(f, SOCK_DGRAM, &a);
    struct helper h = {.nr = SYS_recvfrom, .connecting = -1};
    handle(0);
    start(&h);
    RC(recvfrom(s, &b, 1, 0, &from.u.sa, &from.len), -EINTR, nm(f, "signal in recvfrom, datagram"));
    pthread_join(h.thread, NULL);
    MUST(send_to(udp(f), "x", 1, a));
    RC(recvfrom(s, &b, 1, 0, &from.u.sa, &from.len), 1, nm(f, "signal in recvfrom, hears after"));
}

/* NetSem intr_1. */
static void in_send(int f)
{
    static char junk[65536];
    struct pair t = tcp_pair(f);
    fill(t.c);
    struct helper h = {.nr = SYS_sendto, .connecting = -1};
    handle(0);
    start(&h);
    RC(send(t.c, junk, sizeof(junk), 0), -EINTR, nm(f, "signal in send, nothing taken"));
    pthread_join(h.thread, NULL);
}

static void in_send_to_address(int f)
{
    static char junk[65536];
    struct pair t = tcp_pair(f);
    struct addr a = refuser(f);
    fill(t.c);
    struct helper h = {.nr = SYS_sendto, .connecting = -1};
    handle(0);
    start(&h);
    RC(send_to(t.c, junk, sizeof(junk), a), -EINTR, nm(f, "signal in sendto, nothing taken"));
    pthread_join(h.thread, NULL);
}

/* A call on a stream with room for an address, which TCP does not fill. */
static void in_recv_from_address(int f)
{
    struct pair t = tcp_pair(f);
    struct addr from = {.len = sizeof(from.u)};
    char b;
    struct helper h = {.nr = SYS_recvfrom, .connecting = -1};
    handle(0);
    start(&h);
    RC(recvfrom(t.c, &b, 1, 0, &from.u.sa, &from.len), -EINTR, nm(f, "signal in recvfrom, stream"));
    pthread_join(h.thread, NULL);
    MUST(send(t.s, "x", 1, 0));
    RC(recvfrom(t.c, &b, 1, 0, &from.u.sa, &from.len), 1, nm(f, "signal in recvfrom, hears more"));
    caught = 0;
    struct helper again = {.nr = SYS_recvfrom, .connecting = -1, .then = send_one, .fd = t.s};
    handle(SA_RESTART);
    start(&again);
    RC(recvfrom(t.c, &b, 1, 0, &from.u.sa, &from.len), 1, nm(f, "signal in recvfrom, SA_RESTART"));
    pthread_join(again.thread, NULL);
}

/* NetSem intr_1. */
static void in_poll(int f)
{
    struct pair t = tcp_pair(f);
    struct pollfd p = {.fd = t.c, .events = POLLIN};
    struct helper h = {.nr = SYS_poll, .connecting = -1};
    handle(SA_RESTART);
    start(&h);
    RC(poll(&p, 1, -1), -EINTR, nm(f, "signal in poll, even with SA_RESTART"));
    pthread_join(h.thread, NULL);
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(in_connect),
        CASE(repeated_connect_joins),
        CASE(connect_restarts),
        CASE(connect_with_timeout),
        CASE(in_accept),
        CASE(accept_restarts),
        CASE(in_recv),
        CASE(recv_restarts),
        CASE(recv_with_timeout),
        CASE(in_recvfrom),
        CASE(in_send),
        CASE(in_poll),
        CASE(in_send_to_address),
        CASE(in_recv_from_address),
    };
    return run_cases(cases, COUNT(cases));
}
