/* Options that are a switch: where each is kept. Linux: inet_test_bit and its relatives. */
#include "socket/options.h"

#include "socket/sock.h"
#include "transport/err_queue.h"

void sock_options_init(struct sock_options *o)
{
    *o = (struct sock_options){
        .rcvtimeo_ms = SOCK_TIMEO_NONE,
        .sndtimeo_ms = SOCK_TIMEO_NONE,
        .rcvlowat = 1,
        .peek_off = -1,
        .mcast_loop4 = 1,
        .mcast_loop6 = 1,
        .inert = INERT_MULTICAST_ALL | INERT_MULTICAST_ALL6 | INERT_AUTOFLOWLABEL | INERT_TXREHASH,
    };
}

static int find_socket(int name)
{
    switch (name) {
    case HF_SO_REUSEADDR:
        return OPTION_REUSEADDR;
    case HF_SO_REUSEPORT:
        return OPTION_REUSEPORT;
    case HF_SO_BROADCAST:
        return OPTION_BROADCAST;
    case HF_SO_KEEPALIVE:
        return OPTION_KEEPALIVE;
    case HF_SO_OOBINLINE:
        return OPTION_OOBINLINE;
    case HF_SO_DEBUG:
        return OPTION_INERT + INERT_DEBUG;
    case HF_SO_DONTROUTE:
        return OPTION_INERT + INERT_DONTROUTE;
    case HF_SO_NO_CHECK:
        return OPTION_INERT + INERT_NO_CHECK;
    case HF_SO_NOFCS:
        return OPTION_INERT + INERT_NOFCS;
    case HF_SO_RXQ_OVFL:
        return OPTION_RXQ_OVFL;
    case HF_SO_WIFI_STATUS:
        return OPTION_INERT + INERT_WIFI_STATUS;
    case HF_SO_LOCK_FILTER:
        return OPTION_INERT + INERT_LOCK_FILTER;
    case HF_SO_RCVMARK:
        return OPTION_INERT + INERT_RCVMARK;
    case HF_SO_RCVPRIORITY:
        return OPTION_INERT + INERT_RCVPRIORITY;
    case HF_SO_PREFER_BUSY_POLL:
        return OPTION_INERT + INERT_PREFER_BUSY_POLL;
    case HF_SO_SELECT_ERR_QUEUE:
        return OPTION_INERT + INERT_SELECT_ERR_QUEUE;
    default:
        return OPTION_OTHER;
    }
}

static int find_ip(int name)
{
    switch (name) {
    case HF_IP_PKTINFO:
        return OPTION_PKTINFO;
    case HF_IP_RECVTTL:
        return OPTION_RECVTTL;
    case HF_IP_RECVTOS:
        return OPTION_RECVTOS;
    case HF_IP_RECVORIGDSTADDR:
        return OPTION_RECVORIGDST;
    case HF_IP_RECVERR:
        return OPTION_RECVERR;
    case HF_IP_RECVERR_RFC4884:
        return OPTION_INERT + INERT_RFC4884;
    case HF_IP_FREEBIND:
        return OPTION_FREEBIND;
    case HF_IP_TRANSPARENT:
        return OPTION_TRANSPARENT;
    case HF_IP_BIND_ADDRESS_NO_PORT:
        return OPTION_BIND_NO_PORT;
    case HF_IP_MULTICAST_LOOP:
        return OPTION_MULTICAST_LOOP;
    case HF_IP_MULTICAST_ALL:
        return OPTION_INERT + INERT_MULTICAST_ALL;
    case HF_IP_RECVOPTS:
        return OPTION_INERT + INERT_RECVOPTS;
    case HF_IP_RETOPTS:
        return OPTION_INERT + INERT_RETOPTS;
    case HF_IP_PASSSEC:
        return OPTION_INERT + INERT_PASSSEC;
    case HF_IP_CHECKSUM:
        return OPTION_INERT + INERT_CHECKSUM;
    case HF_IP_RECVFRAGSIZE:
        return OPTION_INERT + INERT_RECVFRAGSIZE;
    default:
        return OPTION_OTHER;
    }
}

