/* Connections through the gateway, out and in. The SYN is answered with what the host's own connect
 * came to. C24 C25 */
#define _GNU_SOURCE /* unshare */
#include <sched.h>

#include "world.h"

#define MEGABYTE (1 << 20)

static struct hf_sock *sk, *listener;
static int fd, listening, result;
static uint8_t sent[MEGABYTE], got[MEGABYTE];
static size_t sent_len, got_len;

static bool connect_ended(void)
{
    result = hf_sock_connect_result(sk);
    return result != -EINPROGRESS;
}

static bool host_accepted(void)
{
    fd = accept(listening, NULL, NULL);
    return fd >= 0;
}

static int connect_to(const union address *to)
{
    sk = program_socket(to->sa.sa_family, SOCK_STREAM);
    result = hf_sock_connect(sk, to, address_len(to), false);
    if (result == -EINPROGRESS)
        world_until(connect_ended);
    return result;
}

/* Both ends of a connection of the program's: sk and fd. */
static void open_connection(int family)
{
    union address at = address_of(loopback_of(family), 0), to;

    listening = host_socket(&at, SOCK_STREAM);
    to = address_of(gateway_of(family), address_port(&at));
    EQ(connect_to(&to), 0, "a connect that the host's server takes succeeds");
    world_until(host_accepted);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    close(listening);
}

/* ---- bytes ---- */

static bool moved_out(void)
{
    const struct hf_iovec iov = {.base = sent + sent_len, .len = sizeof(sent) - sent_len};
    const struct hf_msg msg = {.iov = &iov, .iov_len = 1};
    int64_t n = sent_len < sizeof(sent) ? hf_sock_send(sk, &msg, 0) : 0;
    ssize_t m;

    if (n > 0)
        sent_len += (size_t)n;
    while (got_len < sizeof(got) && (m = read(fd, got + got_len, sizeof(got) - got_len)) > 0)
        got_len += (size_t)m;
    return got_len == sizeof(got);
}

static bool moved_in(void)
{
    const struct hf_iovec iov = {.base = got + got_len, .len = sizeof(got) - got_len};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};
    ssize_t m = write(fd, sent + sent_len, sizeof(sent) - sent_len);
    int64_t n = got_len < sizeof(got) ? hf_sock_recv(sk, &msg, 0) : 0;

    if (m > 0)
        sent_len += (size_t)m;
    if (n > 0)
        got_len += (size_t)n;
    return got_len == sizeof(got);
}

static void move(bool (*step)(void), const char *name)
{
    for (size_t i = 0; i < sizeof(sent); i++)
        sent[i] = (uint8_t)(i * 7 + i / 4096);
    memset(got, 0, sizeof(got));
    sent_len = got_len = 0;
    world_until(step);
    OK(memcmp(sent, got, sizeof(sent)) == 0, name);
}

static bool host_sees_end(void)
{
    return read(fd, got, sizeof(got)) == 0;
}

static bool host_sees_reset(void)
{
    return read(fd, got, sizeof(got)) < 0 && errno == ECONNRESET;
}

static int64_t program_reads(void)
{
    const struct hf_iovec iov = {.base = got, .len = sizeof(got)};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};

    return hf_sock_recv(sk, &msg, 0);
}

static bool program_sees_end(void)
{
    return program_reads() == 0;
}
static bool program_sees_reset(void)
{
    return program_reads() == -ECONNRESET;
}

static void test_bytes(int family)
{
    world_begin(true);
    open_connection(family);
    move(moved_out, "a megabyte goes out whole");
    move(moved_in, "a megabyte comes in whole");
    must(hf_sock_shutdown(sk, SHUT_WR));
    world_until(host_sees_end);
    OK(true, "the program's end of stream reaches the host");
    move(moved_in, "the other half stays open");
    close(fd);
    world_until(program_sees_end);
    OK(true, "the host's end of stream reaches the program");
    hf_sock_close(sk);
    world_end();
}

static void test_host_ends_first(int family)
{
    world_begin(true);
    open_connection(family);
    shutdown(fd, SHUT_WR);
    world_until(program_sees_end);
    move(moved_out, "the host's end of stream leaves the program's half open");
    hf_sock_close(sk);
    world_until(host_sees_end);
    close(fd);
    world_end();
}

static bool host_sees_all(void)
{
    ssize_t m;

    while ((m = read(fd, got, sizeof(got))) > 0)
        got_len += (size_t)m;
    return m == 0;
}

static bool program_has_byte(void)
{
    return hf_sock_poll(sk) & HF_POLLIN;
}

static void leave(void)
{
    gateway_left(w.gateway, sk);
    hf_sock_close(sk);
}

