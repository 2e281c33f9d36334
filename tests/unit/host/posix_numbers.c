/* Numbers: the library's own are not the program's to close, numbers of the kernel's pass through,
 * a child of fork() begins anew. (What programs see of their own numbers is tests/posix/.) */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/descriptor.h"
#include "unit/host/posix_test.h"

/* A child that makes a thread after a fork of many is what this is about. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0";
}

/* A hidden number that is open; -1: none. */
static int some_hidden(void)
{
    DIR *d = opendir("/proc/self/fd");
    struct dirent *e;
    int found = -1;

    while (d && (e = readdir(d))) {
        int fd = atoi(e->d_name);

        if (descriptor_is_hidden(fd))
            found = fd;
    }
    if (d)
        closedir(d);
    return found;
}

/* A whole life: what the driver and the table must be there for. */
static bool works(void)
{
    int ends[2], ep = NEED(hf_epoll_create1(0));
    char b = 'x';
    bool good;

    pair(AF_INET6, ends);
    good = hf_send(ends[0], &b, 1, 0) == 1 && hf_recv(ends[1], &b, 1, 0) == 1;
    hf_close(ends[0]);
    hf_close(ends[1]);
    hf_close(ep);
    return good;
}

static void hidden(void)
{
    int fd, pipe_ends[2], kept = NEED(hf_socket(AF_INET, SOCK_STREAM, 0));

    OK(works(), "at first");
    fd = some_hidden();
    OK(fd >= 1024, "the library's own numbers are high");
    EQ(hf_close(fd), -1, "a hidden number is not closed");
    EQ(errno, EBADF, "a hidden number is EBADF");
    EQ(hf_dup2(0, fd), -1, "a hidden number is not replaced");
    NEED(pipe(pipe_ends));
    EQ(hf_close_range((unsigned)kept, ~0u, 0), 0, "close_range");
    EQ(fcntl(kept, F_GETFD), -1, "close_range, a socket is closed");
    EQ(fcntl(pipe_ends[0], F_GETFD), -1, "close_range, a pipe is closed");
    EQ(fcntl(fd, F_GETFD), FD_CLOEXEC, "close_range, a hidden number stays");
    OK(works(), "after close_range");
}

/* The lowest that is free, for sockets and others alike. */
static void lowest(void)
{
    int a = NEED(hf_socket(AF_INET, SOCK_DGRAM, 0)), b = NEED(dup(0));
    int c = NEED(hf_socket(AF_INET, SOCK_DGRAM, 0));

    OK(b == a + 1 && c == b + 1, "numbers in turn");
    hf_close(b);
    EQ(hf_dup(c), b, "a copy takes the lowest");
    EQ(hf_fcntl(c, F_DUPFD, 100), 100, "F_DUPFD, from a number on");
    hf_close(100);
    hf_close(a);
    hf_close(b);
    hf_close(c);
}

static void no_number_left(void)
{
    struct rlimit limit, few;
    struct address at;
    int l = listener(AF_INET, &at), c = NEED(hf_socket(AF_INET, SOCK_STREAM, 0));

    getrlimit(RLIMIT_NOFILE, &limit);
    few = limit;
    few.rlim_cur = (rlim_t)c + 1;
    NEED(hf_connect(c, sockaddr_of(&at), at.len));
    setrlimit(RLIMIT_NOFILE, &few);
    EQ(hf_accept(l, NULL, NULL), -1, "accept without a number left");
    EQ(errno, EMFILE, "accept without a number left: EMFILE");
    setrlimit(RLIMIT_NOFILE, &limit);
    OK(hf_close(hf_accept(l, NULL, NULL)) == 0, "the connection was kept");
    hf_close(l);
    hf_close(c);
}

static void child(void)
{
    int fd = NEED(hf_socket(AF_INET, SOCK_STREAM, 0)), status = -1;
    pid_t pid;
    char b;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        bool gone = hf_recv(fd, &b, 1, 0) < 0 && errno == ENOTCONN && hf_close(fd) == 0;

        _exit(gone && works() ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    EQ(status, 0, "a child has nothing of its parent's, and a stack of its own");
    OK(works(), "the parent goes on");
    hf_close(fd);
}

static volatile sig_atomic_t told;

static void count(int sig)
{
    told++;
}

static void owner(void)
{
    struct f_owner_ex ex = {.type = F_OWNER_TID, .pid = gettid()};
    int ends[2];

    pair(AF_INET, ends);
    signal(SIGUSR2, count);
    EQ(hf_fcntl(ends[1], F_SETOWN_EX, &ex), 0, "F_SETOWN_EX");
    EQ(hf_fcntl(ends[1], F_SETSIG, SIGUSR2), 0, "F_SETSIG");
    NEED(hf_send(ends[0], "x", 1, 0));
    EQ(told, 0, "without O_ASYNC nobody is told");
    EQ(hf_fcntl(ends[1], F_SETFL, O_ASYNC), 0, "O_ASYNC");
    NEED(hf_send(ends[0], "y", 1, MSG_OOB));
    while (!told) /* it may come by the driver */
        usleep(1000);
    OK(told > 0, "with O_ASYNC its owner is told of data");
    EQ(hf_fcntl(ends[1], F_SETSIG, 1000), -1, "F_SETSIG, a signal that is none");
    EQ(hf_fcntl(ends[1], F_SETOWN, -getpid()), 0, "F_SETOWN, a group");
    EQ(hf_fcntl(ends[1], F_GETOWN), -getpid(), "F_GETOWN, a group");
    signal(SIGURG, SIG_IGN);
    hf_close(ends[0]);
    hf_close(ends[1]);
}

int main(void)
{
    tap_begin(30);
    hidden();
    lowest();
    no_number_left();
    child();
    owner();
    return tap_end();
}
