/* C27: threads cancelled at any moment in every blocking call, while what they wait for comes or
 * does not. Each call that is not cancelled does all of its work, each that is does none: bytes and
 * connections are counted, so are descriptors and sockets, and no lock stays held. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "handfast/host.h"
#include "open_files.h"
#include "unit/host/posix_test.h"

enum { TURNS = 400 };

#ifdef __SANITIZE_ADDRESS__
#define IS_ASAN true
#else
#define IS_ASAN false
#endif

/* ThreadSanitizer takes a thread that was cancelled in sem_wait, ppoll or epoll_pwait to be in
 * there still, and does not see the locks that its clean-up takes. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:abandon\nrace:close_many\nmutex:abandon\nmutex:close_many\n";
}

/* What the victims of one trial share. */
struct scene {
    int fd;            /* what is waited on */
    int ends[2];       /* a connection: ends[0] is fd, where it is one */
    int edges;         /* a set with fd in it, edge-triggered */
    int ep, pipe_end;  /* sets and foreign descriptors with fd in or beside them */
    struct address at; /* of a listener, or of who is silent */
    atomic_llong done; /* bytes or connections that calls have told */
    void (*call)(struct scene *);
    void (*provide)(struct scene *); /* makes the call possible once; NULL: it never is */
};

static void do_recv(struct scene *s)
{
    char b[8];
    ssize_t n = hf_recv(s->fd, b, sizeof(b), 0);

    if (n > 0)
        atomic_fetch_add(&s->done, n);
}

static void do_read(struct scene *s)
{
    char b[8];
    ssize_t n = hf_read(s->fd, b, sizeof(b));

    if (n > 0)
        atomic_fetch_add(&s->done, n);
}

static void do_recvmsg(struct scene *s)
{
    char b[8];
    struct iovec v[2] = {{b, 1}, {b + 1, 7}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
    ssize_t n = hf_recvmsg(s->fd, &m, 0);

    if (n > 0)
        atomic_fetch_add(&s->done, n);
}

static void do_accept(struct scene *s)
{
    int fd = hf_accept(s->fd, NULL, NULL);

    if (fd >= 0) {
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
        hf_close(fd);
        atomic_fetch_add(&s->done, 1);
    }
}

static void do_connect(struct scene *s)
{
    hf_connect(s->fd, sockaddr_of(&s->at), s->at.len);
}

static void do_send(struct scene *s)
{
    static const char data[100000];
    ssize_t n = hf_send(s->fd, data, sizeof(data), MSG_NOSIGNAL);

    if (n > 0)
        atomic_fetch_add(&s->done, n);
}

static void do_poll(struct scene *s)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};

    hf_poll(&p, 1, -1);
}

static void do_mixed_poll(struct scene *s)
{
    struct pollfd p[2] = {{.fd = s->fd, .events = POLLIN}, {.fd = s->pipe_end, .events = POLLIN}};

    hf_ppoll(p, 2, NULL, NULL);
}

static void do_select(struct scene *s)
{
    fd_set in;

    FD_ZERO(&in);
    FD_SET(s->fd, &in);
    hf_select(s->fd + 1, &in, NULL, NULL, NULL);
}

static void do_epoll(struct scene *s)
{
    struct epoll_event ev;

    hf_epoll_wait(s->ep, &ev, 1, -1);
}

/* An edge, and all that it stands for. */
static void do_edges(struct scene *s)
{
    struct epoll_event ev;
    char b[TURNS];
    ssize_t n;

    if (hf_epoll_wait(s->edges, &ev, 1, -1) != 1)
        return;
    n = hf_recv(s->fd, b, sizeof(b), MSG_DONTWAIT);
    if (n > 0)
        atomic_fetch_add(&s->done, n);
}

static void send_byte(struct scene *s)
{
    NEED(hf_send(s->ends[1], "x", 1, 0));
}

