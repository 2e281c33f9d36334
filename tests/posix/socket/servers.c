/* Whole servers and their clients: a process per connection, one epoll loop, a thread per
 * connection; both directions busy at once; many short connections. */
#include "../lib.h"

#include <pthread.h>
#include <sys/epoll.h>

enum { CLIENTS = 20, ROUNDS = 5 };

/* One client's life: says so many words, hears each again, then the end. */
static bool client(int f, struct addr a, int id)
{
    char said[32], heard[32];
    int fd = tcp(f);
    if (connect_to(fd, a))
        return false;
    for (int i = 0; i < ROUNDS; i++) {
        int n = snprintf(said, sizeof(said), "client %d round %d", id, i);
        if (send(fd, said, (size_t)n, 0) != n || recv(fd, heard, (size_t)n, MSG_WAITALL) != n ||
            memcmp(said, heard, (size_t)n) != 0)
            return false;
    }
    bool ended = shutdown(fd, SHUT_WR) == 0 && recv(fd, heard, 1, 0) == 0;
    close(fd);
    return ended;
}

static void echo(int fd)
{
    char b[256];
    ssize_t n;
    while ((n = recv(fd, b, sizeof(b), 0)) > 0)
        if (send(fd, b, (size_t)n, 0) != n)
            break;
    close(fd);
}

/* All clients at once, each a process. Returns how many were content. */
static int served(int f, struct addr a)
{
    pid_t pid[CLIENTS];
    int good = 0, status;
    for (int i = 0; i < CLIENTS; i++) {
        pid[i] = MUST(fork());
        if (pid[i] == 0)
            _exit(!client(f, a, i));
    }
    for (int i = 0; i < CLIENTS; i++) {
        MUST(waitpid(pid[i], &status, 0));
        good += status == 0;
    }
    return good;
}

static void by_processes(int f)
{
    struct addr a;
    int l = listener(f, CLIENTS, &a);
    pid_t server = MUST(fork());
    if (server == 0) {
        for (int i = 0; i < CLIENTS; i++) {
            int s = accept(l, NULL, NULL);
            if (fork() == 0) {
                echo(s);
                _exit(0);
            }
            close(s);
        }
        while (wait(NULL) > 0)
            ;
        _exit(0);
    }
    EQ(served(f, a), CLIENTS, nm(f, "twenty clients, a process for each"));
}

static void *serve_one(void *arg)
{
    echo((int)(intptr_t)arg);
    return NULL;
}

static void *serve_all(void *arg)
{
    pthread_t t[CLIENTS];
    int l = (int)(intptr_t)arg;
    for (int i = 0; i < CLIENTS; i++)
        pthread_create(&t[i], NULL, serve_one, (void *)(intptr_t)accept(l, NULL, NULL));
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(t[i], NULL);
    return NULL;
}

/* Clients in turn, of a server in another thread. */
static int served_by(int f, void *(*server)(void *))
{
    struct addr a;
    pthread_t thread;
    int l = listener(f, CLIENTS, &a), good = 0;
    MUST(-pthread_create(&thread, NULL, server, (void *)(intptr_t)l));
    for (int i = 0; i < CLIENTS; i++)
        good += client(f, a, i);
    pthread_join(thread, NULL);
    return good;
}

static void by_threads(int f)
{
    EQ(served_by(f, serve_all), CLIENTS, nm(f, "twenty clients in turn, a thread for each"));
}

static void *loop(void *arg)
{
    int l = (int)(intptr_t)arg;
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = l}, got[16];
    int ep = epoll_create1(0), ended = 0;
    nonblock(l);
    epoll_ctl(ep, EPOLL_CTL_ADD, l, &ev);
    while (ended < CLIENTS) {
        int n = epoll_wait(ep, got, 16, -1);
        for (int i = 0; i < n; i++) {
            int fd = got[i].data.fd;
            char b[256];
            if (fd == l) {
                while ((fd = accept4(l, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    ev = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
                    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
                }
                continue;
            }
            ssize_t k = recv(fd, b, sizeof(b), 0);
            if (k > 0 && send(fd, b, (size_t)k, 0) == k)
                continue;
            close(fd);
            ended++;
        }
    }
    return NULL;
}

static void by_loop(int f)
{
    EQ(served_by(f, loop), CLIENTS, nm(f, "twenty clients in turn, one loop"));
}

static void *drain(void *arg)
{
    static char junk[65536];
    long long *total = arg;
    int fd = (int)*total;
    ssize_t n;
    *total = 0;
    while ((n = recv(fd, junk, sizeof(junk), 0)) > 0)
        *total += n;
    return NULL;
}

enum { BOTH = 1 << 20 };

static char data[BOTH];

/* One end: sends all and hears all, at the same time. */
static void *end_of_pair(void *arg)
{
    int fd = (int)(intptr_t)arg;
    long long heard = fd;
    pthread_t thread;
    MUST(-pthread_create(&thread, NULL, drain, &heard));
    bool sent = send(fd, data, BOTH, 0) == BOTH && shutdown(fd, SHUT_WR) == 0;
    pthread_join(thread, NULL);
    return (void *)(intptr_t)(sent && heard == BOTH);
}

/* Each end writes and reads at the same time: neither may wait for the other. */
static void both_ways(int f)
{
    struct pair t = tcp_pair(f);
    pthread_t other;
    void *content;
    MUST(-pthread_create(&other, NULL, end_of_pair, (void *)(intptr_t)t.s));
    OK(end_of_pair((void *)(intptr_t)t.c), nm(f, "both ways at once, the one end"));
    pthread_join(other, &content);
    OK(content, nm(f, "both ways at once, the other end"));
}

static void many_short(int f)
{
    struct addr a;
    int l = listener(f, 16, &a), good = 0;
    for (int i = 0; i < 200; i++) {
        char b;
        int c = tcp(f);
        if (connect_to(c, a))
            break;
        int s = accept(l, NULL, NULL);
        good += s >= 0 && send(s, "x", 1, 0) == 1 && recv(c, &b, 1, 0) == 1;
        close(c);
        close(s);
    }
    EQ(good, 200, nm(f, "two hundred short connections"));
}

static void abandoned(int f)
{
    struct addr a;
    silent(f, &a);
    int good = 0;
    for (int i = 0; i < 100; i++) {
        int fd = tcp(f);
        nonblock(fd);
        good += connect_to(fd, a) < 0 && errno == EINPROGRESS;
        close(fd);
    }
    EQ(good, 100, nm(f, "a hundred connects abandoned while pending"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(by_processes), CASE(by_threads), CASE(by_loop),
        CASE(both_ways),    CASE(many_short), CASE(abandoned),
    };
    return run_cases(cases, COUNT(cases));
}
