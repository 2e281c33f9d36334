/* connect(), listen() and accept() of streams and sequenced packets. C10, C11, C13, C17, C24, C28;
 * NetSem connect_5, listen_1, listen_3, accept_1, accept_3. */
#include "posix/unix/local.h"

#include <pthread.h>
#include <sys/syscall.h>

static void listening(int t)
{
    int fd = local_socket(t);
    RC(listen(fd, 1), -EINVAL, un(t, "listen without a name"));
    RC(accept(fd, NULL, NULL), -EINVAL, un(t, "accept, not listening"));
    MUST(bind_local(fd, hidden("l")));
    RC(accept(fd, NULL, NULL), -EINVAL, un(t, "accept, bound"));
    RC(connect_local(local_socket(t), hidden("l")), -ECONNREFUSED, un(t, "connect, not listening"));
    RC(getopt_of(fd, SOL_SOCKET, SO_ACCEPTCONN), 0, un(t, "SO_ACCEPTCONN, not listening"));
    RC(listen(fd, 1), 0, un(t, "listen"));
    RC(getopt_of(fd, SOL_SOCKET, SO_ACCEPTCONN), 1, un(t, "SO_ACCEPTCONN, listening"));
    RC(listen(fd, 5), 0, un(t, "listen again"));
    MASK(fd, 0, un(t, "mask of a listener"));
    RC(send(fd, "x", 1, 0), -ENOTCONN, un(t, "send on a listener"));
    char b[4];
    RC(recv(fd, b, 4, MSG_DONTWAIT), t == SOCK_STREAM ? -EINVAL : -ENOTCONN,
       un(t, "recv on a listener"));
    RC(ioctl_of(fd, SIOCINQ), -EINVAL, un(t, "SIOCINQ of a listener"));
    RC(ioctl_of(fd, SIOCOUTQ), 0, un(t, "SIOCOUTQ of a listener"));
    int c = local_socket(t);
    RC(connect_local(c, hidden("l")), 0, un(t, "connect"));
    MASK(fd, POLLIN, un(t, "mask with a connection waiting"));
    RC(listen(c, 1), -EINVAL, un(t, "listen, connected and unnamed"));
    nonblock(fd);
    int s = MUST(accept(fd, NULL, NULL));
    RC(accept(fd, NULL, NULL), -EAGAIN, un(t, "accept, none there"));
    MASK(fd, 0, un(t, "mask when it is accepted"));
    RC(fcntl(s, F_GETFL) & O_NONBLOCK, 0, un(t, "O_NONBLOCK is not inherited"));
    RC(connect_local(fd, hidden("l")), -EINVAL, un(t, "a listener connects to itself"));
    int l2 = local_listener(t, hidden("l2"), 1);
    RC(connect_local(l2, hidden("l")), -EINVAL, un(t, "a listener connects to another"));
}

static void not_for_datagrams(int t)
{
    int fd = local_bound(t, hidden("d"));
    RC(listen(fd, 1), -EOPNOTSUPP, un(t, "listen"));
    RC(accept(fd, NULL, NULL), -EOPNOTSUPP, un(t, "accept"));
}

static void names(int t)
{
    struct sockaddr_un got = {0};
    struct local a = path("srv");
    int l = local_listener(t, a, 5), c = local_socket(t);
    MUST(connect_local(c, a));
    struct sockaddr_storage from;
    socklen_t n = sizeof(from);
    int s = MUST(accept(l, (struct sockaddr *)&from, &n));
    RC(n, 2, un(t, "accept tells an unnamed peer's 2 bytes"));
    RC(name_len(s, &got), 6, un(t, "the accepted socket has the listener's name"));
    RC(peer_len(s, NULL), 2, un(t, "its peer is unnamed"));
    RC(name_len(c, NULL), 2, un(t, "connect gives no name"));
    RC(peer_len(c, &got), 6, un(t, "the peer's name is the listener's"));
    RC(bind_local(c, hidden("after")), 0, un(t, "bind after connect"));
    RC(peer_len(s, &got), 8, un(t, "shows at the peer"));
    close(l);
    RC(name_len(s, NULL), 6, un(t, "the name stays when the listener has closed"));
    RC(connect_local(local_socket(t), a), -ECONNREFUSED, un(t, "but does not listen any more"));
    close(s);
    RC(peer_len(c, NULL), 6, un(t, "the peer's name outlives it"));
    int named = local_bound(t, hidden("client"));
    l = local_listener(t, hidden("srv2"), 1);
    MUST(connect_local(named, hidden("srv2")));
    n = sizeof(from);
    MUST(accept(l, (struct sockaddr *)&from, &n));
    RC(n, 9, un(t, "accept tells a named peer's name"));
}

