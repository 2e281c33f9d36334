/* recv(), recvfrom(), recvmsg(), read(): stream sockets. */
#include "../lib.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* NetSem recv_4. */
static void arguments(int f)
{
    int p[2];
    char b[4];
    struct pair t = tcp_pair(f);
    MUST(pipe(p));
    RC(recv(-1, b, 1, 0), -EBADF, nm(f, "recv, descriptor -1"));
    RC(recv(p[0], b, 1, 0), -ENOTSOCK, nm(f, "recv, a pipe"));
    RC(recv(t.c, b, 1, MSG_DONTWAIT), -EAGAIN, nm(f, "recv, nothing, MSG_DONTWAIT"));
    RC(recv(t.c, b, 0, MSG_DONTWAIT), -EAGAIN, nm(f, "recv of length 0, nothing, MSG_DONTWAIT"));
    RC(read(t.c, b, 0), 0, nm(f, "read of length 0, nothing"));
    RC(recv(t.c, (char *)8, 1, MSG_DONTWAIT), -EAGAIN, nm(f, "recv, nothing before wild buffer"));
    MUST(send(t.s, "abcd", 4, 0));
    MUST(await(t.c, POLLIN | POLLOUT) & POLLIN ? 0 : -1);
    RC(recv(t.c, (char *)8, 1, 0), -EFAULT, nm(f, "recv, wild buffer"));
    RC(recv(t.c, b, 0, 0), 0, nm(f, "recv of length 0, data there"));
    RC(recv(t.c, b, 4, 0), 4, nm(f, "recv, neither consumed anything"));
    nonblock(t.c);
    RC(recv(t.c, b, 1, 0), -EAGAIN, nm(f, "recv, nothing, non-blocking"));
    RC(read(t.c, b, 1), -EAGAIN, nm(f, "read, nothing, non-blocking"));
}

/* NetSem recv_1. */
static void pieces(int f)
{
    struct pair t = tcp_pair(f);
    char b[16];
    MUST(send(t.s, "abcdef", 6, 0));
    RC(recv(t.c, b, 2, 0), 2, nm(f, "recv takes what is asked"));
    RC(recv(t.c, b + 2, 1, 0), 1, nm(f, "recv, the next byte"));
    RC(recv(t.c, b + 3, 13, 0), 3, nm(f, "recv, what is left"));
    OK(memcmp(b, "abcdef", 6) == 0, nm(f, "recv, in order"));
    MUST(send(t.s, "12", 2, 0));
    MUST(send(t.s, "34", 2, 0));
    RC(recv(t.c, b, 4, MSG_WAITALL), 4, nm(f, "recv MSG_WAITALL over two sends"));
    OK(memcmp(b, "1234", 4) == 0, nm(f, "recv MSG_WAITALL, in order"));
}

static void peek(int f)
{
    struct pair t = tcp_pair(f);
    char b[16] = "";
    MUST(send(t.s, "abc", 3, 0));
    RC(recv(t.c, b, 16, MSG_PEEK), 3, nm(f, "peek"));
    RC(recv(t.c, b, 2, MSG_PEEK), 2, nm(f, "peek, part"));
    MASK(t.c, POLLIN | POLLOUT, nm(f, "peek leaves the mask"));
    int waiting = 0;
    RC(ioctl(t.c, FIONREAD, &waiting), 0, nm(f, "FIONREAD"));
    EQ(waiting, 3, nm(f, "FIONREAD counts the peeked bytes"));
    RC(recv(t.c, b, 16, 0), 3, nm(f, "peek, then recv"));
    RC(recv(t.c, b, 16, MSG_PEEK | MSG_DONTWAIT), -EAGAIN, nm(f, "peek, nothing left"));
    close(t.s);
    MASK(t.c, POLLIN | POLLOUT | POLLRDHUP, nm(f, "peek at the end, mask"));
    RC(recv(t.c, b, 16, MSG_PEEK), 0, nm(f, "peek at the end"));
    RC(recv(t.c, b, 16, 0), 0, nm(f, "recv at the end"));
}

