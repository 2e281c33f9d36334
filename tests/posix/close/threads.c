/* close() and shutdown() by another thread than the one that waits: shutdown() wakes it, close()
 * does not. */
#include "../lib.h"

#include <pthread.h>
#include <sys/syscall.h>

struct call {
    pthread_t thread;
    int tid, fd, error;
    struct addr a;
    long long result;
};

static void *wait_in_accept(void *arg)
{
    struct call *c = arg;
    __atomic_store_n(&c->tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
    c->result = accept(c->fd, NULL, NULL);
    c->error = errno;
    return NULL;
}

static void *wait_in_recv(void *arg)
{
    struct call *c = arg;
    char b;
    __atomic_store_n(&c->tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
    c->result = recv(c->fd, &b, 1, 0);
    c->error = errno;
    return NULL;
}

static void *wait_in_connect(void *arg)
{
    struct call *c = arg;
    __atomic_store_n(&c->tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
    c->result = connect_to(c->fd, c->a);
    c->error = errno;
    return NULL;
}

static void start(struct call *c, void *(*fn)(void *), long nr)
{
    MUST(-pthread_create(&c->thread, NULL, fn, c));
    while (!__atomic_load_n(&c->tid, __ATOMIC_ACQUIRE))
        poll(NULL, 0, 1);
    MUST(wait_blocked(c->tid, nr) ? 0 : -1);
}

static long long ended(struct call *c)
{
    pthread_join(c->thread, NULL);
    return c->result < 0 ? -c->error : 0;
}

/* NetSem accept_4. */
static void shutdown_wakes(int f)
{
    struct addr a;
    struct call acc = {.fd = listener(f, 1, &a)};
    start(&acc, wait_in_accept, SYS_accept);
    RC(shutdown(acc.fd, SHUT_RDWR), 0, nm(f, "shutdown of a listener in accept"));
    EQ(ended(&acc), -EINVAL, nm(f, "shutdown of a listener ends accept"));
    struct call rec = {.fd = tcp_pair(f).c};
    start(&rec, wait_in_recv, SYS_recvfrom);
    RC(shutdown(rec.fd, SHUT_RD), 0, nm(f, "shutdown of a socket in recv"));
    EQ(ended(&rec), 0, nm(f, "shutdown of a socket ends recv"));
    struct call con = {.fd = tcp(f)};
    silent(f, &con.a);
    start(&con, wait_in_connect, SYS_connect);
    EQ(await(con.fd, 0), 0, nm(f, "another thread sees the socket connecting"));
    RC(shutdown(con.fd, SHUT_RDWR), 0, nm(f, "shutdown of a socket in connect"));
    EQ(ended(&con), -ECONNRESET, nm(f, "shutdown of a socket ends connect"));
}

static void close_does_not_wake_recv(int f)
{
    struct pair t = tcp_pair(f);
    struct call rec = {.fd = t.c};
    start(&rec, wait_in_recv, SYS_recvfrom);
    RC(close(t.c), 0, nm(f, "close of a socket in recv"));
    MUST(send(t.s, "x", 1, 0));
    EQ(ended(&rec), 0, nm(f, "close of a socket in recv, recv still gets the byte"));
}

static void close_does_not_wake_accept(int f)
{
    struct addr a;
    struct call acc = {.fd = listener(f, 1, &a)};
    start(&acc, wait_in_accept, SYS_accept);
    RC(close(acc.fd), 0, nm(f, "close of a listener in accept"));
    RC(connect_to(tcp(f), a), 0, nm(f, "close of a listener in accept, it takes one more"));
    EQ(ended(&acc), 0, nm(f, "close of a listener in accept, accept returns it"));
}

static void close_does_not_wake_connect(int f)
{
    struct call con = {.fd = tcp(f)};
    int l = silent(f, &con.a);
    start(&con, wait_in_connect, SYS_connect);
    EQ(await(con.fd, 0), 0, nm(f, "close of a socket in connect, connecting"));
    RC(close(con.fd), 0, nm(f, "close of a socket in connect"));
    MUST(accept(l, NULL, NULL));
    EQ(ended(&con), 0, nm(f, "close of a socket in connect, connect completes"));
}

/* Two threads may wait; each gets its own. */
static void two_acceptors(int f)
{
    struct addr a;
    int l = listener(f, 4, &a);
    struct call x = {.fd = l}, y = {.fd = l};
    start(&x, wait_in_accept, SYS_accept);
    start(&y, wait_in_accept, SYS_accept);
    MUST(connect_to(tcp(f), a));
    MUST(connect_to(tcp(f), a));
    EQ(ended(&x), 0, nm(f, "two threads in accept, the one"));
    EQ(ended(&y), 0, nm(f, "two threads in accept, the other"));
    OK(x.result != y.result, nm(f, "two threads in accept, two sockets"));
}

static void while_connecting(int f)
{
    struct call con = {.fd = tcp(f)};
    int l = silent(f, &con.a);
    char b;
    start(&con, wait_in_connect, SYS_connect);
    EQ(await(con.fd, 0), 0, nm(f, "connect in a thread, mask empty"));
    RC(recv(con.fd, &b, 1, MSG_DONTWAIT), -EAGAIN, nm(f, "connect in a thread, recv"));
    RC(send(con.fd, &b, 1, MSG_DONTWAIT), -EAGAIN, nm(f, "connect in a thread, send"));
    EQ(peer_error(con.fd), -ENOTCONN, nm(f, "connect in a thread, no peer"));
    nonblock(con.fd);
    RC(connect_to(con.fd, con.a), -EALREADY, nm(f, "connect in a thread, connect"));
    MUST(accept(l, NULL, NULL));
    EQ(ended(&con), 0, nm(f, "connect in a thread, completes"));
    RC(connect_to(con.fd, con.a), -EISCONN, nm(f, "connect in a thread, completed, connect"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(shutdown_wakes),
        CASE(close_does_not_wake_recv),
        CASE(close_does_not_wake_accept),
        CASE(close_does_not_wake_connect),
        CASE(two_acceptors),
        CASE(while_connecting),
    };
    return run_cases(cases, COUNT(cases));
}
