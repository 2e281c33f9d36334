/* send(), sendto(), sendmsg(). C05. */
#include "socket/control.h"
#include "socket/cork.h"
#include "socket/kernel.h"
#include "socket/local.h"
#include "socket/sock.h"
#include "wire/sockaddr.h"

/* The open that MSG_FASTOPEN begins; 0: it waits for the bytes. Linux: tcp_sendmsg_fastopen. */
static int open_for_send(struct hf_sock *sk, const struct hf_msg *msg)
{
    bool dissolves = msg->addr && msg->addr_len >= 2 && sockaddr_family(msg->addr) == HF_AF_UNSPEC;
    int how = TCP_OPEN_LATER | (sock_fastopen_how(sk) & TCP_OPEN_NO_COOKIE);

    if (!(sk->all->tcp.fastopen.bits & TCP_FASTOPEN_CLIENT) || dissolves)
        return -HF_EOPNOTSUPP;
    if (tcp_is_deferred(sock_tcb(sk)))
        return 0;
    if (msg->addr && msg->addr_len < 2)
        return -HF_EINVAL;
    return sock_connect_stream(sk, msg->addr, msg->addr ? msg->addr_len : 0, how, false);
}

static bool is_opening(const struct tcb *tcb)
{
    return tcp_state(tcb) == TCP_SYN_SENT || tcp_state(tcb) == TCP_SYN_RECEIVED;
}

static size_t bytes_of(const struct hf_msg *msg)
{
    size_t bytes = 0;

    for (size_t i = 0; i < msg->iov_len; i++)
        bytes += msg->iov[i].len;
    return bytes;
}

static int64_t send_nothing(struct hf_sock *sk)
{
    enum tcp_state state = tcp_state(sock_tcb(sk));

    if (state == TCP_CLOSED || state == TCP_LISTEN)
        return sock_pcb(sk)->err ? sock_take_error(sk) : -HF_EPIPE;
    return is_opening(sock_tcb(sk)) ? -HF_EAGAIN : 0;
}

/* NetSem send_7, send_8. */
static int64_t stream_send(struct hf_sock *sk, const struct hf_msg *msg, int flags)
{
    struct tcb *tcb = sock_tcb(sk);
    bool waits = !(flags & HF_MSG_DONTWAIT);
    int how = (flags & HF_MSG_MORE ? TCP_SEND_MORE : 0) | (flags & HF_MSG_OOB ? TCP_SEND_OOB : 0) |
              (flags & HF_MSG_EOR ? TCP_SEND_RECORD : 0) |
              (flags & HF_MSG_ZEROCOPY && sk->opt.zerocopy ? TCP_SEND_TELL : 0) |
              (waits ? TCP_SEND_WAITS : 0);
    int64_t n;

    if (flags & HF_MSG_FASTOPEN || tcp_is_deferred(tcb)) {
        n = open_for_send(sk, msg);
        if (n)
            return n;
        if (tcp_is_deferred(tcb)) {
            n = tcp_send(tcb, msg->iov, msg->iov_len, how);
            return waits ? -HF_EINPROGRESS : n;
        }
    }
    if (sk->shut & SOCK_SHUT_WR && !is_opening(tcb))
        return sock_pcb(sk)->err ? sock_take_error(sk) : -HF_EPIPE;
    if (bytes_of(msg) ==
        0) /* Linux: nothing to do, but errors are told, and an open is waited for */
        return send_nothing(sk);
    return tcp_send(tcb, msg->iov, msg->iov_len, how);
}

/* Where a datagram is to go. */
struct destination {
    struct endpoint ep;
    bool is_named; /* else: the peer, and ep is not set */
    bool is4;      /* by IPv4 */
    bool is_lost;  /* IPv4's, to be looked for in IPv6's routes */
};

/* Linux: udpv6_sendmsg, which hands to udp_sendmsg what goes by IPv4. */
static int read_destination6(const struct hf_sock *sk, const struct hf_msg *msg,
                             struct destination *d)
{
    const struct pcb *pcb = sock_pcb(sk);
    bool is_connected = sock_udp(sk)->is_connected;
    uint16_t given = HF_AF_UNSPEC;