/* Linux 6.9: SO_PEEK_OFF of a stream. */
static void peek_offset(int f)
{
    struct pair t = tcp_pair(f);
    struct addr from = {.len = sizeof(from.u)};
    char b[8] = "";
    MUST(send(t.s, "abcdef", 6, 0));
    MUST(await(t.c, POLLIN | POLLOUT) & POLLIN ? 0 : -1);
    MUST(setopt(t.c, SOL_SOCKET, SO_PEEK_OFF, 1));
    RC(recv(t.c, b, 2, MSG_PEEK), 2, nm(f, "SO_PEEK_OFF, peek"));
    OK(memcmp(b, "bc", 2) == 0, nm(f, "SO_PEEK_OFF, peek from there"));
    EQ(getopt_of(t.c, SOL_SOCKET, SO_PEEK_OFF), 3, nm(f, "SO_PEEK_OFF moves on"));
    RC(recvfrom(t.c, b, 1, MSG_PEEK, &from.u.sa, &from.len), 1, nm(f, "SO_PEEK_OFF, recvfrom"));
    EQ(b[0], 'd', nm(f, "SO_PEEK_OFF, recvfrom peeks on"));
    RC(recv(t.c, b, 2, 0), 2, nm(f, "SO_PEEK_OFF, recv"));
    OK(memcmp(b, "ab", 2) == 0, nm(f, "SO_PEEK_OFF, recv from the first"));
    EQ(getopt_of(t.c, SOL_SOCKET, SO_PEEK_OFF), 2, nm(f, "SO_PEEK_OFF moves back"));
    RC(recv(t.c, b, 8, MSG_PEEK), 2, nm(f, "SO_PEEK_OFF, peek the rest"));
    OK(memcmp(b, "ef", 2) == 0, nm(f, "SO_PEEK_OFF, the rest"));
    RC(recv(t.c, b, 8, MSG_PEEK | MSG_DONTWAIT), -EAGAIN, nm(f, "SO_PEEK_OFF, no more"));
}

