/* An end of `make bench-path`: the same program on the kernel's sockets and on libhandfast's.
 *
 *     peer kernel|DEVICE ADDRESS/LEN serve
 *     peer kernel|DEVICE ADDRESS/LEN fetch SERVER PORT bulk|objects SECONDS THREADS [SKIP]
 *
 * DEVICE is a TAP device: a stack of ours with that address is attached to it. The server prints
 * its port, and answers each request for so many bytes (0: without end); on SIGTERM it prints how
 * many segments with data it sent in all, and how many of them again. A client fetches for so
 * long, and prints how many bytes came in one connection, or each object's time in microseconds.
 * The first SKIP seconds of a bulk connection do not count. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "env.h"
#include "handfast/host.h"
#include "handfast/links.h"

#define BUFFER_BYTES 262144
#define OBJECT_BYTES 100000
#define BACKLOG      64
#define THREADS_MOST 16
#define CONGESTION   "cubic"

struct calls {
    int (*socket)(int, int, int);
    int (*bind)(int, const struct sockaddr *, socklen_t);
    int (*listen)(int, int);
    int (*accept)(int, struct sockaddr *, socklen_t *);
    int (*connect)(int, const struct sockaddr *, socklen_t);
    ssize_t (*send)(int, const void *, size_t, int);
    ssize_t (*recv)(int, void *, size_t, int);
    int (*shutdown)(int, int);
    int (*getsockname)(int, struct sockaddr *, socklen_t *);
    int (*getsockopt)(int, int, int, void *, socklen_t *);
    int (*setsockopt)(int, int, int, const void *, socklen_t);
    int (*close)(int);
};

static int kernel_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
    return accept(fd, addr, len);
}

static int kernel_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
    return bind(fd, addr, len);
}

static int kernel_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    return connect(fd, addr, len);
}

static int kernel_getsockname(int fd, struct sockaddr *addr, socklen_t *len)
{
    return getsockname(fd, addr, len);
}

static const struct calls kernels = {
    socket,   kernel_bind,        listen,     kernel_accept, kernel_connect, send, recv,
    shutdown, kernel_getsockname, getsockopt, setsockopt,    close,
};
static const struct calls ours = {
    hf_socket, hf_bind,     hf_listen,      hf_accept,     hf_connect,    hf_send,
    hf_recv,   hf_shutdown, hf_getsockname, hf_getsockopt, hf_setsockopt, hf_close,
};
static const struct calls *of = &kernels;

static char buffer[BUFFER_BYTES];

struct job { /* of a client's threads */
    struct sockaddr_storage server;
    int64_t ends, skip; /* us: when; for how long from the beginning on */
};

static int64_t now_us(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* ---- a stack of ours on a TAP device ---- */

static void readable(void *link)
{
    hf_link_tap_readable(link);
}

static void attach(const char *device, const char *prefix)
{
    struct hf_env env = path_env();
    struct hf_stack *stack = hf_host_lock(NULL);
    struct hf_link *link;
    int error;

    if (!stack)
        err(1, "no stack");
    error = hf_link_tap_new(&env, hf_host_pool(NULL), device, &link);
    if (!error)
        error = hf_stack_attach(stack, link);
    if (!error)
        error = hf_addr_add(stack, link, prefix);
    if (!error && hf_host_watch(NULL, hf_link_tap_fd(link), readable, link) < 0)
        error = -errno;
    hf_host_unlock(NULL);
    if (error) {
        errno = -error;
        err(1, "%s", device);
    }
    of = &ours;
}

/* ---- both ends ---- */

static struct sockaddr_storage address(const char *text, int port)
{
    struct sockaddr_storage at = {0};
    struct sockaddr_in *in = (struct sockaddr_in *)&at;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&at;
    char copy[INET6_ADDRSTRLEN + 4];

    snprintf(copy, sizeof(copy), "%s", text);
    copy[strcspn(copy, "/")] = '\0';
    if (inet_pton(AF_INET, copy, &in->sin_addr) == 1)
        at.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, copy, &in6->sin6_addr) == 1)
        at.ss_family = AF_INET6;
    else
        errx(2, "%s: not an address", text);
    in->sin_port = htons((uint16_t)port); /* IPv6's port stands in the same place */
    return at;
}

static int new_socket(int family)
{
    int fd = of->socket(family, SOCK_STREAM, 0);

    if (fd < 0 ||
        of->setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, CONGESTION, sizeof(CONGESTION) - 1) < 0)
        err(1, "a socket with " CONGESTION);
    return fd;
}

/* ---- server ---- */

static atomic_uint segments, repeats;

/* Adds up what is new since info, the newest answer: of a connection that was reset there is none.
 */
static void note(int fd, struct tcp_info *info)
{
    struct tcp_info fresh = {0};
    socklen_t len = sizeof(fresh);

    if (of->getsockopt(fd, IPPROTO_TCP, TCP_INFO, &fresh, &len) < 0 ||
        fresh.tcpi_data_segs_out < info->tcpi_data_segs_out)
        return;
    segments += fresh.tcpi_data_segs_out - info->tcpi_data_segs_out;
    repeats += fresh.tcpi_total_retrans - info->tcpi_total_retrans;
    *info = fresh;
}

