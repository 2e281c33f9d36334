/* Sockets across exec(): they stay what they are; FD_CLOEXEC ends them. */
#include "../lib.h"

/* The program again, told which descriptor it has inherited. */
static int inherited(const char *what, int fd)
{
    if (strcmp(what, "talk") == 0)
        return !(send(fd, "exec", 4, 0) == 4 && peer_of(fd).len != 0 &&
                 getopt_of(fd, SOL_SOCKET, SO_TYPE) == SOCK_STREAM);
    if (strcmp(what, "accept") == 0) {
        int s = accept(fd, NULL, NULL);
        return s < 0 || send(s, "exec", 4, 0) != 4;
    }
    if (strcmp(what, "connect") == 0)
        return connect_to(fd, unspec()) != 0;
    return !(fcntl(fd, F_GETFD) < 0 && errno == EBADF); /* "gone" */
}

static pid_t again(const char *what, int fd)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", fd);
    pid_t child = MUST(fork());
    if (child == 0) {
        execl("/proc/self/exe", "again", what, number, (char *)NULL);
        _exit(98);
    }
    return child;
}

static int status_of(pid_t child)
{
    int status = -1;
    MUST(waitpid(child, &status, 0));
    return status;
}

static void connected(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    EQ(status_of(again("talk", t.c)), 0, nm(f, "exec, a connected socket"));
    RC(recv(t.s, b, 4, MSG_WAITALL), 4, nm(f, "exec, its bytes arrive"));
    MASK(t.s, POLLOUT, nm(f, "exec, the parent's copy keeps it"));
}

static void listening(int f)
{
    struct addr a;
    char b[8];
    int l = listener(f, 4, &a), c = tcp(f);
    pid_t child = again("accept", l);
    close(l);
    RC(connect_to(c, a), 0, nm(f, "exec, a listener only the child has"));
    RC(recv(c, b, 4, MSG_WAITALL), 4, nm(f, "exec, the child accepts and serves"));
    RC(recv(c, b, 1, 0), 0, nm(f, "exec, the child's end ends it"));
    EQ(status_of(child), 0, nm(f, "exec, the child is content"));
    RC(connect_to(tcp(f), a), -ECONNREFUSED, nm(f, "exec, the listener ended with the child"));
}

static void by_child(int f)
{
    struct pair t = tcp_pair(f);
    EQ(status_of(again("connect", t.c)), 0, nm(f, "exec, the child dissolves"));
    MASK(t.s, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, nm(f, "exec, the peer is reset"));
    EQ(peer_error(t.c), -ENOTCONN, nm(f, "exec, the parent sees it"));
}

static void close_on_exec(int f)
{
    struct addr a;
    int l = listener(f, 4, &a), c = MUST(socket(f, SOCK_STREAM | SOCK_CLOEXEC, 0));
    MUST(connect_to(c, a));
    EQ(status_of(again("gone", c)), 0, nm(f, "exec, SOCK_CLOEXEC is gone in the child"));
    int s = MUST(accept(l, NULL, NULL));
    MASK(s, POLLOUT, nm(f, "exec, SOCK_CLOEXEC stays in the parent"));
    EQ(status_of(again("talk", s)), 0, nm(f, "exec, an accepted socket"));
}

int main(int argc, char **argv)
{
    static const struct tcase cases[] = {CASE(connected), CASE(listening), CASE(by_child),
                                         CASE(close_on_exec)};
    if (argc == 3)
        return inherited(argv[1], atoi(argv[2]));
    return run_cases(cases, COUNT(cases));
}