    d->is_named = msg->addr;
    if (d->is_named && msg->addr_len < 2)
        return -HF_EINVAL;
    if (d->is_named)
        given = sockaddr_family(msg->addr);
    d->is4 = given == HF_AF_INET;
    if (given == HF_AF_INET6) {
        if (msg->addr_len < SOCKADDR_IN6_MIN)
            return -HF_EINVAL;
        sockaddr_read(msg->addr, msg->addr_len, given, &d->ep);
        if (addr_is_any(&d->ep.addr) && !addr_is4(&d->ep.addr) && addr_is4(&pcb->entry.laddr))
            d->ep.addr = ADDR_LOOPBACK4;
        d->is4 = addr_is4(&d->ep.addr);
    } else if (given == HF_AF_UNSPEC) {
        if (!is_connected)
            return -HF_EDESTADDRREQ;
        d->is4 = addr_is4(&pcb->entry.raddr);
        d->is_lost = d->is4 && d->is_named;
        d->is4 &= !d->is_lost;
        d->is_named = false;
    } else if (given != HF_AF_INET) {
        return -HF_EINVAL;
    }
    return d->is4 && pcb->entry.v6only ? -HF_ENETUNREACH : 0;
}

/* Linux: udp_sendmsg. NetSem send_12, send_18. */
static int read_destination4(const struct hf_sock *sk, const struct hf_msg *msg, int flags,
                             size_t bytes, struct destination *d)
{
    const struct pcb *pcb = sock_pcb(sk);
    bool is_mapped = d->is_named && pcb_is_v6(pcb) && sockaddr_family(msg->addr) == HF_AF_INET6;

    if (bytes > UINT16_MAX)
        return -HF_EMSGSIZE;
    if (flags & HF_MSG_OOB)
        return -HF_EOPNOTSUPP;
    if (d->is_named && !is_mapped) {
        if (msg->addr_len < SOCKADDR_IN)
            return -HF_EINVAL;
        if (sockaddr_family(msg->addr) != HF_AF_INET && sockaddr_family(msg->addr) != HF_AF_UNSPEC)
            return -HF_EAFNOSUPPORT;
        sockaddr_read(msg->addr, msg->addr_len, HF_AF_INET, &d->ep);
    }
    if (!d->is_named && !sock_udp(sk)->is_connected)
        return -HF_EDESTADDRREQ;
    /* Linux: an IPv6 socket's peer is named for it. */
    return !d->is_named && pcb_is_v6(pcb) && !pcb->entry.rport ? -HF_EINVAL : 0;
}

/* More of a datagram that is being made, and what Linux's udp_sendmsg asks of all. */
static int64_t send_more(struct hf_sock *sk, const struct hf_msg *msg, int flags, size_t bytes)
{
    bool is_probe = flags & HF_MSG_PROXY, more = flags & HF_MSG_MORE || sk->opt.udp_cork;
    int err;

    if (cork_is4(sk) && bytes > UINT16_MAX)
        return -HF_EMSGSIZE;
    if (cork_is4(sk) && flags & HF_MSG_OOB)
        return -HF_EOPNOTSUPP;
    if (!is_probe)
        return cork_append(sk, msg, more);
    err = more ? 0 : cork_push(sk);
    return err ? err : (int64_t)bytes;
}

/* Linux looks at an address in spite of the datagram that is being made only where udpv6_sendmsg
 * has not decided before. */
static bool asks_for_address(const struct hf_sock *sk, const struct hf_msg *msg)
{
    uint16_t given;

    if (sock_family(sk) == HF_AF_INET || !msg->addr)
        return false;
    given = msg->addr_len < 2 ? HF_AF_INET6 : sockaddr_family(msg->addr);
    return !(given == HF_AF_UNSPEC || (given == HF_AF_INET && cork_is4(sk)));
}

/* To the peer, as the socket says, now. */
static bool is_plain(const struct hf_sock *sk, const struct hf_msg *msg, int flags)
{
    return !msg->addr && !msg->control_len && !sk->opt.udp_cork && !sock_udp(sk)->cork &&
           !(flags & (HF_MSG_OOB | HF_MSG_MORE | HF_MSG_PROXY)) && !(sk->shut & SOCK_SHUT_WR);
}

