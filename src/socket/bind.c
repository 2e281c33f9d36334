/* bind(). Linux: inet_bind, inet6_bind. */
#include "net/net.h"
#include "socket/kernel.h"
#include "socket/local.h"
#include "socket/sock.h"
#include "wire/sockaddr.h"

/* The address as bind() may name it; Linux's order of refusals. */
static int read_address(const struct hf_sock *sk, const void *addr, uint32_t len,
                        struct endpoint *ep)
{
    uint16_t family = sock_family(sk);
    uint16_t given = len >= 2 ? sockaddr_family(addr) : 0;

    if (len < (family == HF_AF_INET ? SOCKADDR_IN : SOCKADDR_IN6_MIN))
        return -HF_EINVAL;
    if (family == HF_AF_INET6 && given != HF_AF_INET6)
        return -HF_EAFNOSUPPORT;
    sockaddr_read(addr, len, family, ep);
    if (given == family)
        return 0;
    /* Linux: AF_UNSPEC with INADDR_ANY is taken for AF_INET. */
    return given == HF_AF_UNSPEC && addr_is_any(&ep->addr) ? 0 : -HF_EAFNOSUPPORT;
}

/* The address is this host's to bind, or one that many share. NetSem bind_3. */
static bool is_bindable(const struct hf_sock *sk, const struct ip_addr *addr)
{
    const struct net *net = &sk->all->net;
    const struct demux_entry *e = &sock_pcb(sk)->entry;

    return addr_is_any(addr) || e->transparent || e->freebind || addr_is_multicast(addr) ||
           net_is_broadcast(net, addr) || net_is_local(net, addr);
}

/* C18, and a socket that is bound already or has a connection. NetSem bind_5, bind_7, bind_8. */
static int check_port(const struct hf_sock *sk, uint16_t port)
{
    if (port && port < sk->all->unprivileged_port_start && !sock_is_privileged(sk))
        return -HF_EACCES;
    if (sock_pcb(sk)->entry.port_hold != PORT_NONE ||
        (sk->is_stream && tcp_state(sock_tcb(sk)) != TCP_CLOSED))
        return -HF_EINVAL;
    return 0;
}

/* The link an IPv6 address is bound on, which stays whatever comes of the bind. */
static int take_scope(struct hf_sock *sk, const struct endpoint *ep)
{
    struct pcb *pcb = sock_pcb(sk);

    if (sockaddr_needs_scope(&ep->addr)) {
        if (ep->scope)
            pcb->link_index = ep->scope;
        if (!pcb->link_index)
            return -HF_EINVAL;
    }
    if (pcb->link_index && !net_link_by_index(&sk->all->net, pcb->link_index))
        return -HF_ENODEV;
    return 0;
}

/* Linux's order over IPv4: the address, the port, the socket. */
static int check4(const struct hf_sock *sk, const struct endpoint *ep)
{
    return is_bindable(sk, &ep->addr) ? check_port(sk, ep->port) : -HF_EADDRNOTAVAIL;
}

/* And over IPv6: the port, the socket, the address. */
static int check6(struct hf_sock *sk, const struct endpoint *ep)
{
    bool is_mapped = addr_is4(&ep->addr);
    int err;

    if (!is_mapped && addr_is_multicast(&ep->addr) && sk->is_stream)
        return -HF_EINVAL;
    err = check_port(sk, ep->port);
    if (err)
        return err;
    if (is_mapped && sock_pcb(sk)->entry.v6only)
        return -HF_EINVAL;
    if (is_mapped || !addr_is_any(&ep->addr))
        err = take_scope(sk, ep);
    if (err)
        return err;
    return is_bindable(sk, &ep->addr) ? 0 : -HF_EADDRNOTAVAIL;
}

/* Linux: an address that is IPv6's alone makes the socket so. */
static int take_port(struct hf_sock *sk, const struct endpoint *ep)
{
    struct demux_entry *e = &sock_pcb(sk)->entry;
    bool was_v6only = e->v6only;
    int err;

    if (e->is_v6 && !addr_is4(&ep->addr) && !addr_is_any(&ep->addr))
        e->v6only = 1;
    if (!ep->port && e->bind_no_port) {
        e->laddr = ep->addr;
        e->lport = 0; /* what an earlier connection left */
        return 0;
    }
    err = sk->is_stream ? ports_bind(&sk->all->tcp.ports, sock_pcb(sk), &ep->addr, ep->port)
                        : udp_bind(sock_udp(sk), &ep->addr, ep->port);
    if (err) {
        e->v6only = was_v6only;
        e->laddr = pcb_any(sock_pcb(sk)); /* Linux: inet_reset_saddr */
        sock_pcb(sk)->addr_bound = 0;
    } else /* a port that bind() chose is given up when the connection ends */
        sock_pcb(sk)->port_bound = ep->port != 0;
    return err;
}

/* NetSem bind_1. */
int hf_sock_bind(struct hf_sock *sk, const void *addr, uint32_t len)
{
    struct pcb *pcb = sock_pcb(sk);
    struct endpoint ep;
    int err;

    if (sk->is_unix)
        return local_bind(sk, addr, len);
    if (sk->is_netlink)
        return kernel_bind(sk, addr, len);
    err = read_address(sk, addr, len, &ep);
    if (!err)
        err = pcb_is_v6(pcb) ? check6(sk, &ep) : check4(sk, &ep);
    if (!err)
        err = take_port(sk, &ep);
    if (err)
        return err;
    if (sk->is_stream) { /* SO_PEERNAME tells of a connection's peer until now */
        pcb->entry.raddr = pcb_any(pcb);
        pcb->entry.rport = 0;
    }
    /* Linux: to an IPv6 socket ::ffff:0.0.0.0 is an address. */
    pcb->addr_bound = !addr_is_any(&ep.addr) || addr_is4(&ep.addr) == pcb_is_v6(pcb);
    return 0;
}
