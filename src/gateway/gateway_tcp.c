/* TCP through the host's sockets.
 *
 * A SYN of the program's is *held*: nothing answers it until the host's own connect() has ended,
 * and then it is that answer which the program gets. The other way round, what the host accepted at
 * a published port is connected to the program.
 *
 *     DIALING   the host's socket is connecting, the stack's is held
 *     ANSWERED  the host's is connected, the program's handshake is going on
 *     CALLING   the host's was accepted, the stack's is connecting to the program
 *     OPEN      bytes pass, each direction by itself, until both have seen their end
 *
 * Bytes are read straight into the stack's pages and written straight from them. Each side tells
 * when it can go on: the stack by a notice, the host by epoll, which is asked for readable only
 * while the stack has room and for writable only while bytes wait. System calls are what a short
 * connection costs, so nothing is read before epoll has told of something, and a dial that has
 * ended at once, as over loopback, is never waited for. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "gateway/inside.h"

#define PIECES 64

/* What is first asked for, since most messages are short; then, while there is more; and in all
 * before the next flow has its turn. */
#define READ_FIRST ((size_t)32 << 10)
#define READ_MORE  ((size_t)256 << 10)
#define TURN_BYTES ((size_t)1 << 20)

enum tcp_flow_state { DIALING, ANSWERED, CALLING, OPEN };

struct tcp_flow {
    struct notice notice;
    struct loop_fd host;
    struct due due; /* DIALING */
    struct ring link;
    struct gateway *g;
    struct hf_sock *sk;
    enum tcp_flow_state state;
    uint32_t syns;    /* DIALING: seen when due was armed */
    bool is_watched;  /* the loop knows host */
    bool is_over;     /* nothing changes at host any more: there is but what can be read */
    bool host_failed; /* it was reset: what it has sent before goes on, then the program is reset */
    bool host_is_full; /* bytes for it wait in the stack */
    bool sk_is_full;   /* bytes for it may wait in the host's socket */
    bool in_done;      /* the host's end of stream has been passed on */
    bool out_done;     /* the program's has */
};

static void on_host(struct loop_fd *fd, uint32_t events);
static void on_stack(struct notice *n);
static void on_due(struct due *d);

static struct tcp_flow *flow_new(struct gateway *g, struct hf_sock *sk, enum tcp_flow_state state)
{
    struct tcp_flow *flow = calloc(1, sizeof(*flow));

    if (!flow)
        return NULL;
    notice_init(&flow->notice, on_stack);
    due_init(&flow->due, on_due);
    flow->g = g;
    flow->sk = sk;
    flow->state = state;
    flow->host.fd = -1;
    flow->host.ready = on_host;
    ring_add(&g->tcp_flows, &flow->link);
    hf_sock_set_user(sk, &flow->notice);
    return flow;
}

static void unwatch(struct tcp_flow *flow)
{
    if (flow->is_watched)
        loop_remove(flow->g->config.loop, &flow->host);
    flow->is_watched = false;
}

static int watch(struct tcp_flow *flow, uint32_t events)
{
    int err;

    flow->host.events = events;
    err = loop_add(flow->g->config.loop, &flow->host);
    flow->is_watched = !err;
    return err;
}

/* Closes both ends, where they are still there. */
static void flow_free(struct tcp_flow *flow)
{
    if (flow->is_watched)
        loop_forget(flow->g->config.loop, &flow->host);
    if (flow->host.fd >= 0)
        close(flow->host.fd);
    hf_sock_close(flow->sk);
    ring_leave(&flow->notice.link);
    ring_leave(&flow->link);
    due_cancel(&flow->due);
    free(flow);
}

/* The same, with a reset to each. An end that cannot be asked to reset is closed as it is. */
static void flow_reset(struct tcp_flow *flow)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    if (flow->host.fd >= 0)
        setsockopt(flow->host.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    if (flow->sk &&
        hf_sock_setsockopt(flow->sk, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) < 0)
        gateway_log(flow->g, "tcp: a connection could not be reset and is closed");
    flow_free(flow);
}

static void flow_refuse(struct tcp_flow *flow, enum hf_refusal how)
{
    hf_sock_refuse(flow->sk, how);
    flow->sk = NULL;
    flow_free(flow);
}

/* Neither side waits to fill a segment: who wants that has done it at the far ends already. Urgent
 * bytes go on as ordinary ones. */
static void tune_host(int fd)
{
    const int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
}

