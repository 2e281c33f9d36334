/* Sockets: what POSIX and Linux say of them, over the transports. One file per call. Never blocks.
 *
 * A socket is one block of memory: struct hf_sock, then the transport's control block. It ends in
 * two steps: hf_sock_close takes it from its owner, and TCP gives the memory back when the
 * connection has ended too. Socket state (enum sock_state, Linux's SS_*) and TCP state are separate
 * machines: the first says what connect() has been told, the second what the wire has. */
#ifndef SOCKET_SOCK_H
#define SOCKET_SOCK_H

#include <assert.h>

#include "base/list.h"
#include "base/pool.h"
#include "handfast/linux.h"
#include "handfast/socket.h"
#include "netlink/netlink.h"
#include "socket/options.h"
#include "transport/tcp/tcp.h"
#include "transport/udp.h"
#include "transport/unix/unix.h"

enum sock_state {
    SOCK_UNCONNECTED,   /* connect() may begin */
    SOCK_CONNECTING,    /* connect() has begun and its end has not been told */
    SOCK_CONNECTED,     /* connect() has said 0, or accept() gave it */
    SOCK_DISCONNECTING, /* shut down after connect() had failed and before it told: only AF_UNSPEC
                           makes anything of it again */
};

enum { SOCK_SHUT_RD = 1, SOCK_SHUT_WR = 2 }; /* Linux: RCV_SHUTDOWN, SEND_SHUTDOWN */

/* What the sockets of one stack share. */
struct sockets {
    struct core core;
    struct net net;
    struct tcp tcp;
    struct udp udp;
    struct unix_net un;
    struct netlink nl;
    struct pool streams, datagrams, locals, kernels; /* of sockets with memory */
    struct list others;   /* all but streams, by what stands before them */
    struct hash fastopen; /* what listeners have of Fast Open, by their sockets: fastopen.c */
    hf_event_fn *event;
    hf_wanted_fn *wanted;
    void *event_ctx; /* of both */
    uint16_t unprivileged_port_start;
    uint64_t next_cookie;
    hf_time epoch; /* hf_stack_set_epoch */
};

struct hf_sock {
    struct sockets *all;
    void *user;
    uint64_t cookie; /* SO_COOKIE, 0: not asked for yet */
    struct sock_options opt;
    uint8_t state;          /* enum sock_state */
    uint8_t shut;           /* SOCK_SHUT_* */
    uint8_t is_stream : 1;  /* TCP's */
    uint8_t is_unix : 1;    /* AF_UNIX's, of any type */
    uint8_t is_closed : 1;  /* hf_sock_close was called: no more events */
    uint8_t is_admin : 1;   /* hf_sock_set_admin */
    uint8_t is_netlink : 1; /* AF_NETLINK's */
};

static_assert(sizeof(struct hf_sock) % 8 == 0 && sizeof(struct hf_sock) <= 72,
              "with a struct tcb and the note of its slab 512 bytes");

static inline void *sock_block(const struct hf_sock *sk)
{
    return (struct hf_sock *)(uintptr_t)sk + 1;
}
static inline struct hf_sock *sock_of_block(void *block)
{
    return (struct hf_sock *)block - 1;
}
static inline struct tcb *sock_tcb(const struct hf_sock *sk)
{
    return sock_block(sk);
}
static inline struct udp_pcb *sock_udp(const struct hf_sock *sk)
{
    return sock_block(sk);
}
static inline bool sock_is_udp(const struct hf_sock *sk)
{
    return !sk->is_stream && !sk->is_unix && !sk->is_netlink;
}
static inline struct netlink_pcb *sock_netlink(const struct hf_sock *sk)
{
    return sock_block(sk);
}
static inline struct unix_pcb *sock_unix(const struct hf_sock *sk)
{
    return sock_block(sk);
}
/* The control blocks of TCP and UDP begin with it. */
static inline struct pcb *sock_pcb(const struct hf_sock *sk)
{
    return sock_block(sk);
}

/* What stands before any socket but a stream of TCP. A stream has nothing there: streams come
 * by the million. */
static inline struct list *sock_link(struct hf_sock *sk)
{
    return (struct list *)(void *)sk - 1;
}
/* The datagram that is being made (cork.h), or NULL. */
static inline struct cork *sock_cork(const struct hf_sock *sk)
{
    return sock_is_udp(sk) ? sock_udp(sk)->cork : NULL;
}

static inline struct ports *sock_ports(const struct hf_sock *sk)
{
    return sk->is_stream ? &sk->all->tcp.ports : &sk->all->udp.ports;
}
static inline bool sock_is_privileged(const struct hf_sock *sk)
{
    return sk->is_admin || sk->all->core.privileged;
}
static inline uint16_t sock_family(const struct hf_sock *sk)
{
    if (sk->is_unix)
        return HF_AF_UNIX;
    if (sk->is_netlink)
        return HF_AF_NETLINK;
    return pcb_is_v6(sock_pcb(sk)) ? HF_AF_INET6 : HF_AF_INET;
}

/* new.c */
HF_NODISCARD int sockets_init(struct sockets *all, const struct hf_stack_config *config);
void sockets_fini(struct sockets *all);
HF_NODISCARD int sock_new(struct sockets *all, int domain, int type, int protocol,
                          struct hf_sock **out);

/* connect.c: of a stream. how: TCP_OPEN_...; 0: deferred. */
HF_NODISCARD int sock_connect_stream(struct hf_sock *sk, const void *addr, uint32_t len, int how,
                                     bool can_wait);
/* fastopen.c: what the socket has of Fast Open as a listener, or NULL; without it from now on. */
struct tcp_fastopen_queue *sock_fastopen(const struct hf_sock *sk);
void sock_fastopen_drop(struct hf_sock *sk);
/* fastopen.c: 16 or 32 bytes as keys; -HF_EINVAL. */
HF_NODISCARD int fastopen_read_keys(struct tcp_fastopen_keys *keys, const void *value,
                                    uint32_t len);
/* What the socket's options say of Fast Open, as TCP_OPEN_... */
int sock_fastopen_how(const struct hf_sock *sk);

struct hf_sock *sock_make_unix(struct sockets *all, int type);

/* event.c: an up-call of a transport reached the socket. */
void sock_event(struct hf_sock *sk);
extern const struct tcp_up sock_tcp_up;
const struct udp_up *sock_udp_up(const struct sockets *all);
extern const struct unix_up sock_unix_up;
extern const struct netlink_up sock_netlink_up;

/* shutdown.c: of a stream; TCP is told. */
void sock_set_shut(struct hf_sock *sk, uint8_t bits);

/* The pending error, taken, as a negated number; 0: none. */
int sock_take_error(struct hf_sock *sk);

#endif
