/* The last close of sockets that are not connected: what others see of it at once. By close(), by
 * dup2(), by the end of a process, by exec(); and what is not the last close. NetSem close_7,
 * close_8. */
#include "../lib.h"

#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

enum { RESET = POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP };

static void set_reuse(int fd, int name)
{
    MUST(setopt(fd, SOL_SOCKET, name, 1));
}

/* bind() of a new socket, closed again: 0 or -errno. */
static long long can_bind(int f, int type, struct addr a)
{
    int fd = MUST(socket(f, type, 0));
    long long rc = r(bind_to(fd, a));
    close(fd);
    return rc;
}

/* A child that has done `begin` and tells the address it got; it waits to be killed, or does what
 * `then` says. */
static pid_t child_with(int f, void (*begin)(int f, struct addr *a), void (*then)(void),
                        struct addr *a)
{
    int p[2];
    MUST(pipe(p));
    pid_t child = MUST(fork());
    if (child == 0) {
        begin(f, a);
        if (write(p[1], a, sizeof(*a)) != sizeof(*a))
            _exit(99);
        then();
        _exit(0);
    }
    MUST(read(p[0], a, sizeof(*a)) == sizeof(*a) ? 0 : -1);
    close(p[0]);
    close(p[1]);
    return child;
}

static void end(pid_t child)
{
    MUST(kill(child, SIGKILL));
    MUST(waitpid(child, NULL, 0));
}

static void wait_for_ever(void)
{
    for (;;)
        pause();
}

static void begin_bound(int f, struct addr *a)
{
    bound(f, SOCK_STREAM, a);
}

static void begin_bound_datagram(int f, struct addr *a)
{
    bound(f, SOCK_DGRAM, a);
}

static void begin_listener(int f, struct addr *a)
{
    listener(f, 4, a);
}

static void ports(int f)
{
    static const struct {
        const char *what;
        int type;
        void (*begin)(int f, struct addr *a);
    } rows[] = {{"stream", SOCK_STREAM, begin_bound},
                {"datagram", SOCK_DGRAM, begin_bound_datagram}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const char *what = rows[i].what;
        struct addr a;
        int fd = bound(f, rows[i].type, &a), d = MUST(dup(fd));
        RC(can_bind(f, rows[i].type, a), -EADDRINUSE, nm(f, "bound %s, its port is taken", what));
        close(fd);
        RC(can_bind(f, rows[i].type, a), -EADDRINUSE, nm(f, "bound %s, a copy is left", what));
        close(d);
        RC(can_bind(f, rows[i].type, a), 0, nm(f, "bound %s, the last is closed", what));
        pid_t child = child_with(f, rows[i].begin, wait_for_ever, &a);
        RC(can_bind(f, rows[i].type, a), -EADDRINUSE, nm(f, "bound %s of a child, taken", what));
        end(child);
        RC(can_bind(f, rows[i].type, a), 0, nm(f, "bound %s of a killed child, free", what));
        int many[40];
        for (size_t k = 0; k < COUNT(many); k++)
            many[k] = bound(f, rows[i].type, &a);
        MUST(close_range((unsigned)many[0], (unsigned)many[COUNT(many) - 1], 0));
        RC(can_bind(f, rows[i].type, a), 0, nm(f, "bound %s, close_range", what));
    }
}