static int tune_stack(struct hf_sock *sk)
{
    const int on = 1;
    int err = hf_sock_setsockopt(sk, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

    return err ? err : hf_sock_setsockopt(sk, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
}

/* ---- bytes ---- */

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
            flow_reset(flow);
            return false;
        }
        if (n == 0) {
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
        flow_reset(flow);
        return false;
    }
    flow->in_done = true;
    if (hf_sock_shutdown(flow->sk, SHUT_WR) < 0) {
        flow_reset(flow);
        return false;
    }
    return true;
}

/* Host to program. False when the flow is gone. */
static bool pump_in(struct tcp_flow *flow)
{
    struct hf_iovec iov[PIECES];
    size_t moved = 0, want = READ_FIRST;

    flow->sk_is_full = false;
    while (!flow->in_done) {
        size_t room = 0;
        int n = hf_sock_reserve(flow->sk, want, iov, PIECES);

        if (n < 0) {
            flow_reset(flow);
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
        if (moved >= TURN_BYTES || ((size_t)got < room && !flow->is_over))
            return true; /* level-triggered epoll tells when there is more */
        want = READ_MORE;
    }
    return true;
}

/* is_readable: epoll says so of the host's socket. */
static void pump(struct tcp_flow *flow, bool is_readable)
{
    uint32_t events = 0;

    if (!pump_out(flow))
        return;
    if (is_readable || flow->sk_is_full || flow->host_failed || flow->is_over) {
        if (!pump_in(flow))
            return;
    }
    if (flow->in_done && flow->out_done) {
        flow_free(flow);
        return;
    }
    if (flow->is_over) {
        unwatch(flow);
        if (!flow->in_done && !flow->sk_is_full)
            notice_again(flow->g, &flow->notice);
        return;
    }
    if (!flow->in_done && !flow->sk_is_full)
        events |= EPOLLIN;
    if (flow->host_is_full)
        events |= EPOLLOUT;
    loop_change(flow->g->config.loop, &flow->host, events);
}

/* ---- the program's connections ---- */

static void log_dial(struct tcp_flow *flow, const union address *dst, int err)
{
    char text[ADDRESS_TEXT];

    if (gateway_refusal(err) == HF_REFUSE_SILENCE && err != ETIMEDOUT)
        gateway_log(flow->g, "tcp -> %s: the host's connect: %s, left for the next SYN",
                    address_text(dst, text), strerror(err));
}

/* Begins the host's connect. 0: it is done already; EINPROGRESS: under way; else its errno. */
static int dial(struct tcp_flow *flow, const union address *to)
{
    flow->host.fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (flow->host.fd < 0)
        return errno;
    tune_host(flow->host.fd);
    if (connect(flow->host.fd, &to->sa, address_len(to)) == 0)
        return 0;
    if (errno != EINPROGRESS)
        return errno;
    /* Over loopback it ended while the kernel returned; asked again, it tells. */
    if (connect(flow->host.fd, &to->sa, address_len(to)) == 0)
        return 0;
    return errno == EALREADY ? EINPROGRESS : errno;
}

static void arm_dial(struct tcp_flow *flow)
{
    uint32_t step;

    hf_sock_held_since(flow->sk, &flow->syns);
    step = flow->syns > 0 ? flow->syns - 1 : 0;
    if (step >= DUE_CLASSES - DUE_DIAL)
        step = DUE_CLASSES - DUE_DIAL - 1;
    due_arm(&flow->g->due, &flow->due, DUE_DIAL + step, loop_now(flow->g->config.loop));
}

/* The next SYN has had twice its time. When there was one, the wait begins anew; else the program
 * no longer wants the connection: it sends nothing when it gives up an open. */
static void on_due(struct due *d)
{
    struct tcp_flow *flow = ring_owner(d, struct tcp_flow, due);
    uint32_t syns;

    hf_sock_held_since(flow->sk, &syns);
    if (syns == flow->syns)
        flow_refuse(flow, HF_REFUSE_SILENCE);
    else
        arm_dial(flow);
}

/* The host's socket is connected, and watched for what it will have to say. */
static void answer(struct tcp_flow *flow)
{
    flow->state = ANSWERED;
    if (hf_sock_answer(flow->sk) < 0)
        flow_reset(flow);
}

static void take_held(struct gateway *g, struct hf_sock *sk)
{
    union address from = {0}, dst = {0}, to;
    uint32_t from_len = sizeof(from), dst_len = sizeof(dst);
    struct tcp_flow *flow;
    int err;

    if (hf_sock_getpeername(sk, &from, &from_len) < 0 ||
        hf_sock_getsockname(sk, &dst, &dst_len) < 0 ||
        !gateway_translate(g, "tcp", &from, &dst, &to)) {
        hf_sock_refuse(sk, HF_REFUSE_RESET);
        return;
    }
    flow = flow_new(g, sk, DIALING);
    if (!flow) {
        hf_sock_refuse(sk, HF_REFUSE_SILENCE);
        return;
    }
    err = dial(flow, &to);
    if (!err || err == EINPROGRESS) {
        bool is_done = !err;

        err = -watch(flow, is_done ? EPOLLIN : EPOLLOUT);
        if (!err && is_done)
            answer(flow);
        else if (!err)
            arm_dial(flow);
    }
    if (err) {
        log_dial(flow, &dst, err);
        flow_refuse(flow, gateway_refusal(err));
    }
}

static void dial_ended(struct tcp_flow *flow)
{
    int err = 0;
    socklen_t len = sizeof(err);

    getsockopt(flow->host.fd, SOL_SOCKET, SO_ERROR, &err, &len);
    if (err) {
        flow_refuse(flow, gateway_refusal(err));
        return;
    }
    due_cancel(&flow->due);
    loop_change(flow->g->config.loop, &flow->host, EPOLLIN);
    answer(flow);
}

/* ---- published ports ---- */

void gateway_tcp_call(struct gateway *g, int fd, const union address *program)
{
    struct hf_sock *sk;
    struct tcp_flow *flow;

    if (hf_sock_new(g->stack, program->sa.sa_family, SOCK_STREAM, 0, &sk) < 0) {
        close(fd);
        return;
    }
    flow = flow_new(g, sk, CALLING);
    if (!flow) {
        hf_sock_close(sk);
        close(fd);
        return;
    }
    flow->host.fd = fd;
    tune_host(fd);
    if (tune_stack(sk) < 0 || watch(flow, 0) < 0) {
        flow_reset(flow);
        return;
    }

    int err = hf_sock_connect(sk, program, address_len(program), false);

    if (err != 0 && err != -EINPROGRESS)
        flow_reset(flow);
}

/* ---- events ---- */

static void on_host(struct loop_fd *fd, uint32_t events)
{
    struct tcp_flow *flow = ring_owner(fd, struct tcp_flow, host);

    gateway_clock(flow->g);
    if (flow->state == DIALING) {
        dial_ended(flow);
        return;
    }
    flow->is_over = events & (EPOLLERR | EPOLLHUP);
    if (flow->state == OPEN)
        pump(flow, true);
    else if (flow->is_over)
        unwatch(flow); /* it would be reported for ever, whatever is asked for */
    else
        loop_change(flow->g->config.loop, &flow->host, 0); /* until the program's side is open */
}

static void on_stack(struct notice *n)
{
    struct tcp_flow *flow = ring_owner(n, struct tcp_flow, notice);
    uint32_t mask;
    int err;

    switch (flow->state) {
    case DIALING:
        if (hf_sock_poll(flow->sk) & (HF_POLLERR | HF_POLLHUP))
            flow_reset(flow);
        return;
    case ANSWERED:
        mask = hf_sock_poll(flow->sk);
        if (!(mask & (HF_POLLOUT | HF_POLLERR | HF_POLLHUP)))
            return;
        break;
    case CALLING:
        err = hf_sock_connect_result(flow->sk);
        if (err == -EINPROGRESS)
            return;
        if (err) {
            flow_reset(flow);
            return;
        }
        break;
    case OPEN:
        break;
    }
    flow->state = OPEN;
    pump(flow, false);
}

static void on_catcher(struct notice *n)
{
    struct catcher *c = ring_owner(n, struct catcher, notice);
    struct hf_sock *sk;

    while (hf_sock_accept(c->sk, &sk) == 0)
        take_held(c->g, sk);
}

static int catch (struct gateway *g, struct catcher *c, int family)
{
    const int on = 1;
    int err;

    c->g = g;
    notice_init(&c->notice, on_catcher);
    err = hf_sock_new(g->stack, family, SOCK_STREAM, 0, &c->sk);
    if (err)
        return err;
    hf_sock_set_user(c->sk, &c->notice);
    err = tune_stack(c->sk); /* what is accepted inherits it */
    if (!err && family == AF_INET6)
        err = hf_sock_setsockopt(c->sk, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (err)
        return err;
    return hf_sock_listen_any(c->sk, SOMAXCONN);
}

int gateway_tcp_init(struct gateway *g)
{
    int err = catch (g, &g->tcp[FAMILY4], AF_INET);

    return err ? err : catch (g, &g->tcp[FAMILY6], AF_INET6);
}

void gateway_tcp_fini(struct gateway *g)
{
    while (!ring_alone(&g->tcp_flows))
        flow_reset(ring_owner(g->tcp_flows.next, struct tcp_flow, link));
    for (int i = 0; i < FAMILIES; i++)
        hf_sock_close(g->tcp[i].sk);
}
