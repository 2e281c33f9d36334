/* UDP through the host's sockets, flow by flow.
 *
 * The first datagram of a flow reaches a socket of the stack that takes what nobody else does. The
 * flow then has a stack socket of its own, bound to what the program calls its destination and
 * connected to the program, so that all further ones come there; and towards the outside either a
 * connected socket of the host's, or, for flows that began at a published port, that port's socket
 * and the client's address.
 *
 * A flow that rests ends: after 30 s, or a few seconds behind the answer where it was a look-up.
 * When there are too many, the one that has rested longest goes, answered look-ups first. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gateway/inside.h"

#define FLOWS_MAX 1024
#define BATCH     64 /* datagrams before somebody else has a turn */

struct udp_flow {
    struct notice notice;
    struct loop_fd host; /* fd is the flow's own, or -1 */
    struct due due;
    struct ring link; /* in its bucket */
    struct gateway *g;
    struct hf_sock *sk;
    union address here; /* the key: who began the flow, and whom it called */
    union address there;
    int shared_fd; /* a published port's socket, else -1: a key too */
    bool is_lookup;
};

static void on_host(struct loop_fd *fd, uint32_t events);
static void on_stack(struct notice *n);
static void on_due(struct due *d);

/* ---- the table ---- */

static struct ring *bucket_of(struct gateway *g, const union address *here,
                              const union address *there, int shared_fd)
{
    uint64_t h = address_hash(there, address_hash(here, g->udp_seed ^ (unsigned)shared_fd));

    return &g->udp_flows[h & (UDP_BUCKETS - 1)];
}

static struct udp_flow *flow_find(struct gateway *g, const union address *here,
                                  const union address *there, int shared_fd)
{
    struct ring *bucket = bucket_of(g, here, there, shared_fd);

    for (struct ring *r = bucket->next; r != bucket; r = r->next) {
        struct udp_flow *flow = ring_owner(r, struct udp_flow, link);

        if (flow->shared_fd == shared_fd && address_eq(&flow->here, here) &&
            address_eq(&flow->there, there))
            return flow;
    }
    return NULL;
}

static void flow_free(struct udp_flow *flow)
{
    if (flow->host.fd >= 0) {
        loop_remove(flow->g->config.loop, &flow->host);
        close(flow->host.fd);
    }
    hf_sock_close(flow->sk);
    ring_leave(&flow->notice.link);
    ring_leave(&flow->link);
    due_cancel(&flow->due);
    flow->g->udp_count--;
    free(flow);
}

static void make_room(struct gateway *g)
{
    struct due *oldest = due_oldest(&g->due, DUE_DNS_ANSWERED);

    if (!oldest)
        oldest = due_oldest(&g->due, DUE_IDLE);
    if (oldest)
        flow_free(ring_owner(oldest, struct udp_flow, due));
}

static void flow_touch(struct udp_flow *flow, enum due_class class)
{
    due_arm(&flow->g->due, &flow->due, class, loop_now(flow->g->config.loop));
}

/* Takes sk. NULL: no memory. */
static struct udp_flow *flow_new(struct gateway *g, struct hf_sock *sk, const union address *here,
                                 const union address *there, int shared_fd)
{
    struct udp_flow *flow;

    if (g->udp_count >= FLOWS_MAX)
        make_room(g);
    flow = calloc(1, sizeof(*flow));
    if (!flow) {
        hf_sock_close(sk);
        return NULL;
    }
    notice_init(&flow->notice, on_stack);
    due_init(&flow->due, on_due);
    flow->g = g;
    flow->sk = sk;
    flow->here = *here;
    flow->there = *there;
    flow->shared_fd = shared_fd;
    flow->host.fd = -1;
    flow->host.ready = on_host;
    ring_add(bucket_of(g, here, there, shared_fd), &flow->link);
    g->udp_count++;
    hf_sock_set_user(sk, &flow->notice);
    flow_touch(flow, DUE_IDLE);
    return flow;
}

static void on_due(struct due *d)
{
    flow_free(ring_owner(d, struct udp_flow, due));
}

/* A socket of the stack connected to `peer`, from `own` or, when that is NULL, from the gateway. */
static int stack_socket(struct gateway *g, const union address *own, const union address *peer,
                        struct hf_sock **out)
{
    const int on = 1;
    const bool is6 = peer->sa.sa_family == AF_INET6;
    struct hf_sock *sk;
    int err = hf_sock_new(g->stack, peer->sa.sa_family, SOCK_DGRAM, 0, &sk);

