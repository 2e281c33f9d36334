/* close(): orderly, abortive, lingering; shared by dup() and fork(); passed on. */
#include "../lib.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { ENDED = POLLIN | POLLOUT | POLLRDHUP, RESET = ENDED | POLLERR | POLLHUP };

static void plain(int f)
{
    int fd = tcp(f);
    RC(close(fd), 0, nm(f, "close, fresh"));
    RC(close(fd), -EBADF, nm(f, "close twice"));
    struct pair t = tcp_pair(f);
    char b;
    RC(close(t.c), 0, nm(f, "close, connected"));
    MASK(t.s, ENDED, nm(f, "close, the peer's mask IN OUT RDHUP"));
    RC(recv(t.s, &b, 1, 0), 0, nm(f, "close, the peer's recv"));
    EQ(so_error(t.s), 0, nm(f, "close, the peer's SO_ERROR"));
    RC(send(t.c, "x", 1, 0), -EBADF, nm(f, "close, the descriptor is gone"));
}

/* NetSem close_2. */
static void sends_what_was_written(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    MUST(send(t.c, "abc", 3, 0));
    close(t.c);
    RC(recv(t.s, b, 8, MSG_WAITALL), 3, nm(f, "close after send, the data arrives"));
    RC(recv(t.s, b, 8, 0), 0, nm(f, "close after send, then the end"));
}

/* RFC 9293 3.6.1, RFC 2525 2.17: closing with unread data resets. */
static void unread_resets(int f)
{
    struct pair t = tcp_pair(f);
    char b;
    MUST(send(t.s, "unread", 6, 0));
    MUST(await(t.c, POLLIN | POLLOUT) & POLLIN ? 0 : -1);
    close(t.c);
    MASK(t.s, RESET, nm(f, "close with unread data, the peer is reset"));
    RC(recv(t.s, &b, 1, 0), -ECONNRESET, nm(f, "close with unread data, the peer's recv"));
}

/* NetSem close_3. */
static void linger_zero(int f)
{
    struct pair t = tcp_pair(f);
    char b;
    set_linger(t.c, 1, 0);
    RC(close(t.c), 0, nm(f, "close, linger 0"));
    MASK(t.s, RESET, nm(f, "close, linger 0, the peer is reset"));
    RC(recv(t.s, &b, 1, 0), -ECONNRESET, nm(f, "close, linger 0, the peer's recv"));
    struct pair u = tcp_pair(f);
    set_linger(u.s, 1, 0);
    MUST(shutdown(u.c, SHUT_WR));
    MASK(u.s, ENDED, nm(f, "close, linger 0 in CLOSE-WAIT, mask"));
    close(u.s);
    EQ(await(u.c, RESET) & POLLERR, POLLERR, nm(f, "close, linger 0 in CLOSE-WAIT resets"));
}

/* NetSem close_4, close_5. */
static void linger_time(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    set_linger(t.c, 1, 5);
    MUST(send(t.c, "abc", 3, 0));
    long long start = now_ms();
    RC(close(t.c), 0, nm(f, "close, linger 5"));
    OK(now_ms() - start < 3000, nm(f, "close, linger 5, returns when all is acknowledged"));
    RC(recv(t.s, b, 8, MSG_WAITALL), 3, nm(f, "close, linger 5, the data arrives"));
    RC(recv(t.s, b, 8, 0), 0, nm(f, "close, linger 5, then the end"));
}

/* NetSem close_6. */
static void linger_runs_out(int f)
{
    struct pair t = tcp_pair(f);
    fill(t.c);
    set_linger(t.c, 1, 1);
    long long start = now_ms();
    RC(close(t.c), 0, nm(f, "close, linger 1, unread by the peer"));
    OK(now_ms() - start >= 900, nm(f, "close, linger 1, waits the second"));
}

/* NetSem close_7. */
static void connecting(int f)
{
    struct addr a;
    int l = silent(f, &a), fd = tcp(f);
    nonblock(fd);
    RC(connect_to(fd, a), -EINPROGRESS, nm(f, "close, connecting, connect"));
    struct addr name = name_of(fd);
    RC(close(fd), 0, nm(f, "close, connecting"));
    MUST(accept(l, NULL, NULL));
    struct pollfd p = {.fd = l, .events = POLLIN};
    RC(poll(&p, 1, 1300), 0, nm(f, "close, connecting, no connection follows"));
    RC(bind_to(tcp(f), name), 0, nm(f, "close, connecting, the port is free"));
}

