/* The bytes of a TCP connection. They are read straight into the stack's pages and written straight
 * from them. Each side tells when it can go on: the stack by a notice, the host by epoll, which is
 * asked for readable only while the stack has room and for writable only while bytes wait. System
 * calls are what a short connection costs, so nothing is read before epoll has told of something,
 * and where the program has closed, so is the host's socket, which answers then as the program's
 * own would: with a reset to what comes too late. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#include "gateway/tcp_flow.h"

#define PIECES 64

/* What is first asked for, since most messages are short; of a host that sends more than that, and
 * while there is more; and what ends a turn, so that the bytes are carried on while they are in the
 * caches. */
#define READ_FIRST ((size_t)32 << 10)
#define READ_MORE  ((size_t)256 << 10)
#define TURN_BYTES ((size_t)256 << 10)

/* Program to host. False when the flow is gone. */
static bool pump_out(struct tcp_flow *flow)
{
    struct hf_iovec iov[PIECES];
    size_t moved = 0;

    flow->host_is_full = false;
    while (!flow->out_done && !flow->host_failed) {
        int n = hf_sock_peek(flow->sk, iov, PIECES);

        if (n == -EAGAIN)
            return true;
        if (n < 0) {
            tcp_flow_reset(flow);
            return false;
        }
        if (n == 0) {
            if (!flow->is_left)
                shutdown(flow->host.fd, SHUT_WR);
            flow->out_done = true;
            return true;
        }
        if (moved >= TURN_BYTES) {
            notice_again(flow->g, &flow->notice);
            return true;
        }

        struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n};
        ssize_t sent = sendmsg(flow->host.fd, &msg, MSG_NOSIGNAL);

        if (sent < 0) {
            flow->host_is_full = errno == EAGAIN || errno == EINTR;
            flow->host_failed = !flow->host_is_full;
            return true;
        }
        hf_sock_consume(flow->sk, (size_t)sent);
        moved += (size_t)sent;
    }
    return true;
}

/* The host's socket gave no bytes. False when the flow is gone. */
static bool host_read_nothing(struct tcp_flow *flow, ssize_t got, int err)
{
    if (got < 0 && (err == EAGAIN || err == EINTR) && !flow->is_over && !flow->host_failed)
        return true;
    if (got < 0 || flow->host_failed) {
        tcp_flow_reset(flow);
        return false;
    }
    flow->in_done = true;
    if (hf_sock_shutdown(flow->sk, SHUT_WR) < 0) {
        tcp_flow_reset(flow);
        return false;
    }
    return true;
}

/* Host to program. False when the flow is gone. */
static bool pump_in(struct tcp_flow *flow)
{
    struct hf_iovec iov[PIECES];
    size_t moved = 0, want = flow->host_sends_much ? READ_MORE : READ_FIRST;

    flow->sk_is_full = false;
    while (!flow->in_done) {
        size_t room = 0;
        int n = hf_sock_reserve(flow->sk, want, iov, PIECES);

        if (n < 0) {
            tcp_flow_reset(flow);
            return false;
        }
        if (n == 0) {
            flow->sk_is_full = true;
            return true;
        }
        for (int i = 0; i < n; i++)
            room += iov[i].len;

        ssize_t got = readv(flow->host.fd, (struct iovec *)iov, n);
        int err = errno;

        hf_sock_commit(flow->sk, got > 0 ? (size_t)got : 0);
        if (got <= 0)
            return host_read_nothing(flow, got, err);
        moved += (size_t)got;
        flow->host_sends_much = moved >= READ_FIRST;
        if (moved >= TURN_BYTES || ((size_t)got < room && !flow->is_over))
            return true; /* level-triggered epoll tells when there is more */
        want = READ_MORE;
    }
    return true;
}

void tcp_flow_pump(struct tcp_flow *flow, bool is_readable)
{
    uint32_t events = 0;

    if (!pump_out(flow))
        return;
    if (flow->out_done && flow->is_left) {
        tcp_flow_free(flow);
        return;
    }
    if (is_readable || flow->sk_is_full || flow->host_failed || flow->is_over) {
        if (!pump_in(flow))
            return;
    }
    if (flow->in_done && flow->out_done) {
        tcp_flow_free(flow);
        return;
    }
    if (flow->is_over) {
        tcp_flow_unwatch(flow);
        if (!flow->in_done && !flow->sk_is_full)
            notice_again(flow->g, &flow->notice);
        return;
    }
    if (!flow->in_done && !flow->sk_is_full)
        events |= EPOLLIN;
    if (flow->host_is_full)
        events |= EPOLLOUT;
    if (tcp_flow_watch(flow, events) < 0)
        tcp_flow_reset(flow);
}
