/* What vehicles rely on (docs/decisions/0004-vehicle-u.md): AF_UNIX streams, brought to each state
 * of a connection, show poll() what the kernel's TCP shows; resets, nameless listeners, record
 * pairs. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tap.h"

#define MASK (POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP | POLLPRI)

static int mask(int fd)
{
    struct pollfd p = {.fd = fd, .events = MASK};

    poll(&p, 1, 0);
    return p.revents;
}

/* A loopback TCP is not done the moment a call returns. */
static int mask_soon(int fd, int want)
{
    int now = mask(fd);

    for (int i = 0; i < 200 && now != want; i++) {
        poll(NULL, 0, 5);
        now = mask(fd);
    }
    return now;
}

static int listener, listener_path;

/* Binds to a name that is taken away at once; *path still leads there. */
static void bind_nameless(int fd, int *path)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    char dir[] = "/tmp/handfast-test-XXXXXX";

    if (!mkdtemp(dir))
        exit(1);
    snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/s", dir);
    if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
        exit(1);
    *path = open(sun.sun_path, O_PATH | O_CLOEXEC);
    unlink(sun.sun_path);
    rmdir(dir);
}

static int connect_nameless(int fd, int path)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};

    snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d", path);
    return connect(fd, (struct sockaddr *)&sun, sizeof(sun));
}

static int vehicle(int *end)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    if (end && connect_nameless(fd, listener_path) == 0)
        *end = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    return fd;
}

static int tcp_listener(struct sockaddr_in *at)
{
    socklen_t len = sizeof(*at);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(fd, (struct sockaddr *)at, sizeof(*at)) < 0 || listen(fd, 5) < 0 ||
        getsockname(fd, (struct sockaddr *)at, &len) < 0)
        exit(1);
    return fd;
}

static void states_equal_tcp(void)
{
    struct sockaddr_in at;
    int l = tcp_listener(&at);
    int tcp = socket(AF_INET, SOCK_STREAM, 0), peer;
    int v = vehicle(NULL), end = -1;

    EQ(mask(v), mask(tcp), "fresh_vehicle_polls_as_fresh_tcp");
    EQ(mask(v), POLLOUT | POLLHUP, "which_is_OUT_HUP");
    if (connect(tcp, (struct sockaddr *)&at, sizeof(at)) < 0)
        exit(1);
    peer = accept(l, NULL, NULL);
    v = vehicle(&end);
    EQ(mask(v), mask(tcp), "connected");
    OK(send(peer, "x", 1, 0) == 1 && send(end, "x", 1, 0) == 1, "one_byte_on_each");
    EQ(mask(v), mask_soon(tcp, POLLIN | POLLOUT), "readable");
    shutdown(peer, SHUT_WR);
    shutdown(end, SHUT_WR);
    EQ(mask(v), mask_soon(tcp, POLLIN | POLLOUT | POLLRDHUP), "data_and_FIN");
    shutdown(tcp, SHUT_WR);
    shutdown(end, SHUT_RD);
    EQ(mask(v), mask_soon(tcp, POLLIN | POLLOUT | POLLRDHUP | POLLHUP), "both_directions_ended");
    close(tcp), close(peer), close(l), close(v), close(end);
}