static void *serve_one(void *arg)
{
    int fd = (int)(intptr_t)arg;
    struct tcp_info info = {0};
    uint32_t asked;
    uint64_t left;

    if (of->recv(fd, &asked, sizeof(asked), MSG_WAITALL) == sizeof(asked)) {
        for (left = asked ? asked : UINT64_MAX; left;) {
            size_t piece = left < sizeof(buffer) ? left : sizeof(buffer);
            ssize_t n = of->send(fd, buffer, piece, MSG_NOSIGNAL);

            if (n < 0)
                break;
            left -= (uint64_t)n;
            note(fd, &info);
        }
        of->shutdown(fd, SHUT_WR);
        while (of->recv(fd, &asked, sizeof(asked), 0) > 0)
            ;
        note(fd, &info);
    }
    of->close(fd);
    return NULL;
}

static void *accept_all(void *arg)
{
    int listener = (int)(intptr_t)arg;

    for (;;) {
        int fd = of->accept(listener, NULL, NULL);
        pthread_t thread;

        if (fd < 0)
            err(1, "accept");
        if (pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd) != 0)
            errx(1, "no thread");
        pthread_detach(thread);
    }
}

static void serve(const char *text)
{
    struct sockaddr_storage at = address(text, 0);
    socklen_t len = sizeof(at);
    int listener = new_socket(at.ss_family), signal;
    pthread_t thread;
    sigset_t ends;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);
    if (of->bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 ||
        of->listen(listener, BACKLOG) < 0 ||
        of->getsockname(listener, (struct sockaddr *)&at, &len) < 0)
        err(1, "cannot listen");
    printf("%d\n", ntohs(((struct sockaddr_in *)&at)->sin_port));
    fflush(stdout);
    if (pthread_create(&thread, NULL, accept_all, (void *)(intptr_t)listener) != 0)
        errx(1, "no thread");
    sigwait(&ends, &signal);
    printf("%u %u\n", segments, repeats);
}

/* ---- client ---- */

/* A connection on which bytes have been asked for; -1 when it failed, which a lossy wire may do. */
static int ask(const struct sockaddr_storage *server, uint32_t bytes)
{
    int fd = new_socket(server->ss_family);

    if (of->connect(fd, (const struct sockaddr *)server, sizeof(*server)) == 0 &&
        of->send(fd, &bytes, sizeof(bytes), MSG_NOSIGNAL) == sizeof(bytes))
        return fd;
    of->close(fd);
    return -1;
}

static void *fetch_objects(void *arg)
{
    const struct job *job = arg;
    char *room = malloc(BUFFER_BYTES);

    while (now_us() < job->ends) {
        int64_t began = now_us();
        int fd = ask(&job->server, OBJECT_BYTES);
        ssize_t n = 1, total = 0;

        while (fd >= 0 && (n = of->recv(fd, room, BUFFER_BYTES, 0)) > 0)
            total += n;
        if (fd >= 0)
            of->close(fd);
        if (total == OBJECT_BYTES)
            printf("%lld\n", (long long)(now_us() - began));
    }
    free(room);
    return NULL;
}

/* Resets the connection in the end: the sender is to stop at once. */
static void *fetch_bulk(void *arg)
{
    static const struct linger reset = {.l_onoff = 1};
    static const struct timeval patience = {.tv_usec = 100000};
    const struct job *job = arg;
    int64_t began = now_us(), total = 0, skip = job->skip;
    int fd = ask(&job->server, 0);
    char *room = malloc(BUFFER_BYTES);

    if (fd >= 0)
        of->setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    while (fd >= 0 && now_us() < job->ends) {
        ssize_t n = of->recv(fd, room, BUFFER_BYTES, 0);

        if (n < 0 && errno != EAGAIN && errno != EINTR)
            err(1, "recv");
        total += n > 0 ? n : 0;
        if (skip && now_us() >= began + skip) {
            total = skip = 0;
            began = now_us();
        }
    }
    printf("%lld %lld\n", (long long)total, (long long)(now_us() - began));
    if (fd >= 0) {
        of->setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        of->close(fd);
    }
    free(room);
    return NULL;
}

/* Neighbours are looked for before anything is measured: what is lost of that is not TCP's. */
static void meet(const struct sockaddr_storage *server)
{
    char byte;
    int fd = ask(server, 1);

    if (fd < 0)
        errx(1, "the server does not answer");
    (void)!of->recv(fd, &byte, 1, 0);
    of->close(fd);
}

static void fetch(char **words)
{
    struct job job = {.server = address(words[0], atoi(words[1]))};
    int threads = atoi(words[4]);
    pthread_t thread[THREADS_MOST];

    if (threads < 1 || threads > THREADS_MOST)
        errx(2, "1 to %d threads", THREADS_MOST);
    meet(&job.server);
    job.skip = words[5] ? (int64_t)(atof(words[5]) * 1e6) : 0;
    job.ends = now_us() + (int64_t)(atof(words[3]) * 1e6);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL,
                           strcmp(words[2], "bulk") == 0 ? fetch_bulk : fetch_objects, &job) != 0)
            errx(1, "no thread");
    for (int i = 0; i < threads; i++)
        pthread_join(thread[i], NULL);
}

int main(int argc, char **argv)
{
    bool serves = argc == 4 && strcmp(argv[3], "serve") == 0;

    if (!serves && (argc < 9 || argc > 10 || strcmp(argv[3], "fetch") != 0))
        errx(2, "usage: peer kernel|DEVICE ADDRESS/LEN serve | fetch SERVER PORT bulk|objects "
                "SECONDS THREADS [SKIP]");
    if (strcmp(argv[1], "kernel") != 0)
        attach(argv[1], argv[2]);
    if (serves)
        serve(argv[2]);
    else
        fetch(argv + 4);
    fflush(stdout);
    _exit(0); /* a host of ours is not taken down: frames are still on the way */
}
