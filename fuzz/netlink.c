/* Requests of netlink, well-formed or not: nothing is read beyond them, and what answers them is
 * whole messages of whole attributes.
 *
 * The input: a byte for the protocol and the options, then requests as they stand in a datagram. */
#include <stdlib.h>
#include <string.h>

#include "handfast/errno.h"
#include "handfast/socket.h"
#include "handfast/stack.h"
#include "host/env.h"
#include "netlink/numbers.h"
#include "netlink/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static struct hf_sock *made(struct hf_stack *st, int domain, int type, int protocol)
{
    struct hf_sock *sk;

    if (hf_sock_new(st, domain, type, protocol, &sk))
        abort();
    return sk;
}

/* Routes of each kind, a listener and a bound datagram socket, for there to be something to tell.
 */
static void furnish(struct hf_stack *st)
{
    const struct hf_route routes[] = {
        {.prefix = "10.1.0.0/16", .kind = HF_ROUTE_UNREACHABLE},
        {.prefix = "2001:db8::/32", .kind = HF_ROUTE_PROHIBIT, .metric = 7},
        {.prefix = "10.2.0.0/16", .kind = HF_ROUTE_BLACKHOLE},
    };
    uint8_t port[28] = {10, 0, 0, 80}; /* [::]:80 */
    struct hf_sock *l = made(st, HF_AF_INET6, HF_SOCK_STREAM, 0);
    struct hf_sock *d = made(st, HF_AF_INET6, HF_SOCK_DGRAM, 0);

    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (hf_route_add(st, &routes[i]))
            abort();
    }
    if (hf_sock_bind(l, port, sizeof(port)) || hf_sock_listen(l, 5) ||
        hf_sock_bind(d, port, sizeof(port)))
        abort();
}

static void set(struct hf_sock *sk, int name, bool on)
{
    int v = on;

    if (hf_sock_setsockopt(sk, HF_SOL_NETLINK, name, &v, sizeof(v)))
        abort();
}

/* The bytes of a header of such a message of NETLINK_ROUTE. */
static uint32_t header_of(uint16_t type)
{
    switch (type) {
    case RT_NEWLINK:
        return 16;
    case RT_NEWADDR:
        return 8;
    default:
        return 12;
    }
}

static void check_datagram(const uint8_t *at, size_t n, bool is_route)
{
    struct request m;
    struct attrs attrs;

    while (n) {
        if (!request_read(at, n, &m))
            abort();
        if (m.head.type >= NL_FIRST_TYPE) {
            request_attrs(&m, is_route ? header_of(m.head.type) : 72, &attrs);
            if (attrs.has_rest)
                abort();
        } else if (m.head.type != NL_ERROR && m.head.type != NL_DONE) {
            abort();
        }
        at += m.head.len;
        n -= m.head.len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static uint8_t got[1 << 17];
    struct hf_env env = host_env();
    struct hf_stack_config config = {.env = env, .pool = hf_frame_pool_new(&env)};
    uint8_t how = len ? bytes[0] : 0;
    struct hf_iovec out = {(void *)(uintptr_t)(bytes + (len > 0)), len - (len > 0)};
    struct hf_iovec in = {got, sizeof(got)};
    struct hf_msg send = {.iov = &out, .iov_len = 1}, receive = {.iov = &in, .iov_len = 1};
    struct hf_stack *st;
    struct hf_sock *sk;
    int64_t n;

    if (hf_stack_new(&config, &st))
        abort();
    furnish(st);
    sk = made(st, HF_AF_NETLINK, HF_SOCK_RAW, how & 1 ? NL_SOCK_DIAG : NL_ROUTE);
    set(sk, NL_GET_STRICT_CHK, how & 2);
    set(sk, NL_EXT_ACK, how & 4);
    set(sk, NL_CAP_ACK, how & 8);
    hf_sock_set_owner(sk, 0, how & 16);
    (void)!hf_sock_send(sk, &send, 0);
    do {
        n = hf_sock_recv(sk, &receive, 0);
        if (n > 0)
            check_datagram(got, (size_t)n, !(how & 1));
    } while (n >= 0 || n == -HF_ENOBUFS);
    hf_stack_free(st);
    hf_frame_pool_free(config.pool);
    return 0;
}
