/* The near side of `make bench-run`, the same program natively and under whatever is compared:
 *
 *     client download|upload|echo|connect|crowd ADDRESS PORT SECONDS
 *
 * prints the figures on one line: Gbit/s; round trips per second; connects per second, and of
 * `connect`, which makes one after the other, the median and the 99th percentile of connect()
 * itself in microseconds. `crowd` keeps 64 on the way. All clocks are read here, in the program. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES (128 << 10)
#define SAMPLES_MAX  (4 << 20)
#define CROWD        64

static char buffer[BUFFER_BYTES];
static struct sockaddr_storage server;
static socklen_t server_len;
static double seconds;

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void read_address(const char *text, const char *port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&server;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&server;
    in_port_t number = htons((uint16_t)atoi(port));

    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = number;
        server_len = sizeof(*v6);
    } else if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = number;
        server_len = sizeof(*v4);
    } else {
        errx(2, "%s is not an address", text);
    }
}

static int socket_new(int flags)
{
    int fd = socket(server.ss_family, SOCK_STREAM | flags, 0);

    if (fd < 0)
        err(1, "socket");
    return fd;
}

static int dial(void)
{
    int fd = socket_new(0);

    if (connect(fd, (struct sockaddr *)&server, server_len) < 0)
        err(1, "connect");
    return fd;
}

static void download(void)
{
    int fd = dial();
    double began = now(), end = began;
    uint64_t total = 0;
    ssize_t n;

    while (end - began < seconds && (n = read(fd, buffer, sizeof(buffer))) > 0) {
        total += (uint64_t)n;
        end = now();
    }
    if (end - began < seconds)
        err(1, "the download ended early");
    printf("%.4f\n", (double)total * 8 / 1e9 / (end - began));
}

/* What counts has arrived: the server's answer ends the time. */
static void upload(void)
{
    int fd = dial();
    double began = now();
    uint64_t total;

    while (now() - began < seconds) {
        if (write(fd, buffer, sizeof(buffer)) < 0)
            err(1, "write");
    }
    shutdown(fd, SHUT_WR);
    if (recv(fd, &total, sizeof(total), MSG_WAITALL) != sizeof(total))
        err(1, "no answer to the upload");
    printf("%.4f\n", (double)total * 8 / 1e9 / (now() - began));
}

static void echo(void)
{
    const int on = 1;
    int fd = dial();
    double began = now(), end = began;
    uint64_t trips = 0;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    for (; end - began < seconds; end = now(), trips++) {
        if (write(fd, buffer, 1) != 1 || read(fd, buffer, 1) != 1)
            err(1, "echo");
    }
    printf("%.1f\n", (double)trips / (end - began));
}

static int by_value(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

static void connect_each(void)
{
    float *took = calloc(SAMPLES_MAX, sizeof(*took));
    double began = now(), end = began;
    size_t count = 0;

    if (!took)
        err(1, "memory");
    for (; end - began < seconds && count < SAMPLES_MAX; end = now()) {
        int fd = socket_new(0);
        double before = now();

        if (connect(fd, (struct sockaddr *)&server, server_len) < 0)
            err(1, "connect %zu", count);
        took[count++] = (float)((now() - before) * 1e6);
        close(fd);
    }
    qsort(took, count, sizeof(*took), by_value);
    printf("%.1f %.1f %.1f\n", (double)count / (end - began), took[count / 2],
           took[count * 99 / 100]);
}

static void begin_connect(int epoll)
{
    int fd = socket_new(SOCK_NONBLOCK);
    struct epoll_event ev = {.events = EPOLLOUT, .data.fd = fd};

    if (connect(fd, (struct sockaddr *)&server, server_len) < 0 && errno != EINPROGRESS)
        err(1, "connect");
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
        err(1, "epoll_ctl");
}

static void end_connect(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error)
        errx(1, "connect: %s", strerror(error));
    close(fd);
}

static void crowd(void)
{
    struct epoll_event events[CROWD];
    int epoll = epoll_create1(0);
    double began = now(), end = began;
    uint64_t count = 0;

    for (int i = 0; i < CROWD; i++)
        begin_connect(epoll);
    for (; end - began < seconds; end = now()) {
        int n = epoll_wait(epoll, events, CROWD, -1);

        for (int i = 0; i < n; i++) {
            end_connect(events[i].data.fd);
            begin_connect(epoll);
            count++;
        }
    }
    printf("%.1f\n", (double)count / (end - began));
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } modes[] = {{"download", download},
                 {"upload", upload},
                 {"echo", echo},
                 {"connect", connect_each},
                 {"crowd", crowd}};

    if (argc != 5)
        errx(2, "usage: client download|upload|echo|connect|crowd ADDRESS PORT SECONDS");
    read_address(argv[2], argv[3]);
    seconds = atof(argv[4]);
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        if (strcmp(argv[1], modes[i].name) == 0) {
            modes[i].run();
            return 0;
        }
    }
    errx(2, "no such measurement: %s", argv[1]);
}