/* Neither readable nor writable while full; one skb above the limit is enough. */
static void connecting_is_silent(void)
{
    static const char nothing[8192];
    char discard[sizeof(nothing)];
    int small = 1, large = 1 << 20, end = -1, v = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    size_t fill = 0;
    ssize_t n;

    setsockopt(v, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    EQ(connect_nameless(v, listener_path), 0, "connect_through_proc_without_a_name");
    end = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    while ((n = send(v, nothing, sizeof(nothing), MSG_DONTWAIT)) > 0)
        fill += (size_t)n;
    EQ(mask(v), 0, "connecting_vehicle_is_silent");
    setsockopt(v, SOL_SOCKET, SO_SNDBUF, &large, sizeof(large));
    EQ(mask(v), POLLOUT, "raising_the_buffer_makes_it_writable");
    EQ(read(end, discard, fill - 1), fill - 1, "fill_is_taken_but_for_a_byte");
    OK(send(v, "data", 4, 0) == 4 && recv(end, discard, 8, 0) == 5 &&
           !memcmp(discard + 1, "data", 4),
       "data_follows_the_fill");
    close(v), close(end);
}

static void unread_byte_decides_reset(void)
{
    int end = -1, v = vehicle(&end), error = 0;
    socklen_t len = sizeof(error);
    char byte[8];

    OK(send(v, "", 1, 0) == 1 && send(end, "queued", 6, 0) == 6, "unread_byte_and_queued_data");
    close(end);
    EQ(mask(v), POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDHUP, "reset_polls_as_tcps");
    EQ(recv(v, byte, sizeof(byte), 0), 6, "queued_data_is_read_before_the_error");
    OK(recv(v, byte, sizeof(byte), 0) < 0 && errno == ECONNRESET, "then_ECONNRESET");
    EQ(recv(v, byte, sizeof(byte), 0), 0, "then_the_end");
    EQ(mask(v), POLLIN | POLLOUT | POLLHUP | POLLRDHUP, "after_the_error_was_taken");
    close(v);
    v = vehicle(&end);
    close(end);
    OK(getsockopt(v, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0,
       "without_an_unread_byte_no_reset");
    close(v);
    v = vehicle(&end);
    OK(send(end, "unread", 6, 0) == 6, "program_leaves_bytes_unread");
    close(v);
    getsockopt(end, SOL_SOCKET, SO_ERROR, &error, &len);
    EQ(error, ECONNRESET, "our_end_learns_that_bytes_were_left");
    close(end);
}

static void listening_rings(void)
{
    struct timeval at_once = {.tv_usec = 1};
    int path = -1, l = socket(AF_UNIX, SOCK_STREAM, 0), bell = socket(AF_UNIX, SOCK_STREAM, 0);

    bind_nameless(l, &path);
    EQ(listen(l, 5), 0, "listens_without_a_name");
    EQ(mask(l), 0, "listening_is_silent");
    EQ(connect_nameless(bell, path), 0, "bell");
    EQ(mask(l), POLLIN, "a_connection_waits");
    close(accept(l, NULL, NULL));
    EQ(mask(l), 0, "silent_again");
    setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &at_once, sizeof(at_once));
    OK(accept(l, NULL, NULL) < 0 && errno == EAGAIN, "blocking_accept_with_a_time_out_returns");
    close(l), close(bell), close(path);
}

static void pairs_keep_records(void)
{
    static char big[65507], buf[70000];
    struct stat a, b;
    int pair[2], copy, out = -1;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair) < 0)
        exit(1);
    OK(send(pair[0], "", 0, 0) == 0 && send(pair[0], "ab", 2, 0) == 2, "empty_and_short_records");
    EQ(recv(pair[1], buf, sizeof(buf), 0), 0, "empty_record_arrives");
    EQ(recv(pair[1], buf, sizeof(buf), 0), 2, "the_next_is_whole");
    OK(recv(pair[1], buf, sizeof(buf), 0) < 0 && errno == EAGAIN, "then_nothing");
    EQ(send(pair[0], big, sizeof(big), 0), sizeof(big), "largest_datagram_fits");
    EQ(recv(pair[1], buf, sizeof(buf), 0), sizeof(big), "and_arrives");
    ioctl(pair[0], TIOCOUTQ, &out);
    EQ(out, 0, "TIOCOUTQ_is_0_when_all_is_taken");
    copy = dup(pair[1]);
    OK(fstat(copy, &a) == 0 && fstat(pair[1], &b) == 0 && a.st_ino == b.st_ino,
       "copies_have_one_inode");
    EQ(mask(pair[0]), POLLOUT, "no_hangup_while_a_copy_is_open");
    close(copy), close(pair[1]);
    OK(mask(pair[0]) & POLLHUP, "hangup_at_the_last_close");
}

int main(void)
{
    tap_begin(60);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    bind_nameless(listener, &listener_path);
    if (listen(listener, 100) < 0)
        return 1;
    states_equal_tcp();
    connecting_is_silent();
    unread_byte_decides_reset();
    listening_rings();
    pairs_keep_records();
    return tap_end();
}
