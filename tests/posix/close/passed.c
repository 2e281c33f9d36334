/* Sockets that change hands: passed in messages in every state, inherited by fork() and exec(),
 * opened again as 0 and 1, their flags and owners. */
#include "../lib.h"

#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static void pass_on(int by, int fd)
{
    char b = 'x', room[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec v = {&b, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof(int));
    MUST(sendmsg(by, &m, 0));
}

static int receive(int from)
{
    char b, room[CMSG_SPACE(sizeof(int))];
    struct iovec v = {&b, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
    int fd;
    MUST(recvmsg(from, &m, 0));
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
    return fd;
}

/* The same open file under a number that was passed; the original is closed. */
static int passed(int fd)
{
    int u[2], got;
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, u));
    pass_on(u[0], fd);
    close(fd);
    got = receive(u[1]);
    close(u[0]);
    close(u[1]);
    return got;
}

static void states(int f)
{
    struct addr a, silence, mine;
    int l = listener(f, 4, &a), fd = passed(tcp(f));
    char b;
    RC(connect_to(fd, a), 0, nm(f, "passed fresh, connects"));
    l = passed(l);
    int s = passed(MUST(accept(l, NULL, NULL)));
    OK(s >= 0, nm(f, "passed listening, accepts"));
    fd = passed(fd);
    RC(send(fd, "x", 1, 0), 1, nm(f, "passed connected, sends"));
    RC(recv(s, &b, 1, 0), 1, nm(f, "passed accepted, receives"));
    int q = silent(f, &silence), c = tcp(f);
    nonblock(c);
    RC(connect_to(c, silence), -EINPROGRESS, nm(f, "passed connecting, begins"));
    c = passed(c);
    RC(connect_to(c, silence), -EALREADY, nm(f, "passed connecting, EALREADY"));
    MASK(c, 0, nm(f, "passed connecting, mask"));
    MUST(accept(q, NULL, NULL));
    MASK(c, POLLOUT, nm(f, "passed connecting, ends well"));
    int u = passed(bound(f, SOCK_DGRAM, &mine));
    RC(send_to(u, "y", 1, mine), 1, nm(f, "passed datagram, sends"));
    u = passed(u);
    RC(recv(u, &b, 1, 0), 1, nm(f, "passed datagram, receives what waited"));
    int e = tcp(f);
    nonblock(e);
    MUST(connect_to(e, refuser(f)) == -1 ? 0 : -1);
    MUST(await(e, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP));
    e = passed(e);
    EQ(so_error(e), ECONNREFUSED, nm(f, "passed refused, SO_ERROR"));
}

/* Both have it while it is connecting; the one who began does not wait. */
static void connecting_shared(int f)
{
    struct addr a;
    int q = silent(f, &a), fd = tcp(f), status;
    nonblock(fd);
    MUST(connect_to(fd, a) == -1 && errno == EINPROGRESS ? 0 : -1);
    pid_t child = MUST(fork());
    if (child == 0)
        _exit(await(fd, POLLOUT) == POLLOUT && so_error(fd) == 0 && send(fd, "c", 1, 0) == 1 ? 0
                                                                                             : 1);
    close(fd);
    MUST(accept(q, NULL, NULL));
    MUST(waitpid(child, &status, 0));
    EQ(status, 0, nm(f, "connecting, the parent closes, the child is connected"));
    int s = MUST(accept(q, NULL, NULL));
    char b;
    RC(recv(s, &b, 1, 0), 1, nm(f, "connecting, the child's byte arrives"));
    RC(recv(s, &b, 1, 0), 0, nm(f, "connecting, the child's end ends it"));
}

static pid_t acceptor(int l, int tell)
{
    pid_t child = MUST(fork());
    if (child == 0) {
        int s = accept(l, NULL, NULL);
        _exit(s < 0 || write(tell, "a", 1) != 1 || pause());
    }
    MUST(wait_blocked(child, SYS_accept) ? 0 : -1);
    return child;
}