static void listeners(int f)
{
    struct addr a;
    int l = listener(f, 4, &a), d = MUST(dup(l));
    close(l);
    RC(connect_to(tcp(f), a), 0, nm(f, "listener, a copy is left, serves"));
    close(d);
    RC(connect_to(tcp(f), a), -ECONNREFUSED, nm(f, "listener, closed, refuses"));
    l = listener(f, 4, &a);
    close(l);
    RC(connect_to(tcp(f), a), -ECONNREFUSED, nm(f, "listener without connections, refuses"));
    l = tcp(f);
    RC(bind_to(l, a), 0, nm(f, "listener, closed, its port is free"));
    RC(listen(l, 4), 0, nm(f, "listener, another one in its place"));
    RC(connect_to(tcp(f), a), 0, nm(f, "listener, another one serves"));
    l = listener(f, 4, &a);
    MUST(dup2(udp(f), l));
    RC(connect_to(tcp(f), a), -ECONNREFUSED, nm(f, "listener, dup2 over it, refuses"));
    pid_t child = child_with(f, begin_listener, wait_for_ever, &a);
    RC(connect_to(tcp(f), a), 0, nm(f, "listener of a child serves"));
    end(child);
    RC(connect_to(tcp(f), a), -ECONNREFUSED, nm(f, "listener of a killed child, refuses"));
    RC(can_bind(f, SOCK_STREAM, a), 0, nm(f, "listener of a killed child, its port is free"));
}

static void become_sleeper(void)
{
    execl("/proc/self/exe", "again", "sleep", (char *)NULL);
}

static void begin_listener_cloexec(int f, struct addr *a)
{
    MUST(fcntl(listener(f, 4, a), F_SETFD, FD_CLOEXEC));
}

/* The listener is gone once the child is another program, though the process lives. */
static void by_exec(int f)
{
    struct addr a;
    pid_t child = child_with(f, begin_listener_cloexec, become_sleeper, &a);
    MUST(wait_blocked(child, SYS_pause) ? 0 : -1);
    RC(connect_to(tcp(f), a), -ECONNREFUSED, nm(f, "listener, close-on-exec, refuses"));
    RC(can_bind(f, SOCK_STREAM, a), 0, nm(f, "listener, close-on-exec, its port is free"));
    end(child);
    child = child_with(f, begin_listener, become_sleeper, &a);
    MUST(wait_blocked(child, SYS_pause) ? 0 : -1);
    RC(connect_to(tcp(f), a), 0, nm(f, "listener, inherited by exec, serves"));
    end(child);
}

/* Of two listeners in one SO_REUSEPORT group, one is closed. */
static void group(int f)
{
    struct addr a;
    int one = tcp(f), two = tcp(f), good = 0;
    set_reuse(one, SO_REUSEPORT);
    set_reuse(two, SO_REUSEPORT);
    MUST(bind_to(one, loopback(f, 0)));
    a = name_of(one);
    MUST(bind_to(two, a));
    MUST(listen(one, 20));
    MUST(listen(two, 20));
    close(one);
    for (int i = 0; i < 16; i++)
        good += connect_to(tcp(f), a) == 0;
    EQ(good, 16, nm(f, "SO_REUSEPORT, one of two is closed, the other serves all"));
}

/* What a listener leaves behind: its port, while a connection of its lives and in TIME-WAIT. */
static void reuse(int f)
{
    struct addr a;
    int l = tcp(f), c = tcp(f), again;
    char b;
    set_reuse(l, SO_REUSEADDR);
    MUST(bind_to(l, loopback(f, 0)));
    MUST(listen(l, 4));
    a = name_of(l);
    MUST(connect_to(c, a));
    int s = MUST(accept(l, NULL, NULL));
    close(l);
    RC(can_bind(f, SOCK_STREAM, a), -EADDRINUSE, nm(f, "a connection is left, bind"));
    again = tcp(f);
    set_reuse(again, SO_REUSEADDR);
    RC(bind_to(again, a), 0, nm(f, "a connection is left, bind with SO_REUSEADDR"));
    RC(listen(again, 4), 0, nm(f, "a connection is left, listen with SO_REUSEADDR"));
    RC(send(s, "x", 1, 0), 1, nm(f, "a connection is left, it sends"));
    close(again);
    close(s);
    RC(recv(c, &b, 1, 0), 1, nm(f, "a connection is left, it arrives"));
    RC(recv(c, &b, 1, 0), 0, nm(f, "a connection is left, it ends"));
    close(c);
    RC(can_bind(f, SOCK_STREAM, a), -EADDRINUSE, nm(f, "TIME-WAIT, bind"));
    again = tcp(f);
    set_reuse(again, SO_REUSEADDR);
    RC(bind_to(again, a), 0, nm(f, "TIME-WAIT, bind with SO_REUSEADDR"));
    RC(listen(again, 4), 0, nm(f, "TIME-WAIT, listen with SO_REUSEADDR"));
    RC(connect_to(tcp(f), a), 0, nm(f, "TIME-WAIT, the new listener serves"));
}

