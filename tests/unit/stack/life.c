/* The ordinary life of sockets over a stack's own loopback, both families. C01, C03, C10, C14, C16,
 * C17, C24, C28; NetSem connect_1, connect_2, connect_4, connect_5. */
#include <string.h>

#include "handfast/errno.h"
#include "handfast/linux.h"
#include "handfast/socket.h"
#include "tap.h"
#include "testenv.h"

static const uint8_t lo4[16] = {2, 0, 0, 0, 127, 0, 0, 1};
static const uint8_t lo6[28] = {10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                0,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

struct world {
    struct testenv env;
    struct hf_frame_pool *pool;
    struct hf_stack *st;
    int family;
    const uint8_t *lo;
    uint32_t lo_len;
};

static void world_init(struct world *w, bool v6)
{
    struct hf_stack_config c = {0};

    memset(w, 0, sizeof(*w));
    c.env = testenv_env(&w->env);
    c.pool = w->pool = hf_frame_pool_new(&c.env);
    c.now = HF_S;
    w->family = v6 ? HF_AF_INET6 : HF_AF_INET;
    w->lo = v6 ? lo6 : lo4;
    w->lo_len = v6 ? sizeof(lo6) : sizeof(lo4);
    if (hf_stack_new(&c, &w->st) != 0)
        abort();
}

static void world_fini(struct world *w)
{
    struct hf_frame_pool_stats s;

    hf_stack_free(w->st);
    hf_frame_pool_stats(w->pool, &s);
    EQ(s.frames + s.pages, 0, "no_frame_and_no_page_is_left");
    hf_frame_pool_free(w->pool);
    EQ(w->env.out, 0, "no_memory_is_left");
}

static struct hf_sock *make(struct world *w, int type)
{
    struct hf_sock *sk;

    if (hf_sock_new(w->st, w->family, type, 0, &sk) != 0)
        abort();
    return sk;
}

static struct hf_sock *listener(struct world *w, uint8_t name[28])
{
    struct hf_sock *sk = make(w, HF_SOCK_STREAM);
    uint32_t len = 28;

    EQ(hf_sock_bind(sk, w->lo, w->lo_len), 0, "bind_to_port_0");
    EQ(hf_sock_listen(sk, 5), 0, "listen");
    EQ(hf_sock_getsockname(sk, name, &len), 0, "getsockname");
    return sk;
}

static void stream(struct world *w)
{
    uint8_t name[28];
    struct hf_sock *l = listener(w, name), *c = make(w, HF_SOCK_STREAM), *s = NULL;
    char buf[16] = "";
    struct hf_iovec out = {(void *)(uintptr_t) "hello", 5}, in = {buf, sizeof(buf)};
    struct hf_msg m = {.iov = &out, .iov_len = 1};

    EQ(hf_sock_poll(c), HF_POLLOUT | HF_POLLWRNORM | HF_POLLHUP, "fresh_is_out_and_hup");
    EQ(hf_sock_connect(c, name, w->lo_len, false), -HF_EINPROGRESS, "connect_is_under_way");
    EQ(hf_sock_connect(c, name, w->lo_len, false), -HF_EALREADY, "connect_again_is_already");
    hf_stack_poll(w->st, HF_S);
    EQ(hf_sock_connect(c, name, w->lo_len, false), 0, "connect_says_0_once");
    EQ(hf_sock_connect(c, name, w->lo_len, false), -HF_EISCONN, "then_it_is_connected");
    EQ(hf_sock_accept(l, &s), 0, "accept_gives_the_connection");
    EQ(hf_sock_send(c, &m, 0), 5, "send_takes_all");
    hf_stack_poll(w->st, HF_S);
    m.iov = &in;
    EQ(hf_sock_recv(s, &m, 0), 5, "recv_gives_all");
    OK(memcmp(buf, "hello", 5) == 0, "the_bytes_are_the_same");
    hf_sock_close(c);
    hf_stack_poll(w->st, HF_S);
    EQ(hf_sock_recv(s, &m, 0), 0, "the_end_of_the_stream_is_read");
    hf_sock_close(s);
    hf_sock_close(l);
    hf_stack_poll(w->st, HF_S);
}

/* Linux: accept() hands out the dead, with the address they came from. NetSem accept_1. */
static void reset_before_accept(struct world *w)
{
    struct {
        int on, seconds;
    } linger = {1, 0};
    uint8_t name[28], from[28], peer[28];
    struct hf_sock *l = listener(w, name), *c = make(w, HF_SOCK_STREAM), *s = NULL;
    uint32_t len = sizeof(name), room = sizeof(peer);

    EQ(hf_sock_connect(c, name, w->lo_len, false), -HF_EINPROGRESS, "connect_begins");
    hf_stack_poll(w->st, HF_S);
    EQ(hf_sock_getsockname(c, name, &len), 0, "the_client_has_a_name");
    EQ(hf_sock_setsockopt(c, HF_SOL_SOCKET, HF_SO_LINGER, &linger, sizeof(linger)), 0, "linger_0");
    hf_sock_close(c);
    hf_stack_poll(w->st, HF_S);
    EQ(hf_sock_accept(l, &s), 0, "a_reset_connection_is_accepted");
    len = sizeof(from);
    EQ(hf_sock_accepted_from(s, from, &len), 0, "its_origin_is_known");
    OK(len == w->lo_len && memcmp(from, name, len) == 0, "and_is_the_client");
    EQ(hf_sock_getpeername(s, peer, &room), -HF_ENOTCONN, "a_peer_it_has_not");
    EQ(hf_sock_accepted_from(l, from, &len), -HF_ENOTCONN, "a_listener_came_from_nowhere");
    hf_sock_close(s);
    hf_sock_close(l);
    hf_stack_poll(w->st, HF_S);
}

static void refused(struct world *w)
{
    uint8_t name[28];
    struct hf_sock *c = make(w, HF_SOCK_STREAM);

    hf_sock_close(listener(w, name));
    EQ(hf_sock_connect(c, name, w->lo_len, false), -HF_EINPROGRESS, "refused_connect_begins");
    hf_stack_poll(w->st, HF_S);
    EQ(hf_sock_connect_result(c), -HF_ECONNREFUSED, "its_result_is_refused");
    EQ(hf_sock_connect(c, name, w->lo_len, false), -HF_EINPROGRESS, "it_can_be_tried_again");
    hf_sock_close(c);
    hf_stack_poll(w->st, HF_S);
}

static void datagram(struct world *w)
{
    struct hf_sock *a = make(w, HF_SOCK_DGRAM), *b = make(w, HF_SOCK_DGRAM);
    uint8_t name[28], from[28], buf[8];
    uint32_t len = sizeof(name);
    struct hf_iovec out = {(void *)(uintptr_t) "dgram", 5}, in = {buf, sizeof(buf)};
    struct hf_msg m = {.iov = &out, .iov_len = 1};

    EQ(hf_sock_bind(a, w->lo, w->lo_len), 0, "udp_bind");
    EQ(hf_sock_getsockname(a, name, &len), 0, "udp_getsockname");
    EQ(hf_sock_connect(b, name, len, false), 0, "udp_connect_is_done_at_once");
    EQ(hf_sock_send(b, &m, 0), 5, "udp_send");
    hf_stack_poll(w->st, HF_S);
    m = (struct hf_msg){.iov = &in, .iov_len = 1, .addr = from, .addr_len = sizeof(from)};
    EQ(hf_sock_recv(a, &m, 0), 5, "udp_recv");
    EQ(m.addr_len, w->lo_len, "udp_source_address");
    hf_sock_close(a);
    hf_sock_close(b);
}

/* What new sockets start from, and what is no value for it. */
static void settings(void)
{
    static const struct {
        enum hf_tcp_setting what;
        uint32_t value;
        int result;
    } rows[] = {
        {HF_TCP_RMEM_DEFAULT, 540000, 0},
        {HF_TCP_RMEM_MAX, 4095, -HF_EINVAL},
        {HF_TCP_WMEM_DEFAULT, 262144, 0},
        {HF_TCP_WMEM_MAX, UINT32_MAX, -HF_EINVAL},
        {HF_TCP_SYN_RETRIES, 0, -HF_EINVAL},
        {HF_TCP_SYN_RETRIES, 127, 0},
        {HF_TCP_SYNACK_RETRIES, 128, -HF_EINVAL},
        {HF_TCP_TIMESTAMPS, 2, -HF_EINVAL},
        {HF_TCP_SACK, 0, 0},
        {HF_TCP_WINDOW_SCALING, 1, 0},
        {HF_TCP_SLOW_START_AFTER_IDLE, 2, -HF_EINVAL},
        {HF_TCP_UNSENT_DEFAULT, UINT32_MAX, 0},
        {HF_TCP_MIN_TSO_SEGS, 0, -HF_EINVAL},
        {HF_TCP_MIN_TSO_SEGS, 2, 0},
    };
    struct world w;
    struct hf_sock *sk;
    uint32_t value = 0, len = sizeof(value);

    world_init(&w, true);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        EQ(hf_stack_set_tcp(w.st, rows[i].what, rows[i].value), rows[i].result,
           "a_setting_in_range_is_taken");
    sk = make(&w, HF_SOCK_STREAM);
    if (hf_sock_getsockopt(sk, HF_SOL_SOCKET, HF_SO_RCVBUF, &value, &len))
        abort();
    EQ(value, 540000, "a_socket_starts_from_the_setting");
    hf_sock_close(sk);
    world_fini(&w);
}

int main(void)
{
    tap_begin(20);
    settings();
    for (int v6 = 0; v6 < 2; v6++) {
        struct world w;

        world_init(&w, v6);
        stream(&w);
        reset_before_accept(&w);
        refused(&w);
        datagram(&w);
        world_fini(&w);
    }
    return tap_end();
}