static int64_t datagram_send_any(struct hf_sock *sk, const struct hf_msg *msg, int flags,
                                 size_t bytes)
{
    struct destination d = {.is4 = true};
    struct udp_how how = {.ttl = -1,
                          .tos = -1,
                          .dont_fragment = -1,
                          .segment = -1,
                          .is_shut = (sk->shut & SOCK_SHUT_WR) != 0,
                          .is_probe = (flags & HF_MSG_PROXY) != 0};
    bool more = (flags & HF_MSG_MORE || sk->opt.udp_cork) && !how.is_probe;
    int err = udp_autobind(sock_udp(sk)); /* Linux: before anything is looked at */

    if (flags & HF_MSG_OOB && sock_family(sk) == HF_AF_INET)
        return bytes > UINT16_MAX ? -HF_EMSGSIZE : -HF_EOPNOTSUPP;
    if (sock_cork(sk) && !asks_for_address(sk, msg))
        return send_more(sk, msg, flags, bytes);
    if (!err && sock_family(sk) == HF_AF_INET6)
        err = read_destination6(sk, msg, &d);
    else
        d.is_named = msg->addr;
    if (!err && d.is4)
        err = read_destination4(sk, msg, flags, bytes, &d);
    if (err)
        return err;
    if (sock_cork(sk) && d.is4 && !cork_is4(sk))
        return -HF_EINVAL;
    if (sock_cork(sk))
        return send_more(sk, msg, flags, bytes);
    how.dst = d.is_named ? &d.ep : NULL;
    if (how.dst && !how.dst->port)
        return -HF_EINVAL;
    err = control_read(sk, msg, d.is4, &how);
    if (!err && d.is_lost)
        err = -HF_ENETUNREACH;
    if (!err && more)
        err = cork_begin(sk, &how, d.is4, bytes);
    if (err)
        return err;
    return more ? cork_append(sk, msg, true) : udp_send(sock_udp(sk), &how, msg->iov, msg->iov_len);
}

static int64_t datagram_send(struct hf_sock *sk, const struct hf_msg *msg, int flags)
{
    size_t bytes = bytes_of(msg);

    if (is_plain(sk, msg, flags) && bytes <= UINT16_MAX &&
        udp_twin_send(sock_udp(sk), msg->iov, (uint32_t)bytes, true))
        return (int64_t)bytes;
    return datagram_send_any(sk, msg, flags, bytes);
}

int64_t hf_sock_send(struct hf_sock *sk, const struct hf_msg *msg, int flags)
{
    if (sk->is_unix)
        return local_send(sk, msg, flags);
    if (sk->is_netlink)
        return kernel_send(sk, msg, flags);
    return sk->is_stream ? stream_send(sk, msg, flags) : datagram_send(sk, msg, flags);
}

/* A connected datagram's time of arrival is told to who asked for it: that takes the clock. */
size_t hf_sock_send_now(struct hf_sock *sk, const void *buf, size_t len)
{
    struct hf_iovec iov = {(void *)(uintptr_t)buf, len};

    if (sk->shut & SOCK_SHUT_WR)
        return 0;
    if (sk->is_stream)
        return tcp_send_now(sock_tcb(sk), buf, len);
    if (!sock_is_udp(sk) || len > UINT16_MAX || sk->opt.udp_cork || sock_udp(sk)->cork)
        return 0;
    return udp_twin_send(sock_udp(sk), &iov, (uint32_t)len, false) ? len : 0;
}

size_t hf_sock_opened_with(const struct hf_sock *sk)
{
    return sk->is_stream ? tcp_syn_bytes(sock_tcb(sk)) : 0;
}

int hf_sock_reserve(struct hf_sock *sk, size_t want, struct hf_iovec *iov, int n)
{
    if (!sk->is_stream)
        return -HF_EOPNOTSUPP;
    if (sk->shut & SOCK_SHUT_WR)
        return -HF_EPIPE;
    return tcp_reserve(sock_tcb(sk), want, iov, n);
}

void hf_sock_commit(struct hf_sock *sk, size_t len)
{
    tcp_commit(sock_tcb(sk), len);
}