static void only_once(int t)
{
    struct local a = hidden("once");
    struct pair p = local_conn(t, a);
    RC(connect_local(p.c, a), -EISCONN, un(t, "connect, connected"));
    RC(connect_local(p.s, a), -EISCONN, un(t, "connect, accepted"));
    RC(connect_local(p.c, hidden("nobody")), -ECONNREFUSED, un(t, "connected, to nobody"));
    RC(connect_local(p.c, path("nobody")), -ENOENT, un(t, "connected, to no path"));
    RC(dissolve(p.c), -EINVAL, un(t, "AF_UNSPEC"));
    RC(dissolve(local_socket(t)), -EINVAL, un(t, "AF_UNSPEC, unconnected"));
    struct sockaddr_un two = {.sun_family = AF_UNIX};
    RC(connect(p.c, (struct sockaddr *)&two, 2), -EINVAL, un(t, "connected, a family alone"));
    close(p.s);
    RC(connect_local(p.c, a), -EISCONN, un(t, "connect, when the peer has closed"));
    MUST(shutdown(p.c, SHUT_RDWR));
    RC(connect_local(p.c, a), -EISCONN, un(t, "connect, shut down"));
}

static void backlog(int t)
{
    for (int n = 0; n < 4; n++) {
        char text[16];
        snprintf(text, sizeof(text), "b%d", n);
        struct local a = hidden(text);
        int l = local_listener(t, a, n), done = 0, fd, err;
        do {
            fd = local_socket(t);
            nonblock(fd);
            err = (int)r(connect_local(fd, a));
            done += err == 0;
        } while (err == 0 && done < 100);
        RC(done, n + 1, un(t, "listen(%d) lets %d wait", n, n + 1));
        RC(err, -EAGAIN, un(t, "the next, of %d, is EAGAIN", n));
        RC(connect_local(fd, a), -EAGAIN, un(t, "and again, of %d", n));
        MASK(fd, POLLOUT | POLLHUP, un(t, "mask of one turned away, of %d", n));
        MUST(accept(l, NULL, NULL));
        RC(connect_local(fd, a), 0, un(t, "one accepted, one connects, of %d", n));
    }
    struct local a = hidden("minus");
    int l = local_bound(t, a), done = 0;
    MUST(listen(l, -1));
    while (done < 20 && connect_local(local_socket(t), a) == 0)
        done++;
    RC(done, 20, un(t, "listen(-1) is the most there is"));
}

static void full_before_state(int t)
{
    struct local a = hidden("full"), b = hidden("fine");
    struct pair p = local_conn(t, b);
    local_listener(t, a, 0);
    MUST(connect_local(local_socket(t), a));
    nonblock(p.c);
    RC(connect_local(p.c, a), -EAGAIN, un(t, "connected, to a full listener"));
    int fd = local_socket(t);
    set_timeout(fd, SO_SNDTIMEO, 30);
    RC(connect_local(fd, a), -EAGAIN, un(t, "SO_SNDTIMEO runs out"));
}

struct blocked {
    int fd, result;
    struct local to;
    int *tid;
};

