/* bind(). NetSem bind_1 to bind_9; Linux: inet_bind, inet6_bind. */
#include "net/net.h"
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

/* The address is this host's to bind, or a group's; over IPv6 only for datagrams, as on Linux. */
static int check_address(struct hf_sock *sk, const struct endpoint *ep)
{
    struct pcb *pcb = sock_pcb(sk);
    struct net *net = &sk->all->net;

    if (addr_is4(&ep->addr) && pcb_is_v6(pcb) && pcb->entry.v6only)
        return -HF_EINVAL;
    if (addr_is_any(&ep->addr) || pcb->entry.transparent || pcb->entry.freebind)
        return 0;
    if (addr_is_link_local6(&ep->addr)) {
        uint32_t index = ep->scope ? ep->scope : pcb->link_index;

        if (index == 0)
            return -HF_EINVAL;
        if (index > NET_LINKS || !net->links[index])
            return -HF_ENODEV;
    }
    if (addr_is_multicast(&ep->addr) || net_is_broadcast(net, &ep->addr))
        return !sk->is_stream || addr_is4(&ep->addr) ? 0 : -HF_EINVAL;
    return net_is_local(net, &ep->addr) ? 0 : -HF_EADDRNOTAVAIL;
}

int hf_sock_bind(struct hf_sock *sk, const void *addr, uint32_t len)
{
    struct pcb *pcb = sock_pcb(sk);
    struct endpoint ep;
    int err = read_address(sk, addr, len, &ep);

    if (!err)
        err = check_address(sk, &ep);
    if (err)
        return err;
    if (ep.port && ep.port < sk->all->unprivileged_port_start && !sk->all->core.privileged)
        return -HF_EACCES; /* C18 */
    if (pcb->entry.lport || (sk->is_stream && tcp_state(sock_tcb(sk)) != TCP_CLOSED))
        return -HF_EINVAL;
    if (addr_is_any(&ep.addr))
        ep.addr = pcb_is_v6(pcb) && !addr_is4(&ep.addr) ? ADDR_ANY6 : ADDR_ANY4;
    if (addr_is_link_local6(&ep.addr) && !pcb->link_index)
        pcb->link_index = ep.scope; /* Linux: it stays when the port is not to be had */
    if (!ep.port && pcb->entry.bind_no_port) {
        pcb->entry.laddr = ep.addr;
    } else {
        err = sk->is_stream ? ports_bind(&sk->all->tcp.ports, pcb, &ep.addr, ep.port)
                            : udp_bind(sock_udp(sk), &ep.addr, ep.port);
        if (err)
            return err;

        /* TCP: a port that bind() chose stays as one it was told; UDP gives it up with the peer. */
        pcb->port_bound = sk->is_stream || ep.port != 0;
    }
    /* Linux: to an IPv6 socket ::ffff:0.0.0.0 is an address. */
    pcb->addr_bound = !addr_is_any(&ep.addr) || addr_is4(&ep.addr) == pcb_is_v6(pcb);
    return 0;
}