static void connect_once(struct scene *s)
{
    int fd = NEED(hf_socket(s->at.sa.sin6_family, SOCK_STREAM, 0));

    NEED(hf_connect(fd, sockaddr_of(&s->at), s->at.len));
    hf_close(fd);
}

static void drain_some(struct scene *s)
{
    char b[4096];

    (void)!hf_recv(s->ends[1], b, sizeof(b), MSG_DONTWAIT);
}

static void *victim(void *arg)
{
    struct scene *s = arg;

    s->call(s);
    return NULL;
}

static void ignore(int sig) {}

static uint64_t open_sockets(void)
{
    struct hf_stack_stats stats;
    hf_stack_stats(hf_host_lock(NULL), &stats);
    hf_host_unlock(NULL);
    return stats.sockets;
}

/* A cheap source of chance: when to strike. */
static unsigned chance(void)
{
    static unsigned state = 1;

    state = state * 1664525 + 1013904223;
    return state >> 16;
}

static void pass_time(void)
{
    for (volatile unsigned i = chance() % 3000; i > 0; i--)
        ;
    if (chance() % 8 == 0)
        poll(NULL, 0, 1); /* now it sleeps for certain */
}

/* Two victims at a time, an event between them, now and then a signal. */
static void torment(struct scene *s)
{
    for (int i = 0; i < TURNS; i++) {
        pthread_t one, two;

        pthread_create(&one, NULL, victim, s);
        pthread_create(&two, NULL, victim, s);
        pass_time();
        if (chance() % 4 == 0)
            pthread_kill(one, SIGUSR1);
        if (s->provide && i % 2)
            s->provide(s);
        pthread_cancel(one);
        pass_time();
        pthread_cancel(two);
        pthread_join(one, NULL);
        pthread_join(two, NULL);
    }
}

static void trial(struct scene *s, void (*call)(struct scene *), void (*provide)(struct scene *),
                  const char *name)
{
    char line[100];
    int files = open_files();

    s->call = call;
    s->provide = provide;
    torment(s);
    snprintf(line, sizeof(line), "cancelled in %s, no descriptor is lost", name);
    EQ(open_files(), files, line);
}

/* What was sent, less what is still there, is what the calls told of. */
static void bytes_are_kept(struct scene *s, const char *name)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    long long told = atomic_load(&s->done);
    char b[TURNS], line[100];

    while (told < TURNS / 2 && hf_poll(&p, 1, 5000) == 1)
        told += NEED(hf_recv(s->fd, b, sizeof(b), 0));
    snprintf(line, sizeof(line), "cancelled in %s, no byte is lost", name);
    EQ(told, TURNS / 2, line);
    atomic_store(&s->done, 0);
}

static void receiving(struct scene *s)
{
    trial(s, do_recv, send_byte, "recv");
    bytes_are_kept(s, "recv");
    trial(s, do_read, send_byte, "read");
    bytes_are_kept(s, "read");
    trial(s, do_recvmsg, send_byte, "recvmsg");
    bytes_are_kept(s, "recvmsg");
}

static void polling(struct scene *s)
{
    struct epoll_event ev = {.events = EPOLLIN};
    int p[2];
    char b[TURNS];

    NEED(pipe(p));
    s->pipe_end = p[0];
    s->ep = NEED(hf_epoll_create1(0));
    NEED(hf_epoll_ctl(s->ep, EPOLL_CTL_ADD, s->fd, &ev));
    trial(s, do_poll, NULL, "poll");
    trial(s, do_mixed_poll, NULL, "ppoll with a pipe");
    trial(s, do_select, NULL, "select");
    trial(s, do_epoll, NULL, "epoll_wait");
    send_byte(s);
    EQ(hf_epoll_wait(s->ep, &ev, 1, -1), 1, "after all that, epoll tells");
    EQ(hf_recv(s->fd, b, sizeof(b), 0), 1, "and recv receives");
    hf_close(s->ep);
    close(p[0]);
    close(p[1]);
}

