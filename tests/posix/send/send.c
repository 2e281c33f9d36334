/* send(), sendto(), sendmsg(), write(): stream sockets. */
#include "../lib.h"

#include <pthread.h>
#include <sys/uio.h>

static volatile sig_atomic_t pipes;

static void count_pipe(int sig)
{
    pipes++;
}

/* NetSem send_1, send_8. */
static void arguments(int f)
{
    int p[2];
    struct pair t = tcp_pair(f);
    MUST(pipe(p));
    RC(send(-1, "x", 1, 0), -EBADF, nm(f, "send, descriptor -1"));
    RC(send(p[1], "x", 1, 0), -ENOTSOCK, nm(f, "send, a pipe"));
    RC(send(t.c, NULL, 1, 0), -EFAULT, nm(f, "send, null buffer"));
    RC(send(t.c, (char *)8, 1, 0), -EFAULT, nm(f, "send, wild buffer"));
    RC(send(t.c, NULL, 0, 0), 0, nm(f, "send, null buffer of length 0"));
    RC(send(t.c, "", 0, 0), 0, nm(f, "send, length 0"));
    RC(write(t.c, "", 0), 0, nm(f, "write, length 0"));
    MASK(t.s, POLLOUT, nm(f, "send, none of it sent anything"));
    RC(send(t.c, "x", 1, MSG_ERRQUEUE), 1, nm(f, "send, a flag that means nothing"));
    RC(send(t.c, "x", 1, MSG_DONTROUTE | MSG_MORE), 1, nm(f, "send, MSG_DONTROUTE and MSG_MORE"));
}

