/* Many sockets, one after the other, and then a wait with the program still alive, so that somebody
 * can look at what they left behind:
 *     storm lookups COUNT ADDRESS PORT   a fresh UDP socket each: asks, waits for the answer,
 * closes; by turns connected with send/recv and with sendto/recvfrom storm abandon COUNT ADDRESS
 * PORT   begins a TCP connect, does not wait, closes; up to 50 are pending at once storm timeout
 * COUNT ADDRESS PORT   a blocking connect each that SO_SNDTIMEO ends after 1 ms Words on stdout:
 * "ready" before the first, "done GOOD" after the last; each waits for a line on stdin. A tenth of
 * COUNT goes before "ready", as warm-up. */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define PENDING 50

static struct addrinfo *where;

static int fail(const char *what)
{
    perror(what);
    return 0;
}

/* One look-up; the answer must be the question. 1 when it went well. */
static int lookup(int n)
{
    struct sockaddr_storage from;
    socklen_t from_len = sizeof(from);
    char answer[16];
    int good, fd = socket(where->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ssize_t got;
    if (fd < 0)
        return fail("socket");
    if (n % 2 == 0) {
        if (connect(fd, where->ai_addr, where->ai_addrlen) != 0 ||
            send(fd, &n, sizeof(n), 0) != sizeof(n) || poll(&p, 1, 5000) != 1)
            good = fail("connected look-up");
        else
            good = recv(fd, answer, sizeof(answer), 0) == sizeof(n) &&
                   memcmp(answer, &n, sizeof(n)) == 0;
    } else {
        if (sendto(fd, &n, sizeof(n), 0, where->ai_addr, where->ai_addrlen) != sizeof(n) ||
            poll(&p, 1, 5000) != 1)
            good = fail("look-up");
        else {
            got = recvfrom(fd, answer, sizeof(answer), 0, (struct sockaddr *)&from, &from_len);
            good = got == sizeof(n) && memcmp(answer, &n, sizeof(n)) == 0 &&
                   from_len == where->ai_addrlen && from.ss_family == where->ai_family;
        }
    }
    close(fd);
    return good;
}

/* Leaves a connect pending; the one begun PENDING calls ago is closed. */
static int abandon(int n)
{
    static int pending[PENDING];
    int *slot = &pending[n % PENDING];
    if (*slot > 0)
        close(*slot);
    *slot = socket(where->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*slot < 0)
        return fail("socket");
    if (connect(*slot, where->ai_addr, where->ai_addrlen) == 0 || errno != EINPROGRESS)
        return fail("connect");
    return 1;
}

static int time_out(int n)
{
    struct timeval tv = {.tv_usec = 1000};
    int fd = socket(where->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int good = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) == 0 &&
               connect(fd, where->ai_addr, where->ai_addrlen) != 0 && errno == EINPROGRESS;
    close(fd);
    return good ? 1 : fail("connect");
}

static int say(const char *word, int good)
{
    char line[16];
    printf("%s %d\n", word, good);
    fflush(stdout);
    return fgets(line, sizeof(line), stdin) == NULL;
}

static const struct {
    const char *name;
    int (*once)(int n);
} storms[] = {{"lookups", lookup}, {"abandon", abandon}, {"timeout", time_out}};

int main(int argc, char **argv)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    int (*once)(int) = NULL;
    for (size_t i = 0; argc == 5 && i < sizeof(storms) / sizeof(storms[0]); i++)
        if (strcmp(storms[i].name, argv[1]) == 0)
            once = storms[i].once;
    if (once == NULL || getaddrinfo(argv[3], argv[4], &hints, &where) != 0) {
        fprintf(stderr, "usage: storm lookups|abandon|timeout COUNT ADDRESS PORT\n");
        return 2;
    }
    int count = atoi(argv[2]), good = 0;
    for (int n = 0; n < count / 10; n++)
        good += once(n);
    say("ready", good);
    for (int n = count / 10; n < count; n++)
        good += once(n);
    closefrom(3);
    say("done", good);
    return 0;
}