/* MSG_TRUNC on a stream throws the bytes away. */
static void truncate_stream(int f)
{
    struct pair t = tcp_pair(f);
    char b[8] = "zzzzzzz";
    MUST(send(t.s, "abcdef", 6, 0));
    RC(recv(t.c, b, 4, MSG_TRUNC), 4, nm(f, "MSG_TRUNC, counts"));
    EQ(b[0], 'z', nm(f, "MSG_TRUNC, writes nothing"));
    struct iovec v = {b, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    RC(recvmsg(t.c, &m, MSG_TRUNC), 1, nm(f, "recvmsg MSG_TRUNC, counts"));
    EQ(b[0], 'z', nm(f, "recvmsg MSG_TRUNC, writes nothing"));
    RC(recv(t.c, b, 8, 0), 1, nm(f, "MSG_TRUNC, the rest"));
    EQ(b[0], 'f', nm(f, "MSG_TRUNC, skipped the first five"));
}

static void end_of_stream(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    MUST(send(t.s, "abc", 3, 0));
    MUST(shutdown(t.s, SHUT_WR));
    MASK(t.c, POLLIN | POLLOUT | POLLRDHUP, nm(f, "data and FIN, mask"));
    RC(recv(t.c, b, 8, MSG_WAITALL), 3, nm(f, "data and FIN, MSG_WAITALL ends short"));
    RC(recv(t.c, b, 8, 0), 0, nm(f, "data and FIN, the end"));
    RC(recv(t.c, b, 8, 0), 0, nm(f, "data and FIN, the end again"));
    RC(recv(t.c, b, 0, 0), 0, nm(f, "data and FIN, recv of length 0"));
    MASK(t.c, POLLIN | POLLOUT | POLLRDHUP, nm(f, "the end read, mask stays"));
    RC(send(t.c, "back", 4, 0), 4, nm(f, "the end read, the other direction lives"));
    RC(recv(t.s, b, 8, 0), 4, nm(f, "the other direction arrives"));
}

/* NetSem recv_8. */
static void reset_with_data(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    MUST(send(t.s, "abc", 3, 0));
    MUST(await(t.c, POLLIN | POLLOUT) & POLLIN ? 0 : -1);
    reset(t.s);
    MASK(t.c, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, nm(f, "data and RST, mask"));
    RC(recv(t.c, b, 8, 0), 3, nm(f, "data and RST, the data first"));
    RC(recv(t.c, b, 8, 0), -ECONNRESET, nm(f, "data and RST, then the error"));
    RC(recv(t.c, b, 8, 0), 0, nm(f, "data and RST, then the end"));
    MASK(t.c, POLLIN | POLLOUT | POLLRDHUP | POLLHUP, nm(f, "data and RST, mask, error taken"));
}

/* NetSem recv_8, deliver_in_7. */
static void reset_plain(int f)
{
    struct pair t = tcp_pair(f);
    char b;
    reset(t.s);
    MASK(t.c, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, nm(f, "RST, mask"));
    EQ(so_error(t.c), ECONNRESET, nm(f, "RST, SO_ERROR"));
    EQ(so_error(t.c), 0, nm(f, "RST, SO_ERROR once"));
    RC(recv(t.c, &b, 1, 0), 0, nm(f, "RST, error taken, recv"));
    MASK(t.c, POLLIN | POLLOUT | POLLRDHUP | POLLHUP, nm(f, "RST, mask, error taken"));
    EQ(peer_error(t.c), -ENOTCONN, nm(f, "RST, no peer"));
    RC(send(t.c, &b, 1, MSG_NOSIGNAL), -EPIPE, nm(f, "RST, send"));
    RC(shutdown(t.c, SHUT_RDWR), -ENOTCONN, nm(f, "RST, shutdown"));
    struct addr a;
    listener(f, 1, &a);
    RC(connect_to(t.c, a), -EISCONN, nm(f, "RST, connect"));
    RC(connect_to(t.c, unspec()), 0, nm(f, "RST, dissolve"));
    RC(connect_to(t.c, a), 0, nm(f, "RST, connect again"));
}

/* Linux: a reset in CLOSE-WAIT is EPIPE, and recv() still sees the end. NetSem deliver_in_7. */
static void reset_after_fin(int f)
{
    struct pair t = tcp_pair(f);
    char b;
    MUST(send(t.c, "unread", 6, 0));
    MUST(shutdown(t.s, SHUT_WR));
    MASK(t.c, POLLIN | POLLOUT | POLLRDHUP, nm(f, "FIN then RST, mask before"));
    close(t.s);
    poll(&(struct pollfd){.fd = t.c}, 1, PATIENCE_MS); /* its HUP, should the mask never be so */
    MASK(t.c, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, nm(f, "FIN then RST, mask"));
    RC(recv(t.c, &b, 1, 0), 0, nm(f, "FIN then RST, recv"));
    EQ(so_error(t.c), EPIPE, nm(f, "FIN then RST, SO_ERROR"));
    EQ(so_error(t.c), 0, nm(f, "FIN then RST, SO_ERROR once"));
}

/* NetSem recv_2. */
static void timeout(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    set_timeout(t.c, SO_RCVTIMEO, 60);
    long long start = now_ms();
    RC(recv(t.c, b, 8, 0), -EAGAIN, nm(f, "recv, SO_RCVTIMEO runs out"));
    OK(now_ms() - start >= 50, nm(f, "recv, SO_RCVTIMEO, not before time"));
    MUST(send(t.s, "abc", 3, 0));
    RC(recv(t.c, b, 8, MSG_WAITALL), 3, nm(f, "recv MSG_WAITALL, SO_RCVTIMEO, what there was"));
}

/* Linux: sock_set_timeout. A time below 0 is none, and does not wait. */
static void timeout_below_zero(int f)
{
    struct pair t = tcp_pair(f);
    struct timeval tv = {-1, 0};
    struct addr from = {.len = sizeof(from.u)};
    char b;
    MUST(setsockopt(t.c, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
    MUST(setsockopt(t.l, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
    RC(recv(t.c, &b, 1, 0), -EAGAIN, nm(f, "recv, SO_RCVTIMEO below zero"));
    RC(recvfrom(t.c, &b, 1, 0, &from.u.sa, &from.len), -EAGAIN,
       nm(f, "recvfrom with an address, SO_RCVTIMEO below zero"));
    RC(accept(t.l, NULL, NULL), -EAGAIN, nm(f, "accept, SO_RCVTIMEO below zero"));
    MUST(connect_to(tcp(f), name_of(t.l)));
    MUST(await(t.l, POLLIN) == POLLIN ? 0 : -1);
    int s = MUST(accept(t.l, NULL, NULL));
    RC(recv(s, &b, 1, 0), -EAGAIN, nm(f, "recv, SO_RCVTIMEO below zero is inherited"));
}

struct sender {
    pthread_t thread;
    int fd, target, n;
    long nr;
    const char *const *strings;
};

static void *send_strings(void *arg)
{
    struct sender *s = arg;
    for (int i = 0; i < s->n; i++) {
        MUST(wait_blocked(s->target, s->nr) ? 0 : -1);
        MUST(send(s->fd, s->strings[i], strlen(s->strings[i]), 0));
    }
    return NULL;
}

/* Another thread sends each of n strings once this one waits in call nr. */
static void send_when_blocked(int fd, long nr, const char *const *strings, int n)
{
    static struct sender all[8];
    static int used;
    struct sender *s = &all[used++ % 8];
    *s = (struct sender){.fd = fd, .target = getpid(), .n = n, .nr = nr, .strings = strings};
    MUST(-pthread_create(&s->thread, NULL, send_strings, s));
}

/* The same calls with room for an address, of which TCP tells none. NetSem recv_3, recv_7. */
static void waiting_for_address(int f)
{
    static const char *const one[] = {"abc"}, *const two[] = {"abc", "def"};
    struct pair t = tcp_pair(f);
    struct addr from = {.len = sizeof(from.u)};
    char b[8] = "";
    send_when_blocked(t.s, SYS_recvfrom, one, 1);
    RC(recvfrom(t.c, b, 8, 0, &from.u.sa, &from.len), 3, nm(f, "recvfrom on a stream waits"));
    EQ(from.len, 0, nm(f, "recvfrom on a stream waits, no address"));
    MUST(send(t.s, "123", 3, 0));
    send_when_blocked(t.s, SYS_recvfrom, two, 1);
    RC(recvfrom(t.c, b, 6, MSG_WAITALL, &from.u.sa, &from.len), 6,
       nm(f, "recvfrom on a stream, MSG_WAITALL"));
    OK(memcmp(b, "123abc", 6) == 0, nm(f, "recvfrom on a stream, MSG_WAITALL, in order"));
    MUST(send(t.s, "xy", 2, 0));
    RC(recvfrom(t.c, b, 8, MSG_PEEK, &from.u.sa, &from.len), 2, nm(f, "recvfrom, MSG_PEEK"));
    RC(recvfrom(t.c, b, 8, 0, &from.u.sa, &from.len), 2, nm(f, "recvfrom, after MSG_PEEK"));
    RC(recvfrom(tcp(f), b, 1, 0, &from.u.sa, &from.len), -ENOTCONN, nm(f, "recvfrom, fresh"));
    reset(t.s);
    RC(recvfrom(t.c, b, 8, 0, &from.u.sa, &from.len), -ECONNRESET, nm(f, "recvfrom, RST"));
    RC(recvfrom(t.c, b, 8, 0, &from.u.sa, &from.len), 0, nm(f, "recvfrom, RST, then the end"));
    EQ(so_error(t.c), 0, nm(f, "recvfrom, RST, SO_ERROR was taken"));
}

static void addresses(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    struct addr from;
    memset(&from, 0x55, sizeof(from));
    from.len = sizeof(from.u);
    MUST(send(t.s, "ab", 2, 0));
    RC(recvfrom(t.c, b, 1, 0, &from.u.sa, &from.len), 1, nm(f, "recvfrom on a stream"));
    EQ(from.len, 0, nm(f, "recvfrom on a stream gives no address"));
    struct iovec v = {b, 8};
    struct msghdr m = {
        .msg_name = &from.u, .msg_namelen = sizeof(from.u), .msg_iov = &v, .msg_iovlen = 1};
    RC(recvmsg(t.c, &m, 0), 1, nm(f, "recvmsg on a stream"));
    EQ(m.msg_namelen, 0, nm(f, "recvmsg on a stream gives no address"));
    EQ(m.msg_flags, 0, nm(f, "recvmsg on a stream, flags"));
}

/* What another thread does meanwhile, to a socket that connects to a silent listener. */
struct aside {
    pthread_t thread;
    int fd, l, target;
};

static struct aside aside_of(int f, struct addr *a)
{
    struct aside s = {.l = silent(f, a), .target = getpid()};
    s.fd = MUST(socket(f, SOCK_STREAM | SOCK_NONBLOCK, 0));
    MUST(connect_to(s.fd, *a) < 0 && errno == EINPROGRESS ? 0 : -1);
    return s;
}

static void *answer(void *arg)
{
    struct aside *h = arg;
    char b[4];
    MUST(wait_blocked(h->target, SYS_sendmsg) ? 0 : -1);
    MUST(accept(h->l, NULL, NULL));
    int s = MUST(accept(h->l, NULL, NULL));
    MUST(wait_blocked(h->target, SYS_recvmsg) ? 0 : -1);
    MUST(recv(s, b, 4, 0));
    MUST(send(s, b, 4, 0));
    return NULL;
}

/* Calls that wait for a connect that nobody waits in, then for what comes. */
static void while_connecting(int f)
{
    struct addr a;
    char b[4];
    struct aside h = aside_of(f, &a);
    int fd = h.fd;
    struct iovec v = {b, 4};
    struct msghdr m = {.msg_name = &a.u, .msg_namelen = a.len, .msg_iov = &v, .msg_iovlen = 1};
    RC(recvmsg(fd, &m, 0), -EAGAIN, nm(f, "recvmsg, connecting, non-blocking"));
    RC(sendmsg(fd, &m, 0), -EAGAIN, nm(f, "sendmsg, connecting, non-blocking"));
    MUST(fcntl(fd, F_SETFL, 0));
    MUST(-pthread_create(&h.thread, NULL, answer, &h));
    memcpy(b, "ping", 4);
    m.msg_name = &a.u;
    m.msg_namelen = a.len;
    RC(sendmsg(fd, &m, 0), 4, nm(f, "sendmsg waits for the connect"));
    memset(b, 0, 4);
    RC(recvmsg(fd, &m, 0), 4, nm(f, "recvmsg waits for the answer"));
    OK(memcmp(b, "ping", 4) == 0, nm(f, "recvmsg, the answer"));
}

static void *accept_and_see(void *arg)
{
    struct aside *h = arg;
    MUST(wait_blocked(h->target, SYS_recvmsg) ? 0 : -1);
    MUST(accept(h->l, NULL, NULL));
    int s = MUST(accept(h->l, NULL, NULL));
    MUST(send(s, await(h->fd, POLLOUT) == POLLOUT ? "seen" : "not", 4, 0));
    return NULL;
}

static void seen_connected(int f)
{
    struct addr a;
    char b[4];
    struct aside h = aside_of(f, &a);
    struct iovec v = {b, 4};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    MUST(fcntl(h.fd, F_SETFL, 0));
    MUST(-pthread_create(&h.thread, NULL, accept_and_see, &h));
    RC(recvmsg(h.fd, &m, 0), 4, nm(f, "recvmsg waits for connect and data"));
    OK(memcmp(b, "seen", 4) == 0, nm(f, "recvmsg waits for data, poll sees the connection"));
}

static void *end_attempt(void *arg)
{
    struct aside *h = arg;
    MUST(wait_blocked(h->target, SYS_recvmsg) ? 0 : -1);
    MUST(shutdown(h->fd, SHUT_RDWR));
    return NULL;
}

/* NetSem recv_8a. */
static void waits_through_refusal(int f)
{
    struct addr a;
    char b[4];
    struct aside h = aside_of(f, &a);
    struct iovec v = {b, 4};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    MUST(fcntl(h.fd, F_SETFL, 0));
    MUST(-pthread_create(&h.thread, NULL, end_attempt, &h));
    RC(recvmsg(h.fd, &m, 0), -ECONNRESET, nm(f, "recvmsg waits for a connect that fails"));
}

static void vectors(int f)
{
    struct pair t = tcp_pair(f);
    char a[2], b[8];
    struct iovec v[] = {{a, 2}, {b, 8}};
    MUST(send(t.s, "abcde", 5, 0));
    RC(readv(t.c, v, 2), 5, nm(f, "readv"));
    OK(memcmp(a, "ab", 2) == 0 && memcmp(b, "cde", 3) == 0, nm(f, "readv fills in order"));
    MUST(send(t.s, "xyz", 3, 0));
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
    RC(recvmsg(t.c, &m, 0), 3, nm(f, "recvmsg"));
    struct mmsghdr mm[2] = {{.msg_hdr = {.msg_iov = v, .msg_iovlen = 1}},
                            {.msg_hdr = {.msg_iov = v + 1, .msg_iovlen = 1}}};
    MUST(send(t.s, "123456", 6, 0));
    MUST(await(t.c, POLLIN | POLLOUT) & POLLIN ? 0 : -1);
    RC(recvmmsg(t.c, mm, 2, MSG_DONTWAIT, NULL), 2, nm(f, "recvmmsg"));
    EQ(mm[0].msg_len, 2, nm(f, "recvmmsg, first length"));
    EQ(mm[1].msg_len, 4, nm(f, "recvmmsg, second length"));
}

static void low_water(int f)
{
    struct pair t = tcp_pair(f);
    EQ(getopt_of(t.c, SOL_SOCKET, SO_RCVLOWAT), 1, nm(f, "SO_RCVLOWAT is 1 at first"));
    MUST(setopt(t.c, SOL_SOCKET, SO_RCVLOWAT, 4));
    MUST(send(t.s, "abc", 3, 0));
    int waiting = 0;
    for (long long end = now_ms() + PATIENCE_MS; waiting < 3 && now_ms() < end;)
        MUST(ioctl(t.c, FIONREAD, &waiting));
    MASK(t.c, POLLOUT, nm(f, "SO_RCVLOWAT 4, three bytes are not readable"));
    MUST(send(t.s, "d", 1, 0));
    MASK(t.c, POLLIN | POLLOUT, nm(f, "SO_RCVLOWAT 4, four bytes are readable"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(arguments),
        CASE(pieces),
        CASE(peek),
        CASE(peek_offset),
        CASE(truncate_stream),
        CASE(end_of_stream),
        CASE(reset_with_data),
        CASE(reset_plain),
        CASE(reset_after_fin),
        CASE(timeout),
        CASE(timeout_below_zero),
        CASE(waiting_for_address),
        CASE(addresses),
        CASE(vectors),
        CASE(while_connecting),
        CASE(seen_connected),
        CASE(waits_through_refusal),
        CASE(low_water),
    };
    return run_cases(cases, COUNT(cases));
}