/* NetSem close_1. */
static void duplicates(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    int d = MUST(dup(t.c)), e = MUST(fcntl(t.c, F_DUPFD, 100));
    OK(e >= 100, nm(f, "F_DUPFD, at least the number asked"));
    OK(same(name_of(d), name_of(t.c)), nm(f, "dup, one name"));
    RC(send(d, "1", 1, 0), 1, nm(f, "dup sends"));
    close(t.c);
    RC(send(e, "2", 1, 0), 1, nm(f, "dup sends when the first is closed"));
    RC(recv(t.s, b, 2, MSG_WAITALL), 2, nm(f, "dup, both bytes arrive"));
    close(d);
    MASK(t.s, POLLOUT, nm(f, "dup, the connection lives while one copy does"));
    close(e);
    MASK(t.s, ENDED, nm(f, "dup, the last close ends it"));
}

/* NetSem dup_2, dupfd_3, dupfd_4. */
static void copies_refused(int f)
{
    struct pair t = tcp_pair(f);
    int last = MUST(dup(t.c));
    struct rlimit rl = {(rlim_t)last + 1, (rlim_t)last + 1};
    MUST(setrlimit(RLIMIT_NOFILE, &rl));
    RC(dup(t.c), -EMFILE, nm(f, "dup, no descriptor left"));
    RC(fcntl(t.c, F_DUPFD, last), -EMFILE, nm(f, "F_DUPFD, none left from there on"));
    RC(fcntl(t.c, F_DUPFD, last + 1), -EINVAL, nm(f, "F_DUPFD, beyond the limit"));
    RC(fcntl(t.c, F_DUPFD, -1), -EINVAL, nm(f, "F_DUPFD, -1"));
    RC(dup2(t.c, last + 1), -EBADF, nm(f, "dup2, beyond the limit"));
    RC(dup2(t.c, -1), -EBADF, nm(f, "dup2, to -1"));
    RC(dup3(t.c, t.c, 0), -EINVAL, nm(f, "dup3, to itself"));
    RC(dup2(t.c, t.c), t.c, nm(f, "dup2, to itself"));
    close(last);
    RC(fcntl(t.c, F_DUPFD, last), last, nm(f, "F_DUPFD, one came free"));
    RC(send(last, "x", 1, 0), 1, nm(f, "F_DUPFD, one came free, sends"));
}

static void duplicate_state(int f)
{
    struct addr a;
    int fd = tcp(f), d = MUST(dup(fd)), l = listener(f, 4, &a);
    RC(connect_to(d, a), 0, nm(f, "dup of a fresh socket, connect through it"));
    MASK(fd, POLLOUT, nm(f, "dup of a fresh socket, the first is connected"));
    OK(same(peer_of(fd), a), nm(f, "dup of a fresh socket, the first has the peer"));
    RC(connect_to(fd, a), -EISCONN, nm(f, "dup of a fresh socket, connect through the first"));
    MUST(setopt(d, IPPROTO_TCP, TCP_NODELAY, 1));
    EQ(getopt_of(fd, IPPROTO_TCP, TCP_NODELAY), 1, nm(f, "dup shares options"));
    nonblock(d);
    EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK, nm(f, "dup shares O_NONBLOCK"));
    MUST(shutdown(d, SHUT_WR));
    RC(send(fd, "x", 1, MSG_NOSIGNAL), -EPIPE, nm(f, "dup shares shutdown"));
    int replaced = MUST(dup2(l, fd));
    EQ(getopt_of(replaced, SOL_SOCKET, SO_ACCEPTCONN), 1, nm(f, "dup2 over a socket"));
    MASK(d, POLLOUT, nm(f, "dup2 over a socket, its copy stays"));
}

static void shared_by_fork(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    int status;
    pid_t child = MUST(fork());
    if (child == 0) {
        close(t.s);
        bool good = send(t.c, "child", 5, 0) == 5 && port_of(peer_of(t.c)) == port_of(name_of(t.l));
        close(t.c);
        _exit(good ? 0 : 1);
    }
    MUST(waitpid(child, &status, 0));
    EQ(status, 0, nm(f, "fork, the child uses the socket"));
    RC(recv(t.s, b, 5, MSG_WAITALL), 5, nm(f, "fork, the child's bytes arrive"));
    MASK(t.s, POLLOUT, nm(f, "fork, the child's close is not the last"));
    RC(send(t.c, "parent", 6, 0), 6, nm(f, "fork, the parent uses it too"));
    close(t.c);
    MASK(t.s, ENDED, nm(f, "fork, the parent's close is the last"));
}