/* A reset leaves nothing behind. */
static void reuse_after_reset(int f)
{
    struct pair t = tcp_pair(f);
    struct addr a = name_of(t.l);
    MUST(send(t.s, "unread", 6, 0));
    MASK(t.c, POLLIN | POLLOUT, nm(f, "reset by unread bytes, they are there"));
    close(t.l);
    close(t.s);
    RC(can_bind(f, SOCK_STREAM, a), -EADDRINUSE, nm(f, "FIN-WAIT, bind"));
    close(t.c);
    RC(can_bind(f, SOCK_STREAM, a), 0, nm(f, "reset by unread bytes, bind"));
    t = tcp_pair(f);
    a = name_of(t.l);
    close(t.l);
    reset(t.c);
    close(t.s);
    RC(can_bind(f, SOCK_STREAM, a), 0, nm(f, "reset by linger 0, bind"));
}

static int mask_after_send(int fd)
{
    MUST(send(fd, "x", 1, 0));
    return await(fd, POLLOUT | POLLERR);
}

/* NetSem close_10. */
static void datagrams(int f)
{
    struct addr a;
    int u = bound(f, SOCK_DGRAM, &a), d = MUST(dup(u)), from = udp(f);
    char b;
    MUST(connect_to(from, a));
    close(u);
    MUST(send(from, "x", 1, 0));
    RC(recv(d, &b, 1, 0), 1, nm(f, "datagram, a copy is left, it comes"));
    MUST(send(from, "y", 1, 0));
    MASK(d, POLLIN | POLLOUT, nm(f, "datagram, waits"));
    close(d);
    EQ(mask_after_send(from), POLLOUT | POLLERR, nm(f, "datagram, closed, mask"));
    EQ(so_error(from), ECONNREFUSED, nm(f, "datagram, closed, refused"));
    u = udp(f);
    RC(bind_to(u, a), 0, nm(f, "datagram, closed, its port is free"));
    RC(recv(u, &b, 1, MSG_DONTWAIT), -EAGAIN, nm(f, "datagram, what waited is gone"));
    pid_t child = child_with(f, begin_bound_datagram, wait_for_ever, &a);
    MUST(connect_to(from, a));
    end(child);
    EQ(mask_after_send(from), POLLOUT | POLLERR, nm(f, "datagram of a killed child, mask"));
    EQ(so_error(from), ECONNREFUSED, nm(f, "datagram of a killed child, refused"));
}

static int send_away(int fd, int *receiver)
{
    int u[2];
    char b = 'x', room[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec v = {&b, 1};
    struct msghdr m = {
        .msg_iov = &v, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, u));
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof(int));
    MUST(sendmsg(u[0], &m, 0));
    close(fd);
    *receiver = u[1];
    return u[0];
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

/* A socket that is only in a message is open. */
static void under_way(int f)
{
    struct addr a, b;
    int in, l = listener(f, 4, &a), u = bound(f, SOCK_DGRAM, &b), other, from = udp(f);
    char x;
    int out = send_away(l, &in);
    RC(can_bind(f, SOCK_STREAM, a), -EADDRINUSE, nm(f, "in a message, listener, bind"));
    RC(connect_to(tcp(f), a), 0, nm(f, "in a message, listener, connect"));
    l = receive(in);
    RC(accept(l, NULL, NULL) < 0 ? -1 : 0, 0, nm(f, "in a message, listener, then accept"));
    close(out);
    out = send_away(u, &other);
    RC(send_to(from, "x", 1, b), 1, nm(f, "in a message, datagram, sendto"));
    u = receive(other);
    RC(recv(u, &x, 1, 0), 1, nm(f, "in a message, datagram, then recv"));
    out = send_away(l, &in);
    close(in);
    RC(connect_to(tcp(f), a), -ECONNREFUSED, nm(f, "in a message nobody will read, refuses"));
    close(out);
}

