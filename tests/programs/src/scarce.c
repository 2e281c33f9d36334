/* A program that has more sockets than there are descriptors for: every process may have few, and
 * whoever serves them all has no more. Natively nothing here fails. Elsewhere calls may, for want
 * of descriptors; but then they do no harm, and work again as soon as there are some. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tap.h"

#define CLIENTS 12

static int family;

static const char *name_of(const char *what)
{
    static char text[160];
    snprintf(text, sizeof(text), "v%d_%s", family == AF_INET ? 4 : 6, what);
    return text;
}

static int tcp(void)
{
    return socket(family, SOCK_STREAM, 0);
}

static socklen_t loopback(struct sockaddr_storage *to)
{
    struct sockaddr_in *in = (struct sockaddr_in *)to;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
    memset(to, 0, sizeof(*to));
    to->ss_family = (sa_family_t)family;
    if (family == AF_INET) {
        in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return sizeof(*in);
    }
    in6->sin6_addr = in6addr_loopback;
    return sizeof(*in6);
}

static in_port_t port_of(const struct sockaddr_storage *at)
{
    return family == AF_INET ? ((const struct sockaddr_in *)at)->sin_port
                             : ((const struct sockaddr_in6 *)at)->sin6_port;
}

static in_port_t local_port(int fd)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof(at);
    return getsockname(fd, (struct sockaddr *)&at, &len) == 0 ? port_of(&at) : 0;
}

/* A process that has `count` sockets, as far as it may, until it is killed. */
static pid_t hog(int count)
{
    int ready[2];
    char byte;
    if (pipe(ready) != 0)
        return -1;
    pid_t child = fork();
    if (child == 0) {
        while (count-- > 0 && tcp() >= 0)
            continue;
        (void)!write(ready[1], "", 1);
        for (;;)
            pause();
    }
    (void)!read(ready[0], &byte, 1);
    close(ready[0]);
    close(ready[1]);
    return child;
}

/* A client that has told its port; -1: none could be had. */
static int client(const struct sockaddr_storage *at, socklen_t len)
{
    int fd = tcp();
    if (fd < 0)
        return -1;
    in_port_t port = 0;
    if (connect(fd, (const struct sockaddr *)at, len) != 0 || (port = local_port(fd)) == 0 ||
        write(fd, &port, sizeof(port)) != sizeof(port)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* What each client has written comes from that client. Those that failed may have left connections
 * of which nothing comes. */
static void each_has_its_own(int hogged)
{
    struct sockaddr_storage at, peer;
    socklen_t len = loopback(&at);
    int l = tcp(), fds[CLIENTS], clients = 0, told = 0, wrong = 0;
    if (bind(l, (struct sockaddr *)&at, len) != 0 || listen(l, 100) != 0 ||
        getsockname(l, (struct sockaddr *)&at, &len) != 0)
        perror("listener");
    pid_t child = hog(hogged);
    for (int i = 0; i < CLIENTS - 1; i++)
        if ((fds[clients] = client(&at, len)) >= 0)
            clients++;
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    while ((fds[clients] = client(&at, len)) < 0)
        continue;
    clients++;
    while (told < clients) {
        int a = accept(l, NULL, NULL);
        in_port_t port;
        len = sizeof(peer);
        if (a >= 0 && getpeername(a, (struct sockaddr *)&peer, &len) == 0 &&
            read(a, &port, sizeof(port)) == sizeof(port)) {
            told++;
            wrong += port != port_of(&peer);
        }
        close(a);
    }
    EQ(wrong, 0, name_of("bytes_come_from_who_wrote_them"));
    while (clients > 0)
        close(fds[--clients]);
    close(l);
}

/* At the end of a line of processes, each the child of the one before, somebody has a port. It
 * stays his, though he is hard to find. */
static void far_descendant(int generations, int spare)
{
    struct sockaddr_storage at;
    socklen_t len = loopback(&at);
    int there[2], back[2];
    char byte;
    if (pipe(there) != 0 || pipe(back) != 0)
        return;
    pid_t child = fork();
    for (int i = 0; child == 0 && i < generations; i++) {
        pid_t next = fork();
        if (next > 0) {
            close(there[1]);
            close(back[1]);
            waitpid(next, NULL, 0);
            _exit(0);
        }
    }
    if (child == 0) {
        int fd = tcp();
        (void)!bind(fd, (struct sockaddr *)&at, len);
        (void)!getsockname(fd, (struct sockaddr *)&at, &len);
        (void)!write(there[1], &at, sizeof(at));
        close(back[1]);
        (void)!read(back[0], &byte, 1);
        _exit(0);
    }
    close(there[1]);
    if (read(there[0], &at, sizeof(at)) != sizeof(at))
        perror("read");
    int fd = tcp(), other = spare ? tcp() : -1;
    EQ(bind(fd, (struct sockaddr *)&at, len) < 0 ? errno : 0, EADDRINUSE,
       name_of("a_far_descendants_port_stays_his"));
    close(fd);
    close(other);
    close(back[0]);
    close(back[1]);
    close(there[0]);
    waitpid(child, NULL, 0);
}

int main(void)
{
    tap_begin(60);
    signal(SIGPIPE, SIG_IGN);
    for (int i = 0; i < 2; i++) {
        family = i ? AF_INET6 : AF_INET;
        for (int hogged = 30; hogged < 44; hogged += 2)
            each_has_its_own(hogged);
        far_descendant(40, 0);
        far_descendant(40, 1);
    }
    return tap_end();
}
