/* The far side of `make bench-run`: one process per service, each at a port of its own on all
 * addresses, IPv6 and IPv4. Prints "NAME PORT" for each and serves until it is ended.
 *
 *     source  sends until the client closes
 *     sink    reads to the end of the stream, then says how many bytes came (8 bytes, host order)
 *     echo    sends back what comes
 *     door    accepts, and closes when the client has closed; any number at once */
#define _GNU_SOURCE
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILE_BYTES   (16 << 20)
#define BUFFER_BYTES (256 << 10)
#define BACKLOG      1024
#define BATCH        64

static char buffer[BUFFER_BYTES];

static int listen_any(int *port)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET6, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) < 0)
        err(1, "cannot listen");
    *port = ntohs(at.sin6_port);
    return fd;
}

static void source(int fd)
{
    static int file = -1;
    off_t at = 0;

    if (file < 0) {
        file = memfd_create("source", 0);
        for (size_t done = 0; done < FILE_BYTES; done += sizeof(buffer)) {
            if (write(file, buffer, sizeof(buffer)) != sizeof(buffer))
                err(1, "cannot fill the file");
        }
    }
    while (sendfile(fd, file, &at, FILE_BYTES) > 0) {
        if (at >= FILE_BYTES)
            at = 0;
    }
}

static void sink(int fd)
{
    uint64_t total = 0;
    ssize_t n;

    while ((n = read(fd, buffer, sizeof(buffer))) > 0)
        total += (uint64_t)n;
    if (write(fd, &total, sizeof(total)) != sizeof(total))
        warn("sink: the client is gone");
}

static void echo(int fd)
{
    const int on = 1;
    ssize_t n;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    while ((n = read(fd, buffer, sizeof(buffer))) > 0 && write(fd, buffer, (size_t)n) == n)
        continue;
}

static void one_by_one(int listener, void (*serve)(int fd))
{
    for (;;) {
        int fd = accept(listener, NULL, NULL);

        if (fd < 0)
            err(1, "accept");
        serve(fd);
        close(fd);
    }
}

static void door(int listener)
{
    struct epoll_event events[BATCH], ev = {.events = EPOLLIN, .data.fd = listener};
    int epoll = epoll_create1(0);

    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &ev) < 0)
        err(1, "epoll");
    for (;;) {
        int n = epoll_wait(epoll, events, BATCH, -1);

        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;

            if (fd != listener) {
                close(fd);
                continue;
            }
            fd = accept(listener, NULL, NULL);
            ev = (struct epoll_event){.events = EPOLLIN, .data.fd = fd};
            if (fd >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
                err(1, "epoll_ctl");
        }
    }
}

static void start(const char *name, void (*serve)(int fd))
{
    int port, listener = listen_any(&port);
    pid_t parent = getpid(), pid = fork();

    if (pid < 0)
        err(1, "fork");
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        (void)close(STDOUT_FILENO); /* its end tells that all are listening */
        if (serve)
            one_by_one(listener, serve);
        door(listener);
    }
    close(listener);
    printf("%s %d\n", name, port);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    start("source", source);
    fflush(stdout);
    start("sink", sink);
    fflush(stdout);
    start("echo", echo);
    fflush(stdout);
    start("door", NULL);
    fclose(stdout);
    wait(NULL); /* they serve for ever: one that ended has said why */
    return 1;
}