/* A connected stream takes the address and ignores it. */
static void to_an_address(int f)
{
    struct pair t = tcp_pair(f);
    struct addr a = refuser(f);
    char b;
    RC(send_to(t.c, "x", 1, a), 1, nm(f, "sendto on a connected stream"));
    RC(recv(t.s, &b, 1, 0), 1, nm(f, "sendto on a connected stream goes to the peer"));
    RC(sendto(t.c, "x", 1, 0, NULL, a.len), 1, nm(f, "sendto, null address with a length"));
    RC(sendto(t.c, "x", 1, 0, &a.u.sa, 1000), -EINVAL, nm(f, "sendto, bad length"));
    RC(sendto(t.c, "x", 1, 0, (struct sockaddr *)8, a.len), -EFAULT, nm(f, "sendto, wild address"));
    RC(sendto(tcp(f), "x", 1, MSG_NOSIGNAL, &a.u.sa, a.len), -EPIPE,
       nm(f, "sendto, not connected"));
    struct iovec v = {&b, 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    RC(sendmsg(tcp(f), &m, MSG_NOSIGNAL), -EPIPE, nm(f, "sendmsg, not connected"));
    m.msg_name = &a.u;
    m.msg_namelen = a.len;
    RC(sendmsg(t.c, &m, 0), 1, nm(f, "sendmsg with an address on a connected stream"));
    reset(t.s);
    MUST(await(t.c, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP) & POLLERR ? 0 : -1);
    RC(sendmsg(t.c, &m, MSG_NOSIGNAL), -ECONNRESET, nm(f, "sendmsg after a reset"));
    RC(sendmsg(t.c, &m, MSG_NOSIGNAL), -EPIPE, nm(f, "sendmsg after a reset, the second"));
    EQ(so_error(t.c), 0, nm(f, "sendmsg after a reset, SO_ERROR was taken"));
}

/* NetSem send_6, send_7. */
static void pipe_signal(int f)
{
    signal(SIGPIPE, count_pipe);
    int fd = tcp(f);
    RC(send(fd, "x", 1, 0), -EPIPE, nm(f, "send, not connected"));
    EQ(pipes, 1, nm(f, "send, not connected, SIGPIPE"));
    RC(write(fd, "x", 1), -EPIPE, nm(f, "write, not connected"));
    EQ(pipes, 2, nm(f, "write, not connected, SIGPIPE"));
    pipes = 0;
    RC(send(fd, "x", 1, MSG_NOSIGNAL), -EPIPE, nm(f, "send, not connected, MSG_NOSIGNAL"));
    EQ(pipes, 0, nm(f, "send, not connected, MSG_NOSIGNAL, no signal"));
    struct pair t = tcp_pair(f);
    pipes = 0;
    MUST(shutdown(t.c, SHUT_WR));
    RC(send(t.c, "x", 1, 0), -EPIPE, nm(f, "send after SHUT_WR"));
    EQ(pipes, 1, nm(f, "send after SHUT_WR, SIGPIPE"));
    RC(send(t.c, "x", 1, MSG_NOSIGNAL), -EPIPE, nm(f, "send after SHUT_WR, MSG_NOSIGNAL"));
    EQ(pipes, 1, nm(f, "send after SHUT_WR, MSG_NOSIGNAL, no signal"));
    RC(send(t.c, "", 0, MSG_NOSIGNAL), -EPIPE, nm(f, "send of nothing after SHUT_WR"));
}

/* Peer closed with nothing unread: FIN, then RST for what comes. NetSem deliver_in_3b. */
static void after_peer_closed(int f)
{
    struct pair t = tcp_pair(f);
    ignore_sigpipe();
    close(t.s);
    MASK(t.c, POLLIN | POLLOUT | POLLRDHUP, nm(f, "peer closed, mask IN OUT RDHUP"));
    RC(send(t.c, "x", 1, 0), 1, nm(f, "peer closed, the first send is taken"));
    MASK(t.c, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, nm(f, "peer closed, then reset"));
    RC(send(t.c, "x", 1, 0), -EPIPE, nm(f, "peer closed, the second send"));
    char b;
    RC(recv(t.c, &b, 1, 0), 0, nm(f, "peer closed, recv"));
}

/* NetSem send_5. */
static void after_reset(int f)
{
    struct pair t = tcp_pair(f);
    ignore_sigpipe();
    reset(t.s);
    MASK(t.c, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, nm(f, "reset, mask"));
    RC(send(t.c, "x", 1, 0), -ECONNRESET, nm(f, "reset, the first send"));
    RC(send(t.c, "x", 1, 0), -EPIPE, nm(f, "reset, the second send"));
    EQ(so_error(t.c), 0, nm(f, "reset, SO_ERROR was taken by send"));
}

/* Sends that find the connection full, until one does: what was sent may be taken
 * a moment later, which makes room. `began` is when the last one did, `sent` counts. */
struct refused {
    long long began, sent;
};

static ssize_t refused(struct refused *r, int fd, size_t len, int flags, const struct addr *to)
{
    static char junk[65536];
    ssize_t n;
    do {
        r->began = now_ms();
        n = sendto(fd, junk, len, flags, to ? &to->u.sa : NULL, to ? to->len : 0);
        r->sent += n > 0 ? n : 0;
    } while (n > 0);
    return n;
}

/* NetSem send_4. */
static void full(int f)
{
    static char junk[65536];
    struct pair t = tcp_pair(f);
    struct refused last = {.sent = fill(t.c)};
    long long got = 0;
    ssize_t n;
    nonblock(t.c);
    RC(refused(&last, t.c, sizeof(junk), 0, NULL), -EAGAIN, nm(f, "full, send"));
    RC(refused(&last, t.c, 1, MSG_DONTWAIT, NULL), -EAGAIN, nm(f, "full, send of one byte"));
    MASK(t.c, 0, nm(f, "full, mask empty"));
    OK(last.sent > 65536, nm(f, "full, took more than one buffer"));
    MUST(shutdown(t.c, SHUT_WR));
    while ((n = recv(t.s, junk, sizeof(junk), 0)) > 0)
        got += n;
    EQ(n, 0, nm(f, "full, the reader reaches the end"));
    EQ(got, last.sent, nm(f, "full, every byte arrives"));
    MASK(t.c, POLLOUT, nm(f, "full, writable again"));
}

/* Linux: what more will follow waits for it, for a fifth of a second at most. */
static void more(int f)
{
    struct pair t = tcp_pair(f);
    char b[8];
    struct iovec v = {"b", 1};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
    RC(send(t.c, "a", 1, MSG_MORE), 1, nm(f, "MSG_MORE, send"));
    RC(sendmsg(t.c, &m, MSG_MORE), 1, nm(f, "MSG_MORE, sendmsg"));
    RC(recv(t.s, b, 8, MSG_DONTWAIT), -EAGAIN, nm(f, "MSG_MORE, nothing comes"));
    RC(write(t.c, "c", 1), 1, nm(f, "MSG_MORE, what followed"));
    RC(recv(t.s, b, 8, 0), 3, nm(f, "MSG_MORE, all of it at once"));
    OK(memcmp(b, "abc", 3) == 0, nm(f, "MSG_MORE, in order"));
    RC(send(t.c, "d", 1, MSG_MORE), 1, nm(f, "MSG_MORE, and no more"));
    RC(recv(t.s, b, 8, 0), 1, nm(f, "MSG_MORE, comes after a while"));
}

static void *waits_for_room(void *fd)
{
    return (void *)(intptr_t)send(*(int *)fd, "x", 1, 0);
}

/* Linux: sk_write_space. Who waits for room is woken when the buffer is made larger. */
static void larger(int f)
{
    struct pair t = tcp_pair(f);
    pthread_t thread;
    void *sent;
    MUST(setopt(t.c, SOL_SOCKET, SO_SNDBUF, 131072));
    fill(t.c);
    MASK(t.c, 0, nm(f, "full of a small buffer, mask empty"));
    MUST(-pthread_create(&thread, NULL, waits_for_room, &t.c));
    MUST(setopt(t.c, SOL_SOCKET, SO_SNDBUF, 1 << 20));
    MUST(-pthread_join(thread, &sent));
    EQ((intptr_t)sent, 1, nm(f, "the buffer is made larger, send"));
    MASK(t.c, POLLOUT, nm(f, "the buffer is made larger, mask"));
}

/* Everything is full when the peer closes with bytes unread. */
static void full_then_reset(int f)
{
    struct pair t = tcp_pair(f);
    ignore_sigpipe();
    fill(t.c);
    MASK(t.c, 0, nm(f, "full, nothing to be had"));
    MUST(close(t.s));
    MASK(t.c, POLLIN | POLLOUT | POLLRDHUP | POLLERR | POLLHUP, nm(f, "full, then reset, mask"));
    EQ(so_error(t.c), ECONNRESET, nm(f, "full, then reset, SO_ERROR"));
    RC(send(t.c, "x", 1, 0), -EPIPE, nm(f, "full, then reset, send"));
}

/* NetSem send_2. */
static void timeout(int f)
{
    enum { LEN = 65536 };
    struct pair t = tcp_pair(f);
    struct addr a = refuser(f);
    struct timeval tv = {-1, 0};
    struct refused last = {0};
    fill(t.c);
    set_timeout(t.c, SO_SNDTIMEO, 60);
    RC(refused(&last, t.c, LEN, 0, NULL), -EAGAIN, nm(f, "send, SO_SNDTIMEO runs out"));
    OK(now_ms() - last.began >= 50, nm(f, "send, SO_SNDTIMEO, not before time"));
    RC(refused(&last, t.c, LEN, 0, &a), -EAGAIN,
       nm(f, "sendto with an address, SO_SNDTIMEO runs out"));
    OK(now_ms() - last.began >= 50, nm(f, "sendto with an address, SO_SNDTIMEO, not before time"));
    RC(refused(&last, t.c, LEN, MSG_OOB, NULL), -EAGAIN, nm(f, "urgent, SO_SNDTIMEO runs out"));
    OK(now_ms() - last.began >= 50, nm(f, "urgent, SO_SNDTIMEO, not before time"));
    RC(refused(&last, t.c, LEN, MSG_OOB | MSG_DONTWAIT, NULL), -EAGAIN, nm(f, "urgent, full"));
    MUST(setsockopt(t.c, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)));
    RC(refused(&last, t.c, LEN, 0, NULL), -EAGAIN, nm(f, "send, SO_SNDTIMEO below zero"));
    RC(refused(&last, t.c, 1, 0, &a), -EAGAIN, nm(f, "sendto, SO_SNDTIMEO below zero"));
}

