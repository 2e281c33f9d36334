/* TCP through the host's sockets.
 *
 * A SYN of the program's is *held*: nothing answers it until the host's own connect() has ended,
 * and then it is that answer which the program gets. The other way round, what the host accepted at
 * a published port is connected to the program.
 *
 * A dial that ends at once, as over loopback, is never waited for; and since the program waits
 * meanwhile, what can be done before (spare.c) or after is. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gateway/tcp_flow.h"

/* Repeated SYNs to the program: from 20 ms on these take nearly three minutes, as Linux's own six,
 * from a second on, take two. */
#define CALL_SYNS 12

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

static void flow_refuse(struct tcp_flow *flow, enum hf_refusal how)
{
    hf_sock_refuse(flow->sk, how);
    flow->sk = NULL;
    tcp_flow_free(flow);
}

static int tune_stack(struct hf_sock *sk)
{
    const int on = 1;
    int err = hf_sock_setsockopt(sk, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

    return err ? err : hf_sock_setsockopt(sk, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
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
    flow->host.fd = spare_take(&flow->g->spares, to->sa.sa_family);
    if (flow->host.fd < 0)
        return -flow->host.fd;
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

/* The host's socket is connected. What it will have to say may wait until the program knows. */
static void answer(struct tcp_flow *flow)
{
    flow->state = ANSWERED;
    if (hf_sock_answer(flow->sk) < 0)
        tcp_flow_reset(flow);
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
    if (!err) {
        answer(flow);
        return;
    }
    if (err == EINPROGRESS)
        err = -tcp_flow_watch(flow, EPOLLOUT | EPOLLONESHOT);
    if (!err) {
        arm_dial(flow);
    } else {
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
    answer(flow);
}

/* ---- published ports ---- */

void gateway_tcp_call(struct gateway *g, int fd, const union address *program)
{
    const int syns = CALL_SYNS;
    struct hf_sock *sk;
    struct tcp_flow *flow;
    int err;

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
    spare_tune(fd);
    err = tune_stack(sk);
    if (!err)
        err = hf_sock_setsockopt(sk, IPPROTO_TCP, TCP_SYNCNT, &syns, sizeof(syns));
    if (!err)
        err = hf_sock_connect(sk, program, address_len(program), false);
    if (err != 0 && err != -EINPROGRESS)
        tcp_flow_reset(flow);
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
    tcp_flow_pump(flow, true);
}

static void on_stack(struct notice *n)
{
    struct tcp_flow *flow = ring_owner(n, struct tcp_flow, notice);
    uint32_t mask;
    int err;

    switch (flow->state) {
    case DIALING:
        if (hf_sock_poll(flow->sk) & (HF_POLLERR | HF_POLLHUP))
            tcp_flow_reset(flow);
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
            tcp_flow_reset(flow);
            return;
        }
        break;
    case OPEN:
        break;
    }
    flow->state = OPEN;
    tcp_flow_pump(flow, false);
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

void gateway_left(struct gateway *g, const struct hf_sock *program)
{
    struct hf_sock *sk = hf_sock_far_end(program, g->tcp[FAMILY4].sk);
    struct notice *n = sk ? hf_sock_user(sk) : NULL;

    if (!n || n->act != on_stack)
        return;
    ring_owner(n, struct tcp_flow, notice)->is_left = true;
    notice_again(g, n); /* its end of stream may have come before */
}

int gateway_tcp_init(struct gateway *g)
{
    int err = catch (g, &g->tcp[FAMILY4], AF_INET);

    return err ? err : catch (g, &g->tcp[FAMILY6], AF_INET6);
}

void gateway_tcp_fini(struct gateway *g)
{
    while (!ring_alone(&g->tcp_flows))
        tcp_flow_reset(ring_owner(g->tcp_flows.next, struct tcp_flow, link));
    for (int i = 0; i < FAMILIES; i++)
        hf_sock_close(g->tcp[i].sk);
}
