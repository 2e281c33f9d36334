/* Datagrams through the gateway: flows out, look-ups, published ports. */
#define _GNU_SOURCE /* unshare */
#include <sched.h>

#include "world.h"

static struct hf_sock *sk;
static int fd;
static uint8_t got[70000];
static int64_t got_len;
static union address from;

static bool host_got(void)
{
    socklen_t len = sizeof(from);

    got_len = recvfrom(fd, got, sizeof(got), 0, &from.sa, &len);
    return got_len >= 0;
}

static bool program_got(void)
{
    const struct hf_iovec iov = {.base = got, .len = sizeof(got)};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1, .addr = &from, .addr_len = sizeof(from)};

    got_len = hf_sock_recv(sk, &msg, 0);
    return got_len != -EAGAIN;
}

static void program_sends(const void *bytes, size_t len, union address *to)
{
    const struct hf_iovec iov = {.base = (void *)(uintptr_t)bytes, .len = len};
    const struct hf_msg msg = {
        .iov = &iov, .iov_len = 1, .addr = to, .addr_len = to ? address_len(to) : 0};

    EQ(hf_sock_send(sk, &msg, 0), len, "the program sends");
}

static void test_round_trips(int family)
{
    static const size_t sizes[] = {5, 0, 1400, 1473, 9000, 65000};
    static const uint8_t zero[70000];
    union address at = address_of(loopback_of(family), 0), to, first;

    world_begin(true);
    fd = host_socket(&at, SOCK_DGRAM);
    to = address_of(gateway_of(family), address_port(&at));
    sk = program_socket(family, SOCK_DGRAM);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        program_sends(zero, sizes[i], &to);
        world_until(host_got);
        EQ(got_len, sizes[i], "it reaches the host's server whole");
        if (i == 0)
            first = from;
        OK(address_eq(&from, &first), "from the flow's one socket");
        sendto(fd, zero, sizes[i], 0, &from.sa, address_len(&from));
        world_until(program_got);
        EQ(got_len, sizes[i], "the answer reaches the program whole");
        OK(address_eq(&from, &to), "as from where it sent to");
    }
    hf_sock_close(sk);
    close(fd);
    world_end();
}

static void test_two_programs(int family)
{
    union address at = address_of(loopback_of(family), 0), to, sources[2];
    struct hf_sock *socks[2];

    world_begin(true);
    fd = host_socket(&at, SOCK_DGRAM);
    to = address_of(gateway_of(family), address_port(&at));
    for (int i = 0; i < 2; i++) {
        sk = socks[i] = program_socket(family, SOCK_DGRAM);
        program_sends(i ? "b" : "a", 1, &to);
        world_until(host_got);
        sources[i] = from;
    }
    OK(!address_eq(&sources[0], &sources[1]), "two sockets of the program are two at the server");
    for (int i = 0; i < 2; i++) {
        sendto(fd, i ? "B" : "A", 1, 0, &sources[i].sa, address_len(&sources[i]));
        sk = socks[i];
        world_until(program_got);
        EQ(got[0], i ? 'B' : 'A', "each gets its own answer");
        hf_sock_close(sk);
    }
    close(fd);
    world_end();
}

static void test_refused(int family, bool host_loopback)
{
    union address at = address_of(loopback_of(family), 0), to;

    world_begin(host_loopback);
    close(host_socket(&at, SOCK_DGRAM));
    to = address_of(gateway_of(family), address_port(&at));
    sk = program_socket(family, SOCK_DGRAM);
    must(hf_sock_connect(sk, &to, address_len(&to), false));
    program_sends("x", 1, NULL);
    world_until(program_got);
    EQ(got_len, -ECONNREFUSED,
       host_loopback ? "a closed port is told of" : "so is the host's closed loopback");
    hf_sock_close(sk);
    world_end();
}

