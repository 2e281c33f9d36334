/* Many threads on one stack: every call family at once, with closes and signals in between. Run
 * under ThreadSanitizer by `make check-full`; here, that all ends and nothing is lost. */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#include "handfast/host.h"
#include "unit/host/posix_test.h"

enum { THREADS = 8, ROUNDS = 60, BYTES = 20000 };

static struct address streams[2], datagrams;
static atomic_int failures;

static void expect(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "# %s: %s\n", what, strerror(errno));
        atomic_fetch_add(&failures, 1);
    }
}

/* Sends back what comes, until the end. */
static void *echo(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char b[4096];
    ssize_t n;

    while ((n = hf_recv(fd, b, sizeof(b), 0)) > 0)
        expect(hf_send(fd, b, (size_t)n, MSG_NOSIGNAL) == n, "echo sends");
    hf_close(fd);
    return NULL;
}

static void *serve(void *arg)
{
    int l = (int)(intptr_t)arg;
    pthread_t thread;

    for (;;) {
        int fd = hf_accept(l, NULL, NULL);

        if (fd < 0)
            return NULL; /* shut down */
        pthread_create(&thread, NULL, echo, (void *)(intptr_t)fd);
        pthread_detach(thread);
    }
}

static void *send_all(void *arg)
{
    static const char data[BYTES];
    int fd = (int)(intptr_t)arg;

    expect(hf_write(fd, data, BYTES) == BYTES, "write");
    hf_shutdown(fd, SHUT_WR);
    return NULL;
}

/* One connection: a thread of its own sends while this one reads, by poll or by epoll. */
static void talk(int family, int round)
{
    int fd = NEED(hf_socket(family, SOCK_STREAM, 0)), ep = NEED(hf_epoll_create1(0));
    struct epoll_event ev = {.events = EPOLLIN | (round & 1 ? EPOLLET : 0)};
    struct address *at = &streams[family == AF_INET6];
    char b[4096];
    ssize_t got = 0, n = 1;
    pthread_t sender;

    expect(hf_connect(fd, sockaddr_of(at), at->len) == 0, "connect");
    NEED(hf_epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
    pthread_create(&sender, NULL, send_all, (void *)(intptr_t)fd);
    while (n > 0) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        if (round & 2)
            expect(hf_epoll_wait(ep, &ev, 1, -1) == 1, "epoll_wait");
        else
            expect(hf_poll(&p, 1, -1) == 1, "poll");
        while ((n = hf_recv(fd, b, sizeof(b), MSG_DONTWAIT)) > 0)
            got += n;
        if (n < 0 && errno == EAGAIN)
            n = 1;
    }
    expect(n == 0 && got == BYTES, "all comes back");
    pthread_join(sender, NULL);
    hf_close(round & 4 ? fd : ep);
    hf_close(round & 4 ? ep : fd);
}

static void *client(void *arg)
{
    int family = (intptr_t)arg & 1 ? AF_INET6 : AF_INET;
    int u = NEED(hf_socket(AF_INET, SOCK_DGRAM, 0));
    char b;

    for (int i = 0; i < ROUNDS; i++) {
        talk(family, i);
        hf_sendto(u, "x", 1, 0, sockaddr_of(&datagrams), datagrams.len);
        expect(hf_recv(u, &b, 1, MSG_DONTWAIT) < 0, "nothing for the sender");
    }
    hf_close(u);
    return NULL;
}

static void *take_datagrams(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char b;
    intptr_t n = 0;

    while (n < THREADS * ROUNDS && hf_recv(fd, &b, 1, 0) == 1)
        n++;
    return (void *)n;
}

static void settle(void)
{
    struct hf_stack_stats stats = {.sockets = 1};

    while (stats.sockets > 0) { /* connections that end on their own */
        poll(NULL, 0, 1);
        hf_stack_stats(hf_host_lock(NULL), &stats);
        hf_host_unlock(NULL);
    }
}

int main(void)
{
    pthread_t servers[2], clients[THREADS], taker;
    int l[2], u;
    void *taken;

    tap_begin(100);
    u = NEED(hf_socket(AF_INET, SOCK_DGRAM, 0));
    datagrams = loopback(AF_INET);
    NEED(hf_bind(u, sockaddr_of(&datagrams), datagrams.len));
    NEED(hf_getsockname(u, sockaddr_of(&datagrams), &datagrams.len));
    pthread_create(&taker, NULL, take_datagrams, (void *)(intptr_t)u);
    for (int i = 0; i < 2; i++) {
        l[i] = listener(i ? AF_INET6 : AF_INET, &streams[i]);
        pthread_create(&servers[i], NULL, serve, (void *)(intptr_t)l[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_create(&clients[i], NULL, client, (void *)(intptr_t)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(clients[i], NULL);
    pthread_join(taker, &taken);
    EQ((intptr_t)taken, THREADS * ROUNDS, "every datagram came");
    for (int i = 0; i < 2; i++) {
        hf_shutdown(l[i], SHUT_RDWR);
        pthread_join(servers[i], NULL);
        hf_close(l[i]);
    }
    hf_close(u);
    EQ(atomic_load(&failures), 0, "eight threads and their servers agree");
    settle();
    OK(true, "no socket is left");
    return tap_end();
}