static struct addr silent_address;

static void begin_connect(int f, struct addr *a)
{
    int fd = tcp(f);
    nonblock(fd);
    MUST(connect_to(fd, silent_address) == -1 && errno == EINPROGRESS ? 0 : -1);
    *a = name_of(fd);
}

/* NetSem close_7. */
static void connecting(int f)
{
    struct addr a;
    int l = silent(f, &silent_address);
    pid_t child = child_with(f, begin_connect, wait_for_ever, &a);
    RC(can_bind(f, SOCK_STREAM, a), -EADDRINUSE, nm(f, "connecting of a child, its port is taken"));
    end(child);
    MUST(accept(l, NULL, NULL));
    struct pollfd p = {.fd = l, .events = POLLIN};
    RC(poll(&p, 1, 1300), 0, nm(f, "connecting of a killed child, no connection follows"));
    RC(can_bind(f, SOCK_STREAM, a), 0, nm(f, "connecting of a killed child, its port is free"));
}

/* A listener's end with connections in its queue, held by the child only. NetSem close_8. */
static void queue(int f)
{
    struct addr a;
    pid_t child = child_with(f, begin_listener, wait_for_ever, &a);
    int c = tcp(f);
    RC(connect_to(c, a), 0, nm(f, "queue of a child, connect"));
    end(child);
    MASK(c, RESET, nm(f, "queue of a killed child, reset"));
}

static int keeper_pipe[2][2];

/* A thread with descriptors of its own. */
static void *keeper(void *arg)
{
    char b;
    if (unshare(CLONE_FILES) == 0 && write(keeper_pipe[0][1], "k", 1) == 1)
        (void)!read(keeper_pipe[1][0], &b, 1);
    return arg;
}

static long long soon_refused(int f, struct addr a)
{
    long long rc, until = now_ms() + PATIENCE_MS;
    do {
        int fd = tcp(f);
        rc = r(connect_to(fd, a));
        close(fd);
    } while (rc == 0 && now_ms() < until);
    return rc;
}

static void kept_by_thread(int f)
{
    struct addr a;
    pthread_t thread;
    char b;
    int l = listener(f, 4, &a);
    MUST(pipe(keeper_pipe[0]));
    MUST(pipe(keeper_pipe[1]));
    MUST(pthread_create(&thread, NULL, keeper, NULL) ? -1 : 0);
    MUST(read(keeper_pipe[0][0], &b, 1) == 1 ? 0 : -1);
    close(l);
    RC(connect_to(tcp(f), a), 0, nm(f, "listener of a thread alone serves"));
    RC(can_bind(f, SOCK_STREAM, a), -EADDRINUSE, nm(f, "listener of a thread alone, bind"));
    MUST(write(keeper_pipe[1][1], "e", 1));
    pthread_join(thread, NULL);
    /* its descriptors go a moment after it has been joined */
    RC(soon_refused(f, a), -ECONNREFUSED, nm(f, "listener of a thread that ended refuses"));
}

int main(int argc, char **argv)
{
    static const struct tcase cases[] = {
        CASE(ports),     CASE(listeners),      CASE(by_exec),
        CASE(group),     CASE(reuse),          CASE(reuse_after_reset),
        CASE(datagrams), CASE(under_way),      CASE(connecting),
        CASE(queue),     CASE(kept_by_thread),
    };
    if (argc == 2)
        wait_for_ever();
    return run_cases(cases, COUNT(cases));
}