/* Who waits in accept() and is killed takes no connection with him. */
static void acceptors(int f)
{
    struct addr a;
    int l = listener(f, 8, &a), p[2];
    char b[2];
    MUST(pipe(p));
    pid_t first = acceptor(l, p[1]), second = acceptor(l, p[1]);
    MUST(kill(first, SIGKILL));
    MUST(waitpid(first, NULL, 0));
    RC(connect_to(tcp(f), a), 0, nm(f, "acceptor killed, connect"));
    RC(read(p[0], b, 1), 1, nm(f, "acceptor killed, the other one has it"));
    pid_t third = acceptor(l, p[1]);
    RC(connect_to(tcp(f), a), 0, nm(f, "acceptors, another connection"));
    RC(read(p[0], b, 1), 1, nm(f, "acceptors, each gets one"));
    MUST(kill(second, SIGKILL));
    MUST(kill(third, SIGKILL));
    MUST(waitpid(second, NULL, 0));
    MUST(waitpid(third, NULL, 0));
    RC(connect_to(tcp(f), a), 0, nm(f, "acceptors gone, connect"));
    RC(accept(l, NULL, NULL) < 0 ? -1 : 0, 0, nm(f, "acceptors gone, accept"));
}

/* As inetd starts a server: the connection is its standard input and output. */
static int serve(void)
{
    char b[8];
    ssize_t n = read(0, b, sizeof(b));
    return n != 4 || peer_of(0).len == 0 || write(1, b, 4) != 4;
}

static void as_stdio(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    int status;
    pid_t child = MUST(fork());
    if (child == 0) {
        MUST(dup2(t.s, 0));
        MUST(dup2(t.s, 1));
        MUST(close_range(3, ~0u, 0));
        execl("/proc/self/exe", "again", "serve", (char *)NULL);
        _exit(98);
    }
    close(t.s);
    RC(send(t.c, "ping", 4, 0), 4, nm(f, "as 0 and 1 of another program, send"));
    RC(recv(t.c, b, 4, MSG_WAITALL), 4, nm(f, "as 0 and 1 of another program, echo"));
    RC(recv(t.c, b, 1, 0), 0, nm(f, "as 0 and 1 of another program, its end"));
    MUST(waitpid(child, &status, 0));
    EQ(status, 0, nm(f, "as 0 and 1 of another program, content"));
}

static void flags(int f)
{
    int fd = MUST(socket(f, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)), d, off = 0;
    struct stat st;
    EQ(fcntl(fd, F_GETFD), FD_CLOEXEC, nm(f, "flags, SOCK_CLOEXEC"));
    EQ(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK, nm(f, "flags, SOCK_NONBLOCK"));
    RC(ioctl(fd, FIONBIO, &off), 0, nm(f, "flags, FIONBIO"));
    RC(connect_to(fd, refuser(f)), -ECONNREFUSED, nm(f, "flags, a blocking connect is refused"));
    EQ(fcntl(fd, F_GETFD), FD_CLOEXEC, nm(f, "flags, close-on-exec stays"));
    EQ(fcntl(fd, F_GETFL), O_RDWR, nm(f, "flags, blocking stays"));
    nonblock(fd);
    RC(connect_to(fd, refuser(f)), -EINPROGRESS, nm(f, "flags, another connect"));
    MUST(await(fd, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP));
    MUST(so_error(fd));
    int l = listener(f, 1, &(struct addr){0});
    RC(connect_to(fd, name_of(l)), -ECONNABORTED, nm(f, "flags, told once more"));
    RC(connect_to(fd, name_of(l)), -EINPROGRESS, nm(f, "flags, a third connect"));
    EQ(fcntl(fd, F_GETFD), FD_CLOEXEC, nm(f, "flags, close-on-exec stays again"));
    EQ(fcntl(fd, F_GETFL), O_RDWR | O_NONBLOCK, nm(f, "flags, O_NONBLOCK stays"));
    d = MUST(dup3(fd, 50, O_CLOEXEC));
    EQ(fcntl(d, F_GETFD), FD_CLOEXEC, nm(f, "flags, dup3"));
    RC(lseek(fd, 0, SEEK_CUR), -ESPIPE, nm(f, "flags, lseek"));
    OK(fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode), nm(f, "flags, fstat says socket"));
    RC(open("/proc/self/fd/50", O_RDWR), -ENXIO, nm(f, "flags, cannot be opened by its name"));
    RC(ftruncate(fd, 0), -EINVAL, nm(f, "flags, ftruncate"));
    RC(fsync(fd), -EINVAL, nm(f, "flags, fsync"));
}