static void vectors(int f)
{
    struct pair t = tcp_pair(f);
    char a[] = "one", b[] = "two", got[16];
    struct iovec v[] = {{a, 3}, {NULL, 0}, {b, 3}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = 3};
    RC(writev(t.c, v, 3), 6, nm(f, "writev"));
    RC(recv(t.s, got, sizeof(got), 0), 6, nm(f, "writev arrives as one stream"));
    OK(memcmp(got, "onetwo", 6) == 0, nm(f, "writev, in order"));
    RC(sendmsg(t.c, &m, 0), 6, nm(f, "sendmsg"));
    MUST(await(t.s, POLLIN | POLLOUT) & POLLIN ? 0 : -1);
    RC(recv(t.s, got, sizeof(got), MSG_WAITALL | MSG_DONTWAIT), 6, nm(f, "sendmsg arrives"));
    m.msg_iovlen = 1025;
    RC(sendmsg(t.c, &m, 0), -EMSGSIZE, nm(f, "sendmsg, too many pieces"));
    RC(sendmsg(t.c, NULL, 0), -EFAULT, nm(f, "sendmsg, null header"));
    struct mmsghdr mm[2] = {{.msg_hdr = {.msg_iov = v, .msg_iovlen = 1}},
                            {.msg_hdr = {.msg_iov = v + 2, .msg_iovlen = 1}}};
    RC(sendmmsg(t.c, mm, 2, 0), 2, nm(f, "sendmmsg"));
    EQ(mm[0].msg_len + mm[1].msg_len, 6, nm(f, "sendmmsg, lengths"));
    RC(recv(t.s, got, 6, MSG_WAITALL), 6, nm(f, "sendmmsg arrives"));
}

