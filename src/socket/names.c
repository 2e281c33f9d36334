/* getsockname(), getpeername(). NetSem getsockname_1, getpeername_1, getpeername_2. */
#include "socket/kernel.h"
#include "socket/local.h"
#include "socket/sock.h"
#include "wire/sockaddr.h"

static void give(const struct hf_sock *sk, const struct endpoint *ep, void *addr, uint32_t *len)
{
    uint8_t bytes[SOCKADDR_IN6];
    uint32_t full = sockaddr_write(ep, sock_family(sk), bytes);

    memcpy(addr, bytes, HF_MIN(*len, full));
    *len = full;
}

static uint32_t scope(const struct pcb *pcb, const struct ip_addr *addr)
{
    return sockaddr_needs_scope(addr) ? pcb->link_index : 0;
}

int hf_sock_getsockname(struct hf_sock *sk, void *addr, uint32_t *len)
{
    const struct pcb *pcb = sock_pcb(sk);
    struct endpoint ep;

    if (sk->is_unix)
        return local_name(sock_unix(sk), addr, len);
    if (sk->is_netlink)
        return kernel_sockname(sk, addr, len);
    ep = (struct endpoint){pcb->entry.laddr, pcb->entry.lport, scope(pcb, &pcb->entry.laddr)};
    give(sk, &ep, addr, len);
    return 0;
}

int hf_sock_accepted_from(const struct hf_sock *sk, void *addr, uint32_t *len)
{
    const struct pcb *pcb = sock_pcb(sk);
    struct endpoint ep;

    if (sk->is_unix)
        return local_name(sock_unix(sk)->peer, addr, len);
    if (sk->is_netlink)
        return kernel_peername(sk, addr, len);
    ep = (struct endpoint){pcb->entry.raddr, pcb->entry.rport, scope(pcb, &pcb->entry.raddr)};
    if (ep.port == 0)
        return -HF_ENOTCONN;
    give(sk, &ep, addr, len);
    return 0;
}

int hf_sock_getpeername(struct hf_sock *sk, void *addr, uint32_t *len)
{
    /* Linux: not before the handshake nor after the end, though the peer is known. */
    if (sk->is_stream) {
        enum tcp_state state = tcp_state(sock_tcb(sk));

        if (state == TCP_CLOSED || state == TCP_SYN_SENT || state == TCP_LISTEN)
            return -HF_ENOTCONN;
    }
    return hf_sock_accepted_from(sk, addr, len);
}

struct hf_sock *hf_sock_far_end(const struct hf_sock *sk, const struct hf_sock *any)
{
    const struct demux_entry *at = &sock_pcb(sk)->entry;
    struct demux_entry *e;
    struct hf_sock *found;

    if (!sk->is_stream || at->kind != DEMUX_CONN)
        return NULL;
    e = demux_find_conn(&any->all->tcp.demux, &at->raddr, at->rport, &at->laddr, at->lport, 0);
    if (!e || e->kind != DEMUX_CONN)
        return NULL;
    found = sock_of_block(container_of(e, struct pcb, entry));
    return found->is_closed ? NULL : found;
}
