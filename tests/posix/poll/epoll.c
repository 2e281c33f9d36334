/* epoll: membership, mixtures with other descriptors, sets in sets, turns, exclusive waiting. */
#include "../lib.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

static int add(int ep, int fd, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.fd = fd};
    return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

static void arguments(int f)
{
    struct epoll_event ev = {.events = EPOLLIN}, got;
    int ep = MUST(epoll_create1(0)), fd = udp(f), p[2];
    volatile int less_than_none = -1;
    MUST(pipe(p));
    RC(epoll_create1(1), -EINVAL, nm(f, "epoll_create1, unknown flag"));
    EQ(fcntl(MUST(epoll_create1(EPOLL_CLOEXEC)), F_GETFD), FD_CLOEXEC, nm(f, "EPOLL_CLOEXEC"));
    RC(epoll_ctl(-1, EPOLL_CTL_ADD, fd, &ev), -EBADF, nm(f, "epoll_ctl, set -1"));
    RC(epoll_ctl(ep, EPOLL_CTL_ADD, -1, &ev), -EBADF, nm(f, "epoll_ctl, descriptor -1"));
    RC(epoll_ctl(p[0], EPOLL_CTL_ADD, fd, &ev), -EINVAL, nm(f, "epoll_ctl, a pipe is no set"));
    RC(epoll_ctl(fd, EPOLL_CTL_ADD, p[0], &ev), -EINVAL, nm(f, "epoll_ctl, a socket is no set"));
    RC(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &ev), -EINVAL, nm(f, "epoll_ctl, a set into itself"));
    RC(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev), -ENOENT, nm(f, "epoll_ctl, MOD of a stranger"));
    RC(epoll_ctl(ep, EPOLL_CTL_DEL, fd, &ev), -ENOENT, nm(f, "epoll_ctl, DEL of a stranger"));
    RC(epoll_ctl(ep, EPOLL_CTL_ADD, fd, NULL), -EFAULT, nm(f, "epoll_ctl, ADD of nothing"));
    RC(epoll_ctl(ep, 77, fd, &ev), -EINVAL, nm(f, "epoll_ctl, unknown operation"));
    RC(add(ep, fd, EPOLLIN), 0, nm(f, "epoll_ctl, ADD"));
    RC(add(ep, fd, EPOLLOUT), -EEXIST, nm(f, "epoll_ctl, ADD again"));
    int d = MUST(dup(fd));
    RC(add(ep, d, EPOLLIN), 0, nm(f, "epoll_ctl, ADD of a copy"));
    RC(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL), 0, nm(f, "epoll_ctl, DEL without event"));
    RC(epoll_wait(ep, &got, 0, 0), -EINVAL, nm(f, "epoll_wait, no room"));
    RC(epoll_wait(ep, &got, less_than_none, 0), -EINVAL, nm(f, "epoll_wait, negative room"));
    RC(epoll_wait(fd, &got, 1, 0), -EINVAL, nm(f, "epoll_wait, a socket is no set"));
    RC(epoll_wait(-1, &got, 1, 0), -EBADF, nm(f, "epoll_wait, set -1"));
    RC(add(ep, udp(f), EPOLLEXCLUSIVE | EPOLLONESHOT), -EINVAL, nm(f, "exclusive and one shot"));
    int e = udp(f);
    RC(add(ep, e, EPOLLIN | EPOLLEXCLUSIVE), 0, nm(f, "exclusive"));
    RC(epoll_ctl(ep, EPOLL_CTL_MOD, e, &ev), -EINVAL, nm(f, "exclusive, MOD"));
}

/* NetSem pselect_1: whoever is ready is told, sockets and others alike. */
static void mixed(int f)
{
    struct pair t = tcp_pair(f);
    struct epoll_event got[4];
    int ep = MUST(epoll_create1(0)), p[2], seen = 0;
    char b;
    MUST(pipe(p));
    MUST(add(ep, t.c, EPOLLIN));
    MUST(add(ep, p[0], EPOLLIN));
    RC(epoll_wait(ep, got, 4, 0), 0, nm(f, "mixed, none ready"));
    MUST(write(p[1], "x", 1));
    RC(epoll_wait(ep, got, 4, PATIENCE_MS), 1, nm(f, "mixed, the pipe"));
    EQ(got[0].data.fd, p[0], nm(f, "mixed, the pipe's data"));
    MUST(send(t.s, "x", 1, 0));
    MASK(t.c, POLLIN | POLLOUT, nm(f, "mixed, the socket is readable"));
    RC(epoll_wait(ep, got, 4, PATIENCE_MS), 2, nm(f, "mixed, both"));
    for (int i = 0; i < 8; i++) {
        MUST(epoll_wait(ep, got, 1, PATIENCE_MS) == 1 ? 0 : -1);
        seen |= got[0].data.fd == t.c ? 1 : 2;
    }
    EQ(seen, 3, nm(f, "mixed, room for one, both have their turn"));
    MUST(read(p[0], &b, 1));
    MUST(recv(t.c, &b, 1, 0));
    RC(epoll_wait(ep, got, 4, 0), 0, nm(f, "mixed, both taken"));
}

static void turns(int f)
{
    enum { MANY = 5 };
    struct epoll_event got[2];
    int ep = MUST(epoll_create1(0)), fd[MANY], seen = 0;
    for (int i = 0; i < MANY; i++) {
        fd[i] = udp(f);
        struct epoll_event ev = {.events = EPOLLOUT, .data.u32 = 1u << i};
        MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], &ev));
    }
    for (int i = 0; i < 3; i++) {
        MUST(epoll_wait(ep, got, 2, PATIENCE_MS) == 2 ? 0 : -1);
        seen |= (int)(got[0].data.u32 | got[1].data.u32);
    }
    EQ(seen, (1 << MANY) - 1, nm(f, "turns, five ready, room for two, three times"));
}