/* F_SETOWN and F_SETSIG belong to the open file, whatever happens to the connection. */
static void owner(int f)
{
    struct addr a;
    int q = silent(f, &a), fd = tcp(f);
    MUST(fcntl(fd, F_SETOWN, getpid()));
    MUST(fcntl(fd, F_SETSIG, SIGUSR2));
    MUST(fcntl(fd, F_SETFL, O_ASYNC));
    signal(SIGUSR2, SIG_IGN);
    set_timeout(fd, SO_SNDTIMEO, 30);
    RC(connect_to(fd, a), -EINPROGRESS, nm(f, "owner, a connect that does not end"));
    RC(connect_to(fd, unspec()), 0, nm(f, "owner, dissolve"));
    EQ(fcntl(fd, F_GETOWN), getpid(), nm(f, "owner, stays"));
    EQ(fcntl(fd, F_GETSIG), SIGUSR2, nm(f, "owner, its signal stays"));
    EQ(fcntl(fd, F_GETFL), O_RDWR | O_ASYNC, nm(f, "owner, O_ASYNC stays"));
    close(q);
    int l = listener(f, 4, &a);
    RC(connect_to(fd, a), 0, nm(f, "owner, connects"));
    int s = MUST(accept(l, NULL, NULL));
    EQ(fcntl(fd, F_GETOWN), getpid(), nm(f, "owner, stays when connected"));
    EQ(fcntl(s, F_GETOWN), 0, nm(f, "owner, not inherited by accept"));
}

/* A watched socket whose number is closed is watched while a copy is left. */
static void watched(int f)
{
    struct pair t = tcp_pair(f);
    int ep = MUST(epoll_create1(0)), d = MUST(dup(t.c));
    struct epoll_event e = {.events = EPOLLIN, .data.fd = 7};
    MUST(epoll_ctl(ep, EPOLL_CTL_ADD, t.c, &e));
    close(t.c);
    MUST(send(t.s, "x", 1, 0));
    RC(epoll_wait(ep, &e, 1, PATIENCE_MS), 1, nm(f, "watched, a copy is left, event"));
    RC(epoll_ctl(ep, EPOLL_CTL_DEL, t.c, &e), -EBADF, nm(f, "watched, the number is gone"));
    close(d);
    RC(epoll_wait(ep, &e, 1, 0), 0, nm(f, "watched, the last is closed, no event"));
    struct addr a;
    int l = listener(f, 4, &a), c = tcp(f);
    e.events = EPOLLIN | EPOLLET;
    MUST(epoll_ctl(ep, EPOLL_CTL_ADD, l, &e));
    RC(connect_to(c, a), 0, nm(f, "watched listener, connect"));
    RC(epoll_wait(ep, &e, 1, PATIENCE_MS), 1, nm(f, "watched listener, event"));
    l = passed(l);
    RC(connect_to(tcp(f), a), 0, nm(f, "watched listener, passed on, connect"));
    RC(epoll_wait(ep, &e, 1, PATIENCE_MS), 1, nm(f, "watched listener, passed on, event"));
}

int main(int argc, char **argv)
{
    static const struct tcase cases[] = {
        CASE(states), CASE(connecting_shared), CASE(acceptors), CASE(as_stdio), CASE(flags),
        CASE(owner),  CASE(watched),
    };
    if (argc == 2)
        return serve();
    return run_cases(cases, COUNT(cases));
}