enum { LARGE = 3 << 20 };

static unsigned char large_data[LARGE];

static void *send_large(void *arg)
{
    int fd = (int)(intptr_t)arg;
    ssize_t at = 0;
    for (ssize_t n; at < LARGE; at += n)
        if ((n = send(fd, large_data + at, (size_t)(LARGE - at), 0)) <= 0)
            break;
    close(fd);
    return (void *)(intptr_t)(at == LARGE);
}

/* NetSem send_2, send_3. */
static void large(int f)
{
    static unsigned char back[LARGE];
    struct pair t = tcp_pair(f);
    pthread_t sender;
    void *content;
    for (int i = 0; i < LARGE; i++)
        large_data[i] = (unsigned char)(i * 7 + (i >> 8));
    MUST(-pthread_create(&sender, NULL, send_large, (void *)(intptr_t)t.s));
    RC(recv(t.c, back, LARGE, MSG_WAITALL), LARGE, nm(f, "three MiB in one recv MSG_WAITALL"));
    OK(memcmp(large_data, back, LARGE) == 0, nm(f, "three MiB, the same bytes"));
    pthread_join(sender, &content);
    OK(content, nm(f, "three MiB, the sender is content"));
    RC(recv(t.c, back, 1, 0), 0, nm(f, "three MiB, then the end"));
}

int main(void)
{
    static const struct tcase cases[] = {
        CASE(arguments),       CASE(to_an_address), CASE(pipe_signal), CASE(after_peer_closed),
        CASE(after_reset),     CASE(more),          CASE(full),        CASE(larger),
        CASE(full_then_reset), CASE(timeout),       CASE(vectors),     CASE(large),
    };
    return run_cases(cases, COUNT(cases));
}