static int find_ipv6(int name)
{
    switch (name) {
    case HF_IPV6_V6ONLY:
        return OPTION_V6ONLY;
    case HF_IPV6_RECVPKTINFO:
        return OPTION_RECVPKTINFO6;
    case HF_IPV6_RECVHOPLIMIT:
        return OPTION_RECVHOPLIMIT;
    case HF_IPV6_RECVTCLASS:
        return OPTION_RECVTCLASS;
    case HF_IPV6_RECVORIGDSTADDR:
        return OPTION_RECVORIGDST6;
    case HF_IPV6_RECVERR:
        return OPTION_RECVERR6;
    case HF_IPV6_RECVERR_RFC4884:
        return OPTION_INERT + INERT_RFC4884_6;
    case HF_IPV6_FREEBIND:
        return OPTION_FREEBIND;
    case HF_IPV6_TRANSPARENT:
        return OPTION_TRANSPARENT;
    case HF_IPV6_MULTICAST_LOOP:
        return OPTION_MULTICAST_LOOP6;
    case HF_IPV6_MULTICAST_ALL:
        return OPTION_INERT + INERT_MULTICAST_ALL6;
    case HF_IPV6_DONTFRAG:
        return OPTION_DONTFRAG;
    case HF_IPV6_RECVRTHDR:
        return OPTION_INERT + INERT_RECVRTHDR;
    case HF_IPV6_RECVHOPOPTS:
        return OPTION_INERT + INERT_RECVHOPOPTS;
    case HF_IPV6_RECVDSTOPTS:
        return OPTION_INERT + INERT_RECVDSTOPTS;
    case HF_IPV6_RECVPATHMTU:
        return OPTION_RECVPATHMTU;
    case HF_IPV6_AUTOFLOWLABEL:
        return OPTION_INERT + INERT_AUTOFLOWLABEL;
    case HF_IPV6_RECVFRAGSIZE:
        return OPTION_INERT + INERT_RECVFRAGSIZE6;
    case HF_IPV6_2292PKTINFO:
        return OPTION_2292PKTINFO;
    case HF_IPV6_2292HOPLIMIT:
        return OPTION_2292HOPLIMIT;
    case HF_IPV6_2292RTHDR:
        return OPTION_INERT + INERT_2292RTHDR;
    case HF_IPV6_2292HOPOPTS:
        return OPTION_INERT + INERT_2292HOPOPTS;
    case HF_IPV6_2292DSTOPTS:
        return OPTION_INERT + INERT_2292DSTOPTS;
    case HF_IPV6_ROUTER_ALERT_ISOLATE:
        return OPTION_INERT + INERT_ALERT_ISOLATE;
    default:
        return OPTION_OTHER;
    }
}

int option_find(int level, int name)
{
    return level == HF_SOL_SOCKET ? find_socket(name)
           : level == HF_SOL_IP   ? find_ip(name)
           : level == HF_SOL_IPV6 ? find_ipv6(name)
                                  : OPTION_OTHER;
}

bool option_is_on(const struct hf_sock *sk, int which)
{
    const struct pcb *pcb = sock_pcb(sk);
    const struct sock_options *o = &sk->opt;

    switch (which) {
    case OPTION_REUSEADDR:
        return pcb->entry.reuse_addr;
    case OPTION_REUSEPORT:
        return pcb->entry.reuse_port;
    case OPTION_BROADCAST:
        return pcb->broadcast;
    case OPTION_KEEPALIVE:
        return o->keepalive;
    case OPTION_OOBINLINE:
        return o->oob_inline;
    case OPTION_PKTINFO:
        return o->recv_pktinfo;
    case OPTION_RECVTTL:
        return o->recv_ttl;
    case OPTION_RECVTOS:
        return o->recv_tos;
    case OPTION_RECVORIGDST:
        return o->recv_origdst;
    case OPTION_RECVORIGDST6:
        return o->recv_origdst6;
    case OPTION_RECVERR:
        return pcb->recv_err;
    case OPTION_RECVERR6:
        return pcb->recv_err6;
    case OPTION_DONTFRAG:
        return o->dont_fragment6;
    case OPTION_RECVPATHMTU:
        return o->recv_path_mtu;
    case OPTION_FREEBIND:
        return pcb->entry.freebind;
    case OPTION_TRANSPARENT:
        return pcb->entry.transparent;
    case OPTION_BIND_NO_PORT:
        return pcb->entry.bind_no_port;
    case OPTION_MULTICAST_LOOP:
        return o->mcast_loop4;
    case OPTION_MULTICAST_LOOP6:
        return o->mcast_loop6;
    case OPTION_V6ONLY:
        return pcb->entry.v6only;
    case OPTION_RECVPKTINFO6:
        return o->recv_pktinfo6;
    case OPTION_RECVHOPLIMIT:
        return o->recv_hoplimit;
    case OPTION_RECVTCLASS:
        return o->recv_tclass;
    case OPTION_2292PKTINFO:
        return o->old_pktinfo6;
    case OPTION_2292HOPLIMIT:
        return o->old_hoplimit;
    case OPTION_RXQ_OVFL:
        return o->counts_drops;
    default:
        return (o->inert & (uint32_t)(which - OPTION_INERT)) != 0;
    }
}