/* A thread that is cancelled takes no edge with it that it has not been told of. */
static void on_edges(struct scene *s)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET};
    char b[TURNS];
    int told = 0;

    s->edges = NEED(hf_epoll_create1(0));
    NEED(hf_epoll_ctl(s->edges, EPOLL_CTL_ADD, s->fd, &ev));
    trial(s, do_edges, send_byte, "epoll_wait for edges");
    bytes_are_kept(s, "epoll_wait for edges");
    while (hf_epoll_wait(s->edges, &ev, 1, 0) == 1)
        ;
    for (int i = 0; i < 20; i++) {
        send_byte(s);
        if (hf_epoll_wait(s->edges, &ev, 1, 5000) != 1)
            break;
        NEED(hf_recv(s->fd, b, sizeof(b), 0));
        told++;
    }
    EQ(told, 20, "after all that, each byte is an edge");
    hf_close(s->edges);
}

static void sending(struct scene *s)
{
    char b[65536];
    long long got = 0;
    ssize_t n;

    trial(s, do_send, drain_some, "send");
    hf_shutdown(s->fd, SHUT_WR);
    while ((n = hf_recv(s->ends[1], b, sizeof(b), 0)) > 0)
        got += n;
    /* Cancelled in the middle, a send has sent something and told nobody, as in the kernel. */
    OK(got >= 0 && n == 0, "cancelled in send, the stream ends in order");
}

static void accepting(int family)
{
    struct scene s = {.ep = -1};

    s.fd = listener(family, &s.at);
    trial(&s, do_accept, connect_once, "accept");
    s.call = do_accept;
    for (int fl = 0; fl >= 0;) {
        struct pollfd p = {.fd = s.fd, .events = POLLIN};

        fl = hf_poll(&p, 1, 0) == 1 ? 0 : -1;
        if (fl == 0)
            do_accept(&s);
    }
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    EQ(atomic_load(&s.done), TURNS / 2, "cancelled in accept, no connection is lost");
    hf_close(s.fd);
}

/* To who does not answer: a listener whose queue is full. */
static void connecting(int family)
{
    struct scene s = {.ep = -1};
    int l = NEED(hf_socket(family, SOCK_STREAM, 0)),
        filler = NEED(hf_socket(family, SOCK_STREAM, 0));

    s.at = loopback(family);
    NEED(hf_bind(l, sockaddr_of(&s.at), s.at.len));
    NEED(hf_listen(l, 0));
    s.at.len = sizeof(s.at.sa);
    NEED(hf_getsockname(l, sockaddr_of(&s.at), &s.at.len));
    NEED(hf_connect(filler, sockaddr_of(&s.at), s.at.len));
    s.fd = NEED(hf_socket(family, SOCK_STREAM, 0));
    trial(&s, do_connect, NULL, "connect");
    hf_close(NEED(hf_accept(l, NULL, NULL)));
    EQ(hf_connect(s.fd, sockaddr_of(&s.at), s.at.len), 0, "cancelled in connect, it goes on");
    hf_close(l);
    hf_close(filler);
    hf_close(s.fd);
}

int main(void)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX};
    struct sigaction sa = {.sa_handler = ignore};

    tap_begin(200);
    if (IS_ASAN) {
        SKIP("cancellation", "AddressSanitizer takes a cancelled thread's frames to be alive");
        return tap_end();
    }
    sigaction(SIGUSR1, &sa, NULL);
    for (int i = 0; i < 3; i++) {
        int family = families[i];
        struct scene s = {.ep = -1};

        pair(family, s.ends);
        s.fd = s.ends[0];
        receiving(&s);
        polling(&s);
        on_edges(&s);
        sending(&s);
        hf_close(s.ends[0]);
        hf_close(s.ends[1]);
        accepting(family);
        connecting(family);
    }
    while (open_sockets() > 0)
        poll(NULL, 0, 1);
    OK(true, "no socket is left");
    return tap_end();
}
