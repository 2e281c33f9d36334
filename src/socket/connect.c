/* connect(): the second stop, where the address is decoded and the socket's state answers. C01 to
 * C27; Linux: __inet_stream_connect, tcp_v4_connect, tcp_v6_connect, __ip4_datagram_connect.
 *
 * A stream socket's answers, by its state and that of the connection:
 *
 *   socket        connection              answer
 *   any           any, family AF_UNSPEC   0, dissolved (NetSem disconnect_5)
 *   UNCONNECTED   CLOSED                  an open begins: EINPROGRESS (C14, connect_1)
 *   UNCONNECTED   other (listening)       EISCONN (connect_5)
 *   CONNECTING    SYN-SENT, SYN-RECEIVED  EALREADY; a waiter joins: EINPROGRESS (C16, connect_5d)
 *                 SYN-SENT, put off       EISCONN: it waits for the first bytes (Fast Open)
 *   CONNECTING    CLOSED                  the error, once, else ECONNABORTED (connect_3, connect_4)
 *   CONNECTING    other                   0, once (connect_2)
 *   CONNECTED     any                     EISCONN (C17)
 *   DISCONNECTING any                     EINVAL
 */
#include "socket/kernel.h"
#include "socket/local.h"
#include "socket/sock.h"
#include "wire/sockaddr.h"

/* An address that means something only on a link needs one, and the socket's own if it has one. */
static int check_scope(const struct pcb *pcb, const struct endpoint *dst)
{
    if (!sockaddr_needs_scope(&dst->addr))
        return 0;
    if (!dst->scope)
        return pcb->link_index ? 0 : -HF_EINVAL;
    return pcb->link_index && pcb->link_index != dst->scope ? -HF_EINVAL : 0;
}

/* Linux: what tcp_v4_connect and tcp_v6_connect ask of an address. C02, C22. */
static int read_stream_address(const struct hf_sock *sk, const void *addr, uint32_t len,
                               struct endpoint *dst)
{
    uint16_t family = sock_family(sk);
    const struct pcb *pcb = sock_pcb(sk);

    if (len < (family == HF_AF_INET ? SOCKADDR_IN : SOCKADDR_IN6_MIN))
        return -HF_EINVAL;
    if (sockaddr_family(addr) != family)
        return -HF_EAFNOSUPPORT;
    sockaddr_read(addr, len, family, dst);
    /* Linux: a group is refused for being one. */
    return addr_is_multicast(&dst->addr) ? 0 : check_scope(pcb, dst);
}

static bool is_opening(const struct hf_sock *sk)
{
    enum tcp_state state = tcp_state(sock_tcb(sk));

    return state == TCP_SYN_SENT || state == TCP_SYN_RECEIVED;
}

/* NetSem connect_2, connect_3, connect_4, connect_4a. */
int hf_sock_connect_result(struct hf_sock *sk)
{
    int err;

    if (!sk->is_stream || sk->state == SOCK_CONNECTED)
        return 0;
    if (is_opening(sk))
        return -HF_EINPROGRESS;
    if (tcp_state(sock_tcb(sk)) != TCP_CLOSED) {
        sk->state = SOCK_CONNECTED;
        return 0;
    }
    /* Linux: sock_error() or ECONNABORTED, and tcp_disconnect. */
    err = sock_take_error(sk);
    sk->state = SOCK_UNCONNECTED;
    sock_set_shut(sk, 0);
    tcp_disconnect(sock_tcb(sk));
    return err ? err : -HF_ECONNABORTED;
}

/* NetSem connect_5, connect_6. */
int sock_connect_stream(struct hf_sock *sk, const void *addr, uint32_t len, int how, bool can_wait)
{
    struct tcb *tcb = sock_tcb(sk);
    struct endpoint dst;
    int err;

    if (sk->state == SOCK_CONNECTED)
        return -HF_EISCONN;
    if (sk->state == SOCK_DISCONNECTING)
        return -HF_EINVAL;
    if (tcp_is_deferred(tcb))
        return -HF_EISCONN;
    if (sk->state == SOCK_CONNECTING) {
        err = hf_sock_connect_result(sk);
        return err == -HF_EINPROGRESS && !can_wait ? -HF_EALREADY : err;
    }
    if (tcp_state(tcb) != TCP_CLOSED)
        return -HF_EISCONN;
    err = read_stream_address(sk, addr, len, &dst);
    if (err)
        return err;
    if (addr_is_link_local6(&dst.addr) && !sock_pcb(sk)->link_index)
        sock_pcb(sk)->link_index = dst.scope;
    err = tcp_open_active(tcb, &dst, how);
    if (err)
        return err;
    sk->state = SOCK_CONNECTING;
    return tcp_is_deferred(tcb) ? 0 : -HF_EINPROGRESS;
}

/* NetSem disconnect_4, disconnect_5. */
static int stream_dissolve(struct hf_sock *sk)
{
    tcp_disconnect(sock_tcb(sk));
    sk->state = SOCK_UNCONNECTED;
    sock_set_shut(sk, 0);
    sock_event(sk);
    return 0;
}

/* Linux: __ip6_datagram_connect takes an AF_INET address too. Any number of times. C04, C08. */
static int datagram_connect(struct hf_sock *sk, const void *addr, uint32_t len)
{
    uint16_t family = sock_family(sk);
    uint16_t given = sockaddr_family(addr);
    struct endpoint dst;
    int err = udp_autobind(sock_udp(sk)); /* Linux: before the address is looked at */

    if (err)
        return err;
    if (family == HF_AF_INET6 && given == HF_AF_INET) {
        if (sock_pcb(sk)->entry.v6only)
            return -HF_EAFNOSUPPORT;
        family = HF_AF_INET;
    }
    if (len < (family == HF_AF_INET ? SOCKADDR_IN : SOCKADDR_IN6_MIN))
        return -HF_EINVAL;
    if (given != family)
        return -HF_EAFNOSUPPORT;
    sockaddr_read(addr, len, family, &dst);
    if (!dst.scope && sockaddr_needs_scope(&dst.addr) && addr_is_multicast(&dst.addr))
        dst.scope = sock_udp(sk)->mcast6.link;
    err = check_scope(sock_pcb(sk), &dst);
    return err ? err : udp_connect(sock_udp(sk), &dst);
}

int sock_fastopen_how(const struct hf_sock *sk)
{
    return (sk->opt.fastopen_connect ? TCP_OPEN_FAST : 0) |
           (sk->opt.fastopen_no_cookie ? TCP_OPEN_NO_COOKIE : 0);
}

int hf_sock_connect(struct hf_sock *sk, const void *addr, uint32_t len, bool can_wait)
{
    if (sk->is_unix)
        return local_connect(sk, addr, len);
    if (sk->is_netlink)
        return kernel_connect(sk, addr, len);
    if (len < 2)
        return -HF_EINVAL;
    if (sockaddr_family(addr) == HF_AF_UNSPEC) {
        if (sk->is_stream)
            return stream_dissolve(sk);
        udp_disconnect(sock_udp(sk)); /* C07, C09 */
        return 0;
    }
    return sk->is_stream ? sock_connect_stream(sk, addr, len, sock_fastopen_how(sk), can_wait)
                         : datagram_connect(sk, addr, len);
}

void hf_sock_connect_record(const struct hf_sock *sk, struct hf_connect_record *out)
{
    if (sk->is_stream)
        tcp_connect_record(sock_tcb(sk), out);
    else
        *out = (struct hf_connect_record){0};
}