static void *connect_blocked(void *arg)
{
    struct blocked *b = arg;
    __atomic_store_n(b->tid, (int)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
    b->result = (int)r(connect_local(b->fd, b->to));
    return NULL;
}

static int tid_now(int *tid)
{
    int v;
    while (!(v = __atomic_load_n(tid, __ATOMIC_SEQ_CST)))
        sched_yield();
    return v;
}

static void full_and_blocked(int t)
{
    struct local a = hidden("blk");
    int tid = 0;
    int l = local_listener(t, a, 0);
    MUST(connect_local(local_socket(t), a));
    struct blocked b = {local_socket(t), 1, a, &tid};
    pthread_t th;
    pthread_create(&th, NULL, connect_blocked, &b);
    OK(wait_blocked(tid_now(&tid), SYS_connect), un(t, "connect to a full listener waits"));
    MUST(accept(l, NULL, NULL));
    pthread_join(th, NULL);
    EQ(b.result, 0, un(t, "until one is accepted"));
    tid = 0;
    b.fd = local_socket(t);
    b.result = 1;
    pthread_create(&th, NULL, connect_blocked, &b);
    OK(wait_blocked(tid_now(&tid), SYS_connect), un(t, "and the next waits"));
    close(l);
    pthread_join(th, NULL);
    EQ(b.result, -ECONNREFUSED, un(t, "until the listener closes"));
}

static void handler(int sig) {}

static void interrupted(int t)
{
    struct local a = hidden("int");
    int tid = 0;
    int l = local_listener(t, a, 0);
    struct sigaction sa = {.sa_handler = handler};
    MUST(sigaction(SIGUSR1, &sa, NULL));
    MUST(connect_local(local_socket(t), a));
    struct blocked b = {local_socket(t), 1, a, &tid};
    pthread_t th;
    pthread_create(&th, NULL, connect_blocked, &b);
    OK(wait_blocked(tid_now(&tid), SYS_connect), un(t, "connect waits for a signal"));
    pthread_kill(th, SIGUSR1);
    pthread_join(th, NULL);
    EQ(b.result, -EINTR, un(t, "connect, interrupted"));
    MUST(accept(l, NULL, NULL));
    RC(connect_local(b.fd, a), 0, un(t, "nothing was pending: it connects anew"));
}

static void unaccepted(int t)
{
    struct local a = hidden("un");
    int l = local_listener(t, a, 5), c = local_socket(t);
    char b[8];
    MUST(connect_local(c, a));
    MASK(c, POLLOUT, un(t, "mask, connected and not accepted"));
    RC(send(c, "hello", 5, 0), 5, un(t, "send before accept"));
    int s = MUST(accept(l, NULL, NULL));
    RC(recv(s, b, 8, 0), 5, un(t, "is there after it"));
    int gone = local_socket(t);
    MUST(connect_local(gone, a));
    MUST(send(gone, "bye", 3, 0));
    close(gone);
    s = MUST(accept(l, NULL, NULL));
    RC(peer_len(s, NULL), 2, un(t, "accepted after its peer had closed"));
    RC(recv(s, b, 8, 0), 3, un(t, "what it had sent is there"));
    RC(recv(s, b, 8, 0), 0, un(t, "and then the end"));
    int d = local_socket(t);
    MUST(connect_local(d, a));
    close(l);
    MASK(d, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, un(t, "mask, listener closed"));
    RC(so_error(d), ECONNRESET, un(t, "SO_ERROR, listener closed"));
    RC(recv(d, b, 8, 0), 0, un(t, "then the end"));
    RC(send(d, "x", 1, MSG_NOSIGNAL), -EPIPE, un(t, "then no sending"));
}

static void shut_listener(int t)
{
    struct local a = hidden("shut");
    int l = local_listener(t, a, 5), c = local_socket(t);
    MUST(connect_local(c, a));
    RC(shutdown(l, SHUT_WR), 0, un(t, "listener, SHUT_WR"));
    MASK(l, POLLIN, un(t, "mask, listener, SHUT_WR"));
    RC(shutdown(l, SHUT_RD), 0, un(t, "listener, SHUT_RD"));
    MASK(l, POLLIN | POLLRDHUP | POLLHUP, un(t, "mask, listener, both"));
    RC(connect_local(local_socket(t), a), -ECONNREFUSED, un(t, "connect, listener shut down"));
    RC(accept(l, NULL, NULL) >= 0 ? 0 : -1, 0, un(t, "what waits is accepted"));
    RC(accept(l, NULL, NULL), -EINVAL, un(t, "then EINVAL to who would wait"));
    nonblock(l);
    RC(accept(l, NULL, NULL), -EAGAIN, un(t, "and EAGAIN to who would not"));
    RC(listen(l, 5), 0, un(t, "listen, shut down"));
    RC(connect_local(local_socket(t), a), -ECONNREFUSED, un(t, "does not help"));
}

static void bad_accept(int t)
{
    struct local a = hidden("bad");
    int l = local_listener(t, a, 5);
    struct sockaddr_un room;
    socklen_t n = (socklen_t)-1;
    nonblock(l);
    MUST(connect_local(local_socket(t), a));
    RC(accept(l, (struct sockaddr *)&room, &n), -EINVAL, un(t, "accept, length -1"));
    RC(accept(l, NULL, NULL), -EAGAIN, un(t, "costs the connection"));
    MUST(connect_local(local_socket(t), a));
    n = sizeof(room);
    RC(accept(l, (struct sockaddr *)8, &n), -EFAULT, un(t, "accept, bad address"));
    RC(accept(l, NULL, NULL), -EAGAIN, un(t, "costs the connection, too"));
    RC(accept4(l, NULL, NULL, 1), -EINVAL, un(t, "accept4, bad flags"));
}

static const struct local_case cases[] = {
    LOCAL(listening, LINKED),
    LOCAL(not_for_datagrams, DGRAM),
    LOCAL(names, LINKED),
    LOCAL(only_once, LINKED),
    LOCAL(backlog, LINKED),
    LOCAL(full_before_state, LINKED),
    LOCAL(full_and_blocked, LINKED),
    LOCAL(interrupted, LINKED),
    LOCAL(unaccepted, LINKED),
    LOCAL(shut_listener, LINKED),
    LOCAL(bad_accept, LINKED),
};

int main(void)
{
    return run_local(cases, COUNT(cases));
}