static void turn_tcp(struct hf_sock *sk)
{
    struct tcp_options *t;

    if (!sk->is_stream)
        return;
    t = tcp_options(sock_tcb(sk));
    t->keepalive = sk->opt.keepalive;
    t->oob_inline = sk->opt.oob_inline;
    tcp_options_changed(sock_tcb(sk));
}

static void turn_udp(struct hf_sock *sk)
{
    if (!sock_is_udp(sk))
        return;
    sock_udp(sk)->dont_fragment6 = sk->opt.dont_fragment6;
    sock_udp(sk)->recv_path_mtu = sk->opt.recv_path_mtu;
    sock_udp(sk)->mcast4.loops = sk->opt.mcast_loop4;
    sock_udp(sk)->mcast6.loops = sk->opt.mcast_loop6;
    sock_udp(sk)->counts_drops = sk->opt.counts_drops;
    sock_udp(sk)->unchecked4 = (sk->opt.inert & INERT_NO_CHECK) != 0;
    sock_udp(sk)->mcast_all = (sk->opt.inert & INERT_MULTICAST_ALL) != 0;
    sock_udp(sk)->mcast_all6 = (sk->opt.inert & INERT_MULTICAST_ALL6) != 0;
}

/* Linux: whoever does not ask any more loses what is queued, whichever family's it is. */
static void turn_errors(struct hf_sock *sk, bool on)
{
    if (on)
        return;
    err_queue_purge(&sk->all->core, sock_pcb(sk));
    sock_event(sk);
}

static void turn_inert(struct sock_options *o, int bit, bool on)
{
    o->inert = on ? o->inert | (uint32_t)bit : o->inert & ~(uint32_t)bit;
}

void option_turn(struct hf_sock *sk, int which, bool on)
{
    struct pcb *pcb = sock_pcb(sk);
    struct sock_options *o = &sk->opt;

    switch (which) {
    case OPTION_REUSEADDR:
        pcb->entry.reuse_addr = on;
        ports_changed(sock_ports(sk), pcb);
        break;
    case OPTION_REUSEPORT:
        pcb->entry.reuse_port = on;
        ports_changed(sock_ports(sk), pcb);
        break;
    case OPTION_BROADCAST:
        pcb->broadcast = on;
        break;
    case OPTION_KEEPALIVE:
        o->keepalive = on;
        turn_tcp(sk);
        break;
    case OPTION_OOBINLINE:
        o->oob_inline = on;
        turn_tcp(sk);
        break;
    case OPTION_PKTINFO:
        o->recv_pktinfo = on;
        break;
    case OPTION_RECVTTL:
        o->recv_ttl = on;
        break;
    case OPTION_RECVTOS:
        o->recv_tos = on;
        break;
    case OPTION_RECVORIGDST:
        o->recv_origdst = on;
        break;
    case OPTION_RECVORIGDST6:
        o->recv_origdst6 = on;
        break;
    case OPTION_RECVERR:
        pcb->recv_err = on;
        turn_errors(sk, on);
        break;
    case OPTION_RECVERR6:
        pcb->recv_err6 = on;
        turn_errors(sk, on);
        break;
    case OPTION_DONTFRAG:
        o->dont_fragment6 = on;
        turn_udp(sk);
        break;
    case OPTION_RECVPATHMTU:
        o->recv_path_mtu = on;
        turn_udp(sk);
        break;
    case OPTION_FREEBIND:
        pcb->entry.freebind = on;
        break;
    case OPTION_TRANSPARENT:
        pcb->entry.transparent = on;
        break;
    case OPTION_BIND_NO_PORT:
        pcb->entry.bind_no_port = on;
        break;
    case OPTION_MULTICAST_LOOP:
        o->mcast_loop4 = on;
        turn_udp(sk);
        break;
    case OPTION_MULTICAST_LOOP6:
        o->mcast_loop6 = on;
        turn_udp(sk);
        break;
    case OPTION_V6ONLY:
        pcb->entry.v6only = on;
        break;
    case OPTION_RECVPKTINFO6:
        o->recv_pktinfo6 = on;
        break;
    case OPTION_RECVHOPLIMIT:
        o->recv_hoplimit = on;
        break;
    case OPTION_RECVTCLASS:
        o->recv_tclass = on;
        break;
    case OPTION_2292PKTINFO:
        o->old_pktinfo6 = on;
        break;
    case OPTION_2292HOPLIMIT:
        o->old_hoplimit = on;
        break;
    case OPTION_RXQ_OVFL:
        o->counts_drops = on;
        turn_udp(sk);
        break;
    default:
        turn_inert(o, which - OPTION_INERT, on);
        turn_udp(sk);
    }
}