/* Linux: a reset after the end of the stream is EPIPE. */
static bool late_byte_fails(void)
{
    return send(fd, "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE;
}

static void test_program_leaves(int family)
{
    world_begin(true);
    open_connection(family);
    sent_len = got_len = 0;
    (void)moved_out();
    leave();
    world_until(host_sees_all);
    OK(sent_len && got_len == sent_len, "all that was sent before the close comes before the end");
    OK(!late_byte_fails() && late_byte_fails(),
       "what the host says then is answered with a reset, and at once");
    close(fd);

    open_connection(family);
    must(hf_sock_shutdown(sk, SHUT_WR));
    world_until(host_sees_end);
    OK(write(fd, "x", 1) == 1, "the program's end of stream is not its close");
    world_until(program_has_byte);
    EQ(program_reads(), 1, "it reads on");
    leave();
    world_until(late_byte_fails);
    OK(true, "a close after that is told, too");
    close(fd);
    world_end();
}

static void test_resets(int family)
{
    const struct linger at_once = {.l_onoff = 1};

    world_begin(true);
    open_connection(family);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
    world_until(program_sees_reset);
    OK(true, "the host's reset reaches the program");
    hf_sock_close(sk);

    open_connection(family);
    must(hf_sock_setsockopt(sk, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
    hf_sock_close(sk);
    world_until(host_sees_reset);
    OK(true, "the program's reset reaches the host");
    close(fd);
    world_end();
}

/* ---- refusals ---- */

static uint16_t closed_port(int family)
{
    union address at = address_of(loopback_of(family), 0);

    close(host_socket(&at, SOCK_STREAM));
    return address_port(&at);
}

static void test_refusals(int family)
{
    union address to = address_of(gateway_of(family), closed_port(family));

    world_begin(true);
    EQ(connect_to(&to), -ECONNREFUSED, "a closed port of the host: ECONNREFUSED");
    hf_sock_close(sk);
    to = address_of(family == AF_INET ? "192.0.2.1" : "2001:db8::1", 80);
    EQ(connect_to(&to), -ENETUNREACH, "where the host has no route: ENETUNREACH");
    hf_sock_close(sk);
    to = address_of(family == AF_INET ? "10.0.2.3" : "fd00:2::3", 80);
    EQ(connect_to(&to), -ECONNREFUSED, "the resolver's address serves names only");
    hf_sock_close(sk);
    world_end();
}

static void test_routes(int family)
{
    const char *unreachable = family == AF_INET ? "192.0.2.2" : "2001:db8::2";
    const char *prohibited = family == AF_INET ? "192.0.2.3" : "2001:db8::3";
    union address to = address_of(unreachable, 80);
    char command[200];

    snprintf(command, sizeof(command),
             "ip route add unreachable %s 2>/dev/null && ip route add prohibit %s 2>/dev/null",
             unreachable, prohibited);
    if (system(command) != 0) {
        SKIP("unreachable and prohibited", "no ip(8), or no right to it");
        return;
    }
    world_begin(true);
    EQ(connect_to(&to), -EHOSTUNREACH, "an unreachable route of the host: EHOSTUNREACH");
    hf_sock_close(sk);
    to = address_of(prohibited, 80);
    EQ(connect_to(&to), -EACCES, "a prohibited one: EACCES, over IPv4 too");
    hf_sock_close(sk);
    world_end();
}

static void test_closed_loopback(int family)
{
    union address at = address_of(loopback_of(family), 0), to;

    listening = host_socket(&at, SOCK_STREAM);
    to = address_of(gateway_of(family), address_port(&at));
    world_begin(false);
    EQ(connect_to(&to), -ECONNREFUSED, "the host's loopback is closed unless it was opened");
    OK(strstr(w.log, "--host-loopback"), "and a line tells how");
    hf_sock_close(sk);
    world_end();
    close(listening);
}

/* ---- published ports ---- */

static bool program_accepted(void)
{
    return hf_sock_accept(listener, &sk) == 0;
}

static int call_published(int family, uint16_t port)
{
    union address to = address_of(loopback_of(family), port);
    int s = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (connect(s, &to.sa, address_len(&to)) < 0 && errno != EINPROGRESS)
        must(-errno);
    return s;
}

static void test_published(int family)
{
    union address own = address_of(family == AF_INET ? "10.0.2.15" : "fd00:2::15", 8080), peer;
    union address expected = address_of(gateway_of(family), 0);
    uint32_t len = sizeof(peer);
    uint16_t port = 0;

    world_begin(false);
    must(gateway_publish(w.gateway, "0:8080", &port));
    OK(port != 0, "a free port is found and told");
    fd = call_published(family, port);
    world_until(host_sees_reset);
    OK(true, "where nobody listens inside, the client is reset");
    close(fd);

    listener = program_socket(family, SOCK_STREAM);
    must(hf_sock_bind(listener, &own, address_len(&own)));
    must(hf_sock_listen(listener, 5));
    fd = call_published(family, port);
    world_until(program_accepted);
    must(hf_sock_getpeername(sk, &peer, &len));
    OK(address_same_host(&peer, &expected), "it comes from the gateway");
    move(moved_in, "a megabyte comes in whole");
    move(moved_out, "a megabyte goes out whole");
    hf_sock_close(sk);
    world_until(host_sees_end);
    close(fd);
    hf_sock_close(listener);
    world_end();
}

static void test_publish_specs(void)
{
    static const char *const bad[] = {
        "",     "80",        ":80",          "80:",        "80:0",       "80:65536", "x:80",
        "80:x", "a:b:80:80", "127.0.0.1:80", "80:80/sctp", "[::1:80:80", "[]:80:80", "-1:80"};
    static const char *const good[] = {"0:80", "0:80/udp", "127.0.0.1:0:80", "[::1]:0:80/tcp"};
    uint16_t port;

    world_begin(false);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        EQ(gateway_publish(w.gateway, bad[i], &port), -EINVAL, bad[i]);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        EQ(gateway_publish(w.gateway, good[i], &port), 0, good[i]);
    EQ(gateway_publish(w.gateway, "203.0.113.9:0:80", &port), -EADDRNOTAVAIL,
       "an address that is not the host's");
    world_end();
}

int main(void)
{
    static const int families[] = {AF_INET, AF_INET6};

    tap_begin(60);
    if (!world_unshare(unshare, CLONE_NEWUSER | CLONE_NEWNET, CLONE_NEWNET)) {
        SKIP("the gateway's connections", "no network of our own");
        return tap_end();
    }
    for (int i = 0; i < 2; i++) {
        test_bytes(families[i]);
        test_host_ends_first(families[i]);
        test_program_leaves(families[i]);
        test_resets(families[i]);
        test_refusals(families[i]);
        test_routes(families[i]);
        test_closed_loopback(families[i]);
        test_published(families[i]);
    }
    test_publish_specs();
    return tap_end();
}
