/* Hosts of a program's own: two joined by a wire that takes its time, beside the one that is there
 * by itself; who may end one; a descriptor that the thread watches. */
#define _GNU_SOURCE
#include "handfast/host.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "handfast/links.h"
#include "host/env.h"
#include "unit/host/posix_test.h"

enum { BYTES = 300000 };

static struct hf_host *near, *far;
static struct hf_link *wires[2];

static struct sockaddr_in6 at(const char *last, int port)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

    a.sin6_addr.s6_addr[0] = 0xfd;
    a.sin6_addr.s6_addr[15] = (uint8_t)*last;
    return a;
}

static void attach(struct hf_host *h, struct hf_link *link, const char *prefix)
{
    struct hf_stack *st = hf_host_lock(h);

    NEED(hf_stack_attach(st, link));
    NEED(hf_addr_add(st, link, prefix));
    hf_host_unlock(h);
}

static void join(void)
{
    struct hf_env env = host_env();

    near = hf_host_new(NULL);
    far = hf_host_new(near);
    OK(near && far && hf_host_pool(near) == hf_host_pool(far), "hosts beside share their pool");
    NEED(hf_link_pair_new(&env, 1500, wires));
    NEED(hf_link_delay_new(&env, wires[0], 2 * HF_MS, &wires[0]));
    attach(near, wires[0], "fd00::1/64");
    attach(far, wires[1], "fd00::2/64");
}

static void *serve(void *arg)
{
    int l = (int)(intptr_t)arg, fd = NEED(hf_accept(l, NULL, NULL));
    char b[4096];
    ssize_t n;
    intptr_t sum = 0;

    while ((n = hf_recv(fd, b, sizeof(b), 0)) > 0)
        sum += n;
    hf_close(fd);
    return (void *)sum;
}

/* What takes time on the wire is brought by the thread, for all callers sleep. */
static void talk(void)
{
    static const char data[BYTES];
    struct sockaddr_in6 there = at("\2", 80), from;
    socklen_t len = sizeof(from);
    int l = NEED(hf_host_socket(far, AF_INET6, SOCK_STREAM, 0));
    int c = NEED(hf_host_socket(near, AF_INET6, SOCK_STREAM, 0));
    pthread_t thread;
    void *sum;

    NEED(hf_bind(l, (struct sockaddr *)&there, sizeof(there)));
    NEED(hf_listen(l, 4));
    pthread_create(&thread, NULL, serve, (void *)(intptr_t)l);
    EQ(hf_connect(c, (struct sockaddr *)&there, sizeof(there)), 0, "from host to host, connect");
    NEED(hf_getsockname(c, (struct sockaddr *)&from, &len));
    OK(from.sin6_addr.s6_addr[15] == 1, "from host to host, by its own address");
    EQ(hf_send(c, data, BYTES, 0), BYTES, "from host to host, send");
    EQ(hf_host_free(near), -1, "a host with open sockets stays");
    EQ(errno, EBUSY, "a host with open sockets is busy");
    hf_close(c);
    pthread_join(thread, &sum);
    EQ((intptr_t)sum, BYTES, "from host to host, all arrives");
    hf_close(l);
}

/* Ports and addresses of one host mean nothing on another. */
static void apart(void)
{
    struct sockaddr_in6 there = at("\2", 80);
    struct address lo = loopback(AF_INET);
    int fd = NEED(hf_socket(AF_INET6, SOCK_STREAM, 0)), l = listener(AF_INET, &lo);
    int other = NEED(hf_host_socket(near, AF_INET, SOCK_STREAM, 0));

    EQ(hf_connect(fd, (struct sockaddr *)&there, sizeof(there)), -1, "no way from another stack");
    EQ(errno, ENETUNREACH, "no way from another stack: ENETUNREACH");
    EQ(hf_connect(other, sockaddr_of(&lo), lo.len), -1, "loopback is each host's own");
    EQ(errno, ECONNREFUSED, "loopback is each host's own: ECONNREFUSED");
    hf_close(fd);
    hf_close(l);
    hf_close(other);
}

static void count(void *arg)
{
    uint64_t n;
    int *fds = arg;

    (void)!read(fds[0], &n, sizeof(n));
    (void)!write(fds[1], &n, sizeof(n)); /* tells the test */
}

static void watch(void)
{
    int fds[2] = {eventfd(0, EFD_NONBLOCK), eventfd(0, 0)};
    uint64_t n = 1;

    hf_host_lock(near);
    EQ(hf_host_watch(near, fds[0], count, fds), 0, "a descriptor is watched");
    hf_host_unlock(near);
    for (int i = 0; i < 3; i++) {
        NEED(write(fds[0], &n, sizeof(n)));
        NEED(read(fds[1], &n, sizeof(n)));
    }
    OK(true, "a descriptor that is watched is told of, each time");
    hf_host_lock(near);
    hf_host_unwatch(near, fds[0]);
    for (int i = 0; i < 16; i++)
        NEED(hf_host_watch(near, fds[0], count, fds));
    EQ(hf_host_watch(near, fds[0], count, fds), -1, "seventeen are too many");
    EQ(errno, ENOSPC, "seventeen are too many: ENOSPC");
    hf_host_unwatch(near, fds[0]);
    hf_host_unlock(near);
    close(fds[0]);
    close(fds[1]);
}

static void end(void)
{
    hf_stack_detach(hf_host_lock(near), wires[0]);
    hf_host_unlock(near);
    hf_stack_detach(hf_host_lock(far), wires[1]);
    hf_host_unlock(far);
    for (int i = 0; i < 2; i++)
        hf_link_free(wires[i]);
    EQ(hf_host_free(near), 0, "the one host ends");
    EQ(hf_host_free(far), 0, "the other, and what they shared");
}

int main(void)
{
    tap_begin(60);
    join();
    talk();
    apart();
    watch();
    end();
    return tap_end();
}