static void accepted_by_child(int f)
{
    struct addr a;
    char b[4];
    int l = listener(f, 4, &a), status;
    pid_t child = MUST(fork());
    if (child == 0) {
        int s = accept(l, NULL, NULL);
        _exit(s < 0 || send(s, "ok", 2, 0) != 2);
    }
    int c = tcp(f);
    RC(connect_to(c, a), 0, nm(f, "fork, a child accepts, connect"));
    RC(recv(c, b, 2, MSG_WAITALL), 2, nm(f, "fork, a child accepts and serves"));
    RC(recv(c, b, 2, 0), 0, nm(f, "fork, the child's end closes its socket"));
    MUST(waitpid(child, &status, 0));
    EQ(status, 0, nm(f, "fork, a child accepts, content"));
}

static void passed(int f)
{
    struct pair t = tcp_pair(f);
    int u[2];
    char b = 'x', room[CMSG_SPACE(sizeof(int))];
    struct iovec v = {&b, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, u));
    memset(room, 0, sizeof(room));
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &t.c, sizeof(int));
    RC(sendmsg(u[0], &m, 0), 1, nm(f, "SCM_RIGHTS, a socket is sent"));
    close(t.c);
    RC(recvmsg(u[1], &m, 0), 1, nm(f, "SCM_RIGHTS, a socket is received"));
    int got;
    memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
    OK(same(peer_of(got), name_of(t.s)), nm(f, "SCM_RIGHTS, the same socket"));
    RC(send(got, "y", 1, 0), 1, nm(f, "SCM_RIGHTS, it sends"));
    RC(recv(t.s, &b, 1, 0), 1, nm(f, "SCM_RIGHTS, it arrives"));
    close(got);
    MASK(t.s, ENDED, nm(f, "SCM_RIGHTS, the last close ends it"));
}

/* What was sent before a close that resets arrives before the reset. */
static void data_before_reset(int f)
{
    for (int unread = 0; unread < 2; unread++) {
        struct pair t = tcp_pair(f);
        char b[8];

        if (unread) {
            MUST(send(t.s, "y", 1, 0));
            MUST(await(t.c, POLLIN | POLLOUT) & POLLIN ? 0 : -1);
        } else {
            set_linger(t.c, 1, 0);
        }
        MUST(send(t.c, "last", 4, 0));
        MUST(close(t.c));
        MASK(t.s, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP,
             nm(f, "%s, mask", unread ? "bytes unread" : "SO_LINGER 0"));
        RC(recv(t.s, b, sizeof(b), 0), 4,
           nm(f, "%s, data", unread ? "bytes unread" : "SO_LINGER 0"));
        RC(recv(t.s, b, sizeof(b), 0), -ECONNRESET,
           nm(f, "%s, then the reset", unread ? "bytes unread" : "SO_LINGER 0"));
    }
}

/* Who reads nothing, and waits to send, is told of a reset all the same. */
static void full_both_ways(int f)
{
    struct pair t = tcp_pair(f);
    struct pollfd p = {.fd = t.s, .events = POLLOUT};
    static char b[65536];
    ssize_t n;
    MUST(fill(t.s) > 0 ? 0 : -1);
    MUST(fill(t.c) > 0 ? 0 : -1);
    MUST(close(t.c));
    RC(poll(&p, 1, PATIENCE_MS), 1, nm(f, "both ways full, reset, who waits to send is told"));
    n = send(t.s, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    OK(n < 0 && (errno == ECONNRESET || errno == EPIPE), nm(f, "both ways full, reset, send"));
    RC(recv(t.s, b, 1, 0), 1, nm(f, "both ways full, reset, what had come is read"));
    while ((n = recv(t.s, b, sizeof(b), 0)) > 0)
        continue;
    OK(n == 0 || errno == ECONNRESET, nm(f, "both ways full, reset, to its end"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(plain),          CASE(sends_what_was_written),
        CASE(unread_resets),  CASE(full_both_ways),
        CASE(linger_zero),    CASE(data_before_reset),
        CASE(linger_time),    CASE(linger_runs_out),
        CASE(connecting),     CASE(duplicates),
        CASE(copies_refused), CASE(duplicate_state),
        CASE(shared_by_fork), CASE(accepted_by_child),
        CASE(passed),
    };
    return run_cases(cases, COUNT(cases));
}