static void test_no_route(int family)
{
    union address to = address_of(family == AF_INET ? "192.0.2.1" : "2001:db8::1", 53);

    world_begin(false);
    sk = program_socket(family, SOCK_DGRAM);
    must(hf_sock_connect(sk, &to, address_len(&to), false));
    program_sends("x", 1, NULL);
    world_until(program_got);
    EQ(got_len, -ECONNREFUSED, "where the host has no route a datagram is told of, too");
    hf_sock_close(sk);
    world_end();
}

static void test_names(void)
{
    union address at = address_of("127.0.0.53", 53), others[3];
    int s = socket(AF_INET, SOCK_DGRAM, 0);

    if (bind(s, &at.sa, address_len(&at)) < 0) {
        SKIP("look-ups", "no right to port 53");
        close(s);
        return;
    }
    close(s);
    world_begin(false);
    fd = host_socket(&at, SOCK_DGRAM);
    others[0] = at;
    others[1] = address_of("10.0.2.3", 53);
    others[2] = address_of("fd00:2::3", 53);
    for (int i = 0; i < 3; i++) {
        sk = program_socket(others[i].sa.sa_family, SOCK_DGRAM);
        program_sends("?", 1, &others[i]);
        world_until(host_got);
        sendto(fd, "!", 1, 0, &from.sa, address_len(&from));
        world_until(program_got);
        OK(got[0] == '!' && address_eq(&from, &others[i]), "the resolver answers");
        hf_sock_close(sk);
    }
    close(fd);
    world_end();
}

static void test_published(int family)
{
    union address own = address_of(family == AF_INET ? "10.0.2.15" : "fd00:2::15", 5300), client;
    union address to;
    uint16_t port = 0;

    world_begin(false);
    must(gateway_publish(w.gateway, "0:5300/udp", &port));
    sk = program_socket(family, SOCK_DGRAM);
    must(hf_sock_bind(sk, &own, address_len(&own)));
    client = address_of(loopback_of(family), 0);
    fd = host_socket(&client, SOCK_DGRAM);
    to = address_of(loopback_of(family), port);
    for (int i = 0; i < 3; i++) {
        sendto(fd, "ask", 3, 0, &to.sa, address_len(&to));
        world_until(program_got);
        EQ(got_len, 3, "a datagram to a published port reaches the program");
        program_sends("reply", 5, &from);
        world_until(host_got);
        OK(got_len == 5 && address_eq(&from, &to), "and the answer the client");
    }
    close(fd);
    hf_sock_close(sk);
    world_end();
}

/* More flows than there may be: the oldest make room, the newest work. */
static void test_many(void)
{
    union address at = address_of("127.0.0.1", 0), to;

    world_begin(true);
    fd = host_socket(&at, SOCK_DGRAM);
    to = address_of("10.0.2.2", address_port(&at));
    for (int i = 0; i < 1100; i++) {
        const struct hf_iovec iov = {.base = "x", .len = 1};
        const struct hf_msg msg = {
            .iov = &iov, .iov_len = 1, .addr = &to, .addr_len = sizeof(to.in4)};

        sk = program_socket(AF_INET, SOCK_DGRAM);
        must((int)hf_sock_send(sk, &msg, 0));
        world_until(host_got);
        hf_sock_close(sk);
    }
    EQ(got_len, 1, "the newest of more flows than there may be works");
    close(fd);
    world_end();
}

int main(void)
{
    static const int families[] = {AF_INET, AF_INET6};

    tap_begin(60);
    if (!world_unshare(unshare, CLONE_NEWUSER | CLONE_NEWNET, CLONE_NEWNET)) {
        SKIP("the gateway's datagrams", "no network of our own");
        return tap_end();
    }
    for (int i = 0; i < 2; i++) {
        test_round_trips(families[i]);
        test_two_programs(families[i]);
        test_refused(families[i], true);
        test_refused(families[i], false);
        test_no_route(families[i]);
        test_published(families[i]);
    }
    test_names();
    test_many();
    return tap_end();
}