    if (err)
        return err;
    if (own) {
        err = hf_sock_setsockopt(sk, is6 ? SOL_IPV6 : SOL_IP,
                                 is6 ? HF_IPV6_TRANSPARENT : HF_IP_TRANSPARENT, &on, sizeof(on));
        /* Other flows are bound to the same destination. */
        if (!err)
            err = hf_sock_setsockopt(sk, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (!err)
            err = hf_sock_bind(sk, own, address_len(own));
    }
    if (!err)
        err = hf_sock_connect(sk, peer, address_len(peer), false);
    if (err) {
        hf_sock_close(sk);
        return err;
    }
    *out = sk;
    return 0;
}

/* ---- bytes ---- */

/* To the outside. The host's errors about what was sent earlier come here, too. */
static void send_out(struct udp_flow *flow, const void *bytes, size_t len)
{
    ssize_t n;

    flow_touch(flow, DUE_IDLE);
    if (flow->shared_fd >= 0)
        n = sendto(flow->shared_fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL, &flow->here.sa,
                   address_len(&flow->here));
    else
        n = send(flow->host.fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && flow->shared_fd < 0 && errno != EAGAIN && errno != EMSGSIZE)
        hf_sock_report(flow->sk, &flow->here, address_len(&flow->here), gateway_refusal(errno));
}

static void send_in(struct udp_flow *flow, void *bytes, size_t len)
{
    const struct hf_iovec iov = {.base = bytes, .len = len};
    const struct hf_msg msg = {.iov = &iov, .iov_len = 1};

    if (hf_sock_send(flow->sk, &msg, 0) < 0)
        gateway_log(flow->g, "udp: a datagram of %zu bytes did not fit and is lost", len);
}

/* What one of the flow's two sockets of the stack has; false: nothing more. */
static bool stack_to_host(struct udp_flow *flow)
{
    struct hf_iovec iov = {.base = flow->g->datagram, .len = DATAGRAM_MAX};
    struct hf_msg msg = {.iov = &iov, .iov_len = 1};
    int64_t n = hf_sock_recv(flow->sk, &msg, 0);

    if (n == -EAGAIN)
        return false;
    /* Anything else is an ICMP error of the program's: its port is closed, or will be told again.
     */
    if (n >= 0)
        send_out(flow, flow->g->datagram, (size_t)n);
    return true;
}

static void on_stack(struct notice *n)
{
    struct udp_flow *flow = ring_owner(n, struct udp_flow, notice);

    for (int i = 0; i < BATCH; i++) {
        if (!stack_to_host(flow))
            return;
    }
    notice_again(flow->g, n);
}

static void on_host(struct loop_fd *fd, uint32_t events)
{
    struct udp_flow *flow = ring_owner(fd, struct udp_flow, host);
    struct gateway *g = flow->g;

    gateway_clock(g);
    for (int i = 0; i < BATCH; i++) {
        ssize_t n = recv(fd->fd, g->datagram, DATAGRAM_MAX, MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n < 0) {
            hf_sock_report(flow->sk, &flow->here, address_len(&flow->here), gateway_refusal(errno));
            continue;
        }
        flow_touch(flow, flow->is_lookup ? DUE_DNS_ANSWERED : DUE_IDLE);
        send_in(flow, g->datagram, (size_t)n);
    }
}

/* ---- how flows begin ---- */

/* The host's socket of a flow of the program's. 0 or the errno. */
static int dial(struct udp_flow *flow, const union address *to)
{
    int err = 0;
    int fd = socket(to->sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    if (connect(fd, &to->sa, address_len(to)) < 0)
        err = errno;
    flow->host.fd = fd;
    flow->host.events = EPOLLIN;
    if (!err)
        err = -loop_add(flow->g->config.loop, &flow->host);
    if (err) {
        close(fd);
        flow->host.fd = -1;
    }
    return err;
}

/* What has no way out of the host is told of as a closed port would be: Linux makes nothing of an
 * unreachable network, and each look-up would take its time-out where the host's own fail at once.
 */
static enum hf_refusal no_way_out(int err)
{
    enum hf_refusal why = gateway_refusal(err);

    return why == HF_REFUSE_NET || why == HF_REFUSE_HOST ? HF_REFUSE_RESET : why;
}

static struct udp_flow *flow_begin(struct gateway *g, const union address *from,
                                   const union address *dst)
{
    union address to;
    bool allowed = gateway_translate(g, "udp", from, dst, &to);
    struct udp_flow *flow;
    struct hf_sock *sk;
    int err = stack_socket(g, dst, from, &sk);

    if (err) {
        gateway_log(g, "udp: a datagram is lost: %s", strerror(-err));
        return NULL;
    }
    flow = flow_new(g, sk, from, dst, -1);
    if (!flow)
        return NULL;
    flow->is_lookup = address_port(dst) == DNS_PORT;
    err = allowed ? dial(flow, &to) : ECONNREFUSED;
    if (err) {
        hf_sock_report(sk, from, address_len(from), no_way_out(err));
        flow_free(flow);
        return NULL;
    }
    return flow;
}

/* Where a datagram wanted to go, from its control data. */
static bool original_destination(const struct hf_msg *msg, union address *dst)
{
    struct msghdr m = {.msg_control = msg->control, .msg_controllen = msg->control_len};

    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        bool is4 = c->cmsg_level == SOL_IP && c->cmsg_type == HF_IP_ORIGDSTADDR;
        bool is6 = c->cmsg_level == SOL_IPV6 && c->cmsg_type == HF_IPV6_ORIGDSTADDR;

        if (!is4 && !is6)
            continue;
        memset(dst, 0, sizeof(*dst));
        memcpy(dst, CMSG_DATA(c), is4 ? sizeof(dst->in4) : sizeof(dst->in6));
        return true;
    }
    return false;
}

static bool catch_one(struct catcher *c)
{
    struct gateway *g = c->g;
    union address from = {0}, dst;
    uint64_t control[32];
    struct hf_iovec iov = {.base = g->datagram, .len = DATAGRAM_MAX};
    struct hf_msg msg = {.iov = &iov,
                         .iov_len = 1,
                         .addr = &from,
                         .addr_len = sizeof(from),
                         .control = control,
                         .control_len = sizeof(control)};
    struct udp_flow *flow;
    int64_t n = hf_sock_recv(c->sk, &msg, 0);

    if (n == -EAGAIN)
        return false;
    if (n < 0 || !original_destination(&msg, &dst) || address_is_group(&dst))
        return true;
    flow = flow_find(g, &from, &dst, -1);
    if (!flow)
        flow = flow_begin(g, &from, &dst);
    if (flow)
        send_out(flow, g->datagram, (size_t)n);
    return true;
}

static void on_catcher(struct notice *n)
{
    struct catcher *c = ring_owner(n, struct catcher, notice);

    for (int i = 0; i < BATCH; i++) {
        if (!catch_one(c))
            return;
    }
    notice_again(c->g, n);
}

void gateway_udp_call(struct gateway *g, int fd, const union address *client,
                      const union address *program, const void *bytes, size_t len)
{
    const struct hf_iovec iov = {.base = (void *)(uintptr_t)bytes, .len = len};
    const struct hf_msg msg = {.iov = &iov, .iov_len = 1};
    struct udp_flow *flow = flow_find(g, client, program, fd);
    struct hf_sock *sk;

    if (!flow) {
        if (stack_socket(g, NULL, program, &sk) < 0)
            return;
        flow = flow_new(g, sk, client, program, fd);
        if (!flow)
            return;
    }
    flow_touch(flow, DUE_IDLE);
    if (hf_sock_send(flow->sk, &msg, 0) < 0)
        gateway_log(g, "udp: a datagram to a published port is lost");
}

void gateway_udp_forget(struct gateway *g, int fd)
{
    for (int i = 0; i < UDP_BUCKETS; i++) {
        struct ring *bucket = &g->udp_flows[i];

        for (struct ring *r = bucket->next, *next = r->next; r != bucket;
             r = next, next = r->next) {
            struct udp_flow *flow = ring_owner(r, struct udp_flow, link);

            if (flow->shared_fd == fd)
                flow_free(flow);
        }
    }
}

static int catch (struct gateway *g, struct catcher *c, int family)
{
    const int on = 1;
    int err;

    c->g = g;
    notice_init(&c->notice, on_catcher);
    err = hf_sock_new(g->stack, family, SOCK_DGRAM, 0, &c->sk);
    if (err)
        return err;
    hf_sock_set_user(c->sk, &c->notice);
    if (family == AF_INET6)
        err = hf_sock_setsockopt(c->sk, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    return err ? err : hf_sock_receive_any(c->sk);
}

int gateway_udp_init(struct gateway *g)
{
    int err = catch (g, &g->udp[FAMILY4], AF_INET);

    return err ? err : catch (g, &g->udp[FAMILY6], AF_INET6);
}

void gateway_udp_fini(struct gateway *g)
{
    for (int i = 0; i < UDP_BUCKETS; i++) {
        while (!ring_alone(&g->udp_flows[i]))
            flow_free(ring_owner(g->udp_flows[i].next, struct udp_flow, link));
    }
    for (int i = 0; i < FAMILIES; i++)
        hf_sock_close(g->udp[i].sk);
}