/* A set shows IN while a member is ready. */
static void nested(int f)
{
    struct pair t = tcp_pair(f);
    struct epoll_event got;
    int in = MUST(epoll_create1(0)), out = MUST(epoll_create1(0));
    char b;
    MUST(add(in, t.c, EPOLLIN));
    MUST(add(out, in, EPOLLIN));
    MASK(in, 0, nm(f, "a set, none ready"));
    RC(epoll_wait(out, &got, 1, 0), 0, nm(f, "a set in a set, none ready"));
    MUST(send(t.s, "x", 1, 0));
    MASK(in, POLLIN, nm(f, "a set, one ready"));
    RC(epoll_wait(out, &got, 1, PATIENCE_MS), 1, nm(f, "a set in a set, one ready"));
    EQ(got.data.fd, in, nm(f, "a set in a set, its data"));
    RC(epoll_wait(in, &got, 1, 0), 1, nm(f, "a set in a set, the socket"));
    MUST(recv(t.c, &b, 1, 0));
    MASK(in, 0, nm(f, "a set, taken"));
    RC(epoll_wait(out, &got, 1, 0), 0, nm(f, "a set in a set, taken"));
}

/* An edge of one kind is none of the other. */
static void kinds_of_edge(int f)
{
    struct pair t = tcp_pair(f);
    struct epoll_event got;
    int ep = MUST(epoll_create1(0));
    MUST(add(ep, t.c, EPOLLOUT | EPOLLET));
    RC(epoll_wait(ep, &got, 1, PATIENCE_MS), 1, nm(f, "edge OUT at first"));
    MUST(send(t.s, "x", 1, 0));
    MASK(t.c, POLLIN | POLLOUT, nm(f, "edge OUT, data arrives"));
    RC(epoll_wait(ep, &got, 1, 0), 0, nm(f, "edge OUT, data is none"));
    MUST(send(t.c, "x", 1, 0));
    RC(epoll_wait(ep, &got, 1, 0), 0, nm(f, "edge OUT, sending is none"));
    reset(t.s);
    RC(epoll_wait(ep, &got, 1, PATIENCE_MS), 1, nm(f, "edge OUT, a reset is one"));
    EQ(got.events, EPOLLOUT | EPOLLERR | EPOLLHUP, nm(f, "edge OUT, a reset, what it shows"));
}

/* What a member becomes ready for while it is not asked for is told when it is. */
static void changed(int f)
{
    struct pair t = tcp_pair(f);
    struct epoll_event ev = {.events = 0, .data.u64 = 7}, got;
    int ep = MUST(epoll_create1(0));
    MUST(epoll_ctl(ep, EPOLL_CTL_ADD, t.c, &ev));
    MUST(send(t.s, "x", 1, 0));
    MASK(t.c, POLLIN | POLLOUT, nm(f, "asked for nothing, data"));
    RC(epoll_wait(ep, &got, 1, 0), 0, nm(f, "asked for nothing, not told"));
    ev = (struct epoll_event){.events = EPOLLIN | EPOLLET, .data.u64 = 8};
    MUST(epoll_ctl(ep, EPOLL_CTL_MOD, t.c, &ev));
    RC(epoll_wait(ep, &got, 1, PATIENCE_MS), 1, nm(f, "asked for later, told"));
    EQ(got.data.u64, 8, nm(f, "asked for later, with the new data"));
    MUST(epoll_ctl(ep, EPOLL_CTL_MOD, t.c, &ev));
    RC(epoll_wait(ep, &got, 1, PATIENCE_MS), 1, nm(f, "asked for again, told again"));
}

static int tell[2];

struct watcher {
    pthread_t thread;
    int set, tid;
};

static void *wait_in_set(void *arg)
{
    struct watcher *w = arg;
    struct epoll_event got;
    __atomic_store_n(&w->tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
    if (epoll_wait(w->set, &got, 1, -1) == 1)
        MUST(write(tell[1], "w", 1));
    return NULL;
}

static void start(struct watcher *w, int set)
{
    *w = (struct watcher){.set = set};
    MUST(-pthread_create(&w->thread, NULL, wait_in_set, w));
    while (!__atomic_load_n(&w->tid, __ATOMIC_ACQUIRE))
        poll(NULL, 0, 1);
    MUST(wait_blocked(w->tid, SYS_epoll_wait) ? 0 : -1);
}

/* Of two sets that watch one socket exclusively and are waited in, one is told. */
static void exclusive(int f)
{
    struct addr a;
    int l = listener(f, 4, &a);
    struct watcher w[2];
    char b;
    MUST(pipe(tell));
    for (int i = 0; i < 2; i++) {
        int ep = MUST(epoll_create1(0));
        MUST(add(ep, l, EPOLLIN | EPOLLEXCLUSIVE));
        start(&w[i], ep);
    }
    MUST(connect_to(tcp(f), a));
    RC(read(tell[0], &b, 1), 1, nm(f, "exclusive, one is told"));
    MASK(tell[0], 0, nm(f, "exclusive, the other sleeps on"));
    MUST(accept(l, NULL, NULL));
    MUST(connect_to(tcp(f), a));
    RC(read(tell[0], &b, 1), 1, nm(f, "exclusive, then the other"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(arguments),     CASE(mixed),   CASE(turns),     CASE(nested),
        CASE(kinds_of_edge), CASE(changed), CASE(exclusive),
    };
    return run_cases(cases, COUNT(cases));
}
